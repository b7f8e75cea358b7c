//! The way past the approvals in an emergency: one signed statement by somebody who could approve, a review by a second
//! person within the set hours, and loud until then.

use super::Case;
use crate::approval::{Around, Decision, Docket};
use crate::base::digest::Digest;
use crate::base::id::{LogId, PersonId, RoleName};
use crate::base::time::{Millis, Timestamp};
use crate::journal::Journal;
use crate::model::calendar::zone;
use crate::model::estate::Estate;
use crate::model::signed::{Act, Subject, SubjectKind};
use crate::ops::decisions;
use crate::ops::error::Failure;
use crate::people::{Seat, may_act};

/// An hour.
const HOUR: Millis = Millis::from_secs(60 * 60);

/// A way past the approvals that somebody opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The plan.
    pub plan: Digest,
    /// What the plan is called.
    pub name: String,
    /// Who opened it.
    pub by: PersonId,
    /// In which role.
    pub role: RoleName,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// When the review is due.
    pub due: Timestamp,
    /// Who reviewed it, and when.
    pub reviewed: Option<(PersonId, Timestamp)>,
}

impl Opened {
    /// Whether it still waits for its review.
    pub fn is_open(&self) -> bool {
        self.reviewed.is_none()
    }

    /// In one line, loud while it is open.
    pub fn line(&self, now: Timestamp) -> String {
        let Self { plan, name, by, role, at, reason, due, reviewed } = self;
        let what = format!("break-glass on {name} ({}) by {by} ({role}) at {at}: {reason}", plan.short());
        match reviewed {
            Some((who, when)) if when <= due => format!("{what}; reviewed by {who} at {when}"),
            Some((who, when)) => format!("{what}; reviewed late by {who} at {when}, due was {due}"),
            None if now > *due => format!("BREAK-GLASS NOT REVIEWED, LATE SINCE {due}: {what}"),
            None => format!("BREAK-GLASS NOT REVIEWED YET, due {due}: {what}"),
        }
    }
}

/// Every way past the approvals that the org log knows, oldest first.
///
/// # Errors
///
/// If the org log is damaged.
pub fn opened(estate: &Estate, journal: &dyn Journal, now: Timestamp) -> Result<Vec<Opened>, Failure> {
    let keys = decisions::keys(journal)?;
    let zone = estate.time_zone();
    let of_plans = |subject: &Subject| subject.kind == SubjectKind::Plan;
    let found = decisions::about(journal, &LogId::Org, of_plans)?;
    let around = Around { estate: &estate.lineage, zone: &zone, people: &estate.people, keys: &keys };
    Ok(fold(&Docket::new(&found, around, now), estate.break_glass_hours))
}

fn fold(docket: &Docket<'_>, hours: u32) -> Vec<Opened> {
    let all: Vec<(usize, &Decision)> = docket.genuine().collect();
    let opens =
        |(_, decision): &&(usize, &Decision)| matches!(decision.signed.statement.act, Act::BreakGlass {});
    let one = |(at, decision): &(usize, &Decision)| {
        let statement = &decision.signed.statement;
        let reviews = |(later, other): &&(usize, &Decision)| {
            let other = &other.signed.statement;
            later > at
                && matches!(other.act, Act::Review {})
                && other.subject.digest == statement.subject.digest
                && other.person != statement.person
        };
        let review = all.iter().find(reviews);
        Opened {
            plan: statement.subject.digest,
            name: statement.subject.name.clone(),
            by: statement.person.clone(),
            role: statement.role.clone(),
            at: decision.recorded_at,
            reason: statement.comment.clone(),
            due: decision.recorded_at + Millis(HOUR.0.saturating_mul(u64::from(hours))),
            reviewed: review.map(|(_, by)| (by.signed.statement.person.clone(), by.recorded_at)),
        }
    };
    all.iter().filter(opens).map(one).collect()
}

/// Whether somebody opened a way past this plan's approvals that is still good: one of those that it asks for, in the
/// hours in which its review is due.
pub(super) fn is_past(case: &Case<'_>, estate: &Estate, now: Timestamp) -> bool {
    let docket = Docket::new(&case.decisions, case.around(), now);
    let found = fold(&docket, estate.break_glass_hours);
    found.iter().any(|opened| now <= opened.due && is_asked(case, &opened.by, &opened.role, opened.at))
}

/// Whether somebody holds one of the roles that the plan asks for.
pub(super) fn is_asked(case: &Case<'_>, person: &PersonId, role: &RoleName, at: Timestamp) -> bool {
    let day = zone::local(&case.zone, at).date();
    let mut needs = case.saved.plan.approvals.iter().filter(|need| need.roles.contains(role));
    needs.any(|need| {
        need.scopes.iter().any(|scope| {
            let seat = Seat { role: role.clone(), site: scope.site().cloned() };
            may_act(case.people, &seat, day).iter().any(|(who, _)| who == person)
        })
    })
}
