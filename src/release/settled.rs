//! A spec that means the same after an object it refers to was made anew.

use serde_json::Value;

use crate::model::reference::{RefScope, references};

/// The spec as it was sent, with references to objects of the same scope left as references.
///
/// `template` is the spec of the plan, with all of its references; `sent` the same spec with all of them resolved. What
/// came from the region or the account is taken as it was: another scope is not looked at again.
pub fn settled(template: &Value, sent: &Value) -> Value {
    match (template, sent) {
        (Value::String(template), Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            leaf(template, sent)
        }
        (Value::Array(templates), Value::Array(items)) if templates.len() == items.len() => {
            templates.iter().zip(items).map(|(template, item)| settled(template, item)).collect()
        }
        (Value::Object(template), Value::Object(sent)) => {
            let field = |(name, value): (&String, &Value)| {
                let settled =
                    template.get(name).map_or_else(|| escaped(value), |below| settled(below, value));
                (name.clone(), settled)
            };
            sent.iter().map(field).collect()
        }
        // A reference may stand for a whole list or object.
        (Value::String(template), Value::Array(_) | Value::Object(_)) if only_own(template) => {
            Value::String(template.clone())
        }
        _ => escaped(sent),
    }
}

fn leaf(template: &str, sent: &Value) -> Value {
    if only_own(template) { Value::String(template.to_owned()) } else { escaped(sent) }
}

/// Whether a text refers to objects of its own scope and to nothing else.
fn only_own(template: &str) -> bool {
    let found = references(&Value::String(template.to_owned()));
    !found.is_empty() && found.iter().all(|reference| reference.scope == RefScope::Same)
}

/// What was sent is text, even where it looks like a reference.
fn escaped(sent: &Value) -> Value {
    match sent {
        Value::String(text) => Value::String(text.replace("${", "$${")),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), escaped(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => sent.clone(),
    }
}
