//! Sixty sites: near the bound, within the limits, the same every time.

use landfall::pacing::Rates;

use crate::fleet::bound::{Stage, bound};
use crate::fleet::estate::plan;
use crate::fleet::play::play;

const SITES: usize = 60;
const SLOTS: usize = 512;

#[test]
fn sixty_sites_come_within_a_twentieth_of_the_bound_and_never_ask_too_much() {
    let (plan, rates) = (plan(SITES), Rates::standard());
    let played = play(&plan, 1, SLOTS, rates);
    let stages = bound(&plan, 1, SLOTS, rates);
    let least: f64 = stages.iter().map(Stage::seconds).sum();
    let ratio = played.makespan.0 as f64 / 1e3 / least;
    println!(
        "{SITES} sites: {:?}, bound {least:.0} s, {ratio:.3}, {} calls, {} polls",
        played.makespan, played.calls, played.polls
    );
    for stage in &stages {
        println!("  {}: {:.0} s by {}: {stage:?}", stage.name, stage.seconds(), stage.binds());
    }
    println!("  {:?}", played.shared);
    assert!(ratio >= 1.0 - 1e-3, "the bound is one: {ratio}");
    assert!(ratio <= 1.05, "{ratio}");
    assert_eq!(played.refused, 0, "calls more than the services take");
    assert_eq!(play(&plan, 1, SLOTS, rates), played, "the same seed gives the same launch");
    assert_ne!(play(&plan, 2, SLOTS, rates).digest, played.digest, "another seed gives another");
}
