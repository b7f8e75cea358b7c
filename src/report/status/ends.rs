//! When scopes and waves are expected to be over: what is left of each, laid into its wave's places one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::Seen;
use crate::base::id::{ScopeId, StepId, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::engine;
use crate::fleet;
use crate::forecast;
use crate::model::plan::WavePlan;

/// Expected ends.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) scopes: BTreeMap<ScopeId, Timestamp>,
    pub(super) waves: BTreeMap<WaveName, Timestamp>,
}

/// Expected ends of what has not ended, if nothing fails and nobody has to be waited for. A wave that waits for people
/// has none, nor has what comes behind it.
pub(super) fn ends(seen: &Seen, at: Timestamp) -> Ends {
    let mut ends = Ends::default();
    let mut clear = at;
    let shared = |is_account: bool| {
        let of =
            move |scope: &&ScopeId| scope.site().is_none() && (**scope == ScopeId::Account) == is_account;
        seen.plan.scopes.keys().filter(of)
    };
    for stage in [true, false] {
        let begin = clear;
        for scope in shared(stage) {
            clear = clear.max(one(seen, scope, begin, &mut ends));
        }
    }
    for (wave, planned) in seen.fleet.waves().iter().zip(&seen.plan.fleet.waves) {
        let waits_for_people = matches!(wave.entry, fleet::Entry::Barred(_) | fleet::Entry::Judging(Some(_)));
        if wave.halted.is_some() || waits_for_people {
            break;
        }
        clear = whole_wave(seen, wave, planned, clear, at, &mut ends);
        ends.waves.insert(wave.name.clone(), clear);
    }
    ends
}

fn whole_wave(
    seen: &Seen,
    wave: &fleet::Wave,
    planned: &WavePlan,
    from: Timestamp,
    at: Timestamp,
    ends: &mut Ends,
) -> Timestamp {
    let bake = planned.bake.map_or(Millis(0), |bake| bake.length);
    let until = wave.baking.as_ref().map(|baking| baking.until.max(at));
    let untouched = wave.sites.iter().all(|site| *phase(seen, site) == fleet::Phase::Pending);
    let mut clear = from;
    let mut sites = wave.sites.iter().filter(|site| !phase(seen, site).is_ended());
    if untouched && let Some(canary) = sites.next() {
        clear = one(seen, canary, from, ends) + bake;
    } else if let Some(until) = until {
        clear = clear.max(until);
    }
    // What runs holds its place; the others take the one that is free first.
    let mut places: Vec<Timestamp> = vec![clear; planned.max_parallel.max(1) as usize];
    let mut rest: Vec<&ScopeId> = sites.collect();
    rest.sort_by_key(|site| *phase(seen, site) == fleet::Phase::Pending);
    let had_rest = !rest.is_empty();
    for site in rest {
        places.sort_unstable();
        places[0] = one(seen, site, places[0], ends);
    }
    let last = places.into_iter().max().unwrap_or(clear);
    if had_rest || untouched { last + bake } else { last }
}

fn phase<'s>(seen: &'s Seen, scope: &ScopeId) -> &'s fleet::Phase {
    seen.fleet.scopes().get(scope).unwrap_or(&fleet::Phase::Pending)
}

/// The end of one scope that goes on, or begins, at `from`.
fn one(seen: &Seen, scope: &ScopeId, from: Timestamp, ends: &mut Ends) -> Timestamp {
    if phase(seen, scope).is_ended() {
        return from;
    }
    let plan = seen.plan.scope(scope);
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    let mut running: BTreeMap<StepId, Millis> = BTreeMap::new();
    if let Some(run) = seen.scopes.get(scope) {
        done =
            run.state.steps().iter().filter(|(_, step)| step.is_ended()).map(|(id, _)| id.clone()).collect();
        let sent = run.sent.iter().filter(|(id, _)| !done.contains(*id));
        running = sent.map(|(id, since)| (id.clone(), from.since(*since))).collect();
        let since = |step: &engine::Step| match &step.phase {
            engine::Phase::Verifying { since, .. } => Some(*since),
            engine::Phase::Waiting
            | engine::Phase::Observing
            | engine::Phase::Applying { .. }
            | engine::Phase::Resting { .. }
            | engine::Phase::Succeeded { .. }
            | engine::Phase::Failed { .. }
            | engine::Phase::Blocked { .. } => None,
        };
        let verified =
            run.state.steps().iter().filter_map(|(id, step)| Some((id.clone(), from.since(since(step)?))));
        running.extend(verified);
    }
    let left = forecast::rest(plan, &seen.durations, &done, &running).total;
    let begins = match (phase(seen, scope), plan.mutates(), &plan.calendar) {
        (fleet::Phase::Pending, true, Some(calendar)) => {
            calendar.next_legal_start(from, plan.expected).unwrap_or(from)
        }
        _ => from,
    };
    let end = begins + left;
    ends.scopes.insert(scope.clone(), end);
    end
}
