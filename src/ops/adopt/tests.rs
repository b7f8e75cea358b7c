//! What is taken over, and what is refused: values in, words out.

use serde_json::json;

use super::*;
use crate::model::resource::{Origin, Resource};

fn unheld(kind: &str, spec: Value, live: Value) -> Unheld {
    let resource = Resource {
        id: "object.a".parse().unwrap(),
        kind: format!("databricks.{kind}").parse().unwrap(),
        after: Vec::new(),
        via: None,
        spec: spec.clone().into(),
        evidence: None,
        origin: Origin { pack: "p".parse().unwrap(), template: "t.toml.hbs".to_owned(), line: 1 },
    };
    let scope = "site/HRB01".parse().unwrap();
    Unheld { scope, resource, after: Vec::new(), spec, missing: Vec::new(), id: "7".to_owned(), live }
}

#[test]
fn what_counts_as_applied_is_what_was_there_where_evidence_may_hold_it() {
    let spec = json!({ "name": "c", "owner": "admins", "comment": "ours", "isolation_mode": "ISOLATED" });
    let live = json!({ "name": "c", "owner": "jane", "comment": "MRN 12345678" });
    let one = candidate(unheld("catalog", spec, live), &HeldBy::new());
    let applied = json!({ "name": "c", "owner": "jane", "comment": "ours" });
    assert_eq!(one.adopted.desired.spec, applied);
    assert_eq!(one.adopted.desired.spec_digest, Digest::of_canonical(&applied));
    assert_eq!(one.adopted.differs, ["/comment", "/isolation_mode", "/owner"]);
    assert_eq!((one.key.as_str(), one.refused), ("c", None));
    assert_eq!(String::from_utf8(one.readback).unwrap(), "{\"name\":\"c\",\"owner\":\"jane\"}\n");
}

#[test]
fn what_another_scope_holds_or_is_on_its_way_is_refused() {
    let live = |state: &str| json!({ "workspace_name": "w", "workspace_id": 7, "workspace_status": state });
    let refused = |live: Value, held: &HeldBy| {
        candidate(unheld("workspace", json!({ "workspace_name": "w" }), live), held).refused
    };
    assert_eq!(refused(live("RUNNING"), &HeldBy::new()), None);
    let waits = "it is PROVISIONING: wait until it is ready".to_owned();
    assert_eq!(refused(live("PROVISIONING"), &HeldBy::new()), Some(waits));
    let other = ("site/MPL02".parse().unwrap(), "workspace.prod".parse().unwrap());
    let held = HeldBy::from([(("databricks.workspace".parse().unwrap(), "7".to_owned()), other)]);
    assert_eq!(refused(live("RUNNING"), &held), Some("site/MPL02 holds it as workspace.prod".to_owned()));
}

#[test]
fn what_is_reached_through_an_object_that_cannot_be_taken_over_cannot_be_either() {
    let through = |step: &str, via: Option<&str>, refused: Option<&str>| {
        let spec = json!({ "name": "c" });
        let mut one = candidate(unheld("catalog", spec.clone(), spec), &HeldBy::new());
        one.step = step.parse().unwrap();
        one.adopted.desired.via = via.and_then(crate::model::via::Via::parse);
        one.refused = refused.map(str::to_owned);
        one
    };
    let mut found = [
        through("workspace.prod", None, Some("it is PROVISIONING")),
        through("catalog.a", Some("workspace.prod"), None),
        through("catalog.b", Some("workspace.dev"), None),
    ];
    refuse_unreachable(&mut found);
    let refused: Vec<Option<&str>> = found.iter().map(|one| one.refused.as_deref()).collect();
    let through_it = "it is reached through workspace.prod, which cannot be adopted";
    assert_eq!(refused, [Some("it is PROVISIONING"), Some(through_it), None]);
}
