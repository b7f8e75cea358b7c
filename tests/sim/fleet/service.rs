//! The services of the simulation: how long calls take, when what they make is ready, and whether too many come.

use std::collections::HashMap;

use landfall::base::digest::Digest;
use landfall::base::id::{ScopeId, StepId};
use landfall::base::time::{Millis, Timestamp};
use landfall::model::plan::{Plan, ScopePlan, Work};
use landfall::pacing::{Lane, Rates};

/// What a read takes, as in rehearsals.
pub const READ: Millis = Millis(180);
/// What a change takes, as in rehearsals.
pub const WRITE: Millis = Millis(650);

/// From when to when an object becomes ready after its create was answered.
const READY_IN: [(&str, u64, u64); 2] =
    [("databricks.workspace", 150_000, 300_000), ("databricks.vpc_endpoint", 20_000, 60_000)];

/// How long the object of a step takes until it is ready; drawn from the seed and the names, so that it does not matter
/// in which order it is asked.
pub fn ready_in(seed: u64, scope: &ScopeId, step: &StepId, plan: &ScopePlan) -> Millis {
    let Work::Reconcile(reconcile) = &plan.steps[step].work else { return Millis(0) };
    let Some((_, least, most)) = READY_IN.iter().find(|(kind, ..)| *kind == reconcile.kind.as_str()) else {
        return Millis(0);
    };
    let digest = Digest::of(format!("{seed} {scope} {step}").as_bytes());
    let drawn = digest.as_bytes()[..8].iter().fold(0_u64, |drawn, byte| drawn << 8 | u64::from(*byte));
    Millis(least + drawn % (most - least + 1))
}

/// The host that a step's calls go to.
pub fn host(plan: &Plan, scope: &ScopeId, step: &StepId) -> String {
    let steps = &plan.scopes[scope].steps;
    let reconcile = match &steps[step].work {
        Work::Reconcile(reconcile) => reconcile,
        Work::Check { check, .. } => match &steps[&check.read].work {
            Work::Reconcile(reconcile) => reconcile,
            Work::Check { .. } => unreachable!("checks read objects"),
        },
    };
    let Some(via) = &reconcile.via else { return "account".to_owned() };
    match via.own() {
        Some(own) => format!("workspace/{scope}/{own}"),
        None => {
            let region = plan.scopes[scope].needs.iter().find(|need| matches!(need, ScopeId::Region(_)));
            format!("workspace/{}/{}", region.expect("a site lies in a region"), via.step())
        }
    }
}

/// Counts calls as a service would: a bucket for each lane, as large as its burst and the two calls that it may be wrong
/// by, filled at its rate.
#[derive(Debug, Default)]
pub struct Gate {
    buckets: HashMap<Lane, (f64, Timestamp)>,
    /// Calls that came to an empty bucket.
    pub refused: u64,
    /// All calls.
    pub calls: u64,
}

/// Calls more than rate and burst allow, in any window.
const TOLERANCE: f64 = 2.0;

impl Gate {
    /// A call comes.
    pub fn enter(&mut self, rates: &Rates, lane: &Lane, now: Timestamp) {
        let of = rates.of(&lane.family);
        let most = f64::from(of.burst) + TOLERANCE;
        self.calls += 1;
        if !self.buckets.contains_key(lane) {
            self.buckets.insert(lane.clone(), (most, now));
        }
        let (tokens, filled) = self.buckets.get_mut(lane).expect("it was just put there");
        let passed = now.since(*filled).0 as f64 / 1e3;
        *tokens = (*tokens + passed * of.rate.as_per_second()).min(most);
        *filled = now;
        *tokens -= 1.0;
        self.refused += u64::from(*tokens < -1e-6);
    }
}
