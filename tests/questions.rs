//! Answers for auditors: the same from a journal and from a bundle alone, and never an empty success.

#[path = "questions/canary.rs"]
mod canary;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "bundle/fixture.rs"]
mod fixture;
#[path = "questions/program.rs"]
mod program;
#[path = "questions/proxy.rs"]
mod proxy;
#[path = "questions/sweep.rs"]
mod sweep;
#[allow(dead_code, clippy::unwrap_used, reason = "helpers of tests")]
#[path = "cli/world.rs"]
mod world;

use std::collections::BTreeSet;

use fixture::{Ending, build, journal, plan};
use landfall::base::id::{LogId, StepId};
use landfall::evidence::question::ask::{Question, ask};
use landfall::evidence::question::coverage::{Planned, coverage, planned_steps};
use landfall::evidence::question::search::{Query, search};
use landfall::evidence::question::timeline::{Period, timeline};
use landfall::evidence::records::Records;
use landfall::ops::question::of_log;

const QUESTIONS: [Question; 5] =
    [Question::Approvals, Question::Changes, Question::Access, Question::Incidents, Question::Retirements];

fn log() -> LogId {
    "site/HRB01".parse().expect("a log")
}

fn from_journal(ending: Ending) -> Records {
    of_log(&journal(ending, &plan()), &log()).expect("records")
}

fn from_bundle(ending: Ending) -> Records {
    Records::of_bundle(&build(ending).files).expect("records")
}

#[test]
fn journal_and_bundle_give_the_same_answers() {
    for ending in [Ending::Well, Ending::Badly, Ending::NotYet] {
        let (journal, bundle) = (from_journal(ending), from_bundle(ending));
        assert_eq!(journal.entries, bundle.entries);
        let whole = Period::default();
        assert_eq!(timeline(&journal, &whole), timeline(&bundle, &whole));
        for question in QUESTIONS {
            assert_eq!(ask(&journal, question), ask(&bundle, question), "{question:?}");
        }
        let query = Query::parse("step:catalog created").expect("a query");
        assert_eq!(search(&[journal], &query), search(&[bundle], &query));
    }
}

#[test]
fn a_timeline_goes_from_first_to_last_and_names_the_read_backs() {
    let records = from_bundle(Ending::Well);
    let all = timeline(&records, &Period::default());
    assert_eq!(all.rows.len(), records.entries.len());
    assert!(all.rows.iter().map(|row| &row[1]).is_sorted());
    assert_eq!(
        all.rows[3][..6],
        [
            "site/HRB01#3",
            "2027-01-11T09:06:00.000Z",
            "landfall",
            "goal seen to be reached",
            "catalog.clinical",
            "created"
        ]
    );
    assert!(all.rows[3][7].starts_with("readback/catalog.clinical.json sha256:"), "{:?}", all.rows[3]);
    let at = |text: &str| Some(text.parse().expect("a moment"));
    let part = Period { from: at("2027-01-11T09:04:00Z"), until: at("2027-01-11T09:06:00Z") };
    let ids: Vec<_> = timeline(&records, &part).rows.into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids, ["site/HRB01#1", "site/HRB01#2"]);
}

#[test]
fn changes_are_told_from_intent_to_result_and_open_ones_are_counted() {
    let changes = ask(&from_bundle(Ending::Badly), Question::Changes);
    let told: Vec<[&str; 4]> =
        changes.rows.iter().map(|row| [&*row[0], &row[1], &row[10], &row[11]]).collect();
    assert_eq!(
        told,
        [
            ["site/HRB01#1", "catalog.clinical", "created", "site/HRB01#3"],
            ["site/HRB01#4", "schema.raw", "failed: no such <catalog> & more", "site/HRB01#6"],
        ]
    );
    let open = ask(&from_bundle(Ending::NotYet), Question::Changes);
    assert_eq!(open.rows[1][10], "no outcome");
    assert!(open.sentence.contains("1 is without an outcome"), "{}", open.sentence);
}

#[test]
fn what_is_not_written_down_is_no_record_and_never_an_empty_success() {
    let records = from_bundle(Ending::Well);
    for question in [Question::Approvals, Question::Access, Question::Incidents, Question::Retirements] {
        let answer = ask(&records, question);
        assert!(answer.rows.is_empty() && answer.sentence.starts_with("No record"), "{}", answer.sentence);
    }
    let approvals = ask(&records, Question::Approvals).sentence;
    assert!(approvals.starts_with("No record: this log holds no approval"), "{approvals}");
    let nothing = search(&[records], &Query::parse("step:catalog.nowhere").expect("a query"));
    assert!(nothing.sentence.starts_with("No record"));
}

#[test]
fn steps_without_a_record_are_counted_and_stand_first() {
    let site = "site/HRB01".parse().expect("a scope");
    let steps: BTreeSet<StepId> = plan().plan.scopes[&site].steps.keys().cloned().collect();
    let whole = serde_json::to_vec(&plan()).expect("a plan");
    assert_eq!(planned_steps(&whole, &log()).as_ref(), Some(&steps));
    let scope = serde_json::to_value(&plan().plan.scopes[&site]).expect("JSON");
    let part = serde_json::json!({"part": {"scope": "site/HRB01", "plan": scope}}).to_string();
    assert_eq!(planned_steps(part.as_bytes(), &log()).as_ref(), Some(&steps));
    assert_eq!(planned_steps(part.as_bytes(), &"site/MPL02".parse().expect("a log")), None);
    let of = |ending| coverage(&[Planned { records: from_bundle(ending), steps: steps.clone() }], &[]);
    assert_eq!((of(Ending::Well).planned, of(Ending::Well).missing), (3, 0));
    let open = of(Ending::NotYet);
    assert_eq!(open.missing, 1);
    assert_eq!(open.answer.rows[0][1], "check.clinical");
    let silent = coverage(&[], &["MPL02".to_owned()]);
    assert!(silent.answer.sentence.starts_with("No record") && silent.answer.sentence.contains("MPL02"));
}
