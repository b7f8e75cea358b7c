//! Grants and workspace bindings: sets that are changed by what is added and removed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::paging::Page;
use super::principals;
use super::privileges::{applies, spelled};
use super::securables::{KINDS, Kind};
use super::store::Rows;
use super::visit::{ACCOUNT, Visit, text};
use super::workspaces;

const COLLECTION: &str = "grants";
const BINDINGS: &str = "bindings";
const READ_WRITE: &str = "BINDING_TYPE_READ_WRITE";
const READ_ONLY: &str = "BINDING_TYPE_READ_ONLY";

/// The securable that a path names: its type and stored name, once it is known to exist.
fn target(visit: &Visit<'_>, kind: &str, name: &str) -> Result<(String, String), Refusal> {
    let kind = kind.to_lowercase();
    if kind == "metastore" {
        return match name == visit.metastore {
            true => Ok((kind, name.to_owned())),
            false => Err(Refusal::new(
                404,
                "METASTORE_DOES_NOT_EXIST",
                format!("Metastore '{name}' does not exist."),
            )),
        };
    }
    let known: &Kind = KINDS
        .iter()
        .find(|known| known.name == kind)
        .ok_or_else(|| Refusal::invalid(format!("securable type {kind} is not served")))?;
    known.existing(visit, name)?;
    Ok((kind, name.to_lowercase()))
}

/// Serves `U/permissions/{type}/{name}`.
pub(super) fn permissions(visit: &mut Visit<'_>, method: &str, kind: &str, name: &str) -> Outcome {
    let (kind, name) = target(visit, kind, name)?;
    match method {
        "GET" => {
            let rows = rows(visit, &kind, &name);
            if !visit.call.query.contains_key("max_results") {
                let all: Vec<Value> = rows.into_values().collect();
                return Answer::ok(json!({ "privilege_assignments": all }));
            }
            let asked = visit.call.query.get("max_results").and_then(|text| text.parse::<usize>().ok());
            if asked.is_none_or(|asked| asked != 0 && asked < 150) {
                return Err(Refusal::invalid("max_results must be 0 or at least 150"));
            }
            Answer::ok(visit.page(rows, "max_results", false)?.into_body("privilege_assignments"))
        }
        "PATCH" => update(visit, &kind, &name),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// Serves `U/privilege-assignments/{type}/{name}`.
pub(super) fn assignments(visit: &mut Visit<'_>, method: &str, kind: &str, name: &str) -> Outcome {
    if method != "GET" {
        return Err(Refusal::not_served(method, &visit.call.path));
    }
    let (kind, name) = target(visit, kind, name)?;
    let rows = rows(visit, &kind, &name);
    Answer::ok(visit.page(rows, "page_size", true)?.into_body("privilege_assignments"))
}

/// Direct grants by principal, as a read shows them.
fn rows(visit: &mut Visit<'_>, kind: &str, name: &str) -> Rows {
    let metastore = visit.metastore.clone();
    let grants = visit.store.read(COLLECTION, &metastore, &format!("{kind}/{name}"));
    let only = visit.call.query.get("principal").map(|principal| principal.to_lowercase());
    let grants = grants.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    grants
        .into_iter()
        .filter(|(principal, _)| only.as_ref().is_none_or(|only| principal.to_lowercase() == *only))
        .map(|(principal, privileges)| {
            let row = json!({ "principal": principal, "privileges": privileges });
            (principal, row)
        })
        .collect()
}

type Granted = BTreeMap<String, BTreeSet<String>>;

fn update(visit: &mut Visit<'_>, kind: &str, name: &str) -> Outcome {
    let body = visit.call.object()?;
    let changes = body.get("changes").and_then(Value::as_array).cloned().unwrap_or_default();
    let metastore = visit.metastore.clone();
    let key = format!("{kind}/{name}");
    let old = visit.store.get(COLLECTION, &metastore, &key).cloned().unwrap_or(json!({}));
    let mut granted: Granted = serde_json::from_value(old.clone()).unwrap_or_default();
    for change in &changes {
        apply(visit, kind, change, &mut granted)?;
    }
    granted.retain(|_, privileges| !privileges.is_empty());
    let new = json!(granted);
    if new != old {
        match granted.is_empty() {
            true => drop(visit.store.remove(COLLECTION, &metastore, &key)),
            false => visit.store.put(COLLECTION, &metastore, &key, new),
        }
    }
    if body.get("omit_permissions_in_response") == Some(&json!(true)) {
        return Answer::nothing();
    }
    let all: Vec<Value> = granted
        .into_iter()
        .map(|(principal, privileges)| json!({ "principal": principal, "privileges": privileges }))
        .collect();
    Answer::ok(json!({ "privilege_assignments": all }))
}

fn apply(visit: &Visit<'_>, kind: &str, change: &Value, granted: &mut Granted) -> Result<(), Refusal> {
    let given = text(change, "principal");
    if given.is_empty() {
        return Err(Refusal::invalid("every change names a principal"));
    }
    let list = |key: &str| -> BTreeSet<String> {
        let items = change.get(key).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(spelled).collect()
    };
    let (add, remove) = (list("add"), list("remove"));
    if let Some(both) = add.intersection(&remove).next() {
        return Err(Refusal::invalid(format!(
            "Duplicate privileges to add and delete for principal {given}: {both}"
        )));
    }
    if !add.is_empty() {
        principals::check_principal(visit, given)?;
    }
    if let Some(privilege) = add.iter().find(|privilege| !applies(kind, privilege)) {
        return Err(Refusal::invalid(format!(
            "Privilege {privilege} is not applicable to this entity [{kind}]."
        )));
    }
    let own = granted.keys().find(|known| known.eq_ignore_ascii_case(given)).cloned();
    let privileges = granted.entry(own.unwrap_or_else(|| given.to_owned())).or_default();
    if remove.contains("ALL_PRIVILEGES") {
        privileges.clear();
    }
    privileges.retain(|privilege| !remove.contains(privilege));
    privileges.extend(add);
    Ok(())
}

/// Serves `U/effective-permissions/{type}/{name}`: own grants and those of the containers.
pub(super) fn effective(visit: &mut Visit<'_>, method: &str, kind: &str, name: &str) -> Outcome {
    if method != "GET" {
        return Err(Refusal::not_served(method, &visit.call.path));
    }
    let (kind, name) = target(visit, kind, name)?;
    let mut places = vec![(kind.clone(), name.clone())];
    let parts: Vec<&str> = name.split('.').collect();
    if let ("schema" | "volume", [catalog, rest @ ..]) = (kind.as_str(), parts.as_slice()) {
        if let ("volume", [schema, ..]) = (kind.as_str(), rest) {
            places.push(("schema".into(), format!("{catalog}.{schema}")));
        }
        places.push(("catalog".into(), (*catalog).to_owned()));
    }
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (place, at) in &places {
        for (principal, row) in rows(visit, place, at) {
            for privilege in row["privileges"].as_array().into_iter().flatten() {
                let mut item = json!({ "privilege": privilege });
                if *place != kind {
                    item["inherited_from_type"] = json!(place.to_uppercase());
                    item["inherited_from_name"] = json!(at);
                }
                found.entry(principal.clone()).or_default().push(item);
            }
        }
    }
    let all: Vec<Value> = found
        .into_iter()
        .map(|(principal, privileges)| json!({ "principal": principal, "privileges": privileges }))
        .collect();
    Answer::ok(json!({ "privilege_assignments": all }))
}

/// Serves `U/bindings/{type}/{name}`.
pub(super) fn bindings(visit: &mut Visit<'_>, method: &str, kind: &str, name: &str) -> Outcome {
    let (kind, name) = target(visit, kind, name)?;
    if !matches!(kind.as_str(), "catalog" | "external_location" | "storage_credential") {
        return Err(Refusal::invalid(format!("a {kind} has no workspace bindings")));
    }
    let (metastore, key) = (visit.metastore.clone(), format!("{kind}/{name}"));
    match method {
        "GET" => {
            let found = visit.store.read(BINDINGS, &metastore, &key).unwrap_or(json!({}));
            let page: Page = visit.page(shown(&found), "max_results", true)?;
            Answer::ok(page.into_body("bindings"))
        }
        "PATCH" => {
            let body = visit.call.object()?;
            let old = visit.store.get(BINDINGS, &metastore, &key).cloned().unwrap_or(json!({}));
            let new = bound(visit, &kind, &body, &old)?;
            let items: Vec<Value> = shown(&new).into_values().collect();
            visit.store.put(BINDINGS, &metastore, &key, new);
            Answer::ok(json!({ "bindings": items }))
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn shown(bindings: &Value) -> Rows {
    let bindings = bindings.as_object().cloned().unwrap_or_default();
    bindings
        .into_iter()
        .map(|(workspace, kind)| {
            let number = workspace.parse::<u64>().unwrap_or_default();
            (workspace, json!({ "workspace_id": number, "binding_type": kind }))
        })
        .collect()
}

/// Bindings after a change: removals first, so that one change can turn a type into another.
fn bound(visit: &Visit<'_>, kind: &str, body: &Map<String, Value>, old: &Value) -> Result<Value, Refusal> {
    let mut bindings = old.as_object().cloned().unwrap_or_default();
    let list = |key: &str| body.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for binding in list("remove") {
        bindings.remove(&binding["workspace_id"].to_string());
    }
    for binding in list("add") {
        let workspace = binding["workspace_id"].to_string();
        let wanted = match text(&binding, "binding_type") {
            "" | READ_WRITE => READ_WRITE,
            READ_ONLY if kind == "catalog" => READ_ONLY,
            other => return Err(Refusal::invalid(format!("binding type {other} does not go with a {kind}"))),
        };
        if visit.store.get(workspaces::COLLECTION, ACCOUNT, &workspace).is_none() {
            return Err(Refusal::invalid(format!("workspace {workspace} does not exist")));
        }
        bindings.insert(workspace, json!(wanted));
    }
    Ok(Value::Object(bindings))
}
