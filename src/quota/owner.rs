//! In what an object is counted, and for how many it counts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Inventory, Kind, Owner, Quota};
use crate::base::id::{ScopeId, StepId};
use crate::model::plan::Reconcile;
use crate::model::via::Via;

/// Whether an object counts at all.
pub(super) fn counts(quota: &Quota, object: &Value) -> bool {
    !quota.unless.iter().any(|unless| match (object.pointer(&unless.at), &unless.equals) {
        (Some(found), Some(wanted)) => found.as_str() == Some(wanted),
        (Some(Value::Array(items)), None) => !items.is_empty(),
        (Some(Value::String(text)), None) => !text.is_empty(),
        (Some(Value::Null) | None, _) => false,
        (Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)), None) => true,
    })
}

/// For how many an object counts.
pub(super) fn weight(quota: &Quota, spec: &Value) -> u64 {
    quota.items.as_ref().map_or(1, |items| below(spec, items))
}

/// Items of the list at a pattern.
fn below(value: &Value, pattern: &str) -> u64 {
    let Some((list, rest)) = pattern.split_once("/*") else {
        return value.pointer(pattern).and_then(Value::as_array).map_or(0, |items| items.len() as u64);
    };
    let items = value.pointer(list).and_then(Value::as_array).into_iter().flatten();
    items.map(|item| below(item, rest)).sum()
}

/// Where a planned object is counted.
pub(super) fn of_step(
    quota: &Quota,
    scope: &ScopeId,
    step: &StepId,
    reconcile: &Reconcile,
    regions: &BTreeMap<ScopeId, String>,
) -> String {
    let place = match quota.per {
        Owner::Account | Owner::Region => String::new(),
        Owner::Metastore => region(scope, regions).to_owned(),
        Owner::Workspace => match &reconcile.via {
            Some(Via::Own(step)) => format!("{scope} {step}"),
            Some(Via::Region(step)) => format!("region/{} {step}", region(scope, regions)),
            None => scope.to_string(),
        },
        Owner::Object if quota.by.is_empty() => format!("{scope} {step}"),
        Owner::Object => scope.to_string(),
    };
    let by = quota.by.iter().map(|at| match text(&reconcile.spec, at) {
        // A name that is not known yet is another in every scope.
        unknown if unknown.contains("${") => format!("{scope} {unknown}"),
        known => known,
    });
    named(quota, place, by)
}

/// Where a listed object is counted; none if that cannot be told.
pub(super) fn of_item(
    quota: &Quota,
    inventory: &Inventory,
    item: &Value,
    regions: &BTreeMap<ScopeId, String>,
) -> Option<String> {
    let by = quota.by.iter().map(|at| text(item, at));
    Some(named(quota, seen_from(quota, inventory, regions)?, by))
}

/// Whether a list would have shown an object that is counted in this place.
pub(super) fn covers(
    quota: &Quota,
    inventory: &Inventory,
    place: &str,
    regions: &BTreeMap<ScopeId, String>,
) -> bool {
    let Some(seen) = seen_from(quota, inventory, regions) else { return false };
    let rest = place.strip_prefix(&named(quota, seen, std::iter::empty()));
    rest.is_some_and(|rest| if quota.by.is_empty() { rest.is_empty() } else { rest.starts_with(' ') })
}

fn seen_from(quota: &Quota, inventory: &Inventory, regions: &BTreeMap<ScopeId, String>) -> Option<String> {
    match (quota.per, &inventory.through) {
        (Owner::Account | Owner::Region, None) => Some(String::new()),
        (Owner::Metastore, Some((scope, _))) => Some(region(scope, regions).to_owned()),
        (Owner::Workspace, Some((scope, via))) => Some(format!("{scope} {via}")),
        (Owner::Account | Owner::Region, Some(_)) | (Owner::Metastore | Owner::Workspace, None) => None,
        (Owner::Object, _) => None,
    }
}

fn named(quota: &Quota, place: String, by: impl Iterator<Item = String>) -> String {
    let words = std::iter::once(quota.per.word().to_owned()).chain(std::iter::once(place)).chain(by);
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn region<'r>(scope: &'r ScopeId, regions: &'r BTreeMap<ScopeId, String>) -> &'r str {
    match scope {
        ScopeId::Region(name) => name.as_str(),
        ScopeId::Account | ScopeId::Site(_) => regions.get(scope).map_or("of no region", String::as_str),
    }
}

/// What tells listed objects apart.
pub(super) fn key(kind: &Kind, item: &Value) -> String {
    let parts = kind.key.parts.iter().filter_map(|part| {
        let found = text(item, part.item.as_ref()?);
        Some(if part.fold { found.to_lowercase() } else { found })
    });
    let parts: Vec<String> = parts.collect();
    // Without any part the object as a whole has to do.
    if parts.is_empty() { item.to_string() } else { parts.join("\n") }
}

fn text(value: &Value, at: &str) -> String {
    match value.pointer(at) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
