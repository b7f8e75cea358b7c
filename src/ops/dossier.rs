//! Everything that is recorded about one entry, or about one change: what it was to do and why, how it was tested, who
//! decided what about it, how it is undone, and how it ended. Folded from the logs whenever it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::change::Change;
use crate::evidence::decisions;
use crate::evidence::records::Records;
use crate::evidence::sshsig::people;
use crate::evidence::tally::{Outcomes, StepResult};
use crate::journal::Journal;
use crate::model::entry::Entry;
use crate::model::plan::{PlannedStep, SavedPlan, Work};
use crate::model::signed::{NAMESPACE, Signed};
use crate::ops::changes::Book;
use crate::ops::error::Failure;

/// Format version of what is shown.
const DOSSIER_VERSION: u32 = 1;

/// What a person signed, field by field.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// The entry that keeps it, such as `site/HRB01#42`.
    pub entry: String,
    /// Who decided.
    pub who: String,
    /// In which role.
    pub role: String,
    /// For whom they stood in, if it was not their own role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// When.
    pub when: Timestamp,
    /// About what.
    pub what: Value,
    /// The digest of exactly what was shown to them.
    pub digest: Digest,
    /// What they decided, with conditions and what is meant by it.
    pub decision: Value,
    /// What the signature means.
    pub meaning: String,
    /// What they added.
    pub comment: String,
    /// From when on it does not count any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The key that signed.
    pub key: String,
    /// Whether the signature fits what is said, and is by that key.
    pub signature_fits: bool,
    /// The signature.
    pub signature: String,
}

impl Decision {
    fn of(log: &LogId, seq: u64, signed: &Signed) -> Self {
        let statement = &signed.statement;
        let fitting = people::verify(&signed.signature, NAMESPACE, &statement.bytes());
        Self {
            entry: format!("{log}#{seq}"),
            who: statement.person.to_string(),
            role: statement.role.to_string(),
            instead_of: statement.instead_of.as_ref().map(ToString::to_string),
            when: statement.at,
            what: json!(statement.subject),
            digest: statement.subject.digest,
            decision: json!(statement.act),
            meaning: statement.meaning.clone(),
            comment: statement.comment.clone(),
            expires: statement.expires,
            key: signed.key.clone(),
            signature_fits: fitting.is_ok_and(|fitting| fitting.key.fingerprint() == signed.key),
            signature: signed.signature.clone(),
        }
    }
}

/// An entry with everything it says; of a decision, every field of it.
///
/// # Errors
///
/// If there is no such entry.
pub fn entry(records: &Records, seq: u64) -> Result<Value, Failure> {
    let place = usize::try_from(seq).unwrap_or(usize::MAX);
    let Some(entry) = records.entries.get(place) else {
        let help = format!("it has {} entries, counted from 0", records.entries.len());
        return Err(Failure::usage(format!("{} has no entry {seq}", records.log), help));
    };
    let decided = decisions::of(std::slice::from_ref(entry));
    let decision = decided.first().map(|(seq, signed)| Decision::of(&records.log, *seq, signed));
    Ok(json!({ "v": DOSSIER_VERSION, "entry": entry, "decision": decision }))
}

/// The log and place that an entry's name says: `site/HRB01#42`.
///
/// # Errors
///
/// If it is no such name.
pub fn named(text: &str) -> Result<(LogId, u64), Failure> {
    let parts = text.split_once('#').and_then(|(log, seq)| Some((log.parse().ok()?, seq.parse().ok()?)));
    parts.ok_or_else(|| {
        Failure::usage(format!("`{text}` names no entry"), "an entry is named like site/HRB01#42 or org#7")
    })
}

/// Everything about one change, by its own number or by its ticket's.
///
/// # Errors
///
/// If there is no such change, or a log or its plan is damaged.
pub fn change(journal: &dyn Journal, typed: &str) -> Result<Value, Failure> {
    let book = Book::read(journal)?;
    let by_ticket = |change: &&Change| change.opened.ticket.as_deref() == Some(typed);
    let change = match book.changes.values().find(by_ticket) {
        Some(change) => change,
        None => book.find(typed)?,
    };
    let saved = book.plan_of(change, journal)?;
    let logs = logs(journal, &saved)?;
    let runs: BTreeSet<RunId> = book
        .launches
        .iter()
        .filter(|launch| launch.plan == saved.digest)
        .map(|launch| launch.run.clone())
        .collect();
    Ok(json!({
        "v": DOSSIER_VERSION,
        "change": opened(change),
        "plan": planned(&saved),
        "diff": diff(&saved),
        "tests": tests(&saved, &logs, &runs),
        "approvals": decided(&saved, &logs),
        "rollback": undo(&saved),
        "result": results(change, &logs, &runs),
    }))
}

type Logs = BTreeMap<LogId, Vec<Entry>>;

fn logs(journal: &dyn Journal, saved: &SavedPlan) -> Result<Logs, Failure> {
    let scopes = saved.plan.scopes.keys().cloned().map(LogId::Scope);
    let mut logs = Logs::new();
    for log in std::iter::once(LogId::Org).chain(scopes) {
        let entries = journal.read(&log, 0)?.into_iter().map(|line| line.entry).collect();
        logs.insert(log, entries);
    }
    Ok(logs)
}

fn opened(change: &Change) -> Value {
    let passed = |one: &crate::change::Passed| json!({ "entry": format!("org#{}", one.seq), "at": one.at, "by": one.by.id, "from": one.from, "to": one.to, "why": one.why });
    json!({
        "opened": change.opened, "opened_at": change.opened_at, "state": change.state, "since": change.since,
        "history": change.history.iter().map(passed).collect::<Vec<_>>(),
        "board": change.decided.iter().map(|one| &one.body).collect::<Vec<_>>(),
        "ticket": change.ticket,
    })
}

fn planned(saved: &SavedPlan) -> Value {
    let steps: BTreeMap<&ScopeId, usize> =
        saved.plan.scopes.iter().map(|(scope, plan)| (scope, plan.steps.len())).collect();
    json!({
        "digest": saved.digest, "made_at": saved.made_at, "tool": saved.plan.tool, "target": saved.plan.target,
        "packs": saved.plan.packs, "steps": steps, "approvals_needed": saved.plan.approvals,
    })
}

/// What would change, field by field; what is left as it is is not named.
fn diff(saved: &SavedPlan) -> Vec<Value> {
    let changed =
        saved.plan.reconciles().filter(|(_, _, one)| one.operation != crate::model::plan::Operation::None);
    let told = |(scope, step, one): (&ScopeId, &StepId, &crate::model::plan::Reconcile)| json!({ "scope": scope, "step": step, "kind": one.kind, "operation": one.operation, "fields": one.changes });
    changed.map(told).collect()
}

/// How it is undone: its steps in the opposite order, with what that takes.
fn undo(saved: &SavedPlan) -> Value {
    let changed =
        saved.plan.reconciles().filter(|(_, _, one)| one.operation != crate::model::plan::Operation::None);
    let mut steps: Vec<Value> = changed
        .map(|(scope, step, one)| json!({ "scope": scope, "step": step, "undo_of": one.operation, "how": one.reversal }))
        .collect();
    steps.reverse();
    json!({ "leads_back_to": saved.plan.rollback, "steps": steps })
}

fn tests(saved: &SavedPlan, logs: &Logs, runs: &BTreeSet<RunId>) -> Vec<Value> {
    let mut tests = Vec::new();
    for (scope, plan) in &saved.plan.scopes {
        let outcomes = outcomes(saved, logs, scope, runs);
        let checks =
            plan.steps.iter().filter_map(|(step, planned): (&StepId, &PlannedStep)| match &planned.work {
                Work::Check { title, .. } => Some((step, title)),
                Work::Reconcile(_) => None,
            });
        tests.extend(checks.map(|(step, title)| {
            let outcome = outcomes.get(step);
            let word = match outcome.map(|outcome| outcome.result) {
                Some(StepResult::Succeeded) => "passed",
                Some(StepResult::Failed) => "failed",
                Some(StepResult::Blocked) => "blocked",
                None => "not run",
            };
            json!({
                "scope": scope, "step": step, "title": title, "outcome": word,
                "entry": outcome.map(|outcome| format!("{scope}#{}", outcome.seq)),
            })
        }));
    }
    tests
}

fn outcomes(saved: &SavedPlan, logs: &Logs, scope: &ScopeId, runs: &BTreeSet<RunId>) -> Outcomes {
    let runs: Vec<RunId> = runs.iter().cloned().collect();
    let entries = logs.get(&LogId::Scope(scope.clone())).map_or(&[][..], Vec::as_slice);
    crate::evidence::tally::Executions { plan: &saved.digest, runs: &runs }.outcomes(entries)
}

/// Every decision about the plan, whoever made it and whether or not it counted.
fn decided(saved: &SavedPlan, logs: &Logs) -> Vec<Decision> {
    let about = |(log, entries): (&LogId, &Vec<Entry>)| {
        let decided = decisions::of(entries).into_iter();
        let own = decided.filter(|(_, signed)| signed.statement.subject.digest == saved.digest);
        own.map(|(seq, signed)| Decision::of(log, seq, &signed)).collect::<Vec<_>>()
    };
    let mut all: Vec<Decision> = logs.iter().flat_map(about).collect();
    all.sort_by(|one, other| (one.when, &one.entry).cmp(&(other.when, &other.entry)));
    all
}

/// How each run of it went, and what else the logs say of the change.
fn results(change: &Change, logs: &Logs, runs: &BTreeSet<RunId>) -> Vec<Value> {
    const TOLD: [&str; 5] = ["run.started", "run.ended", "fleet.ended", "launch.ended", "release.made"];
    let id = change.id().to_string();
    let told = logs.iter().flat_map(|(log, entries)| entries.iter().map(move |entry| (log, entry)));
    let own = told.filter(|(_, entry)| {
        let of_run =
            entry.run.as_ref().is_some_and(|run| runs.contains(run)) && TOLD.contains(&entry.kind.as_str());
        of_run || entry.body.get("change").and_then(Value::as_str) == Some(id.as_str())
    });
    own.map(|(log, entry)| {
        json!({ "entry": format!("{log}#{}", entry.seq), "at": entry.at, "kind": entry.kind, "by": entry.actor.id, "told": entry.body })
    })
    .collect()
}
