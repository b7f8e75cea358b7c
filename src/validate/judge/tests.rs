//! A verdict for each validator, passing and failing.

use super::*;
use crate::base::digest::Digest;
use crate::model::entry::BlobRef;
use crate::validate::findings::Graph;
use crate::validate::needs;
use serde_json::json;

fn validator(text: &str) -> Validator {
    let table: toml::Table = text.parse().unwrap();
    serde_json::from_value(serde_json::to_value(table).unwrap()).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    moment("2027-01-12T03:00:00Z")
}

fn findings() -> Findings {
    let mut graph = Graph::default();
    let edges = [("a", &[][..]), ("b", &["a"]), ("c.1", &["b"]), ("c.2", &["a"]), ("loop", &["loop", "c.1"])];
    for (name, before) in edges {
        graph.wait(name, before.iter().map(|b| (*b).to_owned()));
    }
    let file = BlobRef { path: "record/drill.json".to_owned(), sha256: Digest::of(b"x") };
    let filed =
        |at: &str, said: Option<Value>| Filed { entry: 3, at: moment(at), file: Some(file.clone()), said };
    let step = |id: &str| id.parse().unwrap();
    let member = |id: &str, active| Member { id: id.to_owned(), active };
    let members = vec![member("7", Some(true)), member("8", Some(false)), member("9", None)];
    let certificate = |until: &str, untrusted: Option<&str>| Certificate {
        until: moment(until),
        untrusted: untrusted.map(str::to_owned),
    };
    Findings {
        facts: json!({
            "days": { "ahead": "2027-02-01", "today": "2027-01-11", "past": "2026-12-01", "moment": "2027-01-11T23:00:00-05:00",
                      "odd": "soon", "empty": "", "number": 5 },
            "registers": { "metrics": [
                { "name": "freshness", "value": 30 }, { "name": "freshness", "value": 6 }, { "name": "odd", "value": "x" },
            ] },
        }),
        zone: jiff::tz::TimeZone::get("America/New_York").unwrap(),
        records: BTreeMap::from([
            (
                "drill".to_owned(),
                vec![
                    filed("2026-01-01T00:00:00Z", Some(json!({ "open": 0 }))),
                    filed("2027-01-01T00:00:00Z", Some(json!({ "open": 2 }))),
                ],
            ),
            ("plain".to_owned(), vec![filed("2027-01-01T00:00:00Z", None)]),
        ]),
        released: Some(moment("2027-01-05T00:00:00Z")),
        readbacks: BTreeMap::from([
            (
                step("there"),
                Ok(Some(Object { live: json!({ "x": 1, "hidden": "h" }), kept: json!({ "x": 1 }) })),
            ),
            (step("gone"), Ok(None)),
            (step("shut"), Err("no right".to_owned())),
        ]),
        rules: BTreeMap::from([
            ("GOOD".to_owned(), Ok(vec![])),
            ("BAD".to_owned(), Ok(vec!["a bucket lies elsewhere".to_owned()])),
        ]),
        graph,
        http: BTreeMap::from([
            ("https://x".to_owned(), Ok(HttpAnswer { status: 200, body: Some(json!({ "up": true })) })),
            ("https://text".to_owned(), Ok(HttpAnswer { status: 503, body: None })),
        ]),
        dns: BTreeMap::from([
            ("in".to_owned(), Ok(vec!["10.1.2.3".to_owned(), "10.1.2.4".to_owned()])),
            ("out".to_owned(), Ok(vec!["10.1.2.3".to_owned(), "fd00::1".to_owned(), "junk".to_owned()])),
            ("none".to_owned(), Ok(vec![])),
        ]),
        tls: BTreeMap::from([
            (("good".to_owned(), 443), Ok(certificate("2027-06-01T00:00:00Z", None))),
            (("short".to_owned(), 443), Ok(certificate("2027-01-20T00:00:00Z", None))),
            (
                ("over".to_owned(), 443),
                Ok(certificate("2027-01-02T00:00:00Z", Some("it is for another name"))),
            ),
        ]),
        scim: BTreeMap::from([("stewards".to_owned(), Ok(Some(members))), ("nobody".to_owned(), Ok(None))]),
    }
}

fn check(text: &str, expected: &[&str]) {
    let verdict = judge(&validator(text), &findings(), now());
    assert_eq!(verdict.missing, expected, "{text}");
    assert_eq!(verdict.passed, expected.is_empty(), "{text}");
}

#[test]
fn records_are_new_enough_and_say_what_they_have_to() {
    check(r#"record = { kind = "plain" }"#, &[]);
    check(
        r#"record = { kind = "plain", within_days = 11 }"#,
        &["The newest record of “plain” is of 2026-12-31 and must not be older than 11 days."],
    );
    check(r#"record = { kind = "plain", within_days = 12 }"#, &[]);
    check(
        r#"record = { kind = "none" }"#,
        &["No record of “none” has been filed here: landfall record none files one."],
    );
    check(
        r#"record = { kind = "drill", after_release = true, expect = [{ at = "/open", max = 0 }] }"#,
        &[
            "The newest record of “drill” is of 2026-12-31, and the newest good run ended later, on 2027-01-04.",
            "“open” must be at most 0; it is 2.",
        ],
    );
    check(
        r#"record = { kind = "plain", expect = [{ at = "/open" }] }"#,
        &["The record of “plain” of 2026-12-31 has no JSON file, so nobody can see from it what it found."],
    );
    let never = Findings { released: None, ..findings() };
    let verdict = judge(&validator(r#"record = { kind = "plain", after_release = true }"#), &never, now());
    assert!(!verdict.passed, "what comes after a release needs one");
}

#[test]
fn objects_rules_and_answers_are_held_against_what_is_expected() {
    check(r#"read = { read = "there", expect = [{ at = "/hidden", equals = "h" }] }"#, &[]);
    check(
        r#"read = { read = "there", expect = [{ at = "/x", equals = 2 }] }"#,
        &["there: “x” must be 2; it is 1."],
    );
    check(r#"read = { read = "gone", expect = [] }"#, &["“gone” is not there."]);
    check(r#"read = { read = "shut", expect = [] }"#, &["“shut” could not be looked at: no right."]);
    check(r#"read = { read = "never", expect = [] }"#, &["“never” was not looked at."]);
    check(r#"rule = { rule = "GOOD" }"#, &[]);
    check(r#"rule = { rule = "BAD" }"#, &["Rule BAD: a bucket lies elsewhere."]);
    check(r#"http = { url = "https://x", status = 200, expect = [{ at = "/up", equals = true }] }"#, &[]);
    check(
        r#"http = { url = "https://text", status = 200, expect = [{ at = "/up", equals = true }] }"#,
        &["https://text answers 503 where 200 is expected.", "https://text does not answer with JSON."],
    );
    let kept = judge(&validator(r#"read = { read = "there", expect = [] }"#), &findings(), now()).proofs;
    assert!(!format!("{kept:?}").contains("hidden"), "evidence holds what it may hold");
}

#[test]
fn what_governs_is_among_all_that_comes_before() {
    check(r#"dominates = { first = "a", governs = ["b", "c.*", "loop"] }"#, &[]);
    check(
        r#"dominates = { first = "b", governs = ["c.*"] }"#,
        &["“c.2” can begin without “b”: name it in `after`."],
    );
    check(r#"dominates = { first = "a", governs = ["nothing.*"] }"#, &[]);
    check(
        r#"dominates = { first = "x", governs = ["y"] }"#,
        &["“x” is not part of what is planned here.", "“y” is not part of what is planned here."],
    );
}

#[test]
fn names_certificates_groups_and_metrics() {
    check(r#"dns = { name = "in", within = "10.1.0.0/16" }"#, &[]);
    check(
        r#"dns = { name = "out", within = "10.1.0.0/16" }"#,
        &["The name out leads to fd00::1 and junk, outside of 10.1.0.0/16."],
    );
    check(r#"dns = { name = "none", within = "10.1.0.0/16" }"#, &["The name none leads to no address."]);
    check(r#"dns = { name = "in", within = "here" }"#, &["“here” is no network, such as 10.20.0.0/16."]);
    check(r#"tls = { host = "good", port = 443, valid_days = 30 }"#, &[]);
    check(
        r#"tls = { host = "short", port = 443, valid_days = 30 }"#,
        &["The certificate of short:443 expires on 2027-01-19; it must be valid for 30 days more."],
    );
    check(
        r#"tls = { host = "over", port = 443, valid_days = 0 }"#,
        &[
            "The certificate of over:443 is not trusted here: it is for another name.",
            "The certificate of over:443 has expired on 2027-01-01.",
        ],
    );
    check(r#"scim = { group = "stewards", members_min = 3 }"#, &[]);
    check(
        r#"scim = { group = "stewards", members_min = 4, active = true }"#,
        &[
            "The group “stewards” has 3 members and must have at least 4.",
            "In the group “stewards” there are members who are not active any more: 8.",
            "Whether these members of “stewards” are active is not known: 9.",
        ],
    );
    check(r#"scim = { group = "nobody", members_min = 0 }"#, &["The account has no group “nobody”."]);
    check(r#"metric = { metric = "freshness", max = 24 }"#, &[]);
    check(
        r#"metric = { metric = "freshness", min = 7 }"#,
        &["The metric “freshness” is 6 and must be at least 7."],
    );
    check(r#"metric = { metric = "odd", min = 7 }"#, &["The metric “odd” has not been measured yet."]);
    check(r#"metric = { metric = "none", min = 7 }"#, &["The metric “none” has not been measured yet."]);
}

#[test]
fn days_are_those_of_the_estates_zone() {
    check(r#"date = { at = "/days/ahead", ahead_days = 21 }"#, &[]);
    check(
        r#"date = { at = "/days/ahead", ahead_days = 22 }"#,
        &["2027-02-01, the day for “ahead” in days, must be at least 22 days ahead."],
    );
    // It is still the eleventh in New York.
    check(r#"date = { at = "/days/today", ahead_days = 0 }"#, &[]);
    check(r#"date = { at = "/days/moment", ahead_days = 0, back_days = 0 }"#, &[]);
    check(
        r#"date = { at = "/days/past", ahead_days = 0 }"#,
        &["2026-12-01, the day for “past” in days, is over."],
    );
    check(r#"date = { at = "/days/past", back_days = 41 }"#, &[]);
    check(
        r#"date = { at = "/days/past", back_days = 40 }"#,
        &["2026-12-01, the day for “past” in days, is more than 40 days back."],
    );
    check(
        r#"date = { at = "/days/odd", ahead_days = 0 }"#,
        &["“soon” for “odd” in days is no day, such as 2027-03-01."],
    );
    check(r#"date = { at = "/days/empty", ahead_days = 0 }"#, &["Nothing is filled in for “empty” in days."]);
    check(r#"date = { at = "/days/number", ahead_days = 0 }"#, &["“5” for “number” in days is no day."]);
    check(
        r#"date = { at = "/days/ahead", ahead_days = 4294967295, back_days = 4294967295 }"#,
        &["2027-02-01, the day for “ahead” in days, must be at least 4294967295 days ahead."],
    );
}

#[test]
fn what_people_state_is_never_judged() {
    let attest = validator(r#"attest = { statement = "It is so.", by = ["compliance", "site-steward"] }"#);
    assert!(needs(&attest).is_empty());
    let verdict = judge(&attest, &findings(), now());
    assert!(!verdict.passed && verdict.missing.is_empty() && verdict.waits_on.len() == 2, "{verdict:?}");
}

#[test]
fn nothing_that_was_not_found_out_passes() {
    for entry in crate::validate::library::LIBRARY {
        let verdict = judge(&validator(entry.example), &Findings::default(), now());
        let is_vacuous = entry.name == "date";
        assert!(!verdict.passed || is_vacuous, "{} passes on nothing: {verdict:?}", entry.name);
    }
}
