//! Plans that are applied exactly or refused, against a served sandbox.

use crate::world::Estate;

#[test]
fn a_plan_changes_nothing_its_apply_does_all_and_the_next_finds_nothing_to_do() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    let planned = estate.plan(&["--wave", "pilot"], "p.plan").ends(0).prints("Plan: 170 to add, 0 to change, 0 to destroy.");
    assert_eq!(served.mutations(), [], "a plan is read-only");
    let shown = |line: &&str| line.starts_with("  + ") && line.contains("(databricks.");
    assert_eq!(planned.out.lines().filter(shown).count(), 170);

    estate.run(&["apply", "p.plan"]).ends(0).prints("site/HRB01           succeeded");
    let done = served.mutations();
    assert!(done.len() >= 170, "{}", done.len());

    let again = estate.run(&["plan", "--target", "served", "--wave", "pilot", "--detailed-exitcode", "--out", "q.plan"]);
    again.ends(0).prints("No changes.");
    estate.run(&["apply", "q.plan"]).ends(0);
    assert_eq!(served.mutations().len(), done.len(), "what is as it should be is left alone");
    estate.run(&["apply", "p.plan"]).ends(6).says("has grown from 0 to");
}
