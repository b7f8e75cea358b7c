//! The plan: that its digest is its own, and the one that the log speaks of.

use serde_json::Value;

use crate::base::digest::Digest;
use crate::model::entry::Entry;
use crate::model::plan::{PLAN_VERSION, SavedPlan};

use super::super::bundle::manifest::Manifest;
use super::super::bundle::{Files, layout};
use super::{Failure, Found, file, needed};

/// The plan, if every entry of the bundle's runs is about it.
pub(super) fn plan(
    files: &Files,
    manifest: &Option<Manifest>,
    entries: &Option<Vec<Entry>>,
) -> Found<SavedPlan> {
    let manifest = needed(manifest, "the manifest")?;
    let broken = |what: String| Failure::broken(format!("{}: {what}", layout::PLAN));
    let bytes = file(files, layout::PLAN)?;
    let raw: Value = serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
    let version = raw.pointer("/plan/v").and_then(Value::as_u64);
    if version.is_none_or(|version| version > u64::from(PLAN_VERSION)) {
        return Err(broken("its format is not known: install a newer landfall".to_owned()));
    }
    // From the bytes as they are, so that nothing this program does not know is left out of the digest.
    let digest = Digest::of_canonical(&raw["plan"]);
    let saved: SavedPlan = serde_json::from_value(raw).map_err(|error| broken(error.to_string()))?;
    if saved.digest != digest || manifest.plan != digest {
        return Err(broken(format!("its digest is {digest}, not the one that it and bundle.json name")));
    }
    let entries = needed(entries, "the log")?;
    let in_runs = |entry: &&Entry| entry.run.as_ref().is_some_and(|run| manifest.runs.contains(run));
    let other = |entry: &&Entry| entry.plan.is_some_and(|plan| plan != digest);
    if let Some(entry) = entries.iter().filter(in_runs).find(other) {
        return Err(broken(format!("entry {} is about another plan", entry.seq)));
    }
    if !entries.iter().any(|entry| entry.plan == Some(digest)) {
        return Err(Failure::missing(format!("no entry of the log names the plan {digest}")));
    }
    Ok((saved, format!("{digest}, as the log names it")))
}
