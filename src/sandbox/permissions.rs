//! Access control lists of workspace objects.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::visit::{Visit, text};
use super::{policies, principals};

/// Direct entries by workspace and `{type}/{id}`.
pub(super) const COLLECTION: &str = "object_permissions";

/// Path type, `object_type` of the answer, levels from low to high.
const TYPES: &[(&str, &str, &[&str])] = &[
    ("cluster-policies", "cluster-policy", &["CAN_USE"]),
    ("authorization/tokens", "tokens", &["CAN_USE", "CAN_MANAGE"]),
    ("authorization/passwords", "passwords", &["CAN_USE"]),
];
const PRINCIPALS: &[&str] = &["user_name", "group_name", "service_principal_name"];

/// Serves `/api/2.0/permissions/{type}/{id}`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    let (kind, id, tail) = match rest {
        ["authorization", id, tail @ ..] => ("authorization", *id, tail),
        [kind, id, tail @ ..] => (*kind, *id, tail),
        _ => return Err(Refusal::not_served(method, &visit.call.path)),
    };
    let path = if kind == "authorization" { format!("{kind}/{id}") } else { kind.to_owned() };
    let Some((_, word, levels)) = TYPES.iter().find(|(own, _, _)| *own == path) else {
        return Err(Refusal::not_served(method, &visit.call.path));
    };
    let workspace = visit.workspace.clone();
    if kind == "cluster-policies" && visit.store.get(policies::COLLECTION, &workspace, id).is_none() {
        return Err(Refusal::absent(format!("{word} {id} does not exist")));
    }
    let key = format!("{kind}/{id}");
    match (method, tail) {
        ("GET", ["permissionLevels"]) => {
            let all = levels.iter().map(|level| json!({ "permission_level": level, "description": level }));
            Answer::ok(json!({ "permission_levels": all.collect::<Vec<_>>() }))
        }
        ("GET", []) => {
            let direct = visit.store.read(COLLECTION, &workspace, &key);
            Answer::ok(shown(kind, id, word, direct.as_ref()))
        }
        ("PUT" | "PATCH", []) => {
            let mut entries = asked(visit, levels)?;
            if method == "PATCH" {
                let old = visit.store.get(COLLECTION, &workspace, &key).cloned();
                let old = old.and_then(|old| old.as_array().cloned()).unwrap_or_default();
                let is_new = |entry: &Value| entries.iter().any(|new| same_principal(new, entry));
                let kept: Vec<Value> = old.into_iter().filter(|entry| !is_new(entry)).collect();
                entries.extend(kept);
            }
            entries.sort_by_key(Value::to_string);
            let direct = Value::Array(entries);
            visit.store.put(COLLECTION, &workspace, &key, direct.clone());
            Answer::ok(shown(kind, id, word, Some(&direct)))
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn same_principal(one: &Value, other: &Value) -> bool {
    PRINCIPALS.iter().all(|field| text(one, field).eq_ignore_ascii_case(text(other, field)))
}

fn asked(visit: &Visit<'_>, levels: &[&str]) -> Result<Vec<Value>, Refusal> {
    let body = visit.call.object()?;
    let list = body.get("access_control_list").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut entries: Vec<Value> = Vec::new();
    for entry in list {
        let named: Vec<&str> =
            PRINCIPALS.iter().copied().filter(|field| !text(&entry, field).is_empty()).collect();
        let [field] = named.as_slice() else {
            return Err(Refusal::invalid("every entry names exactly one principal"));
        };
        let (name, level) = (text(&entry, field), text(&entry, "permission_level"));
        principals::check_member(visit, field, name)?;
        if !levels.contains(&level) {
            return Err(Refusal::invalid(format!("permission level {level} is not one of {levels:?}")));
        }
        let clean = json!({ *field: name, "permission_level": level });
        if entries.iter().any(|other| same_principal(other, &clean)) {
            return Err(Refusal::invalid(format!("{name} appears twice")));
        }
        entries.push(clean);
    }
    Ok(entries)
}

fn shown(kind: &str, id: &str, word: &str, direct: Option<&Value>) -> Value {
    let entries = direct.and_then(Value::as_array).into_iter().flatten();
    let mut list: Vec<Value> = entries
        .map(|entry| {
            let mut shown = json!({ "all_permissions": [
                { "permission_level": entry["permission_level"], "inherited": false }
            ] });
            for field in PRINCIPALS.iter().filter(|field| !text(entry, field).is_empty()) {
                shown[*field] = entry[*field].clone();
            }
            shown
        })
        .collect();
    let inherited = json!({
        "permission_level": "CAN_MANAGE", "inherited": true, "inherited_from_object": [format!("/{kind}/")],
    });
    match list.iter_mut().find(|entry| text(entry, "group_name") == "admins") {
        Some(entry) => {
            if let Some(all) = entry["all_permissions"].as_array_mut() {
                all.push(inherited);
            }
        }
        None => list.push(json!({ "group_name": "admins", "all_permissions": [inherited] })),
    }
    json!({ "object_id": format!("/{kind}/{id}"), "object_type": word, "access_control_list": list })
}
