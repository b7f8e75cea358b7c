//! One input to the events that follow from it, up to everything that may start now.

use super::draft::Draft;
use super::input::{Decision, Input};
use super::refusal::{Refusal, unlaunchable};
use super::state::{Phase, State};
use super::{bake, entry, request, retry};
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;
use crate::model::fleet_event::{FleetEvent, ScopeOutcome};
use crate::model::plan::Plan;

/// What one input comes to before everything that follows from it is added.
pub(super) enum First {
    /// These things happened.
    Events(Vec<FleetEvent>),
    /// These things happened, and they must not halt a wave at once.
    Retried(Vec<FleetEvent>),
    Stale,
    Refused(Refusal),
}

/// What follows from an input. `plan` is the plan that the state was made from.
pub fn decide(plan: &Plan, state: &State, now: Timestamp, input: Input) -> Decision {
    conclude(plan, &mut state.clone(), now, input)
}

/// Decides and folds in one: the events of an accepted input are in the state already. What [`decide`] and
/// [`apply`](super::apply) do, without a copy of the state for each input, which a launch of a thousand sites would make
/// thousands of times.
pub fn advance(plan: &Plan, state: &mut State, now: Timestamp, input: Input) -> Decision {
    if !matches!(input, Input::RetryAsked { .. }) {
        return conclude(plan, state, now, input);
    }
    // The one input that may be refused for what would follow from it.
    let decision = decide(plan, state, now, input);
    if let Decision::Accepted(events) = &decision {
        events.iter().for_each(|event| super::apply(state, event));
    }
    decision
}

/// Moves the state along while it decides; what is refused or stale leaves it as it was, but for a retry.
fn conclude(plan: &Plan, state: &mut State, now: Timestamp, input: Input) -> Decision {
    let starts = matches!(input, Input::Started(_));
    if !state.started && !starts {
        return Decision::Refused(Refusal::NotStarted);
    }
    let returns = matches!(input, Input::Recovered | Input::ResumeAsked { .. });
    let first = first(plan, state, now, input);
    let mut draft = Draft::new(plan, state, now);
    let retried = matches!(first, First::Retried(_));
    match first {
        First::Stale => return Decision::Stale,
        First::Refused(refusal) => return Decision::Refused(refusal),
        First::Events(events) | First::Retried(events) => draft.note_all(events),
    }
    if returns {
        draft.look_again();
    }
    draft.settle();
    let events = draft.into_events();
    if retried && let Some(refusal) = retry::halted_again(&events) {
        return Decision::Refused(refusal);
    }
    if events.is_empty() { Decision::Stale } else { Decision::Accepted(events) }
}

fn first(plan: &Plan, state: &State, now: Timestamp, input: Input) -> First {
    match input {
        Input::Started(digest) => match unlaunchable(plan, now) {
            _ if state.started => First::Refused(Refusal::AlreadyStarted),
            Some(refusal) => First::Refused(refusal),
            None => one(FleetEvent::LaunchStarted { plan: digest, selection: plan.selection.clone() }),
        },
        Input::Recovered if state.ended.is_some() => First::Refused(Refusal::Ended),
        Input::Recovered => one(FleetEvent::LaunchRecovered {}),
        Input::ScopeEnded { scope, outcome } => scope_ended(state, scope, outcome),
        Input::StopAsked if !state.is_live() || state.stopping => First::Stale,
        Input::StopAsked => one(FleetEvent::LaunchStopping {}),
        Input::TimeReached if state.is_open() => First::Events(Vec::new()),
        Input::TimeReached => First::Stale,
        Input::PauseAsked { by, reason } => request::pause(state, now, by, reason),
        Input::ResumeAsked { by, reason } => request::resume(state, by, reason),
        Input::AbortAsked { by, reason } => request::abort(state, by, reason),
        Input::SkipAsked { scope, why, by } => request::skip(state, scope, why, by),
        Input::RetryAsked { scopes, by, reason } => retry::retry(state, &scopes, &by, &reason),
        Input::EntryJudged { wave, open } => {
            of_wave(state, &wave, |index| entry::judged(state, index, now, open))
        }
        Input::BakeLooked { wave, held, broken } => {
            of_wave(state, &wave, |index| bake::looked(state, index, now, held, broken))
        }
    }
}

pub(super) fn one(event: FleetEvent) -> First {
    First::Events(vec![event])
}

fn of_wave(state: &State, name: &WaveName, then: impl FnOnce(usize) -> First) -> First {
    let index = state.index(name);
    index.map_or_else(|| First::Refused(Refusal::UnknownWave(name.clone())), then)
}

fn scope_ended(state: &State, scope: ScopeId, outcome: ScopeOutcome) -> First {
    match state.scopes().get(&scope) {
        None => First::Refused(Refusal::UnknownScope(scope)),
        Some(Phase::Running | Phase::Aborting) if state.is_live() => {
            one(FleetEvent::ScopeEnded { scope, outcome })
        }
        Some(_) => First::Stale,
    }
}
