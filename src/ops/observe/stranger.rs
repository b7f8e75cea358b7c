//! Strangers: objects inside objects of ours that no log knows. Which places are ours is said by the tables of kinds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Observer;
use super::held::Glance;
use super::listed::{ListKey, Listed, folded};
use crate::base::id::{KindName, ScopeId, StepId};
use crate::base::pointer;
use crate::driver::{Listing, Place};
use crate::kind::{self, Registry};
use crate::model::holdings::Holdings;
use crate::model::kind::{Kind, Level, Strangers};
use crate::model::outcome::{Cause, Observation};

/// An object in a place of ours that no log knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Stranger {
    /// The scope that holds the object it is in.
    pub scope: ScopeId,
    /// Its kind.
    pub kind: &'static Kind,
    /// Its id.
    pub id: String,
    /// What people call it, if its id does not say so.
    pub title: Option<String>,
}

/// A place of ours that could not be looked through.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlisted {
    /// The scope that holds it.
    pub scope: ScopeId,
    /// The step of the object that was to be looked through.
    pub step: StepId,
    /// What was looked for.
    pub kind: &'static Kind,
    /// Why it failed.
    pub cause: Cause,
}

/// The region that each scope lies in.
pub(super) type Regions<'a> = BTreeMap<&'a ScopeId, &'a ScopeId>;

/// One list call: a kind inside one object of ours.
struct Ask {
    scope: ScopeId,
    step: StepId,
    kind: &'static Kind,
    rule: &'static Strangers,
    place: Place,
    outer: Value,
}

/// Looks through the places of ours.
pub(super) async fn find(
    observer: &mut Observer,
    glances: &[Glance],
    regions: &Regions<'_>,
    all: &BTreeMap<ScopeId, Holdings>,
) -> (Vec<Stranger>, Vec<Unlisted>) {
    let known = known(all);
    let mut asks = asks(glances, regions);
    let mut unlisted = Vec::new();
    let mut found: BTreeMap<(ScopeId, KindName, String), Stranger> = BTreeMap::new();
    let mut take = |ask: &Ask, items: &[Value]| {
        for stranger in items.iter().filter_map(|item| ask.stranger(item, &known)) {
            let key = (stranger.scope.clone(), stranger.kind.name.clone(), stranger.id.clone());
            found.insert(key, stranger);
        }
    };
    // What was listed for our own objects is not asked for again.
    asks.retain(|ask| {
        let key = ListKey::of(ask.kind, &ask.place, &ask.outer);
        let listed = key.and_then(|key| observer.listings.get(&key));
        let Some(Listed::Whole { items, .. }) = listed else { return true };
        take(ask, items);
        false
    });
    for (ask, listing) in list(observer, asks).await {
        match listing {
            Listing::Complete(items) => take(&ask, &items),
            Listing::Unreadable(cause) => {
                let Ask { scope, step, kind, .. } = ask;
                unlisted.push(Unlisted { scope, step, kind, cause });
            }
            // A service that has no such list has nothing in it that we could know.
            Listing::Unsupported => {}
        }
    }
    unlisted.sort_by(|one, other| (&one.scope, &one.step).cmp(&(&other.scope, &other.step)));
    (found.into_values().collect(), unlisted)
}

/// Ids of everything that any log holds, by kind.
fn known(all: &BTreeMap<ScopeId, Holdings>) -> BTreeSet<(KindName, String)> {
    let mut known = BTreeSet::new();
    for (_, held) in all.values().flat_map(Holdings::watched) {
        let Some(kind) = Registry::standard().get(&held.kind) else { continue };
        let id = held.id.clone().or_else(|| kind::id_of(kind, &held.spec, None));
        known.extend(id.map(|id| (held.kind.clone(), folded(kind, &id))));
    }
    known
}

fn asks(glances: &[Glance], regions: &Regions<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    for kind in Registry::standard().kinds() {
        let Some(rule) = &kind.strangers else { continue };
        let outers = glances.iter().filter(|glance| glance.held.kind == rule.inside);
        for outer in outers {
            let Observation::Present { live, .. } = &outer.observation else { continue };
            let Some(place) = place(kind, outer, glances, regions) else { continue };
            let fields = rule.fields.iter().filter_map(|(field, at)| {
                Some((field.clone(), live.pointer(at).or_else(|| outer.held.spec.pointer(at))?.clone()))
            });
            let outer_fields = Value::Object(fields.collect::<Map<_, _>>());
            let (scope, step) = (outer.scope.clone(), outer.step.clone());
            asks.push(Ask { scope, step, kind, rule, place, outer: outer_fields });
        }
    }
    asks
}

/// Where to ask for what is inside an object of ours: through the object itself if it is a workspace, the way that the
/// object is reached, or else the way that an object of the same kind is.
fn place(kind: &Kind, outer: &Glance, glances: &[Glance], regions: &Regions<'_>) -> Option<Place> {
    if kind.level == Level::Account {
        return Some(Place::Account);
    }
    if let Some(own) = outer.place.clone().filter(|place| *place != Place::Account) {
        return Some(own);
    }
    let own_workspace =
        outer.held.outputs.get("workspace_id").map(|id| id.to_string().trim_matches('"').to_owned());
    let in_its_region = |scope: &ScopeId| match &outer.scope {
        ScopeId::Region(_) => regions.get(scope) == Some(&&outer.scope),
        ScopeId::Account => true,
        ScopeId::Site(_) => *scope == outer.scope,
    };
    let through = |glance: &&Glance| match &glance.place {
        Some(Place::Workspace { workspace_id, .. }) => {
            let fits = own_workspace.as_ref().is_none_or(|own| own == workspace_id);
            fits && in_its_region(&glance.scope)
        }
        Some(Place::Account) | None => false,
    };
    let mut ways = glances.iter().filter(|glance| glance.live().is_some()).filter(through);
    let same_kind = ways.clone().find(|glance| glance.held.kind == kind.name);
    same_kind.or_else(|| ways.next()).and_then(|glance| glance.place.clone())
}

async fn list(observer: &Observer, asks: Vec<Ask>) -> Vec<(Ask, Listing)> {
    let listed = observer.reads.each(asks, |driver, timeout, ask| async move {
        let listing = driver.list_inside(&ask.kind.name, &ask.place, &ask.outer, timeout).await;
        (ask, listing)
    });
    listed.await
}

impl Ask {
    fn stranger(&self, item: &Value, known: &BTreeSet<(KindName, String)>) -> Option<Stranger> {
        let live = kind::answered(self.kind, &self.outer, item.clone(), None, None);
        let own_make = |one: &crate::model::kind::OwnMake| {
            live.pointer(&one.at).is_some_and(|value| one.one_of.contains(value))
        };
        if !kind::exists(self.kind, &live) || self.rule.exceptions.iter().any(own_make) {
            return None;
        }
        let id = kind::id_of(self.kind, &self.spec_of(&live), Some(&live))?;
        if known.contains(&(self.kind.name.clone(), folded(self.kind, &id))) {
            return None;
        }
        let says_all = self.kind.id.spec.is_some();
        let title = kind::key_in_list(self.kind, &live).filter(|_| !says_all);
        Some(Stranger { scope: self.scope.clone(), kind: self.kind, id, title })
    }

    /// The parts of a spec from which an id follows, as far as the list shows them.
    fn spec_of(&self, live: &Value) -> Value {
        let mut spec = self.outer.clone();
        for part in &self.kind.key.parts {
            if let Some(value) = part.item.as_ref().and_then(|at| live.pointer(at)) {
                pointer::set(&mut spec, &part.spec, value.clone());
            }
        }
        spec
    }
}
