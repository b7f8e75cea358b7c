//! Floor 2: how long steps take, and when a scope will be done. Pure.
//!
//! [`Durations`] knows what is usual, from a table and from earlier runs on the same target. [`scope`] and [`rest`]
//! add it up along a scope's graph as if any number of calls could be under way at once: the bound that no schedule
//! can beat.

mod durations;
mod learn;
mod path;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::id::StepId;
use crate::base::time::Millis;
use crate::model::plan::ScopePlan;

pub use durations::{Deviation, Durations, Expected, Known, Source, target_key};

/// When one scope's steps are expected to run, counted from now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// When the last step will have ended.
    pub total: Millis,
    /// The chain of steps that takes that long, from first to last.
    pub path: Vec<StepId>,
    /// Each step that has not ended yet.
    pub steps: BTreeMap<StepId, StepForecast>,
}

/// When one step is expected to run, counted from now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepForecast {
    /// How long it takes; for a running step, what is left of it.
    pub expected: Expected,
    /// When it can start.
    pub starts_after: Millis,
    /// When it will have ended.
    pub ends_after: Millis,
    /// The longest time from its start to the end of everything behind it, itself included.
    pub remaining: Millis,
}

/// When a scope's steps are expected to run, before any has started.
///
/// Steps that wait for each other in a circle are left out; a plan with a circle is refused when it is made.
pub fn scope(plan: &ScopePlan, durations: &Durations) -> Forecast {
    path::forecast(plan, durations, &BTreeSet::new(), &BTreeMap::new())
}

/// What is left of a scope: `done` has ended, `running` has been under way for so long.
///
/// A running step that has taken longer than expected is taken to need a tenth of its time more.
pub fn rest(
    plan: &ScopePlan,
    durations: &Durations,
    done: &BTreeSet<StepId>,
    running: &BTreeMap<StepId, Millis>,
) -> Forecast {
    path::forecast(plan, durations, done, running)
}
