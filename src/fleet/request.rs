//! What people ask of a launch: pause, resume, abort, and to take a scope out.

use super::decide::{First, one};
use super::refusal::Refusal;
use super::state::{Phase, State};
use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::model::entry::Actor;
use crate::model::fleet_event::{FleetEvent, SkipReason};

pub(super) fn pause(state: &State, at: Timestamp, by: Actor, reason: String) -> First {
    if state.ended.is_some() {
        First::Refused(Refusal::Ended)
    } else if state.aborting || state.paused.is_some() {
        First::Stale
    } else {
        one(FleetEvent::LaunchPaused { by, reason, at })
    }
}

pub(super) fn resume(state: &State, by: Actor, reason: String) -> First {
    if state.ended.is_some() {
        First::Refused(Refusal::Ended)
    } else if state.paused.is_none() {
        First::Stale
    } else {
        one(FleetEvent::LaunchResumed { by, reason })
    }
}

pub(super) fn abort(state: &State, by: Actor, reason: String) -> First {
    if state.ended.is_some() {
        First::Refused(Refusal::Ended)
    } else if state.aborting {
        First::Stale
    } else {
        one(FleetEvent::LaunchAborting { by, reason })
    }
}

/// One that has not started is skipped; one that is under way is called off.
pub(super) fn skip(state: &State, scope: ScopeId, why: SkipReason, by: Actor) -> First {
    let Some(phase) = state.scopes().get(&scope) else {
        return First::Refused(Refusal::UnknownScope(scope));
    };
    if state.ended.is_some() {
        return First::Refused(Refusal::Ended);
    }
    if state.aborting {
        return First::Refused(Refusal::CalledOff);
    }
    if scope.site().is_none() {
        return First::Refused(Refusal::Shared(scope));
    }
    match phase {
        Phase::Pending => one(FleetEvent::ScopeSkipped { scope, why }),
        Phase::Running | Phase::Suspended if state.called_off.contains(&scope) => First::Stale,
        Phase::Running | Phase::Suspended => one(FleetEvent::ScopeAborting { scope, by, reason: words(why) }),
        Phase::Aborting => First::Stale,
        Phase::Succeeded | Phase::Failed | Phase::Aborted | Phase::Skipped { .. } => {
            let phase = phase.word();
            First::Refused(Refusal::HasEnded { scope, phase })
        }
    }
}

fn words(why: SkipReason) -> String {
    match why {
        SkipReason::Person { reason, .. } | SkipReason::OutOfScope(reason) => reason,
        SkipReason::Need(_) => why.to_string(),
    }
}
