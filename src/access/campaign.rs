//! Recertification: every right of a site is answered for again, and what nobody answers for goes.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::{PersonId, RoleName};
use crate::base::time::Timestamp;
use crate::model::access::{
    AccessEvent, Answers, CAMPAIGN_VERSION, Outcome, Right, Row, Settled, Verdict, WorkList,
};
use crate::model::people::SITE_STEWARD;

/// Who answers for the stewards' own rights: nobody recertifies themselves.
pub const STEWARDS_REVIEWER: &str = "compliance";

/// A campaign as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub campaign: String,
    /// When it began.
    pub started: Timestamp,
    /// Until when it is to be answered.
    pub due: Timestamp,
    /// Its rows by id.
    pub rows: BTreeMap<String, (Row, RowState)>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// Answers that do not count, with the reason.
    pub refused: Vec<Refused>,
}

/// Answers that do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who gave them.
    pub person: PersonId,
    /// When they were written down.
    pub at: Timestamp,
    /// Why they do not count.
    pub why: String,
}

/// What was said of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// Nothing yet.
    Open,
    /// It stays.
    Kept {
        /// Who said so.
        by: PersonId,
        /// When.
        at: Timestamp,
    },
    /// It goes.
    Revoked {
        /// Who said so.
        by: PersonId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// Answers whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// What was answered.
    pub answers: Answers,
    /// By whom.
    pub person: PersonId,
    /// In which role.
    pub role: RoleName,
    /// When.
    pub at: Timestamp,
}

/// Why answers cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswers {
    /// They are for another campaign.
    #[error("the answers are for campaign {0}")]
    OtherCampaign(String),
    /// A row that the campaign does not have.
    #[error("the campaign has no row {0}")]
    NoRow(String),
    /// A row that another role answers.
    #[error("row {row} is answered by {reviewer}")]
    NotYours {
        /// The row.
        row: String,
        /// Whose it is.
        reviewer: RoleName,
    },
    /// Both at once.
    #[error("row {0} is both kept and revoked")]
    Both(String),
    /// Nobody could tell later why.
    #[error("row {0} is revoked without a reason")]
    NoReason(String),
    /// Nothing is said.
    #[error("no row is answered")]
    Empty,
}

/// Why a campaign cannot be closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    /// It was closed before.
    #[error("the campaign is closed")]
    Closed,
    /// Rows are open, and there is time left.
    #[error("{open} rows are not answered, and there is time until {due}")]
    Open {
        /// How many.
        open: usize,
        /// Until when.
        due: Timestamp,
    },
}

/// The work list over rights as they were last seen, each with the entry that saw it.
///
/// # Panics
///
/// Never: the roles are spelled as roles.
pub fn work_list(campaign: &str, source: &str, rights: impl IntoIterator<Item = (Right, u64)>) -> WorkList {
    let role = |name: &str| RoleName::new(name).expect("a role of the product");
    let rows = rights.into_iter().map(|(right, entry)| {
        let reviewer = role(if is_own(&right) { STEWARDS_REVIEWER } else { SITE_STEWARD });
        (right.id(), Row { right, reviewer, entry })
    });
    WorkList {
        v: CAMPAIGN_VERSION,
        campaign: campaign.to_owned(),
        source: source.to_owned(),
        rows: rows.collect(),
    }
}

/// Whether a role may give these answers to this work list.
///
/// # Errors
///
/// The first row that does not fit.
pub fn check(list: &WorkList, answers: &Answers, role: &RoleName) -> Result<(), BadAnswers> {
    if answers.campaign != list.campaign {
        return Err(BadAnswers::OtherCampaign(answers.campaign.clone()));
    }
    if answers.keep.is_empty() && answers.revoke.is_empty() {
        return Err(BadAnswers::Empty);
    }
    for id in answers.keep.iter().chain(answers.revoke.keys()) {
        let row = list.rows.get(id).ok_or_else(|| BadAnswers::NoRow(id.clone()))?;
        if row.reviewer != *role {
            return Err(BadAnswers::NotYours { row: id.clone(), reviewer: row.reviewer.clone() });
        }
        if answers.keep.contains(id) && answers.revoke.contains_key(id) {
            return Err(BadAnswers::Both(id.clone()));
        }
    }
    match answers.revoke.iter().find(|(_, reason)| reason.trim().is_empty()) {
        Some((id, _)) => Err(BadAnswers::NoReason(id.clone())),
        None => Ok(()),
    }
}

/// Where an open campaign stands. The newest answer of a row counts; answers that do not fit the list are refused.
pub fn standing(list: &WorkList, span: (Timestamp, Timestamp), given: &[Given]) -> Standing {
    let mut rows: BTreeMap<String, (Row, RowState)> =
        list.rows.iter().map(|(id, row)| (id.clone(), (row.clone(), RowState::Open))).collect();
    let mut refused = Vec::new();
    for Given { answers, person, role, at } in given {
        if let Err(bad) = check(list, answers, role) {
            refused.push(Refused { person: person.clone(), at: *at, why: bad.to_string() });
            continue;
        }
        for id in &answers.keep {
            if let Some((_, state)) = rows.get_mut(id) {
                *state = RowState::Kept { by: person.clone(), at: *at };
            }
        }
        for (id, reason) in &answers.revoke {
            if let Some((_, state)) = rows.get_mut(id) {
                *state = RowState::Revoked { by: person.clone(), at: *at, reason: reason.clone() };
            }
        }
    }
    let (started, due) = span;
    Standing { campaign: list.campaign.clone(), started, due, rows, closed: None, refused }
}

/// Where a closed campaign stands: as it was settled then, whoever has which role today.
pub fn settled(outcome: &Outcome) -> Standing {
    let state = |one: &Settled| match (one.verdict, &one.by, one.at) {
        (Verdict::Kept, Some(by), Some(at)) => RowState::Kept { by: by.clone(), at },
        (Verdict::Revoked, Some(by), Some(at)) => {
            RowState::Revoked { by: by.clone(), at, reason: one.reason.clone().unwrap_or_default() }
        }
        (Verdict::Kept | Verdict::Revoked | Verdict::Unanswered, _, _) => RowState::Open,
    };
    let rows = outcome.rows.iter().map(|(id, one)| (id.clone(), (one.row.clone(), state(one))));
    Standing {
        campaign: outcome.campaign.clone(),
        started: outcome.started,
        due: outcome.due,
        rows: rows.collect(),
        closed: Some(outcome.closed),
        refused: Vec::new(),
    }
}

/// What became of each row, once a campaign is closed. `is_steward` says who may act as the site's steward.
pub fn outcome(standing: &Standing, now: Timestamp, is_steward: &dyn Fn(&PersonId) -> bool) -> Outcome {
    let one = |(id, (row, state)): (&String, &(Row, RowState))| {
        let (verdict, by, at, reason) = match state {
            RowState::Open => (Verdict::Unanswered, None, None, None),
            RowState::Kept { by, at } => (Verdict::Kept, Some(by), Some(*at), None),
            RowState::Revoked { by, at, reason } => {
                (Verdict::Revoked, Some(by), Some(*at), Some(reason.clone()))
            }
        };
        (id.clone(), Settled { row: row.clone(), verdict, by: by.cloned(), at, reason })
    };
    let rows: BTreeMap<String, Settled> = standing.rows.iter().map(one).collect();
    let of = |verdict: Verdict| rows.values().filter(|one| one.verdict == verdict).count();
    let own = |one: &&Settled| is_own(&one.row.right) && one.by.as_ref().is_some_and(is_steward);
    Outcome {
        v: CAMPAIGN_VERSION,
        campaign: standing.campaign.clone(),
        started: standing.started,
        due: standing.due,
        closed: now,
        confirmed: None,
        grants: rows.len(),
        answered_percent: standing.percent(),
        undecided: of(Verdict::Unanswered),
        reviewed_own: rows.values().filter(own).count(),
        removed_but_there: of(Verdict::Unanswered) + of(Verdict::Revoked),
        rows,
    }
}

/// The same after another look: `there` holds the ids of the rights that were seen last.
pub fn confirmed(outcome: &Outcome, there: &BTreeSet<String>, now: Timestamp) -> Outcome {
    let still = |(id, one): (&String, &Settled)| {
        (one.verdict != Verdict::Kept && there.contains(id)).then_some(one.verdict)
    };
    let still: Vec<Verdict> = outcome.rows.iter().filter_map(still).collect();
    Outcome {
        confirmed: Some(now),
        undecided: still.iter().filter(|verdict| **verdict == Verdict::Unanswered).count(),
        removed_but_there: still.len(),
        ..outcome.clone()
    }
}

/// Whether a right is a steward's own.
fn is_own(right: &Right) -> bool {
    right.principal.to_lowercase().contains("steward")
}

impl Standing {
    /// The rows that nobody has answered for.
    pub fn open(&self) -> impl Iterator<Item = (&String, &Row)> {
        self.rows.iter().filter(|(_, (_, state))| *state == RowState::Open).map(|(id, (row, _))| (id, row))
    }

    /// When a row was answered last.
    pub fn last_answer(&self) -> Option<Timestamp> {
        let answered = |(_, state): &(Row, RowState)| match state {
            RowState::Open => None,
            RowState::Kept { at, .. } | RowState::Revoked { at, .. } => Some(*at),
        };
        self.rows.values().filter_map(answered).max()
    }

    /// Share of the rows that were answered, in whole percent, rounded down; a campaign without rows is complete.
    pub fn percent(&self) -> usize {
        let open = self.open().count();
        ((self.rows.len() - open) * 100).checked_div(self.rows.len()).unwrap_or(100)
    }

    /// Whether it can be closed at this moment.
    ///
    /// # Errors
    ///
    /// If it is closed, or rows are open and there is time left.
    pub fn can_close(&self, now: Timestamp) -> Result<(), NotYet> {
        let open = self.open().count();
        match self.closed {
            Some(_) => Err(NotYet::Closed),
            None if open > 0 && now < self.due => Err(NotYet::Open { open, due: self.due }),
            None => Ok(()),
        }
    }
}

/// What closing comes to: first the rights that go, then the end of the campaign.
pub fn closing(outcome: &Outcome, kept_as: Digest) -> Vec<AccessEvent> {
    let (mut events, mut kept, mut revoked, mut unanswered) = (Vec::new(), 0, 0, 0);
    for Settled { row, verdict, reason, .. } in outcome.rows.values() {
        let why = match verdict {
            Verdict::Kept => {
                kept += 1;
                continue;
            }
            Verdict::Revoked => {
                revoked += 1;
                reason.clone().unwrap_or_default()
            }
            Verdict::Unanswered => {
                unanswered += 1;
                format!("{} did not answer for it until {}", row.reviewer, outcome.due)
            }
        };
        let campaign = Some(outcome.campaign.clone());
        events.push(AccessEvent::Revoked { right: row.right.clone(), at: outcome.closed, why, campaign });
    }
    let (campaign, at) = (outcome.campaign.clone(), outcome.closed);
    events.push(AccessEvent::Closed { campaign, at, kept, revoked, unanswered, outcome: kept_as });
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::StepId;

    fn right(principal: &str, privilege: &str) -> Right {
        Right {
            step: StepId::new("grants.c").expect("an id"),
            object: "catalog c".to_owned(),
            principal: principal.to_owned(),
            privilege: privilege.to_owned(),
        }
    }

    fn list() -> WorkList {
        let rights = [("analysts", "SELECT"), ("analysts", "BROWSE"), ("Stewards-hrb01", "BROWSE")];
        work_list(
            "RC-1",
            "test",
            rights.iter().enumerate().map(|(at, (who, what))| (right(who, what), at as u64)),
        )
    }

    fn role(name: &str) -> RoleName {
        RoleName::new(name).expect("a role")
    }

    fn answers(keep: &[&str], revoke: &[(&str, &str)]) -> Answers {
        Answers {
            v: 1,
            campaign: "RC-1".to_owned(),
            keep: keep.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(),
            revoke: revoke.iter().map(|(id, why)| ((*id).to_owned(), (*why).to_owned())).collect(),
        }
    }

    fn at(moment: i64) -> Timestamp {
        Timestamp::from_millis(moment)
    }

    fn given(answers: Answers, role_name: &str) -> Given {
        let person = PersonId::new("steward-hrb01").expect("a handle");
        Given { answers, person, role: role(role_name), at: at(2) }
    }

    #[test]
    fn nobody_recertifies_their_own_rights() {
        let list = list();
        let own = right("stewards-hrb01", "BROWSE").id();
        assert_eq!(list.rows[&own].reviewer.as_str(), STEWARDS_REVIEWER);
        let refused = check(&list, &answers(&[&own], &[]), &role(SITE_STEWARD));
        assert_eq!(refused, Err(BadAnswers::NotYours { row: own, reviewer: role(STEWARDS_REVIEWER) }));
    }

    #[test]
    fn answers_that_do_not_fit_are_refused_with_the_row() {
        let list = list();
        let id = right("analysts", "SELECT").id();
        let steward = role(SITE_STEWARD);
        let no = |answers: &Answers| check(&list, answers, &steward).expect_err("refused").to_string();
        assert_eq!(no(&answers(&[], &[])), "no row is answered");
        assert_eq!(no(&answers(&["nothing"], &[])), "the campaign has no row nothing");
        assert_eq!(no(&answers(&[&id], &[(&id, "x")])), format!("row {id} is both kept and revoked"));
        assert_eq!(no(&answers(&[], &[(&id, " ")])), format!("row {id} is revoked without a reason"));
        let other = Answers { campaign: "RC-2".to_owned(), ..answers(&[&id], &[]) };
        assert_eq!(no(&other), "the answers are for campaign RC-2");
    }

    #[test]
    fn what_nobody_answered_for_goes_when_its_time_is_over() {
        let list = list();
        let (select, browse) = (right("analysts", "SELECT").id(), right("analysts", "BROWSE").id());
        let given = [
            given(answers(&[&select, &browse], &[]), SITE_STEWARD),
            given(answers(&[], &[(&browse, "left the team")]), SITE_STEWARD),
        ];
        let standing = standing(&list, (at(0), at(100)), &given);
        assert_eq!((standing.percent(), standing.open().count()), (66, 1));
        assert_eq!(standing.can_close(at(99)), Err(NotYet::Open { open: 1, due: at(100) }));
        assert_eq!(standing.can_close(at(100)), Ok(()));
        let outcome = outcome(&standing, at(100), &|_| false);
        let counts = (outcome.grants, outcome.undecided, outcome.removed_but_there, outcome.reviewed_own);
        assert_eq!(counts, (3, 1, 2, 0));
        let events = closing(&outcome, Digest::of(b"outcome"));
        let told: Vec<String> = events
            .iter()
            .map(|event| match event {
                AccessEvent::Revoked { right, why, .. } => {
                    format!("{} {}: {why}", right.principal, right.privilege)
                }
                AccessEvent::Closed { kept, revoked, unanswered, .. } => {
                    format!("{kept} {revoked} {unanswered}")
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told.last().map(String::as_str), Some("1 1 1"));
        assert!(told.contains(&"analysts BROWSE: left the team".to_owned()), "{told:?}");
        assert!(
            told.iter().any(|one| one.starts_with("Stewards-hrb01 BROWSE: compliance did not answer")),
            "{told:?}"
        );
    }

    #[test]
    fn a_campaign_is_closed_once_and_early_only_if_all_is_answered() {
        let list = work_list("RC-1", "test", [(right("analysts", "SELECT"), 0)]);
        let id = right("analysts", "SELECT").id();
        let answered = standing(&list, (at(0), at(100)), &[given(answers(&[&id], &[]), SITE_STEWARD)]);
        assert_eq!(answered.can_close(at(1)), Ok(()));
        let closed = settled(&outcome(&answered, at(1), &|_| false));
        assert_eq!(closed.can_close(at(2)), Err(NotYet::Closed));
        assert_eq!((closed.rows, closed.closed), (answered.rows, Some(at(1))));
        assert_eq!(standing(&work_list("e", "x", []), (at(0), at(1)), &[]).percent(), 100);
    }

    #[test]
    fn what_was_taken_away_is_gone_only_if_nobody_sees_it_any_more() {
        let list = list();
        let (select, own) = (right("analysts", "SELECT").id(), right("stewards-hrb01", "BROWSE").id());
        let given =
            [given(answers(&[&select], &[]), SITE_STEWARD), given(answers(&[&own], &[]), STEWARDS_REVIEWER)];
        let outcome = outcome(&standing(&list, (at(0), at(100)), &given), at(100), &|_| true);
        assert_eq!(outcome.reviewed_own, 1, "whoever is a steward has answered for the stewards' right");
        let browse = right("analysts", "BROWSE").id();
        let counts = |there: &[&String]| {
            let there = there.iter().map(|id| (*id).clone()).collect();
            let seen = confirmed(&outcome, &there, at(200));
            (seen.undecided, seen.removed_but_there)
        };
        assert_eq!(counts(&[&select, &own, &browse]), (1, 1));
        assert_eq!(counts(&[&select, &own]), (0, 0));
    }

    #[test]
    fn answers_that_do_not_fit_are_told_and_change_nothing() {
        let list = list();
        let own = right("stewards-hrb01", "BROWSE").id();
        let found = standing(&list, (at(0), at(100)), &[given(answers(&[&own], &[]), SITE_STEWARD)]);
        assert_eq!((found.percent(), found.refused.len()), (0, 1));
        assert_eq!(found.refused[0].why, format!("row {own} is answered by compliance"));
    }
}
