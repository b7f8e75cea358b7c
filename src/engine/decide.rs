//! One input to the events that follow from it.

use super::input::{Decision, Input, Refusal};
use super::judge;
use super::state::State;
use super::step::Phase;
use super::turn::Turn;
use crate::base::id::StepId;
use crate::base::time::Timestamp;
use crate::model::event::{Counts, Event, RunOutcome};
use crate::model::plan::ScopePlan;

/// What follows from an input. `plan` is the plan that the state was made from.
///
/// # Panics
///
/// If the plan is another one than the state was made from.
pub fn decide(plan: &ScopePlan, state: &State, now: Timestamp, input: Input) -> Decision {
    if let Some(refusal) = refusal(state, &input) {
        return Decision::Refused(refusal);
    }
    let events = match input {
        Input::Started => vec![Event::RunStarted { at: now }],
        Input::Recovered => recovered(plan, state, now),
        Input::StopAsked if state.is_live() && !state.is_draining() => vec![Event::RunStopping {}],
        Input::StopAsked => Vec::new(),
        Input::AbortAsked if state.ended.is_none() && !state.aborting => vec![Event::RunAborting {}],
        Input::AbortAsked => Vec::new(),
        Input::RetryAsked { round } if round > state.round => vec![Event::RunRetried { at: now, round }],
        Input::RetryAsked { .. } => Vec::new(),
        Input::TimeReached => woken(state, now),
        Input::Applied { step, attempt, outcome } => {
            let turn = Turn::new(plan, state, &step, now);
            match turn.step.phase {
                Phase::Applying { call, deadline } if is_on(state, &turn, attempt) => {
                    turn.answered(call, deadline, outcome)
                }
                _ => Vec::new(),
            }
        }
        Input::Observed { step, attempt, spec, finding } => {
            let turn = Turn::new(plan, state, &step, now);
            let looking = matches!(turn.step.phase, Phase::Observing);
            if looking && !state.is_draining() && is_on(state, &turn, attempt) {
                let operation = state.graph.node(turn.at).operation;
                turn.conclude(judge::observed(operation, state.look(turn.at), finding), spec)
            } else {
                Vec::new()
            }
        }
        Input::Verified { step, attempt, spec, finding } => {
            let turn = Turn::new(plan, state, &step, now);
            let looking = matches!(turn.step.phase, Phase::Verifying { next: None, .. });
            if looking && !state.is_draining() && is_on(state, &turn, attempt) {
                let operation = state.graph.node(turn.at).operation;
                turn.conclude(judge::verified(operation, state.look(turn.at), finding), spec)
            } else {
                Vec::new()
            }
        }
    };
    if events.is_empty() { Decision::Stale } else { Decision::Accepted(close(state, events)) }
}

fn refusal(state: &State, input: &Input) -> Option<Refusal> {
    match input {
        Input::Started => state.is_started().then_some(Refusal::AlreadyStarted),
        Input::Recovered if !state.is_started() => Some(Refusal::NotStarted),
        Input::Recovered => state.ended.map(|_| Refusal::Ended),
        Input::StopAsked | Input::AbortAsked | Input::TimeReached => {
            (!state.is_started()).then_some(Refusal::NotStarted)
        }
        Input::RetryAsked { .. } if !state.is_started() => Some(Refusal::NotStarted),
        Input::RetryAsked { round } if *round <= state.round => None,
        Input::RetryAsked { .. } => match state.ended {
            None => Some(Refusal::NotEnded),
            Some(RunOutcome::Succeeded) => Some(Refusal::Succeeded),
            Some(RunOutcome::Failed | RunOutcome::Aborted) => None,
        },
        Input::Observed { step, .. } | Input::Applied { step, .. } | Input::Verified { step, .. } => {
            if !state.is_started() {
                return Some(Refusal::NotStarted);
            }
            state.graph.place(step).is_none().then_some(Refusal::UnknownStep)
        }
    }
}

/// Whether a result belongs to the present turn of its step.
fn is_on(state: &State, turn: &Turn<'_>, attempt: u32) -> bool {
    state.is_live() && turn.step.attempt == attempt
}

/// Every call that was under way is in doubt: nobody knows whether it was sent.
fn recovered(plan: &ScopePlan, state: &State, now: Timestamp) -> Vec<Event> {
    let doubt = |at: &usize| match state.steps[*at].phase {
        Phase::Applying { deadline, .. } => {
            Turn::new(plan, state, state.graph.name(*at), now).doubt(deadline, None)
        }
        _ => unreachable!("applying-is-an-index: it holds the steps in that phase"),
    };
    std::iter::once(Event::RunRecovered { at: now }).chain(state.applying.iter().map(doubt)).collect()
}

fn woken(state: &State, now: Timestamp) -> Vec<Event> {
    let wake = |at: usize| {
        let step = &state.steps[at];
        let rested = matches!(step.phase, Phase::Resting { .. });
        let id = state.graph.name(at).clone();
        Event::StepWoke { step: id, attempt: step.attempt + u32::from(rested) }
    };
    state.timers.iter().take_while(|(moment, _)| *moment <= now).map(|(_, at)| wake(*at)).collect()
}

/// Adds the run's own end or suspension, if these events bring it about.
fn close(state: &State, mut events: Vec<Event>) -> Vec<Event> {
    let is_applying = |step: &StepId| state.applying.contains(&state.place(step));
    let mut counts = state.counts;
    let (mut open, mut applying) = (state.open, state.applying.len());
    let (mut stopping, mut aborting) = (state.stopping, state.aborting);
    for event in &events {
        match event {
            Event::StepSucceeded { effect, .. } => {
                counts.add(*effect);
                open -= 1;
            }
            Event::StepFailed { step, .. } => {
                counts.failed += 1;
                open -= 1;
                applying -= usize::from(is_applying(step));
            }
            Event::StepBlocked { .. } => {
                counts.blocked += 1;
                open -= 1;
            }
            Event::StepApplied { .. } => applying -= 1,
            Event::StepRested { step, .. } => applying -= usize::from(is_applying(step)),
            Event::RunStopping {} => stopping = true,
            Event::RunRecovered { .. } => stopping = false,
            Event::RunAborting {} => aborting = true,
            // A round that begins has steps that have not ended: those that ended the last one.
            Event::RunRetried { .. } => return events,
            Event::RunStarted { .. }
            | Event::RunSuspended {}
            | Event::RunEnded { .. }
            | Event::StepApplying { .. }
            | Event::StepFound { .. }
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::Unknown { .. } => {}
        }
    }
    if aborting && applying == 0 {
        let cancelled = u32::try_from(open).expect("counts-are-the-steps: a scope has few steps");
        let counts = Counts { cancelled, ..counts };
        events.push(Event::RunEnded { outcome: RunOutcome::Aborted, counts });
    } else if aborting {
        // The calls under way are waited for.
    } else if open == 0 {
        events.push(Event::RunEnded { outcome: counts.outcome(), counts });
    } else if stopping && applying == 0 {
        events.push(Event::RunSuspended {});
    }
    events
}
