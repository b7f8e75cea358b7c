//! What somebody who does not hold a launch's leases wants from the process that does.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::Actor;
use crate::base::id::{RunId, SiteCode};
use crate::base::time::Timestamp;

/// A wish, left beside the logs until the holder takes it up. The decision about it is an entry of the org log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ask {
    /// The launch.
    pub run: RunId,
    /// When it was left.
    pub at: Timestamp,
    /// Who wants it.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// What.
    pub wish: Wish,
}

/// What can be wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// No further scope starts, and those that run are suspended.
    Pause,
    /// A paused launch goes on.
    Resume,
    /// The launch is called off.
    Abort,
    /// A site is taken out.
    Skip(SiteCode),
    /// Sites are tried again: all that failed, were skipped or taken out, if none is named.
    Retry(BTreeSet<SiteCode>),
}
