//! From the request to the launch, and everything that is tried to get around it.

use std::fs;

use serde_json::{Value, json};

use crate::keys::{act, estate};
use crate::world::{Estate, tree};

fn planned() -> Estate {
    let estate = estate();
    estate.run(&["plan", "--wave", "pilot", "--out", "p.plan"]).ends(0);
    estate
}

fn requested() -> Estate {
    let estate = planned();
    act(
        &estate,
        "pm",
        &[
            "request",
            "p.plan",
            "--built-by",
            "data-team-lead",
            "--ticket",
            "CHG-1",
            "--role",
            "program-manager",
        ],
    )
    .ends(0);
    estate
}

/// Every step of the plan that has to be named.
fn one_way(estate: &Estate) -> Vec<String> {
    let plan: Value = serde_json::from_str(&fs::read_to_string(estate.path("p.plan")).unwrap()).unwrap();
    let needs = plan["plan"]["approvals"].as_array().unwrap();
    let mut steps = Vec::new();
    for (scope, ids) in needs.iter().filter_map(|need| need["one_way"].as_object()).flatten() {
        let ids = ids.as_array().unwrap();
        steps.extend(ids.iter().map(|id| format!("--one-way={scope} {}", id.as_str().unwrap())));
    }
    steps
}

/// Everything that the plan needs, but for the named role's signature.
fn approve_all_but(estate: &Estate, left_out: &str) {
    act(estate, "it-network-lead", &["review", "p.plan", "--role", "it-network"]).ends(0);
    let steps = one_way(estate);
    let asked = estate.run(&["approvals", "list", "p.plan", "-o", "json"]).ends(0).json();
    for (person, role) in [
        ("change-control-chair", "change-control"),
        ("platform-lead", "platform"),
        ("compliance-lead", "compliance"),
        ("sponsor", "executive-sponsor"),
        ("steward-hrb01", "site-steward"),
    ] {
        let is_asked =
            asked["needs"].as_array().unwrap().iter().any(|need| {
                need["missing"].as_array().unwrap().iter().any(|missing| missing["role"] == role)
            });
        if role == left_out || !is_asked {
            continue;
        }
        let mut args = vec!["approve", "p.plan", "--role", role];
        args.extend(steps.iter().map(String::as_str));
        act(estate, person, &args).ends(0);
    }
}

fn launched(estate: &Estate) -> bool {
    estate.run(&["log", "org", "-o", "json"]).out.contains("launch.started")
}

#[test]
fn a_plan_is_launched_once_everything_is_signed_and_its_bundle_shows_by_whom() {
    let estate = planned();
    estate.run(&["apply", "p.plan"]).ends(3).says("nobody has asked for its approval yet");
    let estate = {
        act(
            &estate,
            "pm",
            &["request", "p.plan", "--built-by", "data-team-lead", "--role", "program-manager"],
        )
        .ends(0);
        estate
    };
    let refused = estate.run(&["apply", "p.plan"]).ends(3);
    refused
        .says("rule change: change-control has not approved (change-control-chair")
        .says("landfall approve PLAN");
    // Who asked and who built do not approve, in whatever role.
    act(&estate, "pm", &["approve", "p.plan", "--role", "change-control"]).ends(3).says("(rule requester)");
    act(&estate, "data-team-lead", &["approve", "p.plan", "--role", "change-control"])
        .ends(3)
        .says("(rule builder)");
    estate
        .run(&["approve", "p.plan", "--as", "automation", "--role", "change-control"])
        .ends(3)
        .says("(rule automation)");
    approve_all_but(&estate, "platform");
    estate
        .run(&["apply", "p.plan"])
        .ends(3)
        .says("rule shared: platform has not approved (deputy-platform, platform-lead)");
    act(&estate, "platform-lead", &["approve", "p.plan"]).ends(0);
    estate.run(&["approvals", "list", "p.plan"]).ends(0).prints("Everything that it needs is there");
    estate.run(&["apply", "p.plan"]).ends(0);

    let bundle = estate.path("bundle");
    estate.run(&["evidence", "export", "--site", "HRB01", "--out", bundle.to_str().unwrap()]).ends(0);
    estate.run(&["evidence", "verify", bundle.to_str().unwrap()]).ends(0);
    let files = tree(&bundle);
    let signed: Vec<&String> =
        files.keys().filter(|path| path.starts_with("approvals/") && path.ends_with(".sig")).collect();
    assert!(signed.len() >= 4, "{signed:?}");
    let signers = String::from_utf8(files["keys/approvers.allowed_signers"].clone()).unwrap();
    assert!(
        signers.contains("change-control-chair namespaces=\"decision@landfall\",valid-after=\"20260101Z\""),
        "{signers}"
    );
    let told = estate.run(&["evidence", "ask", "approvals", "--bundle", bundle.to_str().unwrap()]).ends(0);
    told.prints("change-control-chair (change-control)");
    // One changed byte of what was signed, and the verifier names the file.
    let path = bundle.join(signed[0].trim_end_matches(".sig"));
    let text = fs::read_to_string(&path).unwrap().replacen("wave", "wawe", 1);
    fs::write(&path, text).unwrap();
    estate.run(&["evidence", "verify", bundle.to_str().unwrap()]).ends(7);
}

#[test]
fn an_approval_of_one_plan_never_opens_another() {
    let estate = requested();
    approve_all_but(&estate, "");
    estate.append("sites/estate.toml", "# another");
    estate.run(&["plan", "--wave", "pilot", "--out", "q.plan"]).ends(0);
    estate.run(&["apply", "q.plan"]).ends(3).says("nobody has asked");
    estate.run(&["apply", "p.plan"]).ends(6);
    assert!(!launched(&estate));
}

#[test]
fn no_flag_variable_or_edited_file_gets_around_an_approval() {
    let mut estate = requested();
    approve_all_but(&estate, "change-control");
    // A flag.
    estate.run(&["apply", "p.plan", "--yes"]).ends(3).says("change-control has not approved");
    // The environment.
    for name in ["LANDFALL_GATES", "LANDFALL_FORCE", "LANDFALL_YES", "LANDFALL_SKIP_APPROVALS"] {
        estate.set(name, "open");
    }
    estate.run(&["apply", "p.plan"]).ends(3).says("change-control has not approved");
    // The plan, with its needs taken away.
    let text = fs::read_to_string(estate.path("p.plan")).unwrap();
    let mut plan: Value = serde_json::from_str(&text).unwrap();
    plan["plan"]["approvals"] = json!([]);
    fs::write(estate.path("edited.plan"), plan.to_string()).unwrap();
    estate.run(&["apply", "edited.plan"]).ends(6).says("its digest does not fit");
    // The same with the digest that fits: it does not ask for what the estate's rules ask for.
    let edited: landfall::model::plan::Plan = serde_json::from_value(plan["plan"].clone()).unwrap();
    let resealed = landfall::model::plan::SavedPlan::new(edited, "2026-11-01T00:00:00Z".parse().unwrap());
    let resealed = landfall::model::plan::SavedPlan {
        made_at: serde_json::from_value(plan["made_at"].clone()).unwrap(),
        ..resealed
    };
    fs::write(estate.path("resealed.plan"), serde_json::to_string(&resealed).unwrap()).unwrap();
    estate.run(&["apply", "resealed.plan"]).ends(6).says("approvals that it needs");
    // The pack.
    let pack = "templates/tagging/pack.toml";
    let before = estate.text(pack);
    let lock = estate.text("templates/pack.lock");
    estate.append(pack, "# edited");
    // As it is, its digest is not the locked one; locked anew, it is no longer what was approved.
    estate.run(&["apply", "p.plan"]).ends(65).says("templates/tagging/pack.toml was edited since the plan");
    estate.run(&["packs", "lock"]).ends(0);
    estate.run(&["apply", "p.plan"]).ends(6).says("templates/tagging/pack.toml");
    estate.write(pack, &before);
    estate.write("templates/pack.lock", &lock);
    // The database: an approval that nobody gave, written into the journal.
    let journal = fs::read_dir(estate.path("state/journal")).unwrap().map(|entry| entry.unwrap().path());
    let database = journal
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "db" || end == "sqlite"))
        .unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for name in names {
        connection.execute(&format!("DROP TRIGGER \"{name}\""), []).unwrap();
    }
    let changed = connection
        .execute("UPDATE entry SET line = replace(line, 'review.given', 'approval.given')", [])
        .unwrap();
    assert!(changed > 0);
    drop(connection);
    estate.run(&["apply", "p.plan"]).ends(7);
}

#[test]
fn a_rejected_plan_is_a_draft_again_and_conditions_are_followed_up() {
    let estate = requested();
    approve_all_but(&estate, "change-control");
    let approve = ["approve", "p.plan", "--conditional", "shadow>=30d", "--role", "change-control"];
    act(&estate, "change-control-chair", &approve).ends(0);
    act(
        &estate,
        "change-control-chair",
        &["review", "p.plan", "--condition", "shadow", "--role", "change-control"],
    )
    .ends(3);
    act(
        &estate,
        "compliance-lead",
        &["reject", "p.plan", "--reason", "the DPIA is missing", "--role", "platform"],
    )
    .ends(3);
    act(&estate, "platform-lead", &["reject", "p.plan", "--reason", "the network is not ready"]).ends(0);
    estate.run(&["apply", "p.plan"]).ends(3).says("the network is not ready").says("it is a draft again");
    act(&estate, "platform-lead", &["withdraw", "p.plan", "--role", "platform"]).ends(0);
    let steps = one_way(&estate);
    let mut again = vec!["approve", "p.plan", "--role", "platform"];
    again.extend(steps.iter().map(String::as_str));
    act(&estate, "platform-lead", &again).ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);
}

#[test]
fn breaking_the_glass_is_signed_loud_and_reviewed_by_somebody_else() {
    let estate = requested();
    let key = estate.path("change-control-chair");
    let glass = ["apply", "p.plan", "--break-glass", "--reason", "the clinic is down"];
    // Nobody gets in without a signature, nor in a role that is not asked.
    estate.run(&glass).ends(64);
    act(&estate, "pm", &[&glass[..], &["--role", "program-manager"]].concat()).ends(3);
    assert!(!launched(&estate));
    let args = [&glass[..], &["--as", "change-control-chair", "--key", key.to_str().unwrap()]].concat();
    estate.run(&args).ends(0).says("BREAK-GLASS");
    estate.run(&["status"]).says("BREAK-GLASS NOT REVIEWED YET");
    // Whoever opened it does not review it.
    act(&estate, "change-control-chair", &["review", "p.plan", "--break-glass", "--role", "change-control"])
        .ends(0);
    estate.run(&["status"]).says("BREAK-GLASS NOT REVIEWED YET");
    act(&estate, "platform-lead", &["review", "p.plan", "--break-glass", "--role", "platform"]).ends(0);
    assert!(!estate.run(&["status"]).err.contains("NOT REVIEWED"));
}

#[test]
fn a_signature_made_by_hand_counts_as_one_made_here() {
    let estate = requested();
    let file = estate.path("statement.json");
    let file = file.to_str().unwrap();
    let approve = ["approve", "p.plan", "--role", "change-control"];
    estate
        .run(&[&approve[..], &["--as", "change-control-chair", "--statement-out", file]].concat())
        .ends(0)
        .says("ssh-keygen -Y sign -n decision@landfall");
    let key = estate.path("change-control-chair");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "decision@landfall", "-f", key.to_str().unwrap(), file])
        .output();
    // Where OpenSSH is not there, `.ci/run` does the same with it.
    if !made.is_ok_and(|made| made.status.success()) {
        return;
    }
    let signature = format!("{file}.sig");
    let by_hand = [&approve[..], &["--statement", file, "--signature", &signature]].concat();
    estate.run(&by_hand).ends(0);
    estate.run(&by_hand).ends(3).says("(rule repeated)");
    estate.run(&["approvals", "list", "p.plan"]).ends(0).prints("counts for change");
}

#[test]
fn an_approval_of_a_pattern_covers_its_sites_only_and_a_rejected_site_is_left_out() {
    let estate = estate();
    estate.run(&["plan", "--site", "HRB01,MPL02", "--out", "p.plan"]).ends(0);
    let ask = ["request", "p.plan", "--built-by", "data-team-lead", "--role", "program-manager"];
    act(&estate, "pm", &ask).ends(0);
    let shown = estate.run(&["show", "p.plan", "--patterns", "-o", "json"]).ends(0).json();
    let patterns = shown["patterns"].as_array().unwrap();
    let of = |code: &str| {
        let has = |pattern: &&Value| pattern["sites"].as_array().unwrap().contains(&json!(code));
        patterns.iter().find(has).unwrap()["name"].as_str().unwrap()
    };
    assert_ne!(of("HRB01"), of("MPL02"), "the second clinic has a further use case");
    approve_all_but(&estate, "change-control");
    let steps = one_way(&estate);
    let sign = |args: &[&str]| {
        let steps = steps.iter().map(String::as_str);
        let args: Vec<&str> = args.iter().copied().chain(["--role", "change-control"]).chain(steps).collect();
        act(&estate, "change-control-chair", &args)
    };
    sign(&["approve", "p.plan", "--pattern", of("HRB01")]).ends(0);
    let refused = estate.run(&["apply", "p.plan"]).ends(3);
    let refused = refused.says("change-control has not approved").says("site/MPL02");
    assert!(
        !refused.err.lines().any(|line| line.contains("change-control has") && line.contains("site/HRB01"))
    );
    sign(&["approve", "p.plan"]).ends(0);
    let reject =
        ["reject", "p.plan", "--site", "MPL02", "--reason", "its EHR is frozen", "--role", "change-control"];
    act(&estate, "change-control-chair", &reject).ends(0);
    let launched = estate.run(&["apply", "p.plan"]);
    launched
        .says("MPL02 is left out: change-control-chair rejected its part: its EHR is frozen")
        .prints("site/MPL02           skipped: taken out by change-control-chair: its EHR is frozen");
    assert!(estate.run(&["log", "site/HRB01"]).ends(0).out.contains("run.ended"));
    assert!(!estate.run(&["log", "site/MPL02"]).out.contains("run.started"));
}
