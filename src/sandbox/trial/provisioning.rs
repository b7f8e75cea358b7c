//! Workspaces and what they are made of.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_workspace_runs_after_its_time_and_is_gone_after_its_deletion() {
    let mut trial = Trial::new(|config| config.durations = Durations::default());
    let id = trial.make_workspace("one");
    let path = format!("{A}/workspaces/{id}");
    assert_eq!(trial.get(&path).1["workspace_status"], "PROVISIONING");
    trial.use_workspace(&id);
    assert_eq!(trial.get("/api/2.0/preview/scim/v2/Me").0, 503);
    trial.pass(299_999);
    assert_eq!(trial.get(&path).1["workspace_status"], "PROVISIONING");
    trial.pass(1);
    assert_eq!(trial.get(&path).1["workspace_status"], "RUNNING");
    assert_eq!(trial.get("/api/2.0/preview/scim/v2/Me").0, 200);
    trial.ok("DELETE", &path, Value::Null);
    assert_eq!(trial.get(&path).1["workspace_status"], "CANCELLING");
    trial.pass(60_000);
    assert_eq!(trial.get(&path).0, 404);
    assert_eq!(trial.get(&format!("{A}/workspaces")).1, json!([]));
}

#[test]
fn ids_do_not_depend_on_the_order_of_calls_but_on_how_often_a_name_was_made() {
    let names = [["one", "two"], ["two", "one"]];
    let [first, second] = names.map(|names| {
        let mut trial = Trial::new(|_| {});
        names.iter().for_each(|name| drop(trial.make_workspace(name)));
        trial.core().state()
    });
    assert_eq!(first, second);
    let mut trial = Trial::new(|_| {});
    let id = trial.make_workspace("one");
    assert!(first["workspaces"]["account"].get(&id).is_some());
    trial.ok("DELETE", &format!("{A}/workspaces/{id}"), Value::Null);
    let old = trial.get(&format!("{A}/credentials")).1[0].clone();
    let again = json!({
        "workspace_name": "one", "aws_region": "us-west-2", "credentials_id": old["credentials_id"],
        "storage_configuration_id":
            trial.get(&format!("{A}/storage-configurations")).1[0]["storage_configuration_id"],
    });
    let made = trial.ok("POST", &format!("{A}/workspaces"), again);
    assert_ne!(made["workspace_id"].to_string(), id);
}

#[test]
fn required_tags_are_asked_for() {
    let mut trial = Trial::new(|config| config.required_tags = vec!["cost_center".into()]);
    let serverless = |tags: Value| {
        json!({
            "workspace_name": "w", "aws_region": "us-west-2", "compute_mode": "SERVERLESS", "custom_tags": tags,
        })
    };
    let path = format!("{A}/workspaces");
    assert_eq!(trial.refused("POST", &path, serverless(json!({}))), code(400, "INVALID_PARAMETER_VALUE"));
    trial.ok("POST", &path, serverless(json!({ "cost_center": "1" })));
}

#[test]
fn deployment_names_are_labels() {
    let mut trial = Trial::new(|_| {});
    let body = |name: &str| {
        json!({
            "workspace_name": name, "aws_region": "r", "compute_mode": "SERVERLESS", "deployment_name": name,
        })
    };
    let path = format!("{A}/workspaces");
    for bad in ["a.b", "a b", "-a", "a/b"] {
        assert_eq!(trial.refused("POST", &path, body(bad)), code(400, "INVALID_PARAMETER_VALUE"), "{bad}");
    }
    assert_eq!(trial.ok("POST", &path, body("hrb01"))["deployment_name"], "hrb01");
}
