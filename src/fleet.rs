//! Floor 2: the fleet engine, a pure state machine that runs the scopes of one launch.
//!
//! The same shape as the scope engine: [`decide`] → append → [`apply`] → start what is [`owed`].
//!
//! The account comes first, then the regions, then the waves in order. Inside a wave the first site that can run is
//! the canary; it ends well before another starts. After it, at most `max_parallel` sites run, and never more than the
//! remaining failure budget + 1, so that the budget is overdrawn by one site at the most. A canary that fails, or more
//! failures than the budget, halt the wave: its remaining sites stay pending and no later wave starts. A scope whose
//! needs did not end well is skipped; that does not count against the budget, because the site itself was not tried.
//!
//! A launch that is asked to stop starts no further scope and waits for those that run to end or to be suspended; it
//! is then suspended itself. Taking it up again owes those scopes once more. `tests/sim` proves the rules.

mod decide;
mod state;

pub use decide::{Decision, Input, Refusal, decide};
pub use state::{Phase, ReplayError, State, Wave, apply};

use std::collections::BTreeSet;

use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;

/// What the shell is to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Run this scope, or take its run up again; its end is decided as `Input::ScopeEnded`. A launch that is stopping
    /// still owes it: the shell passes the stop on, and the scope then ends as `Suspended`.
    RunScope {
        /// The scope.
        scope: ScopeId,
        /// Which time it is tried. If its run has ended in an earlier round, it is retried.
        round: u32,
    },
    /// Call this scope's run off: pass the abort on; its end is decided as `Input::ScopeEnded`.
    AbortScope(ScopeId),
    /// Find out which of the wave's entry criteria are open; decided as `Input::EntryJudged`.
    JudgeEntry(WaveName),
    /// Repeat the checks of these sites of the wave; decided as `Input::BakeLooked`.
    LookAtBake {
        /// The wave.
        wave: WaveName,
        /// Its sites that are done.
        scopes: Vec<ScopeId>,
    },
    /// Decide `Input::TimeReached` at this moment, or at once if it has passed.
    WakeAt(Timestamp),
}

/// What must be going on right now, from state alone.
pub fn owed(state: &State) -> BTreeSet<Command> {
    if !state.is_live() {
        return BTreeSet::new();
    }
    state.running().map(|scope| Command::RunScope { scope: scope.clone(), round: 1 }).collect()
}
