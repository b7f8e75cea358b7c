//! The plans of a story: a first one that makes catalogs in the account and in sites, and a second one that changes some,
//! deletes some and leaves the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall::base::id::{ScopeId, StepId};
use landfall::base::time::Millis;
use landfall::journal::Journal;
use landfall::kind::{self, Registry};
use landfall::model::plan::{
    EdgeReason, FleetPlan, Operation, PLAN_VERSION, Plan, PlannedStep, Reconcile, Reversal, ScopePlan,
    Selection, StepLimits, TargetName, WavePlan, Work,
};
use serde_json::{Value, json};

use crate::random::Random;

const KIND: &str = "databricks.catalog";

/// The first plan.
pub fn first(random: &mut Random) -> Plan {
    let mut scopes = BTreeMap::new();
    let sites = random.between(1, 3);
    let mut count = 0;
    for index in 0..=sites {
        let scope = if index == 0 { "account".to_owned() } else { format!("site/HRB0{index}") };
        let needs = if index == 0 { BTreeSet::new() } else { BTreeSet::from([ScopeId::Account]) };
        let steps = steps(random, &mut count);
        let plan = ScopePlan { needs, steps, calendar: None, expected: Millis(0) };
        scopes.insert(scope.parse().expect("a scope"), plan);
    }
    let sites = scopes.keys().filter_map(|scope: &ScopeId| scope.site().cloned()).collect();
    let wave = WavePlan {
        name: "pilot".parse().expect("a wave"),
        sites,
        max_parallel: 2,
        failure_budget: 1,
        bake: None,
        entry: Vec::new(),
    };
    Plan {
        v: PLAN_VERSION,
        tool: "simulation".to_owned(),
        estate: "simulation".to_owned(),
        lineage: "simulation".to_owned(),
        target: TargetName { name: "script".into(), account_id: "1".into(), host: "script".into() },
        selection: Selection::All,
        inputs: BTreeMap::new(),
        packs: BTreeMap::new(),
        parameters: BTreeMap::new(),
        heads: BTreeMap::new(),
        fleet: FleetPlan { waves: vec![wave], failure_budget: None },
        scopes,
        overview: Default::default(),
        rollback: None,
        approvals: Vec::new(),
        consents: Vec::new(),
    }
}

fn steps(random: &mut Random, count: &mut u64) -> BTreeMap<StepId, PlannedStep> {
    let mut steps: BTreeMap<StepId, PlannedStep> = BTreeMap::new();
    for _ in 0..random.between(1, 6) {
        let name = format!("c{count}");
        *count += 1;
        let mut spec = json!({ "name": name });
        let mut after = BTreeMap::new();
        let earlier: Vec<StepId> = steps.keys().cloned().collect();
        if !earlier.is_empty() && random.chance(600) {
            let need = earlier[random.below(earlier.len() as u64) as usize].clone();
            spec["comment"] = json!(format!("${{{need}.name}}"));
            after.insert(need, EdgeReason::Reference("/comment".to_owned()));
        }
        if random.chance(300) {
            spec["isolation_mode"] = json!("ISOLATED");
        }
        let step = planned(Operation::Create, spec, after, random);
        steps.insert(name.parse().expect("a step"), step);
    }
    steps
}

fn planned(
    operation: Operation,
    spec: Value,
    after: BTreeMap<StepId, EdgeReason>,
    random: &mut Random,
) -> PlannedStep {
    let work = Work::Reconcile(Reconcile {
        kind: KIND.parse().expect("a kind"),
        via: None,
        operation,
        spec: spec.into(),
        changes: Vec::new(),
        seen: None,
        id: None,
        reversal: Reversal::Reversible,
    });
    let limits = StepLimits {
        call_timeout: Millis(random.pick(&[1_000, 10_000, 60_000])),
        attempts_max: 8,
        poll_every: Millis(random.pick(&[500, 5_000])),
        ready_within: Millis::from_secs(600),
        expected: Millis(random.pick(&[0, 1_000, 60_000])),
    };
    PlannedStep { work, after, origin: None, evidence: None, limits }
}

/// The second plan, made after the first was carried out: what is there now is what it saw.
pub fn second(
    first: &Plan,
    there: &BTreeMap<String, Vec<Value>>,
    journal: &dyn Journal,
    random: &mut Random,
) -> Plan {
    let mut plan = first.clone();
    plan.heads = journal.heads().expect("the logs can be read");
    for scope in plan.scopes.values_mut() {
        let needed: BTreeSet<StepId> = scope.steps.values().flat_map(|s| s.after.keys().cloned()).collect();
        for (id, step) in &mut scope.steps {
            let Work::Reconcile(reconcile) = &mut step.work else { continue };
            let live = &there[id.as_str()][0];
            let applied = live.clone();
            reconcile.operation = Operation::None;
            if !needed.contains(id) && random.chance(250) {
                (reconcile.operation, reconcile.spec) = (Operation::Delete, applied.clone().into());
                step.after.clear();
            } else if random.chance(400) {
                reconcile.operation = Operation::Update;
                Arc::make_mut(&mut reconcile.spec)["properties"] = json!({ "round": "two" });
            }
            let kind = Registry::standard().get(&reconcile.kind).expect("a kind of ours");
            let mut desired = applied.clone();
            if reconcile.operation == Operation::Update {
                desired["properties"] = json!({ "round": "two" });
            }
            reconcile.seen = Some(kind::seen(kind, &desired, Some(&applied), live));
        }
    }
    plan
}
