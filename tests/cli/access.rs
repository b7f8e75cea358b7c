//! Rights at a site over the compiled program: answered for again, asked for, decided, taken away and given by the next
//! plan, and no more than that.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::gates::key_pair;
use crate::world::{Estate, Ran, SERVED, Served};

/// Who signs in these tests.
const PEOPLE: [&str; 3] = ["steward-hrb01", "compliance-lead", "ops-lead-hrb01"];
const ON: &str = "grants.gold.prod.claims.priorauth";

/// The example with keys for those who sign, and its pilot launched on a served sandbox.
fn launched() -> (Estate, Served) {
    let mut estate = Estate::example();
    for (number, person) in (1..).zip(PEOPLE) {
        let (private, public) = key_pair(number);
        let file = estate.path(person);
        fs::write(&file, private).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let with = format!("\n{person} = {{ keys = [{{ ssh = \"{public}\", from = 2020-01-01 }}] }}\n");
        estate.edit("sites/people.toml", &format!("\n{person} = {{}}\n"), &with);
    }
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.run(&["roles", "enrol", "--yes"]).ends(0);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);
    (estate, served)
}

fn act(estate: &Estate, person: &str, args: &[&str]) -> Ran {
    let key = estate.path(person);
    estate.run(&[args, &["--site", "HRB01", "--as", person, "--key", key.to_str().unwrap()]].concat())
}

fn recert(estate: &Estate, args: &[&str]) -> Ran {
    estate.run(&[&["access", "recert"], args, &["--site", "HRB01"]].concat())
}

/// The rows of the newest campaign.
fn rows(estate: &Estate) -> Vec<Value> {
    let list = estate.run(&["access", "list", "--site", "HRB01", "-o", "json"]).ends(0).json();
    list["campaigns"].as_array().unwrap().last().unwrap()["rows"].as_array().unwrap().clone()
}

fn ids<'v>(rows: impl IntoIterator<Item = &'v Value>) -> BTreeSet<String> {
    rows.into_iter().map(|row| row["row"].as_str().unwrap().to_owned()).collect()
}

/// A moment so many days from now.
fn in_days(days: i64) -> String {
    jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(24 * days)).unwrap().to_string()
}

/// The next plan of the site is carried out, and nothing is left to do.
fn carried_out(estate: &Estate, file: &str) {
    estate.run(&["apply", file]).ends(0);
    estate.plan(&["--site", "HRB01"], "nothing.plan").ends(0).prints("No changes.");
    estate.run(&["drift", "--target", SERVED]).ends(0);
}

#[test]
fn what_nobody_answers_for_is_taken_away_by_the_next_plan_and_nothing_else() {
    let (estate, _served) = launched();
    let started = recert(&estate, &["start", "--days", "1"]).ends(0);
    started.prints("RC-1 of HRB01").prints("site-steward:").prints("compliance:");
    recert(&estate, &["start"]).ends(3).says("RC-1 of HRB01 is open");
    let all = rows(&estate);
    let mine = |row: &&Value| row["reviewer"] == "site-steward" && row["right"]["step"] == ON;
    let own: Vec<&Value> = all.iter().filter(mine).collect();
    let (forgotten, left) = (own[0]["row"].as_str().unwrap(), own[1]["row"].as_str().unwrap());
    let keep: Vec<String> = all
        .iter()
        .filter(|row| row["reviewer"] == "site-steward")
        .map(|row| row["row"].as_str().unwrap().to_owned())
        .filter(|row| row != forgotten && row != left)
        .collect();
    let theirs = all.iter().find(|row| row["reviewer"] == "compliance").unwrap()["row"].as_str().unwrap();

    let steward =
        |args: &[&str]| act(&estate, "steward-hrb01", &[&["access", "recert", "answer"], args].concat());
    steward(&["--keep", theirs]).ends(3).says("is answered by compliance");
    steward(&["--keep", theirs, "--role", "compliance"]).ends(3).says("role-not-held");
    let waits = estate.run(&["inbox", "--as", "steward-hrb01", "--site", "HRB01"]).ends(0);
    waits.prints("of RC-1 at HRB01").prints("landfall access recert answer --site HRB01 --role site-steward");
    let gone = format!("{left}=left the team");
    steward(&["--keep", &keep.join(","), "--revoke", &gone]).ends(0);
    act(&estate, "compliance-lead", &["access", "recert", "answer", "--keep", "all"])
        .ends(0)
        .prints("1 rows open");
    estate
        .run(&["inbox", "--role", "compliance", "--now", &in_days(3)])
        .ends(0)
        .prints("close RC-1 at HRB01");
    let late = estate.run(&["inbox", "--as", "steward-hrb01", "--now", &in_days(3)]).ends(0);
    late.prints("OVERDUE  answer for 1 rights of RC-1");
    recert(&estate, &["close"]).ends(3).says("1 rows are not answered");
    recert(&estate, &["close", "--now", &in_days(2)])
        .ends(0)
        .prints("1 go, 1 go because nobody answered")
        .prints("left the team");
    recert(&estate, &["confirm"]).ends(3).says("2 rights that RC-1 took away are still there");

    let plan = estate.plan(&["--site", "HRB01"], "away.plan").ends(0);
    plan.prints("Plan: 0 to add, 1 to change, 0 to destroy.").prints(&format!("~ {ON}"));
    carried_out(&estate, "away.plan");
    recert(&estate, &["confirm"]).ends(0);
    let report = estate.run(&["report", "access-sla", "--site", "HRB01", "-o", "json"]).ends(0).json();
    assert!(report["sites"][0]["answered_percent"].as_u64().unwrap() >= 90, "{report}");
    assert!(report["sites"][0]["closed"].is_string(), "{report}");
    recert(&estate, &["start"]).ends(0);
    let after = ids(&rows(&estate));
    let wanted: BTreeSet<String> =
        ids(&all).into_iter().filter(|row| row != forgotten && row != left).collect();
    assert_eq!(after, wanted, "exactly these two privileges are gone");
}

#[test]
fn answers_count_only_as_long_as_their_signature_does() {
    let (estate, _served) = launched();
    recert(&estate, &["start"]).ends(0);
    act(&estate, "compliance-lead", &["access", "recert", "answer", "--keep", "all"]).ends(0);
    let list = || estate.run(&["access", "list", "--site", "HRB01"]).ends(0);
    assert!(!list().out.contains("not counted"));
    estate.edit(
        "sites/people.toml",
        "compliance-lead = {",
        "compliance-lead = { clinician = false, keys = [] }\nbefore = {",
    );
    list().prints("not counted: compliance-lead").prints("key-not-declared").prints(" 0 % answered");
}

fn request(estate: &Estate, person: &str, rest: &[&str]) -> Ran {
    let base = ["access", "request", "--site", "HRB01", "--as", person, "--purpose", "denials work"];
    estate.run(&[&base[..], rest].concat())
}

#[test]
fn a_steward_gives_what_policy_allows_and_the_next_plan_gives_no_more() {
    let (estate, _served) = launched();
    let group = "cban-hrb01-analysts";
    let right = |privilege: &'static str| ["--on", ON, "--principal", group, "--privilege", privilege];
    request(&estate, "ops-lead-hrb01", &right("manage")).ends(3).says("never given on request");
    request(
        &estate,
        "ops-lead-hrb01",
        &["--on", ON, "--principal", "account users", "--privilege", "SELECT"],
    )
    .ends(3)
    .says("is everybody");
    request(&estate, "ops-lead-hrb01", &right("modify"))
        .ends(0)
        .prints("AR-1 of HRB01 waits for site-steward");
    act(&estate, "ops-lead-hrb01", &["access", "decide", "AR-1"]).ends(3).says("role-not-held");
    let posing = act(&estate, "ops-lead-hrb01", &["access", "decide", "AR-1", "--role", "site-steward"]);
    posing.ends(3).says("rule requester");
    let denial = ["access", "decide", "AR-1", "--role", "site-steward", "--deny", "--comment", "no"];
    act(&estate, "compliance-lead", &denial).ends(3).says("role-not-held");
    estate
        .run(&["inbox", "--as", "steward-hrb01", "--now", &in_days(3)])
        .ends(0)
        .prints("OVERDUE  ops-lead-hrb01 asks that cban-hrb01-analysts may have MODIFY")
        .prints("landfall access decide AR-1 --site HRB01 --role site-steward --as steward-hrb01");
    act(&estate, "steward-hrb01", &["access", "decide", "AR-1"]).ends(0).prints("is granted");
    act(&estate, "steward-hrb01", &["access", "decide", "AR-1"]).ends(3).says("is decided");
    let plan = estate.plan(&["--site", "HRB01"], "given.plan").ends(0);
    plan.prints("Plan: 0 to add, 1 to change, 0 to destroy.").prints(&format!("~ {ON}"));
    carried_out(&estate, "given.plan");

    let raw = ["--on", "grants.catalog.prod.claims", "--principal", group, "--privilege", "SELECT"];
    request(&estate, "ops-lead-hrb01", &raw)
        .ends(0)
        .prints("AR-2 of HRB01 waits for compliance and site-steward");
    act(&estate, "steward-hrb01", &["access", "decide", "AR-2"]).ends(0).prints("it waits for compliance");
    let inbox = estate.run(&["inbox", "--as", "steward-hrb01"]).ends(0);
    assert!(!inbox.out.contains("AR-2"), "{}", inbox.out);
    estate.plan(&["--site", "HRB01"], "n.plan").ends(0).prints("No changes.");
    act(&estate, "compliance-lead", &["access", "decide", "AR-2", "--deny", "--comment", "raw rows"])
        .ends(0)
        .prints("is turned down");
    estate.plan(&["--site", "HRB01"], "n.plan").ends(0).prints("No changes.");
    let sla = estate.run(&["report", "access-sla", "--site", "HRB01", "-o", "json"]).ends(0).json();
    let requests = &sla["sites"][0]["requests"];
    assert_eq!((&requests["requests"], &requests["decided"]), (&2.into(), &2.into()), "{sla}");
    assert_eq!(requests["breaches"], serde_json::json!([]), "{sla}");
}
