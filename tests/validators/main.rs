//! Checklist items run by the compiled program: one item for each validator, deeds, agents, and what is on record
//! afterwards.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../cli/world.rs"]
#[allow(dead_code, reason = "the other tests of the program use the rest")]
mod world;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::OnceLock;

use serde_json::{Value, json};
use world::{Estate, Ran, repository};

/// A moment inside of the pilot's window.
const NOW: &str = "2027-01-12T07:00:00Z";

fn estate() -> Estate {
    let tests = repository().join("tests");
    let estate = Estate::of(&[&tests.join("fixtures/estate"), &tests.join("validators/estate")]);
    world::copy(&tests.join("validators/estate/agents"), &estate.root().join("agents"));
    estate
}

/// An estate whose pilot was launched. Its workspace lacks credentials, and so is not there.
fn launched() -> Estate {
    let estate = estate();
    estate.run(&["plan", "--wave", "pilot", "--out", "p.plan", "--now", NOW]).ends(0);
    estate.run(&["apply", "p.plan", "--now", NOW]).ends(1);
    estate
}

fn run(estate: &Estate, args: &[&str]) -> Ran {
    estate.run(&[&["checklist", "run", "--now", NOW], args].concat())
}

/// What became of an item, with everything that is missing.
fn became(report: &Value, item: &str) -> (String, Vec<String>) {
    let items = report["items"].as_array().unwrap();
    let found = items.iter().find(|one| one["item"] == item).unwrap_or_else(|| panic!("no {item}"));
    let missing = found["missing"].as_array().unwrap();
    let missing = missing.iter().map(|sentence| sentence.as_str().unwrap().to_owned()).collect();
    (found["became"].as_str().unwrap().to_owned(), missing)
}

#[track_caller]
fn check(report: &Value, item: &str, expected: &[&str]) {
    let (became, missing) = became(report, item);
    assert_eq!(missing, expected, "{item}");
    assert_eq!(became, if expected.is_empty() { "passed" } else { "failed" }, "{item}");
}

/// The entries of a log about an item, oldest first.
fn entries(estate: &Estate, log: &str, item: &str) -> Vec<Value> {
    let ran = estate.run(&["log", log, "-o", "json"]).ends(0);
    let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|entry| entry["step"] == item).collect()
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[test]
fn every_validator_passes_and_fails_with_everything_that_is_missing() {
    let estate = launched();
    let drill = estate.path("drill.json");
    std::fs::write(&drill, json!({ "open_actions": 2 }).to_string()).unwrap();
    let drill = drill.to_str().unwrap();
    let record =
        ["record", "drill.tabletop", "--scope", "site/HRB01", "--statement", "A drill.", "--file", drill];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"up\":true}",
            );
        }
    });
    let item = |id: &str, validate: &str| {
        format!(
            "\n[[item]]\nid = \"{id}\"\ntitle = \"It is so.\"\nseverity = \"high\"\nowner = \"pm\"\n\
             escalate_to = \"compliance\"\nwithin_days = 5\n[[item.validate]]\n{validate}\n"
        )
    };
    let http = |up: bool| {
        format!(
            "http = {{ url = \"http://127.0.0.1:{port}/\", status = 200, expect = [{{ at = \"/up\", equals = {up} }}] }}"
        )
    };
    let file = "templates/checks/checks.toml.hbs";
    estate.append(file, &format!("{}{}", item("http.pass", &http(true)), item("http.up", &http(false))));
    let ran = run(&estate, &["--site", "HRB01", "-o", "json"]).ends(1);
    let report = ran.json();
    check(&report, "readiness.inventory", &["LIS is missing.", "SFTP is missing."]);
    check(&report, "facts.pass", &[]);
    check(
        &report,
        "record.drill",
        &["No record of “drill.tabletop” has been filed here: landfall record drill.tabletop files one."],
    );
    check(&report, "read.pass", &[]);
    let wrong = "connectivity.clinical: “region” must be eu-west-1; it is us-east-1.";
    check(&report, "read.fail", &[wrong]);
    check(&report, "rule.residency", &[]);
    check(&report, "dominates.pass", &[]);
    let around = "“connectivity.clinical” can begin without “workspace.prod”: name it in `after`.";
    check(&report, "dominates.fail", &[around]);
    check(&report, "dns.pass", &[]);
    check(&report, "dns.fail", &["The name 127.0.0.1 leads to 127.0.0.1, outside of 10.20.0.0/16."]);
    check(&report, "http.pass", &[]);
    let url = format!("http://127.0.0.1:{port}/");
    check(&report, "http.up", &[&format!("{url}: “up” must be no; it is yes.")]);
    assert!(became(&report, "http.fail").1[0].contains("a cloud gives out credentials"));
    assert!(became(&report, "tls.fail").1[0].contains("no public address"));
    check(&report, "metric.pass", &[]);
    check(&report, "metric.fail", &["The metric “priorauth.days” is 3.5 and must be at most 2."]);
    check(&report, "date.pass", &[]);
    assert_eq!(became(&report, "date.fail").1.len(), 2);
    assert_eq!(became(&report, "readiness.pilot-selection").0, "waiting");
    // A drill with open actions is not enough, one without is.
    estate.run(&record).ends(0);
    let only = ["--site", "HRB01", "--item", "record.drill", "-o", "json"];
    // Records are filed by the machine's clock, so they are looked at by the same.
    let again = || estate.run(&[&["checklist", "run"], &only[..]].concat());
    check(&again().ends(1).json(), "record.drill", &["Every action of the drill must be closed."]);
    std::fs::write(drill, json!({ "open_actions": 0 }).to_string()).unwrap();
    estate.run(&record).ends(0);
    check(&again().ends(0).json(), "record.drill", &[]);
}

#[test]
fn a_missing_category_that_does_not_apply_is_accepted() {
    let estate = estate();
    let args = ["--site", "HRB01", "--item", "readiness.inventory"];
    run(&estate, &args).ends(1).prints("      LIS is missing.\n      SFTP is missing.\n");
    let none = |category: &str| {
        format!(
            "[[system]]\nsite = \"HRB01\"\ncategory = \"{category}\"\nowner = \"pm\"\n\
             not_applicable = \"the hospital has it\"\n"
        )
    };
    estate.append("sites/registers/systems.toml", &(none("lis") + &none("sftp")));
    run(&estate, &args).ends(0).prints("passed");
    let last = entries(&estate, "site/HRB01", "readiness.inventory");
    assert_eq!(last.last().unwrap()["body"]["passed"], true);
}

#[test]
fn what_is_recorded_names_its_proofs_and_what_people_state_stays_theirs() {
    let estate = estate();
    let ran = run(&estate, &["--site", "HRB01", "--item", "readiness.pilot-selection"]).ends(5);
    ran.prints("waiting on compliance, site-steward: landfall attest readiness.pilot-selection --site HRB01");
    let entries = entries(&estate, "site/HRB01", "readiness.pilot-selection");
    assert_eq!(kinds(&entries), ["item.observed", "item.validated", "item.recorded"]);
    assert_eq!(entries[1]["refs"][0]["path"], "proof/facts.json");
    assert!(!kinds(&entries).contains(&"attestation.given"));
}

/// One launch for all that only reads it afterwards.
fn playbook() -> &'static (Estate, Value) {
    static RUN: OnceLock<(Estate, Value)> = OnceLock::new();
    RUN.get_or_init(|| {
        let estate = launched();
        let report = run(&estate, &["--account", "--pack", "playbook", "-o", "json"]).ends(1).json();
        (estate, report)
    })
}

#[test]
fn a_remedy_that_helps_leaves_its_trace_and_a_failure_tells_a_role() {
    let (estate, report) = playbook();
    check(report, "group.marked", &[]);
    let own = entries(estate, "account", "group.marked");
    let order = ["item.observed", "item.validated", "item.remedied", "item.validated", "item.recorded"];
    assert_eq!(kinds(&own), order);
    assert_eq!((&own[1]["body"]["passed"], &own[3]["body"]["passed"]), (&json!(false), &json!(true)));
    assert_eq!(own[2]["body"]["deed"], "databricks.group.update group.engineers");
    let own = entries(estate, "account", "group.unmended");
    let order = ["item.observed", "item.acted", "item.validated", "item.recorded", "item.escalated"];
    assert_eq!(kinds(&own), order);
    assert_eq!(own[4]["body"]["to"], "sponsor");
}

#[test]
fn an_agent_does_what_its_contract_allows_and_knows_nothing_else() {
    let (estate, report) = playbook();
    check(report, "agent.good", &[]);
    let own = entries(estate, "account", "agent.good");
    let order =
        ["item.observed", "item.acted", "item.acted", "item.acted", "item.validated", "item.recorded"];
    assert_eq!(kinds(&own), order);
    assert_eq!(own[3]["body"], json!({ "deed": "agent good.sh", "outcome": "knows 0 variables" }));
    assert_eq!(own[1]["actor"], json!({ "type": "automation", "id": "agent:good.sh" }));
}

#[test]
fn what_an_agent_may_not_do_is_refused_recorded_and_fails_the_item() {
    let (estate, report) = playbook();
    let (became, missing) = became(report, "agent.bad");
    assert_eq!((became.as_str(), missing.len()), ("failed", 1));
    let own = entries(estate, "account", "agent.bad");
    assert_eq!(kinds(&own), ["item.observed", "item.refused", "item.recorded", "item.escalated"]);
    assert_eq!(own[1]["body"]["deed"], "databricks.workspace.delete group.engineers");
    assert_eq!(own[3]["body"]["to"], "compliance");
}

#[test]
fn a_plan_leaves_what_a_deed_did_and_nothing_has_drifted() {
    let (estate, _) = playbook();
    let plan = estate.run(&["plan", "--wave", "pilot", "--now", NOW, "-o", "json"]).ends(0).json();
    let groups = &plan["plan"]["scopes"]["account"]["steps"]["group.engineers"];
    assert_eq!(groups["work"]["reconcile"]["operation"], "none", "{groups}");
    let drift = estate.run(&["drift", "-o", "json"]);
    assert!(!drift.out.contains("group.engineers"), "{}", drift.out);
}

#[test]
fn a_dry_run_looks_and_does_nothing() {
    let estate = launched();
    let served = entries(&estate, "account", "group.marked");
    let before = estate.run(&["log", "account", "-o", "json"]).out;
    let ran = run(&estate, &["--account", "--dry-run", "-o", "json"]).ends(1);
    let report = ran.json();
    assert!(report["items"].as_array().unwrap().iter().all(|item| item["did"] == json!([])), "{report}");
    check(
        &report,
        "group.marked",
        &["group.engineers: “externalId” must be directory-7; nothing is filled in."],
    );
    assert_eq!(estate.run(&["log", "account", "-o", "json"]).out, before);
    assert!(served.is_empty());
}

#[test]
fn names_that_are_not_there_are_told() {
    let estate = estate();
    run(&estate, &["--item", "readiness.nothing"]).ends(64).says("no checklist item is called");
    run(&estate, &["--pack", "nothing"]).ends(64).says("no pack is called");
    run(&estate, &["--site", "XXX99"]).ends(64);
    estate.run(&["checklist", "validators"]).ends(0).prints("dominates");
}

#[test]
fn an_estate_that_breaks_a_rule_is_told_by_its_item() {
    let estate = estate();
    let elsewhere = "ehr = \"EPIC-A\"\nstorage_region = \"us-west-2\"\nresidency = [\"us-east-1\"]\n";
    estate.edit("sites/HRB01.toml", "ehr = \"EPIC-A\"\n", elsewhere);
    let args = ["--site", "HRB01", "--item", "rule.residency", "-o", "json"];
    let report = run(&estate, &args).ends(1).json();
    let (_, missing) = became(&report, "rule.residency");
    assert!(missing[0].starts_with("Rule RESIDENCY: "), "{missing:?}");
    // The other site keeps the rule.
    let args = ["--site", "MPL02", "--item", "rule.residency", "-o", "json"];
    check(&run(&estate, &args).ends(0).json(), "rule.residency", &[]);
}
