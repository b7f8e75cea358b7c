//! Waiting for people, dates and services, and being told what to do meanwhile.

use landfall::base::time::{Millis, Timestamp};
use landfall::journal::Journal;
use landfall::model::ask::Wish;
use landfall::model::calendar::{Calendar, FreezeDays};
use landfall::model::criterion::{Criterion, Holds};
use landfall::model::fleet_event::LaunchOutcome;
use landfall::model::plan::Bake;
use landfall::model::wait::{OpenItem, Wait};
use landfall::pacing::Rates;
use landfall::runner::Left;
use landfall::runner::clock::Clock;

use crate::service::Fault;
use crate::story::{Story, chain, check, log_of, plan, start, step};

const WELL: Left = Left::Ended(LaunchOutcome::Succeeded);
const CALLED_OFF: Left = Left::Ended(LaunchOutcome::Aborted);

/// What a launch that waits waits for, one word each.
#[track_caller]
fn words(left: &Left) -> Vec<&'static str> {
    let Left::Waiting { waits, .. } = left else { panic!("{left:?}") };
    waits.iter().map(|one| one.why.word()).collect()
}

#[tokio::test]
async fn a_pause_lets_calls_under_way_finish_and_only_a_person_lifts_it() {
    let mut story = Story::new(chain());
    story.ask_at("step.applying", "a", Wish::Pause);
    let left = story.launch("run-1").await.unwrap();
    assert_eq!(words(&left)[0], "pause");
    assert_eq!(story.service.calls(), ["create a"]);
    assert!(story.asks("run-1").is_empty(), "the wish was answered");
    insta::assert_snapshot!(log_of(&story.journal, "org"), @r"
    launch.started
    scope.started
    launch.paused
    scope.ended
    launch.suspended
    ");

    story.ask_nothing();
    let left = story.launch("run-1").await.unwrap();
    assert_eq!(words(&left)[0], "pause", "taking it up again does not lift a pause");
    assert_eq!(story.service.calls(), ["create a"]);

    story.leave("run-1", Wish::Resume);
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.calls(), ["create a", "create b", "create c", "create d"]);
}

#[tokio::test]
async fn a_launch_that_is_called_off_ends_as_it_stands_for_good() {
    let mut story = Story::new(chain());
    story.ask_at("step.applying", "c", Wish::Abort);
    assert_eq!(story.launch("run-1").await.unwrap(), CALLED_OFF);
    assert_eq!(story.service.calls(), ["create a", "create b", "create c"]);
    assert!(log_of(&story.journal, "site/HRB01").ends_with("run.ended\n"));

    story.ask_nothing();
    assert_eq!(story.launch("run-1").await.unwrap(), CALLED_OFF, "what has ended is not taken up by itself");
    story.leave("run-1", Wish::Retry([].into()));
    assert_eq!(story.launch("run-1").await.unwrap(), CALLED_OFF);
    assert_eq!(story.service.made(), 3, "{:?}", story.service.calls());
    assert!(story.seen().last().unwrap().contains("refused"), "{:?}", story.seen().last());
}

#[tokio::test]
async fn a_launch_that_nobody_runs_is_called_off_without_a_call() {
    let mut story = Story::new(chain());
    story.stop_at("step.applying", "a");
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Suspended);
    story.resume_freely();
    story.leave("run-1", Wish::Abort);
    assert_eq!(story.launch("run-1").await.unwrap(), CALLED_OFF);
    assert_eq!(story.service.calls(), ["create a"]);
}

#[tokio::test]
async fn a_site_that_is_taken_out_ends_as_it_stands_and_the_others_go_on() {
    let mut story = Story::new(plan(vec![
        ("account", vec![step("a")]),
        ("site/HRB01", vec![step("c"), step("d").after("c")]),
        ("site/HRB02", vec![step("e")]),
    ]));
    story.ask_at("step.applying", "c", Wish::Skip("HRB01".parse().unwrap()));
    story.launch("run-1").await.unwrap();
    assert!(!story.service.calls().contains(&"create d".to_owned()), "{:?}", story.service.calls());
    assert!(log_of(&story.journal, "site/HRB01").contains("run.aborting"));
    let refused = story.seen().iter().any(|line| line.contains("refused"));
    assert!(!refused, "{:?}", story.seen());
}

#[tokio::test]
async fn what_failed_is_tried_again_and_what_succeeded_stays() {
    let mut story = Story::new(chain());
    story.service.fault("create c", Fault::Refuse);
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Ended(LaunchOutcome::Failed));
    story.leave("run-1", Wish::Retry(["HRB01".parse().unwrap()].into()));
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert_eq!(story.service.calls(), ["create a", "create b", "create c", "create c", "create d"]);
    let log = log_of(&story.journal, "site/HRB01");
    assert!(log.contains("run.ended\nrun.retried\n"), "{log}");
    assert!(log_of(&story.journal, "org").contains("launch.reopened"));
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused_in_words_and_harms_nothing() {
    let mut story = Story::new(chain());
    story.ask_at("step.applying", "a", Wish::Skip("XYZ99".parse().unwrap()));
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    let refused: Vec<String> = story.seen().into_iter().filter(|line| line.contains("refused")).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("site/XYZ99"), "{refused:?}");
    assert!(story.asks("run-1").is_empty());
}

/// Nothing is changed from the day before the story until the second day after it.
fn frozen(story: &mut Story) -> Timestamp {
    let freeze = FreezeDays {
        name: "claims".to_owned(),
        from: "2027-01-10".parse().unwrap(),
        to: "2027-01-12".parse().unwrap(),
    };
    let calendar = Calendar { freezes: vec![freeze], ..Calendar::always() };
    for scope in story.plan.scopes.values_mut() {
        scope.calendar = Some(calendar.clone());
    }
    "2027-01-13T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_virtual_clock_jumps_to_the_opening() {
    let mut story = Story::new(chain());
    let opens = frozen(&mut story);
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    assert!(story.times("step.applying", "a")[0] >= opens);
}

#[tokio::test]
async fn a_process_does_not_stay_for_a_date_that_is_far_away() {
    let mut story = Story::new(chain());
    let opens = frozen(&mut story);
    story.clock = Clock::shifted_to(start());
    let left = story.launch("run-1").await.unwrap();
    let Left::Waiting { waits, due } = &left else { panic!("{left:?}") };
    assert!(waits.iter().any(|one| matches!(one.why, Wait::Window { .. })), "{waits:?}");
    assert!(due.is_some_and(|due| due >= opens && due.since(opens) < Millis::from_secs(60)), "{due:?}");
    assert!(story.service.calls().is_empty());
    // Nobody holds anything meanwhile.
    assert!(story.journal.locks().unwrap().is_empty());

    story.clock = Clock::shifted_to(opens + Millis::from_secs(60));
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
}

#[tokio::test]
async fn whoever_stays_waits_and_can_be_interrupted() {
    let mut story = Story::new(chain());
    frozen(&mut story);
    story.clock = Clock::shifted_to(start());
    story.stay = true;
    let stop = story.stop.clone();
    let asks = async {
        // The launch runs on this same thread: it has reached its wait when this goes on.
        tokio::task::yield_now().await;
        stop.ask();
    };
    let (left, ()) = tokio::join!(story.launch("run-1"), asks);
    assert_eq!(left.unwrap(), Left::Suspended);
    assert!(story.service.calls().is_empty());
}

#[tokio::test]
async fn a_wave_whose_criteria_are_open_waits_for_their_owner() {
    let mut story = Story::new(chain());
    story.plan.fleet.waves[0].entry = vec![Criterion {
        id: "pilot.drill".to_owned(),
        owner: "security".to_owned(),
        holds: Holds::NoOpenFindings,
    }];
    let item =
        OpenItem { id: "pilot.drill".into(), missing: "no drill on record".into(), owner: "security".into() };
    story.open = vec![item];
    let left = story.launch("run-1").await.unwrap();
    assert!(words(&left).contains(&"entry"), "{left:?}");
    let Left::Waiting { waits, .. } = &left else { unreachable!() };
    let entry = waits.iter().find(|one| one.why.word() == "entry").unwrap();
    assert_eq!(entry.why.released_by(), "security");
    assert_eq!(story.service.names(), ["a", "b"], "the account is not part of a wave");

    story.open.clear();
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
}

fn baking() -> Story {
    let mut story = Story::new(plan(vec![
        ("account", vec![step("a")]),
        ("site/HRB01", vec![step("c"), check("tags", "c")]),
        ("site/HRB02", vec![step("e")]),
    ]));
    let bake = Bake { length: Millis::from_secs(1800), every: Millis::from_secs(600) };
    story.plan.fleet.waves[0].bake = Some(bake);
    story
}

#[tokio::test]
async fn others_follow_after_the_bake_time_in_which_checks_are_repeated() {
    let mut story = baking();
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    let org = log_of(&story.journal, "org");
    assert!(
        org.contains("wave.baking") && org.contains("wave.looked") && org.contains("wave.baked"),
        "{org}"
    );
    let waited = story.times("step.applying", "e")[0].since(story.times("step.succeeded", "tags")[0]);
    assert!(waited >= Millis::from_secs(1800), "{waited}");
}

#[tokio::test]
async fn a_check_that_breaks_during_bake_time_halts_the_wave() {
    let mut story = baking();
    story.break_at("wave.baking", "c");
    assert_eq!(story.launch("run-1").await.unwrap(), Left::Ended(LaunchOutcome::Failed));
    assert!(log_of(&story.journal, "org").contains("wave.halted"));
    assert!(!story.service.calls().contains(&"create e".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_read_during_bake_time_is_neither_held_nor_broken() {
    let mut story = baking();
    // Before the create, after it, and for the check itself; from then on nothing can be read for a while.
    let mut faults = vec![Fault::None; 3];
    faults.extend([Fault::Unreadable; 3]);
    story.service.faults("read c", &faults);
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    let notes: Vec<String> = story.seen().into_iter().filter(|line| line.contains("note:")).collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("tags of site/HRB01 could not be read during bake time"), "{notes:?}");
}

#[tokio::test]
async fn calls_keep_to_the_rates_of_their_lane_and_a_target_without_rates_is_not_slowed_down() {
    let steps = || (0..40).map(|n| step(&format!("s{n}"))).collect();
    let mut times = Vec::new();
    for rates in [None, Some(Rates::standard().clone())] {
        let mut story = Story::new(plan(vec![("account", steps()), ("site/HRB01", vec![step("c")])]));
        story.rates = rates;
        assert_eq!(story.launch("run-1").await.unwrap(), WELL);
        times.push(story.clock.now().since(start()));
    }
    // 41 creates with a look before and one after each, at 15 calls a second after a burst of 5.
    let least = Millis((41 * 3 - 5 - 15) * 1000 / 15);
    assert!(times[1] >= least && times[1] < Millis(least.0 * 2), "{times:?}");
    assert!(times[0] < Millis(least.0 / 2), "{times:?}");
}

#[tokio::test]
async fn a_log_that_is_taken_over_says_from_whom() {
    let mut story = Story::new(chain());
    story.service.fault("create a", Fault::Hang);
    let service = std::sync::Arc::clone(&story.service);
    tokio::select! {
        left = story.launch("run-1") => panic!("it was to hang, but {left:?}"),
        () = service.hangs() => {}
    }
    assert_eq!(story.launch("run-1").await.unwrap(), WELL);
    let log = log_of(&story.journal, "account");
    assert!(log.contains("lease.taken\nrun.recovered\n"), "{log}");
}
