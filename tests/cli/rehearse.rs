//! A whole wave on the virtual clock, with nothing but the program.

use std::collections::BTreeSet;

use crate::world::{Estate, tree};

/// The folders and files of the test's folder, without what is inside them.
fn around(estate: &Estate) -> BTreeSet<String> {
    let entries = std::fs::read_dir(estate.path("")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_rehearsal_ends_with_a_bundle_that_verifies_and_is_never_taken_for_the_real_thing() {
    let estate = Estate::example();
    let before = tree(&estate.root());
    let ran = estate.run(&["rehearse", "pilot"]).ends(0);
    assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "colour off a terminal");
    let ran = ran.prints("Longest chain, in site/HRB01").prints("integrity ok, complete ok (rehearsal)\n");
    let site = |line: &str| line.starts_with("site/HRB01") && line.contains("161 steps");
    assert!(ran.out.lines().any(site), "{}", ran.out);
    let before_said = ran.err.find("Plan: 170 to add, 0 to change, 0 to destroy.").unwrap();
    assert!(before_said < ran.err.find(" creating").unwrap(), "the plan comes first");

    let bundle = ran.out.lines().find_map(|line| line.strip_prefix("Bundle ")).unwrap();
    let key = ran.err.lines().find_map(|line| line.strip_prefix("Log key, to be kept outside the bundle: "));
    let verify = |extra: &[&str]| estate.run(&[&["evidence", "verify", bundle][..], extra].concat());
    verify(&[]).ends(7).says("nothing in it really happened").prints("integrity ok, complete ok (rehearsal)");
    let verdict = verify(&["--allow-rehearsal", "--key", key.unwrap(), "-o", "json"]).ends(0).json();
    assert_eq!((&verdict["rehearsal"], &verdict["pinned"]), (&true.into(), &true.into()), "{verdict}");
    verify(&["--allow-rehearsal", "--key", "evidence.cedar+00000000+AAAA"]).ends(64);

    assert_eq!(tree(&estate.root()), before, "the estate's own files stay as they are");
    assert_eq!(
        around(&estate),
        ["estate", "state", "tmp"].map(str::to_owned).into(),
        "and nothing lies about"
    );
    assert_eq!(tree(&estate.path("tmp")).len(), 0);
    let status = estate.run(&["status", "HRB01", "-o", "json"]).ends(0).json();
    assert_eq!(status["scopes"][0]["state"], "not-started", "a rehearsal is no launch");
    estate.run(&["resume"]).ends(0).says("nothing to resume");
}
