//! What came of a launch: reads its logs and has them folded.

use std::collections::BTreeSet;

use crate::base::id::{LogId, RunId, ScopeId};
use crate::journal::{Journal, Line};
use crate::model::entry::Entry;
use crate::model::plan::SavedPlan;
use crate::ops::durations::Learning;
use crate::ops::error::Failure;
use crate::ops::launch;
use crate::report::run::{RunReport, Telling};

/// The report of a launch, of the newest if none is named.
///
/// # Errors
///
/// If there is no such launch, or a log is damaged.
pub fn run_report(journal: &dyn Journal, run: Option<&str>) -> Result<RunReport, Failure> {
    let wanted = run.map(|run| run.parse::<RunId>()).transpose();
    let wanted =
        wanted.map_err(|bad| Failure::usage(bad.to_string(), "landfall log org lists the launches"))?;
    let found = launch::worth_telling(journal, &wanted.iter().cloned().collect())?;
    let found = match &wanted {
        Some(run) => found.into_iter().find(|one| one.run == *run),
        None => found.into_iter().last(),
    };
    let Some(found) = found else {
        let message =
            run.map_or("nothing was ever launched".to_owned(), |run| format!("no launch is called `{run}`"));
        return Err(Failure::usage(message, "landfall log org lists the launches"));
    };
    of_launch(journal, &found.run, &found.saved)
}

/// The report of a launch whose plan is at hand. Each log is read once, and let go before the next: for what came of its
/// run, and for how long its steps took.
///
/// # Errors
///
/// If a log is damaged.
pub fn of_launch(journal: &dyn Journal, run: &RunId, saved: &SavedPlan) -> Result<RunReport, Failure> {
    let own = |lines: Vec<Line>| -> Vec<Entry> {
        lines.into_iter().map(|line| line.entry).filter(|entry| entry.run.as_ref() == Some(run)).collect()
    };
    let mut telling = Telling::new(run, saved, &own(journal.read(&LogId::Org, 0)?));
    let mut learning = Learning::on(&saved.plan.target);
    let logs = journal.heads()?.into_keys();
    let mut scopes: BTreeSet<ScopeId> = saved.plan.scopes.keys().cloned().collect();
    scopes.extend(logs.filter_map(|log| match log {
        LogId::Org => None,
        LogId::Scope(scope) => Some(scope),
    }));
    for scope in scopes {
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        learning.take(&lines, journal)?;
        telling.scope(&scope, own(lines));
    }
    Ok(telling.end(&learning.durations))
}
