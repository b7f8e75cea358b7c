//! Scenarios 6, 7 and 9: launches against a sandbox in another process, in which every call takes 50 ms or which takes
//! only so many a second.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::Suite;
use crate::estate::Estate;
use crate::plans::time;
use crate::process::{Program, Usage};
use crate::schedule::Tasks;
use crate::served::{Asked, Served};

/// What every call takes.
pub const LATENCY_MS: u64 = 50;
/// Calls under way at once, unless the target says otherwise.
pub const SLOTS: usize = landfall::base::limits::CALLS_MAX;
/// Lists of a refresh that the target allows each site.
const LISTS_A_SITE: f64 = 15.0;

/// An estate at a sandbox of its own.
pub struct World {
    pub estate: Estate,
    pub served: Served,
}

impl World {
    pub fn new(suite: &Suite, name: &str, sites: usize) -> Self {
        Self::with(suite, name, sites, &[], "")
    }

    /// With flags of the sandbox, and lines about the target.
    pub fn with(suite: &Suite, name: &str, sites: usize, flags: &[&str], target: &str) -> Self {
        let estate = Estate::new(&suite.scratch, name, sites);
        let served = Served::with(&estate, flags);
        served.reach_by(&estate, target);
        Self { estate, served }
    }

    pub fn program(&self, words: &[&str]) -> Program {
        self.estate.program(words[0], words).with(self.served.signin())
    }

    pub fn plan(&self) -> Usage {
        self.program(&["plan", "--all", "--target", "served", "--out", "p.plan"]).run()
    }

    pub fn apply(&self) -> Usage {
        self.program(&["apply", "p.plan", "--progress", "none"]).run()
    }

    pub fn saved(&self) -> Value {
        let bytes = fs::read(self.estate.root.join("p.plan")).unwrap_or_default();
        serde_json::from_slice::<Value>(&bytes).unwrap_or_default()["plan"].take()
    }

    /// Calls but those of signing in.
    pub fn calls(&self) -> Vec<Asked> {
        let mut all = self.served.requests();
        all.retain(|asked| !asked.path.contains("oidc") && !asked.path.contains(".well-known"));
        all
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.estate.root);
    }
}

pub fn steps_of(plan: &Value) -> usize {
    let scopes = plan["scopes"].as_object().into_iter().flat_map(|scopes| scopes.values());
    scopes.map(|scope| scope["steps"].as_object().map_or(0, serde_json::Map::len)).sum()
}

/// Seconds to the end of each site's work, from the launch's begin.
pub fn ends(calls: &[Asked], estate: &Estate) -> BTreeMap<String, f64> {
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

/// One launch at 50 ms a call, and its bound.
pub struct Launched {
    pub usage: Usage,
    pub bound: f64,
    pub steps: usize,
    pub calls: usize,
    pub service: f64,
}

impl Launched {
    pub fn ratio(&self) -> f64 {
        self.usage.wall / self.bound
    }
}

/// Plans and applies with this latency and so many calls at once.
pub fn launch(world: &World, slots: usize) -> Launched {
    let planned = world.plan();
    assert!(planned.ok, "the plan was refused");
    let plan = world.saved();
    world.served.latency(LATENCY_MS);
    let service = world.served.service_time();
    world.served.forget_requests();
    let usage = world.apply();
    let calls = world.calls();
    let steps = steps_of(&plan);
    let each = calls.len() as f64 / steps.max(1) as f64;
    // What the service itself says it took, where it says so, else what a call took that was asked alone.
    let logged: Vec<f64> = calls.iter().filter_map(|asked| asked.took).collect();
    let taken = if logged.is_empty() { service } else { logged.iter().sum::<f64>() / logged.len() as f64 };
    let bound = Tasks::of(&plan, |_, _| each * taken).makespan(slots);
    Launched { usage, bound, steps, calls: calls.len(), service: taken }
}

pub fn with_latency(suite: &mut Suite) {
    let sites = suite.sizes.launch;
    let mut all = Vec::new();
    for slots in [10, 100] {
        let more = format!("calls_at_once = {slots}");
        let world = World::with(suite, &format!("calls-{slots}"), sites, &[], &more);
        let one = launch(&world, slots);
        suite.say(&format!("{slots} calls at once: {:?}, bound {}", one.usage, time(one.bound)));
        if slots == 100 {
            refresh(suite, &world, one.service);
        }
        all.push(one);
    }
    let words: Vec<String> =
        all.iter().map(|one| format!("{} ({} CPU)", time(one.usage.wall), time(one.usage.cpu))).collect();
    let bounds: Vec<String> = all.iter().map(|one| time(one.bound)).collect();
    let ratios: Vec<String> = all.iter().map(|one| format!("{:.2}", one.ratio())).collect();
    let met = all.iter().all(|one| one.usage.ok && one.ratio() <= 1.25);
    let note = format!(
        "{sites} sites, {} steps, {} calls, {} each; the first site goes alone, in the bound too",
        all[1].steps,
        all[1].calls,
        time(all[1].service)
    );
    suite.measured(
        7,
        met,
        [words.join(" / "), format!("bound {}", bounds.join(" / ")), ratios.join(" / ")],
        note,
    );
}

/// A plan of what stands, with latency.
pub fn refresh(suite: &mut Suite, world: &World, service: f64) {
    world.served.forget_requests();
    let looked = world
        .program(&["plan", "--all", "--target", "served", "--detailed-exitcode", "--out", "q.plan"])
        .run();
    let calls = world.calls();
    let sites = world.estate.sites;
    let each = calls.len() as f64 / sites as f64;
    let lists = (calls.len() as f64 * service / SLOTS as f64).max(2.0 * service);
    let ratio = looked.wall / lists;
    suite.measured(
        6,
        looked.ok && each <= LISTS_A_SITE && ratio <= 1.1,
        [
            format!("{} wall, {} CPU, {each:.1} calls a site", time(looked.wall), time(looked.cpu)),
            format!("bound {} ({} calls over {SLOTS} at once, signing in before)", time(lists), calls.len()),
            format!("{ratio:.2}"),
        ],
        format!(
            "{sites} sites, everything there; the bound has no process start, no reading of the estate and no writing of \
             the plan in it; rates do not bind at this size"
        ),
    );
}

pub fn limited(suite: &mut Suite) {
    if !Served::knows("--rate") {
        return suite.skip(9, "`sandbox serve` has no --rate in this build; `cargo bench --bench pacing` drives a server with one");
    }
    let sites = suite.sizes.launch;
    let rates: &[u32] = if suite.short { &[100] } else { &[100, 30] };
    let (mut words, mut bounds, mut ratios, mut refused, mut ok) = (vec![], vec![], vec![], 0, true);
    for rate in rates {
        let rate_word = rate.to_string();
        let flags = ["--rate", rate_word.as_str()];
        let target = format!(
            "calls_at_once = 100\nrates = {{ general = {rate}, permissions-read = {rate}, permissions-write = {rate} }}"
        );
        let world = World::with(suite, &format!("limited-{rate}"), sites, &flags, &target);
        let planned = world.plan();
        world.served.forget_requests();
        let applied = world.apply();
        let calls = world.calls();
        let too_many = calls.iter().filter(|asked| asked.status == 429).count();
        // The slowest host: all calls to it at its rate.
        let mut hosts: BTreeMap<String, usize> = BTreeMap::new();
        for asked in &calls {
            *hosts.entry(asked.host.clone()).or_default() += 1;
        }
        let busiest = hosts.values().copied().max().unwrap_or(0);
        let bound = busiest as f64 / f64::from(*rate);
        ok &= planned.ok && applied.ok;
        refused += too_many;
        words.push(time(applied.wall));
        bounds.push(format!("{} ({busiest} of {} calls at one host)", time(bound), calls.len()));
        ratios.push(applied.wall / bound);
    }
    let met = ok && refused == 0 && ratios.iter().all(|ratio| *ratio <= 1.02);
    let ratios: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
    suite.measured(
        9,
        met,
        [
            format!("{}; {refused} refused", words.join(" / ")),
            format!("bound {}", bounds.join(" / ")),
            ratios.join(" / "),
        ],
        format!("{sites} sites; hosts are told apart where the sandbox's log names them"),
    );
}
