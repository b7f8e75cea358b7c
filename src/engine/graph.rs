//! The plan's edges the other way round, computed once.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::StepId;
use crate::model::plan::{Operation, ScopePlan, Work};

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
    pub needs: usize,
    /// Steps that wait for this one.
    pub dependants: Vec<StepId>,
}

impl Graph {
    pub fn new(plan: &ScopePlan) -> Self {
        let node = |step: &crate::model::plan::PlannedStep| Node {
            operation: match &step.work {
                Work::Reconcile(reconcile) => Some(reconcile.operation),
                Work::Check { .. } => None,
            },
            needs: step.after.len(),
            dependants: Vec::new(),
        };
        let mut nodes: BTreeMap<StepId, Node> =
            plan.steps.iter().map(|(id, step)| (id.clone(), node(step))).collect();
        for (id, step) in &plan.steps {
            for need in step.after.keys() {
                let node = nodes.get_mut(need).expect("edge-to-a-step: a plan's edges stay inside its scope");
                node.dependants.push(id.clone());
            }
        }
        Self { nodes }
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
