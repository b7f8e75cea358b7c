//! `bundle.json`: what the bundle is about, in numbers that the verifier computes again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, SiteCode, WaveName};
use crate::base::time::Timestamp;
use crate::model::plan::LogHead;

use super::super::tally::Tally;

/// Format version of a bundle. Readers refuse newer ones. Version 2 holds the scan's record, and attests it, each OSCAL
/// file and open gates.
pub const BUNDLE_VERSION: u32 = 2;
/// The first version with a record of the scan and an attestation of every OSCAL file.
pub const SCANNED_SINCE: u32 = 2;

/// What a bundle is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format version.
    pub v: u32,
    /// The site.
    pub site: SiteCode,
    /// The wave it was launched in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// The runs it is about.
    pub runs: Vec<RunId>,
    /// The estate's name.
    pub estate: String,
    /// Whether nothing of it really happened.
    pub rehearsal: bool,
    /// The program that made it.
    pub tool: String,
    /// When it was made.
    pub exported_at: Timestamp,
    /// Who made it.
    pub exported_by: String,
    /// The name that all logs of the estate share.
    pub origin: String,
    /// Size and root of the site's log.
    pub log: LogHead,
    /// Size and root of the org log, and where its heads stand.
    pub org: OrgHead,
    /// The head of the site's log in the bundle before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousBundle>,
    /// Logs of the account and of regions that the site rests on, by reference.
    pub shared: BTreeMap<LogId, LogHead>,
    /// The plan's digest.
    pub plan: Digest,
    /// What became of the plan's steps.
    pub steps: Tally,
}

/// Size and root of the org log, and the place of its `heads` entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgHead {
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
    /// The place of the `heads` entry, which is the last one.
    pub heads_index: u64,
}

/// The bundle before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousBundle {
    /// Number of entries of the site's log.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
    /// The digest of its list of files, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sums: Option<Digest>,
}

impl Manifest {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        pretty(self).into_bytes()
    }
}

/// JSON for people to read, with a newline at its end.
pub(super) fn pretty<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string_pretty(value).expect("the value's type has a JSON form");
    format!("{text}\n")
}
