//! The records that questions are put to: the entries of one log and the read-backs they name, from a journal or from
//! a bundle alone. Which of the two it was cannot be seen from here on, so an answer is the same from both.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{KindName, LogId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::model::change::{APPLIED, CHANGE_FILE, ChangeApplied};
use crate::model::entry::{BlobRef, Entry};

use super::bundle::manifest::Manifest;
use super::bundle::{Files, layout};
use super::redaction;

/// Entries of one log, with the files that they name.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// The log.
    pub log: LogId,
    /// Its entries in order.
    pub entries: Vec<Entry>,
    /// The files they name.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

/// Why there are no records to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecords {
    /// A file that a bundle has is missing or cannot be read.
    #[error("{path} cannot be used: {what}")]
    File {
        /// The file.
        path: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A line is not an entry of the log.
    #[error("entry {seq} cannot be read: {what}")]
    Entry {
        /// Its place.
        seq: u64,
        /// What is wrong.
        what: String,
    },
}

/// One object as the log last saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen<'r> {
    /// The step that keeps it.
    pub step: &'r StepId,
    /// Its kind; none if the log never names it.
    pub kind: Option<&'r str>,
    /// The entry that saw it.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Its id on the service.
    pub id: Option<&'r str>,
    /// Its read-back's name and digest.
    pub readback: Option<&'r BlobRef>,
    /// The object as it was read; none if the read-back is not there.
    pub live: Option<Value>,
}

impl Records {
    /// The records of a log from its lines.
    ///
    /// # Errors
    ///
    /// The first line that is not an entry of this log.
    pub fn of_log(
        log: LogId,
        lines: &[String],
        blobs: BTreeMap<Digest, Vec<u8>>,
    ) -> Result<Self, BadRecords> {
        // A redacted line reads the same here as in a bundle, where nothing else is left of it.
        let lines = redaction::redacted(lines);
        let entries = redaction::read(&log, &lines);
        let entries = entries.map_err(|bad| BadRecords::Entry { seq: bad.seq, what: bad.what })?;
        Ok(Self { log, entries, blobs })
    }

    /// The records in a bundle. Says nothing about whether it is a good one: that is the verifier's.
    ///
    /// # Errors
    ///
    /// If it does not say whose it is, or has no log.
    pub fn of_bundle(files: &Files) -> Result<Self, BadRecords> {
        let manifest: Manifest = serde_json::from_slice(file(files, layout::MANIFEST)?)
            .map_err(|error| BadRecords::File { path: layout::MANIFEST, what: error.to_string() })?;
        let text = std::str::from_utf8(file(files, layout::LOG)?)
            .map_err(|error| BadRecords::File { path: layout::LOG, what: error.to_string() })?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let blobs = files.values().map(|bytes| (Digest::of(bytes), bytes.clone())).collect();
        Self::of_log(LogId::Scope(ScopeId::Site(manifest.site)), &lines, blobs)
    }

    /// The change that an entry names, with its ticket as it was read. The org log ties a change to its launch; the logs of
    /// sites name its file where the launch begins.
    pub fn change(&self, entry: &Entry) -> Option<ChangeApplied> {
        if entry.kind == APPLIED {
            return serde_json::from_value(entry.body.clone()).ok();
        }
        let file = entry.refs.iter().find(|blob| entry.kind == "run.started" && blob.path == CHANGE_FILE)?;
        serde_json::from_slice(self.blobs.get(&file.sha256)?).ok()
    }

    /// How an entry is called where several logs are in play.
    pub fn id(&self, seq: u64) -> String {
        format!("{}#{seq}", self.log)
    }

    /// Every object as it was last seen, in the order of its steps; those that were deleted since are left out.
    pub fn seen(&self) -> Vec<Seen<'_>> {
        let mut kinds: BTreeMap<&StepId, &str> = BTreeMap::new();
        let mut last: BTreeMap<&StepId, &Entry> = BTreeMap::new();
        for entry in &self.entries {
            let Some(step) = &entry.step else { continue };
            if let Some(kind) = kind_of(entry) {
                kinds.insert(step, kind);
            }
            if entry.kind == "step.succeeded" {
                last.insert(step, entry);
            }
        }
        let there = last.into_iter().filter(|(_, entry)| !ended_in_delete(entry));
        there.map(|(step, entry)| self.look(step, kinds.get(step).copied(), entry)).collect()
    }

    fn look<'r>(&'r self, step: &'r StepId, kind: Option<&'r str>, entry: &'r Entry) -> Seen<'r> {
        let readback = readback(entry);
        let bytes = readback.and_then(|named| self.blobs.get(&named.sha256));
        Seen {
            step,
            kind,
            entry: entry.seq,
            at: entry.at,
            id: text(entry, "/id"),
            readback,
            live: bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()),
        }
    }
}

/// The kind of the object that an entry tells of, if it does.
pub fn kind_of(entry: &Entry) -> Option<&str> {
    text(entry, "/desired/kind").filter(|kind| KindName::new(*kind).is_ok())
}

/// Whether a step's success was that its object is gone.
pub fn ended_in_delete(entry: &Entry) -> bool {
    matches!(text(entry, "/effect"), Some("deleted" | "already-gone"))
}

/// The read-back that an entry names.
pub fn readback(entry: &Entry) -> Option<&BlobRef> {
    entry.refs.iter().find(|named| named.path.starts_with("readback/"))
}

/// A text in an entry's body, at a pointer whose names need no escape.
pub fn text<'e>(entry: &'e Entry, pointer: &str) -> Option<&'e str> {
    let mut names = pointer.split('/').skip(1);
    names.try_fold(&entry.body, |value, name| value.get(name))?.as_str()
}

fn file<'f>(files: &'f Files, path: &'static str) -> Result<&'f [u8], BadRecords> {
    let missing = || BadRecords::File { path, what: "it is missing".to_owned() };
    files.get(path).map(Vec::as_slice).ok_or_else(missing)
}
