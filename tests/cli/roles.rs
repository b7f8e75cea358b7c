//! Who holds which role, who answers for what, and the keys that people sign with.

use serde_json::Value;

use crate::world::{Estate, Ran};

/// Two public keys that nobody here has the private halves of.
const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
];
const FIRST: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";

/// The keys of a person, as the file has them.
fn keys(of: &str, keys: &str) -> [String; 2] {
    [format!("\n{of} = {{}}\n"), format!("\n{of} = {{ keys = [{keys}] }}\n")]
}

fn key(at: usize) -> String {
    format!("{{ ssh = \"{} somebody@machine\", from = 2026-12-01 }}", KEYS[at])
}

fn rows(ran: &Ran) -> Vec<Value> {
    ran.json()["keys"].as_array().unwrap().clone()
}

/// What the org log says about keys.
fn logged(estate: &Estate) -> Vec<String> {
    let log = estate.run(&["log", "org", "-o", "json"]);
    let lines = log.out.lines().filter(|line| line.contains("\"key."));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_roles_of_a_site_with_backups_and_whoever_stands_in_that_day() {
    let estate = Estate::example();
    let away = estate.run(&["roles", "--site", "HRB01", "--now", "2027-03-04"]).ends(0);
    let shown: Vec<&str> = away.out.lines().skip(1).map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(
        shown[..6].iter().map(|name| name.trim()).collect::<Vec<_>>(),
        [
            "executive-sponsor",
            "program-manager",
            "it-network",
            "platform",
            "compliance",
            "site-ops-lead HRB01"
        ]
    );
    away.prints("data-team-lead until 2027-03-05 (leave)").prints("privacy-lead").prints("Runs the waves");
    let back = estate.run(&["roles", "--site", "HRB01", "--now", "2027-03-06"]).ends(0);
    assert!(!back.out.contains("data-team-lead until"), "{}", back.out);
    let other = estate.run(&["roles", "--site", "MPL02", "--now", "2027-03-04", "-o", "json"]).ends(0).json();
    assert_eq!(
        (&other["v"], &other["site"], &other["day"]),
        (&1.into(), &"MPL02".into(), &"2027-03-04".into())
    );
    let roles = other["roles"].as_array().unwrap();
    assert_eq!(roles.iter().filter(|role| role["rollout"] == true).count(), 6);
    assert!(roles.iter().all(|role| role["stands_in"].as_array().unwrap().is_empty()));
    // The evening of the fifth in New York is the sixth in Greenwich: days are those of the estate.
    let late = ["roles", "--site", "HRB01", "--now", "2027-03-06T03:00:00Z"];
    estate.run(&late).ends(0).prints("data-team-lead until");
    estate.run(&["roles", "--site", "HRB1"]).ends(64).says("did you mean HRB01?");
    estate.run(&["roles", "--now", "tomorrow"]).ends(64).says("neither a day nor a moment");
}

#[test]
fn roles_that_nobody_holds_are_named() {
    let estate = Estate::example();
    estate.edit("sites/HRB01.toml", "ops_lead = \"ops-lead-hrb01\"\n", "");
    estate.edit(
        "sites/people.toml",
        "[[backup]]\nrole = \"site-ops-lead\"\nsite = \"HRB01\"\nperson = \"ops-lead-mpl02\"\n",
        "",
    );
    let roles = estate.run(&["roles", "--site", "HRB01"]).ends(65);
    roles
        .says("nobody holds `site-ops-lead` of HRB01: add `ops_lead = \"…\"` to sites/HRB01.toml")
        .prints("nobody");
    estate.run(&["roles", "--site", "MPL02"]).ends(0);
    estate.run(&["check"]).ends(65).says("policy.role-unfilled").says("site HRB01 has no operations lead");
}

#[test]
fn the_register_says_what_roles_are_called_elsewhere() {
    let estate = Estate::example();
    let shown = estate.run(&["roles", "--crosswalk"]).ends(0);
    shown.prints("CIO, COO, CAO").prints("A use case is owned by").prints("its pipelines");
    let json = estate.run(&["roles", "--crosswalk", "-o", "json"]).ends(0).json();
    assert_eq!(json["roles"].as_array().unwrap().len(), 19);
    assert_eq!(json["use_case_owners"].as_array().unwrap().len(), 5);
    assert!(
        json["use_case_owners"].as_array().unwrap().iter().all(|row| row["people"] != Value::Array(vec![]))
    );
}

#[test]
fn who_answers_for_what_of_a_site_is_a_document() {
    let estate = Estate::example();
    let raci = estate.run(&["roles", "--raci", "--site", "HRB01", "-o", "json"]).ends(0).json();
    assert_eq!(raci["scope"], "site/HRB01");
    let items = raci["items"].as_array().unwrap();
    assert!(
        items.iter().all(|row| row["accountable"]["person"].is_string() && row["responsible"][0].is_object())
    );
    estate.run(&["roles", "--raci", "--site", "NON99"]).ends(64);
}

#[test]
fn a_key_counts_from_its_enrolment_on_and_a_second_enrolment_writes_nothing() {
    let estate = Estate::example();
    estate.run(&["roles", "keys"]).ends(0).says("Nobody has a key");
    let [from, to] = keys("pm", &key(0));
    estate.edit("sites/people.toml", &from, &to);
    estate.run(&["check"]).ends(0);
    let before = rows(&estate.run(&["roles", "keys", "-o", "json"]).ends(0));
    assert_eq!((&before[0]["state"], &before[0]["enrolled"]), (&"not-enrolled".into(), &Value::Null));
    estate
        .run(&["roles", "enrol"])
        .ends(3)
        .says("nobody is at the terminal to confirm it: add --yes")
        .prints(FIRST);
    assert!(!estate.path("state").join("journal").exists(), "nothing is written before it is confirmed");
    let first = estate.run(&["roles", "enrol", "--yes", "-o", "json"]).ends(0).json();
    assert_eq!(first["recorded"][0]["kind"], "key.enrolled");
    let body = &first["recorded"][0]["body"];
    assert_eq!(
        (&body["person"], &body["fingerprint"], &body["from"]),
        (&"pm".into(), &FIRST.into(), &"2026-12-01".into())
    );
    assert_eq!(body["key"], KEYS[0], "the comment, which may be somebody's name, is not kept");
    estate.run(&["roles", "enrol", "--yes"]).ends(0).says("nothing was recorded");
    assert_eq!(logged(&estate).len(), 1);
    let after = rows(&estate.run(&["roles", "keys", "-o", "json", "--now", "2027-03-04"]).ends(0));
    assert_eq!((&after[0]["state"], &after[0]["by"]), (&"usable".into(), &"tester".into()));
    let early = rows(&estate.run(&["roles", "keys", "-o", "json", "--now", "2026-11-30"]).ends(0));
    assert_eq!(early[0]["state"], "not-yet");
}

#[test]
fn keys_that_are_gone_or_revoked_are_retired_and_do_not_come_back() {
    let estate = Estate::example();
    let [from, both] = keys("pm", &format!("{}, {}", key(0), key(1)));
    estate.edit("sites/people.toml", &from, &both);
    estate.run(&["roles", "enrol", "--yes"]).ends(0);
    let [_, one] = keys("pm", &key(0).replace("from", "revoked = 2027-02-01, from"));
    estate.edit("sites/people.toml", &both, &one);
    let retired = estate.run(&["roles", "enrol", "--person", "pm", "--yes"]).ends(0);
    retired.prints("no longer in sites/people.toml").prints("revoked");
    estate.run(&["roles", "enrol", "--yes"]).ends(0).says("nothing was recorded");
    let [_, again] = keys("pm", &key(0));
    estate.edit("sites/people.toml", &one, &again);
    estate.run(&["roles", "enrol", "--yes"]).ends(3).says("was retired: a key does not come back");
    let rows = rows(&estate.run(&["roles", "keys", "-o", "json"]).ends(0));
    assert!(rows.iter().all(|row| row["state"] == "retired"), "{rows:?}");
    assert_eq!(logged(&estate).len(), 4);
}

#[test]
fn nobody_takes_over_a_key_that_somebody_else_has_enrolled() {
    let estate = Estate::example();
    let [from, pm] = keys("pm", &key(0));
    estate.edit("sites/people.toml", &from, &pm);
    estate.run(&["roles", "enrol", "--yes"]).ends(0);
    estate.edit("sites/people.toml", &pm, &from);
    let [from, other] = keys("compliance-lead", &format!("{}, {}", key(0), key(1)));
    estate.edit("sites/people.toml", &from, &other);
    let refused = estate.run(&["roles", "enrol", "--person", "compliance-lead", "--yes"]).ends(3);
    refused.says("was enrolled by `pm`").says("nothing was recorded");
    assert_eq!(logged(&estate).len(), 1, "not even the other key");
    estate
        .run(&["roles", "enrol", "--person", "complience-lead"])
        .ends(64)
        .says("did you mean compliance-lead?");
}

#[test]
fn who_is_away_makes_no_plan_stale() {
    let estate = Estate::example();
    estate.run(&["plan", "--site", "HRB01", "--out", "p.plan"]).ends(0);
    let [from, to] = keys("pm", &key(0));
    estate.edit("sites/people.toml", &from, &to);
    let plan = std::fs::read_to_string(estate.path("p.plan")).unwrap();
    assert!(!plan.contains("people.toml"));
    estate.run(&["apply", "p.plan", "--yes"]).ends(0);
}
