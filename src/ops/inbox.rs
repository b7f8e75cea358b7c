//! The inbox: every decision that waits for somebody, wherever it belongs.

use crate::base::id::{PersonId, RoleName, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::model::pending::Pending;
use crate::ops::checklist::{self, Ground};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{access, approvals, changes};

/// Version of the JSON form of `inbox`.
pub const INBOX_VERSION: u32 = 1;

/// Everything that waits for somebody, oldest first.
///
/// # Errors
///
/// If a log is damaged.
pub fn inbox(desired: &Desired, journal: &dyn Journal, now: Timestamp) -> Result<Vec<Pending>, Failure> {
    let estate = &desired.loaded.estate;
    let ground = Ground::of(desired);
    let board = ground.board(journal, now)?;
    let sites = desired.rendered.keys().filter_map(ScopeId::site);
    let mut found = approvals::pending(estate, journal, now)?;
    found.extend(checklist::pending::pending(&ground, &board));
    found.extend(changes::pending(estate, journal, now)?);
    found.extend(access::pending(estate, journal, sites, now)?);
    let key =
        |wait: &Pending| (wait.since, wait.due.is_none(), wait.due, wait.asks.clone(), wait.role.clone());
    found.sort_by_cached_key(key);
    Ok(found)
}

/// Which part of an inbox is wanted; nothing named says all of it.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What this person may answer.
    pub person: Option<PersonId>,
    /// What this role answers.
    pub role: Option<RoleName>,
    /// What is about this site.
    pub site: Option<SiteCode>,
}

impl Wanted {
    /// Whether a wait is of the part.
    pub fn has(&self, wait: &Pending) -> bool {
        let site = |site: &SiteCode| wait.subject.scope.as_ref().and_then(ScopeId::site) == Some(site);
        self.person.as_ref().is_none_or(|person| wait.people.contains(person))
            && self.role.as_ref().is_none_or(|role| wait.role == *role)
            && self.site.as_ref().is_none_or(site)
    }
}
