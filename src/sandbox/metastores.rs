//! Metastores, one per region, and which workspace is attached to which.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::securables::UC_COLLECTIONS;
use super::visit::{ACCOUNT, Visit, known, required, shown, text, unwrapped};
use super::workspaces;

/// Where metastores are kept.
pub(super) const COLLECTION: &str = "metastores";
/// Which workspace is attached to which metastore, by workspace.
pub(super) const ASSIGNMENTS: &str = "metastore_assignments";

const CREATED: &[&str] = &["name", "region", "storage_root", "external_access_enabled"];
const MUTABLE: &[&str] = &[
    "owner",
    "delta_sharing_scope",
    "delta_sharing_recipient_token_lifetime_in_seconds",
    "delta_sharing_organization_name",
    "privilege_model_version",
    "storage_root_credential_id",
    "external_access_enabled",
];

fn absent(id: &str) -> Refusal {
    Refusal::new(404, "METASTORE_DOES_NOT_EXIST", format!("Metastore '{id}' does not exist."))
}

/// Finds the metastore of the workspace the call goes through. Without one, only the calls that attach it work.
///
/// # Errors
/// If a call needs a metastore and the workspace has none.
pub(super) fn enter(visit: &mut Visit<'_>) -> Result<(), Refusal> {
    let assigned = visit.store.get(ASSIGNMENTS, ACCOUNT, &visit.workspace);
    match assigned.map(|assignment| text(assignment, "metastore_id").to_owned()) {
        Some(id) => visit.metastore = id,
        None if visit.call.path.contains("/unity-catalog/workspaces/") => {}
        None => {
            return Err(Refusal::new(
                404,
                "METASTORE_DOES_NOT_EXIST",
                "No metastore assigned for the current workspace.",
            ));
        }
    }
    Ok(())
}

/// Serves `A/metastores…`.
pub(super) fn account(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create(visit),
        ("GET", []) => {
            let rows = visit.store.read_rows(COLLECTION, ACCOUNT);
            Answer::ok(json!({ "metastores": rows.into_values().map(shown).collect::<Vec<_>>() }))
        }
        ("GET", [id]) => {
            let document = visit.store.read(COLLECTION, ACCOUNT, id).ok_or_else(|| absent(id))?;
            Answer::ok(json!({ "metastore_info": shown(document) }))
        }
        ("PUT", [id]) => {
            let body = unwrapped(&visit.call.object()?, "metastore_info")?;
            let document = update(visit, id, &body)?;
            Answer::ok(json!({ "metastore_info": document }))
        }
        ("DELETE", [id]) => delete(visit, id),
        ("GET", [id, "workspaces"]) => {
            visit.store.get(COLLECTION, ACCOUNT, id).ok_or_else(|| absent(id))?;
            Answer::ok(json!({ "workspace_ids": attached(visit, id) }))
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn attached(visit: &mut Visit<'_>, id: &str) -> Vec<Value> {
    let rows = visit.store.read_rows(ASSIGNMENTS, ACCOUNT);
    rows.into_values()
        .filter(|assignment| text(assignment, "metastore_id") == id)
        .map(|assignment| assignment["workspace_id"].clone())
        .collect()
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&unwrapped(&visit.call.object()?, "metastore_info")?, CREATED);
    let name = required(&body, "name")?.to_owned();
    let region = required(&body, "region")?.to_owned();
    if visit.find(COLLECTION, ACCOUNT, |other| text(other, "name") == name).is_some() {
        return Err(Refusal::new(
            409,
            "METASTORE_ALREADY_EXISTS",
            format!("Metastore '{name}' already exists."),
        ));
    }
    if visit.find(COLLECTION, ACCOUNT, |other| text(other, "region") == region).is_some() {
        return Err(Refusal::new(
            400,
            "QUOTA_EXCEEDED",
            format!("This account has reached the limit for metastores in region {region}."),
        ));
    }
    let origin = visit.born("metastore", &name);
    let id = origin.uuid();
    if let Some(Value::String(root)) = body.get("storage_root") {
        let suffixed = format!("{}/{id}", root.trim_end_matches('/'));
        body.insert("storage_root".into(), json!(suffixed));
    }
    let own = json!({
        "metastore_id": id,
        "global_metastore_id": format!("aws:{region}:{id}"),
        "cloud": "aws",
        "owner": visit.caller.name,
        "created_by": visit.caller.name,
        "updated_by": visit.caller.name,
        "created_at": visit.millis(),
        "updated_at": visit.millis(),
        "delta_sharing_scope": "INTERNAL",
        "privilege_model_version": "1.0",
    });
    body.extend(own.as_object().cloned().unwrap_or_default());
    body.entry("external_access_enabled").or_insert(json!(false));
    let document = Value::Object(body);
    visit.store.put(COLLECTION, ACCOUNT, &id, document.clone());
    Answer::ok(json!({ "metastore_info": document }))
}

fn update(visit: &mut Visit<'_>, id: &str, body: &Map<String, Value>) -> Result<Value, Refusal> {
    let mut document = visit.store.get(COLLECTION, ACCOUNT, id).cloned().ok_or_else(|| absent(id))?;
    let changes = known(body, MUTABLE);
    if changes.is_empty() {
        return Err(Refusal::invalid("UpdateMetastore Nothing to update."));
    }
    if let Some(owner) = changes.get("owner").and_then(Value::as_str) {
        super::principals::check_principal(visit, owner)?;
    }
    let object = document.as_object_mut().ok_or_else(|| absent(id))?;
    object.extend(changes);
    object.insert("updated_at".into(), visit.millis());
    object.insert("updated_by".into(), json!(visit.caller.name));
    visit.store.put(COLLECTION, ACCOUNT, id, document.clone());
    Ok(shown(document))
}

fn delete(visit: &mut Visit<'_>, id: &str) -> Outcome {
    visit.store.get(COLLECTION, ACCOUNT, id).ok_or_else(|| absent(id))?;
    let is_empty = UC_COLLECTIONS.iter().all(|collection| visit.store.rows(collection, id).next().is_none());
    if !visit.call.flag("force") && (!is_empty || !attached(visit, id).is_empty()) {
        return Err(Refusal::new(400, "INVALID_STATE", format!("Metastore '{id}' is not empty.")));
    }
    for collection in UC_COLLECTIONS {
        visit.store.remove_where(collection, id, |_| true);
    }
    let workspaces: Vec<String> = attached(visit, id).iter().map(|workspace| workspace.to_string()).collect();
    for workspace in workspaces {
        visit.store.remove(ASSIGNMENTS, ACCOUNT, &workspace);
    }
    visit.store.remove(COLLECTION, ACCOUNT, id);
    Answer::nothing()
}

/// Serves `A/workspaces/{workspace}/metastore` and `A/workspaces/{workspace}/metastores/{id}`.
pub(super) fn assignment(
    visit: &mut Visit<'_>,
    method: &str,
    workspace: &str,
    metastore: Option<&str>,
) -> Outcome {
    workspaces::existing(visit, workspace)?;
    match (method, metastore) {
        ("GET", None) => {
            let found =
                visit.store.read(ASSIGNMENTS, ACCOUNT, workspace).ok_or_else(|| unassigned(workspace))?;
            Answer::ok(json!({ "metastore_assignment": found }))
        }
        ("POST" | "PUT", Some(id)) => {
            let body = unwrapped(&visit.call.object()?, "metastore_assignment").unwrap_or_default();
            let is_there = visit.store.get(ASSIGNMENTS, ACCOUNT, workspace).is_some();
            match (method, is_there) {
                ("POST", true) => {
                    Err(Refusal::taken(format!("Workspace {workspace} is already assigned to a metastore.")))
                }
                ("PUT", false) => Err(unassigned(workspace)),
                _ => {
                    assign(visit, workspace, id, &body)?;
                    Answer::nothing()
                }
            }
        }
        ("DELETE", Some(id)) => unassign(visit, workspace, id),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn unassigned(workspace: &str) -> Refusal {
    Refusal::new(
        404,
        "METASTORE_DOES_NOT_EXIST",
        format!("No metastore assigned for the workspace {workspace}."),
    )
}

fn assign(
    visit: &mut Visit<'_>,
    workspace: &str,
    id: &str,
    body: &Map<String, Value>,
) -> Result<(), Refusal> {
    let document = workspaces::existing(visit, workspace)?;
    let metastore = visit.store.get(COLLECTION, ACCOUNT, id).ok_or_else(|| absent(id))?;
    if text(metastore, "region") != text(&document, "aws_region") {
        return Err(Refusal::invalid(format!(
            "Workspace {workspace} and metastore {id} are not in the same region."
        )));
    }
    let mut assignment = json!({ "workspace_id": document["workspace_id"], "metastore_id": id });
    if let Some(default) = body.get("default_catalog_name").filter(|name| !name.is_null()) {
        assignment["default_catalog_name"] = default.clone();
    }
    visit.store.put(ASSIGNMENTS, ACCOUNT, workspace, assignment);
    Ok(())
}

fn unassign(visit: &mut Visit<'_>, workspace: &str, id: &str) -> Outcome {
    let assigned = visit.store.get(ASSIGNMENTS, ACCOUNT, workspace);
    if assigned.is_none_or(|assignment| text(assignment, "metastore_id") != id) {
        return Err(unassigned(workspace));
    }
    visit.store.remove(ASSIGNMENTS, ACCOUNT, workspace);
    Answer::nothing()
}

/// Serves the metastore paths of Unity Catalog.
pub(super) fn workspace(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("GET", ["current-metastore-assignment"]) => {
            let workspace = visit.workspace.clone();
            let found = visit.store.read(ASSIGNMENTS, ACCOUNT, &workspace);
            Answer::ok(found.ok_or_else(|| unassigned(&workspace))?)
        }
        ("GET", ["metastore_summary"]) => {
            let id = visit.metastore.clone();
            Answer::ok(shown(visit.store.read(COLLECTION, ACCOUNT, &id).ok_or_else(|| absent(&id))?))
        }
        ("GET", ["metastores"]) => {
            let rows = visit.store.read_rows(COLLECTION, ACCOUNT);
            Answer::ok(visit.page(rows, "max_results", true)?.map(shown).into_body("metastores"))
        }
        ("GET", ["metastores", id]) => {
            Answer::ok(shown(visit.store.read(COLLECTION, ACCOUNT, id).ok_or_else(|| absent(id))?))
        }
        ("PATCH", ["metastores", id]) => {
            let body = visit.call.object()?;
            Answer::ok(update(visit, id, &body)?)
        }
        ("PUT", ["workspaces", workspace, "metastore"]) => {
            let body = visit.call.object()?;
            let id = required(&body, "metastore_id")?.to_owned();
            assign(visit, workspace, &id, &body)?;
            Answer::nothing()
        }
        ("PATCH", ["workspaces", workspace, "metastore"]) => {
            let body = visit.call.object()?;
            let old =
                visit.store.get(ASSIGNMENTS, ACCOUNT, workspace).ok_or_else(|| unassigned(workspace))?;
            let id = match body.get("metastore_id").and_then(Value::as_str) {
                Some(id) => id.to_owned(),
                None => text(old, "metastore_id").to_owned(),
            };
            assign(visit, workspace, &id, &body)?;
            Answer::nothing()
        }
        ("DELETE", ["workspaces", workspace, "metastore"]) => {
            let id = visit.call.query.get("metastore_id").cloned().unwrap_or_default();
            unassign(visit, workspace, &id)
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}
