//! What a rollback came to: the state before, the state after, and the release's own, by their digests.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::id::{RunId, ScopeId, StepId};
use crate::journal::Journal;
use crate::model::entry::Actor;
use crate::model::plan::{RollbackOf, SavedPlan};
use crate::ops::error::Failure;
use crate::ops::note::{Note, append};
use crate::ops::{Context, plan, releases};
use crate::release::{History, PROVED};

/// Whether a site is as its release was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The release, for example 1 for R1.
    pub release: u32,
    /// The run that led back.
    pub run: RunId,
    /// The digest of the state before.
    pub before: Digest,
    /// The digest of the state after, without what stays.
    pub after: Digest,
    /// The digest of the release's state.
    pub wanted: Digest,
    /// What stays although it came after the release, with the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stayed: BTreeMap<StepId, String>,
    /// What is still there although it neither belongs to the release nor stays on purpose.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub remaining: BTreeSet<StepId>,
    /// The change that a drill made on purpose, if this is its first half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<StepId>,
    /// Whether the digests are equal and nothing remains.
    pub proved: bool,
}

/// What a run that ended well proves, from the log alone. None for a run that led nowhere back or did not end well.
///
/// # Errors
///
/// If the log is damaged.
pub fn proof(journal: &dyn Journal, scope: &ScopeId, run: &RunId) -> Result<Option<Proof>, Failure> {
    let history = releases::history(journal, scope)?;
    let past = history.runs.iter().find(|past| past.run == *run);
    let Some(past) = past else { return Ok(None) };
    let rollback = past.plan.as_ref().and_then(|plan| plan.head.rollback.as_ref());
    let (Some(rollback), Some(after)) = (rollback, past.reached) else { return Ok(None) };
    let remaining = remaining(journal, scope, &history, run, rollback)?;
    Ok(Some(Proof {
        release: rollback.release,
        run: run.clone(),
        before: rollback.before,
        after,
        wanted: rollback.state,
        stayed: rollback.stays.clone(),
        proved: after == rollback.state && remaining.is_empty(),
        remaining,
        drill: rollback.drill.clone(),
    }))
}

/// What is held although neither the release nor what stays has it. Only told while the run is the newest: later ones may
/// have made more.
fn remaining(
    journal: &dyn Journal,
    scope: &ScopeId,
    history: &History,
    run: &RunId,
    rollback: &RollbackOf,
) -> Result<BTreeSet<StepId>, Failure> {
    let newest = history.runs.last().is_some_and(|last| last.run == *run);
    let release = history.release(rollback.release);
    let (true, Some(release)) = (newest, release) else { return Ok(BTreeSet::new()) };
    let belongs = |step: &StepId| release.state.0.contains_key(step) || rollback.stays.contains_key(step);
    let holdings = plan::holdings_of(journal, scope)?;
    Ok(holdings.iter().filter(|(step, _)| !belongs(step)).map(|(step, _)| step.clone()).collect())
}

/// Writes what a rollback came to into the log of its site. None if the plan leads nowhere back, or did not end well.
///
/// # Errors
///
/// If the log is damaged, or somebody else writes it.
pub fn prove(
    context: &Context,
    saved: &SavedPlan,
    run: &RunId,
    actor: &Actor,
    journal: &mut dyn Journal,
) -> Result<Option<Proof>, Failure> {
    if saved.plan.rollback.is_none() {
        return Ok(None);
    }
    let Some(scope) = saved.plan.scopes.keys().next() else { return Ok(None) };
    let Some(proof) = proof(journal, scope, run)? else { return Ok(None) };
    let note = Note::of(PROVED, &proof)?.by(actor).on(saved.digest);
    append(context, journal, &releases::log_of(scope), note)?;
    Ok(Some(proof))
}
