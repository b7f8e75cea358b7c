//! One plan against another, or against a release: steps that only one of them has, and steps that do something else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::plan_view::{plural, symbol};
use crate::base::id::{ScopeId, StepId};
use crate::base::pointer;
use crate::model::plan::{Operation, Plan, PlannedStep, ScopePlan, Work};

/// What two plans do not have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Steps that only the new plan has.
    pub only_here: Vec<Named>,
    /// Steps that only the other plan has.
    pub only_there: Vec<Named>,
    /// Steps of both that are not the same.
    pub different: Vec<Different>,
}

/// One step by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its scope.
    pub scope: ScopeId,
    /// Its name.
    pub step: StepId,
    /// What it does; a check does nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}

/// One step that is not the same in both plans.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Different {
    /// Its scope.
    pub scope: ScopeId,
    /// Its name.
    pub step: StepId,
    /// What it does in the new plan and in the other, if that is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<(Operation, Operation)>,
    /// Fields of its spec, or of what it checks, that are not the same; empty for the whole.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub at: BTreeSet<String>,
}

impl Comparison {
    /// Whether there is nothing that they do not have in common.
    pub fn is_empty(&self) -> bool {
        self.only_here.is_empty() && self.only_there.is_empty() && self.different.is_empty()
    }
}

/// Compares.
pub fn compare(here: &Plan, there: &Plan) -> Comparison {
    let (here, there) = (steps(here), steps(there));
    let both = here.iter().filter_map(|(name, step)| Some((name, *step, *there.get(name)?)));
    Comparison {
        only_here: only(&here, &there),
        only_there: only(&there, &here),
        different: both
            .filter_map(|((scope, step), here, there)| differing(scope, step, here, there))
            .collect(),
    }
}

/// Compares what a plan asks of one scope with what a release of it was asked to be. A release has neither checks nor
/// operations of its own; what its run deleted is not there, and what the plan deletes is not wanted.
pub fn compare_release(here: &Plan, scope: &ScopeId, release: &ScopePlan) -> Comparison {
    let nothing = BTreeMap::new();
    let here = here.scopes.get(scope).map_or(&nothing, |of_scope| &of_scope.steps);
    let (here, there) = (objects(scope, here), objects(scope, &release.steps));
    let both = here.iter().filter_map(|(name, step)| Some((name, *step, *there.get(name)?)));
    let different = both.filter_map(|((scope, step), here, there)| differing(scope, step, here, there));
    Comparison {
        only_here: only(&here, &there),
        only_there: only(&there, &here),
        different: different
            .map(|one| Different { operation: None, ..one })
            .filter(|one| !one.at.is_empty())
            .collect(),
    }
}

/// The objects that steps want to be there.
fn objects<'p>(scope: &'p ScopeId, steps: &'p BTreeMap<StepId, PlannedStep>) -> Steps<'p> {
    let wanted = |step: &PlannedStep| operation(step).is_some_and(|operation| operation != Operation::Delete);
    steps.iter().filter(|(_, step)| wanted(step)).map(|(id, step)| ((scope, id), step)).collect()
}

fn only(one: &Steps<'_>, other: &Steps<'_>) -> Vec<Named> {
    let alone = one.iter().filter(|(name, _)| !other.contains_key(*name));
    alone.map(|((scope, step), planned)| named(scope, step, planned)).collect()
}

type Steps<'p> = BTreeMap<(&'p ScopeId, &'p StepId), &'p PlannedStep>;

fn steps(plan: &Plan) -> Steps<'_> {
    let mut all = BTreeMap::new();
    for (scope, of_scope) in &plan.scopes {
        all.extend(of_scope.steps.iter().map(|(id, step)| ((scope, id), step)));
    }
    all
}

fn operation(step: &PlannedStep) -> Option<Operation> {
    match &step.work {
        Work::Reconcile(reconcile) => Some(reconcile.operation),
        Work::Check { .. } => None,
    }
}

fn named(scope: &ScopeId, step: &StepId, planned: &PlannedStep) -> Named {
    Named { scope: scope.clone(), step: step.clone(), operation: operation(planned) }
}

fn differing(scope: &ScopeId, step: &StepId, here: &PlannedStep, there: &PlannedStep) -> Option<Different> {
    let mut at = BTreeSet::new();
    match (&here.work, &there.work) {
        (Work::Reconcile(one), Work::Reconcile(other)) if one.kind == other.kind => {
            fields("", &one.spec, &other.spec, &mut at);
        }
        (Work::Check { check: one, .. }, Work::Check { check: other, .. }) if one == other => {}
        _ => drop(at.insert(String::new())),
    }
    let operation = operation(here).zip(operation(there)).filter(|(here, there)| here != there);
    let differs = operation.is_some() || !at.is_empty();
    differs.then(|| Different { scope: scope.clone(), step: step.clone(), operation, at })
}

/// The fields that differ, as deep as both sides have objects.
fn fields(at: &str, one: &Value, other: &Value, found: &mut BTreeSet<String>) {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            for name in left.keys().chain(right.keys()) {
                let (left, right) = (left.get(name), right.get(name));
                let nothing = Value::Null;
                fields(&pointer::child(at, name), left.unwrap_or(&nothing), right.unwrap_or(&nothing), found);
            }
        }
        (one, other) if one == other => {}
        _ => drop(found.insert(at.to_owned())),
    }
}

/// The comparison in words. `other` names the other plan.
pub fn text(comparison: &Comparison, other: &str) -> String {
    if comparison.is_empty() {
        return format!("Against {other}: the same steps.\n");
    }
    let mut out = format!("Against {other}:\n");
    listed(&mut out, "only in this plan", &comparison.only_here);
    listed(&mut out, "only in the other plan", &comparison.only_there);
    if !comparison.different.is_empty() {
        let count = comparison.different.len();
        let _ = writeln!(out, "  different: {count} {}", plural(count, "step", "steps"));
    }
    for Different { scope, step, operation, at } in &comparison.different {
        let operation = operation
            .map_or(String::new(), |(here, there)| format!("   {} here, {} there", word(here), word(there)));
        let at: Vec<&str> =
            at.iter().map(|at| if at.is_empty() { "(whole step)" } else { at.as_str() }).collect();
        let _ = writeln!(out, "    {scope} {step}{operation}   {}", at.join(" "));
    }
    out
}

fn listed(out: &mut String, head: &str, steps: &[Named]) {
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {head}: {} {}", steps.len(), plural(steps.len(), "step", "steps"));
    for Named { scope, step, operation } in steps {
        let _ = writeln!(out, "    {:>3} {scope} {step}", operation.map_or("", symbol));
    }
}

fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::None => "unchanged",
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Replace => "replace",
        Operation::Delete => "delete",
    }
}
