//! What the shell tells the engine, and what it gets back.

use serde_json::Value;

use crate::base::id::StepId;
use crate::model::event::Event;
use crate::model::finding::Finding;
use crate::model::outcome::ApplyOutcome;

/// What happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The run begins. Legal once.
    Started,
    /// A new holder has the lease and has replayed the log: whatever was under way is in doubt.
    Recovered,
    /// `Command::Observe` found this.
    Observed {
        /// The step.
        step: StepId,
        /// Its turn, as the command had it.
        attempt: u32,
        /// What was compared with: the desired state with references resolved; null for a check.
        spec: Value,
        /// What was found.
        finding: Finding,
    },
    /// `Command::Apply` was answered so.
    Applied {
        /// The step.
        step: StepId,
        /// Its turn, as the command had it.
        attempt: u32,
        /// The answer.
        outcome: ApplyOutcome,
    },
    /// `Command::Verify` found this.
    Verified {
        /// The step.
        step: StepId,
        /// Its turn, as the command had it.
        attempt: u32,
        /// What was compared with.
        spec: Value,
        /// What was found.
        finding: Finding,
    },
    /// The moment of a `Command::WakeAt` has come.
    TimeReached,
    /// Stop: no new calls; those under way finish; then the run is suspended.
    StopAsked,
    /// Call off: no new calls; those under way finish; then the run ends as it stands. A run that was suspended ends at
    /// once. One whose holder went away is first recovered, so that the calls it left are in doubt and not waited for.
    AbortAsked,
    /// Try a run again that failed or was called off. It is decided on the run as it ended, without recovering it.
    RetryAsked {
        /// The launch's round of this scope. One that the run has reached already changes nothing.
        round: u32,
    },
}

/// What an input comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// These things happened: append the durable ones in one step, then fold all, in order.
    Accepted(Vec<Event>),
    /// The input comes too late, twice, or out of turn; it changes nothing.
    Stale,
    /// The input makes no sense for this run; it changes nothing.
    Refused(Refusal),
}

/// Why an input was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The run has already begun.
    #[error("the run has already begun: take it up again instead")]
    AlreadyStarted,
    /// The run has not begun.
    #[error("the run has not begun")]
    NotStarted,
    /// The run has ended.
    #[error("the run has ended")]
    Ended,
    /// The run has not ended, so that there is nothing to try again.
    #[error("the run has not ended: take it up again instead")]
    NotEnded,
    /// Every step has succeeded, so that there is nothing to try again.
    #[error("the run has succeeded: there is nothing to try again")]
    Succeeded,
    /// The run has no such step.
    #[error("the run has no such step")]
    UnknownStep,
}
