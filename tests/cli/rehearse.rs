//! A whole wave on the virtual clock, with nothing but the program.

use crate::world::Estate;

fn bundle_of(out: &str) -> String {
    let line = out.lines().find_map(|line| line.strip_prefix("Bundle ")).unwrap();
    line.to_owned()
}

#[test]
fn a_rehearsal_ends_with_a_bundle_that_verifies_and_is_never_taken_for_the_real_thing() {
    let estate = Estate::example();
    let ran = estate.run(&["rehearse", "pilot"]).ends(0);
    assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "colour off a terminal");
    let ran = ran.prints("Longest chain, in site/HRB01").prints("integrity ok, complete ok (rehearsal)");
    assert!(
        ran.out.lines().any(|line| line.starts_with("site/HRB01") && line.contains("161 steps")),
        "{}",
        ran.out
    );

    let bundle = bundle_of(&ran.out);
    let verify = |extra: &[&str]| {
        let mut args = vec!["evidence", "verify", &bundle];
        args.extend(extra);
        estate.run(&args)
    };
    verify(&[]).ends(7).says("nothing in it really happened").prints("integrity ok, complete ok (rehearsal)");
    let verdict = verify(&["--allow-rehearsal", "-o", "json"]).ends(0).json();
    assert_eq!(verdict["rehearsal"], true);
    println!("{verdict}");
    for path in std::fs::read_dir(estate.path("estate")).unwrap() {
        println!("{:?}", path);
    }
}

#[test]
fn a_rehearsal_leaves_the_estates_own_journal_alone() {
    let estate = Estate::example();
    estate.run(&["rehearse", "pilot", "--progress", "none"]).ends(0);
    let status = estate.run(&["status", "HRB01", "-o", "json"]).ends(0).json();
    assert_eq!(status["scopes"][0]["state"], "not-started");
    estate.run(&["resume"]).ends(0).says("nothing to resume");
}
