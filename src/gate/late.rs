//! What has waited too long, and who is told of it, once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::id::RoleName;
use crate::base::time::Timestamp;
use crate::model::pending::Pending;
use crate::model::signed::Subject;

/// Format version of the body of a `wait.escalated`.
pub const ESCALATED_VERSION: u32 = 1;

/// The kind of the entry.
pub const ESCALATED: &str = "wait.escalated";

/// That a role was told of a decision that is late: the body of its entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalated {
    /// Format version.
    pub v: u32,
    /// What waits for a decision.
    pub subject: Subject,
    /// Whose it is.
    pub role: RoleName,
    /// Who is told.
    pub to: RoleName,
    /// Since when it could be decided.
    pub since: Timestamp,
    /// The first moment at which it was late.
    pub due: Timestamp,
    /// What is asked, as a sentence.
    pub asks: String,
}

/// What is late and was not told yet. `to` names who is told of a wait; `told` are the escalations of all logs. A wait is
/// told once for each subject, role and time: if what is asked changes, it is another one.
pub fn due(
    waits: &[Pending],
    to: impl Fn(&Pending) -> RoleName,
    told: &[Escalated],
    now: Timestamp,
) -> Vec<Escalated> {
    let same = |one: &Escalated, wait: &Pending, due: Timestamp| {
        one.subject == wait.subject && one.role == wait.role && one.due == due
    };
    let mut late = BTreeSet::new();
    for wait in waits {
        let Some(due) = wait.due.filter(|due| now >= *due) else { continue };
        if told.iter().any(|one| same(one, wait, due)) {
            continue;
        }
        late.insert(Escalated {
            v: ESCALATED_VERSION,
            subject: wait.subject.clone(),
            role: wait.role.clone(),
            to: to(wait),
            since: wait.since,
            due,
            asks: wait.asks.clone(),
        });
    }
    late.into_iter().collect()
}

/// The escalations among these entries.
pub fn told<'e>(entries: impl IntoIterator<Item = &'e crate::model::entry::Entry>) -> Vec<Escalated> {
    let of_kind = entries.into_iter().filter(|entry| entry.kind == ESCALATED);
    of_kind.filter_map(|entry| Escalated::deserialize(&entry.body).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::model::signed::SubjectKind;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn wait(due: &str) -> Pending {
        let subject = Subject {
            kind: SubjectKind::Gate,
            name: "g-02".to_owned(),
            scope: Some("site/HRB01".parse().expect("a scope")),
            digest: Digest::of(b"what was shown"),
            parts: BTreeSet::new(),
        };
        Pending {
            subject,
            asks: "sign g-02".to_owned(),
            role: RoleName::new("compliance").expect("a role"),
            people: BTreeSet::new(),
            since: at("2027-03-01T15:00:00Z"),
            due: Some(at(due)),
            meaning: "ready".to_owned(),
            command: "landfall gate sign g-02 --site HRB01".to_owned(),
        }
    }

    #[test]
    fn what_is_late_is_told_once_and_again_only_if_it_is_another_wait() {
        let sponsor = |_: &Pending| RoleName::new("executive-sponsor").expect("a role");
        let waits = [wait("2027-03-09T00:00:00Z")];
        assert_eq!(due(&waits, sponsor, &[], at("2027-03-08T23:59:59Z")), []);
        let told = due(&waits, sponsor, &[], at("2027-03-09T00:00:00Z"));
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].to.as_str(), told[0].role.as_str()), ("executive-sponsor", "compliance"));
        assert_eq!(due(&waits, sponsor, &told, at("2027-04-01T00:00:00Z")), []);
        let mut changed = waits.clone();
        changed[0].subject.digest = Digest::of(b"something else");
        assert_eq!(due(&changed, sponsor, &told, at("2027-04-01T00:00:00Z")).len(), 1);
        let mut endless = waits;
        endless[0].due = None;
        assert_eq!(due(&endless, sponsor, &[], at("2037-04-01T00:00:00Z")), []);
    }
}
