//! What happened to a checklist item, in the past tense: its words in the log of its scope. The item is the entry's step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::BlobRef;
use super::event::BadEvent;
use super::tagged;
use crate::base::digest::Digest;
use crate::base::id::RoleName;
use crate::base::time::Timestamp;

/// One thing that happened to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ItemEvent {
    /// Somebody began to look at it.
    #[serde(rename = "item.observed")]
    Observed {
        /// When.
        at: Timestamp,
        /// Digest over the item as it was rendered: what is recorded of it counts as long as it is the same.
        item: Digest,
    },
    /// Something was done for it, within its contract.
    #[serde(rename = "item.acted")]
    Acted {
        /// What, for example `databricks.group.update group.stewards`.
        deed: String,
        /// What it came to, in words.
        outcome: String,
    },
    /// Something was wanted that its contract does not allow, and not done.
    #[serde(rename = "item.refused")]
    Refused {
        /// What.
        deed: String,
        /// The rule.
        rule: String,
    },
    /// Its validators were tried.
    #[serde(rename = "item.validated")]
    Validated {
        /// Whether all of them passed.
        passed: bool,
        /// What is missing, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
        /// What they rest on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        proofs: Vec<BlobRef>,
    },
    /// What the item declares as its remedy was done.
    #[serde(rename = "item.remedied")]
    Remedied {
        /// What.
        deed: String,
        /// What it came to, in words.
        outcome: String,
    },
    /// What it came to.
    #[serde(rename = "item.recorded")]
    Recorded {
        /// When.
        at: Timestamp,
        /// Digest over the item as it was rendered.
        item: Digest,
        /// Whether it passed.
        passed: bool,
        /// What is missing, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
    },
    /// A role was told that it failed, or is late. Once for each time.
    #[serde(rename = "item.escalated")]
    Escalated {
        /// When.
        at: Timestamp,
        /// Who was told.
        to: RoleName,
        /// Why.
        why: String,
    },
}

const KINDS: [&str; 7] = [
    "item.observed",
    "item.acted",
    "item.refused",
    "item.validated",
    "item.remedied",
    "item.recorded",
    "item.escalated",
];

impl ItemEvent {
    /// The entry's kind.
    pub fn kind(&self) -> &'static str {
        let [observed, acted, refused, validated, remedied, recorded, escalated] = KINDS;
        match self {
            ItemEvent::Observed { .. } => observed,
            ItemEvent::Acted { .. } => acted,
            ItemEvent::Refused { .. } => refused,
            ItemEvent::Validated { .. } => validated,
            ItemEvent::Remedied { .. } => remedied,
            ItemEvent::Recorded { .. } => recorded,
            ItemEvent::Escalated { .. } => escalated,
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

    /// The event of an entry; none if it is not about an item.
    ///
    /// # Errors
    ///
    /// If the kind is known but the body is not what it promises.
    pub fn from_entry(kind: &str, body: &Value) -> Result<Option<ItemEvent>, BadEvent> {
        if KINDS.contains(&kind) { tagged::event(kind, body.clone()).map(Some) } else { Ok(None) }
    }
}
