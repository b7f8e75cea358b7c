//! Launches that several people work on: paused, called off, tried again, waiting, and who holds what.

use serde_json::json;

use crate::world::{Estate, Request, Served, Started};

/// A pilot on a served sandbox whose first workspace never answers.
fn hanging() -> (Estate, Served, Started) {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 60_000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    served.fault("POST */workspaces", &json!({ "stall": { "millis": 600_000 } }), 0, 2);
    let mut first = estate.start(&["apply", "p.plan"]);
    first.said(|line| line.contains("workspace.prod creating")).unwrap();
    (estate, served, first)
}

fn workspaces(served: &Served) -> usize {
    served.mutations().iter().filter(|r: &&Request| r.is("POST", "/workspaces")).count()
}

#[test]
fn a_wish_is_left_for_the_process_that_runs_the_launch() {
    let mut estate = Estate::example();
    let served = estate.serve(&["--workspace-seconds", "4"]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    let mut first = estate.start(&["apply", "p.plan"]);
    first.said(|line| line.contains("workspace.prod creating")).unwrap();
    let paused = estate.run(&["wave", "pause", "pilot", "--reason", "the network is being moved"]).ends(0);
    paused.prints("Left for tester/");
    let ran = first.wait().ends(5).prints("waits for paused by tester: the network is being moved");
    ran.prints("landfall wave resume pilot");

    // Whoever comes by does not lift a pause.
    let made = served.mutations().len();
    for command in [&["resume"][..], &["resume", "--due"]] {
        estate.run(command).ends(5).prints("was paused by tester");
    }
    estate.plan(&["--wave", "pilot"], "q.plan");
    assert_eq!(served.mutations().len(), made, "nothing was sent");
    estate.run(&["wave", "resume", "pilot", "--reason", "it has moved"]).ends(0).prints("succeeded");
    assert_eq!(workspaces(&served), 2, "none is made twice");
    estate.run(&["resume", "--due"]).ends(0).says("nothing to resume");
}

#[test]
fn locks_are_shown_and_broken_on_purpose_only() {
    let (estate, _served, first) = hanging();
    let locks = estate.run(&["locks", "list", "-o", "json"]).ends(0).json();
    let site = locks["locks"].as_array().unwrap().iter().find(|lock| lock["log"] == "site/HRB01").unwrap();
    assert_eq!(site["alive"], true);
    assert!(site["holder"].as_str().unwrap().starts_with("tester/"), "{site}");
    assert!(site["since"].is_string() && site["until"].is_string() && site["run"].is_string(), "{site}");
    let refused = estate.run(&["resume"]).ends(3).says("is being written by tester/");
    assert!(refused.err.contains(" since ") && refused.err.contains(" until "), "{}", refused.err);

    let broken = ["locks", "break", "site/HRB01", "--reason", "the machine was lost"];
    estate.run(&broken).ends(3).says("is alive");
    estate.run(&["locks", "break", "region/nowhere", "--reason", "x"]).ends(64).says("nobody holds");
    first.kill();
    let after = estate.run(&["locks", "list"]).ends(0).prints("gone");
    assert!(!after.out.contains("alive"), "{}", after.out);
    estate.run(&broken).ends(0).says("is broken: entry");
    estate.run(&["log", "site/HRB01"]).ends(0).prints("lease.broken");
}

#[test]
fn an_unfinished_launch_is_called_off_before_another_may_touch_its_scopes() {
    let (estate, served, first) = hanging();
    first.kill();
    estate.run(&["apply", "p.plan"]).ends(3).says("has not ended site/HRB01");
    let paused = estate.run(&["wave", "pause", "pilot", "--reason", "the clinic moves"]).ends(0);
    paused.prints("is paused").says("landfall wave resume WAVE lets it go on");
    let abort = ["wave", "abort", "pilot", "--reason", "the clinic moves"];
    estate.run(&abort).ends(64).says("say --yes");
    let before = served.mutations().len();
    let yes = [&abort[..], &["--yes"]].concat();
    estate.run(&yes).ends(0).prints("was called off").says("no call was sent");
    assert_eq!(served.mutations().len(), before);
    estate.run(&["resume"]).ends(0).says("nothing to resume");
    estate.run(&yes).ends(64).says("no unfinished launch has a wave `pilot`");
    estate.run(&["retry", "--failed", "--reason", "again"]).ends(64).says("nothing failed");
}

#[test]
fn what_failed_is_tried_again_by_a_word() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    let kind = json!({ "before": { "status": 400, "code": "INVALID_PARAMETER_VALUE" } });
    served.fault("POST */workspaces", &kind, 0, 1);
    estate.run(&["apply", "p.plan"]).ends(1).says("landfall retry --failed");
    estate.run(&["retry", "--failed", "--reason", " "]).ends(64).says("the reason is empty");
    estate.run(&["retry", "--site", "HRB01", "--reason", "the quota was raised"]).ends(0).prints("succeeded");
    let made: Vec<u64> =
        served.requests().iter().filter(|r| r.is("POST", "/workspaces")).map(|r| r.status).collect();
    assert_eq!(made.iter().filter(|status| **status < 300).count(), 2, "{made:?}");
    estate.run(&["log", "org"]).ends(0).prints("launch.reopened");
}

#[test]
fn one_of_four_sites_fails_within_the_budget_and_is_finished_by_a_retry() {
    let mut estate = crate::faults::unstaged();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "wave2"], "p.plan").ends(0);
    let kind = json!({ "before": { "status": 400, "code": "INVALID_PARAMETER_VALUE" } });
    served.fault_at("WLW05", "POST *catalogs", &kind);
    let ran = estate.run(&["apply", "p.plan"]).ends(1).prints("site/WLW05           failed");
    let ran = ran.prints("1 step failed: 400 INVALID_PARAMETER_VALUE").says("landfall retry --failed");
    for site in ["NRT04", "STN06", "RVB07"] {
        assert!(ran.out.contains(&format!("site/{site}           succeeded")), "{}", ran.out);
    }
    estate.run(&["wave", "status", "wave2"]).ends(0).prints("wave2: partial, 3 of 4 sites done, 1 failed");
    served.forget_requests();
    estate
        .run(&["retry", "--failed", "--reason", "the name is free"])
        .ends(0)
        .prints("site/WLW05           succeeded");
    let elsewhere =
        |r: &crate::world::Request| ["nrt04", "stn06", "rvb07"].iter().any(|site| r.path.contains(site));
    assert!(!served.mutations().iter().any(elsewhere), "only the site that failed is tried again");
    estate.plan(&["--wave", "wave2"], "q.plan").ends(0).prints("No changes.");
}

#[test]
fn a_window_is_waited_for_without_a_process() {
    let estate = Estate::example();
    estate.edit(
        "sites/estate.toml",
        "[targets.sandbox]\ndriver = \"sandbox\"",
        "[targets.sandbox]\ndriver = \"sandbox\"\ncalendar = \"observe\"",
    );
    let shut = "2027-01-12T16:00:00Z";
    let plan = ["plan", "--wave", "pilot", "--out", "p.plan", "--now", shut];
    estate.run(&plan).ends(0);
    let ran = estate.run(&["apply", "p.plan", "--now", shut]).ends(5).prints("landfall resume --due");
    assert!(ran.out.contains("site/HRB01") && ran.out.contains("released by time"), "{}", ran.out);
    let due = estate.run(&["resume", "--due", "--now", shut]).ends(5).prints("goes on at");
    let at = due.out.split("goes on at ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(*at > *shut, "{at}");
    // Its moment has come.
    estate.run(&["resume", "--due", "--now", at]).ends(0).prints("site/HRB01           succeeded");
}

#[test]
fn time_is_shifted_for_sandboxes_only() {
    let estate = Estate::example();
    let real = "[targets.real]\ndriver = \"databricks\"\nhost = \"https://accounts.databricks.example\"\n\
                account_id = \"5b0a1f0e-3d0c-4c61-8f0d-2f4e6a7c9b11\"\n";
    estate.append("sites/estate.toml", real);
    let mut estate = estate;
    estate.set("DATABRICKS_CLIENT_ID", "nobody");
    estate.set("DATABRICKS_CLIENT_SECRET", "nothing");
    let plan = ["plan", "--wave", "pilot", "--target", "real", "--now", "2027-01-12T16:00:00Z"];
    estate.run(&plan).ends(3).says("--now is for sandboxes");
    estate.run(&["status", "--now", "tomorrow"]).ends(64).says("RFC 3339");
}

#[test]
fn a_wave_whose_criteria_are_open_is_refused_with_each_of_them() {
    let estate = Estate::example();
    estate.run(&["plan", "--wave", "wave2", "--out", "p.plan"]).ends(0);
    let refused = estate.run(&["apply", "p.plan"]).ends(3).says("wave2 may not begin yet");
    for id in ["pilot.done", "productize.second-site", "scale.drill", "scale.access-review"] {
        assert!(refused.err.contains(id), "no {id} in\n{}", refused.err);
    }
    assert!(refused.err.contains("open with security"), "{}", refused.err);
    estate.run(&["log", "org"]).ends(0).prints("");
    assert_eq!(estate.run(&["log", "org"]).out, "", "nothing was written");

    estate.write("drill.txt", "table-top exercise, all roles present\n");
    let file = estate.root().join("drill.txt");
    let file = file.to_str().unwrap();
    let statement = "The recovery drill ended within its time";
    let record = ["record", "drill.tabletop", "--file", file, "--statement", statement];
    estate.run(&record).ends(0).says("recorded, not signed");
    estate.run(&["plan", "--wave", "wave2", "--out", "q.plan"]).ends(0);
    let refused = estate.run(&["apply", "q.plan"]).ends(3);
    assert!(!refused.err.contains("scale.drill"), "{}", refused.err);
    estate.run(&["record", "Drill", "--statement", "x"]).ends(64).says("is not an evidence kind");
}
