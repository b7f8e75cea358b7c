//! What a plan says across its sites: patterns, and room under the limits of the services.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::id::{ScopeId, StepId};
use crate::model::holdings::Holdings;
use crate::model::plan::{Overview, Plan};
use crate::ops::desired::Desired;
use crate::ops::observe::World;
use crate::pattern::{Origins, patterns};
use crate::render;

/// Looks over a plan that was just made.
pub fn of(
    desired: &Desired,
    plan: &Plan,
    holdings: &BTreeMap<ScopeId, Holdings>,
    _world: &World,
) -> Overview {
    let sites = desired
        .rendered
        .iter()
        .filter(|(scope, _)| scope.site().is_some() && plan.scopes.contains_key(scope));
    let sites = sites.map(|(scope, rendered)| (scope.clone(), rendered)).collect();
    let outlines = render::outlines(&desired.loaded, &desired.resolved, &sites);
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
    Overview { patterns: patterns(plan, origins), room: Vec::new() }
}
