//! One line of a log: the record of one thing that happened.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, StepId};
use crate::base::time::Timestamp;

/// Format version of a log line. Readers refuse newer ones and name the version to install.
pub const ENTRY_VERSION: u32 = 1;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// `person`, `automation` or `rehearsal`.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// The identity, for example a login name or a service principal's application id.
    pub id: String,
}

/// What sort of actor it is. Automation can never sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A human being.
    Person,
    /// A program.
    Automation,
    /// A rehearsal: nothing real happened.
    Rehearsal,
}

/// A file that the entry is about, by digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct BlobRef {
    /// What it is called in a bundle, for example `readback/catalog.clinical.json`.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// What is to be recorded; the journal adds sequence number and salt.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryDraft {
    /// The log it goes to.
    pub log: LogId,
    /// When it happened.
    pub at: Timestamp,
    /// The run it belongs to, if any.
    pub run: Option<RunId>,
    /// What happened, past tense: `step.applying`, `step.applied`, `run.ended` …
    pub kind: String,
    /// The step it is about, if any.
    pub step: Option<StepId>,
    /// Who did it.
    pub actor: Actor,
    /// The plan's digest, if a plan is behind it.
    pub plan: Option<Digest>,
    /// Files it names.
    pub refs: Vec<BlobRef>,
    /// The rest, by kind.
    pub body: Value,
}

/// A sealed entry. Its exact bytes are a leaf of the log's Merkle tree, so it is never written again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Format version.
    pub v: u32,
    /// Place in its log, from zero.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The log it is in.
    pub log: LogId,
    /// The run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What happened.
    pub kind: String,
    /// The step it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// Who did it.
    pub actor: Actor,
    /// The plan's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// Files it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<BlobRef>,
    /// The rest, by kind.
    pub body: Value,
    /// 128 random bits in hexadecimal, so that nobody can guess a hidden entry from its leaf hash.
    pub salt: String,
}
