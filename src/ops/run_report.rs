//! What came of a launch: reads its logs and has them folded.

use std::collections::BTreeMap;

use crate::base::id::{LogId, RunId};
use crate::journal::Journal;
use crate::model::entry::Entry;
use crate::ops::durations;
use crate::ops::error::Failure;
use crate::ops::launch;
use crate::report::run::{RunReport, report};

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
    let of = |log: &LogId| -> Result<Vec<Entry>, Failure> {
        let lines = journal.read(log, 0)?.into_iter().map(|line| line.entry);
        Ok(lines.filter(|entry| entry.run.as_ref() == Some(&found.run)).collect())
    };
    let mut logs = BTreeMap::new();
    for scope in found.saved.plan.scopes.keys() {
        logs.insert(scope.clone(), of(&LogId::Scope(scope.clone()))?);
    }
    let durations = durations::of(&found.saved.plan.target, journal)?;
    Ok(report(&found.run, found.saved.digest, &found.saved.plan, &durations, &of(&LogId::Org)?, &logs))
}
