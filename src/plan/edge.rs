//! Which steps a step waits for, and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::StepId;
use crate::model::plan::EdgeReason;
use crate::model::reference::{RefScope, references};
use crate::model::resource::{Check, ChecklistStep, Resource};
use crate::model::via::Via;
use serde_json::Value;

type Edges = BTreeMap<StepId, EdgeReason>;

/// A resource waits for what its spec refers to, for the workspace it is reached through, and for what its pack says.
pub fn of_resource(resource: &Resource, known: &BTreeSet<StepId>) -> Edges {
    let mut edges = Edges::new();
    add_references(&mut edges, &resource.spec, "", known);
    // A workspace of the region is there before any step of the site begins.
    if let Some(via) = resource.via.as_ref().and_then(Via::own) {
        edges.entry(via.clone()).or_insert(EdgeReason::Via);
    }
    for before in &resource.after {
        edges.entry(before.clone()).or_insert(EdgeReason::Declared);
    }
    edges
}

/// A check waits for what it reads and for what its expectations refer to.
pub fn of_check(step: &ChecklistStep, check: &Check, known: &BTreeSet<StepId>) -> Edges {
    let mut edges = Edges::new();
    edges.insert(check.read.clone(), EdgeReason::Reads);
    for (index, expectation) in check.expect.iter().enumerate() {
        let one_of = expectation.one_of.iter().flatten();
        for value in expectation.equals.iter().chain(one_of) {
            add_references(&mut edges, value, &format!("/expect/{index}"), known);
        }
    }
    for before in &step.after {
        edges.entry(before.clone()).or_insert(EdgeReason::Declared);
    }
    edges
}

/// A delete waits for the deletes of all that rests on it: the edges of making, turned round.
pub fn of_delete(resource: &Resource, deleted: &BTreeMap<&StepId, &Resource>) -> Edges {
    let rests_on = |other: &Resource| {
        other.after.contains(&resource.id) || other.via.as_ref().and_then(Via::own) == Some(&resource.id)
    };
    deleted
        .values()
        .filter(|other| other.id != resource.id && rests_on(other))
        .map(|other| (other.id.clone(), EdgeReason::Deletes))
        .collect()
}

fn add_references(edges: &mut Edges, value: &Value, under: &str, known: &BTreeSet<StepId>) {
    for reference in references(value).into_iter().filter(|r| r.scope == RefScope::Same) {
        if let Some(target) = reference.target(known) {
            edges.entry(target.step).or_insert(EdgeReason::Reference(format!("{under}{}", reference.at)));
        }
    }
}
