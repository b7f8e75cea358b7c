//! Who holds which role, for those who have to be asked.

use std::collections::BTreeMap;

use super::Owner;
use crate::base::id::ScopeId;

/// Who mends what failed on a target.
const MENDS: [&str; 2] = ["platform", "on-call"];

/// Who decides about launches.
pub(super) const DECIDES: &str = "program-manager";

/// Who holds which role.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// For the whole program.
    pub estate: BTreeMap<String, String>,
    /// At single sites; these come first.
    pub sites: BTreeMap<ScopeId, BTreeMap<String, String>>,
}

impl People {
    /// The roles with their holders, as the scope sees them.
    pub(super) fn owners<'r>(
        &self,
        scope: Option<&ScopeId>,
        roles: impl IntoIterator<Item = &'r str>,
    ) -> Vec<Owner> {
        let own = scope.and_then(|scope| self.sites.get(scope));
        let handle = |role: &str| own.and_then(|own| own.get(role)).or_else(|| self.estate.get(role));
        let mut owners: Vec<Owner> = roles
            .into_iter()
            .map(|role| Owner { role: role.to_owned(), handle: handle(role).cloned() })
            .collect();
        owners.sort();
        owners.dedup();
        owners
    }

    /// Who decides about launches.
    pub(super) fn decides(&self) -> Vec<Owner> {
        self.owners(None, [DECIDES])
    }

    /// Who mends what failed: the first of the usual roles that somebody holds.
    pub(super) fn mends(&self) -> Vec<Owner> {
        let held = MENDS.into_iter().find(|role| self.estate.contains_key(*role));
        self.owners(None, [held.unwrap_or(DECIDES)])
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.handle {
            Some(handle) => write!(f, "{} ({handle})", self.role),
            None => f.write_str(&self.role),
        }
    }
}
