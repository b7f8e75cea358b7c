//! The checks of a release, repeated on the way back. What they expect of the region or the account is taken from the
//! logs of those: no call is made for another scope.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::id::{ScopeId, StepId};
use crate::journal::Journal;
use crate::model::plan::{PlanExcerpt, Work};
use crate::model::reference::{RefScope, references};
use crate::model::resource::{Action, Check, ChecklistStep};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::holdings_of;
use crate::runner::known::Known;

/// The checks that can be repeated, and why the others cannot.
pub(super) fn of_release(
    journal: &dyn Journal,
    desired: &Desired,
    scope: &ScopeId,
    excerpt: &PlanExcerpt,
) -> Result<(Vec<ChecklistStep>, BTreeMap<StepId, String>), Failure> {
    let known = shared(journal, desired, scope)?;
    let (mut checks, mut left_out) = (Vec::new(), BTreeMap::new());
    for (id, step) in &excerpt.part.plan.steps {
        let Work::Check { title, check } = &step.work else { continue };
        let Some(origin) = step.origin.clone() else { continue };
        match settled(&known, scope, check) {
            Ok(check) => checks.push(ChecklistStep {
                id: id.clone(),
                title: title.clone(),
                after: Vec::new(),
                action: Action::Check(check),
                evidence: step.evidence.clone(),
                origin,
            }),
            Err(path) => {
                left_out.insert(id.clone(), format!("no log tells what {path} was"));
            }
        }
    }
    Ok((checks, left_out))
}

/// What the logs of the account and of the site's region tell about their objects.
fn shared(journal: &dyn Journal, desired: &Desired, scope: &ScopeId) -> Result<Known, Failure> {
    let region = desired.region_of(scope);
    let mut known = Known::default();
    known.declare(scope, region.clone(), []);
    for other in region.iter().chain([&ScopeId::Account]) {
        let holdings = holdings_of(journal, other)?;
        known.declare(other, None, holdings.iter().map(|(step, _)| step.clone()));
        for (step, held) in holdings.iter() {
            known.set_outputs(other, step, held.outputs);
            known.set_spec(other, step, held.spec);
        }
    }
    Ok(known)
}

fn settled(known: &Known, scope: &ScopeId, check: &Check) -> Result<Check, String> {
    let mut check = check.clone();
    for expectation in &mut check.expect {
        let one_of = expectation.one_of.iter_mut().flatten();
        for value in expectation.equals.iter_mut().chain(one_of) {
            *value = filled(known, scope, value)?;
        }
    }
    Ok(check)
}

/// The value with references to other scopes filled in. A value that refers to its own scope as well cannot be filled by
/// half, and is told by what it refers to.
fn filled(known: &Known, scope: &ScopeId, value: &Value) -> Result<Value, String> {
    let found = references(value);
    if found.iter().all(|reference| reference.scope == RefScope::Same) {
        return Ok(value.clone());
    }
    let (filled, missing) = known.resolve(scope, value);
    match missing.first() {
        None => Ok(crate::release::settled(&Value::Null, &filled)),
        Some(reference) => Err(reference.to_string()),
    }
}
