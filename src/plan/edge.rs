//! Which steps a step waits for, and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::StepId;
use crate::model::plan::EdgeReason;
use crate::model::reference::{RefScope, references};
use crate::model::resource::{Action, ChecklistStep, Resource};
use crate::model::via::Via;
use serde_json::Value;

type Edges = BTreeMap<StepId, EdgeReason>;

/// Told of each step that one waits for, with what gives the reason; the first reason for a step counts.
type See<'s, 'p> = dyn FnMut(&'p StepId, &dyn Fn() -> EdgeReason) + 's;

/// A resource waits for what its spec refers to, for the workspace it is reached through, and for what its pack says.
pub fn each_of_resource<'p>(resource: &'p Resource, known: &'p BTreeSet<StepId>, see: &mut See<'_, 'p>) {
    each_reference(&resource.spec, None, known, see);
    // A workspace of the region is there before any step of the site begins.
    if let Some(via) = resource.via.as_ref().and_then(Via::own) {
        see(via, &|| EdgeReason::Via);
    }
    resource.after.iter().for_each(|before| see(before, &|| EdgeReason::Declared));
}

/// A check waits for what it reads and for what its expectations refer to.
pub fn each_of_check<'p>(step: &'p ChecklistStep, known: &'p BTreeSet<StepId>, see: &mut See<'_, 'p>) {
    let Action::Check(check) = &step.action;
    see(&check.read, &|| EdgeReason::Reads);
    for (index, expectation) in check.expect.iter().enumerate() {
        let one_of = expectation.one_of.iter().flatten();
        for value in expectation.equals.iter().chain(one_of) {
            each_reference(value, Some(index), known, see);
        }
    }
    step.after.iter().for_each(|before| see(before, &|| EdgeReason::Declared));
}

/// What a resource waits for, and why.
pub fn of_resource(resource: &Resource, known: &BTreeSet<StepId>) -> Edges {
    let mut edges = Edges::new();
    each_of_resource(resource, known, &mut |before, reason| add(&mut edges, before, reason));
    edges
}

/// What a check waits for, and why.
pub fn of_check(step: &ChecklistStep, known: &BTreeSet<StepId>) -> Edges {
    let mut edges = Edges::new();
    each_of_check(step, known, &mut |before, reason| add(&mut edges, before, reason));
    edges
}

fn add(edges: &mut Edges, before: &StepId, reason: &dyn Fn() -> EdgeReason) {
    if !edges.contains_key(before) {
        edges.insert(before.clone(), reason());
    }
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

/// The steps of this scope that a value refers to; `index` says in which expectation of a check it stands.
fn each_reference<'p>(
    value: &Value,
    index: Option<usize>,
    known: &'p BTreeSet<StepId>,
    see: &mut See<'_, 'p>,
) {
    let under = || index.map_or_else(String::new, |index| format!("/expect/{index}"));
    for reference in references(value).into_iter().filter(|r| r.scope == RefScope::Same) {
        if let Some((step, _)) = reference.target_in(known) {
            see(step, &|| EdgeReason::Reference(format!("{}{}", under(), reference.at)));
        }
    }
}
