//! The catalogue of controls against the packs that this repository carries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use landfall::base::digest::Digest;
use landfall::base::time::Timestamp;
use landfall::controls::{Catalogue, History, Selector, observe, oscal, rows, standings};
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

/// The table of kinds names items of the shipped packs: one that is spelled otherwise would never be there.
#[test]
fn every_item_that_shows_a_kind_is_in_a_pack() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut items = BTreeSet::new();
    for path in files(&templates) {
        let text = fs::read_to_string(&path).expect("text");
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("id = \""));
        items.extend(lines.map(|rest| rest.trim_end_matches('"').to_owned()));
    }
    let kinds = Catalogue::embedded().kinds().values();
    let named: BTreeSet<&str> =
        kinds.flat_map(|kind| kind.inputs.iter().flatten().filter_map(Selector::item)).collect();
    assert!(named.len() > 20, "{named:?}");
    let unknown: Vec<&&str> = named.iter().filter(|item| !items.contains(**item)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
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
    let history =
        History { log, entries, plans: [(Digest::of(b"plan"), steps)].into(), void: BTreeSet::new() };
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
        text.contains("0/46") && text.contains("encryption.cmk_at_rest: no step of the plan shows it"),
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

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).expect("below"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(&path, target).expect("copied");
    }
}

/// An estate of its own, and what the program says to it.
struct Own(tempfile::TempDir);

impl Own {
    fn with(controls: &str) -> Self {
        let own = Self(tempfile::tempdir().expect("a folder"));
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["sites", "templates"] {
            copy(&shipped.join(folder), &own.0.path().join(folder));
        }
        own.says(controls);
        own
    }

    fn says(&self, controls: &str) {
        fs::write(self.0.path().join("sites/controls.toml"), controls).expect("written");
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_landfall"));
        command.arg("--root").arg(self.0.path()).arg("--state").arg(self.0.path().join("state"));
        let done = command.args(args).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (done.status.code(), text(done.stdout) + &text(done.stderr))
    }
}

/// What the program collects by itself is whole after one run, without anybody doing anything for it; what people bring is
/// named where it is missing; the organisation's own ids stand beside the controls.
#[test]
fn after_one_run_whatever_collects_itself_is_there_and_the_rest_is_named() {
    let own = Own::with("[own.hipaa]\n\"164.312(b)\" = \"MyCSF 1201.06e1\"\n");
    let out = own.0.path().join("bundles");
    let (code, told) = own.run(&["rehearse", "pilot", "--quiet", "--out", out.to_str().expect("a path")]);
    assert_eq!(code, Some(0), "{told}");
    let bundle = fs::read_dir(&out).expect("bundles").next().expect("one").expect("an entry").path();
    let bundle = if bundle.is_dir() { bundle } else { out };
    let text = fs::read_to_string(bundle.join("controls.json")).expect("rows");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows = document["controls"].as_array().or(document["rows"].as_array()).or(document.as_array());
    let rows = rows.expect("rows");
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).expect("a row");
    assert_eq!(row("164.312(b)")["own_id"], "MyCSF 1201.06e1");
    // Everything that bears on these collects itself.
    for id in ["cm-2", "cm-6", "au-12", "11.10(f)", "CC6.7"] {
        let missing = row(id)["missing"].as_array().cloned().unwrap_or_default();
        let by_itself = ["plan.rendered", "test.pre_apply", "apply.executed", "readback.matches_plan"];
        let open = |one: &&serde_json::Value| by_itself.contains(&one["kind"].as_str().unwrap_or_default());
        assert!(!missing.iter().any(|one| open(&one)), "{id}: {missing:?}");
    }
    assert_eq!(row("sa-11")["status"], "evidenced", "rules are held against the files before a run");
    assert_eq!(row("11.10(f)")["status"], "evidenced", "each call has its end");
    let whole = row("PI1.5")["missing"].to_string();
    assert!(whole.contains("not there: the cosignature of a witness"), "{whole}");
    let duties = row("ac-5")["missing"].to_string();
    assert!(duties.contains("a signed request for the approval of the plan"), "{duties}");
    assert!(
        row("CC6.4")["status"]["not-applicable"]["reason"]
            .as_str()
            .expect("a reason")
            .starts_with("inherited")
    );
    let matrix = fs::read_to_string(bundle.join("controls/matrix.csv")).expect("a matrix");
    assert!(matrix.contains(",164.312(b),MyCSF 1201.06e1,"));
    assert!(!matrix.contains("does not collect it yet"));
}

#[test]
fn what_is_asked_about_controls_is_answered_and_refused_where_it_is_not_there() {
    let own = Own::with("");
    let asked = ["evidence", "check", "--site", "HRB01", "--kind", "tests-access-reviews-approvals"];
    let (code, text) = own.run(&asked);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("access.recertification") && text.contains("MISSING"), "{text}");
    assert!(text.contains("0 of 3 are there (0 %)"), "{text}");
    assert_eq!(own.run(&[&asked[..], &["--require-complete"]].concat()).0, Some(3));
    assert_eq!(own.run(&["evidence", "check", "--site", "HRB01", "--kind", "nothing"]).0, Some(64));
    let (code, text) = own.run(&["evidence", "crosswalk", "--site", "HRB01", "--framework", "hitrust"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Unmapped: 18 of 49 controls") && text.contains("gap  hitrust 01.03"), "{text}");
    let (code, text) = own.run(&["report", "evidence", "--site", "HRB01", "--now", "2027-03-01T12:00:00Z"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("encryption") && text.contains("not yet"), "{text}");
    assert_eq!(
        own.run(&[
            "finding",
            "open",
            "--site",
            "HRB01",
            "--title",
            "t",
            "--severity",
            "high",
            "--owner",
            "security",
            "--control",
            "164.999"
        ])
        .0,
        Some(64)
    );
    for (hostile, why) in [
        ("[own.hipaa]\n\"164.999\" = \"x\"", "hipaa has no control 164.999"),
        ("[outside.hipaa]\n\"164.312(b)\" = \"x\"", "is shown by audit.log_delivery"),
        ("[own.hipaa]\n\"164.312(b)\" = \"=cmd\\n\"", "must be one line"),
        ("own", "sites/controls.toml"),
    ] {
        own.says(hostile);
        let (code, text) = own.run(&["evidence", "coverage", "--site", "HRB01"]);
        assert!(code == Some(64) && text.contains(why), "{hostile}: {text}");
    }
    own.says(&"#".repeat(300 << 10));
    assert_ne!(own.run(&["evidence", "coverage", "--site", "HRB01"]).0, Some(0));
}
