//! History across bundles of a real run: growth is accepted, and a history rewritten with the true keys is refused by
//! whoever kept an earlier bundle or trusts a witness.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use landfall::base::digest::Digest;
use landfall::evidence::bundle::manifest::{Manifest, OrgHead};
use landfall::evidence::bundle::scanned::Scanned;
use landfall::evidence::bundle::{Files, layout, sums};
use landfall::evidence::checkpoint::Checkpoint;
use landfall::evidence::growth::Growth;
use landfall::evidence::heads::HeadsBody;
use landfall::evidence::statement::Shown;
use landfall::evidence::tally::Executions;
use landfall::evidence::tlog_proof::TlogProof;
use landfall::evidence::verify::{Completeness, Integrity, Pins, Verdict, verify};
use landfall::evidence::{dsse, note, redaction, sshsig, statement};
use landfall::journal::bundle_dir;
use landfall::merkle;
use landfall::model::entry::Entry;
use landfall::model::plan::{LogHead, PlanExcerpt};
use landfall::signer::file_key::FileKey;
use landfall::signer::{Signer as _, sign_checkpoint};

/// The pilot applied twice, exported after each, and cosigned in between.
pub struct World {
    root: tempfile::TempDir,
    witness: String,
    /// All of it as it was after the second export.
    pub snapshot: tempfile::TempDir,
}

const SITE: &str = "HRB01";

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .current_dir(self.root.path())
            .env("LANDFALL_ROOT", self.root.path())
            .env_remove("LANDFALL_STATE");
        command.args(arguments).output().expect("it runs")
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn launch(&self, plan: &str) {
        self.done(&["plan", "--wave", "pilot", "--out", plan]);
        self.done(&["apply", plan, "--progress", "none"]);
    }

    fn export(&self, name: &str) {
        self.done(&["evidence", "export", "--site", SITE, "--out", name]);
    }

    pub fn bundle(&self, name: &str) -> Files {
        bundle_dir::read(&self.path(name)).expect("a bundle")
    }

    fn checkpoint(&self, name: &str) -> String {
        String::from_utf8(self.bundle(name)[layout::CHECKPOINT].clone()).expect("text")
    }

    fn key(&self, file: &str, name: &str) -> FileKey {
        FileKey::open(&self.path(".landfall/keys").join(file), name).expect("a key")
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

pub fn world() -> &'static World {
    static MADE: OnceLock<World> = OnceLock::new();
    MADE.get_or_init(|| {
        let root = tempfile::tempdir().expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["sites", "templates"] {
            copy(&source.join(folder), &root.path().join(folder));
        }
        let estate = root.path().join("sites/estate.toml");
        let text = fs::read_to_string(&estate).expect("the estate");
        let publish = "\n[evidence]\npublish = [{ directory = \"published\" }, { command = [\"./hook\"] }]\n";
        fs::write(&estate, text + publish).expect("written");
        let snapshot = tempfile::tempdir().expect("a folder");
        let mut world = World { root, witness: String::new(), snapshot };
        world.launch("first.plan");
        world.export("first");
        let key = fs::read_to_string(world.path("first/keys/log.vkey")).expect("the key");
        let init = ["witness", "init", "--dir", "witness", "--name", "compliance.example/witness-1", "--key"];
        world.witness = world.done(&[&init[..], &[key.trim_end()]].concat());
        world.done(&[
            "witness",
            "cosign",
            "--dir",
            "witness",
            "--from",
            "published",
            "--out",
            ".landfall/cosigned",
        ]);
        world.launch("second.plan");
        world.export("second");
        copy(world.root.path(), world.snapshot.path());
        world
    })
}

fn first(verdict: &Verdict) -> &str {
    match &verdict.integrity {
        Integrity::Broken { first } => first,
        Integrity::Ok => panic!("integrity holds: {verdict:#?}"),
    }
}

fn pins(previous: Option<String>, witness: bool) -> Pins {
    let witness = witness.then(|| world().witness.parse().expect("the witness's key"));
    Pins { previous, witness, ..Pins::default() }
}

#[test]
fn a_log_that_grew_is_accepted_by_old_readers_and_by_the_witness() {
    let world = world();
    let verify_second = ["evidence", "verify", "second", "--previous", "first", "--witness", &world.witness];
    let said = world.done(&verify_second);
    assert!(
        said.contains("continues the 503 entries of the previous bundle; continues the 503 entries"),
        "{said}"
    );
    assert!(said.contains("503 of 668 entries cosigned by compliance.example/witness-1 at "), "{said}");
    let files = world.bundle("second");
    let growth = Growth::parse(&files[layout::CONSISTENCY]).expect("a proof");
    assert!(growth.old == 503 && !growth.hashes.is_empty());
    assert_eq!(files[layout::PREVIOUS], world.bundle("first")[layout::CHECKPOINT]);
    // The other way round, entries are missing.
    let turned = verify(&world.bundle("first"), &pins(Some(world.checkpoint("second")), false));
    assert_eq!(turned.completeness, Completeness::Incomplete { what: "503 of 668 entries".into() });
}

#[test]
fn a_changed_proof_or_earlier_checkpoint_is_refused() {
    let good = world().bundle("second");
    for path in [layout::CONSISTENCY, layout::PREVIOUS, layout::WITNESSED] {
        for at in (0..good[path].len()).step_by(17) {
            let mut files = good.clone();
            files.get_mut(path).expect("the file")[at] ^= 1;
            files
                .retain(|path, _| !path.starts_with(layout::EVIDENCE) && !path.starts_with(layout::RENDERED));
            let verdict = verify(&files, &pins(None, true));
            let name = if path == layout::WITNESSED { "witness" } else { "history" };
            let check = verdict.checks.iter().find(|check| check.name == name).expect("the check");
            assert!(!check.ok, "{path} at {at}");
        }
    }
}

#[test]
fn a_history_rewritten_with_the_true_keys_is_caught_only_by_what_others_kept() {
    let world = world();
    let good = world.bundle("second");
    let mut rewritten = 0;
    for at in [0, 1, 100, 250, 496] {
        let forged = forge(&good, at, false);
        assert!(verify(&forged, &Pins::default()).holds(), "without a copy nobody can tell: {at}");
        let caught = verify(&forged, &pins(Some(world.checkpoint("first")), false));
        let words =
            "history was rewritten: the first 503 entries are not those of the checkpoint that you kept";
        assert_eq!(first(&caught), words);
        let dropped = verify(&forged, &pins(None, true));
        let what = "no checkpoint is cosigned by compliance.example/witness-1".to_owned();
        assert_eq!(dropped.completeness, Completeness::Incomplete { what });
        let kept = verify(&forge(&good, at, true), &pins(None, true));
        assert_eq!(
            first(&kept),
            "history was rewritten: the first 503 entries are not those of journal/witnessed-checkpoint"
        );
        rewritten += 1;
    }
    // What came after the kept copy is nobody else's yet.
    assert!(verify(&forge(&good, 600, true), &pins(Some(world.checkpoint("first")), true)).holds());
    println!(
        "{rewritten} histories rewritten with the true keys: all accepted alone, all refused by bundle and by witness"
    );
}

#[test]
fn the_script_and_the_next_export_refuse_a_rewritten_history_too() {
    let world = world();
    bundle_dir::write(&world.path("forged"), &forge(&world.bundle("second"), 100, false)).expect("written");
    let script = |earlier: &[&str]| {
        let paths = [layout::SCRIPT, layout::LOG, layout::CHECKPOINT, layout::LOG_KEY, layout::LEAVES];
        let mut command = Command::new("python3");
        command.current_dir(world.path("forged")).arg("-B").args(paths).args(earlier);
        String::from_utf8_lossy(&command.output().expect("python3 runs").stdout).trim_end().to_owned()
    };
    if Command::new("python3").arg("--version").output().is_ok() {
        assert!(script(&[]).starts_with("ok: "), "{}", script(&[]));
        let said = script(&["../first/journal/checkpoint"]);
        assert!(said.starts_with("does not hold: history was rewritten: the first 503 entries"), "{said}");
        let whole = |arguments: &[&str]| {
            let mut command = Command::new("python3");
            command.current_dir(world.path("forged")).args(["-B", layout::VERIFIER, "."]).args(arguments);
            let output = command.output().expect("python3 runs");
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        assert_eq!(whole(&[]).0, Some(0), "{}", whole(&[]).1);
        let (code, said) = whole(&["--previous", "../first"]);
        assert!(code == Some(1) && said.contains("history was rewritten: the first 503 entries"), "{said}");
        let (code, said) = whole(&["--witness", &world.witness]);
        assert!(code == Some(1) && said.contains("INCOMPLETE: no checkpoint is cosigned by"), "{said}");
        let (code, said) = whole(&["--witness", &world.witness, "--previous", "../first", "../second"]);
        assert_eq!(code, Some(2), "one bundle at a time: {said}");
        let mut second = Command::new("python3");
        second.current_dir(world.path("second")).args([
            "-B",
            layout::VERIFIER,
            ".",
            "--previous",
            "../first",
        ]);
        let second = second.args(["--witness", &world.witness]).output().expect("python3 runs");
        assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stdout));
        let proof = "../second/journal/consistency";
        assert!(script(&["../first/journal/checkpoint", proof]).contains("history was rewritten"));
    }
    let output = world.run(&["evidence", "export", "--site", SITE, "--out", "third", "--previous", "forged"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("its history was rewritten"), "{said}");
    assert!(!world.path("third").exists());
}

#[test]
fn checkpoints_are_published_as_things_happen_and_failures_are_told_and_retried() {
    let world = world();
    let published = |log: &str| fs::read_dir(world.path("published").join(log)).expect("a folder").count();
    assert_eq!(published("site/HRB01"), 4, "two checkpoints, each with its proof");
    // The command was not there until now; the launches went well all the same.
    assert!(!world.path("heard").exists());
    let output = world.run(&["resume"]);
    assert!(output.status.success());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let hook = world.path("hook");
        fs::write(&hook, "#!/bin/sh\nhead -n 2 >>heard && echo \"$1 $2\" >>heard\n").expect("written");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("permissions");
        world.export("fourth");
        let heard = fs::read_to_string(world.path("heard")).expect("the hook ran");
        for words in ["site/HRB01 503\n", "site/HRB01 668\n", "org ", "account "] {
            assert!(heard.contains(words), "{words} in {heard}");
        }
        assert!(heard.contains("evidence.cedar-basin-ambulatory-network/site/HRB01\n503\n"));
    }
}

/// The bundle as an operator with the true keys would make it after changing one entry of the log.
fn forge(good: &Files, at: usize, with_witnessed: bool) -> Files {
    let world = world();
    let mut files = good.clone();
    let mut manifest: Manifest = serde_json::from_slice(&files[layout::MANIFEST]).expect("the manifest");
    let log_key = world.key("log.pem", &manifest.origin);
    let text = String::from_utf8(files[layout::LOG].clone()).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let salt = lines[at].rfind("\"salt\":\"").expect("a salt") + 8;
    let other = if lines[at].as_bytes()[salt] == b'0' { "1" } else { "0" };
    lines[at].replace_range(salt..=salt, other);
    let leaves: Vec<Digest> = lines.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
    let checkpoint = Checkpoint::over(format!("{}/site/{SITE}", manifest.origin), &lines);
    let new = LogHead { size: checkpoint.size, root: checkpoint.root };
    let mut put = |path: &str, text: String| drop(files.insert(path.to_owned(), text.into_bytes()));
    put(layout::LOG, lines.iter().map(|line| format!("{line}\n")).collect());
    put(layout::LEAVES, leaves.iter().map(|leaf| format!("{leaf}\n")).collect());
    put(layout::CHECKPOINT, sign_checkpoint(&log_key, &checkpoint).expect("signed"));
    let (heads, proof, org) = forged_heads(good, &manifest, &new, &log_key);
    put(layout::HEADS, heads);
    put(layout::ORG_CHECKPOINT, proof.checkpoint.clone());
    put(layout::HEADS_PROOF, proof.text());
    (manifest.log, manifest.org, manifest.previous) = (new, org, None);
    for path in [layout::PREVIOUS, layout::CONSISTENCY] {
        files.remove(path);
    }
    if !with_witnessed {
        files.remove(layout::WITNESSED);
    }
    let text = serde_json::to_string_pretty(&manifest).expect("JSON") + "\n";
    files.insert(layout::MANIFEST.into(), text.into_bytes());
    sealed(files, &manifest)
}

/// An org log of one entry: the forger leaves out what was before.
fn forged_heads(
    good: &Files,
    manifest: &Manifest,
    new: &LogHead,
    key: &FileKey,
) -> (String, TlogProof, OrgHead) {
    let mut entry: Entry = serde_json::from_slice(&good[layout::HEADS]).expect("the heads");
    let mut body: HeadsBody = serde_json::from_value(entry.body).expect("the heads");
    let own = body.heads.iter_mut().find(|head| head.root == manifest.log.root).expect("the site's head");
    own.root = new.root;
    entry.body = body.to_value();
    entry.seq = 0;
    let line = serde_json::to_string(&entry).expect("JSON");
    let org = Checkpoint::over(format!("{}/org", manifest.origin), std::slice::from_ref(&line));
    let head = OrgHead { size: 1, root: org.root, heads_index: 0 };
    let note = sign_checkpoint(key, &org).expect("signed");
    let proof = TlogProof::of_last(std::slice::from_ref(&line), note).expect("a proof");
    (line, proof, head)
}

/// The record of the scan and all statements, made again from the files as they are now.
fn restate(files: &mut Files, manifest: &Manifest, key: &FileKey) {
    let plan = serde_json::from_slice(&files[layout::PLAN]).expect("the plan");
    let plan = PlanExcerpt::from_value(plan).expect("the plan");
    let log = format!("site/{SITE}").parse().expect("a log");
    let lines: Vec<&[u8]> = files[layout::LOG].split_inclusive(|byte| *byte == b'\n').collect();
    let lines: Vec<&[u8]> = lines.iter().map(|line| &line[..line.len() - 1]).collect();
    let entries = redaction::read(&log, &lines).expect("entries");
    let record = Scanned::of(&manifest.tool, &entries, files);
    files.insert(layout::SCAN.into(), record.to_bytes());
    let outcomes = Executions { plan: &plan.digest, runs: &manifest.runs }.outcomes(&entries);
    let shown = Shown { manifest, plan: &plan, entries: &entries };
    for (path, told) in statement::all(&shown, files, &sums::of(files), &outcomes) {
        let signature = key.sign(&dsse::message(&told)).expect("a signature");
        files.insert(path, dsse::write(&told, key.vkey(), &signature).into_bytes());
    }
}

fn sealed(mut files: Files, manifest: &Manifest) -> Files {
    let key = world().key("bundle.pem", &format!("{}/bundle", manifest.origin));
    let sign = |bytes: &[u8]| key.sign(bytes).expect("a signature");
    for path in layout::UNLISTED {
        files.remove(path);
    }
    restate(&mut files, manifest, &key);
    let list = sums::text(&sums::of(&files)).into_bytes();
    let digest = Digest::of(&list);
    let text = layout::note_text(&manifest.origin, &manifest.site, &digest);
    let whole = statement::bundle(manifest, &digest);
    let seals = [
        (layout::SEAL, note::write(&text, key.vkey(), &sign(text.as_bytes()))),
        (layout::SSH_SEAL, sshsig::write(key.vkey(), &sign(&sshsig::message(&list)))),
        (layout::ATTESTED_BUNDLE, dsse::write(&whole, key.vkey(), &sign(&dsse::message(&whole)))),
    ];
    files.insert(layout::SUMS.into(), list);
    files.extend(seals.map(|(path, text)| (path.to_owned(), text.into_bytes())));
    files
}
