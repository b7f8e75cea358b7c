//! Floor 2: where a change stands, and what must hold before it goes on.
//!
//! ```text
//! draft ─▶ reviewed ─▶ approved ─▶ scheduled ─▶ applied ─▶ validated ─▶ closed
//!   ▲          │           │            │
//!   └──────────┴───────────┴────────────┘   sent back, with a reason
//! ```
//!
//! Each step has one condition, which rests on records; no step can be left out. What signatures come to is weighed
//! elsewhere and given in.

mod fold;
mod ground;
#[cfg(test)]
mod tests;
pub mod ticket_rules;

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::base::id::{PersonId, RunId};
use crate::base::limits::EMERGENCY_REVIEW_DAYS;
use crate::base::time::{Millis, Timestamp};
use crate::model::change::{
    Basis, ChangeDecided, ChangeId, ChangeOpened, ChangeState, TicketRead, due_in_working_days,
};
use crate::model::entry::Actor;
use crate::model::fleet_event::LaunchOutcome;
use crate::model::signed::ChangeClass;

pub use fold::{BadChange, changes, launches};
pub use ground::Ground;

/// All changes of an estate.
pub type Changes = BTreeMap<ChangeId, Change>;

/// One change, as the org log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was asked for.
    pub opened: ChangeOpened,
    /// When.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub state: ChangeState,
    /// Since when.
    pub since: Timestamp,
    /// The entry with which it last became a draft: what was decided before does not count any more.
    pub draft_seq: u64,
    /// Its way so far.
    pub history: Vec<Passed>,
    /// What the board decided, oldest first.
    pub decided: Vec<Decided>,
    /// The newest reading of its ticket.
    pub ticket: Option<TicketRead>,
    /// When its plan's digest was first written into its ticket.
    pub told_at: Option<Timestamp>,
    /// Whether its ticket was told how it ended.
    pub told_end: bool,
    /// When a launch of it first began.
    pub begun: Option<Timestamp>,
}

/// One step of a change's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The entry.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who took it.
    pub by: Actor,
    /// From where.
    pub from: ChangeState,
    /// Where to.
    pub to: ChangeState,
    /// Why.
    pub why: String,
    /// For what was scheduled: when it begins at the earliest.
    pub begins: Option<Timestamp>,
}

/// A decision of the board with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The entry.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What was decided.
    pub body: ChangeDecided,
}

/// What one launch came to, as the org log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Its name.
    pub run: RunId,
    /// Its plan.
    pub plan: Digest,
    /// When it began.
    pub began: Timestamp,
    /// When and how it ended, if it has, with the entry.
    pub ended: Option<(Timestamp, LaunchOutcome, u64)>,
    /// How long its sites were watched, all bake times together.
    pub baked: Millis,
}

/// A review whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// By whom.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub basis: Basis,
}

/// What the signatures come to that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures {
    /// The reviews of the plan whose signatures count, whoever gave them.
    pub reviews: Vec<Review>,
    /// What is missing of the approvals, in words.
    pub missing: Vec<String>,
    /// The rejection that stands, in words.
    pub rejected: Option<String>,
    /// The approvals that count.
    pub rests_on: Vec<Basis>,
}

/// When a change is to begin, if somebody chose it, and why it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The earliest moment.
    pub begins: Timestamp,
    /// Why it is a legal one, in words.
    pub why: String,
}

/// Everything outside of a change's own records on which its steps rest.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'g> {
    /// All changes of the estate.
    pub all: &'g Changes,
    /// The signatures about its plan.
    pub signatures: &'g Signatures,
    /// All launches of the estate.
    pub launches: &'g [Launch],
    /// When it is to begin: only asked for by the step to scheduled. An error says why the moment is no legal one.
    pub opening: Option<&'g Result<Opening, String>>,
    /// The zone in which days are meant.
    pub zone: &'g jiff::tz::TimeZone,
}

/// Where a change stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: ChangeState,
    /// Since when.
    pub since: Timestamp,
    /// What can follow.
    pub next: Option<ChangeState>,
    /// What is missing for that, in words; nothing if it can go on now.
    pub missing: Vec<String>,
    /// For an emergency whose decision is still to come: when it is due.
    pub due: Option<Timestamp>,
    /// Whether that moment has passed, or had when the decision came.
    pub late: bool,
    /// How long it waited for people: from the day it was opened until it was approved.
    pub waited: Millis,
    /// How long it dwelt for safety: bake times, and the time from the end of its launch until it was validated.
    pub dwelt: Millis,
}

/// Why a change does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no step from where it stands.
    #[error("{change} is {from}, and {to} does not follow on that; {}", next_words(*from, *next))]
    NotNext {
        /// The change.
        change: ChangeId,
        /// Where it stands.
        from: ChangeState,
        /// Where it was to go.
        to: ChangeState,
        /// What can follow.
        next: Option<ChangeState>,
    },
    /// Its condition does not hold.
    #[error("{change} stays {from}; for {to} is missing: {}", missing.join("; "))]
    Missing {
        /// The change.
        change: ChangeId,
        /// Where it stands.
        from: ChangeState,
        /// Where it was to go.
        to: ChangeState,
        /// What is missing.
        missing: Vec<String>,
    },
    /// A person's word is needed.
    #[error("a reason is needed to take {change} to {to}: --reason \"…\"")]
    NoReason {
        /// The change.
        change: ChangeId,
        /// Where it was to go.
        to: ChangeState,
    },
}

fn next_words(from: ChangeState, next: Option<ChangeState>) -> String {
    match next {
        Some(next) if from.can_go_back() => format!("the legal next step is {next}, or back to draft"),
        Some(next) => format!("the legal next step is {next}"),
        None => "it is over".to_owned(),
    }
}

impl Change {
    /// Its name.
    pub fn id(&self) -> ChangeId {
        self.opened.change
    }

    /// Whether somebody asked for it or built it.
    pub fn is_by(&self, person: &PersonId) -> bool {
        self.opened.requester == *person || self.opened.built_by.contains(person)
    }

    /// When it last came to a state.
    pub fn reached(&self, state: ChangeState) -> Option<Timestamp> {
        self.history.iter().rev().find(|passed| passed.to == state).map(|passed| passed.at)
    }

    /// The newest decision of the board that counts: made since it was last a draft.
    pub fn board(&self) -> Option<&Decided> {
        self.decided.iter().rev().find(|decided| decided.seq > self.draft_seq)
    }
}

/// Where a change stands now, and what is missing for its next step.
pub fn standing(change: &Change, grounds: &Grounds<'_>, now: Timestamp) -> Standing {
    let next = change.state.next();
    let missing = next.map_or(Vec::new(), |to| {
        // A person's word is no condition that could be missing.
        ground::of(change, to, grounds, now).err().unwrap_or_default()
    });
    let (due, late) = after_the_fact(change, grounds.zone, now);
    let approved = change.reached(ChangeState::Approved).filter(|_| change.state >= ChangeState::Approved);
    Standing {
        state: change.state,
        since: change.since,
        next,
        missing,
        due,
        late,
        waited: approved.unwrap_or(now).since(change.opened_at),
        dwelt: dwelt(change, grounds.launches, now),
    }
}

/// Takes a change to a state, if its condition holds: what that rests on.
///
/// # Errors
///
/// See [`Refusal`].
pub fn advance(
    change: &Change,
    to: ChangeState,
    reason: &str,
    grounds: &Grounds<'_>,
    now: Timestamp,
) -> Result<Ground, Refusal> {
    let (from, next, id) = (change.state, change.state.next(), change.id());
    let reason = reason.trim();
    let by_a_person = matches!(to, ChangeState::Draft | ChangeState::Closed);
    let legal = next == Some(to) || (to == ChangeState::Draft && from.can_go_back());
    if !legal {
        return Err(Refusal::NotNext { change: id, from, to, next });
    }
    if by_a_person && reason.is_empty() {
        return Err(Refusal::NoReason { change: id, to });
    }
    if to == ChangeState::Draft {
        return Ok(Ground { why: reason.to_owned(), ..Ground::default() });
    }
    let mut ground = ground::of(change, to, grounds, now).map_err(|missing| Refusal::Missing {
        change: id,
        from,
        to,
        missing,
    })?;
    if !reason.is_empty() {
        ground.why =
            if ground.why.is_empty() { reason.to_owned() } else { format!("{}; {reason}", ground.why) };
    }
    Ok(ground)
}

/// For an emergency: when the board's decision is due while there is none, and whether it is or came late.
fn after_the_fact(change: &Change, zone: &jiff::tz::TimeZone, now: Timestamp) -> (Option<Timestamp>, bool) {
    let Some(begun) = change.begun.filter(|_| change.opened.class == ChangeClass::Emergency) else {
        return (None, false);
    };
    let due = due_in_working_days(begun, EMERGENCY_REVIEW_DAYS, zone);
    match change
        .decided
        .iter()
        .find(|decided| decided.body.decision.is_one() && decided.seq > change.draft_seq)
    {
        Some(decided) => (None, decided.at > due),
        None => (Some(due), now > due),
    }
}

/// Time for safety, apart from waiting for people.
fn dwelt(change: &Change, launches: &[Launch], now: Timestamp) -> Millis {
    let Some(launch) = launches.iter().rev().find(|launch| launch.plan == change.opened.plan) else {
        return Millis(0);
    };
    let ended = launch.ended.as_ref().map(|(at, _, _)| *at);
    let until = change.reached(ChangeState::Validated).unwrap_or(now);
    let after = ended.map_or(Millis(0), |ended| until.since(ended));
    Millis(launch.baked.0.saturating_add(after.0))
}
