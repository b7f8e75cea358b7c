//! Changes after which nobody could come in again to take them back. What can be told from the plan is refused; from where
//! people and this program come in is not in any plan, so those changes must be named.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{ScopeId, StepId};
use crate::model::plan::{FieldChange, Operation, Plan, Reconcile};
use crate::ops::error::Failure;

const ASSIGNMENT: &str = "databricks.workspace_assignment";
const BINDINGS: &str = "databricks.workspace_bindings";
const ADMIN: &str = "ADMIN";

/// Refuses a plan that takes away the last way in.
///
/// # Errors
///
/// `Refused` with the steps and what would be lost.
pub fn refuse_lockout(plan: &Plan) -> Result<(), Failure> {
    let mut found = without_admins(plan);
    found.extend(unbound(plan));
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused { reason: format!("the plan would lock people out:\n  {}", found.join("\n  ")) })
}

/// Workspaces of which an administrator is taken away while no other one is known to stay.
fn without_admins(plan: &Plan) -> Vec<String> {
    let mut losing: BTreeMap<(&ScopeId, String), Vec<&StepId>> = BTreeMap::new();
    let mut staying: BTreeSet<(&ScopeId, String)> = BTreeSet::new();
    // A workspace that goes as a whole takes its administrators with it.
    let leaving: BTreeSet<(&ScopeId, String)> = plan
        .reconciles()
        .filter(|(_, _, one)| matches!(one.operation, Operation::Delete | Operation::Replace))
        .flat_map(|(scope, step, one)| {
            let reference = format!("${{{step}.workspace_id}}");
            one.id.iter().cloned().chain([reference]).map(move |id| (scope, id))
        })
        .collect();
    for (scope, step, one) in plan.reconciles().filter(|(_, _, one)| one.kind.as_str() == ASSIGNMENT) {
        let workspace = workspace_of(one);
        let wanted = one.operation != Operation::Delete && is_admin(&one.spec["permissions"]);
        if loses_admin(one) {
            losing.entry((scope, workspace)).or_default().push(step);
        } else if wanted && one.operation == Operation::None {
            // Only what is there already proves a way in: a grant that is yet to be made may fail.
            staying.insert((scope, workspace));
        }
    }
    losing.retain(|key, _| !staying.contains(key));
    losing.retain(|key, _| !leaving.contains(key));
    losing
        .into_iter()
        .map(|((scope, workspace), steps)| {
            let steps: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
            format!(
                "{scope} {}: no other administrator of the workspace {workspace} is known to stay",
                steps.join(", ")
            )
        })
        .collect()
}

/// The workspace by its id where our logs know it: a delete has it resolved, the others refer to it.
fn workspace_of(one: &Reconcile) -> String {
    let known = one.id.as_deref().and_then(|id| id.split('/').next());
    let written = || {
        one.spec["workspace_id"].as_str().map_or_else(|| one.spec["workspace_id"].to_string(), str::to_owned)
    };
    known.map_or_else(written, str::to_owned)
}

fn is_admin(permissions: &Value) -> bool {
    permissions.as_array().is_some_and(|all| all.iter().any(|one| one == ADMIN))
}

fn loses_admin(one: &Reconcile) -> bool {
    let before = |change: &FieldChange| change.from.as_ref().is_some_and(is_admin);
    match one.operation {
        Operation::None | Operation::Create => false,
        Operation::Delete => is_admin(&one.spec["permissions"]),
        Operation::Update | Operation::Replace => {
            !is_admin(&one.spec["permissions"])
                && one.changes.iter().any(|change| change.at == "/permissions" && before(change))
        }
    }
}

/// Securables that would be bound to no workspace at all, ours included, while they stay.
fn unbound(plan: &Plan) -> Vec<String> {
    let bindings = plan.reconciles().filter(|(_, _, one)| one.kind.as_str() == BINDINGS);
    bindings
        .filter(|(_, _, one)| {
            let emptied = one.spec["bindings"].as_array().is_some_and(Vec::is_empty);
            one.operation == Operation::Update && emptied
        })
        .map(|(scope, step, one)| {
            format!("{scope} {step}: {} would be bound to no workspace", one.spec["securable_name"])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(steps: &[(&str, &str, &str, Value, Value)]) -> Plan {
        let steps: serde_json::Map<String, Value> = steps
            .iter()
            .map(|(step, kind, operation, spec, changes)| {
                let work = json!({ "reconcile": { "kind": kind, "operation": operation, "spec": spec,
                    "changes": changes, "reversal": "reversible" } });
                let limits =
                    json!({ "call_timeout": 1, "attempts_max": 1, "poll_every": 1, "ready_within": 1 });
                ((*step).to_owned(), json!({ "work": work, "after": {}, "limits": limits }))
            })
            .collect();
        serde_json::from_value(json!({
            "v": 1, "tool": "landfall", "estate": "E", "lineage": "l",
            "target": { "name": "sandbox", "account_id": "0", "host": "embedded" },
            "selection": "all", "inputs": {}, "packs": {}, "parameters": {}, "heads": {},
            "fleet": { "waves": [] }, "scopes": { "site/HRB01": { "needs": [], "steps": steps } },
        }))
        .unwrap()
    }

    fn admins(
        operation: &'static str,
        who: &'static str,
    ) -> (&'static str, &'static str, &'static str, Value, Value) {
        let spec = json!({ "workspace_id": "${workspace.prod.workspace_id}", "principal_id": who, "permissions": ["ADMIN"] });
        (who, ASSIGNMENT, operation, spec, json!([]))
    }

    fn check(steps: &[(&str, &str, &str, Value, Value)], expect: Option<&str>) {
        let said = refuse_lockout(&plan(steps)).err().map(|failure| failure.to_string());
        match (said, expect) {
            (Some(said), Some(words)) => assert!(said.contains(words), "{said}"),
            (said, expect) => assert_eq!(said.as_deref(), expect),
        }
    }

    #[test]
    fn the_last_administrator_is_never_taken_away() {
        check(&[admins("none", "first")], None);
        check(&[admins("create", "first")], None);
        check(&[admins("delete", "first")], Some("site/HRB01 first: no other administrator"));
        check(&[admins("delete", "first"), admins("none", "other")], None);
        check(&[admins("delete", "first"), admins("create", "other")], Some("first: no other"));
        let mut lowered = admins("update", "first");
        lowered.3["permissions"] = json!(["USER"]);
        lowered.4 = json!([{ "at": "/permissions", "from": ["ADMIN"], "to": ["USER"], "reason": "" }]);
        check(&[lowered.clone()], Some("first: no other"));
        check(&[lowered, admins("none", "other")], None);
        let workspace = ("workspace.prod", "databricks.workspace", "delete", json!({}), json!([]));
        check(&[admins("delete", "first"), workspace], None);
    }

    #[test]
    fn a_securable_keeps_a_workspace() {
        let bindings = |operation, bound: Value| {
            let spec = json!({ "securable_type": "catalog", "securable_name": "prod", "bindings": bound });
            ("bindings.prod", BINDINGS, operation, spec, json!([]))
        };
        check(
            &[bindings("update", json!([]))],
            Some("bindings.prod: \"prod\" would be bound to no workspace"),
        );
        check(&[bindings("update", json!([{ "workspace_id": 1 }]))], None);
        check(&[bindings("none", json!([]))], None);
    }
}
