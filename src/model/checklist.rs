//! Checklist items as packs declare them: what must be so at a scope, who makes it so, and how it is shown.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::id::{RoleName, StepId};
use crate::model::resource::{Check, Expectation, Origin};

/// One item, rendered for one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name, for example `readiness.inventory`.
    pub id: StepId,
    /// What it makes sure of, as a sentence.
    pub title: String,
    /// What it means if it is missing.
    pub severity: Severity,
    /// The role that answers for it.
    pub owner: RoleName,
    /// Roles that do the work beside the owner.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub responsible: BTreeSet<RoleName>,
    /// Who is told once when it fails, or is late.
    pub escalate_to: RoleName,
    /// Items of the same scope that come before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepId>,
    /// Its place in the first ninety days, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DayWindow>,
    /// The row of the 30/60/90 plan it comes from, for example `P-03`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_rows: Vec<String>,
    /// Working days that the owner has, once it can be done.
    pub within_days: u32,
    /// Days for which it stays done; for ever without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_days: Option<u32>,
    /// Whether it may be said not to apply, with a reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_not_apply: bool,
    /// What it may read and do. Anything else is refused and recorded, and fails the item.
    #[serde(default, skip_serializing_if = "Contract::is_empty")]
    pub contract: Contract,
    /// What is done before it is validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Deed>,
    /// All of these must pass.
    pub validate: Vec<Validator>,
    /// What is done once if they do not, before they are tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Deed>,
    /// The evidence kind its outcome is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Where it was declared.
    pub origin: Origin,
}

/// What a missing item means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Production would fail: only sponsor and compliance together can waive it.
    Critical,
    /// Can be waived by compliance, with an end.
    High,
    /// Can be waived by its owner, with an end.
    Normal,
}

/// Days of the program, from 1, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayWindow {
    /// First day.
    pub from: u32,
    /// Last day.
    pub to: u32,
}

/// The bounds of an item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contract {
    /// What it may call, as `<kind>.<verb>` with the verbs `read`, `create`, `update`, `delete`: `databricks.group.update`.
    pub allow: BTreeSet<String>,
}

impl Contract {
    /// Whether nothing but validating is allowed.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty()
    }
}

/// Something that is done for an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// A call on an object of the scope, within the contract.
    Call {
        /// `<kind>.<verb>`.
        call: String,
        /// The object: a resource of this scope.
        on: StepId,
        /// The desired state of it, or what is changed of it.
        spec: Value,
    },
    /// A program that proposes calls, line by line as JSON; it gets no credentials, and each call is held against the
    /// contract.
    Agent {
        /// The program and its arguments; no shell.
        command: Vec<String>,
    },
    /// Tells a role something.
    Tell {
        /// Whom.
        role: RoleName,
        /// What.
        text: String,
    },
}

/// One test of whether an item is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Validator {
    /// People state it, in these words.
    Attest(Attest),
    /// The facts about the scope are so: parameters (`/site`), registers (`/registers`), people (`/people`), program
    /// (`/program`).
    Facts {
        /// All of these must hold.
        expect: Vec<Assertion>,
    },
    /// A record was filed (`landfall record`), and its file says so.
    Record(RecordCheck),
    /// An object of the scope reads back so.
    Read(Check),
    /// A rule of `landfall check` finds nothing wrong at this scope.
    Rule {
        /// The rule's name, for example `RESIDENCY`.
        rule: String,
    },
    /// On every way through the graph to what is governed lies what governs it.
    Dominates {
        /// The item that comes first.
        first: StepId,
        /// What it governs: step ids of this scope; `*` at the end stands for any rest.
        governs: Vec<String>,
    },
    /// An address answers.
    Http {
        /// The address. `http` only for this machine.
        url: String,
        /// The status that is expected.
        status: u16,
        /// What its JSON answer must say.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        expect: Vec<Expectation>,
    },
    /// A name resolves.
    Dns {
        /// The name.
        name: String,
        /// The network that every answer must be in.
        within: String,
    },
    /// A server shows a certificate that is good for a while.
    Tls {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// Days for which it must still be valid.
        valid_days: u32,
    },
    /// A group of the account has members, and none that it should not have.
    Scim {
        /// The group's display name.
        group: String,
        /// How many members it has at least.
        members_min: u32,
        /// Whether every member must be active.
        #[serde(default)]
        active: bool,
    },
    /// A measured value of the register of metrics keeps within bounds.
    Metric {
        /// The metric's name.
        metric: String,
        /// It is at least this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// It is at most this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    /// A day among the facts lies right.
    Date {
        /// JSON pointer to it.
        at: String,
        /// Days from today that it must at least lie ahead: 0 says that it is not over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ahead_days: Option<u32>,
        /// Days that it may at most lie back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        back_days: Option<u32>,
    },
}

impl Validator {
    /// What people are to state, if that is how it is validated.
    pub fn attest(&self) -> Option<&Attest> {
        match self {
            Validator::Attest(attest) => Some(attest),
            Validator::Facts { .. }
            | Validator::Record(_)
            | Validator::Read(_)
            | Validator::Rule { .. }
            | Validator::Dominates { .. }
            | Validator::Http { .. }
            | Validator::Dns { .. }
            | Validator::Tls { .. }
            | Validator::Scim { .. }
            | Validator::Metric { .. }
            | Validator::Date { .. } => None,
        }
    }
}

/// An attestation that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attest {
    /// What is stated, word for word.
    pub statement: String,
    /// The roles, one holder each, each another person.
    pub by: BTreeSet<RoleName>,
    /// Whether they must be clinicians.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clinician: bool,
}

/// A record that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordCheck {
    /// Its evidence kind, for example `drill.tabletop`.
    pub kind: String,
    /// Its greatest age in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u32>,
    /// Whether it must be newer than the scope's newest good run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_release: bool,
    /// What the record's JSON file must say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Assertion>,
}

/// Something that must hold of a JSON document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// JSON pointer. `*` as a part stands for every element of a list or table, of which each must hold.
    pub at: String,
    /// The value is there (true) or not (false). An empty text or list counts as not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// The value equals this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// The value is one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// The list, or the table's keys, has all of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has: Option<Vec<Value>>,
    /// The number, or the length of the list, is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The number, or the length of the list, is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The value equals the one at this other pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// What is missing if it does not hold, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// Where an item stands at one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    /// Nobody has looked yet.
    Open,
    /// Something before it is not done.
    Blocked {
        /// What.
        by: StepId,
    },
    /// People still have to state it.
    Waiting {
        /// The roles that have not.
        on: BTreeSet<RoleName>,
    },
    /// It was looked at, and something does not hold.
    Failed {
        /// What is missing, in words.
        missing: Vec<String>,
    },
    /// It is done.
    Passed {
        /// Until when it stays so, in days of the program's calendar.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<crate::base::time::Timestamp>,
    },
    /// It was done, and is too old now.
    Expired {
        /// Since when.
        since: crate::base::time::Timestamp,
    },
    /// It does not apply here.
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// It does not hold, and somebody answers for that.
    Waived {
        /// Until when.
        until: crate::base::time::Timestamp,
    },
}

impl ItemState {
    /// Whether what comes after may go on.
    pub fn is_closed(&self) -> bool {
        matches!(self, ItemState::Passed { .. } | ItemState::NotApplicable { .. } | ItemState::Waived { .. })
    }
}
