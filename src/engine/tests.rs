//! Short stories, text in and text out. The long ones are in `tests/sim`.

use serde_json::json;

use super::*;
use crate::base::id::{KindName, RunId, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::calendar::Calendar;
use crate::model::event::{Event, RunOutcome};
use crate::model::finding::{Finding, NextCall, Readback};
use crate::model::outcome::{ApplyOutcome, Cause, CauseClass};
use crate::model::plan::{
    EdgeReason, Operation, PlannedStep, Reconcile, Reversal, ScopePlan, StepLimits, Work,
};

fn id(text: &str) -> StepId {
    StepId::new(text).expect("an id")
}

fn planned(operation: Operation, after: &[String]) -> PlannedStep {
    let work = Work::Reconcile(Reconcile {
        kind: KindName::new("databricks.catalog").expect("a kind"),
        via: None,
        operation,
        spec: json!({}).into(),
        changes: Vec::new(),
        seen: None,
        id: None,
        reversal: Reversal::Reversible,
    });
    let limits = StepLimits {
        call_timeout: Millis::from_secs(60),
        attempts_max: 3,
        poll_every: Millis::from_secs(10),
        ready_within: Millis::from_secs(600),
        expected: crate::base::time::Millis(0),
    };
    let after = after.iter().map(|need| (id(need), EdgeReason::Declared)).collect();
    PlannedStep { work, after, origin: None, evidence: None, limits }
}

fn plan(steps: &[(&str, Operation, &[&str])]) -> ScopePlan {
    let step = |(name, operation, after): &(&str, Operation, &[&str])| {
        let after: Vec<String> = after.iter().map(ToString::to_string).collect();
        (id(name), planned(*operation, &after))
    };
    ScopePlan {
        needs: Default::default(),
        steps: steps.iter().map(step).collect(),
        calendar: None,
        expected: crate::base::time::Millis(0),
    }
}

/// A run that is told one thing after another; each gives a line.
struct Story {
    plan: ScopePlan,
    state: State,
    now: Timestamp,
}

impl Story {
    fn new(plan: ScopePlan) -> Self {
        let state = State::new(RunId::new("run-1").expect("a run id"), &plan);
        Self { plan, state, now: Timestamp::from_millis(0) }
    }

    fn tell(&mut self, input: Input) -> String {
        match decide(&self.plan, &self.state, self.now, input) {
            Decision::Stale => "stale".to_owned(),
            Decision::Refused(refusal) => format!("refused: {refusal}"),
            Decision::Accepted(events) => {
                events.iter().for_each(|event| apply(&mut self.state, event));
                let kinds: Vec<&str> = events.iter().map(Event::kind).collect();
                format!("{} | {}", kinds.join(" "), self.owed())
            }
        }
    }

    fn owed(&self) -> String {
        let shown = owed(&self.state).into_iter().map(|command| match command {
            Command::WakeAt(at) => format!("wake {}", at.as_millis()),
            Command::Apply { step, attempt, call, .. } => format!("{call:?} {step} {attempt}"),
            Command::Verify { step, attempt, .. } => format!("verify {step} {attempt}"),
            Command::Observe { step, attempt, .. } => format!("observe {step} {attempt}"),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn observed(&mut self, step: &str, attempt: u32, finding: Finding) -> String {
        self.tell(Input::Observed { step: id(step), attempt, spec: json!({}), finding })
    }

    fn applied(&mut self, step: &str, attempt: u32, outcome: ApplyOutcome) -> String {
        self.tell(Input::Applied { step: id(step), attempt, outcome })
    }

    fn verified(&mut self, step: &str, attempt: u32, finding: Finding) -> String {
        self.tell(Input::Verified { step: id(step), attempt, spec: json!({}), finding })
    }
}

fn done() -> ApplyOutcome {
    ApplyOutcome::Done { id: Some("7".to_owned()) }
}

fn no_answer() -> ApplyOutcome {
    ApplyOutcome::NoAnswer(Cause::new(CauseClass::NoAnswer, "no answer"))
}

fn matches() -> Finding {
    Finding::Matches { readback: Readback::default() }
}

fn differs(call: NextCall, after_create: bool) -> Finding {
    Finding::Differs { call, after_create, id: None }
}

#[test]
fn a_create_in_two_steps_is_one_try() {
    let mut story = Story::new(plan(&[("a", Operation::Create, &[]), ("b", Operation::None, &["a"])]));
    assert_eq!(story.tell(Input::Started), "run.started | observe a 1");
    assert_eq!(story.observed("a", 1, Finding::Absent), "step.applying | Create a 1");
    assert_eq!(story.applied("a", 1, done()), "step.applied | verify a 1");
    assert_eq!(story.verified("a", 1, Finding::Absent), "step.polled | wake 500");
    assert_eq!(story.verified("a", 1, Finding::Absent), "stale", "the same look twice");
    story.now = Timestamp::from_millis(500);
    assert_eq!(story.tell(Input::TimeReached), "step.woke | verify a 1");
    assert_eq!(story.verified("a", 1, differs(NextCall::Update, true)), "step.applying | Update a 2");
    assert_eq!(story.applied("a", 1, done()), "stale", "the create's answer twice");
    assert_eq!(story.applied("a", 2, done()), "step.applied | verify a 2");
    assert_eq!(story.verified("a", 2, matches()), "step.succeeded | observe b 1");
    assert_eq!(story.observed("b", 1, matches()), "step.succeeded run.ended | ");
    assert_eq!(story.state.ended(), Some(RunOutcome::Succeeded));
    assert_eq!(story.tell(Input::Recovered), "refused: the run has ended");
}

#[test]
fn a_replacement_is_made_only_after_the_old_object_is_gone() {
    let mut story = Story::new(plan(&[("a", Operation::Replace, &[])]));
    story.tell(Input::Started);
    assert_eq!(story.observed("a", 1, differs(NextCall::Delete, false)), "step.applying | Delete a 1");
    assert_eq!(story.applied("a", 1, done()), "step.applied | verify a 1");
    let deleting = Finding::Pending { state: "deleting".to_owned(), id: None };
    assert_eq!(story.verified("a", 1, deleting), "step.polled | wake 10000");
    story.now = Timestamp::from_millis(10_000);
    story.tell(Input::TimeReached);
    assert_eq!(story.verified("a", 1, Finding::Absent), "step.applying | Create a 2");
    assert_eq!(story.applied("a", 2, done()), "step.applied | verify a 2");
    assert_eq!(story.verified("a", 2, matches()), "step.succeeded run.ended | ");
    assert_eq!(story.state.counts().replaced, 1);
}

#[test]
fn a_call_without_an_answer_is_waited_out_and_then_looked_for() {
    let mut story = Story::new(plan(&[("a", Operation::Create, &[])]));
    story.tell(Input::Started);
    story.observed("a", 1, Finding::Absent);
    story.now = Timestamp::from_millis(1_000);
    assert_eq!(story.applied("a", 1, no_answer()), "step.rested | wake 60250", "its deadline and a margin");
    story.now = Timestamp::from_millis(60_250);
    assert_eq!(story.tell(Input::TimeReached), "step.woke | observe a 2");
    let found = Finding::Pending { state: "provisioning".to_owned(), id: Some("7".to_owned()) };
    assert_eq!(story.observed("a", 2, found), "step.found | verify a 2", "it landed: it is not made again");
    assert_eq!(story.verified("a", 2, matches()), "step.succeeded run.ended | ");
    assert_eq!(story.state.counts().created, 1);
}

#[test]
fn a_stopped_run_is_drained_and_goes_on_where_it_was() {
    let mut story = Story::new(plan(&[("a", Operation::Create, &[]), ("b", Operation::Create, &[])]));
    story.tell(Input::Started);
    story.observed("a", 1, Finding::Absent);
    assert_eq!(story.tell(Input::StopAsked), "run.stopping | Create a 1");
    assert_eq!(story.observed("b", 1, Finding::Absent), "stale");
    assert_eq!(story.applied("a", 1, done()), "step.applied run.suspended | ");
    assert!(story.state.is_suspended());
    assert_eq!(story.tell(Input::Recovered), "run.recovered | verify a 1, observe b 1");
}

#[test]
fn what_waits_for_a_failed_step_is_blocked_and_the_rest_goes_on() {
    let edges: [(&str, Operation, &[&str]); 4] = [
        ("a", Operation::Create, &[]),
        ("b", Operation::Create, &["a"]),
        ("c", Operation::Create, &["b"]),
        ("d", Operation::None, &[]),
    ];
    let mut story = Story::new(plan(&edges));
    story.tell(Input::Started);
    let foreign = Finding::Foreign { id: "9".to_owned() };
    assert_eq!(story.observed("a", 1, foreign), "step.failed step.blocked step.blocked | observe d 1");
    assert_eq!(story.observed("d", 1, matches()), "step.succeeded run.ended | ");
    let counts = story.state.counts();
    assert_eq!((counts.failed, counts.blocked, counts.unchanged), (1, 2, 1));
    assert_eq!(story.state.ended(), Some(RunOutcome::Failed));
}

#[test]
fn a_run_is_never_continued_over_what_is_not_understood() {
    let plan = plan(&[("a", Operation::None, &[])]);
    let replay = |kind: &str| {
        let events = [
            Event::RunStarted { at: Timestamp::from_millis(0) },
            Event::Unknown { kind: kind.to_owned(), step: None },
        ];
        State::replay(RunId::new("run-1").expect("a run id"), &plan, &events).map(|state| state.is_started())
    };
    assert_eq!(replay("checkpoint.signed"), Ok(true), "not the engine's");
    let error = replay("step.teleported").expect_err("a newer engine's");
    assert_eq!(
        error.to_string(),
        "the run holds a step.teleported entry, which this program does not know: install a newer landfall"
    );
}

/// With work that grows with the square of the steps, this takes minutes.
#[test]
fn the_largest_scope_is_no_trouble() {
    let size = crate::base::limits::STEPS_PER_SCOPE_MAX;
    let name = |n: usize| format!("s{n}");
    // Two halves: a chain, and steps that are all ready at once.
    let steps = (0..size).map(|n| {
        let after = if n < size / 2 && n > 0 { vec![name(n - 1)] } else { Vec::new() };
        (id(&name(n)), planned(Operation::None, &after))
    });
    let mut story = Story::new(ScopePlan {
        needs: Default::default(),
        steps: steps.collect(),
        calendar: None,
        expected: crate::base::time::Millis(0),
    });
    let first = decide(&story.plan, &story.state, story.now, Input::Started);
    let Decision::Accepted(events) = first else { panic!("a run can start") };
    events.iter().for_each(|event| apply(&mut story.state, event));
    while let Some(Command::Observe { step, attempt, .. }) = owed(&story.state).first().cloned() {
        let input = Input::Observed { step, attempt, spec: json!({}), finding: matches() };
        let Decision::Accepted(events) = decide(&story.plan, &story.state, story.now, input) else {
            panic!("what is owed is never stale")
        };
        events.iter().for_each(|event| apply(&mut story.state, event));
    }
    assert_eq!(story.state.ended(), Some(RunOutcome::Succeeded));
    assert_eq!(story.state.counts().unchanged as usize, size);
}

#[test]
fn a_called_off_run_waits_for_calls_under_way_and_ends_as_it_stands() {
    let mut story = Story::new(plan(&[("a", Operation::Create, &[]), ("b", Operation::Create, &["a"])]));
    assert_eq!(story.tell(Input::AbortAsked), "refused: the run has not begun");
    story.tell(Input::Started);
    story.observed("a", 1, Finding::Absent);
    assert_eq!(story.tell(Input::StopAsked), "run.stopping | Create a 1");
    assert_eq!(story.tell(Input::AbortAsked), "run.aborting | Create a 1", "it outdoes the stop");
    assert!(story.state.is_aborting() && !story.state.is_stopping());
    assert_eq!(story.tell(Input::AbortAsked), "stale");
    assert_eq!(story.tell(Input::StopAsked), "stale");
    assert_eq!(story.applied("a", 1, done()), "step.applied run.ended | ");
    assert_eq!(story.state.ended(), Some(RunOutcome::Aborted));
    assert_eq!(story.state.counts().cancelled, 2, "nobody has seen what was applied");
    assert_eq!(story.tell(Input::AbortAsked), "stale");
    assert_eq!(story.tell(Input::Recovered), "refused: the run has ended");
}

#[test]
fn a_holder_that_takes_up_a_called_off_run_ends_it() {
    let mut story = Story::new(plan(&[("a", Operation::Create, &[])]));
    story.tell(Input::Started);
    story.observed("a", 1, Finding::Absent);
    story.tell(Input::AbortAsked);
    assert_eq!(story.tell(Input::Recovered), "run.recovered step.rested run.ended | ");

    let mut suspended = Story::new(plan(&[("a", Operation::Create, &[])]));
    suspended.tell(Input::Started);
    assert_eq!(suspended.tell(Input::StopAsked), "run.stopping run.suspended | ");
    assert_eq!(suspended.tell(Input::AbortAsked), "run.aborting run.ended | ");
}

#[test]
fn a_failed_run_is_tried_again_without_what_succeeded() {
    let edges: [(&str, Operation, &[&str]); 3] =
        [("a", Operation::Create, &[]), ("b", Operation::Create, &["a"]), ("c", Operation::None, &[])];
    let mut story = Story::new(plan(&edges));
    story.tell(Input::Started);
    assert_eq!(story.tell(Input::RetryAsked { round: 1 }), "stale");
    assert_eq!(
        story.tell(Input::RetryAsked { round: 2 }),
        "refused: the run has not ended: take it up again instead"
    );
    story.observed("c", 1, matches());
    story.observed("a", 1, Finding::Absent);
    let refused = ApplyOutcome::Refused(Cause::new(CauseClass::PermissionDenied, "no"));
    assert_eq!(story.applied("a", 1, refused), "step.failed step.blocked run.ended | ");
    assert_eq!(story.tell(Input::RetryAsked { round: 2 }), "run.retried | observe a 2");
    assert_eq!((story.state.round(), story.state.counts().failed, story.state.counts().unchanged), (2, 0, 1));
    assert_eq!(story.tell(Input::RetryAsked { round: 2 }), "stale", "the same round once");
    assert_eq!(story.observed("a", 1, Finding::Absent), "stale", "an answer to the first round");
    story.observed("a", 2, Finding::Absent);
    story.applied("a", 2, done());
    assert_eq!(story.verified("a", 2, matches()), "step.succeeded | observe b 1");
    assert_eq!(story.observed("b", 1, matches()), "step.succeeded run.ended | ");
    let counts = story.state.counts();
    assert_eq!((counts.created, counts.unchanged, counts.failed, counts.blocked), (1, 2, 0, 0));
    assert_eq!(story.tell(Input::RetryAsked { round: 2 }), "stale");
    assert_eq!(
        story.tell(Input::RetryAsked { round: 3 }),
        "refused: the run has succeeded: there is nothing to try again"
    );
}

#[test]
fn a_call_in_doubt_is_waited_out_in_the_next_round_too() {
    let mut story = Story::new(plan(&[("a", Operation::Create, &[])]));
    story.tell(Input::Started);
    story.observed("a", 1, Finding::Absent);
    story.tell(Input::AbortAsked);
    assert_eq!(story.applied("a", 1, no_answer()), "step.rested run.ended | ");
    assert_eq!(story.tell(Input::RetryAsked { round: 2 }), "run.retried | wake 60250");
    story.now = Timestamp::from_millis(60_250);
    assert_eq!(story.tell(Input::TimeReached), "step.woke | observe a 3");
    let found = Finding::Pending { state: "provisioning".to_owned(), id: Some("7".to_owned()) };
    assert_eq!(story.observed("a", 3, found), "step.found | verify a 3", "it landed: it is ours");
    assert_eq!(story.verified("a", 3, matches()), "step.succeeded run.ended | ");
    assert_eq!(story.state.counts().created, 1);
}

/// Open from 01:00 to 02:00 UTC every day.
fn at_night() -> Calendar {
    let night = json!({
        "zone": "UTC", "freezes": [], "first_day": null,
        "windows": [{
            "days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            "from": "01:00", "to": "02:00", "zone": "UTC"
        }],
    });
    serde_json::from_value(night).expect("a calendar")
}

const HOUR: i64 = 3_600_000;

fn in_a_window(operation: Operation, expected: Millis) -> Story {
    let mut plan = plan(&[("a", operation, &[]), ("b", Operation::Create, &["a"])]);
    plan.calendar = Some(at_night());
    plan.steps.values_mut().for_each(|step| step.limits.expected = expected);
    Story::new(plan)
}

#[test]
fn the_first_call_waits_for_the_window_and_is_judged_anew() {
    let mut story = in_a_window(Operation::Create, Millis::from_secs(1_800));
    story.tell(Input::Started);
    assert_eq!(story.observed("a", 1, Finding::Absent), "step.rested | wake 3600000");
    let (until, since) = (Timestamp::from_millis(HOUR), Timestamp::from_millis(0));
    let chain = [
        StepWait { step: id("a"), on: WaitsOn::Window { until }, since },
        StepWait { step: id("b"), on: WaitsOn::Step(id("a")), since },
    ];
    assert_eq!(waits(&story.state), chain);
    story.now = Timestamp::from_millis(HOUR + HOUR / 2 + 1);
    assert_eq!(story.tell(Input::TimeReached), "step.woke | observe a 2");
    assert_eq!(story.observed("a", 2, Finding::Absent), "step.rested | wake 90000000", "too late in it");
    story.now = Timestamp::from_millis(25 * HOUR);
    story.tell(Input::TimeReached);
    assert_eq!(story.observed("a", 3, Finding::Absent), "step.applying | Create a 3");
    assert_eq!(waits(&story.state).len(), 1, "what is called upon does not wait");
}

#[test]
fn what_has_begun_is_finished_after_the_window_and_a_further_round_asks_again() {
    let mut story = in_a_window(Operation::Replace, Millis(0));
    story.now = Timestamp::from_millis(2 * HOUR - 1);
    story.tell(Input::Started);
    story.observed("a", 1, differs(NextCall::Delete, false));
    story.now = Timestamp::from_millis(3 * HOUR);
    story.applied("a", 1, done());
    assert_eq!(story.verified("a", 1, Finding::Absent), "step.applying | Create a 2");
    let refused = ApplyOutcome::Refused(Cause::new(CauseClass::Quota, "no room"));
    assert_eq!(story.applied("a", 2, refused), "step.failed step.blocked run.ended | ");
    assert_eq!(story.tell(Input::RetryAsked { round: 2 }), "run.retried | observe a 3");
    assert_eq!(story.observed("a", 3, Finding::Absent), "step.rested | wake 90000000");
}

#[test]
fn a_change_that_fits_exactly_does_not_wait_for_ever() {
    let mut story = in_a_window(Operation::Create, Millis::from_secs(3_600));
    story.tell(Input::Started);
    assert!(story.observed("a", 1, Finding::Absent).starts_with("step.failed"), "no time is left to look");
    let mut story = in_a_window(Operation::Create, Millis::from_secs(3_540));
    story.tell(Input::Started);
    assert_eq!(story.observed("a", 1, Finding::Absent), "step.rested | wake 3600000");
    story.now = Timestamp::from_millis(HOUR + 60_000);
    story.tell(Input::TimeReached);
    assert_eq!(story.observed("a", 2, Finding::Absent), "step.applying | Create a 2", "after a slow look");
}

#[test]
fn a_change_that_no_window_can_hold_fails_with_the_reason() {
    let mut story = in_a_window(Operation::Create, Millis::from_secs(7_200));
    story.tell(Input::Started);
    assert_eq!(story.observed("a", 1, Finding::Absent), "step.failed step.blocked run.ended | ");
    let Phase::Failed { cause } = &story.state.step(&id("a")).phase else { panic!("it failed") };
    assert_eq!(
        cause.to_string(),
        "its change may not begin in the time that can be looked ahead: no change window is long enough"
    );
}

#[test]
fn the_longest_path_goes_first() {
    let edges: [(&str, Operation, &[&str]); 5] = [
        ("a", Operation::Create, &[]),
        ("b", Operation::Create, &[]),
        ("c", Operation::Create, &["b"]),
        ("d", Operation::Create, &[]),
        ("e", Operation::Create, &["c", "d"]),
    ];
    let mut short = plan(&edges);
    let told = |plan: &ScopePlan| Story::new(plan.clone()).tell(Input::Started);
    assert_eq!(
        told(&short),
        "run.started | observe b 1, observe d 1, observe a 1",
        "the more steps, the longer"
    );
    short.steps.get_mut(&id("d")).expect("a step").limits.expected = Millis::from_secs(60);
    assert_eq!(told(&short), "run.started | observe d 1, observe b 1, observe a 1");
}
