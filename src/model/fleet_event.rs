//! What happened to a launch, in the past tense: its words in the organisation's log.

#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entry::Actor;
use super::event::BadEvent;
use super::plan::Selection;
use super::tagged;
use super::wait::{OpenItem, Wait};
use crate::base::digest::Digest;
use crate::base::id::{ScopeId, StepId, WaveName};
use crate::base::time::Timestamp;

/// One thing that happened to a launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum FleetEvent {
    /// The launch began.
    #[serde(rename = "launch.started")]
    LaunchStarted {
        /// The plan's digest.
        plan: Digest,
        /// What the plan covers.
        selection: Selection,
    },
    /// A holder took the launch up, after a crash or after it was suspended.
    #[serde(rename = "launch.recovered")]
    LaunchRecovered {},
    /// The launch was asked to stop: no further scope starts.
    #[serde(rename = "launch.stopping")]
    LaunchStopping {},
    /// No scope is running any more, and some have not ended. `LaunchRecovered` makes the launch go on.
    #[serde(rename = "launch.suspended")]
    LaunchSuspended {},
    /// A person paused the launch: no further scope starts, and those that run are suspended.
    #[serde(rename = "launch.paused")]
    LaunchPaused {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A person lets a paused launch go on.
    #[serde(rename = "launch.resumed")]
    LaunchResumed {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person called the launch off: no further call is sent, and what runs ends as it stands.
    #[serde(rename = "launch.aborting")]
    LaunchAborting {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Nothing is left that may run.
    #[serde(rename = "launch.ended")]
    LaunchEnded {
        /// How.
        outcome: LaunchOutcome,
    },
    /// A launch that had ended goes on, because scopes are to be tried again.
    #[serde(rename = "launch.reopened")]
    LaunchReopened {
        /// Who asked for it.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A scope may run from here on.
    #[serde(rename = "scope.started")]
    ScopeStarted {
        /// The scope.
        scope: ScopeId,
        /// The first time 1; one more each time it is tried again.
        #[serde(default = "first")]
        round: u32,
    },
    /// A scope's run ended, or paused.
    #[serde(rename = "scope.ended")]
    ScopeEnded {
        /// The scope.
        scope: ScopeId,
        /// How.
        outcome: ScopeOutcome,
    },
    /// A scope could start but for something that it waits for. Written when the reason changes.
    #[serde(rename = "scope.waiting")]
    ScopeWaiting {
        /// The scope.
        scope: ScopeId,
        /// Since when.
        at: Timestamp,
        /// For what.
        why: Wait,
    },
    /// A scope will not start.
    #[serde(rename = "scope.skipped")]
    ScopeSkipped {
        /// The scope.
        scope: ScopeId,
        /// Why.
        why: SkipReason,
    },
    /// A person takes a scope that runs out of the launch: it sends no further call and ends as it stands.
    #[serde(rename = "scope.aborting")]
    ScopeAborting {
        /// The scope.
        scope: ScopeId,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A scope that failed, was skipped or was taken out is to be tried again, at the end of its wave.
    #[serde(rename = "scope.requeued")]
    ScopeRequeued {
        /// The scope.
        scope: ScopeId,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A wave's turn has come, and it has criteria that must hold before it begins.
    #[serde(rename = "wave.reached")]
    WaveReached {
        /// The wave.
        wave: WaveName,
    },
    /// A wave's criteria hold: it begins.
    #[serde(rename = "wave.entered")]
    WaveEntered {
        /// The wave.
        wave: WaveName,
    },
    /// A wave's criteria do not hold: it waits.
    #[serde(rename = "wave.barred")]
    WaveBarred {
        /// The wave.
        wave: WaveName,
        /// Since when.
        at: Timestamp,
        /// What is open.
        open: Vec<OpenItem>,
    },
    /// The moment has come to judge a barred wave again, or to look again at one that bakes. Not durable: who replays the
    /// log without it owes the same from the next moment on.
    #[serde(rename = "wave.due")]
    WaveDue {
        /// The wave.
        wave: WaveName,
        /// When.
        at: Timestamp,
    },
    /// A barred wave was judged again, and the same is open. Not durable.
    #[serde(rename = "wave.unchanged")]
    WaveUnchanged {
        /// The wave.
        wave: WaveName,
        /// When.
        at: Timestamp,
    },
    /// The bake time of a batch began: its sites are watched until it is over.
    #[serde(rename = "wave.baking")]
    WaveBaking {
        /// The wave.
        wave: WaveName,
        /// Which of its sites.
        batch: Batch,
        /// Since when.
        at: Timestamp,
        /// When it is over.
        until: Timestamp,
    },
    /// The checks of the sites that bake were repeated.
    #[serde(rename = "wave.looked")]
    WaveLooked {
        /// The wave.
        wave: WaveName,
        /// When.
        at: Timestamp,
        /// How many checks held.
        held: u32,
        /// Those that did not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        broken: Vec<Defect>,
    },
    /// The bake time of a batch is over, and every check held at its end.
    #[serde(rename = "wave.baked")]
    WaveBaked {
        /// The wave.
        wave: WaveName,
        /// Which of its sites.
        batch: Batch,
    },
    /// No further site of the wave starts, nor any later wave.
    #[serde(rename = "wave.halted")]
    WaveHalted {
        /// The wave.
        wave: WaveName,
        /// Why.
        why: HaltReason,
    },
    /// A halted wave may go on, because its sites are tried again or its defect was put right.
    #[serde(rename = "wave.reopened")]
    WaveReopened {
        /// The wave.
        wave: WaveName,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Something that this program does not know. Reports tolerate it; a launch is never continued over it.
    #[serde(skip)]
    Unknown {
        /// Its kind.
        kind: String,
    },
}

fn first() -> u32 {
    1
}

/// The sites of a wave that are watched together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Batch {
    /// The first site.
    Canary,
    /// All sites of the wave.
    Wave,
}

/// A check that held when its site was done and does not any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Defect {
    /// The site.
    pub scope: ScopeId,
    /// The check.
    pub step: StepId,
    /// What was found.
    pub what: String,
}

/// Why a scope never starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// A scope that it needs did not end well.
    Need(ScopeId),
    /// A person took it out of the launch.
    Person {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// It is no longer in the estate's scope, for example because the site was retired.
    OutOfScope(String),
}

/// How a scope's part of a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeOutcome {
    /// Every step succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// It was stopped, and goes on when the launch is taken up again.
    Suspended,
    /// It was called off.
    Aborted,
}

/// How a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LaunchOutcome {
    /// Every scope succeeded.
    Succeeded,
    /// Some sites failed, but no more than their waves' budgets allow.
    Partial,
    /// A wave was halted, or the account or a region failed.
    Failed,
    /// A person called it off.
    Aborted,
}

/// Why a wave was halted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HaltReason {
    /// The canary did not end well.
    Canary {
        /// The canary.
        scope: ScopeId,
    },
    /// More sites failed than the budget allows.
    Budget {
        /// How many failed.
        failed: u32,
        /// How many may.
        budget: u32,
    },
    /// More sites failed in the whole launch than its budget allows.
    LaunchBudget {
        /// How many failed.
        failed: u32,
        /// How many may.
        budget: u32,
    },
    /// A check broke during bake time.
    Bake {
        /// The first one that broke.
        defect: Defect,
        /// How many broke.
        broken: u32,
    },
}

impl ScopeOutcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ScopeOutcome::Succeeded => "succeeded",
            ScopeOutcome::Failed => "failed",
            ScopeOutcome::Suspended => "suspended",
            ScopeOutcome::Aborted => "aborted",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::Need(need) => write!(f, "{need} did not end well"),
            SkipReason::Person { by, reason } => write!(f, "taken out by {by}: {reason}"),
            SkipReason::OutOfScope(reason) => f.write_str(reason),
        }
    }
}

impl fmt::Display for HaltReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HaltReason::Canary { scope } => write!(f, "its canary {scope} did not end well"),
            HaltReason::Budget { failed, budget } => {
                write!(f, "{failed} of its sites failed, and no more than {budget} may")
            }
            HaltReason::LaunchBudget { failed, budget } => {
                write!(f, "{failed} sites of the launch failed, and no more than {budget} may")
            }
            HaltReason::Bake { defect: Defect { scope, step, what }, .. } => {
                write!(f, "{step} of {scope} broke during bake time: {what}")
            }
        }
    }
}

const KINDS: [&str; 25] = [
    "launch.started",
    "launch.recovered",
    "launch.stopping",
    "launch.suspended",
    "launch.paused",
    "launch.resumed",
    "launch.aborting",
    "launch.ended",
    "launch.reopened",
    "scope.started",
    "scope.ended",
    "scope.waiting",
    "scope.skipped",
    "scope.aborting",
    "scope.requeued",
    "wave.reached",
    "wave.entered",
    "wave.barred",
    "wave.due",
    "wave.unchanged",
    "wave.baking",
    "wave.looked",
    "wave.baked",
    "wave.halted",
    "wave.reopened",
];

impl FleetEvent {
    /// The entry's kind.
    pub fn kind(&self) -> &str {
        match self {
            FleetEvent::LaunchStarted { .. } => "launch.started",
            FleetEvent::LaunchRecovered {} => "launch.recovered",
            FleetEvent::LaunchStopping {} => "launch.stopping",
            FleetEvent::LaunchSuspended {} => "launch.suspended",
            FleetEvent::LaunchPaused { .. } => "launch.paused",
            FleetEvent::LaunchResumed { .. } => "launch.resumed",
            FleetEvent::LaunchAborting { .. } => "launch.aborting",
            FleetEvent::LaunchEnded { .. } => "launch.ended",
            FleetEvent::LaunchReopened { .. } => "launch.reopened",
            FleetEvent::ScopeStarted { .. } => "scope.started",
            FleetEvent::ScopeEnded { .. } => "scope.ended",
            FleetEvent::ScopeWaiting { .. } => "scope.waiting",
            FleetEvent::ScopeSkipped { .. } => "scope.skipped",
            FleetEvent::ScopeAborting { .. } => "scope.aborting",
            FleetEvent::ScopeRequeued { .. } => "scope.requeued",
            FleetEvent::WaveReached { .. } => "wave.reached",
            FleetEvent::WaveEntered { .. } => "wave.entered",
            FleetEvent::WaveBarred { .. } => "wave.barred",
            FleetEvent::WaveDue { .. } => "wave.due",
            FleetEvent::WaveUnchanged { .. } => "wave.unchanged",
            FleetEvent::WaveBaking { .. } => "wave.baking",
            FleetEvent::WaveLooked { .. } => "wave.looked",
            FleetEvent::WaveBaked { .. } => "wave.baked",
            FleetEvent::WaveHalted { .. } => "wave.halted",
            FleetEvent::WaveReopened { .. } => "wave.reopened",
            FleetEvent::Unknown { kind } => kind,
        }
    }

    /// Whether it belongs into the log. What is not durable may be missing when the log is replayed.
    pub fn is_durable(&self) -> bool {
        !matches!(self, FleetEvent::WaveDue { .. } | FleetEvent::WaveUnchanged { .. })
    }

    /// The entry's body: all but the kind. Empty for an unknown event.
    ///
    /// # Panics
    ///
    /// If the event has no JSON form: a bug in its type.
    pub fn to_body(&self) -> Value {
        if matches!(self, FleetEvent::Unknown { .. }) {
            return Value::Object(Map::new());
        }
        tagged::body(self.kind(), self)
    }

    /// The event of an entry.
    ///
    /// # Errors
    ///
    /// If the kind is known but the body is not what it promises.
    pub fn from_entry(kind: &str, body: &Value) -> Result<FleetEvent, BadEvent> {
        if !KINDS.contains(&kind) {
            return Ok(FleetEvent::Unknown { kind: kind.to_owned() });
        }
        tagged::event(kind, body.clone())
    }
}
