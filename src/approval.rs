//! Floor 2: what signed decisions come to: which of them count, and what is missing.
//!
//! First each decision is judged by itself ([`Docket::new`]): is it signed, by whom, with a key that counted then. Then
//! decisions are held against a question ([`Docket::weigh`]): are they about it, may these people decide it, and does
//! each seat have somebody of its own.

mod bench;
mod docket;
pub mod need;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{LogId, PersonId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::model::people::{Enrolled, People};
use crate::model::signed::{Condition, Signed, Subject};
use crate::people::{How, Seat};

pub use docket::{Docket, signature};
pub use rule::Rule;

/// A decision with its place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was signed.
    pub signed: Signed,
    /// The log it is in.
    pub log: LogId,
    /// Its place there.
    pub seq: u64,
    /// When it was recorded, by the journal's clock.
    pub recorded_at: Timestamp,
}

/// Against what decisions are held.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The estate's lineage.
    pub estate: &'a str,
    /// The zone in which days are meant.
    pub zone: &'a jiff::tz::TimeZone,
    /// Who is who.
    pub people: &'a People,
    /// Whose keys the org log knows.
    pub keys: &'a Enrolled,
}

/// What is asked of people about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The subject, as it is now.
    pub subject: Subject,
    /// The seats to be filled, each by another person.
    pub seats: BTreeSet<Seat>,
    /// Whether a review by yet another person is needed.
    pub review: bool,
    /// Whether those who sign must be clinicians.
    pub clinician: bool,
    /// Days for which a signature counts; for ever without it.
    pub valid_days: Option<u32>,
    /// Who must not decide, with the reason: who asked for it, who built it.
    pub kept_out: BTreeMap<PersonId, KeptOut>,
    /// Steps that every approval has to name.
    pub one_way: BTreeSet<String>,
}

/// Why somebody must not decide, whatever roles they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptOut {
    /// They asked for it.
    Requester,
    /// They built it.
    Builder,
}

/// What decisions come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Weighed {
    /// The decisions that count, by their place in what was given, with the seat they fill.
    pub counted: BTreeMap<usize, (Seat, How)>,
    /// The decisions that do not, each with the rule.
    pub refused: BTreeMap<usize, Rule>,
    /// Seats that nobody fills.
    pub missing: BTreeSet<Seat>,
    /// Whether a review is missing.
    pub unreviewed: bool,
    /// The rejection that stands, by its place.
    pub rejected: Option<usize>,
    /// Conditions of the approvals that count, each with the moment from which it can be met.
    pub conditions: Vec<(Condition, Timestamp)>,
    /// When the first of those that count ends.
    pub until: Option<Timestamp>,
}

impl Weighed {
    /// Whether everything that was asked for is there, and nobody has rejected it.
    pub fn holds(&self) -> bool {
        self.missing.is_empty() && !self.unreviewed && self.rejected.is_none()
    }
}

/// The scope whose site decides which steward is asked.
pub fn site_of(scope: Option<&ScopeId>) -> Option<SiteCode> {
    scope.and_then(ScopeId::site).cloned()
}

/// Weighs all decisions about one subject, oldest first. Where several acts can be asked of one thing (an item is
/// attested, waived, or does not apply), only decisions of the act in question are given.
pub fn weigh(asked: &Asked, decisions: &[Decision], around: Around<'_>, now: Timestamp) -> Weighed {
    Docket::new(decisions, around, now).weigh(asked)
}
