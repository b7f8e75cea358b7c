//! Which principals belong to which workspace, and as what.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::principals::{ASSIGNMENTS, KINDS};
use super::visit::{ACCOUNT, Visit, text};
use super::{metastores, workspaces};

/// Serves `A/workspaces/{workspace}/permissionassignments…`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, workspace: &str, rest: &[&str]) -> Outcome {
    workspaces::existing(visit, workspace)?;
    if visit.store.get(metastores::ASSIGNMENTS, ACCOUNT, workspace).is_none() {
        return Err(Refusal::new(
            400,
            "FEATURE_DISABLED",
            "Permission assignment APIs are not available for this workspace.",
        ));
    }
    match (method, rest) {
        ("GET", []) => {
            let rows = visit.store.read_rows(ASSIGNMENTS, workspace);
            let items: Vec<Value> =
                rows.iter().filter_map(|(id, row)| assigned(visit, id, &row["permissions"])).collect();
            Answer::ok(json!({ "permission_assignments": items }))
        }
        ("GET", ["permissions"]) => Answer::ok(json!({ "permissions": [
            { "permission_level": "USER", "description": "User permission" },
            { "permission_level": "ADMIN", "description": "Admin permission" },
        ] })),
        ("PUT", ["principals", id]) => {
            let body = visit.call.object()?;
            let permissions = body.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(other) = permissions.iter().find(|one| *one != "USER" && *one != "ADMIN") {
                return Err(Refusal::invalid(format!("permission {other} is not USER or ADMIN")));
            }
            let shown = assigned(visit, id, &json!(permissions))
                .ok_or_else(|| Refusal::absent(format!("principal {id} does not exist")))?;
            match permissions.is_empty() {
                true => drop(visit.store.remove(ASSIGNMENTS, workspace, id)),
                false => {
                    let row = json!({ "permissions": permissions });
                    visit.store.put(ASSIGNMENTS, workspace, id, row);
                }
            }
            Answer::ok(shown)
        }
        ("DELETE", ["principals", id]) => {
            let gone = visit.store.remove(ASSIGNMENTS, workspace, id);
            gone.ok_or_else(|| Refusal::absent(format!("principal {id} is not assigned")))?;
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn assigned(visit: &Visit<'_>, id: &str, permissions: &Value) -> Option<Value> {
    let number: u64 = id.parse().ok()?;
    KINDS.iter().find_map(|kind| {
        let document = visit.store.get(kind.collection, ACCOUNT, id)?;
        let field = match kind.name {
            "displayName" => "group_name",
            "userName" => "user_name",
            _ => "service_principal_name",
        };
        let display = document.get("displayName").cloned().unwrap_or(Value::Null);
        Some(json!({
            "principal": { "principal_id": number, "display_name": display, field: text(document, kind.name) },
            "permissions": permissions,
        }))
    })
}
