//! What a bundle says about each control, without ever folding "does not apply" into "evidenced".

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

/// One control of a site as evidence stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRow {
    /// Its id in our catalogue, for example `encryption.cmk_at_rest`.
    pub id: String,
    /// What it asks for, as a sentence.
    pub title: String,
    /// Requirements of frameworks that it answers, for example `HIPAA 164.312(a)(2)(iv)`.
    pub answers: Vec<String>,
    /// Where it stands.
    pub status: ControlStatus,
    /// Places in the site's log that its evidence is taken from.
    pub entries: Vec<u64>,
}

/// Where a control stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlStatus {
    /// Observed state shows that it holds.
    Evidenced,
    /// Some of it does; this input is missing.
    Partial {
        /// What is missing.
        missing: String,
    },
    /// A person has to show it.
    Manual,
    /// Somebody accepted that it does not hold.
    Waived {
        /// When that ends.
        until: Timestamp,
    },
    /// What would show it was not run.
    NotRun,
    /// It does not apply to this site, and why.
    NotApplicable {
        /// The reason.
        reason: String,
    },
}
