//! The decisions that a log holds, as files of a bundle: what was signed byte for byte, the signature beside it, and whose
//! keys they are, so that `ssh-keygen -Y verify` is enough to check them.

use std::collections::BTreeMap;

use crate::evidence::bundle::Files;
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::sshsig::people;
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
    let signed = |entry: &Entry| {
        let known = Act::ENTRY_KINDS.contains(&entry.kind.as_str());
        let signed: Signed = known.then(|| serde_json::from_value(entry.body.clone()).ok()).flatten()?;
        (signed.statement.act.entry_kind() == entry.kind).then_some((entry.seq, signed))
    };
    entries.iter().filter_map(signed).collect()
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
