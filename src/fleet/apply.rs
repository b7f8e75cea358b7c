//! The fold of one launch's events. Each arm names the invariant that an impossible event breaks.

use super::state::{Paused, Phase, Standstill, State};
use super::wave::{Baking, Barred, Entry};
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;
use crate::model::fleet_event::{Batch, Defect, FleetEvent, HaltReason, ScopeOutcome};
use crate::model::wait::OpenItem;

/// Folds one event of the launch onto its state.
///
/// # Panics
///
/// If the event is impossible in this state; the message begins with the invariant's name.
pub fn apply(state: &mut State, event: &FleetEvent) {
    let reopens = matches!(event, FleetEvent::LaunchReopened { .. });
    assert!(state.ended.is_none() || reopens, "ended-exactly-once: {} after the launch ended", event.kind());
    let begins = matches!(event, FleetEvent::LaunchStarted { .. });
    assert!(state.started || begins, "started-once: {} before the launch began", event.kind());
    match event {
        FleetEvent::LaunchStarted { .. }
        | FleetEvent::LaunchRecovered {}
        | FleetEvent::LaunchStopping {}
        | FleetEvent::LaunchSuspended {}
        | FleetEvent::LaunchPaused { .. }
        | FleetEvent::LaunchResumed { .. }
        | FleetEvent::LaunchAborting { .. }
        | FleetEvent::LaunchEnded { .. }
        | FleetEvent::LaunchReopened { .. } => launch(state, event),
        FleetEvent::ScopeStarted { scope, round } => started(state, scope, *round),
        FleetEvent::ScopeEnded { scope, outcome } => ended(state, scope, *outcome),
        FleetEvent::ScopeWaiting { scope, at, why } => {
            assert_eq!(*state.phase(scope), Phase::Pending, "waiting-while-pending: {scope}");
            state.waiting.insert(scope.clone(), Standstill { since: *at, why: why.clone() });
        }
        FleetEvent::ScopeSkipped { scope, why } => {
            assert_eq!(*state.phase(scope), Phase::Pending, "skipped-before-started: {scope}");
            state.set(scope, Phase::Skipped { why: why.clone() });
        }
        FleetEvent::ScopeAborting { scope, .. } => called_off(state, scope),
        FleetEvent::ScopeRequeued { scope, .. } => requeued(state, scope),
        FleetEvent::WaveReached { wave } => {
            let wave = state.wave(wave);
            assert_eq!(wave.entry, Entry::Ahead, "reached-once: {}", wave.name);
            wave.entry = Entry::Judging(None);
        }
        FleetEvent::WaveEntered { wave } => {
            let wave = state.wave(wave);
            let reached = matches!(wave.entry, Entry::Judging(_) | Entry::Barred(_));
            assert!(reached, "reached-before-entered: {}", wave.name);
            wave.entry = Entry::Open;
        }
        FleetEvent::WaveBarred { wave, at, open } => barred(state, wave, *at, open),
        FleetEvent::WaveDue { wave, at } => due(state, wave, *at),
        FleetEvent::WaveUnchanged { wave, at } => unchanged(state, wave, *at),
        FleetEvent::WaveBaking { wave, batch, at, until } => baking(state, wave, *batch, (*at, *until)),
        FleetEvent::WaveLooked { wave, at, broken, .. } => looked(state, wave, *at, broken),
        FleetEvent::WaveBaked { wave, batch } => baked(state, wave, *batch),
        FleetEvent::WaveHalted { wave, why } => halted(state, wave, why),
        FleetEvent::WaveReopened { wave, .. } => {
            let wave = state.wave(wave);
            assert!(wave.halted.is_some(), "halted-before-reopened: {}", wave.name);
            wave.halted = None;
        }
        FleetEvent::Unknown { kind } => panic!("known-events-only: {kind} cannot be folded"),
    }
}

fn launch(state: &mut State, event: &FleetEvent) {
    match event {
        FleetEvent::LaunchStarted { .. } => {
            assert!(!state.started, "started-once: the launch began twice");
            state.started = true;
        }
        FleetEvent::LaunchRecovered {} => recovered(state),
        FleetEvent::LaunchStopping {} => {
            assert!(state.is_live() && !state.stopping, "stopped-while-live: stopping twice");
            state.stopping = true;
        }
        FleetEvent::LaunchSuspended {} => {
            assert!(state.is_live() && is_drained(state), "drained-before-suspended: scopes are running");
            state.suspended = true;
            state.attended = false;
        }
        FleetEvent::LaunchPaused { by, reason, at } => {
            assert!(state.paused.is_none() && !state.aborting, "paused-once: it is paused or called off");
            state.paused = Some(Paused { by: by.clone(), reason: reason.clone(), at: *at });
        }
        FleetEvent::LaunchResumed { .. } => resumed(state),
        FleetEvent::LaunchAborting { .. } => aborting(state),
        FleetEvent::LaunchEnded { outcome } => {
            assert!(state.is_live() && is_drained(state), "ended-when-drained: scopes are running");
            assert!(state.suspended_scopes().is_empty(), "ended-when-drained: scopes are suspended");
            state.ended = Some(*outcome);
        }
        FleetEvent::LaunchReopened { .. } => {
            assert!(state.ended.is_some() && !state.aborting, "ended-before-reopened: nothing to open");
            state.ended = None;
            (state.stopping, state.paused, state.attended) = (false, None, false);
        }
        FleetEvent::ScopeStarted { .. }
        | FleetEvent::ScopeEnded { .. }
        | FleetEvent::ScopeWaiting { .. }
        | FleetEvent::ScopeSkipped { .. }
        | FleetEvent::ScopeAborting { .. }
        | FleetEvent::ScopeRequeued { .. }
        | FleetEvent::WaveReached { .. }
        | FleetEvent::WaveEntered { .. }
        | FleetEvent::WaveBarred { .. }
        | FleetEvent::WaveDue { .. }
        | FleetEvent::WaveUnchanged { .. }
        | FleetEvent::WaveBaking { .. }
        | FleetEvent::WaveLooked { .. }
        | FleetEvent::WaveBaked { .. }
        | FleetEvent::WaveHalted { .. }
        | FleetEvent::WaveReopened { .. }
        | FleetEvent::Unknown { .. } => panic!("known-events-only: {} is not a launch's", event.kind()),
    }
}

fn is_drained(state: &State) -> bool {
    state.running().next().is_none()
}

/// Scopes that were suspended run again, unless the launch is paused; those that ran still do.
fn recovered(state: &mut State) {
    state.stopping = false;
    state.stopped.clear();
    if state.paused.is_some() {
        state.attended = state.suspended;
        return;
    }
    state.suspended = false;
    take_up(state);
}

/// A launch that is suspended goes on only where a holder has taken it up; else with the next one.
fn resumed(state: &mut State) {
    assert!(state.paused.is_some(), "paused-before-resumed: it is not paused");
    state.paused = None;
    if state.suspended && !state.attended {
        return;
    }
    (state.suspended, state.attended) = (false, false);
    if !state.stopping {
        state.stopped = state.running().cloned().collect();
        take_up(state);
    }
}

fn take_up(state: &mut State) {
    for scope in state.suspended_scopes().clone() {
        let off = state.called_off.contains(&scope);
        state.set(&scope, if off { Phase::Aborting } else { Phase::Running });
    }
}

/// Everything under way is called off, what is suspended too: it runs up so that its log ends.
fn aborting(state: &mut State) {
    assert!(!state.aborting, "aborted-once: it is called off already");
    state.aborting = true;
    (state.paused, state.suspended, state.attended) = (None, false, false);
    let under_way: Vec<ScopeId> = state.running().chain(state.suspended_scopes()).cloned().collect();
    for scope in under_way {
        state.called_off.insert(scope.clone());
        state.set(&scope, Phase::Aborting);
    }
}

fn started(state: &mut State, scope: &ScopeId, round: u32) {
    assert!(state.is_live(), "started-while-live: {scope}");
    assert!(!state.stopping, "nothing-started-after-stop: {scope}");
    assert!(state.paused.is_none(), "nothing-started-while-paused: {scope}");
    assert!(!state.aborting, "nothing-started-after-abort: {scope}");
    assert_eq!(*state.phase(scope), Phase::Pending, "started-once: {scope}");
    assert!(state.unmet_need(scope).is_none(), "needs-respected: {scope}");
    assert_eq!(round, state.round(scope) + 1, "rounds-in-order: {scope}");
    if let Some(wave) = state.chart.wave_of(scope).map(|index| &state.waves[index]) {
        assert!(wave.halted.is_none(), "halted-wave-starts-nothing: {scope}");
        assert_eq!(wave.entry, Entry::Open, "entered-before-started: {scope}");
        assert!(wave.baking.is_none(), "baked-before-started: {scope}");
    }
    state.rounds.insert(scope.clone(), round);
    state.set(scope, Phase::Running);
}

fn ended(state: &mut State, scope: &ScopeId, outcome: ScopeOutcome) {
    let runs = matches!(state.phase(scope), Phase::Running | Phase::Aborting);
    assert!(runs, "ended-while-running: {scope}");
    if outcome == ScopeOutcome::Suspended && state.stopped.remove(scope) && !state.is_stopping() {
        return;
    }
    let phase = match outcome {
        ScopeOutcome::Succeeded => Phase::Succeeded,
        ScopeOutcome::Failed => Phase::Failed,
        ScopeOutcome::Aborted => Phase::Aborted,
        ScopeOutcome::Suspended => Phase::Suspended,
    };
    state.set(scope, phase);
}

/// A suspended launch is taken up for this scope alone: nothing else starts.
fn called_off(state: &mut State, scope: &ScopeId) {
    let under_way = matches!(state.phase(scope), Phase::Running | Phase::Suspended);
    assert!(under_way && !state.called_off.contains(scope), "aborted-once: {scope}");
    state.called_off.insert(scope.clone());
    state.set(scope, Phase::Aborting);
    if state.suspended {
        state.stopping = state.paused.is_none();
        (state.suspended, state.attended) = (false, false);
    }
}

/// The site goes to the end of its wave. Where none has succeeded and none is under way, all keep their places, so that
/// the canary is the canary again.
fn requeued(state: &mut State, scope: &ScopeId) {
    let phase = state.phase(scope);
    assert!(phase.is_ended() && *phase != Phase::Succeeded, "ended-before-requeued: {scope}");
    assert!(!state.aborting, "nothing-requeued-after-abort: {scope}");
    if let Some(index) = state.chart.wave_of(scope) {
        let wave = &mut state.waves[index];
        if wave.count.succeeded + wave.count.busy > 0 {
            let at = wave.sites.iter().position(|site| site == scope);
            let site = wave.sites.remove(at.expect("scope-of-the-plan: a wave holds its sites"));
            wave.sites.push(site);
        }
        wave.baked = false;
        wave.baking.take_if(|baking| baking.batch == Batch::Wave);
    }
    state.set(scope, Phase::Pending);
}

fn barred(state: &mut State, wave: &WaveName, at: Timestamp, open: &[OpenItem]) {
    let wave = state.wave(wave);
    let reached = matches!(wave.entry, Entry::Judging(_) | Entry::Barred(_));
    assert!(reached, "reached-before-barred: {}", wave.name);
    wave.entry = Entry::Barred(Barred { since: at, open: open.to_vec(), judged: at });
}

/// What is due is owed from here on: a look at what bakes, or at what must hold.
fn due(state: &mut State, wave: &WaveName, at: Timestamp) {
    let wave = state.wave(wave);
    match (&mut wave.baking, &wave.entry) {
        (Some(baking), _) => baking.asked = Some(at),
        (None, Entry::Barred(barred)) => wave.entry = Entry::Judging(Some(barred.clone())),
        (None, Entry::Judging(_)) => {}
        (None, Entry::Open | Entry::Ahead) => panic!("due-while-waiting: {}", wave.name),
    }
}

fn unchanged(state: &mut State, wave: &WaveName, at: Timestamp) {
    let wave = state.wave(wave);
    let known = match &wave.entry {
        Entry::Judging(Some(barred)) | Entry::Barred(barred) => Some(barred.clone()),
        Entry::Judging(None) | Entry::Open | Entry::Ahead => None,
    };
    let barred = known.unwrap_or_else(|| panic!("barred-before-unchanged: {}", wave.name));
    wave.entry = Entry::Barred(Barred { judged: at, ..barred });
}

fn baking(state: &mut State, name: &WaveName, batch: Batch, (at, until): (Timestamp, Timestamp)) {
    let every = state.index(name).and_then(|index| state.chart.waves[index].bake).map(|bake| bake.every);
    let every = every.unwrap_or_else(|| panic!("baking-as-planned: {name} has no bake time"));
    let wave = state.wave(name);
    assert!(wave.baking.is_none() && wave.halted.is_none(), "baking-once: {name}");
    wave.baking = Some(Baking::new(batch, at, until, every));
}

fn looked(state: &mut State, wave: &WaveName, at: Timestamp, broken: &[Defect]) {
    let wave = state.wave(wave);
    let baking = wave.baking.as_mut();
    let baking = baking.unwrap_or_else(|| panic!("baking-before-looked: {}", wave.name));
    (baking.looked, baking.broken, baking.asked) = (Some(at), !broken.is_empty(), None);
}

fn baked(state: &mut State, wave: &WaveName, batch: Batch) {
    let wave = state.wave(wave);
    let whole = wave.baking.take().is_some_and(|baking| baking.batch == batch && !baking.broken);
    assert!(whole, "held-before-baked: {}", wave.name);
    match batch {
        Batch::Canary => wave.canary_baked = true,
        Batch::Wave => wave.baked = true,
    }
}

fn halted(state: &mut State, wave: &WaveName, why: &HaltReason) {
    let wave = state.wave(wave);
    assert!(wave.halted.is_none(), "halted-once: {}", wave.name);
    wave.halted = Some(why.clone());
    wave.baking = None;
}
