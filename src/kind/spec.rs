//! Checks a spec against its kind's table, so that a typing error is found before anything is called.

use serde_json::Value;

use super::normal::is_unresolved;
use crate::base::diagnostic::nearest;
use crate::base::pointer;
use crate::model::kind::{Field, FieldType, Kind, Role};

/// Something wrong with a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem {
    /// JSON pointer of the place; the place of the missing field's owner if one is missing.
    pub at: String,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// What to type instead.
    pub help: Option<String>,
}

/// Everything that is wrong with a spec: unknown, missing and misfilled fields. A text that holds a reference
/// passes for any scalar.
pub fn check_spec(kind: &Kind, spec: &Value) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    if spec.is_object() {
        check_object(kind, "", "", spec, &mut problems);
    } else {
        problems.push(problem("", "a spec is a table of fields".to_owned(), None));
    }
    problems
}

/// The spec with what it means where it is silent.
pub fn complete(kind: &Kind, spec: &Value) -> Value {
    let mut whole = spec.clone();
    fill_in(kind, "", &mut whole);
    whole
}

fn fill_in(kind: &Kind, pattern: &str, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, field) in kind.fields_below(pattern) {
                if let Some(default) = &field.default {
                    map.entry(name).or_insert_with(|| default.clone());
                }
            }
            for (name, inner) in map {
                fill_in(kind, &pointer::child(pattern, name), inner);
            }
        }
        Value::Array(items) => {
            let below = format!("{pattern}/*");
            items.iter_mut().for_each(|item| fill_in(kind, &below, item));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn problem(at: &str, message: String, help: Option<String>) -> SpecProblem {
    SpecProblem { at: at.to_owned(), message, help }
}

fn check_object(kind: &Kind, pattern: &str, at: &str, value: &Value, problems: &mut Vec<SpecProblem>) {
    let Some(map) = value.as_object() else { return };
    let known: Vec<(&str, &Field)> = kind.fields_below(pattern).collect();
    let writable = || known.iter().filter(|(_, f)| f.role != Role::Computed).map(|(name, _)| *name);
    for (name, inner) in map {
        let here = pointer::child(at, name);
        match known.iter().find(|(known, _)| known == name) {
            Some((_, field)) if field.role == Role::Computed => {
                let help = Some(format!("remove `{name}`; it can be referred to as an output"));
                problems.push(problem(&here, format!("`{name}` is set by the service"), help));
            }
            Some((_, field)) => check_field(kind, field, &here, inner, problems),
            None => {
                let help = match nearest(name, writable()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => format!("known fields: {}", writable().collect::<Vec<_>>().join(", ")),
                };
                problems.push(problem(&here, format!("{} has no field `{name}`", kind.name), Some(help)));
            }
        }
    }
    for (name, field) in known {
        if field.required && map.get(name).is_none_or(Value::is_null) {
            problems.push(problem(at, format!("`{name}` is missing"), Some(format!("add `{name}`"))));
        }
    }
}

fn check_field(kind: &Kind, field: &Field, at: &str, value: &Value, problems: &mut Vec<SpecProblem>) {
    if let Some(found) = wrong_type(field, value) {
        problems.push(problem(at, format!("expected {}, found {found}", type_words(field.holds)), None));
        return;
    }
    match value {
        Value::String(text)
            if !field.one_of.is_empty() && !is_unresolved(value) && !field.one_of.contains(text) =>
        {
            let help = match nearest(text, field.one_of.iter().map(String::as_str)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("one of {}", field.one_of.join(", ")),
            };
            problems.push(problem(at, format!("`{text}` is not a value of this field"), Some(help)));
        }
        Value::Object(_) if field.holds == FieldType::Object => {
            check_object(kind, &field.at, at, value, problems);
        }
        Value::Array(items) => {
            let below = format!("{}/*", field.at);
            if let Some(rule) = kind.field(&below) {
                for (index, item) in items.iter().enumerate() {
                    check_field(kind, rule, &format!("{at}/{index}"), item, problems);
                }
            }
        }
        _ => {}
    }
}

/// What was found instead, if the value does not fit.
fn wrong_type(field: &Field, value: &Value) -> Option<&'static str> {
    let fits = match field.holds {
        FieldType::Text => value.is_string(),
        FieldType::Integer => value.is_i64() || value.is_u64() || is_unresolved(value),
        FieldType::Bool => value.is_boolean() || is_unresolved(value),
        FieldType::Object | FieldType::Map => value.is_object(),
        FieldType::List => value.is_array(),
        FieldType::TextId => value.is_string() || value.is_u64(),
        FieldType::NumberId => {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            value.is_u64() || is_unresolved(value) || value.as_str().is_some_and(digits)
        }
        FieldType::JsonText => {
            let parses = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|v| v.is_object());
            value.is_object() || value.as_str().is_some_and(parses)
        }
        FieldType::Any => true,
    };
    (!fits).then(|| value_words(value))
}

fn type_words(holds: FieldType) -> &'static str {
    match holds {
        FieldType::Text => "text",
        FieldType::Integer => "a whole number",
        FieldType::Bool => "true or false",
        FieldType::Object | FieldType::Map => "a table",
        FieldType::List => "a list",
        FieldType::TextId => "an id",
        FieldType::NumberId => "a numeric id",
        FieldType::JsonText => "a table, or its JSON as text",
        FieldType::Any => "anything",
    }
}

fn value_words(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::sample;

    fn problems(kind: &str, spec: &str) -> Vec<String> {
        let spec = serde_json::from_str(spec).unwrap();
        let told =
            |p: SpecProblem| format!("{} {} ({})", p.at, p.message, p.help.unwrap_or_else(|| "-".to_owned()));
        check_spec(sample(kind), &spec).into_iter().map(told).collect()
    }

    #[test]
    fn typing_errors_are_found_with_what_to_type_instead() {
        let cases = [
            (
                "catalog",
                r#"{"name":"c","storage_rot":"s3://b"}"#,
                "/storage_rot databricks.catalog has no field `storage_rot` (did you mean `storage_root`?)",
            ),
            ("catalog", r#"{"comment":"x"}"#, " `name` is missing (add `name`)"),
            ("catalog", r#"{"name":7}"#, "/name expected text, found a number (-)"),
            (
                "catalog",
                r#"{"name":"c","isolation_mode":"ISOLATE"}"#,
                "/isolation_mode `ISOLATE` is not a value of this field (did you mean `ISOLATED`?)",
            ),
            (
                "metastore",
                r#"{"name":"m","region":"r","metastore_id":"i"}"#,
                "/metastore_id `metastore_id` is set by the service (remove `metastore_id`; it can be referred to as an output)",
            ),
            (
                "grants",
                r#"{"securable_type":"catalog","full_name":"c","privilege_assignments":[{"principle":"p","principal":"p","privileges":[]}]}"#,
                "/privilege_assignments/0/principle databricks.grants has no field `principle` (did you mean `principal`?)",
            ),
            (
                "workspace_assignment",
                r#"{"workspace_id":"x7","principal_id":1,"permissions":["USER"]}"#,
                "/workspace_id expected a numeric id, found text (-)",
            ),
            (
                "cluster_policy",
                r#"{"name":"p","definition":"no json"}"#,
                "/definition expected a table, or its JSON as text, found text (-)",
            ),
            (
                "workspace_setting",
                r#"{"type":"shield_csp_enablement_ws_db","value":{"compliance_security_profile_workspace":{"is_enable":true}}}"#,
                "/value/compliance_security_profile_workspace/is_enable databricks.workspace_setting has no field `is_enable` (did you mean `is_enabled`?)",
            ),
        ];
        for (kind, spec, expected) in cases {
            assert_eq!(problems(kind, spec), [expected]);
        }
    }

    #[test]
    fn references_pass_for_any_scalar() {
        let spec = r#"{"workspace_id":"${workspace.prod.workspace_id}","principal_id":"${group.a.id}","permissions":["${x.y}"]}"#;
        assert_eq!(problems("workspace_assignment", spec), [""; 0]);
        assert_eq!(problems("cluster_policy", r#"{"name":"p","max_clusters_per_user":"${a.b}"}"#), [""; 0]);
    }

    #[test]
    fn free_tables_take_any_name() {
        assert_eq!(problems("catalog", r#"{"name":"c","properties":{"any":"thing"}}"#), [""; 0]);
        assert_eq!(problems("catalog", r#"[]"#), [" a spec is a table of fields (-)"]);
    }
}
