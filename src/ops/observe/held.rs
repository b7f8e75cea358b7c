//! Looks at what our logs hold or have seen to be as desired, whatever the templates say by now, and at strangers beside
//! it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ahead::Ahead;
use super::awaited::Awaited;
use super::stranger::{self, Stranger, Unlisted};
use super::{Look, Observer, resource_of, target_of};
use crate::base::id::{ScopeId, StepId};
use crate::driver::Place;
use crate::kind::Registry;
use crate::model::holdings::{Holding, Holdings};
use crate::model::kind::Kind;
use crate::model::outcome::{CauseClass, Observation};
use crate::model::resource::Resource;
use crate::model::via::Via;
use crate::ops::reads::Reads;
use crate::runner::known::Known;

/// One scope whose objects are to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The scope.
    pub scope: &'a ScopeId,
    /// The region it lies in.
    pub region: Option<&'a ScopeId>,
    /// What its log holds.
    pub holdings: &'a Holdings,
}

/// One object that we hold, as it was found.
#[derive(Debug, Clone)]
pub struct Glance {
    /// Its scope.
    pub scope: ScopeId,
    /// Its step.
    pub step: StepId,
    /// Its kind.
    pub kind: &'static Kind,
    /// What the log says of it.
    pub held: Holding,
    /// Where its calls go; none if what they go through is gone.
    pub place: Option<Place>,
    /// What was found.
    pub observation: Observation,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Sight {
    /// What we hold, by scope and step.
    pub glances: Vec<Glance>,
    /// Objects in our places that no log knows.
    pub strangers: Vec<Stranger>,
    /// Places that could not be looked through.
    pub unlisted: Vec<Unlisted>,
}

/// Looks at everything that these scopes hold. `all` is what every log of the estate holds: nothing of that is a stranger.
pub async fn look(reads: &Reads, scopes: &[Scope<'_>], all: &BTreeMap<ScopeId, Holdings>) -> Sight {
    let mut observer = Observer {
        reads: reads.clone(),
        known: Known::default(),
        listings: BTreeMap::new(),
        through: BTreeMap::new(),
        awaited: Awaited::default(),
        ahead: Ahead::default(),
    };
    let mut kept: Vec<(&ScopeId, Resource, Holding)> = Vec::new();
    for one in scopes {
        let ids = one.holdings.watched().map(|(id, _)| id.clone());
        observer.known.declare(one.scope, one.region.cloned(), ids);
        for (id, held) in one.holdings.watched() {
            observer.known.set_outputs(one.scope, id, held.outputs.clone());
            if let Some(resource) = resource_of(id, &held) {
                kept.push((one.scope, resource, held));
            }
        }
    }
    observer.know_regions(scopes, all);
    let mut sight = Sight::default();
    // Workspaces come first: what is reached through one that is gone is gone with it.
    for through_a_workspace in [false, true] {
        let of_turn = kept.iter().filter(|(_, resource, _)| resource.via.is_some() == through_a_workspace);
        let looks =
            of_turn.map(|(scope, resource, held)| observer.look_at_held(scope, resource, held)).collect();
        observer.glance(looks, &mut sight.glances).await;
        for gone in sight.glances.iter().filter(|glance| glance.observation == Observation::Absent) {
            observer.known.forget(&gone.scope, &gone.step);
        }
    }
    excuse(&mut sight.glances);
    let regions = scopes.iter().filter_map(|one| Some((one.scope, one.region?))).collect();
    (sight.strangers, sight.unlisted) = stranger::find(&mut observer, &sight.glances, &regions, all).await;
    sight.glances.sort_by(|one, other| (&one.scope, &one.step).cmp(&(&other.scope, &other.step)));
    sight
}

impl Observer {
    /// Objects of a site may be reached through a workspace of its region, which need not be looked at itself.
    fn know_regions(&mut self, scopes: &[Scope<'_>], all: &BTreeMap<ScopeId, Holdings>) {
        let regions: BTreeSet<&ScopeId> = scopes.iter().filter_map(|one| one.region).collect();
        for region in regions.into_iter().filter(|region| scopes.iter().all(|one| one.scope != *region)) {
            for (id, held) in all.get(region).into_iter().flat_map(Holdings::watched) {
                self.known.set_outputs(region, id, held.outputs.clone());
            }
        }
    }

    fn look_at_held<'w>(&self, scope: &'w ScopeId, resource: &'w Resource, held: &Holding) -> Look<'w> {
        let kind = Registry::standard().get(&resource.kind).expect("its kind was looked up before");
        let place = self.known.place(scope, resource.via.as_ref());
        let (spec, missing) = (resource.spec.as_ref().clone(), Vec::new());
        Look { scope, resource, held: Some(held.clone()), kind, spec, missing, place }
    }

    async fn glance(&mut self, looks: Vec<Look<'_>>, glances: &mut Vec<Glance>) {
        self.fill_listings(&looks).await;
        let mut seen: Vec<Option<Observation>> = looks.iter().map(|look| self.listed(look)).collect();
        let singles = looks.iter().enumerate().filter(|(index, _)| seen[*index].is_none());
        let singles = singles.filter_map(|(index, look)| Some((index, target_of(look)?))).collect();
        for (index, observation) in self.read_singles(singles).await {
            seen[index] = Some(observation);
        }
        for (mut look, observation) in looks.into_iter().zip(seen) {
            let mut observation = observation.unwrap_or(Observation::Absent);
            let held = look.held.clone().expect("only what is held is looked at here");
            if let Observation::Present { id, .. } = &observation {
                look.disown_stranger(id);
                if look.held.is_none() {
                    // Somebody else's object stands in the place of ours.
                    observation = Observation::Absent;
                }
            }
            let (scope, step) = (look.scope.clone(), look.resource.id.clone());
            glances.push(Glance { scope, step, kind: look.kind, held, place: look.place, observation });
        }
    }
}

/// What rests on something that is gone is gone too, whatever a read of it answers: services refuse such reads in many
/// ways.
fn excuse(glances: &mut [Glance]) {
    let mut gone: BTreeSet<(ScopeId, StepId)> = BTreeSet::new();
    let is_absent = |glance: &Glance| glance.observation == Observation::Absent;
    gone.extend(glances.iter().filter(|g| is_absent(g)).map(|g| (g.scope.clone(), g.step.clone())));
    loop {
        let before = gone.len();
        for glance in glances.iter_mut() {
            let unreadable = matches!(&glance.observation, Observation::Unreadable(cause)
                if !matches!(cause.class, CauseClass::Unauthenticated));
            let mut rests_on = glance.held.after.iter().chain(glance.held.via.as_ref().and_then(Via::own));
            if unreadable && rests_on.any(|step| gone.contains(&(glance.scope.clone(), step.clone()))) {
                glance.observation = Observation::Absent;
                gone.insert((glance.scope.clone(), glance.step.clone()));
            }
        }
        if gone.len() == before {
            return;
        }
    }
}

impl Glance {
    /// The object, if it is there.
    pub fn live(&self) -> Option<&Value> {
        match &self.observation {
            Observation::Present { live, .. } => Some(live),
            Observation::Absent | Observation::Unreadable(_) => None,
        }
    }
}
