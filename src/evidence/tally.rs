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

fn last_outcomes<'e>(entries: impl Iterator<Item = &'e Entry>) -> BTreeMap<StepId, StepOutcome> {
    entries.filter_map(|entry| Some((entry.step.clone()?, outcome(entry)?))).collect()
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
