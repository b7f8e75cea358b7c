//! What goes over the wire for a spec, and what an answer means: paths, bodies, and the shape of live objects.

mod address;
mod delta;

use serde_json::{Map, Value, json};

pub use address::{Address, BadAddress, encode_segment, expand_path, expand_query, is_sane_id};

use self::address::expand_body;
use super::normal::normal;
use super::spec::complete;
use crate::base::digest::Digest;
use crate::base::pointer;
use crate::model::kind::{Field, FieldType, Kind, Nest, Normal, Role, Update, UpdateStyle};
use crate::model::plan::FieldChange;

/// The body of a create. `key` is sent where the kind takes an idempotency token.
///
/// # Errors
///
/// If a template of the table cannot be filled from the spec.
pub fn create_body(kind: &Kind, address: &Address<'_>, key: &str) -> Result<Value, BadAddress> {
    let Some(create) = &kind.calls.create else { return Ok(Value::Null) };
    let spec = complete(kind, address.spec);
    if let Some(update) = kind.calls.update.as_ref().filter(|_| create.empties) {
        return Ok(update_with(kind, update, &spec, &[], &Value::Null));
    }
    let mut body = whole(kind, &spec, |field| !field.after_create);
    for (name, value) in create.body.iter().flatten() {
        body.insert(name.clone(), expand_body(kind, value, address)?);
    }
    let mut body = wrapped(create.wrap.as_deref(), Value::Object(body));
    if let (Some(token), Value::Object(map)) = (&create.token, &mut body) {
        map.insert(token.clone(), Value::String(as_uuid(key)));
    }
    Ok(body)
}

/// The body of an update, after the kind's style.
pub fn update_body(kind: &Kind, spec: &Value, changes: &[FieldChange], live: &Value) -> Value {
    let spec = complete(kind, spec);
    match &kind.calls.update {
        Some(update) => update_with(kind, update, &spec, changes, live),
        None => Value::Null,
    }
}

/// The body of a delete; none if it has none.
///
/// # Errors
///
/// If a template of the table cannot be filled from the spec.
pub fn delete_body(kind: &Kind, address: &Address<'_>, live: &Value) -> Result<Option<Value>, BadAddress> {
    let Some(delete) = &kind.calls.delete else { return Ok(None) };
    if let Some(delta) = kind.calls.update.as_ref().filter(|_| delete.empties).and_then(|u| u.delta.as_ref())
    {
        return Ok(Some(delta::body(kind, delta, &Value::Null, live)));
    }
    let Some(fixed) = &delete.body else { return Ok(None) };
    let mut body = Map::new();
    for (name, value) in fixed {
        body.insert(name.clone(), expand_body(kind, value, address)?);
    }
    Ok(Some(wrapped(delete.wrap.as_deref(), Value::Object(body))))
}

/// The names of the top-level fields that changed, for `update_mask`.
pub fn update_mask(changes: &[FieldChange]) -> String {
    changed_names(changes).join(",")
}

/// The live object that an answer shows: unwrapped, its fields where the spec has them, and its address filled in.
pub fn answered(
    kind: &Kind,
    spec: &Value,
    answer: Value,
    unwrap: Option<&str>,
    nest: Option<&Nest>,
) -> Value {
    let mut live = answer;
    if let Some(inner) = unwrap.and_then(|name| live.get_mut(name)) {
        live = inner.take();
    }
    if let (Some(nest), Value::Object(map)) = (nest, &mut live) {
        let (kept, moved): (Map<_, _>, Map<_, _>) =
            std::mem::take(map).into_iter().partition(|(name, _)| nest.keep.contains(name));
        *map = kept;
        map.insert(nest.into.clone(), Value::Object(moved));
    }
    if let Value::Object(map) = &mut live {
        for (name, field) in kind.fields_below("") {
            if let Some(value) = spec.get(name).filter(|_| field.role == Role::Address) {
                map.insert(name.to_owned(), value.clone());
            }
        }
    }
    live
}

/// The key in the form of a UUID (version 8: made by our own rule), which is what idempotency tokens must be.
fn as_uuid(key: &str) -> String {
    let mut bytes = *Digest::of(key.as_bytes()).as_bytes();
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let hex = Digest::from_bytes(bytes).to_string();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

fn wrapped(name: Option<&str>, body: Value) -> Value {
    match name {
        Some(name) => json!({ name: body }),
        None => body,
    }
}

/// All fields of a spec that go into a body and pass the filter.
fn whole(kind: &Kind, spec: &Value, passes: impl Fn(&Field) -> bool) -> Map<String, Value> {
    let fields = spec.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), sent(kind, name, value, &passes)?))).collect()
}

fn sent(kind: &Kind, name: &str, value: &Value, passes: impl Fn(&Field) -> bool) -> Option<Value> {
    let pattern = pointer::child("", name);
    let field = kind.field(&pattern)?;
    let goes = match field.role {
        Role::Managed | Role::InputOnly => !value.is_null() && passes(field),
        Role::Address | Role::Computed => false,
    };
    goes.then(|| on_wire(kind, &pattern, value))
}

/// A value in the type and spelling that the service takes.
fn on_wire(kind: &Kind, pattern: &str, value: &Value) -> Value {
    let field = kind.field(pattern);
    match (field.map(|field| field.holds), value) {
        (Some(FieldType::JsonText), Value::Object(_)) => Value::String(value.to_string()),
        (Some(FieldType::NumberId), Value::String(text)) => {
            text.parse::<u64>().map_or_else(|_| value.clone(), Value::from)
        }
        (Some(FieldType::TextId), Value::Number(number)) => Value::String(number.to_string()),
        (_, Value::Object(map)) => {
            let inner = map.iter().filter(|(_, value)| !value.is_null());
            inner.map(|(name, v)| (name.clone(), on_wire(kind, &pointer::child(pattern, name), v))).collect()
        }
        (_, Value::Array(items)) => {
            let below = format!("{pattern}/*");
            items.iter().map(|item| on_wire(kind, &below, item)).collect()
        }
        _ if field.is_some_and(|f| f.normal.contains(&Normal::Privilege)) => normal(kind, pattern, value),
        _ => value.clone(),
    }
}

fn update_with(kind: &Kind, update: &Update, spec: &Value, changes: &[FieldChange], live: &Value) -> Value {
    let body = match update.style {
        UpdateStyle::Changed | UpdateStyle::Mask => changed_fields(kind, update, spec, changes),
        UpdateStyle::Full | UpdateStyle::Upsert => {
            let mut body = Value::Object(whole(kind, spec, |_| true));
            carry(kind, "", &update.carry, &mut body, live);
            body
        }
        UpdateStyle::Delta => match &update.delta {
            Some(shape) => delta::body(kind, shape, spec, live),
            None => Value::Null,
        },
        UpdateStyle::Etag => setting(spec, live),
        UpdateStyle::Scim => delta::scim(kind, spec, changes, live),
    };
    wrapped(update.wrap.as_deref(), body)
}

fn changed_names(changes: &[FieldChange]) -> Vec<&str> {
    let mut names: Vec<&str> = changes.iter().filter_map(|change| change.at.split('/').nth(1)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn changed_fields(kind: &Kind, update: &Update, spec: &Value, changes: &[FieldChange]) -> Value {
    let mut body = Map::new();
    for name in changed_names(changes).into_iter().chain(update.always.iter().map(String::as_str)) {
        let value = match spec.get(name).filter(|value| !value.is_null()) {
            Some(value) => sent(kind, name, value, |_| true),
            None => kind.field(&pointer::child("", name)).and_then(|field| field.clear.clone()),
        };
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
    // Fields that are never shown, such as `skip_validation`, steer the call itself.
    let steering = whole(kind, spec, |field| field.role == Role::InputOnly);
    body.extend(steering);
    Value::Object(body)
}

/// A settings v1 update: the setting, the etag that was read, and the leaves that are set.
fn setting(spec: &Value, live: &Value) -> Value {
    const NAME: &str = "default";
    let value = spec.get("value").and_then(Value::as_object).cloned().unwrap_or_default();
    let leaf_paths = |(field, inner): (&String, &Value)| -> Vec<String> {
        match inner.as_object() {
            Some(leaves) => leaves.keys().map(|leaf| format!("{field}.{leaf}")).collect(),
            None => vec![field.clone()],
        }
    };
    let mask: Vec<String> = value.iter().flat_map(leaf_paths).collect();
    let mut setting = value;
    setting.insert("setting_name".to_owned(), Value::String(NAME.to_owned()));
    if let Some(etag) = live.get("etag") {
        setting.insert("etag".to_owned(), etag.clone());
    }
    json!({ "allow_missing": true, "setting": setting, "field_mask": mask.join(",") })
}

/// Copies ids that the service gave from the live object into a full body, item by item: without them the service
/// would take the items for new ones.
fn carry(kind: &Kind, pattern: &str, names: &[String], body: &mut Value, live: &Value) {
    match (body, live) {
        (Value::Object(body), Value::Object(live)) => {
            for name in names {
                if let (false, Some(value)) = (body.contains_key(name), live.get(name)) {
                    body.insert(name.clone(), value.clone());
                }
            }
            for (name, inner) in body.iter_mut() {
                if let Some(live) = live.get(name) {
                    carry(kind, &pointer::child(pattern, name), names, inner, live);
                }
            }
        }
        (Value::Array(items), Value::Array(live)) => {
            let below = format!("{pattern}/*");
            for (item, live) in pairs(kind, pattern, items, live) {
                carry(kind, &below, names, item, live);
            }
        }
        _ => {}
    }
}

/// Pairs items by the keys of their set; those without a partner are paired in order.
fn pairs<'b, 'l>(
    kind: &Kind,
    pattern: &str,
    items: &'b mut [Value],
    live: &'l [Value],
) -> Vec<(&'b mut Value, &'l Value)> {
    let keys = kind.field(pattern).and_then(|field| field.set.clone()).unwrap_or_default();
    let below = format!("{pattern}/*");
    let key_of = |item: &Value| {
        let item = normal(kind, &below, item);
        keys.iter().map(|key| item.pointer(key).cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    let mut free: Vec<&Value> = live.iter().collect();
    let mut found = Vec::new();
    let mut single = Vec::new();
    for item in items {
        let key = key_of(item);
        match free.iter().position(|live| !keys.is_empty() && key_of(live) == key) {
            Some(at) => found.push((item, free.remove(at))),
            None => single.push(item),
        }
    }
    found.extend(single.into_iter().zip(free));
    found
}

#[cfg(test)]
mod tests;
