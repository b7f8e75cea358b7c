//! What a signature holds in addition where records are electronic records in the sense of 21 CFR Part 11: the signer's
//! printed name, the time with its zone, what the signature means (11.50), and a challenge that was given to the signer
//! just before, so that each signing stands for itself (11.200).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::{PersonId, ScopeId};
use crate::base::limits::{CHALLENGE_AGE_MAX, PRINTED_NAME_CHARS_MAX};
use crate::base::time::Timestamp;
use crate::model::people::People;
use crate::model::signed::{Statement, Subject};

/// The kind of the entry that gives a challenge out.
pub const CHALLENGED: &str = "approval.challenged";
/// Format version of its body.
pub const CHALLENGE_VERSION: u32 = 1;
/// Hexadecimal digits of a challenge: 128 bits.
const NONCE_CHARS: usize = 32;

/// What a signature means, in the words of 11.50(a)(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureMeaning {
    /// Has read it and found it right.
    Review,
    /// Approves it.
    Approval,
    /// Answers for it.
    Responsibility,
}

impl SignatureMeaning {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            SignatureMeaning::Review => "review",
            SignatureMeaning::Approval => "approval",
            SignatureMeaning::Responsibility => "responsibility",
        }
    }
}

/// The part of a statement that makes it an electronic record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Electronic {
    /// What the signature means.
    pub meaning: SignatureMeaning,
    /// The signer's name as it is printed.
    pub name: String,
    /// The statement's moment with its zone, as RFC 9557 writes it: `2027-01-11T04:00:00-05:00[America/New_York]`.
    pub time: String,
    /// The challenge that this signature answers; it is good for this one signature.
    pub challenge: String,
}

/// The body of `approval.challenged`: who may answer it, about what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenged {
    /// Format version.
    pub v: u32,
    /// Who is to sign.
    pub person: PersonId,
    /// The digest of the subject that is to be signed.
    pub subject: Digest,
    /// What the signature has to hold.
    pub nonce: String,
}

/// A challenge as a log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Who is to sign.
    pub person: PersonId,
    /// The digest of the subject.
    pub subject: Digest,
    /// When it was given out, by the journal's clock.
    pub at: Timestamp,
}

/// Why a challenge is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// Nobody gave it out, or to somebody else, or about something else.
    Unknown,
    /// It was given out too long before.
    Expired,
}

impl Issued {
    /// Whether a statement that was recorded at a moment answers it in time.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn answered_by(&self, statement: &Statement, recorded_at: Timestamp) -> Result<(), Unanswered> {
        if self.person != statement.person || self.subject != subject_digest(&statement.subject) {
            return Err(Unanswered::Unknown);
        }
        let in_time = self.at <= recorded_at && recorded_at <= self.at + CHALLENGE_AGE_MAX;
        if in_time { Ok(()) } else { Err(Unanswered::Expired) }
    }
}

/// What a challenge names of a subject.
pub fn subject_digest(subject: &Subject) -> Digest {
    Digest::of_canonical(subject)
}

/// What an electronic record lacks by itself; nothing for a statement that is none.
pub fn lacks(statement: &Statement) -> Option<&'static str> {
    let said = statement.electronic.as_ref()?;
    let is_printed = |name: &str| {
        !name.trim().is_empty()
            && name.chars().count() <= PRINTED_NAME_CHARS_MAX
            && !name.chars().any(char::is_control)
    };
    let moment = said.time.parse::<jiff::Zoned>().ok().map(|time| time.timestamp().as_millisecond());
    let is_nonce = said.challenge.len() == NONCE_CHARS
        && said.challenge.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let all = [
        (is_printed(&said.name), "the signer's printed name"),
        (moment == Some(statement.at.as_millis()), "its own moment with a zone"),
        (!statement.comment.trim().is_empty(), "a reason"),
        (is_nonce, "a challenge"),
    ];
    all.into_iter().find_map(|(is_there, what)| (!is_there).then_some(what))
}

/// Whether one of these scopes is a site whose records are electronic records.
pub fn is_asked<'s>(people: &People, scopes: impl IntoIterator<Item = &'s ScopeId>) -> bool {
    let sites: BTreeSet<_> = scopes.into_iter().filter_map(ScopeId::site).collect();
    people.part11.iter().any(|site| sites.contains(site))
}
