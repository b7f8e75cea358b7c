//! What was found out for validators, as plain values.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::base::id::StepId;
use crate::base::time::Timestamp;
use crate::model::calendar::zone;
use crate::model::entry::BlobRef;

/// What was found, or in words why it could not be found out.
pub type Found<T> = Result<T, String>;

/// Everything that was found out. What nobody asked for is not in here, and a validator that needs it does not pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The facts about the scope.
    pub facts: Value,
    /// The zone in which days are meant.
    pub zone: TimeZone,
    /// Records by kind, oldest first.
    pub records: BTreeMap<String, Vec<Filed>>,
    /// When the scope's newest good run ended.
    pub released: Option<Timestamp>,
    /// Objects of the scope as they are now; none for one that is not there.
    pub readbacks: BTreeMap<StepId, Found<Option<Object>>>,
    /// What rules of the estate find wrong at the scope.
    pub rules: BTreeMap<String, Found<Vec<String>>>,
    /// What waits for what.
    pub graph: Graph,
    /// Answers by address.
    pub http: BTreeMap<String, Found<HttpAnswer>>,
    /// Addresses by name, as text.
    pub dns: BTreeMap<String, Found<Vec<String>>>,
    /// Certificates by server and port.
    pub tls: BTreeMap<(String, u16), Found<Certificate>>,
    /// Members by group; none for a group that is not there.
    pub scim: BTreeMap<String, Found<Option<Vec<Member>>>>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            facts: Value::Null,
            zone: TimeZone::UTC,
            records: BTreeMap::new(),
            released: None,
            readbacks: BTreeMap::new(),
            rules: BTreeMap::new(),
            graph: Graph::default(),
            http: BTreeMap::new(),
            dns: BTreeMap::new(),
            tls: BTreeMap::new(),
            scim: BTreeMap::new(),
        }
    }
}

impl Findings {
    /// The day on which a moment falls.
    pub fn day(&self, moment: Timestamp) -> Date {
        zone::local(&self.zone, moment).date()
    }
}

/// A record that was filed.
#[derive(Debug, Clone, PartialEq)]
pub struct Filed {
    /// Its entry.
    pub entry: u64,
    /// When it was filed.
    pub at: Timestamp,
    /// Its file, if it has one.
    pub file: Option<BlobRef>,
    /// What the file says, if it is JSON.
    pub said: Option<Value>,
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// All of it.
    pub live: Value,
    /// What evidence may hold of it.
    pub kept: Value,
}

/// What an address answered.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAnswer {
    /// Its status.
    pub status: u16,
    /// Its body, if that was JSON within the limits.
    pub body: Option<Value>,
}

/// A certificate that a server showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// Until when it is valid.
    pub until: Timestamp,
    /// Why this machine would not trust it, if it would not.
    pub untrusted: Option<String>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id in the account. Names of people stay out of evidence.
    pub id: String,
    /// Whether it can sign in; none if that could not be found out.
    pub active: Option<bool>,
}

/// What waits for what: steps of the scope's plan, items and gates by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// Each name, with what must be done before it.
    pub after: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Adds that something waits for something else.
    pub fn wait(&mut self, name: impl Into<String>, before: impl IntoIterator<Item = String>) {
        self.after.entry(name.into()).or_default().extend(before);
    }

    /// Everything that must be done before this. It ends for circles too.
    pub fn before<'g>(&'g self, name: &'g str) -> BTreeSet<&'g str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![name];
        while let Some(next) = open.pop() {
            for before in self.after.get(next).into_iter().flatten() {
                if seen.insert(before.as_str()) {
                    open.push(before);
                }
            }
        }
        seen
    }
}
