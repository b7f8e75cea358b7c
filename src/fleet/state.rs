//! The fold of one launch's events.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{ScopeId, WaveName};
use crate::model::fleet_event::{FleetEvent, HaltReason, LaunchOutcome, ScopeOutcome, SkipReason};
use crate::model::plan::Plan;

/// Where a launch stands.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    scopes: BTreeMap<ScopeId, Phase>,
    waves: Vec<Wave>,
    running: BTreeSet<ScopeId>,
    pub(super) started: bool,
    pub(super) stopping: bool,
    pub(super) suspended: bool,
    pub(super) ended: Option<LaunchOutcome>,
}

/// Where a scope stands in its launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It has not started.
    Pending,
    /// It runs.
    Running,
    /// It was stopped on its way.
    Suspended,
    /// It ended well.
    Succeeded,
    /// It did not.
    Failed,
    /// It never starts.
    Skipped {
        /// Why.
        why: SkipReason,
    },
}

impl Phase {
    /// Whether nothing more happens to it in this launch.
    pub fn is_ended(&self) -> bool {
        match self {
            Phase::Pending | Phase::Running | Phase::Suspended => false,
            Phase::Succeeded | Phase::Failed | Phase::Skipped { .. } => true,
        }
    }
}

/// Where a wave stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Its name.
    pub name: WaveName,
    /// Its sites in the order in which they may start.
    pub sites: Vec<ScopeId>,
    /// Why it was halted, if it was.
    pub halted: Option<HaltReason>,
}

/// The log cannot be continued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// An event that only a newer program knows.
    #[error("the launch holds a {kind} entry, which this program does not know: install a newer landfall")]
    Unknown {
        /// Its kind.
        kind: String,
    },
}

impl State {
    /// A launch to which nothing has happened yet.
    pub fn new(plan: &Plan) -> Self {
        let wave = |wave: &crate::model::plan::WavePlan| Wave {
            name: wave.name.clone(),
            sites: wave.sites.iter().cloned().map(ScopeId::Site).collect(),
            halted: None,
        };
        Self {
            scopes: plan.scopes.keys().map(|scope| (scope.clone(), Phase::Pending)).collect(),
            waves: plan.fleet.waves.iter().map(wave).collect(),
            running: BTreeSet::new(),
            started: false,
            stopping: false,
            suspended: false,
            ended: None,
        }
    }

    /// The state after these events of the launch's log. Entries of other kinds than `launch.`, `scope.` and `wave.`
    /// are not the engine's and are passed over.
    ///
    /// # Errors
    ///
    /// If one of them is the engine's but unknown: a launch is never continued over what is not understood.
    ///
    /// # Panics
    ///
    /// If the events are not the log of a launch of this plan.
    pub fn replay<'a>(
        plan: &Plan,
        events: impl IntoIterator<Item = &'a FleetEvent>,
    ) -> Result<Self, ReplayError> {
        let mut state = Self::new(plan);
        for event in events {
            let own = |kind: &str| ["launch.", "scope.", "wave."].iter().any(|own| kind.starts_with(own));
            match event {
                FleetEvent::Unknown { kind } if own(kind) => {
                    return Err(ReplayError::Unknown { kind: kind.clone() });
                }
                FleetEvent::Unknown { .. } => {}
                known => apply(&mut state, known),
            }
        }
        Ok(state)
    }

    /// The scopes by name.
    pub fn scopes(&self) -> &BTreeMap<ScopeId, Phase> {
        &self.scopes
    }

    /// The waves in order.
    pub fn waves(&self) -> &[Wave] {
        &self.waves
    }

    /// The scopes that run.
    pub fn running(&self) -> impl Iterator<Item = &ScopeId> {
        self.running.iter()
    }

    /// Whether the launch has begun.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether the launch was asked to stop and scopes still run.
    pub fn is_stopping(&self) -> bool {
        self.stopping && !self.suspended
    }

    /// Whether the launch has stopped and can be taken up again.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// How the launch ended, if it has.
    pub fn ended(&self) -> Option<LaunchOutcome> {
        self.ended
    }

    pub(super) fn is_live(&self) -> bool {
        self.started && !self.suspended && self.ended.is_none()
    }

    pub(super) fn phase(&self, scope: &ScopeId) -> &Phase {
        self.scopes.get(scope).expect("scope-of-the-plan: events name scopes of the plan")
    }

    fn set(&mut self, scope: &ScopeId, phase: Phase) {
        if phase == Phase::Running {
            self.running.insert(scope.clone());
        } else {
            self.running.remove(scope);
        }
        let slot = self.scopes.get_mut(scope).expect("scope-of-the-plan: events name scopes of the plan");
        *slot = phase;
    }
}

/// Folds one event of the launch onto its state.
///
/// # Panics
///
/// If the event is impossible in this state; the message begins with the invariant's name.
pub fn apply(state: &mut State, event: &FleetEvent) {
    assert!(state.ended.is_none(), "ended-exactly-once: {} after the launch ended", event.kind());
    match event {
        FleetEvent::LaunchStarted { .. } => {
            assert!(!state.started, "started-once: the launch began twice");
            state.started = true;
        }
        FleetEvent::LaunchRecovered {} => recover(state),
        FleetEvent::LaunchStopping {} => {
            assert!(state.is_live() && !state.stopping, "stopped-while-live: stopping twice");
            state.stopping = true;
        }
        FleetEvent::LaunchSuspended {} => {
            assert!(
                state.is_live() && state.running.is_empty(),
                "drained-before-suspended: scopes are running"
            );
            state.suspended = true;
        }
        FleetEvent::LaunchEnded { outcome } => {
            assert!(state.is_live() && state.running.is_empty(), "ended-when-drained: scopes are running");
            state.ended = Some(*outcome);
        }
        FleetEvent::ScopeStarted { scope, .. } => {
            assert!(state.is_live() && !state.stopping, "nothing-started-after-stop: {scope}");
            assert_eq!(*state.phase(scope), Phase::Pending, "started-once: {scope}");
            state.set(scope, Phase::Running);
        }
        FleetEvent::ScopeEnded { scope, outcome } => {
            assert_eq!(*state.phase(scope), Phase::Running, "ended-while-running: {scope}");
            let phase = match outcome {
                ScopeOutcome::Succeeded => Phase::Succeeded,
                ScopeOutcome::Failed | ScopeOutcome::Aborted => Phase::Failed,
                ScopeOutcome::Suspended => Phase::Suspended,
            };
            state.set(scope, phase);
        }
        FleetEvent::ScopeSkipped { scope, why } => {
            assert_eq!(*state.phase(scope), Phase::Pending, "skipped-before-started: {scope}");
            state.set(scope, Phase::Skipped { why: why.clone() });
        }
        FleetEvent::WaveHalted { wave, why } => {
            let wave = state.waves.iter_mut().find(|known| known.name == *wave);
            let wave = wave.expect("wave-of-the-plan: events name waves of the plan");
            assert!(wave.halted.is_none(), "halted-once: {}", wave.name);
            wave.halted = Some(why.clone());
        }
        FleetEvent::LaunchPaused { .. }
        | FleetEvent::LaunchResumed { .. }
        | FleetEvent::LaunchAborting { .. }
        | FleetEvent::LaunchReopened { .. }
        | FleetEvent::ScopeWaiting { .. }
        | FleetEvent::ScopeAborting { .. }
        | FleetEvent::ScopeRequeued { .. }
        | FleetEvent::WaveReached { .. }
        | FleetEvent::WaveEntered { .. }
        | FleetEvent::WaveBarred { .. }
        | FleetEvent::WaveBaking { .. }
        | FleetEvent::WaveLooked { .. }
        | FleetEvent::WaveBaked { .. }
        | FleetEvent::WaveReopened { .. } => {}
        FleetEvent::Unknown { kind } => panic!("known-events-only: {kind} cannot be folded"),
    }
}

/// Scopes that were suspended run again; those that ran still do.
fn recover(state: &mut State) {
    assert!(state.started, "recovered-after-started: nothing to take up");
    (state.stopping, state.suspended) = (false, false);
    let suspended: Vec<ScopeId> = state
        .scopes
        .iter()
        .filter(|(_, phase)| **phase == Phase::Suspended)
        .map(|(scope, _)| scope.clone())
        .collect();
    for scope in suspended {
        state.set(&scope, Phase::Running);
    }
}
