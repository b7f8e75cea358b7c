//! Serverless networking: connectivity configurations with private endpoint rules, network policies.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::visit::{ACCOUNT, Visit, known, mask, required, shown, text};
use super::workspaces;

/// Which network policy a workspace has, by workspace.
pub(super) const OPTIONS: &str = "workspace_network_options";
const CONFIGS: &str = "network-connectivity-configs";
const RULES: &str = "private-endpoint-rules";
const POLICIES: &str = "network-policies";
const DEFAULT_POLICY: &str = "default-policy";
const RULE_FIELDS: &[&str] =
    &["endpoint_service", "domain_names", "resource_names", "resource_id", "group_id", "enabled"];
const POLICY_FIELDS: &[&str] = &["network_policy_id", "egress", "ingress", "ingress_dry_run"];

fn absent(word: &str, id: &str) -> Refusal {
    Refusal::new(404, "NOT_FOUND", format!("{word} {id} does not exist"))
}

/// Serves `A/network-connectivity-configs…`.
pub(super) fn configs(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create_config(visit),
        ("GET", []) => {
            let rows = visit.store.read_rows(CONFIGS, ACCOUNT);
            Answer::ok(visit.page(rows, "page_size", false)?.map(shown).into_body("items"))
        }
        ("GET", [id]) => {
            let found = visit.store.read(CONFIGS, ACCOUNT, id);
            Answer::ok(shown(found.ok_or_else(|| absent("network connectivity config", id))?))
        }
        ("PATCH", [id]) => update_config(visit, id),
        ("DELETE", [id]) => delete_config(visit, id),
        (_, [id, "private-endpoint-rules", rest @ ..]) => {
            visit.store.get(CONFIGS, ACCOUNT, id).ok_or_else(|| absent("network connectivity config", id))?;
            rules(visit, method, id, rest)
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn check_config_name(name: &str) -> Result<(), Refusal> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_plain && (3..=30).contains(&name.len()) {
        return Ok(());
    }
    Err(Refusal::invalid("name must match [0-9a-zA-Z-_]{3,30}"))
}

fn create_config(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, &["name", "region"]);
    let name = required(&body, "name")?.to_owned();
    let region = required(&body, "region")?.to_owned();
    check_config_name(&name)?;
    let is_twin = |other: &Value| text(other, "name") == name && text(other, "region") == region;
    if visit.find(CONFIGS, ACCOUNT, is_twin).is_some() {
        return Err(Refusal::new(409, "ALREADY_EXISTS", format!("{name} already exists in {region}")));
    }
    let origin = visit.born(CONFIGS, &format!("{region}/{name}"));
    let id = origin.uuid();
    let block = origin.number() % 250;
    body.insert("network_connectivity_config_id".into(), json!(id));
    body.insert("account_id".into(), json!(visit.config.account_id));
    body.insert("creation_time".into(), visit.millis());
    body.insert("updated_time".into(), visit.millis());
    body.insert(
        "egress_config".into(),
        json!({ "default_rules": { "aws_stable_ip_rule": {
            "cidr_blocks": [format!("203.0.113.{block}/32"), format!("198.51.100.{block}/32")]
        } } }),
    );
    let document = Value::Object(body);
    visit.store.put(CONFIGS, ACCOUNT, &id, document.clone());
    Answer::ok(document)
}

fn update_config(visit: &mut Visit<'_>, id: &str) -> Outcome {
    let mut document = visit
        .store
        .get(CONFIGS, ACCOUNT, id)
        .cloned()
        .ok_or_else(|| absent("network connectivity config", id))?;
    let body = visit.call.object()?;
    let asked = visit.call.query.get("update_mask").cloned().unwrap_or_default();
    for field in mask(&asked, &["name", "billing_workspace_id", "billingWorkspaceId"])? {
        let field = if field == "billingWorkspaceId" { "billing_workspace_id" } else { field };
        if field == "name" {
            check_config_name(required(&body, "name")?)?;
        }
        document[field] = body.get(field).cloned().unwrap_or(Value::Null);
    }
    document["updated_time"] = visit.millis();
    visit.store.put(CONFIGS, ACCOUNT, id, document.clone());
    Answer::ok(document)
}

fn delete_config(visit: &mut Visit<'_>, id: &str) -> Outcome {
    visit.store.get(CONFIGS, ACCOUNT, id).ok_or_else(|| absent("network connectivity config", id))?;
    let is_bound = |workspace: &Value| text(workspace, "network_connectivity_config_id") == id;
    if visit.find(workspaces::COLLECTION, ACCOUNT, is_bound).is_some() {
        return Err(Refusal::new(400, "INVALID_STATE", format!("{id} is attached to a workspace")));
    }
    visit.store.remove_where(RULES, id, |_| true);
    visit.store.remove(CONFIGS, ACCOUNT, id);
    Answer::nothing()
}

fn rules(visit: &mut Visit<'_>, method: &str, config: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create_rule(visit, config),
        ("GET", []) => {
            let rows = visit.store.read_rows(RULES, config);
            Answer::ok(visit.page(rows, "page_size", false)?.map(shown).into_body("items"))
        }
        ("GET", [id]) => {
            let found = visit.store.read(RULES, config, id);
            Answer::ok(found.ok_or_else(|| absent("private endpoint rule", id))?)
        }
        ("PATCH", [id]) => {
            let found = visit.store.get(RULES, config, id).cloned();
            let mut document = found.ok_or_else(|| absent("private endpoint rule", id))?;
            let body = visit.call.object()?;
            let asked = visit.call.query.get("update_mask").cloned().unwrap_or_default();
            for field in mask(&asked, &["enabled", "domain_names", "resource_names"])? {
                document[field] = body.get(field).cloned().unwrap_or(Value::Null);
            }
            document["updated_time"] = visit.millis();
            visit.store.put(RULES, config, id, document.clone());
            Answer::ok(document)
        }
        ("DELETE", [id]) => {
            let removed = visit.store.remove(RULES, config, id);
            Answer::ok(removed.ok_or_else(|| absent("private endpoint rule", id))?)
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// Rules stay PENDING: approving one is a person's act on the cloud's side.
fn create_rule(visit: &mut Visit<'_>, config: &str) -> Outcome {
    let mut body = known(&visit.call.object()?, RULE_FIELDS);
    let target = ["endpoint_service", "resource_id"].iter().find_map(|key| body.get(*key)?.as_str());
    let target = target.or_else(|| body.get("resource_names")?.get(0)?.as_str());
    let Some(target) = target.map(str::to_owned) else {
        return Err(Refusal::invalid("one of endpoint_service, resource_names, resource_id is needed"));
    };
    let origin = visit.born(RULES, &format!("{config}/{target}"));
    let id = origin.uuid();
    let own: Map<String, Value> = [
        ("rule_id", json!(id)),
        ("network_connectivity_config_id", json!(config)),
        ("account_id", json!(visit.config.account_id)),
        ("connection_state", json!("PENDING")),
        ("deactivated", json!(false)),
        ("vpc_endpoint_id", json!(format!("vpce-{}", origin.hex(17)))),
        ("creation_time", visit.millis()),
        ("updated_time", visit.millis()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .collect();
    body.extend(own);
    body.entry("enabled").or_insert(json!(true));
    let document = Value::Object(body);
    visit.store.put(RULES, config, &id, document.clone());
    Answer::ok(document)
}

/// Serves `A/network-policies…`.
pub(super) fn policies(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => {
            let body = known(&visit.call.object()?, POLICY_FIELDS);
            let id = required(&body, "network_policy_id")?.to_owned();
            if id.len() > 32 || id.chars().any(|c| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')) {
                return Err(Refusal::invalid("network_policy_id is up to 32 letters, digits, - and _"));
            }
            if id == DEFAULT_POLICY || visit.store.get(POLICIES, ACCOUNT, &id).is_some() {
                return Err(Refusal::new(
                    409,
                    "ALREADY_EXISTS",
                    format!("network policy {id} already exists"),
                ));
            }
            put_policy(visit, &id, body)
        }
        ("GET", []) => {
            let mut rows = visit.store.read_rows(POLICIES, ACCOUNT);
            rows.entry(DEFAULT_POLICY.into()).or_insert_with(|| default_policy(visit));
            Answer::ok(visit.page(rows, "page_size", false)?.into_body("items"))
        }
        ("GET", [id]) => {
            let found = visit.store.read(POLICIES, ACCOUNT, id);
            let own = || (*id == DEFAULT_POLICY).then(|| default_policy(visit));
            Answer::ok(found.or_else(own).ok_or_else(|| absent("network policy", id))?)
        }
        ("PUT", [id]) => {
            if *id != DEFAULT_POLICY {
                visit.store.get(POLICIES, ACCOUNT, id).ok_or_else(|| absent("network policy", id))?;
            }
            let body = known(&visit.call.object()?, POLICY_FIELDS);
            put_policy(visit, id, body)
        }
        ("DELETE", [DEFAULT_POLICY]) => Err(Refusal::invalid("default-policy cannot be deleted")),
        ("DELETE", [id]) => {
            visit.store.get(POLICIES, ACCOUNT, id).ok_or_else(|| absent("network policy", id))?;
            if visit.find(OPTIONS, ACCOUNT, |option| text(option, "network_policy_id") == *id).is_some() {
                return Err(Refusal::new(400, "INVALID_STATE", format!("{id} is attached to a workspace")));
            }
            visit.store.remove(POLICIES, ACCOUNT, id);
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn default_policy(visit: &Visit<'_>) -> Value {
    json!({
        "network_policy_id": DEFAULT_POLICY,
        "account_id": visit.config.account_id,
        "egress": { "network_access": { "restriction_mode": "FULL_ACCESS" } },
    })
}

fn put_policy(visit: &mut Visit<'_>, id: &str, mut body: Map<String, Value>) -> Outcome {
    body.insert("network_policy_id".into(), json!(id));
    body.insert("account_id".into(), json!(visit.config.account_id));
    let access = json!({ "network_access": { "restriction_mode": "FULL_ACCESS" } });
    body.entry("egress").or_insert(access);
    let document = Value::Object(body);
    visit.store.put(POLICIES, ACCOUNT, id, document.clone());
    Answer::ok(document)
}

/// Serves `A/workspaces/{workspace}/network`.
pub(super) fn option(visit: &mut Visit<'_>, method: &str, workspace: &str) -> Outcome {
    let document = workspaces::existing(visit, workspace)?;
    match method {
        "GET" => {
            let found = visit.store.read(OPTIONS, ACCOUNT, workspace);
            Answer::ok(found.unwrap_or_else(
                || json!({ "workspace_id": document["workspace_id"], "network_policy_id": DEFAULT_POLICY }),
            ))
        }
        "PUT" => {
            let body = visit.call.object()?;
            let policy = required(&body, "network_policy_id")?;
            if policy != DEFAULT_POLICY && visit.store.get(POLICIES, ACCOUNT, policy).is_none() {
                return Err(Refusal::invalid(format!("network policy {policy} does not exist")));
            }
            let option = json!({ "workspace_id": document["workspace_id"], "network_policy_id": policy });
            visit.store.put(OPTIONS, ACCOUNT, workspace, option.clone());
            Answer::ok(option)
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}
