//! Trying scopes again that did not end well.

use std::collections::BTreeSet;

use super::decide::First;
use super::refusal::Refusal;
use super::state::{Phase, State};
use super::wave::Wave;
use crate::base::id::ScopeId;
use crate::model::entry::Actor;
use crate::model::fleet_event::{FleetEvent, HaltReason, SkipReason};

/// Requeues these scopes, or all that may run again if none is named, and those that were skipped only because they need
/// one of them. Waves that are halted because of them are opened again, and so is the launch.
pub(super) fn retry(state: &State, named: &BTreeSet<ScopeId>, by: &Actor, reason: &str) -> First {
    if state.aborting {
        return First::Refused(Refusal::CalledOff);
    }
    let chosen = match chosen(state, named) {
        Ok(chosen) => chosen,
        Err(refusal) => return First::Refused(refusal),
    };
    let reopened = |wave: &&Wave| reopens(wave, named, &chosen);
    let waves: Vec<&Wave> = state.waves.iter().filter(reopened).collect();
    if chosen.is_empty() && waves.is_empty() {
        return First::Refused(Refusal::NothingToRetry);
    }
    let (by, reason) = (by.clone(), reason.to_owned());
    let mut events = Vec::new();
    if state.ended.is_some() {
        events.push(FleetEvent::LaunchReopened { by: by.clone(), reason: reason.clone() });
    }
    events.extend(in_order(state, &chosen).into_iter().map(|scope| FleetEvent::ScopeRequeued {
        scope,
        by: by.clone(),
        reason: reason.clone(),
    }));
    events.extend(waves.into_iter().map(|wave| FleetEvent::WaveReopened {
        wave: wave.name.clone(),
        by: by.clone(),
        reason: reason.clone(),
    }));
    First::Retried(events)
}

/// A retry after which a wave is halted at once would change nothing but the log.
pub(super) fn halted_again(events: &[FleetEvent]) -> Option<Refusal> {
    events.iter().find_map(|event| {
        let FleetEvent::WaveHalted { wave, why } = event else { return None };
        Some(Refusal::StillHalted { wave: wave.clone(), why: why.clone() })
    })
}

fn chosen(state: &State, named: &BTreeSet<ScopeId>) -> Result<BTreeSet<ScopeId>, Refusal> {
    let mut chosen = BTreeSet::new();
    if named.is_empty() {
        let lost = state.scopes().iter().filter(|(_, phase)| is_retried_with_all(phase));
        chosen.extend(lost.map(|(scope, _)| scope.clone()));
        return Ok(chosen);
    }
    for scope in named {
        let phase = state.scopes().get(scope).ok_or_else(|| Refusal::UnknownScope(scope.clone()))?;
        match phase {
            Phase::Failed | Phase::Aborted | Phase::Skipped { .. } => {
                chosen.insert(scope.clone());
            }
            Phase::Succeeded if is_done_in_halted_bake(state, scope) => {}
            Phase::Pending | Phase::Running | Phase::Aborting | Phase::Suspended | Phase::Succeeded => {
                return Err(Refusal::NotRetryable { scope: scope.clone(), phase: phase.word() });
            }
        }
    }
    add_dependants(state, &mut chosen);
    for scope in &chosen {
        let mut needs = state.chart.place(scope).needs.iter();
        if let Some(need) = needs.find(|need| is_lost(state, need) && !chosen.contains(*need)) {
            return Err(Refusal::NeedFirst { scope: scope.clone(), need: need.clone() });
        }
    }
    Ok(chosen)
}

/// Those that were skipped only because of what is tried again. Scopes sort as the stages do, so one pass suffices.
fn add_dependants(state: &State, chosen: &mut BTreeSet<ScopeId>) {
    for (scope, phase) in state.scopes() {
        if !matches!(phase, Phase::Skipped { why: SkipReason::Need(_) }) {
            continue;
        }
        let needs = &state.chart.place(scope).needs;
        let freed = needs.iter().any(|need| chosen.contains(need));
        if freed && needs.iter().all(|need| chosen.contains(need) || !is_lost(state, need)) {
            chosen.insert(scope.clone());
        }
    }
}

fn is_lost(state: &State, scope: &ScopeId) -> bool {
    match state.phase(scope) {
        Phase::Failed | Phase::Aborted | Phase::Skipped { .. } => true,
        Phase::Pending | Phase::Running | Phase::Aborting | Phase::Suspended | Phase::Succeeded => false,
    }
}

/// What a person took out stays out unless it is named.
fn is_retried_with_all(phase: &Phase) -> bool {
    match phase {
        Phase::Failed | Phase::Aborted => true,
        Phase::Skipped { why: SkipReason::Need(_) | SkipReason::OutOfScope(_) } => true,
        Phase::Skipped { why: SkipReason::Person { .. } } => false,
        Phase::Pending | Phase::Running | Phase::Aborting | Phase::Suspended | Phase::Succeeded => false,
    }
}

fn is_done_in_halted_bake(state: &State, scope: &ScopeId) -> bool {
    let wave = state.chart.wave_of(scope).map(|index| &state.waves[index]);
    wave.is_some_and(|wave| matches!(wave.halted, Some(HaltReason::Bake { .. })))
}

fn reopens(wave: &Wave, named: &BTreeSet<ScopeId>, chosen: &BTreeSet<ScopeId>) -> bool {
    let holds = |set: &BTreeSet<ScopeId>| wave.sites.iter().any(|site| set.contains(site));
    match &wave.halted {
        None => false,
        Some(_) if named.is_empty() => true,
        Some(HaltReason::LaunchBudget { .. }) => !chosen.is_empty(),
        Some(HaltReason::Bake { .. }) => holds(named) || holds(chosen),
        Some(HaltReason::Canary { .. } | HaltReason::Budget { .. }) => holds(chosen),
    }
}

/// In the order in which they stand: shared ones first, then wave by wave.
fn in_order(state: &State, chosen: &BTreeSet<ScopeId>) -> Vec<ScopeId> {
    let shared = chosen.iter().filter(|scope| scope.site().is_none());
    let sites = state.waves.iter().flat_map(|wave| &wave.sites).filter(|site| chosen.contains(*site));
    shared.chain(sites).cloned().collect()
}
