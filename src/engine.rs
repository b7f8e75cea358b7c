//! Floor 2: the scope engine, a pure state machine that runs the steps of one scope.
//!
//! ```text
//! Waiting ──needs met──▶ Observing(n)
//! Observing  Matches, Holds ─▶ Succeeded    Absent, Differs ─▶ Applying(n)    Foreign, Stale, Broken ─▶ Failed
//!            Pending, ours ─▶ Verifying     Pending, not ours; Unreadable ─▶ Resting
//! Applying   Done ─▶ Verifying              Refused ─▶ Failed                 Busy, Conflict, NoAnswer ─▶ Resting
//!            first call, but the calendar is shut ─▶ Resting; if it never opens ─▶ Failed
//! Resting    time ─▶ Observing(n+1)         tries used up ─▶ Failed
//! Verifying  goal reached ─▶ Succeeded      not yet ─▶ Verifying later        too late, Broken ─▶ Failed
//!            a replacement's old object gone, a follow-up due ─▶ Applying(n+1)
//! ends       Succeeded Failed Blocked
//! ```
//!
//! The shell's loop is: [`decide`] → append the durable events → [`apply`] all of them → start what is [`owed`] and
//! not running, drop reads that run and are no longer owed. What is owed follows from the state alone, so that starting,
//! resuming and recovering from a crash are the same code. A new holder of the log replays its durable events and
//! decides [`Input::Recovered`] before anything else.
//!
//! Rules in doubt. A call whose answer never came may have its effect until its deadline, never after: the shell sends
//! a call only if it can end by the deadline that the command carries, and answers `Busy` if it could not send it. After
//! that deadline and a margin the object is looked for, and only an object that is not there is made. This holds if no
//! two objects can share a natural key, or if reads are consistent; a kind with neither must not be created by a machine.
//!
//! An object that is found after a create in doubt is taken for ours, unless an earlier create of the step met an object
//! while nothing of ours could be there: then whatever is found is somebody else's, and only a clear answer makes it ours.
//!
//! A run that is asked to stop sends no further call, waits for those under way, and is then *suspended*, not ended:
//! what was applied is verified when the run is taken up again. One that is *called off* does the same and then ends as
//! it stands; a call that was not answered is not waited for, and stays in doubt in what the scope holds.
//!
//! The calendar. The first call of a step in a round is sent only if the scope's calendar is open for as long as the step
//! is expected to take; else the step rests until then, which spends no try, and its object is judged anew. What has
//! begun is brought to its end even after the window's: follow-ups, the create of a replacement, and whatever comes
//! after a call that may have had its effect. Looks are free at all times.
//!
//! Rounds. A run that failed or was called off can be tried again: whatever did not succeed begins anew, with fresh
//! tries, a turn that no answer to an earlier round has, and the calendar to be asked again. What calls of earlier
//! rounds did, or may have done, is still known: their objects are ours, and a call in doubt is still waited out.
//!
//! Within one class of commands, steps with the longest path behind them come first. `tests/sim` proves all of this
//! against a hostile world.

mod apply;
mod command;
mod decide;
mod graph;
mod input;
mod judge;
mod moved;
mod rest;
mod state;
mod step;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod waits;

pub use apply::apply;
pub use command::Command;
pub use decide::decide;
pub use input::{Decision, Input, Refusal};
pub use state::{ReplayError, State};
pub use step::{Phase, Step};
pub use steps::Steps;
pub use waits::{StepWait, WaitsOn, waits};

use std::collections::BTreeSet;

use crate::base::id::StepId;
use crate::base::time::Timestamp;

/// What must be going on right now, from state alone. At most one command per step, and at most one `WakeAt`, which
/// comes first. The order is the order in which commands are to be started if not all can be.
///
/// It looks at every step. A shell that follows [`moved`] knows the same, and what it does costs what changed.
pub fn owed(state: &State) -> BTreeSet<Command> {
    state.owed()
}

/// What is owed now by each step to which something has happened since this was last asked; for a new state, and for
/// one that was replayed, since it began. Where nothing is owed any more, what was need not go on.
pub fn moved(state: &mut State) -> Vec<(StepId, Option<Command>)> {
    let moved = state.take_moved();
    moved.into_iter().map(|at| (state.graph.name(at).clone(), state.owed_by(at))).collect()
}

/// The moment of the `WakeAt` that is owed.
pub fn wakes_at(state: &State) -> Option<Timestamp> {
    state.timers.first().map(|(at, _)| *at)
}

/// How many calls are owed: `Command::Apply`, those under way among them.
pub fn calls(state: &State) -> usize {
    if state.is_live() { state.applying.len() } else { 0 }
}
