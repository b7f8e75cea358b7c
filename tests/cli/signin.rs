//! Who may do what: wrong secrets, missing ones, a client that may only read, and a sandbox that is nobody else's.

use crate::world::Estate;

#[test]
fn without_a_good_sign_in_nothing_begins() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.set("DATABRICKS_CLIENT_SECRET", "wrong");
    estate
        .plan(&["--wave", "pilot"], "q.plan")
        .ends(4)
        .says("Client authentication failed")
        .says("help: check");
    let ran = estate.run(&["apply", "p.plan"]).ends(4);
    assert!(!ran.err.contains("wrong"), "{}", ran.err);
    assert_eq!(served.mutations(), []);
    let status = estate.run(&["status", "-o", "json"]).ends(0).json();
    assert!(status["scopes"].as_array().unwrap().iter().all(|s| s["state"] == "not-started"), "{status}");
    estate.set("DATABRICKS_CLIENT_ID", "");
    estate.set("DATABRICKS_CLIENT_SECRET", "");
    estate.plan(&["--wave", "pilot"], "q.plan").ends(4).says("nothing to sign in with");
}

#[test]
fn a_client_that_may_only_read_can_plan_and_not_apply() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.set("DATABRICKS_CLIENT_ID", served.of("SANDBOX_READER_ID"));
    estate.set("DATABRICKS_CLIENT_SECRET", served.of("SANDBOX_READER_SECRET"));
    let before = served.state();
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0).prints("Plan: 172 to add");
    estate.run(&["apply", "p.plan"]).ends(1).says("PERMISSION_DENIED");
    assert_eq!(served.state(), before);
}

#[test]
fn the_sandbox_is_for_this_machine_only() {
    let estate = Estate::example();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let ran = estate.run(&["sandbox", "serve", "--listen", address]).ends(64);
        let ran = ran.says("loopback");
        assert_eq!(ran.out, "", "no secrets before it serves");
    }
    estate.run(&["sandbox", "serve", "--listen", "nonsense"]).ends(64);
}
