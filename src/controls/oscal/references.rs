//! References inside one file. The usual checkers accept one that leads nowhere; we do not.

use std::collections::BTreeSet;

use serde_json::Value;

/// A reference that leads nowhere, or a name that is given twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct BadReference {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub what: String,
}

#[derive(Default)]
struct Found {
    uuids: BTreeSet<String>,
    roles: BTreeSet<String>,
    doubled: Option<String>,
    references: Vec<(String, String)>,
    role_references: Vec<String>,
}

/// Checks that every reference of a file leads to something in it.
///
/// # Errors
///
/// At the first that does not, or the first UUID that is given twice.
pub fn check(file: &str, document: &Value) -> Result<(), BadReference> {
    let bad = |what: String| Err(BadReference { file: file.to_owned(), what });
    let mut found = Found::default();
    found.walk(document);
    if let Some(doubled) = found.doubled {
        return bad(format!("{doubled} is given twice"));
    }
    if let Some((key, target)) = found.references.iter().find(|(_, target)| !found.uuids.contains(target)) {
        return bad(format!("{key} {target} leads nowhere"));
    }
    match found.role_references.iter().find(|role| !found.roles.contains(*role)) {
        Some(role) => bad(format!("role {role} is not defined")),
        None => Ok(()),
    }
}

impl Found {
    fn walk(&mut self, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| self.member(key, value)),
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn member(&mut self, key: &str, value: &Value) {
        match (key, value) {
            ("uuid", Value::String(uuid)) => {
                if !self.uuids.insert(uuid.clone()) {
                    self.doubled = Some(uuid.clone());
                }
            }
            ("role-id", Value::String(role)) => self.role_references.push(role.clone()),
            ("href", Value::String(href)) => {
                let inside = href.strip_prefix('#').map(|uuid| (key.to_owned(), uuid.to_owned()));
                self.references.extend(inside);
            }
            (_, Value::String(uuid)) if key.ends_with("-uuid") => {
                self.references.push((key.to_owned(), uuid.clone()));
            }
            (_, Value::Array(items)) if key.ends_with("-uuids") => {
                let uuids = items.iter().filter_map(Value::as_str);
                self.references.extend(uuids.map(|uuid| (key.to_owned(), uuid.to_owned())));
            }
            ("roles", Value::Array(roles)) => {
                let ids = roles.iter().filter_map(|role| role.get("id")?.as_str());
                self.roles.extend(ids.map(str::to_owned));
            }
            (_, value) => self.walk(value),
        }
    }
}
