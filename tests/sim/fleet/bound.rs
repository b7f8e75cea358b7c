//! The least time that a launch could take: stage by stage (the account, the regions, the first site alone, all others),
//! whichever is longest of the longest path with the times that were drawn, the calls that every schedule must make on
//! one lane at its rate with the least that comes before and after them, and all calls over all slots.

use std::collections::{BTreeMap, HashMap};

use landfall::base::id::{ScopeId, StepId};
use landfall::model::plan::{Plan, ScopePlan, Work};
use landfall::pacing::charge::{Charge, first_verb};
use landfall::pacing::{Lane, Rates, Verb};

use super::play::object;
use super::service::{READ, WRITE, host, ready_in};

/// The bound of one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Which.
    pub name: &'static str,
    /// The longest path.
    pub path: f64,
    /// The slowest lane, with its calls and its time.
    pub lane: (String, u64, f64),
    /// All calls over all slots.
    pub slots: f64,
}

impl Stage {
    /// Its least time in seconds.
    pub fn seconds(&self) -> f64 {
        self.path.max(self.lane.2).max(self.slots)
    }

    /// What binds it.
    pub fn binds(&self) -> &str {
        if self.seconds() <= self.path {
            "path"
        } else if self.seconds() <= self.lane.2 {
            &self.lane.0
        } else {
            "slots"
        }
    }
}

/// The name of a stage, and which scopes belong to it.
type Part<'p> = (&'static str, Box<dyn Fn(&ScopeId) -> bool + 'p>);

/// The bound of a launch: its stages one after the other.
pub fn bound(plan: &Plan, seed: u64, slots: usize, rates: &Rates) -> Vec<Stage> {
    let canary = plan.fleet.waves[0].sites[0].clone();
    let is_canary = |scope: &ScopeId| scope.site() == Some(&canary);
    let stages: [Part<'_>; 4] = [
        ("account", Box::new(|scope| *scope == ScopeId::Account)),
        ("regions", Box::new(|scope| matches!(scope, ScopeId::Region(_)))),
        ("first site", Box::new(is_canary)),
        ("other sites", Box::new(move |scope| scope.site().is_some() && !is_canary(scope))),
    ];
    let of = |(name, holds): &Part<'_>| {
        let scopes: Vec<_> = plan.scopes.iter().filter(|(scope, _)| holds(scope)).collect();
        stage(name, plan, &scopes, seed, slots, rates)
    };
    stages.iter().map(of).collect()
}

/// What is known of one lane.
#[derive(Default)]
struct Load {
    /// Calls with the least time before and after each.
    calls: Vec<(f64, f64)>,
}

fn stage(
    name: &'static str,
    plan: &Plan,
    scopes: &[(&ScopeId, &ScopePlan)],
    seed: u64,
    slots: usize,
    rates: &Rates,
) -> Stage {
    let mut loads: HashMap<Lane, Load> = HashMap::new();
    let (mut path, mut work) = (0.0_f64, 0.0_f64);
    for (scope, steps) in scopes {
        let times = times(seed, scope, steps);
        for (step, planned) in &steps.steps {
            let (head, own, tail) = times[step];
            path = path.max(head + own + tail);
            let object = object(steps, step);
            let host = host(plan, scope, step);
            let charge = Charge { rates, host: Some(&host), kind: &object.kind };
            let mut calls = Vec::new();
            match (&planned.work, planned.mutates()) {
                (Work::Check { .. }, _) => calls.push((Verb::Read, head, own - READ.0 as f64 / 1e3 + tail)),
                (Work::Reconcile(_), false) => calls.push((Verb::List, head, tail)),
                (Work::Reconcile(_), true) => {
                    let (read, write) = (READ.0 as f64 / 1e3, WRITE.0 as f64 / 1e3);
                    let verb = first_verb(object.operation).expect("it changes something");
                    calls.push((Verb::List, head, own - read + tail));
                    calls.push((verb, head + read, own - read - write + tail));
                    calls.push((Verb::Read, head + own - read, tail));
                }
            }
            for (verb, head, tail) in calls {
                work += if matches!(verb, Verb::Read | Verb::List) { READ.0 } else { WRITE.0 } as f64 / 1e3;
                let lane = charge.lane(verb).expect("the host is known");
                loads.entry(lane).or_default().calls.push((head, tail));
            }
        }
    }
    // In order, so that of two that are equally slow it is always the same.
    let loads: BTreeMap<Lane, Load> = loads.into_iter().collect();
    let slowest = loads.into_iter().map(|(lane, load)| {
        let of = rates.of(&lane.family);
        let (count, seconds) = least(load, of.rate.as_per_second(), f64::from(of.burst));
        (format!("{} {}", lane.host, lane.family), count, seconds)
    });
    let lane = slowest.max_by(|a, b| a.2.total_cmp(&b.2)).unwrap_or_default();
    Stage { name, path, lane, slots: work / slots as f64 }
}

/// The least time of a lane: of all calls that cannot begin before some moment, what is before the first, all of them at
/// the lane's rate, and what comes after the last; the most over all such moments.
fn least(mut load: Load, rate: f64, burst: f64) -> (u64, f64) {
    load.calls.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut most, mut tail) = (0.0_f64, f64::INFINITY);
    for (count, (head, after)) in load.calls.iter().enumerate() {
        tail = tail.min(*after);
        let spaced = ((count + 1) as f64 - burst).max(0.0) / rate;
        most = most.max(head + spaced + tail);
    }
    (load.calls.len() as u64, most)
}

/// Each step's earliest begin, its own time, and the longest path behind it, in seconds.
fn times(seed: u64, scope: &ScopeId, plan: &ScopePlan) -> BTreeMap<StepId, (f64, f64, f64)> {
    let own = |step: &StepId| {
        let planned = &plan.steps[step];
        let calls = if planned.mutates() { READ.0 + WRITE.0 + READ.0 } else { READ.0 };
        // What is ready when it is looked at needs no other look: the look may begin before it is ready.
        let ready = ready_in(seed, scope, step, plan).0;
        let wait = if planned.mutates() { ready.saturating_sub(READ.0) } else { 0 };
        (calls + wait) as f64 / 1e3
    };
    let mut behind: BTreeMap<&StepId, Vec<&StepId>> = BTreeMap::new();
    let mut open: BTreeMap<&StepId, usize> = BTreeMap::new();
    for (id, step) in &plan.steps {
        open.insert(id, step.after.len());
        step.after.keys().for_each(|need| behind.entry(need).or_default().push(id));
    }
    let mut order: Vec<&StepId> = open.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    let mut at = 0;
    while at < order.len() {
        for next in behind.get(order[at]).into_iter().flatten() {
            let count = open.get_mut(next).expect("a step of the plan");
            *count -= 1;
            if *count == 0 {
                order.push(next);
            }
        }
        at += 1;
    }
    let mut all: BTreeMap<StepId, (f64, f64, f64)> = BTreeMap::new();
    for id in &order {
        let ends = plan.steps[*id].after.keys().map(|need| all[need].0 + all[need].1);
        all.insert((*id).clone(), (ends.fold(0.0, f64::max), own(id), 0.0));
    }
    for id in order.iter().rev() {
        let tails = behind.get(id).into_iter().flatten().map(|next| all[*next].1 + all[*next].2);
        let tail = tails.fold(0.0, f64::max);
        all.get_mut(*id).expect("a step of the plan").2 = tail;
    }
    all
}
