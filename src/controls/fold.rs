//! The fold: what the logs say about the steps and inputs behind each evidence kind.
//!
//! The site's log and those of the scopes that it rests on are read together in the order of time. Which steps have to
//! hold is said by the newest plan of each scope; what an older plan's steps showed counts for history only.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::{LogId, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::drift::{DriftFound, DriftLooked, FOUND, LOOKED, LOOKED_VERSION};
use crate::model::entry::{BlobRef, Entry};

use super::catalogue::Catalogue;
use super::kind::EvidenceKind;
use super::said::{self, Place, Scene};

/// One log with the plans that its runs carried out.
#[derive(Debug, Clone)]
pub struct History {
    /// The log.
    pub log: LogId,
    /// All of its entries.
    pub entries: Vec<Entry>,
    /// For each plan by digest, the steps of this scope, each with the evidence kind that it carries, if any.
    pub plans: BTreeMap<Digest, BTreeMap<StepId, Option<String>>>,
    /// Places of signed decisions that do not count: not genuine, or taken back.
    pub void: BTreeSet<u64>,
}

/// Something that the keeper of the journal knows and no entry of the site's log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Its name in the inputs of a kind.
    pub name: String,
    /// The log that it is about.
    pub log: LogId,
    /// The newest entry that it covers.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

/// How a step ended, or what was said of an input.
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
    /// It was begun, and its end is not recorded.
    Open {
        /// What, in words.
        what: String,
    },
    /// It does not hold, and somebody answers for that.
    Waived {
        /// Until when.
        until: Timestamp,
    },
    /// Somebody said that it does not apply.
    Excused {
        /// Why.
        reason: String,
    },
}

/// The newest outcome of one step or source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The entry's place.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: StepOutcome,
    /// The moment from which it no longer counts, if it says so itself.
    pub until: Option<Timestamp>,
    /// The files that the entry names.
    pub refs: Vec<BlobRef>,
    /// The place of the newest look that saw it as it was then, if there was one; the moment is that look's.
    pub looked: Option<u64>,
}

/// What the logs say about one evidence kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trail {
    /// The steps that have to hold, each with its newest outcome if it has one.
    pub steps: BTreeMap<(LogId, StepId), Option<Observation>>,
    /// The newest that each source of an input said.
    pub said: BTreeMap<Place, Observation>,
    /// Since when all of it has held without a break.
    pub since: Option<Timestamp>,
    /// Until when it counted as of the last time that all of it held.
    until: Option<Timestamp>,
}

impl Trail {
    /// Whether anything was planned or said.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.said.is_empty()
    }

    /// When the first of its steps is too old, if all of them hold and they age.
    pub fn steps_expire(&self, max_age: Option<Millis>) -> Option<Timestamp> {
        let oldest = self.steps.values().flatten().map(|seen| seen.at).min()?;
        Some(oldest + max_age?)
    }

    /// Whether every step holds.
    pub fn steps_hold(&self) -> bool {
        let held =
            |seen: &Option<Observation>| seen.as_ref().is_some_and(|seen| seen.outcome == StepOutcome::Held);
        self.steps.values().all(held)
    }

    /// Whether steps and inputs hold, and until when. None if they do not.
    fn whole(&self, kind: &EvidenceKind) -> Option<Option<Timestamp>> {
        if self.is_empty() || !self.steps_hold() {
            return None;
        }
        let mut until = self.steps_expire(kind.max_age());
        for input in 0..kind.inputs.len() {
            let (_, seen) = said::newest(kind, self, input)?;
            if seen.outcome != StepOutcome::Held {
                return None;
            }
            until = said::earlier(until, said::expires(kind, seen));
        }
        Some(until)
    }

    /// Something of it was seen to hold.
    fn held(&mut self, kind: &EvidenceKind, at: Timestamp) {
        let Some(until) = self.whole(kind) else { return };
        if until.is_none_or(|until| at < until) {
            let broken = self.until.is_some_and(|until| until <= at);
            self.since = self.since.filter(|_| !broken).or(Some(at));
            self.until = until;
        }
    }

    /// Something of it was seen not to hold.
    fn broke(&mut self) {
        (self.since, self.until) = (None, None);
    }
}

/// Trails by evidence kind, and what happened at the site.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    pub(super) trails: BTreeMap<String, Trail>,
    /// The kinds of entries in the site's log, each with the moment from which none of them counts any more, if there
    /// is one for all of them.
    pub(super) happened: BTreeMap<String, Option<Timestamp>>,
    /// What feeds have seen opened and not closed.
    open: said::Opened,
}

/// Folds logs; the first is the site's own.
pub fn observe(catalogue: &Catalogue, histories: &[History]) -> Observed {
    observe_with(catalogue, histories, &[])
}

/// The same with what the keeper of the journal knows.
pub fn observe_with(catalogue: &Catalogue, histories: &[History], signals: &[Signal]) -> Observed {
    let mut observed = Observed::default();
    let scenes: Vec<Scene<'_>> =
        histories.iter().enumerate().map(|(at, history)| Scene::of(catalogue, history, at == 0)).collect();
    let mut entries: Vec<(Timestamp, &Scene<'_>, &Entry)> = Vec::new();
    for scene in &scenes {
        // Clocks may go back, logs do not: an entry is never earlier than one before it.
        let mut latest = Timestamp::from_millis(i64::MIN);
        for entry in scene.entries() {
            latest = latest.max(entry.at);
            entries.push((latest, scene, entry));
            if scene.is_own {
                observed.happens(entry);
            }
        }
    }
    entries.sort_by_key(|(at, _, _)| *at);
    for (_, scene, entry) in entries {
        observed.fold(catalogue, scene, entry);
    }
    for signal in signals {
        observed.signal(catalogue, signal);
    }
    observed
}

impl Observed {
    fn happens(&mut self, entry: &Entry) {
        let end = entry.body.pointer("/statement/expires").and_then(|end| end.as_str()?.parse().ok());
        let known = self.happened.entry(entry.kind.clone()).or_insert(end);
        *known = match (*known, end) {
            (Some(known), Some(end)) => Some(known.max(end)),
            (Some(_), None) | (None, _) => None,
        };
    }

    fn fold(&mut self, catalogue: &Catalogue, scene: &Scene<'_>, entry: &Entry) {
        if entry.kind == FOUND {
            self.drift(&scene.history.log, entry);
            return;
        }
        if entry.kind == LOOKED {
            self.look(catalogue, &scene.history.log, entry);
            return;
        }
        self.input(catalogue, scene, entry);
        let Some(steps) = entry.plan.as_ref().and_then(|plan| scene.history.plans.get(plan)) else { return };
        if entry.kind == "run.started" {
            self.plan(catalogue, scene, steps);
            return;
        }
        let (Some(step), Some(outcome)) = (&entry.step, outcome(entry)) else { return };
        let Some(own) = steps.get(step) else { return };
        for (name, kind) in shown_by(catalogue, scene.is_own, own.as_deref()) {
            let trail = self.trails.entry(name.to_owned()).or_default();
            let held = outcome == StepOutcome::Held;
            let (seq, at, refs) = (entry.seq, entry.at, entry.refs.clone());
            let seen = Observation { seq, at, outcome: outcome.clone(), until: None, refs, looked: None };
            trail.steps.insert((scene.history.log.clone(), step.clone()), Some(seen));
            if held { trail.held(kind, at) } else { trail.broke() }
        }
    }

    /// What an entry says to the inputs of kinds.
    fn input(&mut self, catalogue: &Catalogue, scene: &Scene<'_>, entry: &Entry) {
        for source in catalogue.sources_of(&entry.kind) {
            let Some(kind) = catalogue.kinds().get(&source.kind) else { continue };
            let selector = &kind.inputs[source.input][source.source];
            let place = Place { input: source.input, source: source.source, log: scene.history.log.clone() };
            let trail = self.trails.get(&source.kind);
            let before = trail.and_then(|trail| trail.said.get(&place));
            let open = self.open.entry((source.kind.clone(), place.clone())).or_default();
            let Some(seen) = said::said(catalogue, scene, selector, entry, before, open) else { continue };
            let trail = self.trails.entry(source.kind.clone()).or_default();
            let (held, at) = (seen.outcome == StepOutcome::Held, seen.at);
            trail.said.insert(place, seen);
            if held { trail.held(kind, at) } else { trail.broke() }
        }
    }

    fn signal(&mut self, catalogue: &Catalogue, signal: &Signal) {
        for source in catalogue.sources_of_signal(&signal.name) {
            let Some(kind) = catalogue.kinds().get(&source.kind) else { continue };
            let place = Place { input: source.input, source: source.source, log: signal.log.clone() };
            let seen = Observation {
                seq: signal.seq,
                at: signal.at,
                outcome: StepOutcome::Held,
                until: None,
                refs: Vec::new(),
                looked: None,
            };
            let trail = self.trails.entry(source.kind.clone()).or_default();
            trail.said.insert(place, seen);
            trail.held(kind, signal.at);
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
                    let (seq, at) = (entry.seq, entry.at);
                    *newest =
                        Some(Observation { seq, at, outcome, until: None, refs: Vec::new(), looked: None });
                    trail.broke();
                }
            }
        }
    }

    /// Everything that the log holds was seen to be as it is held: what held of its steps holds as of then. What failed or
    /// has drifted is not mended by it, and what was not carried out stays open.
    fn look(&mut self, catalogue: &Catalogue, log: &LogId, entry: &Entry) {
        let known = |looked: &DriftLooked| looked.v <= LOOKED_VERSION && looked.objects > 0;
        if !serde_json::from_value(entry.body.clone()).is_ok_and(|looked| known(&looked)) {
            return;
        }
        for (name, trail) in &mut self.trails {
            let own = trail.steps.iter_mut().filter(|((of, _), _)| of == log);
            let held = own.filter_map(|(_, seen)| seen.as_mut());
            let mut again = false;
            for seen in held.filter(|seen| seen.outcome == StepOutcome::Held) {
                (seen.at, seen.looked, again) = (entry.at, Some(entry.seq), true);
            }
            if let Some(kind) = catalogue.kinds().get(name).filter(|_| again) {
                trail.held(kind, entry.at);
            }
        }
    }

    /// A new plan says which steps of the scope have to hold; what its steps showed before still counts.
    fn plan(&mut self, catalogue: &Catalogue, scene: &Scene<'_>, steps: &BTreeMap<StepId, Option<String>>) {
        let log = &scene.history.log;
        let mut wanted: BTreeMap<&str, BTreeSet<&StepId>> = BTreeMap::new();
        for (step, own) in steps {
            for (name, _) in shown_by(catalogue, scene.is_own, own.as_deref()) {
                wanted.entry(name).or_default().insert(step);
            }
        }
        for (kind, trail) in &mut self.trails {
            let wanted = wanted.get(kind.as_str());
            trail.steps.retain(|(own, step), _| own != log || wanted.is_some_and(|all| all.contains(step)));
        }
        for (kind, steps) in wanted {
            let trail = self.trails.entry(kind.to_owned()).or_default();
            let joins = !trail.steps.keys().any(|(own, _)| own == log);
            if joins {
                // What held before for another scope alone says nothing about this site.
                trail.broke();
            }
            for step in steps {
                trail.steps.entry((log.clone(), step.clone())).or_default();
            }
        }
    }
}

/// The kinds that a step shows: its own, and at the site those that rest on every step.
fn shown_by<'c>(
    catalogue: &'c Catalogue,
    is_own: bool,
    own: Option<&str>,
) -> impl Iterator<Item = (&'c str, &'c EvidenceKind)> {
    let carried = own.and_then(|own| catalogue.kinds().get_key_value(own));
    let every = catalogue.kinds().iter().filter(move |(_, kind)| is_own && kind.every_step);
    let every = every.filter(move |(name, _)| carried.is_none_or(|(own, _)| own != *name));
    carried.into_iter().chain(every).map(|(name, kind)| (name.as_str(), kind))
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
