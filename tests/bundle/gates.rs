//! Which gates a bundle attests as open: those that somebody signed for, that did not shut and whose time is not over.

use landfall::base::digest::Digest;
use landfall::evidence::bundle::manifest::Manifest;
use landfall::evidence::bundle::{layout, sums};
use landfall::evidence::records::Records;
use landfall::evidence::statement::{GO_LIVE, Shown, all};
use landfall::evidence::tally::Outcomes;
use landfall::model::entry::Entry;
use landfall::model::plan::PlanExcerpt;
use landfall::ops::dossier;
use serde_json::{Value, json};

use super::fixture::{Ending, build};

fn entry(seq: u64, kind: &str, body: &Value) -> Entry {
    let value = json!({
        "v": 1, "seq": seq, "at": format!("2027-01-11T09:0{seq}:00.000Z"), "log": "site/HRB01", "kind": kind,
        "actor": { "type": "person", "id": "sponsor" }, "body": body, "salt": "00112233445566778899aabbccddeeff",
    });
    serde_json::from_value(value).expect("an entry")
}

fn approval(gate: &str, of: &str, act: &Value) -> Value {
    json!({
        "signature": "", "key": "SHA256:x", "statement": {
            "v": 1, "estate": "e", "act": act, "person": "sponsor", "role": "sponsor", "meaning": "it may go live",
            "at": "2027-01-11T09:00:00.000Z",
            "subject": { "kind": "gate", "name": gate, "scope": "site/HRB01", "digest": Digest::of(of.as_bytes()) },
        },
    })
}

fn opened(gate: &str, of: &str, until: Option<&str>) -> Value {
    json!({ "v": 1, "gate": gate, "digest": Digest::of(of.as_bytes()), "missing": [], "waived": [], "until": until })
}

/// The properties that are attested of a log with these entries; nothing without such a statement.
fn properties(entries: &[Entry]) -> Option<Vec<String>> {
    let files = build(Ending::Well).files;
    let manifest: Manifest = serde_json::from_slice(&files[layout::MANIFEST]).expect("the manifest");
    let plan = serde_json::from_slice(&files[layout::PLAN]).expect("the plan");
    let plan = PlanExcerpt::from_value(plan).expect("the plan");
    let shown = Shown { manifest: &manifest, plan: &plan, entries };
    let statements = all(&shown, &files, &sums::of(&files), &Outcomes::new());
    let (_, gates) = statements.into_iter().find(|(path, _)| path == layout::ATTESTED_GATES)?;
    assert_eq!(gates["predicateType"], "https://in-toto.io/attestation/svr/v0.2");
    assert!(gates["predicate"]["verifier"]["policies"].is_array(), "version 0.2 asks for them");
    Some(serde_json::from_value(gates["predicate"]["properties"].clone()).expect("a list"))
}

#[test]
fn only_gates_that_are_open_and_signed_for_are_attested() {
    let approve = json!({ "approve": {} });
    let signed = entry(0, "approval.given", &approval(GO_LIVE, "this", &approve));
    let open = entry(1, "gate.opened", &opened(GO_LIVE, "this", None));
    let both = ["LANDFALL_GATE_OPEN_G-09".to_owned(), "ROLLOUT_GO_LIVE_APPROVED".to_owned()];
    assert_eq!(properties(&[signed.clone(), open.clone()]), Some(both.to_vec()));
    let shut = entry(2, "gate.shut", &json!({ "v": 1, "gate": GO_LIVE, "missing": [] }));
    let over = entry(1, "gate.opened", &opened(GO_LIVE, "this", Some("2027-01-11T10:00:00.000Z")));
    let rejected = entry(0, "approval.rejected", &approval(GO_LIVE, "this", &json!({ "reject": {} })));
    let other = entry(0, "approval.given", &approval(GO_LIVE, "that", &approve));
    let elsewhere = entry(0, "approval.given", &approval("g-15", "this", &approve));
    for (why, log) in [
        ("nothing happened", vec![]),
        ("nobody signed", vec![open.clone()]),
        ("it did not open", vec![signed.clone()]),
        ("it shut again", vec![signed.clone(), open.clone(), shut]),
        ("its time is over", vec![signed.clone(), over]),
        ("it was rejected", vec![rejected, open.clone()]),
        ("something else was signed", vec![other, open.clone()]),
        ("another gate was signed", vec![elsewhere, open]),
    ] {
        assert_eq!(properties(&log), None, "{why}");
    }
    let log = [
        entry(0, "approval.given", &approval("g-15", "this", &approve)),
        entry(1, "gate.opened", &opened("g-15", "this", Some("2027-03-01T00:00:00.000Z"))),
    ];
    assert_eq!(properties(&log), Some(vec!["LANDFALL_GATE_OPEN_G-15".to_owned()]));
}

#[test]
fn every_field_of_a_decision_is_shown_and_whether_its_signature_fits() {
    let mut body = approval(
        GO_LIVE,
        "this",
        &json!({ "approve": { "conditions": [{ "name": "shadow", "days_min": 14 }] } }),
    );
    body["statement"]["comment"] = json!("after the drill");
    body["statement"]["instead_of"] = json!("cio");
    body["statement"]["expires"] = json!("2027-02-01T00:00:00.000Z");
    let entries = vec![entry(0, "approval.given", &body), entry(1, "run.noted", &json!({}))];
    let records = Records { log: "site/HRB01".parse().expect("a log"), entries, blobs: Default::default() };
    let shown = dossier::entry(&records, 0).expect("an entry");
    let decision = &shown["decision"];
    let told = json!({
        "entry": "site/HRB01#0", "who": "sponsor", "role": "sponsor", "instead_of": "cio",
        "when": "2027-01-11T09:00:00.000Z", "what": body["statement"]["subject"], "digest": Digest::of(b"this"),
        "decision": body["statement"]["act"], "meaning": "it may go live", "comment": "after the drill",
        "expires": "2027-02-01T00:00:00.000Z", "key": "SHA256:x", "signature_fits": false, "signature": "",
    });
    assert_eq!(*decision, told);
    assert!(dossier::entry(&records, 1).expect("an entry")["decision"].is_null());
    assert!(dossier::entry(&records, 2).is_err());
    assert_eq!(dossier::named("site/HRB01#42").expect("a name"), ("site/HRB01".parse().expect("a log"), 42));
    for bad in ["", "42", "site/HRB01", "site/HRB01#", "#4", "site/HRB01#x"] {
        assert!(dossier::named(bad).is_err(), "{bad:?}");
    }
}
