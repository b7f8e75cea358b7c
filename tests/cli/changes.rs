//! Changes on the command line, and launches that are refused without one.

use serde_json::{Value, json};

use crate::receiver::{Mood, NUMBER, Receiver, TOKEN};
use crate::world::Estate;

/// An estate whose launches all need a ticket, and the system that has it.
fn world() -> (Estate, Receiver) {
    let (mut estate, receiver) = (Estate::example(), Receiver::start());
    estate.append(
        "sites/estate.toml",
        &format!(
            "[tickets]\nadapter = \"servicenow\"\nurl = \"{}\"\nuser = \"exec:echo robot\"\ntoken = \"env:SNOW\"\n\
             required = \"always\"\ntimeout_ms = 3000\n",
            receiver.address
        ),
    );
    estate.set("SNOW", TOKEN);
    (estate, receiver)
}

#[test]
fn a_launch_without_a_change_is_refused_and_the_way_of_a_change_is_kept() {
    let (estate, receiver) = world();
    estate.run(&["plan", "--site", "HRB01", "--target", "sandbox", "--out", "p.plan"]).ends(0);
    let refused = estate.run(&["apply", "p.plan"]).ends(3);
    refused.says("target sandbox takes no launch without a change");
    let open =
        ["change", "open", "p.plan", "--title", "Bring HRB01 ashore", "--ticket", NUMBER, "--as", "pm"];
    estate.run(&open).ends(0).prints("CHG-1\n").says("Its ticket has the plan's digest");
    let shown = estate.run(&["change", "show", "CHG-1", "-o", "json"]).ends(0).json();
    let opened = &shown["change"]["opened"];
    assert_eq!((&shown["change"]["state"], &opened["ticket"]), (&json!("draft"), &json!(NUMBER)));
    let digest = opened["plan"].as_str().unwrap();
    assert!(receiver.desk(|desk| desk.notes.contains(digest)), "the ticket quotes the plan");

    let skipped = estate.run(&["change", "advance", "CHG-1", "--to", "applied"]).ends(3);
    skipped.says("CHG-1 is draft, and applied does not follow on that; the legal next step is reviewed");
    estate
        .run(&["change", "advance", "CHG-1", "--to", "reviewed"])
        .ends(3)
        .says("is missing: a signed review");
    estate.run(&["apply", "p.plan", "--change", "CHG-1"]).ends(3).says("only a scheduled change is launched");
    estate.run(&["apply", "p.plan", "--change", "CHG-7"]).ends(64).says("there is no CHG-7");
    estate.run(&["change", "advance", "CHG-1", "--to", "done"]).ends(64).says("no state is called `done`");
    let decide = |date: &str, decision: &str| {
        estate.run(&[
            "change",
            "decide",
            "CHG-1",
            "--decision",
            decision,
            "--attendees",
            "it-network-lead,pm",
            "--date",
            date,
        ])
    };
    decide("2999-01-01", "approved").ends(64).says("is still to come");
    decide("2026-01-05", "rejected").ends(64).says("a rejection needs a reason");
    decide("2026-01-05", "approved").ends(0).says("The change board approved CHG-1: recorded, not signed");
    estate.run(&["change", "list"]).ends(0).prints("CHG-1    draft      normal");
    let text = estate.run(&["change", "show", "CHG-1"]).ends(0);
    text.prints("board of 2026-01-05: approved (it-network-lead, pm)").prints("next: reviewed, missing");
    let whole = estate.run(&["evidence", "show", "--change", "CHG-1", "-o", "json"]).ends(0).json();
    let by_ticket = estate.run(&["evidence", "show", "--change", NUMBER, "-o", "json"]).ends(0).json();
    assert_eq!(whole, by_ticket, "a change is found by its ticket too");
    assert_eq!((&whole["plan"]["digest"], &whole["change"]["state"]), (&json!(digest), &json!("draft")));
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    assert!(count(&whole["diff"]) > 100 && count(&whole["diff"]) == count(&whole["rollback"]["steps"]));
    assert!(
        count(&whole["tests"]) > 10 && whole["tests"][0]["outcome"] == "not run",
        "{}",
        whole["tests"][0]
    );
    assert_eq!(whole["approvals"], json!([]), "this target asks for none, and nobody signed any");
    assert!(count(&whole["result"]) > 0, "what the log says of the change");
    estate.run(&["evidence", "show", "--change", "CHG-7"]).ends(64).says("there is no CHG-7");
}

#[test]
fn a_ticket_system_that_is_down_opens_the_change_and_says_so() {
    let (estate, receiver) = world();
    estate.run(&["plan", "--site", "HRB01", "--target", "sandbox", "--out", "p.plan"]).ends(0);
    receiver.desk(|desk| desk.mood = Mood::Status(500, 100));
    let open = ["change", "open", "p.plan", "--title", "T", "--ticket", NUMBER, "--as", "pm"];
    let opened = estate.run(&open).ends(0);
    let opened = opened
        .says("warning: ticket CHG0012345 was not written to: the ticket system is down: it answered 500");
    assert!(!opened.err.contains("hush") && !opened.err.contains(TOKEN), "{}", opened.err);
    estate.run(&["change", "tell", "CHG-1"]).ends(1).says("the ticket system is down");
    receiver.desk(|desk| desk.mood = Mood::Good);
    estate.run(&["change", "tell", "CHG-1"]).ends(0).says("has the plan's digest");
    let bad = ["change", "open", "p.plan", "--title", "T", "--ticket", "CHG 1", "--as", "pm"];
    estate.run(&bad).ends(64).says("is no number of a ticket");
}

#[test]
fn a_further_domain_of_a_live_site_only_adds() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5_000);
    estate.plan(&["--site", "HRB01"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan", "--yes"]).ends(0);
    estate.append("sites/HRB01.toml", "[[domains]]\nname = \"imaging\"\nproduct_lines = [{ name = \"priorauth\", purpose = \"payment\" }]\n");
    let plan = estate.plan(&["--site", "HRB01", "-o", "json"], "q.plan").ends(0).json();
    let counts = &plan["counts"];
    let zero = json!(0);
    for key in ["update", "replace", "delete"] {
        assert_eq!(counts.get(key).unwrap_or(&zero), &zero, "{counts}");
    }
    let steps = plan["plan"]["scopes"]["site/HRB01"]["steps"].as_object().unwrap();
    let made = |step: &Value| step["work"]["reconcile"]["operation"] == "create";
    let added: Vec<&String> = steps.iter().filter(|(_, step)| made(step)).map(|(id, _)| id).collect();
    assert!(!added.is_empty() && added.iter().all(|id| id.contains("imaging")), "{added:?}");
}
