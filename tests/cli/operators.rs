//! People who interrupt, and people who do the same thing at the same time.

use serde_json::json;

use crate::world::Estate;

#[test]
fn an_interrupted_launch_is_saved_and_taken_up_again() {
    let mut estate = Estate::example();
    let served = estate.serve(&["--workspace-seconds", "2"]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    let mut apply = estate.start(&["apply", "p.plan"]);
    apply.said(|line| line.contains("workspace.prod creating")).unwrap();
    apply.signal("INT");
    let ran = apply
        .wait()
        .ends(130)
        .says("Next: landfall resume goes on")
        .prints("was stopped; everything is saved");
    assert!(ran.err.contains("Stopping: calls under way finish"), "{}", ran.err);
    let stopped = served.mutations().len();
    let status = estate.run(&["status", "HRB01", "-o", "json"]).ends(0).json();
    assert_eq!(status["scopes"][0]["state"], "suspended");
    estate.run(&["status", "HRB01"]).ends(0).prints("stopped; landfall resume goes on");
    assert_eq!(served.mutations().len(), stopped);

    estate.run(&["resume"]).ends(0).prints("site/HRB01           succeeded");
    let made = served.mutations();
    let workspaces = made.iter().filter(|r| r.is("POST", "/workspaces")).count();
    assert_eq!(workspaces, 2, "none is made twice");
    estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("No changes.");
    estate.run(&["resume"]).ends(0).says("nothing to resume");
}

#[test]
fn two_operators_never_write_the_same_site() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 60_000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    served.fault("POST */workspaces", &json!({ "stall": { "millis": 600_000 } }), 0, 2);
    let mut first = estate.start(&["apply", "p.plan"]);
    first.said(|line| line.contains("workspace.prod creating")).unwrap();
    let before = served.mutations().len();
    for command in [&["apply", "p.plan"][..], &["resume"], &["evidence", "export", "--site", "HRB01"]] {
        let ran = estate.run(command);
        assert_eq!(ran.code, 3, "{command:?}: {}", ran.err);
        ran.says("tester/").says("wait until it has ended");
    }
    let busy = |r: &&crate::world::Request| r.is("POST", "/workspaces");
    assert_eq!(served.mutations().iter().filter(busy).count(), 0, "the first still waits for its answer");
    assert!(served.mutations().len() >= before);
    first.kill();
}
