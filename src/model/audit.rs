//! What an audit log tells of one call: who changed what, and when.

use serde::Deserialize;

use crate::base::time::Timestamp;

/// One call that changed something at the target, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AuditEvent {
    /// Its place in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The identity that made it.
    pub who: String,
    /// Its method.
    #[serde(default)]
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The workspace it went through; empty for the account.
    pub workspace: String,
    /// Ids and names that it spoke of.
    pub subjects: Vec<String>,
}
