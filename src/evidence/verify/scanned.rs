//! That the record of the scan is about exactly what is here.

use crate::model::entry::Entry;

use super::super::bundle::manifest::{Manifest, SCANNED_SINCE};
use super::super::bundle::scanned::Scanned;
use super::super::bundle::{Files, layout};
use super::{Failure, Found, file, needed};

/// What was searched is what is here, and nothing was found.
pub(super) fn record(files: &Files, manifest: &Option<Manifest>, entries: &Option<Vec<Entry>>) -> Found<()> {
    let manifest = needed(manifest, "the manifest")?;
    if manifest.v < SCANNED_SINCE {
        return Ok(((), "bundles of this version hold no record of it".to_owned()));
    }
    let entries = needed(entries, "the log")?;
    let broken = |what: &dyn std::fmt::Display| Failure::broken(format!("{}: {what}", layout::SCAN));
    let record: Scanned =
        serde_json::from_slice(file(files, layout::SCAN)?).map_err(|error| broken(&error))?;
    if !record.counts_as(&Scanned::of(&record.tool, entries, files)) {
        return Err(broken(&"it is about something else than what is here"));
    }
    let Scanned { patterns, entries, named, files, .. } = record;
    let patterns = patterns.len();
    let detail = format!(
        "{entries} entries, {named} files that they name and {files} files in all searched for {patterns} patterns, none found"
    );
    Ok(((), detail))
}
