//! What a plan says about time: when its scopes may be changed, how long that takes, and what its waves begin with.

use std::collections::BTreeMap;

use crate::base::id::ScopeId;
use crate::base::time::Millis;
use crate::forecast::{self, Durations};
use crate::model::criterion::Criterion;
use crate::model::estate::{CalendarUse, Estate, Wave, calendar_of};
use crate::model::plan::{Plan, ScopePlan};
use crate::ops::desired::Desired;
use crate::ops::target::Reached;

/// Gives every scope its calendar, if the target observes calendars, and says how long its steps are expected to take.
pub(in crate::ops) fn fill(
    desired: &Desired,
    reached: &Reached,
    durations: &Durations,
    plans: &mut BTreeMap<ScopeId, ScopePlan>,
) {
    let observes = reached.calendar == CalendarUse::Observe;
    for (scope, plan) in plans {
        for step in plan.steps.values_mut() {
            step.limits.expected = durations.of_step(step).millis;
        }
        plan.expected = if plan.mutates() { forecast::scope(plan, durations).total } else { Millis(0) };
        plan.calendar = observes.then(|| calendar_of(&desired.loaded, scope));
    }
}

/// What must hold before a wave begins: what leaving all earlier stages takes, and what entering its own does.
pub(super) fn criteria(estate: &Estate, wave: &Wave) -> Vec<Criterion> {
    let named = |stage: &&crate::model::estate::Stage| {
        wave.stage.as_ref().is_some_and(|name| name.value == stage.name.value)
    };
    let Some(own) = estate.stages.iter().find(named) else { return Vec::new() };
    let earlier = estate.stages.iter().take_while(|stage| stage.name.value != own.name.value);
    earlier.flat_map(|stage| &stage.exit).chain(&own.entry).cloned().collect()
}

/// Scopes whose changes are expected to take longer than the longest window they ever have: they could never begin.
pub fn too_long(plan: &Plan) -> Vec<String> {
    let told = |(scope, of): (&ScopeId, &ScopePlan)| {
        let longest = of.calendar.as_ref()?.longest()?;
        (of.expected > longest)
            .then(|| format!("{scope} needs {}, and its longest change window has {longest}", of.expected))
    };
    plan.scopes.iter().filter_map(told).collect()
}
