//! Which calls may go out now: each is charged to a lane, one host and one family of calls that it counts together. Which
//! of those that may goes first is decided by [`Queue`].
//!
//! What the engine has decided to send is sent: its intent is in the log and its deadline runs. So the waiting is done
//! before: a look that may lead to a call goes out only when the call could follow at once, and pays for both. Calls
//! that no look has paid for, such as follow-ups, go into debt, and the looks behind them wait for longer.

use std::collections::BTreeSet;

use super::perform::{Done, Outcome};
use crate::base::id::{ScopeId, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::driver::Place;
use crate::engine::Command;
use crate::kind::Registry;
use crate::model::finding::Finding;
use crate::model::outcome::{ApplyOutcome, CauseClass};
use crate::model::plan::{Reconcile, ScopePlan, Work};
use crate::pacing::charge::{Charge, reads, verb_of};
use crate::pacing::queue::{Queue, Urgency, Which};
use crate::pacing::{Lane, LaneReport, Pacer, Rates, Verb};

/// Where a step's calls go.
pub(super) struct Route<'r> {
    /// The scope.
    pub(super) scope: ScopeId,
    /// Its steps.
    pub(super) plan: &'r ScopePlan,
    /// Where the calls go; nothing while that is not known, and then nothing is sent.
    pub(super) place: Option<Place>,
    /// Whether the object's id is known, so that it need not be looked for.
    pub(super) has_id: bool,
}

/// The lanes of a launch, and the calls that wait for them.
#[derive(Default)]
pub(super) struct Lanes {
    /// Nothing for a target that takes any number of calls.
    pacer: Option<Pacer>,
    queue: Queue<ScopeId, StepId, Command>,
    /// Scopes to which something has happened since their calls were offered.
    touched: BTreeSet<ScopeId>,
    /// Steps whose last look has paid for the call that follows.
    paid: BTreeSet<(ScopeId, StepId)>,
    /// When the first lane that held something back is ready.
    ready_at: Option<Timestamp>,
}

impl Lanes {
    pub(super) fn new(rates: Option<Rates>) -> Self {
        Self { pacer: rates.map(Pacer::new), ..Self::default() }
    }

    /// How calls went out, lane by lane.
    pub(super) fn report(&self) -> Vec<LaneReport> {
        self.pacer.as_ref().map(Pacer::report).unwrap_or_default()
    }

    /// When the first lane that held something back in this turn is ready.
    pub(super) fn ready_at(&self) -> Option<Timestamp> {
        self.ready_at
    }

    /// A new turn: nothing has been held back in it.
    pub(super) fn begin_turn(&mut self) {
        self.ready_at = None;
    }

    /// Something has happened to a scope: what it owes may be something else.
    pub(super) fn touch(&mut self, scope: &ScopeId) {
        if !self.touched.contains(scope) {
            self.touched.insert(scope.clone());
        }
    }

    /// The scopes whose calls are to be offered afresh.
    pub(super) fn take_touched(&mut self) -> BTreeSet<ScopeId> {
        std::mem::take(&mut self.touched)
    }

    /// Makes what waits of each of these steps exactly its command; one that waits already keeps its place.
    ///
    /// `answered` says when the last call of a step was answered.
    pub(super) fn offer<'r>(
        &mut self,
        scope: &ScopeId,
        moved: Vec<(StepId, Option<Command>)>,
        answered: impl Fn(&StepId) -> Option<Timestamp>,
        route: impl Fn(&StepId) -> Route<'r>,
    ) {
        let mut fresh = Vec::new();
        for (step, command) in moved {
            let waits = self.queue.waiting(scope, &step);
            if waits != command.as_ref() {
                self.queue.withdraw(scope, &step);
                fresh.extend(command.map(|command| (command, step)));
            }
        }
        fresh.sort_unstable();
        for (command, step) in fresh {
            let (urgency, lanes) = self.demand(&command, &route(&step), &step, answered(&step));
            self.queue.offer(scope, step, command, urgency, lanes);
        }
    }

    /// How urgent a command is, and the lanes that it waits for.
    fn demand(
        &self,
        command: &Command,
        route: &Route<'_>,
        step: &StepId,
        answered: Option<Timestamp>,
    ) -> (Urgency, Vec<Lane>) {
        let subject = subject(route.plan, step);
        let host = host(route.place.as_ref());
        let charge = self.pacer.as_ref().zip(subject).map(|(pacer, (reconcile, _))| Charge {
            rates: pacer.rates(),
            host: host.as_deref(),
            kind: &reconcile.kind,
        });
        match command {
            Command::WakeAt(_) | Command::Apply { .. } => (Urgency::Promised, Vec::new()),
            Command::Observe { remaining, .. } => {
                let then = subject.and_then(|(reconcile, mutates)| mutates.then_some(reconcile.operation));
                let lanes = charge.map(|charge| charge.look(route.has_id, then).0);
                (Urgency::Works(remaining.0), lanes.unwrap_or_default())
            }
            Command::Verify { remaining, .. } => {
                let asked = answered.filter(|_| subject.is_some_and(takes_time));
                let expected =
                    route.plan.steps.get(step).map_or(Millis(0), |planned| planned.limits.expected);
                let urgency = asked.map_or(Urgency::Works(remaining.0), |since| Urgency::Asks {
                    until: since + expected,
                    then: Millis(remaining.0.0.saturating_sub(expected.0)),
                });
                let lane = charge.and_then(|charge| charge.read(route.has_id));
                (urgency, lane.into_iter().collect())
            }
        }
    }

    /// The next command that may go out now, charged.
    pub(super) fn next<'r>(
        &mut self,
        now: Timestamp,
        which: Which,
        route: impl Fn(&ScopeId, &StepId) -> Route<'r>,
    ) -> Option<(ScopeId, Command, Option<Lane>)> {
        let Some(out) = self.queue.next(self.pacer.as_mut(), now, which) else {
            self.ready_at = self.ready_at.into_iter().chain(self.queue.ready_at()).min();
            return None;
        };
        let mut lane = None;
        if self.pacer.is_some() {
            let route = route(&out.who, &out.key);
            self.settle(&out.call, &route, &out.key, now);
            lane = self.of(&out.call, &route);
        }
        Some((out.who, out.call, lane))
    }

    /// A look that may lead to a call has paid for it; a call that no look has paid for goes into debt.
    fn settle(&mut self, command: &Command, route: &Route<'_>, step: &StepId, now: Timestamp) {
        let Some((pacer, (reconcile, mutates))) = self.pacer.as_ref().zip(subject(route.plan, step)) else {
            return;
        };
        let host = host(route.place.as_ref());
        let charge = Charge { rates: pacer.rates(), host: host.as_deref(), kind: &reconcile.kind };
        let key = (route.scope.clone(), step.clone());
        match command {
            Command::WakeAt(_) | Command::Verify { .. } => {}
            Command::Observe { .. } => {
                if charge.look(route.has_id, mutates.then_some(reconcile.operation)).1 {
                    self.paid.insert(key);
                }
            }
            Command::Apply { call, .. } => {
                let lane = charge.lane(verb_of(*call));
                if !self.paid.remove(&key) {
                    self.take(lane.into_iter().collect(), now);
                }
            }
        }
    }

    /// Whether a read of a step's object may go out now; if so, it is charged.
    pub(super) fn admits_read(&mut self, step: &StepId, route: &Route<'_>, now: Timestamp) -> bool {
        let read = self.lane_of(step, route, reads(route.has_id));
        self.admit(read.into_iter().collect(), now)
    }

    /// The lane of a command's own call.
    pub(super) fn of(&self, command: &Command, route: &Route<'_>) -> Option<Lane> {
        let verb = match command {
            Command::WakeAt(_) => return None,
            Command::Apply { call, .. } => verb_of(*call),
            Command::Observe { .. } | Command::Verify { .. } => reads(route.has_id),
        };
        self.lane_of(command.step()?, route, verb)
    }

    /// The lane of a read of a step's object.
    pub(super) fn of_read(&self, step: &StepId, route: &Route<'_>) -> Option<Lane> {
        self.lane_of(step, route, reads(route.has_id))
    }

    fn lane_of(&self, step: &StepId, route: &Route<'_>, verb: Verb) -> Option<Lane> {
        let (reconcile, _) = subject(route.plan, step)?;
        let host = host(route.place.as_ref());
        let rates = self.pacer.as_ref()?.rates();
        Charge { rates, host: host.as_deref(), kind: &reconcile.kind }.lane(verb)
    }

    /// Charges all of these lanes if all are ready.
    fn admit(&mut self, lanes: Vec<Lane>, now: Timestamp) -> bool {
        let Some(pacer) = &self.pacer else { return true };
        let ready = lanes.iter().map(|lane| pacer.ready_at(lane, now)).max().unwrap_or(now);
        if ready > now {
            self.ready_at = self.ready_at.into_iter().chain([ready]).min();
            return false;
        }
        self.take(lanes, now);
        true
    }

    fn take(&mut self, lanes: Vec<Lane>, now: Timestamp) {
        if let Some(pacer) = &mut self.pacer {
            lanes.iter().for_each(|lane| pacer.take(lane, now));
        }
    }

    /// Learns from an answer: a service that is asked too much says so.
    pub(super) fn learn(&mut self, done: &Done, now: Timestamp) {
        let (Some(pacer), Some(lane)) = (&mut self.pacer, &done.lane) else { return };
        let before = pacer.ready_at(lane, now);
        match &done.result {
            Outcome::Answered(ApplyOutcome::Busy { retry_after, .. }) => {
                pacer.refused(lane, now, *retry_after);
            }
            Outcome::Answered(ApplyOutcome::NoAnswer(_)) => {}
            Outcome::Answered(ApplyOutcome::Done { .. } | ApplyOutcome::Refused(_)) => {
                pacer.answered(lane, now);
            }
            Outcome::Found(looked) => match unread(&looked.finding) {
                Some(CauseClass::Busy) => pacer.refused(lane, now, None),
                Some(CauseClass::NoAnswer) => {}
                Some(_) | None => pacer.answered(lane, now),
            },
        }
        if pacer.ready_at(lane, now) < before {
            self.queue.learned(lane);
        }
    }
}

/// Why a look saw nothing, if it did not.
fn unread(finding: &Finding) -> Option<CauseClass> {
    if let Finding::Unreadable { cause, .. } = finding { Some(cause.class) } else { None }
}

/// The object that a step's calls are about, and whether the step may change it.
fn subject<'p>(plan: &'p ScopePlan, step: &StepId) -> Option<(&'p Reconcile, bool)> {
    let planned = plan.steps.get(step)?;
    match &planned.work {
        Work::Reconcile(reconcile) => Some((reconcile, planned.mutates())),
        Work::Check { check, .. } => match &plan.steps.get(&check.read)?.work {
            Work::Reconcile(reconcile) => Some((reconcile, false)),
            Work::Check { .. } => None,
        },
    }
}

/// Whether an object of this kind takes its time after its call, and looks before that say only that it is not ready.
fn takes_time((reconcile, _): (&Reconcile, bool)) -> bool {
    Registry::standard().get(&reconcile.kind).is_some_and(|kind| kind.ready.is_some())
}

/// The host that a step's calls are counted at.
fn host(place: Option<&Place>) -> Option<String> {
    Some(match place? {
        Place::Account => "account".to_owned(),
        Place::Workspace { workspace_id, .. } => format!("workspace/{workspace_id}"),
    })
}
