//! The launches that the org log tells of: which have not ended, what they wait for, and when they are due.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Files;
use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::time::Timestamp;
use crate::engine;
use crate::fleet;
use crate::journal::{Journal, Line};
use crate::model::event::Event;
use crate::model::fleet_event::{FleetEvent, ScopeOutcome};
use crate::model::plan::{SavedPlan, Selection};
use crate::ops::error::Failure;
use crate::runner::Entry;

/// A launch with its plan, as the logs tell it.
#[derive(Debug)]
pub struct Found {
    /// Its name.
    pub run: RunId,
    /// When it began.
    pub began: Timestamp,
    /// Its plan.
    pub saved: SavedPlan,
    /// Where it stands.
    pub fleet: fleet::State,
    pub(super) files: Files,
}

/// When a launch that does not run can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// Right away.
    Now,
    /// At this moment.
    At(Timestamp),
    /// When a person has decided something.
    People,
}

impl Found {
    /// What it covers, for people.
    pub fn title(&self) -> String {
        match &self.saved.plan.selection {
            Selection::All => "the whole estate".to_owned(),
            Selection::Wave(wave) => wave.to_string(),
            Selection::Sites(_) | Selection::Part(_) => {
                let sites = self.saved.plan.selection.sites().into_iter().flatten();
                sites.map(|site| site.as_str()).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// The scopes that did not end well, or were taken out.
    pub fn retriable(&self) -> Vec<&ScopeId> {
        let lost = |phase: &fleet::Phase| match phase {
            fleet::Phase::Failed | fleet::Phase::Aborted | fleet::Phase::Skipped { .. } => true,
            fleet::Phase::Pending
            | fleet::Phase::Running
            | fleet::Phase::Suspended
            | fleet::Phase::Aborting
            | fleet::Phase::Succeeded => false,
        };
        self.fleet.scopes().iter().filter(|(_, phase)| lost(phase)).map(|(scope, _)| scope).collect()
    }

    /// When it can go on, were it taken up now: the engines themselves are asked.
    ///
    /// # Errors
    ///
    /// If the journal is damaged.
    pub fn due(&self, journal: &dyn Journal, now: Timestamp, entry: &mut Entry<'_>) -> Result<Due, Failure> {
        let plan = &self.saved.plan;
        let mut state = self.fleet.clone();
        if let fleet::Decision::Accepted(events) = fleet::decide(plan, &state, now, fleet::Input::Recovered) {
            events.iter().for_each(|event| fleet::apply(&mut state, event));
        }
        let mut due = Due::People;
        for command in fleet::owed(&state) {
            due = due.min(match command {
                fleet::Command::AbortScope(_) | fleet::Command::LookAtBake { .. } => Due::Now,
                fleet::Command::WakeAt(at) => Due::At(at),
                fleet::Command::RunScope { scope, round } => self.scope_due(journal, now, &scope, round)?,
                fleet::Command::JudgeEntry(wave) => {
                    let wave = plan.fleet.waves.iter().find(|planned| planned.name == wave);
                    let open = wave.map(|wave| entry(plan, wave, journal)).transpose()?;
                    if open.is_none_or(|open| open.is_empty()) { Due::Now } else { Due::People }
                }
            });
        }
        Ok(match due {
            Due::At(at) if at <= now => Due::Now,
            Due::Now | Due::At(_) | Due::People => due,
        })
    }

    fn scope_due(
        &self,
        journal: &dyn Journal,
        now: Timestamp,
        scope: &ScopeId,
        round: u32,
    ) -> Result<Due, Failure> {
        let plan = self.saved.plan.scope(scope);
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        let own = lines.iter().filter(|line| line.entry.run.as_ref() == Some(&self.run));
        let events: Vec<Event> = own
            .map(|line| Event::from_entry(&line.entry.kind, line.entry.step.as_ref(), &line.entry.body))
            .collect::<Result<_, _>>()
            .map_err(|error| not_verified(scope, &error))?;
        let mut state = engine::State::replay(self.run.clone(), plan, &events)
            .map_err(|error| not_verified(scope, &error))?;
        // A scope that has not begun, or that is to be tried again, has something to do at once.
        if !state.is_started() || state.ended().is_some() || state.round() < round {
            return Ok(Due::Now);
        }
        if let engine::Decision::Accepted(events) =
            engine::decide(plan, &state, now, engine::Input::Recovered)
        {
            events.iter().for_each(|event| engine::apply(&mut state, event));
        }
        let due = engine::owed(&state).into_iter().map(|command| match command {
            engine::Command::WakeAt(at) => Due::At(at),
            engine::Command::Apply { .. }
            | engine::Command::Verify { .. }
            | engine::Command::Observe { .. } => Due::Now,
        });
        Ok(due.min().unwrap_or(Due::Now))
    }
}

fn not_verified(log: &dyn std::fmt::Display, error: &dyn std::fmt::Display) -> Failure {
    Failure::NotVerified { what: format!("the log of {log}: {error}") }
}

/// What the org log alone tells of one launch.
struct Told<'l> {
    started: &'l Line,
    run: RunId,
    ended: bool,
    aborted: bool,
    lost: bool,
}

/// Every launch that has not ended, oldest first.
///
/// # Errors
///
/// If the journal is damaged.
pub fn unfinished(journal: &dyn Journal) -> Result<Vec<Found>, Failure> {
    let lines = journal.read(&LogId::Org, 0)?;
    told(&lines)?.iter().filter(|one| !one.ended).map(|one| load(one, &lines, journal)).collect()
}

/// The launches of these names, all that have not ended, and the newest one; oldest first.
///
/// # Errors
///
/// If the journal is damaged.
pub fn worth_telling(journal: &dyn Journal, runs: &BTreeSet<RunId>) -> Result<Vec<Found>, Failure> {
    let lines = journal.read(&LogId::Org, 0)?;
    let all = told(&lines)?;
    let newest = all.last().map(|one| one.run.clone());
    let told =
        all.iter().filter(|one| !one.ended || runs.contains(&one.run) || newest.as_ref() == Some(&one.run));
    told.map(|one| load(one, &lines, journal)).collect()
}

/// The newest launch in which something failed, was skipped or was taken out; ended or not.
///
/// # Errors
///
/// If the journal is damaged.
pub fn newest_lost(journal: &dyn Journal) -> Result<Option<Found>, Failure> {
    let lines = journal.read(&LogId::Org, 0)?;
    let all = told(&lines)?;
    all.iter().rev().find(|one| one.lost).map(|one| load(one, &lines, journal)).transpose()
}

/// Folds the org log once; plans are loaded only for the launches that are asked for.
fn told(lines: &[Line]) -> Result<Vec<Told<'_>>, Failure> {
    let mut all: Vec<Told<'_>> = Vec::new();
    let mut lost: BTreeMap<RunId, BTreeMap<ScopeId, bool>> = BTreeMap::new();
    for line in lines {
        let Some(run) = &line.entry.run else { continue };
        let event = FleetEvent::from_entry(&line.entry.kind, &line.entry.body)
            .map_err(|error| not_verified(&"the organisation", &error))?;
        let scopes = lost.entry(run.clone()).or_default();
        match event {
            FleetEvent::LaunchStarted { .. } => {
                all.push(Told { started: line, run: run.clone(), ended: false, aborted: false, lost: false });
            }
            // What was called off stays so: its scopes are for a new plan.
            FleetEvent::LaunchAborting { .. } => {
                all.iter_mut().filter(|one| one.run == *run).for_each(|one| one.aborted = true);
            }
            FleetEvent::LaunchEnded { .. } | FleetEvent::LaunchReopened { .. } => {
                let ended = matches!(event, FleetEvent::LaunchEnded { .. });
                all.iter_mut().filter(|one| one.run == *run).for_each(|one| one.ended = ended);
            }
            FleetEvent::ScopeEnded { scope, outcome } => {
                scopes.insert(scope, matches!(outcome, ScopeOutcome::Failed | ScopeOutcome::Aborted));
            }
            FleetEvent::ScopeSkipped { scope, .. } => {
                scopes.insert(scope, true);
            }
            FleetEvent::ScopeStarted { scope, .. } | FleetEvent::ScopeRequeued { scope, .. } => {
                scopes.insert(scope, false);
            }
            _ => {}
        }
    }
    for one in &mut all {
        one.lost = !one.aborted && lost.get(&one.run).is_some_and(|scopes| scopes.values().any(|lost| *lost));
    }
    Ok(all)
}

fn load(one: &Told<'_>, lines: &[Line], journal: &dyn Journal) -> Result<Found, Failure> {
    let (files, saved) = Files::load(one.started, journal)?;
    let own = lines.iter().filter(|line| line.entry.run.as_ref() == Some(&one.run));
    let events = own
        .map(|line| FleetEvent::from_entry(&line.entry.kind, &line.entry.body))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| not_verified(&"the organisation", &error))?;
    let fleet = fleet::State::replay(&saved.plan, &events)
        .map_err(|error| not_verified(&"the organisation", &error))?;
    Ok(Found { run: one.run.clone(), began: one.started.entry.at, saved, fleet, files })
}
