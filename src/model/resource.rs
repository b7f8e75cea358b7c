//! What packs declare once they are rendered: resources and checklist steps of one scope.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::id::{KindName, PackName, StepId};

use super::via::Via;

/// A declared object of some kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name inside the scope.
    pub id: StepId,
    /// Its kind.
    pub kind: KindName,
    /// What it must wait for although no reference says so: step ids of this scope. What the file says about steps of
    /// the region or account is checked when it is read and then left out: they are done before this scope starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepId>,
    /// For kinds that live in a workspace: the `databricks.workspace` resource to go through, of this scope or of its region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The desired state. Strings may hold references: `${catalog.clinical.name}`, `${region:metastore.primary.metastore_id}`.
    /// A plan holds the same value, not another like it: there may be a hundred thousand.
    pub spec: Arc<Value>,
    /// The evidence kind this object's read-back is, for example `encryption.cmk_at_rest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Where it was declared.
    pub origin: Origin,
}

/// A checklist item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChecklistStep {
    /// Its name inside the scope.
    pub id: StepId,
    /// What it makes sure of, as a sentence.
    pub title: String,
    /// What it must wait for besides what it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepId>,
    /// What it does.
    pub action: Action,
    /// The evidence kind its outcome is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Where it was declared.
    pub origin: Origin,
}

/// What a checklist item does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Reads a resource back from the target and compares it with what is expected.
    Check(Check),
}

/// A read-back with expectations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The resource of this scope that is read.
    pub read: StepId,
    /// All of these must hold.
    pub expect: Vec<Expectation>,
}

/// One expectation about a live object. Exactly one of the comparisons is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// JSON pointer into the live object.
    pub at: String,
    /// The value there equals this; references are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// The value there is one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// Something is there (true) or nothing is (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
}

/// Where a resource or step was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The pack.
    pub pack: PackName,
    /// The template inside the pack, for example `catalogs.toml.hbs`.
    pub template: String,
    /// Line in the *rendered* text, counted from one.
    pub line: usize,
}
