//! Checks what rendered objects name: steps to wait for, workspaces to go through, objects to read, references.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::{RegionName, ScopeId, StepId};
use crate::model::estate::Loaded;
use crate::model::reference::{RefScope, Reference, references};
use crate::model::rendered::Rendered;
use crate::model::resource::{Action, ChecklistStep, Resource};

/// The kind whose objects calls can go through.
const WORKSPACE: &str = "databricks.workspace";

/// The objects of a scope, and of the scopes it rests on. A scope that could not be rendered is not there, and
/// nothing is said about references to it.
struct Known<'r> {
    resources: &'r BTreeMap<ScopeId, BTreeSet<StepId>>,
    region: Option<ScopeId>,
}

impl Known<'_> {
    /// The ids a reference may name; none if nothing can be said, an error if the scope has no such neighbour.
    fn ids(&self, own: &ScopeId, scope: RefScope) -> Result<Option<&BTreeSet<StepId>>, &'static str> {
        let other = match (scope, own) {
            (RefScope::Same, _) => own,
            (RefScope::Region, _) => self.region.as_ref().ok_or("only a site has a region")?,
            (RefScope::Account, ScopeId::Region(_) | ScopeId::Site(_)) => &ScopeId::Account,
            (RefScope::Account, ScopeId::Account) => return Err("this is the account: leave `account:` out"),
        };
        Ok(self.resources.get(other))
    }
}

/// Checks all scopes and names those with a problem.
pub(super) fn check(
    loaded: &Loaded,
    rendered: &BTreeMap<ScopeId, Rendered>,
    found: &mut Diagnostics,
) -> BTreeSet<ScopeId> {
    let ids = |scope: &Rendered| scope.resources.iter().map(|resource| resource.id.clone()).collect();
    let resources: BTreeMap<ScopeId, BTreeSet<StepId>> =
        rendered.iter().map(|(id, scope)| (id.clone(), ids(scope))).collect();
    let mut bad = BTreeSet::new();
    for scope in rendered.values() {
        let site = scope.scope.site().and_then(|code| loaded.site(code));
        let region = site.and_then(|site| RegionName::new(site.region.value.as_str()).ok());
        let known = Known { resources: &resources, region: region.map(ScopeId::Region) };
        let mut problems = Diagnostics::default();
        let links = Links { scope, known: &known };
        scope.resources.iter().for_each(|resource| links.resource(resource, &mut problems));
        scope.steps.iter().for_each(|step| links.step(step, &mut problems));
        if problems.has_errors() {
            bad.insert(scope.scope.clone());
        }
        found.extend(problems);
    }
    bad
}

struct Links<'l> {
    scope: &'l Rendered,
    known: &'l Known<'l>,
}

impl Links<'_> {
    fn resource(&self, resource: &Resource, found: &mut Diagnostics) {
        self.after(&resource.id, &resource.after, found);
        if let Some(via) = &resource.via {
            let workspaces =
                self.scope.resources.iter().filter(|r| r.kind.as_str() == WORKSPACE).map(|r| &r.id);
            self.named(&resource.id, "goes through", via, workspaces.collect(), found);
        }
        self.references(&resource.id, &resource.spec, found);
    }

    fn step(&self, step: &ChecklistStep, found: &mut Diagnostics) {
        self.after(&step.id, &step.after, found);
        match &step.action {
            Action::Check(check) => {
                let resources = self.scope.resources.iter().map(|resource| &resource.id).collect();
                self.named(&step.id, "reads", &check.read, resources, found);
                for expectation in &check.expect {
                    let values = expectation.equals.iter().chain(expectation.one_of.iter().flatten());
                    values.for_each(|value| self.references(&step.id, value, found));
                }
            }
        }
    }

    fn after(&self, id: &StepId, after: &[StepId], found: &mut Diagnostics) {
        for name in after {
            self.named(id, "waits for", name, self.scope.places.keys().collect(), found);
        }
    }

    fn named(
        &self,
        id: &StepId,
        does: &str,
        name: &StepId,
        known: BTreeSet<&StepId>,
        found: &mut Diagnostics,
    ) {
        if known.contains(name) {
            return;
        }
        let message = format!("`{id}` {does} `{name}`, which is not there");
        found.push(self.problem(id, message, name.as_str(), known.into_iter()));
    }

    fn references(&self, id: &StepId, value: &Value, found: &mut Diagnostics) {
        for reference in references(value) {
            match self.known.ids(&self.scope.scope, reference.scope) {
                Ok(Some(ids)) if reference.target(ids).is_none() => {
                    let message = format!("`{id}` refers to `{reference}`, which is not there");
                    let typed = likely_id(&reference);
                    found.push(self.problem(id, message, typed, ids.iter()));
                }
                Ok(_) => {}
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
