//! Where each evidence kind stands at one moment, and each control because of that.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{LogId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::model::control::{ControlRow, ControlStatus, Extent, Missing};

use super::catalogue::{Catalogue, Control, Framework};
use super::fold::{Observation, Observed, StepOutcome, Trail};
use super::kind::{EvidenceKind, Source};

/// Steps that are named where evidence is missing; the log holds all of them.
const NAMED_MAX: usize = 3;

/// Where an evidence kind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KindState {
    /// All of its steps hold and are not too old.
    Held,
    /// Some steps hold; others were not carried out.
    Partial,
    /// A step failed, was blocked by one that did, or what it showed has drifted since.
    Failed,
    /// All of its steps held, but too long ago.
    Expired,
    /// Nothing that would show it was carried out.
    NotRun,
    /// A person brings it, and the log knows of none.
    Manual,
    /// There is no occasion for it.
    NotApplicable,
}

/// One evidence kind of a site at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindStanding {
    /// Where it stands.
    pub state: KindState,
    /// Steps of the newest plans that have to hold.
    pub planned: usize,
    /// Why it does not count, or why there is no occasion for it; empty if it counts.
    pub why: String,
    /// Since when it does not count, if it ever did or was tried.
    pub lapsed: Option<Timestamp>,
    /// When the newest step was seen to hold.
    pub newest: Option<Timestamp>,
    /// Since when all of its steps have held without a break.
    pub in_force_since: Option<Timestamp>,
    /// When the first of its steps is too old.
    pub expires: Option<Timestamp>,
    /// The newest outcomes of its steps, by log.
    pub seen: BTreeMap<LogId, Vec<Observation>>,
}

impl KindStanding {
    /// Whether it counts for its controls.
    pub fn counts(&self) -> bool {
        self.state == KindState::Held
    }

    /// Places in logs that it is taken from.
    pub fn entries(&self) -> BTreeMap<LogId, BTreeSet<u64>> {
        let places = |seen: &Vec<Observation>| seen.iter().map(|seen| seen.seq).collect();
        self.seen.iter().map(|(log, seen)| (log.clone(), places(seen))).collect()
    }

    fn missing(&self, kind: &str) -> Missing {
        let stale = match self.state {
            KindState::Failed | KindState::Expired => true,
            KindState::Held
            | KindState::Partial
            | KindState::NotRun
            | KindState::Manual
            | KindState::NotApplicable => false,
        };
        Missing { kind: kind.to_owned(), why: self.why.clone(), since: self.lapsed, stale }
    }
}

/// Where each evidence kind of the catalogue stands.
pub fn standings(
    catalogue: &Catalogue,
    observed: &Observed,
    now: Timestamp,
) -> BTreeMap<String, KindStanding> {
    let none = Trail::default();
    let standing = |(name, kind): (&String, &EvidenceKind)| {
        let trail = observed.trails.get(name).unwrap_or(&none);
        let standing = match occasion(kind, observed) {
            Some(reason) if trail.steps.is_empty() => bare(KindState::NotApplicable, reason),
            _ if trail.steps.is_empty() => absent(kind),
            _ => present(kind, trail, now),
        };
        (name.clone(), standing)
    };
    catalogue.kinds().iter().map(standing).collect()
}

/// Why there is no occasion for a kind, if there is none.
fn occasion<'k>(kind: &'k EvidenceKind, observed: &Observed) -> Option<&'k str> {
    let when = kind.when.as_ref()?;
    if observed.happened.contains(when) { None } else { kind.otherwise.as_deref() }
}

fn absent(kind: &EvidenceKind) -> KindStanding {
    match kind.by {
        Source::Step => bare(KindState::NotRun, "no step of the plan shows it"),
        Source::Program => bare(KindState::NotRun, "this version does not collect it yet"),
        Source::Person => bare(KindState::Manual, "a person brings it"),
    }
}

fn bare(state: KindState, why: &str) -> KindStanding {
    KindStanding {
        state,
        planned: 0,
        why: why.to_owned(),
        lapsed: None,
        newest: None,
        in_force_since: None,
        expires: None,
        seen: BTreeMap::new(),
    }
}

fn present(kind: &EvidenceKind, trail: &Trail, now: Timestamp) -> KindStanding {
    let mut seen: BTreeMap<LogId, Vec<Observation>> = BTreeMap::new();
    let (mut held, mut newest, mut failed) = (0, None, None);
    let (mut broken, mut open) = (Vec::new(), Vec::new());
    for ((log, step), observation) in &trail.steps {
        let Some(observation) = observation else {
            open.push(called(log, step));
            continue;
        };
        let step = called(log, step);
        let lapsed = match &observation.outcome {
            StepOutcome::Held => None,
            StepOutcome::Failed { .. } if is_shared(log) => Some(format!("{step} failed")),
            StepOutcome::Drifted { .. } if is_shared(log) => Some(format!("{step} has drifted")),
            StepOutcome::Blocked { .. } if is_shared(log) => Some(format!("{step} was blocked")),
            StepOutcome::Failed { why } => Some(format!("{step} failed: {why}")),
            StepOutcome::Drifted { how } => Some(format!("{step} has drifted: {how}")),
            StepOutcome::Blocked { by } => Some(format!("{step} was blocked by {by}")),
        };
        match lapsed {
            None => {
                held += 1;
                newest = newest.max(Some(observation.at));
            }
            Some(words) => {
                broken.push(words);
                failed = Some(failed.map_or(observation.at, |at: Timestamp| at.min(observation.at)));
            }
        }
        seen.entry(log.clone()).or_default().push(observation.clone());
    }
    let expires = trail.expires(kind.max_age()).filter(|_| trail.is_whole());
    let (state, why, lapsed) = match expires {
        _ if !broken.is_empty() => (KindState::Failed, named(&broken), failed),
        Some(expires) if expires <= now => {
            (KindState::Expired, format!("too old since {expires}"), Some(expires))
        }
        _ if open.is_empty() => (KindState::Held, String::new(), None),
        _ if held == 0 => (KindState::NotRun, format!("not carried out: {}", named(&open)), None),
        _ => (KindState::Partial, format!("not carried out: {}", named(&open)), None),
    };
    KindStanding {
        state,
        planned: trail.steps.len(),
        why,
        lapsed,
        newest,
        in_force_since: trail.since,
        expires,
        seen,
    }
}

fn is_shared(log: &LogId) -> bool {
    !matches!(log, LogId::Scope(ScopeId::Site(_)))
}

/// A step's name. Steps of shared scopes may be called after other sites, which one site's evidence does not name.
fn called(log: &LogId, step: &StepId) -> String {
    if is_shared(log) { format!("a step of {log}") } else { step.to_string() }
}

/// The first few, and how many more there are.
fn named(all: &[String]) -> String {
    let shown = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(NAMED_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

/// One row for each control of the catalogue.
pub fn rows(
    catalogue: &Catalogue,
    standings: &BTreeMap<String, KindStanding>,
    now: Timestamp,
) -> Vec<ControlRow> {
    let mut rows = Vec::new();
    for framework in Framework::ALL {
        for (id, control) in catalogue.controls(framework) {
            let kinds: Vec<(&str, Extent, &KindStanding)> = catalogue
                .kinds_of(framework, id)
                .into_iter()
                .filter_map(|(name, extent)| Some((name, extent, standings.get(name)?)))
                .collect();
            rows.push(row(framework, id, control, &kinds, now));
        }
    }
    rows
}

fn row(
    framework: Framework,
    id: &str,
    control: &Control,
    kinds: &[(&str, Extent, &KindStanding)],
    now: Timestamp,
) -> ControlRow {
    let mut entries: BTreeMap<LogId, BTreeSet<u64>> = BTreeMap::new();
    for (log, seqs) in kinds.iter().flat_map(|(_, _, standing)| standing.entries()) {
        entries.entry(log).or_default().extend(seqs);
    }
    let counting = || kinds.iter().filter(|(_, _, standing)| standing.counts());
    let applies = |standing: &KindStanding| standing.state != KindState::NotApplicable;
    let open = kinds.iter().filter(|(_, _, standing)| applies(standing) && !standing.counts());
    ControlRow {
        framework: framework.word().to_owned(),
        id: id.to_owned(),
        title: control.title.clone(),
        obligation: control.obligation(now),
        shown: counting().map(|(_, extent, _)| *extent).max(),
        status: status(kinds),
        kinds: kinds.iter().map(|(name, _, _)| (*name).to_owned()).collect(),
        missing: open.map(|(name, _, standing)| standing.missing(name)).collect(),
        newest: kinds.iter().filter_map(|(_, _, standing)| standing.newest).max(),
        in_force_since: counting().filter_map(|(_, _, standing)| standing.in_force_since).max(),
        expires: counting().filter_map(|(_, _, standing)| standing.expires).min(),
        entries,
    }
}

/// A control is evidenced only if every kind that bears on it counts.
fn status(kinds: &[(&str, Extent, &KindStanding)]) -> ControlStatus {
    let names = |states: &[KindState]| {
        let within = kinds.iter().filter(|(_, _, standing)| states.contains(&standing.state));
        within.map(|(name, _, _)| *name).collect::<Vec<_>>()
    };
    let missing = names(&[
        KindState::Partial,
        KindState::Failed,
        KindState::Expired,
        KindState::NotRun,
        KindState::Manual,
    ]);
    let some = names(&[KindState::Held, KindState::Partial]);
    let failed = names(&[KindState::Failed]);
    let not_run = names(&[KindState::NotRun, KindState::Expired]);
    match (some.is_empty(), missing.is_empty()) {
        (false, true) => ControlStatus::Evidenced,
        (false, false) => ControlStatus::Partial { missing: missing.join(", ") },
        (true, _) if !failed.is_empty() => ControlStatus::Failed { what: failed.join(", ") },
        (true, _) if !not_run.is_empty() => ControlStatus::NotRun,
        // Nothing bears on it, or only what a person brings.
        (true, _) if kinds.is_empty() || !missing.is_empty() => ControlStatus::Manual,
        (true, _) => {
            let reasons: BTreeSet<&str> =
                kinds.iter().map(|(_, _, standing)| standing.why.as_str()).collect();
            ControlStatus::NotApplicable { reason: reasons.into_iter().collect::<Vec<_>>().join("; ") }
        }
    }
}
