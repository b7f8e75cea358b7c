//! Specs and differences in; bodies and paths out.

use super::*;
use crate::kind::{Ask, Assessment, assess, sample};

fn create(kind: &str, spec: Value) -> String {
    let address = Address { account_id: "acc", id: None, spec: &spec };
    create_body(sample(kind), &address, "key-1").unwrap().to_string()
}

/// The body of the update that the difference between spec and live asks for.
fn update(kind: &str, spec: Value, applied: Option<Value>, live: Value) -> String {
    let kind = sample(kind);
    let ask = Ask { desired: Some(&spec), applied: applied.as_ref(), live: Some(&live) };
    let Assessment::Differs { changes, .. } = assess(kind, &ask) else { panic!("no difference") };
    format!("{} {}", update_mask(&changes), update_body(kind, &spec, &changes, &live))
}

#[test]
fn a_create_sends_what_the_call_takes() {
    let catalog = json!({"name": "c", "owner": "g", "isolation_mode": "ISOLATED", "comment": null});
    assert_eq!(create("catalog", catalog), r#"{"name":"c"}"#);
    let budget_policy = json!({"policy_name": "p", "binding_workspace_ids": ["7"]});
    assert_eq!(
        create("budget_policy", budget_policy),
        r#"{"policy":{"binding_workspace_ids":[7],"policy_name":"p"},"request_id":"be297454-6978-8373-9e6d-6da85c4be9f3"}"#
    );
    let policy = json!({"name": "p", "definition": {"a": {"type": "fixed"}}});
    assert_eq!(
        create("cluster_policy", policy),
        r#"{"definition":"{\"a\":{\"type\":\"fixed\"}}","name":"p"}"#
    );
    let assignment = json!({"workspace_id": "7", "principal_id": 8, "permissions": ["USER"]});
    assert_eq!(create("workspace_assignment", assignment), r#"{"permissions":["USER"]}"#);
    let option = json!({"workspace_id": "7", "network_policy_id": "p"});
    assert_eq!(create("workspace_network_option", option), r#"{"network_policy_id":"p","workspace_id":7}"#);
    let settings = json!({"private_access_settings_name": "n", "region": "r"});
    assert!(create("private_access_settings", settings).contains(r#""public_access_enabled":false"#));
    let grants = json!({"securable_type": "catalog", "full_name": "c",
        "privilege_assignments": [{"principal": "Nurses", "privileges": ["use catalog"]}]});
    assert_eq!(create("grants", grants), r#"{"changes":[{"add":["USE_CATALOG"],"principal":"Nurses"}]}"#);
}

#[test]
fn updates_send_changed_fields_with_or_without_a_mask() {
    let told = update(
        "catalog",
        json!({"name": "c", "comment": "x", "owner": "g"}),
        None,
        json!({"name": "c", "owner": "me", "comment": "x"}),
    );
    assert_eq!(told, r#"owner {"owner":"g"}"#);
    let told = update(
        "catalog",
        json!({"name": "c"}),
        Some(json!({"name": "c", "comment": "x"})),
        json!({"name": "c", "comment": "x"}),
    );
    assert_eq!(told, r#"comment {"comment":""}"#, "taken away");
    let workspace = json!({"workspace_name": "w", "aws_region": "r", "network_id": "n2", "custom_tags": {"a": "1", "b": "2"}});
    let live = json!({"workspace_name": "w", "aws_region": "r", "network_id": "n1", "custom_tags": {"a": "1"}, "workspace_status": "RUNNING"});
    assert_eq!(
        update("workspace", workspace, None, live),
        r#"custom_tags,network_id {"custom_tags":{"a":"1","b":"2"},"network_id":"n2"}"#
    );
    let tag = json!({"entity_type": "catalogs", "entity_name": "c", "tag_key": "k", "tag_value": "2"});
    let mut live = tag.clone();
    live["tag_value"] = json!("1");
    assert_eq!(
        update("entity_tag_assignment", tag, None, live),
        r#"tag_value {"entity_name":"c","entity_type":"catalogs","tag_key":"k","tag_value":"2"}"#
    );
}

#[test]
fn full_updates_carry_the_ids_that_the_service_gave() {
    let alert = |threshold: &str| {
        json!({"quantity_threshold": threshold,
        "action_configurations": [{"action_type": "EMAIL_NOTIFICATION", "target": "a@x.org"}]})
    };
    let spec = json!({"display_name": "b", "alert_configurations": [alert("500"), alert("900")]});
    let mut first = alert("900.00");
    first["alert_configuration_id"] = json!("alert-900");
    first["action_configurations"][0]["action_configuration_id"] = json!("action-900");
    let mut second = alert("100");
    second["alert_configuration_id"] = json!("alert-100");
    let live =
        json!({"budget_configuration_id": "i", "display_name": "b", "alert_configurations": [first, second]});
    let body = update("budget", spec, None, live);
    let body: Value = serde_json::from_str(body.split_once(' ').unwrap().1).unwrap();
    let alerts = &body["budget"]["alert_configurations"];
    assert_eq!(body["budget"]["budget_configuration_id"], "i");
    assert_eq!(
        (&alerts[0]["quantity_threshold"], &alerts[0]["alert_configuration_id"]),
        (&json!("500"), &json!("alert-100"))
    );
    assert_eq!(
        (&alerts[1]["quantity_threshold"], &alerts[1]["alert_configuration_id"]),
        (&json!("900"), &json!("alert-900"))
    );
    assert_eq!(alerts[1]["action_configurations"][0]["action_configuration_id"], "action-900");
}

#[test]
fn deltas_say_what_to_add_and_what_to_remove() {
    let grants =
        |list: Value| json!({"securable_type": "catalog", "full_name": "c", "privilege_assignments": list});
    let spec = grants(json!([{"principal": "Nurses", "privileges": ["SELECT", "USE CATALOG"]}]));
    let live = grants(
        json!([{"principal": "nurses", "privileges": ["SELECT", "MODIFY"]}, {"principal": "eve", "privileges": ["SELECT"]}]),
    );
    assert_eq!(
        update("grants", spec, None, live.clone()),
        r#"privilege_assignments {"changes":[{"principal":"eve","remove":["SELECT"]},{"add":["USE_CATALOG"],"principal":"Nurses","remove":["MODIFY"]}]}"#
    );
    let address = Address { account_id: "acc", id: None, spec: &live };
    let gone = delete_body(sample("grants"), &address, &live).unwrap().unwrap();
    assert_eq!(
        gone.to_string(),
        r#"{"changes":[{"principal":"eve","remove":["SELECT"]},{"principal":"nurses","remove":["MODIFY","SELECT"]}]}"#
    );
    let bindings =
        |list: Value| json!({"securable_type": "catalog", "securable_name": "c", "bindings": list});
    let live = bindings(
        json!([{"workspace_id": 1, "binding_type": "BINDING_TYPE_READ_WRITE"}, {"workspace_id": 2, "binding_type": "BINDING_TYPE_READ_WRITE"}]),
    );
    let spec = bindings(json!([{"workspace_id": "2"}, {"workspace_id": "3"}]));
    assert_eq!(
        update("workspace_bindings", spec, None, live),
        r#"bindings {"add":[{"binding_type":"BINDING_TYPE_READ_WRITE","workspace_id":3}],"remove":[{"binding_type":"BINDING_TYPE_READ_WRITE","workspace_id":1}]}"#
    );
}

#[test]
fn groups_are_patched_member_by_member() {
    let spec =
        json!({"displayName": "Nurses", "externalId": "e2", "members": [{"value": "1"}, {"value": "3"}]});
    let live = json!({"id": "9", "displayName": "Nurses", "externalId": "e1", "members": [{"value": "1", "display": "x"}, {"value": "2"}]});
    assert_eq!(
        update("group", spec, None, live),
        r#"externalId,members {"Operations":[{"op":"replace","path":"externalId","value":"e2"},{"op":"add","path":"members","value":[{"value":"3"}]},{"op":"remove","path":"members[value eq \"2\"]"}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}"#
    );
}

#[test]
fn settings_go_with_the_etag_that_was_read() {
    let kind = sample("workspace_setting");
    let spec = json!({"type": "shield_csp_enablement_ws_db",
        "value": {"compliance_security_profile_workspace": {"is_enabled": true, "compliance_standards": ["HIPAA"]}}});
    let answer = json!({"etag": "e1", "setting_name": "default", "compliance_security_profile_workspace": {"is_enabled": false}});
    let read = kind.calls.read.as_ref().unwrap();
    let live = answered(kind, &spec, answer, None, read.nest.as_ref());
    assert_eq!(live["type"], "shield_csp_enablement_ws_db");
    assert_eq!(live["value"], json!({"compliance_security_profile_workspace": {"is_enabled": false}}));
    let body = update("workspace_setting", spec, None, live);
    assert_eq!(
        body,
        r#"value {"allow_missing":true,"field_mask":"compliance_security_profile_workspace.compliance_standards,compliance_security_profile_workspace.is_enabled","setting":{"compliance_security_profile_workspace":{"compliance_standards":["HIPAA"],"is_enabled":true},"etag":"e1","setting_name":"default"}}"#
    );
}

#[test]
fn values_stay_in_their_place_of_a_path() {
    let path = |template: &str, name: &str| {
        let spec = json!({"name": name});
        expand_path(template, &Address { account_id: "a/b", id: Some("i d"), spec: &spec })
            .map_err(|e| e.to_string())
    };
    assert_eq!(
        path("/x/{account_id}/{id}/{spec.name}", "a/../b?c#d%"),
        Ok("/x/a%2Fb/i%20d/a%2F..%2Fb%3Fc%23d%25".to_owned())
    );
    assert_eq!(path("/x/{+spec.name}", "sql/warehouses"), Ok("/x/sql/warehouses".to_owned()));
    assert_eq!(path("/x/{spec.name}", "é"), Ok("/x/%C3%A9".to_owned()));
    let refused = Err("`spec.name` is not a name that can stand in a path".to_owned());
    assert_eq!(path("/x/{spec.name}", ".."), refused);
    assert_eq!(path("/x/{+spec.name}", "a/../b").map_err(|e| e.replace('+', "")), refused);
    assert_eq!(path("/x/{spec.name}", "${a.b}"), Err("`spec.name` is not known yet".to_owned()));
    assert_eq!(path("/x/{spec.other}", "a"), Err("`spec.other` is missing in the spec".to_owned()));
    for bad in ["", "..", "a/b", "a\\b", "a\nb", "a?b", "a%2e", &"x".repeat(2000)] {
        assert!(!is_sane_id(bad), "{bad:?}");
    }
    assert!(is_sane_id("prod.labs") && is_sane_id("0b1c-4711"));
}

#[test]
fn filters_quote_what_they_look_for() {
    let spec = json!({"displayName": "a\" or displayName pr"});
    let list = sample("group").calls.list.as_ref().unwrap();
    let query = expand_query(&list.find, &Address { account_id: "a", id: None, spec: &spec }).unwrap();
    assert_eq!(query[0].1, r#"displayName eq "a\" or displayName pr""#);
}
