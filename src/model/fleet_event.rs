//! What happened to a launch, in the past tense: its words in the organisation's log.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::BadEvent;
use super::plan::Selection;
use crate::base::digest::Digest;
use crate::base::id::{ScopeId, WaveName};

/// One thing that happened to a launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Nothing is left that may run.
    #[serde(rename = "launch.ended")]
    LaunchEnded {
        /// How.
        outcome: LaunchOutcome,
    },
    /// A scope may run from here on.
    #[serde(rename = "scope.started")]
    ScopeStarted {
        /// The scope.
        scope: ScopeId,
    },
    /// A scope's run ended, or paused.
    #[serde(rename = "scope.ended")]
    ScopeEnded {
        /// The scope.
        scope: ScopeId,
        /// How.
        outcome: ScopeOutcome,
    },
    /// A scope will not start, because one that it needs did not end well.
    #[serde(rename = "scope.skipped")]
    ScopeSkipped {
        /// The scope.
        scope: ScopeId,
        /// The scope that it needs.
        need: ScopeId,
    },
    /// No further site of the wave starts, nor any later wave.
    #[serde(rename = "wave.halted")]
    WaveHalted {
        /// The wave.
        wave: WaveName,
        /// Why.
        why: HaltReason,
    },
    /// Something that this program does not know. Reports tolerate it; a launch is never continued over it.
    #[serde(skip)]
    Unknown {
        /// Its kind.
        kind: String,
    },
}

/// How a scope's part of a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeOutcome {
    /// Every step succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// It was stopped, and goes on when the launch is taken up again.
    Suspended,
}

/// How a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaunchOutcome {
    /// Every scope succeeded.
    Succeeded,
    /// Some sites failed, but no more than their waves' budgets allow.
    Partial,
    /// A wave was halted, or the account or a region failed.
    Failed,
}

/// Why a wave was halted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl ScopeOutcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ScopeOutcome::Succeeded => "succeeded",
            ScopeOutcome::Failed => "failed",
            ScopeOutcome::Suspended => "suspended",
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
        }
    }
}

const KINDS: [&str; 9] = [
    "launch.started",
    "launch.recovered",
    "launch.stopping",
    "launch.suspended",
    "launch.ended",
    "scope.started",
    "scope.ended",
    "scope.skipped",
    "wave.halted",
];

impl FleetEvent {
    /// The entry's kind.
    pub fn kind(&self) -> &str {
        match self {
            FleetEvent::LaunchStarted { .. } => "launch.started",
            FleetEvent::LaunchRecovered {} => "launch.recovered",
            FleetEvent::LaunchStopping {} => "launch.stopping",
            FleetEvent::LaunchSuspended {} => "launch.suspended",
            FleetEvent::LaunchEnded { .. } => "launch.ended",
            FleetEvent::ScopeStarted { .. } => "scope.started",
            FleetEvent::ScopeEnded { .. } => "scope.ended",
            FleetEvent::ScopeSkipped { .. } => "scope.skipped",
            FleetEvent::WaveHalted { .. } => "wave.halted",
            FleetEvent::Unknown { kind } => kind,
        }
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
        let mut tagged = serde_json::to_value(self).expect("an event has a JSON form");
        tagged[self.kind()].take()
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
        let tagged = Map::from_iter([(kind.to_owned(), body.clone())]);
        serde_json::from_value(Value::Object(tagged))
            .map_err(|source| BadEvent { kind: kind.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_in_words() {
        let canary = HaltReason::Canary { scope: "site/HRB01".parse().unwrap() };
        assert_eq!(canary.to_string(), "its canary site/HRB01 did not end well");
        let budget = HaltReason::Budget { failed: 2, budget: 1 };
        assert_eq!(budget.to_string(), "2 of its sites failed, and no more than 1 may");
    }

    #[test]
    fn every_event_survives_its_entry() {
        let scope: ScopeId = "site/HRB01".parse().expect("a scope");
        let wave = WaveName::new("wave1").expect("a wave");
        let events = [
            FleetEvent::LaunchStarted {
                plan: Digest::of(b"p"),
                selection: Selection::Wave(WaveName::new("pilot").expect("a wave")),
            },
            FleetEvent::LaunchRecovered {},
            FleetEvent::LaunchStopping {},
            FleetEvent::LaunchSuspended {},
            FleetEvent::LaunchEnded { outcome: LaunchOutcome::Partial },
            FleetEvent::ScopeStarted { scope: scope.clone() },
            FleetEvent::ScopeEnded { scope: scope.clone(), outcome: ScopeOutcome::Suspended },
            FleetEvent::ScopeSkipped { scope, need: ScopeId::Account },
            FleetEvent::WaveHalted { wave, why: HaltReason::Budget { failed: 2, budget: 1 } },
        ];
        assert_eq!(events.each_ref().map(|event| event.kind()), KINDS);
        for event in events {
            assert_eq!(FleetEvent::from_entry(event.kind(), &event.to_body()).expect("its own body"), event);
        }
        let unknown = FleetEvent::from_entry("scope.adopted", &Value::Null).expect("tolerated");
        assert_eq!(unknown, FleetEvent::Unknown { kind: "scope.adopted".to_owned() });
    }
}
