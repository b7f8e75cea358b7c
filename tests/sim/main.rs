//! The two engines against a hostile world: each seed is a story with its own plan and its own mix of faults, and the
//! named invariants are checked at every event. Everything is the product's own code but the shell and the world.
//!
//! `LANDFALL_SIM_SEEDS=n` plays n seeds, `LANDFALL_SIM_SEED=s` only that one.

mod calendar;
#[allow(dead_code, reason = "the benchmark suite plays it too, and reads more of it")]
mod fleet;
#[path = "fleet/tests.rs"]
mod fleet_tests;
mod launch;
mod mutant;
mod production;
mod random;
mod scenario;
mod shell;
mod watch;
mod world;

use mutant::MUTANTS;
use shell::{Tally, play};

/// Seeds that are played unless asked otherwise.
const SEEDS: u64 = 5_000;
/// Seeds within which each mutant must die.
const MUTANT_SEEDS: u64 = 3_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("the variable holds a number"))
}

/// The seeds to play.
fn seeds(count: u64) -> std::ops::Range<u64> {
    match number("LANDFALL_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("LANDFALL_SIM_SEEDS").unwrap_or(count),
    }
}

#[test]
fn every_invariant_holds_in_every_story_of_a_scope() {
    let (seeds, begun) = (seeds(SEEDS), std::time::Instant::now());
    let mut all = Tally::default();
    for seed in seeds.clone() {
        match play(seed, None) {
            Ok(tally) => all.add(&tally),
            Err(violation) => panic!(
                "{}: {}\nreplay with: LANDFALL_SIM_SEED={seed} cargo test --test sim story_of_a_scope",
                violation.name, violation.what
            ),
        }
    }
    println!("scope engine: {} seeds in {:?}, {all:?}", seeds.end - seeds.start, begun.elapsed());
    if seeds.end - seeds.start >= 1_000 {
        let counts = [
            all.events,
            all.crashes,
            all.stops,
            all.calls,
            all.in_doubt,
            all.failed,
            all.aborts,
            all.retries,
            all.jumps,
            all.stale_sends,
            all.window_rests,
        ];
        assert!(counts.iter().all(|count| *count > 0), "some fault never happened: {all:?}");
    }
}

#[test]
fn a_seed_always_tells_the_same_story() {
    let told = |seed| format!("{:?} {:?}", play(seed, None), launch::play(seed, None));
    for seed in 0..50 {
        assert_eq!(told(seed), told(seed));
    }
    assert_ne!(told(0), told(1));
}

#[test]
fn every_invariant_holds_in_every_story_of_a_launch() {
    let seeds = seeds(SEEDS);
    let mut all = launch::Tally::default();
    for seed in seeds.clone() {
        match launch::play(seed, None) {
            Ok(tally) => all.add(&tally),
            Err(violation) => panic!(
                "{}: {}\nreplay with: LANDFALL_SIM_SEED={seed} cargo test --test sim story_of_a_launch",
                violation.name, violation.what
            ),
        }
    }
    println!("fleet engine: {} seeds, {all:?}", seeds.end - seeds.start);
    if seeds.end - seeds.start >= 1_000 {
        let counts = [all.events, all.crashes, all.stops, all.halted, all.skipped, all.partial];
        assert!(counts.iter().all(|count| *count > 0), "some fault never happened: {all:?}");
    }
}

#[test]
fn every_mutant_of_the_fleet_engine_is_killed_by_its_invariant() {
    shell::keep_quiet();
    let mut alive = Vec::new();
    for (mutant, name) in launch::MUTANTS {
        let dies = |seed: &u64| launch::play(*seed, Some(mutant)).is_err_and(|found| found.name == name);
        match (0..MUTANT_SEEDS).find(dies) {
            Some(seed) => println!("{mutant:?} dies of {name} at seed {seed}"),
            None => alive.push(format!("{mutant:?} survives {name}")),
        }
    }
    assert!(alive.is_empty(), "{alive:#?}");
}

#[test]
fn every_mutant_of_the_scope_engine_is_killed_by_its_invariant() {
    shell::keep_quiet();
    let mut alive = Vec::new();
    for (mutant, name) in MUTANTS {
        let killer =
            (0..MUTANT_SEEDS).find(|seed| play(*seed, Some(mutant)).is_err_and(|found| found.name == name));
        match killer {
            Some(seed) => println!("{mutant:?} dies of {name} at seed {seed}"),
            None => alive.push(format!("{mutant:?} survives {name}")),
        }
    }
    assert!(alive.is_empty(), "{alive:#?}");
}
