//! What a service has in hand while it serves one request, and the few words all services share.

use serde_json::{Map, Value, json};

use super::Config;
use super::answer::Refusal;
use super::call::Call;
use super::ids::Origin;
use super::paging::{self, Page};
use super::store::{Rows, Store};
use crate::base::time::{Millis, Timestamp};

/// The scope of everything that belongs to the account itself.
pub(super) const ACCOUNT: &str = "account";
/// The key of a document under which the sandbox keeps what no client sees.
pub(super) const HIDDEN: &str = "_";

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// Application id or user name.
    pub name: String,
    /// Whether it may change nothing.
    pub read_only: bool,
    /// Whether its token is good for account paths.
    pub account: bool,
}

/// One request being served.
pub(super) struct Visit<'a> {
    /// All documents.
    pub store: &'a mut Store,
    /// What the sandbox is like.
    pub config: &'a Config,
    /// The moment of the request.
    pub now: Timestamp,
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub call: &'a Call,
    /// Id of the workspace it goes through; empty on account paths.
    pub workspace: String,
    /// Id of that workspace's metastore; empty before it was looked up.
    pub metastore: String,
}

impl Visit<'_> {
    /// The origin of ids for a new object with this natural key.
    pub fn born(&mut self, kind: &str, natural_key: &str) -> Origin {
        let birth = self.store.birth(kind, natural_key);
        Origin::of(self.config.seed, kind, natural_key, birth)
    }

    /// The origin of ids that are not counted.
    pub fn origin(&self, kind: &str, natural_key: &str, number: u64) -> Origin {
        Origin::of(self.config.seed, kind, natural_key, number)
    }

    /// Milliseconds of the request's moment, as most fields want them.
    pub fn millis(&self) -> Value {
        json!(self.now.as_millis())
    }

    /// One page of rows by token. `asked` names the query key of the page size; `gaps` allows an empty page.
    pub fn page(&self, rows: Rows, asked: &str, gaps: bool) -> Result<Page, Refusal> {
        let size = paging::size(self.call.query.get(asked).map(String::as_str), self.config.page_size)?;
        paging::by_token(rows, self.call.query.get("page_token").map(String::as_str), size, gaps)
    }

    /// The first document of a scope that passes.
    pub fn find(
        &self,
        collection: &str,
        scope: &str,
        passes: impl Fn(&Value) -> bool,
    ) -> Option<(String, Value)> {
        self.store
            .rows(collection, scope)
            .find(|(_, document)| passes(document))
            .map(|(key, document)| (key.clone(), document.clone()))
    }
}

/// The string at a key of an object.
pub(super) fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A string that must be there and not empty.
///
/// # Errors
/// If it is absent, empty or not a string.
pub(super) fn required<'a>(body: &'a Map<String, Value>, key: &str) -> Result<&'a str, Refusal> {
    match body.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_)) | None | Some(Value::Null) => {
            Err(Refusal::invalid(format!("Missing required field: {key}")))
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Refusal::malformed(format!("field {key} must be a string")))
        }
    }
}

/// The nested object a wrapped body carries.
///
/// # Errors
/// If it is absent or not an object.
pub(super) fn unwrapped(body: &Map<String, Value>, key: &str) -> Result<Map<String, Value>, Refusal> {
    body.get(key)
        .and_then(Value::as_object)
        .cloned()
        .ok_or_else(|| Refusal::invalid(format!("Missing required field: {key}")))
}

/// The fields of a body that a kind knows; others are dropped, as the real services do. Null is absent.
pub(super) fn known(body: &Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    body.iter()
        .filter(|(key, value)| fields.contains(&key.as_str()) && !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// A document without what no client sees.
pub(super) fn shown(mut document: Value) -> Value {
    if let Some(object) = document.as_object_mut() {
        object.remove(HIDDEN);
    }
    document
}

/// The hidden moment of a document.
pub(super) fn hidden_moment(document: &Value, key: &str) -> Option<Timestamp> {
    document.get(HIDDEN)?.get(key)?.as_i64().map(Timestamp::from_millis)
}

/// Whether so much time has passed since a document's hidden moment.
pub(super) fn is_over(document: &Value, key: &str, length: Millis, now: Timestamp) -> bool {
    hidden_moment(document, key).is_none_or(|start| now.since(start) >= length)
}

/// The field names of an update mask.
///
/// # Errors
/// If one of them is not among those that may change.
pub(super) fn mask<'a>(text: &'a str, allowed: &[&str]) -> Result<Vec<&'a str>, Refusal> {
    let fields: Vec<&str> = text.split(',').map(str::trim).filter(|field| !field.is_empty()).collect();
    match fields.iter().find(|field| !allowed.contains(&field.split('.').next().unwrap_or(field))) {
        Some(field) => Err(Refusal::invalid(format!("field {field} cannot be updated"))),
        None => Ok(fields),
    }
}
