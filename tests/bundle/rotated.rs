//! Bundles after keys took over from each other, good ones and bad ones, for both verifiers.

use std::collections::BTreeMap;

use landfall::base::digest::Digest;
use landfall::base::id::LogId;
use landfall::evidence::bundle::{self, Files, Parts, Previous, layout};
use landfall::evidence::checkpoint::Checkpoint;
use landfall::evidence::growth::Growth;
use landfall::evidence::handover::{Handover, KeyUse, ROTATED_KIND, Rotation};
use landfall::evidence::heads::{HeadsBody, PseudonymKey};
use landfall::evidence::origin;
use landfall::evidence::tlog_proof::TlogProof;
use landfall::evidence::verify::Pins;
use landfall::merkle;
use landfall::model::plan::LogHead;
use landfall::signer::{Signer as _, sign_checkpoint};
use serde_json::json;

use super::fixture::{Ending, TestKey, key, keys, parts};
use super::tampering::sealed_with;

/// The keys in the order in which they took over.
pub struct Rotated {
    pub log: [TestKey; 3],
    pub bundle: [TestKey; 2],
}

pub fn rotated_keys() -> Rotated {
    let (log, bundle) = keys();
    let of_log = |byte| key(log.public.name(), byte);
    let second = key(bundle.public.name(), 23);
    Rotated { log: [of_log(1), of_log(21), of_log(22)], bundle: [bundle, second] }
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
pub fn rotated_parts() -> Parts {
    let keys = rotated_keys();
    let mut parts = parts(Ending::Well);
    let mut org = vec![line(0, "site.ended", json!({}))];
    let mut handovers = Vec::new();
    let turns = [
        (KeyUse::Log, &keys.log[0], &keys.log[1], &keys.log[0]),
        (KeyUse::Bundle, &keys.bundle[0], &keys.bundle[1], &keys.log[1]),
        (KeyUse::Log, &keys.log[1], &keys.log[2], &keys.log[1]),
    ];
    for (use_of, old, new, by) in turns {
        let rotation = Rotation { key: use_of, old: old.public.to_string(), new: new.public.to_string() };
        org.push(line(org.len(), ROTATED_KIND, serde_json::to_value(&rotation).expect("JSON")));
        let proof = TlogProof::of_last(&org, signed("org", &org, by)).expect("a proof");
        let line = org.last().expect("a line").clone();
        handovers.push(Handover { line, proof: proof.text(), growth: None });
    }
    let leaves: Vec<Digest> = parts.site_log.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
    let own = LogHead { size: leaves.len() as u64, root: merkle::root(&leaves) };
    let mut heads: BTreeMap<LogId, LogHead> = parts.shared.clone();
    heads.insert("site/HRB01".parse().expect("a log"), own);
    let body = HeadsBody::new(&PseudonymKey::new([5; 32]), &heads).with_bundle_key(&keys.bundle[1].public);
    org.push(line(org.len(), "heads", body.to_value()));
    let org_leaves: Vec<Digest> = org.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
    for (place, one) in handovers.iter_mut().enumerate() {
        one.growth = Growth::new(&org_leaves, place as u64 + 2).map(|growth| growth.text());
    }
    parts.heads_line = org.last().expect("a line").clone();
    parts.heads_proof = TlogProof::of_last(&org, signed("org", &org, &keys.log[2])).expect("a proof");
    parts.checkpoint = signed("site/HRB01", &parts.site_log, &keys.log[2]);
    parts.previous =
        Some(Previous { checkpoint: signed("site/HRB01", &parts.site_log[..5], &keys.log[0]), sums: None });
    parts.witnessed = Some(signed("site/HRB01", &parts.site_log[..7], &keys.log[1]));
    parts.handovers = handovers;
    parts.log_key = keys.log[2].public.clone();
    parts.bundle_key = keys.bundle[1].public.clone();
    parts
}

fn sealed(parts: &Parts) -> Files {
    let by = &rotated_keys().bundle[1];
    let unsealed = bundle::assemble(parts).expect("a bundle");
    unsealed.seal(&|bytes| by.sign(bytes).map_err(|error| error.to_string())).expect("sealed")
}

/// Every case by name, with what the reader brings along and whether it is a good one.
pub fn cases() -> Vec<(String, Files, Pins, bool)> {
    let keys = rotated_keys();
    let parts = rotated_parts();
    let whole = sealed(&parts);
    let mut cases = Vec::new();
    let mut add = |name: &str, files: Files, pins: Pins, good: bool| {
        cases.push((format!("rotated: {name}"), files, pins, good));
    };
    add("whole", whole.clone(), Pins::default(), true);
    for (place, log) in keys.log.iter().enumerate() {
        let kept = signed("site/HRB01", &parts.site_log[..4], log);
        let pins = Pins { log: Some(log.public.clone()), previous: Some(kept), ..Pins::default() };
        add(&format!("log key {place} is trusted"), whole.clone(), pins, true);
    }
    for (place, bundle) in keys.bundle.iter().enumerate() {
        let pins = Pins { bundle: Some(bundle.public.clone()), ..Pins::default() };
        add(&format!("bundle key {place} is trusted"), whole.clone(), pins, true);
    }
    let strange = |name: &str| Some(key(name, 99).public);
    let (log_name, bundle_name) = (keys.log[0].public.name(), keys.bundle[0].public.name());
    add("a strange log key", whole.clone(), Pins { log: strange(log_name), ..Pins::default() }, false);
    add(
        "a strange bundle key",
        whole.clone(),
        Pins { bundle: strange(bundle_name), ..Pins::default() },
        false,
    );
    let kept = signed("site/HRB01", &parts.site_log[..4], &key(log_name, 99));
    add(
        "a stranger's checkpoint was kept",
        whole.clone(),
        Pins { previous: Some(kept), ..Pins::default() },
        false,
    );
    for (name, files) in spoiled(&whole, &parts.handovers) {
        // The org log's heads vouch for the bundle key by themselves: what is lost is only which ones came before.
        let good = name == "the one of the seal left out";
        add(&name, files, Pins::default(), good);
    }
    cases
}

/// Handovers that do not hold, under a true seal.
fn spoiled(whole: &Files, good: &[Handover]) -> Vec<(String, Files)> {
    let keys = rotated_keys();
    let written = |value: serde_json::Value| {
        let mut files = whole.clone();
        files.insert(layout::HANDOVERS.into(), value.to_string().into_bytes());
        sealed_with(files, &rotated_keys().bundle[1])
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
    let own = Rotation {
        key: KeyUse::Log,
        old: keys.log[1].public.to_string(),
        new: keys.log[2].public.to_string(),
    };
    let other_name = key("rehearsal.other", 22).public.to_string();
    let renamed = Rotation { new: other_name, ..own.clone() };
    for (name, rotation, by) in
        [("sealed by the new key", &own, &keys.log[2]), ("to a key of another name", &renamed, &keys.log[1])]
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
    cases.push(("without the file".to_owned(), sealed_with(files, &keys.bundle[1])));
    let mut files = whole.clone();
    files.insert(layout::HANDOVERS.into(), Vec::new());
    cases.push(("an empty file".to_owned(), sealed_with(files, &keys.bundle[1])));
    let mut files = whole.clone();
    files.insert(layout::BUNDLE_KEY.into(), format!("{}\n", keys.bundle[0].public).into_bytes());
    cases.push(("sealed by the retired key".to_owned(), sealed_with(files, &keys.bundle[0])));
    let mut files = whole.clone();
    files.insert(layout::LOG_KEY.into(), format!("{}\n", keys.log[1].public).into_bytes());
    cases.push(("with the retired log key".to_owned(), sealed_with(files, &keys.bundle[1])));
    cases
}
