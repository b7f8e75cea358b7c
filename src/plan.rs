//! Floor 2: makes the graph of a scope out of what its packs declare and what was found in the world.
//!
//! Pure: what was found enters as [`Found`] values, so this module never reads a target. petgraph stays in here;
//! outside, steps have names. A cycle is refused with the whole path.

mod edge;
mod graph;

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{ScopeId, StepId};
use crate::base::limits;
use crate::base::time::Millis;
use crate::model::plan::{
    FieldChange, Operation, PlannedStep, Reconcile, Reversal, ScopePlan, StepLimits, Work,
};
use crate::model::resource::{Action, ChecklistStep, Resource};

pub use graph::{Cycle, critical_path, layers, order};

/// What was found for one resource: the operation it needs and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What has to be done.
    pub operation: Operation,
    /// Field by field.
    pub changes: Vec<FieldChange>,
    /// Digest of the comparable view, if the object is there.
    pub seen: Option<crate::base::digest::Digest>,
    /// Its id, if our logs know it.
    pub id: Option<String>,
    /// What it takes to undo the operation.
    pub reversal: Reversal,
    /// How long to wait for it, and how often to look.
    pub limits: StepLimits,
}

/// An object our logs hold which no pack declares any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Leftover {
    /// What was last applied, under its old name.
    pub resource: Resource,
    /// What was found.
    pub found: Found,
}

/// What one scope's graph is made from.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The scope.
    pub scope: &'a ScopeId,
    /// Scopes that must have ended well before.
    pub needs: &'a BTreeSet<ScopeId>,
    /// What the packs declare.
    pub resources: &'a [Resource],
    /// Checklist items.
    pub checks: &'a [ChecklistStep],
    /// What is to be deleted.
    pub leftovers: &'a [Leftover],
    /// Deadline of one call.
    pub call_timeout: Millis,
}

/// Makes the graph of a scope out of its parts and what was found for each resource, which goes into the steps.
///
/// # Errors
///
/// The path of a cycle.
///
/// # Panics
///
/// If a resource has no `found`: the caller observes all of them.
pub fn scope_plan(parts: Parts<'_>, mut found: BTreeMap<StepId, Found>) -> Result<ScopePlan, Cycle> {
    let known: BTreeSet<StepId> = parts.resources.iter().map(|r| r.id.clone()).collect();
    let mut steps = BTreeMap::new();
    for resource in parts.resources {
        let found = found.remove(&resource.id).expect("every resource was looked for");
        steps.insert(resource.id.clone(), reconcile_step(parts, &known, resource, found));
    }
    for check in parts.checks {
        steps.insert(check.id.clone(), check_step(parts, &known, check));
    }
    let deleted: BTreeMap<&StepId, &Resource> =
        parts.leftovers.iter().map(|l| (&l.resource.id, &l.resource)).collect();
    for leftover in parts.leftovers {
        let mut step = reconcile_step(parts, &known, &leftover.resource, leftover.found.clone());
        step.after = edge::of_delete(&leftover.resource, &deleted);
        steps.insert(leftover.resource.id.clone(), step);
    }
    let plan = ScopePlan { needs: parts.needs.clone(), steps, calendar: None, expected: Millis(0) };
    graph::order(&plan)?;
    Ok(plan)
}

/// How many steps these make, before anything is known of the world.
///
/// # Errors
///
/// The path of a cycle.
pub fn count(resources: &[Resource], checks: &[ChecklistStep]) -> Result<usize, Cycle> {
    let known: BTreeSet<StepId> = resources.iter().map(|resource| resource.id.clone()).collect();
    let mut waits = graph::Waits::new();
    for resource in resources {
        let after = waits.entry(&resource.id).or_default();
        edge::each_of_resource(resource, &known, &mut |before, _| {
            after.insert(before);
        });
    }
    for check in checks {
        let after = waits.entry(&check.id).or_default();
        edge::each_of_check(check, &known, &mut |before, _| {
            after.insert(before);
        });
    }
    graph::order_of(&waits).map(|steps| steps.len())
}

fn reconcile_step(
    parts: Parts<'_>,
    known: &BTreeSet<StepId>,
    resource: &Resource,
    found: Found,
) -> PlannedStep {
    PlannedStep {
        work: Work::Reconcile(Reconcile {
            kind: resource.kind.clone(),
            via: resource.via.clone(),
            operation: found.operation,
            spec: resource.spec.clone(),
            changes: found.changes,
            seen: found.seen,
            id: found.id,
            reversal: found.reversal,
        }),
        after: edge::of_resource(resource, known),
        origin: Some(resource.origin.clone()),
        evidence: resource.evidence.clone(),
        limits: StepLimits { call_timeout: parts.call_timeout, ..found.limits },
    }
}

fn check_step(parts: Parts<'_>, known: &BTreeSet<StepId>, step: &ChecklistStep) -> PlannedStep {
    let Action::Check(check) = &step.action;
    PlannedStep {
        work: Work::Check { title: step.title.clone(), check: check.clone() },
        after: edge::of_check(step, known),
        origin: Some(step.origin.clone()),
        evidence: step.evidence.clone(),
        limits: StepLimits {
            call_timeout: parts.call_timeout,
            attempts_max: limits::ATTEMPTS_MAX,
            poll_every: limits::RETRY_BASE,
            ready_within: limits::SETTLE_MAX,
            expected: Millis(0),
        },
    }
}

#[cfg(test)]
mod tests;
