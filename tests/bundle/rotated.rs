//! Bundles after keys took over from each other, good ones and bad ones, for both verifiers.

use std::collections::BTreeMap;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use landfall::base::digest::Digest;
use landfall::base::id::LogId;
use landfall::evidence::bundle::{Files, Parts, Previous, layout};
use landfall::evidence::checkpoint::Checkpoint;
use landfall::evidence::growth::Growth;
use landfall::evidence::handover::{Handover, KeyUse, ROTATED_KIND, Rotation};
use landfall::evidence::heads::{HeadsBody, PseudonymKey};
use landfall::evidence::origin;
use landfall::evidence::tlog_proof::TlogProof;
use landfall::evidence::verify::Pins;
use landfall::merkle;
use landfall::model::plan::LogHead;
use landfall::signer::file_key::FileKey;
use landfall::signer::{Signer, sign_checkpoint};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::fixture::{Ending, TestKey, assembled, key, keys, parts};
use super::tampering::sealed_with;

/// The keys of checkpoints, in the order in which they took over.
fn log_keys() -> [TestKey; 3] {
    [1, 21, 22].map(|byte| key(keys().0.public.name(), byte))
}

/// A key of the seal on P-256, as OpenSSL makes it.
fn p256() -> FileKey {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bundle.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&path)
        .status();
    assert!(made.expect("openssl runs").success());
    FileKey::open(&path, keys().1.public.name()).expect("a key")
}

fn signed(log_name: &str, lines: &[String], by: &TestKey) -> String {
    let log: LogId = log_name.parse().expect("a log");
    sign_checkpoint(by, &Checkpoint::over(origin::of_log(by.public.name(), &log), lines)).expect("signed")
}

fn line(seq: usize, kind: &str, body: serde_json::Value) -> String {
    json!({
        "v": 1, "log": "org", "seq": seq, "at": "2027-01-11T09:00:00.000Z", "kind": kind,
        "actor": {"type": "person", "id": "ann"}, "body": body, "salt": "0".repeat(32),
    })
    .to_string()
}

/// The org log up to its heads, the handovers in it, and the parts of a bundle that rests on both.
fn rotated_parts(seal: &dyn Signer) -> Parts {
    let (log, first) = (log_keys(), keys().1);
    let mut parts = parts(Ending::Well);
    let mut org = vec![line(0, "site.ended", json!({}))];
    let mut handovers = Vec::new();
    let turns = [
        (KeyUse::Log, &log[0].public, &log[1].public, &log[0]),
        (KeyUse::Bundle, &first.public, seal.vkey(), &log[1]),
        (KeyUse::Log, &log[1].public, &log[2].public, &log[1]),
    ];
    for (use_of, old, new, by) in turns {
        let rotation = Rotation { key: use_of, old: old.to_string(), new: new.to_string() };
        org.push(line(org.len(), ROTATED_KIND, serde_json::to_value(&rotation).expect("JSON")));
        let proof = TlogProof::of_last(&org, signed("org", &org, by)).expect("a proof");
        let line = org.last().expect("a line").clone();
        handovers.push(Handover { line, proof: proof.text(), growth: None });
    }
    let leaves: Vec<Digest> = parts.site_log.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
    let own = LogHead { size: leaves.len() as u64, root: merkle::root(&leaves) };
    let mut heads: BTreeMap<LogId, LogHead> = parts.shared.clone();
    heads.insert("site/HRB01".parse().expect("a log"), own);
    let body = HeadsBody::new(&PseudonymKey::new([5; 32]), &heads).with_bundle_key(seal.vkey());
    org.push(line(org.len(), "heads", body.to_value()));
    let org_leaves: Vec<Digest> = org.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
    for (place, one) in handovers.iter_mut().enumerate() {
        one.growth = Growth::new(&org_leaves, place as u64 + 2).map(|growth| growth.text());
    }
    parts.heads_line = org.last().expect("a line").clone();
    parts.heads_proof = TlogProof::of_last(&org, signed("org", &org, &log[2])).expect("a proof");
    parts.checkpoint = signed("site/HRB01", &parts.site_log, &log[2]);
    parts.previous =
        Some(Previous { checkpoint: signed("site/HRB01", &parts.site_log[..5], &log[0]), sums: None });
    parts.witnessed = Some(signed("site/HRB01", &parts.site_log[..7], &log[1]));
    parts.handovers = handovers;
    parts.log_key = log[2].public.clone();
    parts.bundle_key = seal.vkey().clone();
    parts
}

fn sealed(parts: &Parts, by: &dyn Signer) -> Files {
    let unsealed = assembled(parts).expect("a bundle");
    unsealed.seal(&|bytes| by.sign(bytes).map_err(|error| error.to_string())).expect("sealed")
}

/// Every case by name, with what the reader brings along and whether it is a good one.
pub fn cases() -> Vec<(String, Files, Pins, bool)> {
    let ed25519 = key(keys().1.public.name(), 23);
    let mut cases = cases_of("rotated", &ed25519);
    cases.extend(cases_of("rotated to P-256", &p256()));
    cases
}

fn cases_of(what: &str, seal: &dyn Signer) -> Vec<(String, Files, Pins, bool)> {
    let (log, first) = (log_keys(), keys().1);
    let parts = rotated_parts(seal);
    let whole = sealed(&parts, seal);
    let mut cases = Vec::new();
    let mut add = |name: &str, files: Files, pins: Pins, good: bool| {
        cases.push((format!("{what}: {name}"), files, pins, good));
    };
    add("whole", whole.clone(), Pins::default(), true);
    for (place, key) in log.iter().enumerate() {
        let kept = signed("site/HRB01", &parts.site_log[..4], key);
        let pins = Pins { log: Some(key.public.clone()), previous: Some(kept), ..Pins::default() };
        add(&format!("log key {place} is trusted"), whole.clone(), pins, true);
    }
    for (place, key) in [&first.public, seal.vkey()].into_iter().enumerate() {
        let pins = Pins { bundle: Some(key.clone()), ..Pins::default() };
        add(&format!("bundle key {place} is trusted"), whole.clone(), pins, true);
    }
    let (log_name, bundle_name) = (log[0].public.name(), first.public.name());
    let strange = |name: &str| Some(key(name, 99).public);
    let kept = signed("site/HRB01", &parts.site_log[..4], &key(log_name, 99));
    for (name, pins) in [
        ("a strange log key", Pins { log: strange(log_name), ..Pins::default() }),
        ("a strange bundle key", Pins { bundle: strange(bundle_name), ..Pins::default() }),
        ("a stranger's checkpoint was kept", Pins { previous: Some(kept), ..Pins::default() }),
    ] {
        add(name, whole.clone(), pins, false);
    }
    for (name, files) in spoiled(&whole, &parts.handovers, seal) {
        // The org log's heads vouch for the bundle key by themselves: what is lost is only which ones came before.
        let good = name == "the one of the seal left out";
        add(&name, files, Pins::default(), good);
    }
    for (name, files) in keys_spoiled(&whole, seal) {
        add(&name, files, Pins::default(), false);
    }
    cases
}

/// Keys that are none, or not for that.
fn keys_spoiled(whole: &Files, seal: &dyn Signer) -> Vec<(String, Files)> {
    let with = |path: &str, key: &str| {
        let mut files = whole.clone();
        files.insert(path.into(), format!("{key}\n").into_bytes());
        (format!("{path} is {key}"), sealed_with(files, seal))
    };
    let point =
        BASE64.decode(seal.vkey().to_string().splitn(3, '+').last().unwrap_or_default()).expect("base64");
    let spelled = |name: &str, bytes: &[u8]| {
        let id: String = Sha256::digest(&bytes[1..])[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name}+{id}+{}", BASE64.encode(bytes))
    };
    let (log_name, bundle_name) = (keys().0.public.name().to_owned(), seal.vkey().name());
    let mut off = point.clone();
    *off.last_mut().expect("a key") ^= 1;
    let short = &point[..point.len() - 1];
    let mut flipped = whole.clone();
    let note = flipped.get_mut(layout::SEAL).expect("the seal");
    let place = note.len() - 20;
    note[place] = if note[place] == b'A' { b'B' } else { b'A' };
    vec![
        with(layout::LOG_KEY, &spelled(&log_name, &point)),
        with(layout::BUNDLE_KEY, &spelled(bundle_name, &off)),
        with(layout::BUNDLE_KEY, &spelled(bundle_name, short)),
        with(layout::BUNDLE_KEY, &spelled(bundle_name, &[2])),
        with(layout::BUNDLE_KEY, ""),
        ("the seal's signature flipped".to_owned(), flipped),
    ]
}

/// Handovers that do not hold, under a true seal.
fn spoiled(whole: &Files, good: &[Handover], seal: &dyn Signer) -> Vec<(String, Files)> {
    let (log, first) = (log_keys(), keys().1);
    let written = |value: serde_json::Value| {
        let mut files = whole.clone();
        files.insert(layout::HANDOVERS.into(), value.to_string().into_bytes());
        sealed_with(files, seal)
    };
    let with = |change: &dyn Fn(&mut Vec<Handover>)| {
        let mut handovers = good.to_vec();
        change(&mut handovers);
        written(serde_json::to_value(&handovers).expect("JSON"))
    };
    let mut cases = vec![
        ("none of them".to_owned(), with(&|all| all.clear())),
        ("the first left out".to_owned(), with(&|all| drop(all.remove(0)))),
        ("the one of the seal left out".to_owned(), with(&|all| drop(all.remove(1)))),
        ("the last left out".to_owned(), with(&|all| drop(all.pop()))),
        ("in another order".to_owned(), with(&|all| all.swap(0, 2))),
        ("the first twice".to_owned(), with(&|all| all.insert(0, all[0].clone()))),
        ("the one of the seal twice".to_owned(), with(&|all| all.insert(1, all[1].clone()))),
        ("without its growth".to_owned(), with(&|all| all[0].growth = None)),
        ("with another's growth".to_owned(), with(&|all| all[0].growth = all[1].growth.clone())),
        ("with another's proof".to_owned(), with(&|all| all[0].proof = all[1].proof.clone())),
        ("by somebody else".to_owned(), with(&|all| all[0].line = all[0].line.replace("ann", "bob"))),
        (
            "of another kind".to_owned(),
            with(&|all| all[0].line = all[0].line.replace(ROTATED_KIND, "key.lost")),
        ),
        ("too many".to_owned(), with(&|all| *all = vec![all[0].clone(); 101])),
        ("no list".to_owned(), written(json!({ "handovers": [] }))),
        ("with a field more".to_owned(), {
            let mut value = serde_json::to_value(good).expect("JSON");
            value[0]["more"] = json!(1);
            written(value)
        }),
    ];
    // Who holds the new key alone cannot name himself.
    let own = Rotation { key: KeyUse::Log, old: log[1].public.to_string(), new: log[2].public.to_string() };
    let other_name = key("rehearsal.other", 22).public.to_string();
    let renamed = Rotation { new: other_name, ..own.clone() };
    for (name, rotation, by) in
        [("sealed by the new key", &own, &log[2]), ("to a key of another name", &renamed, &log[1])]
    {
        let mut org: Vec<String> = vec![line(0, "site.ended", json!({}))];
        org.extend(good[..2].iter().map(|one| one.line.clone()));
        org.push(line(3, ROTATED_KIND, serde_json::to_value(rotation).expect("JSON")));
        let proof = TlogProof::of_last(&org, signed("org", &org, by)).expect("a proof").text();
        let forged = Handover { line: org[3].clone(), proof, growth: good[2].growth.clone() };
        cases.push((name.to_owned(), with(&|all| all[2] = forged.clone())));
    }
    let mut files = whole.clone();
    files.remove(layout::HANDOVERS);
    cases.push(("without the file".to_owned(), sealed_with(files, seal)));
    let mut files = whole.clone();
    files.insert(layout::HANDOVERS.into(), Vec::new());
    cases.push(("an empty file".to_owned(), sealed_with(files, seal)));
    let mut files = whole.clone();
    files.insert(layout::BUNDLE_KEY.into(), format!("{}\n", first.public).into_bytes());
    cases.push(("sealed by the retired key".to_owned(), sealed_with(files, &first)));
    let mut files = whole.clone();
    files.insert(layout::LOG_KEY.into(), format!("{}\n", log[1].public).into_bytes());
    cases.push(("with the retired log key".to_owned(), sealed_with(files, seal)));
    cases
}
