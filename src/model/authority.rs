//! Which signatures a plan needs before it may be carried out: the rules of the estate, and what they ask of one plan.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::id::{RoleName, ScopeId};

/// Whether a target asks for approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateUse {
    /// Plans are carried out only with the approvals that they need, and waves begin only behind their gates.
    Enforce,
    /// Nobody is asked. Only for what is no real account.
    Open,
}

impl GateUse {
    /// Every use with the word the file has for it.
    pub const ALL: [(&'static str, GateUse); 2] = [("enforce", Self::Enforce), ("open", Self::Open)];
}

/// A rule of the estate: plans of this sort need these signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// Its name, for example `change` or `one-way`.
    pub id: String,
    /// Which plans it is about.
    pub when: When,
    /// Whose signatures.
    pub quorum: Quorum,
    /// Days for which an approval counts, where the approver says nothing shorter.
    pub valid_days: u32,
}

/// Which plans a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Every plan that changes something.
    Changes,
    /// Plans with steps that cannot be undone. Each of them is named in the approval.
    OneWay,
    /// Plans that delete or replace something.
    Destroys,
    /// Plans that change the account or a region, which many sites rest on.
    Shared,
    /// Plans that change who may see what: grants, permissions, memberships, masks.
    Access,
}

impl When {
    /// Every sort with the word the file has for it.
    pub const ALL: [(&'static str, When); 5] = [
        ("changes", Self::Changes),
        ("one-way", Self::OneWay),
        ("destroys", Self::Destroys),
        ("shared", Self::Shared),
        ("access", Self::Access),
    ];
}

/// Who has to sign: one holder of each role, each another person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quorum {
    /// The roles. For `site-steward` and `site-ops-lead`, those of each site that is concerned.
    pub roles: BTreeSet<RoleName>,
    /// Whether somebody else than the requester and the approvers must have reviewed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub review: bool,
}

/// What one plan needs, as it was made: part of the plan and so of its digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApprovalNeed {
    /// The rule.
    pub rule: String,
    /// The roles, one holder each.
    pub roles: BTreeSet<RoleName>,
    /// Whether a review is needed too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub review: bool,
    /// Days for which an approval counts.
    pub valid_days: u32,
    /// The scopes of the plan that it is about.
    pub scopes: BTreeSet<ScopeId>,
    /// The steps that have to be named, by scope; only for what cannot be undone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub one_way: BTreeMap<ScopeId, BTreeSet<String>>,
}

impl ApprovalNeed {
    /// What of it is about one scope, as if there were no other.
    pub fn of(&self, scope: &ScopeId) -> Option<ApprovalNeed> {
        let own = |steps: &BTreeSet<String>| (scope.clone(), steps.clone());
        self.scopes.contains(scope).then(|| ApprovalNeed {
            scopes: BTreeSet::from([scope.clone()]),
            one_way: self.one_way.get(scope).map(own).into_iter().collect(),
            ..self.clone()
        })
    }
}
