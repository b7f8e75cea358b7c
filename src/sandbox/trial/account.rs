//! Groups, metastores and serverless networking.

use serde_json::{Value, json};

use super::*;

#[test]
fn group_members_are_a_delta_set_that_lists_leave_out() {
    let mut trial = Trial::new(|_| {});
    let groups = format!("{A}/scim/v2/Groups");
    let user = trial.ok("POST", &format!("{A}/scim/v2/Users"), json!({ "userName": "a@example.com" }));
    let id = trial.ok("POST", &groups, json!({ "displayName": "g" }))["id"].clone();
    let item = format!("{groups}/{}", id.as_str().unwrap_or_default());
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": user["id"] }] });
    for _ in 0..2 {
        trial.ok("PATCH", &item, json!({ "Operations": [add] }));
    }
    assert_eq!(trial.get(&item).1["members"], json!([{ "value": user["id"] }]));
    assert_eq!(trial.get(&groups).1["Resources"][0].get("members"), None);
    let ghost = json!({ "op": "add", "path": "members", "value": [{ "value": "1" }] });
    assert_eq!(trial.refused("PATCH", &item, json!({ "Operations": [ghost] })).0, 400);
    let (status, body) = trial.post(&groups, json!({ "displayName": "G" }));
    assert_eq!((status, &body["status"]), (409, &json!("409")), "refused in the SCIM shape");
    let person = format!("{A}/scim/v2/Users/{}", user["id"].as_str().unwrap_or_default());
    trial.ok("DELETE", &person, Value::Null);
    assert_eq!(trial.get(&item).1["members"], json!([]), "who is gone is in no group");
}

#[test]
fn a_region_has_one_metastore_and_its_root_gets_the_id() {
    let mut trial = Trial::new(|_| {});
    let path = format!("{A}/metastores");
    let body = |name: &str, region: &str| {
        let info = json!({ "name": name, "region": region, "storage_root": "s3://root/" });
        json!({ "metastore_info": info })
    };
    let made = trial.ok("POST", &path, body("m", "us-west-2"))["metastore_info"].clone();
    let id = made["metastore_id"].as_str().unwrap_or_default();
    assert_eq!(made["storage_root"], format!("s3://root/{id}"));
    assert_eq!(trial.refused("POST", &path, body("n", "us-west-2")), code(400, "QUOTA_EXCEEDED"));
    assert_eq!(trial.refused("POST", &path, body("m", "eu-west-1")), code(409, "METASTORE_ALREADY_EXISTS"));
    let workspace = trial.make_workspace("w");
    let assignment = format!("{A}/workspaces/{workspace}/metastores/{id}");
    let early =
        trial.refused("GET", &format!("{A}/workspaces/{workspace}/permissionassignments"), Value::Null);
    assert_eq!(early, code(400, "FEATURE_DISABLED"), "members come after the metastore");
    trial.ok("POST", &assignment, json!({}));
    assert_eq!(trial.refused("POST", &assignment, json!({})), code(409, "RESOURCE_ALREADY_EXISTS"));
    assert_eq!(trial.refused("DELETE", &format!("{path}/{id}"), Value::Null), code(400, "INVALID_STATE"));
    trial.ok("DELETE", &format!("{path}/{id}?force=true"), Value::Null);
    assert_eq!(trial.get(&format!("{A}/workspaces/{workspace}/metastore")).0, 404);
}

#[test]
fn the_default_network_policy_is_always_there() {
    let mut trial = Trial::new(|_| {});
    let path = format!("{A}/network-policies");
    assert_eq!(trial.get(&path).1["items"][0]["network_policy_id"], "default-policy");
    assert_eq!(trial.refused("DELETE", &format!("{path}/default-policy"), Value::Null).0, 400);
    let workspace = trial.make_workspace("w");
    let option = format!("{A}/workspaces/{workspace}/network");
    assert_eq!(trial.get(&option).1["network_policy_id"], "default-policy");
    assert_eq!(trial.refused("PUT", &option, json!({ "network_policy_id": "np" })).0, 400);
    trial.ok("POST", &path, json!({ "network_policy_id": "np" }));
    trial.ok("PUT", &option, json!({ "network_policy_id": "np" }));
    let used = trial.refused("DELETE", &format!("{path}/np"), Value::Null);
    assert_eq!(used, code(400, "INVALID_STATE"));
}

#[test]
fn a_network_is_valid_while_a_workspace_uses_it() {
    let mut trial = Trial::new(|_| {});
    let network = |name: &str, subnet: &str| {
        json!({
            "network_name": name, "vpc_id": "v", "subnet_ids": [subnet, format!("{subnet}2")],
            "security_group_ids": [format!("sg-{name}")],
        })
    };
    let path = format!("{A}/networks");
    let id = trial.ok("POST", &path, network("n", "s"))["network_id"].clone();
    assert_eq!(trial.refused("POST", &path, network("o", "s")).0, 409, "subnets are not shared");
    let body = json!({
        "workspace_name": "w", "aws_region": "r", "compute_mode": "SERVERLESS", "network_id": id,
    });
    let made = trial.ok("POST", &format!("{A}/workspaces"), body.clone());
    let item = format!("{path}/{}", id.as_str().unwrap_or_default());
    let shown = trial.get(&item).1;
    assert_eq!((&shown["vpc_status"], &shown["workspace_id"]), (&json!("VALID"), &made["workspace_id"]));
    assert_eq!(trial.refused("DELETE", &item, Value::Null), code(409, "RESOURCE_CONFLICT"));
    let mut twin = body;
    twin["workspace_name"] = json!("x");
    assert_eq!(trial.refused("POST", &format!("{A}/workspaces"), twin), code(409, "RESOURCE_CONFLICT"));
    trial.ok("DELETE", &format!("{A}/workspaces/{}", made["workspace_id"]), Value::Null);
    assert_eq!(trial.get(&item).1["vpc_status"], "UNATTACHED");
    trial.ok("DELETE", &item, Value::Null);
}
