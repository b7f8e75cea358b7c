//! The parts of a bundle that every bundle has, read from the journal.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId, SiteCode};
use crate::evidence::bundle::{Files, Parts};
use crate::evidence::redaction::redacted;
use crate::evidence::retention;
use crate::journal::{Journal, Line};
use crate::model::entry::Entry;
use crate::model::plan::PlanFile;
use crate::ops::error::Failure;
use crate::ops::keys::Keys;
use crate::ops::launch::PLAN_FILE;
use crate::ops::{Context, earlier, witness};
use crate::signer::Signer as _;

use super::{Reading, Wanted};

/// The parts of one site's bundle, but for attachments.
pub(super) fn parts(
    context: &Context,
    journal: &Reading<'_>,
    wanted: &Wanted,
    keys: &Keys,
    scope: &ScopeId,
    lines: &[Line],
) -> Result<Parts, Failure> {
    let log = LogId::Scope(scope.clone());
    let (org, heads) = (journal.org, &journal.org.heads);
    let (plan, run) = newest_plan(&**journal, lines, &wanted.site)?;
    let mut blobs = BTreeMap::new();
    let gone = gone(lines);
    for blob in lines.iter().flat_map(|line| &line.entry.refs) {
        if gone.contains(&blob.sha256) {
            continue;
        }
        if let Slot::Vacant(place) = blobs.entry(blob.sha256) {
            place.insert(journal.get_blob(&blob.sha256)?);
        }
    }
    let checkpoint = keys.checkpoint(&log, &heads[&log])?;
    let previous = match &wanted.previous {
        Some(path) => Some(earlier::read(path)?),
        None => earlier::to_continue(context, &wanted.site, &checkpoint)?,
    };
    let shared = plan.excerpt().part.plan.needs.iter().cloned().map(LogId::Scope);
    let concern = std::iter::once(log.clone()).chain(shared.clone());
    let heads_members = concern.filter_map(|log| org.roll.member(&keys.pseudonyms, &log)).collect();
    let shared = shared.filter_map(|log| Some((log.clone(), heads.get(&log)?.clone()))).collect();
    let texts: Vec<String> = lines.iter().map(|line| line.text.clone()).collect();
    Ok(Parts {
        site: wanted.site.clone(),
        wave: wanted.wave.clone(),
        runs: vec![run.clone()],
        estate: wanted.estate.clone(),
        rehearsal: wanted.rehearsal,
        tool: format!("landfall {}", env!("CARGO_PKG_VERSION")),
        exported_at: org.at,
        exported_by: wanted.actor.id.clone(),
        site_log: redacted(&texts).into_owned(),
        checkpoint,
        heads_line: org.heads_line.clone(),
        heads_members,
        heads_proof: org.proof.clone(),
        shared,
        previous,
        witnessed: witness::cosigned(context, &log, keys.ring(), heads[&log].size)?,
        plan,
        rendered: rendered(lines, &run, &blobs),
        blobs,
        controls: Vec::new(),
        attachments: Files::new(),
        handovers: org.handovers.clone(),
        stamped: None,
        log_key: keys.log.vkey().clone(),
        bundle_key: keys.bundle.vkey().clone(),
    })
}

/// Files that may be missing, because entries stand for them.
fn gone(lines: &[Line]) -> BTreeSet<Digest> {
    if !lines.iter().any(|line| line.entry.kind == retention::PRUNED) {
        return BTreeSet::new();
    }
    let entries: Vec<Entry> = lines.iter().map(|line| line.entry.clone()).collect();
    retention::gone(&entries)
}

/// What the site may see of the plan of its newest run.
fn newest_plan(journal: &dyn Journal, lines: &[Line], site: &SiteCode) -> Result<(PlanFile, RunId), Failure> {
    let started = lines.iter().rev().find(|line| line.entry.kind == "run.started");
    let named = started.and_then(|line| {
        let blob = line.entry.refs.iter().find(|blob| blob.path == PLAN_FILE)?;
        Some((blob.sha256, line.entry.run.clone()?))
    });
    let Some((digest, run)) = named else {
        return Err(Failure::failed(format!("no run of {site} names its plan")));
    };
    let bad = |what: String| Failure::NotVerified { what: format!("the plan of run {run}: {what}") };
    let plan = PlanFile::read(journal.get_blob(&digest)?).map_err(|error| bad(error.to_string()))?;
    Ok((plan, run))
}

/// The rendered files that the run's first entry names.
fn rendered(lines: &[Line], run: &RunId, blobs: &BTreeMap<Digest, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let started = lines.iter().find(|l| l.entry.kind == "run.started" && l.entry.run.as_ref() == Some(run));
    let refs = started.into_iter().flat_map(|line| &line.entry.refs);
    refs.filter_map(|blob| {
        Some((blob.path.strip_prefix("rendered/")?.to_owned(), blobs.get(&blob.sha256)?.clone()))
    })
    .collect()
}
