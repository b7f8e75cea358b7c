//! The catalogue of controls against the packs that this repository carries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use landfall::base::digest::Digest;
use landfall::base::time::Timestamp;
use landfall::controls::{Catalogue, History, observe, oscal, rows, standings};
use landfall::model::entry::Entry;
use landfall::model::plan::LogHead;
use serde_json::json;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn every_evidence_kind_of_the_packs_is_known() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let (mut used, mut promised) = (BTreeSet::new(), BTreeSet::new());
    for path in files(&templates) {
        let text = fs::read_to_string(&path).expect("text");
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("evidence = \""));
        used.extend(lines.map(|rest| rest.trim_end_matches('"').to_owned()));
        if path.ends_with("pack.toml") {
            let pack: toml::Table = text.parse().expect("a manifest");
            let controls = pack["controls"].as_array().expect("a list");
            promised.extend(controls.iter().map(|kind| kind.as_str().expect("text").to_owned()));
        }
    }
    assert!(used.len() >= 10, "{used:?}");
    let kinds = Catalogue::embedded().kinds();
    let unknown: Vec<&String> = used.union(&promised).filter(|kind| !kinds.contains_key(*kind)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let idle: Vec<&String> = promised.difference(&used).collect();
    assert!(idle.is_empty(), "promised by a pack, shown by no step: {idle:?}");
}

/// The OSCAL files of a site where something failed are left in `target/tmp/oscal-failed`, for
/// `tests/oscal/check_oscal.py` to read; a bundle of a rehearsal that went well holds no list of open items.
#[test]
fn a_failed_step_becomes_an_open_item() {
    let catalogue = Catalogue::embedded();
    let at: Timestamp = "2027-01-11T09:00:00Z".parse().expect("a moment");
    let entry = |seq: u64, kind: &str, step: Option<&str>| -> Entry {
        let mut value = json!({
            "v": 1, "seq": seq, "at": at, "log": "site/HRB01", "kind": kind, "salt": "",
            "actor": { "type": "rehearsal", "id": "rehearsal" }, "plan": Digest::of(b"plan"),
            "body": { "cause": { "message": "the bucket refused it" } },
        });
        if let Some(step) = step {
            value["step"] = step.into();
        }
        serde_json::from_value(value).expect("an entry")
    };
    let entries = vec![
        entry(0, "run.started", None),
        entry(1, "step.succeeded", Some("key.a")),
        entry(2, "step.failed", Some("log.a")),
    ];
    let steps = [("key.a", "encryption.cmk_at_rest"), ("log.a", "audit.log_delivery")];
    let steps = steps.map(|(step, kind)| (step.parse().expect("a step"), Some(kind.to_owned()))).into();
    let log = "site/HRB01".parse().expect("a log");
    let history = History { log, entries, plans: [(Digest::of(b"plan"), steps)].into(), void: BTreeSet::new() };
    let standings = standings(catalogue, &observe(catalogue, std::slice::from_ref(&history)), at);
    let rows = rows(catalogue, &standings, at);
    let subject = oscal::Subject {
        site: &"HRB01".parse().expect("a site"),
        wave: None,
        estate: "Example Health",
        rehearsal: true,
        tool: "landfall 0.1.0",
        exported: (at, "compliance"),
        began: at,
        log: (&history.log, &LogHead { size: 3, root: Digest::of(b"root") }),
        rows: &rows,
        standings: &standings,
        files: &[(Digest::of(b"log"), "journal/site.jsonl".to_owned())].into(),
    };
    let files = oscal::files(catalogue, &subject).expect("files");
    let open = files.get("oscal/plan-of-action-and-milestones.json").expect("a list of open items");
    assert!(String::from_utf8_lossy(open).contains("the bucket refused it"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oscal-failed");
    for (path, bytes) in &files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }
}

#[test]
fn coverage_says_what_is_missing_and_refuses_on_demand() {
    let state = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str]| {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .args(["--root", root, "--state"])
            .arg(state.path().join("none"))
            .args(["evidence", "coverage"]);
        let done = command.args(args).output().expect("it runs");
        (done.status.code(), String::from_utf8(done.stdout).expect("text"))
    };
    let (code, text) = run(&["--site", "HRB01", "--framework", "hipaa"]);
    assert_eq!(code, Some(0));
    assert!(
        text.contains("0/70") && text.contains("encryption.cmk_at_rest: no step of the plan shows it"),
        "{text}"
    );
    assert_eq!(run(&["--site", "HRB01", "--framework", "hipaa", "--require-complete"]).0, Some(3));
    let (code, text) = run(&["-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, value["coverage"].as_array().map(Vec::len)), (Some(0), Some(11 * 5)));
    let (code, text) = run(&["--site", "HRB01", "--framework", "part11", "-o", "csv"]);
    assert_eq!((code, text.lines().count()), (Some(0), 18));
    assert_eq!(run(&["--site", "NOBODY"]).0, Some(64));
}
