//! Redaction of a log's line without breaking its proof: the leaf hash stands in the line's place.
//!
//! A tree's leaf enters the root by its hash alone, so `!sha256:<leaf hash>` keeps root and checkpoint as they were.
//! What was taken away, why and by whom is an entry of the same log, `redaction.made`, which also keeps what counting
//! needs: kind, step, run, time and actor of the line. That skeleton is the word of whoever redacted; the verifier
//! says how many lines rest on it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, StepId};
use crate::base::time::Timestamp;
use crate::merkle::leaf_hash;
use crate::model::entry::{Actor, ENTRY_VERSION, Entry};

/// The kind of the entry that records a redaction.
pub const REDACTION_KIND: &str = "redaction.made";
/// What stands before the leaf hash in place of a line.
const MARK: &str = "!sha256:";

/// The body of a `redaction.made` entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    /// The place of the line that was taken away.
    pub entry: u64,
    /// Its leaf hash.
    pub leaf: Digest,
    /// Why.
    pub reason: String,
    /// What is left of it.
    pub was: Skeleton,
}

/// What is left of a redacted line, so that steps and runs can still be counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skeleton {
    /// When it happened.
    pub at: Timestamp,
    /// The run it belonged to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What happened.
    pub kind: String,
    /// The step it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// Who did it.
    pub actor: Actor,
    /// The plan's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// What the run did for the step, if that is what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// A line that cannot be read as an entry of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its place.
    pub seq: u64,
    /// What is wrong.
    pub what: String,
}

/// Why an entry cannot be redacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRedactable {
    /// It carries what the verifier rests on.
    #[error("entry {0} is {1}: without it nothing of the run could be checked")]
    Needed(u64, String),
    /// It was already.
    #[error("entry {0} is redacted already")]
    Already(u64),
    /// No reason was given.
    #[error("a redaction needs a reason")]
    NoReason,
}

impl Redaction {
    /// The record of taking away this entry.
    ///
    /// # Errors
    ///
    /// If it is the begin or end of a run, a redaction itself, or no reason is given.
    pub fn of(entry: &Entry, line: &str, reason: &str) -> Result<Self, NotRedactable> {
        if line.starts_with(MARK) {
            return Err(NotRedactable::Already(entry.seq));
        }
        if ["run.started", "run.ended", REDACTION_KIND].contains(&entry.kind.as_str()) {
            return Err(NotRedactable::Needed(entry.seq, entry.kind.clone()));
        }
        if reason.trim().is_empty() {
            return Err(NotRedactable::NoReason);
        }
        let was = Skeleton {
            at: entry.at,
            run: entry.run.clone(),
            kind: entry.kind.clone(),
            step: entry.step.clone(),
            actor: entry.actor.clone(),
            plan: entry.plan,
            effect: entry.body.get("effect").and_then(Value::as_str).map(str::to_owned),
        };
        Ok(Self { entry: entry.seq, leaf: leaf_hash(line.as_bytes()), reason: reason.trim().to_owned(), was })
    }

    /// The entry as far as it is left.
    fn rest(&self, log: &LogId) -> Entry {
        let Skeleton { at, run, kind, step, actor, plan, effect } = self.was.clone();
        let mut body = json!({ "redacted": self.reason });
        if let Some(effect) = effect {
            body["effect"] = Value::from(effect);
        }
        let (log, refs, salt) = (log.clone(), Vec::new(), String::new());
        Entry { v: ENTRY_VERSION, seq: self.entry, at, log, run, kind, step, actor, plan, refs, body, salt }
    }
}

/// The leaf hash that stands in a redacted line.
pub fn redacted_leaf(line: &[u8]) -> Option<Digest> {
    let text = std::str::from_utf8(line).ok()?;
    text.strip_prefix(MARK)?.parse().ok()
}

/// The leaf hash of a line, whether it is there or redacted.
pub fn leaf(line: &[u8]) -> Digest {
    redacted_leaf(line).unwrap_or_else(|| leaf_hash(line))
}

/// Whether an entry is only what a redaction left of it.
pub fn is_redacted(entry: &Entry) -> bool {
    entry.salt.is_empty() && entry.body.get("redacted").is_some()
}

/// The lines as they leave the house: those that a `redaction.made` entry names give way to their leaf hashes.
pub fn redacted(lines: &[String]) -> Cow<'_, [String]> {
    let leaves: BTreeMap<u64, Digest> =
        lines.iter().filter_map(|line| record(line)).map(|record| (record.entry, record.leaf)).collect();
    if leaves.is_empty() {
        return Cow::Borrowed(lines);
    }
    let line = |(seq, line): (u64, &String)| match leaves.get(&seq) {
        Some(leaf) if leaf_hash(line.as_bytes()) == *leaf => format!("{MARK}{leaf}"),
        _ => line.clone(),
    };
    (0..).zip(lines).map(line).collect()
}

fn record(line: &str) -> Option<Redaction> {
    // Most lines are not records; reading them as JSON twice would double the work.
    if !line.contains(REDACTION_KIND) {
        return None;
    }
    let entry: Entry = serde_json::from_str(line).ok()?;
    (entry.kind == REDACTION_KIND).then(|| serde_json::from_value(entry.body).ok())?
}

/// Reads a log's lines. Of a redacted line, what its record left of it.
///
/// # Errors
///
/// The first line that is not an entry of this log and place, or is redacted without a record.
pub fn read<L: AsRef<[u8]>>(log: &LogId, lines: &[L]) -> Result<Vec<Entry>, BadLine> {
    let text = |line: &L| std::str::from_utf8(line.as_ref()).ok().and_then(record);
    let records: BTreeMap<u64, Redaction> =
        lines.iter().filter_map(text).map(|record| (record.entry, record)).collect();
    let entry = |(seq, line): (u64, &L)| {
        let bad = |what: String| BadLine { seq, what };
        let Some(leaf) = redacted_leaf(line.as_ref()) else {
            return whole(log, seq, line.as_ref()).map_err(bad);
        };
        match records.get(&seq) {
            Some(record) if record.leaf == leaf => Ok(record.rest(log)),
            Some(_) => Err(bad("it was redacted, but its record names another leaf hash".to_owned())),
            None => Err(bad(format!("it was taken away, and no {REDACTION_KIND} entry says why"))),
        }
    };
    (0..).zip(lines).map(entry).collect()
}

fn whole(log: &LogId, seq: u64, line: &[u8]) -> Result<Entry, String> {
    let entry: Entry = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if entry.v != ENTRY_VERSION || entry.seq != seq || entry.log != *log {
        return Err(format!("it is entry {} of {} in version {}", entry.seq, entry.log, entry.v));
    }
    Ok(entry)
}
