//! The account's immutable records: credentials, storage, networks, VPC endpoints, access settings, keys.
//!
//! They differ in fields only, so each is a row of a table; what a row cannot say is its `admit` function.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::visit::{ACCOUNT, HIDDEN, Visit, is_over, known, required, shown, text};
use super::workspaces;

/// Collection of log delivery configurations, which use credentials and storage.
pub(super) const LOG_DELIVERY: &str = "log_delivery";

/// A kind of record.
pub(super) struct Kind {
    path: &'static str,
    word: &'static str,
    id: &'static str,
    name: &'static str,
    fields: &'static [&'static str],
    is_replaceable: bool,
    users: &'static [(&'static str, &'static str)],
    admit: fn(&Visit<'_>, &mut Map<String, Value>) -> Result<(), Refusal>,
}

const KINDS: &[Kind] = &[
    Kind {
        path: "credentials",
        word: "credential configuration",
        id: "credentials_id",
        name: "credentials_name",
        fields: &["credentials_name", "aws_credentials"],
        is_replaceable: false,
        users: &[(workspaces::COLLECTION, "/credentials_id"), (LOG_DELIVERY, "/credentials_id")],
        admit: admit_credentials,
    },
    Kind {
        path: "storage-configurations",
        word: "storage configuration",
        id: "storage_configuration_id",
        name: "storage_configuration_name",
        fields: &["storage_configuration_name", "root_bucket_info", "role_arn"],
        is_replaceable: false,
        users: &[
            (workspaces::COLLECTION, "/storage_configuration_id"),
            (LOG_DELIVERY, "/storage_configuration_id"),
        ],
        admit: admit_storage,
    },
    Kind {
        path: "networks",
        word: "network configuration",
        id: "network_id",
        name: "network_name",
        fields: &["network_name", "vpc_id", "subnet_ids", "security_group_ids", "vpc_endpoints"],
        is_replaceable: false,
        users: &[(workspaces::COLLECTION, "/network_id")],
        admit: admit_network,
    },
    Kind {
        path: "vpc-endpoints",
        word: "VPC endpoint registration",
        id: "vpc_endpoint_id",
        name: "vpc_endpoint_name",
        fields: &["vpc_endpoint_name", "aws_vpc_endpoint_id", "region"],
        is_replaceable: false,
        users: &[
            ("networks", "/vpc_endpoints/rest_api"),
            ("networks", "/vpc_endpoints/dataplane_relay"),
            ("private-access-settings", "/allowed_vpc_endpoint_ids"),
        ],
        admit: admit_endpoint,
    },
    Kind {
        path: "private-access-settings",
        word: "private access settings",
        id: "private_access_settings_id",
        name: "private_access_settings_name",
        fields: &[
            "private_access_settings_name",
            "region",
            "public_access_enabled",
            "private_access_level",
            "allowed_vpc_endpoint_ids",
        ],
        is_replaceable: true,
        users: &[(workspaces::COLLECTION, "/private_access_settings_id")],
        admit: admit_access,
    },
    Kind {
        path: "customer-managed-keys",
        word: "customer-managed key configuration",
        id: "customer_managed_key_id",
        name: "",
        fields: &["use_cases", "aws_key_info"],
        is_replaceable: false,
        users: &[
            (workspaces::COLLECTION, "/managed_services_customer_managed_key_id"),
            (workspaces::COLLECTION, "/storage_customer_managed_key_id"),
        ],
        admit: admit_key,
    },
];

/// Serves `A/{path}` and `A/{path}/{id}`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, path: &str, rest: &[&str]) -> Outcome {
    let Some(kind) = KINDS.iter().find(|kind| kind.path == path) else {
        return Err(Refusal::not_served(method, &visit.call.path));
    };
    match (method, rest) {
        ("POST", []) => create(visit, kind),
        ("GET", []) => {
            let rows = visit.store.read_rows(kind.path, ACCOUNT);
            Answer::ok(rows.into_values().map(|row| present(visit, row)).collect())
        }
        ("GET", [id]) => {
            let document = visit.store.read(kind.path, ACCOUNT, id).ok_or_else(|| absent(kind, id))?;
            Answer::ok(present(visit, document))
        }
        ("PUT", [id]) if kind.is_replaceable => replace(visit, kind, id),
        ("DELETE", [id]) => delete(visit, kind, id),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn absent(kind: &Kind, id: &str) -> Refusal {
    Refusal::absent(format!("{} {id} not found", kind.word))
}

fn create(visit: &mut Visit<'_>, kind: &Kind) -> Outcome {
    let mut body = known(&visit.call.object()?, kind.fields);
    if !kind.name.is_empty() {
        required(&body, kind.name)?;
    }
    (kind.admit)(visit, &mut body)?;
    let natural = natural_key(kind, &body);
    if visit.find(kind.path, ACCOUNT, |other| natural_key_of(kind, other) == natural).is_some() {
        return Err(Refusal::taken(format!("{} {natural} already exists", kind.word)));
    }
    let origin = visit.born(kind.path, &natural);
    let id = origin.uuid();
    body.insert(kind.id.into(), json!(id));
    body.insert("account_id".into(), json!(visit.config.account_id));
    if !kind.is_replaceable && kind.path != "vpc-endpoints" {
        body.insert("creation_time".into(), visit.millis());
    }
    if kind.path == "vpc-endpoints" {
        body.insert(HIDDEN.into(), json!({ "made": visit.millis() }));
        body.insert("aws_endpoint_service_id".into(), json!(format!("vpce-svc-{}", origin.hex(17))));
    }
    let document = Value::Object(body);
    visit.store.put(kind.path, ACCOUNT, &id, document.clone());
    Answer::created(present(visit, document))
}

fn replace(visit: &mut Visit<'_>, kind: &Kind, id: &str) -> Outcome {
    let old = visit.store.get(kind.path, ACCOUNT, id).cloned().ok_or_else(|| absent(kind, id))?;
    let mut body = known(&visit.call.object()?, kind.fields);
    required(&body, kind.name)?;
    (kind.admit)(visit, &mut body)?;
    if body.get("region") != old.get("region") {
        return Err(Refusal::invalid("region cannot be changed"));
    }
    body.insert(kind.id.into(), json!(id));
    body.insert("account_id".into(), json!(visit.config.account_id));
    let document = Value::Object(body);
    visit.store.put(kind.path, ACCOUNT, id, document.clone());
    Answer::ok(shown(document))
}

fn delete(visit: &mut Visit<'_>, kind: &Kind, id: &str) -> Outcome {
    let document = visit.store.get(kind.path, ACCOUNT, id).cloned().ok_or_else(|| absent(kind, id))?;
    for (collection, pointer) in kind.users {
        let user = visit.find(collection, ACCOUNT, |other| {
            text(other, "status") != "DISABLED" && mentions(other.pointer(pointer), id)
        });
        if let Some((user, _)) = user {
            return Err(Refusal::conflict(format!("{} {id} is in use by {user}", kind.word)));
        }
    }
    visit.store.remove(kind.path, ACCOUNT, id);
    Answer::ok(present(visit, document))
}

fn mentions(value: Option<&Value>, id: &str) -> bool {
    match value {
        Some(Value::String(text)) => text == id,
        Some(Value::Array(items)) => items.iter().any(|item| item == id),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}

fn natural_key(kind: &Kind, body: &Map<String, Value>) -> String {
    if kind.name.is_empty() {
        let arn = body.get("aws_key_info").map_or("", |info| text(info, "key_arn"));
        let mut cases: Vec<&str> = body
            .get("use_cases")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        cases.sort_unstable();
        return format!("{arn} for {}", cases.join(","));
    }
    body.get(kind.name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn natural_key_of(kind: &Kind, document: &Value) -> String {
    document.as_object().map(|body| natural_key(kind, body)).unwrap_or_default()
}

/// A record as it is read, with the states that time brings.
fn present(visit: &Visit<'_>, mut document: Value) -> Value {
    if document.get("aws_vpc_endpoint_id").is_some() {
        let is_there = is_over(&document, "made", visit.config.durations.vpc_endpoint, visit.now);
        document["state"] = json!(if is_there { "available" } else { "pending" });
    }
    if document.get("network_name").is_some() {
        let is_used = document.get("workspace_id").is_some();
        document["vpc_status"] = json!(if is_used { "VALID" } else { "UNATTACHED" });
    }
    shown(document)
}

fn admit_credentials(visit: &Visit<'_>, body: &mut Map<String, Value>) -> Result<(), Refusal> {
    let role = body.get_mut("aws_credentials").and_then(|aws| aws.get_mut("sts_role"));
    let Some(role) = role.filter(|role| text(role, "role_arn").starts_with("arn:")) else {
        return Err(Refusal::invalid("aws_credentials.sts_role.role_arn must be the ARN of a role"));
    };
    role["external_id"] = json!(visit.config.account_id);
    Ok(())
}

fn admit_storage(_: &Visit<'_>, body: &mut Map<String, Value>) -> Result<(), Refusal> {
    match body.get("root_bucket_info").map(|info| text(info, "bucket_name")) {
        None | Some("") => Err(Refusal::invalid("Missing required field: root_bucket_info.bucket_name")),
        Some(_) => Ok(()),
    }
}

fn admit_network(visit: &Visit<'_>, body: &mut Map<String, Value>) -> Result<(), Refusal> {
    required(body, "vpc_id")?;
    let list = |key: &str| body.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (subnets, groups) = (list("subnet_ids"), list("security_group_ids"));
    if subnets.len() < 2 {
        return Err(Refusal::invalid("at least two subnets are needed"));
    }
    if groups.is_empty() || groups.len() > 5 {
        return Err(Refusal::invalid("between one and five security groups are needed"));
    }
    for (field, own) in [("/subnet_ids", &subnets), ("/security_group_ids", &groups)] {
        let shares =
            |other: &Value| own.iter().filter_map(Value::as_str).any(|id| mentions(other.pointer(field), id));
        if let Some((other, _)) = visit.find("networks", ACCOUNT, shares) {
            return Err(Refusal::conflict(format!("{field} is already used by network {other}")));
        }
    }
    if let Some(endpoints) = body.get("vpc_endpoints").and_then(Value::as_object) {
        for id in endpoints.values().filter_map(Value::as_array).flatten() {
            endpoint_exists(visit, id)?;
        }
    }
    Ok(())
}

fn endpoint_exists(visit: &Visit<'_>, id: &Value) -> Result<(), Refusal> {
    let id = id.as_str().unwrap_or_default();
    match visit.store.get("vpc-endpoints", ACCOUNT, id) {
        Some(_) => Ok(()),
        None => Err(Refusal::invalid(format!("VPC endpoint {id} does not exist"))),
    }
}

fn admit_endpoint(visit: &Visit<'_>, body: &mut Map<String, Value>) -> Result<(), Refusal> {
    required(body, "region")?;
    let aws = required(body, "aws_vpc_endpoint_id")?.to_owned();
    if visit.find("vpc-endpoints", ACCOUNT, |other| text(other, "aws_vpc_endpoint_id") == aws).is_some() {
        return Err(Refusal::taken(format!("VPC endpoint {aws} is already registered")));
    }
    let is_relay = required(body, "vpc_endpoint_name")?.contains("relay");
    let case = if is_relay { "DATAPLANE_RELAY_ACCESS" } else { "WORKSPACE_ACCESS" };
    body.insert("use_case".into(), json!(case));
    Ok(())
}

fn admit_access(visit: &Visit<'_>, body: &mut Map<String, Value>) -> Result<(), Refusal> {
    required(body, "region")?;
    body.entry("public_access_enabled").or_insert(json!(false));
    let level = body.entry("private_access_level").or_insert(json!("ACCOUNT")).clone();
    let allowed = body.get("allowed_vpc_endpoint_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    match level.as_str() {
        Some("ACCOUNT") if !allowed.is_empty() => {
            Err(Refusal::invalid("allowed_vpc_endpoint_ids goes with private_access_level ENDPOINT only"))
        }
        Some("ACCOUNT" | "ENDPOINT") => allowed.iter().try_for_each(|id| endpoint_exists(visit, id)),
        Some(_) | None => Err(Refusal::invalid("private_access_level is ACCOUNT or ENDPOINT")),
    }
}

fn admit_key(_: &Visit<'_>, body: &mut Map<String, Value>) -> Result<(), Refusal> {
    let cases = body.get("use_cases").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_case = |case: &Value| case == "MANAGED_SERVICES" || case == "STORAGE";
    if cases.is_empty() || !cases.iter().all(is_case) {
        return Err(Refusal::invalid("use_cases holds MANAGED_SERVICES, STORAGE or both"));
    }
    let is_storage = cases.iter().any(|case| case == "STORAGE");
    let Some(info) = body.get_mut("aws_key_info").and_then(Value::as_object_mut) else {
        return Err(Refusal::invalid("Missing required field: aws_key_info"));
    };
    let arn = required(info, "key_arn")?.to_owned();
    let Some(region) = arn.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)) else {
        return Err(Refusal::invalid("key_arn must be the ARN of a key"));
    };
    info.entry("key_region").or_insert(json!(region));
    if is_storage {
        info.entry("reuse_key_for_cluster_volumes").or_insert(json!(true));
    }
    Ok(())
}
