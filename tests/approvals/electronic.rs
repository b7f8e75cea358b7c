//! A site that keeps electronic records (`part11 = true`): every signature prints name, time, meaning and reason, and
//! answers a challenge of its own.

use std::fs;

use serde_json::Value;

use crate::keys::{PEOPLE, act, estate};
use crate::world::{Estate, Ran, tree};

/// The example estate with HRB01 under Part 11, and a printed name for everybody who signs but the sponsor.
fn under_part11() -> Estate {
    let estate = estate();
    estate.edit("sites/HRB01.toml", "code = \"HRB01\"\n", "code = \"HRB01\"\npart11 = true\n");
    for person in PEOPLE.iter().filter(|person| **person != "sponsor") {
        let named = format!("\n{person} = {{ name = \"Dr {person}\", keys");
        estate.edit("sites/people.toml", &format!("\n{person} = {{ keys"), &named);
    }
    estate.run(&["plan", "--wave", "pilot", "--out", "p.plan"]).ends(0);
    estate
}

fn say(estate: &Estate, person: &str, meaning: &str, args: &[&str]) -> Ran {
    act(estate, person, &[args, &["--meaning", meaning, "--comment", "read on screen"]].concat())
}

fn one_way(estate: &Estate) -> Vec<String> {
    let plan: Value = serde_json::from_str(&fs::read_to_string(estate.path("p.plan")).unwrap()).unwrap();
    let needs = plan["plan"]["approvals"].as_array().unwrap();
    let steps = needs.iter().filter_map(|need| need["one_way"].as_object()).flatten();
    let name = |(scope, ids): (&String, &Value)| {
        let ids = ids.as_array().unwrap().iter();
        ids.map(|id| format!("--one-way={scope} {}", id.as_str().unwrap())).collect::<Vec<_>>()
    };
    steps.flat_map(name).collect()
}

#[test]
fn a_signature_prints_name_time_meaning_and_reason_and_answers_a_challenge_of_its_own() {
    let estate = under_part11();
    let ask = ["request", "p.plan", "--built-by", "data-team-lead", "--role", "program-manager"];
    act(&estate, "pm", &ask)
        .ends(64)
        .says("--meaning review, --meaning approval or --meaning responsibility");
    act(&estate, "pm", &[&ask[..], &["--meaning", "authorship"]].concat()).ends(64);
    act(&estate, "pm", &[&ask[..], &["--meaning", "responsibility"]].concat())
        .ends(64)
        .says("gives the reason of the signature");
    say(&estate, "pm", "responsibility", &ask).ends(0);
    say(&estate, "it-network-lead", "review", &["review", "p.plan", "--role", "it-network"]).ends(0);

    let steps = one_way(&estate);
    let approve = |role: &'static str| {
        let mut args = vec!["approve", "p.plan", "--role", role];
        args.extend(steps.iter().map(String::as_str));
        args
    };
    let own = approve("change-control");
    act(&estate, "change-control-chair", &own).ends(64).says("keeps electronic records");
    say(&estate, "sponsor", "approval", &approve("executive-sponsor"))
        .ends(64)
        .says("sponsor = { name = ")
        .says("sites/people.toml");
    estate.edit("sites/people.toml", "\nsponsor = { keys", "\nsponsor = { name = \"Sam Ortiz\", keys");

    // By hand: what was written out is good for minutes, and once.
    let file = estate.path("statement.json");
    let file = file.to_str().unwrap();
    let out = [&own[..], &["--as", "change-control-chair", "--statement-out", file]].concat();
    let said = ["--meaning", "approval", "--comment", "read on screen"];
    estate.run(&[&out[..], &said].concat()).ends(0);
    let written: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let electronic = &written["electronic"];
    assert_eq!(
        (&written["v"], &electronic["name"]),
        (&2.into(), &"Dr change-control-chair".into()),
        "{written:#}"
    );
    assert!(electronic["time"].as_str().unwrap().ends_with("[America/New_York]"), "{electronic:#}");
    let key = estate.path("change-control-chair");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "decision@landfall", "-f", key.to_str().unwrap(), file])
        .output();
    if made.is_ok_and(|made| made.status.success()) {
        let signature = format!("{file}.sig");
        let by_hand = [&own[..], &said, &["--statement", file, "--signature", &signature]].concat();
        let at = written["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let later = (at + jiff::SignedDuration::from_mins(11)).to_string();
        estate.run(&[&by_hand[..], &["--now", &later]].concat()).ends(3).says("(rule challenge-expired)");
        let other =
            [&own[..], &["--meaning", "review", "--statement", file, "--signature", &signature]].concat();
        estate.run(&other).ends(64).says("does not say this name and this meaning");
        estate.run(&by_hand).ends(0);
        estate.run(&by_hand).ends(3).says("(rule repeated)");
    } else {
        say(&estate, "change-control-chair", "approval", &own).ends(0);
    }

    let asked = estate.run(&["approvals", "list", "p.plan", "-o", "json"]).ends(0).json();
    for (person, role) in [
        ("platform-lead", "platform"),
        ("compliance-lead", "compliance"),
        ("sponsor", "executive-sponsor"),
        ("steward-hrb01", "site-steward"),
    ] {
        let mut missing =
            asked["needs"].as_array().unwrap().iter().flat_map(|need| need["missing"].as_array().unwrap());
        if missing.any(|missing| missing["role"] == role) {
            say(&estate, person, "approval", &approve(role)).ends(0);
        }
    }
    estate.run(&["approvals", "list", "p.plan"]).ends(0).prints("Everything that it needs is there");
    estate.run(&["apply", "p.plan"]).ends(0);

    let bundle = estate.path("bundle");
    estate.run(&["evidence", "export", "--site", "HRB01", "--out", bundle.to_str().unwrap()]).ends(0);
    estate.run(&["evidence", "verify", bundle.to_str().unwrap()]).ends(0);
    let files = tree(&bundle);
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    assert!(page.contains("Meaning of the signature: approval. Signed by Dr platform-lead, 20"), "{page}");
    assert!(page.contains("Meaning of the signature: review. Signed by Dr it-network-lead"));
    assert!(page.contains("Comment: read on screen"));
    let found =
        estate.run(&["evidence", "check", "--site", "HRB01", "--kind", "signature.electronic", "-o", "json"]);
    assert_eq!(found.ends(0).json()["there"], 1);
    if let Ok(ran) =
        std::process::Command::new("python3").arg(bundle.join("verify_bundle.py")).arg(&bundle).output()
    {
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "the second verifier agrees:\n{told}");
    }
}
