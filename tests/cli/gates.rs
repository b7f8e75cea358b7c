//! Gates and checklist items over the compiled program: shut, stated, waived, signed, open, late.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;

use crate::world::{Estate, Ran, repository};

/// Who signs in these tests.
const PEOPLE: [&str; 5] = ["sponsor", "compliance-lead", "it-network-lead", "steward-hrb01", "pm"];

fn text(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
    bytes.extend(part);
}

/// A key pair as OpenSSH writes it, from a number: the same in every run.
pub fn key_pair(number: u8) -> (String, String) {
    let key = SigningKey::from_bytes(&[number; 32]);
    let public = key.verifying_key().to_bytes();
    let mut blob = Vec::new();
    text(&mut blob, b"ssh-ed25519");
    text(&mut blob, &public);
    let mut secret = vec![7; 8];
    text(&mut secret, b"ssh-ed25519");
    text(&mut secret, &public);
    text(&mut secret, &[key.to_bytes(), public].concat());
    text(&mut secret, b"test");
    (1..).take((8 - secret.len() % 8) % 8).for_each(|pad: u8| secret.push(pad));
    let mut file = b"openssh-key-v1\0".to_vec();
    [&b"none"[..], b"none", b""].iter().for_each(|part| text(&mut file, part));
    file.extend(1u32.to_be_bytes());
    text(&mut file, &blob);
    text(&mut file, &secret);
    let lines: Vec<String> = STANDARD
        .encode(file)
        .as_bytes()
        .chunks(70)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let (begin, end) = ("-----BEGIN OPENSSH PRIVATE", "-----END OPENSSH PRIVATE");
    let private = format!("{begin} KEY-----\n{}\n{end} KEY-----\n", lines.join("\n"));
    (private, format!("ssh-ed25519 {}", STANDARD.encode(blob)))
}

/// The small estate of checklists, with a key for everybody. Enrolled on the first of February.
fn estate() -> Estate {
    let tests = repository().join("tests");
    let estate = Estate::of(&[&tests.join("fixtures/estate"), &tests.join("checklists/estate")]);
    let mut people =
        "[person]\nops-lead-hrb01 = {}\nops-lead-mpl02 = {}\nsteward-mpl02 = {}\nplatform-lead = {}\n"
            .to_owned();
    for (number, person) in (1..).zip(PEOPLE) {
        let (private, public) = key_pair(number);
        let file = estate.path(person);
        fs::write(&file, private).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        people.push_str(&format!("{person} = {{ keys = [{{ ssh = \"{public}\", from = 2020-01-01 }}] }}\n"));
    }
    people.push_str("svc-landfall = { automation = true }\n");
    estate.write("sites/people.toml", &people);
    estate.run(&["packs", "lock"]).ends(0);
    estate.run(&["roles", "enrol", "--yes"]).ends(0);
    estate
}

fn key(estate: &Estate, person: &str) -> PathBuf {
    estate.path(person)
}

fn run(estate: &Estate, person: &str, now: &str, args: &[&str]) -> Ran {
    let file = key(estate, person);
    let mut all = args.to_vec();
    all.extend(["--site", "HRB01", "--as", person, "--key", file.to_str().unwrap(), "--now", now]);
    estate.run(&all)
}

fn kinds(estate: &Estate) -> Vec<String> {
    let log = estate.run(&["log", "site/HRB01", "-o", "json"]);
    let of =
        |line: &str| Some(serde_json::from_str::<serde_json::Value>(line).ok()?["kind"].as_str()?.to_owned());
    log.out.lines().filter_map(of).collect()
}

const SHOW: [&str; 5] = ["gate", "show", "g-02", "--site", "HRB01"];

/// States everything and signs the gate.
fn open(estate: &Estate) {
    run(estate, "steward-hrb01", "2027-02-02T15:00:00Z", &["attest", "readiness.inventory"]).ends(0);
    run(estate, "compliance-lead", "2027-02-03T15:00:00Z", &["attest", "readiness.vendors"]).ends(0);
    run(estate, "compliance-lead", "2027-02-04T15:00:00Z", &["gate", "sign", "g-02"]).ends(0);
    run(estate, "it-network-lead", "2027-02-04T16:00:00Z", &["gate", "sign", "g-02"])
        .ends(0)
        .says("The gate g-02 at site/HRB01 is open");
}

#[test]
fn a_gate_is_shut_until_everything_is_stated_and_signed_by_who_may() {
    let estate = estate();
    let now = "2027-02-02T15:00:00Z";
    let shut = estate.run(&[&SHOW[..], &["--now", now]].concat()).ends(3);
    shut.prints("readiness.inventory").prints("[site-steward]").prints("not signed by it-network");
    run(&estate, "compliance-lead", now, &["gate", "sign", "g-02"])
        .ends(3)
        .says("when everything that it rests on");
    run(&estate, "compliance-lead", now, &["attest", "readiness.inventory"]).ends(3).says("role-not-held");
    run(&estate, "compliance-lead", now, &["attest", "readiness.vendors"])
        .ends(3)
        .says("readiness.inventory comes before readiness.vendors");
    let automation =
        ["attest", "readiness.inventory", "--site", "HRB01", "--as", "svc-landfall", "--now", now];
    estate.run(&automation).ends(3).says("automation can never decide");
    open(&estate);
    let at = [&SHOW[..], &["--now", "2027-02-05T15:00:00Z"]].concat();
    estate.run(&at).ends(0).prints("g-02 Readiness at site/HRB01: open");
    let told = kinds(&estate);
    assert_eq!(told.iter().filter(|kind| *kind == "gate.opened").count(), 1, "{told:?}");
    // Looking writes nothing, and neither does what has been written.
    assert_eq!(kinds(&estate), told);
    estate.run(&["gate", "escalate", "--now", "2027-02-05T15:00:00Z"]).ends(0);
    assert_eq!(kinds(&estate), told);
    // The statement is kept word for word.
    let log = estate.run(&["log", "site/HRB01", "-o", "json"]);
    log.prints("I have walked through Harborview, and every system is in the inventory.");
    // Another title is another item: nobody has stated that.
    estate.edit("templates/readiness/items.toml.hbs", "Every system of", "Each system of");
    estate.run(&["packs", "lock"]).ends(0);
    estate.run(&at).ends(3).prints("readiness.inventory");
    estate.run(&["gate", "escalate", "--now", "2027-02-05T16:00:00Z"]).ends(0).says("is shut again");
    assert_eq!(kinds(&estate).iter().filter(|kind| *kind == "gate.shut").count(), 1);
}

#[test]
fn unanswered_for_too_long_is_told_to_the_sponsor_once() {
    let estate = estate();
    run(&estate, "steward-hrb01", "2027-02-01T15:00:00Z", &["attest", "readiness.inventory"]).ends(0);
    run(&estate, "compliance-lead", "2027-02-01T15:00:00Z", &["attest", "readiness.vendors"]).ends(0);
    let status = |now: &str| estate.run(&["status", "--now", now]).ends(0);
    assert!(!status("2027-02-08T23:00:00Z").out.contains("OVERDUE"));
    status("2027-02-09T15:00:00Z").prints("g-02 Readiness  shut at HRB01").prints("OVERDUE at HRB01");
    let escalate = ["gate", "escalate", "--now", "2027-02-09T15:00:00Z"];
    estate.run(&escalate).ends(0).says("sponsor is told: sign g-02");
    let told = kinds(&estate);
    // One for each role that has not signed.
    assert_eq!(told.iter().filter(|kind| *kind == "wait.escalated").count(), 2, "{told:?}");
    estate.run(&escalate).ends(0);
    assert_eq!(kinds(&estate), told);
}

#[test]
fn what_is_critical_is_waived_by_two_and_every_waiver_ends() {
    let estate = estate();
    let now = "2027-02-02T15:00:00Z";
    let why =
        ["--reason", "the tool comes in May", "--compensating", "a list on paper", "--until", "2027-02-20"];
    let waive = |item| [&["waive", item][..], &why].concat();
    run(&estate, "it-network-lead", now, &waive("readiness.inventory")).ends(3).says("role-not-held");
    run(&estate, "compliance-lead", now, &waive("readiness.inventory"))
        .ends(0)
        .says("It counts when all of these");
    estate.run(&[&SHOW[..], &["--now", now]].concat()).ends(3).prints("missing  readiness.inventory");
    run(&estate, "sponsor", now, &waive("readiness.inventory")).ends(0);
    run(&estate, "compliance-lead", now, &waive("readiness.vendors")).ends(0);
    for person in ["compliance-lead", "it-network-lead"] {
        run(&estate, person, now, &["gate", "sign", "g-02"]).ends(0);
    }
    let last = [&SHOW[..], &["--now", "2027-02-20T23:00:00Z"]].concat();
    estate.run(&last).ends(0).prints("open, with waivers").prints("the tool comes in May");
    let tomorrow = [&SHOW[..], &["--now", "2027-02-21T00:00:00Z"]].concat();
    estate.run(&tomorrow).ends(3).prints("missing  readiness.inventory");
    let report = ["report", "waivers", "--now", "2027-02-10T00:00:00Z"];
    let told = estate.run(&report).ends(0);
    for word in [
        "readiness.inventory",
        "compliance-lead",
        "the tool comes in May",
        "a list on paper",
        "2027-02-21",
        "holds",
    ] {
        assert!(told.out.contains(word), "no {word} in\n{}", told.out);
    }
    let past = ["--reason", "x", "--compensating", "y", "--until", "2027-02-01"];
    run(&estate, "sponsor", now, &[&["waive", "readiness.inventory"][..], &past].concat())
        .ends(64)
        .says("is over");
}

#[test]
fn an_item_that_does_not_apply_is_said_so_by_its_owner_where_the_pack_lets_it() {
    let estate = estate();
    let now = "2027-02-02T15:00:00Z";
    let not = |item| ["checklist", "not-applicable", item, "--reason", "there are no vendors"];
    run(&estate, "compliance-lead", now, &not("readiness.inventory")).ends(3).says("may_not_apply");
    run(&estate, "it-network-lead", now, &not("readiness.vendors")).ends(3);
    run(&estate, "compliance-lead", now, &not("readiness.vendors")).ends(0);
    let list = ["checklist", "list", "--site", "HRB01", "-o", "json", "--now", now];
    let items = estate.run(&list).ends(0).json();
    let vendors =
        items["items"].as_array().unwrap().iter().find(|item| item["id"] == "readiness.vendors").unwrap();
    assert_eq!(vendors["state"]["not-applicable"]["reason"], "there are no vendors");
    assert_eq!((&vendors["closed"], &vendors["owner"]), (&true.into(), &"compliance".into()));
    estate.run(&["checklist", "show", "readiness.vendor"]).ends(64).says("did you mean readiness.vendors?");
    estate.run(&["gate", "show", "g-2"]).ends(64).says("did you mean g-02?");
}

#[test]
fn a_step_that_is_added_to_a_pack_is_there_and_an_unknown_validator_is_told() {
    let estate = estate();
    let more = "[[item]]\nid = \"readiness.window\"\ntitle = \"It has a window\"\nseverity = \"normal\"\n\
                owner = \"compliance\"\nescalate_to = \"sponsor\"\nwithin_days = 5\n\
                validate = [{ rule = { rule = \"WINDOW\" } }]\n";
    estate.append("templates/readiness/items.toml.hbs", more);
    estate.run(&["packs", "lock"]).ends(0);
    estate.run(&["checklist", "list", "--pack", "readiness"]).ends(0).prints("readiness.window");
    estate.edit("templates/readiness/items.toml.hbs", "[{ rule = {", "[{ rulle = {");
    estate.run(&["packs", "lock"]);
    estate.run(&["check"]).ends(65).says("no validator is called `rulle`").says("did you mean `rule`?");
}
