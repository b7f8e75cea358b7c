//! The gates that people let through, as a Simple Verification Result: what passed, never what did not.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::digest::Digest;
use crate::base::time::Timestamp;
use crate::model::entry::Entry;
use crate::model::signed::{Act, Signed, SubjectKind};

use super::super::bundle::layout;
use super::super::bundle::manifest::Manifest;
use super::super::bundle::sums::Sums;
use super::super::decisions;
use super::{named, statement};

const VERIFICATION_RESULT: &str = "https://in-toto.io/attestation/svr/v0.2";
/// Who weighs gates, in the version of the rules that it goes by.
const VERIFIER: &str = "urn:landfall:verifier:gates:v1";
/// The gate of the standard pack `go-live`.
pub const GO_LIVE: &str = "g-09";
/// What is said of a site whose go-live gate is open and signed.
const GO_LIVE_APPROVED: &str = "ROLLOUT_GO_LIVE_APPROVED";
/// What is said of any open and signed gate, before its name.
const GATE_OPEN: &str = "LANDFALL_GATE_OPEN_";
/// The end of the rendered files that declare gates.
const DECLARED: &str = "/gates.toml";

/// The body of an entry about a gate, as far as it matters here.
#[derive(Deserialize)]
struct Told {
    gate: String,
    digest: Digest,
    #[serde(default)]
    until: Option<Timestamp>,
}

/// The statement about all gates that stand open when the bundle is made; nothing if there is none. A gate counts only
/// if somebody signed for exactly what it rests on.
pub(super) fn statement_of(manifest: &Manifest, entries: &[Entry], sums: &Sums) -> Option<Value> {
    let open = open(entries, manifest.exported_at);
    let newest = open.values().map(|(at, _)| *at).max()?;
    let mut properties: Vec<String> =
        open.keys().map(|gate| format!("{GATE_OPEN}{}", gate.to_ascii_uppercase())).collect();
    properties.extend(open.contains_key(GO_LIVE).then(|| GO_LIVE_APPROVED.to_owned()));
    let declared =
        |(path, _): &(&String, &Digest)| path.starts_with(layout::RENDERED) && path.ends_with(DECLARED);
    let policies: Vec<Value> =
        sums.iter().filter(declared).map(|(path, digest)| named(path, digest)).collect();
    let gates: BTreeMap<&String, &Digest> = open.iter().map(|(gate, (_, digest))| (gate, digest)).collect();
    let predicate = json!({
        "verifier": {"id": VERIFIER, "policies": policies},
        "timeCreated": newest, "properties": properties, "gates": gates,
    });
    let subjects = [layout::PLAN, layout::LOG];
    let subjects = subjects.iter().filter_map(|path| Some(named(path, sums.get(*path)?)));
    Some(statement(VERIFICATION_RESULT, subjects.collect(), predicate))
}

/// The gates that stand open at a moment and are signed for: when each was opened, and the digest that was signed.
fn open(entries: &[Entry], now: Timestamp) -> BTreeMap<String, (Timestamp, Digest)> {
    let mut last: BTreeMap<String, Option<(Timestamp, Told)>> = BTreeMap::new();
    for entry in entries {
        let told = || serde_json::from_value::<Told>(entry.body.clone()).ok();
        match entry.kind.as_str() {
            "gate.opened" => {
                if let Some(told) = told() {
                    last.insert(told.gate.clone(), Some((entry.at, told)));
                }
            }
            "gate.shut" => {
                if let Some(gate) = entry.body.get("gate").and_then(Value::as_str) {
                    last.insert(gate.to_owned(), None);
                }
            }
            _ => {}
        }
    }
    let decisions = decisions::of(entries);
    let signed = |told: &Told| decisions.iter().any(|(_, signed)| is_for(signed, told));
    let standing = last.into_iter().filter_map(|(gate, opened)| {
        let (at, told) = opened?;
        let lasts = told.until.is_none_or(|until| now < until);
        (lasts && signed(&told)).then_some((gate, (at, told.digest)))
    });
    standing.collect()
}

fn is_for(signed: &Signed, told: &Told) -> bool {
    let subject = &signed.statement.subject;
    matches!(signed.statement.act, Act::Approve { .. })
        && subject.kind == SubjectKind::Gate
        && subject.name == told.gate
        && subject.digest == told.digest
}
