//! What is known about one control at one site. "Does not apply" and "was not run" are never folded into "evidenced".

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::id::LogId;
use crate::base::time::Timestamp;

/// One control of a site as evidence stands at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRow {
    /// The framework's short name, for example `hipaa`.
    pub framework: String,
    /// Its id in the framework, for example `164.312(b)`.
    pub id: String,
    /// The organisation's own id for it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_id: Option<String>,
    /// Its title.
    pub title: String,
    /// Whether it can be met in another way.
    pub obligation: Obligation,
    /// What the evidence that counts shows of it; nothing if none counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Extent>,
    /// Where it stands.
    pub status: ControlStatus,
    /// The evidence kinds that bear on it.
    pub kinds: Vec<String>,
    /// The evidence kinds among them that do not count now, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Findings about it that are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<OpenFinding>,
    /// When the newest evidence was collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// Since when all evidence that counts has held without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_since: Option<Timestamp>,
    /// When the first evidence that counts will be too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Places in logs that its evidence is taken from; shared logs are not part of the site's bundle.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entries: BTreeMap<LogId, BTreeSet<u64>>,
}

impl ControlRow {
    /// Whether evidence that was there has failed or grown too old.
    pub fn is_stale(&self) -> bool {
        self.missing.iter().any(|missing| missing.stale)
    }

    /// Its places in logs, for a table.
    pub fn places(&self) -> String {
        let places = |(log, seqs): (&LogId, &BTreeSet<u64>)| {
            let seqs: Vec<String> = seqs.iter().map(u64::to_string).collect();
            format!("{log} {}", seqs.join(" "))
        };
        self.entries.iter().map(places).collect::<Vec<_>>().join("; ")
    }
}

/// An evidence kind that does not count now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// The kind, for example `audit.log_delivery`.
    pub kind: String,
    /// What it would show, as a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shows: String,
    /// Why, in words.
    pub why: String,
    /// Since when, if it ever counted or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether it is there but has failed or grown too old.
    pub stale: bool,
}

/// An open finding about a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenFinding {
    /// Its number: the place of the entry that opened it.
    pub entry: u64,
    /// How bad it is, in a word.
    pub severity: String,
    /// Whether the control is not called evidenced while it is open.
    pub serious: bool,
    /// What was found.
    pub title: String,
    /// When it was opened.
    pub since: Timestamp,
    /// By when it is to be closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// Whether a control can be met in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obligation {
    /// It is to be met as it stands.
    Required,
    /// It is to be met, or the reason and what is done instead are to be written down.
    Addressable,
}

impl Obligation {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Obligation::Required => "required",
            Obligation::Addressable => "addressable",
        }
    }
}

/// How much of a control an evidence kind shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// Some of what an assessor would test.
    Part,
    /// Given the written policy, all of what an assessor would test at one site.
    Full,
}

impl Extent {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Extent::Part => "part",
            Extent::Full => "full",
        }
    }
}

/// Where a control stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlStatus {
    /// All evidence that bears on it was seen to hold and is not too old.
    Evidenced,
    /// Some of it does; this input is missing.
    Partial {
        /// What is missing.
        missing: String,
    },
    /// None of it holds, and this was seen to be otherwise than it should.
    Failed {
        /// What failed.
        what: String,
    },
    /// A person has to show it.
    Manual,
    /// Somebody accepted that it does not hold.
    Waived {
        /// When that ends.
        until: Timestamp,
    },
    /// What would show it was not run, or so long ago that it no longer counts.
    NotRun,
    /// It does not apply to this site, and why.
    NotApplicable {
        /// The reason.
        reason: String,
    },
}

impl ControlStatus {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            ControlStatus::Evidenced => "evidenced",
            ControlStatus::Partial { .. } => "partial",
            ControlStatus::Failed { .. } => "failed",
            ControlStatus::Manual => "manual",
            ControlStatus::Waived { .. } => "waived",
            ControlStatus::NotRun => "not run",
            ControlStatus::NotApplicable { .. } => "not applicable",
        }
    }
}
