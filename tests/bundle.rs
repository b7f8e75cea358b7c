//! The evidence bundle from a journal to a verdict, and every way of tampering with it that we know of.

#[path = "bundle/fixture.rs"]
mod fixture;
#[path = "bundle/script.rs"]
mod script;
#[path = "bundle/tampering.rs"]
mod tampering;

use fixture::{Built, Ending, build, key, parts, sealed};
use landfall::base::digest::Digest;
use landfall::evidence::bundle::{self, BundleError, layout};
use landfall::evidence::control::{ControlRow, ControlStatus};
use landfall::evidence::verify::{Completeness, Integrity, Pins, verify};
use landfall::journal::bundle_dir;

#[test]
fn a_sound_bundle_holds_with_and_without_pinned_keys() {
    let Built { files, log_key, bundle_key, .. } = build(Ending::Well);
    let open = verify(&files, &Pins::default());
    assert!(open.holds(), "{open:#?}");
    assert!(open.rehearsal);
    assert_eq!(open.checks.len(), 12);
    let pins = Pins { log: Some(log_key.public.clone()), bundle: Some(bundle_key.public.clone()) };
    let pinned = verify(&files, &pins);
    assert!(pinned.holds() && pinned.pinned && !open.pinned);
    let stranger = Pins { log: Some(key(log_key.public.name(), 9).public), bundle: None };
    let verdict = verify(&files, &stranger);
    assert!(
        matches!(&verdict.integrity, Integrity::Broken { first } if first.contains("the key that you trust is"))
    );
}

#[test]
fn the_same_parts_give_the_same_bytes() {
    assert_eq!(build(Ending::Well).files, build(Ending::Well).files);
}

#[test]
fn the_layout_is_the_documented_one() {
    let files = build(Ending::Well).files;
    let expected = [
        "README.txt",
        "SHA256SUMS",
        "SHA256SUMS.note",
        "bundle.json",
        "controls.json",
        "evidence/0003-catalog.clinical.json",
        "evidence/0006-schema.raw.json",
        "index.html",
        "journal/checkpoint",
        "journal/heads.json",
        "journal/heads.tlog-proof",
        "journal/leaves",
        "journal/org-checkpoint",
        "journal/site.jsonl",
        "keys/bundle.vkey",
        "keys/log.vkey",
        "lead-sheet.csv",
        "plan.json",
        "population/assignments.csv",
        "population/assignments.query.txt",
        "population/catalogs.csv",
        "population/catalogs.query.txt",
        "population/changes.csv",
        "population/changes.query.txt",
        "population/grants.csv",
        "population/grants.query.txt",
        "population/groups.csv",
        "population/groups.query.txt",
        "population/reconciliation.csv",
        "population/workspaces.csv",
        "population/workspaces.query.txt",
        "rendered/sql/grants.sql",
        "verify_log.py",
    ];
    assert_eq!(files.keys().collect::<Vec<_>>(), expected);
    for (path, bytes) in &files {
        assert!(!String::from_utf8_lossy(bytes).contains("MPL02"), "{path} names another site");
    }
}

#[test]
fn a_folder_holds_a_bundle_as_well() {
    let files = build(Ending::Well).files;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("HRB01");
    bundle_dir::write(&path, &files).expect("written");
    assert!(verify(&bundle_dir::read(&path).expect("read"), &Pins::default()).holds());
}

#[test]
fn failed_and_blocked_steps_are_complete_evidence_but_a_step_without_outcome_is_not() {
    let failed = verify(&build(Ending::Badly).files, &Pins::default());
    assert!(failed.holds(), "{failed:#?}");
    let check = failed.checks.iter().find(|check| check.name == "planned steps").expect("the check");
    assert_eq!(check.detail, "3 planned, 2 run, 1 succeeded, 1 failed, 1 blocked");

    let open = verify(&build(Ending::NotYet).files, &Pins::default());
    assert_eq!(open.integrity, Integrity::Ok, "{open:#?}");
    let what = "2 of 3 planned steps have no outcome: check.clinical, schema.raw".to_owned();
    assert_eq!(open.completeness, Completeness::Incomplete { what });

    let miscounted = verify(&build(Ending::Miscounted).files, &Pins::default());
    let what = "entry 8 ends a run with other counts of steps than the entries before it show".to_owned();
    assert_eq!(miscounted.completeness, Completeness::Incomplete { what });
}

#[test]
fn the_page_leads_with_what_needs_an_eye() {
    let page = |ending| String::from_utf8(build(ending).files[layout::INDEX].clone()).expect("text");
    let well = page(Ending::Well);
    assert!(well.contains(
        "3 steps planned, 3 run, 3 succeeded, 0 failed, 0 blocked by a failure. 2 calls were sent"
    ));
    assert!(well.contains("Nothing: every planned step has succeeded, every change was read back, and no control or finding stands open."));
    assert!(well.contains("Rehearsal: nothing on this page really happened."));
    assert!(well.contains("<a href=\"./evidence/0003-catalog.clinical.json\">"));
    let badly = page(Ending::Badly);
    let lines: Vec<&str> = badly.lines().collect();
    let eye =
        lines.iter().position(|line| *line == "<h2 id=\"eye\">Needs your eye</h2>").expect("the section");
    assert_eq!(
        lines[eye + 2],
        "<li>Failed: schema.raw (databricks.schema): no such &lt;catalog&gt; &amp; more</li>"
    );
    assert_eq!(
        lines[eye + 3],
        "<li>Blocked: Clinical &lt;script&gt;alert(1)&lt;/script&gt; is there (check.clinical): needs schema.raw</li>"
    );
    assert!(page(Ending::NotYet).contains("No outcome is recorded: schema.raw"));
}

#[test]
fn nothing_gets_into_the_page_as_markup() {
    let mut parts = parts(Ending::Badly);
    let evil = "<img src=x onerror=alert(1)>\"'&";
    parts.estate = evil.into();
    parts.exported_by = evil.into();
    parts.tool = evil.into();
    parts.controls = vec![ControlRow {
        id: evil.into(),
        title: evil.into(),
        answers: vec![evil.into()],
        status: ControlStatus::Partial { missing: evil.into() },
        entries: vec![3],
    }];
    let files = sealed(&parts);
    let page = String::from_utf8(files[layout::INDEX].clone()).expect("text");
    assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"));
    assert!(verify(&files, &Pins::default()).holds());
}

#[test]
fn controls_that_stand_open_are_named_and_others_are_not_called_evidenced() {
    let mut parts = parts(Ending::Well);
    let control = |id: &str, status| ControlRow {
        id: id.into(),
        title: format!("title of {id}"),
        answers: vec!["HIPAA 164.312(b)".into()],
        status,
        entries: Vec::new(),
    };
    let reason = "the site has no such system".to_owned();
    parts.controls = vec![
        control("a", ControlStatus::Evidenced),
        control("b", ControlStatus::NotApplicable { reason }),
        control("c", ControlStatus::NotRun),
    ];
    let page = String::from_utf8(sealed(&parts)[layout::INDEX].clone()).expect("text");
    assert!(page.contains("<li>Control title of c: ✗ not run</li>"));
    assert!(page.contains("does not apply: the site has no such system"));
    assert_eq!(page.matches("✓ evidenced").count(), 1);
}

#[test]
fn a_file_that_an_entry_names_must_be_there() {
    let mut parts = parts(Ending::Well);
    let digest = *parts.blobs.keys().next().expect("a blob");
    parts.blobs.remove(&digest);
    let Err(BundleError::MissingBlob { digest: named, seq, .. }) = bundle::assemble(&parts) else {
        panic!("made")
    };
    assert_eq!(named, digest);
    assert!([3, 6].contains(&seq));
    parts.blobs.insert(digest, b"other bytes".to_vec());
    assert!(matches!(bundle::assemble(&parts), Err(BundleError::MissingBlob { .. })));
}

#[test]
fn parts_that_contradict_each_other_make_no_bundle() {
    let good = || parts(Ending::Well);
    let mut real = good();
    real.rehearsal = false;
    assert!(matches!(bundle::assemble(&real), Err(BundleError::Contradiction { .. })));
    let mut cut = good();
    cut.site_log.pop();
    assert!(matches!(bundle::assemble(&cut), Err(BundleError::Contradiction { .. })));
    let mut swapped = good();
    swapped.site_log.swap(1, 2);
    assert!(matches!(bundle::assemble(&swapped), Err(BundleError::BadEntry { seq: 1, .. })));
    let mut unsigned = good();
    unsigned.checkpoint = unsigned.checkpoint.replace("\n10\n", "\n11\n");
    assert!(matches!(bundle::assemble(&unsigned), Err(BundleError::BadCheckpoint { .. })));
    let mut leads_out = good();
    leads_out.rendered.insert("../x".into(), Vec::new());
    assert!(matches!(bundle::assemble(&leads_out), Err(BundleError::BadPath { .. })));
    let mut other_site = good();
    let head = other_site.shared.values().next().expect("a head").clone();
    other_site.shared.insert("site/MPL02".parse().expect("a log"), head);
    assert!(matches!(bundle::assemble(&other_site), Err(BundleError::Contradiction { .. })));
    let unsealed = bundle::assemble(&good()).expect("assembled");
    assert!(unsealed.seal(&landfall::evidence::note::Signature([0; 64])).is_err());
}

#[test]
fn nothing_sensitive_leaves_in_a_bundle() {
    let mut parts = parts(Ending::Well);
    parts.rendered.insert("sql/seed.sql".into(), b"-- MRN 00441723\n".to_vec());
    let Err(error) = bundle::assemble(&parts) else { panic!("made") };
    assert!(matches!(&error, BundleError::Sensitive { path, .. } if path == "rendered/sql/seed.sql"));
    assert!(!error.to_string().contains("00441723"));
}

#[test]
fn what_the_list_says_is_what_is_there() {
    let files = build(Ending::Well).files;
    let sums = bundle::sums::parse(&files[layout::SUMS]).expect("a list");
    assert_eq!(sums.len(), files.len() - 2);
    assert!(sums.iter().all(|(path, digest)| Digest::of(&files[path]) == *digest));
}
