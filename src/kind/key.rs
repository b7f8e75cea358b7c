//! Natural keys and ids: what an object is called before and after the service knows it.

use serde_json::Value;

use super::normal::holds_unresolved;
use crate::model::kind::Kind;

/// The natural key that a spec asks for, folded as the service folds; none while a part is missing or unknown.
pub fn natural_key(kind: &Kind, spec: &Value) -> Option<String> {
    let parts = kind.key.parts.iter().map(|part| part_text(spec.pointer(&part.spec)?, part.fold));
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join(" | "))
}

/// The natural key of an item of the kind's list.
pub fn key_in_list(kind: &Kind, item: &Value) -> Option<String> {
    let parts = kind.key.parts.iter().map(|part| part_text(item.pointer(part.item.as_ref()?)?, part.fold));
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join(" | "))
}

/// The spec of an item of a list inside something, as far as it is known: parts of the natural key that the item does not
/// show are those of the list that was asked for. None if it lacks a part.
pub fn key_inside(kind: &Kind, outer: &Value, item: &Value) -> Option<Value> {
    let mut shown = outer.clone();
    for part in &kind.key.parts {
        if let Some(at) = &part.item {
            crate::base::pointer::set(&mut shown, &part.spec, item.pointer(at)?.clone());
        }
    }
    Some(shown)
}

/// The object's id: from the live object if there is one, else from the spec if it follows from that.
pub fn id_of(kind: &Kind, spec: &Value, live: Option<&Value>) -> Option<String> {
    let shown = || scalar_text(live?.pointer(kind.id.live.as_deref()?)?);
    let follows = || {
        let id = fill(kind.id.spec.as_deref()?, spec)?;
        Some(if kind.id.fold { id.to_lowercase() } else { id })
    };
    shown().or_else(follows)
}

fn part_text(value: &Value, fold: bool) -> Option<String> {
    if holds_unresolved(value) {
        return None;
    }
    let text = match value {
        Value::Array(items) => {
            let mut texts = items.iter().map(scalar_text).collect::<Option<Vec<_>>>()?;
            texts.sort();
            texts.join(",")
        }
        _ => scalar_text(value)?,
    };
    Some(if fold { text.to_lowercase() } else { text })
}

/// Text of a scalar that is not empty.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Fills `{spec.<field>}` in a template; none while a field is missing or unknown.
fn fill(template: &str, spec: &Value) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{spec.") {
        let (name, after) = after.split_once('}')?;
        let value = spec.get(name)?;
        if holds_unresolved(value) {
            return None;
        }
        out.push_str(before);
        out.push_str(&scalar_text(value)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::sample;
    use serde_json::json;

    #[test]
    fn keys_are_folded_as_the_service_folds() {
        let schema = json!({"catalog_name": "Prod", "name": "Labs"});
        assert_eq!(natural_key(sample("schema"), &schema).as_deref(), Some("prod | labs"));
        assert_eq!(key_in_list(sample("schema"), &schema).as_deref(), Some("prod | labs"));
        let workspace = json!({"workspace_name": "HRB01-prod"});
        assert_eq!(natural_key(sample("workspace"), &workspace).as_deref(), Some("HRB01-prod"));
        let key = json!({"aws_key_info": {"key_arn": "k"}, "use_cases": ["STORAGE", "MANAGED_SERVICES"]});
        assert_eq!(
            natural_key(sample("customer_managed_key"), &key).as_deref(),
            Some("k | MANAGED_SERVICES,STORAGE")
        );
        let item = json!({"principal": {"principal_id": 7}, "permissions": ["USER"]});
        assert_eq!(
            key_in_list(sample("workspace_assignment"), &item),
            None,
            "an item does not show its workspace"
        );
    }

    #[test]
    fn unknown_parts_make_no_key() {
        assert_eq!(natural_key(sample("schema"), &json!({"catalog_name": "${c.name}", "name": "x"})), None);
        assert_eq!(natural_key(sample("schema"), &json!({"name": "x"})), None);
    }

    #[test]
    fn ids_come_from_the_service_or_follow_from_the_spec() {
        let spec = json!({"catalog_name": "Prod", "name": "Labs"});
        assert_eq!(id_of(sample("schema"), &spec, None).as_deref(), Some("prod.labs"));
        assert_eq!(
            id_of(sample("workspace"), &json!({}), Some(&json!({"workspace_id": 47}))).as_deref(),
            Some("47")
        );
        assert_eq!(id_of(sample("workspace"), &json!({"workspace_name": "w"}), None), None);
        let assignment = json!({"workspace_id": 1, "principal_id": "2"});
        assert_eq!(id_of(sample("workspace_assignment"), &assignment, None).as_deref(), Some("1/2"));
    }
}
