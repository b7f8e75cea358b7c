//! Who there is: the kinds of principals, and how others find them by name.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::oauth::TOKEN_USER;
use super::visit::{ACCOUNT, Visit, text};

/// Which principals belong to a workspace, by workspace and principal.
pub(super) const ASSIGNMENTS: &str = "permission_assignments";
/// Groups that every workspace has without anybody making them.
pub(super) const BUILT_IN: &[&str] = &["admins", "users"];
/// The group of everybody in the account, known to Unity Catalog only.
const EVERYBODY: &str = "account users";

/// A kind of principal.
pub(super) struct Kind {
    /// As it stands in SCIM paths.
    pub path: &'static str,
    /// Where it is kept.
    pub collection: &'static str,
    /// For people.
    pub word: &'static str,
    /// The field by which others name it.
    pub name: &'static str,
    /// Fields a client may write.
    pub fields: &'static [&'static str],
}

/// All of them.
pub(super) const KINDS: &[Kind] = &[
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

/// Puts people into a group, as an identity provider does: whoever is not in the account yet is made. False if there is no
/// such group.
pub(super) fn enter_group(visit: &mut Visit<'_>, group: &str, people: &[String]) -> bool {
    let (groups, users) = (&KINDS[0], &KINDS[1]);
    let is_it = |document: &Value| text(document, groups.name).eq_ignore_ascii_case(group);
    let Some((_, mut document)) = visit.find(groups.collection, ACCOUNT, is_it) else { return false };
    let mut members = document.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in people {
        let is_them = |document: &Value| text(document, users.name).eq_ignore_ascii_case(name);
        let known =
            visit.find(users.collection, ACCOUNT, is_them).map(|(_, user)| text(&user, "id").to_owned());
        let id = known.unwrap_or_else(|| {
            let id = visit.born(users.collection, name).number().to_string();
            let user = json!({ "id": id, users.name: name, "displayName": name, "active": true });
            visit.store.put(users.collection, ACCOUNT, &id, user);
            id
        });
        if !members.iter().any(|member| text(member, "value") == id) {
            members.push(json!({ "value": id, "display": name }));
        }
    }
    document["members"] = Value::Array(members);
    let id = text(&document, "id").to_owned();
    visit.store.put(groups.collection, ACCOUNT, &id, document);
    true
}

/// The principal with this display name, user name or application id: its kind's field name and document.
pub(super) fn principal(visit: &Visit<'_>, name: &str) -> Option<(&'static str, Value)> {
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
