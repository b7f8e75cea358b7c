//! Bodies that say what to add and what to remove.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{changed_names, on_wire};
use crate::base::pointer;
use crate::kind::normal::normal;
use crate::model::kind::{Delta, DeltaGroup, Kind};
use crate::model::plan::FieldChange;

/// The delta between what is desired and what is there.
pub(super) fn body(kind: &Kind, delta: &Delta, desired: &Value, live: &Value) -> Value {
    let items =
        |value: &Value| value.pointer(&delta.items).and_then(Value::as_array).cloned().unwrap_or_default();
    let (desired, live) = (items(desired), items(live));
    match &delta.group {
        Some(group) => grouped(kind, &delta.items, group, &desired, &live),
        None => items_delta(kind, &delta.items, &desired, &live),
    }
}

fn items_delta(kind: &Kind, at: &str, desired: &[Value], live: &[Value]) -> Value {
    let below = format!("{at}/*");
    let by_spelling = |items: &[Value]| -> BTreeMap<String, Value> {
        items.iter().map(|item| normal(kind, &below, item)).map(|item| (item.to_string(), item)).collect()
    };
    let (desired, live) = (by_spelling(desired), by_spelling(live));
    let only = |these: &BTreeMap<String, Value>, others: &BTreeMap<String, Value>| -> Vec<Value> {
        let left = these.iter().filter(|(key, _)| !others.contains_key(*key));
        left.map(|(_, item)| on_wire(kind, &below, item)).collect()
    };
    without_empty([("add", only(&desired, &live)), ("remove", only(&live, &desired))])
}

fn grouped(kind: &Kind, at: &str, group: &DeltaGroup, desired: &[Value], live: &[Value]) -> Value {
    let (desired, live) = (groups(kind, at, group, desired), groups(kind, at, group, live));
    let keys: BTreeSet<&String> = desired.keys().chain(live.keys()).collect();
    let nothing = (Value::Null, BTreeSet::new());
    let mut changes = Vec::new();
    for key in keys {
        let (wanted, there) = (desired.get(key).unwrap_or(&nothing), live.get(key).unwrap_or(&nothing));
        let texts = |set: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<Value> {
            set.difference(other).map(|text| Value::String(text.clone())).collect()
        };
        let mut change =
            without_empty([("add", texts(&wanted.1, &there.1)), ("remove", texts(&there.1, &wanted.1))]);
        if let Value::Object(map) = &mut change
            && !map.is_empty()
        {
            let name = if wanted.0.is_null() { &there.0 } else { &wanted.0 };
            map.insert(group.key.clone(), name.clone());
            changes.push(change);
        }
    }
    json!({ group.into.as_str(): changes })
}

/// Values by folded group name, with the name as it was written first.
fn groups(
    kind: &Kind,
    at: &str,
    group: &DeltaGroup,
    items: &[Value],
) -> BTreeMap<String, (Value, BTreeSet<String>)> {
    let mut out: BTreeMap<String, (Value, BTreeSet<String>)> = BTreeMap::new();
    for item in items {
        let one = normal(kind, &format!("{at}/*"), item);
        let Some(key) = one.get(&group.key).and_then(Value::as_str) else { continue };
        let name = item.get(&group.key).cloned().unwrap_or_default();
        let entry = out.entry(key.to_owned()).or_insert_with(|| (name, BTreeSet::new()));
        let values = one.get(&group.values).and_then(Value::as_array).into_iter().flatten();
        entry.1.extend(values.filter_map(Value::as_str).map(str::to_owned));
    }
    out
}

fn without_empty(lists: [(&str, Vec<Value>); 2]) -> Value {
    let filled = lists.into_iter().filter(|(_, list)| !list.is_empty());
    Value::Object(filled.map(|(name, list)| (name.to_owned(), Value::Array(list))).collect::<Map<_, _>>())
}

/// SCIM patch operations for the fields that changed; lists of members are changed member by member.
pub(super) fn scim(kind: &Kind, spec: &Value, changes: &[FieldChange], live: &Value) -> Value {
    let mut operations = Vec::new();
    for name in changed_names(changes) {
        match spec.get(name) {
            Some(Value::Array(wanted)) => operations.extend(members(kind, name, wanted, live)),
            None if live.get(name).is_some_and(Value::is_array) => {
                operations.extend(members(kind, name, &[], live));
            }
            Some(value) => {
                let value = on_wire(kind, &pointer::child("", name), value);
                operations.push(json!({ "op": "replace", "path": name, "value": value }));
            }
            None => operations.push(json!({ "op": "remove", "path": name })),
        }
    }
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn members(kind: &Kind, name: &str, wanted: &[Value], live: &Value) -> Vec<Value> {
    let below = format!("{}/*", pointer::child("", name));
    let values = |items: &[Value]| -> BTreeSet<String> {
        let normal = items.iter().map(|item| normal(kind, &below, item));
        normal.filter_map(|item| item.get("value")?.as_str().map(str::to_owned)).collect()
    };
    let there = values(live.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice));
    let wanted = values(wanted);
    let added: Vec<Value> = wanted.difference(&there).map(|value| json!({ "value": value })).collect();
    let mut operations = Vec::new();
    if !added.is_empty() {
        operations.push(json!({ "op": "add", "path": name, "value": added }));
    }
    for value in there.difference(&wanted) {
        let path = format!("{name}[value eq {}]", Value::from(value.as_str()));
        operations.push(json!({ "op": "remove", "path": path }));
    }
    operations
}
