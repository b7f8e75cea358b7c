//! The register of roles beside the estate: what a role is called elsewhere, and who holds it here.

use serde::Serialize;

use super::VERSION;
use crate::base::id::{PersonId, RoleName};
use crate::model::people::People;
use crate::people::register::{self, MODEL_OWNERS, USE_CASE_OWNERS};

/// The register with the estate's holders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crosswalk {
    /// Format version.
    pub v: u32,
    /// One row for each role of the register.
    pub roles: Vec<CrosswalkRow>,
    /// The five who own a use case.
    pub use_case_owners: Vec<OwnerRow>,
    /// Who answers for a model besides.
    pub model_owners: Vec<OwnerRow>,
}

/// A role, its titles and its holders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrosswalkRow {
    /// The role.
    pub role: RoleName,
    /// What it is called elsewhere.
    pub titles: Vec<String>,
    /// Other names that `[roles]` may use for it.
    pub also: Vec<RoleName>,
    /// Parts of it that may be held apart.
    pub apart: Vec<RoleName>,
    /// Who holds it, at any site, or a part of it.
    pub people: Vec<PersonId>,
    /// What its holder does.
    pub duties: String,
}

/// A part of what is owned, and the role that owns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerRow {
    /// What.
    pub owns: String,
    /// The role.
    pub role: RoleName,
    /// Who holds it.
    pub people: Vec<PersonId>,
}

/// The whole register.
pub fn crosswalk(people: &People) -> Crosswalk {
    let holders = |fits: &dyn Fn(&RoleName) -> bool| {
        let mut held: Vec<PersonId> =
            people.holdings.iter().filter(|one| fits(&one.role)).map(|one| one.person.clone()).collect();
        held.sort();
        held.dedup();
        held
    };
    let roles = register::rows().iter().map(|row| CrosswalkRow {
        role: row.role.clone(),
        titles: row.titles.clone(),
        also: row.also.iter().cloned().collect(),
        apart: row.apart.iter().cloned().collect(),
        people: holders(&|role| *role == row.role || row.apart.contains(role)),
        duties: row.duties.clone(),
    });
    let owners = |rows: &[(&str, &str)]| {
        let row = |(name, owns): &(&str, &str)| {
            let role = RoleName::new(*name).expect("owners are roles of the register");
            OwnerRow { owns: (*owns).to_owned(), people: holders(&|held| *held == role), role }
        };
        rows.iter().map(row).collect()
    };
    Crosswalk {
        v: VERSION,
        roles: roles.collect(),
        use_case_owners: owners(&USE_CASE_OWNERS),
        model_owners: owners(&MODEL_OWNERS),
    }
}
