//! Log delivery, budgets and budget policies.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::provisioning::LOG_DELIVERY;
use super::visit::{ACCOUNT, Visit, known, required, shown, text, unwrapped};

const BUDGETS: &str = "budgets";
const POLICIES: &str = "budget_policies";
const BUDGET_FIELDS: &[&str] =
    &["display_name", "filter", "alert_configurations", "resource_type", "include_external_spend"];
const POLICY_FIELDS: &[&str] = &["policy_name", "custom_tags", "binding_workspace_ids"];
const RESERVED_TAGS: &[&str] = &["budget-policy-name", "budget-policy-id", "budget-policy-resolution-result"];
const POLICY_TAGS_MAX: usize = 20;
const LOG_FIELDS: &[&str] = &[
    "config_name",
    "log_type",
    "output_format",
    "credentials_id",
    "storage_configuration_id",
    "delivery_path_prefix",
    "delivery_start_time",
    "workspace_ids_filter",
    "status",
];
/// Enabled configurations of one log type for the whole account.
const ENABLED_MAX: usize = 2;

/// Serves `A/log-delivery…`. Nothing is ever deleted there.
pub(super) fn log_delivery(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create_delivery(visit),
        ("GET", []) => {
            let query = visit.call.query.clone();
            let asked = ["credentials_id", "storage_configuration_id", "status"];
            let mut rows = visit.store.read_rows(LOG_DELIVERY, ACCOUNT);
            rows.retain(|_, row| {
                asked.iter().all(|key| query.get(*key).is_none_or(|value| text(row, key) == value))
            });
            Answer::ok(
                visit.page(rows, "page_size", false)?.map(shown).into_body("log_delivery_configurations"),
            )
        }
        ("GET", [id]) => {
            let found = visit.store.read(LOG_DELIVERY, ACCOUNT, id).ok_or_else(|| no_delivery(id))?;
            Answer::ok(json!({ "log_delivery_configuration": shown(found) }))
        }
        ("PATCH", [id]) => {
            let mut document =
                visit.store.get(LOG_DELIVERY, ACCOUNT, id).cloned().ok_or_else(|| no_delivery(id))?;
            let body = visit.call.object()?;
            if body.keys().any(|key| key != "status") {
                return Err(Refusal::invalid("only the status of a log delivery can be changed"));
            }
            let status = required(&body, "status")?;
            if !matches!(status, "ENABLED" | "DISABLED") {
                return Err(Refusal::invalid("status is ENABLED or DISABLED"));
            }
            if status == "ENABLED" && text(&document, "status") != "ENABLED" {
                check_room(visit, &document)?;
            }
            document["status"] = json!(status);
            document["update_time"] = visit.millis();
            visit.store.put(LOG_DELIVERY, ACCOUNT, id, document);
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn no_delivery(id: &str) -> Refusal {
    Refusal::absent(format!("log delivery configuration {id} not found"))
}

fn create_delivery(visit: &mut Visit<'_>) -> Outcome {
    let wrapped = unwrapped(&visit.call.object()?, "log_delivery_configuration")?;
    let mut body = known(&wrapped, LOG_FIELDS);
    let kind = required(&body, "log_type")?.to_owned();
    match (kind.as_str(), required(&body, "output_format")?) {
        ("AUDIT_LOGS", "JSON") | ("BILLABLE_USAGE", "CSV") => {}
        _ => return Err(Refusal::invalid("AUDIT_LOGS go with JSON, BILLABLE_USAGE with CSV")),
    }
    for (field, collection) in
        [("credentials_id", "credentials"), ("storage_configuration_id", "storage-configurations")]
    {
        let id = required(&body, field)?;
        if visit.store.get(collection, ACCOUNT, id).is_none() {
            return Err(Refusal::invalid(format!("{field} {id} does not exist")));
        }
    }
    body.entry("status").or_insert(json!("ENABLED"));
    body.entry("config_name").or_insert(json!(""));
    let name = body["config_name"].as_str().unwrap_or_default().to_owned();
    let natural = format!("{kind}/{name}");
    let candidate = Value::Object(body.clone());
    if text(&candidate, "status") == "ENABLED" {
        check_room(visit, &candidate)?;
    }
    let id = visit.born(LOG_DELIVERY, &natural).uuid();
    body.insert("config_id".into(), json!(id));
    body.insert("account_id".into(), json!(visit.config.account_id));
    body.insert("creation_time".into(), visit.millis());
    body.insert("update_time".into(), visit.millis());
    body.insert(
        "log_delivery_status".into(),
        json!({ "status": "CREATED", "message": "Log delivery was set up and waits for its first delivery." }),
    );
    let document = Value::Object(body);
    visit.store.put(LOG_DELIVERY, ACCOUNT, &id, document.clone());
    Answer::ok(json!({ "log_delivery_configuration": document }))
}

/// Two enabled configurations per log type for the account, and two per workspace named in a filter.
fn check_room(visit: &Visit<'_>, wanted: &Value) -> Result<(), Refusal> {
    let filter =
        |row: &Value| row.get("workspace_ids_filter").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = filter(wanted);
    let collides = |row: &Value| {
        let other = filter(row);
        match own.is_empty() {
            true => other.is_empty(),
            false => own.iter().any(|id| other.contains(id)),
        }
    };
    let enabled = visit
        .store
        .rows(LOG_DELIVERY, ACCOUNT)
        .filter(|(_, row)| text(row, "status") == "ENABLED")
        .filter(|(_, row)| text(row, "log_type") == text(wanted, "log_type") && collides(row))
        .count();
    if enabled >= ENABLED_MAX {
        let kind = text(wanted, "log_type");
        return Err(Refusal::new(
            400,
            "RESOURCE_LIMIT_EXCEEDED",
            format!("at most {ENABLED_MAX} enabled configurations of {kind} are allowed"),
        ));
    }
    Ok(())
}

fn no_budget(id: &str) -> Refusal {
    Refusal::new(404, "NOT_FOUND", format!("budget {id} does not exist"))
}

/// Serves `A21/budgets…`.
pub(super) fn budgets(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => {
            let mut body = known(&unwrapped(&visit.call.object()?, "budget")?, BUDGET_FIELDS);
            let name = check_budget(&body)?;
            if visit.find(BUDGETS, ACCOUNT, |other| text(other, "display_name") == name).is_some() {
                return Err(Refusal::taken(format!("budget {name} already exists")));
            }
            let id = visit.born(BUDGETS, &name).uuid();
            number_alerts(visit, &id, &mut body);
            body.insert("create_time".into(), visit.millis());
            put_budget(visit, &id, body)
        }
        ("GET", []) => {
            let rows = visit.store.read_rows(BUDGETS, ACCOUNT);
            Answer::ok(visit.page(rows, "page_size", false)?.map(shown).into_body("budgets"))
        }
        ("GET", [id]) => {
            let found = visit.store.read(BUDGETS, ACCOUNT, id).ok_or_else(|| no_budget(id))?;
            Answer::ok(json!({ "budget": shown(found) }))
        }
        ("PUT", [id]) => {
            let old = visit.store.get(BUDGETS, ACCOUNT, id).cloned().ok_or_else(|| no_budget(id))?;
            let mut body = known(&unwrapped(&visit.call.object()?, "budget")?, BUDGET_FIELDS);
            check_budget(&body)?;
            check_alert_ids(&old, &body)?;
            number_alerts(visit, id, &mut body);
            body.insert("create_time".into(), old["create_time"].clone());
            put_budget(visit, id, body)
        }
        ("DELETE", [id]) => {
            visit.store.remove(BUDGETS, ACCOUNT, id).ok_or_else(|| no_budget(id))?;
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn check_budget(body: &Map<String, Value>) -> Result<String, Refusal> {
    let name = required(body, "display_name")?;
    if name.len() > 128 {
        return Err(Refusal::invalid("display_name is longer than 128 characters"));
    }
    for alert in alerts(body) {
        let threshold = text(alert, "quantity_threshold");
        let is_decimal = !threshold.is_empty()
            && threshold.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && threshold.bytes().filter(|byte| *byte == b'.').count() <= 1;
        if !is_decimal {
            return Err(Refusal::invalid("quantity_threshold must be a decimal number"));
        }
    }
    if alerts(body).is_empty() {
        return Err(Refusal::invalid("at least one alert configuration is needed"));
    }
    Ok(name.to_owned())
}

fn alerts(body: &Map<String, Value>) -> Vec<&Value> {
    body.get("alert_configurations").and_then(Value::as_array).into_iter().flatten().collect()
}

/// An update must carry the alert ids that the server gave.
fn check_alert_ids(old: &Value, body: &Map<String, Value>) -> Result<(), Refusal> {
    let old = old.get("alert_configurations").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_known = |id: &str| old.iter().any(|alert| text(alert, "alert_configuration_id") == id);
    for alert in alerts(body) {
        let id = text(alert, "alert_configuration_id");
        if !is_known(id) {
            return Err(Refusal::invalid("every alert must carry its alert_configuration_id"));
        }
    }
    Ok(())
}

fn number_alerts(visit: &Visit<'_>, budget: &str, body: &mut Map<String, Value>) {
    let list = body.get_mut("alert_configurations").and_then(Value::as_array_mut);
    for (place, alert) in list.into_iter().flatten().enumerate() {
        let own = visit.origin("alert", budget, place as u64).uuid();
        let threshold = trailing_zeros(text(alert, "quantity_threshold"));
        alert["quantity_threshold"] = json!(threshold);
        if text(alert, "alert_configuration_id").is_empty() {
            alert["alert_configuration_id"] = json!(own);
        }
        let actions = alert.get_mut("action_configurations").and_then(Value::as_array_mut);
        for (place, action) in actions.into_iter().flatten().enumerate() {
            if text(action, "action_configuration_id").is_empty() {
                let id = visit.origin("action", &own, place as u64).uuid();
                action["action_configuration_id"] = json!(id);
            }
        }
    }
}

/// `100` and `100.5` come back as `100.0000000000` and `100.5000000000`.
fn trailing_zeros(threshold: &str) -> String {
    let (whole, fraction) = threshold.split_once('.').unwrap_or((threshold, ""));
    format!("{whole}.{fraction:0<10}")
}

fn put_budget(visit: &mut Visit<'_>, id: &str, mut body: Map<String, Value>) -> Outcome {
    body.insert("budget_configuration_id".into(), json!(id));
    body.insert("account_id".into(), json!(visit.config.account_id));
    body.insert("update_time".into(), visit.millis());
    let document = Value::Object(body);
    visit.store.put(BUDGETS, ACCOUNT, id, document.clone());
    Answer::ok(json!({ "budget": document }))
}

fn no_policy(id: &str) -> Refusal {
    Refusal::new(404, "NOT_FOUND", format!("budget policy {id} does not exist"))
}

/// Serves `A21/budget-policies…`.
pub(super) fn policies(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create_policy(visit),
        ("GET", []) => {
            let rows = visit.store.read_rows(POLICIES, ACCOUNT);
            Answer::ok(visit.page(rows, "page_size", false)?.map(shown).into_body("policies"))
        }
        ("GET", [id]) => {
            Answer::ok(shown(visit.store.read(POLICIES, ACCOUNT, id).ok_or_else(|| no_policy(id))?))
        }
        ("PATCH", [id]) => {
            let mut document =
                visit.store.get(POLICIES, ACCOUNT, id).cloned().ok_or_else(|| no_policy(id))?;
            let body = known(&visit.call.object()?, POLICY_FIELDS);
            if let Some(object) = document.as_object_mut() {
                object.extend(body);
                check_policy(visit, object, id)?;
            }
            visit.store.put(POLICIES, ACCOUNT, id, document.clone());
            Answer::ok(shown(document))
        }
        ("DELETE", [id]) => {
            visit.store.remove(POLICIES, ACCOUNT, id).ok_or_else(|| no_policy(id))?;
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// The same `request_id` gives the same policy again.
fn create_policy(visit: &mut Visit<'_>) -> Outcome {
    let whole = visit.call.object()?;
    let body = known(&unwrapped(&whole, "policy")?, POLICY_FIELDS);
    let request = whole.get("request_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_again =
        |other: &Value| !request.is_empty() && other.pointer("/_/request_id") == Some(&json!(request));
    if let Some((_, twin)) = visit.find(POLICIES, ACCOUNT, is_again) {
        return Answer::ok(shown(twin));
    }
    check_policy(visit, &body, "")?;
    let name = required(&body, "policy_name")?.to_owned();
    let id = visit.born(POLICIES, &name).uuid();
    let mut body = body;
    body.insert("policy_id".into(), json!(id));
    body.insert("_".into(), json!({ "request_id": request }));
    let document = Value::Object(body);
    visit.store.put(POLICIES, ACCOUNT, &id, document.clone());
    Answer::ok(shown(document))
}

fn check_policy(visit: &Visit<'_>, body: &Map<String, Value>, own: &str) -> Result<(), Refusal> {
    let name = required(body, "policy_name")?;
    if name.chars().any(|letter| u32::from(letter) > 0xff) {
        return Err(Refusal::invalid("policy_name has letters outside ISO-8859-1"));
    }
    let is_twin = |other: &Value| text(other, "policy_name") == name && text(other, "policy_id") != own;
    if visit.find(POLICIES, ACCOUNT, is_twin).is_some() {
        return Err(Refusal::new(409, "ALREADY_EXISTS", format!("budget policy {name} already exists")));
    }
    let tags = body.get("custom_tags").and_then(Value::as_array).cloned().unwrap_or_default();
    if tags.len() > POLICY_TAGS_MAX {
        return Err(Refusal::invalid(format!("more than {POLICY_TAGS_MAX} custom tags")));
    }
    if let Some(tag) = tags.iter().find(|tag| RESERVED_TAGS.contains(&text(tag, "key"))) {
        return Err(Refusal::invalid(format!("tag key {} is reserved", text(tag, "key"))));
    }
    let has = |key: &String| tags.iter().any(|tag| text(tag, "key") == key);
    match visit.config.required_tags.iter().find(|key| !has(key)) {
        Some(key) => Err(Refusal::invalid(format!("custom tag {key} is required"))),
        None => Ok(()),
    }
}
