//! Where a launch stands, and what can be asked about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::apply::apply;
use super::chart::{Chart, Stage};
use super::wave::{Count, Entry, Wave};
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;
use crate::model::entry::Actor;
use crate::model::fleet_event::{FleetEvent, LaunchOutcome, SkipReason};
use crate::model::plan::{Plan, WavePlan};
use crate::model::wait::Wait;

/// Where a launch stands.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(super) chart: Arc<Chart>,
    scopes: BTreeMap<ScopeId, Phase>,
    /// How often each scope was started.
    pub(super) rounds: BTreeMap<ScopeId, u32>,
    pub(super) waves: Vec<Wave>,
    /// Scopes under way, those that are called off among them.
    running: BTreeSet<ScopeId>,
    suspended_scopes: BTreeSet<ScopeId>,
    /// Scopes that are called off and have not ended.
    pub(super) called_off: BTreeSet<ScopeId>,
    /// Scopes that ran when a paused launch went on: the stop may have reached them, and one that ends suspended for it
    /// runs again.
    pub(super) stopped: BTreeSet<ScopeId>,
    /// The account and regions that did not end well.
    lost: BTreeSet<ScopeId>,
    pub(super) waiting: BTreeMap<ScopeId, Standstill>,
    account: Count,
    regions: Count,
    pub(super) started: bool,
    pub(super) stopping: bool,
    pub(super) paused: Option<Paused>,
    pub(super) suspended: bool,
    /// A holder took the launch up while it was paused and suspended.
    pub(super) attended: bool,
    pub(super) aborting: bool,
    pub(super) ended: Option<LaunchOutcome>,
}

/// Where a scope stands in its launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It has not started.
    Pending,
    /// It runs.
    Running,
    /// It runs only to be called off.
    Aborting,
    /// It was stopped on its way.
    Suspended,
    /// It ended well.
    Succeeded,
    /// It did not.
    Failed,
    /// It was called off.
    Aborted,
    /// It never starts.
    Skipped {
        /// Why.
        why: SkipReason,
    },
}

/// What a scope that has not started waits for, as the log says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    /// Since when.
    pub since: Timestamp,
    /// For what.
    pub why: Wait,
}

/// Who paused a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Who.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Stage(Stage),
    /// Nothing more may begin behind this halted wave.
    Halted,
    Over,
}

impl Phase {
    /// Whether nothing more happens to it, unless it is tried again.
    pub fn is_ended(&self) -> bool {
        match self {
            Phase::Pending | Phase::Running | Phase::Aborting | Phase::Suspended => false,
            Phase::Succeeded | Phase::Failed | Phase::Aborted | Phase::Skipped { .. } => true,
        }
    }

    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Phase::Pending => "pending",
            Phase::Running => "running",
            Phase::Aborting => "aborting",
            Phase::Suspended => "suspended",
            Phase::Succeeded => "succeeded",
            Phase::Failed => "failed",
            Phase::Aborted => "aborted",
            Phase::Skipped { .. } => "skipped",
        }
    }

    fn is_lost(&self) -> bool {
        match self {
            Phase::Failed | Phase::Aborted | Phase::Skipped { .. } => true,
            Phase::Pending | Phase::Running | Phase::Aborting | Phase::Suspended | Phase::Succeeded => false,
        }
    }
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
        let mut state = Self {
            chart: Arc::new(Chart::new(plan)),
            scopes: plan.scopes.keys().map(|scope| (scope.clone(), Phase::Pending)).collect(),
            rounds: BTreeMap::new(),
            waves: plan.fleet.waves.iter().map(ahead).collect(),
            running: BTreeSet::new(),
            suspended_scopes: BTreeSet::new(),
            called_off: BTreeSet::new(),
            stopped: BTreeSet::new(),
            lost: BTreeSet::new(),
            waiting: BTreeMap::new(),
            account: Count::default(),
            regions: Count::default(),
            started: false,
            stopping: false,
            paused: None,
            suspended: false,
            attended: false,
            aborting: false,
            ended: None,
        };
        let chart = Arc::clone(&state.chart);
        chart.places.values().for_each(|place| state.count(place.stage).add(&Phase::Pending));
        state
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

    /// The scopes that run, those that are called off among them.
    pub fn running(&self) -> impl Iterator<Item = &ScopeId> {
        self.running.iter()
    }

    /// How often the scope was started.
    pub fn round(&self, scope: &ScopeId) -> u32 {
        self.rounds.get(scope).copied().unwrap_or(0)
    }

    /// What the scope waits for by the log, if it could start but for that.
    pub fn waiting(&self, scope: &ScopeId) -> Option<&Standstill> {
        self.waiting.get(scope)
    }

    /// Whether the launch has begun.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether scopes that run are to be stopped, because the launch was asked to stop or is paused.
    pub fn is_stopping(&self) -> bool {
        self.is_live() && (self.stopping || self.paused.is_some())
    }

    /// Whether the launch has stopped and can be taken up again.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Who paused the launch, if nobody has let it go on since.
    pub fn paused(&self) -> Option<&Paused> {
        self.paused.as_ref()
    }

    /// Whether the launch was called off.
    pub fn is_aborting(&self) -> bool {
        self.aborting
    }

    /// How the launch ended, if it has.
    pub fn ended(&self) -> Option<LaunchOutcome> {
        self.ended
    }

    pub(super) fn is_live(&self) -> bool {
        self.started && !self.suspended && self.ended.is_none()
    }

    /// Whether something may begin.
    pub(super) fn is_open(&self) -> bool {
        self.is_live() && !self.stopping && self.paused.is_none() && !self.aborting
    }

    pub(super) fn phase(&self, scope: &ScopeId) -> &Phase {
        self.scopes.get(scope).expect("scope-of-the-plan: events name scopes of the plan")
    }

    pub(super) fn wave(&mut self, name: &WaveName) -> &mut Wave {
        let wave = self.waves.iter_mut().find(|known| known.name == *name);
        wave.expect("wave-of-the-plan: events name waves of the plan")
    }

    /// The index of the wave of this name.
    pub(super) fn index(&self, name: &WaveName) -> Option<usize> {
        self.waves.iter().position(|wave| wave.name == *name)
    }

    pub(super) fn suspended_scopes(&self) -> &BTreeSet<ScopeId> {
        &self.suspended_scopes
    }

    /// Sites that failed, over all waves.
    pub(super) fn failed(&self) -> u32 {
        self.waves.iter().map(|wave| wave.count.failed).sum()
    }

    /// Sites under way, over all waves.
    pub(super) fn busy(&self) -> u32 {
        self.waves.iter().map(|wave| wave.count.busy).sum()
    }

    /// Whether the account or a region did not end well.
    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// A need of the scope that did not end well.
    pub(super) fn lost_need(&self, scope: &ScopeId) -> Option<&ScopeId> {
        self.chart.place(scope).needs.iter().find(|need| self.lost.contains(*need))
    }

    /// A need of the scope that has not ended well yet.
    pub(super) fn unmet_need(&self, scope: &ScopeId) -> Option<&ScopeId> {
        self.chart.place(scope).needs.iter().find(|need| *self.phase(need) != Phase::Succeeded)
    }

    /// Whose turn it is: the first stage that is not over.
    pub(super) fn turn(&self) -> Turn {
        if self.account.open() > 0 {
            return Turn::Stage(Stage::Account);
        }
        if self.regions.open() > 0 {
            return Turn::Stage(Stage::Regions);
        }
        for (index, (wave, bounds)) in self.waves.iter().zip(&self.chart.waves).enumerate() {
            if wave.halted.is_some() {
                return Turn::Halted;
            }
            if !wave.is_over(bounds) {
                return Turn::Stage(Stage::Wave(index));
            }
        }
        Turn::Over
    }

    /// The wave's first site that was not taken out.
    pub(super) fn canary<'w>(&self, wave: &'w Wave) -> Option<&'w ScopeId> {
        wave.sites.iter().find(|scope| !matches!(self.phase(scope), Phase::Skipped { .. } | Phase::Aborted))
    }

    fn count(&mut self, stage: Stage) -> &mut Count {
        match stage {
            Stage::Account => &mut self.account,
            Stage::Regions => &mut self.regions,
            Stage::Wave(index) => &mut self.waves[index].count,
        }
    }

    pub(super) fn set(&mut self, scope: &ScopeId, phase: Phase) {
        let put = |set: &mut BTreeSet<ScopeId>, held: bool| {
            if held {
                set.insert(scope.clone());
            } else {
                set.remove(scope);
            }
        };
        put(&mut self.running, matches!(phase, Phase::Running | Phase::Aborting));
        put(&mut self.suspended_scopes, phase == Phase::Suspended);
        put(&mut self.lost, scope.site().is_none() && phase.is_lost());
        if phase.is_ended() {
            self.called_off.remove(scope);
            self.stopped.remove(scope);
        }
        if phase != Phase::Pending {
            self.waiting.remove(scope);
        }
        let slot = self.scopes.get_mut(scope).expect("scope-of-the-plan: events name scopes of the plan");
        let before = std::mem::replace(slot, phase.clone());
        let stage = self.chart.place(scope).stage;
        let count = self.count(stage);
        count.take(&before);
        count.add(&phase);
    }
}

fn ahead(wave: &WavePlan) -> Wave {
    Wave {
        name: wave.name.clone(),
        sites: wave.sites.iter().cloned().map(ScopeId::Site).collect(),
        halted: None,
        entry: if wave.entry.is_empty() { Entry::Open } else { Entry::Ahead },
        baking: None,
        canary_baked: false,
        baked: false,
        count: Count::default(),
    }
}
