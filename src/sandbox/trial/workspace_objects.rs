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
    let list = |group: &str| {
        let entry = json!({ "group_name": group, "permission_level": "CAN_USE" });
        json!({ "access_control_list": [entry] })
    };
    let names = |shown: Value| -> Vec<String> {
        let list = shown["access_control_list"].as_array().cloned().unwrap_or_default();
        list.iter().map(|entry| entry["group_name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(trial.ok("PUT", &path, list("users"))), ["users", "admins"]);
    assert_eq!(names(trial.ok("PATCH", &path, list("admins"))), ["admins", "users"]);
    assert_eq!(names(trial.ok("PUT", &path, json!({ "access_control_list": [] }))), ["admins"]);
    assert_eq!(trial.refused("PUT", &path, list("ghosts")).0, 404);
}

#[test]
fn the_compliance_profile_is_one_way_and_forces_what_it_needs() {
    let mut trial = Trial::with_catalog();
    let path = |kind: &str| format!("/api/2.0/settings/types/{kind}/names/default");
    let set = |trial: &mut Trial, kind: &str, field: &str, on: bool| {
        let etag = trial.get(&path(kind)).1["etag"].clone();
        let leaf = if kind == "automatic_cluster_update" { "enabled" } else { "is_enabled" };
        let setting = json!({ "etag": etag, field: { leaf: on } });
        let body =
            json!({ "allow_missing": true, "field_mask": format!("{field}.{leaf}"), "setting": setting });
        trial.call("PATCH", &path(kind), body).status
    };
    let csp = "compliance_security_profile_workspace";
    let esm = "enhanced_security_monitoring_workspace";
    assert_eq!(set(&mut trial, "shield_esm_enablement_ws_db", esm, false), 200);
    assert_eq!(set(&mut trial, "shield_csp_enablement_ws_db", csp, true), 200);
    assert_eq!(set(&mut trial, "shield_csp_enablement_ws_db", csp, false), 400);
    assert_eq!(set(&mut trial, "shield_esm_enablement_ws_db", esm, false), 400);
    assert_eq!(trial.get(&path("shield_esm_enablement_ws_db")).1[esm]["is_enabled"], true);
    let update = trial.get(&path("automatic_cluster_update")).1["automatic_cluster_update_workspace"].clone();
    assert_eq!((&update["enabled"], &update["can_toggle"]), (&json!(true), &json!(false)));
}

#[test]
fn tags_are_checked_and_counted() {
    let mut trial = Trial::with_catalog();
    let path = "/api/2.1/unity-catalog/entity-tag-assignments";
    let tag = |key: &str| json!({ "entity_type": "catalogs", "entity_name": "CAT", "tag_key": key });
    for bad in ["", " a", "a.b", "a,b", "a-b", "a=b", "a/b", "a:b"] {
        assert_eq!(trial.refused("POST", path, tag(bad)).0, 400, "{bad:?}");
    }
    for number in 0..50 {
        trial.ok("POST", path, tag(&format!("k{number}")));
    }
    assert_eq!(trial.refused("POST", path, tag("k0")), code(409, "ALREADY_EXISTS"));
    assert_eq!(trial.refused("POST", path, tag("k50")), code(400, "RESOURCE_LIMIT_EXCEEDED"));
    let change = json!({ "tag_value": "v" });
    let item = format!("{path}/catalogs/cat/tags/k0");
    assert_eq!(trial.refused("PATCH", &item, change.clone()).0, 400, "an update needs its mask");
    assert_eq!(trial.ok("PATCH", &format!("{item}?update_mask=tag_value"), change)["tag_value"], "v");
    let missing = trial.refused("GET", &format!("{path}/tables/cat.default.t/tags"), Value::Null);
    assert_eq!(missing, code(404, "TABLE_DOES_NOT_EXIST"));
}

#[test]
fn a_cluster_is_made_within_its_policy_only() {
    let mut trial = Trial::with_catalog();
    let definition = json!({
        "spark_version": { "type": "allowlist", "values": ["16.4.x-scala2.12"] },
        "custom_tags.siteCode": { "type": "fixed", "value": "HRB01" },
        "num_workers": { "type": "range", "maxValue": 6 },
    });
    let policy = json!({ "name": "p", "definition": definition.to_string() });
    let id = trial.ok("POST", "/api/2.0/policies/clusters/create", policy)["policy_id"].clone();
    let cluster = |runtime: &str, workers: u32| json!({ "cluster_name": "c", "policy_id": id, "spark_version": runtime, "num_workers": workers });
    let create = "/api/2.1/clusters/create";
    let invalid = code(400, "INVALID_PARAMETER_VALUE");
    assert_eq!(trial.refused("POST", create, cluster("16.4.x-scala2.12", 40)), invalid);
    assert_eq!(trial.refused("POST", create, cluster("17.0.x-scala2.13", 2)), invalid);
    let made = trial.ok("POST", create, cluster("16.4.x-scala2.12", 2))["cluster_id"].clone();
    let get = format!("/api/2.1/clusters/get?cluster_id={}", made.as_str().unwrap_or_default());
    assert_eq!(trial.get(&get).1["custom_tags"], json!({ "siteCode": "HRB01" }));
    trial.ok("POST", "/api/2.1/clusters/permanent-delete", json!({ "cluster_id": made }));
    assert_eq!(trial.get(&get).0, 400);
}
