//! Workspaces: created at once, running later, gone later still.

use serde_json::{Map, Value, json};

use super::Durations;
use super::answer::{Answer, Outcome, Refusal};
use super::store::Store;
use super::visit::{ACCOUNT, HIDDEN, Visit, hidden_moment, is_over, known, mask, required, shown, text};
use crate::base::time::{Millis, Timestamp};

/// Where workspaces are kept.
pub(super) const COLLECTION: &str = "workspaces";
/// Workspaces that are being deleted, by id, with the moment it began.
const LEAVING: &str = "workspaces_leaving";
/// Collections whose scope is a workspace.
const INSIDE: &[&str] = &["cluster_policies", "object_permissions", "settings", "permission_assignments"];

const FIELDS: &[&str] = &[
    "workspace_name",
    "aws_region",
    "credentials_id",
    "storage_configuration_id",
    "network_id",
    "private_access_settings_id",
    "managed_services_customer_managed_key_id",
    "storage_customer_managed_key_id",
    "network_connectivity_config_id",
    "deployment_name",
    "pricing_tier",
    "compute_mode",
    "custom_tags",
];
const MUTABLE: &[&str] = &[
    "credentials_id",
    "network_id",
    "private_access_settings_id",
    "managed_services_customer_managed_key_id",
    "storage_customer_managed_key_id",
    "network_connectivity_config_id",
    "custom_tags",
    "expected_workspace_status",
];
/// Field of a workspace, collection it points into, whether its region must be the workspace's.
const REFERENCES: &[(&str, &str, bool)] = &[
    ("credentials_id", "credentials", false),
    ("storage_configuration_id", "storage-configurations", false),
    ("network_id", "networks", false),
    ("private_access_settings_id", "private-access-settings", true),
    ("managed_services_customer_managed_key_id", "customer-managed-keys", false),
    ("storage_customer_managed_key_id", "customer-managed-keys", false),
    ("network_connectivity_config_id", "network-connectivity-configs", true),
];

/// Serves `A/workspaces` and `A/workspaces/{id}`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create(visit),
        ("GET", []) => {
            let rows = visit.store.read_rows(COLLECTION, ACCOUNT);
            Answer::ok(rows.into_values().map(|row| present(visit, row)).collect())
        }
        ("GET", [id]) => {
            let document = visit.store.read(COLLECTION, ACCOUNT, id).ok_or_else(|| absent(id))?;
            Answer::ok(present(visit, document))
        }
        ("PATCH", [id]) => update(visit, id),
        ("DELETE", [id]) => delete(visit, id),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// The workspace's document, or the refusal that says it is not there.
///
/// # Errors
/// If there is no such workspace.
pub(super) fn existing(visit: &Visit<'_>, id: &str) -> Result<Value, Refusal> {
    visit.store.get(COLLECTION, ACCOUNT, id).cloned().ok_or_else(|| absent(id))
}

/// The id of the workspace deployed under this label.
pub(super) fn by_label(store: &Store, label: &str) -> Option<String> {
    let is_it = |document: &Value| text(document, "deployment_name").eq_ignore_ascii_case(label);
    store.rows(COLLECTION, ACCOUNT).find(|(_, document)| is_it(document)).map(|(id, _)| id.clone())
}

/// Whether the workspace answers calls.
pub(super) fn is_running(document: &Value, durations: &Durations, now: Timestamp) -> bool {
    is_over(document, "made", durations.workspace, now) && hidden_moment(document, "leaving").is_none()
}

/// Takes away the workspaces whose deletion is over, with all that was inside.
pub(super) fn sweep(store: &mut Store, length: Millis, now: Timestamp) {
    let is_gone = |began: &Value| {
        began.as_i64().is_some_and(|began| now.since(Timestamp::from_millis(began)) >= length)
    };
    let gone: Vec<String> =
        store.rows(LEAVING, ACCOUNT).filter(|(_, began)| is_gone(began)).map(|(id, _)| id.clone()).collect();
    for id in gone {
        if let Some(document) = store.remove(COLLECTION, ACCOUNT, &id) {
            detach_network(store, text(&document, "network_id"));
        }
        store.remove(LEAVING, ACCOUNT, &id);
        store.remove(super::metastores::ASSIGNMENTS, ACCOUNT, &id);
        store.remove(super::networking::OPTIONS, ACCOUNT, &id);
        for collection in INSIDE {
            store.remove_where(collection, &id, |_| true);
        }
    }
}

fn absent(id: &str) -> Refusal {
    Refusal::absent(format!("workspace {id} does not exist"))
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, FIELDS);
    let name = required(&body, "workspace_name")?.to_owned();
    let region = required(&body, "aws_region")?.to_owned();
    if visit.find(COLLECTION, ACCOUNT, |other| text(other, "workspace_name") == name).is_some() {
        return Err(Refusal::taken(format!("workspace name {name} is already in use")));
    }
    let mode = body.entry("compute_mode").or_insert(json!("HYBRID")).clone();
    if mode != "SERVERLESS" {
        required(&body, "credentials_id")?;
        required(&body, "storage_configuration_id")?;
    }
    check_tags(visit, &body)?;
    check_references(visit, &body, &region, "")?;
    let origin = visit.born("workspace", &name);
    let generated = format!("dbc-{}-{}", origin.hex(8), origin.other_uuid().get(9..13).unwrap_or("0000"));
    let wanted = body.get("deployment_name").and_then(Value::as_str).filter(|name| *name != "EMPTY");
    let deployment = wanted.map_or(generated, str::to_owned);
    check_label(&deployment)?;
    if by_label(visit.store, &deployment).is_some() {
        return Err(Refusal::taken(format!("deployment name {deployment} is already in use")));
    }
    let id = origin.number();
    body.insert("deployment_name".into(), json!(deployment));
    body.insert("workspace_id".into(), json!(id));
    body.insert("account_id".into(), json!(visit.config.account_id));
    body.insert("cloud".into(), json!("aws"));
    body.entry("pricing_tier").or_insert(json!("ENTERPRISE"));
    let storage = if mode == "SERVERLESS" { "DEFAULT_STORAGE" } else { "CUSTOMER_HOSTED" };
    body.insert("storage_mode".into(), json!(storage));
    body.insert("creation_time".into(), visit.millis());
    body.insert(HIDDEN.into(), json!({ "made": visit.millis() }));
    attach_network(visit, &body, id);
    let document = Value::Object(body);
    visit.store.put(COLLECTION, ACCOUNT, &id.to_string(), document.clone());
    Answer::created(present(visit, document))
}

fn check_label(name: &str) -> Result<(), Refusal> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_plain && (1..=63).contains(&name.len()) && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(());
    }
    Err(Refusal::invalid(format!("deployment name {name} is not a host label")))
}

fn update(visit: &mut Visit<'_>, id: &str) -> Outcome {
    let mut document = existing(visit, id)?;
    if !is_running(&document, &visit.config.durations, visit.now) {
        return Err(Refusal::new(400, "INVALID_STATE", format!("workspace {id} is not running")));
    }
    let body = visit.call.object()?;
    let asked = visit.call.query.get("update_mask").cloned();
    let fields: Vec<String> = match &asked {
        Some(asked) => mask(asked, MUTABLE)?.into_iter().map(str::to_owned).collect(),
        None => {
            let named: Vec<&str> = FIELDS.iter().copied().filter(|key| body.contains_key(*key)).collect();
            mask(&named.join(","), MUTABLE)?.into_iter().map(str::to_owned).collect()
        }
    };
    if fields.is_empty() {
        return Err(Refusal::invalid("there is nothing to update"));
    }
    let changes: Map<String, Value> = fields
        .iter()
        .map(|field| (field.clone(), body.get(field).cloned().unwrap_or(Value::Null)))
        .filter(|(field, _)| field != "expected_workspace_status")
        .collect();
    if changes.iter().any(|(field, value)| value.is_null() && field != "custom_tags") {
        return Err(Refusal::invalid("a reference can be changed but not removed"));
    }
    if changes.get("custom_tags").is_some_and(|tags| tags.as_object().is_none_or(Map::is_empty)) {
        return Err(Refusal::invalid("custom_tags can be changed but not emptied"));
    }
    let region = text(&document, "aws_region").to_owned();
    check_references(visit, &changes, &region, id)?;
    if changes.contains_key("custom_tags") {
        check_tags(visit, &changes)?;
    }
    if let Some(network) = changes.get("network_id") {
        if text(&document, "network_id").is_empty() {
            return Err(Refusal::invalid("a workspace with a managed network cannot move to its own"));
        }
        if text(&document, "network_id") != network {
            detach_network(visit.store, text(&document, "network_id"));
        }
    }
    let object = document.as_object_mut().ok_or_else(|| absent(id))?;
    object.extend(changes);
    let number = object.get("workspace_id").and_then(Value::as_u64).unwrap_or_default();
    let object = object.clone();
    attach_network(visit, &object, number);
    visit.store.put(COLLECTION, ACCOUNT, id, document.clone());
    Answer::ok(present(visit, document))
}

fn delete(visit: &mut Visit<'_>, id: &str) -> Outcome {
    let mut document = existing(visit, id)?;
    if hidden_moment(&document, "leaving").is_none() {
        document[HIDDEN]["leaving"] = visit.millis();
        visit.store.put(COLLECTION, ACCOUNT, id, document.clone());
        let began = visit.millis();
        visit.store.put(LEAVING, ACCOUNT, id, began);
        sweep(visit.store, visit.config.durations.workspace_delete, visit.now);
    }
    Answer::ok(present(visit, document))
}

/// A workspace as it is read at this moment.
fn present(visit: &Visit<'_>, mut document: Value) -> Value {
    let is_made = is_over(&document, "made", visit.config.durations.workspace, visit.now);
    let (status, message) = if hidden_moment(&document, "leaving").is_some() {
        ("CANCELLING", "Workspace is being deleted.")
    } else if is_made {
        ("RUNNING", "Workspace is running.")
    } else {
        ("PROVISIONING", "Workspace resources are being set up.")
    };
    document["workspace_status"] = json!(status);
    document["workspace_status_message"] = json!(message);
    shown(document)
}

fn check_tags(visit: &Visit<'_>, body: &Map<String, Value>) -> Result<(), Refusal> {
    let tags = body.get("custom_tags").and_then(Value::as_object);
    for (key, value) in tags.into_iter().flatten() {
        let is_good = value.as_str().is_some_and(|value| value.len() <= 255);
        if key.is_empty() || key.len() > 127 || !is_good {
            return Err(Refusal::invalid(format!("custom tag {key} is too long or not a text")));
        }
    }
    let has = |key: &String| tags.is_some_and(|tags| tags.contains_key(key));
    match visit.config.required_tags.iter().find(|key| !has(key)) {
        Some(key) => Err(Refusal::invalid(format!("custom tag {key} is required"))),
        None => Ok(()),
    }
}

fn check_references(
    visit: &Visit<'_>,
    body: &Map<String, Value>,
    region: &str,
    own: &str,
) -> Result<(), Refusal> {
    for (field, collection, has_region) in REFERENCES {
        let Some(id) = body.get(*field).and_then(Value::as_str) else { continue };
        let Some(target) = visit.store.get(collection, ACCOUNT, id) else {
            return Err(Refusal::invalid(format!("{field} {id} does not exist")));
        };
        if *has_region && text(target, "region") != region {
            return Err(Refusal::invalid(format!("{field} {id} is not in region {region}")));
        }
        let user = target.get("workspace_id").map(Value::to_string).unwrap_or_default();
        if *field == "network_id" && !user.is_empty() && user != own {
            return Err(Refusal::conflict(format!("network {id} is already used by workspace {user}")));
        }
        let case = match *field {
            "managed_services_customer_managed_key_id" => "MANAGED_SERVICES",
            "storage_customer_managed_key_id" => "STORAGE",
            _ => continue,
        };
        let cases = target.get("use_cases").and_then(Value::as_array);
        if !cases.is_some_and(|cases| cases.iter().any(|other| other == case)) {
            return Err(Refusal::invalid(format!("key {id} is not for use case {case}")));
        }
    }
    Ok(())
}

fn attach_network(visit: &mut Visit<'_>, body: &Map<String, Value>, workspace: u64) {
    let Some(id) = body.get("network_id").and_then(Value::as_str) else { return };
    if let Some(mut network) = visit.store.get("networks", ACCOUNT, id).cloned() {
        network["workspace_id"] = json!(workspace);
        visit.store.put("networks", ACCOUNT, id, network);
    }
}

fn detach_network(store: &mut Store, id: &str) {
    if let Some(mut network) = store.get("networks", ACCOUNT, id).cloned() {
        if let Some(object) = network.as_object_mut() {
            object.remove("workspace_id");
        }
        store.put("networks", ACCOUNT, id, network);
    }
}
