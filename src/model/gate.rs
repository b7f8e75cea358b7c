//! Gates: what must be so, and who must say so, before the next stage may begin.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::wait::OpenItem;
use crate::base::digest::Digest;
use crate::base::id::{GateId, RoleName, ScopeId};
use crate::base::time::Timestamp;
use crate::model::authority::Quorum;
use crate::model::resource::Origin;

/// A gate as a pack declares it, rendered for one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Its name, for example `g-02`.
    pub id: GateId,
    /// What it is called, for example `Readiness`.
    pub title: String,
    /// What it opens, in words.
    pub opens: String,
    /// The items of the same scope that must be closed: ids, or a beginning with `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// Gates of the same scope, or of the account (`account:g-03`), that must be open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<String>,
    /// Who signs it.
    pub quorum: Quorum,
    /// What they sign, as a sentence.
    pub statement: String,
    /// Days for which it stays open; for ever without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_days: Option<u32>,
    /// The role that is told when it waits too long.
    pub escalate_to: RoleName,
    /// Working days that signers have, once everything else holds.
    pub within_days: u32,
    /// Where it was declared.
    pub origin: Origin,
}

/// Where a gate stands at one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStanding {
    /// The scope.
    pub scope: ScopeId,
    /// The gate.
    pub gate: GateId,
    /// Whether it lets through now.
    pub open: bool,
    /// Until when, if it is open for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What is missing, each with the role that can close it; signatures come last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<OpenItem>,
    /// The roles whose signatures are missing, if nothing else is.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unsigned: BTreeSet<RoleName>,
    /// Waivers that it rests on, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<String>,
    /// The digest that a signature is over: of the gate, and of all that it rests on.
    pub digest: Digest,
    /// Since when: of an open gate the moment it was opened; of another the moment from which only signatures are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The first moment at which the signatures are late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Whether they are late.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// What it rests on, item by item and gate by gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<Rest>,
}

/// One thing that a gate rests on: a part of the digest that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// The item or gate, with `account:` before it if it is the account's.
    pub id: String,
    /// The digest of the item as it was rendered; of a gate, the digest that was signed.
    pub digest: Digest,
    /// How it is closed, in a word; `open` if it is not.
    pub how: String,
    /// The entries that closed it, by their place in its scope's log.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub entries: BTreeSet<u64>,
}
