//! Log delivery and budgets.

use serde_json::{Value, json};

use super::*;

#[test]
fn two_log_deliveries_of_a_type_are_enabled_and_none_is_ever_deleted() {
    let mut trial = Trial::new(|_| {});
    trial.make_workspace("one");
    let credentials = trial.get(&format!("{A}/credentials")).1[0]["credentials_id"].clone();
    let storage = trial.get(&format!("{A}/storage-configurations")).1[0]["storage_configuration_id"].clone();
    let path = format!("{A}/log-delivery");
    let body = |name: &str| {
        json!({ "log_delivery_configuration": {
            "config_name": name, "log_type": "AUDIT_LOGS", "output_format": "JSON",
            "credentials_id": credentials, "storage_configuration_id": storage,
        } })
    };
    let first = trial.ok("POST", &path, body("a"))["log_delivery_configuration"]["config_id"].clone();
    trial.ok("POST", &path, body("b"));
    assert_eq!(trial.refused("POST", &path, body("c")), code(400, "RESOURCE_LIMIT_EXCEEDED"));
    let item = format!("{path}/{}", first.as_str().unwrap_or_default());
    assert_eq!(trial.refused("DELETE", &item, Value::Null).0, 501);
    trial.ok("PATCH", &item, json!({ "status": "DISABLED" }));
    trial.ok("POST", &path, body("c"));
}

#[test]
fn a_budget_policy_with_the_same_request_id_is_the_same() {
    let mut trial = Trial::new(|_| {});
    let path = "/api/2.1/accounts/acc-1/budget-policies";
    let body = |request: &str| json!({ "policy": { "policy_name": "p" }, "request_id": request });
    let first = trial.ok("POST", path, body("r1"));
    assert_eq!(trial.ok("POST", path, body("r1")), first);
    assert_eq!(trial.refused("POST", path, body("r2")), code(409, "ALREADY_EXISTS"));
}
