//! Rights at a site as people look at them again: what is asked for, answered, given and taken away.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::BadEvent;
use super::tagged;
use crate::base::digest::Digest;
use crate::base::id::{PersonId, RoleName, StepId};
use crate::base::time::Timestamp;

/// Format version of the files of a campaign.
pub const CAMPAIGN_VERSION: u32 = 1;

/// One privilege of one principal, kept by one step of the site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Right {
    /// The step that keeps it.
    pub step: StepId,
    /// What it is on, for people.
    pub object: String,
    /// Who has it.
    pub principal: String,
    /// The privilege or level.
    pub privilege: String,
}

impl Right {
    /// What it is called in a work list: the same right has the same id in every campaign.
    pub fn id(&self) -> String {
        let folded = Self { principal: self.principal.to_lowercase(), object: String::new(), ..self.clone() };
        Digest::of_canonical(&folded).short()
    }

    /// Whether both are the same privilege of the same principal by the same step.
    pub fn is(&self, other: &Right) -> bool {
        self.step == other.step
            && self.privilege == other.privilege
            && self.principal.eq_ignore_ascii_case(&other.principal)
    }
}

/// One right that somebody has to answer for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The right.
    pub right: Right,
    /// The role that answers.
    pub reviewer: RoleName,
    /// The entry of the site's log that saw it.
    pub entry: u64,
}

/// The work list of a campaign: the file behind `recertification.started`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkList {
    /// Format version.
    pub v: u32,
    /// The campaign.
    pub campaign: String,
    /// Where the rows come from, in words.
    pub source: String,
    /// The rows by id.
    pub rows: BTreeMap<String, Row>,
}

/// What one person answers: the file that their signature is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Format version.
    pub v: u32,
    /// The campaign.
    pub campaign: String,
    /// The rows that stay.
    #[serde(default)]
    pub keep: BTreeSet<String>,
    /// The rows that go, each with the reason.
    #[serde(default)]
    pub revoke: BTreeMap<String, String>,
}

/// What became of every row of a campaign: the file behind `recertification.closed`, and what checklists look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Format version.
    pub v: u32,
    /// The campaign.
    pub campaign: String,
    /// When it began.
    pub started: Timestamp,
    /// Until when it was to be answered.
    pub due: Timestamp,
    /// When it was closed.
    pub closed: Timestamp,
    /// When it was looked whether what was taken away is gone; none before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Timestamp>,
    /// How many rights there were.
    pub grants: usize,
    /// Share of them that somebody answered for, in whole percent.
    pub answered_percent: usize,
    /// Rights that are still there and that nobody answered for.
    pub undecided: usize,
    /// Rights of stewards that a steward of the site answered for.
    pub reviewed_own: usize,
    /// Rights that go and are still there.
    pub removed_but_there: usize,
    /// The rows by id.
    pub rows: BTreeMap<String, Settled>,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// The row.
    pub row: Row,
    /// What was said.
    pub verdict: Verdict,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was said of a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It stays.
    Kept,
    /// It goes because somebody said so.
    Revoked,
    /// It goes because nobody answered for it.
    Unanswered,
}

/// A right that is asked for: the file that the decision is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its number at the site, for example `AR-3`.
    pub id: String,
    /// What is asked for.
    pub right: Right,
    /// What it is needed for.
    pub purpose: String,
    /// Until when it is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who asks.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Hours in which it is to be decided.
    pub sla_hours: u32,
}

/// What happened to the rights of a site, in the past tense: words of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessEvent {
    /// Somebody asks for a right.
    #[serde(rename = "access.requested")]
    Requested(Request),
    /// A request was approved: the right is part of what is desired from here on.
    #[serde(rename = "access.granted")]
    Granted {
        /// The request.
        request: String,
        /// The right.
        right: Right,
        /// When.
        at: Timestamp,
        /// Until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A request was turned down.
    #[serde(rename = "access.denied")]
    Denied {
        /// The request.
        request: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// A right is not desired any more, whatever the files say.
    #[serde(rename = "access.revoked")]
    Revoked {
        /// The right.
        right: Right,
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
        /// The campaign behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        campaign: Option<String>,
    },
    /// A campaign began: every right of the site is to be answered for again.
    #[serde(rename = "recertification.started")]
    Started {
        /// The campaign.
        campaign: String,
        /// When.
        at: Timestamp,
        /// Until when it is to be answered.
        due: Timestamp,
        /// How many rows it has.
        rows: u32,
        /// The work list.
        list: Digest,
    },
    /// A campaign ended; what nobody answered for is revoked.
    #[serde(rename = "recertification.closed")]
    Closed {
        /// The campaign.
        campaign: String,
        /// When.
        at: Timestamp,
        /// Rows that stay.
        kept: u32,
        /// Rows that go because somebody said so.
        revoked: u32,
        /// Rows that go because nobody answered.
        unanswered: u32,
        /// What became of each row.
        outcome: Digest,
    },
}

const KINDS: [&str; 6] = [
    "access.requested",
    "access.granted",
    "access.denied",
    "access.revoked",
    "recertification.started",
    "recertification.closed",
];

impl AccessEvent {
    /// The entry's kind.
    pub fn kind(&self) -> &'static str {
        let [requested, granted, denied, revoked, started, closed] = KINDS;
        match self {
            AccessEvent::Requested(_) => requested,
            AccessEvent::Granted { .. } => granted,
            AccessEvent::Denied { .. } => denied,
            AccessEvent::Revoked { .. } => revoked,
            AccessEvent::Started { .. } => started,
            AccessEvent::Closed { .. } => closed,
        }
    }

    /// The entry's body.
    ///
    /// # Panics
    ///
    /// If the event has no JSON form: a bug in its type.
    pub fn to_body(&self) -> Value {
        tagged::body(self.kind(), self)
    }

    /// The event of an entry; none if it is not about rights.
    ///
    /// # Errors
    ///
    /// If the kind is known but the body is not what it promises.
    pub fn from_entry(kind: &str, body: &Value) -> Result<Option<AccessEvent>, BadEvent> {
        if KINDS.contains(&kind) { tagged::event(kind, body.clone()).map(Some) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn right() -> Right {
        Right {
            step: StepId::new("grants.catalog.prod.claims").expect("an id"),
            object: "catalog prod_claims_hrb01".to_owned(),
            principal: "cban-analysts-hrb01".to_owned(),
            privilege: "USE_CATALOG".to_owned(),
        }
    }

    #[test]
    fn every_event_survives_its_entry() {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let request = Request {
            id: "AR-1".to_owned(),
            right: right(),
            purpose: "payment".to_owned(),
            until: None,
            by: PersonId::new("ops-lead-hrb01").expect("a handle"),
            at,
            sla_hours: 16,
        };
        let all = [
            AccessEvent::Requested(request),
            AccessEvent::Granted { request: "AR-1".to_owned(), right: right(), at, until: Some(at) },
            AccessEvent::Denied { request: "AR-1".to_owned(), at, reason: "no".to_owned() },
            AccessEvent::Revoked {
                right: right(),
                at,
                why: "x".to_owned(),
                campaign: Some("R-1".to_owned()),
            },
            AccessEvent::Started {
                campaign: "R-1".to_owned(),
                at,
                due: at,
                rows: 40,
                list: Digest::of(b"list"),
            },
            AccessEvent::Closed {
                campaign: "R-1".to_owned(),
                at,
                kept: 1,
                revoked: 2,
                unanswered: 3,
                outcome: Digest::of(b"outcome"),
            },
        ];
        for (event, kind) in all.iter().zip(KINDS) {
            assert_eq!(event.kind(), kind);
            let back = AccessEvent::from_entry(kind, &event.to_body()).expect("its own body");
            assert_eq!(back.as_ref(), Some(event));
        }
        assert_eq!(AccessEvent::from_entry("step.applied", &json!({})).expect("not ours"), None);
        assert!(AccessEvent::from_entry("access.revoked", &json!({"right": 1})).is_err());
    }

    #[test]
    fn a_right_has_the_same_id_however_its_principal_is_spelled() {
        let loud = Right { principal: "CBAN-Analysts-HRB01".to_owned(), ..right() };
        assert_eq!(loud.id(), right().id());
        assert!(loud.is(&right()));
        let other = Right { privilege: "SELECT".to_owned(), ..right() };
        assert_ne!(other.id(), right().id());
    }
}
