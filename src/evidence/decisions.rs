//! The decisions that a log holds, as files of a bundle: what was signed byte for byte, the signature beside it, and whose
//! keys they are, so that `ssh-keygen -Y verify` is enough to check them.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::bundle::Files;
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::sshsig::people;
use crate::model::electronic::{CHALLENGED, Challenged, Issued, Unanswered, lacks};
use crate::model::entry::Entry;
use crate::model::signed::{Act, NAMESPACE, Signed};

/// Where they stand in a bundle.
pub const FOLDER: &str = "approvals/";
/// Whose keys sign them.
pub const SIGNERS: &str = "keys/approvers.allowed_signers";
/// How a signature's file ends: as `ssh-keygen -Y sign` names it.
const SIGNATURE: &str = ".sig";

/// A key that signs decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionKey {
    /// Whose it is.
    pub person: String,
    /// The key.
    pub key: PublicKey,
    /// The first day, as OpenSSH writes it: `20261201`.
    pub after: String,
    /// The day behind the last one.
    pub before: Option<String>,
}

/// The decisions among entries, each with its place in the log.
pub fn of(entries: &[Entry]) -> Vec<(u64, Signed)> {
    among(entries.iter())
}

/// The decisions among some entries, each with its place in the log.
pub fn among<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<(u64, Signed)> {
    let signed = |entry: &Entry| {
        let known = Act::ENTRY_KINDS.contains(&entry.kind.as_str());
        let signed: Signed = known.then(|| serde_json::from_value(entry.body.clone()).ok()).flatten()?;
        (signed.statement.act.entry_kind() == entry.kind).then_some((entry.seq, signed))
    };
    entries.filter_map(signed).collect()
}

/// The path of a decision's file.
pub fn path(seq: u64) -> String {
    format!("{FOLDER}{seq:04}.json")
}

/// The path of its signature.
pub fn signature_path(seq: u64) -> String {
    format!("{}{SIGNATURE}", path(seq))
}

/// The files of these decisions, with the keys among those given that made them.
pub fn files(decisions: &[(u64, Signed)], keys: &BTreeMap<String, DecisionKey>) -> Files {
    let mut files = Files::new();
    for (seq, signed) in decisions {
        files.insert(path(*seq), signed.statement.bytes());
        files.insert(signature_path(*seq), signed.signature.clone().into_bytes());
    }
    let used = |fingerprint: &String| decisions.iter().any(|(_, signed)| signed.key == *fingerprint);
    let lines: String = keys
        .iter()
        .filter(|(fingerprint, _)| used(fingerprint))
        .map(|(_, one)| {
            people::allowed_signer(&one.person, NAMESPACE, &one.key, (&one.after, one.before.as_deref()))
        })
        .collect();
    if !decisions.is_empty() {
        files.insert(SIGNERS.to_owned(), lines.into_bytes());
    }
    files
}

/// The command that checks one of them.
pub fn command(seq: u64, signed: &Signed) -> String {
    let at = signed.statement.at.to_string();
    let moment: String = at.chars().filter(char::is_ascii_digit).take(14).collect();
    format!(
        "ssh-keygen -Y verify -f {SIGNERS} -I {} -n {NAMESPACE} -O verify-time={moment}Z -s {} < {}",
        signed.statement.person,
        signature_path(seq),
        path(seq)
    )
}

/// What is wrong with the electronic records among entries: each is whole, and answers a challenge that the log gave out
/// before to its signer, about its subject, in time and only once.
pub fn unanswered(entries: &[Entry]) -> Option<String> {
    let mut given: BTreeMap<String, Issued> = BTreeMap::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for entry in entries {
        if entry.kind == CHALLENGED {
            let Ok(one) = serde_json::from_value::<Challenged>(entry.body.clone()) else { continue };
            let issued = Issued { person: one.person, subject: one.subject, at: entry.at };
            given.entry(one.nonce).or_insert(issued);
            continue;
        }
        let Some((seq, Signed { statement, .. })) = of(std::slice::from_ref(entry)).pop() else { continue };
        let Some(said) = &statement.electronic else { continue };
        let told = |what: &str| Some(format!("entry {seq}: the electronic record {what}"));
        if let Some(what) = lacks(&statement) {
            return told(&format!("lacks {what}"));
        }
        let answered = given.get(&said.challenge).map(|issued| issued.answered_by(&statement, entry.at));
        match answered {
            Some(Ok(())) => {}
            Some(Err(Unanswered::Unknown)) | None => {
                return told("answers no challenge that was given to its signer for this");
            }
            Some(Err(Unanswered::Expired)) => return told("answers a challenge that was too old"),
        }
        if !used.insert(said.challenge.clone()) {
            return told("answers a challenge that was answered before");
        }
    }
    None
}

/// What is wrong with a decision's files, if something is.
pub fn wrong(files: &Files, seq: u64, signed: &Signed) -> Option<String> {
    let told = |path: String, what: &str| Some(format!("entry {seq}: {path} {what}"));
    match files.get(&path(seq)) {
        None => return told(path(seq), "is missing"),
        Some(bytes) if *bytes != signed.statement.bytes() => {
            return told(path(seq), "is not what the entry says was signed");
        }
        Some(_) => {}
    }
    match files.get(&signature_path(seq)) {
        None => return told(signature_path(seq), "is missing"),
        Some(bytes) if *bytes != signed.signature.as_bytes() => {
            return told(signature_path(seq), "is not the signature that the entry holds");
        }
        Some(_) => {}
    }
    match people::verify(&signed.signature, NAMESPACE, &signed.statement.bytes()) {
        Err(bad) => told(signature_path(seq), &format!("does not count: {bad}")),
        Ok(fitting) if fitting.key.fingerprint() != signed.key => {
            told(signature_path(seq), "is by another key than the entry names")
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NONCE: &str = "0123456789abcdef0123456789abcdef";

    fn entry(seq: u64, at: &str, kind: &str, body: Value) -> Entry {
        let value = json!({ "v": 1, "seq": seq, "at": at, "log": "site/HRB01", "kind": kind,
            "actor": { "type": "person", "id": "ana" }, "body": body, "salt": "" });
        serde_json::from_value(value).expect("an entry")
    }

    fn record(seq: u64, at: &str, comment: &str) -> Entry {
        let subject = json!({ "kind": "item", "name": "i", "scope": "site/HRB01", "digest": "0".repeat(64) });
        let statement = json!({ "v": 2, "estate": "e", "subject": subject, "act": { "attest": {} }, "person": "ana",
            "role": "site-steward", "at": "2027-03-04T09:00:01Z", "meaning": "I say so", "comment": comment,
            "electronic": { "meaning": "approval", "name": "Ana", "challenge": NONCE,
                "time": "2027-03-04T10:00:01+01:00[Europe/Berlin]" } });
        entry(seq, at, "attestation.given", json!({ "statement": statement, "signature": "s", "key": "k" }))
    }

    fn given(seq: u64, person: &str) -> Entry {
        let one = of(&[record(0, "2027-03-04T09:00:01Z", "why")]).pop().expect("a decision").1;
        let subject = crate::model::electronic::subject_digest(&one.statement.subject);
        let body = json!({ "v": 1, "person": person, "subject": subject, "nonce": NONCE });
        entry(seq, "2027-03-04T09:00:00Z", CHALLENGED, body)
    }

    #[test]
    fn an_electronic_record_answers_a_challenge_of_the_log_in_time_and_once() {
        let good = "2027-03-04T09:00:02Z";
        assert_eq!(unanswered(&[given(0, "ana"), record(1, good, "why")]), None);
        let odd = entry(0, good, CHALLENGED, json!({ "v": 1, "nonce": 7 }));
        for (entries, told) in [
            (vec![record(1, good, "why")], "answers no challenge"),
            (vec![odd, record(1, good, "why")], "answers no challenge"),
            (vec![record(0, good, "why"), given(1, "ana")], "answers no challenge"),
            (vec![given(0, "bob"), record(1, good, "why")], "answers no challenge"),
            (vec![given(0, "ana"), record(1, "2027-03-04T09:10:01Z", "why")], "too old"),
            (vec![given(0, "ana"), record(1, good, " ")], "lacks a reason"),
            (vec![given(0, "ana"), record(1, good, "why"), record(2, good, "again")], "was answered before"),
        ] {
            let found = unanswered(&entries).unwrap_or_default();
            assert!(found.contains(told), "{told}: {found}");
        }
    }
}
