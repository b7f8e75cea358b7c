//! What happened to one run of one scope, in the past tense: the words of its log.
//!
//! An event's kind and step go to the entry's own fields, everything else to its body. Moments that the fold needs
//! are in the body too, so that an event means the same wherever it is read.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entry::BlobRef;
use super::finding::NextCall;
use super::outcome::Cause;
use super::tagged;
use crate::base::digest::Digest;
use crate::base::id::{KindName, StepId};
use crate::base::time::{Millis, Timestamp};

/// One thing that happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum Event {
    /// The run began.
    #[serde(rename = "run.started")]
    RunStarted {
        /// When.
        at: Timestamp,
    },
    /// A holder of the lease took the run up, after a crash or after it was suspended.
    #[serde(rename = "run.recovered")]
    RunRecovered {
        /// When. Waiting for objects is counted anew from here: nobody looked in between.
        at: Timestamp,
    },
    /// The run was asked to stop: no new calls; those under way finish.
    #[serde(rename = "run.stopping")]
    RunStopping {},
    /// After being asked to stop, the last call under way has ended. `RunRecovered` makes the run go on.
    #[serde(rename = "run.suspended")]
    RunSuspended {},
    /// The run was called off: no new calls; those under way finish, and then the run ends as it stands.
    #[serde(rename = "run.aborting")]
    RunAborting {},
    /// A run that failed or was called off is tried again: what failed, what was blocked behind it and what was never
    /// started begins anew; what succeeded stays.
    #[serde(rename = "run.retried")]
    RunRetried {
        /// When.
        at: Timestamp,
        /// The launch's round of this scope: 2 for the first retry.
        round: u32,
    },
    /// Every step has ended, or the run was called off and the last call under way has ended.
    #[serde(rename = "run.ended")]
    RunEnded {
        /// How.
        outcome: RunOutcome,
        /// The steps by how they ended.
        counts: Counts,
    },
    /// Intent: a mutating call is about to be sent.
    #[serde(rename = "step.applying")]
    StepApplying {
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// The call.
        call: NextCall,
        /// The call has had its effect by then, or never will.
        deadline: Timestamp,
        /// What is being applied; for a delete, what was last applied.
        desired: Desired,
    },
    /// The service took the call.
    #[serde(rename = "step.applied")]
    StepApplied {
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// When.
        at: Timestamp,
        /// The object's id, if the call made it known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The object of a call that was in doubt was found, but is not ready yet.
    #[serde(rename = "step.found")]
    StepFound {
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// When.
        at: Timestamp,
        /// The object's id, if the read showed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The step waits before it looks again.
    #[serde(rename = "step.rested")]
    StepRested {
        /// The step.
        step: StepId,
        /// The turn that ended so.
        attempt: u32,
        /// When. Entries of earlier programs do not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        /// Until when.
        until: Timestamp,
        /// Why.
        why: Rest,
        /// What the service said, if it said something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// A look showed that the object is not there yet. Not kept.
    #[serde(rename = "step.polled")]
    StepPolled {
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// When the next look is due.
        next: Timestamp,
        /// From when on its settling is counted: it begins anew while the object says that it is not ready.
        settles_from: Timestamp,
        /// What was seen, for people.
        seen: String,
    },
    /// A rest, or the time between two looks, is over. Not kept.
    #[serde(rename = "step.woke")]
    StepWoke {
        /// The step.
        step: StepId,
        /// Its turn from here on.
        attempt: u32,
    },
    /// The goal was seen to be reached.
    #[serde(rename = "step.succeeded")]
    StepSucceeded {
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// What the run did for it.
        effect: Effect,
        /// The object's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Its allow-listed outputs.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        outputs: Map<String, Value>,
        /// The object as it was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        readback: Option<BlobRef>,
        /// Looks that said "not yet".
        polls: u32,
        /// Time from the call's answer to this look.
        settled_in: Millis,
        /// What was compared with, if no call of this run has recorded it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        desired: Option<Desired>,
    },
    /// The step ended without reaching its goal.
    #[serde(rename = "step.failed")]
    StepFailed {
        /// The step.
        step: StepId,
        /// Its turn.
        attempt: u32,
        /// Why.
        cause: Cause,
        /// What was read, for a check that does not hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        readback: Option<BlobRef>,
    },
    /// The step will not start, because one that it needs has failed.
    #[serde(rename = "step.blocked")]
    StepBlocked {
        /// The step.
        step: StepId,
        /// The step that failed.
        by: StepId,
    },
    /// Something that this program does not know. Reports tolerate it; a run is never continued over it.
    #[serde(skip)]
    Unknown {
        /// Its kind.
        kind: String,
        /// The step it is about.
        step: Option<StepId>,
    },
}

/// What is applied to an object, with all references resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Desired {
    /// The object's kind.
    pub kind: KindName,
    /// The workspace resource that its calls go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<crate::model::via::Via>,
    /// The steps that it rests on, so that a later delete goes the other way round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepId>,
    /// The desired state.
    pub spec: Value,
    /// Digest over its RFC 8785 bytes.
    pub spec_digest: Digest,
}

/// Why a step waits before it looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// The service asked to come back later; nothing was done.
    Busy,
    /// The call met an object that exists already or was just changed; nothing was done.
    Conflict,
    /// The object could not be read.
    Unreadable,
    /// The object is busy with a change that is not ours.
    NotReady,
    /// No answer came: the call may or may not have its effect until its deadline.
    InDoubt,
    /// The scope's calendar is shut, or what is left of its opening is too short for the step's first call.
    Window,
}

/// What a run did for a step that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing was necessary.
    Unchanged,
    /// The object was made.
    Created,
    /// The object was changed.
    Updated,
    /// The object was deleted and made again.
    Replaced,
    /// The object was deleted.
    Deleted,
    /// The object was to be deleted, but was gone already.
    AlreadyGone,
    /// The expectations were seen to hold.
    Checked,
}

/// How a run ended. A run that was stopped has not ended: it is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// Every step succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// It was called off.
    Aborted,
}

/// Steps by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Nothing was necessary.
    pub unchanged: u32,
    /// Made.
    pub created: u32,
    /// Changed.
    pub updated: u32,
    /// Deleted and made again.
    pub replaced: u32,
    /// Deleted.
    pub deleted: u32,
    /// Checks that held.
    pub checked: u32,
    /// Ended without reaching the goal.
    pub failed: u32,
    /// Never started.
    pub blocked: u32,
    /// Not ended when the run was called off.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cancelled: u32,
}

fn is_none(count: &u32) -> bool {
    *count == 0
}

impl Counts {
    /// Counts one step that succeeded.
    pub fn add(&mut self, effect: Effect) {
        let count = match effect {
            Effect::Unchanged | Effect::AlreadyGone => &mut self.unchanged,
            Effect::Created => &mut self.created,
            Effect::Updated => &mut self.updated,
            Effect::Replaced => &mut self.replaced,
            Effect::Deleted => &mut self.deleted,
            Effect::Checked => &mut self.checked,
        };
        *count += 1;
    }

    /// What these counts say about the run.
    pub fn outcome(&self) -> RunOutcome {
        if self.failed + self.blocked == 0 { RunOutcome::Succeeded } else { RunOutcome::Failed }
    }
}

/// A body that is not what its kind promises.
#[derive(Debug, thiserror::Error)]
#[error("a {kind} entry cannot be understood")]
pub struct BadEvent {
    /// The entry's kind.
    pub kind: String,
    /// What is wrong with the body.
    #[source]
    pub source: serde_json::Error,
}

const KINDS: [&str; 16] = [
    "run.started",
    "run.recovered",
    "run.stopping",
    "run.suspended",
    "run.aborting",
    "run.retried",
    "run.ended",
    "step.applying",
    "step.applied",
    "step.found",
    "step.rested",
    "step.polled",
    "step.woke",
    "step.succeeded",
    "step.failed",
    "step.blocked",
];

impl Event {
    /// The entry's kind.
    pub fn kind(&self) -> &str {
        match self {
            Event::RunStarted { .. } => "run.started",
            Event::RunRecovered { .. } => "run.recovered",
            Event::RunStopping {} => "run.stopping",
            Event::RunSuspended {} => "run.suspended",
            Event::RunAborting {} => "run.aborting",
            Event::RunRetried { .. } => "run.retried",
            Event::RunEnded { .. } => "run.ended",
            Event::StepApplying { .. } => "step.applying",
            Event::StepApplied { .. } => "step.applied",
            Event::StepFound { .. } => "step.found",
            Event::StepRested { .. } => "step.rested",
            Event::StepPolled { .. } => "step.polled",
            Event::StepWoke { .. } => "step.woke",
            Event::StepSucceeded { .. } => "step.succeeded",
            Event::StepFailed { .. } => "step.failed",
            Event::StepBlocked { .. } => "step.blocked",
            Event::Unknown { kind, .. } => kind,
        }
    }

    /// The step it is about.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Event::StepApplying { step, .. }
            | Event::StepApplied { step, .. }
            | Event::StepFound { step, .. }
            | Event::StepRested { step, .. }
            | Event::StepPolled { step, .. }
            | Event::StepWoke { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepBlocked { step, .. } => Some(step),
            Event::Unknown { step, .. } => step.as_ref(),
            Event::RunStarted { .. }
            | Event::RunRecovered { .. }
            | Event::RunStopping {}
            | Event::RunSuspended {}
            | Event::RunAborting {}
            | Event::RunRetried { .. }
            | Event::RunEnded { .. } => None,
        }
    }

    /// Whether it goes to the journal. The others are folded only; losing them in a crash is harmless.
    pub fn is_durable(&self) -> bool {
        !matches!(self, Event::StepPolled { .. } | Event::StepWoke { .. } | Event::Unknown { .. })
    }

    /// The files it names, for the entry's refs.
    pub fn refs(&self) -> Vec<BlobRef> {
        match self {
            Event::StepSucceeded { readback, .. } | Event::StepFailed { readback, .. } => {
                readback.iter().cloned().collect()
            }
            Event::RunStarted { .. }
            | Event::RunRecovered { .. }
            | Event::RunStopping {}
            | Event::RunSuspended {}
            | Event::RunAborting {}
            | Event::RunRetried { .. }
            | Event::RunEnded { .. }
            | Event::StepApplying { .. }
            | Event::StepApplied { .. }
            | Event::StepFound { .. }
            | Event::StepRested { .. }
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::StepBlocked { .. }
            | Event::Unknown { .. } => Vec::new(),
        }
    }

    /// The entry's body: all but kind and step. Empty for an unknown event.
    ///
    /// # Panics
    ///
    /// If the event has no JSON form: a bug in its type.
    pub fn to_body(&self) -> Value {
        if matches!(self, Event::Unknown { .. }) {
            return Value::Object(Map::new());
        }
        let mut body = tagged::body(self.kind(), self);
        if let Value::Object(fields) = &mut body {
            fields.remove("step");
        }
        body
    }

    /// The event of an entry.
    ///
    /// # Errors
    ///
    /// If the kind is known but the body is not what it promises.
    pub fn from_entry(kind: &str, step: Option<&StepId>, body: &Value) -> Result<Event, BadEvent> {
        if !KINDS.contains(&kind) {
            return Ok(Event::Unknown { kind: kind.to_owned(), step: step.cloned() });
        }
        Self::from_body(kind, step, body.clone())
    }

    /// The same from a body that nobody else needs: a log of many entries is understood without a copy of each.
    ///
    /// # Errors
    ///
    /// As `from_entry`.
    pub fn from_body(kind: &str, step: Option<&StepId>, mut body: Value) -> Result<Event, BadEvent> {
        if !KINDS.contains(&kind) {
            return Ok(Event::Unknown { kind: kind.to_owned(), step: step.cloned() });
        }
        if let (Value::Object(fields), Some(step)) = (&mut body, step) {
            fields.insert("step".to_owned(), Value::String(step.to_string()));
        }
        tagged::event(kind, body)
    }
}
