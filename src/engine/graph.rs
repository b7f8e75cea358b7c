//! The plan's edges the other way round, and the longest path behind each step, computed once.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::StepId;
use crate::base::time::Millis;
use crate::model::plan::{Operation, PlannedStep, ScopePlan, Work};

/// What the fold needs to know of a plan.
#[derive(Debug, PartialEq)]
pub(super) struct Graph {
    nodes: BTreeMap<StepId, Node>,
}

/// One step of it.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    /// What the plan found to be necessary; none for a check.
    pub operation: Option<Operation>,
    /// Steps that must have succeeded before.
    pub needs: Vec<StepId>,
    /// Steps that wait for this one.
    pub dependants: Vec<StepId>,
    /// How long it and what waits for it are expected to take, on the longest chain.
    pub remaining: Millis,
}

impl Graph {
    pub fn new(plan: &ScopePlan) -> Self {
        let node = |step: &PlannedStep| Node {
            operation: match &step.work {
                Work::Reconcile(reconcile) => Some(reconcile.operation),
                Work::Check { .. } => None,
            },
            needs: step.after.keys().cloned().collect(),
            dependants: Vec::new(),
            remaining: takes(step),
        };
        let mut nodes: BTreeMap<StepId, Node> =
            plan.steps.iter().map(|(id, step)| (id.clone(), node(step))).collect();
        for (id, step) in &plan.steps {
            for need in step.after.keys() {
                let node = nodes.get_mut(need).expect("edge-to-a-step: a plan's edges stay inside its scope");
                node.dependants.push(id.clone());
            }
        }
        let mut graph = Self { nodes };
        graph.weigh();
        graph
    }

    /// Adds to each step the longest path behind it, from the ends of the graph backward; each edge is seen once.
    fn weigh(&mut self) {
        let mut open: BTreeMap<StepId, usize> =
            self.nodes.iter().map(|(id, node)| (id.clone(), node.dependants.len())).collect();
        let mut ready: Vec<StepId> =
            open.iter().filter(|(_, count)| **count == 0).map(|(id, _)| id.clone()).collect();
        while let Some(id) = ready.pop() {
            let behind = self.node(&id).dependants.iter().map(|dependant| self.node(dependant).remaining);
            let longest = behind.max().unwrap_or_default();
            let node = self.nodes.get_mut(&id).expect("step-of-the-plan: it was taken from the graph");
            node.remaining = Millis(node.remaining.0.saturating_add(longest.0));
            for need in &self.nodes[&id].needs {
                let count = open.get_mut(need).expect("edge-to-a-step: a plan's edges stay inside its scope");
                *count -= 1;
                if *count == 0 {
                    ready.push(need.clone());
                }
            }
        }
    }

    pub fn nodes(&self) -> &BTreeMap<StepId, Node> {
        &self.nodes
    }

    pub fn node(&self, step: &StepId) -> &Node {
        self.nodes.get(step).expect("step-of-the-plan: events name steps of the plan")
    }

    /// Everything that waits for this step, directly or through others, as far as `open` holds.
    pub fn behind(&self, step: &StepId, open: impl Fn(&StepId) -> bool) -> BTreeSet<StepId> {
        let mut found = BTreeSet::new();
        let mut stack = vec![step];
        while let Some(next) = stack.pop() {
            for dependant in &self.node(next).dependants {
                if open(dependant) && found.insert(dependant.clone()) {
                    stack.push(dependant);
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
