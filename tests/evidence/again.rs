//! Exporting again what has not changed: the same bytes on another machine, as a folder and as one file, and a record of
//! who pulled it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use landfall::base::digest::Digest;
use landfall::evidence::bundle::layout;
use landfall::journal::{bundle_archive, bundle_dir};
use serde_json::Value;

use super::history::{copy, world};

/// A machine with a copy of the state: another home, zone, language, mask for new files, and working folder.
struct Machine {
    root: tempfile::TempDir,
    zone: &'static str,
    language: &'static str,
    mask: &'static str,
}

impl Machine {
    fn new(zone: &'static str, language: &'static str, mask: &'static str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        copy(world().snapshot.path(), &root.path().join("estate"));
        fs::create_dir_all(root.path().join("home")).expect("a folder");
        Self { root, zone, language, mask }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let script = format!("umask {}; exec \"$0\" \"$@\"", self.mask);
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_landfall")]).args(arguments);
        command.current_dir(self.root.path()).env_remove("LANDFALL_STATE");
        command
            .env("LANDFALL_ROOT", self.root.path().join("estate"))
            .env("HOME", self.root.path().join("home"));
        command.envs([("TZ", self.zone), ("LC_ALL", self.language), ("LANG", self.language)]);
        command.output().expect("it runs")
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn org(&self) -> Vec<Value> {
        let text = self.done(&["log", "org", "-o", "json"]);
        text.lines().map(|line| serde_json::from_str(line).expect("an entry on each line")).collect()
    }
}

#[test]
fn two_machines_make_the_same_bytes_of_the_same_state() {
    let one = Machine::new("America/New_York", "C", "022");
    let other = Machine::new("Asia/Tokyo", "de_DE.UTF-8", "077");
    for machine in [&one, &other] {
        machine.done(&["evidence", "export", "--site", "HRB01", "--out", "again"]);
        machine.done(&["evidence", "bundle", "--site", "HRB01", "--wave", "pilot", "--out", "b.tar.gz"]);
    }
    let again = |machine: &Machine| bundle_dir::read(&machine.path("again")).expect("a bundle");
    let files = again(&one);
    assert!(files == again(&other), "two machines made two bundles");
    assert!(files == world().bundle("second"), "and it is the one that was pulled before");
    let archive = |machine: &Machine| fs::read(machine.path("b.tar.gz")).expect("an archive");
    assert!(archive(&one) == archive(&other), "two machines made two archives");
    assert!(bundle_archive::read(&one.path("b.tar.gz")).expect("a bundle") == files);
    println!("{} files and one archive of {} bytes, equal on two machines", files.len(), archive(&one).len());
    pulled(&one, &Digest::of(&files[layout::SUMS]));
    checked(&one, &files[layout::LOG_KEY]);
}

/// Each pull is an entry of the org log: which site, which bundle, by whom and when.
fn pulled(machine: &Machine, sums: &Digest) {
    let org = machine.org();
    let exported: Vec<&Value> = org.iter().filter(|entry| entry["kind"] == "bundle.exported").collect();
    assert_eq!(exported.len(), 4, "two before the copy, two after it: {org:#?}");
    for entry in &exported[1..] {
        assert_eq!(entry["body"]["site"], "HRB01");
        assert_eq!(entry["body"]["sums"], sums.to_string());
        assert!(entry["actor"]["type"] == "person" && entry["at"].is_string(), "{entry}");
    }
    // Nothing had grown, so the heads that were sealed for the pull before were good enough.
    let heads: Vec<u64> =
        org.iter().filter(|one| one["kind"] == "heads").filter_map(|one| one["seq"].as_u64()).collect();
    assert!(heads.iter().max() < exported[1]["seq"].as_u64().as_ref(), "{heads:?}");
}

/// An archive is verified as it is, anywhere; stock tools unpack it; one bit off, it is refused.
fn checked(machine: &Machine, key: &[u8]) {
    let key = String::from_utf8_lossy(key).trim_end().to_owned();
    let empty = tempfile::tempdir().expect("a folder");
    let archive = empty.path().join("b.tar.gz");
    fs::copy(machine.path("b.tar.gz"), &archive).expect("copied");
    let verify = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .current_dir(empty.path())
            .args(["evidence", "verify", "--key", &key])
            .arg(path)
            .output()
            .expect("it runs")
    };
    let good = verify(&archive);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    let unpacked =
        Command::new("tar").current_dir(empty.path()).args(["xzf", "b.tar.gz"]).status().expect("tar runs");
    assert!(unpacked.success() && verify(&empty.path().join("bundle")).status.success());
    let mut bytes = fs::read(&archive).expect("an archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, bytes).expect("written");
    assert_eq!(verify(&archive).status.code(), Some(7));
}

#[test]
fn bundles_of_all_sites_are_made_at_once_and_what_there_is_not_is_told() {
    let machine = Machine::new("UTC", "C", "022");
    let output = machine.run(&["evidence", "export", "--all", "--archive", "--out", "all"]);
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(
        said.trim_end().ends_with("HRB01.tar.gz") && told.contains("Nothing was ever done at "),
        "{said}{told}"
    );
    assert!(told.contains("1 bundles in all"), "{told}");
    let files = bundle_archive::read(&machine.path("all/HRB01.tar.gz")).expect("a bundle");
    assert!(files == world().bundle("second"), "one of many is the same as one alone");
    let twice = machine.run(&["evidence", "export", "--all", "--archive", "--out", "all"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("a bundle is never overwritten"));
    let shown = machine.done(&["evidence", "show", "site/HRB01#0"]);
    assert!(shown.contains("kind: run.started") && shown.contains("decision: none"), "{shown}");
    let bundled = machine.done(&["evidence", "show", "site/HRB01#0", "--bundle", "all/HRB01.tar.gz"]);
    assert_eq!(shown, bundled, "the same from a bundle alone");
    for (unknown, code) in [("site/HRB01#99999", 64), ("HRB01", 64)] {
        assert_eq!(machine.run(&["evidence", "show", unknown]).status.code(), Some(code), "{unknown}");
    }
}
