//! `scan.json`: what a bundle was searched for before it left, how much of it, and that nothing was found.
//!
//! A bundle in which something is found is never made, so the number of hits is always nought; the record says what
//! that nought is about. The verifier counts again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::scan;
use super::{Files, layout, manifest};
use crate::base::digest::Digest;
use crate::model::entry::Entry;

/// Format version of the record.
const SCAN_VERSION: u32 = 1;

/// The record of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scanned {
    /// Format version.
    pub v: u32,
    /// The program that searched.
    pub tool: String,
    /// What it searched for.
    pub patterns: BTreeSet<String>,
    /// Entries of the log that were searched.
    pub entries: u64,
    /// Files that entries name that were searched, each content once.
    pub named: u64,
    /// All files that were searched, those two included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How often something was found.
    pub hits: u64,
}

impl Scanned {
    /// The record over all files that are not made of others; in none of them was anything found.
    pub fn of(tool: &str, entries: &[Entry], files: &Files) -> Self {
        let searched = || files.iter().filter(|(path, _)| !layout::is_made_of_others(path));
        let named: BTreeSet<Digest> =
            entries.iter().flat_map(|entry| &entry.refs).map(|named| named.sha256).collect();
        Self {
            v: SCAN_VERSION,
            tool: tool.to_owned(),
            patterns: scan::SHAPES.iter().map(|shape| (*shape).to_owned()).collect(),
            entries: entries.len() as u64,
            named: named.len() as u64,
            files: searched().count() as u64,
            bytes: searched().map(|(_, bytes)| bytes.len() as u64).sum(),
            hits: 0,
        }
    }

    /// Whether this is a record of the very same search, by whichever version of the program and with whichever
    /// patterns it knew.
    pub fn counts_as(&self, other: &Self) -> bool {
        let counts = |one: &Self| [one.entries, one.named, one.files, one.bytes, one.hits];
        counts(self) == counts(other)
    }

    /// The record's file.
    pub fn to_bytes(&self) -> Vec<u8> {
        manifest::pretty(self).into_bytes()
    }
}
