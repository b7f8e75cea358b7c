//! Scenario 22: a wave on a virtual clock, by the real engines, lanes and driver, against the least time it could take.

use std::collections::BTreeMap;
use std::process::Command;

use landfall::base::id::ScopeId;
use landfall::model::plan::{Plan, Work};
use landfall::ops::desired::Desired;
use landfall::ops::plan::{Asked, offline, select};
use landfall::pacing::{Rates, Verb};

use serde_json::Value;

use crate::Suite;
use crate::estate::{Estate, LANDFALL};
use crate::plans::time;
use crate::schedule::Tasks;
use crate::table::{Row, Verdict};

/// Calls under way at once.
const SLOTS: usize = landfall::base::limits::CALLS_MAX;
/// What a read and a change take on the virtual clock: `runner::tasks`.
const READ: f64 = 0.18;
const WRITE: f64 = 0.65;

/// How long a step takes in a rehearsal: looked at, made, seen, and for some kinds a time until it is ready.
fn seconds(step: &Value) -> f64 {
    let Some(kind) = step["work"]["reconcile"]["kind"].as_str() else { return READ };
    let ready = match kind {
        "databricks.workspace" => 300.0,
        "databricks.vpc_endpoint" => 45.0,
        _ => 0.0,
    };
    READ + WRITE + READ + ready
}

/// Seconds that the account's lanes alone take: calls of each family at the one account host over its rate.
fn lanes(plan: &Plan) -> (f64, String) {
    let rates = Rates::standard();
    let mut calls: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for step in plan.scopes.values().flat_map(|scope| scope.steps.values()) {
        let Work::Reconcile(reconcile) = &step.work else { continue };
        if reconcile.via.is_some() {
            continue;
        }
        for verb in [Verb::Create, Verb::Read] {
            let family = rates.family(&reconcile.kind, verb);
            let rate = rates.of(&family).rate.as_per_second();
            calls.entry(family.as_str().to_owned()).or_insert((0.0, rate)).0 += 1.0;
        }
    }
    let slowest = calls.iter().map(|(name, (count, rate))| (count / rate, name));
    slowest
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or((0.0, String::new()), |(took, name)| (took, name.clone()))
}

pub fn rehearsed(suite: &mut Suite) {
    let sites = suite.sizes.fleet;
    let estate = Estate::new(&suite.scratch, "fleet", sites);
    let desired = Desired::read(&estate.root).expect("the estate is sound");
    let plan = offline(&desired, select(&desired, &Asked::All).expect("all")).expect("a plan");
    let value = serde_json::to_value(&plan).expect("JSON");
    let path = Tasks::of(&value, |_, step| seconds(step)).makespan(SLOTS);
    let (lane, family) = lanes(&plan);
    let bound = path.max(lane);
    let steps: usize = plan.scopes.values().map(|scope| scope.steps.len()).sum();
    let regions = plan.scopes.keys().filter(|scope| matches!(scope, ScopeId::Region(_))).count();
    let usage = estate.program("rehearse", &["rehearse", "all", "--progress", "none"]).run();
    let words = ["rehearse", "all", "--progress", "none"];
    let output = Command::new(LANDFALL).args(words).current_dir(&estate.root).output().expect("it starts");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let moments: Vec<jiff::Timestamp> = text
        .lines()
        .find(|line| line.starts_with("Rehearsed"))
        .into_iter()
        .flat_map(|line| line.split([' ', ',']))
        .filter_map(|word| word.parse().ok())
        .collect();
    let took = match moments[..] {
        [from, to, ..] => (to.as_millisecond() - from.as_millisecond()) as f64 / 1e3,
        _ => f64::NAN,
    };
    suite.row(Row {
        number: 22,
        name: "fleet on a virtual clock",
        target: "simulated makespan ≤ 1.05× bound (1,000 sites), ≤ 5 s of real time",
        measured: format!("{took:.0} s simulated, {} CPU for plan, launch, bundles", time(usage.cpu)),
        floor: format!("bound {bound:.0} s (schedule {path:.0} s, lane `{family}` {lane:.0} s)"),
        ratio: format!("{:.2}", took / bound),
        verdict: Verdict::of(usage.ok && took / bound <= 1.05),
        note: format!(
            "{sites} sites in {regions} regions, not 1,000, {steps} steps; the real loop, lanes, driver and sandbox by \
             `rehearse`; the first site goes alone, as in every wave"
        ),
    });
}
