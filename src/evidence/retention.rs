//! How long records must stay: seven years after the last day on which they were in effect, and never under a hold.
//!
//! The clock of a run's records starts when the next run replaces what it set up, not when it was written; the newest
//! run is in effect as long as the site is. Nothing here deletes: the journal refuses to.

use jiff::ToSpan as _;

use crate::base::id::RunId;
use crate::base::time::Timestamp;

use super::answer::Answer;
use super::records::Records;
use super::register;

/// Years after the last day in effect: one more than the six that 45 CFR 164.316(b)(2)(i) asks for.
pub const YEARS: i32 = 7;
/// The kind of the entry that ends a site.
const SITE_ENDED: &str = "retirement.completed";
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
            "At {now}: of {} runs {may_go} may go; {held} sites are under a legal hold. Nothing is ever deleted by \
             this version: the journal refuses it.",
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
    let runs = runs(records);
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

/// The runs of a log in the order in which they began.
fn runs(records: &Records) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for entry in &records.entries {
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
}
