//! A walk through the journal of one run: each entry in words, with what it changed in the folded state. That is how a
//! failing simulation or an incident is read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::words;
use crate::base::id::{RunId, StepId};
use crate::base::time::Timestamp;
use crate::engine;
use crate::fleet;
use crate::model::entry::Entry;
use crate::model::event::{BadEvent, Event};
use crate::model::fleet_event::FleetEvent;
use crate::model::plan::{Plan, ScopePlan};

/// Steps or scopes that are named for each phase of a folded state.
const NAMED: usize = 12;

/// One entry of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Its place in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Its kind.
    pub kind: String,
    /// The step it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// In words.
    pub words: String,
    /// What it changed: the step or scope, its phase before, its phase after.
    pub changed: Vec<(String, String, String)>,
}

/// A whole walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walk {
    /// The entries.
    pub paces: Vec<Pace>,
    /// Where every step or scope stands after the last of them.
    pub phases: BTreeMap<String, String>,
}

/// The log cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A body that is not what its kind promises.
    #[error("entry {seq}: {source}")]
    Bad {
        /// Which.
        seq: u64,
        /// Why.
        #[source]
        source: BadEvent,
    },
    /// An event that only a newer program knows.
    #[error("entry {seq} is a {kind} entry, which this program does not know: install a newer landfall")]
    Unknown {
        /// Which.
        seq: u64,
        /// Its kind.
        kind: String,
    },
}

/// Walks one run of a scope; `entries` are that run's only, up to where it is to be seen.
///
/// # Errors
///
/// If an entry is not understood.
pub fn scope(run: &RunId, plan: &ScopePlan, entries: &[Entry]) -> Result<Walk, WalkError> {
    let mut state = engine::State::new(run.clone(), plan);
    let mut phases = step_phases(&state);
    let mut paces = Vec::new();
    for entry in entries {
        let event = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body)
            .map_err(|source| WalkError::Bad { seq: entry.seq, source })?;
        match &event {
            Event::Unknown { kind, .. } if kind.starts_with("run.") || kind.starts_with("step.") => {
                return Err(WalkError::Unknown { seq: entry.seq, kind: kind.clone() });
            }
            Event::Unknown { .. } => {}
            known => engine::apply(&mut state, known),
        }
        let after = step_phases(&state);
        paces.push(pace(entry, words::scope(&event), changed(&phases, &after)));
        phases = after;
    }
    Ok(Walk { paces, phases })
}

/// Walks a launch's own entries of the organisation's log.
///
/// # Errors
///
/// If an entry is not understood.
pub fn launch(plan: &Plan, entries: &[Entry]) -> Result<Walk, WalkError> {
    let mut state = fleet::State::new(plan);
    let mut phases = scope_phases(&state);
    let mut paces = Vec::new();
    for entry in entries {
        let event = FleetEvent::from_entry(&entry.kind, &entry.body)
            .map_err(|source| WalkError::Bad { seq: entry.seq, source })?;
        match &event {
            FleetEvent::Unknown { kind }
                if ["launch.", "scope.", "wave."].iter().any(|own| kind.starts_with(own)) =>
            {
                return Err(WalkError::Unknown { seq: entry.seq, kind: kind.clone() });
            }
            FleetEvent::Unknown { .. } => {}
            known => fleet::apply(&mut state, known),
        }
        let after = scope_phases(&state);
        paces.push(pace(entry, words::fleet(&event), changed(&phases, &after)));
        phases = after;
    }
    Ok(Walk { paces, phases })
}

fn pace(entry: &Entry, words: String, changed: Vec<(String, String, String)>) -> Pace {
    let Entry { seq, at, kind, step, .. } = entry;
    Pace { seq: *seq, at: *at, kind: kind.clone(), step: step.clone(), words, changed }
}

fn changed(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<(String, String, String)> {
    let differs = |(name, now): (&String, &String)| {
        let was = before.get(name)?;
        (was != now).then(|| (name.clone(), was.clone(), now.clone()))
    };
    after.iter().filter_map(differs).collect()
}

fn step_phases(state: &engine::State) -> BTreeMap<String, String> {
    state.steps().iter().map(|(id, step)| (id.to_string(), phase(&step.phase).to_owned())).collect()
}

fn scope_phases(state: &fleet::State) -> BTreeMap<String, String> {
    state.scopes().iter().map(|(scope, phase)| (scope.to_string(), phase.word().to_owned())).collect()
}

fn phase(phase: &engine::Phase) -> &'static str {
    match phase {
        engine::Phase::Waiting => "waiting",
        engine::Phase::Observing => "observing",
        engine::Phase::Applying { .. } => "applying",
        engine::Phase::Verifying { .. } => "verifying",
        engine::Phase::Resting { .. } => "resting",
        engine::Phase::Succeeded { .. } => "succeeded",
        engine::Phase::Failed { .. } => "failed",
        engine::Phase::Blocked { .. } => "blocked",
    }
}

impl Walk {
    /// Keeps the entries about one step, from a place on.
    pub fn keep(&mut self, step: Option<&StepId>, from: u64) {
        self.paces.retain(|pace| pace.seq >= from && (step.is_none() || pace.step.as_ref() == step));
    }

    /// Each entry in words.
    pub fn text(&self) -> String {
        self.paces.iter().map(Pace::text).collect()
    }

    /// Where everything stands, by phase.
    pub fn standing(&self) -> String {
        let mut by_phase: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, phase) in &self.phases {
            by_phase.entry(phase).or_default().push(name);
        }
        let mut out = String::new();
        for (phase, names) in by_phase {
            let more = if names.len() > NAMED { ", …" } else { "" };
            let shown: Vec<&str> = names.iter().take(NAMED).copied().collect();
            let _ = writeln!(out, "{phase:<10} {:>4}  {}{more}", names.len(), shown.join(", "));
        }
        out
    }
}

impl Pace {
    /// One line: place, moment, kind, step, what it says, what it changed.
    pub fn text(&self) -> String {
        let step = self.step.as_ref().map_or(String::new(), |step| format!("{step}  "));
        let mut line = format!("{:>5}  {}  {:<15}  {step}{}", self.seq, self.at, self.kind, self.words);
        let (own, others): (Vec<_>, Vec<_>) = self
            .changed
            .iter()
            .partition(|(name, ..)| self.step.as_ref().is_some_and(|step| step.as_str() == name));
        for (_, was, now) in own {
            let _ = write!(line, "  [{was} → {now}]");
        }
        let mut moves: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for (name, was, now) in others {
            moves.entry((was, now)).or_default().push(name);
        }
        for ((was, now), names) in moves {
            let who = match names.as_slice() {
                [one] => (*one).to_owned(),
                many => format!("{} of them", many.len()),
            };
            let _ = write!(line, "  [{who}: {was} → {now}]");
        }
        line.push('\n');
        line
    }
}
