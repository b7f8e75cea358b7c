//! Graphs from small declarations: text in, text out.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::id::{KindName, PackName};
use crate::model::resource::{Check, Expectation, Origin};
use serde_json::{Value, json};

fn id(text: &str) -> StepId {
    StepId::new(text).unwrap()
}

fn origin() -> Origin {
    Origin { pack: PackName::new("p").unwrap(), template: "t.toml.hbs".into(), line: 1 }
}

fn resource(name: &str, spec: Value) -> Resource {
    let kind = KindName::new("databricks.catalog").unwrap();
    Resource {
        id: id(name),
        kind,
        after: Vec::new(),
        via: None,
        spec: spec.into(),
        evidence: None,
        origin: origin(),
    }
}

fn found() -> Found {
    Found {
        operation: Operation::Create,
        changes: Vec::new(),
        seen: None,
        id: None,
        reversal: Reversal::Reversible,
        limits: StepLimits {
            call_timeout: Millis(1),
            attempts_max: 1,
            poll_every: Millis(1),
            ready_within: Millis(1),
            expected: crate::base::time::Millis(0),
        },
    }
}

fn plan_of(
    resources: &[Resource],
    checks: &[ChecklistStep],
    leftovers: &[Leftover],
) -> Result<ScopePlan, Cycle> {
    let found: BTreeMap<StepId, Found> = resources.iter().map(|r| (r.id.clone(), found())).collect();
    let parts = Parts {
        scope: &ScopeId::Account,
        needs: &BTreeSet::new(),
        resources,
        checks,
        leftovers,
        call_timeout: Millis(5),
    };
    scope_plan(parts, found)
}

fn edges(plan: &ScopePlan) -> Vec<String> {
    let of = |(id, step): (&StepId, &PlannedStep)| -> Vec<String> {
        step.after.iter().map(|(b, why)| format!("{id} <- {b} {why:?}")).collect()
    };
    plan.steps.iter().flat_map(of).collect()
}

#[test]
fn references_via_and_after_make_edges_with_reasons() {
    let mut schema =
        resource("schema.a", json!({"catalog_name": "${catalog.a.name}", "root": "${region:x.y}"}));
    schema.via = Some(id("workspace.prod").into());
    schema.after = vec![id("catalog.b")];
    let check = ChecklistStep {
        id: id("check.a"),
        title: "it is there".into(),
        after: Vec::new(),
        action: Action::Check(Check {
            read: id("schema.a"),
            expect: vec![Expectation {
                at: "/owner".into(),
                equals: Some(json!("${catalog.b.owner}")),
                one_of: None,
                present: None,
            }],
        }),
        evidence: None,
        origin: origin(),
    };
    let others = ["catalog.a", "catalog.b", "workspace.prod"].map(|name| resource(name, json!({})));
    let plan = plan_of(&[vec![schema], others.to_vec()].concat(), &[check], &[]).unwrap();
    assert_eq!(
        edges(&plan),
        [
            r#"check.a <- catalog.b Reference("/expect/0")"#,
            "check.a <- schema.a Reads",
            r#"schema.a <- catalog.a Reference("/catalog_name")"#,
            "schema.a <- catalog.b Declared",
            "schema.a <- workspace.prod Via",
        ]
    );
    let order: Vec<&str> = order(&plan).unwrap().iter().map(|id| id.as_str()).collect();
    assert_eq!(order, ["catalog.a", "catalog.b", "workspace.prod", "schema.a", "check.a"]);
    let path: Vec<&str> = critical_path(&plan, |_| 1).iter().map(|id| id.as_str()).collect();
    assert_eq!(path, ["workspace.prod", "schema.a", "check.a"]);
}

#[test]
fn a_cycle_is_refused_with_its_whole_path() {
    let cycle = plan_of(
        &[
            resource("catalog", json!({"a": "${network.x}"})),
            resource("network", json!({"a": "${store.x}"})),
            resource("store", json!({"a": "${catalog.x}"})),
            resource("free", json!({"a": "${store.x}"})),
        ],
        &[],
        &[],
    )
    .unwrap_err();
    assert_eq!(cycle.to_string(), "catalog → network → store → catalog");
}

#[test]
fn a_step_that_waits_for_itself_is_a_cycle() {
    let cycle = plan_of(&[resource("catalog", json!({"a": "${catalog.x}"}))], &[], &[]).unwrap_err();
    assert_eq!(cycle.to_string(), "catalog → catalog");
}

#[test]
fn deletes_run_against_the_order_of_making() {
    let mut child = resource("schema.a", json!({}));
    child.after = vec![id("catalog.a")];
    let delete = |resource| Leftover { resource, found: Found { operation: Operation::Delete, ..found() } };
    let plan = plan_of(&[], &[], &[delete(resource("catalog.a", json!({}))), delete(child)]).unwrap();
    assert_eq!(edges(&plan), ["catalog.a <- schema.a Deletes"]);
}
