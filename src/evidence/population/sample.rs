//! Samples: which items of a population are tested, and what the records say of each attribute. Drawn so that anybody can
//! draw them again: every k-th row, from a place that follows from the digest of the population.

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::base::id::StepId;
use crate::base::limits::POPULATION_SAMPLE;
use crate::base::time::Timestamp;
use crate::evidence::answer::Answer;
use crate::evidence::decisions;
use crate::evidence::question::ask::Change;
use crate::evidence::records::{Records, ended_in_delete, readback, text};
use crate::model::entry::Entry;
use crate::model::signed::{Act, Signed, SubjectKind};

use super::Population;
use super::lineage::ANOTHER;
use super::platform::{BY_SERVICE, LINEAGE};

/// How a sample was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The population's name.
    pub population: &'static str,
    /// Its rows.
    pub size: usize,
    /// How many of them were taken.
    pub taken: usize,
    /// How, in words that can be repeated.
    pub approach: String,
    /// What is asked of each item.
    pub attributes: &'static [&'static str],
    /// The items.
    pub items: Vec<Item>,
}

/// One item of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its row in the population, from 1, without the head.
    pub row: usize,
    /// What it is called there.
    pub id: String,
    /// What the records say of each attribute: `pass`, `fail` or `no record`, and on what that rests.
    pub results: Vec<String>,
}

/// What is asked of a change.
const OF_CHANGES: &[&str] = &[
    "documented: the launch is tied to a ticket",
    "tested: a check passed before the change",
    "approved: before the change, by nobody who asked for it or built it",
    "read back: the object was seen as desired afterwards",
];
/// What is asked of an object.
const OF_OBJECTS: &[&str] = &[
    "documented: the site's log holds it",
    "approved: the plan that last changed it",
    "read back: it was seen as desired after its last change",
];
/// What is asked of a right.
const OF_ACCESS: &[&str] = &[
    "requested: its plan was asked for by somebody",
    "approved: by nobody who asked for it or built it",
    "reviewed: a review of rights was closed after it was given",
];
/// What is asked of an audit event.
const OF_EVENTS: &[&str] = &["documented: it is a change of the site's log", "approved: the plan behind it"];

/// What is asked of an edge of lineage.
const OF_EDGES: &[&str] = &["sourced: the source is told", "own: the source is not another site's"];

const NO_RECORD: &str = "no record";

/// Which rows are taken: all of a small population, else every k-th.
pub fn places(size: usize, digest: &Digest) -> (Vec<usize>, String) {
    if size <= POPULATION_SAMPLE {
        return ((0..size).collect(), "all items: there are no more than a sample has".to_owned());
    }
    let step = size / POPULATION_SAMPLE;
    let bytes = digest.as_bytes();
    let seed = bytes.iter().take(8).fold(0_u64, |seed, byte| (seed << 8) | u64::from(*byte));
    let first = usize::try_from(seed % step as u64).unwrap_or_default();
    let words = format!(
        "every {step}. row from row {}: the first 8 bytes of the SHA-256 of the population's file, as a number, modulo \
         {step} is {first}",
        first + 1
    );
    ((0..POPULATION_SAMPLE).map(|number| first + number * step).collect(), words)
}

/// The sample of a population.
pub fn sample(records: &Records, facts: &Facts<'_>, population: &Population) -> Sample {
    let rows = &population.rows;
    let (places, approach) = places(rows.rows.len(), &Digest::of(rows.csv().as_bytes()));
    let (attributes, test): (_, Test) = match population.name {
        "changes" => (OF_CHANGES, of_change),
        "grants" | "assignments" | "members" | "users" => (OF_ACCESS, of_access),
        "audit-events" => (OF_EVENTS, of_event),
        LINEAGE => (OF_EDGES, of_edge),
        _ => (OF_OBJECTS, of_object),
    };
    let item = |place: &usize| {
        let row = rows.rows.get(*place)?;
        let results = test(&Tested { records, facts, rows, row });
        Some(Item { row: place + 1, id: row.first().cloned().unwrap_or_default(), results })
    };
    let items: Vec<Item> = places.iter().filter_map(item).collect();
    Sample {
        population: population.name,
        size: rows.rows.len(),
        taken: items.len(),
        approach,
        attributes,
        items,
    }
}

/// What all tests of a site look things up in.
pub struct Facts<'r> {
    changes: BTreeMap<u64, Change<'r>>,
    last: BTreeMap<&'r StepId, u64>,
    decisions: Vec<(&'r Entry, Signed)>,
    tickets: Vec<&'r Entry>,
    checks: Vec<&'r Entry>,
    reviews: Vec<&'r Entry>,
}

impl<'r> Facts<'r> {
    /// Looks through the records, whose changes are known, once.
    pub fn of(records: &'r Records, changes: Vec<Change<'r>>) -> Self {
        let changes: BTreeMap<u64, Change<'r>> =
            changes.into_iter().map(|change| (change.intent.seq, change)).collect();
        let last =
            changes.iter().filter_map(|(seq, change)| Some((change.intent.step.as_ref()?, *seq))).collect();
        let signed = |entry: &'r Entry| Some((entry, decisions::of(std::slice::from_ref(entry)).pop()?.1));
        let decisions = records.entries.iter().filter_map(signed).collect();
        let of_kind = |wanted: fn(&Entry) -> bool| records.entries.iter().filter(|e| wanted(e)).collect();
        let with_ticket =
            |entry: &&Entry| records.change(entry).is_some_and(|change| change.ticket.is_some());
        let check = |entry: &Entry| {
            let test = |kind: &str| kind.starts_with("test.") || kind.starts_with("rehearsal.");
            entry.kind == "item.recorded"
                || (entry.kind == "evidence.recorded" && text(entry, "/kind").is_some_and(test))
        };
        Self {
            changes,
            last,
            decisions,
            tickets: records.entries.iter().filter(with_ticket).collect(),
            checks: of_kind(check),
            reviews: of_kind(|entry| entry.kind == "recertification.closed"),
        }
    }
}

/// One row under test.
struct Tested<'t, 'r> {
    records: &'t Records,
    facts: &'t Facts<'r>,
    rows: &'t Answer,
    row: &'t [String],
}

type Test = fn(&Tested<'_, '_>) -> Vec<String>;

impl<'r> Tested<'_, 'r> {
    fn cell(&self, column: &str) -> &str {
        let place = self.rows.columns.iter().position(|one| *one == column);
        place.and_then(|place| self.row.get(place)).map_or("", String::as_str)
    }

    fn pass(&self, entry: &Entry) -> String {
        format!("pass: {}", self.records.id(entry.seq))
    }

    /// The change that a cell names, such as `site/HRB01#12`.
    fn named(&self, column: &str) -> Option<&Change<'r>> {
        let seq = self.cell(column).rsplit_once('#')?.1.parse().ok()?;
        self.facts.changes.get(&seq)
    }

    /// The last change of the step that the row names.
    fn last_change(&self) -> Option<&Change<'r>> {
        let step = StepId::new(self.cell("step")).ok()?;
        self.facts.changes.get(self.facts.last.get(&step)?)
    }

    fn documented(&self, change: &Change<'_>) -> String {
        let intent = change.intent;
        let same = |entry: &&&Entry| {
            (entry.run.is_some() && entry.run == intent.run)
                || (entry.plan.is_some() && entry.plan == intent.plan)
        };
        self.facts.tickets.iter().find(same).map_or(NO_RECORD.to_owned(), |entry| self.pass(entry))
    }

    fn tested(&self, change: &Change<'_>) -> String {
        let before = |entry: &&&Entry| entry.seq < change.intent.seq;
        let checks: Vec<&&Entry> = self.facts.checks.iter().filter(before).collect();
        let passed = |entry: &&&&Entry| entry.body.get("passed") != Some(&serde_json::Value::Bool(false));
        match (checks.iter().rev().find(passed), checks.last()) {
            (Some(entry), _) => self.pass(entry),
            (None, Some(entry)) => format!("fail: {}", self.records.id(entry.seq)),
            (None, None) => NO_RECORD.to_owned(),
        }
    }

    fn requested(&self, change: &Change<'_>) -> String {
        let asked =
            self.decided(change).find(|(_, signed)| matches!(signed.statement.act, Act::Request { .. }));
        asked.map_or(NO_RECORD.to_owned(), |(entry, _)| self.pass(entry))
    }

    /// What was decided about the plan behind a change.
    fn decided<'a>(&'a self, change: &Change<'_>) -> impl Iterator<Item = &'a (&'r Entry, Signed)> {
        let plan = change.intent.plan;
        self.facts.decisions.iter().filter(move |(_, signed)| {
            let subject = &signed.statement.subject;
            subject.kind == SubjectKind::Plan && Some(subject.digest) == plan
        })
    }

    fn approved(&self, change: &Change<'_>) -> String {
        let mut authors = Vec::new();
        for (_, signed) in self.decided(change) {
            if let Act::Request { built_by, .. } = &signed.statement.act {
                authors.push(signed.statement.person.clone());
                authors.extend(built_by.iter().cloned());
            }
        }
        let given: Vec<_> = self
            .decided(change)
            .filter(|(_, signed)| matches!(signed.statement.act, Act::Approve { .. }))
            .collect();
        let counts = |(entry, signed): &&&(&Entry, Signed)| {
            entry.seq < change.intent.seq && !authors.contains(&signed.statement.person)
        };
        match (given.iter().find(counts), given.first()) {
            (Some((entry, _)), _) => self.pass(entry),
            (None, Some((entry, _))) => {
                format!("fail: {} is by an author or came afterwards", self.records.id(entry.seq))
            }
            (None, None) => NO_RECORD.to_owned(),
        }
    }

    fn read_back(&self, change: &Change<'_>) -> String {
        match change.ended {
            None => NO_RECORD.to_owned(),
            Some(end) if end.kind == "step.failed" => format!("fail: {}", self.records.id(end.seq)),
            Some(end) if readback(end).is_some() || ended_in_delete(end) => self.pass(end),
            Some(_) => NO_RECORD.to_owned(),
        }
    }

    fn reviewed(&self, change: &Change<'_>) -> String {
        let given: Timestamp = change.ended.map_or(change.intent.at, |end| end.at);
        let later = self.facts.reviews.iter().find(|entry| entry.at >= given);
        later.map_or(NO_RECORD.to_owned(), |entry| self.pass(entry))
    }
}

fn of_change(tested: &Tested<'_, '_>) -> Vec<String> {
    let Some(change) = tested.named("intent") else { return vec![NO_RECORD.to_owned(); OF_CHANGES.len()] };
    vec![tested.documented(change), tested.tested(change), tested.approved(change), tested.read_back(change)]
}

fn of_object(tested: &Tested<'_, '_>) -> Vec<String> {
    let step = tested.cell("step");
    if step.is_empty() {
        let own_make = tested.cell("this site's by") == BY_SERVICE;
        let first =
            if own_make { format!("not asked: {BY_SERVICE}") } else { "fail: no log holds it".to_owned() };
        return vec![first, NO_RECORD.to_owned(), NO_RECORD.to_owned()];
    }
    let documented = format!("pass: {step}");
    match tested.last_change() {
        Some(change) => vec![documented, tested.approved(change), tested.read_back(change)],
        None => vec![documented, NO_RECORD.to_owned(), NO_RECORD.to_owned()],
    }
}

fn of_access(tested: &Tested<'_, '_>) -> Vec<String> {
    match tested.last_change() {
        Some(change) => vec![tested.requested(change), tested.approved(change), tested.reviewed(change)],
        None => vec![NO_RECORD.to_owned(); OF_ACCESS.len()],
    }
}

fn of_event(tested: &Tested<'_, '_>) -> Vec<String> {
    match tested.named("entry") {
        Some(change) => vec![tested.pass(change.intent), tested.approved(change)],
        None => vec!["fail: it is no change of the log".to_owned(), NO_RECORD.to_owned()],
    }
}

fn of_edge(tested: &Tested<'_, '_>) -> Vec<String> {
    let told = tested.cell("source");
    if told.is_empty() {
        return vec![NO_RECORD.to_owned(); OF_EDGES.len()];
    }
    let own = tested.cell("source is of");
    let own = if own == ANOTHER { format!("fail: {own}") } else { format!("pass: {own}") };
    vec![format!("pass: {}", tested.cell("source type")), own]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_population_gives_the_same_sample() {
        for size in [0, 1, 24, 25, 26, 49, 50, 167, 9_999] {
            let digest = Digest::of(&size.to_string().into_bytes());
            let (places, words) = places(size, &digest);
            assert_eq!(places.len(), size.min(POPULATION_SAMPLE), "{size}");
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
            assert!(places.iter().all(|place| *place < size), "{places:?}");
            assert_eq!((places, words), super::places(size, &digest));
        }
        let (some, _) = places(1_000, &Digest::of(b"one"));
        let (others, _) = places(1_000, &Digest::of(b"two"));
        assert_ne!(some, others, "another population, another beginning");
    }
}
