//! The evidence bundle from a journal to a verdict, and every way of tampering with it that we know of.

#[path = "bundle/fixture.rs"]
mod fixture;
#[path = "bundle/gates.rs"]
mod gates;
#[path = "bundle/populated.rs"]
mod populated;
#[path = "bundle/rotated.rs"]
mod rotated;
#[path = "bundle/script.rs"]
mod script;
#[path = "bundle/second.rs"]
mod second;
#[path = "bundle/tampering.rs"]
mod tampering;

use std::collections::BTreeMap;

use fixture::{Built, Ending, assembled, build, key, parts, sealed};
use landfall::base::digest::Digest;
use landfall::evidence::bundle::{self, BundleError, layout};
use landfall::evidence::control::{ControlRow, ControlStatus, Missing, Obligation};
use landfall::evidence::verify::{Completeness, Integrity, Pins, verify};
use landfall::journal::bundle_dir;

#[test]
fn a_sound_bundle_holds_with_and_without_pinned_keys() {
    let Built { files, log_key, bundle_key, .. } = build(Ending::Well);
    let open = verify(&files, &Pins::default());
    assert!(open.holds(), "{open:#?}");
    assert!(open.rehearsal);
    assert_eq!(open.checks.len(), 19);
    let (log, bundle) = (Some(log_key.public.clone()), Some(bundle_key.public.clone()));
    let pins = Pins { log, bundle, ..Pins::default() };
    let pinned = verify(&files, &pins);
    assert!(pinned.holds() && pinned.pinned && !open.pinned);
    let stranger = Pins { log: Some(key(log_key.public.name(), 9).public), ..Pins::default() };
    let verdict = verify(&files, &stranger);
    assert!(
        matches!(&verdict.integrity, Integrity::Broken { first } if first.contains("the key that you trust is"))
    );
}

#[test]
fn files_that_need_not_be_kept_any_longer_may_be_missing_and_no_others() {
    let pruned = build(Ending::Pruned).files;
    assert!(!pruned.keys().any(|path| path.starts_with(layout::EVIDENCE)), "{:?}", pruned.keys());
    let verdict = verify(&pruned, &Pins::default());
    assert!(verdict.holds(), "{verdict:#?}");
    let early = verify(&build(Ending::PrunedEarly).files, &Pins::default());
    let told = "entry 11 stands for files that had to be kept";
    assert!(matches!(&early.integrity, Integrity::Broken { first } if first.contains(told)), "{early:#?}");
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
        "SHA256SUMS.sig",
        "attestations/bundle.dsse.json",
        "attestations/checks.dsse.json",
        "attestations/provenance.dsse.json",
        "attestations/scan.dsse.json",
        "bundle.json",
        "controls.json",
        "evidence/0003-catalog.clinical.json",
        "evidence/0006-schema.raw.json",
        "index.html",
        "index.pdf",
        "journal/checkpoint",
        "journal/heads.json",
        "journal/heads.tlog-proof",
        "journal/leaves",
        "journal/org-checkpoint",
        "journal/site.jsonl",
        "keys/allowed_signers",
        "keys/bundle.pub.pem",
        "keys/bundle.vkey",
        "keys/log.vkey",
        "lead-sheet.csv",
        "lead-sheet.xlsx",
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
        "population/reconciliation.json",
        "population/samples.csv",
        "population/workspaces.csv",
        "population/workspaces.query.txt",
        "rendered/sql/grants.sql",
        "scan.json",
        "verify_bundle.py",
        "verify_forms.py",
        "verify_handovers.py",
        "verify_lineage.py",
        "verify_log.py",
        "verify_outside.py",
        "verify_populations.py",
        "verify_reconcile.py",
        "verify_records.py",
        "verify_statements.py",
    ];
    assert_eq!(files.keys().collect::<Vec<_>>(), expected);
    for (path, bytes) in &files {
        assert!(
            !String::from_utf8_lossy(bytes).to_lowercase().contains("mpl02"),
            "{path} names another site"
        );
    }
}

#[test]
fn further_files_are_listed_and_sealed_but_take_nobodys_place() {
    let with = |path: &str| {
        let mut parts = parts(Ending::Well);
        parts.attachments.insert(path.to_owned(), b"id,title\n".to_vec());
        parts
    };
    let mut files = sealed(&with("controls/matrix.csv"));
    assert!(verify(&files, &Pins::default()).holds());
    files.insert("controls/matrix.csv".into(), b"id,title\nx,y\n".to_vec());
    assert!(!verify(&files, &Pins::default()).holds(), "a changed one breaks the seal");
    for bad in [
        "index.html",
        "index.pdf",
        "Bundle.json",
        "SHA256SUMS.note",
        "journal/site.jsonl",
        "../x",
        "/x",
        "a//b",
        "",
    ] {
        let refused = assembled(&with(bad)).err();
        assert_eq!(refused, Some(BundleError::BadPath { path: bad.into() }), "{bad}");
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
        "3 steps planned, 3 run, 3 passed, 0 failed, 0 blocked by a failure, 0 exceptions accepted. 2 changes applied, \
         0 tickets, 0 approvals; no approval of a plan is recorded here."
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
        "<li><strong>Failed:</strong> schema.raw (databricks.schema): no such &lt;catalog&gt; &amp; more</li>"
    );
    assert_eq!(
        lines[eye + 3],
        "<li><strong>Blocked:</strong> Clinical &lt;script&gt;alert(1)&lt;/script&gt; is there (check.clinical): needs schema.raw</li>"
    );
    assert!(page(Ending::NotYet).contains("<strong>No outcome is recorded:</strong> schema.raw"));
}

fn control(id: &str, status: ControlStatus) -> ControlRow {
    ControlRow {
        framework: "hipaa".into(),
        id: id.into(),
        own_id: None,
        title: format!("title of {id}"),
        obligation: Obligation::Required,
        shown: None,
        status,
        kinds: vec!["audit.log_delivery".into()],
        missing: Vec::new(),
        newest: None,
        in_force_since: None,
        expires: None,
        entries: BTreeMap::new(),
        findings: Vec::new(),
    }
}

#[test]
fn nothing_gets_into_the_page_as_markup() {
    let mut parts = parts(Ending::Badly);
    let evil = "<img src=x onerror=alert(1)>\"'&\u{202e}\u{7}東";
    parts.estate = evil.into();
    parts.exported_by = evil.into();
    parts.tool = evil.into();
    let missing =
        Missing { kind: evil.into(), shows: evil.into(), why: evil.into(), since: None, stale: true };
    let mut row = control(evil, ControlStatus::Partial { missing: evil.into() });
    row.framework = evil.into();
    row.missing = vec![missing];
    parts.controls = vec![row, control(evil, ControlStatus::NotApplicable { reason: evil.into() })];
    let files = sealed(&parts);
    let page = String::from_utf8(files[layout::INDEX].clone()).expect("text");
    assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;[U+202E][U+0007]東"));
    assert!(files[layout::PRINTED].starts_with(b"%PDF-"), "and it is printed all the same");
    assert!(verify(&files, &Pins::default()).holds());
}

#[test]
fn controls_that_stand_open_are_named_and_others_are_not_called_evidenced() {
    let mut parts = parts(Ending::Well);
    let reason = "the site has no such system".to_owned();
    parts.controls = vec![
        control("a", ControlStatus::Evidenced),
        control("b", ControlStatus::NotApplicable { reason }),
        control("c", ControlStatus::NotRun),
        control("d", ControlStatus::Failed { what: "audit.log_delivery".into() }),
    ];
    let page = String::from_utf8(sealed(&parts)[layout::INDEX].clone()).expect("text");
    assert!(
        page.contains(
            "<li><strong>Control HIPAA d (title of d): </strong>✗ Failed: audit log delivery.</li>"
        )
    );
    assert!(page.contains("<strong>Controls without full evidence:</strong> 1 not run: see"));
    assert!(page.contains("4 controls: 1 failed or too old, 1 not run, 1 evidenced, 1 not applicable."));
    let row =
        |text: &str| page.find(&format!("<td><strong>{text}</strong><br>required</td>")).expect("a row");
    assert!(row("d") < row("c") && row("c") < row("a"), "in the order of need");
    assert!(
        page.contains("<strong>Does not apply here: </strong>b title of b: the site has no such system.")
    );
    assert_eq!(page.matches("✓ Evidenced").count(), 1);
}

#[test]
fn a_file_that_an_entry_names_must_be_there() {
    let mut parts = parts(Ending::Well);
    let digest = *parts.blobs.keys().next().expect("a blob");
    parts.blobs.remove(&digest);
    let Err(BundleError::MissingBlob { digest: named, seq, .. }) = assembled(&parts) else { panic!("made") };
    assert_eq!(named, digest);
    assert!([3, 6].contains(&seq));
    parts.blobs.insert(digest, b"other bytes".to_vec());
    assert!(matches!(assembled(&parts), Err(BundleError::MissingBlob { .. })));
}

#[test]
fn parts_that_contradict_each_other_make_no_bundle() {
    let good = || parts(Ending::Well);
    let mut real = good();
    real.rehearsal = false;
    assert!(matches!(assembled(&real), Err(BundleError::Contradiction { .. })));
    let mut cut = good();
    cut.site_log.pop();
    assert!(matches!(assembled(&cut), Err(BundleError::Contradiction { .. })));
    let mut swapped = good();
    swapped.site_log.swap(1, 2);
    assert!(matches!(assembled(&swapped), Err(BundleError::BadEntry { seq: 1, .. })));
    let mut unsigned = good();
    unsigned.checkpoint = unsigned.checkpoint.replace("\n10\n", "\n11\n");
    assert!(matches!(assembled(&unsigned), Err(BundleError::BadCheckpoint { .. })));
    let mut leads_out = good();
    leads_out.rendered.insert("../x".into(), Vec::new());
    assert!(matches!(assembled(&leads_out), Err(BundleError::BadPath { .. })));
    let mut other_site = good();
    let head = other_site.shared.values().next().expect("a head").clone();
    other_site.shared.insert("site/MPL02".parse().expect("a log"), head);
    assert!(matches!(assembled(&other_site), Err(BundleError::Contradiction { .. })));
    let unsealed = assembled(&good()).expect("assembled");
    assert!(unsealed.clone().seal(&|_| Ok(landfall::evidence::note::Signature([0; 64]))).is_err());
    let error = unsealed.seal(&|_| Err("the key service is away".to_owned())).expect_err("no signature");
    assert!(
        matches!(error, BundleError::NotSigned { .. })
            && error.to_string().ends_with("the key service is away")
    );
}

#[test]
fn nothing_sensitive_leaves_in_a_bundle() {
    let mut parts = parts(Ending::Well);
    parts.rendered.insert("sql/seed.sql".into(), b"-- MRN 00441723\n".to_vec());
    let Err(error) = assembled(&parts) else { panic!("made") };
    assert!(matches!(&error, BundleError::Sensitive { path, .. } if path == "rendered/sql/seed.sql"));
    assert!(!error.to_string().contains("00441723"));
}

#[test]
fn what_the_list_says_is_what_is_there() {
    let files = build(Ending::Well).files;
    let sums = bundle::sums::parse(&files[layout::SUMS]).expect("a list");
    assert_eq!(sums.len(), files.len() - 4);
    assert!(sums.iter().all(|(path, digest)| Digest::of(&files[path]) == *digest));
}
