//! Which scopes may start, and when.

use super::chart::Stage;
use super::draft::Draft;
use super::state::{Phase, State, Turn};
use super::wave::Entry;
use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::model::calendar::{Shut, Standing};
use crate::model::fleet_event::{FleetEvent, SkipReason};
use crate::model::plan::Plan;
use crate::model::wait::Wait;

impl State {
    /// The sites of the wave that may start as far as others let them, in order, and how many of them. Before the canary
    /// has ended well it is the only one.
    pub(super) fn candidates(&self, index: usize) -> (Vec<ScopeId>, u32) {
        let wave = &self.waves[index];
        let Some(canary) = self.canary(wave) else { return (Vec::new(), 0) };
        let places = self.places(index).saturating_sub(wave.count.busy).min(self.launch_places());
        match self.phase(canary) {
            Phase::Pending => (vec![canary.clone()], u32::from(wave.count.busy == 0).min(places)),
            Phase::Succeeded if places > 0 => {
                let pending = |scope: &&ScopeId| *self.phase(scope) == Phase::Pending;
                (wave.sites.iter().filter(pending).cloned().collect(), places)
            }
            Phase::Succeeded
            | Phase::Running
            | Phase::Aborting
            | Phase::Suspended
            | Phase::Failed
            | Phase::Aborted
            | Phase::Skipped { .. } => (Vec::new(), 0),
        }
    }

    /// How many sites of the wave may be under way once its canary has ended well: so many that the budget is overdrawn
    /// by one at the most.
    pub(super) fn places(&self, index: usize) -> u32 {
        let (wave, bounds) = (&self.waves[index], &self.chart.waves[index]);
        let left = bounds.failure_budget.saturating_sub(wave.count.failed);
        bounds.max_parallel.min(left.saturating_add(1))
    }

    /// How many sites more the launch's own budget lets start.
    fn launch_places(&self) -> u32 {
        let left = |budget: u32| budget.saturating_sub(self.failed()).saturating_add(1);
        self.chart.failure_budget.map_or(u32::MAX, left).saturating_sub(self.busy())
    }

    /// The scopes that could start now but for their windows.
    pub(super) fn held_by_windows(&self) -> Vec<ScopeId> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let candidates = match self.turn() {
            Turn::Stage(stage @ (Stage::Account | Stage::Regions)) => self.chart.shared(stage),
            Turn::Stage(Stage::Wave(index)) => {
                let wave = &self.waves[index];
                if wave.entry != Entry::Open || wave.baking.is_some() {
                    return Vec::new();
                }
                match self.candidates(index) {
                    (_, 0) => Vec::new(),
                    (candidates, _) => candidates,
                }
            }
            Turn::Halted | Turn::Over => Vec::new(),
        };
        candidates.into_iter().filter(|scope| self.waiting.contains_key(scope)).collect()
    }
}

/// What a scope's calendar says of a start at this moment. A scope without changes needs no window.
pub(super) fn standing(plan: &Plan, state: &State, scope: &ScopeId, now: Timestamp) -> Standing {
    let steps = plan.scope(scope);
    match &steps.calendar {
        Some(calendar) if state.chart.place(scope).mutates => calendar.standing(now, steps.expected),
        Some(_) | None => Standing::Open { until: None },
    }
}

impl Draft<'_> {
    /// Starts as many as there are places, in order. One whose window is shut takes none.
    pub fn start(&mut self, candidates: &[ScopeId], mut places: u32) {
        if !self.state.is_open() {
            return;
        }
        for scope in candidates {
            if places == 0 {
                return;
            }
            if *self.state.phase(scope) != Phase::Pending || self.state.unmet_need(scope).is_some() {
                continue;
            }
            if self.is_known_shut(scope) {
                continue;
            }
            match standing(self.plan, self.state, scope, self.now) {
                Standing::Open { .. } => {
                    let round = self.state.round(scope) + 1;
                    self.note(FleetEvent::ScopeStarted { scope: scope.clone(), round });
                    places -= 1;
                }
                Standing::Shut { opens, why } => self.hold(scope, opens, why),
                Standing::Never { why } => {
                    let why = SkipReason::OutOfScope(format!("it can never be changed: {why}"));
                    self.note(FleetEvent::ScopeSkipped { scope: scope.clone(), why });
                }
            }
        }
    }

    /// Whether the log says since when and until when the window is shut, and the moment lies between: a calendar does
    /// not change, so it need not be asked again. A clock that was set back makes it be asked.
    fn is_known_shut(&self, scope: &ScopeId) -> bool {
        self.state.waiting(scope).is_some_and(|known| {
            known.since <= self.now && known.why.until().is_some_and(|opens| self.now < opens)
        })
    }

    /// Writes down that the scope waits for its window, unless it is written.
    fn hold(&mut self, scope: &ScopeId, opens: Timestamp, why: Shut) {
        let why = Wait::Window { opens, why };
        if self.state.waiting(scope).is_none_or(|known| known.why != why) {
            self.note(FleetEvent::ScopeWaiting { scope: scope.clone(), at: self.now, why });
        }
    }
}
