//! The shell around the engines: real kinds, a service in memory with faults on demand, a journal in memory, and a clock
//! that jumps. Text in, text out: each story is told by the calls that were sent and the entries that were written.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

mod journal;
mod many;
mod service;
mod story;
mod waiting;

use std::sync::Arc;

use landfall::base::id::LogId;
use landfall::base::time::Millis;
use landfall::journal::memory::MemoryJournal;
use landfall::journal::{Journal, JournalError};
use landfall::model::entry::{Actor, ActorKind, EntryDraft};
use landfall::model::fleet_event::LaunchOutcome;
use landfall::model::plan::Operation;
use landfall::runner::clock::Clock;
use landfall::runner::{Left, RunnerError};

use crate::journal::Brittle;
use crate::service::Fault;
use crate::story::{Story, chain, log_of, plan, step};

const WELL: Left = Left::Ended(LaunchOutcome::Succeeded);

#[tokio::test]
async fn a_launch_makes_every_object_once_and_in_order() {
    let mut story = Story::new(chain());
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.calls(), ["create a", "create b", "create c", "create d"]);
    assert_eq!(story.service.names(), ["a", "b", "c", "d"]);
    insta::assert_snapshot!(log_of(&story.journal, "account"), @r"
    run.started
    a step.applying
    a step.applied
    a step.succeeded
    b step.applying
    b step.applied
    b step.succeeded
    run.ended
    ");
    insta::assert_snapshot!(log_of(&story.journal, "org"), @r"
    launch.started
    scope.started
    scope.ended
    scope.started
    scope.ended
    launch.ended
    ");
}

#[tokio::test]
async fn a_lost_answer_after_the_effect_makes_no_second_object() {
    let mut story = Story::new(chain());
    story.service.fault("create a", Fault::LoseAnswer);
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.calls(), ["create a", "create b", "create c", "create d"]);
    insta::assert_snapshot!(log_of(&story.journal, "account").lines().take(4).collect::<Vec<_>>().join("\n"), @r"
    run.started
    a step.applying
    a step.rested
    a step.succeeded
    ");
}

#[tokio::test]
async fn a_lost_call_is_sent_again_only_after_its_deadline() {
    let mut story = Story::new(chain());
    story.service.fault("create a", Fault::LoseCall);
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.calls()[..2], ["create a", "create a"]);
    let times = story.times("step.applying", "a");
    assert!(times[1].since(times[0]) > story::CALL_TIMEOUT, "{times:?}");
}

#[tokio::test]
async fn a_busy_service_is_asked_again_when_it_says() {
    let mut story = Story::new(chain());
    story.service.fault("create b", Fault::Busy(Millis::from_secs(300)));
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    let times = story.times("step.applying", "b");
    assert!(times[1].since(times[0]) >= Millis::from_secs(300), "{times:?}");
    assert_eq!(story.service.names(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_read_that_lags_behind_is_asked_again_and_nothing_is_made_twice() {
    let mut story = Story::new(chain());
    // The first read is the one before the create; the next two do not see it yet.
    story.service.faults("read a", &[Fault::None, Fault::Stale, Fault::Stale]);
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.calls(), ["create a", "create b", "create c", "create d"]);
}

#[tokio::test]
async fn what_failed_blocks_its_own_dependants_only() {
    let mut story = Story::new(chain());
    story.service.fault("create c", Fault::Refuse);
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Ended(LaunchOutcome::Failed));
    assert_eq!(story.service.names(), ["a", "b"]);
    assert!(log_of(&story.journal, "site/HRB01").contains("d step.blocked"));
}

#[tokio::test]
async fn a_second_launch_of_the_same_estate_calls_nothing() {
    let mut story = Story::new(chain());
    story.launch("run-1").await.unwrap();
    story.plan_again(Operation::None);
    assert_eq!(story.launch("run-2").await.unwrap(), WELL);
    assert_eq!(story.service.calls().len(), 4, "the first launch made them");
}

#[tokio::test]
async fn scopes_without_steps_end_at_once_and_let_the_next_one_start() {
    let mut story = Story::new(plan(vec![
        ("account", vec![]),
        ("region/us-east-1", vec![]),
        ("site/HRB01", vec![step("c")]),
    ]));
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.names(), ["c"]);
}

#[tokio::test]
async fn two_runs_on_a_virtual_clock_are_the_same_story() {
    let mut tales = Vec::new();
    for _ in 0..2 {
        let mut story = Story::new(chain());
        story.service.fault("create a", Fault::Busy(Millis(1234)));
        story.service.fault("create c", Fault::LoseCall);
        story.launch("run-1").await.unwrap();
        tales.push(story.seen());
    }
    assert_eq!(tales[0], tales[1]);
    assert!(tales[0].len() > 20);
}

#[tokio::test]
async fn a_reference_without_value_fails_its_step_in_words() {
    let lost = step("b").spec(r#"{"name": "b", "comment": "${a.nothing}"}"#);
    let mut story = Story::new(plan(vec![
        ("account", vec![step("a"), lost.after("a")]),
        ("site/HRB01", vec![step("c")]),
    ]));
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Ended(LaunchOutcome::Failed));
    assert_eq!(story.failure("b"), "/comment refers to a.nothing, which has no value");
    assert_eq!(story.service.calls(), ["create a"]);
}

#[tokio::test]
async fn a_call_whose_deadline_has_passed_is_not_sent() {
    let mut saved = chain();
    for step in saved.scopes.values_mut().flat_map(|scope| scope.steps.values_mut()) {
        step.limits.call_timeout = Millis(0);
    }
    let mut story = Story::new(saved);
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Ended(LaunchOutcome::Failed));
    assert!(story.service.calls().is_empty(), "{:?}", story.service.calls());
    assert!(story.failure("a").contains("its deadline had passed"), "{}", story.failure("a"));
}

#[tokio::test]
async fn a_stop_lets_calls_under_way_finish_and_a_resume_goes_on() {
    let mut story = Story::new(chain());
    story.stop_at("step.applying", "a");
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Suspended);
    assert_eq!(story.service.calls(), ["create a"]);
    insta::assert_snapshot!(log_of(&story.journal, "account"), @r"
    run.started
    a step.applying
    run.stopping
    a step.applied
    run.suspended
    ");
    story.resume_freely();
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.calls(), ["create a", "create b", "create c", "create d"]);
}

#[tokio::test]
async fn a_stop_during_a_long_rest_is_heeded_on_the_virtual_clock_too() {
    let mut story = Story::new(chain());
    story.service.fault("create a", Fault::Busy(Millis::from_secs(600)));
    story.stop_at("step.rested", "a");
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Suspended);
    assert_eq!(story.service.calls(), ["create a"]);
}

#[tokio::test]
async fn who_asks_to_stop_before_the_start_gets_no_call_at_all() {
    let mut story = Story::new(chain());
    story.stop.ask();
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Suspended);
    assert_eq!(story.service.reads(), 0);
    story.resume_freely();
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_reads() {
    let mut story = Story::new(chain());
    story.clock = Clock::Real;
    story.service.fault("read a", Fault::Hang);
    let (service, stop) = (Arc::clone(&story.service), story.stop.clone());
    let asks = async {
        service.hangs().await;
        stop.ask();
    };
    let (left, ()) = tokio::join!(story.launch("run-1"), asks);
    assert_eq!(left.unwrap(), Left::Suspended);
}

/// Killed at each call, before and after its effect, and taken up again: the same end, nothing doubled.
#[tokio::test]
async fn a_crash_at_any_call_leads_to_the_same_end() {
    for after_effect in [false, true] {
        for call in ["create a", "create b", "create c", "create d", "read a", "read b", "read d"] {
            let mut story = Story::new(chain());
            story.service.fault(call, if after_effect { Fault::HangAfter } else { Fault::Hang });
            let service = Arc::clone(&story.service);
            tokio::select! {
                left = story.launch("run-1") => panic!("{call} was to hang, but {left:?}"),
                () = service.hangs() => {}
            }
            assert_eq!(story.launch("run-1").await.unwrap(), WELL, "{call}");
            assert_eq!(story.service.names(), ["a", "b", "c", "d"], "{call}");
            assert_eq!(story.service.made(), 4, "{call} {after_effect}: {:?}", story.service.calls());
        }
    }
}

/// The journal fails at each of its writes: nothing is sent that is not in it, nobody is told what is not in it, and
/// whoever takes over ends the same way.
#[tokio::test]
async fn nothing_is_started_after_the_journal_failed() {
    let mut failures = 0;
    for writes in 0.. {
        let mut story = Story::new(chain());
        let mut brittle = Brittle::new(story.journal.another(), writes);
        let left = story.launch_on(&mut brittle, "run-1").await;
        let intents = brittle.intents();
        assert!(story.service.calls().iter().all(|call| intents.contains(call)), "{writes}: {intents:?}");
        assert_eq!(story.told_durable(), brittle.written(), "{writes}: whoever watches saw what was written");
        drop(brittle);
        let Err(error) = left else { break };
        assert!(matches!(error, RunnerError::Journal(JournalError::Store { .. })), "{error}");
        failures += 1;
        assert_eq!(story.launch("run-1").await.unwrap(), WELL, "{writes}");
        assert_eq!(story.service.made(), 4, "{writes}: {:?}", story.service.calls());
    }
    assert!(failures > 10, "{failures}");
}

#[tokio::test]
async fn leases_are_given_back_also_after_an_error() {
    let mut story = Story::new(chain());
    note(&mut story.journal, "launch.teleported", "run-1");
    let error = story.launch("run-1").await.unwrap_err();
    assert!(error.to_string().contains("launch.teleported"), "{error}");
    let mut other = story.journal.another();
    other.take_lease(&LogId::Org, "somebody else", story.clock.now(), Millis(1)).unwrap();
}

#[tokio::test]
async fn entries_that_are_not_the_engines_are_passed_over() {
    let mut story = Story::new(chain());
    note(&mut story.journal, "approval.given", "run-1");
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
}

#[tokio::test]
async fn a_plan_whose_logs_grew_before_the_leases_were_taken_is_stale() {
    let mut story = Story::new(chain());
    story.launch("run-1").await.unwrap();
    let error = story.launch("run-2").await.unwrap_err();
    let RunnerError::Stale { changed } = error else { panic!("{error}") };
    assert_eq!(changed[0], "the log of account has grown from 0 to 8 entries since the plan was made");
    assert_eq!(story.service.calls().len(), 4);
}

/// Appends an entry of some kind to the org log, as another part of the product would.
fn note(journal: &mut MemoryJournal, kind: &str, run: &str) {
    note_in(journal, "org", kind, run);
}

/// The same to another log.
fn note_in(journal: &mut MemoryJournal, log: &str, kind: &str, run: &str) {
    let log: LogId = log.parse().unwrap();
    let lease = journal.take_lease(&log, "note", story::start(), Millis(1)).unwrap();
    let draft = EntryDraft {
        log,
        at: story::start(),
        run: Some(run.parse().unwrap()),
        kind: kind.to_owned(),
        step: None,
        actor: Actor { kind: ActorKind::Person, id: "ada".to_owned() },
        plan: None,
        refs: Vec::new(),
        body: serde_json::json!({}),
    };
    journal.append(&[&lease], vec![draft]).unwrap();
    journal.release(&lease).unwrap();
}
