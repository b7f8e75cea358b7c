//! What an estate accepts beforehand of that which cannot be undone.

use serde::{Deserialize, Serialize};

use crate::base::id::KindName;

/// First-time creates of one kind that nobody is asked about again. Changes, deletes and replacements are never in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The kind.
    pub kind: KindName,
    /// Why it is accepted.
    pub reason: String,
    /// The role that accepted it.
    pub owner: String,
}
