//! Hands out slots: one scope after the other in turn, the longest remaining path first, and only what its lanes let out.

use super::lanes::Route;
use super::running::Running;
use super::scope_run::{Surroundings, bake_job};
use super::turn;
use crate::base::id::{ScopeId, StepId};
use crate::model::plan::Work;

impl Running<'_> {
    /// Starts what is owed and not running as long as there are slots. Checks of bake time come after what changes.
    pub(super) fn start_jobs(&mut self) {
        self.lanes.begin_turn();
        self.start_commands();
        self.start_checks();
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
        let has_id = self.holdings[scope].get(step).is_some_and(|held| held.id.is_some());
        Route { scope: scope.clone(), plan, place: self.known.place(scope, via), has_id }
    }

    fn start_commands(&mut self) {
        let free = self.free();
        if free == 0 {
            return;
        }
        let mut lanes = std::mem::take(&mut self.lanes);
        let now = self.now();
        let queues = turn::after(&self.active, self.served.as_ref())
            .map(|scope| (scope.clone(), self.scopes[scope].startable()))
            .collect();
        let dealt = turn::deal(queues, free, |scope, command| {
            command.step().is_some_and(|step| lanes.admits(command, &self.route(scope, step), now))
        });
        let dealt: Vec<_> = dealt
            .into_iter()
            .map(|(scope, command)| {
                let lane = command.step().and_then(|step| lanes.of(command, &self.route(&scope, step)));
                (scope, command.clone(), lane)
            })
            .collect();
        self.lanes = lanes;
        let saved = self.saved;
        for (scope, command, lane) in dealt {
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
            self.served = Some(scope);
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
