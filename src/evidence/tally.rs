//! What became of each planned step, read from a log: the fold behind the index page and the completeness verdict.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::{RunId, StepId};
use crate::base::time::Timestamp;
use crate::model::entry::{BlobRef, Entry};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepResult {
    /// Its goal was not reached.
    Failed,
    /// It never started, because one that it needs failed.
    Blocked,
    /// Its goal was seen to be reached.
    Succeeded,
}

/// The kinds of entries that end a step.
const RESULTS: [(&str, StepResult); 3] = [
    ("step.succeeded", StepResult::Succeeded),
    ("step.failed", StepResult::Failed),
    ("step.blocked", StepResult::Blocked),
];

/// The kind of the entry that ends a run.
const RUN_ENDED: &str = "run.ended";
/// The kind of the entry that begins a further round of a run.
const RUN_RETRIED: &str = "run.retried";

/// The entry that ended a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    /// How it ended.
    pub result: StepResult,
    /// The entry's place in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What the run did for it, or why it did not succeed.
    pub why: Option<String>,
    /// The files it names.
    pub refs: Vec<BlobRef>,
}

/// The steps of a plan by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Steps of the plan.
    pub planned: u64,
    /// Steps that were carried out: those that succeeded and those that failed.
    pub run: u64,
    /// Steps whose goal was seen to be reached.
    pub succeeded: u64,
    /// Steps whose goal was not reached.
    pub failed: u64,
    /// Steps that never started, because one that they need failed.
    pub blocked: u64,
    /// Steps without any outcome in the log.
    pub open: u64,
}

impl Tally {
    /// Counts planned steps by their outcomes.
    pub fn new<'s>(
        planned: impl Iterator<Item = &'s StepId>,
        outcomes: &BTreeMap<StepId, StepOutcome>,
    ) -> Self {
        let mut tally = Self::default();
        for step in planned {
            tally.planned += 1;
            match outcomes.get(step).map(|outcome| outcome.result) {
                Some(StepResult::Succeeded) => tally.succeeded += 1,
                Some(StepResult::Failed) => tally.failed += 1,
                Some(StepResult::Blocked) => tally.blocked += 1,
                None => tally.open += 1,
            }
        }
        tally.run = tally.succeeded + tally.failed;
        tally
    }
}

/// The last outcome of each step that has one.
pub type Outcomes = BTreeMap<StepId, StepOutcome>;

/// Which entries belong to the executions of a plan that a bundle is about.
#[derive(Debug, Clone, Copy)]
pub struct Executions<'e> {
    /// The plan.
    pub plan: &'e Digest,
    /// The runs. Without any, all entries about the plan count.
    pub runs: &'e [RunId],
}

impl Executions<'_> {
    fn hold(&self, entry: &Entry) -> bool {
        match &entry.run {
            Some(run) if !self.runs.is_empty() => self.runs.contains(run),
            _ => entry.plan.as_ref() == Some(self.plan),
        }
    }

    /// The last outcome of each step.
    pub fn outcomes(&self, entries: &[Entry]) -> BTreeMap<StepId, StepOutcome> {
        last_outcomes(entries.iter().filter(|entry| self.hold(entry)))
    }
}

/// The place of the first entry that ends a run with other counts of steps than its own entries show.
pub fn first_miscounted_end(entries: &[Entry]) -> Option<u64> {
    let miscounted = |end: &&Entry| {
        let own = entries.iter().filter(|entry| entry.run == end.run && entry.seq < end.seq);
        let shown = last_outcomes(own);
        let tally = Tally::new(shown.keys(), &shown);
        told(end).is_some_and(|told| told != [tally.succeeded, tally.failed, tally.blocked])
    };
    entries.iter().filter(|entry| entry.kind == RUN_ENDED).find(miscounted).map(|end| end.seq)
}

/// Steps that succeeded, failed and were blocked, as the end of a run tells them; nothing if it does not.
fn told(end: &Entry) -> Option<[u64; 3]> {
    let counts = end.body.get("counts")?;
    let count = |names: &[&str]| names.iter().map(|name| counts.get(name)?.as_u64()).sum::<Option<u64>>();
    let succeeded = count(&["unchanged", "created", "updated", "replaced", "deleted", "checked"])?;
    Some([succeeded, count(&["failed"])?, count(&["blocked"])?])
}

/// A run that is tried again takes back what failed and was blocked; what succeeded stays.
fn last_outcomes<'e>(entries: impl Iterator<Item = &'e Entry>) -> BTreeMap<StepId, StepOutcome> {
    let mut last = BTreeMap::new();
    for entry in entries {
        if entry.kind == RUN_RETRIED {
            last.retain(|_, outcome: &mut StepOutcome| outcome.result == StepResult::Succeeded);
        } else if let (Some(step), Some(outcome)) = (&entry.step, outcome(entry)) {
            last.insert(step.clone(), outcome);
        }
    }
    last
}

fn outcome(entry: &Entry) -> Option<StepOutcome> {
    let (_, result) = RESULTS.iter().find(|(kind, _)| *kind == entry.kind)?;
    let text =
        |pointer: &str| entry.body.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned);
    let why = match result {
        StepResult::Succeeded => text("/effect"),
        StepResult::Failed => text("/cause/message"),
        StepResult::Blocked => text("/by").map(|by| format!("needs {by}")),
    };
    Some(StepOutcome { result: *result, seq: entry.seq, at: entry.at, why, refs: entry.refs.clone() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(seq: u64, kind: &str, step: Option<&str>, body: Value) -> Entry {
        let mut entry = json!({
            "v": 1, "seq": seq, "at": "2027-01-04T10:00:00.000Z", "log": "site/HRB01", "kind": kind,
            "actor": { "type": "automation", "id": "landfall" }, "run": "run-1", "body": body,
            "salt": "00112233445566778899aabbccddeeff",
        });
        if let Some(step) = step {
            entry["step"] = json!(step);
        }
        serde_json::from_value(entry).expect("an entry")
    }

    #[test]
    fn a_further_round_takes_back_what_failed_and_keeps_what_succeeded() {
        let counts = |created, failed, blocked, cancelled| {
            json!({ "counts": {
                "unchanged": 0, "created": created, "updated": 0, "replaced": 0, "deleted": 0, "checked": 0,
                "failed": failed, "blocked": blocked, "cancelled": cancelled,
            } })
        };
        let mut log = vec![
            entry(0, "step.succeeded", Some("a"), json!({ "effect": "created" })),
            entry(1, "step.failed", Some("b"), json!({ "cause": { "message": "no" } })),
            entry(2, "step.blocked", Some("c"), json!({ "by": "b" })),
            entry(3, "run.ended", None, counts(1, 1, 1, 0)),
            entry(4, "run.retried", None, json!({ "round": 2 })),
            entry(5, "run.ended", None, counts(1, 0, 0, 2)),
        ];
        assert_eq!(first_miscounted_end(&log), None);
        let outcomes = last_outcomes(log.iter());
        assert_eq!(outcomes.keys().map(StepId::as_str).collect::<Vec<_>>(), ["a"]);
        log.remove(4);
        assert_eq!(first_miscounted_end(&log), Some(5), "without the retry the end does not fit");
    }
}
