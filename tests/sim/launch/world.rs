//! What is true, whatever the engine thinks: how runs end, what is open, what breaks.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::id::{ScopeId, WaveName};
use landfall::model::fleet_event::{Defect, ScopeOutcome};
use landfall::model::plan::Plan;
use landfall::model::wait::OpenItem;

use crate::random::Random;

/// How often what happens, in times of a thousand.
#[derive(Default, Clone)]
pub struct Rates {
    pub fails: u64,
    /// A run comes to rest although nobody asked for it.
    pub rests: u64,
    pub crash: u64,
    pub stop: u64,
    pub pause: u64,
    pub abort: u64,
    pub skip: u64,
    pub retry: u64,
    pub jump: u64,
    pub breaks: u64,
    /// A look reads what was not so.
    pub misread: u64,
    pub closes: u64,
}

pub struct World {
    /// How the runs ended, by round. Their own logs say so, even if nobody was there to hear it.
    ends: BTreeMap<(ScopeId, u32), ScopeOutcome>,
    pub open: BTreeMap<WaveName, BTreeSet<OpenItem>>,
    pub broken: BTreeSet<ScopeId>,
}

/// What a run is told while it is under way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Stop,
    Abort,
}

impl World {
    pub fn new(plan: &Plan, random: &mut Random) -> Self {
        let items = |wave: &landfall::model::plan::WavePlan| {
            let item = |n: usize| OpenItem {
                id: wave.entry[n].id.clone(),
                missing: "a record".to_owned(),
                owner: wave.entry[n].owner.clone(),
            };
            (wave.name.clone(), (0..wave.entry.len()).map(item).collect())
        };
        let mut open: BTreeMap<WaveName, BTreeSet<OpenItem>> = plan.fleet.waves.iter().map(items).collect();
        open.values_mut().for_each(|items| items.retain(|_| random.chance(600)));
        Self { ends: BTreeMap::new(), open, broken: BTreeSet::new() }
    }

    /// How this run comes to rest. Once it has ended it never says anything else.
    pub fn rest(
        &mut self,
        random: &mut Random,
        rates: &Rates,
        (scope, round): (&ScopeId, u32),
        told: Told,
    ) -> ScopeOutcome {
        let key = (scope.clone(), round);
        if let Some(outcome) = self.ends.get(&key) {
            return *outcome;
        }
        let outcome = match told {
            Told::Stop if random.chance(800) => ScopeOutcome::Suspended,
            Told::Abort if random.chance(900) => ScopeOutcome::Aborted,
            _ if random.chance(rates.rests) => ScopeOutcome::Suspended,
            _ if random.chance(rates.fails) => ScopeOutcome::Failed,
            _ => ScopeOutcome::Succeeded,
        };
        if outcome != ScopeOutcome::Suspended {
            self.ends.insert(key, outcome);
        }
        outcome
    }

    /// What is open at this judgement. Now and then something is closed, and now and then something new is open.
    pub fn judge(&mut self, random: &mut Random, rates: &Rates, wave: &WaveName) -> Vec<OpenItem> {
        let items = self.open.entry(wave.clone()).or_default();
        if random.chance(rates.closes) {
            items.pop_first();
        }
        let mut open: Vec<OpenItem> = items.iter().cloned().collect();
        if random.chance(300) {
            open.reverse();
        }
        open
    }

    /// What a look at these sites finds.
    pub fn look(&mut self, random: &mut Random, rates: &Rates, scopes: &[ScopeId]) -> Vec<Defect> {
        if random.chance(rates.breaks) {
            self.broken.insert(scopes[random.below(scopes.len() as u64) as usize].clone());
        } else if random.chance(200) {
            self.broken.clear();
        }
        let misread = random.chance(rates.misread);
        let seen = scopes.iter().filter(|scope| self.broken.contains(*scope) || misread);
        let defect = |scope: &ScopeId| Defect {
            scope: scope.clone(),
            step: "check.tags".parse().expect("a step"),
            what: "gone".to_owned(),
        };
        seen.map(defect).collect()
    }
}
