//! Where each evidence kind stands at one moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{LogId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::model::control::Missing;

use super::catalogue::Catalogue;
use super::fold::{Observation, Observed, StepOutcome, Trail};
use super::kind::{EvidenceKind, Source};
use super::said::{self, Place};

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
    /// What does not hold of it, somebody answers for.
    Waived,
    /// There is no occasion for it.
    NotApplicable,
}

/// One evidence kind of a site at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindStanding {
    /// Where it stands.
    pub state: KindState,
    /// Steps of the newest plans that have to hold, and inputs that have to be there.
    pub planned: usize,
    /// How many of them hold.
    pub held: usize,
    /// What they are called. Where all steps have to hold, they are not listed.
    pub rests_on: BTreeSet<String>,
    /// Why it does not count, or why there is no occasion for it; empty if it counts.
    pub why: String,
    /// Since when it does not count, if it ever did or was tried.
    pub lapsed: Option<Timestamp>,
    /// When the newest step was seen to hold.
    pub newest: Option<Timestamp>,
    /// Since when all of its steps have held without a break.
    pub in_force_since: Option<Timestamp>,
    /// When the first of it is too old, or a waiver ends.
    pub expires: Option<Timestamp>,
    /// The newest outcomes of its steps and inputs, by log.
    pub seen: BTreeMap<LogId, Vec<Observation>>,
}

impl KindStanding {
    /// Whether it counts for its controls.
    pub fn counts(&self) -> bool {
        self.state == KindState::Held
    }

    /// Places in logs that it is taken from.
    pub fn entries(&self) -> BTreeMap<LogId, BTreeSet<u64>> {
        let both = |seen: &Observation| [Some(seen.seq), seen.looked].into_iter().flatten();
        let places = |seen: &Vec<Observation>| seen.iter().flat_map(both).collect();
        self.seen.iter().map(|(log, seen)| (log.clone(), places(seen))).collect()
    }

    pub(super) fn missing(&self, catalogue: &Catalogue, kind: &str) -> Missing {
        let stale = match self.state {
            KindState::Failed | KindState::Expired => true,
            KindState::Held
            | KindState::Partial
            | KindState::NotRun
            | KindState::Manual
            | KindState::Waived
            | KindState::NotApplicable => false,
        };
        let shows = catalogue.kinds().get(kind).map_or_else(String::new, |kind| kind.shows.clone());
        Missing { kind: kind.to_owned(), shows, why: self.why.clone(), since: self.lapsed, stale }
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
        let standing = match occasion(kind, observed, now) {
            Some(reason) => bare(KindState::NotApplicable, reason.to_owned()),
            None if trail.is_empty() => absent(catalogue, kind),
            None => present(catalogue, kind, trail, now),
        };
        (name.clone(), standing)
    };
    catalogue.kinds().iter().map(standing).collect()
}

/// Why there is no occasion for a kind, if there is none: nothing of the sort happened, or all of it has ended.
fn occasion<'k>(kind: &'k EvidenceKind, observed: &Observed, now: Timestamp) -> Option<&'k str> {
    let when = kind.when.as_ref()?;
    let end = observed.happened.get(when);
    let is_now = end.is_some_and(|end| end.is_none_or(|end| now < end));
    if is_now { None } else { kind.otherwise.as_deref() }
}

fn absent(catalogue: &Catalogue, kind: &EvidenceKind) -> KindStanding {
    let inputs = (0..kind.inputs.len()).map(|input| wanted(catalogue, kind, input)).collect::<Vec<_>>();
    match (kind.by, inputs.is_empty()) {
        (Source::Step | Source::Program, true) => {
            bare(KindState::NotRun, "no step of the plan shows it".to_owned())
        }
        (Source::Step | Source::Program, false) => {
            bare(KindState::NotRun, format!("not there: {}", named(&inputs)))
        }
        (Source::Person, true) => bare(KindState::Manual, "a person brings it".to_owned()),
        (Source::Person, false) => bare(KindState::Manual, format!("a person brings it: {}", named(&inputs))),
    }
}

fn bare(state: KindState, why: String) -> KindStanding {
    KindStanding {
        state,
        planned: 0,
        held: 0,
        rests_on: BTreeSet::new(),
        why,
        lapsed: None,
        newest: None,
        in_force_since: None,
        expires: None,
        seen: BTreeMap::new(),
    }
}

/// The sources of an input, in words: any of them will do.
fn wanted(catalogue: &Catalogue, kind: &EvidenceKind, input: usize) -> String {
    let words = kind.inputs[input].iter().map(|selector| catalogue.words(selector));
    words.collect::<Vec<_>>().join(" or ")
}

/// What is counted of a kind's steps and inputs.
#[derive(Default)]
struct Count {
    held: usize,
    newest: Option<Timestamp>,
    /// What was seen not to hold, since the first of it.
    broken: Vec<String>,
    broken_since: Option<Timestamp>,
    /// Steps that were not carried out.
    steps_open: Vec<String>,
    /// Inputs that are not there.
    inputs_open: Vec<String>,
    waived_until: Option<Timestamp>,
    excused: BTreeSet<String>,
    expires: Option<Timestamp>,
    seen: BTreeMap<LogId, Vec<Observation>>,
}

impl Count {
    /// Takes in what was seen of something that is called so.
    fn take(&mut self, log: &LogId, called: String, seen: &Observation, now: Timestamp) {
        let shared = is_shared(log);
        let with = |verb: &str, more: &str| match shared {
            // What a shared scope says may name other sites.
            true => format!("{called} {verb}"),
            false => format!("{called} {verb}{more}"),
        };
        let broken = match &seen.outcome {
            StepOutcome::Held => {
                self.held += 1;
                self.newest = self.newest.max(Some(seen.at));
                None
            }
            StepOutcome::Failed { why } => Some(with("failed", &format!(": {why}"))),
            StepOutcome::Drifted { how } => Some(with("has drifted", &format!(": {how}"))),
            StepOutcome::Blocked { by } => Some(with("was blocked", &format!(" by {by}"))),
            StepOutcome::Waived { until } if now < *until => {
                self.waived_until = said::earlier(self.waived_until, Some(*until));
                None
            }
            StepOutcome::Waived { until } => Some(format!("{called} was waived until {until} only")),
            StepOutcome::Excused { reason } => {
                self.excused.insert(with("does not apply", &format!(": {reason}")));
                None
            }
            StepOutcome::Open { what } => {
                self.inputs_open.push(what.clone());
                None
            }
        };
        if let Some(words) = broken {
            self.broken.push(words);
            self.broken_since = said::earlier(self.broken_since, Some(seen.at));
        }
        self.seen.entry(log.clone()).or_default().push(seen.clone());
    }

    fn open(&self) -> String {
        let steps =
            (!self.steps_open.is_empty()).then(|| format!("not carried out: {}", named(&self.steps_open)));
        let inputs =
            (!self.inputs_open.is_empty()).then(|| format!("not there: {}", named(&self.inputs_open)));
        steps.into_iter().chain(inputs).collect::<Vec<_>>().join("; ")
    }

    fn judge(&self, kind: &EvidenceKind, now: Timestamp) -> (KindState, String, Option<Timestamp>) {
        let is_open = !self.steps_open.is_empty() || !self.inputs_open.is_empty();
        if !self.broken.is_empty() {
            return (KindState::Failed, named(&self.broken), self.broken_since);
        }
        if let Some(expires) = self.expires.filter(|expires| *expires <= now) {
            let moment = expires.to_string();
            // The day is enough for people; the exact moment stands beside it.
            let day = moment.split('T').next().unwrap_or(&moment);
            return (KindState::Expired, format!("too old since {day}"), Some(expires));
        }
        match (is_open, self.waived_until) {
            (false, Some(until)) => (KindState::Waived, format!("waived until {until}"), None),
            (false, None) if self.held > 0 => (KindState::Held, String::new(), None),
            (false, None) => {
                let reasons = self.excused.iter().cloned().collect::<Vec<_>>().join("; ");
                (KindState::NotApplicable, reasons, None)
            }
            (true, None) if self.held == 0 => match kind.by {
                Source::Person => (KindState::Manual, format!("a person brings it; {}", self.open()), None),
                Source::Step | Source::Program => (KindState::NotRun, self.open(), None),
            },
            (true, _) => (KindState::Partial, self.open(), None),
        }
    }
}

fn present(catalogue: &Catalogue, kind: &EvidenceKind, trail: &Trail, now: Timestamp) -> KindStanding {
    let (mut count, mut rests_on) = (Count::default(), BTreeSet::new());
    if kind.every_step {
        rests_on.insert("every step of the site".to_owned());
    }
    for ((log, step), seen) in &trail.steps {
        let called = called(log, step);
        if !kind.every_step {
            rests_on.insert(called.clone());
        }
        match seen {
            Some(seen) => count.take(log, called, seen, now),
            None => count.steps_open.push(called),
        }
    }
    if trail.steps_hold() {
        count.expires = trail.steps_expire(kind.max_age());
    }
    if kind.every_step {
        shorten(&mut count.seen);
    }
    for input in 0..kind.inputs.len() {
        match said::newest(kind, trail, input) {
            Some((place, seen)) => {
                let source = source(catalogue, kind, place);
                rests_on.insert(source.clone());
                count.take(&place.log, source, seen, now);
                if seen.outcome == StepOutcome::Held {
                    count.expires = said::earlier(count.expires, said::expires(kind, seen));
                }
            }
            None => count.inputs_open.push(wanted(catalogue, kind, input)),
        }
    }
    let (state, why, lapsed) = count.judge(kind, now);
    KindStanding {
        state,
        planned: trail.steps.len() + kind.inputs.len(),
        held: count.held,
        rests_on,
        why,
        lapsed,
        newest: count.newest,
        in_force_since: trail.since,
        expires: if state == KindState::Waived { count.waived_until } else { count.expires },
        seen: count.seen,
    }
}

/// Where all steps hold together, the newest of them stands for all: a list of every step helps nobody.
fn shorten(seen: &mut BTreeMap<LogId, Vec<Observation>>) {
    for all in seen.values_mut() {
        let newest = all.iter().map(|one| one.seq).max();
        all.retain(|one| one.outcome != StepOutcome::Held || Some(one.seq) == newest);
    }
}

/// What the source that speaks for an input is called.
fn source(catalogue: &Catalogue, kind: &EvidenceKind, place: &Place) -> String {
    catalogue.words(&kind.inputs[place.input][place.source])
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
