//! Floor 2: what signed decisions come to: which of them count, and what is missing.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{LogId, PersonId, ScopeId};
use crate::base::time::Timestamp;
use crate::model::people::{Enrolled, People};
use crate::model::signed::{Condition, Signed, Subject};
use crate::people::{How, Seat};

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

/// The rule by which a decision does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Rule {
    /// The subject's digest is another one: something changed, or it is about something else.
    #[error("it is about something else: what is decided now has another digest")]
    OtherDigest,
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
pub fn site_of(scope: Option<&ScopeId>) -> Option<crate::base::id::SiteCode> {
    scope.and_then(ScopeId::site).cloned()
}

/// Weighs all decisions about one subject, oldest first.
pub fn weigh(asked: &Asked, decisions: &[Decision], around: Around<'_>, now: Timestamp) -> Weighed {
    let _ = (around, now);
    let other = |decision: &Decision| decision.signed.statement.subject.digest != asked.subject.digest;
    let refused = decisions.iter().enumerate().filter(|(_, one)| other(one));
    Weighed {
        refused: refused.map(|(at, _)| (at, Rule::OtherDigest)).collect(),
        missing: asked.seats.clone(),
        unreviewed: asked.review,
        ..Weighed::default()
    }
}
