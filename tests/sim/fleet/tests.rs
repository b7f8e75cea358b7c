//! Small fleets: near the bound, within the limits, the same every time.

use landfall::pacing::Rates;

use crate::fleet::bound::{Stage, bound};
use crate::fleet::estate::plan;
use crate::fleet::play::{Played, play};

const SLOTS: usize = 512;

/// One launch, and how far it is from its bound.
fn launched(sites: usize, seed: u64) -> (Played, f64) {
    let (plan, rates) = (plan(sites), Rates::standard());
    let played = play(&plan, seed, SLOTS, rates);
    let stages = bound(&plan, seed, SLOTS, rates);
    let ratio = played.makespan.0 as f64 / 1e3 / stages.iter().map(Stage::seconds).sum::<f64>();
    let binds: Vec<&str> = stages.iter().map(Stage::binds).collect();
    println!(
        "{sites} sites: {:?}, {ratio:.3} of the bound ({binds:?}), {} polls",
        played.makespan, played.polls
    );
    assert!(ratio >= 1.0 - 1e-3, "the bound is one: {ratio}");
    assert_eq!(played.refused, 0, "calls more than the services take");
    (played, ratio)
}

#[test]
fn two_hundred_sites_come_within_a_twentieth_of_the_bound_and_never_ask_too_much() {
    let (_, ratio) = launched(200, 1);
    assert!(ratio <= 1.05, "{ratio}");
}

/// With fewer sites the account's line runs dry while workspaces are made, which the bound of the lane does not know.
#[test]
fn sixty_sites_take_a_seventh_more_at_most_and_the_same_time_every_time() {
    let (played, ratio) = launched(60, 1);
    assert!(ratio <= 1.15, "{ratio}");
    assert_eq!(launched(60, 1).0, played, "the same seed gives the same launch");
    assert_ne!(launched(60, 2).0.digest, played.digest, "another seed gives another");
}
