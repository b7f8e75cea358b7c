//! That every planned step has an outcome, and that all counts add up.

use std::collections::BTreeMap;

use crate::base::id::StepId;
use crate::model::entry::Entry;
use crate::model::plan::{PlanExcerpt, PlannedStep};

use super::super::bundle::manifest::Manifest;
use super::super::tally::{Executions, StepOutcome, Tally, first_miscounted_end};
use super::{Failure, Found, needed};

/// Steps that are named when they have no outcome.
const NAMED_MAX: usize = 5;

/// The outcomes of all planned steps.
pub(super) fn outcomes(
    manifest: &Option<Manifest>,
    plan: &Option<PlanExcerpt>,
    entries: &Option<Vec<Entry>>,
) -> Found<()> {
    let manifest = needed(manifest, "the manifest")?;
    let plan = needed(plan, "the plan")?;
    let entries = needed(entries, "the log")?;
    let scope = &plan.part.plan;
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
    match first_miscounted_end(entries) {
        Some(seq) => Err(Failure::missing(format!(
            "entry {seq} ends a run with other counts of steps than the entries before it show"
        ))),
        None => Ok(((), words(&tally))),
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
