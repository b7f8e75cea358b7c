//! What other packs would change: packs against packs without a look at any target, each site rendered with both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::base::id::{ScopeId, StepId};
use crate::base::limits;
use crate::base::pointer;
use crate::base::time::Timestamp;
use crate::kind::{self, Ask, Assessment, Registry};
use crate::model::kind::Kind;
use crate::model::plan::{FieldChange, Operation, Reversal, SavedPlan, Selection, TargetName};
use crate::model::rendered::Rendered;
use crate::model::resource::Resource;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::observe::{World, deleted, new_object, step_limits};
use crate::ops::overview;
use crate::ops::plan::{document, plans_of, scopes, waves};
use crate::plan::{Found, Leftover};
use crate::report::pack_view::{self, PackChange};

/// What stands in the place of a reference while two specs are compared, so that the reference itself is.
const REFERENCE: &str = "\u{E012}{";

/// Packs against packs.
#[derive(Debug)]
pub struct Upgrade {
    /// The packs that differ.
    pub packs: Vec<PackChange>,
    /// What they render to; or why one side does not render for this estate.
    pub rendered: Result<pack_view::Rendered, Failure>,
}

/// Compares the packs of `old` with those of `new`, or with the estate's own.
///
/// # Errors
///
/// If there are no packs in one of the folders.
pub fn diff(root: &Path, old: &Path, new: Option<&Path>) -> Result<Upgrade, Failure> {
    let load = |packs: Option<&Path>| Ok::<_, Failure>(Desired::load(root, packs)?.0.packs);
    let packs = pack_view::changes(&load(Some(old))?, &load(new)?);
    let sides = Desired::read_with(root, Some(old)).and_then(|old| Ok((old, Desired::read_with(root, new)?)));
    Ok(Upgrade { packs, rendered: sides.and_then(|(old, new)| rendered(&old, &new)) })
}

fn rendered(old: &Desired, new: &Desired) -> Result<pack_view::Rendered, Failure> {
    let selection = Selection::All;
    let waves = waves(new, &selection);
    let mut world = World::default();
    let mut beside = BTreeMap::new();
    let scopes = scopes(new, &waves);
    for scope in &scopes {
        let (Some(was), Some(is)) = (old.rendered.get(scope), new.rendered.get(scope)) else { continue };
        steps(scope, was, is, &mut world);
        differing(scope, was, is, &mut beside);
    }
    let plans = plans_of(new, &scopes, &mut world, limits::CALL_TIMEOUT)?;
    let target = TargetName { name: "none".to_owned(), account_id: String::new(), host: "none".to_owned() };
    let mut plan = document(new, selection, waves, plans, target, BTreeMap::new());
    let applied = |scope: &ScopeId, step: &StepId| {
        let was = old.rendered.get(scope)?.resources.iter().find(|resource| resource.id == *step)?;
        Some(was.spec.as_ref().clone())
    };
    plan.overview.patterns = overview::patterns_of(new, &plan, &applied);
    plan.overview.rest_on = overview::rest_on(new, &plan);
    Ok(pack_view::Rendered { plan: SavedPlan::new(plan, Timestamp::from_millis(0)), beside })
}

/// What leads from one side's objects to the other's, as if the first were there.
fn steps(scope: &ScopeId, was: &Rendered, is: &Rendered, world: &mut World) {
    let old: BTreeMap<&StepId, &Resource> = was.resources.iter().map(|one| (&one.id, one)).collect();
    let found = is.resources.iter().map(|resource| {
        let found = match old.get(&resource.id) {
            None => new_object(resource),
            Some(old) => changed(old, resource),
        };
        (resource.id.clone(), found)
    });
    world.found.insert(scope.clone(), found.collect());
    let kept: BTreeSet<&StepId> = is.resources.iter().map(|resource| &resource.id).collect();
    let gone = was.resources.iter().filter(|resource| !kept.contains(&resource.id));
    let leftovers: Vec<Leftover> = gone.filter_map(taken_away).collect();
    world.leftovers.insert(scope.clone(), leftovers);
}

/// What has no delete call stays as it is: there is nothing to be done about it.
fn taken_away(resource: &Resource) -> Option<Leftover> {
    let kind = Registry::standard().get(&resource.kind)?;
    kind.calls.delete.as_ref()?;
    Some(Leftover { resource: resource.clone(), found: deleted(kind, &resource.spec) })
}

fn changed(old: &Resource, new: &Resource) -> Found {
    let kind = Registry::standard().get(&new.kind).expect("kinds were checked before");
    let (operation, mut changes) = if old.kind == new.kind {
        compared(kind, &old.spec, &new.spec)
    } else {
        (Operation::Replace, vec![other_kind(old, new)])
    };
    for change in &mut changes {
        change.from.iter_mut().chain(&mut change.to).for_each(unmasked);
    }
    let reversal = match operation {
        Operation::None => Reversal::Reversible,
        _ => crate::kind::reversal(kind, operation, &new.spec, &changes),
    };
    Found { operation, changes, seen: None, id: None, reversal, limits: step_limits(kind) }
}

fn compared(kind: &Kind, old: &Value, new: &Value) -> (Operation, Vec<FieldChange>) {
    let (old, new) = (masked(old), masked(new));
    let mut live = old.clone();
    if let Some(ready) = &kind.ready
        && let Some(good) = ready.good.first()
    {
        pointer::set(&mut live, &ready.at, Value::String(good.clone()));
    }
    match kind::assess(kind, &Ask { desired: Some(&new), applied: Some(&old), live: Some(&live) }) {
        Assessment::Differs { changes, replace: true, .. } => (Operation::Replace, changes),
        Assessment::Differs { changes, replace: false, .. } => (Operation::Update, changes),
        Assessment::Absent | Assessment::Matches | Assessment::Pending { .. } | Assessment::Broken { .. } => {
            (Operation::None, Vec::new())
        }
    }
}

fn other_kind(old: &Resource, new: &Resource) -> FieldChange {
    FieldChange {
        at: String::new(),
        from: Some(Value::String(old.kind.to_string())),
        to: Some(Value::String(new.kind.to_string())),
        known_after: None,
        forces_replacement: true,
        reason: "it is of another kind".to_owned(),
    }
}

fn masked(spec: &Value) -> Value {
    let mut spec = spec.clone();
    each_text(&mut spec, &|text| text.replace("${", REFERENCE));
    spec
}

fn unmasked(value: &mut Value) {
    each_text(value, &|text| text.replace(REFERENCE, "${"));
}

fn each_text(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(map) => map.values_mut().for_each(|item| each_text(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Checks and artifacts that differ: they change nothing on the target.
fn differing(
    scope: &ScopeId,
    was: &Rendered,
    is: &Rendered,
    found: &mut BTreeMap<String, BTreeSet<ScopeId>>,
) {
    let checks = |side: &Rendered| -> BTreeMap<String, String> {
        let told = |step: &crate::model::resource::ChecklistStep| {
            (format!("check {}", step.id), format!("{} {:?}", step.title, step.action))
        };
        side.steps.iter().map(told).collect()
    };
    let files = |side: &Rendered| -> BTreeMap<String, String> {
        let artifacts = side.files.iter().filter(|(path, _)| path.contains("/files/"));
        artifacts.map(|(path, text)| (format!("file {path}"), text.clone())).collect()
    };
    for (old, new) in [(checks(was), checks(is)), (files(was), files(is))] {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names.into_iter().filter(|name| old.get(*name) != new.get(*name)) {
            let sign = match (old.contains_key(name), new.contains_key(name)) {
                (false, _) => "+",
                (_, false) => "-",
                (true, true) => "~",
            };
            found.entry(format!("{sign} {name}")).or_default().insert(scope.clone());
        }
    }
}
