//! Floor 2: the validators of checklist items. Says what has to be found out for each of them, and judges what was
//! found; looking itself is for the floors above, so that the same findings always come to the same verdict.

pub mod agent;
pub mod assertion;
pub mod contract;
pub mod findings;
mod judge;
pub mod library;
pub mod turn;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::id::{RoleName, StepId};
use crate::model::checklist::{Item, Validator};
use crate::model::entry::BlobRef;
pub use findings::{Findings, Found};
pub use judge::{judge, judge_item};

/// Something that has to be found out before a validator can be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// The facts about the scope.
    Facts,
    /// The records of a kind.
    Record {
        /// The evidence kind.
        kind: String,
    },
    /// When the scope was last brought to a good end.
    Release,
    /// An object of the scope as it is now.
    Readback {
        /// The resource.
        step: StepId,
    },
    /// What a rule of the estate finds wrong at the scope.
    Rule {
        /// Its name.
        rule: String,
    },
    /// What waits for what at the scope.
    Graph,
    /// What an address answers.
    Http {
        /// The address.
        url: String,
    },
    /// What a name resolves to.
    Dns {
        /// The name.
        name: String,
    },
    /// The certificate of a server.
    Tls {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The members of a group of the account.
    Scim {
        /// Its display name.
        group: String,
        /// Whether it matters which of them are active.
        active: bool,
    },
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// A file that the log has already.
    Kept(BlobRef),
    /// Something that was found and is to be kept under this name.
    Found {
        /// What it is called in a bundle, for example `proof/facts.json`.
        path: String,
        /// What was found.
        body: Value,
    },
}

/// What became of one validator, or of all of an item's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Whether nothing is missing that a program can see.
    pub passed: bool,
    /// Everything that is missing, each as a sentence.
    pub missing: Vec<String>,
    /// What it rests on.
    pub proofs: Vec<Proof>,
    /// Roles that have to state it: no program ever does that for them.
    pub waits_on: BTreeSet<RoleName>,
}

/// Whether only people can answer it. Programs never judge these.
pub fn is_attested(validator: &Validator) -> bool {
    matches!(validator, Validator::Attest(_))
}

/// Whether there is anything about an item that a program can look at or do.
pub fn is_automatic(item: &Item) -> bool {
    item.act.is_some() || !item.validate.iter().all(is_attested)
}

/// What has to be found out for one validator.
pub fn needs(validator: &Validator) -> Vec<Query> {
    match validator {
        Validator::Attest(_) => Vec::new(),
        Validator::Facts { .. } | Validator::Metric { .. } | Validator::Date { .. } => vec![Query::Facts],
        Validator::Record(asked) => {
            let release = asked.after_release.then_some(Query::Release);
            [Query::Record { kind: asked.kind.clone() }].into_iter().chain(release).collect()
        }
        Validator::Read(check) => vec![Query::Readback { step: check.read.clone() }],
        Validator::Rule { rule } => vec![Query::Rule { rule: rule.clone() }],
        Validator::Dominates { .. } => vec![Query::Graph],
        Validator::Http { url, .. } => vec![Query::Http { url: url.clone() }],
        Validator::Dns { name, .. } => vec![Query::Dns { name: name.clone() }],
        Validator::Tls { host, port, .. } => vec![Query::Tls { host: host.clone(), port: *port }],
        Validator::Scim { group, active, .. } => {
            vec![Query::Scim { group: group.clone(), active: *active }]
        }
    }
}
