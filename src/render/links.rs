//! Checks what rendered objects name: steps to wait for, workspaces to go through, objects to read, references.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::{RegionName, ScopeId, StepId};
use crate::model::estate::Loaded;
use crate::model::reference::{RefScope, Reference, references};
use crate::model::rendered::Rendered;
use crate::model::resource::{Action, ChecklistStep, Resource};
use crate::model::via::Via;

use super::checklist;
use super::document::OuterNeed;

/// The kind whose objects calls can go through.
const WORKSPACE: &str = "databricks.workspace";

/// The objects of a scope, and of the scopes it rests on. A scope that could not be rendered is not there, and
/// nothing is said about references to it.
struct Known<'r> {
    rendered: &'r BTreeMap<ScopeId, Rendered>,
    resources: &'r BTreeMap<ScopeId, BTreeSet<StepId>>,
    /// What a step of each scope can wait for. Items and gates are not among it: a run never waits for people.
    steps: &'r BTreeMap<&'r ScopeId, BTreeSet<&'r StepId>>,
    region: Option<ScopeId>,
}

impl Known<'_> {
    /// The scope that is meant, if this scope has such a neighbour.
    fn other<'s>(&'s self, own: &'s ScopeId, scope: RefScope) -> Result<&'s ScopeId, &'static str> {
        match (scope, own) {
            (RefScope::Same, _) => Ok(own),
            (RefScope::Region, _) => self.region.as_ref().ok_or("only a site has a region"),
            (RefScope::Account, ScopeId::Region(_) | ScopeId::Site(_)) => Ok(&ScopeId::Account),
            (RefScope::Account, ScopeId::Account) => Err("this is the account: leave `account:` out"),
        }
    }
}

/// Checks all scopes and names those with a problem.
pub(super) fn check(
    loaded: &Loaded,
    rendered: &BTreeMap<ScopeId, Rendered>,
    outer: &BTreeMap<ScopeId, Vec<OuterNeed>>,
    found: &mut Diagnostics,
) -> BTreeSet<ScopeId> {
    let ids = |scope: &Rendered| scope.resources.iter().map(|resource| resource.id.clone()).collect();
    let resources: BTreeMap<ScopeId, BTreeSet<StepId>> =
        rendered.iter().map(|(id, scope)| (id.clone(), ids(scope))).collect();
    let steps: BTreeMap<&ScopeId, BTreeSet<&StepId>> =
        rendered.iter().map(|(id, scope)| (id, steps_of(scope))).collect();
    let mut bad = BTreeSet::new();
    for scope in rendered.values() {
        let site = scope.scope.site().and_then(|code| loaded.site(code));
        let region = site.and_then(|site| RegionName::new(site.region.value.as_str()).ok());
        let known =
            Known { rendered, resources: &resources, steps: &steps, region: region.map(ScopeId::Region) };
        let mut problems = Diagnostics::default();
        let links = Links { scope, known: &known };
        scope.resources.iter().for_each(|resource| links.resource(resource, &mut problems));
        scope.steps.iter().for_each(|step| links.step(step, &mut problems));
        outer.get(&scope.scope).into_iter().flatten().for_each(|need| links.outer(need, &mut problems));
        checklist::names::check(loaded, scope, rendered, &mut problems);
        if problems.has_errors() {
            bad.insert(scope.scope.clone());
        }
        found.extend(problems);
    }
    checklist::names::gates_of_stages(loaded, rendered, found);
    bad
}

fn steps_of(scope: &Rendered) -> BTreeSet<&StepId> {
    let resources = scope.resources.iter().map(|resource| &resource.id);
    resources.chain(scope.steps.iter().map(|step| &step.id)).collect()
}

struct Links<'l> {
    scope: &'l Rendered,
    known: &'l Known<'l>,
}

impl Links<'_> {
    fn resource(&self, resource: &Resource, found: &mut Diagnostics) {
        self.after(&resource.id, &resource.after, found);
        if let Some(via) = &resource.via {
            self.through(&resource.id, via, found);
        }
        self.references(&resource.id, &resource.spec, found);
    }

    fn through(&self, id: &StepId, via: &Via, found: &mut Diagnostics) {
        let scope = match self.known.other(&self.scope.scope, via.scope()) {
            Ok(other) if *other == self.scope.scope => self.scope,
            Ok(other) => {
                let Some(rendered) = self.known.rendered.get(other) else { return };
                rendered
            }
            Err(why) => {
                let message = format!("`{id}` goes through `{via}`: {why}");
                found.push(self.problem(id, message, "", std::iter::empty()));
                return;
            }
        };
        let workspaces = scope.resources.iter().filter(|r| r.kind.as_str() == WORKSPACE).map(|r| &r.id);
        if !workspaces.clone().any(|workspace| workspace == via.step()) {
            let message = format!("`{id}` goes through `{via}`, which is not there");
            let workspaces: BTreeSet<&StepId> = workspaces.collect();
            found.push(self.problem(id, message, via.step().as_str(), workspaces.into_iter()));
        }
    }

    fn step(&self, step: &ChecklistStep, found: &mut Diagnostics) {
        self.after(&step.id, &step.after, found);
        match &step.action {
            Action::Check(check) => {
                let is_there = self.own_resources().is_some_and(|known| known.contains(&check.read));
                if !is_there {
                    let resources = self.own_resources().into_iter().flatten();
                    found.push(self.missing(&step.id, "reads", &check.read, resources));
                }
                for expectation in &check.expect {
                    let values = expectation.equals.iter().chain(expectation.one_of.iter().flatten());
                    values.for_each(|value| self.references(&step.id, value, found));
                }
            }
        }
    }

    fn after(&self, id: &StepId, after: &[StepId], found: &mut Diagnostics) {
        let Some(known) = self.known.steps.get(&self.scope.scope) else { return };
        for name in after {
            if !known.contains(name) {
                found.push(self.missing(id, "waits for", name, known.iter().copied()));
            }
        }
    }

    fn own_resources(&self) -> Option<&BTreeSet<StepId>> {
        self.known.resources.get(&self.scope.scope)
    }

    fn missing<'k>(
        &self,
        id: &StepId,
        does: &str,
        name: &StepId,
        known: impl Iterator<Item = &'k StepId>,
    ) -> Diagnostic {
        self.problem(id, format!("`{id}` {does} `{name}`, which is not there"), name.as_str(), known)
    }

    fn outer(&self, need: &OuterNeed, found: &mut Diagnostics) {
        match self.known.other(&self.scope.scope, need.scope) {
            Ok(other) => {
                let Some(steps) = self.known.steps.get(other) else { return };
                if !steps.contains(&need.needs) {
                    let message =
                        format!("`{}` waits for `{}` of {other}, which is not there", need.step, need.needs);
                    found.push(self.problem(&need.step, message, need.needs.as_str(), steps.iter().copied()));
                }
            }
            Err(why) => {
                let message = format!("`{}` waits for `{}`: {why}", need.step, need.needs);
                found.push(self.problem(&need.step, message, "", std::iter::empty()));
            }
        }
    }

    fn references(&self, id: &StepId, value: &Value, found: &mut Diagnostics) {
        for reference in references(value) {
            match self.known.other(&self.scope.scope, reference.scope) {
                Ok(other) => {
                    let Some(ids) = self.known.resources.get(other) else { continue };
                    if reference.target(ids).is_none() {
                        let message = format!("`{id}` refers to `{reference}`, which is not there");
                        found.push(self.problem(id, message, likely_id(&reference), ids.iter()));
                    }
                }
                Err(why) => {
                    let message = format!("`{id}` refers to `{reference}`: {why}");
                    found.push(self.problem(id, message, "", std::iter::empty()));
                }
            }
        }
    }

    fn problem<'k>(
        &self,
        id: &StepId,
        message: String,
        typed: &str,
        known: impl Iterator<Item = &'k StepId>,
    ) -> Diagnostic {
        let mut problem = Diagnostic::error("render.unknown-reference", message);
        if let Some(span) = self.scope.places.get(id) {
            problem = problem.at(span.clone(), "declared here");
        }
        problem = problem.note(format!("rendered for {}", self.scope.scope));
        match nearest(typed, known.map(StepId::as_str)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        }
    }
}

/// The part of a reference that was most likely meant as the id: all but the last word.
fn likely_id(reference: &Reference) -> &str {
    reference.path.rsplit_once('.').map_or(&reference.path, |(id, _)| id)
}
