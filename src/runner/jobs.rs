//! Hands out slots to what the lanes let out, in the order of [`crate::pacing::queue`].

use super::lanes::Route;
use super::running::Running;
use super::scope_run::{Surroundings, bake_job};
use crate::base::id::{ScopeId, StepId};
use crate::model::plan::Work;
use crate::pacing::queue::Which;

impl Running<'_> {
    /// Starts what is owed and not running as long as there are slots. Checks of bake time come after what changes.
    pub(super) fn start_jobs(&mut self) {
        self.lanes.begin_turn();
        self.start_commands(self.free(), Which::All);
        self.start_checks();
    }

    /// Starts the looks that are owed while what made them due is still being written: a look changes nothing, so it need
    /// not wait for the disk as a call must. The slots of the calls that are owed are kept free for them. On a virtual
    /// clock writing takes no time, and one order is enough.
    pub(super) fn start_looks(&mut self) {
        if !self.clock.is_real() || !self.ledger.has_entries() || self.free() == 0 {
            return;
        }
        self.lanes.begin_turn();
        self.start_commands(self.free().saturating_sub(self.agenda.calls()), Which::Looks);
    }

    fn free(&self) -> usize {
        self.calls_at_once.saturating_sub(self.tasks.len())
    }

    fn route(&self, scope: &ScopeId, step: &StepId) -> Route<'_> {
        let plan = self.saved.plan.scope(scope);
        let step = match &plan.steps[step].work {
            Work::Reconcile(_) => step,
            Work::Check { check, .. } => &check.read,
        };
        let via = match plan.steps.get(step).map(|planned| &planned.work) {
            Some(Work::Reconcile(reconcile)) => reconcile.via.as_ref(),
            Some(Work::Check { .. }) | None => None,
        };
        let has_id = self.holdings[scope].has_id(step);
        Route { scope: scope.clone(), plan, place: self.known.place(scope, via), has_id }
    }

    fn start_commands(&mut self, free: usize, which: Which) {
        if free == 0 {
            return;
        }
        let mut lanes = std::mem::take(&mut self.lanes);
        let now = self.now();
        for scope in lanes.take_touched() {
            let moved = self.run_of(&scope).moved();
            let answered = |step: &StepId| self.scopes[&scope].answered(step);
            lanes.offer(&scope, moved, answered, |step| self.route(&scope, step));
        }
        let mut out = Vec::new();
        while out.len() < free
            && let Some(one) = lanes.next(now, which, |scope, step| self.route(scope, step))
        {
            out.push(one);
        }
        self.lanes = lanes;
        let saved = self.saved;
        for (scope, command, lane) in out {
            let around = Surroundings {
                known: &self.known,
                holdings: &self.holdings[&scope],
                run: &self.run,
                now: self.clock.now(),
            };
            let run = self.scopes.get_mut(&scope).expect("an active scope");
            let mut job = run.job(&scope, saved.plan.scope(&scope), command, around);
            job.lane = lane;
            self.tasks.start(job);
            self.note(&scope);
        }
    }

    fn start_checks(&mut self) {
        let saved = self.saved;
        let now = self.now();
        for one in self.bakes.startable(now) {
            if self.free() == 0 {
                return;
            }
            let mut lanes = std::mem::take(&mut self.lanes);
            let route = self.route(&one.scope, &one.step);
            let admitted = lanes.admits_read(&one.step, &route, now);
            let lane = lanes.of_read(&one.step, &route);
            self.lanes = lanes;
            if !admitted {
                continue;
            }
            let around = Surroundings {
                known: &self.known,
                holdings: &self.holdings[&one.scope],
                run: &self.run,
                now,
            };
            let mut job = bake_job(&one.wave, &one.scope, saved.plan.scope(&one.scope), &one.step, around);
            job.lane = lane;
            self.bakes.started(&one);
            self.tasks.start(job);
        }
    }
}
