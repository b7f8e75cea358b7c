//! Changes: what is asked for, where it stands, what a board decided, what a ticket said. The entries of the org log.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::digest::Digest;
use crate::base::id::{BadName, LogId, PersonId, SiteCode};
use crate::base::time::Timestamp;
use crate::model::calendar::clock;
use crate::model::signed::ChangeClass;

/// The kind of the entry that opens a change.
pub const OPENED: &str = "change.opened";
/// The kind of the entry that takes a change from one state to another.
pub const ADVANCED: &str = "change.advanced";
/// The kind of the entry that keeps what the change board decided.
pub const DECIDED: &str = "change.decided";
/// The name of the file that says on which change a launch goes, inside a journal and a bundle.
pub const CHANGE_FILE: &str = "change.json";
/// The kind of the entry that ties a change and its ticket to a launch, in the org log.
pub const APPLIED: &str = "change.applied";
/// The kind of the entry that keeps what a ticket said.
pub const TICKET_READ: &str = "ticket.read";
/// The kind of the entry that says that a ticket was written to.
pub const TICKET_COMMENTED: &str = "ticket.commented";

/// What stands before the number of a change.
const PREFIX: &str = "CHG-";

/// The name of a change: `CHG-1`, counted for each estate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeId(pub u32);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl std::str::FromStr for ChangeId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let digits = text.strip_prefix(PREFIX).or_else(|| text.strip_prefix("CHG"));
        let plain = |digits: &&str| !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits.filter(plain).and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or(BadName { rule: "a change is CHG- and a number, for example CHG-1" })
    }
}

impl Serialize for ChangeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChangeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeState {
    /// Asked for; nobody has looked at it, or it was sent back.
    Draft,
    /// Somebody who neither asked for it nor built it has read it.
    Reviewed,
    /// Everybody whose signature it needs has given it, and the board where it is asked.
    Approved,
    /// It is known when it may begin.
    Scheduled,
    /// The launch of exactly its plan has ended.
    Applied,
    /// What it made was checked, and held until the bake time was over.
    Validated,
    /// Nothing is left to do.
    Closed,
}

impl ChangeState {
    /// Every state with its word, in their only order.
    pub const ALL: [(&'static str, ChangeState); 7] = [
        ("draft", Self::Draft),
        ("reviewed", Self::Reviewed),
        ("approved", Self::Approved),
        ("scheduled", Self::Scheduled),
        ("applied", Self::Applied),
        ("validated", Self::Validated),
        ("closed", Self::Closed),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The state of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, state)| *state)
    }

    /// The one state that can follow, but for the way back.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).map(|(_, state)| *state)
    }

    /// Whether it can still be sent back to draft: nothing was done yet.
    pub fn can_go_back(self) -> bool {
        matches!(self, Self::Reviewed | Self::Approved | Self::Scheduled)
    }
}

impl fmt::Display for ChangeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Every class of change with its word.
pub const CLASSES: [(&str, ChangeClass); 3] = [
    ("normal", ChangeClass::Normal),
    ("standard", ChangeClass::Standard),
    ("emergency", ChangeClass::Emergency),
];

/// The word for a class.
pub fn class_word(class: ChangeClass) -> &'static str {
    CLASSES.iter().find(|(_, one)| *one == class).map_or("", |(word, _)| word)
}

/// An entry that something rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Basis {
    /// What it is, in a few words: `review by peer-reviewer`.
    pub what: String,
    /// Its log.
    pub log: LogId,
    /// Its place there.
    pub seq: u64,
}

/// The body of `change.opened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeOpened {
    /// Its name.
    pub change: ChangeId,
    /// What it is about, in a sentence.
    pub title: String,
    /// How it is handled.
    pub class: ChangeClass,
    /// The plan's digest: the change is of this plan and of no other.
    pub plan: Digest,
    /// Names what is done, but for what says which site it is: a standard change repeats an earlier one with the same.
    pub pattern: Digest,
    /// The plan's target, by name.
    pub target: String,
    /// What the plan covers, for people.
    pub covers: String,
    /// The plan's sites.
    pub sites: BTreeSet<SiteCode>,
    /// Who asks for it.
    pub requester: PersonId,
    /// Who built it.
    pub built_by: BTreeSet<PersonId>,
    /// The ticket's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// The body of `change.advanced`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAdvanced {
    /// The change.
    pub change: ChangeId,
    /// Where it stood.
    pub from: ChangeState,
    /// Where it stands now.
    pub to: ChangeState,
    /// Why: the condition that holds, or the reason of a rejection.
    pub why: String,
    /// The entries that the condition rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<Basis>,
    /// For what was scheduled: when it begins at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<Timestamp>,
}

/// What a change board decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoardDecision {
    /// It may be done.
    Approved,
    /// It may not: back to draft.
    Rejected,
    /// Not decided: another meeting decides.
    Deferred,
}

impl BoardDecision {
    /// Every decision with its word.
    pub const ALL: [(&'static str, BoardDecision); 3] =
        [("approved", Self::Approved), ("rejected", Self::Rejected), ("deferred", Self::Deferred)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Whether something was decided.
    pub fn is_one(self) -> bool {
        match self {
            Self::Approved | Self::Rejected => true,
            Self::Deferred => false,
        }
    }
}

/// The body of `change.decided`: recorded, not signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDecided {
    /// The change.
    pub change: ChangeId,
    /// The plan's digest, as the board had it.
    pub plan: Digest,
    /// The day of the meeting.
    #[serde(with = "clock::day")]
    pub date: Date,
    /// Who was there.
    pub attendees: BTreeSet<PersonId>,
    /// What was decided.
    pub decision: BoardDecision,
    /// Anything to add; the reason of a rejection.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What somebody decided in a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketApproval {
    /// Who, by the name that the ticket system has for them.
    pub approver: String,
    /// Its word for what they decided.
    pub state: String,
    /// Whether that word says yes.
    pub approved: bool,
    /// Whether that word says no.
    pub rejected: bool,
    /// When, if it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A ticket as it was read. Holds no free text: that may hold what must not be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its number, as the ticket system spells it.
    pub number: String,
    /// Its state, in the ticket system's word.
    pub state: String,
    /// Whether a coarser word of the ticket system says that it is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_closed: bool,
    /// Who asked for it, by the name that the ticket system has for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// What was decided, and by whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<TicketApproval>,
    /// The site codes that it names.
    pub sites: BTreeSet<SiteCode>,
    /// The digests that its own text quotes.
    pub quoted: BTreeSet<Digest>,
    /// The digests that comments on it quote.
    pub commented: BTreeSet<Digest>,
    /// When its work is planned to begin and to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<String>,
    /// The end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// Where people see it.
    pub url: String,
}

/// The body of `ticket.read`: recorded, not signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRead {
    /// The change it belongs to.
    pub change: ChangeId,
    /// The ticket's number.
    pub number: String,
    /// Its address.
    pub url: String,
    /// Its state at that moment.
    pub state: String,
    /// Who had approved it.
    pub approvers: Vec<String>,
    /// When it was read.
    pub read_at: Timestamp,
    /// SHA-256 of the answer's bytes, of all answers in their order where there were several.
    pub answer: Digest,
    /// The plan's digest that it was held against.
    pub plan: Digest,
    /// What its word is worth: the ticket system told it, nobody signed it.
    pub standing: String,
}

/// The body of `ticket.commented`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCommented {
    /// The change it belongs to.
    pub change: ChangeId,
    /// The ticket's number.
    pub number: String,
    /// The plan's digest that the comment quotes.
    pub plan: Digest,
    /// SHA-256 of the comment's text.
    pub text: Digest,
    /// What the comment is about: `opened` or `ended`.
    pub about: String,
}

/// The body of `change.applied`: the same in each log that the launch writes, so that every record of it has its
/// ticket. Names no site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeApplied {
    /// The change.
    pub change: ChangeId,
    /// How it is handled.
    pub class: ChangeClass,
    /// What its ticket said, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketRead>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_named_in_one_way() {
        for (text, number) in [("CHG-1", 1), ("CHG1", 1), ("CHG-4294967295", u32::MAX)] {
            assert_eq!(text.parse::<ChangeId>(), Ok(ChangeId(number)));
        }
        for bad in
            ["", "CHG-", "CHG-0", "CHG-01", "CHG-1x", "chg-1", "CHG-4294967296", "CHG--1", "CHG0012345"]
        {
            assert!(bad.parse::<ChangeId>().is_err(), "{bad}");
        }
        assert_eq!(ChangeId(7).to_string(), "CHG-7");
    }

    #[test]
    fn the_states_follow_each_other_in_one_order() {
        let mut state = ChangeState::Draft;
        let mut words = vec![state.word()];
        while let Some(next) = state.next() {
            state = next;
            words.push(state.word());
        }
        assert_eq!(words.join(" "), "draft reviewed approved scheduled applied validated closed");
        assert!(words.iter().all(|word| ChangeState::of(word).map(ChangeState::word) == Some(word)));
        assert_eq!(BoardDecision::Deferred.word(), "deferred");
    }
}
