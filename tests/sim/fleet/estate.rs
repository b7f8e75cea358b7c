//! A plan of as many sites as asked for, by the real packs: the sites of the example, in turn, each under a code of its
//! own, in one wave without windows, bake time or limits of its own.

use std::collections::BTreeMap;
use std::path::Path;

use landfall::base::id::{ScopeId, SiteCode, StepId};
use landfall::base::time::Millis;
use landfall::forecast::{self, Durations};
use landfall::model::plan::{FleetPlan, Plan, PlannedStep, ScopePlan, WavePlan, Work};
use landfall::ops::desired::Desired;
use landfall::ops::observe::step_limits;
use landfall::ops::plan::{Asked, offline, select};
use serde_json::Value;

/// The example's plan with so many sites.
pub fn plan(sites: usize) -> Plan {
    let desired = Desired::read(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the example is sound");
    let mut plan = offline(&desired, select(&desired, &Asked::All).expect("all")).expect("a plan");
    let durations = Durations::of_target("simulation");
    plan.scopes.values_mut().for_each(|scope| prepare(scope, &durations));
    let (examples, shared): (BTreeMap<_, _>, BTreeMap<_, _>) =
        plan.scopes.into_iter().partition(|(scope, _)| scope.site().is_some());
    let codes: Vec<SiteCode> = (0..sites).map(code).collect();
    let examples: Vec<ScopePlan> = examples.into_values().collect();
    plan.scopes = shared;
    for (at, site) in codes.iter().enumerate() {
        plan.scopes.insert(ScopeId::Site(site.clone()), examples[at % examples.len()].clone());
    }
    let most = u32::try_from(sites).expect("a number of sites");
    let wave = WavePlan {
        name: "all".parse().expect("a wave"),
        sites: codes,
        max_parallel: most,
        failure_budget: most,
        bake: None,
        entry: Vec::new(),
    };
    plan.fleet = FleetPlan { waves: vec![wave], failure_budget: None };
    plan
}

/// Makes a site of the plan so many times as large: its steps, but for what takes minutes to become ready, so many times
/// over, each copy with the edges of the original.
pub fn widen(plan: &mut Plan, site: &ScopeId, times: usize) {
    let scope = plan.scopes.get_mut(site).expect("a site of the plan");
    let is_slow = |step: &PlannedStep| match &step.work {
        Work::Reconcile(one) => {
            let kind = landfall::kind::Registry::standard().get(&one.kind).expect("a kind");
            kind.ready.is_some()
        }
        Work::Check { .. } => false,
    };
    let copied: BTreeMap<StepId, PlannedStep> = scope
        .steps
        .iter()
        .filter(|(_, step)| !is_slow(step))
        .map(|(id, step)| (id.clone(), step.clone()))
        .collect();
    for copy in 1..times {
        let name = |id: &StepId| match copied.contains_key(id) {
            true => format!("{id}.copy{copy}").parse().expect("a step"),
            false => id.clone(),
        };
        for (id, step) in &copied {
            let mut step = step.clone();
            step.after = step.after.iter().map(|(need, why)| (name(need), why.clone())).collect();
            if let Work::Check { check, .. } = &mut step.work {
                check.read = name(&check.read);
            }
            scope.steps.insert(name(id), step);
        }
    }
}

fn code(number: usize) -> SiteCode {
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).expect("below 26"));
    let (hundred, rest) = (number / 100, number % 100);
    let text = format!("{}{}{}{rest:02}", letter(hundred / 676), letter(hundred / 26), letter(hundred));
    SiteCode::new(text).expect("a code")
}

/// The limits and times of a plan that was made against a target, without what scheduling does not ask for.
fn prepare(scope: &mut ScopePlan, durations: &Durations) {
    for step in scope.steps.values_mut() {
        step.origin = None;
        if let Work::Reconcile(reconcile) = &mut step.work {
            (reconcile.spec, reconcile.changes) = (Value::Null.into(), Vec::new());
            let kind = landfall::kind::Registry::standard().get(&reconcile.kind).expect("a kind");
            step.limits = step_limits(kind);
        }
        step.limits.expected = durations.of_step(step).millis;
    }
    scope.calendar = None;
    scope.expected = Millis(forecast::scope(scope, durations).total.0);
}
