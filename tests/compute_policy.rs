//! The shipped cluster policies, held against clusters that people would try to start.

use std::path::Path;

use landfall::base::id::ScopeId;
use landfall::ops::desired::Desired;
use landfall::sandbox::compute_policy::enforce;
use serde_json::{Value, json};

fn policies() -> Vec<(String, Value)> {
    let desired = Desired::read(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the example estate is sound");
    let site: ScopeId = "site/HRB01".parse().expect("a scope");
    let resources = &desired.rendered[&site].resources;
    let of = |r: &&landfall::model::resource::Resource| r.kind.as_str() == "databricks.cluster_policy";
    resources.iter().filter(of).map(|r| (r.id.to_string(), r.spec["definition"].clone())).collect()
}

fn first<'v>(definition: &'v Value, path: &str) -> Option<&'v Value> {
    definition.get(path)?.get("values")?.get(0)
}

/// What a careful person asks for under a policy.
fn compliant(definition: &Value) -> Value {
    let mut cluster = json!({ "node_type_id": first(definition, "node_type_id"),
                              "driver_node_type_id": first(definition, "node_type_id") });
    if let Some(runtime) = first(definition, "spark_version") {
        cluster["spark_version"] = runtime.clone();
    }
    if definition["num_workers"]["type"] == "range" {
        cluster["num_workers"] = json!(2);
    }
    if definition.get("autotermination_minutes").is_some() {
        cluster["autotermination_minutes"] = json!(20);
    }
    cluster
}

fn violations(definition: &Value, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut cluster = compliant(definition);
    change(&mut cluster);
    enforce(definition.as_object().expect("an object"), &mut cluster, false)
}

#[test]
fn every_policy_accepts_a_compliant_cluster_and_tags_it() {
    let policies = policies();
    assert_eq!(policies.len(), 7, "four families outside production, three in it");
    for (id, definition) in &policies {
        let mut cluster = compliant(definition);
        let found = enforce(definition.as_object().expect("an object"), &mut cluster, false);
        assert_eq!(found, Vec::<String>::new(), "{id}");
        for tag in ["costCenter", "owner", "environment", "siteCode"] {
            assert!(cluster["custom_tags"][tag].is_string(), "{id} does not fix {tag}");
        }
        assert_eq!(cluster["custom_tags"]["siteCode"], "HRB01", "{id}");
    }
}

#[test]
fn every_policy_refuses_what_is_too_large_too_new_or_wrongly_tagged() {
    for (id, definition) in &policies() {
        let refused = |what: &str, change: fn(&mut Value)| {
            assert!(!violations(definition, change).is_empty(), "{id} accepts {what}");
        };
        refused("a large node", |c| c["node_type_id"] = json!("p4d.24xlarge"));
        refused("forty workers", |c| c["num_workers"] = json!(40));
        refused("another site's tag", |c| c["custom_tags"] = json!({ "siteCode": "MPL02" }));
        refused("an instance pool", |c| c["instance_pool_id"] = json!("pool-1"));
        if definition.get("spark_version").is_some() {
            refused("a runtime without long support", |c| c["spark_version"] = json!("17.2.x-scala2.13"));
        }
        if definition.get("autotermination_minutes").is_some() {
            refused("a cluster that never stops", |c| c["autotermination_minutes"] = json!(0));
        }
        if definition.get("data_security_mode").is_some() {
            refused("no isolation", |c| c["data_security_mode"] = json!("NONE"));
        }
    }
}
