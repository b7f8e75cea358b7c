//! Reads one log, or walks through one run of it.

use crate::base::id::{LogId, RunId, StepId};
use crate::journal::{Journal, Line};
use crate::model::entry::Entry;
use crate::ops::error::Failure;
use crate::ops::launch;
use crate::report::run::walk::{self, Walk};

/// The name under which the newest run of a log can be asked for.
const LAST: &str = "last";

/// A walk, and how far the log goes.
#[derive(Debug)]
pub struct Walked {
    /// The walk.
    pub walk: Walk,
    /// Entries of the whole log.
    pub size: u64,
}

/// The log of this name.
///
/// # Errors
///
/// If the name is not a log's.
pub fn named(name: &str) -> Result<LogId, Failure> {
    let help = "a log is org, account, region/<name> or site/<CODE>";
    name.parse().map_err(|_| Failure::usage(format!("`{name}` is not a log"), help))
}

/// Reads a log from a place on.
///
/// # Errors
///
/// If the log is damaged.
pub fn read(journal: &dyn Journal, log: &LogId, from: u64) -> Result<Vec<Line>, Failure> {
    Ok(journal.read(log, from)?)
}

/// Walks through one run of a log, up to an entry.
///
/// # Errors
///
/// If there is no such run, or its entries are not understood.
pub fn walk(journal: &dyn Journal, log: &LogId, run: &str, until: Option<u64>) -> Result<Walked, Failure> {
    let lines = journal.read(log, 0)?;
    let begins = |line: &&Line| matches!(line.entry.kind.as_str(), "run.started" | "launch.started");
    let runs = || lines.iter().rev().filter(begins).filter_map(|line| line.entry.run.clone());
    let named = |known: &RunId| run == LAST || known.as_str() == run;
    let Some(run) = runs().find(named) else {
        let known: Vec<String> = runs().take(5).map(|run| run.to_string()).collect();
        let help = if known.is_empty() {
            format!("{log} has no run")
        } else {
            format!("the newest runs of {log} are: {}", known.join(", "))
        };
        return Err(Failure::usage(format!("{log} has no run `{run}`"), help));
    };
    let own = lines.iter().map(|line| &line.entry).filter(|entry| entry.run.as_ref() == Some(&run));
    let entries: Vec<Entry> =
        own.filter(|entry| until.is_none_or(|until| entry.seq <= until)).cloned().collect();
    let found = launch::worth_telling(journal, &[run.clone()].into())?;
    let found = found
        .into_iter()
        .find(|one| one.run == run)
        .ok_or_else(|| Failure::NotVerified { what: format!("the org log does not tell of run {run}") })?;
    let plan = &found.saved.plan;
    let walk = match log {
        LogId::Org => walk::launch(plan, &entries),
        LogId::Scope(scope) => match plan.scopes.get(scope) {
            Some(planned) => walk::scope(&run, planned, &entries),
            None => return Err(Failure::NotVerified { what: format!("the plan of {run} has no {scope}") }),
        },
    };
    let walk = walk.map_err(|error| Failure::NotVerified { what: format!("{log}: {error}") })?;
    Ok(Walked { walk, size: lines.last().map_or(0, |line| line.entry.seq + 1) })
}

/// The step of this name in a walk.
///
/// # Errors
///
/// If there is none.
pub fn step(walk: &Walk, name: &str) -> Result<StepId, Failure> {
    let known = || walk.phases.keys().map(String::as_str);
    let found = StepId::new(name).ok().filter(|_| walk.phases.contains_key(name));
    found.ok_or_else(|| {
        let near = crate::base::diagnostic::nearest(name, known());
        let help =
            near.map_or("landfall graph lists the steps".to_owned(), |near| format!("did you mean {near}?"));
        Failure::usage(format!("no step is called `{name}`"), help)
    })
}
