//! In which order resources are looked at: each after those of its scope that it waits for. Worked out once,
//! in time that grows with resources and references only.

use std::collections::{BTreeMap, BTreeSet};

use super::Wanted;
use crate::base::id::{ScopeId, StepId};
use crate::model::reference::{RefScope, references};
use crate::model::resource::Resource;
use crate::model::via::Via;
use crate::runner::known::Known;

/// A resource with the scope it is wanted for.
pub type One<'a, 'w> = (&'a Wanted<'w>, &'w Resource);

/// All resources in layers; what is in one layer can be looked at together.
pub fn layers<'a, 'w>(wanted: &[&'a Wanted<'w>], known: &Known) -> Vec<Vec<One<'a, 'w>>> {
    let mut layers: Vec<Vec<One<'a, 'w>>> = Vec::new();
    for one in wanted {
        for (depth, layer) in of_scope(one, known).into_iter().enumerate() {
            if layers.len() == depth {
                layers.push(Vec::new());
            }
            layers[depth].extend(layer.into_iter().map(|resource| (*one, resource)));
        }
    }
    layers
}

fn of_scope<'w>(wanted: &Wanted<'w>, known: &Known) -> Vec<Vec<&'w Resource>> {
    let by_id: BTreeMap<&StepId, &'w Resource> = wanted.resources.iter().map(|r| (&r.id, r)).collect();
    let mut unmet: BTreeMap<&StepId, usize> = BTreeMap::new();
    let mut dependants: BTreeMap<StepId, Vec<&'w Resource>> = BTreeMap::new();
    for resource in wanted.resources {
        let needs = needs(wanted.scope, resource, known);
        let needs: Vec<StepId> = needs.into_iter().filter(|id| by_id.contains_key(id)).collect();
        unmet.insert(&resource.id, needs.len());
        for need in needs {
            dependants.entry(need).or_default().push(resource);
        }
    }
    let mut layer: Vec<&Resource> =
        wanted.resources.iter().filter(|resource| unmet.get(&resource.id) == Some(&0)).collect();
    let mut layers = Vec::new();
    while !layer.is_empty() {
        let mut next = Vec::new();
        for done in &layer {
            unmet.remove(&done.id);
            for waiting in dependants.get(&done.id).into_iter().flatten() {
                if let Some(count) = unmet.get_mut(&waiting.id) {
                    *count -= 1;
                    next.extend((*count == 0).then_some(*waiting));
                }
            }
        }
        layers.push(std::mem::replace(&mut layer, next));
    }
    // A circle was refused before anything is looked at; should one get here, it is looked at as it is.
    let rest: Vec<&Resource> = unmet.keys().map(|id| by_id[*id]).collect();
    layers.extend((!rest.is_empty()).then_some(rest));
    layers
}

/// What a resource refers to, goes through or waits for inside its scope. Other scopes of its rank it never refers to, and those
/// of lower ranks have been looked at.
pub fn needs(scope: &ScopeId, resource: &Resource, known: &Known) -> BTreeSet<StepId> {
    let referred =
        references(&resource.spec).into_iter().filter(|reference| reference.scope == RefScope::Same);
    let own = resource.via.as_ref().and_then(Via::own).cloned();
    let targets = referred.filter_map(|reference| known.target_of(scope, &reference));
    targets.map(|(_, step)| step).chain(own).chain(resource.after.clone()).collect()
}
