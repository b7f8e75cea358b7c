//! What waits for what at a scope: steps of its plan, items, and the gates that its wave has to pass.

use std::collections::BTreeSet;

use crate::base::id::ScopeId;
use crate::model::criterion::Holds;
use crate::model::rendered::Rendered;
use crate::ops::desired::Desired;
use crate::ops::plan::{Asked, offline, select, waves};
use crate::validate::findings::Graph;

/// The graph of a scope. A gate that bars the site's wave comes before every step of the site.
pub(super) fn of_scope(desired: &Desired, rendered: &Rendered) -> Graph {
    let mut graph = Graph::default();
    for item in &rendered.items {
        graph.wait(item.id.as_str(), item.after.iter().map(ToString::to_string));
    }
    for gate in &rendered.gates {
        let items = gate.items.iter().flat_map(|pattern| named(rendered, pattern));
        let gates = gate.gates.iter().map(|other| gate_node(other));
        graph.wait(gate_node(gate.id.as_str()), items.chain(gates).collect::<Vec<_>>());
    }
    let barring: Vec<String> =
        barring(desired, &rendered.scope).into_iter().map(|gate| gate_node(&gate)).collect();
    let asked = match rendered.scope.site() {
        Some(code) => Asked::Sites(vec![code.to_string()]),
        None => Asked::All,
    };
    let plan = select(desired, &asked).and_then(|selection| offline(desired, selection));
    for (id, step) in
        plan.iter().filter_map(|plan| plan.scopes.get(&rendered.scope)).flat_map(|plan| &plan.steps)
    {
        let before = step.after.keys().map(ToString::to_string).chain(barring.iter().cloned());
        graph.wait(id.as_str(), before.collect::<Vec<_>>());
    }
    graph
}

/// Gates have names of their own kind, which no step can have.
fn gate_node(name: &str) -> String {
    format!("gate {name}")
}

fn named(rendered: &Rendered, pattern: &str) -> Vec<String> {
    let fits = |id: &str| match pattern.strip_suffix('*') {
        Some(beginning) => id.starts_with(beginning),
        None => id == pattern,
    };
    rendered.items.iter().map(|item| item.id.to_string()).filter(|id| fits(id)).collect()
}

/// The gates that a site's wave has to pass before it begins.
fn barring(desired: &Desired, scope: &ScopeId) -> BTreeSet<String> {
    let Some(code) = scope.site() else { return BTreeSet::new() };
    let Ok(selection) = select(desired, &Asked::Sites(vec![code.to_string()])) else {
        return BTreeSet::new();
    };
    let criteria = waves(desired, &selection).into_iter().flat_map(|wave| wave.entry);
    criteria
        .filter_map(|criterion| match criterion.holds {
            Holds::Gate(gate) => Some(gate.to_string()),
            _ => None,
        })
        .collect()
}
