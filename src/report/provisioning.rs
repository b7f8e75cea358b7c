//! How long sites took from the start of their run until every verification held, and how much of it was waiting.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::base::id::{SiteCode, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::entry::Entry;
use crate::model::event::{Event, RunOutcome};

/// An entry that a figure rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryRef {
    /// Log and number, for example `site/HRB01#12`.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
}

impl EntryRef {
    /// The reference to an entry.
    pub fn of(entry: &Entry) -> Self {
        Self { id: format!("{}#{}", entry.log, entry.seq), at: entry.at }
    }
}

/// How long one site took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvisioningTime {
    /// The site.
    pub site: SiteCode,
    /// The start of its first run; none if it never ran.
    pub started: Option<EntryRef>,
    /// The end of its first run that succeeded; none if there is none yet.
    pub validated: Option<EntryRef>,
    /// From the start to there; to the newest entry if it is not validated yet.
    pub total: Millis,
    /// Time in which a call or a change of the service was under way.
    pub active: Millis,
    /// Time in which nothing was.
    pub waiting: Millis,
    /// Runs that it took.
    pub runs: usize,
}

/// Adds up one site's time as its log is read.
#[derive(Default)]
struct Stopwatch {
    before: Option<Timestamp>,
    under_way: BTreeSet<StepId>,
    /// Nobody is there to look: suspended.
    paused: bool,
    active: Millis,
    waiting: Millis,
}

impl Stopwatch {
    fn pass(&mut self, event: &Event, now: Timestamp) {
        let passed = self.before.map_or(Millis(0), |before| now.since(before));
        self.before = Some(self.before.map_or(now, |before| before.max(now)));
        // A run that is taken up after a crash was not looked after until then.
        let nobody = self.paused || matches!(event, Event::RunRecovered { .. });
        let sum = if nobody || self.under_way.is_empty() { &mut self.waiting } else { &mut self.active };
        sum.0 = sum.0.saturating_add(passed.0);
    }

    fn fold(&mut self, event: &Event) {
        match event {
            Event::RunStarted { .. } | Event::RunEnded { .. } => {
                self.under_way.clear();
                self.paused = false;
            }
            Event::RunRecovered { .. } | Event::RunRetried { .. } => self.paused = false,
            Event::RunSuspended {} => self.paused = true,
            Event::StepApplying { step, .. } | Event::StepFound { step, .. } => {
                self.under_way.insert(step.clone());
            }
            Event::StepRested { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepBlocked { step, .. } => {
                self.under_way.remove(step);
            }
            // The service took the call: what it makes is under way until it is seen to be ready.
            Event::StepApplied { .. }
            | Event::RunStopping {}
            | Event::RunAborting {}
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::Unknown { .. } => {}
        }
    }
}

/// How long a site took, from its log.
pub fn provisioning_time<'a>(
    site: &SiteCode,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> ProvisioningTime {
    let mut time = ProvisioningTime {
        site: site.clone(),
        started: None,
        validated: None,
        total: Millis(0),
        active: Millis(0),
        waiting: Millis(0),
        runs: 0,
    };
    let mut watch = Stopwatch::default();
    for entry in entries {
        let Ok(event) = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body) else { continue };
        let starts = matches!(event, Event::RunStarted { .. });
        if matches!(event, Event::Unknown { .. }) || (time.started.is_none() && !starts) {
            continue;
        }
        time.runs += usize::from(starts);
        time.started.get_or_insert_with(|| EntryRef::of(entry));
        watch.pass(&event, entry.at);
        watch.fold(&event);
        if matches!(event, Event::RunEnded { outcome: RunOutcome::Succeeded, .. }) {
            time.validated = Some(EntryRef::of(entry));
            break;
        }
    }
    (time.active, time.waiting) = (watch.active, watch.waiting);
    time.total = Millis(watch.active.0.saturating_add(watch.waiting.0));
    time
}

/// Hours with two digits behind the point.
pub fn hours(length: Millis) -> String {
    format!("{:.2}", length.0 as f64 / 3_600_000.0)
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::base::id::LogId;
    use crate::model::entry::{Actor, ActorKind, ENTRY_VERSION};

    /// An entry so many minutes after the start of everything.
    pub(in crate::report) fn entry(log: &str, seq: u64, minutes: i64, kind: &str, body: Value) -> Entry {
        let log: LogId = log.parse().expect("a log");
        let step = kind.starts_with("step.").then(|| body["about"].as_str().expect("a step"));
        Entry {
            v: ENTRY_VERSION,
            seq,
            at: Timestamp::from_millis(1_800_000_000_000 + minutes * 60_000),
            log,
            run: None,
            kind: kind.to_owned(),
            step: step.map(|step| StepId::new(step).expect("an id")),
            actor: Actor { kind: ActorKind::Person, id: "p".to_owned() },
            plan: None,
            refs: Vec::new(),
            body: match body {
                Value::Object(mut fields) => {
                    fields.remove("about");
                    Value::Object(fields)
                }
                other => other,
            },
            salt: String::new(),
        }
    }

    pub(in crate::report) fn ended(outcome: &str) -> Value {
        let counts = json!({"unchanged": 0, "created": 0, "updated": 0, "replaced": 0, "deleted": 0,
            "checked": 0, "failed": 0, "blocked": 0});
        json!({ "outcome": outcome, "counts": counts })
    }

    fn applying(step: &str) -> Value {
        let zero = "0".repeat(64);
        json!({ "about": step, "attempt": 1, "call": "create", "deadline": "2027-01-15T08:00:00.000Z",
            "desired": { "kind": "k", "spec": {}, "spec_digest": zero } })
    }

    fn succeeded(step: &str) -> Value {
        json!({ "about": step, "attempt": 1, "effect": "created", "polls": 0, "settled_in": 0 })
    }

    fn rested(step: &str) -> Value {
        json!({ "about": step, "attempt": 1, "until": "2027-01-15T08:00:00.000Z", "why": "busy" })
    }

    fn at() -> Value {
        json!({ "at": "2027-01-15T08:00:00.000Z" })
    }

    fn told(story: Vec<(i64, &str, Value)>) -> String {
        let entries: Vec<Entry> = (0..)
            .zip(story)
            .map(|(seq, (minutes, kind, body))| entry("site/HRB01", seq, minutes, kind, body))
            .collect();
        for entry in &entries {
            let read = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body);
            assert!(!matches!(read, Err(_) | Ok(Event::Unknown { .. })), "{}: {read:?}", entry.kind);
        }
        let time = provisioning_time(&SiteCode::new("HRB01").expect("a code"), &entries);
        let minutes = |length: Millis| length.0 / 60_000;
        let id = |entry: Option<EntryRef>| entry.map_or("-".to_owned(), |entry| entry.id);
        format!(
            "{} = {} + {} in {} from {} to {}",
            minutes(time.total),
            minutes(time.active),
            minutes(time.waiting),
            time.runs,
            id(time.started),
            id(time.validated)
        )
    }

    #[test]
    fn time_is_active_while_anything_is_under_way() {
        let story = vec![
            (0, "run.started", at()),
            (2, "step.applying", applying("a")),
            (5, "step.applying", applying("b")),
            (7, "step.succeeded", succeeded("a")),
            (10, "step.rested", rested("b")),
            (40, "step.applying", applying("b")),
            (41, "step.succeeded", succeeded("b")),
            (42, "run.ended", ended("succeeded")),
            (900, "run.started", at()),
        ];
        assert_eq!(told(story), "42 = 9 + 33 in 1 from site/HRB01#0 to site/HRB01#7");
    }

    #[test]
    fn stops_crashes_and_the_time_between_runs_are_waiting() {
        let stopped = vec![
            (0, "run.started", at()),
            (0, "step.applying", applying("a")),
            (3, "run.stopping", json!({})),
            (4, "run.suspended", json!({})),
            (100, "run.recovered", at()),
            (101, "step.succeeded", succeeded("a")),
            (101, "run.ended", ended("succeeded")),
        ];
        assert_eq!(told(stopped), "101 = 5 + 96 in 1 from site/HRB01#0 to site/HRB01#6");
        let crashed = vec![
            (0, "run.started", at()),
            (0, "step.applying", applying("a")),
            (60, "run.recovered", at()),
            (61, "run.ended", ended("failed")),
            (81, "run.started", at()),
            (82, "run.ended", ended("succeeded")),
        ];
        assert_eq!(told(crashed), "82 = 1 + 81 in 2 from site/HRB01#0 to site/HRB01#5");
    }

    #[test]
    fn a_site_that_is_not_done_says_so() {
        assert_eq!(told(vec![]), "0 = 0 + 0 in 0 from - to -");
        let story = vec![(0, "run.started", at()), (9, "run.ended", ended("failed"))];
        assert_eq!(told(story), "9 = 0 + 9 in 1 from site/HRB01#0 to -");
        assert_eq!(hours(Millis::from_secs(5400)), "1.50");
    }
}
