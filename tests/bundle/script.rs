//! The independent checker that a bundle carries, and the tools that its README names, on good and on bad logs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use landfall::evidence::bundle::layout;
use landfall::journal::bundle_dir;
use landfall::signer::Signer as _;
use landfall::signer::file_key::FileKey;

use super::fixture::{Ending, build, key};

/// Whether these programs can be run; says so if not.
pub fn available(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let version = if *program == "openssl" { "version" } else { "--version" };
        let found = Command::new(program).arg(version).output().is_ok_and(|output| output.status.success());
        if !found {
            eprintln!("skipped: {program} is not on the PATH");
        }
        found
    })
}

fn script(folder: &Path, leaves: bool) -> Output {
    let mut command = Command::new("python3");
    command.current_dir(folder).args([
        "-B",
        layout::SCRIPT,
        layout::LOG,
        layout::CHECKPOINT,
        layout::LOG_KEY,
    ]);
    if leaves {
        command.arg(layout::LEAVES);
    }
    command.output().expect("python3 runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn the_script_finds_what_the_program_finds() {
    if !available(&["python3", "openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("HRB01");
    bundle_dir::write(&path, &build(Ending::Well).files).expect("written");
    let good = script(&path, true);
    assert!(
        said(&good).starts_with("ok: rehearsal.example-health/site/HRB01: 10 entries, root "),
        "{good:?}"
    );
    assert!(script(&path, false).status.success());

    let text = fs::read_to_string(path.join(layout::LOG)).expect("the log");
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let mut swapped = lines.clone();
    swapped.swap(2, 5);
    let mut removed = lines.clone();
    removed.remove(4);
    let cases = [
        (joined(&lines[..6]), "incomplete: 6 of 10 entries; the tail is cut off"),
        (joined(&swapped), "entries 2 and 5 are swapped"),
        (joined(&removed), "entry 4 is missing; entry 5 stands in its place"),
        (text.replacen("created", "updated", 1), "entry 3 was changed"),
        (joined(&[&lines[..], &lines[..1]].concat()), "1 lines after the last sealed entry"),
    ];
    for (log, words) in cases {
        fs::write(path.join(layout::LOG), log).expect("written");
        let output = script(&path, true);
        assert_eq!(said(&output), format!("does not hold: {words}"));
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(script(&path, false).status.code(), Some(1), "without the leaf hashes: {words}");
    }
}

#[test]
fn the_script_refuses_another_key_and_another_checkpoint() {
    if !available(&["python3", "openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("HRB01");
    let built = build(Ending::Well);
    bundle_dir::write(&path, &built.files).expect("written");
    let checkpoint = fs::read_to_string(path.join(layout::CHECKPOINT)).expect("the checkpoint");
    fs::write(path.join(layout::CHECKPOINT), checkpoint.replace("\n10\n", "\n11\n")).expect("written");
    assert!(said(&script(&path, true)).contains("is not signed by"));
    fs::write(path.join(layout::CHECKPOINT), checkpoint).expect("written");
    let other = key(built.log_key.public.name(), 9).public;
    fs::write(path.join(layout::LOG_KEY), format!("{other}\n")).expect("written");
    assert!(said(&script(&path, true)).contains("is not signed by"));
    fs::remove_file(path.join(layout::LOG_KEY)).expect("removed");
    assert_eq!(script(&path, true).status.code(), Some(2));
}

#[test]
fn openssl_reads_the_key_file() {
    if !available(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.pem");
    let key = FileKey::open(&path, "evidence.example").expect("a key");
    let mut command = Command::new("openssl");
    let output =
        command.args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&path).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.ends_with(key.vkey().public()));
}

#[test]
fn stock_tools_read_the_list_of_files() {
    if !available(&["sha256sum"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("HRB01");
    bundle_dir::write(&path, &build(Ending::Well).files).expect("written");
    let sums = || {
        let mut command = Command::new("sha256sum");
        command
            .current_dir(&path)
            .args(["--strict", "--quiet", "-c", layout::SUMS])
            .output()
            .expect("it runs")
    };
    assert!(sums().status.success(), "{:?}", sums());
    fs::write(path.join(layout::INDEX), "x").expect("written");
    assert!(!sums().status.success());
}
