//! One spelling for values that the service takes to be the same.

use serde_json::{Map, Value};

use crate::base::pointer;
use crate::model::kind::{Field, FieldType, Kind, Normal, Role};

/// Whether a text still holds a reference.
pub(super) fn is_unresolved(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("${"))
}

/// Whether a reference stands anywhere in the value.
pub(super) fn holds_unresolved(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_unresolved),
        Value::Object(map) => map.values().any(holds_unresolved),
        Value::String(_) => is_unresolved(value),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The first reference in the value, without its braces.
pub(super) fn first_reference(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => items.iter().find_map(first_reference),
        Value::Object(map) => map.values().find_map(first_reference),
        Value::String(text) => {
            let inside = text.split_once("${")?.1;
            Some(inside.split_once('}').map_or(inside, |(name, _)| name).to_owned())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether the service would take the value for none: nothing, empty text, empty list, empty object.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The value in its one spelling. `pattern` says which field of the kind it is.
pub(super) fn normal(kind: &Kind, pattern: &str, value: &Value) -> Value {
    let field = kind.field(pattern);
    match value {
        Value::Array(items) => normal_list(kind, pattern, field, items),
        Value::Object(_) if field.is_some_and(|f| f.holds == FieldType::JsonText) => value.clone(),
        Value::Object(map) => normal_object(kind, pattern, map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => normal_scalar(field, value),
    }
}

fn normal_list(kind: &Kind, pattern: &str, field: Option<&Field>, items: &[Value]) -> Value {
    let flat;
    let items = if field.is_some_and(|f| f.normal.contains(&Normal::AccessList)) {
        flat = items.iter().flat_map(direct_entries).collect::<Vec<_>>();
        &flat
    } else {
        items
    };
    let below = format!("{pattern}/*");
    let mut items: Vec<Value> = items.iter().map(|item| normal(kind, &below, item)).collect();
    if field.is_some_and(|f| f.set.is_some()) {
        items.sort_by_cached_key(Value::to_string);
        items.dedup();
    }
    Value::Array(items)
}

/// Fields of a list item that the table does not name are the service's own and are left out.
fn normal_object(kind: &Kind, pattern: &str, map: &Map<String, Value>) -> Value {
    let closed = pattern.ends_with("/*") && kind.fields_below(pattern).next().is_some();
    let mut out = Map::new();
    for (name, value) in map {
        let below = pointer::child(pattern, name);
        let managed = kind.field(&below).is_some_and(|f| f.role == Role::Managed);
        if is_empty(value) || (closed && !managed) {
            continue;
        }
        out.insert(name.clone(), normal(kind, &below, value));
    }
    Value::Object(out)
}

fn normal_scalar(field: Option<&Field>, value: &Value) -> Value {
    let Some(field) = field else { return value.clone() };
    let value = match (field.holds, value) {
        (FieldType::TextId | FieldType::NumberId, Value::Number(number)) => Value::String(number.to_string()),
        (FieldType::JsonText, Value::String(text)) => {
            return serde_json::from_str(text).unwrap_or_else(|_| value.clone());
        }
        _ => value.clone(),
    };
    field.normal.iter().fold(value, |value, rule| normal_by(*rule, value))
}

fn normal_by(rule: Normal, value: Value) -> Value {
    match (rule, &value) {
        (Normal::Slash, Value::String(text)) => Value::String(text.trim_end_matches('/').to_owned()),
        (Normal::Case, Value::String(text)) => Value::String(text.to_lowercase()),
        (Normal::Privilege, Value::String(text)) => {
            Value::String(text.trim().to_uppercase().replace([' ', '-'], "_"))
        }
        (Normal::Decimal, Value::String(text)) => Value::String(plain_decimal(text)),
        (Normal::Decimal, Value::Number(number)) => Value::String(plain_decimal(&number.to_string())),
        // Prefix and suffix are relations between two values, and access lists are lists.
        _ => value,
    }
}

fn plain_decimal(text: &str) -> String {
    let digits = text.trim();
    let is_plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !is_plain || digits.matches('.').count() > 1 {
        return digits.to_owned();
    }
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

/// The direct entries of one line of an access list, in the form that a spec has.
fn direct_entries(line: &Value) -> Vec<Value> {
    const BUILT_IN: &str = "admins";
    if line.get("group_name").and_then(Value::as_str) == Some(BUILT_IN) {
        return Vec::new();
    }
    let Some(levels) = line.get("all_permissions").and_then(Value::as_array) else {
        return vec![line.clone()];
    };
    let principal = ["group_name", "user_name", "service_principal_name"]
        .into_iter()
        .find_map(|name| Some((name, line.get(name).filter(|value| !is_empty(value))?)));
    let Some((name, principal)) = principal else { return Vec::new() };
    levels
        .iter()
        .filter(|level| level.get("inherited") != Some(&Value::Bool(true)))
        .filter_map(|level| level.get("permission_level"))
        .map(|level| serde_json::json!({ name: principal, "permission_level": level }))
        .collect()
}

/// Whether two scalars in their one spelling are the same under the field's rules.
pub(super) fn same_scalar(field: Option<&Field>, desired: &Value, live: &Value) -> bool {
    if desired == live {
        return true;
    }
    let (Some(field), Some(desired), Some(live)) = (field, desired.as_str(), live.as_str()) else {
        return false;
    };
    let added = |rule: &Normal| match rule {
        Normal::Prefix => live.strip_prefix(desired).is_some_and(|rest| rest.starts_with('/')),
        Normal::Suffix => live.strip_suffix(desired).is_some_and(|rest| rest.ends_with('-')),
        Normal::Slash | Normal::Case | Normal::Decimal | Normal::Privilege | Normal::AccessList => false,
    };
    field.normal.iter().any(added)
}

/// Whether two lists or opaque values in their one spelling are the same, where a reference stands for anything.
pub(super) fn same_list(desired: &[Value], live: &[Value], ordered: bool) -> bool {
    if desired.len() != live.len() {
        return false;
    }
    if ordered {
        return desired.iter().zip(live).all(|(desired, live)| same_or_unknown(desired, live));
    }
    let mut left: Vec<&Value> = live.iter().collect();
    let mut unknown = 0;
    for item in desired {
        match left.iter().position(|candidate| *candidate == item) {
            Some(at) => drop(left.swap_remove(at)),
            None if holds_unresolved(item) => unknown += 1,
            None => return false,
        }
    }
    left.len() == unknown
}

/// Whether two values are the same, where a reference stands for anything.
pub(super) fn same_or_unknown(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => {
            desired.len() == live.len()
                && desired
                    .iter()
                    .all(|(name, value)| live.get(name).is_some_and(|l| same_or_unknown(value, l)))
        }
        (Value::Array(desired), Value::Array(live)) => same_list(desired, live, true),
        _ => is_unresolved(desired) || desired == live,
    }
}
