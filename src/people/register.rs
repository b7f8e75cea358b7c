//! The register of roles: titles differ from one organisation to the next, the roles do not.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::base::id::RoleName;

/// A role of the register.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRow {
    /// The role.
    pub role: RoleName,
    /// What it is called elsewhere.
    pub titles: Vec<String>,
    /// Names that an estate may use instead of it.
    #[serde(default)]
    pub also: BTreeSet<RoleName>,
    /// Parts of it that an estate may give to somebody else.
    #[serde(default)]
    pub apart: BTreeSet<RoleName>,
    /// Whether it is one of the six that carry a rollout.
    #[serde(default)]
    pub rollout: bool,
    /// Where it must be filled.
    #[serde(default)]
    pub required: Option<Required>,
    /// What its holder does.
    pub duties: String,
}

/// Where a role must be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Required {
    /// Once for the program.
    Program,
    /// At every site.
    Site,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    role: Vec<RoleRow>,
}

static REGISTER: LazyLock<Vec<RoleRow>> = LazyLock::new(|| {
    let text = include_str!("register.toml");
    toml::from_str::<Register>(text).expect("the register of roles is well formed").role
});

/// Every role, in the order of the register.
pub fn rows() -> &'static [RoleRow] {
    &REGISTER
}

/// The row that a name belongs to: its own, one of another spelling, or the one that it is a part of.
pub fn row_of(name: &RoleName) -> Option<&'static RoleRow> {
    rows().iter().find(|row| row.role == *name || row.also.contains(name) || row.apart.contains(name))
}

/// The role that a name in `[roles]` stands for: `sponsor` is `executive-sponsor`. Names that the register does not know
/// are roles of the estate's own.
pub fn canonical(name: &RoleName) -> RoleName {
    let row = rows().iter().find(|row| row.also.contains(name));
    row.map_or_else(|| name.clone(), |row| row.role.clone())
}

/// Every name of the register, spelled as roles are kept.
pub fn names<'r>() -> impl Iterator<Item = &'r RoleName> {
    rows().iter().flat_map(|row| std::iter::once(&row.role).chain(&row.apart))
}

/// The five who own a use case together, each with what of it they own.
pub const USE_CASE_OWNERS: [(&str, &str); 5] = [
    ("executive-sponsor", "priorities and funding"),
    ("platform", "the platform"),
    ("data-team", "its pipelines"),
    ("site-ops-lead", "the use case itself"),
    ("compliance", "policies and audit"),
];

/// Who has to answer for a model of tier medium or high besides, each with what for.
pub const MODEL_OWNERS: [(&str, &str); 4] = [
    ("data-science", "the model's quality"),
    ("mlops", "its pipelines and registry"),
    ("security", "platform controls"),
    ("compliance", "policy and audit"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> RoleName {
        RoleName::new(name).unwrap()
    }

    #[test]
    fn every_name_leads_to_one_row() {
        assert_eq!(rows().len(), 19);
        let mut all: Vec<&RoleName> = rows()
            .iter()
            .flat_map(|row| [&row.role].into_iter().chain(&row.also).chain(&row.apart))
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(rows().iter().filter(|row| row.rollout).count(), 6);
    }

    #[test]
    fn titles_are_free_and_roles_are_fixed() {
        assert_eq!(canonical(&role("sponsor")), role("executive-sponsor"));
        assert_eq!(canonical(&role("privacy")), role("privacy"));
        assert_eq!(row_of(&role("privacy")).unwrap().role, role("compliance"));
        assert_eq!(canonical(&role("librarian")), role("librarian"));
        assert!(row_of(&role("librarian")).is_none());
    }

    #[test]
    fn owners_are_roles_of_the_register() {
        for (name, _) in USE_CASE_OWNERS.iter().chain(&MODEL_OWNERS) {
            assert!(rows().iter().any(|row| row.role == role(name)), "{name}");
        }
    }
}
