//! The data holds together, and every way of losing evidence is told as what it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::base::digest::Digest;
use crate::base::id::{LogId, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::control::{ControlRow, ControlStatus, Obligation, OpenFinding};
use crate::model::entry::{Actor, ActorKind, BlobRef, Entry};

const DAY: u64 = 24 * 60 * 60;

fn day(number: u64) -> Timestamp {
    let first: Timestamp = "2027-01-11T09:00:00Z".parse().expect("a moment");
    first + Millis::from_secs(number * DAY)
}

fn plan() -> Digest {
    Digest::of(b"plan")
}

/// A log in the making.
#[derive(Clone)]
struct Log(History);

impl Log {
    /// Of a scope whose one plan has these steps with evidence kinds.
    fn of(scope: &str, steps: &[(&str, &str)]) -> Self {
        let steps = steps.iter().map(|(step, kind)| (id(step), Some((*kind).to_owned()))).collect();
        let log: LogId = scope.parse().expect("a log");
        let plans = [(plan(), steps)].into();
        Self(History { log, entries: Vec::new(), plans, void: BTreeSet::new() })
    }

    fn tell(mut self, at: Timestamp, kind: &str, step: Option<&str>, body: Value) -> Self {
        self.0.entries.push(Entry {
            v: 1,
            seq: self.0.entries.len() as u64,
            at,
            log: self.0.log.clone(),
            run: None,
            kind: kind.to_owned(),
            step: step.map(id),
            actor: Actor { kind: ActorKind::Rehearsal, id: "rehearsal".into() },
            plan: Some(plan()),
            refs: Vec::new(),
            body,
            salt: String::new(),
        });
        self
    }

    fn start(self, at: Timestamp) -> Self {
        self.tell(at, "run.started", None, json!({}))
    }

    fn holds(self, at: Timestamp, step: &str) -> Self {
        self.tell(at, "step.succeeded", Some(step), json!({}))
    }

    fn fails(self, at: Timestamp, step: &str) -> Self {
        self.tell(at, "step.failed", Some(step), json!({ "cause": { "message": "the key is gone" } }))
    }
}

fn id(step: &str) -> StepId {
    step.parse().expect("a step")
}

fn kind_at(logs: &[History], kind: &str, now: Timestamp) -> KindStanding {
    let catalogue = Catalogue::embedded();
    standings(catalogue, &observe(catalogue, logs), now).remove(kind).expect("a kind")
}

fn rows_at(logs: &[History], now: Timestamp) -> Vec<ControlRow> {
    let catalogue = Catalogue::embedded();
    rows(catalogue, &standings(catalogue, &observe(catalogue, logs), now), now)
}

mod inputs;
mod world;

#[test]
fn the_data_holds_together() {
    let catalogue = Catalogue::embedded();
    let counts = Framework::ALL.map(|framework| catalogue.controls(framework).len());
    assert_eq!(counts, [71, 61, 49, 17, 148]);
    assert_eq!(catalogue.kinds().len(), 43);
    let mut tokens = BTreeSet::new();
    for framework in Framework::ALL {
        for (id, control) in catalogue.controls(framework) {
            assert!(!control.title.is_empty() && !control.days().is_empty(), "{id}");
            let is_day = |day: &&str| day.parse::<jiff::civil::Date>().is_ok();
            assert!(control.days().iter().all(is_day), "{id}");
            for nist in &control.nist {
                assert!(catalogue.controls(Framework::Nist).contains_key(nist), "{id} names {nist}");
            }
            assert!(tokens.insert(catalogue.token(framework, id)), "{id} has the token of another");
        }
        for id in &catalogue.sheets[&framework].unconfirmed {
            assert!(catalogue.controls(framework).contains_key(id), "{id}");
        }
    }
    for (name, kind) in catalogue.kinds() {
        let mut own = BTreeSet::new();
        for control in kind.controls() {
            assert!(catalogue.controls(control.0).contains_key(control.1), "{name} names {}", control.1);
            assert!(own.insert(control), "{name} names {} twice", control.1);
        }
        assert!(!own.is_empty() && !kind.holds.is_empty() && !kind.shows.is_empty(), "{name}");
        assert_eq!(kind.when.is_some(), kind.otherwise.is_some(), "{name}");
        assert_ne!(kind.max_age(), Some(Millis(0)), "{name}");
        for selector in kind.inputs.iter().flatten() {
            if let Selector::Feed(feed) = selector {
                assert!(catalogue.feeds().contains_key(feed), "{name} names feed {feed}");
            }
        }
        assert!(kind.inputs.iter().all(|input| !input.is_empty()), "{name}");
    }
    let fed: BTreeSet<&Selector> =
        catalogue.kinds().values().flat_map(|kind| kind.inputs.iter().flatten()).collect();
    for (name, feed) in catalogue.feeds() {
        assert!(fed.contains(&Selector::Feed(name.clone())), "nothing is fed by {name}");
        assert!(!feed.says.is_empty() && !feed.entry.is_empty(), "{name}");
        assert!(feed.apart.iter().all(|other| catalogue.feeds().contains_key(other)), "{name}");
    }
    let mut ids = BTreeSet::new();
    for framework in Framework::ALL {
        for id in catalogue.controls(framework).keys() {
            assert!(ids.insert(id), "{id} is of two frameworks");
            let outside = catalogue.outside(framework, id).is_some();
            assert!(!outside || catalogue.kinds_of(framework, id).is_empty(), "{id} is shown, and outside");
        }
    }
    // Of these two, whatever nothing here shows is declared to be for others.
    for framework in [Framework::Hipaa, Framework::Soc2] {
        let open = |id: &&String| {
            catalogue.kinds_of(framework, id).is_empty() && catalogue.outside(framework, id).is_none()
        };
        assert_eq!(catalogue.controls(framework).keys().find(open), None);
    }
    let addressable = |control: &&Control| control.obligation(day(0)) == Obligation::Addressable;
    assert_eq!(catalogue.controls(Framework::Hipaa).values().filter(addressable).count(), 22);
}

#[test]
fn ids_become_tokens() {
    let token = |framework, id| Catalogue::embedded().token(framework, id);
    assert_eq!(token(Framework::Hipaa, "164.312(a)(2)(iv)"), "hipaa-164.312-a-2-iv");
    assert_eq!(token(Framework::Hipaa, "164.312(b)"), "hipaa-164.312-b");
    assert_eq!(token(Framework::Nist, "sc-28.1"), "sc-28.1");
    assert_eq!(token(Framework::Part11, "11.10(e)"), "part11-11.10-e");
}

#[test]
fn a_rule_that_changes_counts_from_its_day() {
    let text = "title = \"t\"\naddressable = \"2005-04-20\"\nrequired = \"2027-02-01\"";
    let control: Control = toml::from_str(text).expect("a control");
    let at = |moment: &str| control.obligation(moment.parse().expect("a moment"));
    assert_eq!(at("2027-01-31T23:59:59Z"), Obligation::Addressable);
    assert_eq!(at("2027-02-01T00:00:00Z"), Obligation::Required);
    assert_eq!(at("1999-01-01T00:00:00Z"), Obligation::Addressable, "before all of them, the first");
}

const CMK: &str = "encryption.cmk_at_rest";

fn site() -> Log {
    Log::of("site/HRB01", &[("key.a", CMK), ("key.b", CMK)])
}

#[test]
fn a_kind_holds_once_all_of_its_steps_do_and_until_the_first_is_too_old() {
    let log = site().start(day(0)).holds(day(1), "key.a");
    let partial = kind_at(std::slice::from_ref(&log.0), CMK, day(1));
    assert_eq!((partial.state, partial.why.as_str()), (KindState::Partial, "not carried out: key.b"));
    let log = [log.holds(day(2), "key.b").0];
    let held = kind_at(&log, CMK, day(2));
    assert_eq!(
        (held.state, held.in_force_since, held.expires),
        (KindState::Held, Some(day(2)), Some(day(91)))
    );
    assert_eq!(held.newest, Some(day(2)));
    assert_eq!(kind_at(&log, CMK, day(91) - Millis(1)).state, KindState::Held);
    let expired = kind_at(&log, CMK, day(91));
    assert_eq!((expired.state, expired.lapsed), (KindState::Expired, Some(day(91))));
    let row = rows_at(&log, day(91)).into_iter().find(|row| row.id == "164.312(a)(2)(iv)").expect("a row");
    assert_eq!((row.status.clone(), row.is_stale(), row.shown), (ControlStatus::NotRun, true, None));
}

#[test]
fn a_failed_or_blocked_step_breaks_what_held_and_never_counts() {
    let log = site().start(day(0)).holds(day(0), "key.a").holds(day(0), "key.b");
    let failed = log.start(day(3)).fails(day(3), "key.b");
    let standing = kind_at(std::slice::from_ref(&failed.0), CMK, day(3));
    assert_eq!(standing.state, KindState::Failed);
    assert_eq!((standing.why.as_str(), standing.lapsed), ("key.b failed: the key is gone", Some(day(3))));
    assert_eq!(standing.in_force_since, None);
    let row = rows_at(std::slice::from_ref(&failed.0), day(3));
    let row = row.into_iter().find(|row| row.id == "164.312(a)(2)(iv)").expect("a row");
    assert_eq!(row.status, ControlStatus::Failed { what: CMK.into() });
    let mended = [failed.holds(day(5), "key.b").0];
    let standing = kind_at(&mended, CMK, day(5));
    assert_eq!((standing.state, standing.in_force_since), (KindState::Held, Some(day(5))));
    let blocked =
        site().start(day(0)).tell(day(0), "step.blocked", Some("key.a"), json!({ "by": "network.a" }));
    let standing = kind_at(&[blocked.0], CMK, day(0));
    assert_eq!(
        (standing.state, standing.why.as_str()),
        (KindState::Failed, "key.a was blocked by network.a")
    );
}

impl Log {
    /// An object has drifted; these checks read it.
    fn drifts(self, at: Timestamp, step: &str, rests: &[&str]) -> Self {
        let body = json!({ "object": step, "kind": "databricks.group", "class": "changed", "fields": [],
            "signature": Digest::of(b"x"), "rests": rests });
        let mut log = self.tell(at, "drift.found", Some(step), body);
        log.0.entries.last_mut().expect("told just now").plan = None;
        log
    }
}

#[test]
fn drift_makes_stale_what_rests_on_the_object_from_first_sight_until_a_run_sees_it_hold() {
    let log = site().start(day(0)).holds(day(0), "key.a").holds(day(0), "key.b");
    let drifted = log.drifts(day(3), "key.b", &[]).drifts(day(4), "key.b", &[]);
    let standing = kind_at(std::slice::from_ref(&drifted.0), CMK, day(5));
    assert_eq!((standing.state, standing.lapsed), (KindState::Failed, Some(day(3))), "first sight counts");
    assert_eq!((standing.why.as_str(), standing.in_force_since), ("key.b has drifted: changed", None));
    let gone = drifted.tell(day(5), "drift.gone", Some("key.b"), json!({ "object": "key.b" }));
    assert_eq!(
        kind_at(std::slice::from_ref(&gone.0), CMK, day(5)).state,
        KindState::Failed,
        "nobody looked at it all"
    );
    let mended = [gone.holds(day(6), "key.b").0];
    let standing = kind_at(&mended, CMK, day(6));
    assert_eq!((standing.state, standing.in_force_since), (KindState::Held, Some(day(6))));
    let account = Log::of("account", &[("group.all", CMK)]).start(day(0)).holds(day(0), "group.all");
    let account = account.drifts(day(1), "group.all", &[]);
    let shared = kind_at(&[site().start(day(0)).0, account.0], CMK, day(1));
    assert_eq!(shared.why, "a step of account has drifted", "the account's steps are not named");
}

#[test]
fn drift_makes_exactly_the_controls_stale_that_rest_on_the_object() {
    let catalogue = Catalogue::embedded();
    let whole = world::all_but("").histories();
    // What the journal's keeper knows of the ticket is no part of a log.
    let ticket = json!({ "passed": true });
    let whole = Log(whole).tell(day(0), "item.recorded", Some("promotion.ticket"), ticket).0;
    let step = "check.encryption-cmk-at-rest";
    let changed = |log: History| {
        let before = rows_at(std::slice::from_ref(&whole), day(1));
        let after = rows_at(&[log], day(1));
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after);
        changed.map(|(_, after)| after.clone()).collect::<Vec<_>>()
    };
    // The settings of the site no longer equal the plan as a whole, either.
    let kinds = [CMK, "readback.matches_plan"];
    let controls = kinds.iter().flat_map(|kind| catalogue.kinds()[*kind].controls());
    let mapped: BTreeSet<(String, String)> =
        controls.map(|(f, id)| (f.word().to_owned(), id.to_owned())).collect();
    for log in
        [Log(whole.clone()).drifts(day(1), step, &[]), Log(whole.clone()).drifts(day(1), "cmk.a", &[step])]
    {
        let rows = changed(log.0);
        let dropped: BTreeSet<(String, String)> =
            rows.iter().map(|row| (row.framework.clone(), row.id.clone())).collect();
        assert_eq!(dropped, mapped);
        for row in rows {
            let all = row
                .missing
                .iter()
                .all(|one| kinds.contains(&one.kind.as_str()) && one.stale && one.since == Some(day(1)));
            assert!(all && !row.missing.is_empty(), "{}: {:?}", row.id, row.missing);
        }
    }
    assert_eq!(changed(Log(whole.clone()).drifts(day(1), "group.a", &[]).0), [], "nothing rests on it");
}

#[test]
fn renewed_in_time_it_stays_in_force_and_after_a_gap_it_begins_anew() {
    let log = site().start(day(0)).holds(day(0), "key.a").holds(day(0), "key.b");
    let renewed = log.start(day(60)).holds(day(60), "key.a").holds(day(60), "key.b");
    let standing = kind_at(std::slice::from_ref(&renewed.0), CMK, day(60));
    assert_eq!((standing.in_force_since, standing.expires), (Some(day(0)), Some(day(150))));
    let late = renewed.start(day(200)).holds(day(200), "key.a").holds(day(201), "key.b");
    assert_eq!(kind_at(&[late.0], CMK, day(201)).in_force_since, Some(day(201)));
}

#[test]
fn scopes_that_the_site_rests_on_count_but_not_before_the_site_itself() {
    let account = Log::of("account", &[("group.all", CMK)]).start(day(0)).holds(day(0), "group.all");
    let own = site().start(day(4)).holds(day(4), "key.a").holds(day(5), "key.b");
    let both = kind_at(&[own.0.clone(), account.0.clone()], CMK, day(5));
    assert_eq!(
        (both.state, both.in_force_since, both.expires),
        (KindState::Held, Some(day(5)), Some(day(90)))
    );
    assert_eq!(both.entries().len(), 2);
    let broken = account.fails(day(6), "group.all");
    let broken = kind_at(&[own.0, broken.0], CMK, day(6));
    assert_eq!((broken.state, broken.why.as_str()), (KindState::Failed, "a step of account failed"));
}

#[test]
fn a_step_that_the_newest_plan_no_longer_has_is_history() {
    let mut log = site().start(day(0)).holds(day(0), "key.a").fails(day(0), "key.b").0;
    let newer = Digest::of(b"newer");
    log.plans.insert(newer, [(id("key.a"), Some(CMK.to_owned()))].into());
    let mut started = log.entries[0].clone();
    (started.seq, started.at, started.plan) = (3, day(1), Some(newer));
    log.entries.push(started);
    assert_eq!(kind_at(&[log], CMK, day(1)).state, KindState::Held);
}

#[test]
fn without_any_evidence_each_kind_says_why() {
    let none: [History; 0] = [];
    assert_eq!(kind_at(&none, "training.site_staff", day(0)).state, KindState::Manual);
    assert_eq!(kind_at(&none, "apply.executed", day(0)).state, KindState::NotRun);
    assert_eq!(kind_at(&none, CMK, day(0)).why, "no step of the plan shows it");
    let absent = kind_at(&none, "offboard.site", day(0));
    assert_eq!((absent.state, absent.why.as_str()), (KindState::NotApplicable, "the site is in use"));
    let when = Catalogue::embedded().kinds()["offboard.site"].when.as_deref().expect("an occasion");
    let happened = Log::of("site/HRB01", &[]).tell(day(0), when, None, json!({}));
    assert_eq!(kind_at(&[happened.0], "offboard.site", day(0)).state, KindState::Manual);
    assert!(rows_at(&none, day(0)).iter().all(|row| row.status != ControlStatus::Evidenced));
}

#[test]
fn the_score_counts_only_what_is_evidenced() {
    let site: crate::base::id::SiteCode = "HRB01".parse().expect("a site");
    let score = |rows: &[ControlRow]| {
        coverage(Catalogue::embedded(), &site, rows, &Framework::ALL)
            .into_iter()
            .map(|c| {
                let sum = c.evidenced + c.partial + c.failed + c.not_run + c.manual + c.waived;
                assert_eq!(sum, c.required, "{:?}", c.framework);
                assert_eq!(c.gaps.len() + c.evidenced + c.waived, c.required);
                (c.evidenced, c.required, c.manual)
            })
            .collect::<Vec<_>>()
    };
    let (none, all) = (score(&rows_at(&[], day(0))), score(&world::all_but("").rows(day(0))));
    assert!(none.iter().all(|(evidenced, _, _)| *evidenced == 0));
    for (framework, (evidenced, required, manual)) in Framework::ALL.into_iter().zip(all) {
        assert_eq!(evidenced + manual, required, "{framework:?}: only what no kind bears on is open");
    }
}

#[test]
fn a_row_waived_for_a_time_is_neither_evidenced_nor_a_gap() {
    let mut rows = world::all_but("").rows(day(0));
    rows.retain(|row| row.id == "164.312(b)");
    rows[0].status = ControlStatus::Waived { until: day(9) };
    let site = "HRB01".parse().expect("a site");
    let score = coverage(Catalogue::embedded(), &site, &rows, &[Framework::Hipaa]).remove(0);
    assert_eq!((score.evidenced, score.waived, score.required, score.is_complete()), (0, 1, 1, true));
}

#[test]
fn the_same_rows_give_the_same_workbook() {
    let rows = world::all_but(CMK).rows(day(0));
    let first = workbook(&rows, day(0)).expect("a workbook");
    assert_eq!(workbook(&rows, day(0)).expect("a workbook"), first);
    assert_ne!(workbook(&rows, day(1)).expect("a workbook"), first, "its date is the export's");
    assert!(first.starts_with(b"PK"));
}

#[test]
fn the_matrix_has_a_line_for_each_control() {
    let rows = world::all_but(CMK).rows(day(0));
    let site = "HRB01".parse().expect("a site");
    let text = csv([(&site, rows.as_slice())]);
    assert_eq!(text.lines().count(), 1 + rows.len());
    let line = text.lines().find(|line| line.contains(",164.312(a)(2)(iv),")).expect("a line");
    assert!(
        line.starts_with(
            "HRB01,hipaa,164.312(a)(2)(iv),,Encryption and decryption,addressable,part,partial,"
        )
    );
    assert!(line.contains("encryption.cmk_at_rest (no step of the plan shows it)"), "{line}");
}
