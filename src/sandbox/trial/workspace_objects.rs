//! Settings, policies and permissions.

use serde_json::{Value, json};

use super::*;

const SETTING: &str = "/api/2.0/settings/types/default_namespace_ws/names/default";

#[test]
fn a_setting_is_written_with_its_current_etag_only() {
    let mut trial = Trial::with_catalog();
    let patch = |etag: &Value| {
        json!({
            "allow_missing": true, "field_mask": "namespace.value",
            "setting": { "namespace": { "value": "prod" }, "etag": etag, "setting_name": "default" },
        })
    };
    assert_eq!(trial.get(SETTING).0, 404);
    let (status, body) = trial.pair("PATCH", SETTING, patch(&json!("")));
    assert_eq!((status, &body["error_code"]), (409, &json!("RESOURCE_CONFLICT")));
    let etag = body["details"][0]["metadata"]["etag"].clone();
    let done = trial.ok("PATCH", SETTING, patch(&etag));
    assert_eq!(done["namespace"]["value"], "prod");
    assert_eq!(trial.pair("PATCH", SETTING, patch(&etag)).0, 409, "the old etag is stale");
    trial.ok("PATCH", SETTING, patch(&done["etag"]));
}

#[test]
fn permissions_are_replaced_or_added_and_admins_are_always_shown() {
    let mut trial = Trial::with_catalog();
    let policy = json!({ "name": "p", "definition": "{}" });
    let id = trial.ok("POST", "/api/2.0/policies/clusters/create", policy.clone())["policy_id"].clone();
    let again = trial.refused("POST", "/api/2.0/policies/clusters/create", policy);
    assert_eq!(again, code(400, "INVALID_PARAMETER_VALUE"));
    let path = format!("/api/2.0/permissions/cluster-policies/{}", id.as_str().unwrap_or_default());
    let list = |group: &str| json!({ "access_control_list": [{ "group_name": group, "permission_level": "CAN_USE" }] });
    let names = |shown: Value| -> Vec<String> {
        let list = shown["access_control_list"].as_array().cloned().unwrap_or_default();
        list.iter().map(|entry| entry["group_name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(trial.ok("PUT", &path, list("users"))), ["users", "admins"]);
    assert_eq!(names(trial.ok("PATCH", &path, list("admins"))), ["admins", "users"]);
    assert_eq!(names(trial.ok("PUT", &path, json!({ "access_control_list": [] }))), ["admins"]);
    assert_eq!(trial.refused("PUT", &path, list("ghosts")).0, 404);
}
