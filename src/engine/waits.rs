//! What the steps of a run wait for, from the state alone: enough to follow a step to its dependency, and the dependency
//! to the window or the service that holds it.

use super::state::State;
use super::step::{Phase, Step};
use crate::base::id::StepId;
use crate::base::time::Timestamp;
use crate::model::event::Rest;

/// A step that does not go on by itself right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepWait {
    /// The step.
    pub step: StepId,
    /// What it waits for.
    pub on: WaitsOn,
    /// Since when. A rest whose begin the log does not tell counts from the begin of the round.
    pub since: Timestamp,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsOn {
    /// Another step of the scope has to succeed first.
    Step(StepId),
    /// The scope's calendar opens then.
    Window {
        /// The next legal start.
        until: Timestamp,
    },
    /// The service, or the object's own state, is given time.
    Service {
        /// The next look.
        until: Timestamp,
        /// Why.
        why: Rest,
    },
    /// What was applied is not there yet as desired.
    Goal {
        /// The next look, unless one is under way.
        until: Option<Timestamp>,
    },
}

/// What every waiting step waits for, by step; a step that waits for several others has a row for each. Steps that are
/// being looked at, or called upon, do not wait. A run that was not begun, or that has ended, waits for nothing.
pub fn waits(state: &State) -> Vec<StepWait> {
    let Some(began) = state.began.filter(|_| state.ended.is_none()) else { return Vec::new() };
    let rows = |(at, step): (usize, &Step)| {
        let id = state.graph.name(at);
        let row = |on, since| StepWait { step: id.clone(), on, since };
        match &step.phase {
            Phase::Waiting => {
                let unmet = |need: &&usize| !matches!(state.steps[**need].phase, Phase::Succeeded { .. });
                let needs = state.graph.node(at).needs.iter().filter(unmet);
                needs.map(|need| row(WaitsOn::Step(state.graph.name(*need).clone()), began)).collect()
            }
            Phase::Resting { until, why, since } => {
                let on = match why {
                    Rest::Window => WaitsOn::Window { until: *until },
                    Rest::Busy | Rest::Conflict | Rest::Unreadable | Rest::NotReady | Rest::InDoubt => {
                        WaitsOn::Service { until: *until, why: *why }
                    }
                };
                vec![row(on, since.unwrap_or(began))]
            }
            Phase::Verifying { since, next, .. } => vec![row(WaitsOn::Goal { until: *next }, *since)],
            Phase::Observing
            | Phase::Applying { .. }
            | Phase::Succeeded { .. }
            | Phase::Failed { .. }
            | Phase::Blocked { .. } => Vec::new(),
        }
    };
    state.steps.iter().enumerate().flat_map(rows).collect()
}
