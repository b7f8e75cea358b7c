//! Who may do what, read off the last read-backs of grants, permissions, assignments and bindings.

use std::collections::BTreeMap;

use serde_json::Value;

use super::records::Seen;

/// One right as last observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Right<'r> {
    /// The object it is on.
    pub object: String,
    /// Who has it.
    pub who: String,
    /// The privilege, level or binding.
    pub right: String,
    /// The look that showed it.
    pub seen: &'r Seen<'r>,
}

/// Names of objects by their ids on the service, as far as this log saw them.
type Names = BTreeMap<String, String>;

/// What a read-back of a kind says: object, who, right.
type Reader = fn(&Value, &Names) -> Vec<[String; 3]>;

/// The kinds that are about rights, with the reader of their read-backs.
const READERS: [(&str, Reader); 4] = [
    ("databricks.grants", grants),
    ("databricks.permissions", permissions),
    ("databricks.workspace_assignment", assignment),
    ("databricks.workspace_bindings", bindings),
];

/// Kinds whose read-backs give names to ids: the pointers of id and name.
const NAMED: [(&str, &str, &str); 3] = [
    ("databricks.group", "/id", "/displayName"),
    ("databricks.workspace", "/workspace_id", "/workspace_name"),
    ("databricks.cluster_policy", "/policy_id", "/name"),
];

/// Every right that a log last observed, by object, from what it has seen of all objects. A look whose read-back is not
/// there shows as one row that says so.
pub fn observed<'r>(seen: &'r [Seen<'r>]) -> Vec<Right<'r>> {
    let names = names(seen);
    let mut rights = Vec::new();
    for seen in seen {
        let Some((_, reader)) = READERS.iter().find(|(kind, _)| seen.kind == Some(kind)) else { continue };
        let cells = match &seen.live {
            Some(live) => reader(live, &names),
            None => vec![[seen.step.to_string(), String::new(), "the read-back is not there".to_owned()]],
        };
        rights.extend(cells.into_iter().map(|[object, who, right]| Right { object, who, right, seen }));
    }
    rights.sort_by(|a, b| (&a.object, &a.who, &a.right).cmp(&(&b.object, &b.who, &b.right)));
    rights
}

fn names(seen: &[Seen<'_>]) -> Names {
    let name = |seen: &Seen<'_>| {
        let (_, id, name) = NAMED.iter().find(|(kind, _, _)| seen.kind == Some(kind))?;
        let live = seen.live.as_ref()?;
        Some((written(live.pointer(id)?), written(live.pointer(name)?)))
    };
    seen.iter().filter_map(name).collect()
}

/// A value as a cell shows it.
pub fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(" "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map_or_else(String::new, written)
}

fn items<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// An id with its name, if this log knows it.
fn named(names: &Names, id: &str) -> String {
    names.get(id).map_or_else(|| format!("id {id}"), |name| format!("{name} (id {id})"))
}

fn grants(live: &Value, _: &Names) -> Vec<[String; 3]> {
    let object = format!("{} {}", at(live, "/securable_type"), at(live, "/full_name"));
    let one = |entry: &Value| {
        let (object, who) = (object.clone(), at(entry, "/principal"));
        items(entry, "/privileges")
            .map(|right| [object.clone(), who.clone(), written(right)])
            .collect::<Vec<_>>()
    };
    items(live, "/privilege_assignments").flat_map(one).collect()
}

fn permissions(live: &Value, names: &Names) -> Vec<[String; 3]> {
    let object = format!("{} {}", at(live, "/object_type"), named(names, &at(live, "/object_id")));
    let one = |entry: &Value| {
        let who = ["/group_name", "/user_name", "/service_principal_name"]
            .map(|pointer| at(entry, pointer))
            .concat();
        let object = object.clone();
        let level = move |permission: &Value| {
            let inherited = permission.pointer("/inherited").and_then(Value::as_bool).unwrap_or_default();
            let origin = if inherited { " (inherited)" } else { "" };
            [object.clone(), who.clone(), format!("{}{origin}", at(permission, "/permission_level"))]
        };
        items(entry, "/all_permissions").map(level).collect::<Vec<_>>()
    };
    items(live, "/access_control_list").flat_map(one).collect()
}

fn assignment(live: &Value, names: &Names) -> Vec<[String; 3]> {
    let object = format!("workspace {}", named(names, &at(live, "/workspace_id")));
    let who = named(names, &at(live, "/principal_id"));
    items(live, "/permissions").map(|right| [object.clone(), who.clone(), written(right)]).collect()
}

fn bindings(live: &Value, names: &Names) -> Vec<[String; 3]> {
    let object = format!("{} {}", at(live, "/securable_type"), at(live, "/securable_name"));
    let one = |binding: &Value| {
        let who = format!("workspace {}", named(names, &at(binding, "/workspace_id")));
        [object.clone(), who, at(binding, "/binding_type")]
    };
    items(live, "/bindings").map(one).collect()
}
