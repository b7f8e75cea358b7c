//! What a plan says that leads a site back to a release.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::{RunId, ScopeId, StepId};

/// The release that a plan leads back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackOf {
    /// Its number in the scope's log, counted from one.
    pub release: u32,
    /// The run that made it.
    pub run: RunId,
    /// The digest of its state: what the scope is to be led back to.
    pub state: Digest,
    /// The digest of the state that the scope was in when the plan was made.
    pub before: Digest,
    /// What came after the release and is kept nevertheless, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stays: BTreeMap<StepId, String>,
    /// The release's checks that are not repeated, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unchecked: BTreeMap<StepId, String>,
    /// The step that is changed on purpose, if the plan is the first half of a drill: it then leads to the release's state
    /// but for this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<StepId>,
    /// The region whose workspaces the scope's calls go through. It is no part of the plan; its log tells where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<ScopeId>,
}
