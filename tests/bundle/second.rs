//! The second verifier, in another language, against the first: the same verdicts, check by check, on good bundles and on
//! every sort of bad one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use landfall::base::digest::Digest;
use landfall::base::id::LogId;
use landfall::evidence::bundle::{Files, layout};
use landfall::evidence::heads::{HeadsRoll, PseudonymKey};
use landfall::evidence::tlog_proof::TlogProof;
use landfall::evidence::verify::{Completeness, Integrity, Pins, Verdict, verify};
use landfall::journal::bundle_dir;
use landfall::merkle;
use landfall::model::entry::Entry;
use landfall::model::plan::LogHead;
use serde_json::{Value, json};

use super::fixture::{Ending, build, checkpoint, key, keys, parts, sealed};
use super::script::available;
use super::tampering::{lines, listed, resealed, sealed_with, with_lines};
use super::{populated, rotated};

/// Bundles that are judged in all details by both; of the others only whether they are accepted must be the same.
struct Cases {
    whole: Files,
    strict: Vec<(String, Files, Pins)>,
    loose: Vec<(String, Files)>,
}

impl Cases {
    fn add(&mut self, name: impl Into<String>, files: Files) {
        self.strict.push((name.into(), files, Pins::default()));
    }
}

fn cases() -> Cases {
    let whole = build(Ending::Well).files;
    let mut cases = Cases { whole: whole.clone(), strict: Vec::new(), loose: Vec::new() };
    for (name, ending) in [
        ("well", Ending::Well),
        ("badly", Ending::Badly),
        ("not yet", Ending::NotYet),
        ("miscounted", Ending::Miscounted),
        ("pruned", Ending::Pruned),
        ("pruned too early", Ending::PrunedEarly),
    ] {
        cases.add(name, build(ending).files);
    }
    cases.add("three hundred logs", many_logs(true));
    cases.add("three hundred logs without proofs", many_logs(false));
    logs(&mut cases, &whole);
    operators(&mut cases, &whole);
    singles(&mut cases, &whole);
    for (name, files, pins, _) in rotated::cases() {
        cases.strict.push((name, files, pins));
    }
    for (name, files) in populated::cases() {
        cases.add(name, files);
    }
    cases
}

/// A bundle of an organisation with more logs than a heads entry lists.
fn many_logs(proofs: bool) -> Files {
    let mut parts = parts(Ending::Well);
    let (pseudonyms, site) = (PseudonymKey::new([5; 32]), "site/HRB01".parse().expect("a log"));
    let leaves: Vec<Digest> = parts.site_log.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
    let own = LogHead { size: leaves.len() as u64, root: merkle::root(&leaves) };
    let mut heads: BTreeMap<LogId, LogHead> = parts.shared.clone();
    heads.insert(site, own);
    heads.extend((0..300u64).map(|n| {
        let log = format!("region/us-east-{n}").parse().expect("a log");
        (log, LogHead { size: n, root: Digest::of(&n.to_be_bytes()) })
    }));
    let roll = HeadsRoll::new(&pseudonyms, &heads);
    let mut entry: Entry = serde_json::from_str(&parts.heads_line).expect("the heads");
    entry.body = roll.body().with_bundle_key(&parts.bundle_key).to_value();
    entry.seq = 0;
    let line = [serde_json::to_string(&entry).expect("JSON")];
    parts.heads_proof = TlogProof::of_last(&line, checkpoint("org", &line)).expect("a proof");
    parts.heads_line = line[0].clone();
    if proofs {
        let concern = ["site/HRB01", "account"].map(|log| log.parse().expect("a log"));
        parts.heads_members = concern.iter().filter_map(|log| roll.member(&pseudonyms, log)).collect();
        assert_eq!(parts.heads_members.len(), 2);
    }
    sealed(&parts)
}

/// The log cut, thinned, swapped, edited and put in, by somebody without and with the bundle key.
fn logs(cases: &mut Cases, whole: &Files) {
    let own = lines(whole);
    let mut with = |name: String, log: &[String]| {
        cases.add(format!("{name}, listed"), listed(with_lines(whole.clone(), log)));
        cases.add(format!("{name}, resealed"), resealed(with_lines(whole.clone(), log)));
    };
    for place in 0..own.len() {
        with(format!("cut at {place}"), &own[..place]);
        let mut log = own.clone();
        log[place] = log[place].replacen("\"v\":1", "\"v\": 1", 1);
        with(format!("edited at {place}"), &log);
        log = own.clone();
        log.insert(place, own[place].clone());
        with(format!("doubled at {place}"), &log);
        if place + 1 < own.len() {
            log = own.clone();
            log.remove(place);
            with(format!("removed at {place}"), &log);
            log = own.clone();
            log.swap(place, place + 1);
            with(format!("swapped at {place}"), &log);
        }
    }
    let mut unended = whole.clone();
    unended.get_mut(layout::LOG).expect("the log").pop();
    cases.add("unended", listed(unended));
    let mut half = with_lines(whole.clone(), &own[..7]);
    half.get_mut(layout::LOG).expect("the log").extend(&own[7].as_bytes()[..20]);
    cases.add("half a line", listed(half));
}

/// What only the holder of a key can do.
fn operators(cases: &mut Cases, whole: &Files) {
    let mut cut = parts(Ending::Well);
    cut.site_log.truncate(9);
    cut.checkpoint = checkpoint("site/HRB01", &cut.site_log);
    cases.add("cut with the true key", sealed(&cut));
    let mut files = whole.clone();
    files.remove("evidence/0006-schema.raw.json").expect("the file");
    cases.add("evidence dropped and resealed", resealed(files));
    let replaced = |path: &str, from: &str, to: &str| {
        let text = String::from_utf8(whole[path].clone()).expect("text");
        assert!(text.contains(from), "{path} has no {from}");
        let mut files = whole.clone();
        files.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
        resealed(files)
    };
    cases.add("another plan", replaced(layout::PLAN, "prod_clinical", "test_clinical"));
    cases
        .add("passed off as real", replaced(layout::MANIFEST, "\"rehearsal\": true", "\"rehearsal\": false"));
    cases.add("a newer format", replaced(layout::MANIFEST, "\"v\": 2", "\"v\": 3"));
    cases.add("other counts", replaced(layout::MANIFEST, "\"succeeded\": 3", "\"succeeded\": 2"));
    cases.add("another shared head", replaced(layout::MANIFEST, "\"size\": 1,", "\"size\": 7,"));
    let mut files = whole.clone();
    files.insert(layout::CHECKPOINT.into(), files[layout::ORG_CHECKPOINT].clone());
    cases.add("a checkpoint of another log", resealed(files));
    let own = key(keys().1.public.name(), 66);
    let mut files = whole.clone();
    files.insert(layout::BUNDLE_KEY.into(), format!("{}\n", own.public).into_bytes());
    cases.add("a bundle key of the attacker's own", sealed_with(files, &own));
    let stranger = Pins { log: Some(key(keys().0.public.name(), 9).public), ..Pins::default() };
    cases.strict.push(("another key was given".into(), whole.clone(), stranger));
    let trusted = Pins { log: Some(keys().0.public), ..Pins::default() };
    cases.strict.push(("the right key was given".into(), whole.clone(), trusted));
    let witness = "compliance.example/witness-1".to_owned();
    let witness = landfall::evidence::cosignature::WitnessKey::new(
        &witness,
        keys().0.public.public().try_into().expect("32 bytes"),
    )
    .expect("a key");
    let unseen = Pins { witness: Some(witness), ..Pins::default() };
    cases.strict.push(("no witness has cosigned it".into(), whole.clone(), unseen));
    let log = lines(whole);
    let kept =
        |upto: usize| Pins { previous: Some(checkpoint("site/HRB01", &log[..upto])), ..Pins::default() };
    cases.strict.push(("an earlier checkpoint was kept".into(), whole.clone(), kept(4)));
    let mut other = log.clone();
    other[0] = other[0].replacen("\"v\":1", "\"v\": 1", 1);
    let rewritten = Pins { previous: Some(checkpoint("site/HRB01", &other[..4])), ..Pins::default() };
    cases.strict.push(("history was rewritten".into(), whole.clone(), rewritten));
    other.push(log[0].clone());
    let longer = Pins { previous: Some(checkpoint("site/HRB01", &other)), ..Pins::default() };
    cases.strict.push(("a longer log was kept".into(), whole.clone(), longer));
}

/// Each file dropped, emptied, and with bits flipped; one more file.
fn singles(cases: &mut Cases, whole: &Files) {
    for path in whole.keys() {
        let mut files = whole.clone();
        files.remove(path);
        cases.add(format!("{path} dropped"), files.clone());
        cases.loose.push((format!("{path} dropped, listed"), listed(files)));
        let mut files = whole.clone();
        files.insert(path.clone(), Vec::new());
        cases.loose.push((format!("{path} emptied"), files));
        for (number, at) in [0, 1, 2].map(|part| part * whole[path].len() / 3).into_iter().enumerate() {
            let mut files = whole.clone();
            files.get_mut(path).expect("the file")[at] ^= 1 << (2 * number);
            cases.loose.push((format!("{path} flipped at {at}"), files.clone()));
            if path != layout::SUMS {
                cases.loose.push((format!("{path} flipped at {at}, listed"), listed(files)));
            }
        }
    }
    let mut more = whole.clone();
    more.insert("evidence/9999-extra.json".into(), b"{}".to_vec());
    cases.add("a file more", more.clone());
    cases.add("a file more, resealed", resealed(more));
    let mut more = whole.clone();
    more.insert("attestations/more.dsse.json".into(), whole[layout::ATTESTED_SCAN].clone());
    cases.add("an attestation more, resealed", resealed(more));
}

/// A case as `tests/evidence/verdicts.py` reads it.
fn told(whole: &Files, name: &str, files: &Files, pins: &Pins) -> Value {
    let set: BTreeMap<&String, String> = files
        .iter()
        .filter(|(path, bytes)| whole.get(*path) != Some(*bytes))
        .map(|(path, bytes)| (path, BASE64.encode(bytes)))
        .collect();
    let remove: Vec<&String> = whole.keys().filter(|path| !files.contains_key(*path)).collect();
    json!({
        "name": name, "set": set, "remove": remove, "key": pins.log.as_ref().map(ToString::to_string),
        "bundle_key": pins.bundle.as_ref().map(ToString::to_string),
        "witness": pins.witness.as_ref().map(ToString::to_string), "previous": pins.previous.as_ref().map(|kept| BASE64.encode(kept)),
    })
}

fn second(whole: &Files, asked: &[Value]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let (bundle, cases) = (folder.path().join("bundle"), folder.path().join("cases"));
    bundle_dir::write(&bundle, whole).expect("written");
    let text = asked.iter().fold(String::new(), |mut text, case| {
        writeln!(text, "{case}").expect("in memory");
        text
    });
    fs::write(&cases, text).expect("written");
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/evidence/verdicts.py");
    let output =
        Command::new("python3").args(["-B", driver]).args([&bundle, &cases]).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn same_in_detail(name: &str, first: &Verdict, second: &Value) {
    let checks: BTreeMap<&str, bool> =
        first.checks.iter().map(|check| (check.name.as_str(), check.ok)).collect();
    let told = second["checks"].as_object().expect("checks");
    let names: BTreeSet<&str> = told.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = checks.keys().copied().collect();
    assert_eq!(names, known, "{name}: both know the same checks");
    for (check, ok) in checks {
        assert_eq!(told[check]["ok"], ok, "{name}: {check}: {first:#?}\n{second:#}");
    }
    assert_eq!(
        first.integrity == Integrity::Ok,
        second["broken"].is_null(),
        "{name}: {first:#?}\n{second:#}"
    );
    let complete = first.completeness == Completeness::Complete;
    assert_eq!(complete, second["missing"].is_null(), "{name}: {first:#?}\n{second:#}");
}

/// The entry that words name first.
fn named(words: &str) -> Option<u64> {
    let digits = words.split("entr").nth(1)?.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn both_verifiers_agree_on_every_good_and_bad_bundle() {
    if !available(&["python3", "openssl"]) {
        return;
    }
    let cases = cases();
    let asked: Vec<Value> = cases
        .strict
        .iter()
        .map(|(name, files, pins)| told(&cases.whole, name, files, pins))
        .chain(cases.loose.iter().map(|(name, files)| told(&cases.whole, name, files, &Pins::default())))
        .collect();
    let answers = second(&cases.whole, &asked);
    assert_eq!(answers.len(), asked.len());
    let (mut good, mut refused, mut places) = (0, 0, 0);
    for ((name, files, pins), answer) in cases.strict.iter().zip(&answers) {
        let verdict = verify(files, pins);
        same_in_detail(name, &verdict, answer);
        if verdict.holds() {
            good += 1
        } else {
            refused += 1
        }
        let log = verdict.checks.iter().find(|check| check.name == "log entries").expect("the check");
        let theirs = answer["checks"]["log entries"]["detail"].as_str().expect("words");
        if let (false, Some(place)) = (log.ok, named(&log.detail).filter(|_| named(theirs).is_some())) {
            assert_eq!(Some(place), named(theirs), "{name}: {} / {theirs}", log.detail);
            places += 1;
        }
    }
    for ((name, files), answer) in cases.loose.iter().zip(&answers[cases.strict.len()..]) {
        let holds = verify(files, &Pins::default()).holds();
        let theirs = answer["broken"].is_null() && answer["missing"].is_null();
        assert_eq!(holds, theirs, "{name}: {answer:#}");
        if holds { good += 1 } else { refused += 1 }
    }
    for (name, files, pins, good) in rotated::cases() {
        assert_eq!(verify(&files, &pins).holds(), good, "{name}: {:#?}", verify(&files, &pins));
    }
    println!(
        "{} bundles, {good} accepted and {refused} refused by both, {places} with the same entry named",
        asked.len()
    );
    assert!(good >= 4 && refused > 300);
}
