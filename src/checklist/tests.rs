//! Items in every state, with decisions that are weighed by their role alone: who may sign is another module's matter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::base::id::{LogId, PersonId};
use crate::model::people::People;
use crate::model::signed::{Act, STATEMENT_VERSION, Signed, Statement as Said};
use crate::people::How;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

pub(crate) fn scope() -> ScopeId {
    "site/HRB01".parse().expect("a scope")
}

pub(crate) fn item(id: &str, more: serde_json::Value) -> Item {
    let mut value = json!({
        "id": id, "title": format!("{id} is done"), "severity": "normal", "owner": "it-network",
        "escalate_to": "executive-sponsor", "within_days": 5,
        "validate": [{ "facts": { "expect": [{ "at": "/site/name", "present": true }] } }],
        "origin": { "pack": "readiness", "template": "items.toml.hbs", "line": 1 },
    });
    let fields = value.as_object_mut().expect("a table");
    fields.extend(more.as_object().expect("a table").clone());
    serde_json::from_value(value).expect("an item")
}

pub(crate) fn recorded(seq: u64, when: &str, item: &Item, missing: &[&str]) -> ItemEntry {
    let missing: Vec<String> = missing.iter().map(|text| (*text).to_owned()).collect();
    let event = ItemEvent::Recorded { at: at(when), item: digest(item), passed: missing.is_empty(), missing };
    ItemEntry { seq, at: at(when), item: item.id.clone(), event }
}

/// A decision of somebody in a role. `more` is the comment, then the end.
pub(crate) fn decision(
    seq: u64,
    when: &str,
    subject: Subject,
    act: Act,
    role: &str,
    (meaning, comment, expires): (&str, &str, Option<&str>),
) -> Decision {
    let statement = Said {
        v: STATEMENT_VERSION,
        estate: "lineage".to_owned(),
        subject,
        act,
        person: PersonId::new(format!("{role}-person")).expect("a person"),
        role: RoleName::new(role).expect("a role"),
        instead_of: None,
        at: at(when),
        expires: expires.map(at),
        meaning: meaning.to_owned(),
        comment: comment.to_owned(),
        electronic: None,
    };
    let signed = Signed { statement, signature: String::new(), key: String::new() };
    Decision { signed, log: LogId::Scope(scope()), seq, recorded_at: at(when) }
}

/// Counts whatever has the right subject, a role that is asked and no end that has come.
pub(crate) fn by_role(now: Timestamp) -> impl Fn(&Asked, &[Decision]) -> Weighed {
    move |asked, decisions| {
        let mut weighed = Weighed { missing: asked.seats.clone(), ..Weighed::default() };
        for (at, decision) in decisions.iter().enumerate() {
            let said = &decision.signed.statement;
            let ended = said.expires.is_some_and(|end| now >= end)
                || asked.valid_days.is_some_and(|days| {
                    now >= crate::model::days::end_after(&TimeZone::UTC, decision.recorded_at, days)
                });
            let seat = asked.seats.iter().find(|seat| seat.role == said.role);
            let (Some(seat), false) = (seat, ended || said.subject != asked.subject) else { continue };
            if matches!(said.act, Act::Reject {}) {
                weighed.rejected = Some(at);
                continue;
            }
            if let Act::Approve { conditions, .. } = &said.act {
                let day = crate::base::time::Millis::from_secs(24 * 60 * 60);
                let from =
                    |days: u32| decision.recorded_at + crate::base::time::Millis(day.0 * u64::from(days));
                weighed.conditions.extend(conditions.iter().map(|one| (one.clone(), from(one.days_min))));
            }
            weighed.missing.remove(seat);
            weighed.counted.insert(at, (seat.clone(), How::Holder));
        }
        weighed
    }
}

pub(crate) fn authority() -> Authority {
    Authority::of(&People::default())
}

fn look(
    items: &[Item],
    entries: &[ItemEntry],
    decisions: &[Decision],
    now: &str,
) -> BTreeMap<StepId, ItemStanding> {
    let (scope, authority, now) = (scope(), authority(), at(now));
    let weigh = by_role(now);
    let day_one = Some("2027-01-11".parse().expect("a day"));
    let around =
        Around { scope: &scope, zone: &TimeZone::UTC, day_one, authority: &authority, weigh: &weigh, now };
    standing(items, entries, decisions, around)
}

fn one<'s>(standings: &'s BTreeMap<StepId, ItemStanding>, id: &str) -> &'s ItemStanding {
    &standings[&StepId::new(id).expect("an id")]
}

fn states(standings: &BTreeMap<StepId, ItemStanding>) -> Vec<String> {
    standings
        .iter()
        .map(|(id, one)| {
            let state = serde_json::to_value(&one.state).expect("a state");
            format!("{id} {}", state.as_str().map_or_else(|| state.to_string(), str::to_owned))
        })
        .collect()
}

#[test]
fn an_item_is_open_then_failed_then_passed_and_an_edit_opens_it_again() {
    let inventory = item("inventory", json!({}));
    let items = [inventory.clone()];
    assert_eq!(states(&look(&items, &[], &[], "2027-01-12T00:00:00Z")), ["inventory open"]);
    let mut log = vec![recorded(3, "2027-01-12T10:00:00Z", &inventory, &["LIS", "RIS"])];
    assert_eq!(
        states(&look(&items, &log, &[], "2027-01-13T00:00:00Z")),
        [r#"inventory {"failed":{"missing":["LIS","RIS"]}}"#]
    );
    log.push(recorded(7, "2027-01-14T10:00:00Z", &inventory, &[]));
    let passed = look(&items, &log, &[], "2027-01-15T00:00:00Z");
    assert_eq!(states(&passed), [r#"inventory {"passed":{}}"#]);
    assert_eq!(one(&passed, "inventory").rests_on, BTreeSet::from([7]));
    // Passing once more changes nothing of what it rests on.
    log.push(recorded(9, "2027-01-16T10:00:00Z", &inventory, &[]));
    let again = look(&items, &log, &[], "2027-01-17T00:00:00Z");
    assert_eq!(one(&again, "inventory").rests_on, BTreeSet::from([7]));
    assert_eq!(one(&again, "inventory").since, Some(at("2027-01-14T10:00:00Z")));
    // A line that is added above it is no edit; another title is.
    let mut moved = inventory.clone();
    moved.origin.line = 40;
    assert!(one(&look(&[moved], &log, &[], "2027-01-17T00:00:00Z"), "inventory").state.is_closed());
    let edited = Item { title: "Something else".to_owned(), ..inventory };
    assert_eq!(states(&look(&[edited], &log, &[], "2027-01-17T00:00:00Z")), ["inventory open"]);
}

#[test]
fn an_old_record_is_open_again_and_a_new_one_is_a_new_ground() {
    let review = item("review", json!({ "valid_days": 90 }));
    let items = [review.clone()];
    let mut log = vec![recorded(1, "2027-01-12T10:00:00Z", &review, &[])];
    let fresh = look(&items, &log, &[], "2027-04-12T23:59:59Z");
    assert_eq!(one(&fresh, "review").until, Some(at("2027-04-13T00:00:00Z")));
    let old = look(&items, &log, &[], "2027-04-13T00:00:00Z");
    assert_eq!(one(&old, "review").state, ItemState::Expired { since: at("2027-04-13T00:00:00Z") });
    log.push(recorded(5, "2027-05-01T10:00:00Z", &review, &[]));
    let renewed = look(&items, &log, &[], "2027-05-02T00:00:00Z");
    assert_eq!(one(&renewed, "review").rests_on, BTreeSet::from([5]));
}

#[test]
fn what_comes_after_is_blocked_until_what_is_before_it_is_closed() {
    let (first, second) = (item("b", json!({})), item("a", json!({ "after": ["b"] })));
    let items = [second.clone(), first.clone()];
    assert_eq!(
        states(&look(&items, &[], &[], "2027-01-12T00:00:00Z")),
        [r#"a {"blocked":{"by":"b"}}"#, "b open"]
    );
    let log = [recorded(1, "2027-01-20T10:00:00Z", &first, &[])];
    let after = look(&items, &log, &[], "2027-01-21T00:00:00Z");
    // It can be done from the moment at which the other was closed; five working days later it is late.
    assert_eq!(one(&after, "a").since, Some(at("2027-01-20T10:00:00Z")));
    assert_eq!(one(&after, "a").due, Some(at("2027-01-28T00:00:00Z")));
    assert!(!one(&look(&items, &log, &[], "2027-01-27T23:59:59Z"), "a").overdue);
    assert!(one(&look(&items, &log, &[], "2027-01-28T00:00:00Z"), "a").overdue);
}

#[test]
fn a_window_of_the_program_says_when_an_item_is_late() {
    let charter = item("charter", json!({ "due": { "from": 1, "to": 30 } }));
    let items = [charter.clone()];
    assert!(!one(&look(&items, &[], &[], "2027-02-09T23:59:59Z"), "charter").overdue);
    let late = look(&items, &[], &[], "2027-02-10T00:00:00Z");
    assert!(one(&late, "charter").overdue, "day 30 is the ninth of February");
    assert_eq!(one(&late, "charter").escalated, None);
    let failed = ItemEvent::Escalated {
        at: at("2027-02-10T08:00:00Z"),
        to: charter.escalate_to.clone(),
        why: "its tests failed".to_owned(),
    };
    let mut log =
        vec![ItemEntry { seq: 1, at: at("2027-02-10T08:00:00Z"), item: charter.id.clone(), event: failed }];
    assert_eq!(one(&look(&items, &log, &[], "2027-02-11T00:00:00Z"), "charter").escalated, None);
    let told = ItemEvent::Escalated {
        at: at("2027-02-10T09:00:00Z"),
        to: charter.escalate_to.clone(),
        why: format!("{LATE} since 2027-02-10"),
    };
    log.push(ItemEntry { seq: 2, at: at("2027-02-10T09:00:00Z"), item: charter.id.clone(), event: told });
    let escalated = look(&items, &log, &[], "2027-02-11T00:00:00Z");
    assert_eq!(one(&escalated, "charter").escalated, Some(at("2027-02-10T09:00:00Z")));
}

const WORDS: &str = "I have walked through the clinic.";

fn stated(valid: Option<u32>) -> Item {
    item(
        "walk",
        json!({
            "valid_days": valid,
            "validate": [{ "attest": { "statement": WORDS, "by": ["site-steward", "compliance"] } }],
        }),
    )
}

fn says(seq: u64, when: &str, item: &Item, role: &str, words: &str) -> Decision {
    decision(seq, when, subject(&scope(), item), Act::Attest {}, role, (words, "", None))
}

#[test]
fn a_statement_counts_word_for_word_and_every_role_is_asked() {
    let walk = stated(None);
    let items = [walk.clone()];
    let now = "2027-01-20T00:00:00Z";
    assert_eq!(
        states(&look(&items, &[], &[], now)),
        [r#"walk {"waiting":{"on":["compliance","site-steward"]}}"#]
    );
    let mut said = vec![
        says(1, "2027-01-12T10:00:00Z", &walk, "site-steward", WORDS),
        says(2, "2027-01-13T10:00:00Z", &walk, "compliance", "I have seen a picture of the clinic."),
    ];
    assert_eq!(states(&look(&items, &[], &said, now)), [r#"walk {"waiting":{"on":["compliance"]}}"#]);
    said.push(says(4, "2027-01-14T10:00:00Z", &walk, "compliance", WORDS));
    let done = look(&items, &[], &said, now);
    assert_eq!(one(&done, "walk").rests_on, BTreeSet::from([1, 4]));
    assert_eq!(one(&done, "walk").since, Some(at("2027-01-14T10:00:00Z")));
    // Other words in the pack ask for it again.
    let mut edited = walk;
    edited.validate = stated(None).validate;
    edited.title = "Other".to_owned();
    assert!(!one(&look(&[edited], &[], &said, now), "walk").state.is_closed());
}

#[test]
fn statements_grow_old_and_a_rejection_stands() {
    let walk = stated(Some(30));
    let mut said: Vec<Decision> = [(1, "site-steward"), (2, "compliance")]
        .map(|(seq, role)| says(seq, "2027-01-12T10:00:00Z", &walk, role, WORDS))
        .into();
    let items = [walk.clone()];
    assert!(one(&look(&items, &[], &said, "2027-02-11T23:59:59Z"), "walk").state.is_closed());
    assert_eq!(
        one(&look(&items, &[], &said, "2027-02-12T00:00:00Z"), "walk").state,
        ItemState::Expired { since: at("2027-02-12T00:00:00Z") }
    );
    let no = ("I reject this", "the back door is open", None);
    said.push(decision(
        3,
        "2027-01-13T10:00:00Z",
        subject(&scope(), &walk),
        Act::Reject {},
        "compliance",
        no,
    ));
    let rejected = look(&items, &[], &said, "2027-01-20T00:00:00Z");
    let ItemState::Failed { missing } = &one(&rejected, "walk").state else { panic!("it was rejected") };
    assert!(missing[0].contains("the back door is open"), "{missing:?}");
}

#[test]
fn an_item_with_tests_and_statements_needs_both() {
    let both = item(
        "both",
        json!({ "validate": [
            { "facts": { "expect": [{ "at": "/site/name", "present": true }] } },
            { "attest": { "statement": WORDS, "by": ["compliance"] } },
        ] }),
    );
    let items = [both.clone()];
    let said = [says(2, "2027-01-12T10:00:00Z", &both, "compliance", WORDS)];
    let log = [recorded(1, "2027-01-12T09:00:00Z", &both, &[])];
    let now = "2027-01-13T00:00:00Z";
    assert_eq!(states(&look(&items, &[], &said, now)), ["both open"]);
    assert_eq!(states(&look(&items, &log, &[], now)), [r#"both {"waiting":{"on":["compliance"]}}"#]);
    assert_eq!(one(&look(&items, &log, &said, now), "both").rests_on, BTreeSet::from([1, 2]));
}

fn waiver(seq: u64, item: &Item, role: &str, until: &str) -> Decision {
    let act = Act::Waive { compensating: "a daily look".to_owned() };
    let said = ("until then", "the vendor is late", Some(until));
    decision(seq, "2027-01-12T10:00:00Z", subject(&scope(), item), act, role, said)
}

#[test]
fn who_may_waive_follows_from_the_severity() {
    let now = "2027-01-20T00:00:00Z";
    let cases: [(&str, &[&str], bool); 7] = [
        ("critical", &["executive-sponsor", "compliance"], true),
        ("critical", &["executive-sponsor"], false),
        ("critical", &["compliance", "it-network"], false),
        ("high", &["compliance"], true),
        ("high", &["it-network"], false),
        ("normal", &["it-network"], true),
        ("normal", &["compliance"], false),
    ];
    for (severity, roles, passes) in cases {
        let late = item("late", json!({ "severity": severity }));
        let said: Vec<Decision> = (0..)
            .zip(roles.iter())
            .map(|(seq, role)| waiver(seq, &late, role, "2027-03-01T00:00:00Z"))
            .collect();
        let closed = one(&look(std::slice::from_ref(&late), &[], &said, now), "late").state.is_closed();
        assert_eq!(closed, passes, "{severity} by {roles:?}");
    }
}

#[test]
fn a_waiver_ends_and_one_without_end_reason_or_compensation_is_none() {
    let late = item("late", json!({ "severity": "high" }));
    let items = [late.clone()];
    let said = [waiver(4, &late, "compliance", "2027-02-01T00:00:00Z")];
    let waived = look(&items, &[], &said, "2027-01-31T23:59:59Z");
    assert_eq!(one(&waived, "late").state, ItemState::Waived { until: at("2027-02-01T00:00:00Z") });
    assert_eq!(one(&waived, "late").waived_by.as_deref(), Some("the vendor is late"));
    assert_eq!(states(&look(&items, &[], &said, "2027-02-01T00:00:00Z")), ["late open"]);
    let about = subject(&scope(), &late);
    let with = |compensating: &str, comment: &str, end: Option<&str>| {
        let act = Act::Waive { compensating: compensating.to_owned() };
        decision(1, "2027-01-12T10:00:00Z", about.clone(), act, "compliance", ("", comment, end))
    };
    let end = Some("2027-03-01T00:00:00Z");
    for bad in [with("look", "why", None), with("look", " ", end), with("", "why", end)] {
        assert_eq!(states(&look(&items, &[], &[bad], "2027-01-20T00:00:00Z")), ["late open"]);
    }
    // Done is done: the waiver is not what it rests on then.
    let log = [recorded(9, "2027-01-15T10:00:00Z", &late, &[])];
    assert_eq!(one(&look(&items, &log, &said, "2027-01-20T00:00:00Z"), "late").rests_on, BTreeSet::from([9]));
}

#[test]
fn an_item_does_not_apply_only_where_its_pack_lets_it() {
    let now = "2027-01-20T00:00:00Z";
    for (may, role, closed) in
        [(true, "it-network", true), (true, "compliance", false), (false, "it-network", false)]
    {
        let fax = item("fax", json!({ "may_not_apply": may }));
        let said = ("", "there is no fax here", None);
        let said =
            decision(1, "2027-01-12T10:00:00Z", subject(&scope(), &fax), Act::NotApplicable {}, role, said);
        let standings = look(std::slice::from_ref(&fax), &[], &[said], now);
        assert_eq!(one(&standings, "fax").state.is_closed(), closed, "{may} {role}");
    }
}
