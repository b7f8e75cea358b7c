//! People, groups and service principals over SCIM, who am I, and who belongs to which workspace.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::oauth::TOKEN_USER;
use super::visit::{ACCOUNT, Visit, known, shown, text};
use super::{metastores, paging, workspaces};

const ASSIGNMENTS: &str = "permission_assignments";
/// Groups that every workspace has without anybody making them.
const BUILT_IN: &[&str] = &["admins", "users"];
/// The group of everybody in the account, known to Unity Catalog only.
const EVERYBODY: &str = "account users";

/// A kind of principal.
struct Kind {
    path: &'static str,
    collection: &'static str,
    word: &'static str,
    name: &'static str,
    fields: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind {
        path: "Groups",
        collection: "groups",
        word: "Group",
        name: "displayName",
        fields: &["displayName", "externalId", "members", "roles"],
    },
    Kind {
        path: "Users",
        collection: "users",
        word: "User",
        name: "userName",
        fields: &["userName", "displayName", "externalId", "emails", "active", "name", "roles"],
    },
    Kind {
        path: "ServicePrincipals",
        collection: "service_principals",
        word: "Service principal",
        name: "applicationId",
        fields: &["applicationId", "displayName", "externalId", "active", "roles"],
    },
];

/// Puts the configured clients, and the user behind tokens, into the account if they are not there.
pub(super) fn seed(visit: &mut Visit<'_>) {
    let clients: Vec<String> = visit.config.clients.iter().map(|client| client.id.clone()).collect();
    let users = (!visit.config.pats.is_empty()).then(|| TOKEN_USER.to_owned());
    for (kind, name) in clients.into_iter().map(|id| (&KINDS[2], id)).chain(users.map(|id| (&KINDS[1], id))) {
        if principal(visit, &name).is_none() {
            let id = visit.born(kind.collection, &name).number().to_string();
            let document = json!({
                "id": id, kind.name: name, "displayName": name, "active": true,
                "roles": [{ "value": "account_admin" }],
            });
            visit.store.put(kind.collection, ACCOUNT, &id, document);
        }
    }
}

/// The principal with this display name, user name or application id: its kind's field name and document.
fn principal(visit: &Visit<'_>, name: &str) -> Option<(&'static str, Value)> {
    KINDS.iter().find_map(|kind| {
        let is_it = |document: &Value| text(document, kind.name).eq_ignore_ascii_case(name);
        visit.find(kind.collection, ACCOUNT, is_it).map(|(_, document)| (kind.name, document))
    })
}

/// Refuses a principal that Unity Catalog does not know.
///
/// # Errors
/// If nobody in the account has this name.
pub(super) fn check_principal(visit: &Visit<'_>, name: &str) -> Result<(), Refusal> {
    if name.eq_ignore_ascii_case(EVERYBODY) || principal(visit, name).is_some() {
        return Ok(());
    }
    Err(Refusal::new(404, "PRINCIPAL_DOES_NOT_EXIST", format!("Could not find principal with name {name}")))
}

/// Refuses a principal that a workspace object may not name: `field` is one of the permission fields.
///
/// # Errors
/// If the workspace does not know it.
pub(super) fn check_member(visit: &Visit<'_>, field: &str, name: &str) -> Result<(), Refusal> {
    let is_built_in = field == "group_name" && BUILT_IN.contains(&name);
    let is_operator = name == visit.caller.name;
    let found = principal(visit, name).filter(|(kind, _)| match *kind {
        "displayName" => field == "group_name",
        "userName" => field == "user_name",
        _ => field == "service_principal_name",
    });
    let is_assigned = found.is_some_and(|(_, document)| is_in_workspace(visit, text(&document, "id")));
    if is_built_in || is_operator || is_assigned {
        return Ok(());
    }
    Err(Refusal::absent(format!("Principal: {field}({name}) does not exist")))
}

/// Assigned itself, or a member of an assigned group.
fn is_in_workspace(visit: &Visit<'_>, id: &str) -> bool {
    let is_assigned = |id: &str| visit.store.get(ASSIGNMENTS, &visit.workspace, id).is_some();
    let holds = |group: &Value| {
        let members = group.get("members").and_then(Value::as_array);
        members.into_iter().flatten().any(|member| text(member, "value") == id)
    };
    is_assigned(id)
        || visit.store.rows("groups", ACCOUNT).any(|(group, document)| holds(document) && is_assigned(group))
}

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
        let clauses = filter_clauses(filter)?;
        items.retain(|item| clauses.iter().any(|clause| clause.holds(item)));
    }
    let at = |key: &str| query.get(key).map(String::as_str);
    Answer::ok(paging::scim(items, at("startIndex"), at("count"), visit.config.page_size))
}

struct Clause {
    attribute: String,
    operator: String,
    value: String,
}

impl Clause {
    fn holds(&self, item: &Value) -> bool {
        let own = item
            .as_object()
            .and_then(|object| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(&self.attribute)))
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
            .to_lowercase();
        match self.operator.as_str() {
            "eq" => own == self.value,
            "ne" => own != self.value,
            "co" => own.contains(&self.value),
            _ => own.starts_with(&self.value),
        }
    }
}

/// `attribute op "value"` clauses joined by `or`, with at most as many as the real service takes.
fn filter_clauses(filter: &str) -> Result<Vec<Clause>, Refusal> {
    let bad = || Refusal::scim(400, format!("the filter is not supported: {filter}"));
    let mut clauses = Vec::new();
    let mut rest = filter.trim();
    loop {
        let (attribute, tail) = rest.split_once(' ').ok_or_else(bad)?;
        let (operator, tail) = tail.trim_start().split_once(' ').ok_or_else(bad)?;
        if !matches!(operator, "eq" | "ne" | "co" | "sw") {
            return Err(bad());
        }
        let (value, tail) = quoted(tail.trim_start()).ok_or_else(bad)?;
        clauses.push(Clause {
            attribute: attribute.to_owned(),
            operator: operator.to_owned(),
            value: value.to_lowercase(),
        });
        if clauses.len() > 200 {
            return Err(Refusal::scim(400, "INVALID_FILTER: more than 200 nodes"));
        }
        rest = match tail.trim() {
            "" => return Ok(clauses),
            tail => tail.strip_prefix("or ").ok_or_else(bad)?.trim_start(),
        };
    }
}

/// A quoted text with backslash escapes, and what follows it. Bare words are taken as they are.
fn quoted(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut value, mut letters) = (String::new(), inner.char_indices());
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &inner[place + 1..])),
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
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

/// Serves `A/workspaces/{workspace}/permissionassignments…`.
pub(super) fn assignments(visit: &mut Visit<'_>, method: &str, workspace: &str, rest: &[&str]) -> Outcome {
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
