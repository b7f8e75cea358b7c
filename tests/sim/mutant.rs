//! Deliberately broken rules. Each breaks the story at one place, outside the product: it rewrites what goes into the
//! engine, what comes out of it, or what the shell does with that. Each must be killed by the invariant it names.

use landfall::base::digest::Digest;
use landfall::base::id::{KindName, StepId};
use landfall::base::time::{Millis, Timestamp};
use landfall::engine::{Decision, Input, Phase, State};
use landfall::model::calendar::Standing;
use landfall::model::event::{Counts, Desired, Event, Rest, RunOutcome};
use landfall::model::finding::{Finding, Look, NextCall, Readback};
use landfall::model::outcome::{ApplyOutcome, Cause, CauseClass};
use landfall::model::plan::{Operation, ScopePlan};

use crate::scenario::{operation, spec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    DoubtTakenForBusy,
    DoubtNotWaitedOut,
    CallsSentAgainAfterCrash,
    AbsenceAfterCreateTakenForLoss,
    ForeignTakenForOurs,
    StaleTakenForPlanned,
    LateResultsTaken,
    EdgesForgotten,
    DependantsNotBlocked,
    BystandersBlocked,
    StopIgnored,
    IntentNotKept,
    DeadlineIgnored,
    SuccessUnseen,
    EndedTwice,
    RestsNotKept,
    TriesNotCounted,
    DoubtsNotCounted,
    FollowUpsNotCounted,
    SettlesForEver,
    RetryAfterIgnored,
    CallsBeyondThePlan,
    ReplacedBeforeGone,
    FailsWhereItCouldWait,
    HoldingsForgetIntents,
    ConflictTakenForDone,
    ConflictForgotten,
    WindowIgnored,
    LengthIgnored,
    LaterRoundsUnbound,
    BegunHeldBack,
    OpenedLate,
    NeverTakenForLater,
    AbortIgnored,
    AbortForgotten,
    AbortNotDrained,
    CancelledNotCounted,
    AbortTakenForFailure,
    RoundStandsStill,
    RoundWakesAll,
    RoundForgetsOurs,
    RoundRepeatsSuccess,
    StaleHolderSendsLate,
}

/// Each mutant with the invariant that kills it.
pub const MUTANTS: [(Mutant, &str); 43] = [
    (Mutant::DoubtTakenForBusy, "no-call-while-in-doubt"),
    (Mutant::DoubtNotWaitedOut, "no-call-while-in-doubt"),
    (Mutant::CallsSentAgainAfterCrash, "no-call-while-in-doubt"),
    (Mutant::AbsenceAfterCreateTakenForLoss, "no-create-after-create"),
    (Mutant::ForeignTakenForOurs, "foreign-never-touched"),
    (Mutant::StaleTakenForPlanned, "stale-never-overwritten"),
    (Mutant::LateResultsTaken, "no-call-while-in-doubt"),
    (Mutant::EdgesForgotten, "no-dependant-before-dependency"),
    (Mutant::DependantsNotBlocked, "terminates"),
    (Mutant::BystandersBlocked, "blocked-only-behind-failed"),
    (Mutant::StopIgnored, "nothing-applied-after-stop"),
    (Mutant::IntentNotKept, "no-apply-without-intent"),
    (Mutant::DeadlineIgnored, "no-call-while-in-doubt"),
    (Mutant::SuccessUnseen, "success-means-world-as-desired"),
    (Mutant::EndedTwice, "ended-once-per-round"),
    (Mutant::RestsNotKept, "owed-after-crash-equals-owed-before"),
    (Mutant::TriesNotCounted, "tries-bounded"),
    (Mutant::DoubtsNotCounted, "doubts-bounded"),
    (Mutant::FollowUpsNotCounted, "follow-ups-bounded"),
    (Mutant::SettlesForEver, "terminates"),
    (Mutant::RetryAfterIgnored, "rest-is-kept"),
    (Mutant::CallsBeyondThePlan, "call-within-plan"),
    (Mutant::ReplacedBeforeGone, "no-object-twice"),
    (Mutant::FailsWhereItCouldWait, "patience-succeeds"),
    (Mutant::HoldingsForgetIntents, "holdings-cover-ours"),
    (Mutant::ConflictTakenForDone, "foreign-never-touched"),
    (Mutant::ConflictForgotten, "success-means-world-as-desired"),
    (Mutant::WindowIgnored, "first-call-in-window"),
    (Mutant::LengthIgnored, "first-call-in-window"),
    (Mutant::LaterRoundsUnbound, "first-call-in-window"),
    (Mutant::BegunHeldBack, "begun-is-finished"),
    (Mutant::OpenedLate, "waits-for-the-next-opening"),
    (Mutant::NeverTakenForLater, "waits-for-the-next-opening"),
    (Mutant::AbortIgnored, "no-call-after-abort"),
    (Mutant::AbortForgotten, "owed-after-crash-equals-owed-before"),
    (Mutant::AbortNotDrained, "drained-before-ended"),
    (Mutant::CancelledNotCounted, "counts-are-the-steps"),
    (Mutant::AbortTakenForFailure, "outcome-follows-steps"),
    (Mutant::RoundStandsStill, "rounds-grow"),
    (Mutant::RoundWakesAll, "rest-is-kept"),
    (Mutant::RoundForgetsOurs, "retried-ends-as-never-failed"),
    (Mutant::RoundRepeatsSuccess, "succeeded-stays"),
    (Mutant::StaleHolderSendsLate, "no-call-while-in-doubt"),
];

impl Mutant {
    /// The plan that the engine is given.
    pub fn plan(self, plan: &ScopePlan) -> ScopePlan {
        let mut plan = plan.clone();
        if self == Mutant::EdgesForgotten {
            plan.steps.values_mut().for_each(|step| step.after.clear());
        }
        if self == Mutant::WindowIgnored {
            plan.calendar = None;
        }
        if self == Mutant::LengthIgnored {
            plan.steps.values_mut().for_each(|step| step.limits.expected = Millis(0));
        }
        plan
    }

    /// The plan that it is given in later rounds, if that is another one.
    pub fn later_plan(self, plan: &ScopePlan, state: &State) -> Option<ScopePlan> {
        let unbound = self == Mutant::LaterRoundsUnbound && state.round() > 1;
        unbound.then(|| ScopePlan { calendar: None, ..plan.clone() })
    }

    /// How the engine is made to look.
    pub fn look(self, state: Option<&State>, look: Look) -> Look {
        let forgets = self == Mutant::RoundForgetsOurs && state.is_some_and(|state| state.round() > 1);
        Look { ours: look.ours && !forgets, ..look }
    }

    /// The input that the engine is given.
    pub fn input(self, state: &State, input: Input) -> Input {
        match (self, input) {
            (
                Mutant::DoubtTakenForBusy,
                Input::Applied { step, attempt, outcome: ApplyOutcome::NoAnswer(cause) },
            ) => Input::Applied { step, attempt, outcome: ApplyOutcome::Busy { retry_after: None, cause } },
            (
                Mutant::ConflictTakenForDone,
                Input::Applied { step, attempt, outcome: ApplyOutcome::Refused(cause) },
            ) if cause.class == CauseClass::Conflict => {
                Input::Applied { step, attempt, outcome: ApplyOutcome::Done { id: None } }
            }
            (Mutant::LateResultsTaken, Input::Applied { step, outcome, .. }) => {
                let attempt = state.step(&step).attempt;
                Input::Applied { step, attempt, outcome }
            }
            (_, Input::Observed { step, attempt, spec, finding }) => {
                let finding = self.observed(finding);
                Input::Observed { step, attempt, spec, finding }
            }
            (Mutant::SuccessUnseen, Input::Verified { step, attempt, spec, .. }) => {
                let finding = Finding::Matches { readback: Readback::default() };
                Input::Verified { step, attempt, spec, finding }
            }
            (
                Mutant::FailsWhereItCouldWait,
                Input::Verified { step, attempt, spec, finding: Finding::Absent | Finding::Pending { .. } },
            ) => {
                let cause = Cause::new(CauseClass::BadState, "it is not there");
                Input::Verified { step, attempt, spec, finding: Finding::Broken { cause } }
            }
            (_, input) => input,
        }
    }

    fn observed(self, finding: Finding) -> Finding {
        let differs = |call| Finding::Differs { call, after_create: false, id: None };
        match (self, finding) {
            (Mutant::ForeignTakenForOurs, Finding::Foreign { .. }) => differs(NextCall::Update),
            (Mutant::StaleTakenForPlanned, Finding::Stale { .. }) => differs(NextCall::Update),
            (_, finding) => finding,
        }
    }

    /// A decision of its own instead of the engine's.
    pub fn instead(self, plan: &ScopePlan, state: &State, now: Timestamp, input: &Input) -> Option<Decision> {
        match (self, input) {
            (Mutant::StopIgnored, Input::StopAsked) => Some(Decision::Stale),
            (Mutant::AbortIgnored, Input::AbortAsked) => Some(Decision::Stale),
            (Mutant::AbortNotDrained, Input::AbortAsked)
                if state.ended().is_none() && !state.is_aborting() =>
            {
                let open = state.steps().values().filter(|step| !step.is_ended()).count();
                let counts = Counts { cancelled: open as u32, ..state.counts() };
                let ended = Event::RunEnded { outcome: RunOutcome::Aborted, counts };
                Some(Decision::Accepted(vec![Event::RunAborting {}, ended]))
            }
            (
                Mutant::AbsenceAfterCreateTakenForLoss,
                Input::Verified { step, attempt, finding: Finding::Absent, .. },
            ) if operation(plan, step) == Some(Operation::Create) => {
                self.apply(state, now, step, *attempt, NextCall::Create)
            }
            (Mutant::DoubtsNotCounted, Input::Observed { step, attempt, finding: Finding::Absent, .. })
                if operation(plan, step) == Some(Operation::Create) =>
            {
                self.apply(state, now, step, *attempt, NextCall::Create)
            }
            (
                Mutant::FollowUpsNotCounted,
                Input::Verified {
                    step, attempt, finding: Finding::Differs { after_create: true, .. }, ..
                },
            ) => self.apply(state, now, step, *attempt, NextCall::Update),
            (Mutant::ReplacedBeforeGone, Input::Verified { step, attempt, finding, .. })
                if matches!(finding, Finding::Pending { state, .. } if state == "deleting")
                    && operation(plan, step) == Some(Operation::Replace) =>
            {
                self.apply(state, now, step, *attempt, NextCall::Create)
            }
            (
                Mutant::CallsBeyondThePlan,
                Input::Observed { step, attempt, finding: Finding::Matches { .. }, .. },
            ) if operation(plan, step) == Some(Operation::None) => {
                self.apply(state, now, step, *attempt, NextCall::Update)
            }
            _ => None,
        }
    }

    fn apply(
        self,
        state: &State,
        now: Timestamp,
        step: &StepId,
        attempt: u32,
        call: NextCall,
    ) -> Option<Decision> {
        let known = state.step(step);
        let verifying = matches!(known.phase, Phase::Verifying { .. });
        let looking = verifying || matches!(known.phase, Phase::Observing);
        if !looking || known.attempt != attempt || state.is_stopping() || state.is_suspended() {
            return None;
        }
        let attempt = attempt + u32::from(verifying);
        Some(Decision::Accepted(vec![applying(now, step, attempt, call)]))
    }

    /// The events that the shell gets to see.
    pub fn events(
        self,
        plan: &ScopePlan,
        state: &State,
        now: Timestamp,
        mut events: Vec<Event>,
    ) -> Vec<Event> {
        if self == Mutant::BegunHeldBack {
            events = events.into_iter().map(|event| held_back(plan, state, now, event)).collect();
        }
        if let Some(Event::RunRetried { .. }) = events.first() {
            events.extend(self.retried(plan, state, now));
        }
        let gave_up = matches!(events.first(), Some(Event::StepFailed { .. }));
        let mut events: Vec<Event> =
            events.into_iter().filter_map(|event| self.event(state, now, event)).collect();
        if gave_up && !matches!(events.first(), Some(Event::StepFailed { .. })) {
            events.truncate(1);
        }
        if self == Mutant::DependantsNotBlocked
            && events.iter().any(|e| matches!(e, Event::StepFailed { .. }))
        {
            events.retain(|event| !matches!(event, Event::RunEnded { .. }));
        }
        if self == Mutant::EndedTwice
            && let Some(end @ Event::RunEnded { .. }) = events.last().cloned()
        {
            events.push(end);
        }
        if self == Mutant::BystandersBlocked
            && let Some(Event::StepFailed { step: by, .. }) = events.first()
        {
            let waiting = |step: &&StepId| {
                matches!(state.step(step).phase, Phase::Waiting)
                    && !events.iter().any(|event| event.step() == Some(step))
            };
            if let Some(step) = state.steps().keys().find(waiting).cloned() {
                let by = by.clone();
                events.push(Event::StepBlocked { step, by });
            }
        }
        events
    }

    fn event(self, state: &State, now: Timestamp, event: Event) -> Option<Event> {
        let rest =
            |event: &Event, wanted: Rest| matches!(event, Event::StepRested { why, .. } if *why == wanted);
        match event {
            Event::StepBlocked { .. } if self == Mutant::DependantsNotBlocked => None,
            Event::StepRested { step, attempt, at, why, cause, .. }
                if (self == Mutant::DoubtNotWaitedOut && why == Rest::InDoubt)
                    || (self == Mutant::RetryAfterIgnored && why == Rest::Busy) =>
            {
                Some(Event::StepRested { step, attempt, at, until: now, why, cause })
            }
            event if self == Mutant::CallsSentAgainAfterCrash && rest(&event, Rest::InDoubt) => {
                let crashed = matches!(event, Event::StepRested { cause: None, .. });
                (!crashed).then_some(event)
            }
            Event::StepRested { step, attempt, at, until, why: Rest::Conflict, cause }
                if self == Mutant::ConflictForgotten =>
            {
                Some(Event::StepRested { step, attempt, at, until, why: Rest::Busy, cause })
            }
            Event::StepRested { step, attempt, at, until, why: Rest::Window, cause }
                if self == Mutant::OpenedLate =>
            {
                let until = until + Millis(1);
                Some(Event::StepRested { step, attempt, at, until, why: Rest::Window, cause })
            }
            Event::RunEnded { outcome, counts } if self == Mutant::CancelledNotCounted => {
                Some(Event::RunEnded { outcome, counts: Counts { cancelled: 0, ..counts } })
            }
            Event::RunEnded { outcome: RunOutcome::Aborted, counts }
                if self == Mutant::AbortTakenForFailure =>
            {
                Some(Event::RunEnded { outcome: RunOutcome::Failed, counts })
            }
            Event::RunRetried { at, .. } if self == Mutant::RoundStandsStill => {
                Some(Event::RunRetried { at, round: state.round() })
            }
            Event::StepFailed { step, attempt, cause, readback } => {
                self.failed(state, now, Event::StepFailed { step, attempt, cause, readback })
            }
            event => Some(event),
        }
    }

    /// What a further round begins with beside itself.
    fn retried(self, plan: &ScopePlan, state: &State, now: Timestamp) -> Vec<Event> {
        let steps = state.steps().iter();
        match self {
            Mutant::RoundWakesAll => steps
                .filter(|(_, known)| matches!(known.phase, Phase::Resting { .. }))
                .map(|(step, known)| Event::StepWoke { step: step.clone(), attempt: known.attempt + 2 })
                .collect(),
            Mutant::RoundRepeatsSuccess => steps
                .filter(|(step, known)| {
                    matches!(known.phase, Phase::Succeeded { .. })
                        && operation(plan, step) == Some(Operation::Create)
                })
                .map(|(step, known)| applying(now, step, known.attempt, NextCall::Create))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Goes on where the engine gives up.
    fn failed(self, state: &State, now: Timestamp, event: Event) -> Option<Event> {
        let Event::StepFailed { step, attempt, cause, .. } = &event else { return Some(event) };
        let phase = &state.step(step).phase;
        let (step, attempt, until) = (step.clone(), *attempt, now + Millis(1));
        let rested = |why| {
            let (step, at) = (step.clone(), Some(now));
            Some(Event::StepRested { step, attempt, at, until, why, cause: None })
        };
        match (self, cause.class, phase) {
            (Mutant::TriesNotCounted, CauseClass::Exhausted, _) if !cause.message.contains("answered") => {
                rested(Rest::Busy)
            }
            (Mutant::NeverTakenForLater, CauseClass::Shut, _) => rested(Rest::Window),
            (Mutant::SettlesForEver, CauseClass::NotHeld, Phase::Verifying { settles_from, .. }) => {
                let (next, settles_from, seen) = (until, *settles_from, String::new());
                Some(Event::StepPolled { step, attempt, next, settles_from, seen })
            }
            _ => Some(event),
        }
    }

    /// Whether a durable event reaches the log.
    pub fn keeps(self, event: &Event) -> bool {
        match event {
            Event::StepApplying { .. } => self != Mutant::IntentNotKept,
            Event::StepRested { .. } => self != Mutant::RestsNotKept,
            Event::RunAborting {} => self != Mutant::AbortForgotten,
            _ => true,
        }
    }
}

/// An intent out of nowhere.
fn applying(now: Timestamp, step: &StepId, attempt: u32, call: NextCall) -> Event {
    let desired = Desired {
        kind: KindName::new("sim.object").expect("a kind"),
        via: None,
        after: Vec::new(),
        spec_digest: Digest::of_canonical(&spec()),
        spec: spec(),
    };
    Event::StepApplying { step: step.clone(), attempt, call, deadline: now + Millis(10_000), desired }
}

/// Every call asks the calendar, even one that finishes what has begun.
fn held_back(plan: &ScopePlan, state: &State, now: Timestamp, event: Event) -> Event {
    let (Event::StepApplying { step, .. }, Some(calendar)) = (&event, &plan.calendar) else { return event };
    let (step, attempt) = (step.clone(), state.step(step).attempt);
    match calendar.standing(now, plan.steps[&step].limits.expected) {
        Standing::Shut { opens: until, .. } => {
            Event::StepRested { step, attempt, at: Some(now), until, why: Rest::Window, cause: None }
        }
        Standing::Open { .. } | Standing::Never { .. } => event,
    }
}
