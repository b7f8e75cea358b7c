//! The fold: what the logs say about the steps behind each evidence kind.
//!
//! The site's log and those of the scopes that it rests on are read together in the order of time. Which steps have to
//! hold is said by the newest plan of each scope; what an older plan's steps showed counts for history only.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::{LogId, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::drift::{DriftFound, FOUND};
use crate::model::entry::{BlobRef, Entry};

use super::catalogue::Catalogue;

/// One log with the plans that its runs carried out.
#[derive(Debug, Clone)]
pub struct History {
    /// The log.
    pub log: LogId,
    /// All of its entries.
    pub entries: Vec<Entry>,
    /// For each plan by digest, the steps of this scope that carry an evidence kind.
    pub plans: BTreeMap<Digest, BTreeMap<StepId, String>>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// Its goal was seen to be reached.
    Held,
    /// Its goal was not reached, or something else was found later.
    Failed {
        /// Why.
        why: String,
    },
    /// It had held, and something else was found later. The moment is that of first sight.
    Drifted {
        /// What is known of it, in a word.
        how: String,
    },
    /// It never started, because this step failed.
    Blocked {
        /// The step.
        by: String,
    },
}

/// The newest outcome of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The entry's place.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: StepOutcome,
    /// The files that the entry names.
    pub refs: Vec<BlobRef>,
}

/// What the logs say about one evidence kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trail {
    /// The steps that have to hold, each with its newest outcome if it has one.
    pub steps: BTreeMap<(LogId, StepId), Option<Observation>>,
    /// Since when all of them have held without a break.
    pub since: Option<Timestamp>,
    /// Until when they counted as of the last time that all of them held.
    until: Option<Timestamp>,
}

impl Trail {
    /// When the first of its steps is too old, if all of them hold and they age.
    pub fn expires(&self, max_age: Option<Millis>) -> Option<Timestamp> {
        let oldest = self.steps.values().flatten().map(|seen| seen.at).min()?;
        Some(oldest + max_age?)
    }

    /// Whether every step holds.
    pub fn is_whole(&self) -> bool {
        let held =
            |seen: &Option<Observation>| seen.as_ref().is_some_and(|seen| seen.outcome == StepOutcome::Held);
        !self.steps.is_empty() && self.steps.values().all(held)
    }
}

/// Trails by evidence kind, and the kinds of entries that the site's log holds.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    pub(super) trails: BTreeMap<String, Trail>,
    pub(super) happened: BTreeSet<String>,
}

/// Folds logs; the first is the site's own.
pub fn observe(catalogue: &Catalogue, histories: &[History]) -> Observed {
    let mut observed = Observed::default();
    let mut entries: Vec<(Timestamp, &History, &Entry)> = Vec::new();
    for (index, history) in histories.iter().enumerate() {
        // Clocks may go back, logs do not: an entry is never earlier than one before it.
        let mut latest = Timestamp::from_millis(i64::MIN);
        for entry in &history.entries {
            latest = latest.max(entry.at);
            entries.push((latest, history, entry));
            if index == 0 {
                observed.happened.insert(entry.kind.clone());
            }
        }
    }
    entries.sort_by_key(|(at, _, _)| *at);
    for (_, history, entry) in entries {
        observed.fold(catalogue, history, entry);
    }
    observed
}

impl Observed {
    fn fold(&mut self, catalogue: &Catalogue, history: &History, entry: &Entry) {
        if entry.kind == FOUND {
            self.drift(&history.log, entry);
            return;
        }
        let Some(steps) = entry.plan.as_ref().and_then(|plan| history.plans.get(plan)) else { return };
        if entry.kind == "run.started" {
            self.plan(&history.log, steps);
            return;
        }
        let (Some(step), Some(outcome)) = (&entry.step, outcome(entry)) else { return };
        let Some(kind) = steps.get(step) else { return };
        let max_age = catalogue.kinds().get(kind).and_then(super::EvidenceKind::max_age);
        let trail = self.trails.entry(kind.clone()).or_default();
        let held = outcome == StepOutcome::Held;
        let seen = Observation { seq: entry.seq, at: entry.at, outcome, refs: entry.refs.clone() };
        trail.steps.insert((history.log.clone(), step.clone()), Some(seen));
        if !held {
            (trail.since, trail.until) = (None, None);
            return;
        }
        let expires = trail.expires(max_age);
        if trail.is_whole() && expires.is_none_or(|expires| entry.at < expires) {
            let broken = trail.until.is_some_and(|until| until <= entry.at);
            trail.since = trail.since.filter(|_| !broken).or(Some(entry.at));
            trail.until = expires;
        }
    }

    /// What rests on an object that has drifted no longer counts: its own step, and the checks that read it. It
    /// counts again once a run has seen it hold.
    fn drift(&mut self, log: &LogId, entry: &Entry) {
        let Ok(found) = serde_json::from_value::<DriftFound>(entry.body.clone()) else { return };
        let own = entry.step.iter().map(|step| (step, found.class.word().to_owned()));
        let object = &found.object;
        let readers = found.rests.iter().map(|step| (step, format!("{object} {}", found.class.word())));
        for (step, how) in own.chain(readers) {
            let key = (log.clone(), step.clone());
            for trail in self.trails.values_mut() {
                let Some(newest) = trail.steps.get_mut(&key) else { continue };
                let is_first =
                    !newest.as_ref().is_some_and(|seen| matches!(seen.outcome, StepOutcome::Drifted { .. }));
                if is_first {
                    let outcome = StepOutcome::Drifted { how: how.clone() };
                    *newest = Some(Observation { seq: entry.seq, at: entry.at, outcome, refs: Vec::new() });
                    (trail.since, trail.until) = (None, None);
                }
            }
        }
    }

    /// A new plan says which steps of the scope have to hold; what its steps showed before still counts.
    fn plan(&mut self, log: &LogId, steps: &BTreeMap<StepId, String>) {
        for (kind, trail) in &mut self.trails {
            trail.steps.retain(|(own, step), _| own != log || steps.get(step) == Some(kind));
        }
        for (step, kind) in steps {
            let trail = self.trails.entry(kind.clone()).or_default();
            let joins = !trail.steps.keys().any(|(own, _)| own == log);
            if joins {
                // What held before for another scope alone says nothing about this site.
                (trail.since, trail.until) = (None, None);
            }
            trail.steps.entry((log.clone(), step.clone())).or_default();
        }
    }
}

fn outcome(entry: &Entry) -> Option<StepOutcome> {
    let text = |pointer: &str| {
        let text = entry.body.pointer(pointer).and_then(|value| value.as_str());
        text.unwrap_or("no reason is recorded").to_owned()
    };
    match entry.kind.as_str() {
        "step.succeeded" => Some(StepOutcome::Held),
        "step.failed" => Some(StepOutcome::Failed { why: text("/cause/message") }),
        "step.blocked" => Some(StepOutcome::Blocked { by: text("/by") }),
        _ => None,
    }
}
