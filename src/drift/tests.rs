//! What counts, what is new, and what may be accepted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::base::digest::Digest;
use crate::base::id::KindName;
use crate::base::time::{Millis, Timestamp};
use crate::kind::Registry;
use crate::model::drift::{Basis, Drift, DriftClass, DriftFound, FieldDrift};
use crate::model::entry::{Actor, ActorKind, Entry};
use crate::model::kind::Kind;

const DAY: u64 = 24 * 60 * 60;

fn day(number: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Millis::from_secs(number * DAY)
}

fn kind(name: &str) -> &'static Kind {
    let name = KindName::new(format!("databricks.{name}")).expect("a kind");
    Registry::standard().get(&name).expect("a table")
}

/// What the comparison tells, one line for each field.
fn told(kind: &Kind, spec: &Value, readback: Option<&Value>, live: Option<&Value>) -> Vec<String> {
    match compare(kind, &Held { spec, readback }, live) {
        Compared::Same => Vec::new(),
        Compared::Unsettled { state } => vec![format!("unsettled {state}")],
        Compared::Drifted { class, fields } => fields
            .iter()
            .map(|field| {
                let show = |value: &Option<Value>| value.as_ref().map_or("none".to_owned(), Value::to_string);
                let (held, live) = (show(&field.held), show(&field.live));
                format!("{} {} {held} -> {live} {:?}", class.word(), field.at, field.basis)
            })
            .collect(),
    }
}

#[test]
fn drift_is_told_from_what_we_hold_to_what_is_there() {
    let catalog = kind("catalog");
    let spec = json!({ "name": "c", "comment": "ours", "owner": "Admins" });
    let live =
        |comment: &str, owner: &str| json!({ "name": "C", "comment": comment, "owner": owner, "x": 1 });
    assert_eq!(told(catalog, &spec, None, Some(&live("ours", "admins"))), [] as [&str; 0], "spelling");
    assert_eq!(
        told(catalog, &spec, None, Some(&live("theirs", "admins"))),
        [r#"changed /comment "ours" -> "theirs" Applied"#]
    );
    assert_eq!(told(catalog, &spec, None, None), ["missing  none -> none Applied"]);
    let readback = json!({ "name": "c", "isolation_mode": "ISOLATED" });
    let mut open = live("ours", "admins");
    open["isolation_mode"] = json!("OPEN");
    assert_eq!(
        told(catalog, &spec, Some(&readback), Some(&open)),
        [r#"changed /isolation_mode "ISOLATED" -> "OPEN" Seen"#]
    );
}

#[test]
fn what_is_always_there_loses_what_it_holds_and_is_not_missing() {
    let spec = json!({ "securable_type": "catalog", "full_name": "c",
        "privilege_assignments": [{ "principal": "a", "privileges": ["SELECT"] }] });
    let lines = told(kind("grants"), &spec, None, None);
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("changed /privilege_assignments [{") && lines[0].contains("-> none"),
        "{lines:?}"
    );
}

#[test]
fn what_is_on_its_way_is_not_judged_and_what_is_stuck_is() {
    let spec = json!({ "workspace_name": "w" });
    let live = |state: &str| json!({ "workspace_name": "w", "workspace_status": state });
    assert_eq!(told(kind("workspace"), &spec, None, Some(&live("PROVISIONING"))), ["unsettled PROVISIONING"]);
    assert_eq!(
        told(kind("workspace"), &spec, None, Some(&live("FAILED"))),
        [r#"changed /workspace_status "RUNNING" -> "FAILED" Seen"#]
    );
}

fn drift(object: &str, at: &str, live: &Value) -> Drift {
    Drift {
        scope: "site/HRB01".parse().expect("a scope"),
        object: object.to_owned(),
        step: object.parse().ok(),
        kind: kind("catalog").name.clone(),
        id: None,
        title: None,
        class: DriftClass::Changed,
        fields: vec![FieldDrift {
            at: at.to_owned(),
            held: None,
            live: None,
            value: Digest::of_canonical(live),
            basis: Basis::Applied,
            reason: String::new(),
            accepted: None,
        }],
        since: None,
        workspace: None,
        who: None,
    }
}

fn entry(seq: u64, at: Timestamp, kind: &str, step: Option<&str>, body: Value) -> Entry {
    Entry {
        v: 1,
        seq,
        at,
        log: "site/HRB01".parse().expect("a log"),
        run: None,
        kind: kind.to_owned(),
        step: step.map(|step| step.parse().expect("a step")),
        actor: Actor { kind: ActorKind::Person, id: "tester".to_owned() },
        plan: None,
        refs: Vec::new(),
        body,
        salt: String::new(),
    }
}

fn found(seq: u64, at: Timestamp, drift: &Drift) -> Entry {
    let body = DriftFound {
        object: drift.object.clone(),
        kind: drift.kind.clone(),
        class: drift.class,
        signature: drift.signature(),
        fields: drift.fields.clone(),
        more: 0,
        rests: Vec::new(),
        who: None,
    };
    entry(
        seq,
        at,
        "drift.found",
        drift.step.as_ref().map(|s| s.as_str()),
        serde_json::to_value(body).expect("a body"),
    )
}

/// What is new, one word for each object.
fn news(log: &[Entry], seen: &[&Drift], unsettled: &[&str]) -> Vec<String> {
    let standings = Standings::from_entries(log).expect("a good log");
    let unsettled: BTreeSet<&str> = unsettled.iter().copied().collect();
    let words = |news: &News<'_>| match news {
        News::Found(drift) => format!("found {}", drift.object),
        News::Gone(gone) => format!("gone {}", gone.object),
    };
    standings.news(seen.iter().copied(), &unsettled).iter().map(words).collect()
}

#[test]
fn each_change_of_standing_is_news_once() {
    let (one, other) = (drift("catalog.a", "/owner", &json!("x")), drift("catalog.a", "/owner", &json!("y")));
    let none: [&str; 0] = [];
    assert_eq!(news(&[], &[&one], &[]), ["found catalog.a"]);
    let log = [found(0, day(0), &one)];
    assert_eq!(news(&log, &[&one], &[]), none, "seen before");
    assert_eq!(news(&log, &[&other], &[]), ["found catalog.a"], "another value");
    assert_eq!(news(&log, &[], &[]), ["gone catalog.a"]);
    assert_eq!(news(&log, &[], &["catalog.a"]), none, "nothing is known of it");
    let gone = entry(1, day(1), "drift.gone", Some("catalog.a"), json!({ "object": "catalog.a" }));
    assert_eq!(news(&[log[0].clone(), gone], &[&one], &[]), ["found catalog.a"], "it came back");
    let mended = entry(1, day(1), "step.succeeded", Some("catalog.a"), json!({}));
    let log = [log[0].clone(), mended];
    assert_eq!(news(&log, &[], &[]), none, "the run is record enough");
    assert_eq!(news(&log, &[&one], &[]), ["found catalog.a"], "it came back after the run");
}

#[test]
fn first_sight_stays_however_the_drift_goes_on() {
    let (mut one, other) =
        (drift("catalog.a", "/owner", &json!("x")), drift("catalog.a", "/owner", &json!("y")));
    let standings = Standings::from_entries(&[found(0, day(0), &one), found(1, day(5), &other)]);
    standings.expect("a good log").tell(&mut one, day(6));
    assert_eq!(one.since, Some(day(0)));
    assert!(Standings::from_entries(&[entry(0, day(0), "drift.found", None, json!({}))]).is_err());
}

fn wish(object: &str, field: &str, until: Timestamp) -> Wish {
    Wish {
        object: object.to_owned(),
        field: field.to_owned(),
        owner: "compliance".to_owned(),
        until,
        reason: "handover".to_owned(),
    }
}

#[test]
fn an_acceptance_holds_for_one_value_and_until_its_end() {
    let mut one = drift("catalog.a", "/owner", &json!("x"));
    let accepted = accepted(&wish("catalog.a", "/owner", day(10)), &[&one], day(0)).expect("fine");
    let body = serde_json::to_value(accepted).expect("a body");
    let log = [entry(0, day(0), "drift.accepted", Some("catalog.a"), body)];
    let standings = Standings::from_entries(&log).expect("a good log");
    let mut counts = |value: &str, now: Timestamp| {
        one.fields[0].value = Digest::of_canonical(&json!(value));
        standings.tell(&mut one, now);
        one.counts()
    };
    assert!(!counts("x", day(0)) && !counts("x", day(10) + Millis(0) - Millis(1)));
    assert!(counts("x", day(10)), "it ended");
    assert!(counts("y", day(1)), "another value than what was accepted");
}

#[test]
fn an_acceptance_is_refused_that_covers_what_nobody_looked_at() {
    let one = drift("catalog.a", "/owner", &json!("x"));
    let refused = |object: &str, field: &str, until: u64| {
        accepted(&wish(object, field, day(until)), &[&one], day(1)).unwrap_err()
    };
    for (object, field) in [("catalog.*", "/owner"), ("catalog.a", "/*"), ("*", "")] {
        assert!(matches!(refused(object, field, 10), BadAcceptance::Wildcard(_)), "{object} {field}");
    }
    assert_eq!(refused("catalog.a", "/owner", 1), BadAcceptance::Past);
    assert_eq!(refused("catalog.a", "/owner", 94), BadAcceptance::TooLong { days: 92 });
    assert_eq!(refused("catalog.b", "/owner", 10).to_string(), "catalog.b has not drifted");
    assert_eq!(
        refused("catalog.a", "/comment", 10).to_string(),
        "catalog.a has not drifted at `/comment`; it has at: /owner"
    );
    let silent = Wish { reason: " ".to_owned(), ..wish("catalog.a", "/owner", day(10)) };
    assert_eq!(accepted(&silent, &[&one], day(1)).unwrap_err(), BadAcceptance::NoReason);
}
