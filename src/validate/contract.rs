//! The bounds of an item: which calls it may make, on what. Everything else is refused, recorded, and fails the item.

use std::fmt;
use std::str::FromStr;

use crate::base::id::{KindName, StepId};
use crate::model::checklist::Contract;
use crate::model::resource::Resource;

/// What can be done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Look at it.
    Read,
    /// Make it.
    Create,
    /// Change it.
    Update,
    /// Take it away.
    Delete,
}

const VERBS: [(Verb, &str); 4] =
    [(Verb::Read, "read"), (Verb::Create, "create"), (Verb::Update, "update"), (Verb::Delete, "delete")];

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(VERBS.iter().find(|(verb, _)| verb == self).map_or("", |(_, word)| word))
    }
}

/// A call as a contract names it: `databricks.group.update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallName {
    /// The kind.
    pub kind: KindName,
    /// What is done with an object of it.
    pub verb: Verb,
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.verb)
    }
}

/// The text names no call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a call is a kind and one of read, create, update and delete, for example databricks.group.update")]
pub struct NotACall;

impl FromStr for CallName {
    type Err = NotACall;

    fn from_str(text: &str) -> Result<Self, NotACall> {
        let (kind, word) = text.rsplit_once('.').ok_or(NotACall)?;
        let (verb, _) = VERBS.iter().find(|(_, known)| *known == word).ok_or(NotACall)?;
        Ok(Self { kind: KindName::new(kind).map_err(|_| NotACall)?, verb: *verb })
    }
}

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not spelled as a call.
    #[error("{0}")]
    NotACall(#[from] NotACall),
    /// The contract does not have it.
    #[error("the item's contract does not allow {call}")]
    NotAllowed {
        /// The call.
        call: CallName,
    },
    /// The scope declares no such resource: nothing outside of the scope is ever touched.
    #[error("no resource of this scope is called {on}")]
    NoResource {
        /// What was named.
        on: StepId,
    },
    /// The resource is of another kind than the call.
    #[error("{on} is a {kind}")]
    OtherKind {
        /// What was named.
        on: StepId,
        /// What it is.
        kind: KindName,
    },
}

/// Holds a wish against an item's contract and the resources of its scope.
///
/// # Errors
///
/// The rule that it breaks.
pub fn permit<'r>(
    contract: &Contract,
    resources: &'r [Resource],
    call: &str,
    on: &StepId,
) -> Result<(CallName, &'r Resource), Refusal> {
    let name: CallName = call.parse()?;
    if !contract.allow.contains(call) {
        return Err(Refusal::NotAllowed { call: name });
    }
    let resource = resources
        .iter()
        .find(|resource| resource.id == *on)
        .ok_or_else(|| Refusal::NoResource { on: on.clone() })?;
    if resource.kind != name.kind {
        return Err(Refusal::OtherKind { on: on.clone(), kind: resource.kind.clone() });
    }
    Ok((name, resource))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resource(id: &str, kind: &str) -> Resource {
        serde_json::from_value(json!({
            "id": id, "kind": kind, "spec": {},
            "origin": { "pack": "p", "template": "t", "line": 1 },
        }))
        .unwrap()
    }

    #[test]
    fn a_call_must_be_allowed_word_for_word_and_on_a_resource_of_its_kind() {
        let allow = ["databricks.group.read", "databricks.group.update"].map(str::to_owned).into();
        let contract = Contract { allow };
        let resources =
            [resource("group.a", "databricks.group"), resource("catalog.a", "databricks.catalog")];
        let check = |call: &str, on: &str| match permit(&contract, &resources, call, &on.parse().unwrap()) {
            Ok((call, resource)) => format!("{call} on {}", resource.id),
            Err(refusal) => refusal.to_string(),
        };
        let cases = [
            ("databricks.group.update", "group.a", "databricks.group.update on group.a"),
            (
                "databricks.catalog.delete",
                "catalog.a",
                "the item's contract does not allow databricks.catalog.delete",
            ),
            (
                "databricks.group.delete",
                "group.a",
                "the item's contract does not allow databricks.group.delete",
            ),
            ("databricks.group.update", "catalog.a", "catalog.a is a databricks.catalog"),
            ("databricks.group.update", "group.b", "no resource of this scope is called group.b"),
        ];
        for (call, on, expected) in cases {
            assert_eq!(check(call, on), expected);
        }
        for bad in ["", ".", "update", "databricks.group.patch", "databricks.group.update ", "..read"] {
            assert!(check(bad, "group.a").starts_with("a call is"), "{bad}");
        }
    }
}
