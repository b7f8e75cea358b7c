//! The inbox: every decision that waits for somebody, wherever it belongs.

use std::collections::BTreeMap;

use crate::base::id::{LogId, PersonId, RoleName, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::checklist::Authority;
use crate::gate::late::{self as gate_late, Escalated};
use crate::journal::{Journal, JournalError};
use crate::model::pending::Pending;
use crate::model::signed::SubjectKind;
use crate::ops::checklist::{self, Ground};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::note::{Note, write};
use crate::ops::{Context, access, approvals, changes};

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
    found.extend(changes::board::pending(estate, journal, now)?);
    found.extend(access::pending(estate, journal, sites, now)?);
    let key =
        |wait: &Pending| (wait.since, wait.due.is_none(), wait.due, wait.asks.clone(), wait.role.clone());
    // What cannot be answered yet waits for nobody.
    found.retain(|wait| wait.since <= now);
    found.sort_by_cached_key(key);
    Ok(found)
}

/// What of plans and rights waits and is late. What is late of gates and items is told with those.
///
/// # Errors
///
/// If a log is damaged.
pub fn late(desired: &Desired, journal: &dyn Journal, now: Timestamp) -> Result<Vec<Pending>, Failure> {
    let mut found = inbox(desired, journal, now)?;
    found.retain(|wait| {
        wait.is_late(now)
            && match wait.subject.kind {
                SubjectKind::Plan | SubjectKind::AccessRequest | SubjectKind::Recertification => true,
                SubjectKind::Gate | SubjectKind::Item => false,
            }
    });
    Ok(found)
}

/// Tells the sponsor what is late of plans and rights: one entry for each wait, however often it is looked. Gives what was
/// told, in words. A log that somebody else is writing is taken up the next time.
///
/// # Errors
///
/// If a log cannot be read or written.
///
/// # Panics
///
/// If an escalation has no JSON form: a bug in its type.
pub fn escalate(
    context: &Context,
    desired: &Desired,
    journal: &mut dyn Journal,
) -> Result<Vec<String>, Failure> {
    let now = context.clock.now();
    let sponsor = Authority::of(&desired.loaded.estate.people).sponsor;
    let mut by_log: BTreeMap<LogId, Vec<Pending>> = BTreeMap::new();
    for wait in late(desired, journal, now)? {
        let log = wait.subject.scope.clone().map_or(LogId::Org, LogId::Scope);
        by_log.entry(log).or_default().push(wait);
    }
    let mut words = Vec::new();
    for (log, waits) in by_log {
        let lines = journal.read(&log, 0)?;
        let told = gate_late::told(lines.iter().map(|line| &line.entry));
        let due = gate_late::due(&waits, |_| sponsor.clone(), &told, now);
        if due.is_empty() {
            continue;
        }
        let body = |late: &Escalated| serde_json::to_value(late).expect("an escalation has a JSON form");
        let notes = due.iter().map(|late| Note::new(gate_late::ESCALATED, body(late))).collect();
        match write(context, journal, &log, |_| Ok((notes, ()))) {
            Ok(_) => words.extend(
                due.iter()
                    .map(|late| format!("{} is told: {} is late since {}", late.to, late.asks, late.due)),
            ),
            Err(Failure::Journal(JournalError::Held { .. } | JournalError::Fenced { .. })) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(words)
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
