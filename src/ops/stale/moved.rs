//! Objects that are no longer what the plan saw: one pass of list calls, nothing is changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::scopes;
use crate::base::id::{ScopeId, StepId};
use crate::evidence::scan;
use crate::journal::Journal;
use crate::model::plan::{FieldChange, Operation, PlannedStep, Reconcile, SavedPlan, Work};
use crate::model::resource::Resource;
use crate::ops::error::Failure;
use crate::ops::observe::{Wanted, World, observe_beside, undeclared};
use crate::ops::plan::read_holdings;
use crate::ops::target::Reached;
use crate::plan::Found;
use crate::report::plan_view::short;

/// Every object that is no longer what the plan saw, with the fields as far as they are known. What cannot be read now is
/// left to its step, which waits and looks again.
pub(super) async fn objects(
    saved: &SavedPlan,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<Vec<String>, Failure> {
    let regions = scopes(saved);
    let names: BTreeSet<ScopeId> = regions.keys().map(|scope| (*scope).clone()).collect();
    let holdings = read_holdings(journal, &names)?;
    let declared: BTreeMap<&ScopeId, Vec<Resource>> =
        saved.plan.scopes.iter().map(|(scope, plan)| (scope, resources(&plan.steps))).collect();
    let wanted: Vec<Wanted<'_>> = regions
        .iter()
        .map(|(scope, region)| Wanted {
            scope,
            region: region.or(saved.plan.through()),
            resources: &declared[scope],
            holdings: &holdings[scope],
        })
        .collect();
    let beside: BTreeSet<ScopeId> = saved.plan.through().into_iter().cloned().collect();
    let beside = read_holdings(journal, &beside)?;
    let world = observe_beside(&reached.reads(), &wanted, &beside).await;
    Ok(saved.plan.reconciles().filter_map(|(scope, id, then)| told(&world, scope, id, then)).collect())
}

/// What the plan was made from, as it stands in the plan: files that were edited since do not matter here.
fn resources(steps: &BTreeMap<StepId, PlannedStep>) -> Vec<Resource> {
    let resource = |(id, step): (&StepId, &PlannedStep)| match &step.work {
        Work::Reconcile(reconcile) if reconcile.operation != Operation::Delete => Some(Resource {
            id: id.clone(),
            kind: reconcile.kind.clone(),
            after: step.after.keys().cloned().collect(),
            via: reconcile.via.clone(),
            spec: reconcile.spec.clone(),
            evidence: step.evidence.clone(),
            origin: step.origin.clone().unwrap_or_else(undeclared),
        }),
        Work::Reconcile(_) | Work::Check { .. } => None,
    };
    steps.iter().filter_map(resource).collect()
}

fn told(world: &World, scope: &ScopeId, id: &StepId, then: &Reconcile) -> Option<String> {
    if world.unreadable.iter().any(|(of, step, _)| of == scope && step == id) {
        return None;
    }
    let leftover = || {
        let kept = world.leftovers.get(scope).into_iter().flatten();
        kept.map(|leftover| (&leftover.resource.id, &leftover.found)).find(|(step, _)| *step == id)
    };
    let now: Option<&Found> = match then.operation {
        Operation::Delete => leftover().map(|(_, found)| found),
        Operation::None | Operation::Create | Operation::Update | Operation::Replace => {
            Some(world.found.get(scope)?.get(id)?)
        }
    };
    let seen = now.and_then(|now| now.seen);
    match (then.seen, seen) {
        (then, now) if then == now => None,
        (None, _) => Some(format!("{scope} {id}: it is there now, and was not when the plan was made")),
        (Some(_), None) => Some(format!("{scope} {id}: it is gone")),
        (Some(_), Some(_)) => {
            let fields = now.map_or(Vec::new(), |now| fields(&then.changes, &now.changes));
            let fields = if fields.is_empty() {
                "it is no longer as the plan saw it".to_owned()
            } else {
                fields.join("; ")
            };
            Some(format!("{scope} {id}: {fields}"))
        }
    }
}

/// Fields that show something else than the plan saw. What is not among the changes was as desired.
fn fields(then: &[FieldChange], now: &[FieldChange]) -> Vec<String> {
    let by_place = |changes: &'_ [FieldChange]| -> BTreeMap<String, FieldChange> {
        changes.iter().map(|change| (change.at.clone(), change.clone())).collect()
    };
    let (then, now) = (by_place(then), by_place(now));
    let places: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let differs = |at: &String| {
        let (then, now) = (then.get(at), now.get(at));
        let desired = then.or(now).and_then(|change| change.to.as_ref());
        let shown = |change: Option<&FieldChange>| match change {
            Some(change) => sayable(change.from.as_ref()),
            None => sayable(desired),
        };
        let (was, is) = (shown(then), shown(now));
        (was != is).then(|| format!("{at} was {was}, now {is}"))
    };
    places.into_iter().filter_map(differs).collect()
}

/// A value as the plan shows it: what looks like patient data is told by its digest.
fn sayable(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    match scan::unsaid(&value.to_string()) {
        Some(unsaid) => short(&Value::String(unsaid)),
        None => short(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at: &str, from: Value, to: Value) -> FieldChange {
        let (from, to) = (Some(from), Some(to));
        FieldChange {
            at: at.to_owned(),
            from,
            to,
            known_after: None,
            forces_replacement: false,
            reason: String::new(),
        }
    }

    #[test]
    fn fields_are_told_as_they_were_and_as_they_are() {
        let a = |from: &str| change("/a", from.into(), "wanted".into());
        for (then, now, told) in [
            (vec![], vec![a("x")], r#"/a was "wanted", now "x""#),
            (vec![a("x")], vec![], r#"/a was "x", now "wanted""#),
            (vec![a("x")], vec![a("y")], r#"/a was "x", now "y""#),
            (vec![a("x")], vec![a("x")], ""),
            (vec![a("x")], vec![a("x"), change("/b", 1.into(), 2.into())], "/b was 2, now 1"),
        ] {
            assert_eq!(fields(&then, &now).join("; "), told);
        }
    }
}
