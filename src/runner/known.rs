//! What is known of each step while a plan is made or carried out: its resolved spec and its outputs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::base::id::{ScopeId, StepId};
use crate::driver::Place;
use crate::model::reference::{RefScope, Reference, substitute};
use crate::model::via::Via;

/// What is known of one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Its spec with all references resolved. Empty until that is so.
    pub spec: Option<Value>,
    /// What the service told about the object.
    pub outputs: Map<String, Value>,
}

/// What is known of all steps of all scopes.
#[derive(Debug, Clone, Default)]
pub struct Known {
    scopes: BTreeMap<ScopeId, ScopeFacts>,
    none: BTreeSet<StepId>,
}

#[derive(Debug, Clone, Default)]
struct ScopeFacts {
    region: Option<ScopeId>,
    ids: BTreeSet<StepId>,
    facts: BTreeMap<StepId, Facts>,
}

impl Known {
    /// Declares a scope: the region it lies in, and the names of its steps.
    pub fn declare(
        &mut self,
        scope: &ScopeId,
        region: Option<ScopeId>,
        ids: impl IntoIterator<Item = StepId>,
    ) {
        let own = self.scopes.entry(scope.clone()).or_default();
        own.region = region;
        own.ids.extend(ids);
    }

    /// Takes in what is known of other scopes.
    pub fn absorb(&mut self, other: Known) {
        self.scopes.extend(other.scopes);
    }

    /// Notes what the service told about a step's object.
    pub fn set_outputs(&mut self, scope: &ScopeId, step: &StepId, outputs: Map<String, Value>) {
        self.facts_mut(scope, step).outputs = outputs;
    }

    /// Notes a step's resolved spec.
    pub fn set_spec(&mut self, scope: &ScopeId, step: &StepId, spec: Value) {
        self.facts_mut(scope, step).spec = Some(spec);
    }

    /// Forgets what the service told: the object is gone or will be made anew.
    pub fn forget(&mut self, scope: &ScopeId, step: &StepId) {
        self.facts_mut(scope, step).outputs.clear();
    }

    /// Forgets all of it: the object is gone for good.
    pub fn remove(&mut self, scope: &ScopeId, step: &StepId) {
        if let Some(own) = self.scopes.get_mut(scope) {
            own.facts.remove(step);
        }
    }

    fn facts_mut(&mut self, scope: &ScopeId, step: &StepId) -> &mut Facts {
        let own = self.scopes.entry(scope.clone()).or_default();
        own.ids.insert(step.clone());
        own.facts.entry(step.clone()).or_default()
    }

    /// What is known of a step.
    pub fn facts(&self, scope: &ScopeId, step: &StepId) -> Option<&Facts> {
        self.scopes.get(scope)?.facts.get(step)
    }

    /// Puts known values in the place of references; what is not known yet is returned and stays as written.
    pub fn resolve(&self, scope: &ScopeId, value: &Value) -> (Value, Vec<Reference>) {
        let ids = |of: RefScope| match self.scope_of(scope, of).and_then(|there| self.scopes.get(&there)) {
            Some(there) => &there.ids,
            None => &self.none,
        };
        let (filled, missing) =
            substitute(value, &ids, &|of, step, output| self.look_up(scope, of, step, output));
        (filled, missing.into_iter().map(|unresolved| unresolved.reference).collect())
    }

    /// The step behind a reference, with its scope.
    pub fn target_of(&self, scope: &ScopeId, reference: &Reference) -> Option<(ScopeId, StepId)> {
        let there = self.scope_of(scope, reference.scope)?;
        let target = reference.target(&self.scopes.get(&there)?.ids)?;
        Some((there, target.step))
    }

    /// The scope and the step of the workspace that a resource of this scope is reached through.
    pub fn home(&self, scope: &ScopeId, via: &Via) -> Option<(ScopeId, StepId)> {
        Some((self.scope_of(scope, via.scope())?, via.step().clone()))
    }

    /// Where the calls of a resource go: through the named workspace of its scope or its region, or to the account.
    /// None while the workspace is not there.
    pub fn place(&self, scope: &ScopeId, via: Option<&Via>) -> Option<Place> {
        let Some(via) = via else { return Some(Place::Account) };
        let (there, step) = self.home(scope, via)?;
        let outputs = &self.facts(&there, &step)?.outputs;
        let text = |field: &str| match outputs.get(field)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Some(Place::Workspace {
            workspace_id: text("workspace_id")?,
            deployment_name: text("deployment_name").unwrap_or_default(),
        })
    }

    fn scope_of(&self, scope: &ScopeId, of: RefScope) -> Option<ScopeId> {
        match of {
            RefScope::Same => Some(scope.clone()),
            RefScope::Account => Some(ScopeId::Account),
            RefScope::Region => self.scopes.get(scope)?.region.clone(),
        }
    }

    /// The desired value where a spec has one, else what the service told. The spec comes first because a change
    /// under way makes it true before the next reader needs it.
    fn look_up(&self, scope: &ScopeId, of: RefScope, step: &StepId, output: &str) -> Option<Value> {
        let there = self.scopes.get(&self.scope_of(scope, of)?)?;
        let facts = there.facts.get(step)?;
        let pointer = format!("/{}", output.replace('.', "/"));
        let desired = facts.spec.as_ref().and_then(|spec| spec.pointer(&pointer)).cloned();
        desired.or_else(|| facts.outputs.get(output).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(text: &str) -> StepId {
        StepId::new(text).unwrap()
    }

    #[test]
    fn references_reach_the_region_and_the_account() {
        let site: ScopeId = "site/HRB01".parse().unwrap();
        let region: ScopeId = "region/us-east-1".parse().unwrap();
        let mut known = Known::default();
        known.declare(&site, Some(region.clone()), [id("workspace.prod")]);
        known.declare(&region, None, [id("metastore.primary")]);
        let outputs = |value: Value| value.as_object().unwrap().clone();
        known.set_outputs(&region, &id("metastore.primary"), outputs(json!({"metastore_id": "m-1"})));
        let spec =
            json!({"m": "${region:metastore.primary.metastore_id}", "w": "${workspace.prod.workspace_id}"});
        let (resolved, missing) = known.resolve(&site, &spec);
        assert_eq!(resolved, json!({"m": "m-1", "w": "${workspace.prod.workspace_id}"}));
        assert_eq!(known.target_of(&site, &missing[0]), Some((site.clone(), id("workspace.prod"))));
        assert_eq!(known.place(&site, Some(&id("workspace.prod").into())), None);
        let told = json!({"workspace_id": 77, "deployment_name": "dbc-1"});
        known.set_outputs(&site, &id("workspace.prod"), outputs(told));
        let place = Place::Workspace { workspace_id: "77".into(), deployment_name: "dbc-1".into() };
        assert_eq!(known.place(&site, Some(&id("workspace.prod").into())), Some(place));
    }

    #[test]
    fn the_desired_value_comes_before_what_was_told() {
        let mut known = Known::default();
        let scope = ScopeId::Account;
        known.declare(&scope, None, [id("catalog.a")]);
        known.set_outputs(&scope, &id("catalog.a"), json!({"owner": "old"}).as_object().unwrap().clone());
        known.set_spec(&scope, &id("catalog.a"), json!({"owner": "new"}));
        assert_eq!(known.resolve(&scope, &json!("${catalog.a.owner}")).0, json!("new"));
    }
}
