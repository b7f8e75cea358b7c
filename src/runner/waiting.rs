//! Whether the process stays while a launch waits: one that waits for people or dates holds none.

use super::running::Running;
use super::{Left, RunnerError};
use crate::base::id::ScopeId;
use crate::base::limits;
use crate::base::time::{Millis, Timestamp};
use crate::engine::WaitsOn;
use crate::fleet::{self, Subject, Waiting};
use crate::model::calendar::{Calendar, Shut, Standing};
use crate::model::wait::Wait;

impl Running<'_> {
    /// How the launch leaves while nothing is under way, if it does. On a virtual clock time jumps to the next moment;
    /// on a real one it is waited for if it is near, or if the process is to stay.
    pub(super) fn leaves(&self, timer: Option<Timestamp>) -> Result<Option<Left>, RunnerError> {
        let stays = match (self.clock.is_real(), timer) {
            (true, _) if self.stay => true,
            (true, Some(at)) => at.since(self.now()) <= limits::WAIT_IN_PROCESS,
            // While only a person can help, the moments of a virtual clock lead nowhere.
            (false, Some(_)) => !self.needs_people(),
            (true | false, None) => false,
        };
        if stays {
            return Ok(None);
        }
        let waits = self.waits();
        if waits.is_empty() && timer.is_none() {
            return Err(RunnerError::Stuck);
        }
        let due = if self.needs_people() { None } else { timer };
        Ok(Some(Left::Waiting { waits, due }))
    }

    /// What waits, and for what: the scopes that have not started, and those whose steps all rest.
    pub(super) fn waits(&self) -> Vec<Waiting> {
        let fleet = fleet::waits(&self.saved.plan, &self.fleet, self.now());
        let resting = self.active.iter().filter_map(|scope| self.resting(scope));
        fleet.into_iter().chain(resting).collect()
    }

    /// Whether nothing goes on by itself: somebody has to decide something, and everything else waits behind that. The steps
    /// of scopes are looked at last, and only while somebody has to: what rests goes on by itself.
    fn needs_people(&self) -> bool {
        let fleet = fleet::waits(&self.saved.plan, &self.fleet, self.now());
        fleet.iter().any(|one| one.why.needs_person())
            && fleet.iter().all(|one| one.until.is_none())
            && !self.active.iter().any(|scope| self.resting(scope).is_some())
    }

    /// What a scope waits for whose steps all rest: the rest that ends first.
    fn resting(&self, scope: &ScopeId) -> Option<Waiting> {
        let waits = self.scopes[scope].waits();
        let rests = waits.into_iter().filter_map(|wait| {
            let (until, for_window) = match wait.on {
                WaitsOn::Step(_) => return None,
                WaitsOn::Window { until } => (until, true),
                WaitsOn::Service { until, .. } => (until, false),
                WaitsOn::Goal { until } => (until?, false),
            };
            Some((until, for_window, wait.since))
        });
        let (until, for_window, since) = rests.min()?;
        let why = if for_window {
            let calendar = self.saved.plan.scope(scope).calendar.as_ref();
            Wait::Window { opens: until, why: calendar.map_or(Shut::OutsideWindow, |one| self.shut(one)) }
        } else {
            Wait::Service { until }
        };
        let subject = Subject::Scope(scope.clone());
        Some(Waiting { subject, why, since: Some(since), until: Some(until) })
    }

    fn shut(&self, calendar: &Calendar) -> Shut {
        match calendar.standing(self.now(), Millis(0)) {
            // It is open, and yet the step waits: what is left of the opening is too short for it.
            Standing::Open { .. } => Shut::TooLate,
            Standing::Shut { why, .. } | Standing::Never { why } => why,
        }
    }
}
