//! The plan: that what is here of it is under its digest, and that the log speaks of that digest.

use serde_json::Value;

use crate::base::id::ScopeId;
use crate::model::entry::Entry;
use crate::model::plan::PlanExcerpt;

use super::super::bundle::manifest::Manifest;
use super::super::bundle::{Files, layout};
use super::{Failure, Found, file, needed};

/// The plan, if every entry of the bundle's runs is about it.
pub(super) fn plan(
    files: &Files,
    manifest: &Option<Manifest>,
    entries: &Option<Vec<Entry>>,
) -> Found<PlanExcerpt> {
    let manifest = needed(manifest, "the manifest")?;
    let broken = |what: String| Failure::broken(format!("{}: {what}", layout::PLAN));
    let raw: Value =
        serde_json::from_slice(file(files, layout::PLAN)?).map_err(|error| broken(error.to_string()))?;
    let excerpt = PlanExcerpt::from_value(raw).map_err(|error| broken(error.to_string()))?;
    let digest = excerpt.digest;
    if manifest.plan != digest {
        return Err(broken(format!("its digest is {digest}, not the one that bundle.json names")));
    }
    if excerpt.part.scope != ScopeId::Site(manifest.site.clone()) {
        return Err(broken(format!("it is about {}", excerpt.part.scope)));
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
    Ok((excerpt, format!("{digest}, as the log names it")))
}
