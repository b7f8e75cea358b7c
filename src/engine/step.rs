//! One step of a run: its phase, its turn, and what is remembered of its calls.

use std::collections::BTreeSet;

use crate::base::id::StepId;
use crate::base::time::Timestamp;
use crate::model::event::{Effect, Rest};
use crate::model::finding::NextCall;
use crate::model::outcome::Cause;
use crate::model::plan::Operation;

/// Where one step stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its phase.
    pub phase: Phase,
    /// Its turn: grows with each look after a rest and with each call after the first, so that a result tells which
    /// command it belongs to.
    pub attempt: u32,
    /// Needs that have not succeeded yet.
    pub(super) unmet: usize,
    /// Tries spent on busy services, conflicts and unreadable objects.
    pub(super) tries: u32,
    /// Calls that a service did not answer. Those whose holder went away are not counted.
    pub(super) doubts: u32,
    /// Rests for an object that is busy with somebody else's change.
    pub(super) waits: u32,
    /// Updates sent to finish a create.
    pub(super) follow_ups: u32,
    /// The last call.
    pub(super) last_call: Option<NextCall>,
    /// Whether the old object of a replacement was seen to be gone.
    pub(super) cleared: bool,
    /// Calls that had their effect, or may have had it, in any round.
    pub(super) acted: BTreeSet<NextCall>,
    /// Whether one of them was in this round: then the step is brought to its end, whatever the calendar says.
    pub(super) begun: bool,
    /// Whether an object that is there is ours, because this run acted on it or may have.
    pub(super) ours: bool,
    /// Whether a create met an object that cannot be ours. A later create in doubt then proves nothing.
    pub(super) contested: bool,
    pub(super) timer: Option<Timestamp>,
}

/// The phases of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// It waits for other steps.
    Waiting,
    /// Its object is being looked at.
    Observing,
    /// A call is under way.
    Applying {
        /// Which.
        call: NextCall,
        /// It has had its effect by then, or never will.
        deadline: Timestamp,
    },
    /// After a call, its object is being looked at until the goal is reached.
    Verifying {
        /// When the call was answered.
        since: Timestamp,
        /// From when on waiting for it to become ready is counted.
        watched_from: Timestamp,
        /// From when on waiting for it to show what was applied is counted.
        settles_from: Timestamp,
        /// Looks that said "not yet".
        polls: u32,
        /// The next look, unless one is under way.
        next: Option<Timestamp>,
    },
    /// It waits before it looks again.
    Resting {
        /// Until when.
        until: Timestamp,
        /// Why.
        why: Rest,
        /// Since when, if the log says it.
        since: Option<Timestamp>,
    },
    /// It reached its goal.
    Succeeded {
        /// What the run did for it.
        effect: Effect,
    },
    /// It did not.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// It never starts.
    Blocked {
        /// The step whose failure is the reason.
        by: StepId,
    },
}

impl Step {
    pub(super) fn new(unmet: usize) -> Self {
        Self {
            phase: Phase::Waiting,
            attempt: 1,
            unmet,
            tries: 0,
            doubts: 0,
            waits: 0,
            follow_ups: 0,
            last_call: None,
            cleared: false,
            acted: BTreeSet::new(),
            begun: false,
            ours: false,
            contested: false,
            timer: None,
        }
    }

    /// Begins anew in a further round. Tries, doubts and waits are fresh; what is known of the object stays, because the
    /// calls of earlier rounds had their effects, or may have had them.
    ///
    /// A step that rests goes on resting: a call in doubt may have its effect until then, and a service that asked for
    /// patience asked it of this round too. The turn always grows, so that no answer to an earlier round is taken.
    pub(super) fn renew(&mut self) {
        (self.tries, self.doubts, self.waits, self.follow_ups, self.begun) = (0, 0, 0, 0, false);
        let had_turns = !matches!(self.phase, Phase::Waiting | Phase::Blocked { .. });
        self.attempt += u32::from(had_turns);
        if !matches!(self.phase, Phase::Resting { .. }) {
            self.phase = if self.unmet == 0 { Phase::Observing } else { Phase::Waiting };
        }
    }

    /// A call had its effect, or may have had it.
    pub(super) fn act(&mut self, call: NextCall) {
        self.acted.insert(call);
        self.begun = true;
    }

    /// Whether it has ended.
    pub fn is_ended(&self) -> bool {
        match self.phase {
            Phase::Succeeded { .. } | Phase::Failed { .. } | Phase::Blocked { .. } => true,
            Phase::Waiting
            | Phase::Observing
            | Phase::Applying { .. }
            | Phase::Verifying { .. }
            | Phase::Resting { .. } => false,
        }
    }

    /// What the run did for it, judged by the calls that had their effect or may have had it.
    pub(super) fn effect(&self, operation: Option<Operation>) -> Effect {
        let did = |call| self.acted.contains(&call);
        match operation {
            None => Effect::Checked,
            Some(Operation::Replace) if did(NextCall::Delete) && did(NextCall::Create) => Effect::Replaced,
            Some(_) if did(NextCall::Create) => Effect::Created,
            Some(Operation::Delete) if did(NextCall::Delete) => Effect::Deleted,
            Some(Operation::Delete) => Effect::AlreadyGone,
            Some(_) if did(NextCall::Update) => Effect::Updated,
            Some(_) => Effect::Unchanged,
        }
    }
}
