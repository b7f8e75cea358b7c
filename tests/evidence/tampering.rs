//! Every entry of a real bundle tampered with in every way that needs no key: the program and both scripts that the
//! bundle carries must refuse each of them, for the log's own sake, and name the entry.

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
    let judged_with = |path: &str| path.starts_with("journal/") || path.starts_with("keys/");
    files.retain(|path, _| judged_with(path) || path == layout::MANIFEST);
    let script = script_verdicts();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
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
            count.refused += 1;
            count.named += usize::from(named(&log.detail) == Some(at) || way == "cut");
            if let Some(script) = &script {
                let (by_log, by_bundle, place) = &script[&(way.to_owned(), at)];
                assert_eq!((by_log.as_str(), by_bundle.as_str()), ("refused", "refused"), "{way} at {at}");
                count.scripts += 1;
                count.scripts_named += usize::from(*place == Some(at));
            }
        }
    }
    println!("{SITE}: {} entries", own.len());
    for (way, Count { refused, named, scripts, scripts_named }) in &counts {
        println!(
            "{way:<10} {refused} refused, {named} with the very entry named; {scripts} refused by both scripts too, {scripts_named} named"
        );
        assert!(*refused + 1 >= own.len().min(others.len()), "{way}");
    }
    let all: usize = counts.values().map(|count| count.refused).sum();
    println!("{all} cases in all, none accepted");
    // A copy stands behind its twin, so the entry after it is the first that is not in its place.
    let exact = counts.iter().filter(|(way, _)| !["duplicate"].contains(*way));
    for (way, count) in exact {
        assert!(
            count.named * 100 >= count.refused * 95,
            "{way}: only {} of {} are named",
            count.named,
            count.refused
        );
        assert!(
            count.scripts_named * 100 >= count.scripts * 95,
            "{way}: the script names only {}",
            count.scripts_named
        );
    }
}

/// Cases of one way of tampering, by what became of them.
#[derive(Default)]
struct Count {
    refused: usize,
    /// Those in which the program named the very entry.
    named: usize,
    /// Those that both scripts refused.
    scripts: usize,
    scripts_named: usize,
}

/// What the scripts say of one case: `verify_log.py`, `verify_bundle.py`, and the entry that the latter names.
type Said = (String, String, Option<usize>);

/// What the bundle's own scripts say of the same logs; nothing without Python and OpenSSL.
fn script_verdicts() -> Option<BTreeMap<(String, usize), Said>> {
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
        let (way, at) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let (by_log, by_bundle) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some(((way, at), (by_log, by_bundle, words.next()?.parse().ok())))
    };
    let verdicts: BTreeMap<_, _> = text.lines().filter_map(line).collect();
    assert_eq!(verdicts[&("whole".to_owned(), 0)], ("accepted".to_owned(), "accepted".to_owned(), None));
    Some(verdicts)
}
