//! How long records must stay: seven years after the last day on which they were in effect, and never under a hold.
//!
//! The clock of a run's records starts when the next run replaces what it set up, not when it was written; the newest
//! run is in effect as long as the site is. Afterwards files go first: what a run read back and rendered. Entries stay
//! for good, so that every root and proof still holds, and an entry of its own says which files went, and why they could.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId};
use crate::base::time::Timestamp;
use crate::model::entry::{BlobRef, Entry};

use super::answer::Answer;
use super::records::Records;
use super::register;

/// Years after the last day in effect: one more than the six that 45 CFR 164.316(b)(2)(i) asks for.
pub const YEARS: i32 = 7;
/// The kind of the entry that ends a site.
const SITE_ENDED: &str = "retirement.completed";
/// The kind of the entry that stands for files that are gone.
pub const PRUNED: &str = "record.pruned";
/// What of a run may go. Plans, signatures and records of people stay: others rest on them.
const PERISHABLE: [&str; 2] = ["readback/", "rendered/"];
const COLUMNS: [&str; 7] =
    ["site", "run", "entries", "from", "in effect until", "to be kept until", "may go"];

/// For each run of these logs, until when it is to be kept, and whether it may go by now.
pub fn retention(logs: &[Records], now: Timestamp) -> Answer {
    let rows: Vec<Vec<String>> = logs.iter().flat_map(|records| of_log(records, now)).collect();
    let may_go = rows.iter().filter(|row| row[6] == "yes").count();
    let held = logs.iter().filter(|records| register::hold(records).is_some()).count();
    let sentence = if rows.is_empty() {
        "No record: there are no runs to keep.".to_owned()
    } else {
        format!(
            "At {now}: files of {may_go} of {} runs may go; {held} sites are under a legal hold. Entries stay for good; \
             landfall evidence prune takes the files away.",
            rows.len()
        )
    };
    Answer { question: "retention", sentence, columns: &COLUMNS, rows }
}

struct Run<'r> {
    id: &'r RunId,
    entries: usize,
    from: Timestamp,
}

fn of_log(records: &Records, now: Timestamp) -> Vec<Vec<String>> {
    let runs = runs(&records.entries);
    let hold = register::hold(records);
    let ended = records.entries.iter().find(|entry| entry.kind == SITE_ENDED).map(|entry| entry.at);
    let next = runs.iter().skip(1).map(|run| Some(run.from)).chain([ended]);
    let row = |(run, until): (&Run<'_>, Option<Timestamp>)| {
        let keep = until.map(|until| years_after(until, YEARS));
        let may_go = match (&hold, keep) {
            (Some((since, reason)), _) => format!("no: legal hold since {since}: {reason}"),
            (None, None) => "no: in effect".to_owned(),
            (None, Some(keep)) if keep <= now => "yes".to_owned(),
            (None, Some(_)) => "no".to_owned(),
        };
        vec![
            records.log.to_string(),
            run.id.to_string(),
            run.entries.to_string(),
            run.from.to_string(),
            until.map_or_else(|| "in effect".to_owned(), |until| until.to_string()),
            keep.map_or_else(|| "not known yet".to_owned(), |keep| keep.to_string()),
            may_go,
        ]
    };
    runs.iter().zip(next).map(row).collect()
}

/// The body of a `record.pruned` entry: what stands for files that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The run whose files they were.
    pub run: RunId,
    /// How many there were.
    pub files: u32,
    /// Since when they were not in effect.
    pub in_effect_until: Timestamp,
    /// Until when they had to be kept.
    pub kept_until: Timestamp,
}

/// A run whose files may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Its log.
    pub log: LogId,
    /// What will stand for its files.
    pub tombstone: Tombstone,
    /// The files.
    pub files: BTreeSet<Digest>,
}

/// The runs of a log whose files may go now and are not gone yet. The last read-back of each object stays as long as
/// the site does, whichever run made it.
pub fn expired(records: &Records, now: Timestamp) -> Vec<Expired> {
    if register::hold(records).is_some() {
        return Vec::new();
    }
    let entries = &records.entries;
    let standing = if has_ended(entries) { BTreeSet::new() } else { last_readbacks(records) };
    let dead: BTreeSet<RunId> = tombstones(entries).into_iter().map(|(_, stone)| stone.run).collect();
    let over: Vec<(RunId, Timestamp, Timestamp)> =
        ends(entries).into_iter().filter(|(_, _, keep)| *keep <= now).collect();
    let gone: BTreeSet<&RunId> = over.iter().map(|(run, _, _)| run).collect();
    let free = only_of(entries, |run| gone.contains(run));
    let of_run = |(run, until, keep): &(RunId, Timestamp, Timestamp)| {
        let files: BTreeSet<Digest> = perishable(entries)
            .filter(|(own, digest)| *own == run && free.contains(digest) && !standing.contains(digest))
            .map(|(_, digest)| *digest)
            .collect();
        let tombstone = Tombstone {
            run: run.clone(),
            files: u32::try_from(files.len()).unwrap_or(u32::MAX),
            in_effect_until: *until,
            kept_until: *keep,
        };
        let asked = !files.is_empty() && !dead.contains(run);
        asked.then(|| Expired { log: records.log.clone(), tombstone, files })
    };
    over.iter().filter_map(of_run).collect()
}

/// Files that may be missing although entries name them, because tombstones stand for them.
pub fn gone(entries: &[Entry]) -> BTreeSet<Digest> {
    let stones = tombstones(entries);
    if stones.is_empty() {
        return BTreeSet::new();
    }
    let dead: BTreeSet<&RunId> = stones.iter().map(|(_, stone)| &stone.run).collect();
    only_of(entries, |run| dead.contains(run))
}

/// The first tombstone that was set too early, or for a run that is still in effect, with its place.
pub fn too_early(entries: &[Entry]) -> Option<u64> {
    let ends: BTreeMap<RunId, Timestamp> =
        ends(entries).into_iter().map(|(run, _, keep)| (run, keep)).collect();
    let in_time = |entry: &Entry, stone: &Tombstone| {
        ends.get(&stone.run).is_some_and(|keep| *keep == stone.kept_until && *keep <= entry.at)
    };
    tombstones(entries).into_iter().find(|(entry, stone)| !in_time(entry, stone)).map(|(entry, _)| entry.seq)
}

fn tombstones(entries: &[Entry]) -> Vec<(&Entry, Tombstone)> {
    let stones = entries.iter().filter(|entry| entry.kind == PRUNED);
    stones.filter_map(|entry| Some((entry, serde_json::from_value(entry.body.clone()).ok()?))).collect()
}

fn perishes(file: &BlobRef) -> bool {
    PERISHABLE.iter().any(|prefix| file.path.starts_with(prefix))
}

fn perishable(entries: &[Entry]) -> impl Iterator<Item = (&RunId, &Digest)> {
    entries.iter().flat_map(|entry| {
        let files = entry.refs.iter().filter(|file| perishes(file));
        files.filter_map(|file| Some((entry.run.as_ref()?, &file.sha256)))
    })
}

/// Perishable files that nothing names but entries of these runs.
fn only_of(entries: &[Entry], of: impl Fn(&RunId) -> bool) -> BTreeSet<Digest> {
    let mut free: BTreeSet<Digest> =
        perishable(entries).filter(|(run, _)| of(run)).map(|(_, digest)| *digest).collect();
    for entry in entries {
        let theirs = entry.run.as_ref().is_some_and(&of);
        for file in &entry.refs {
            if !(theirs && perishes(file)) {
                free.remove(&file.sha256);
            }
        }
    }
    free
}

fn last_readbacks(records: &Records) -> BTreeSet<Digest> {
    records.seen().into_iter().filter_map(|seen| seen.readback).map(|file| file.sha256).collect()
}

fn has_ended(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| entry.kind == SITE_ENDED)
}

/// The runs that are not in effect any more, until when they were, and until when they are to be kept.
fn ends(entries: &[Entry]) -> Vec<(RunId, Timestamp, Timestamp)> {
    let runs = runs(entries);
    let ended = entries.iter().find(|entry| entry.kind == SITE_ENDED).map(|entry| entry.at);
    let next = runs.iter().skip(1).map(|run| Some(run.from)).chain([ended]);
    let end = |(run, until): (&Run<'_>, Option<Timestamp>)| {
        until.map(|until| (run.id.clone(), until, years_after(until, YEARS)))
    };
    runs.iter().zip(next).filter_map(end).collect()
}

/// The runs of a log in the order in which they began.
fn runs(entries: &[Entry]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for entry in entries {
        let Some(id) = &entry.run else { continue };
        match runs.iter_mut().rev().find(|run| run.id == id) {
            Some(run) => run.entries += 1,
            None => runs.push(Run { id, entries: 1, from: entry.at }),
        }
    }
    runs
}

/// The same day of the year, years later; the last of February for its 29th.
fn years_after(moment: Timestamp, years: i32) -> Timestamp {
    let then = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    let later = then.to_zoned(jiff::tz::TimeZone::UTC).checked_add(years.years());
    // Past the last year that can be written, the end of time is late enough.
    Timestamp::from_millis(later.map_or(i64::MAX, |later| later.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn records(more: &[(&str, &str, Option<&str>)]) -> Records {
        let first = [
            ("run.started", "2026-02-01T09:00:00Z", Some("run-1")),
            ("run.ended", "2026-02-01T10:00:00Z", Some("run-1")),
            ("run.started", "2028-02-29T09:00:00Z", Some("run-2")),
        ];
        let line = |(seq, (kind, at, run)): (usize, &(&str, &str, Option<&str>))| {
            let mut entry = json!({
                "v": 1, "seq": seq, "at": at, "log": "site/HRB01", "kind": kind,
                "actor": {"type": "person", "id": "ana"}, "body": {"reason": "case 7"}, "salt": "00",
            });
            if let Some(run) = run {
                entry["run"] = json!(run);
            }
            entry.to_string()
        };
        let lines: Vec<String> = first.iter().chain(more).enumerate().map(line).collect();
        Records::of_log("site/HRB01".parse().expect("a log"), &lines, BTreeMap::new()).expect("records")
    }

    fn told(records: &Records, now: &str) -> Vec<[String; 3]> {
        let rows = retention(std::slice::from_ref(records), now.parse().expect("a moment")).rows;
        rows.into_iter().map(|row| [row[1].clone(), row[5].clone(), row[6].clone()]).collect()
    }

    #[test]
    fn the_clock_starts_when_a_run_is_replaced_and_the_newest_stays() {
        let early = told(&records(&[]), "2035-02-28T08:59:59Z");
        assert_eq!(early[0], ["run-1", "2035-02-28T09:00:00.000Z", "no"]);
        let late = told(&records(&[]), "2035-02-28T09:00:00Z");
        assert_eq!(late[0][2], "yes");
        assert_eq!(late[1], ["run-2", "not known yet", "no: in effect"]);
        let ended =
            told(&records(&[("retirement.completed", "2030-01-01T00:00:00Z", None)]), "2037-01-01T00:00:00Z");
        assert_eq!(ended[1], ["run-2", "2037-01-01T00:00:00.000Z", "yes"]);
    }

    #[test]
    fn a_hold_keeps_everything_until_it_is_released() {
        let held = [("hold.set", "2030-01-01T00:00:00Z", None)];
        let told_held = told(&records(&held), "2099-01-01T00:00:00Z");
        assert!(
            told_held.iter().all(|row| row[2].starts_with("no: legal hold since 2030-01-01")),
            "{told_held:?}"
        );
        let released = [held[0], ("hold.released", "2031-01-01T00:00:00Z", None)];
        assert_eq!(told(&records(&released), "2099-01-01T00:00:00Z")[0][2], "yes");
    }

    /// Two runs, the second of which leaves `a` as it was and reads `b` anew; each has its plan.
    fn read_back(more: &[(&str, &str, Option<&str>)]) -> Records {
        let mut records = records(more);
        let file =
            |path: &str, text: &str| BlobRef { path: path.to_owned(), sha256: Digest::of(text.as_bytes()) };
        let mut ended = |seq: usize, run: &str, named: &[(&str, &str)]| {
            for (step, text) in named {
                let mut entry = records.entries[seq].clone();
                entry.kind = "step.succeeded".to_owned();
                entry.run = Some(RunId::new(run).expect("a run"));
                entry.step = Some(step.parse().expect("a step"));
                entry.refs = vec![file(&format!("readback/{step}.json"), text)];
                records.entries.insert(seq + 1, entry);
            }
        };
        ended(2, "run-2", &[("b", "b later")]);
        ended(0, "run-1", &[("a", "a"), ("b", "b first"), ("c", "same as a plan")]);
        records.entries[0].refs = vec![file("plan.json", "same as a plan"), file("rendered/x.toml", "x")];
        records
    }

    #[test]
    fn files_of_a_run_that_was_replaced_go_after_seven_years_but_for_what_still_stands() {
        let records = read_back(&[]);
        assert_eq!(expired(&records, "2035-02-28T08:59:59Z".parse().expect("a moment")), []);
        let found = expired(&records, "2035-02-28T09:00:00Z".parse().expect("a moment"));
        let [one] = &found[..] else { panic!("{found:?}") };
        // `a` was never read again, and the plan has the bytes of what was read for `c`.
        assert_eq!(one.files, BTreeSet::from([Digest::of(b"b first"), Digest::of(b"x")]));
        assert_eq!((one.tombstone.run.as_str(), one.tombstone.files), ("run-1", 2));
        let held = read_back(&[("hold.set", "2030-01-01T00:00:00Z", None)]);
        assert_eq!(expired(&held, "2099-01-01T00:00:00Z".parse().expect("a moment")), []);
    }

    #[test]
    fn a_tombstone_excuses_what_it_stands_for_and_only_in_its_time() {
        let mut records = read_back(&[("record.pruned", "2035-02-28T09:00:00Z", None)]);
        let now = "2035-02-28T09:00:00Z".parse().expect("a moment");
        let [one] = &expired(&records, now)[..] else { panic!("nothing may go") };
        assert_eq!(gone(&records.entries), BTreeSet::new(), "a body that says nothing excuses nothing");
        let last = records.entries.len() - 1;
        records.entries[last].body = serde_json::to_value(&one.tombstone).expect("JSON");
        assert_eq!(expired(&records, now), [], "it is done once");
        assert!(gone(&records.entries).is_superset(&one.files) && too_early(&records.entries).is_none());
        records.entries[last].at = "2035-02-28T08:59:59Z".parse().expect("a moment");
        assert_eq!(too_early(&records.entries), Some(records.entries[last].seq));
    }
}
