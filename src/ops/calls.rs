//! The calls that a plan would make at the target. Making the plan makes none of them.

use crate::base::id::{ScopeId, StepId};
use crate::kind::Registry;
use crate::model::kind::{Kind, Level};
use crate::model::plan::{Operation, Plan, Reconcile};
use crate::model::via::Via;
use crate::pacing::{Rates, Verb};
use crate::report::calls_view::{Calls, PlannedCall};

/// Every call of a plan that changes something, by scope and step.
pub fn of(plan: &Plan) -> Calls {
    let mut calls = Vec::new();
    for (scope, step, reconcile) in plan.reconciles() {
        let Some(kind) = Registry::standard().get(&reconcile.kind) else { continue };
        for (verb, follow_up) in verbs(kind, reconcile) {
            calls.extend(call(kind, (scope, step, reconcile), verb, follow_up));
        }
    }
    Calls::new(calls)
}

/// What is called for an operation, in order, and which of that only follows a create.
fn verbs(kind: &Kind, reconcile: &Reconcile) -> Vec<(Verb, bool)> {
    let mut verbs = match reconcile.operation {
        Operation::None => return Vec::new(),
        Operation::Create => vec![(Verb::Create, false)],
        Operation::Update => return vec![(Verb::Update, false)],
        Operation::Replace => vec![(Verb::Delete, false), (Verb::Create, false)],
        Operation::Delete => return vec![(Verb::Delete, false)],
    };
    let later = kind.fields.iter().filter(|field| field.after_create);
    if later.filter_map(|field| reconcile.spec.pointer(&field.at)).any(|value| !value.is_null()) {
        verbs.push((Verb::Update, true));
    }
    verbs
}

fn call(
    kind: &Kind,
    (scope, step, reconcile): (&ScopeId, &StepId, &Reconcile),
    verb: Verb,
    follow_up: bool,
) -> Option<PlannedCall> {
    let write = |write: &crate::model::kind::Write| (write.method, write.path.clone());
    let (method, path) = match verb {
        Verb::Create => kind.calls.create.as_ref().map(write)?,
        Verb::Delete => kind.calls.delete.as_ref().map(write)?,
        Verb::Update => kind.calls.update.as_ref().map(|update| (update.method, update.path.clone()))?,
        Verb::Read | Verb::List => return None,
    };
    let host = match (kind.level, &reconcile.via) {
        (Level::Workspace, Some(Via::Own(step))) => format!("{scope} {step}"),
        (Level::Workspace, Some(Via::Region(step))) => format!("the region's {step}"),
        (Level::Workspace | Level::Account, _) => "account".to_owned(),
    };
    Some(PlannedCall {
        scope: scope.clone(),
        step: step.clone(),
        kind: kind.name.clone(),
        host,
        method: method.word(),
        path,
        family: Rates::standard().family(&kind.name, verb).to_string(),
        follow_up,
    })
}
