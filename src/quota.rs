//! Floor 2: whether what a plan makes fits under the published limits of the services, told before anything runs: the
//! room that is left, and the first site in launch order that does not fit.
//!
//! Counted is what lists showed, ours or not. Where no list was read, only what the plan itself knows of is counted,
//! and the room says so.

mod owner;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{KindName, ScopeId, StepId};
use crate::base::limits::ROOMS_PER_QUOTA_MAX;
use crate::model::kind::{Kind, Owner, Quota};
use crate::model::plan::overview::{Blocked, Counted, Room};
use crate::model::plan::{Operation, Plan, Reconcile};

/// The objects that one list call showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// Their kind.
    pub kind: KindName,
    /// The workspace through which they were listed, as the step of a scope; none for the account's.
    pub through: Option<(ScopeId, StepId)>,
    /// The objects as they came.
    pub items: Vec<Value>,
}

/// What is counted against what.
#[derive(Clone, Copy)]
pub struct Ground<'g> {
    /// The tables of kinds.
    pub kinds: &'g BTreeMap<KindName, &'g Kind>,
    /// Ceilings that the customer negotiated, by the limit's name.
    pub ceilings: &'g BTreeMap<String, u64>,
    /// What lists showed.
    pub inventories: &'g [Inventory],
    /// The region of each site.
    pub regions: &'g BTreeMap<ScopeId, String>,
}

/// What is known about one limit in one place.
#[derive(Debug)]
struct Tally<'g> {
    kind: &'g KindName,
    quota: &'g Quota,
    /// What lists showed, by natural key, so that what two workspaces see counts once.
    listed: BTreeSet<String>,
    counted: Counted,
    /// What is there by the plan's own observations.
    own: u64,
    /// How many more each scope makes than it takes away, by its place in launch order.
    planned: BTreeMap<usize, i64>,
}

/// The room that a plan leaves: for each limit the places that come closest to it.
pub fn rooms(plan: &Plan, ground: Ground<'_>) -> Vec<Room> {
    let order = launch_order(plan);
    let mut tallies: BTreeMap<(&str, String), Tally<'_>> = BTreeMap::new();
    for (turn, scope) in order.iter().enumerate() {
        for (step, reconcile) in reconciles(plan, scope) {
            let Some(kind) = ground.kinds.get(&reconcile.kind) else { continue };
            for quota in kind.quotas.iter().filter(|quota| owner::counts(quota, &reconcile.spec)) {
                let place = owner::of_step(quota, scope, step, reconcile, ground.regions);
                let tally = tallies.entry((&quota.name, place)).or_insert_with(|| Tally::new(kind, quota));
                tally.plan(turn, reconcile);
            }
        }
    }
    for inventory in ground.inventories {
        let Some(kind) = ground.kinds.get(&inventory.kind) else { continue };
        for quota in kind.quotas.iter().filter(|quota| quota.items.is_none()) {
            let of_quota = tallies.range_mut((quota.name.as_str(), String::new())..);
            for ((_, place), tally) in of_quota.take_while(|((name, _), _)| *name == quota.name) {
                tally.list(place, inventory, kind, ground.regions);
            }
        }
    }
    let rooms = tallies.into_iter().map(|((_, place), tally)| tally.room(place, &order, ground.ceilings));
    closest(rooms.collect())
}

/// Account and regions come before all sites.
fn launch_order(plan: &Plan) -> Vec<ScopeId> {
    let shared = plan.scopes.keys().filter(|scope| scope.site().is_none()).cloned();
    let sites = plan.fleet.waves.iter().flat_map(|wave| &wave.sites).cloned().map(ScopeId::Site);
    shared.chain(sites).collect()
}

fn reconciles<'p>(
    plan: &'p Plan,
    scope: &ScopeId,
) -> impl Iterator<Item = (&'p StepId, &'p Reconcile)> + use<'p> {
    use crate::model::plan::Work;
    let steps = plan.scopes.get(scope).into_iter().flat_map(|scope| &scope.steps);
    steps.filter_map(|(id, step)| match &step.work {
        Work::Reconcile(reconcile) => Some((id, reconcile)),
        Work::Check { .. } => None,
    })
}

impl<'g> Tally<'g> {
    fn new(kind: &'g Kind, quota: &'g Quota) -> Self {
        // A limit on an object itself is known from its spec alone.
        let counted = if quota.items.is_some() { Counted::All } else { Counted::OwnOnly };
        Self { kind: &kind.name, quota, listed: BTreeSet::new(), counted, own: 0, planned: BTreeMap::new() }
    }

    fn plan(&mut self, turn: usize, reconcile: &Reconcile) {
        let weight = owner::weight(self.quota, &reconcile.spec);
        let more = match (reconcile.operation, self.quota.items.is_some()) {
            (Operation::None, true) | (Operation::None | Operation::Update | Operation::Replace, false) => {
                self.own += weight;
                0
            }
            // What is set anew is counted as a whole: the list replaces what was there.
            (Operation::Create, _) | (Operation::Update | Operation::Replace, true) => {
                i64::try_from(weight).unwrap_or(i64::MAX)
            }
            (Operation::Delete, true) => 0,
            (Operation::Delete, false) => {
                self.own += weight;
                -i64::try_from(weight).unwrap_or(i64::MAX)
            }
        };
        *self.planned.entry(turn).or_default() += more;
    }

    fn list(&mut self, place: &str, inventory: &Inventory, kind: &Kind, regions: &BTreeMap<ScopeId, String>) {
        let (mut is_here, quota) = (false, self.quota);
        for item in inventory.items.iter().filter(|item| owner::counts(quota, item)) {
            if owner::of_item(quota, inventory, item, regions).as_deref() == Some(place) {
                is_here = true;
                self.listed.insert(owner::key(kind, item));
            }
        }
        let sees_all = inventory.through.is_none();
        let about = is_here || owner::covers(quota, inventory, place, regions);
        if about {
            self.counted = if sees_all { Counted::All } else { Counted::AtLeast };
        }
    }

    fn room(self, owner: String, order: &[ScopeId], ceilings: &BTreeMap<String, u64>) -> Room {
        let max = ceilings.get(&self.quota.name).copied().unwrap_or(self.quota.max);
        let live = match self.counted {
            Counted::All if self.quota.items.is_none() => self.listed.len() as u64,
            Counted::All | Counted::OwnOnly => self.own,
            Counted::AtLeast => self.own.max(self.listed.len() as u64),
        };
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (mut there, mut blocks, mut site_needs) = (signed(live), None, 0);
        let first_site = order.iter().position(|scope| scope.site().is_some()).unwrap_or(order.len());
        for (turn, more) in &self.planned {
            let needs = u64::try_from(*more).unwrap_or(0);
            if *turn >= first_site {
                site_needs = site_needs.max(needs);
            }
            let left = signed(max) - there;
            if blocks.is_none() && needs > 0 && *more > left {
                let turn_of_site = (*turn + 1).saturating_sub(first_site);
                blocks = Some(Blocked { scope: order[*turn].clone(), turn: turn_of_site, needs, left });
            }
            there = there.saturating_add(*more);
        }
        Room {
            quota: self.quota.name.clone(),
            kind: self.kind.clone(),
            owner,
            max,
            live,
            counted: self.counted,
            planned: there - signed(live),
            left: signed(max) - there,
            site_needs,
            is_of_one_site: is_of_one_site(self.quota),
            blocks,
        }
    }
}

/// Whether no other site's objects are counted in the same place.
fn is_of_one_site(quota: &Quota) -> bool {
    match quota.per {
        Owner::Account | Owner::Region => false,
        Owner::Metastore => !quota.by.is_empty(),
        Owner::Workspace | Owner::Object => true,
    }
}

/// Of each limit the places with the least room, those that do not fit before all others.
fn closest(rooms: Vec<Room>) -> Vec<Room> {
    let mut by_quota: BTreeMap<String, Vec<Room>> = BTreeMap::new();
    for room in rooms {
        by_quota.entry(room.quota.clone()).or_default().push(room);
    }
    let mut kept = Vec::new();
    for mut rooms in by_quota.into_values() {
        rooms.sort_by_key(|room| {
            (room.blocks.as_ref().map_or(usize::MAX, |b| b.turn), room.left, room.owner.clone())
        });
        let most = if rooms.iter().all(|room| room.is_of_one_site && room.blocks.is_none()) {
            1
        } else {
            ROOMS_PER_QUOTA_MAX
        };
        rooms.truncate(most);
        kept.extend(rooms);
    }
    kept
}

/// Names of all limits, for a word that is not one.
pub fn names<'k>(kinds: impl Iterator<Item = &'k Kind>) -> BTreeSet<&'k str> {
    kinds.flat_map(|kind| &kind.quotas).map(|quota| quota.name.as_str()).collect()
}
