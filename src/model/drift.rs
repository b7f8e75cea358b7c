//! Drift: where what is there is not what our logs say we hold. Findings, and the entries that record them.
//!
//! The kinds of entries do not begin with `run.` or `step.`: a run that is taken up again passes over them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::Actor;
use super::plan::TargetName;
use crate::base::digest::Digest;
use crate::base::id::{KindName, ScopeId, StepId};
use crate::base::time::Timestamp;

/// The kind of the entry that records drift, once for each change of where an object stands.
pub const FOUND: &str = "drift.found";
/// The kind of the entry that records that recorded drift is no longer there, although no run mended it.
pub const GONE: &str = "drift.gone";
/// The kind of the entry that records a look at everything that a log holds, at which nothing differed.
pub const LOOKED: &str = "drift.looked";
/// The format version of that entry's body.
pub const LOOKED_VERSION: u32 = 1;
/// The kind of the entry that accepts the drift of one field for a time.
pub const ACCEPTED: &str = "drift.accepted";

/// What sort of drift it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftClass {
    /// The object is there, and fields of it are not as we hold them.
    Changed,
    /// The object is gone.
    Missing,
    /// The object is in a place of ours, and no log knows it.
    Unmanaged,
}

impl DriftClass {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            DriftClass::Changed => "changed",
            DriftClass::Missing => "missing",
            DriftClass::Unmanaged => "unmanaged",
        }
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// What we applied last: a plan puts it back.
    Applied,
    /// What was there when the object was last verified; nothing asks for it, so no plan puts it back.
    Seen,
}

/// Who made a change, as an audit source tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The identity.
    pub id: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// One field that is not as we hold it. For an object that is missing or unmanaged, the whole of it: the pointer is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDrift {
    /// JSON pointer.
    pub at: String,
    /// What we hold; absent if it was nothing, or may not be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Value>,
    /// What is there; absent if it is nothing, or may not be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// Digest of what is there, so that another change of the same field is told apart.
    pub value: Digest,
    /// What it was compared with.
    pub basis: Basis,
    /// The rule behind it.
    pub reason: String,
    /// The acceptance that holds for it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
}

impl FieldDrift {
    /// The object as a whole: it is there, or it is not.
    pub fn whole(value: &Value, reason: String) -> Self {
        Self {
            at: String::new(),
            held: None,
            live: None,
            value: Digest::of_canonical(value),
            basis: Basis::Applied,
            reason,
            accepted: None,
        }
    }
}

/// One object that is not as we hold it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// The scope that owns it, or the place it is in.
    pub scope: ScopeId,
    /// How it is called: its step, or kind and id of an unmanaged object.
    pub object: String,
    /// Its step, unless it is unmanaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// Its kind.
    pub kind: KindName,
    /// Its id on the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What people call it, if its id does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What sort of drift.
    pub class: DriftClass,
    /// Field by field.
    pub fields: Vec<FieldDrift>,
    /// Since when it is recorded to stand so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The id of the workspace its calls go through, where that is known.
    #[serde(skip)]
    pub workspace: Option<String>,
    /// Who did it, if an audit source tells.
    pub who: Option<Who>,
}

impl Drift {
    /// Whether any of it is not accepted.
    pub fn counts(&self) -> bool {
        self.fields.iter().any(|field| field.accepted.is_none())
    }

    /// Names where the object stands: equal for the same drift seen twice.
    pub fn signature(&self) -> Digest {
        let fields: Vec<Value> =
            self.fields.iter().map(|field| serde_json::json!([field.at, field.value])).collect();
        Digest::of_canonical(&serde_json::json!([self.class.word(), fields]))
    }
}

/// An object that was not compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unsettled {
    /// Its scope.
    pub scope: ScopeId,
    /// Its step.
    pub step: StepId,
    /// Why.
    pub why: String,
}

/// The body of `drift.looked`: every object that the log held at its place was read, and each was as it is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftLooked {
    /// Format version.
    pub v: u32,
    /// Where it was looked.
    pub target: TargetName,
    /// How many objects were read.
    pub objects: usize,
}

/// What a look for drift came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftReport {
    /// Where it looked.
    pub target: TargetName,
    /// When.
    pub at: Timestamp,
    /// The scopes that were looked at.
    pub scopes: Vec<ScopeId>,
    /// Those of them without a log: nothing was ever done there, so nothing is held.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_log: Vec<ScopeId>,
    /// Objects that our logs hold in them, or have seen to be as desired.
    pub held: usize,
    /// What was found, by scope and object.
    pub drifts: Vec<Drift>,
    /// What could not be compared.
    pub unsettled: Vec<Unsettled>,
    /// How many of the objects each scope holds.
    #[serde(skip)]
    pub objects: BTreeMap<ScopeId, usize>,
}

impl DriftReport {
    /// How many objects of a scope were seen to be exactly as they are held; none if anything of it was not, whether
    /// somebody accepted it or not.
    pub fn clean(&self, scope: &ScopeId) -> Option<usize> {
        let differs = self.drifts.iter().any(|drift| drift.scope == *scope && drift.step.is_some());
        let unknown = self.unsettled.iter().any(|one| one.scope == *scope);
        self.objects.get(scope).copied().filter(|count| !differs && !unknown && *count > 0)
    }

    /// What counts: drift that nobody accepted.
    pub fn open(&self) -> impl Iterator<Item = &Drift> {
        self.drifts.iter().filter(|drift| drift.counts())
    }
}

/// The body of `drift.found`. The step, if it has one, is the entry's own field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftFound {
    /// The object.
    pub object: String,
    /// Its kind.
    pub kind: KindName,
    /// What sort of drift.
    pub class: DriftClass,
    /// Names where the object stands.
    pub signature: Digest,
    /// The fields; values only where the kind's table lets them into evidence.
    pub fields: Vec<FieldDrift>,
    /// Fields that are left out of the list.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Checks that read the object: what they showed rests on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests: Vec<StepId>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
}

/// The body of `drift.gone`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftGone {
    /// The object.
    pub object: String,
}

/// The body of `drift.accepted`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftAccepted {
    /// The object.
    pub object: String,
    /// The field; empty for the whole object.
    pub field: String,
    /// Digest of what was there: any other value is not accepted.
    pub value: Digest,
    /// The role that answers for it.
    pub owner: String,
    /// From when on it counts again.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// An acceptance as a reader sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The role that answers for it.
    pub owner: String,
    /// From when on it counts again.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who accepted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
