//! What an attacker without the keys can do, and what an operator with them can.

use landfall::base::digest::Digest;
use landfall::evidence::bundle::manifest::Manifest;
use landfall::evidence::bundle::scanned::Scanned;
use landfall::evidence::bundle::{Files, layout, sums};
use landfall::evidence::statement::Shown;
use landfall::evidence::tally::Executions;
use landfall::evidence::verify::{Completeness, Integrity, Pins, Verdict, verify};
use landfall::evidence::{dsse, note, redaction, sshsig, statement};
use landfall::merkle;
use landfall::model::plan::PlanExcerpt;
use landfall::signer::Signer;
use proptest::prelude::*;

use super::fixture::{Ending, build, checkpoint, key, keys, parts};

fn check(files: &Files) -> Verdict {
    verify(files, &Pins::default())
}

fn first(verdict: &Verdict) -> &str {
    match &verdict.integrity {
        Integrity::Broken { first } => first,
        Integrity::Ok => panic!("integrity holds: {verdict:#?}"),
    }
}

fn missing(verdict: &Verdict) -> &str {
    match &verdict.completeness {
        Completeness::Incomplete { what } => what,
        Completeness::Complete => panic!("complete: {verdict:#?}"),
    }
}

/// Makes the list of files fit again, as anybody can.
pub fn listed(mut files: Files) -> Files {
    let seals = layout::UNLISTED.map(|path| files.remove_entry(path));
    let list = sums::text(&sums::of(&files)).into_bytes();
    files.extend(seals.into_iter().flatten());
    files.insert(layout::SUMS.into(), list);
    files
}

/// Lists and seals again, as only the holder of the bundle key can.
pub fn resealed(files: Files) -> Files {
    sealed_with(files, &keys().1)
}

pub fn sealed_with(mut files: Files, key: &dyn Signer) -> Files {
    // What cannot be read any more keeps the statements that it had.
    let _ = restate(&mut files, key);
    let mut files = listed(files);
    let site = "HRB01".parse().expect("a site");
    let text = layout::note_text(keys().0.public.name(), &site, &Digest::of(&files[layout::SUMS]));
    let signature = key.sign(text.as_bytes()).expect("a signature");
    files.insert(layout::SEAL.into(), note::write(&text, key.vkey(), &signature).into_bytes());
    let signed = |bytes: &[u8]| key.sign(bytes).expect("a signature");
    let list = files[layout::SUMS].clone();
    let ssh = sshsig::write(key.vkey(), &signed(&sshsig::message(&list)));
    files.insert(layout::SSH_SEAL.into(), ssh.into_bytes());
    if let Ok(manifest) = serde_json::from_slice(&files[layout::MANIFEST]) {
        let whole = statement::bundle(&manifest, &Digest::of(&list));
        let envelope = dsse::write(&whole, key.vkey(), &signed(&dsse::message(&whole)));
        files.insert(layout::ATTESTED_BUNDLE.into(), envelope.into_bytes());
    }
    files
}

/// Makes the record of the scan and all statements again from the files as they are.
fn restate(files: &mut Files, key: &dyn Signer) -> Option<()> {
    let manifest: Manifest = serde_json::from_slice(files.get(layout::MANIFEST)?).ok()?;
    let plan = serde_json::from_slice(files.get(layout::PLAN)?).ok()?;
    let plan = PlanExcerpt::from_value(plan).ok()?;
    let log = "site/HRB01".parse().ok()?;
    let entries = redaction::read(&log, &lines(files)).ok()?;
    let record = Scanned::of("landfall 0.1.0", &entries, files);
    files.insert(layout::SCAN.into(), record.to_bytes());
    let outcomes = Executions { plan: &plan.digest, runs: &manifest.runs }.outcomes(&entries);
    let shown = Shown { manifest: &manifest, plan: &plan, entries: &entries };
    for (path, told) in statement::all(&shown, files, &sums::of(files), &outcomes) {
        let signature = key.sign(&dsse::message(&told)).expect("a signature");
        files.insert(path, dsse::write(&told, key.vkey(), &signature).into_bytes());
    }
    Some(())
}

pub fn lines(files: &Files) -> Vec<String> {
    let text = String::from_utf8(files[layout::LOG].clone()).expect("text");
    text.lines().map(str::to_owned).collect()
}

pub fn with_lines(mut files: Files, lines: &[String]) -> Files {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    files.insert(layout::LOG.into(), text.into_bytes());
    files
}

#[test]
fn a_cut_tail_is_named_at_every_length() {
    let files = build(Ending::Well).files;
    let whole = lines(&files);
    for kept in 0..whole.len() {
        for cut in [
            listed(with_lines(files.clone(), &whole[..kept])),
            resealed(with_lines(files.clone(), &whole[..kept])),
        ] {
            let verdict = check(&cut);
            let words = format!(
                "the tail is cut off: {kept} of 10 entries, entry {kept} is the first that is missing"
            );
            assert_eq!(first(&verdict), words);
            assert_eq!(missing(&verdict), format!("{kept} of 10 entries"));
        }
    }
}

#[test]
fn a_line_cut_in_the_middle_is_a_cut_tail() {
    let files = build(Ending::Well).files;
    let whole = lines(&files);
    let mut cut = with_lines(files.clone(), &whole[..7]);
    cut.get_mut(layout::LOG).expect("the log").extend(&whole[7].as_bytes()[..20]);
    let verdict = check(&listed(cut));
    assert_eq!(missing(&verdict), "7 of 10 entries");
    let mut unended = files;
    unended.get_mut(layout::LOG).expect("the log").pop();
    assert_eq!(first(&check(&listed(unended))), "the last line of journal/site.jsonl does not end");
}

#[test]
fn every_removed_line_is_named() {
    let files = build(Ending::Well).files;
    let whole = lines(&files);
    for removed in 0..whole.len() - 1 {
        let mut kept = whole.clone();
        kept.remove(removed);
        let verdict = check(&listed(with_lines(files.clone(), &kept)));
        assert_eq!(first(&verdict), format!("entry {removed} was removed"));
        assert_eq!(missing(&verdict), "9 of 10 entries");
    }
}

#[test]
fn every_two_swapped_lines_are_named() {
    let files = build(Ending::Well).files;
    let whole = lines(&files);
    for one in 0..whole.len() {
        for other in one + 1..whole.len() {
            let mut swapped = whole.clone();
            swapped.swap(one, other);
            let verdict = check(&listed(with_lines(files.clone(), &swapped)));
            assert_eq!(first(&verdict), format!("entries {one} and {other} are swapped"));
            assert_eq!(verdict.completeness, Completeness::Complete);
        }
    }
}

#[test]
fn an_edited_line_is_named_even_if_the_hashes_beside_it_are_edited_too() {
    let files = build(Ending::Well).files;
    let mut edited = lines(&files);
    edited[3] = edited[3].replace("created", "updated");
    let changed = with_lines(files.clone(), &edited);
    assert_eq!(first(&check(&listed(changed.clone()))), "entry 3 was changed");
    let mut with_leaves = changed;
    let leaves: String =
        edited.iter().map(|line| format!("{}\n", merkle::leaf_hash(line.as_bytes()))).collect();
    with_leaves.insert(layout::LEAVES.into(), leaves.into_bytes());
    let verdict = check(&listed(with_leaves));
    assert!(first(&verdict).contains("journal/leaves does not fit the checkpoint either"), "{verdict:#?}");
}

#[test]
fn lines_put_in_or_added_are_named() {
    let files = build(Ending::Well).files;
    let whole = lines(&files);
    let forged = whole[4].replace("attempt", "forgery");
    for (place, words) in [
        (4, "the line in the place of entry 4 was put in"),
        (10, "there are lines after the last sealed entry, from place 10 on"),
    ] {
        let mut more = whole.clone();
        more.insert(place, forged.clone());
        assert_eq!(first(&check(&listed(with_lines(files.clone(), &more)))), words);
    }
}

#[test]
fn dropped_and_unlisted_files_are_named() {
    let files = build(Ending::Well).files;
    for path in files.keys() {
        let mut dropped = files.clone();
        dropped.remove(path);
        let verdict = check(&dropped);
        assert!(first(&verdict).contains(path.as_str()), "{path}: {verdict:#?}");
    }
    let mut more = files;
    more.insert("evidence/9999-extra.json".into(), b"{}".to_vec());
    assert_eq!(first(&check(&more)), "\"evidence/9999-extra.json\" is not listed in SHA256SUMS");
}

#[test]
fn an_operator_who_drops_evidence_and_seals_again_leaves_it_incomplete() {
    let mut files = build(Ending::Well).files;
    files.remove("evidence/0006-schema.raw.json").expect("the file");
    let verdict = check(&resealed(files));
    assert_eq!(verdict.integrity, Integrity::Ok, "all that is there is sealed");
    assert!(missing(&verdict).starts_with("entry 6 names \"readback/schema.raw.json\""), "{verdict:#?}");
}

#[test]
fn an_operator_who_improves_a_reconciliation_and_seals_again_is_caught() {
    let files = build(Ending::Well).files;
    let edits = [
        ("population/reconciliation.csv", "missing", "0"),
        ("population/reconciliation.json", "\"missing\"", "\"agrees\""),
        ("population/catalogs.csv", "observed at", "seen at"),
        ("population/samples.csv", "no record", "pass"),
        ("lead-sheet.csv", "this site's own log", "lists of the platform"),
        ("population/catalogs.query.txt", "none:", "whole:"),
    ];
    for (path, from, to) in edits {
        let text = String::from_utf8(files[path].clone()).expect("text");
        assert!(text.contains(from), "{path} has no {from}:\n{text}");
        let mut edited = files.clone();
        edited.insert(path.into(), text.replacen(from, to, 1).into());
        let verdict = check(&resealed(edited));
        let words = format!("{path} is not what the log and its files come to");
        assert!(first(&verdict).starts_with(&words), "{verdict:#?}");
        let mut dropped = files.clone();
        dropped.remove(path);
        if path != "population/reconciliation.json" {
            assert_eq!(missing(&check(&resealed(dropped))), format!("{path} is missing"));
        }
    }
    let mut more = files;
    more.insert("population/patients.csv".into(), b"id\r\n".to_vec());
    assert_eq!(first(&check(&resealed(more))), "population/patients.csv is no population of this log");
}

#[test]
fn an_operator_who_cuts_the_log_with_the_true_key_is_caught_by_the_org_log() {
    let whole = parts(Ending::Well);
    let mut cut = whole.clone();
    cut.site_log.truncate(9);
    cut.checkpoint = checkpoint("site/HRB01", &cut.site_log);
    let verdict = check(&super::fixture::sealed(&cut));
    assert_eq!(first(&verdict), "the org log has sealed another head of this site than the bundle shows");
    assert_eq!(missing(&verdict), "entries that the org log has sealed may be missing");
}

#[test]
fn a_bundle_key_of_the_attackers_own_is_refused_by_who_trusts_the_log_key() {
    let mut files = build(Ending::Well).files;
    let own = key(keys().1.public.name(), 66);
    files.insert(layout::BUNDLE_KEY.into(), format!("{}\n", own.public).into_bytes());
    files.insert(layout::README.into(), b"all is well\n".to_vec());
    let pins = Pins { log: Some(keys().0.public), ..Pins::default() };
    let verdict = verify(&sealed_with(files, &own), &pins);
    assert_eq!(first(&verdict), "keys/bundle.vkey is not the key that the org log vouches for");
    assert!(verify(&build(Ending::Well).files, &pins).pinned);
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    let mut files = build(Ending::Well).files;
    files.insert(layout::CHECKPOINT.into(), files[layout::ORG_CHECKPOINT].clone());
    let verdict = check(&resealed(files));
    assert_eq!(first(&verdict), "journal/checkpoint is of the log rehearsal.example-health/org");
}

#[test]
fn another_plan_is_refused() {
    let mut files = build(Ending::Well).files;
    let plan = String::from_utf8(files[layout::PLAN].clone())
        .expect("text")
        .replace("prod_clinical", "test_clinical");
    files.insert(layout::PLAN.into(), plan.into_bytes());
    assert!(first(&check(&resealed(files))).starts_with("plan.json: the plan "));
}

#[test]
fn a_rehearsal_cannot_be_passed_off_as_real() {
    let mut files = build(Ending::Well).files;
    let text = String::from_utf8(files[layout::MANIFEST].clone()).expect("text");
    files.insert(layout::MANIFEST.into(), text.replace("\"rehearsal\": true", "\"rehearsal\": false").into());
    let verdict = check(&resealed(files));
    assert!(verdict.rehearsal);
    assert_eq!(first(&verdict), "bundle.json and the log key disagree on whether this is a rehearsal");
}

#[test]
fn a_newer_format_is_named_as_such() {
    let mut files = build(Ending::Well).files;
    let text = String::from_utf8(files[layout::MANIFEST].clone()).expect("text");
    files.insert(layout::MANIFEST.into(), text.replacen("\"v\": 2", "\"v\": 3", 1).into());
    assert!(first(&check(&resealed(files))).contains("install a newer landfall"));
}

#[test]
fn an_empty_bundle_and_empty_files_do_not_make_it_panic() {
    assert_eq!(missing(&check(&Files::new())), "bundle.json is missing");
    for path in build(Ending::Well).files.keys() {
        let mut files = build(Ending::Well).files;
        files.insert(path.clone(), Vec::new());
        assert!(!check(&files).holds(), "{path}");
        // Listing again only repairs the list.
        assert_eq!(check(&listed(files)).holds(), path == layout::SUMS, "{path}");
    }
}

proptest! {
    #[test]
    fn any_flipped_bit_of_any_file_breaks_it(
        file in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), bit in 0u32..8, relist in any::<bool>(),
    ) {
        thread_local! { static FILES: Files = build(Ending::Well).files; }
        let mut files = FILES.with(Files::clone);
        let path = files.keys().nth(file.index(files.len())).expect("a path").clone();
        let bytes = files.get_mut(&path).expect("the file");
        let at = byte.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let verdict = check(&if relist { listed(files) } else { files });
        // Listing again repairs the list itself, so that nothing was changed then.
        prop_assert!(relist && path == layout::SUMS || matches!(verdict.integrity, Integrity::Broken { .. }), "{path} at {at}");
    }
}
