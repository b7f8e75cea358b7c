//! That every planned step has an outcome, and that all counts add up.

use std::collections::BTreeMap;

use crate::base::id::{ScopeId, StepId};
use crate::model::entry::Entry;
use crate::model::plan::{PlannedStep, SavedPlan};

use super::super::bundle::manifest::Manifest;
use super::super::tally::{Executions, OwnCount, StepOutcome, Tally};
use super::{Failure, Found, needed};

/// Steps that are named when they have no outcome.
const NAMED_MAX: usize = 5;

/// The outcomes of all planned steps.
pub(super) fn outcomes(
    manifest: &Option<Manifest>,
    plan: &Option<SavedPlan>,
    entries: &Option<Vec<Entry>>,
) -> Found<()> {
    let manifest = needed(manifest, "the manifest")?;
    let plan = needed(plan, "the plan")?;
    let entries = needed(entries, "the log")?;
    let scope = plan.plan.scopes.get(&ScopeId::Site(manifest.site.clone()));
    let scope =
        scope.ok_or_else(|| Failure::broken(format!("the plan has no steps for {}", manifest.site)))?;
    let executions = Executions { plan: &plan.digest, runs: &manifest.runs };
    let outcomes = executions.outcomes(entries);
    if let Some((step, outcome)) = outcomes.iter().find(|(step, _)| !scope.steps.contains_key(*step)) {
        return Err(Failure::broken(format!(
            "entry {} ends {step}, which the plan does not know",
            outcome.seq
        )));
    }
    let tally = Tally::new(scope.steps.keys(), &outcomes);
    if tally != manifest.steps {
        return Err(Failure::broken("the steps that bundle.json counts are not those of the log"));
    }
    if tally.open > 0 {
        return Err(Failure::missing(open(&scope.steps, &outcomes, &tally)));
    }
    let counted = OwnCount { succeeded: tally.succeeded, failed: tally.failed, blocked: tally.blocked };
    match executions.own_count(entries) {
        Some(own) if own != counted => {
            Err(Failure::missing("the run ended with other counts of steps than its entries show"))
        }
        _ => Ok(((), words(&tally))),
    }
}

fn open(
    steps: &BTreeMap<StepId, PlannedStep>,
    outcomes: &BTreeMap<StepId, StepOutcome>,
    tally: &Tally,
) -> String {
    let open = steps.keys().filter(|step| !outcomes.contains_key(*step));
    let names: Vec<&str> = open.take(NAMED_MAX).map(StepId::as_str).collect();
    let more = if tally.open > NAMED_MAX as u64 { " …" } else { "" };
    format!("{} of {} planned steps have no outcome: {}{more}", tally.open, tally.planned, names.join(", "))
}

fn words(tally: &Tally) -> String {
    format!(
        "{} planned, {} run, {} succeeded, {} failed, {} blocked",
        tally.planned, tally.run, tally.succeeded, tally.failed, tally.blocked
    )
}
