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
    let site = |line: &str| line.starts_with("site/HRB01") && line.contains("163 steps");
    assert!(ran.out.lines().any(site), "{}", ran.out);
    let before_said = ran.err.find("Plan: 172 to add, 0 to change, 0 to destroy.").unwrap();
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

/// A rehearsal's output without the names of its folder.
fn rehearsed(
    estate: &Estate,
    args: &[&str],
    code: i32,
) -> (String, std::collections::BTreeMap<String, Vec<u8>>) {
    let ran = estate.run(&[&["rehearse"][..], args, &["--out", "there"]].concat()).ends(code);
    let bundles = tree(&estate.path("there"));
    std::fs::remove_dir_all(estate.path("there")).unwrap();
    (ran.out + &ran.err, bundles)
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_faults_and_without() {
    let estate = Estate::example();
    for fault in [&[][..], &["--fault", "create catalog@HRB01=busy:2", "--fault", "PATCH *=lost:3"]] {
        let args = [&["pilot", "--seed", "7"][..], fault].concat();
        let (one, other) = (rehearsed(&estate, &args, 0), rehearsed(&estate, &args, 0));
        assert_eq!(one.0, other.0);
        assert_eq!(one.1, other.1);
        assert!(one.1.len() > 100, "bundles were compared");
    }
    let (_, seven) = rehearsed(&estate, &["pilot", "--seed", "7"], 0);
    let (_, eight) = rehearsed(&estate, &["pilot", "--seed", "8"], 0);
    assert_ne!(seven, eight, "another seed gives other keys, salts and ids");
}

#[test]
fn a_fault_at_one_of_four_sites_within_the_budget_leaves_the_others_alone() {
    let estate = Estate::example();
    let (told, _) = rehearsed(&estate, &["wave2", "--fault", "create catalog@WLW05"], 1);
    for part in ["site/WLW05           failed", "Failed: site/WLW05 catalog.", "(INVALID_PARAMETER_VALUE)"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for site in ["NRT04", "STN06", "RVB07"] {
        assert!(!told.contains(&format!("site/{site}           failed")), "{told}");
    }
    assert!(told.contains("waited") && told.contains("for the canary site/NRT04"), "{told}");
}

#[test]
fn what_breaks_during_bake_time_stops_the_next_wave() {
    let estate = Estate::example();
    let bake = "bake = \"1h\"\nbake_every = \"10m\"\nsites = [\"HRB01\"]";
    estate.edit("sites/estate.toml", "sites = [\"HRB01\"]", bake);
    let (well, _) = rehearsed(&estate, &["pilot", "wave1"], 0);
    assert!(well.contains("pilot                waited 1 h 0 min for the bake time of its sites"), "{well}");
    // The pilot is done 21 h 6 min after the rehearsal begins; half an hour later its grants cannot be found.
    let fault = "read grants@HRB01=gone+21h 40m";
    let (told, bundles) = rehearsed(&estate, &["pilot", "wave1", "--fault", fault], 1);
    assert!(told.contains("Wave pilot was halted:") && told.contains("broke during bake time"), "{told}");
    assert!(bundles.keys().all(|file| !file.contains("MPL02") && !file.contains("CDR03")), "wave1 has begun");
}

#[test]
fn a_rehearsal_can_begin_from_what_is_there() {
    let estate = Estate::example();
    estate.run(&["rehearse", "pilot", "--from", "live"]).ends(64).says("nothing was ever launched here");
    estate.run(&["plan", "--wave", "pilot", "--out", "p.plan"]).ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);
    let before = tree(&estate.path("state").join("sandbox"));
    let ran = estate.run(&["rehearse", "pilot", "--from", "live"]).ends(0);
    ran.says("No changes.");
    assert_eq!(tree(&estate.path("state").join("sandbox")), before, "the sandbox itself is not touched");
    estate.run(&["plan", "--wave", "pilot"]).ends(0).prints("No changes.");
}
