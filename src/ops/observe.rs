//! Looks at the target before a plan is made: list calls per kind and place, single reads where there is no list.
//! Read-only; what is found is compared by the kinds' rules and handed to `plan`.

mod ahead;
mod awaited;
mod found;
pub mod held;
mod listed;
mod order;
mod ripple;
mod stranger;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{ScopeId, StepId};
use crate::base::time::Millis;
use crate::driver::{Driver, Listing, Place, Target};
use crate::kind::{self, Ask, Assessment, Registry};
use crate::model::holdings::{Holding, Holdings};
use crate::model::kind::Kind;
use crate::model::outcome::{Cause, Observation};
use crate::model::plan::{FieldChange, Operation};
use crate::model::reference::{RefScope, Reference, references};
use crate::model::resource::{Origin, Resource};
use crate::model::via::Via;
use crate::ops::desired::Desired;
use crate::ops::reads::Reads;
use crate::plan::{Found, Leftover};
use crate::quota::Inventory;
use crate::runner::known::Known;
use ahead::Ahead;
use awaited::Awaited;
pub use found::{deleted, new_object, step_limits};
use found::{known_part, new_fields};
use listed::{ListKey, Listed};

/// One scope as it is to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The scope.
    pub scope: &'a ScopeId,
    /// The region it lies in.
    pub region: Option<&'a ScopeId>,
    /// What its packs declare.
    pub resources: &'a [Resource],
    /// What our logs say we hold.
    pub holdings: &'a Holdings,
}

/// What was found.
#[derive(Debug, Default)]
pub struct World {
    /// For each scope and declared resource.
    pub found: BTreeMap<ScopeId, BTreeMap<StepId, Found>>,
    /// What we hold although no pack declares it any more.
    pub leftovers: BTreeMap<ScopeId, Vec<Leftover>>,
    /// Objects with our natural keys that our logs do not know.
    pub foreign: Vec<(ScopeId, StepId, String)>,
    /// Everything declared that is there although our logs do not hold it, whoever it belongs to.
    pub unheld: Vec<Unheld>,
    /// What could not be read.
    pub unreadable: Vec<(ScopeId, StepId, Cause)>,
    /// Everything that lists showed, ours or not.
    pub inventories: Vec<Inventory>,
}

/// A declared object that is there and that our logs do not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Unheld {
    /// Its scope.
    pub scope: ScopeId,
    /// What declares it.
    pub resource: Resource,
    /// The steps that it rests on.
    pub after: Vec<StepId>,
    /// The desired state with all references that have a value.
    pub spec: Value,
    /// References without a value.
    pub missing: Vec<Reference>,
    /// Its id.
    pub id: String,
    /// The object as it was read.
    pub live: Value,
}

/// Looks at everything that the packs declare in these scopes, and at what their logs hold.
///
/// # Panics
///
/// If the holdings of a scope are missing.
pub async fn observe_declared(
    reads: &Reads,
    desired: &Desired,
    scopes: &BTreeSet<ScopeId>,
    holdings: &BTreeMap<ScopeId, Holdings>,
) -> World {
    let regions: BTreeMap<&ScopeId, Option<ScopeId>> =
        scopes.iter().map(|scope| (scope, desired.region_of(scope))).collect();
    let wanted = scopes.iter().map(|scope| Wanted {
        scope,
        region: regions[scope].as_ref(),
        resources: desired.rendered.get(scope).map_or(&[][..], |rendered| &rendered.resources),
        holdings: &holdings[scope],
    });
    observe(reads, &wanted.collect::<Vec<_>>()).await
}

/// Looks at everything that is wanted. Scopes must come in dependency order.
pub async fn observe(reads: &Reads, wanted: &[Wanted<'_>]) -> World {
    observe_beside(reads, wanted, &BTreeMap::new()).await
}

/// Looks at everything that is wanted, beside scopes that are not looked at: what they hold is taken from their logs.
pub async fn observe_beside(
    reads: &Reads,
    wanted: &[Wanted<'_>],
    beside: &BTreeMap<ScopeId, Holdings>,
) -> World {
    let mut observer = Observer {
        reads: reads.clone(),
        known: Known::default(),
        listings: BTreeMap::new(),
        through: BTreeMap::new(),
        awaited: awaited::of(wanted),
        ahead: Ahead::default(),
    };
    let mut world = World::default();
    for one in wanted {
        let held = one.holdings.iter().map(|(id, _)| id.clone());
        let ids = one.resources.iter().map(|r| r.id.clone()).chain(held);
        observer.known.declare(one.scope, one.region.cloned(), ids);
    }
    for (scope, holdings) in beside {
        for (id, held) in holdings.iter() {
            observer.known.set_outputs(scope, id, held.outputs.clone());
        }
    }
    observer.look_ahead(wanted).await;
    // Sites refer to regions and the account, never to each other: each rank is looked at as one.
    for rank in [0, 1, 2] {
        let of_rank: Vec<&Wanted<'_>> = wanted.iter().filter(|w| rank_of(w.scope) == rank).collect();
        observer.declared(&of_rank, &mut world).await;
        observer.leftovers(&of_rank, &mut world).await;
    }
    world.inventories = observer.inventories();
    world
}

fn rank_of(scope: &ScopeId) -> u8 {
    match scope {
        ScopeId::Account => 0,
        ScopeId::Region(_) => 1,
        ScopeId::Site(_) => 2,
    }
}

struct Observer {
    reads: Reads,
    known: Known,
    listings: BTreeMap<ListKey, Listed>,
    /// The step behind each workspace that lists were asked of.
    through: BTreeMap<Place, (ScopeId, StepId)>,
    /// The lists that will be asked for once it is known where.
    awaited: Awaited,
    ahead: Ahead,
}

/// One resource that is ready to be looked at.
struct Look<'w> {
    scope: &'w ScopeId,
    resource: &'w Resource,
    held: Option<Holding>,
    kind: &'static Kind,
    spec: Value,
    missing: Vec<Reference>,
    place: Option<Place>,
}

impl Observer {
    async fn declared<'w>(&mut self, wanted: &[&Wanted<'w>], world: &mut World) {
        for layer in order::layers(wanted, &self.known) {
            // No list needs another: what later layers ask for goes out as soon as its place is known.
            let lists = self.awaited.ready(&self.known);
            self.list(lists).await;
            let looks: Vec<Look<'w>> = layer.iter().map(|(w, r)| look(&self.known, w, r)).collect();
            self.look_at(looks, world).await;
        }
    }

    async fn look_at(&mut self, mut looks: Vec<Look<'_>>, world: &mut World) {
        self.fill_listings(&looks).await;
        let mut seen: Vec<Option<Observation>> = looks.iter().map(|look| self.listed(look)).collect();
        let mut singles = Vec::new();
        for (index, look) in looks.iter().enumerate() {
            if seen[index].is_some() {
                continue;
            }
            let Some(target) = target_of(look) else { continue };
            match self.ahead.take_read(look.scope, &look.resource.id, &target) {
                Some(observation) => seen[index] = Some(observation),
                None => singles.push((index, target)),
            }
        }
        for (index, observation) in self.read_singles(singles).await {
            seen[index] = Some(observation);
        }
        for (look, observation) in looks.iter_mut().zip(seen) {
            let observation = observation.unwrap_or(Observation::Absent);
            if let Observation::Present { id, .. } = &observation {
                look.disown_stranger(id);
            }
            self.conclude(look, observation, world);
        }
    }

    /// The lists for these, if no earlier layer's have gone out with them already.
    async fn fill_listings(&mut self, looks: &[Look<'_>]) {
        for look in looks.iter().filter(|look| kind::listable(look.kind)) {
            if let Some(place) = &look.place
                && let Some(home) =
                    look.resource.via.as_ref().and_then(|via| self.known.home(look.scope, via))
            {
                self.through.entry(place.clone()).or_insert(home);
            }
        }
        self.list(shared_lists(looks)).await;
    }

    /// One list call for each of these that was not made yet, as many at once as may be.
    async fn list(&mut self, wanted: BTreeSet<ListKey>) {
        let mut missing = Vec::new();
        for key in wanted.into_iter().filter(|key| !self.listings.contains_key(key)).collect::<Vec<_>>() {
            match self.ahead.take_list(&key) {
                Some(listed) => drop(self.listings.insert(key, listed)),
                None => missing.push(key),
            }
        }
        let asked = self.reads.each(missing, |driver, timeout, key| async move {
            let listing = ask_list(&*driver, &key, timeout).await;
            (key, listing)
        });
        for (key, listing) in asked.await {
            let kind = Registry::standard().get(&key.kind).expect("kinds were checked before");
            let listed = Listed::of(kind, &key, listing);
            self.listings.insert(key, listed);
        }
    }

    fn inventories(self) -> Vec<Inventory> {
        let through = self.through;
        let inventory = |(key, listed): (ListKey, Listed)| match listed {
            Listed::Whole { items, .. } if key.is_whole() => {
                Some(Inventory { through: through.get(&key.place).cloned(), kind: key.kind, items })
            }
            Listed::Whole { .. } | Listed::OneByOne | Listed::Unreadable(_) => None,
        };
        self.listings.into_iter().filter_map(inventory).collect()
    }

    /// What the list says; none if the object must be read by itself.
    fn listed(&self, look: &Look<'_>) -> Option<Observation> {
        let key = look.list_key()?;
        let listed = self.listings.get(&key)?;
        let seen = listed.find(look.kind, &look.spec, look.held.as_ref().and_then(|held| held.id.as_deref()));
        // What a list inside something does not show may have moved out of it.
        let confirmed = key.is_whole() || look.held.is_none() || look.kind.calls.read.is_none();
        seen.filter(|seen| confirmed || *seen != Observation::Absent)
    }

    async fn read_singles(&self, singles: Vec<(usize, Target)>) -> Vec<(usize, Observation)> {
        let read = self.reads.each(singles, |driver, timeout, (index, target)| async move {
            (index, driver.observe(&target, timeout).await)
        });
        read.await
    }

    fn conclude(&mut self, look: &Look<'_>, observation: Observation, world: &mut World) {
        let (scope, step) = (look.scope.clone(), look.resource.id.clone());
        let live = match &observation {
            Observation::Unreadable(_) if look.cannot_be_there() && rests_on_absent(look, world) => None,
            Observation::Unreadable(cause) => {
                world.unreadable.push((scope, step, cause.clone()));
                return;
            }
            Observation::Absent => None,
            Observation::Present { id, live } => Some((id, live)),
        };
        let ours = look.held.is_some() || kind::always_there(look.kind);
        if let (Some((id, _)), false) = (live, ours) {
            world.foreign.push((scope.clone(), step.clone(), id.clone()));
        }
        if let (Some((id, live)), None) = (live, &look.held) {
            world.unheld.push(Unheld {
                scope: scope.clone(),
                resource: look.resource.clone(),
                after: order::needs(look.scope, look.resource, &self.known).into_iter().collect(),
                spec: look.spec.clone(),
                missing: look.missing.clone(),
                id: id.clone(),
                live: live.clone(),
            });
        }
        let applied = look.held.as_ref().map(|held| &held.spec);
        let mut found = self.assess(look, live.map(|(_, live)| live), applied);
        if let Some((_, live)) = live {
            self.ripple(look, live, &mut found, world);
            found.reversal = kind::reversal(look.kind, found.operation, &look.spec, &found.changes);
        }
        if let (Some((id, live)), true) = (live, found.operation != Operation::Replace) {
            self.known.set_outputs(&scope, &step, kind::outputs(look.kind, id, live));
        }
        self.known.set_spec(&scope, &step, known_part(&look.spec, &look.missing));
        world.found.entry(scope).or_default().insert(step, found);
    }

    fn assess(&self, look: &Look<'_>, live: Option<&Value>, applied: Option<&Value>) -> Found {
        let assessment = kind::assess(look.kind, &Ask { desired: Some(&look.spec), applied, live });
        let (operation, mut changes) = match assessment {
            Assessment::Absent => (Operation::Create, new_fields(&look.spec, look.resource)),
            Assessment::Matches | Assessment::Pending { .. } | Assessment::Broken { .. } => {
                (Operation::None, Vec::new())
            }
            Assessment::Differs { changes, replace: true, .. } => (Operation::Replace, changes),
            Assessment::Differs { changes, replace: false, .. } => (Operation::Update, changes),
        };
        for change in &mut changes {
            self.mark_unknown(look, change);
        }
        Found {
            operation,
            reversal: kind::reversal(look.kind, operation, &look.spec, &changes),
            changes,
            seen: live.map(|live| kind::seen(look.kind, &look.spec, applied, live)),
            id: look.held.as_ref().and_then(|held| held.id.clone()),
            limits: step_limits(look.kind),
        }
    }

    /// A value that rests on a step which has not run is shown as known after that step, never made up.
    fn mark_unknown(&self, look: &Look<'_>, change: &mut FieldChange) {
        let inside = |r: &&Reference| r.at == change.at || r.at.starts_with(&format!("{}/", change.at));
        if let Some(reference) = look.missing.iter().find(inside) {
            change.to = None;
            let (there, step) = self
                .known
                .target_of(look.scope, reference)
                .map_or((look.scope.clone(), reference.path.clone()), |(s, id)| (s, id.to_string()));
            change.known_after = Some(if there == *look.scope { step } else { format!("{there}:{step}") });
        }
    }

    /// What we hold and no pack declares any more. Workspaces come first: what was reached through one that is gone
    /// is gone with it.
    async fn leftovers(&mut self, wanted: &[&Wanted<'_>], world: &mut World) {
        let mut kept = Vec::new();
        for one in wanted {
            let declared: BTreeSet<&StepId> = one.resources.iter().map(|r| &r.id).collect();
            let undeclared = one.holdings.iter().filter(|(id, _)| !declared.contains(id));
            kept.extend(undeclared.filter_map(|(id, held)| Some((one.scope, resource_of(id, &held)?, held))));
        }
        for through_a_workspace in [false, true] {
            let of_turn =
                kept.iter().filter(|(_, resource, _)| resource.via.is_some() == through_a_workspace);
            let looks: Vec<Look<'_>> = of_turn
                .map(|(scope, resource, held)| {
                    let (spec, missing) = (resource.spec.as_ref().clone(), Vec::new());
                    let place = self.known.place(scope, resource.via.as_ref());
                    let kind =
                        Registry::standard().get(&resource.kind).expect("its kind was looked up before");
                    Look { scope, resource, held: Some(held.clone()), kind, spec, missing, place }
                })
                .collect();
            self.look_at_leftovers(looks, world).await;
        }
    }

    async fn look_at_leftovers(&mut self, looks: Vec<Look<'_>>, world: &mut World) {
        let singles = looks.iter().enumerate().filter_map(|(i, look)| Some((i, target_of(look)?))).collect();
        for (index, observation) in self.read_singles(singles).await {
            let look = &looks[index];
            let (scope, step) = (look.scope.clone(), look.resource.id.clone());
            match observation {
                Observation::Unreadable(cause) => world.unreadable.push((scope, step, cause)),
                Observation::Absent => {}
                Observation::Present { id, live } => {
                    self.known.set_outputs(&scope, &step, kind::outputs(look.kind, &id, &live));
                    let gone = Ask { desired: None, applied: Some(&look.spec), live: Some(&live) };
                    // What has no delete call stays as it is: there is nothing to plan.
                    if kind::assess(look.kind, &gone) != Assessment::Absent {
                        world.leftovers.entry(scope).or_default().push(leftover(look, &live));
                    }
                }
            }
        }
    }
}

/// What is asked of one object, by what is known.
fn look<'w>(known: &Known, wanted: &Wanted<'w>, resource: &'w Resource) -> Look<'w> {
    let (spec, missing) = known.resolve(wanted.scope, &resource.spec);
    let kind = Registry::standard().get(&resource.kind).expect("kinds were checked before");
    let place = known.place(wanted.scope, resource.via.as_ref());
    let held = wanted.holdings.get(&resource.id).filter(|held| held.kind == resource.kind);
    Look { scope: wanted.scope, resource, held, kind, spec, missing, place }
}

/// The lists to look for these in. One inside something is worth its call if it shows at least two of them, or if there is no
/// other way to read them.
fn shared_lists(looks: &[Look<'_>]) -> BTreeSet<ListKey> {
    let mut shared: BTreeMap<ListKey, (usize, bool)> = BTreeMap::new();
    for look in looks {
        if let Some(key) = look.list_key() {
            let (count, needed) = shared.entry(key).or_default();
            *count += 1;
            *needed |= look.kind.calls.read.is_none();
        }
    }
    let wanted = |(key, (count, needed)): (ListKey, (usize, bool))| {
        (key.is_whole() || needed || count > 1).then_some(key)
    };
    shared.into_iter().filter_map(wanted).collect()
}

async fn ask_list(driver: &dyn Driver, key: &ListKey, timeout: Millis) -> Listing {
    if key.is_whole() {
        driver.list(&key.kind, &key.place, timeout).await
    } else {
        driver.list_inside(&key.kind, &key.place, &key.outer(), timeout).await
    }
}

impl Look<'_> {
    /// The list that shows it.
    fn list_key(&self) -> Option<ListKey> {
        ListKey::of(self.kind, self.place.as_ref()?, &self.spec)
    }

    /// Whether there is nothing to look for while what it rests on is gone: we never made it, or its key names what is
    /// gone, as an assignment names its group.
    fn cannot_be_there(&self) -> bool {
        self.held.is_none() || kind::natural_key(self.kind, &self.spec).is_none()
    }

    /// An object with our natural key and another id than the one we made is somebody else's: ours is gone.
    fn disown_stranger(&mut self, id: &str) {
        let own = self.held.as_ref().and_then(|held| held.id.as_deref());
        let is_shown = self.kind.id.live.is_some();
        if own.is_some_and(|own| is_shown && listed::folded(self.kind, own) != listed::folded(self.kind, id))
        {
            self.held = None;
        }
    }
}

/// Whether something it waits for is not there yet: then it cannot be there either, whatever a read of it answers.
/// Services refuse such reads in many ways, for example assignments of a workspace without a metastore.
fn rests_on_absent(look: &Look<'_>, world: &World) -> bool {
    let Some(found) = world.found.get(look.scope) else { return false };
    let known: BTreeSet<StepId> = found.keys().cloned().collect();
    let referred = references(&look.resource.spec);
    let referred = referred.iter().filter(|r| r.scope == RefScope::Same).filter_map(|r| r.target(&known));
    let own = look.resource.via.as_ref().and_then(Via::own);
    let waits_for = look.resource.after.iter().chain(own).cloned();
    waits_for
        .chain(referred.map(|target| target.step))
        .any(|step| found.get(&step).is_some_and(|found| found.operation == Operation::Create))
}

/// None while the object cannot be there because what it rests on is not.
fn target_of(look: &Look<'_>) -> Option<Target> {
    let id = look.held.as_ref().and_then(|held| held.id.clone());
    if id.is_none() && kind::natural_key(look.kind, &look.spec).is_none() {
        return None;
    }
    Some(Target { kind: look.resource.kind.clone(), place: look.place.clone()?, spec: look.spec.clone(), id })
}

fn resource_of(id: &StepId, held: &Holding) -> Option<Resource> {
    Registry::standard().get(&held.kind)?;
    Some(Resource {
        id: id.clone(),
        kind: held.kind.clone(),
        after: held.after.clone(),
        via: held.via.clone(),
        spec: held.spec.clone().into(),
        evidence: None,
        origin: undeclared(),
    })
}

/// Where something comes from that no pack declares any more.
pub fn undeclared() -> Origin {
    Origin { pack: "none".parse().expect("a pack name"), template: "no longer declared".to_owned(), line: 0 }
}

fn leftover(look: &Look<'_>, live: &Value) -> Leftover {
    let reason = "no pack declares it any more".to_owned();
    let change = FieldChange {
        at: String::new(),
        from: Some(kind::readback(look.kind, live)),
        to: None,
        known_after: None,
        forces_replacement: false,
        reason,
    };
    Leftover {
        resource: look.resource.clone(),
        found: Found {
            operation: Operation::Delete,
            changes: vec![change],
            seen: Some(kind::seen(look.kind, &look.spec, Some(&look.spec), live)),
            id: look.held.as_ref().and_then(|held| held.id.clone()),
            reversal: kind::reversal(look.kind, Operation::Delete, &look.spec, &[]),
            limits: step_limits(look.kind),
        },
    }
}
