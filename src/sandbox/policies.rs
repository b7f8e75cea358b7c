//! Cluster policies.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::permissions;
use super::visit::{Visit, known, required, shown, text};

/// Where cluster policies are kept, by workspace.
pub(super) const COLLECTION: &str = "cluster_policies";
const FIELDS: &[&str] = &[
    "name",
    "definition",
    "description",
    "libraries",
    "max_clusters_per_user",
    "policy_family_id",
    "policy_family_definition_overrides",
];

/// Serves `/api/2.0/policies/clusters/{verb}`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, verb: &str) -> Outcome {
    match (method, verb) {
        ("POST", "create") => create(visit),
        ("POST", "edit") => edit(visit),
        ("POST", "delete") => delete(visit),
        ("GET", "get") => {
            let id = visit.call.query.get("policy_id").cloned().unwrap_or_default();
            let workspace = visit.workspace.clone();
            let found = visit.store.read(COLLECTION, &workspace, &id);
            let own = built_in(visit);
            let own = (text(&own, "policy_id") == id).then_some(own);
            Answer::ok(shown(found.or(own).ok_or_else(|| absent(&id))?))
        }
        ("GET", "list") => {
            let workspace = visit.workspace.clone();
            let rows = visit.store.read_rows(COLLECTION, &workspace);
            let mut items: Vec<Value> = rows.into_values().map(shown).chain([built_in(visit)]).collect();
            items.sort_by(|one, other| text(one, "name").cmp(text(other, "name")));
            if visit.call.query.get("sort_order").is_some_and(|order| order == "DESC") {
                items.reverse();
            }
            Answer::ok(json!({ "policies": items, "total_count": items.len() }))
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn absent(id: &str) -> Refusal {
    Refusal::absent(format!("Can't find a cluster policy with id: {id}."))
}

/// The policy that every workspace has and nobody can delete.
fn built_in(visit: &Visit<'_>) -> Value {
    let id = visit.origin("built-in-policy", &visit.workspace, 0).hex(16).to_uppercase();
    json!({
        "policy_id": id, "name": "Personal Compute", "is_default": true,
        "policy_family_id": "personal-vm", "definition": "{}", "created_at_timestamp": 0,
    })
}

fn check(visit: &Visit<'_>, body: &Map<String, Value>, own: &str) -> Result<(), Refusal> {
    let name = required(body, "name")?;
    if name.chars().count() > 100 {
        return Err(Refusal::invalid("Cluster policy name must be 1 to 100 characters long."));
    }
    let is_twin = |other: &Value| text(other, "name") == name && text(other, "policy_id") != own;
    if name == "Personal Compute" || visit.find(COLLECTION, &visit.workspace, is_twin).is_some() {
        return Err(Refusal::invalid(format!("Cluster policy name '{name}' is already in use.")));
    }
    let json = |key: &str| body.get(key).and_then(Value::as_str);
    match (json("definition"), json("policy_family_id")) {
        (Some(_), Some(_)) => Err(Refusal::invalid("definition and policy_family_id exclude each other")),
        (None, None) => Err(Refusal::invalid("definition is required")),
        (Some(definition), None) => check_definition(definition),
        (None, Some(_)) => json("policy_family_definition_overrides").map_or(Ok(()), check_definition),
    }
}

fn check_definition(definition: &str) -> Result<(), Refusal> {
    match serde_json::from_str::<Map<String, Value>>(definition) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::invalid(format!("Policy definition is not valid JSON: {error}"))),
    }
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, FIELDS);
    check(visit, &body, "")?;
    let name = required(&body, "name")?.to_owned();
    let workspace = visit.workspace.clone();
    let id = visit.born(COLLECTION, &format!("{workspace}/{name}")).hex(16).to_uppercase();
    body.insert("policy_id".into(), json!(id));
    body.insert("creator_user_name".into(), json!(visit.caller.name));
    body.insert("created_at_timestamp".into(), visit.millis());
    body.insert("is_default".into(), json!(false));
    visit.store.put(COLLECTION, &workspace, &id, Value::Object(body));
    Answer::ok(json!({ "policy_id": id }))
}

/// Replaces everything but what the server itself wrote.
fn edit(visit: &mut Visit<'_>) -> Outcome {
    let whole = visit.call.object()?;
    let id = required(&whole, "policy_id")?.to_owned();
    let workspace = visit.workspace.clone();
    let old = visit.store.get(COLLECTION, &workspace, &id).cloned().ok_or_else(|| absent(&id))?;
    let mut body = known(&whole, FIELDS);
    check(visit, &body, &id)?;
    for key in ["policy_id", "creator_user_name", "created_at_timestamp", "is_default"] {
        body.insert(key.into(), old[key].clone());
    }
    visit.store.put(COLLECTION, &workspace, &id, Value::Object(body));
    Answer::nothing()
}

fn delete(visit: &mut Visit<'_>) -> Outcome {
    let body = visit.call.object()?;
    let id = required(&body, "policy_id")?.to_owned();
    if text(&built_in(visit), "policy_id") == id {
        return Err(Refusal::invalid("A default cluster policy cannot be deleted."));
    }
    let workspace = visit.workspace.clone();
    visit.store.remove(COLLECTION, &workspace, &id).ok_or_else(|| absent(&id))?;
    visit.store.remove(permissions::COLLECTION, &workspace, &format!("cluster-policies/{id}"));
    Answer::nothing()
}
