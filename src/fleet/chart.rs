//! What the plan says about the order of scopes, looked up once: the fold needs it without the plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::ScopeId;
use crate::base::limits::{BAKE_LOOK_EVERY_MIN, BAKE_LOOKS_MAX};
use crate::base::time::Millis;
use crate::model::plan::{Bake, Plan, WavePlan};

/// The stages of a launch, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Account,
    Regions,
    /// By its place in the plan.
    Wave(usize),
}

/// What does not change while a launch runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chart {
    pub places: BTreeMap<ScopeId, Place>,
    pub waves: Vec<Bounds>,
    /// How many sites of the whole launch may fail.
    pub failure_budget: Option<u32>,
}

/// A scope's place in the order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub stage: Stage,
    /// The needs that are in the plan; others were met before it was made.
    pub needs: BTreeSet<ScopeId>,
    /// Whether it changes something, and so needs its window.
    pub mutates: bool,
}

/// What a wave must keep to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub max_parallel: u32,
    pub failure_budget: u32,
    pub bake: Option<Bake>,
    /// Whether something must hold before it begins.
    pub entry: bool,
}

impl Chart {
    /// Sites without a wave have no place: a launch of such a plan is refused.
    pub fn new(plan: &Plan) -> Self {
        let mut waves_of = BTreeMap::new();
        for (index, wave) in plan.fleet.waves.iter().enumerate() {
            waves_of.extend(wave.sites.iter().map(|site| (site, index)));
        }
        let place = |(scope, steps): (&ScopeId, &crate::model::plan::ScopePlan)| {
            let stage = match scope {
                ScopeId::Account => Stage::Account,
                ScopeId::Region(_) => Stage::Regions,
                ScopeId::Site(site) => Stage::Wave(*waves_of.get(site)?),
            };
            let needs = steps.needs.iter().filter(|need| plan.scopes.contains_key(*need)).cloned().collect();
            Some((scope.clone(), Place { stage, needs, mutates: steps.mutates() }))
        };
        Self {
            places: plan.scopes.iter().filter_map(place).collect(),
            waves: plan.fleet.waves.iter().map(Bounds::new).collect(),
            failure_budget: plan.fleet.failure_budget,
        }
    }

    pub fn place(&self, scope: &ScopeId) -> &Place {
        self.places.get(scope).expect("scope-of-the-plan: events name scopes of the plan")
    }

    /// The index of the site's wave.
    pub fn wave_of(&self, scope: &ScopeId) -> Option<usize> {
        match self.place(scope).stage {
            Stage::Account | Stage::Regions => None,
            Stage::Wave(index) => Some(index),
        }
    }

    /// The scopes of a shared stage.
    pub fn shared(&self, stage: Stage) -> Vec<ScopeId> {
        let shared = self.places.iter().take_while(|(scope, _)| scope.site().is_none());
        shared.filter(|(_, place)| place.stage == stage).map(|(scope, _)| scope.clone()).collect()
    }
}

impl Bounds {
    fn new(wave: &WavePlan) -> Self {
        Self {
            max_parallel: wave.max_parallel.max(1),
            failure_budget: wave.failure_budget,
            bake: wave.bake.map(bounded),
            entry: !wave.entry.is_empty(),
        }
    }
}

/// A bake time whose looks are neither too frequent nor too many.
fn bounded(bake: Bake) -> Bake {
    let least = Millis(bake.length.0 / BAKE_LOOKS_MAX);
    Bake { length: bake.length, every: bake.every.max(BAKE_LOOK_EVERY_MIN).max(least) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_neither_too_frequent_nor_too_many() {
        let every = |length, every| bounded(Bake { length: Millis(length), every: Millis(every) }).every.0;
        assert_eq!(every(3_600_000, 900_000), 900_000);
        assert_eq!(every(0, 0), 1_000);
        assert_eq!(every(100 * 3_600_000, 1), 360_000);
    }
}
