//! A site's steps in the form in which they are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::base::digest::Digest;
use crate::base::id::{ScopeId, StepId};
use crate::model::outline::{Outline, OutlinedStep, shown};
use crate::model::plan::{FieldChange, Operation, Reconcile, ScopePlan, Work};

use super::Origins;

/// What is done at one site, comparable with what is done at another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Normal {
    /// By the step's name, without what says which site it is.
    pub(super) steps: BTreeMap<String, NormalStep>,
}

/// One step that does something.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NormalStep {
    /// Its name in the plan.
    pub(super) id: StepId,
    /// Everything that is compared.
    pub(super) what: Value,
    pub(super) is_check: bool,
}

impl Normal {
    /// What is done at a site, with its outline if it has one.
    pub(super) fn of(
        scope: &ScopeId,
        plan: &ScopePlan,
        outline: Option<&Outline>,
        origins: Origins<'_>,
    ) -> Self {
        Self { steps: steps(scope, plan, outline, origins) }
    }

    pub(super) fn digest(&self) -> Digest {
        let whats: BTreeMap<&String, &Value> =
            self.steps.iter().map(|(name, step)| (name, &step.what)).collect();
        Digest::of_canonical(&whats)
    }

    /// Objects that are made, changed, replaced or deleted.
    pub(super) fn changes(&self) -> usize {
        self.steps.values().filter(|step| !step.is_check).count()
    }
}

/// The comparable form of one site's steps.
fn steps(
    scope: &ScopeId,
    plan: &ScopePlan,
    outline: Option<&Outline>,
    origins: Origins<'_>,
) -> BTreeMap<String, NormalStep> {
    let changed: BTreeSet<&StepId> =
        plan.steps.iter().filter(|(_, step)| is_change(&step.work)).map(|(id, _)| id).collect();
    let mut steps = BTreeMap::new();
    for (id, step) in &plan.steps {
        let outlined = outline.and_then(|outline| outline.steps.get(id));
        let (what, is_check) = match &step.work {
            Work::Reconcile(_) if !changed.contains(id) => continue,
            Work::Check { check, .. } if !changed.contains(&check.read) => continue,
            Work::Reconcile(reconcile) => {
                let applied = (origins.applied)(scope, id);
                (reconciled(reconcile, outlined, applied.as_ref()), false)
            }
            Work::Check { title, check } => {
                let declared =
                    outlined.map_or_else(|| json!({"title": title, "check": check}), |o| o.normal.clone());
                (json!({"operation": "check", "declared": declared}), true)
            }
        };
        let name = outlined.map_or_else(|| id.to_string(), OutlinedStep::name);
        // Two steps whose names differ in nothing but the site stay two.
        let name = if steps.contains_key(&name) { format!("{name} ({id})") } else { name };
        steps.insert(name, NormalStep { id: id.clone(), what, is_check });
    }
    steps
}

fn is_change(work: &Work) -> bool {
    match work {
        Work::Reconcile(reconcile) => reconcile.operation != Operation::None,
        Work::Check { .. } => false,
    }
}

fn reconciled(reconcile: &Reconcile, outlined: Option<&OutlinedStep>, applied: Option<&Value>) -> Value {
    let mut what = Map::new();
    what.insert("operation".to_owned(), json!(reconcile.operation));
    what.insert("reversal".to_owned(), json!(reconcile.reversal));
    what.insert("kind".to_owned(), json!(reconcile.kind));
    match reconcile.operation {
        Operation::Create => {
            what.insert("declared".to_owned(), declared(reconcile, outlined));
        }
        Operation::Replace => {
            what.insert("declared".to_owned(), declared(reconcile, outlined));
            what.insert("changes".to_owned(), changes(reconcile, outlined, applied));
        }
        Operation::Update => {
            what.insert("changes".to_owned(), changes(reconcile, outlined, applied));
        }
        // What is taken away is ours and has the step's name; no template says any more what it was made from.
        Operation::Delete | Operation::None => {}
    }
    Value::Object(what)
}

/// What the template declares; without an outline, everything as it is.
fn declared(reconcile: &Reconcile, outlined: Option<&OutlinedStep>) -> Value {
    match outlined {
        Some(outlined) => outlined.normal.clone(),
        None => json!({"spec": reconcile.spec, "via": reconcile.via}),
    }
}

fn changes(reconcile: &Reconcile, outlined: Option<&OutlinedStep>, applied: Option<&Value>) -> Value {
    let spec = outlined.and_then(|outlined| outlined.normal.get("spec"));
    let one = |change: &FieldChange| (change.at.clone(), one_change(change, spec, applied));
    let changes: BTreeMap<String, Value> = reconcile.changes.iter().map(one).collect();
    json!(changes)
}

fn one_change(change: &FieldChange, spec: Option<&Value>, applied: Option<&Value>) -> Value {
    let to = change.to.as_ref().map(|to| (to, spec.and_then(|spec| spec.pointer(&change.at)).unwrap_or(to)));
    let says_which_site = to.is_some_and(|(plain, normal)| plain != normal);
    let ours = applied
        .and_then(|applied| applied.pointer(&change.at))
        .is_some_and(|was| Some(was) == change.from.as_ref());
    let from = match &change.from {
        // The earlier value of a field that says which site it is, and ours: it did so too. One that somebody else
        // wrote is shown as it is, so that it sets its site apart.
        Some(_) if says_which_site && ours => json!({"applied": true}),
        from => json!({"live": from}),
    };
    json!({
        "from": from,
        "to": to.map(|(_, normal)| normal),
        "known_after": change.known_after,
        "forces_replacement": change.forces_replacement,
    })
}

/// Pointers at which two steps differ, shortest first where one lies in the other.
pub(super) fn differing(here: &Value, there: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", here, there, &mut found);
    found
}

fn compare(at: &str, here: &Value, there: &Value, found: &mut Vec<String>) {
    match (here, there) {
        (Value::Object(one), Value::Object(two)) => {
            let keys: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
            for key in keys {
                let below = crate::base::pointer::child(at, key);
                match (one.get(key), two.get(key)) {
                    (Some(one), Some(two)) => compare(&below, one, two, found),
                    _ => found.push(shown(&below)),
                }
            }
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            for (index, (one, two)) in one.iter().zip(two).enumerate() {
                compare(&format!("{at}/{index}"), one, two, found);
            }
        }
        _ if here == there => {}
        _ => found.push(shown(at)),
    }
}
