//! What waits for somebody's decision: one line of an inbox.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::signed::Subject;
use crate::base::id::{PersonId, RoleName};
use crate::base::time::Timestamp;

/// A decision that is asked for and not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pending {
    /// What it is about.
    pub subject: Subject,
    /// What is asked, as a sentence.
    pub asks: String,
    /// The role that can answer.
    pub role: RoleName,
    /// Who may answer in that role: holders, backups and delegates that no rule keeps out.
    pub people: BTreeSet<PersonId>,
    /// Since when it can be answered.
    pub since: Timestamp,
    /// When it is late, if it has a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What would be signed, in the words of the statement.
    pub meaning: String,
    /// What to type.
    pub command: String,
}

impl Pending {
    /// Whether its time is over.
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| now >= due)
    }
}
