//! A fleet in virtual time, by itself: `cargo bench --bench fleet -- [SITES] [SLOTS] [SEED]`. It prints the simulated
//! time, its bound, and how long the simulation took; making the plan is not in it. With `--plan` only the plan is made:
//! `benches/callgrind.sh` takes the difference.

#![allow(missing_docs, reason = "a program, not a library")]

/// What `landfall` itself is linked with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[path = "../tests/sim/fleet.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod fleet;

use std::time::Instant;

use landfall::pacing::Rates;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let of = |at: usize, usual: usize| numbers.get(at).copied().unwrap_or(usual);
    let (sites, slots, seed) = (of(0, 100), of(1, 512), of(2, 1) as u64);
    let (plan, rates) = (fleet::estate::plan(sites), Rates::standard());
    let steps: usize = plan.scopes.values().map(|scope| scope.steps.len()).sum();
    if std::env::args().any(|word| word == "--plan") {
        return println!("{sites} sites, {steps} steps");
    }
    let began = Instant::now();
    let played = fleet::play::play(&plan, seed, slots, rates);
    let took = began.elapsed().as_secs_f64();
    let stages = fleet::bound::bound(&plan, seed, slots, rates);
    let bound: f64 = stages.iter().map(fleet::bound::Stage::seconds).sum();
    let makespan = played.makespan.0 as f64 / 1e3;
    println!(
        "{sites} sites, {steps} steps, {slots} slots: {makespan:.1} s simulated, bound {bound:.1} s, ratio {:.3}, {} calls, \
         {} polls, {} refused, {took:.2} s of real time, {}",
        makespan / bound,
        played.calls,
        played.polls,
        played.refused,
        played.digest
    );
    for stage in stages {
        println!("  {:11} {:8.1} s by {} {stage:?}", stage.name, stage.seconds(), stage.binds());
    }
    for (lane, calls) in &played.shared {
        println!("  {lane}: {calls} calls");
    }
}
