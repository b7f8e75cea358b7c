//! Small graphs with known longest paths, and logs with known times.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::base::digest::Digest;
use crate::base::id::{KindName, LogId, ScopeId};
use crate::base::time::Timestamp;
use crate::model::entry::{Actor, ActorKind, ENTRY_VERSION, Entry};
use crate::model::event::{Desired, Effect, Event, Rest};
use crate::model::finding::NextCall;
use crate::model::plan::{EdgeReason, Operation, PlannedStep, Reconcile, Reversal, StepLimits, Work};

const HERE: &str = "account@https://accounts.cloud.databricks.com";

fn id(name: &str) -> StepId {
    StepId::new(name).expect("an id")
}

fn kind(name: &str) -> KindName {
    KindName::new(name).expect("a kind")
}

fn step(operation: Operation, kind_name: &str, after: &[&str]) -> PlannedStep {
    let second = Millis::from_secs(1);
    PlannedStep {
        work: Work::Reconcile(Reconcile {
            kind: kind(kind_name),
            via: None,
            operation,
            spec: json!({}).into(),
            changes: Vec::new(),
            seen: None,
            id: None,
            reversal: Reversal::Reversible,
        }),
        after: after.iter().map(|need| (id(need), EdgeReason::Declared)).collect(),
        origin: None,
        evidence: None,
        limits: StepLimits {
            call_timeout: second,
            attempts_max: 1,
            poll_every: second,
            ready_within: second,
            expected: second,
        },
    }
}

fn plan(steps: &[(&str, PlannedStep)]) -> ScopePlan {
    let steps = steps.iter().map(|(name, step)| (id(name), step.clone())).collect();
    ScopePlan { needs: BTreeSet::new(), steps, calendar: None, expected: Millis(0) }
}

/// A workspace (360 s) with two schemas behind it, of which one has a volume; and a group that is as desired.
fn site() -> ScopePlan {
    use Operation::{Create, None, Update};
    plan(&[
        ("group", step(None, "databricks.group", &[])),
        ("network", step(Create, "databricks.network", &["other.scope"])),
        ("workspace", step(Create, "databricks.workspace", &["network"])),
        ("schema.a", step(Create, "databricks.schema", &["workspace"])),
        ("schema.b", step(Update, "databricks.schema", &["workspace", "group"])),
        ("volume", step(Create, "databricks.volume", &["schema.b", "group"])),
    ])
}

fn told(forecast: &Forecast) -> Vec<String> {
    let line = |(id, step): (&StepId, &StepForecast)| {
        format!("{id} {}-{} of {}", step.starts_after.0, step.ends_after.0, step.remaining.0)
    };
    forecast.steps.iter().map(line).collect()
}

#[test]
fn nothing_to_do_takes_no_time() {
    assert_eq!(scope(&plan(&[]), &Durations::published()), Forecast::default());
}

#[test]
fn a_scope_takes_as_long_as_its_longest_path() {
    let forecast = scope(&site(), &Durations::published());
    assert_eq!(forecast.total, Millis(364_000));
    assert_eq!(forecast.path, ["network", "workspace", "schema.b", "volume"].map(id));
    assert_eq!(
        told(&forecast),
        [
            "group 0-300 of 2800",
            "network 0-1500 of 364000",
            "schema.a 361500-363000 of 1500",
            "schema.b 361500-362500 of 2500",
            "volume 362500-364000 of 1500",
            "workspace 1500-361500 of 362500",
        ]
    );
}

#[test]
fn what_is_done_counts_no_more_and_what_runs_counts_for_its_rest() {
    let done = BTreeSet::from(["network", "group"].map(id));
    let running = BTreeMap::from([(id("workspace"), Millis(350_000))]);
    let forecast = rest(&site(), &Durations::published(), &done, &running);
    assert_eq!(forecast.total, Millis(36_000 + 2500), "a tenth is always left of what runs");
    assert_eq!(forecast.steps.len(), 4);
    let running = BTreeMap::from([(id("workspace"), Millis(60_000))]);
    assert_eq!(rest(&site(), &Durations::published(), &done, &running).total, Millis(302_500));
    let all = site().steps.into_keys().collect();
    assert_eq!(rest(&site(), &Durations::published(), &all, &BTreeMap::new()), Forecast::default());
}

#[test]
fn a_circle_is_left_out_and_ends() {
    let create = |after: &[&str]| step(Operation::Create, "databricks.schema", after);
    let forecast = scope(
        &plan(&[("a", create(&[])), ("b", create(&["a", "c"])), ("c", create(&["b"]))]),
        &Durations::published(),
    );
    assert_eq!((forecast.path, forecast.total), (vec![id("a")], Millis(1500)));
}

proptest! {
    #[test]
    fn the_path_is_a_chain_that_takes_the_whole_time(edges in proptest::collection::vec((0_usize..40, 0_usize..40), 0..120)) {
        let names: Vec<String> = (0..40).map(|n| format!("s{n:02}")).collect();
        let kinds = ["databricks.workspace", "databricks.schema", "databricks.grants", "databricks.vpc_endpoint"];
        let steps: Vec<(&str, PlannedStep)> = names.iter().enumerate().map(|(n, name)| {
            let needs: Vec<&str> = edges.iter().filter(|(a, b)| a.max(b) == &n && a != b)
                .map(|(a, b)| names[*a.min(b)].as_str()).collect();
            (name.as_str(), step(Operation::Create, kinds[n % 4], &needs))
        }).collect();
        let plan = plan(&steps);
        let forecast = scope(&plan, &Durations::published());
        prop_assert_eq!(forecast.steps.len(), 40);
        let sum: u64 = forecast.path.iter().map(|s| forecast.steps[s].expected.millis.0).sum();
        prop_assert_eq!(Millis(sum), forecast.total);
        for pair in forecast.path.windows(2) {
            prop_assert!(plan.steps[&pair[1]].after.contains_key(&pair[0]));
        }
        for (name, step) in &forecast.steps {
            prop_assert!(Millis(step.starts_after.0 + step.remaining.0) <= forecast.total);
            for need in plan.steps[name].after.keys() {
                prop_assert!(forecast.steps[need].ends_after <= step.starts_after);
                prop_assert!(forecast.steps[need].remaining > step.remaining);
            }
        }
    }
}

#[test]
fn the_median_of_three_replaces_the_table_and_only_the_newest_count() {
    let mut durations = Durations::of_target(HERE);
    let workspace = kind("databricks.workspace");
    let expected = |d: &Durations| d.of(&workspace, Operation::Create);
    for took in [200, 900] {
        assert!(durations.learn(HERE, &workspace, Operation::Create, Millis::from_secs(took)));
        assert_eq!(expected(&durations).source, Source::Published);
    }
    durations.learn(HERE, &workspace, Operation::Create, Millis::from_secs(240));
    let measured = Expected { millis: Millis::from_secs(240), source: Source::Measured { samples: 3 } };
    assert_eq!(expected(&durations), measured);
    assert_eq!(durations.of(&workspace, Operation::Delete).source, Source::Published);
    for _ in 0..200 {
        durations.learn(HERE, &workspace, Operation::Create, Millis::from_secs(10));
    }
    let measured = Expected { millis: Millis::from_secs(10), source: Source::Measured { samples: 101 } };
    assert_eq!(expected(&durations), measured);
    let deviations = durations.deviations();
    assert_eq!((deviations.len(), deviations[0].factor()), (1, 36.0));
}

#[test]
fn figures_of_another_target_are_refused() {
    let workspace = kind("databricks.workspace");
    for mut durations in [Durations::published(), Durations::of_target(HERE)] {
        let before = durations.clone();
        for _ in 0..5 {
            assert!(!durations.learn("account@embedded", &workspace, Operation::Create, Millis(1)));
        }
        assert_eq!(durations, before);
    }
}

#[test]
fn a_replacement_takes_a_delete_and_a_create() {
    let of = |name, operation| Durations::published().of(&kind(name), operation).millis.0;
    assert_eq!(of("databricks.workspace", Operation::Replace), 480_000);
    assert_eq!(of("databricks.schema", Operation::Replace), 2500);
    assert_eq!(of("unheard.of", Operation::None), 300);
    assert!(Durations::published().table().len() > 10);
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + secs * 1000)
}

fn entry(secs: i64, by: ActorKind, event: &Event) -> Entry {
    Entry {
        v: ENTRY_VERSION,
        seq: 0,
        at: at(secs),
        log: LogId::Scope(ScopeId::Account),
        run: None,
        kind: event.kind().to_owned(),
        step: event.step().cloned(),
        actor: Actor { kind: by, id: "x".to_owned() },
        plan: None,
        refs: Vec::new(),
        body: event.to_body(),
        salt: String::new(),
    }
}

fn applying(attempt: u32) -> Event {
    let spec = json!({});
    let desired = Desired {
        kind: kind("databricks.workspace"),
        via: None,
        after: Vec::new(),
        spec_digest: Digest::of(b""),
        spec,
    };
    Event::StepApplying { step: id("workspace"), attempt, call: NextCall::Create, deadline: at(0), desired }
}

fn rested(why: Rest) -> Event {
    Event::StepRested { step: id("workspace"), attempt: 1, at: Some(at(0)), until: at(0), why, cause: None }
}

fn succeeded(effect: Effect, settled_in: u64) -> Event {
    Event::StepSucceeded {
        step: id("workspace"),
        attempt: 1,
        effect,
        id: None,
        outputs: serde_json::Map::new(),
        readback: None,
        polls: 0,
        settled_in: Millis::from_secs(settled_in),
        desired: None,
    }
}

/// What three runs of the same story teach about making a workspace, in seconds.
fn taught(by: ActorKind, story: &[(i64, Event)]) -> Option<u64> {
    let mut durations = Durations::of_target(HERE);
    let entries: Vec<Entry> = story.iter().map(|(secs, event)| entry(*secs, by, event)).collect();
    for _ in 0..3 {
        durations.learn_from(HERE, &site(), entries.iter());
    }
    let expected = durations.of(&kind("databricks.workspace"), Operation::Create);
    (expected.source != Source::Published).then_some(expected.millis.0 / 1000)
}

#[test]
fn a_step_took_from_its_call_to_the_look_that_found_it_ready() {
    let started = (0, Event::RunStarted { at: at(0) });
    let done = |secs| (secs, succeeded(Effect::Created, 250));
    let plain = [started.clone(), (10, applying(1)), done(270)];
    assert_eq!(taught(ActorKind::Automation, &plain), Some(260));
    assert_eq!(taught(ActorKind::Person, &plain), Some(260));
    assert_eq!(taught(ActorKind::Rehearsal, &plain), None, "a rehearsal's clock is not the world's");
    let busy = [
        (10, applying(1)),
        (11, rested(Rest::Busy)),
        (100, applying(2)),
        (101, rested(Rest::Busy)),
        (200, applying(3)),
        done(450),
    ];
    assert_eq!(taught(ActorKind::Person, &busy), Some(252), "rests are not counted");
    let doubt = [(10, applying(1)), (70, rested(Rest::InDoubt)), done(320)];
    assert_eq!(taught(ActorKind::Person, &doubt), Some(310), "its time to settle is");
}

#[test]
fn what_teaches_nothing_is_left_out() {
    let recovered = (100, Event::RunRecovered { at: at(100) });
    let done = |secs| (secs, succeeded(Effect::Created, 1));
    let crashed = [(10, applying(1)), recovered.clone(), done(5000)];
    assert_eq!(taught(ActorKind::Person, &crashed), None, "nobody looked while the run stood still");
    let tried_again = [(10, applying(1)), recovered, (110, applying(2)), done(115)];
    assert_eq!(taught(ActorKind::Person, &tried_again), None, "the second call met what the first had done");
    let found = [(10, applying(1)), (20, succeeded(Effect::Unchanged, 0))];
    assert_eq!(taught(ActorKind::Person, &found), None);
    assert_eq!(taught(ActorKind::Person, &[done(10)]), None);
    let elsewhere = Durations::of_target("other").learn_from(HERE, &site(), std::iter::empty());
    assert_eq!(elsewhere, 0);
}
