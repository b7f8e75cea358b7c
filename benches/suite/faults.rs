//! Scenarios 10 to 12: what refusals, one slow call and one large site do to the others.

use std::collections::BTreeMap;

use serde_json::json;

use crate::Suite;
use crate::apply::{LATENCY_MS, SLOTS, World, ends, steps_of};
use crate::plans::time;
use crate::schedule::Tasks;
use crate::served::{Asked, Served};

/// How long a straggler's one call takes.
const STRAGGLER_MS: u64 = 6_000;
/// Product lines that make one site four times as large as the others: fourteen steps each.
const WIDE: usize = 33;

pub fn faulty(suite: &mut Suite) {
    let sites = suite.sizes.launch;
    let by_flags = Served::knows("--busy-percent") && Served::knows("--error-percent");
    let world = World::new(suite, "faulty", sites);
    let planned = world.plan();
    let plan = world.saved();
    let steps = steps_of(&plan);
    // One call of twenty is refused and asked back after a second, one of fifty ends in an error of the service.
    let turns = u32::try_from(steps * 3 / 20).unwrap_or(1);
    for turn in 0..turns {
        world.served.fault("*", None, json!({ "too_many": { "retry_after": 1 } }), 20 + turn * 20, 1);
    }
    for turn in 0..turns * 2 / 5 {
        world.served.fault("*", None, json!("unavailable"), 45 + turn * 50, 1);
    }
    world.served.latency(LATENCY_MS);
    let service = world.served.service_time();
    world.served.forget_requests();
    let applied = world.apply();
    let calls = world.calls();
    let refused = calls.iter().filter(|asked| matches!(asked.status, 429 | 503)).count();
    let made =
        |asked: &&Asked| asked.method == "POST" && asked.status < 300 && asked.path.ends_with("/workspaces");
    let workspaces = calls.iter().filter(made).count();
    let wanted = operations(&plan, "databricks.workspace");
    let each = calls.len() as f64 / steps.max(1) as f64;
    // With each refusal a second of waiting on the way of what it befell.
    let share = refused as f64 / calls.len().max(1) as f64;
    let bound = Tasks::of(&plan, |_, _| each * (service + share)).makespan(SLOTS);
    let ratio = applied.wall / bound;
    suite.measured(
        10,
        applied.ok && planned.ok && workspaces == wanted && ratio <= 1.25,
        [
            format!(
                "{} wall, {refused} of {} calls refused, {workspaces} of {wanted} workspaces made",
                time(applied.wall),
                calls.len()
            ),
            format!("bound {} with a second's wait for each refusal, spread evenly", time(bound)),
            format!("{ratio:.2}"),
        ],
        format!(
            "{sites} sites; faults by rules of the sandbox{}",
            if by_flags { "; its --busy-percent and --error-percent draw them by chance" } else { "" }
        ),
    );
}

fn operations(plan: &serde_json::Value, kind: &str) -> usize {
    let scopes = plan["scopes"].as_object().into_iter().flat_map(|scopes| scopes.values());
    let steps =
        scopes.flat_map(|scope| scope["steps"].as_object().into_iter().flat_map(|steps| steps.values()));
    steps
        .filter(|step| {
            step["work"]["reconcile"]["kind"] == kind && step["work"]["reconcile"]["operation"] == "create"
        })
        .count()
}

/// One launch at 50 ms; when each site ended, and whether it went well.
fn launched(suite: &Suite, name: &str, prepare: impl FnOnce(&World)) -> (BTreeMap<String, f64>, bool) {
    let world = World::new(suite, name, suite.sizes.launch.max(3));
    prepare(&world);
    let planned = world.plan();
    world.served.latency(LATENCY_MS);
    world.served.forget_requests();
    let applied = world.apply();
    (ends(&world.calls(), &world.estate), planned.ok && applied.ok)
}

fn last(ends: &BTreeMap<String, f64>, but: &str) -> f64 {
    ends.iter().filter(|(code, _)| *code != but).map(|(_, end)| *end).fold(0.0, f64::max)
}

pub fn straggler(suite: &mut Suite) {
    let (alone, calm) = launched(suite, "together", |_| {});
    let slow = alone.keys().next_back().cloned().unwrap_or_default();
    let (with, ended) = launched(suite, "straggler", |world| {
        let stall = json!({ "stall": { "millis": STRAGGLER_MS } });
        world.served.fault("POST *catalogs*", Some(&slow), stall, 0, 1);
    });
    let (before, after) = (last(&alone, &slow), last(&with, &slow));
    let own = with.get(&slow).copied().unwrap_or(f64::NAN);
    suite.measured(
        11,
        calm && ended && own > after && after / before <= 1.05,
        [
            format!("the others end after {}, the slow one after {}", time(after), time(own)),
            format!("without it {}", time(before)),
            format!("{:.2}", after / before),
        ],
        format!("{} sites; two runs, so the machine's noise is in it", with.len()),
    );
}

pub fn fairness(suite: &mut Suite) {
    // The large one is not the first, which goes alone.
    let mut large = String::new();
    let (alone, calm) = launched(suite, "small", |_| {});
    let (with, ended) = launched(suite, "wide", |world| {
        large = world.estate.code(1);
        world.estate.widen(1, WIDE);
        suite.say(&format!("{} steps in all, one site with {} more", world.estate.steps(), WIDE * 14));
    });
    let (before, after) = (last(&alone, &large), last(&with, &large));
    let own = with.get(&large).copied().unwrap_or(f64::NAN);
    suite.measured(
        12,
        calm && ended && own > after && after / before <= 1.3,
        [
            format!("small sites end after {}, the large one after {}", time(after), time(own)),
            format!("small sites alone {}", time(before)),
            format!("{:.2}", after / before),
        ],
        format!(
            "{} sites of some 150 steps, one of them with {} more; {SLOTS} calls at once",
            with.len(),
            WIDE * 14
        ),
    );
}
