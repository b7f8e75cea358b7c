//! What a plan says across its sites: patterns, and room under the limits of the services.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{ScopeId, SiteCode, StepId};
use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::kind::Registry;
use crate::model::estate::Estate;
use crate::model::holdings::Holdings;
use crate::model::outline::Outline;
use crate::model::plan::overview::Room;
use crate::model::plan::{Overview, Plan, SavedPlan, ScopePlan};
use crate::model::rendered::Rendered;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::observe::World;
use crate::ops::shares;
use crate::pattern::{Origins, patterns};
use crate::quota::{Ground, rooms};
use crate::render::Tracer;
use crate::report::brief::Outlook;
use crate::report::room_view::blocked_words;

/// Looks over a plan that was just made.
pub fn of(desired: &Desired, plan: &Plan, holdings: &BTreeMap<ScopeId, Holdings>, world: &World) -> Overview {
    let outlines = outlines(desired, plan);
    let applied: BTreeMap<ScopeId, BTreeMap<StepId, Value>> = holdings
        .iter()
        .map(|(scope, held)| (scope.clone(), held.iter().map(|(id, held)| (id.clone(), held.spec)).collect()))
        .collect();
    let origins = Origins {
        outlines: &outlines,
        applied: &applied,
        resolved: &desired.resolved,
        sources: &desired.loaded.sources,
    };
    Overview {
        patterns: patterns(plan, origins),
        room: room(desired, plan, world),
        rest_on: rest_on(desired, plan),
    }
}

/// Outlines of the sites at which something changes: patterns are about what changes.
fn outlines(desired: &Desired, plan: &Plan) -> BTreeMap<ScopeId, Outline> {
    let changes = |scope: &ScopeId| plan.scopes.get(scope).is_some_and(ScopePlan::mutates);
    let sites = desired.rendered.iter().filter(|(scope, _)| scope.site().is_some() && changes(scope));
    let sites: Vec<(&ScopeId, &Rendered)> = sites.collect();
    let tracer = Tracer::new(&desired.loaded, &desired.shelf);
    let outlines = shares::each(&sites, |(scope, rendered)| {
        Some(((*scope).clone(), tracer.outline(desired.resolved.scopes.get(scope)?, rendered)))
    });
    outlines.into_iter().flatten().collect()
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
