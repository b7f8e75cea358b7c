//! One step's turn: verdicts become events, with time and counters taken into account.

use serde_json::Value;

use super::judge::{Verdict, Wait};
use super::rest::{after_busy, between_looks};
use super::state::State;
use super::step::{Phase, Step};
use crate::base::digest::Digest;
use crate::base::id::StepId;
use crate::base::limits::{DOUBTS_MAX, FOLLOW_UP_REST, FOLLOW_UPS_MAX, IN_DOUBT_MARGIN, SETTLE_MAX};
use crate::base::time::{Millis, Timestamp};
use crate::model::calendar::{Calendar, Standing};
use crate::model::entry::BlobRef;
use crate::model::event::{Desired, Event, Rest};
use crate::model::finding::{Goal, NextCall, Readback};
use crate::model::outcome::{ApplyOutcome, Cause, CauseClass};
use crate::model::plan::{PlannedStep, ScopePlan, Work};

/// A step whose command was just answered.
pub(super) struct Turn<'a> {
    pub state: &'a State,
    pub planned: &'a PlannedStep,
    pub step: &'a Step,
    pub id: &'a StepId,
    /// Its place in the state.
    pub at: usize,
    pub now: Timestamp,
    pub calendar: Option<&'a Calendar>,
}

impl<'a> Turn<'a> {
    pub fn new(plan: &'a ScopePlan, state: &'a State, id: &'a StepId, now: Timestamp) -> Self {
        let planned = plan.steps.get(id).expect("step-of-the-plan: the run's steps are the plan's");
        let at = state.place(id);
        Self { state, planned, step: &state.steps[at], id, at, now, calendar: plan.calendar.as_ref() }
    }

    /// What a verdict comes to. `spec` is what the object was compared with.
    pub fn conclude(&self, verdict: Verdict, spec: Value) -> Vec<Event> {
        match verdict {
            Verdict::Succeed(readback) => vec![self.succeeded(readback, spec)],
            Verdict::Call(call) => self.call(call, spec),
            Verdict::FollowUp => self.follow_up(spec),
            Verdict::Watch { id } => {
                vec![Event::StepFound { step: self.id.clone(), attempt: self.step.attempt, at: self.now, id }]
            }
            Verdict::Rest { why, cause } => self.rest(why, None, cause),
            Verdict::Poll { seen, wait } => self.poll(seen, wait),
            Verdict::Fail { cause, readback } => self.fail(cause, readback),
        }
    }

    /// What the answer to a call comes to.
    pub fn answered(&self, call: NextCall, deadline: Timestamp, outcome: ApplyOutcome) -> Vec<Event> {
        match outcome {
            ApplyOutcome::Done { id } => vec![self.applied(id)],
            // What is not there need not be deleted; the look that follows makes sure.
            ApplyOutcome::Refused(cause)
                if call == NextCall::Delete && cause.class == CauseClass::NotFound =>
            {
                vec![self.applied(None)]
            }
            ApplyOutcome::Refused(cause) if cause.class == CauseClass::Conflict => {
                self.rest(Rest::Conflict, None, cause)
            }
            ApplyOutcome::Refused(cause) => self.fail(cause, None),
            ApplyOutcome::Busy { retry_after, cause } => self.rest(Rest::Busy, retry_after, cause),
            ApplyOutcome::NoAnswer(cause) => vec![self.doubt(deadline, Some(cause))],
        }
    }

    /// The call may still have its effect: wait until it cannot any more.
    pub fn doubt(&self, deadline: Timestamp, cause: Option<Cause>) -> Event {
        self.rested(deadline + IN_DOUBT_MARGIN, Rest::InDoubt, cause)
    }

    fn applied(&self, id: Option<String>) -> Event {
        Event::StepApplied { step: self.id.clone(), attempt: self.step.attempt, at: self.now, id }
    }

    fn succeeded(&self, readback: Readback, spec: Value) -> Event {
        let (polls, settled_in) = match self.step.phase {
            Phase::Verifying { since, polls, .. } => (polls, self.now.since(since)),
            _ => (0, Millis(0)),
        };
        let unrecorded = self.step.acted.is_empty() && self.state.look(self.at).goal == Goal::AsDesired;
        Event::StepSucceeded {
            step: self.id.clone(),
            attempt: self.step.attempt,
            effect: self.step.effect(self.state.graph.node(self.at).operation),
            id: readback.id,
            outputs: readback.outputs,
            readback: readback.blob,
            polls,
            settled_in,
            desired: if unrecorded { self.desired(spec) } else { None },
        }
    }

    fn call(&self, call: NextCall, spec: Value) -> Vec<Event> {
        if self.step.doubts >= DOUBTS_MAX {
            let message = format!("{} calls were not answered", self.step.doubts);
            return self.fail(Cause::new(CauseClass::Exhausted, message), None);
        }
        if let Some(events) = self.shut_out() {
            return events;
        }
        let verifying = matches!(self.step.phase, Phase::Verifying { .. });
        vec![Event::StepApplying {
            step: self.id.clone(),
            attempt: self.step.attempt + u32::from(verifying),
            call,
            deadline: self.now + self.planned.limits.call_timeout,
            desired: self.desired(spec).expect("calls-for-objects: a check never makes a call"),
        }]
    }

    /// What happens instead of a call while the calendar is shut. It is asked before the first call of a step in a round;
    /// a step that has begun is brought to its end, because half a replacement is worse than a late one.
    ///
    /// An opening that is waited for must hold the look at its begin too: else a change that fits exactly would always come
    /// a moment too late, and wait for ever.
    fn shut_out(&self) -> Option<Vec<Event>> {
        let calendar = self.calendar.filter(|_| !self.step.begun)?;
        let limits = &self.planned.limits;
        if let Standing::Open { .. } = calendar.standing(self.now, limits.expected) {
            return None;
        }
        let with_look = Millis(limits.expected.0.saturating_add(limits.call_timeout.0));
        match calendar.standing(self.now, with_look) {
            Standing::Open { .. } => None,
            Standing::Shut { opens, .. } => Some(vec![self.rested(opens, Rest::Window, None)]),
            Standing::Never { why } => {
                let message = format!("its change may not begin in the time that can be looked ahead: {why}");
                Some(self.fail(Cause::new(CauseClass::Shut, message), None))
            }
        }
    }

    /// A create is followed by its update at once; a further update only after the last one had time to show.
    fn follow_up(&self, spec: Value) -> Vec<Event> {
        let rested = match self.step.phase {
            // A clock that was set back says nothing about how long ago that was.
            Phase::Verifying { since, .. } => self.now < since || self.now.since(since) >= FOLLOW_UP_REST,
            _ => true,
        };
        if self.step.follow_ups < FOLLOW_UPS_MAX && (rested || self.step.last_call == Some(NextCall::Create))
        {
            return self.call(NextCall::Update, spec);
        }
        self.poll("still as before".to_owned(), Wait::Settle)
    }

    fn desired(&self, spec: Value) -> Option<Desired> {
        match &self.planned.work {
            Work::Check { .. } => None,
            Work::Reconcile(reconcile) => Some(Desired {
                kind: reconcile.kind.clone(),
                via: reconcile.via.clone(),
                after: self.planned.after.keys().cloned().collect(),
                spec_digest: Digest::of_canonical(&spec),
                spec,
            }),
        }
    }

    fn rest(&self, why: Rest, retry_after: Option<Millis>, cause: Cause) -> Vec<Event> {
        let limits = &self.planned.limits;
        let length = match why {
            Rest::NotReady => {
                let waited = limits.poll_every.0.max(1).saturating_mul(u64::from(self.step.waits) + 1);
                if waited > limits.ready_within.0 {
                    return self.fail(exhausted("it did not become ready", cause), None);
                }
                limits.poll_every.max(Millis(1))
            }
            Rest::Busy | Rest::Conflict | Rest::Unreadable => {
                let tries = self.step.tries + 1;
                if tries >= limits.attempts_max {
                    return self.fail(exhausted(&format!("tried {tries} times"), cause), None);
                }
                after_busy(retry_after, &self.state.run, self.id, self.step.attempt, self.step.tries)
            }
            Rest::InDoubt | Rest::Window => {
                unreachable!("doubts-and-windows-have-an-end: they rest until then")
            }
        };
        vec![self.rested(self.now + length, why, Some(cause))]
    }

    fn rested(&self, until: Timestamp, why: Rest, cause: Option<Cause>) -> Event {
        let (step, attempt) = (self.id.clone(), self.step.attempt);
        Event::StepRested { step, attempt, at: Some(self.now), until, why, cause }
    }

    fn poll(&self, seen: String, wait: Wait) -> Vec<Event> {
        let Phase::Verifying { watched_from, settles_from, polls, .. } = self.step.phase else {
            unreachable!("polls-only-after-a-call: a look before a call rests")
        };
        let limits = &self.planned.limits;
        let settling = self.now.since(settles_from) <= SETTLE_MAX;
        let readying = self.now.since(watched_from) <= limits.ready_within;
        let (goes_on, length) = match wait {
            Wait::Settle => (settling, between_looks(limits.poll_every, polls)),
            Wait::Ready => (readying, limits.poll_every.max(Millis(1))),
            Wait::Either => (settling || readying, between_looks(limits.poll_every, polls)),
        };
        if !goes_on {
            let waited = self.now.since(watched_from);
            let message = format!("what was applied is not what is there after {waited}: {seen}");
            return self.fail(Cause::new(CauseClass::NotHeld, message), None);
        }
        vec![Event::StepPolled {
            step: self.id.clone(),
            attempt: self.step.attempt,
            next: self.now + length,
            settles_from: if wait == Wait::Ready { self.now } else { settles_from },
            seen,
        }]
    }

    fn fail(&self, cause: Cause, readback: Option<BlobRef>) -> Vec<Event> {
        let failed = Event::StepFailed { step: self.id.clone(), attempt: self.step.attempt, cause, readback };
        let graph = &self.state.graph;
        let behind = graph.behind(self.at, |at| matches!(self.state.steps[at].phase, Phase::Waiting));
        let blocked = behind
            .into_iter()
            .map(|at| Event::StepBlocked { step: graph.name(at).clone(), by: self.id.clone() });
        std::iter::once(failed).chain(blocked).collect()
    }
}

fn exhausted(what: &str, last: Cause) -> Cause {
    Cause {
        class: CauseClass::Exhausted,
        message: format!("{what}; the last time: {}", last.message),
        ..last
    }
}
