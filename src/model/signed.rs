//! What people decide, in the words that they sign.
//!
//! A statement's RFC 8785 bytes are what the SSH signature is over, with the namespace [`NAMESPACE`]; `ssh-keygen -Y
//! verify` checks it without this program. The entry that keeps it holds both, so that nothing has to be put together
//! again to check it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::{PersonId, RoleName, ScopeId};
use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::model::electronic::Electronic;

/// Format version of a statement. Readers refuse newer ones.
pub const STATEMENT_VERSION: u32 = 1;
/// Format version of a statement that is an electronic record.
pub const ELECTRONIC_VERSION: u32 = 2;

/// What these signatures are for, so that no other signature can pose as one.
pub const NAMESPACE: &str = "decision@landfall";

/// A statement with the signature of whoever makes it: the body of its entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What is said.
    pub statement: Statement,
    /// The armoured SSHSIG over the statement's RFC 8785 bytes.
    pub signature: String,
    /// The signing key's fingerprint, `SHA256:…` as OpenSSH writes it.
    pub key: String,
}

/// What somebody decides about what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Format version.
    pub v: u32,
    /// The estate's lineage: a decision of one estate never counts in another.
    pub estate: String,
    /// What it is about.
    pub subject: Subject,
    /// What is decided.
    pub act: Act,
    /// Who decides.
    pub person: PersonId,
    /// In which role.
    pub role: RoleName,
    /// The holder of the role that they stand in for, if it is not their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<PersonId>,
    /// When.
    pub at: Timestamp,
    /// From when on it does not count any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What the signature means, in a sentence; for an attestation, the statement that is attested, word for word.
    pub meaning: String,
    /// Anything to add; the reason of a rejection, waiver or break-glass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// What makes it an electronic record, where sites keep such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electronic: Option<Electronic>,
}

/// What a decision is about. Names no site but its own scope's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What sort of thing.
    pub kind: SubjectKind,
    /// Its name: of a gate, an item, a campaign, a request; for a plan, what was selected.
    pub name: String,
    /// The scope it belongs to; none for what concerns the whole program, such as a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeId>,
    /// The digest of exactly what was shown. If the thing changes, the decision no longer applies.
    pub digest: Digest,
    /// For a plan: the digests of the parts that are meant, as the plan's head lists them, so that no site is named.
    /// Empty says all of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub parts: BTreeSet<Digest>,
}

/// The sorts of things that people decide about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A saved plan; the digest is the plan's.
    Plan,
    /// A gate; the digest is over what it rests on.
    Gate,
    /// A checklist item; the digest is over the item as it was rendered.
    Item,
    /// An access request.
    AccessRequest,
    /// A campaign of access recertification, or one row of it.
    Recertification,
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Asks for approval of a plan: who does so, and who built it, cannot approve it.
    Request {
        /// Who built what is asked for.
        built_by: BTreeSet<PersonId>,
        /// The change's class.
        class: ChangeClass,
        /// The ticket's number, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Has read it and found it right; comes before approval.
    Review {},
    /// Approves.
    Approve {
        /// What must follow.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        conditions: Vec<Condition>,
        /// The steps that cannot be undone and are meant too, one by one: `account metastore.primary`.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        one_way: BTreeSet<String>,
    },
    /// Rejects: back to draft, with the reason in the comment.
    Reject {},
    /// States that something is so. The meaning holds the statement's text, word for word.
    Attest {},
    /// Says that an item does not apply here; the reason is in the comment.
    NotApplicable {},
    /// Lets something pass that does not hold; the reason is in the comment, the end in `expires`.
    Waive {
        /// What is done instead meanwhile.
        compensating: String,
    },
    /// Opens the way past the approvals in an emergency; the reason is in the comment. Somebody else reviews it within
    /// the set hours, and it is loud until then.
    BreakGlass {},
    /// Takes an earlier decision of the same person about the same subject back.
    Withdraw {},
}

/// How a change is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeClass {
    /// Goes to the change board.
    Normal,
    /// A repetition of something that was approved before.
    Standard,
    /// Cannot wait; the board looks at it afterwards.
    Emergency,
}

/// What must follow an approval.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What, for example `shadow`.
    pub name: String,
    /// For at least so many days from the approval on.
    pub days_min: u32,
}

/// How kinds of entries begin that are about people and what they look after, and never about an object of the target.
/// They may come into a scope's log between a plan and its launch.
const OF_PEOPLE: [&str; 15] = [
    "access.",
    "approval.",
    "attestation.",
    "break-glass.",
    "change.",
    "decision.",
    "gate.",
    "item.",
    "key.",
    "population.",
    "recertification.",
    "review.",
    "ticket.",
    "wait.",
    "waiver.",
];

/// Whether entries of this kind are about people and what they look after: a plan that was made before them still fits.
pub fn is_of_people(kind: &str) -> bool {
    OF_PEOPLE.iter().any(|beginning| kind.starts_with(beginning))
}

impl Act {
    /// Every kind of entry that keeps a decision.
    pub const ENTRY_KINDS: [&'static str; 9] = [
        "approval.requested",
        "review.given",
        "approval.given",
        "approval.rejected",
        "attestation.given",
        "item.not-applicable",
        "waiver.granted",
        "break-glass.opened",
        "decision.withdrawn",
    ];

    /// What must follow, if this is an approval.
    pub fn conditions(&self) -> Option<&[Condition]> {
        match self {
            Act::Approve { conditions, .. } => Some(conditions),
            Act::Request { .. }
            | Act::Review {}
            | Act::Reject {}
            | Act::Attest {}
            | Act::NotApplicable {}
            | Act::Waive { .. }
            | Act::BreakGlass {}
            | Act::Withdraw {} => None,
        }
    }

    /// The kind of the entry that keeps it.
    pub fn entry_kind(&self) -> &'static str {
        match self {
            Act::Request { .. } => "approval.requested",
            Act::Review {} => "review.given",
            Act::Approve { .. } => "approval.given",
            Act::Reject {} => "approval.rejected",
            Act::Attest {} => "attestation.given",
            Act::NotApplicable {} => "item.not-applicable",
            Act::Waive { .. } => "waiver.granted",
            Act::BreakGlass {} => "break-glass.opened",
            Act::Withdraw {} => "decision.withdrawn",
        }
    }
}

impl Condition {
    /// From when on it can be met, for an approval of this moment.
    pub fn earliest(&self, approved: Timestamp) -> Timestamp {
        approved + Millis(DAY.0.saturating_mul(u64::from(self.days_min)))
    }
}

impl Statement {
    /// The bytes that are signed.
    pub fn bytes(&self) -> Vec<u8> {
        crate::base::digest::canonical_bytes(self)
    }
}
