//! What a plan says across its sites: patterns, and room under the limits of the services.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{ScopeId, SiteCode, StepId};
use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::kind::Registry;
use crate::model::estate::Estate;
use crate::model::holdings::Holdings;
use crate::model::plan::overview::{Pattern, Room};
use crate::model::plan::{Overview, Plan, SavedPlan, ScopePlan};
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::observe::World;
use crate::ops::shares;
use crate::pattern::{self, Origins};
use crate::quota::{Ground, rooms};
use crate::render::Tracer;
use crate::report::brief::Outlook;
use crate::report::room_view::blocked_words;

/// Looks over a plan that was just made.
pub fn of(desired: &Desired, plan: &Plan, holdings: &BTreeMap<ScopeId, Holdings>, world: &World) -> Overview {
    let applied = |scope: &ScopeId, step: &StepId| Some(holdings.get(scope)?.get(step)?.spec);
    Overview {
        patterns: patterns_of(desired, plan, &applied),
        room: room(desired, plan, world),
        rest_on: rest_on(desired, plan),
    }
}

/// Which sites get the same. `applied` tells what an object was last set to by us.
pub(super) fn patterns_of(
    desired: &Desired,
    plan: &Plan,
    applied: &(dyn Fn(&ScopeId, &StepId) -> Option<Value> + Sync),
) -> Vec<Pattern> {
    let tracer = Tracer::new(&desired.loaded, &desired.shelf);
    // Patterns are about what changes: of a site at which nothing does, no outline is made.
    let outline = |scope: &ScopeId| {
        plan.scopes.get(scope).filter(|steps| steps.mutates())?;
        Some(tracer.outline(desired.resolved.scopes.get(scope)?, desired.rendered.get(scope)?))
    };
    let origins =
        Origins { outline: &outline, applied, resolved: &desired.resolved, sources: &desired.loaded.sources };
    let sites: Vec<(&ScopeId, &ScopePlan)> =
        plan.scopes.iter().filter(|(scope, _)| scope.site().is_some()).collect();
    let digests = shares::each(&sites, |(scope, steps)| pattern::digest(scope, steps, origins));
    let digests = sites.iter().zip(digests).map(|((scope, _), digest)| ((*scope).clone(), digest)).collect();
    pattern::patterns(plan, &digests, origins)
}

/// What is known beside a plan when it is shown; without its estate, nothing.
pub fn outlook(saved: &SavedPlan, estate: Option<&Estate>) -> Outlook {
    Outlook { valid_until: estate.map(|estate| valid_until(saved, estate)), ..Outlook::default() }
}

fn valid_until(saved: &SavedPlan, estate: &Estate) -> Timestamp {
    saved.made_at + Millis(u64::from(estate.plan_valid_days) * DAY.0)
}

/// The sites of the estate that rest on each shared scope of a plan.
pub(super) fn rest_on(desired: &Desired, plan: &Plan) -> BTreeMap<ScopeId, BTreeSet<SiteCode>> {
    let mut all: BTreeMap<ScopeId, BTreeSet<SiteCode>> = BTreeMap::new();
    for code in desired.rendered.keys().filter_map(ScopeId::site) {
        for shared in desired.needs_of(&ScopeId::Site(code.clone())) {
            if plan.scopes.contains_key(&shared) {
                all.entry(shared).or_default().insert(code.clone());
            }
        }
    }
    all
}

fn room(desired: &Desired, plan: &Plan, world: &World) -> Vec<Room> {
    let kinds = Registry::standard().kinds().map(|kind| (kind.name.clone(), kind)).collect();
    let region =
        |scope: &ScopeId| Some((scope.clone(), desired.loaded.site(scope.site()?)?.region.value.clone()));
    let regions = plan.scopes.keys().filter_map(region).collect();
    let estate = &desired.loaded.estate;
    let ceilings = estate.quotas.iter().map(|(name, most)| (name.clone(), most.value)).collect();
    rooms(
        plan,
        Ground { kinds: &kinds, ceilings: &ceilings, inventories: &world.inventories, regions: &regions },
    )
}

/// Refuses a plan with a scope that does not fit under a limit of a service: it would fail half-way.
///
/// # Errors
///
/// `Refused` with the first scope in launch order and the limit.
pub fn refuse_overfull(plan: &Plan) -> Result<(), Failure> {
    let Some((room, blocked)) = plan.overview.first_blocked() else { return Ok(()) };
    let reason = format!(
        "{} does not fit: {}. Nothing was changed. Take sites out of the plan, remove what is no longer used, or, if the \
         limit was raised for you, set {} under [quotas] in sites/estate.toml",
        blocked.scope,
        blocked_words(room, blocked),
        room.quota,
    );
    Err(Failure::Refused { reason })
}

/// That a plan has waited too long, if it has: what was looked at when it was made is no longer what people decide about.
pub fn expired(context: &Context, saved: &SavedPlan, estate: &Estate) -> Option<Failure> {
    let until = valid_until(saved, estate);
    let late = context.clock.now() > until;
    late.then_some(Failure::Expired { made_at: saved.made_at, until, days: estate.plan_valid_days })
}
