//! The plan's edges the other way round, and the longest path behind each step, computed once.
//!
//! Inside an engine a step is its place in the order of names: names are compared where something comes in, and nowhere else.

use std::collections::BTreeSet;

use crate::base::id::StepId;
use crate::base::time::Millis;
use crate::model::plan::{Operation, PlannedStep, ScopePlan, Work};

/// What the fold needs to know of a plan.
#[derive(Debug, PartialEq)]
pub(super) struct Graph {
    /// In order.
    names: Vec<StepId>,
    /// In the same order.
    nodes: Vec<Node>,
}

/// One step of it.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    /// What the plan found to be necessary; none for a check.
    pub operation: Option<Operation>,
    /// Steps that must have succeeded before.
    pub needs: Vec<usize>,
    /// Steps that wait for this one.
    pub dependants: Vec<usize>,
    /// How long it and what waits for it are expected to take, on the longest chain.
    pub remaining: Millis,
}

impl Graph {
    pub fn new(plan: &ScopePlan) -> Self {
        let names: Vec<StepId> = plan.steps.keys().cloned().collect();
        let place = |step: &StepId| {
            names.binary_search(step).expect("edge-to-a-step: a plan's edges stay inside its scope")
        };
        let node = |step: &PlannedStep| Node {
            operation: match &step.work {
                Work::Reconcile(reconcile) => Some(reconcile.operation),
                Work::Check { .. } => None,
            },
            needs: step.after.keys().map(place).collect(),
            dependants: Vec::new(),
            remaining: takes(step),
        };
        let mut nodes: Vec<Node> = plan.steps.values().map(node).collect();
        for at in 0..nodes.len() {
            for turn in 0..nodes[at].needs.len() {
                let need = nodes[at].needs[turn];
                nodes[need].dependants.push(at);
            }
        }
        let mut graph = Self { names, nodes };
        graph.weigh();
        graph
    }

    /// Adds to each step the longest path behind it, from the ends of the graph backward; each edge is seen once.
    fn weigh(&mut self) {
        let mut open: Vec<usize> = self.nodes.iter().map(|node| node.dependants.len()).collect();
        let mut ready: Vec<usize> = (0..open.len()).filter(|at| open[*at] == 0).collect();
        while let Some(at) = ready.pop() {
            let behind = self.nodes[at].dependants.iter().map(|dependant| self.nodes[*dependant].remaining);
            let longest = behind.max().unwrap_or_default();
            let node = &mut self.nodes[at];
            node.remaining = Millis(node.remaining.0.saturating_add(longest.0));
            for need in &node.needs {
                open[*need] -= 1;
                if open[*need] == 0 {
                    ready.push(*need);
                }
            }
        }
    }

    /// The place of a step.
    pub fn place(&self, step: &StepId) -> Option<usize> {
        self.names.binary_search(step).ok()
    }

    /// The names of all steps, in order.
    pub fn names(&self) -> &[StepId] {
        &self.names
    }

    pub fn name(&self, at: usize) -> &StepId {
        &self.names[at]
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// Everything that waits for this step, directly or through others, as far as `open` holds.
    pub fn behind(&self, step: usize, open: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut stack = vec![step];
        while let Some(next) = stack.pop() {
            for dependant in &self.node(next).dependants {
                if open(*dependant) && found.insert(*dependant) {
                    stack.push(*dependant);
                }
            }
        }
        found
    }
}

/// How long a step is expected to take. Where nothing is to be done, and where nothing is known, it is one look, so that
/// of two chains about which nothing is known the longer one still comes first.
fn takes(step: &PlannedStep) -> Millis {
    if step.mutates() { step.limits.expected.max(Millis(1)) } else { Millis(1) }
}
