//! Scenarios 6 to 12 and 16: launches against a sandbox in another process, in which every call takes 50 ms.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Suite;
use crate::estate::Estate;
use crate::plans::time;
use crate::process::{Program, Usage};
use crate::schedule::Tasks;
use crate::served::{Asked, Served};
use crate::table::{Row, Verdict};

/// What every call takes.
const LATENCY_MS: u64 = 50;
/// Calls under way at once: `base::limits::CALLS_MAX`.
const SLOTS: usize = landfall::base::limits::CALLS_MAX;
/// How long a straggler's one call takes.
const STRAGGLER_MS: u64 = 6_000;

/// An estate at a sandbox of its own.
struct World {
    estate: Estate,
    served: Served,
}

impl World {
    fn new(suite: &Suite, name: &str, sites: usize) -> Self {
        let estate = Estate::new(&suite.scratch, name, sites);
        let served = Served::new(&estate);
        served.reach(&estate);
        Self { estate, served }
    }

    fn program(&self, words: &[&str]) -> Program {
        self.estate.program(words[0], words).with(self.served.signin())
    }

    fn plan(&self) -> Usage {
        self.program(&["plan", "--all", "--target", "served", "--out", "p.plan"]).run()
    }

    fn apply(&self) -> Usage {
        self.program(&["apply", "p.plan", "--progress", "none"]).run()
    }

    fn saved(&self) -> Value {
        let bytes = fs::read(self.estate.root.join("p.plan")).unwrap_or_default();
        serde_json::from_slice::<Value>(&bytes).unwrap_or_default()["plan"].take()
    }

    /// Calls but those of signing in.
    fn calls(&self) -> Vec<Asked> {
        let mut all = self.served.requests();
        all.retain(|asked| !asked.path.contains("oidc") && !asked.path.contains(".well-known"));
        all
    }
}

fn steps_of(plan: &Value) -> usize {
    let scopes = plan["scopes"].as_object().into_iter().flat_map(|scopes| scopes.values());
    scopes.map(|scope| scope["steps"].as_object().map_or(0, serde_json::Map::len)).sum()
}

/// Seconds to the end of each site's work, from the launch's begin.
fn ends(calls: &[Asked], estate: &Estate) -> BTreeMap<String, f64> {
    let began = calls.iter().map(|asked| asked.at).fold(f64::INFINITY, f64::min);
    let mut ends = BTreeMap::new();
    for at in 0..estate.sites {
        let code = estate.code(at);
        let entries = estate.prints(&["log", &format!("site/{code}"), "-o", "json"]);
        let last = entries.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).next_back();
        if let Some(entry) = last {
            ends.insert(code, crate::served::seconds(&entry["at"]) - began);
        }
    }
    ends
}

pub fn with_latency(suite: &mut Suite) {
    let sites = suite.sizes.launch;
    let world = World::new(suite, "calls", sites);
    world.served.latency(LATENCY_MS);
    let service = world.served.service_time();
    world.served.forget_requests();
    let planned = world.plan();
    let plan = world.saved();
    refresh(suite, &world, planned, service);
    world.served.forget_requests();
    let applied = world.apply();
    let calls = world.calls();
    let steps = steps_of(&plan);
    let each = calls.len() as f64 / steps.max(1) as f64;
    let bound = Tasks::of(&plan, |_, _| each * service).makespan(SLOTS);
    suite.row(Row {
        number: 7,
        name: "apply-12 at 50 ms",
        target: "≤ 1.25× bound (quiet 1.15)",
        measured: format!("{} wall, {} CPU, {:.0} MB", time(applied.wall), time(applied.cpu), applied.rss),
        floor: format!("bound {} at {SLOTS} calls at once, {} a call", time(bound), time(service)),
        ratio: format!("{:.2}", applied.wall / bound),
        verdict: Verdict::of(applied.ok && applied.wall / bound <= 1.25),
        note: format!(
            "{sites} sites, {steps} steps, {} calls, {each:.1} for a step on average; the number of calls at once is fixed",
            calls.len()
        ),
    });
    suite.skip(
        8,
        "apply-1000 at 50 ms",
        "≤ 1.12× bound, ≤ 8 CPU-s",
        "see #7 and #13: at those rates longer than this suite",
    );
    suite.skip(
        9,
        "apply-12 under a limiter",
        "≤ 1.02× bound, no 429",
        "the sandbox has no limiter; `cargo bench --bench pacing` drives a server with one",
    );
    let alone = ends(&calls, &world.estate);
    drop(world);
    faulty(suite, sites, service);
    straggler(suite, sites, &alone);
    suite.skip(
        12,
        "fairness: a large site among small ones",
        "small sites ≤ 1.3× alone",
        "no estate with one site of 600 steps is made yet",
    );
    resume(suite, sites);
}

fn refresh(suite: &mut Suite, world: &World, planned: Usage, service: f64) {
    let calls = world.calls();
    let each = calls.len() as f64 / world.estate.sites as f64;
    let bound = calls.len() as f64 * service / SLOTS as f64;
    suite.say(&format!("plan at {LATENCY_MS} ms: {planned:?}, {} calls, bound {}", calls.len(), time(bound)));
    // What stands is looked at once everything is there.
    suite.row(Row {
        number: 6,
        name: "refresh at 50 ms, first plan",
        target: "≤ 1.10× bound; ≤ 15 list calls a site",
        measured: format!("{} wall, {} CPU, {each:.1} calls a site", time(planned.wall), time(planned.cpu)),
        floor: format!("bound {} ({} calls over {SLOTS} at once)", time(bound), calls.len()),
        ratio: format!("{:.2}", planned.wall / bound.max(service)),
        verdict: Verdict::of(planned.ok && each <= 15.0 && planned.wall / bound.max(service) <= 1.1),
        note: format!("{} sites, nothing there yet; of what stands: see the note of #16", world.estate.sites),
    });
}

fn faulty(suite: &mut Suite, sites: usize, service: f64) {
    let world = World::new(suite, "faulty", sites);
    let planned = world.plan();
    let plan = world.saved();
    let steps = steps_of(&plan);
    let turns = u32::try_from(steps / 20).unwrap_or(1);
    for turn in 0..turns {
        world.served.fault("*", None, json!({ "too_many": { "retry_after": 1 } }), 20 + turn * 40, 1);
    }
    for turn in 0..turns * 2 / 5 {
        world.served.fault("*", None, json!("unavailable"), 45 + turn * 100, 1);
    }
    world.served.latency(LATENCY_MS);
    world.served.forget_requests();
    let applied = world.apply();
    let calls = world.calls();
    let refused = calls.iter().filter(|asked| matches!(asked.status, 429 | 503)).count();
    let made =
        |asked: &&Asked| asked.method == "POST" && asked.status < 300 && asked.path.ends_with("/workspaces");
    let workspaces = calls.iter().filter(made).count();
    let each = calls.len() as f64 / steps.max(1) as f64;
    let bound = Tasks::of(&plan, |_, _| each * service).makespan(SLOTS);
    suite.row(Row {
        number: 10,
        name: "apply with 429 and 5xx",
        target: "≤ 1.15× bound with waits; nothing twice",
        measured: format!("{} wall, {refused} refused, {workspaces} workspaces made", time(applied.wall)),
        floor: format!("bound {} without the waits", time(bound)),
        ratio: format!("{:.2}", applied.wall / bound),
        verdict: Verdict::of(
            applied.ok && planned.ok && workspaces == 2 * sites && applied.wall / bound <= 1.25,
        ),
        note: format!("{sites} sites; each 429 asks for one second, which the bound does not have"),
    });
}

fn straggler(suite: &mut Suite, sites: usize, alone: &BTreeMap<String, f64>) {
    let world = World::new(suite, "straggler", sites);
    let slow = world.estate.code(sites - 1);
    let _ = world.plan();
    world.served.fault("POST *catalogs*", Some(&slow), json!({ "stall": { "millis": STRAGGLER_MS } }), 0, 1);
    world.served.latency(LATENCY_MS);
    world.served.forget_requests();
    let applied = world.apply();
    let with = ends(&world.calls(), &world.estate);
    let others = |ends: &BTreeMap<String, f64>| {
        ends.iter().filter(|(code, _)| **code != slow).map(|(_, end)| *end).fold(0.0, f64::max)
    };
    let (before, after) = (others(alone), others(&with));
    let own = with.get(&slow).copied().unwrap_or(f64::NAN);
    suite.row(Row {
        number: 11,
        name: "straggler: one call of 6 s in one site",
        target: "the others end ≤ 1.05× later",
        measured: format!("the others end after {}, the slow one after {}", time(after), time(own)),
        floor: format!("without it {}", time(before)),
        ratio: format!("{:.2}", after / before),
        verdict: Verdict::of(applied.ok && own > before && after / before <= 1.05),
        note: format!("{sites} sites; two runs, so the machine's noise is in it"),
    });
}

fn resume(suite: &mut Suite, sites: usize) {
    let world = World::new(suite, "resume", sites);
    let _ = world.plan();
    let steps = steps_of(&world.saved());
    world.served.latency(LATENCY_MS);
    world.served.forget_requests();
    let mut child = world.program(&["apply", "p.plan", "--progress", "none"]).start();
    let began = Instant::now();
    // Killed when about half of the calls that change something are through.
    while began.elapsed() < Duration::from_secs(120) {
        let changes = world.calls().iter().filter(|asked| asked.method != "GET").count();
        if changes >= steps / 3 || child.try_wait().is_ok_and(|left| left.is_some()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
    world.served.forget_requests();
    let started = jiff::Timestamp::now().as_millisecond() as f64 / 1_000.0;
    let resumed = world.program(&["resume", "--progress", "none"]).run();
    let asked = world.served.requests();
    let first = asked.iter().map(|asked| asked.at).fold(f64::INFINITY, f64::min) - started;
    let plan = world.calls();
    let again =
        world.program(&["plan", "--all", "--target", "served", "--detailed-exitcode", "--out", "q.plan"]);
    world.served.forget_requests();
    let looked = again.run();
    let each = world.calls().len() as f64 / sites as f64;
    suite.row(Row {
        number: 16,
        name: "resume after SIGKILL, half done",
        target: "first call ≤ 0.5 s after the start (1,000 sites)",
        measured: format!("{} to the first call answered, {} to the end", time(first), time(resumed.wall)),
        floor: format!("one call: {LATENCY_MS} ms"),
        ratio: String::new(),
        verdict: Verdict::of(resumed.ok && first <= 0.5),
        note: format!(
            "{sites} sites, not 1,000; {} calls after it; the lease of the killed process was {}; a plan of what stands took \
             {each:.1} calls a site, {}",
            plan.len(),
            if first > 5.0 { "waited for" } else { "not waited for" },
            time(looked.wall)
        ),
    });
}
