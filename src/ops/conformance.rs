//! How every site stands against the baseline: what the packs ask for now, against what is there. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{KindName, LogId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::drift::Standings;
use crate::evidence::scan;
use crate::journal::Journal;
use crate::model::drift::{Basis, Drift, DriftClass, FieldDrift};
use crate::model::outcome::Cause;
use crate::model::plan::{FieldChange, Operation};
use crate::model::resource::{Action, ChecklistStep, Resource};
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::drift::asked as chosen_scopes;
use crate::ops::error::Failure;
use crate::ops::observe::{World, observe_declared};
use crate::ops::plan::{Asked, read_holdings};
use crate::ops::target::Reached;
use crate::plan::{Found, Leftover};
use crate::report::conformance::{Conformance, Deviation, Mark, Setting};

/// Looks at the scopes that were asked for. What cannot be read is told as not looked at.
///
/// # Errors
///
/// If the selection names what is not there, or a log is damaged.
pub async fn look(
    context: &Context,
    desired: &Desired,
    asked: &Asked,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<Conformance, Failure> {
    let declared = |scope: &ScopeId| desired.rendered.contains_key(scope);
    let scopes: BTreeSet<ScopeId> =
        chosen_scopes(desired, journal, asked)?.into_iter().filter(declared).collect();
    let holdings = read_holdings(journal, &scopes)?;
    let world = observe_declared(&reached.reads(), desired, &scopes, &holdings).await;
    let now = context.clock.now();
    let mut settings = BTreeMap::new();
    for scope in &scopes {
        let of_scope = Look { scope, world: &world, standings: standings(journal, scope)?, now };
        let rendered = &desired.rendered[scope];
        settings.insert(scope.clone(), of_scope.settings(&rendered.resources, &rendered.steps));
    }
    Ok(Conformance { at: now, target: reached.name.name.clone(), settings })
}

fn standings(journal: &dyn Journal, scope: &ScopeId) -> Result<Standings, Failure> {
    let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
    Standings::from_entries(lines.iter().map(|line| &line.entry))
        .map_err(|e| Failure::NotVerified { what: format!("the log of {scope}: {e}") })
}

/// What was found in one scope, and what of it is accepted.
struct Look<'a> {
    scope: &'a ScopeId,
    world: &'a World,
    standings: Standings,
    now: Timestamp,
}

impl Look<'_> {
    fn settings(&self, resources: &[Resource], checks: &[ChecklistStep]) -> BTreeMap<StepId, Setting> {
        let mut settings: BTreeMap<StepId, Setting> = BTreeMap::new();
        for resource in resources {
            let mut setting = self.setting(resource);
            if let Some(evidence) = &resource.evidence {
                setting.stand_for(evidence, &[]);
            }
            settings.insert(resource.id.clone(), setting);
        }
        for step in checks {
            let Action::Check(check) = &step.action;
            if let (Some(evidence), Some(setting)) = (&step.evidence, settings.get_mut(&check.read)) {
                let looks_at: Vec<String> = check.expect.iter().map(|expect| expect.at.clone()).collect();
                setting.stand_for(evidence, &looks_at);
            }
        }
        for leftover in self.world.leftovers.get(self.scope).into_iter().flatten() {
            settings.insert(leftover.resource.id.clone(), self.undeclared(leftover));
        }
        settings
    }

    fn setting(&self, resource: &Resource) -> Setting {
        let unreadable =
            self.world.unreadable.iter().find(|(of, id, _)| of == self.scope && *id == resource.id);
        let found = self.world.found.get(self.scope).and_then(|found| found.get(&resource.id));
        match (unreadable, found) {
            (Some((_, _, cause)), _) => not_looked_at(cause),
            (None, None) => not_looked_at_at_all(),
            (None, Some(found)) => self.judged(resource, found),
        }
    }

    fn judged(&self, resource: &Resource, found: &Found) -> Setting {
        match found.operation {
            Operation::None => Setting::of(Vec::new(), Mark::Conforms),
            Operation::Create => {
                let reason = format!("asked for by {}/{}", resource.origin.pack, resource.origin.template);
                let missing = FieldDrift::whole(&Value::Null, reason);
                Setting::of(
                    self.told(&resource.id, &resource.kind, DriftClass::Missing, vec![missing]),
                    Mark::NotThere,
                )
            }
            Operation::Update | Operation::Replace | Operation::Delete => {
                let fields = found.changes.iter().map(field).collect();
                Setting::of(
                    self.told(&resource.id, &resource.kind, DriftClass::Changed, fields),
                    Mark::Deviates,
                )
            }
        }
    }

    /// We hold it, and the baseline no longer asks for it.
    fn undeclared(&self, Leftover { resource, .. }: &Leftover) -> Setting {
        let there = FieldDrift::whole(&Value::Null, "no pack declares it any more".to_owned());
        Setting::of(self.told(&resource.id, &resource.kind, DriftClass::Changed, vec![there]), Mark::Deviates)
    }

    /// The deviations with what was accepted of them, as drift is accepted: one value of one field.
    fn told(
        &self,
        id: &StepId,
        kind: &KindName,
        class: DriftClass,
        fields: Vec<FieldDrift>,
    ) -> Vec<Deviation> {
        let mut drift = Drift {
            scope: self.scope.clone(),
            object: id.to_string(),
            step: Some(id.clone()),
            kind: kind.clone(),
            id: None,
            title: None,
            class,
            fields,
            since: None,
            workspace: None,
            who: None,
        };
        self.standings.tell(&mut drift, self.now);
        let deviation = |field: FieldDrift| Deviation {
            at: field.at,
            wanted: field.held.map(sayable),
            found: field.live.map(sayable),
            reason: field.reason,
            accepted: field.accepted,
        };
        drift.fields.into_iter().map(deviation).collect()
    }
}

fn not_looked_at(cause: &Cause) -> Setting {
    let deviation =
        Deviation { at: String::new(), wanted: None, found: None, reason: cause.to_string(), accepted: None };
    Setting::of(vec![deviation], Mark::NotLookedAt)
}

fn not_looked_at_at_all() -> Setting {
    Setting { mark: Mark::NotLookedAt, deviations: Vec::new(), controls: BTreeMap::new() }
}

fn field(change: &FieldChange) -> FieldDrift {
    let unknown = change.known_after.as_ref().map(|step| Value::String(format!("(known after {step})")));
    FieldDrift {
        at: change.at.clone(),
        held: change.to.clone().or(unknown),
        live: change.from.clone(),
        value: Digest::of_canonical(&change.from.clone().unwrap_or_default()),
        basis: Basis::Applied,
        reason: change.reason.clone(),
        accepted: None,
    }
}

/// What looks like patient data or a secret is never shown, whoever wrote it there.
fn sayable(value: Value) -> Value {
    scan::unsaid(&value.to_string()).map_or(value, Value::String)
}
