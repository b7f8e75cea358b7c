//! The plan: everything a launch would do, named by its digest. Immutable once written.

mod consent;
pub mod overview;
pub mod parts;
mod rollback;
pub mod selection;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{KindName, LogId, PackName, ScopeId, SiteCode, StepId, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::model::authority::ApprovalNeed;
use crate::model::calendar::Calendar;
use crate::model::criterion::Criterion;
use crate::model::resource::{Check, Origin};

pub use consent::Consent;
pub use overview::Overview;
pub use parts::{BadExcerpt, PlanExcerpt, PlanFile};
pub use rollback::RollbackOf;
pub use selection::Selection;

/// Format version of a plan. Readers refuse newer ones.
pub const PLAN_VERSION: u32 = 1;

/// A plan as it is saved: the digest names `plan` and nothing else, in a way that lets a scope be shown alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// SHA-256 over the RFC 8785 bytes of the plan's head, which names all of its parts; see [`parts`].
    pub digest: Digest,
    /// When it was made. Not part of the digest: the same inputs give the same plan.
    pub made_at: Timestamp,
    /// The plan.
    pub plan: Plan,
}

impl SavedPlan {
    /// Names a plan by its digest.
    pub fn new(plan: Plan, made_at: Timestamp) -> Self {
        Self { digest: parts::digest(&plan), made_at, plan }
    }

    /// Whether the digest is the one of the plan beside it.
    pub fn is_whole(&self) -> bool {
        parts::digest(&self.plan) == self.digest
    }

    /// The digest of each scope's part, as the plan's head lists them: what approvals of single scopes name.
    pub fn part_digests(&self) -> BTreeMap<ScopeId, Digest> {
        parts::digests(&self.plan)
    }

    /// What each scope may see of the plan: the head and its own part, provably of this plan.
    pub fn excerpts(&self) -> impl Iterator<Item = (&ScopeId, PlanExcerpt)> {
        parts::excerpts(&self.plan, self.digest, self.made_at)
    }
}

impl Plan {
    /// The region whose workspaces calls go through although it is no part of the plan.
    pub fn through(&self) -> Option<&ScopeId> {
        self.rollback.as_ref().and_then(|back| back.through.as_ref())
    }

    /// The steps of a scope.
    ///
    /// # Panics
    ///
    /// If the plan has no such scope: callers take the name from the plan.
    pub fn scope(&self, scope: &ScopeId) -> &ScopePlan {
        self.scopes.get(scope).expect("the scope is in the plan")
    }

    /// All reconciling steps: scope, step and what is to be done.
    pub fn reconciles(&self) -> impl Iterator<Item = (&ScopeId, &StepId, &Reconcile)> {
        self.scopes.iter().flat_map(|(scope, plan)| {
            plan.steps.iter().filter_map(move |(id, step)| match &step.work {
                Work::Reconcile(reconcile) => Some((scope, id, reconcile)),
                Work::Check { .. } => None,
            })
        })
    }
}

/// Everything a launch would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Format version.
    pub v: u32,
    /// The program that made it, for example `landfall 0.1.0`.
    pub tool: String,
    /// The estate's name.
    pub estate: String,
    /// The estate's lineage: a plan of one estate is never applied to another.
    pub lineage: String,
    /// Where it is to be carried out.
    pub target: TargetName,
    /// What was selected.
    pub selection: Selection,
    /// Digest of every input file, by path.
    pub inputs: BTreeMap<String, Digest>,
    /// Version and digest of every pack.
    pub packs: BTreeMap<PackName, PackLock>,
    /// Every parameter of every scope, by dotted path: a stale plan is refused with the parameter's name.
    pub parameters: BTreeMap<ScopeId, BTreeMap<String, Value>>,
    /// Size and root of every log that the plan rests on, at the time of planning.
    pub heads: BTreeMap<LogId, LogHead>,
    /// How the scopes are run.
    pub fleet: FleetPlan,
    /// The steps of each scope.
    pub scopes: BTreeMap<ScopeId, ScopePlan>,
    /// What it says across its sites.
    #[serde(default, skip_serializing_if = "Overview::is_empty")]
    pub overview: Overview,
    /// Set if it leads back to a release: then it rests on that release and not on the estate's files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackOf>,
    /// The approvals it needs; none on a target that asks for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalNeed>,
    /// What the estate's file accepts beforehand of that which cannot be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
}

/// A target by name and address. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetName {
    /// The name in the estate, for example `sandbox`.
    pub name: String,
    /// The Databricks account id.
    pub account_id: String,
    /// The account host, or `embedded` for the sandbox inside the process.
    pub host: String,
}

/// Version and digest of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackLock {
    /// Version from the manifest.
    pub version: String,
    /// SHA-256 over the pack's file names and digests.
    pub digest: Digest,
}

/// Size and root of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
}

/// How the scopes of a launch are run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetPlan {
    /// The waves in order; account and regions run before all of them.
    pub waves: Vec<WavePlan>,
    /// How many sites of the whole launch may fail before no further one starts, where that is limited beside the
    /// waves' own budgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_budget: Option<u32>,
}

/// One wave of a launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WavePlan {
    /// The wave's name.
    pub name: WaveName,
    /// Its sites in the order in which they may start. The first is the canary: it ends well before another starts.
    pub sites: Vec<SiteCode>,
    /// How many sites may run at once.
    pub max_parallel: u32,
    /// How many sites may fail before no further one starts.
    pub failure_budget: u32,
    /// How long its sites are watched before others follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake: Option<Bake>,
    /// What must hold before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entry: Vec<Criterion>,
}

/// Bake time: after the canary, and after the wave's last site, the checks of the sites that are done are repeated and
/// must hold until it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bake {
    /// How long.
    pub length: Millis,
    /// Time between two looks.
    pub every: Millis,
}

/// The steps of one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopePlan {
    /// Scopes that must have ended well before this one starts.
    pub needs: BTreeSet<ScopeId>,
    /// The steps by name.
    pub steps: BTreeMap<StepId, PlannedStep>,
    /// When it may be changed; at any time without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// How long its changes are expected to take, on the longest chain.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expected: Millis,
}

impl ScopePlan {
    /// Whether any step changes something.
    pub fn mutates(&self) -> bool {
        self.steps.values().any(PlannedStep::mutates)
    }
}

impl PlannedStep {
    /// Whether the plan found that it changes something.
    pub fn mutates(&self) -> bool {
        match &self.work {
            Work::Reconcile(reconcile) => reconcile.operation != Operation::None,
            Work::Check { .. } => false,
        }
    }
}

/// One step of a scope's graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// What it does.
    pub work: Work,
    /// Steps of the same scope that must have succeeded before, each with the reason.
    pub after: BTreeMap<StepId, EdgeReason>,
    /// Where it was declared. Absent for a delete of something no pack declares any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The evidence kind its outcome is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Time limits and tries.
    pub limits: StepLimits,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Brings an object to its desired state.
    Reconcile(Reconcile),
    /// Reads an object back and compares.
    Check {
        /// What it makes sure of.
        title: String,
        /// What is read and expected.
        check: Check,
    },
}

/// Bringing one object to its desired state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reconcile {
    /// The object's kind.
    pub kind: KindName,
    /// The workspace resource to go through, for kinds that live in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<crate::model::via::Via>,
    /// What the plan found to be necessary.
    pub operation: Operation,
    /// The desired state with references; for a delete, what was last applied.
    pub spec: Arc<Value>,
    /// Field by field, what would change and why.
    pub changes: Vec<FieldChange>,
    /// The digest of the object's comparable view when the plan was made; none if the object was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Digest>,
    /// The object's id on the service, if our logs know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it takes to undo it.
    pub reversal: Reversal,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// It is as desired.
    None,
    /// It is not there and is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Delete,
}

/// What it takes to undo an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reversal {
    /// Can be undone.
    Reversible,
    /// Can be undone, but something is lost.
    WithLoss,
    /// Cannot be undone.
    OneWay,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// JSON pointer of the field.
    pub at: String,
    /// What is there now; absent if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What will be there; absent if it is taken away or not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// The step whose outcome decides the new value, while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_after: Option<String>,
    /// Whether this field alone makes a replacement necessary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
    /// Why: the kind's rule, or the file that asks for it.
    pub reason: String,
}

/// Why a step waits for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeReason {
    /// Its spec refers to an output, at this pointer.
    Reference(String),
    /// Its calls go through that workspace.
    Via,
    /// The pack says so.
    Declared,
    /// It reads the object.
    Reads,
    /// A delete waits for the deletes of what rests on it.
    Deletes,
}

/// Time limits and tries of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLimits {
    /// Deadline of one call.
    pub call_timeout: Millis,
    /// Tries before it counts as failed.
    pub attempts_max: u32,
    /// Time between two looks at an object that is not ready.
    pub poll_every: Millis,
    /// How long it may take to become ready.
    pub ready_within: Millis,
    /// How long it is expected to take, from its first call until its goal is reached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expected: Millis,
}

fn is_zero(length: &Millis) -> bool {
    *length == Millis(0)
}
