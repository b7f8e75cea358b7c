//! Every entry of a real bundle tampered with in every way that needs no key: the program and the script that the
//! bundle carries must both refuse each of them, for the log's own sake.

use std::collections::BTreeMap;
use std::process::Command;

use landfall::evidence::bundle::{Files, layout};
use landfall::evidence::verify::{Completeness, Integrity, Pins, verify};

use super::rehearsal::{bundle, wave2};

/// The site whose log is tampered with: the smallest of the wave.
const SITE: &str = "RVB07";
/// The site whose entries are put into it.
const OTHER: &str = "STN06";
/// What is done at each entry; `evidence/tamper.py` does the same.
const WAYS: [&str; 6] = ["flip", "delete", "duplicate", "swap", "cut", "foreign"];

fn lines(files: &Files) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> =
        files[layout::LOG].split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    assert_eq!(lines.pop(), Some(Vec::new()));
    lines
}

/// The log after one way of tampering at one entry; nothing where that way does nothing.
fn tampered(way: &str, at: usize, lines: &[Vec<u8>], others: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let mut lines = lines.to_vec();
    match way {
        "flip" => {
            let byte = at * 31 % lines[at].len();
            lines[at][byte] ^= 1;
        }
        "delete" => drop(lines.remove(at)),
        "duplicate" => lines.insert(at, lines[at].clone()),
        "swap" if at + 1 < lines.len() => lines.swap(at, at + 1),
        "swap" => return None,
        "cut" => lines.truncate(at),
        "foreign" => lines[at] = others.get(at)?.clone(),
        other => panic!("no way is called {other}"),
    }
    Some(lines)
}

fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect()
}

/// The place that a verdict names first.
fn named(words: &str) -> Option<usize> {
    let digits = words.split("entr").nth(1)?.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn every_entry_tampered_with_in_every_way_is_refused_by_program_and_script() {
    let whole = bundle(SITE);
    assert!(verify(&whole, &Pins::default()).holds());
    let (own, others) = (lines(&whole), lines(&bundle(OTHER)));
    // The log is judged before the files around it, so those are left out to save time.
    let mut files = whole;
    files.retain(|path, _| !path.starts_with(layout::EVIDENCE) && !path.starts_with(layout::RENDERED));
    let script = script_verdicts();
    let mut counts: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    for way in WAYS {
        for at in 0..own.len() {
            let Some(lines) = tampered(way, at, &own, &others) else { continue };
            files.insert(layout::LOG.into(), joined(&lines));
            let verdict = verify(&files, &Pins::default());
            let log = verdict.checks.iter().find(|check| check.name == "log entries").expect("the check");
            assert!(!log.ok && verdict.integrity != Integrity::Ok, "{way} at {at} was accepted");
            if lines.len() < own.len() {
                let what = format!("{} of {} entries", lines.len(), own.len());
                assert_eq!(verdict.completeness, Completeness::Incomplete { what }, "{way} at {at}");
            }
            let count = counts.entry(way).or_default();
            count.0 += 1;
            count.1 += usize::from(named(&log.detail) == Some(at) || way == "cut");
            if let Some(script) = &script {
                assert_eq!(
                    script.get(&(way.to_owned(), at)).map(String::as_str),
                    Some("refused"),
                    "{way} at {at}"
                );
                count.2 += 1;
            }
        }
    }
    println!("{SITE}: {} entries", own.len());
    for (way, (refused, named, script)) in &counts {
        println!(
            "{way:<10} {refused} refused, {named} with the very entry named, {script} refused by the script too"
        );
        assert!(*refused + 1 >= own.len().min(others.len()), "{way}");
    }
    // A copy stands behind its twin, so the entry after it is the first that is not in its place.
    let exact = counts.iter().filter(|(way, _)| !["duplicate"].contains(*way));
    for (way, (refused, named, _)) in exact {
        assert!(named * 100 >= refused * 95, "{way}: only {named} of {refused} are named");
    }
}

/// What the bundle's own script says of the same logs; nothing without Python and OpenSSL.
fn script_verdicts() -> Option<BTreeMap<(String, usize), String>> {
    let found = |program: &str, version| Command::new(program).arg(version).output().is_ok();
    if !found("python3", "--version") || !found("openssl", "version") {
        eprintln!("skipped: python3 or openssl is not on the PATH");
        return None;
    }
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/evidence/tamper.py");
    let output = Command::new("python3")
        .args(["-B", driver])
        .args([wave2().join(SITE), wave2().join(OTHER)])
        .args(WAYS)
        .output()
        .expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let line = |line: &str| {
        let mut words = line.split(' ');
        let (way, at, said) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        Some(((way.to_owned(), at), said.to_owned()))
    };
    let verdicts: BTreeMap<_, _> = text.lines().filter_map(line).collect();
    assert_eq!(verdicts.get(&("whole".to_owned(), 0)).map(String::as_str), Some("accepted"));
    Some(verdicts)
}
