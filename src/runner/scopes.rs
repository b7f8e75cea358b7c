//! The scopes of a launch: begun, called off, woken, answered and ended, as the fleet wants it.

use super::RunnerError;
use super::perform::{Done, Errand};
use super::running::Running;
use super::scope_run::ScopeRun;
use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::fleet;
use crate::model::event::{Event, RunOutcome};
use crate::model::fleet_event::ScopeOutcome;

impl Running<'_> {
    /// Does what the fleet owes: lets scopes run whose turn has come, calls others off, judges what waves begin with. One
    /// without open steps ends at once, and others may follow it.
    pub(super) fn follow_fleet(&mut self) -> Result<(), RunnerError> {
        self.bakes.begin_turn();
        let mut judged_before = false;
        // Every turn of this loop follows something that happened to the launch. What it owes follows from its state alone.
        while std::mem::take(&mut self.fleet_moved) {
            let runs = std::mem::take(&mut self.moved).owed(&self.fleet);
            let beside = self.fleet_owed().clone();
            self.bakes.keep_owed(&beside);
            for command in runs.into_iter().chain(beside) {
                match command {
                    fleet::Command::RunScope { scope, round } => self.start_scope(&scope, round),
                    fleet::Command::AbortScope(scope) => self.abort_scope(&scope),
                    fleet::Command::JudgeEntry(wave) => judged_before |= !self.judge_entry(&wave)?,
                    fleet::Command::LookAtBake { wave, scopes } => self.start_bake(&wave, &scopes)?,
                    fleet::Command::WakeAt(_) => {}
                }
            }
            self.drain()?;
            self.close_scopes()?;
        }
        // Still owed, and judged in the next turn.
        self.fleet_moved = judged_before;
        Ok(())
    }

    fn start_scope(&mut self, scope: &ScopeId, round: u32) {
        if self.active.contains(scope) {
            return;
        }
        let (saved, now) = (self.saved, self.now());
        let events = self.run_of(scope).begin(saved.plan.scope(scope), now, round);
        self.active.insert(scope.clone());
        self.record(scope, events);
    }

    fn abort_scope(&mut self, scope: &ScopeId) {
        let (saved, now) = (self.saved, self.now());
        let fresh = !self.active.contains(scope);
        let events = self.run_of(scope).abort(saved.plan.scope(scope), now, fresh);
        self.active.insert(scope.clone());
        self.record(scope, events);
    }

    /// Passes a stop of the whole launch on to the scopes that run. One that stops already hears nothing new.
    pub(super) fn drain(&mut self) -> Result<(), RunnerError> {
        if !self.fleet.is_stopping() {
            return Ok(());
        }
        let (saved, now) = (self.saved, self.now());
        for scope in self.active.clone() {
            let events = self.run_of(&scope).stop(saved.plan.scope(&scope), now);
            self.record(&scope, events);
        }
        Ok(())
    }

    pub(super) fn run_of(&mut self, scope: &ScopeId) -> &mut ScopeRun {
        self.scopes.get_mut(scope).expect("every scope of the plan was opened")
    }

    /// The next moment at which something is to be done: for a scope, for the fleet, for a lane that held something back,
    /// or for a check that is repeated.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        let all =
            [self.agenda.next_timer(), self.fleet_timer(), self.lanes.ready_at(), self.bakes.next_timer()];
        all.into_iter().flatten().min()
    }

    fn fleet_timer(&self) -> Option<Timestamp> {
        let moments = self.fleet_owed().iter().filter_map(|command| match command {
            fleet::Command::WakeAt(at) => Some(*at),
            fleet::Command::RunScope { .. }
            | fleet::Command::AbortScope(_)
            | fleet::Command::JudgeEntry(_)
            | fleet::Command::LookAtBake { .. } => None,
        });
        moments.min()
    }

    /// Gives an answer to the engine it belongs to. What arrives for a run at rest changes nothing.
    pub(super) fn take(&mut self, done: Done) -> Result<(), RunnerError> {
        let (saved, now) = (self.saved, self.now());
        self.lanes.learn(&done, now);
        let scope = done.scope.clone();
        match done.errand {
            Errand::Step(command) => {
                let (events, blob) =
                    self.run_of(&scope).answer(saved.plan.scope(&scope), now, command, done.result);
                self.ledger.keep(blob);
                self.record(&scope, events);
                Ok(())
            }
            Errand::Bake { wave, step } => self.take_bake(&wave, scope, step, done.result),
        }
    }

    /// Tells everybody whose moment has come.
    pub(super) fn wake(&mut self) -> Result<(), RunnerError> {
        let (saved, now) = (self.saved, self.now());
        for scope in self.agenda.due(now) {
            let events = self.run_of(&scope).wake(saved.plan.scope(&scope), now);
            self.record(&scope, events);
        }
        if self.fleet_timer().is_some_and(|at| at <= now) {
            self.fleet_input(fleet::Input::TimeReached)?;
        }
        Ok(())
    }

    /// Tells the fleet about scopes that have come to rest. Reads that still run for them are not waited for.
    pub(super) fn close_scopes(&mut self) -> Result<(), RunnerError> {
        for scope in self.agenda.resting() {
            self.active.remove(&scope);
            self.agenda.strike(&scope);
            let outcome = match self.scopes[&scope].ended() {
                Some(RunOutcome::Succeeded) => ScopeOutcome::Succeeded,
                Some(RunOutcome::Failed) => ScopeOutcome::Failed,
                Some(RunOutcome::Aborted) => ScopeOutcome::Aborted,
                None => ScopeOutcome::Suspended,
            };
            self.fleet_input(fleet::Input::ScopeEnded { scope, outcome })?;
        }
        Ok(())
    }

    /// Takes events of a scope into what is known, and marks the durable ones to be written. To be called after every
    /// input of its engine, also after one that nothing follows from.
    pub(super) fn record(&mut self, scope: &ScopeId, events: Vec<Event>) {
        self.lanes.touch(scope);
        for event in events {
            ScopeRun::learn(scope, &event, &mut self.known);
            if event.is_durable() {
                let holdings = self.holdings.get_mut(scope).expect("every scope was opened");
                holdings.fold(Some(&self.run), &event);
            }
            let refs = if matches!(event, Event::RunStarted { .. }) {
                self.run_refs.get(scope).cloned().unwrap_or_default()
            } else {
                event.refs()
            };
            self.ledger.scope(self.clock.now(), scope, event, refs);
        }
        self.note(scope);
    }
}
