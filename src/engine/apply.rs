//! The fold: one event onto the state. It asserts that the event is possible and decides nothing.
//!
//! Events that are not durable may be missing when a log is replayed: a step may go on from `Resting` without having
//! woken, and from `Verifying` without having polled.

use super::state::State;
use super::step::{Phase, Step};
use crate::base::id::StepId;
use crate::base::time::Timestamp;
use crate::model::event::{Counts, Effect, Event, Rest, RunOutcome};
use crate::model::finding::NextCall;
use crate::model::plan::Operation;

/// Folds one event of the run onto its state.
///
/// # Panics
///
/// If the event is impossible in this state; the message begins with the invariant's name.
pub fn apply(state: &mut State, event: &Event) {
    let revives = matches!(event, Event::RunRetried { .. });
    assert!(state.ended.is_none() || revives, "ended-once-per-round: {} after the run ended", event.kind());
    match event {
        Event::RunStarted { at } => start(state, *at),
        Event::RunRecovered { at } => recover(state, *at),
        Event::RunStopping {} => {
            assert!(state.is_live() && !state.is_draining(), "stopped-while-live: stopping twice");
            state.stopping = true;
            state.refresh_all();
        }
        Event::RunSuspended {} => {
            assert!(
                state.stopping && state.applying.is_empty(),
                "drained-before-suspended: calls are under way"
            );
            state.suspended = true;
            state.refresh_all();
        }
        Event::RunAborting {} => {
            assert!(state.is_started() && !state.aborting, "called-off-once: nothing to call off");
            // The calling-off outdoes a stop, and ends what was suspended.
            (state.aborting, state.stopping, state.suspended) = (true, false, false);
            state.refresh_all();
        }
        Event::RunRetried { at, round } => retry(state, *at, *round),
        Event::RunEnded { outcome, counts } => end(state, *outcome, counts),
        Event::StepBlocked { step, by } => block(state, step, by),
        Event::StepApplying { step, attempt, .. }
        | Event::StepApplied { step, attempt, .. }
        | Event::StepFound { step, attempt, .. }
        | Event::StepRested { step, attempt, .. }
        | Event::StepPolled { step, attempt, .. }
        | Event::StepWoke { step, attempt }
        | Event::StepSucceeded { step, attempt, .. }
        | Event::StepFailed { step, attempt, .. } => {
            assert!(state.is_live(), "steps-only-in-a-live-run: {} for {step}", event.kind());
            advance(state, step, *attempt, event);
        }
        Event::Unknown { kind, .. } => panic!("known-events-only: {kind} cannot be folded"),
    }
}

fn start(state: &mut State, at: Timestamp) {
    assert!(!state.is_started(), "started-once: the run began twice");
    state.began = Some(at);
    for step in state.steps.iter_mut().filter(|step| step.unmet == 0) {
        step.phase = Phase::Observing;
    }
    state.refresh_all();
}

fn recover(state: &mut State, at: Timestamp) {
    assert!(state.is_started(), "recovered-after-started: nothing to take up");
    (state.stopping, state.suspended) = (false, false);
    for step in &mut state.steps {
        if let Phase::Verifying { watched_from, settles_from, next, .. } = &mut step.phase {
            (*watched_from, *settles_from, *next) = (at, at, None);
        }
    }
    state.refresh_all();
}

fn end(state: &mut State, outcome: RunOutcome, counts: &Counts) {
    assert!(
        state.is_live() && (state.open == 0 || state.aborting),
        "ended-when-all-steps-ended: {} are open",
        state.open
    );
    assert!(state.applying.is_empty(), "drained-before-ended: calls are under way");
    let cancelled = u32::try_from(state.open).expect("counts-are-the-steps: a scope has few steps");
    state.counts.cancelled = cancelled;
    assert_eq!(*counts, state.counts, "counts-are-the-steps: the run's end counts something else");
    let follows = if state.aborting { RunOutcome::Aborted } else { counts.outcome() };
    assert_eq!(outcome, follows, "outcome-follows-counts: the run ended otherwise");
    (state.ended, state.aborting) = (Some(outcome), false);
    state.refresh_all();
}

/// What failed, was blocked or was cancelled begins anew; what succeeded stays.
fn retry(state: &mut State, at: Timestamp, round: u32) {
    assert!(round > state.round, "rounds-grow: round {round} after round {}", state.round);
    assert!(
        matches!(state.ended, Some(RunOutcome::Failed | RunOutcome::Aborted)),
        "retried-after-its-end: the run stands at {:?}",
        state.ended
    );
    (state.round, state.began, state.ended) = (round, Some(at), None);
    (state.counts.failed, state.counts.blocked, state.counts.cancelled) = (0, 0, 0);
    let again = state.steps.iter_mut().filter(|step| !matches!(step.phase, Phase::Succeeded { .. }));
    state.open = again.map(Step::renew).count();
    state.refresh_all();
}

fn block(state: &mut State, id: &StepId, by: &StepId) {
    assert!(state.is_live(), "steps-only-in-a-live-run: {id} blocked");
    assert!(
        matches!(state.steps[state.place(by)].phase, Phase::Failed { .. }),
        "blocked-only-behind-failed: {id} behind {by}"
    );
    let at = state.place(id);
    let step = &mut state.steps[at];
    assert!(matches!(step.phase, Phase::Waiting), "blocked-before-started: {id}");
    step.phase = Phase::Blocked { by: by.clone() };
    state.counts.blocked += 1;
    state.open -= 1;
    state.refresh(at);
}

/// Moves one step. The phase it comes from is checked first, then the new one is set.
fn advance(state: &mut State, id: &StepId, attempt: u32, event: &Event) {
    let at = state.place(id);
    let step = &mut state.steps[at];
    assert!(is_legal(step, attempt, event), "legal-transition: {event:?} in {:?}", step.phase);
    let applying = matches!(event, Event::StepApplying { .. });
    assert!(!(state.stopping && applying), "nothing-applied-after-stop: {id}");
    assert!(!(state.aborting && applying), "no-call-after-abort: {id}");
    step.attempt = attempt;
    match event {
        Event::StepApplying { call, deadline, .. } => intend(state, at, *call, *deadline),
        Event::StepApplied { at: answered, .. } => {
            let call = step.last_call.expect("applied-after-intent: the phase has a call");
            step.act(call);
            verify(step, *answered);
        }
        Event::StepFound { at: seen, .. } => verify(step, *seen),
        Event::StepRested { at: since, until, why, cause, .. } => {
            rest(step, *why, cause.is_some());
            step.phase = Phase::Resting { until: *until, why: *why, since: *since };
        }
        Event::StepPolled { next: due, settles_from: from, .. } => {
            if let Phase::Verifying { polls, next, settles_from, .. } = &mut step.phase {
                (*polls, *next, *settles_from) = (*polls + 1, Some(*due), *from);
            }
        }
        Event::StepWoke { .. } => match &mut step.phase {
            Phase::Verifying { next, .. } => *next = None,
            phase => *phase = Phase::Observing,
        },
        Event::StepSucceeded { effect, .. } => succeed(state, at, *effect),
        Event::StepFailed { cause, .. } => {
            step.phase = Phase::Failed { cause: cause.clone() };
            state.counts.failed += 1;
            state.open -= 1;
        }
        Event::RunStarted { .. }
        | Event::RunRecovered { .. }
        | Event::RunStopping {}
        | Event::RunSuspended {}
        | Event::RunAborting {}
        | Event::RunRetried { .. }
        | Event::RunEnded { .. }
        | Event::StepBlocked { .. }
        | Event::Unknown { .. } => unreachable!("sorted-by-apply: not an event of a step's turn"),
    }
    match state.steps[at].phase {
        Phase::Applying { .. } => state.applying.insert(at),
        _ => state.applying.remove(&at),
    };
    state.refresh(at);
}

/// Whether the event may come in this phase and turn.
fn is_legal(step: &Step, attempt: u32, event: &Event) -> bool {
    let same = attempt == step.attempt;
    let next = attempt == step.attempt + 1;
    // A look is under way in this turn, or in the next one if the wake was not kept.
    let looking = match step.phase {
        Phase::Observing => same,
        Phase::Resting { .. } => next,
        Phase::Verifying { .. } => same,
        _ => false,
    };
    let verifying = matches!(step.phase, Phase::Verifying { .. });
    let applying = matches!(step.phase, Phase::Applying { .. });
    match event {
        Event::StepApplying { .. } => (looking && !verifying) || (verifying && next),
        Event::StepApplied { .. } => applying && same,
        Event::StepFound { .. } => looking && !verifying,
        // A later round may find the object of an earlier one on its way, and a call due before its own first.
        Event::StepRested { why: Rest::Window, .. } => looking && !step.begun,
        Event::StepRested { .. } => (looking && !verifying) || (applying && same),
        Event::StepPolled { .. } => verifying && same,
        Event::StepWoke { .. } => match step.phase {
            Phase::Resting { .. } => next,
            Phase::Verifying { next: Some(_), .. } => same,
            _ => false,
        },
        Event::StepSucceeded { .. } => looking,
        Event::StepFailed { .. } => looking || (applying && same),
        _ => false,
    }
}

fn intend(state: &mut State, at: usize, call: NextCall, deadline: Timestamp) {
    let replaces = state.graph.node(at).operation == Some(Operation::Replace);
    let step = &mut state.steps[at];
    if call == NextCall::Update && matches!(step.phase, Phase::Verifying { .. }) {
        step.follow_ups += 1;
    }
    if replaces && call == NextCall::Create && !step.cleared {
        // The old object is gone; whatever turns up now is judged afresh.
        (step.cleared, step.ours) = (true, false);
    }
    step.last_call = Some(call);
    step.phase = Phase::Applying { call, deadline };
}

fn verify(step: &mut Step, at: Timestamp) {
    (step.ours, step.contested) = (true, false);
    step.phase = Phase::Verifying { since: at, watched_from: at, settles_from: at, polls: 0, next: None };
}

/// A doubt with a cause is a call that was not answered; one without is a holder that went away, which says nothing
/// about the service and is bounded by how often somebody takes the run up again.
fn rest(step: &mut Step, why: Rest, has_cause: bool) {
    let call = step.last_call;
    match why {
        Rest::Busy | Rest::Unreadable => step.tries += 1,
        Rest::Conflict => {
            step.tries += 1;
            // Nothing of ours could be in the way of this create, so what is there is somebody else's.
            step.contested |= call == Some(NextCall::Create) && !step.ours;
        }
        Rest::NotReady => step.waits += 1,
        Rest::Window => {}
        Rest::InDoubt => {
            let call = call.expect("doubt-after-intent: only a call can be in doubt");
            step.doubts += u32::from(has_cause);
            step.ours |= !(step.contested && call == NextCall::Create);
            step.act(call);
        }
    }
}

fn succeed(state: &mut State, at: usize, effect: Effect) {
    state.steps[at].phase = Phase::Succeeded { effect };
    state.counts.add(effect);
    state.open -= 1;
    let graph = state.graph.clone();
    for dependant in &graph.node(at).dependants {
        let step = &mut state.steps[*dependant];
        let names = || (graph.name(*dependant), graph.name(at));
        assert!(step.unmet > 0, "no-dependant-before-dependency: {:?}", names());
        step.unmet -= 1;
        if step.unmet == 0 && matches!(step.phase, Phase::Waiting) {
            step.phase = Phase::Observing;
            state.refresh(*dependant);
        }
    }
}
