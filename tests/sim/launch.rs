//! The fleet engine's stories: scopes that take their time, fail, are stopped and called off; windows, criteria and bake
//! time; people who pause, skip, abort and retry; clocks that jump; and processes that crash or are no longer the holder.

mod draw;
mod mutant;
mod placements;
mod story;
mod tally;
mod watch;
mod world;

pub use mutant::{MUTANTS, Mutant};
pub use tally::Tally;

use crate::shell::guarded;
use crate::watch::Violation;

/// Plays the launch of a seed to its end.
pub fn play(seed: u64, mutant: Option<Mutant>) -> Result<Tally, Violation> {
    guarded(|| story::Story::new(seed, mutant).play())
}

#[test]
fn every_turn_of_a_launch_is_met() {
    let mut all = Tally::default();
    for seed in 0..1_000 {
        all.add(&play(seed, None).unwrap_or_else(|found| panic!("{seed}: {found:?}")));
    }
    let never: Vec<&str> =
        all.counts().iter().filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect();
    assert!(never.is_empty(), "never met: {never:?}");
}
