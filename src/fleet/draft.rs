//! Everything that follows from what has happened, stage by stage.

use super::apply::apply;
use super::chart::{Bounds, Stage};
use super::state::{Phase, State, Turn};
use super::wave::Wave;
use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::model::fleet_event::{FleetEvent, LaunchOutcome, SkipReason};
use crate::model::plan::Plan;

/// The events so far, and the state after them.
pub(super) struct Draft<'a> {
    pub plan: &'a Plan,
    pub now: Timestamp,
    pub state: &'a mut State,
    events: Vec<FleetEvent>,
}

impl<'a> Draft<'a> {
    /// On this state, which moves with the events.
    pub fn new(plan: &'a Plan, state: &'a mut State, now: Timestamp) -> Self {
        Self { plan, now, state, events: Vec::new() }
    }

    pub fn into_events(self) -> Vec<FleetEvent> {
        self.events
    }

    pub fn note(&mut self, event: FleetEvent) {
        apply(self.state, &event);
        self.events.push(event);
    }

    pub fn note_all(&mut self, events: Vec<FleetEvent>) {
        events.into_iter().for_each(|event| self.note(event));
    }

    pub fn wave(&self, index: usize) -> (&Wave, &Bounds) {
        (&self.state.waves[index], &self.state.chart.waves[index])
    }

    /// Adds what became possible until nothing more does. Every turn of the loop adds an event, and no event but for a
    /// requeue makes anything go back.
    pub fn settle(&mut self) {
        loop {
            let before = self.events.len();
            if self.state.ended.is_none() && !self.state.aborting {
                self.halt();
                self.go_on();
                self.due();
            }
            if self.events.len() == before {
                break;
            }
        }
        self.end();
    }

    fn go_on(&mut self) {
        if !self.state.is_live() {
            return;
        }
        match self.state.turn() {
            Turn::Stage(stage @ (Stage::Account | Stage::Regions)) => {
                let scopes = self.state.chart.shared(stage);
                self.skip(&scopes);
                self.start(&scopes, u32::MAX);
            }
            Turn::Stage(Stage::Wave(index)) => self.wave_goes_on(index),
            Turn::Halted | Turn::Over => {}
        }
    }

    /// Lets a wave go as far as it may: what cannot run is skipped, then its begin, its bake time, its sites.
    fn wave_goes_on(&mut self, index: usize) {
        if self.state.has_lost() {
            let sites = self.state.waves[index].sites.clone();
            self.skip(&sites);
        }
        self.bake(index);
        let (wave, _) = self.wave(index);
        if wave.count.pending == 0 || wave.baking.is_some() || !self.enter(index) {
            return;
        }
        let (candidates, places) = self.state.candidates(index);
        self.start(&candidates, places);
    }

    /// Skips what needs something that did not end well.
    fn skip(&mut self, scopes: &[ScopeId]) {
        for scope in scopes {
            if *self.state.phase(scope) == Phase::Pending
                && let Some(need) = self.state.lost_need(scope).cloned()
            {
                self.note(FleetEvent::ScopeSkipped { scope: scope.clone(), why: SkipReason::Need(need) });
            }
        }
    }

    /// Suspends or ends a launch in which nothing runs.
    fn end(&mut self) {
        let state = &self.state;
        if !state.is_live() || state.running().next().is_some() {
            return;
        }
        let over = match state.turn() {
            Turn::Halted | Turn::Over => true,
            Turn::Stage(_) => state.aborting,
        };
        if !state.suspended_scopes().is_empty() || (!over && state.is_stopping()) {
            self.note(FleetEvent::LaunchSuspended {});
        } else if over {
            let outcome = self.outcome();
            self.note(FleetEvent::LaunchEnded { outcome });
        }
    }

    fn outcome(&self) -> LaunchOutcome {
        let state = &self.state;
        let mut shared = state.scopes().iter().take_while(|(scope, _)| scope.site().is_none());
        if state.aborting {
            LaunchOutcome::Aborted
        } else if state.turn() == Turn::Halted || shared.any(|(_, phase)| *phase != Phase::Succeeded) {
            LaunchOutcome::Failed
        } else if state.scopes().values().all(|phase| *phase == Phase::Succeeded) {
            LaunchOutcome::Succeeded
        } else {
            LaunchOutcome::Partial
        }
    }
}
