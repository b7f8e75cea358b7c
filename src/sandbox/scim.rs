//! People, groups and service principals over SCIM, and who am I.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::principals::{ASSIGNMENTS, BUILT_IN, KINDS, Kind, principal};
use super::visit::{ACCOUNT, Visit, known, shown, text};
use super::{filter, paging, workspaces};

/// Serves `A/scim/v2/…`.
pub(super) fn account(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    let kind = rest.first().and_then(|path| KINDS.iter().find(|kind| kind.path == *path));
    match (method, kind, rest) {
        ("GET", None, ["Me"]) => me(visit),
        ("POST", Some(kind), [_]) => create(visit, kind),
        ("GET", Some(kind), [_]) => list(visit, kind),
        ("GET", Some(kind), [_, id]) => {
            let found = visit.store.read(kind.collection, ACCOUNT, id);
            Answer::ok(shown(found.ok_or_else(|| absent(kind, id))?))
        }
        ("PUT", Some(kind), [_, id]) => replace(visit, kind, id),
        ("PATCH", Some(kind), [_, id]) => patch(visit, kind, id),
        ("DELETE", Some(kind), [_, id]) => {
            visit.store.remove(kind.collection, ACCOUNT, id).ok_or_else(|| absent(kind, id))?;
            leave_groups(visit, id);
            Answer::no_content()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// Serves `/api/2.0/preview/scim/v2/…`: who am I, and the groups this workspace sees.
pub(super) fn workspace(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("GET", ["Me"]) => me(visit),
        ("GET", ["Groups"]) => {
            let groups = workspace_groups(visit);
            list_of(visit, groups)
        }
        ("GET", ["Groups", id]) => {
            let found = workspace_groups(visit).into_iter().find(|group| text(group, "id") == *id);
            Answer::ok(found.ok_or_else(|| absent(&KINDS[0], id))?)
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn workspace_groups(visit: &mut Visit<'_>) -> Vec<Value> {
    let workspace = visit.workspace.clone();
    let assigned = visit.store.read_rows(ASSIGNMENTS, &workspace);
    let groups = visit.store.read_rows("groups", ACCOUNT);
    let local = BUILT_IN.iter().map(|name| {
        let id = visit.origin("workspace-group", &format!("{workspace}/{name}"), 0).number();
        json!({
            "id": id.to_string(), "displayName": name, "meta": { "resourceType": "WorkspaceGroup" },
        })
    });
    let visible = groups.into_iter().filter(|(id, _)| assigned.contains_key(id)).map(|(_, mut group)| {
        group["meta"] = json!({ "resourceType": "Group" });
        shown(group)
    });
    local.chain(visible).collect()
}

fn me(visit: &mut Visit<'_>) -> Outcome {
    let name = visit.caller.name.clone();
    let (kind, found) = principal(visit, &name).ok_or_else(|| Refusal::scim(404, "User not found"))?;
    let mut shown = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": text(&found, "id"), "userName": text(&found, kind), "active": true,
        "displayName": text(&found, "displayName"),
    });
    if !visit.workspace.is_empty() {
        shown["groups"] = json!([{ "display": "admins", "type": "direct" }]);
    }
    Answer::ok(shown)
}

fn absent(kind: &Kind, id: &str) -> Refusal {
    Refusal::scim(404, format!("{} with id {id} not found.", kind.word))
}

fn create(visit: &mut Visit<'_>, kind: &Kind) -> Outcome {
    let mut body = known(&visit.call.object()?, kind.fields);
    let display = body.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let born = match body.get(kind.name).and_then(Value::as_str) {
        Some(name) if !name.is_empty() && name.len() <= 255 => {
            let name = name.to_owned();
            check_free(visit, kind, &name, "")?;
            visit.born(kind.collection, &name)
        }
        None if kind.name == "applicationId" => {
            let born = visit.born(kind.collection, &display);
            body.insert(kind.name.into(), json!(born.other_uuid()));
            born
        }
        Some(_) | None => return Err(Refusal::scim(400, format!("{} is required", kind.name))),
    };
    let id = born.number().to_string();
    check_members(visit, &body)?;
    if kind.name == "userName" {
        let name = body["userName"].clone();
        body.entry("emails").or_insert(json!([{ "type": "work", "value": name, "primary": true }]));
        body.entry("displayName").or_insert(name);
    }
    if kind.name != "displayName" {
        body.entry("active").or_insert(json!(true));
    }
    body.insert("id".into(), json!(id));
    let document = Value::Object(body);
    visit.store.put(kind.collection, ACCOUNT, &id, document.clone());
    Answer::created(document)
}

fn check_free(visit: &Visit<'_>, kind: &Kind, name: &str, own: &str) -> Result<(), Refusal> {
    let is_twin =
        |other: &Value| text(other, kind.name).eq_ignore_ascii_case(name) && text(other, "id") != own;
    match visit.find(kind.collection, ACCOUNT, is_twin) {
        Some(_) => Err(Refusal::scim(409, format!("{} with name {name} already exists.", kind.word))),
        None => Ok(()),
    }
}

fn check_members(visit: &Visit<'_>, body: &Map<String, Value>) -> Result<(), Refusal> {
    let members = body.get("members").and_then(Value::as_array);
    for member in members.into_iter().flatten() {
        let id = text(member, "value");
        if !KINDS.iter().any(|kind| visit.store.get(kind.collection, ACCOUNT, id).is_some()) {
            return Err(Refusal::scim(400, format!("member {id} does not exist")));
        }
    }
    Ok(())
}

fn leave_groups(visit: &mut Visit<'_>, id: &str) {
    let groups: Vec<(String, Value)> =
        visit.store.rows("groups", ACCOUNT).map(|(key, group)| (key.clone(), group.clone())).collect();
    for (key, mut group) in groups {
        let Some(members) = group.get_mut("members").and_then(Value::as_array_mut) else { continue };
        let before = members.len();
        members.retain(|member| text(member, "value") != id);
        if members.len() != before {
            visit.store.put("groups", ACCOUNT, &key, group);
        }
    }
    let scopes: Vec<String> =
        visit.store.rows(workspaces::COLLECTION, ACCOUNT).map(|(key, _)| key.clone()).collect();
    for workspace in scopes {
        visit.store.remove(ASSIGNMENTS, &workspace, id);
    }
}

fn list(visit: &mut Visit<'_>, kind: &Kind) -> Outcome {
    let rows = visit.store.read_rows(kind.collection, ACCOUNT);
    let items = rows.into_values().map(|mut item| {
        // Group lists have left the members out since August 2025.
        if let Some(object) = item.as_object_mut() {
            object.remove("members");
        }
        shown(item)
    });
    let items = items.collect();
    list_of(visit, items)
}

fn list_of(visit: &Visit<'_>, mut items: Vec<Value>) -> Outcome {
    let query = &visit.call.query;
    if let Some(filter) = query.get("filter") {
        let clauses = filter::clauses(filter)?;
        items.retain(|item| clauses.iter().any(|clause| clause.holds(item)));
    }
    let at = |key: &str| query.get(key).map(String::as_str);
    Answer::ok(paging::scim(items, at("startIndex"), at("count"), visit.config.page_size))
}

fn replace(visit: &mut Visit<'_>, kind: &Kind, id: &str) -> Outcome {
    let old = visit.store.get(kind.collection, ACCOUNT, id).cloned().ok_or_else(|| absent(kind, id))?;
    let mut body = known(&visit.call.object()?, kind.fields);
    if kind.name == "displayName" {
        let name = body.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
        check_free(visit, kind, &name, id)?;
    } else {
        // Neither user name nor application id can be changed.
        body.insert(kind.name.into(), old[kind.name].clone());
    }
    check_members(visit, &body)?;
    body.insert("id".into(), json!(id));
    let document = Value::Object(body);
    visit.store.put(kind.collection, ACCOUNT, id, document.clone());
    Answer::ok(document)
}

fn patch(visit: &mut Visit<'_>, kind: &Kind, id: &str) -> Outcome {
    let mut document =
        visit.store.get(kind.collection, ACCOUNT, id).cloned().ok_or_else(|| absent(kind, id))?;
    let body = visit.call.object()?;
    let operations = body.get("Operations").and_then(Value::as_array).cloned().unwrap_or_default();
    if operations.is_empty() {
        return Err(Refusal::scim(400, "Operations is required"));
    }
    let object = document.as_object_mut().ok_or_else(|| absent(kind, id))?;
    for operation in &operations {
        let op = text(operation, "op").to_lowercase();
        let (path, value) = (text(operation, "path"), operation.get("value"));
        operate(object, kind, &op, path, value)?;
    }
    let name = object.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind.name == "displayName" {
        check_free(visit, kind, &name, id)?;
    }
    check_members(visit, object)?;
    visit.store.put(kind.collection, ACCOUNT, id, document);
    Answer::no_content()
}

fn operate(
    object: &mut Map<String, Value>,
    kind: &Kind,
    op: &str,
    path: &str,
    value: Option<&Value>,
) -> Result<(), Refusal> {
    if path.is_empty() {
        let fields =
            value.and_then(Value::as_object).ok_or_else(|| Refusal::scim(400, "path is required"))?;
        return fields.iter().try_for_each(|(field, value)| operate(object, kind, op, field, Some(value)));
    }
    if let Some(member) = path.strip_prefix("members[value eq \"").and_then(|rest| rest.strip_suffix("\"]")) {
        if let Some(members) = object.get_mut("members").and_then(Value::as_array_mut) {
            members.retain(|other| text(other, "value") != member);
        }
        return Ok(());
    }
    if !kind.fields.contains(&path) || path == "applicationId" || path == "userName" {
        return Err(Refusal::scim(400, format!("path {path} cannot be patched")));
    }
    match (op, value) {
        ("add", Some(Value::Array(added))) => {
            let list = object.entry(path).or_insert(json!([]));
            let list = list.as_array_mut().ok_or_else(|| Refusal::scim(400, format!("{path} is no list")))?;
            for item in added {
                if !list.iter().any(|other| text(other, "value") == text(item, "value")) {
                    list.push(item.clone());
                }
            }
        }
        ("remove", Some(Value::Array(removed))) => {
            if let Some(list) = object.get_mut(path).and_then(Value::as_array_mut) {
                list.retain(|item| !removed.iter().any(|gone| text(gone, "value") == text(item, "value")));
            }
        }
        ("remove", None) => drop(object.remove(path)),
        ("add" | "replace", Some(value)) => drop(object.insert(path.to_owned(), value.clone())),
        _ => return Err(Refusal::scim(400, format!("operation {op} is not supported"))),
    }
    Ok(())
}
