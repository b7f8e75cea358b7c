//! How one key takes over from another: an entry of the org log that names both, and the older key's signature over a
//! log that ends with it.
//!
//! Who trusts the old key alone sees that it named the new one. Who trusts the new key sees, by the proof that its log
//! continues that entry, that it owns up to what the old one signed. A key that no entry names is a stranger's.

use serde::{Deserialize, Serialize};

use crate::base::id::LogId;
use crate::base::limits::HANDOVERS_MAX;
use crate::merkle;
use crate::model::entry::Entry;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::growth::Growth;
use super::note::{Algorithm, NoteError, SignedNote, VerifierKey};
use super::origin;
use super::tlog_proof::TlogProof;

/// The kind of the entry.
pub const ROTATED_KIND: &str = "key.rotated";

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyUse {
    /// It signs checkpoints.
    Log,
    /// It seals bundles.
    Bundle,
}

impl KeyUse {
    /// The word for it, which also begins the names of its files.
    pub fn word(self) -> &'static str {
        match self {
            KeyUse::Log => "log",
            KeyUse::Bundle => "bundle",
        }
    }
}

/// Why a key of checkpoints may have one algorithm only.
pub const WHY: &str = "witnesses and readers of checkpoints know no other";

/// Whether a key of this algorithm may be used for that: lists of files may be sealed with P-256 too.
pub fn may_sign(which: KeyUse, key: &VerifierKey) -> bool {
    match (which, key.algorithm()) {
        (KeyUse::Bundle, Algorithm::Ed25519 | Algorithm::P256) | (KeyUse::Log, Algorithm::Ed25519) => true,
        (KeyUse::Log, Algorithm::P256) => false,
    }
}

/// The body of the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// What the keys are for.
    pub key: KeyUse,
    /// The key that retires, as a `vkey`.
    pub old: String,
    /// The key that takes over.
    pub new: String,
}

/// One key's taking over from another, with its proofs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// The entry, exactly as it stands in the org log.
    pub line: String,
    /// The `tlog-proof` that it is the last entry of an org log that the log key of that day signed.
    pub proof: String,
    /// The proof that the org log of the bundle continues that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<String>,
}

/// A handover does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("handover {place}: {what}")]
pub struct BadHandover {
    /// Its place, from 1.
    pub place: usize,
    /// What is wrong.
    pub what: String,
}

/// A key and those that it took over from: whatever one of them signed counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    current: VerifierKey,
    retired: Vec<VerifierKey>,
}

impl KeyRing {
    /// A key that took over from nobody.
    pub fn only(current: VerifierKey) -> Self {
        Self { current, retired: Vec::new() }
    }

    /// The key that signs today.
    pub fn current(&self) -> &VerifierKey {
        &self.current
    }

    /// The keys before it, oldest first.
    pub fn retired(&self) -> &[VerifierKey] {
        &self.retired
    }

    /// Whether it is one of these.
    pub fn holds(&self, key: &VerifierKey) -> bool {
        self.current == *key || self.retired.contains(key)
    }

    /// Reads a checkpoint that one of the keys signed, and says which.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::open`] with the current key, if none of them signed it.
    pub fn open(&self, note: &[u8]) -> Result<(Checkpoint, &VerifierKey), CheckpointError> {
        let own = match Checkpoint::open(note, &self.current) {
            Err(CheckpointError::Note(NoteError::NotSigned(name))) => NoteError::NotSigned(name),
            other => return other.map(|checkpoint| (checkpoint, &self.current)),
        };
        for key in self.retired.iter().rev() {
            match Checkpoint::open(note, key) {
                Err(CheckpointError::Note(NoteError::NotSigned(_))) => {}
                other => return other.map(|checkpoint| (checkpoint, key)),
            }
        }
        Err(own.into())
    }
}

/// The keys that handovers lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The keys of checkpoints.
    pub log: KeyRing,
    /// The keys that sealed bundles before today's, oldest first, and the one that took over last.
    pub bundle: Vec<VerifierKey>,
}

/// A handover taken apart, its entry proved to be the last of the log that its checkpoint describes.
struct Opened {
    rotation: (KeyUse, VerifierKey, VerifierKey),
    proof: TlogProof,
    growth: Option<String>,
}

impl Handover {
    /// Takes the handover apart and checks its entry, but not yet who signed it.
    fn opened(&self) -> Result<Opened, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let entry: Entry = serde_json::from_str(&self.line).map_err(|e| text(&e))?;
        if entry.kind != ROTATED_KIND || entry.log != LogId::Org {
            return Err("it is not by an entry of the org log that rotates a key".to_owned());
        }
        let Rotation { key, old, new } = serde_json::from_value(entry.body).map_err(|e| text(&e))?;
        let read = |key: &str| key.parse::<VerifierKey>().map_err(|e| text(&e));
        let (old, new) = (read(&old)?, read(&new)?);
        if old.name() != new.name() {
            return Err("the keys have different names".to_owned());
        }
        if !may_sign(key, &old) || !may_sign(key, &new) {
            return Err(format!("a key of checkpoints is no Ed25519 key: {WHY}"));
        }
        let proof = TlogProof::parse(self.proof.as_bytes()).map_err(|e| text(&e))?;
        if entry.seq != proof.index {
            return Err("the entry stands elsewhere than its proof says".to_owned());
        }
        Ok(Opened { rotation: (key, old, new), proof, growth: self.growth.clone() })
    }

    /// What it rotates: what the keys are for, the one that retires, the one that takes over.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn rotation(&self) -> Result<(KeyUse, VerifierKey, VerifierKey), BadHandover> {
        let opened = self.opened().map_err(|what| BadHandover { place: 1, what })?;
        Ok(opened.rotation)
    }

    /// The head of the org log that ends with the entry, if this key signed it.
    ///
    /// # Errors
    ///
    /// If the key did not sign it, or the entry is not its last one.
    pub fn sealed_by(&self, key: &VerifierKey) -> Result<Checkpoint, BadHandover> {
        let bad = |what: String| BadHandover { place: 1, what };
        let opened = self.opened().map_err(bad)?;
        sealed(&self.line, &opened.proof, key).map_err(bad)
    }
}

/// The checkpoint of the org log that ends with this line, signed by this key.
fn sealed(line: &str, proof: &TlogProof, key: &VerifierKey) -> Result<Checkpoint, String> {
    let note = SignedNote::parse(proof.checkpoint.as_bytes()).map_err(|e| e.to_string())?;
    let text = note.verified(key).map_err(|e| e.to_string())?;
    let org = Checkpoint::parse(text).map_err(|e| e.to_string())?;
    let leaf = merkle::leaf_hash(line.as_bytes());
    let last = proof.index.checked_add(1) == Some(org.size);
    let inside = merkle::proof::verify_inclusion(&leaf, proof.index, org.size, &proof.hashes, &org.root);
    if org.origin != origin::of_log(key.name(), &LogId::Org) || !last || !inside {
        return Err("the entry is not the last one of the org log that was signed".to_owned());
    }
    Ok(org)
}

/// Checks handovers, oldest first, up to today's log key; with the org log's signed head of today, also that it
/// continues each of them.
///
/// # Errors
///
/// The first one that does not hold.
pub fn chain(
    handovers: &[Handover],
    current: &VerifierKey,
    org: Option<&Checkpoint>,
) -> Result<Chain, BadHandover> {
    if handovers.len() > HANDOVERS_MAX {
        return Err(BadHandover { place: HANDOVERS_MAX, what: "there are too many".to_owned() });
    }
    let opened: Result<Vec<Opened>, BadHandover> = (1..)
        .zip(handovers)
        .map(|(place, one)| one.opened().map_err(|what| BadHandover { place, what }))
        .collect();
    let opened = opened?;
    let mut chain = Chain { log: KeyRing::only(current.clone()), bundle: Vec::new() };
    for (place, one) in opened.iter().enumerate() {
        let bad = |what: &str| BadHandover { place: place + 1, what: what.to_owned() };
        let (key, old, new) = &one.rotation;
        // Today's key of checkpoints is the one that the next handover retires, or the current one.
        let next = opened[place + 1..].iter().find(|later| later.rotation.0 == KeyUse::Log);
        let after = next.map_or(current, |later| &later.rotation.1);
        let signer = match key {
            KeyUse::Log if new != after => return Err(bad("no later handover goes on from its new key")),
            KeyUse::Log => {
                chain.log.retired.push(old.clone());
                old
            }
            KeyUse::Bundle => {
                if chain.bundle.last().is_some_and(|last| last != old) {
                    return Err(bad("it retires another key than the one before brought"));
                }
                if chain.bundle.is_empty() {
                    chain.bundle.push(old.clone());
                }
                chain.bundle.push(new.clone());
                after
            }
        };
        let head = sealed(&handovers[place].line, &one.proof, signer).map_err(|what| bad(&what))?;
        if let Some(org) = org {
            let growth = one.growth.as_deref().ok_or_else(|| bad("it has no proof of growth"))?;
            let growth = Growth::parse(growth.as_bytes()).map_err(|e| bad(&e.to_string()))?;
            if !growth.holds((head.size, &head.root), org) {
                return Err(bad("the org log does not continue it"));
            }
        }
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::evidence::note::tests::{key, signed};
    use ed25519_dalek::SigningKey;
    use serde_json::json;

    type Pair = (SigningKey, VerifierKey);

    fn line(seq: u64, rotation: &Rotation) -> String {
        let entry = json!({
            "v": 1, "log": "org", "seq": seq, "at": "2027-01-11T09:00:00.000Z", "kind": ROTATED_KIND,
            "actor": {"type": "person", "id": "ann"}, "body": rotation, "salt": "0".repeat(32),
        });
        entry.to_string()
    }

    fn head(lines: &[String], by: &Pair) -> (Checkpoint, String) {
        let org = Checkpoint::over("evidence.x/org".into(), lines);
        let note = signed(&org.text(), by);
        (org, note)
    }

    /// Appends a rotation to a log and has it signed.
    fn handover(lines: &mut Vec<String>, which: KeyUse, pair: (&Pair, &Pair), by: &Pair) -> Handover {
        let rotation = Rotation { key: which, old: pair.0.1.to_string(), new: pair.1.1.to_string() };
        lines.push(line(lines.len() as u64, &rotation));
        let proof = TlogProof::of_last(lines, head(lines, by).1).expect("a proof");
        Handover { line: lines[lines.len() - 1].clone(), proof: proof.text(), growth: None }
    }

    fn grown(handovers: &mut [Handover], lines: &[String]) {
        let leaves: Vec<Digest> = lines.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
        for one in handovers {
            let size = one.opened().expect("opens").proof.index + 1;
            one.growth = Some(Growth::new(&leaves, size).expect("a proof").text());
        }
    }

    #[test]
    fn two_log_keys_and_a_bundle_key_later_everything_is_proved() {
        let keys: Vec<Pair> = (1..4).map(|n| key("evidence.x", n)).collect();
        let seals: Vec<Pair> = (5..7).map(|n| key("evidence.x/bundle", n)).collect();
        let mut lines = vec!["first".to_owned(), "second".to_owned()];
        let mut all = vec![
            handover(&mut lines, KeyUse::Log, (&keys[0], &keys[1]), &keys[0]),
            handover(&mut lines, KeyUse::Bundle, (&seals[0], &seals[1]), &keys[1]),
            handover(&mut lines, KeyUse::Log, (&keys[1], &keys[2]), &keys[1]),
        ];
        lines.push("later".into());
        grown(&mut all, &lines);
        let (org, _) = head(&lines, &keys[2]);
        let found = chain(&all, &keys[2].1, Some(&org)).expect("holds");
        assert_eq!(found.log.retired(), [keys[0].1.clone(), keys[1].1.clone()]);
        assert_eq!(found.bundle, [seals[0].1.clone(), seals[1].1.clone()]);
        let old = signed(&org.text(), &keys[0]);
        assert_eq!(found.log.open(old.as_bytes()).expect("opens").1, &keys[0].1);
        let forged = signed(&org.text(), &(key("evidence.x", 9).0, keys[0].1.clone()));
        assert!(found.log.open(forged.as_bytes()).is_err());
        assert!(found.log.open(signed(&org.text(), &key("evidence.x", 9)).as_bytes()).is_err());
        // Another history that the last key signs does not own up to what was signed before.
        let other = ["x".to_owned(), "y".into(), "z".into(), "later".into(), "and more".into(), "6".into()];
        let (other, _) = head(&other, &keys[2]);
        let error = chain(&all, &keys[2].1, Some(&other)).expect_err("another log");
        assert_eq!(error.what, "the org log does not continue it");
        // Leaving one out.
        let error = chain(&[all[0].clone(), all[1].clone()], &keys[2].1, None).expect_err("a gap");
        assert_eq!((error.place, error.what.as_str()), (1, "no later handover goes on from its new key"));
    }

    #[test]
    fn a_new_key_that_the_old_one_did_not_name_is_refused() {
        let (old, new, thief) = (key("evidence.x", 1), key("evidence.x", 2), key("evidence.x", 3));
        let mut lines = vec!["first".to_owned()];
        let good = handover(&mut lines, KeyUse::Log, (&old, &new), &old);
        assert!(chain(std::slice::from_ref(&good), &new.1, None).is_ok());
        assert!(chain(std::slice::from_ref(&good), &thief.1, None).is_err());
        let own = handover(&mut vec!["first".to_owned()], KeyUse::Log, (&old, &thief), &thief);
        assert_eq!(
            chain(&[own], &thief.1, None).expect_err("not signed").what,
            "not signed by the key evidence.x"
        );
        let mut cut = good.clone();
        cut.line = cut.line.replace("ann", "bob");
        assert!(chain(&[cut], &new.1, None).is_err());
    }
}
