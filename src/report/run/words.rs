//! Events in words.

use crate::model::event::{Event, Rest, RunOutcome};
use crate::model::finding::NextCall;
use crate::model::fleet_event::{Batch, FleetEvent, LaunchOutcome};
use crate::model::plan::Selection;
use crate::report::timeline::word;

/// How a launch ended, in one word.
pub(super) fn launch_outcome(outcome: LaunchOutcome) -> &'static str {
    match outcome {
        LaunchOutcome::Succeeded => "succeeded",
        LaunchOutcome::Partial => "partial",
        LaunchOutcome::Failed => "failed",
        LaunchOutcome::Aborted => "aborted",
    }
}

/// What happened to a scope or one of its steps.
pub(super) fn scope(event: &Event) -> String {
    match event {
        Event::RunStarted { .. } => "the run began".to_owned(),
        Event::RunRecovered { .. } => "a process took the run up again".to_owned(),
        Event::RunStopping {} => "asked to stop: no further call is sent".to_owned(),
        Event::RunSuspended {} => "stopped: no call is under way".to_owned(),
        Event::RunAborting {} => "called off: no further call is sent".to_owned(),
        Event::RunRetried { round, .. } => format!("round {round} began"),
        Event::RunEnded { outcome, counts } => {
            let how = match outcome {
                RunOutcome::Succeeded => "succeeded",
                RunOutcome::Failed => "failed",
                RunOutcome::Aborted => "was called off",
            };
            format!("the run {how}: {} failed, {} blocked", counts.failed, counts.blocked)
        }
        Event::StepApplying { call, attempt, deadline, .. } => {
            format!(
                "turn {attempt}: {} is about to be sent; it has its effect by {deadline} or never",
                verb(*call)
            )
        }
        Event::StepApplied { attempt, id, .. } => {
            let id = id.as_ref().map_or(String::new(), |id| format!(", id {id}"));
            format!("turn {attempt}: the call was answered{id}")
        }
        Event::StepFound { attempt, .. } => format!("turn {attempt}: its object is there and not ready"),
        Event::StepRested { attempt, until, why, cause, .. } => {
            let cause = cause.as_ref().map_or(String::new(), |cause| format!(": {cause}"));
            format!("turn {attempt}: rests until {until}, {}{cause}", rest(*why))
        }
        Event::StepPolled { seen, next, .. } => format!("looked: {seen}; next look {next}"),
        Event::StepWoke { attempt, .. } => format!("turn {attempt} began"),
        Event::StepSucceeded { attempt, effect, polls, settled_in, .. } => {
            format!("turn {attempt}: {}, after {polls} looks and {settled_in}", word(*effect))
        }
        Event::StepFailed { attempt, cause, .. } => format!("turn {attempt}: failed: {cause}"),
        Event::StepBlocked { by, .. } => format!("blocked by {by}"),
        Event::Unknown { kind, .. } => format!("{kind}: not an event of the engine"),
    }
}

fn verb(call: NextCall) -> &'static str {
    match call {
        NextCall::Create => "a create",
        NextCall::Update => "an update",
        NextCall::Delete => "a delete",
    }
}

fn rest(why: Rest) -> &'static str {
    match why {
        Rest::Busy => "the service asked to come back later",
        Rest::Conflict => "the object exists already or was just changed",
        Rest::Unreadable => "the object could not be read",
        Rest::NotReady => "the object is busy with a change that is not ours",
        Rest::InDoubt => "no answer came: the call is in doubt",
        Rest::Window => "its change window is shut",
    }
}

/// What happened to a launch.
pub(super) fn fleet(event: &FleetEvent) -> String {
    match event {
        FleetEvent::LaunchStarted { plan, selection } => {
            let covers = match selection {
                Selection::All => "the whole estate".to_owned(),
                Selection::Wave(wave) => wave.to_string(),
                Selection::Sites(sites) => format!("{} sites", sites.len()),
                Selection::Part(part) => format!("{} sites", part.sites.len()),
            };
            format!("the launch of {covers} began, plan {}", plan.short())
        }
        FleetEvent::LaunchRecovered {} => "a process took the launch up again".to_owned(),
        FleetEvent::LaunchStopping {} => "asked to stop: no further scope starts".to_owned(),
        FleetEvent::LaunchSuspended {} => "stopped: no scope is under way".to_owned(),
        FleetEvent::LaunchPaused { by, reason, .. } => format!("paused by {}: {reason}", by.id),
        FleetEvent::LaunchResumed { by, reason } => format!("goes on, says {}: {reason}", by.id),
        FleetEvent::LaunchAborting { by, reason } => format!("called off by {}: {reason}", by.id),
        FleetEvent::LaunchEnded { outcome } => format!("the launch ended: {}", launch_outcome(*outcome)),
        FleetEvent::LaunchReopened { by, reason } => format!("opened again by {}: {reason}", by.id),
        FleetEvent::ScopeStarted { scope, round } => format!("{scope} began, round {round}"),
        FleetEvent::ScopeEnded { scope, outcome } => format!("{scope} {}", outcome.word()),
        FleetEvent::ScopeWaiting { scope, why, .. } => format!("{scope} waits for {why}"),
        FleetEvent::ScopeSkipped { scope, why } => format!("{scope} is skipped: {why}"),
        FleetEvent::ScopeAborting { scope, by, reason } => {
            format!("{scope} is called off by {}: {reason}", by.id)
        }
        FleetEvent::ScopeRequeued { scope, by, reason } => {
            format!("{scope} is tried again, says {}: {reason}", by.id)
        }
        FleetEvent::WaveReached { wave } => format!("it is the turn of {wave}; its criteria are judged"),
        FleetEvent::WaveEntered { wave } => format!("{wave} may begin"),
        FleetEvent::WaveBarred { wave, open, .. } => {
            let missing: Vec<&str> = open.iter().map(|item| item.missing.as_str()).collect();
            format!("{wave} may not begin: {}", missing.join("; "))
        }
        FleetEvent::WaveDue { wave, .. } => format!("{wave} is to be looked at again"),
        FleetEvent::WaveUnchanged { wave, .. } => format!("{wave} was judged again: the same is open"),
        FleetEvent::WaveBaking { wave, batch, until, .. } => {
            let what = match batch {
                Batch::Canary => "the canary",
                Batch::Wave => "all sites",
            };
            format!("{what} of {wave} bake until {until}")
        }
        FleetEvent::WaveLooked { wave, held, broken, .. } => {
            format!("checks of {wave} were repeated: {held} held, {} did not", broken.len())
        }
        FleetEvent::WaveBaked { wave, .. } => format!("{wave} has baked"),
        FleetEvent::WaveHalted { wave, why } => format!("{wave} is halted: {why}"),
        FleetEvent::WaveReopened { wave, by, reason } => format!("{wave} goes on, says {}: {reason}", by.id),
        FleetEvent::Unknown { kind } => format!("{kind}: not an event of the engine"),
    }
}
