//! Desired, applied and live in; one line per difference out.

use super::*;
use crate::kind::sample;
use serde_json::json;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// One line per change: `at: from -> to`, with `!` where it forces a replacement and `?` where it is not known.
fn told(assessment: &Assessment) -> String {
    match assessment {
        Assessment::Absent => "absent".to_owned(),
        Assessment::Matches => "matches".to_owned(),
        Assessment::Pending { state } => format!("pending {state}"),
        Assessment::Broken { state, detail } => {
            format!("broken {state}: {}", detail.as_deref().unwrap_or("-"))
        }
        Assessment::Differs { changes, replace, only_after_create } => {
            let shown = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
            let line = |c: &FieldChange| {
                let to = c.known_after.as_ref().map_or(shown(&c.to), |step| format!("?{step}"));
                let force = if c.forces_replacement { "!" } else { "" };
                format!("{}: {} -> {to}{force}", c.at, shown(&c.from))
            };
            let mut lines: Vec<String> = changes.iter().map(line).collect();
            assert_eq!(*replace, changes.iter().any(|change| change.forces_replacement));
            if *only_after_create {
                lines.push("(after create)".to_owned());
            }
            lines.join("; ")
        }
    }
}

/// Desired against live, nothing applied before.
fn diff(kind: &str, desired: &str, live: &str) -> String {
    let (desired, live) = (value(desired), value(live));
    told(&assess(sample(kind), &Ask { desired: Some(&desired), applied: None, live: Some(&live) }))
}

#[test]
fn server_fields_and_spelling_are_no_difference() {
    let cases = [
        (
            "catalog",
            r#"{"name":"Prod","storage_root":"s3://b/x/"}"#,
            r#"{"name":"prod","storage_root":"s3://b/x","created_at":1,"owner":"me","properties":{"a":"b"}}"#,
        ),
        (
            "metastore",
            r#"{"name":"m","region":"r","storage_root":"s3://b/root"}"#,
            r#"{"name":"m","region":"r","storage_root":"s3://b/root/0b1c","cloud":"aws"}"#,
        ),
        ("schema", r#"{"catalog_name":"c","name":"S","comment":""}"#, r#"{"catalog_name":"C","name":"s"}"#),
        (
            "network",
            r#"{"network_name":"n","vpc_id":"v","subnet_ids":["b","a"],"security_group_ids":["s"]}"#,
            r#"{"network_name":"n","vpc_id":"v","subnet_ids":["a","b"],"security_group_ids":["s"],
             "vpc_endpoints":{},"vpc_status":"BROKEN"}"#,
        ),
        (
            "storage_credential",
            r#"{"name":"c","aws_iam_role":{"role_arn":"r"},"skip_validation":true}"#,
            r#"{"name":"c","aws_iam_role":{"role_arn":"r","external_id":"e"}}"#,
        ),
        (
            "log_delivery",
            r#"{"config_name":"c","log_type":"AUDIT_LOGS","output_format":"JSON",
             "credentials_id":"a","storage_configuration_id":"b"}"#,
            r#"{"config_name":"c","log_type":"AUDIT_LOGS","output_format":"JSON",
             "credentials_id":"a","storage_configuration_id":"b","status":"ENABLED"}"#,
        ),
        (
            "cluster_policy",
            r#"{"name":"p","definition":{"b":{"type":"fixed","value":1},"a":{}}}"#,
            r#"{"name":"p","definition":"{\"a\": {}, \"b\": {\"value\": 1, \"type\": \"fixed\"}}"}"#,
        ),
        (
            "workspace_network_option",
            r#"{"workspace_id":"7","network_policy_id":"p"}"#,
            r#"{"workspace_id":7,"network_policy_id":"p"}"#,
        ),
    ];
    for (kind, desired, live) in cases {
        assert_eq!(diff(kind, desired, live), "matches", "{kind}");
    }
}

#[test]
fn each_rule_says_what_a_change_costs() {
    let cases = [
        (
            "catalog",
            r#"{"name":"c","comment":"new"}"#,
            r#"{"name":"c","comment":"old"}"#,
            r#"/comment: "old" -> "new""#,
        ),
        (
            "catalog",
            r#"{"name":"c","storage_root":"s3://b"}"#,
            r#"{"name":"c","storage_root":"s3://a"}"#,
            r#"/storage_root: "s3://a" -> "s3://b"!"#,
        ),
        (
            "catalog",
            r#"{"name":"c","owner":"g","isolation_mode":"ISOLATED"}"#,
            r#"{"name":"c","owner":"me","isolation_mode":"OPEN"}"#,
            r#"/isolation_mode: "OPEN" -> "ISOLATED"; /owner: "me" -> "g"; (after create)"#,
        ),
        (
            "catalog",
            r#"{"name":"c","owner":"g","comment":"x"}"#,
            r#"{"name":"c","owner":"me"}"#,
            r#"/comment: nothing -> "x"; /owner: "me" -> "g""#,
        ),
        (
            "metastore",
            r#"{"name":"m","region":"r","storage_root":"s3://b/root"}"#,
            r#"{"name":"m","region":"r","storage_root":"s3://b/roots/1"}"#,
            r#"/storage_root: "s3://b/roots/1" -> "s3://b/root"!"#,
        ),
        (
            "credentials",
            r#"{"credentials_name":"c","aws_credentials":{"sts_role":{"role_arn":"b"}}}"#,
            r#"{"credentials_name":"c","aws_credentials":{"sts_role":{"role_arn":"a"}}}"#,
            r#"/aws_credentials/sts_role/role_arn: "a" -> "b"!"#,
        ),
        (
            "external_location",
            r#"{"name":"l","url":"s3://b/","credential_name":"c","read_only":false}"#,
            r#"{"name":"l","url":"s3://b","credential_name":"c","read_only":true}"#,
            "/read_only: true -> false",
        ),
        (
            "cluster_policy",
            r#"{"name":"p","definition":{"a":1}}"#,
            r#"{"name":"p","definition":"{\"a\":1,\"b\":2}"}"#,
            r#"/definition: {"a":1,"b":2} -> {"a":1}"#,
        ),
    ];
    for (kind, desired, live, expected) in cases {
        assert_eq!(diff(kind, desired, live), expected, "{kind}");
    }
}

#[test]
fn a_change_says_why() {
    let reason = |kind: &str, desired: &str, live: &str| {
        let (desired, live) = (value(desired), value(live));
        match assess(sample(kind), &Ask { desired: Some(&desired), applied: None, live: Some(&live) }) {
            Assessment::Differs { changes, .. } => changes[0].reason.clone(),
            other => told(&other),
        }
    };
    let cases = [
        ("catalog", r#"{"name":"c","comment":"x"}"#, r#"{"name":"c"}"#, "the spec asks for it"),
        (
            "catalog",
            r#"{"name":"c","storage_root":"s3://b"}"#,
            r#"{"name":"c"}"#,
            "managed storage cannot move; a slash at the end does not count",
        ),
        (
            "vpc_endpoint",
            r#"{"region":"a"}"#,
            r#"{"region":"b","state":"available"}"#,
            "a VPC endpoint registration cannot be changed once it is made",
        ),
    ];
    for (kind, desired, live, expected) in cases {
        assert_eq!(reason(kind, desired, live), expected);
    }
}

#[test]
fn sets_compare_as_sets_and_extra_entries_count() {
    let grants = |list: &str| {
        format!(r#"{{"securable_type":"catalog","full_name":"c","privilege_assignments":{list}}}"#)
    };
    let desired = grants(r#"[{"principal":"Nurses","privileges":["USE CATALOG","SELECT"]}]"#);
    let same = grants(r#"[{"principal":"nurses","privileges":["SELECT","USE_CATALOG"]}]"#);
    assert_eq!(diff("grants", &desired, &same), "matches");
    let twice = grants(r#"[{"principal":"nurses","privileges":["SELECT","USE CATALOG","USE_CATALOG"]}]"#);
    assert_eq!(diff("grants", &twice, &same), "matches");
    let extra = grants(
        r#"[{"principal":"nurses","privileges":["SELECT","USE_CATALOG"]},{"principal":"eve","privileges":["SELECT"]}]"#,
    );
    assert!(diff("grants", &desired, &extra).starts_with(r#"/privilege_assignments: [{"principal":"eve""#));
    let more = grants(r#"[{"principal":"nurses","privileges":["SELECT","USE_CATALOG","MODIFY"]}]"#);
    assert!(diff("grants", &desired, &more).contains("MODIFY"));
}

#[test]
fn bindings_take_ids_as_text_or_number_and_know_their_default() {
    let spec =
        |list: &str| format!(r#"{{"securable_type":"catalog","securable_name":"c","bindings":{list}}}"#);
    let live = spec(r#"[{"workspace_id":7,"binding_type":"BINDING_TYPE_READ_WRITE"}]"#);
    assert_eq!(diff("workspace_bindings", &spec(r#"[{"workspace_id":"7"}]"#), &live), "matches");
    let other = spec(r#"[{"workspace_id":"7","binding_type":"BINDING_TYPE_READ_ONLY"}]"#);
    assert!(diff("workspace_bindings", &other, &live).starts_with("/bindings: "));
}

#[test]
fn inherited_permissions_and_administrators_do_not_count() {
    let spec = |list: &str| {
        format!(r#"{{"object_type":"cluster-policies","object_id":"p","access_control_list":{list}}}"#)
    };
    let live = |name: &str, inherited: bool| {
        let line = json!({"group_name": name, "display_name": "x",
            "all_permissions": [{"permission_level": "CAN_USE", "inherited": inherited}]});
        line.to_string()
    };
    let desired = spec(r#"[{"group_name":"Nurses","permission_level":"CAN_USE"}]"#);
    let built_in = live("admins", false);
    let shown = spec(&format!("[{},{},{built_in}]", live("eve", true), live("nurses", false)));
    assert_eq!(diff("permissions", &desired, &shown), "matches");
    let shown = spec(&format!("[{},{}]", live("eve", false), live("nurses", false)));
    assert!(diff("permissions", &desired, &shown).contains("eve"));
}

#[test]
fn budget_thresholds_are_decimals() {
    let spec = |threshold: &str, id: &str| {
        format!(
            r#"{{"display_name":"b","alert_configurations":[{{"quantity_threshold":"{threshold}"{id},
            "action_configurations":[{{"action_type":"EMAIL_NOTIFICATION","target":"A@x.org"}}]}}]}}"#
        )
    };
    let live = spec(
        "1000.000000",
        r#","alert_configuration_id":"i","time_period":"MONTH",
        "trigger_type":"CUMULATIVE_SPENDING_EXCEEDED","quantity_type":"LIST_PRICE_DOLLARS_USD""#,
    );
    assert_eq!(diff("budget", &spec("1000", ""), &live), "matches");
    assert!(diff("budget", &spec("1000.5", ""), &live).starts_with("/alert_configurations: "));
}

#[test]
fn fields_that_are_no_longer_named_are_taken_away_where_the_kind_can() {
    let three_way = |kind: &str, desired: &str, applied: &str, live: &str| {
        let (desired, applied, live) = (value(desired), value(applied), value(live));
        let ask = Ask { desired: Some(&desired), applied: Some(&applied), live: Some(&live) };
        told(&assess(sample(kind), &ask))
    };
    let c = r#"{"name":"c"}"#;
    let commented = r#"{"name":"c","comment":"x"}"#;
    assert_eq!(three_way("catalog", c, commented, commented), r#"/comment: "x" -> nothing"#);
    assert_eq!(three_way("catalog", c, commented, r#"{"name":"c","comment":""}"#), "matches");
    assert_eq!(three_way("catalog", c, c, commented), "matches", "a comment of somebody else");
    let owned = r#"{"name":"c","owner":"g"}"#;
    assert_eq!(three_way("catalog", c, owned, owned), "matches", "an owner cannot be taken away");
    let tags = r#"{"name":"c","properties":{"a":"1","b":"2"}}"#;
    let fewer = r#"{"name":"c","properties":{"a":"1"}}"#;
    assert_eq!(three_way("catalog", fewer, tags, tags), r#"/properties/b: "2" -> nothing"#);
    assert_eq!(three_way("catalog", fewer, fewer, tags), "matches", "a property of the service");
    let managed = r#"{"name":"c","properties":{"unity.catalog.managed.x":"1"}}"#;
    assert_eq!(three_way("catalog", c, fewer, tags), r#"/properties/a: "1" -> nothing"#);
    assert_eq!(three_way("catalog", c, fewer, managed), "matches", "the service keeps its own properties");
    let workspace = r#"{"workspace_name":"w","aws_region":"r","workspace_status":"RUNNING"}"#;
    let tagged = workspace.replace('}', r#","custom_tags":{"a":"1"}}"#);
    assert_eq!(three_way("workspace", workspace, &tagged, &tagged), "matches", "tags cannot all be removed");
    let policy = r#"{"name":"p","max_clusters_per_user":2}"#;
    assert_eq!(
        three_way("cluster_policy", r#"{"name":"p"}"#, policy, policy),
        "/max_clusters_per_user: 2 -> nothing"
    );
}

#[test]
fn unknown_values_are_no_difference_by_themselves() {
    let spec = r#"{"workspace_name":"w","aws_region":"r","network_id":"${network.main.network_id}"}"#;
    let running = |rest: &str| {
        format!(r#"{{"workspace_name":"w","aws_region":"r","workspace_status":"RUNNING"{rest}}}"#)
    };
    assert_eq!(diff("workspace", spec, &running(r#","network_id":"n-1""#)), "matches");
    assert_eq!(diff("workspace", spec, &running("")), "/network_id: nothing -> ?network.main.network_id");
    let net = |ids: &str| {
        format!(r#"{{"network_name":"n","vpc_id":"v","subnet_ids":{ids},"security_group_ids":["s"]}}"#)
    };
    assert_eq!(diff("network", &net(r#"["a","${subnet.b.id}"]"#), &net(r#"["a","b"]"#)), "matches");
    let differs = diff("network", &net(r#"["c","${subnet.b.id}"]"#), &net(r#"["a","b"]"#));
    assert_eq!(differs, r#"/subnet_ids: ["a","b"] -> ?subnet.b.id!"#);
}

#[test]
fn states_come_before_differences() {
    let desired = r#"{"workspace_name":"w","aws_region":"r"}"#;
    let live = |state: &str| {
        format!(
            r#"{{"workspace_name":"w","aws_region":"x","workspace_status":"{state}","workspace_status_message":"why"}}"#
        )
    };
    assert_eq!(diff("workspace", desired, &live("PROVISIONING")), "pending PROVISIONING");
    assert_eq!(diff("workspace", desired, &live("FAILED")), "broken FAILED: why");
    assert_eq!(diff("workspace", desired, r#"{"workspace_name":"w"}"#), "pending not shown");
    assert!(diff("workspace", desired, &live("RUNNING")).starts_with("/aws_region"));
    let endpoint = r#"{"vpc_endpoint_name":"e","aws_vpc_endpoint_id":"v","region":"r"}"#;
    let with_state = endpoint.replace('}', r#","state":"Available"}"#);
    assert_eq!(diff("vpc_endpoint", endpoint, &with_state), "matches");
}

#[test]
fn what_should_be_gone() {
    let gone = |kind: &str, live: Option<&str>| {
        let live = live.map(value);
        told(&assess(sample(kind), &Ask { desired: None, applied: None, live: live.as_ref() }))
    };
    assert_eq!(gone("catalog", None), "absent");
    assert_eq!(gone("catalog", Some(r#"{"name":"c","comment":"PHI?"}"#)), r#": {"name":"c"} -> nothing"#);
    assert_eq!(gone("workspace", Some(r#"{"workspace_status":"CANCELLING"}"#)), "pending CANCELLING");
    assert_eq!(gone("log_delivery", Some(r#"{"status":"DISABLED"}"#)), "absent");
    assert_eq!(gone("grants", Some(r#"{"privilege_assignments":[]}"#)), "absent");
    assert_eq!(gone("grants", Some("{}")), "absent");
    assert_eq!(gone("workspace_network_option", Some(r#"{"network_policy_id":"default-policy"}"#)), "absent");
    assert_eq!(gone("workspace_setting", Some(r#"{"type":"x","value":{}}"#)), "absent");
}

#[test]
fn a_disabled_delivery_is_enabled_again() {
    let spec = r#"{"config_name":"c","log_type":"AUDIT_LOGS","output_format":"JSON","credentials_id":"a",
        "storage_configuration_id":"b"}"#;
    let live = spec.replace('}', r#","status":"DISABLED"}"#);
    assert_eq!(diff("log_delivery", spec, &live), r#"/status: "DISABLED" -> "ENABLED""#);
}

#[test]
fn what_always_exists_counts_as_absent_while_it_holds_nothing() {
    let grants = sample("grants");
    assert!(!exists(grants, &json!({"privilege_assignments": []})));
    assert!(exists(grants, &json!({"privilege_assignments": [{"principal": "p"}]})));
    assert!(exists(sample("catalog"), &json!({})));
    let nothing = json!({"securable_type": "catalog", "full_name": "c", "privilege_assignments": []});
    assert_eq!(
        assess(grants, &Ask { desired: Some(&nothing), applied: None, live: None }),
        Assessment::Matches
    );
}
