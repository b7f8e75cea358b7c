//! What a launch waits for: every open thing that does not go on, with its reason.

use super::chart::Stage;
use super::start::standing;
use super::state::{Phase, State, Turn};
use super::wave::{Baking, Entry, Wave};
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;
use crate::model::calendar::Standing;
use crate::model::plan::Plan;
use crate::model::wait::Wait;

/// An open thing that does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What waits.
    pub subject: Subject,
    /// For what.
    pub why: Wait,
    /// Since when, as far as the log says so.
    pub since: Option<Timestamp>,
    /// When it ends by itself, if it does.
    pub until: Option<Timestamp>,
}

/// What can wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The whole launch.
    Launch,
    /// One wave.
    Wave(WaveName),
    /// One scope.
    Scope(ScopeId),
}

/// Why each open thing does not go on: the launch first, then stage by stage; sites one by one in the wave whose turn it
/// is, later waves as a whole. What runs is not among them, nor what stays pending behind a halted wave or in a launch
/// that was called off. A launch that was stopped lists what holds it beside that it has to be taken up.
pub fn waits(plan: &Plan, state: &State, now: Timestamp) -> Vec<Waiting> {
    if !state.started || state.ended.is_some() || state.aborting {
        return Vec::new();
    }
    let mut waits = Vec::new();
    if let Some(paused) = &state.paused {
        let why = Wait::Pause { by: paused.by.clone(), reason: paused.reason.clone() };
        waits.push(waiting(Subject::Launch, why, Some(paused.at)));
    }
    waits.extend(state.waves.iter().filter_map(|wave| Some(bakes(wave, wave.baking.as_ref()?))));
    match state.turn() {
        Turn::Stage(stage) => {
            of_stage(plan, state, now, stage, &mut waits);
            later(state, stage, &mut waits);
        }
        Turn::Halted | Turn::Over => {}
    }
    waits
}

fn waiting(subject: Subject, why: Wait, since: Option<Timestamp>) -> Waiting {
    let until = why.until();
    Waiting { subject, why, since, until }
}

fn bakes(wave: &Wave, baking: &Baking) -> Waiting {
    let why = Wait::Bake { wave: wave.name.clone(), until: baking.until };
    waiting(Subject::Wave(wave.name.clone()), why, Some(baking.since))
}

/// The pending scopes of the stage whose turn it is.
fn of_stage(plan: &Plan, state: &State, now: Timestamp, stage: Stage, waits: &mut Vec<Waiting>) {
    let Stage::Wave(index) = stage else {
        for scope in state.chart.shared(stage) {
            if *state.phase(&scope) == Phase::Pending {
                let need = state.unmet_need(&scope).map(|need| Wait::Scope { scope: need.clone() });
                waits.extend(need.map_or_else(
                    || shut(plan, state, now, &scope),
                    |why| Some(waiting(Subject::Scope(scope.clone()), why, None)),
                ));
            }
        }
        return;
    };
    let wave = &state.waves[index];
    match &wave.entry {
        Entry::Barred(barred) | Entry::Judging(Some(barred)) => {
            let why = Wait::Entry { wave: wave.name.clone(), open: barred.open.clone() };
            waits.push(waiting(Subject::Wave(wave.name.clone()), why, Some(barred.since)));
        }
        Entry::Ahead | Entry::Judging(None) => {}
        Entry::Open if wave.baking.is_some() => {}
        Entry::Open => sites(plan, state, now, index, waits),
    }
}

fn sites(plan: &Plan, state: &State, now: Timestamp, index: usize, waits: &mut Vec<Waiting>) {
    let wave = &state.waves[index];
    let Some(canary) = state.canary(wave) else { return };
    let proven = *state.phase(canary) == Phase::Succeeded;
    let (_, free) = state.candidates(index);
    for scope in wave.sites.iter().filter(|scope| *state.phase(scope) == Phase::Pending) {
        let subject = Subject::Scope(scope.clone());
        if !proven && scope != canary {
            waits.push(waiting(subject, Wait::Scope { scope: canary.clone() }, None));
        } else if free == 0 {
            waits.push(waiting(subject, Wait::Place { places: state.places(index) }, None));
        } else {
            waits.extend(shut(plan, state, now, scope));
        }
    }
}

/// A scope that waits for its window, since when the log says so.
fn shut(plan: &Plan, state: &State, now: Timestamp, scope: &ScopeId) -> Option<Waiting> {
    match standing(plan, state, scope, now) {
        Standing::Shut { opens, why } => {
            let since = state.waiting(scope).map(|known| known.since);
            Some(waiting(Subject::Scope(scope.clone()), Wait::Window { opens, why }, since))
        }
        Standing::Open { .. } | Standing::Never { .. } => None,
    }
}

/// The stages behind the one whose turn it is wait for it.
fn later(state: &State, stage: Stage, waits: &mut Vec<Waiting>) {
    let Some(why) = holder(state, stage) else { return };
    if stage == Stage::Account {
        let regions = state.chart.shared(Stage::Regions);
        let pending = regions.into_iter().filter(|scope| *state.phase(scope) == Phase::Pending);
        waits.extend(pending.map(|scope| waiting(Subject::Scope(scope), why.clone(), None)));
    }
    let behind = state.waves.iter().enumerate().filter(|(index, wave)| {
        Stage::Wave(*index) > stage && wave.count.pending > 0 && wave.halted.is_none()
    });
    waits.extend(behind.map(|(_, wave)| waiting(Subject::Wave(wave.name.clone()), why.clone(), None)));
}

/// What others wait for while it is this stage's turn.
fn holder(state: &State, stage: Stage) -> Option<Wait> {
    let open = |scope: &&ScopeId| !state.phase(scope).is_ended();
    let Stage::Wave(index) = stage else {
        let scope = state.chart.shared(stage).iter().find(open)?.clone();
        return Some(Wait::Scope { scope });
    };
    let wave = &state.waves[index];
    if let Some(baking) = &wave.baking {
        return Some(Wait::Bake { wave: wave.name.clone(), until: baking.until });
    }
    if let Entry::Barred(barred) | Entry::Judging(Some(barred)) = &wave.entry {
        return Some(Wait::Entry { wave: wave.name.clone(), open: barred.open.clone() });
    }
    Some(Wait::Scope { scope: wave.sites.iter().find(open)?.clone() })
}
