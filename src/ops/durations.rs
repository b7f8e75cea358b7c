//! How long steps take on a target: the table of the program, and what earlier runs on the same target measured.

use crate::base::id::{LogId, ScopeId};
use crate::forecast::{Durations, target_key};
use crate::journal::{Journal, Line};
use crate::model::entry::Entry;
use crate::model::estate::{Loaded, TargetDriver};
use crate::model::plan::{PLAN_VERSION, PlanExcerpt, TargetName};
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::target::EMBEDDED;

/// One run of a scope in its log.
struct Run<'l> {
    excerpt: PlanExcerpt,
    lines: &'l [Line],
}

/// What is expected of steps on this target, learned from every run on it that the journal has.
///
/// # Errors
///
/// If the journal is damaged.
pub fn of(target: &TargetName, journal: &dyn Journal) -> Result<Durations, Failure> {
    let mut learning = Learning::on(target);
    for scope in scopes(journal)? {
        learning.take(&journal.read(&LogId::Scope(scope), 0)?, journal)?;
    }
    Ok(learning.durations)
}

/// What is learned of a target from log after log, by whoever reads them anyway.
pub(super) struct Learning {
    key: String,
    pub(super) durations: Durations,
}

impl Learning {
    /// Nothing has been read yet.
    pub(super) fn on(target: &TargetName) -> Self {
        let key = target_key(target);
        Self { durations: Durations::of_target(&key), key }
    }

    /// Takes in one scope's log.
    ///
    /// # Errors
    ///
    /// If the plan of a run is missing.
    pub(super) fn take(&mut self, lines: &[Line], journal: &dyn Journal) -> Result<(), Failure> {
        for run in runs(lines, journal)? {
            let its = target_key(&run.excerpt.head.target);
            if its == self.key {
                let entries = run.lines.iter().map(|line| &line.entry);
                self.durations.learn_from(&its, &run.excerpt.part.plan, entries);
            }
        }
        Ok(())
    }
}

/// The estate's target of this name as the journal last met it: only signing in would tell its address otherwise. None
/// if no run of the journal was on it.
///
/// # Errors
///
/// If the estate has no such target, or the journal is damaged.
pub fn last_met(loaded: &Loaded, name: &str, journal: &dyn Journal) -> Result<Option<TargetName>, Failure> {
    let Some(spec) = loaded.estate.targets.get(name) else {
        let known: Vec<&str> = loaded.estate.targets.keys().map(String::as_str).collect();
        let help = format!("sites/estate.toml has: {}", known.join(", "));
        return Err(Failure::usage(format!("no target is called `{name}`"), help));
    };
    if spec.driver == TargetDriver::Sandbox {
        let (account_id, host) = (spec.account_id.clone(), EMBEDDED.to_owned());
        return Ok(Some(TargetName { name: name.to_owned(), account_id, host }));
    }
    let mut newest = None;
    for scope in scopes(journal)? {
        let lines = journal.read(&LogId::Scope(scope), 0)?;
        for run in runs(&lines, journal)? {
            let target = run.excerpt.head.target;
            if target.name == name && target.account_id == spec.account_id {
                newest = newest.max(run.lines.first().map(|line| (line.entry.at, target.host)));
            }
        }
    }
    let account_id = spec.account_id.clone();
    Ok(newest.map(|(_, host)| TargetName { name: name.to_owned(), account_id, host }))
}

fn scopes(journal: &dyn Journal) -> Result<Vec<ScopeId>, Failure> {
    let logs = journal.heads()?.into_keys();
    Ok(logs
        .filter_map(|log| match log {
            LogId::Org => None,
            LogId::Scope(scope) => Some(scope),
        })
        .collect())
}

/// The runs of a scope's log with their plans. What the entry names by its digest is what was planned; whether the plan's
/// own digests fit is for those who carry it out. A run whose plan this program cannot read teaches nothing, and is no
/// reason not to plan.
fn runs<'l>(lines: &'l [Line], journal: &dyn Journal) -> Result<Vec<Run<'l>>, Failure> {
    let starts: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].entry.kind == "run.started").collect();
    let mut runs = Vec::new();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(lines.len());
        if let Some(excerpt) = excerpt(&lines[*start].entry, journal)? {
            runs.push(Run { excerpt, lines: &lines[*start..end] });
        }
    }
    Ok(runs)
}

fn excerpt(started: &Entry, journal: &dyn Journal) -> Result<Option<PlanExcerpt>, Failure> {
    let Some(named) = started.refs.iter().find(|blob| blob.path == PLAN_FILE) else { return Ok(None) };
    let read = serde_json::from_slice::<PlanExcerpt>(&journal.get_blob(&named.sha256)?);
    Ok(read.ok().filter(|excerpt| excerpt.head.v <= PLAN_VERSION))
}
