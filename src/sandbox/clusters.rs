//! Clusters: made only within their policy. They have no machines behind them and run at once.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::compute_policy::enforce;
use super::policies;
use super::visit::{Visit, known, required, shown, text};

const COLLECTION: &str = "clusters";
const FIELDS: &[&str] = &[
    "autoscale",
    "autotermination_minutes",
    "aws_attributes",
    "cluster_name",
    "custom_tags",
    "data_security_mode",
    "driver_node_type_id",
    "enable_elastic_disk",
    "enable_local_disk_encryption",
    "instance_pool_id",
    "node_type_id",
    "num_workers",
    "policy_id",
    "runtime_engine",
    "single_user_name",
    "spark_conf",
    "spark_env_vars",
    "spark_version",
];

/// Serves `/api/2.1/clusters/{verb}`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, verb: &str) -> Outcome {
    let workspace = visit.workspace.clone();
    match (method, verb) {
        ("POST", "create") => create(visit),
        ("GET", "get") => {
            let id = visit.call.query.get("cluster_id").cloned().unwrap_or_default();
            Answer::ok(shown(visit.store.read(COLLECTION, &workspace, &id).ok_or_else(|| absent(&id))?))
        }
        ("GET", "list") => {
            let rows = visit.store.read_rows(COLLECTION, &workspace);
            Answer::ok(visit.page(rows, "page_size", false)?.map(shown).into_body("clusters"))
        }
        ("POST", "delete") => {
            let id = named(visit)?;
            let mut cluster =
                visit.store.get(COLLECTION, &workspace, &id).cloned().ok_or_else(|| absent(&id))?;
            cluster["state"] = json!("TERMINATED");
            visit.store.put(COLLECTION, &workspace, &id, cluster);
            Answer::nothing()
        }
        ("POST", "permanent-delete") => {
            let id = named(visit)?;
            visit.store.remove(COLLECTION, &workspace, &id).ok_or_else(|| absent(&id))?;
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn named(visit: &Visit<'_>) -> Result<String, Refusal> {
    Ok(required(&visit.call.object()?, "cluster_id")?.to_owned())
}

/// The real service words a missing cluster as a wrong parameter.
fn absent(id: &str) -> Refusal {
    Refusal::invalid(format!("Cluster {id} does not exist"))
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let whole = visit.call.object()?;
    let mut cluster = Value::Object(known(&whole, FIELDS));
    let with_defaults = whole.get("apply_policy_default_values") == Some(&Value::Bool(true));
    if let Some(definition) = definition(visit, text(&cluster, "policy_id"))? {
        let violations = enforce(&definition, &mut cluster, with_defaults);
        if !violations.is_empty() {
            return Err(Refusal::invalid(format!("Cluster validation error: {}", violations.join("; "))));
        }
    }
    required(&whole, "spark_version")?;
    let workspace = visit.workspace.clone();
    let name = text(&cluster, "cluster_name").to_owned();
    let id = visit.born(COLLECTION, &format!("{workspace}/{name}")).hex(16);
    cluster["cluster_id"] = json!(id);
    cluster["state"] = json!("RUNNING");
    cluster["creator_user_name"] = json!(visit.caller.name);
    visit.store.put(COLLECTION, &workspace, &id, cluster);
    Answer::ok(json!({ "cluster_id": id }))
}

fn definition(visit: &Visit<'_>, policy: &str) -> Result<Option<Map<String, Value>>, Refusal> {
    if policy.is_empty() {
        return Ok(None);
    }
    let found = visit.store.get(policies::COLLECTION, &visit.workspace, policy);
    let found = found.ok_or_else(|| Refusal::invalid(format!("Cluster policy {policy} does not exist")))?;
    Ok(serde_json::from_str(text(found, "definition")).ok())
}
