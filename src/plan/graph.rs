//! The order of a scope's steps: cycles, layers, and the path that takes longest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::base::id::StepId;
use crate::model::plan::ScopePlan;

/// A circle of steps that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Cycle {
    /// The steps in the order they wait: each waits for the next, the last for the first.
    pub path: Vec<StepId>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.path {
            write!(f, "{step} → ")?;
        }
        match self.path.first() {
            Some(first) => first.fmt(f),
            None => Ok(()),
        }
    }
}

/// What each step waits for, in the order of names.
pub(super) type Waits<'p> = BTreeMap<&'p StepId, BTreeSet<&'p StepId>>;

fn waits_of(plan: &ScopePlan) -> Waits<'_> {
    plan.steps.iter().map(|(id, step)| (id, step.after.keys().collect())).collect()
}

struct Graph<'p> {
    inner: DiGraph<&'p StepId, ()>,
}

impl<'p> Graph<'p> {
    /// Edges run from what is waited for to what waits.
    fn of(waits: &Waits<'p>) -> Self {
        let mut inner = DiGraph::with_capacity(waits.len(), waits.len() * 2);
        let nodes: BTreeMap<&StepId, NodeIndex> = waits.keys().map(|id| (*id, inner.add_node(*id))).collect();
        for (id, after) in waits {
            for before in after {
                if let Some(from) = nodes.get(before) {
                    inner.add_edge(*from, nodes[id], ());
                }
            }
        }
        Self { inner }
    }

    fn cycle(&self) -> Option<Cycle> {
        let circles = tarjan_scc(&self.inner);
        let circle = circles.into_iter().find(|c| c.len() > 1 || self.inner.contains_edge(c[0], c[0]))?;
        Some(Cycle { path: self.walk(&circle) })
    }

    /// One round trip inside a strongly connected set, starting at its smallest name.
    fn walk(&self, circle: &[NodeIndex]) -> Vec<StepId> {
        let start = circle.iter().min_by_key(|n| self.inner[**n]).copied().unwrap_or(circle[0]);
        let mut path = vec![start];
        loop {
            let last = path[path.len() - 1];
            let waits_for =
                |n: NodeIndex| self.inner.edges_directed(n, petgraph::Incoming).map(|e| e.source());
            let next = waits_for(last).filter(|n| circle.contains(n)).min_by_key(|n| self.inner[*n]);
            match next {
                Some(next) if !path.contains(&next) => path.push(next),
                Some(next) => {
                    let from = path.iter().position(|n| *n == next).unwrap_or(0);
                    return path[from..].iter().map(|n| self.inner[*n].clone()).collect();
                }
                None => return path.iter().map(|n| self.inner[*n].clone()).collect(),
            }
        }
    }
}

/// The steps in an order in which each stands after all it waits for; among free ones the smallest name first.
///
/// # Errors
///
/// The path of a cycle.
pub fn order(plan: &ScopePlan) -> Result<Vec<&StepId>, Cycle> {
    order_of(&waits_of(plan))
}

/// The same for steps of which no plan was made.
///
/// # Errors
///
/// The path of a cycle.
pub(super) fn order_of<'p>(waits: &Waits<'p>) -> Result<Vec<&'p StepId>, Cycle> {
    let ordered: Vec<&StepId> = layers_of(waits).into_iter().flatten().collect();
    if ordered.len() == waits.len() {
        return Ok(ordered);
    }
    Err(Graph::of(waits).cycle().unwrap_or(Cycle { path: Vec::new() }))
}

/// The steps in layers: each layer waits only for the ones before it.
pub fn layers(plan: &ScopePlan) -> Vec<Vec<&StepId>> {
    layers_of(&waits_of(plan))
}

fn layers_of<'p>(waits: &Waits<'p>) -> Vec<Vec<&'p StepId>> {
    let known = |id: &&&StepId| waits.contains_key(**id);
    let mut unmet: BTreeMap<&StepId, usize> =
        waits.iter().map(|(id, after)| (*id, after.iter().filter(known).count())).collect();
    let mut dependants: BTreeMap<&StepId, Vec<&StepId>> = BTreeMap::new();
    for (id, after) in waits {
        for before in after {
            dependants.entry(before).or_default().push(id);
        }
    }
    let mut layer: Vec<&StepId> = unmet.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
    let mut layers = Vec::new();
    while !layer.is_empty() {
        let mut next = Vec::new();
        for done in &layer {
            for waiting in dependants.get(done).into_iter().flatten() {
                let count = unmet.get_mut(waiting).expect("dependants are steps of the plan");
                *count -= 1;
                if *count == 0 {
                    next.push(*waiting);
                }
            }
        }
        next.sort();
        layers.push(std::mem::replace(&mut layer, next));
    }
    layers
}

/// The chain of steps that takes longest, given what each takes, from first to last.
pub fn critical_path(plan: &ScopePlan, cost: impl Fn(&StepId) -> u64) -> Vec<&StepId> {
    let mut best: BTreeMap<&StepId, (u64, Option<&StepId>)> = BTreeMap::new();
    for id in layers(plan).into_iter().flatten() {
        let before = plan.steps[id]
            .after
            .keys()
            .filter_map(|b| best.get_key_value(b).map(|(key, (cost, _))| (*cost, *key)))
            .max();
        let (so_far, previous) = before.map_or((0, None), |(cost, id)| (cost, Some(id)));
        best.insert(id, (so_far + cost(id), previous));
    }
    let mut path = Vec::new();
    let mut at = best.iter().max_by_key(|(_, (cost, _))| *cost).map(|(id, _)| *id);
    while let Some(id) = at {
        path.push(id);
        at = best[id].1;
    }
    path.reverse();
    path
}
