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
        // Every turn of this loop begins or ends a scope, or enters or bars a wave; `new` guards against the rest.
        loop {
            let mut new = false;
            let owed = fleet::owed(&self.fleet);
            self.bakes.keep_owed(&owed);
            for command in owed {
                new |= match command {
                    fleet::Command::RunScope { scope, round } => self.start_scope(&scope, round),
                    fleet::Command::AbortScope(scope) => self.abort_scope(&scope),
                    fleet::Command::JudgeEntry(wave) => self.judge_entry(&wave)?,
                    fleet::Command::LookAtBake { wave, scopes } => self.start_bake(&wave, &scopes)?,
                    fleet::Command::WakeAt(_) => false,
                };
            }
            self.drain()?;
            self.close_scopes()?;
            if !new {
                return Ok(());
            }
        }
    }

    fn start_scope(&mut self, scope: &ScopeId, round: u32) -> bool {
        if self.active.contains(scope) {
            return false;
        }
        let (saved, now) = (self.saved, self.now());
        let events = self.run_of(scope).begin(saved.plan.scope(scope), now, round);
        self.active.insert(scope.clone());
        self.record(scope, events);
        true
    }

    fn abort_scope(&mut self, scope: &ScopeId) -> bool {
        let (saved, now) = (self.saved, self.now());
        let fresh = !self.active.contains(scope);
        let events = self.run_of(scope).abort(saved.plan.scope(scope), now, fresh);
        self.active.insert(scope.clone());
        let new = fresh || !events.is_empty();
        self.record(scope, events);
        new
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
        let scopes = self.active.iter().filter_map(|scope| self.scopes[scope].next_timer());
        let others = [self.fleet_timer(), self.lanes.ready_at(), self.bakes.next_timer()];
        scopes.chain(others.into_iter().flatten()).min()
    }

    fn fleet_timer(&self) -> Option<Timestamp> {
        let moments = fleet::owed(&self.fleet).into_iter().filter_map(|command| match command {
            fleet::Command::WakeAt(at) => Some(at),
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
        let is_due = |scope: &&ScopeId| self.scopes[*scope].next_timer().is_some_and(|at| at <= now);
        let due: Vec<ScopeId> = self.active.iter().filter(is_due).cloned().collect();
        for scope in due {
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
        let at_rest = |scope: &&ScopeId| self.scopes[*scope].is_at_rest();
        let closed: Vec<ScopeId> = self.active.iter().filter(at_rest).cloned().collect();
        for scope in closed {
            self.active.remove(&scope);
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

    /// Takes events of a scope into what is known, and marks the durable ones to be written.
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
    }
}
