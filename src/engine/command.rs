//! What the shell is to do.

use std::cmp::Reverse;

use crate::base::id::StepId;
use crate::base::time::{Millis, Timestamp};
use crate::model::finding::{Look, NextCall};

/// One thing that must be going on. The order is that of urgency: what ends a step comes before what starts one, and
/// of two alike the one with the longer path behind it comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Decide `Input::TimeReached` at this moment, or at once if it has passed.
    WakeAt(Timestamp),
    /// Send the call that the last look at the object asked for. Its intent is in the log. Once sent it is never
    /// dropped; its answer is decided as `Input::Applied`.
    Apply {
        /// How long the step and what waits for it are expected to take, on the longest chain.
        remaining: Reverse<Millis>,
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// The call.
        call: NextCall,
        /// The call must have ended by then.
        deadline: Timestamp,
    },
    /// Look at the object after a call. The finding is decided as `Input::Verified`.
    Verify {
        /// How long the step and what waits for it are expected to take, on the longest chain.
        remaining: Reverse<Millis>,
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// How to look.
        look: Look,
    },
    /// Look at the object before a call, or read for a check. The finding is decided as `Input::Observed`.
    Observe {
        /// How long the step and what waits for it are expected to take, on the longest chain.
        remaining: Reverse<Millis>,
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// How to look.
        look: Look,
    },
}

impl Command {
    /// The step it is for.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Command::WakeAt(_) => None,
            Command::Apply { step, .. } | Command::Verify { step, .. } | Command::Observe { step, .. } => {
                Some(step)
            }
        }
    }
}
