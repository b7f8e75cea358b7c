//! Approvals that are asked for and not given, as lines of an inbox.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, break_glass, meaning};
use crate::base::digest::Digest;
use crate::base::id::{LogId, PersonId, RoleName, ScopeId};
use crate::base::limits::{APPROVAL_WORKING_DAYS, DAY};
use crate::base::time::{Millis, Timestamp};
use crate::journal::{Journal, Line};
use crate::model::days::working_end;
use crate::model::estate::Estate;
use crate::model::pending::Pending;
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, Condition, Subject, SubjectKind};
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::plan;
use crate::people::Seat;

/// Everything about plans that waits for somebody: approvals that are asked for and missing, and conditions of those that
/// were given.
///
/// # Errors
///
/// If a log is damaged.
pub fn pending(estate: &Estate, journal: &dyn Journal, now: Timestamp) -> Result<Vec<Pending>, Failure> {
    let lines = journal.read(&LogId::Org, 0)?;
    let launched: BTreeSet<Digest> = lines
        .iter()
        .filter(|line| line.entry.kind == "launch.started")
        .filter_map(|line| line.entry.plan)
        .collect();
    let mut found = Vec::new();
    for (digest, saved) in asked_for(&lines, journal)? {
        let late = now > saved.made_at + Millis(u64::from(estate.plan_valid_days) * DAY.0);
        let case = Case::open(&saved, estate, journal)?;
        if !late && !launched.contains(&digest) {
            found.extend(missing(&case, now));
        }
        found.extend(conditions(&case, now));
    }
    found.extend(reviews(estate, journal, now)?);
    Ok(found)
}

/// The plans whose approval was asked for, by digest, as they were kept.
fn asked_for(lines: &[Line], journal: &dyn Journal) -> Result<BTreeMap<Digest, SavedPlan>, Failure> {
    let kind = Act::ENTRY_KINDS[0];
    let mut plans = BTreeMap::new();
    for entry in lines.iter().map(|line| &line.entry).filter(|entry| entry.kind == kind) {
        let file = entry.refs.iter().find(|file| file.path == PLAN_FILE);
        let (Some(file), Some(digest)) = (file, entry.plan) else { continue };
        let bytes = journal.get_blob(&file.sha256)?;
        // Whatever is no whole plan of this digest is nothing that somebody can decide about.
        if let Ok(saved) = plan::parse(&bytes)
            && saved.digest == digest
        {
            plans.insert(digest, saved);
        }
    }
    Ok(plans)
}

fn missing(case: &Case<'_>, now: Timestamp) -> Vec<Pending> {
    let standing = case.standing(now);
    let Some(since) = standing.requested else { return Vec::new() };
    let mut seats: BTreeMap<(Seat, BTreeSet<PersonId>), BTreeSet<ScopeId>> = BTreeMap::new();
    for one in standing.needs.iter().filter(|one| one.weighed.rejected.is_none()) {
        for seat in &one.weighed.missing {
            let people = one.could.get(seat).cloned().unwrap_or_default();
            // A role of the program is one line, however many sites it is asked for; a site's role is one for each.
            let site = seat.site.clone().filter(|_| super::is_of_site(&seat.role));
            let seat = Seat { role: seat.role.clone(), site };
            seats.entry((seat, people)).or_default().insert(one.scope.clone());
        }
    }
    let line = |((seat, people), scopes): ((Seat, BTreeSet<PersonId>), BTreeSet<ScopeId>)| {
        let site = seat.site.as_ref().map_or(String::new(), |site| format!(" --site {site}"));
        let subject = match &seat.site {
            Some(_) => case.subject(&scopes),
            None => case.subject([]),
        };
        Pending {
            asks: format!(
                "{} asks for the approval of {} ({})",
                requester(case),
                subject.name,
                case.saved.digest.short()
            ),
            meaning: meaning::approves(case, &subject),
            subject,
            role: seat.role,
            people,
            since,
            due: Some(working_end(&case.zone, since, APPROVAL_WORKING_DAYS)),
            command: format!("landfall approve PLAN{site}"),
        }
    };
    seats.into_iter().map(line).collect()
}

fn requester(case: &Case<'_>) -> String {
    let mut asked = case.decisions.iter().map(|decision| &decision.signed.statement);
    let asked = asked.rfind(|statement| matches!(statement.act, Act::Request { .. }));
    asked.map_or_else(|| "somebody".to_owned(), |statement| statement.person.to_string())
}

/// A condition of an approval that counts and that nobody has said to be met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Open {
    pub(super) condition: Condition,
    /// From when on it can be met.
    pub(super) from: Timestamp,
    /// Who set it, and says when it is met.
    pub(super) person: PersonId,
    pub(super) role: RoleName,
    subject: Subject,
}

/// The conditions that are open.
pub(super) fn open_conditions(case: &Case<'_>, now: Timestamp) -> BTreeSet<Open> {
    let standing = case.standing(now);
    let mut open = BTreeSet::new();
    for at in standing.needs.iter().flat_map(|one| one.weighed.counted.keys()) {
        let statement = &case.decisions[*at].signed.statement;
        let Some(conditions) = statement.act.conditions() else { continue };
        for condition in conditions {
            let meant = meaning::meets(&condition.name, &statement.subject);
            let is_met = case.decisions.iter().enumerate().any(|(later, decision)| {
                let other = &decision.signed.statement;
                later > *at
                    && !standing.refused.contains_key(&later)
                    && matches!(other.act, Act::Attest {})
                    && other.person == statement.person
                    && other.meaning == meant
            });
            if !is_met {
                open.insert(Open {
                    condition: condition.clone(),
                    from: condition.earliest(statement.at),
                    person: statement.person.clone(),
                    role: statement.role.clone(),
                    subject: statement.subject.clone(),
                });
            }
        }
    }
    open
}

/// Conditions of the approvals that count, one line each, until who set it says that it is met.
fn conditions(case: &Case<'_>, now: Timestamp) -> Vec<Pending> {
    let line = |open: Open| {
        let Open { condition, from, person, role, subject } = open;
        let asks = format!(
            "the approval of {} was given on the condition {} for at least {} days: it can be met from {from} on",
            subject.name, condition.name, condition.days_min
        );
        let meaning = meaning::meets(&condition.name, &subject);
        let command = format!("landfall review PLAN --condition {}", condition.name);
        Pending {
            asks,
            meaning,
            subject,
            role,
            people: BTreeSet::from([person]),
            since: from,
            due: None,
            command,
        }
    };
    open_conditions(case, now).into_iter().map(line).collect()
}

/// Ways past the approvals that wait for their review.
fn reviews(estate: &Estate, journal: &dyn Journal, now: Timestamp) -> Result<Vec<Pending>, Failure> {
    let open = break_glass::opened(estate, journal, now)?.into_iter().filter(break_glass::Opened::is_open);
    let line = |opened: break_glass::Opened| {
        let asks = opened.line(now);
        let subject = Subject {
            kind: SubjectKind::Plan,
            name: opened.name,
            scope: None,
            digest: opened.plan,
            parts: BTreeSet::new(),
        };
        let others = estate.people.holdings.iter().filter(|one| one.role == opened.role);
        let others = others.flat_map(|one| one.backup.iter().chain([&one.person]));
        Pending {
            asks,
            meaning: meaning::reviews_emergency(&subject),
            people: others.filter(|person| **person != opened.by).cloned().collect(),
            subject,
            role: opened.role,
            since: opened.at,
            due: Some(opened.due),
            command: "landfall review PLAN --break-glass".to_owned(),
        }
    };
    Ok(open.map(line).collect())
}
