//! A new key takes over: named in the org log, vouched for by the key of that day, and only then used.
//!
//! Every step can be done again after a crash: the new key waits in a file of its own, the entry that names it is looked
//! for before it is written, and the old key's file moves last.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::evidence::handover::{self, Handover, KeyUse, ROTATED_KIND, Rotation};
use crate::evidence::note::VerifierKey;
use crate::evidence::origin;
use crate::evidence::tlog_proof::TlogProof;
use crate::journal::{Journal, Line};
use crate::merkle;
use crate::model::estate::Estate;
use crate::model::plan::LogHead;
use crate::ops::checkpoints::{self, HANDOVER};
use crate::ops::earlier::{failed, write};
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};
use crate::ops::{Context, person};
use crate::signer::Signer as _;
use crate::signer::file_key::FileKey;

use super::{HANDOVERS_FILE, Keys};

/// A key that took over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that retired.
    pub old: VerifierKey,
    /// The key that took over.
    pub new: VerifierKey,
    /// The entry of the org log that says so.
    pub entry: u64,
    /// Where the old private key is now; nobody needs it any more.
    pub kept: PathBuf,
    /// What could not be handed on; it is tried again with the next checkpoint.
    pub troubles: Vec<String>,
}

/// Lets a new key take over.
///
/// # Errors
///
/// If a key or the journal cannot be used; what was begun is taken up again the next time.
pub fn rotate(
    context: &Context,
    journal: &mut dyn Journal,
    estate: &Estate,
    which: KeyUse,
) -> Result<Rotated, Failure> {
    let dir = context.key_dir();
    let keys = Keys::open(&dir, &estate.name, false, context.entropy)?;
    let old = match which {
        KeyUse::Log => keys.log.vkey().clone(),
        KeyUse::Bundle => keys.bundle.vkey().clone(),
    };
    if dir.join(format!("{}.command.toml", which.word())).exists() {
        return Err(Failure::failed(format!(
            "the {} key is held behind a program: only a key in a file can be replaced by this command",
            which.word()
        )));
    }
    let next = dir.join(format!("{}.next.pem", which.word()));
    let name = match which {
        KeyUse::Log => keys.root.clone(),
        KeyUse::Bundle => origin::bundle_key(&keys.root),
    };
    let new = FileKey::open_or_make(&next, &name, context.entropy)
        .map_err(|error| Failure::failed(error.to_string()))?;
    if !handover::may_sign(which, new.vkey()) {
        return Err(Failure::failed(format!("{} holds no Ed25519 key: {}", next.display(), handover::WHY)));
    }
    let rotation = Rotation { key: which, old: old.to_string(), new: new.vkey().to_string() };
    let line = named(context, journal, &rotation)?;
    let handover = handover(journal, &keys, &line)?;
    // Beside the checkpoint, for witnesses: they follow the key only if the one they know says so.
    let org = checkpoints::folder(context).join(LogId::Org.to_string());
    write(&checkpoints::path(&org, line.entry.seq + 1, HANDOVER), &json(&handover)?)?;
    let troubles = checkpoints::record(context, journal, estate, false).troubles;
    let mut all = keys.handovers.clone();
    all.push(handover);
    let kept = retire(&dir, which, all.len())?;
    // From here on the new key is the one; opening the keys finishes what is left.
    write(&dir.join(HANDOVERS_FILE), &json(&all)?)?;
    finish(&dir, &all)?;
    Ok(Rotated { old, new: new.vkey().clone(), entry: line.entry.seq, kept, troubles })
}

/// The entry that names the rotation; written now unless it is there already.
fn named(context: &Context, journal: &mut dyn Journal, rotation: &Rotation) -> Result<Line, Failure> {
    let body = serde_json::to_value(rotation).map_err(|error| Failure::failed(error.to_string()))?;
    let there = journal.read(&LogId::Org, 0)?;
    let same = |line: &Line| line.entry.kind == ROTATED_KIND && line.entry.body == body;
    match there.into_iter().rev().find(same) {
        Some(line) => Ok(line),
        None => note::append(context, journal, &LogId::Org, Note::new(ROTATED_KIND, body).by(&person())),
    }
}

/// The proof that the entry is the last one of an org log that the key of today signs.
fn handover(journal: &dyn Journal, keys: &Keys, line: &Line) -> Result<Handover, Failure> {
    let lines = journal.read(&LogId::Org, 0)?;
    let until = usize::try_from(line.entry.seq).map_or(lines.len(), |seq| seq + 1).min(lines.len());
    let texts: Vec<String> = lines[..until].iter().map(|line| line.text.clone()).collect();
    let leaves: Vec<Digest> = texts.iter().map(|text| merkle::leaf_hash(text.as_bytes())).collect();
    let head = LogHead { size: leaves.len() as u64, root: merkle::root(&leaves) };
    let proof = TlogProof::of_last(&texts, keys.checkpoint(&LogId::Org, &head)?);
    let proof = proof.ok_or_else(|| Failure::failed("the entry is not in the org log"))?;
    Ok(Handover { line: line.text.clone(), proof: proof.text(), growth: None })
}

/// Keeps the old private key aside, under the number of its handover.
fn retire(dir: &Path, which: KeyUse, number: usize) -> Result<PathBuf, Failure> {
    let from = dir.join(format!("{}.pem", which.word()));
    let to = dir.join("retired").join(format!("{}-{number:03}.pem", which.word()));
    let bytes = fs::read(&from).map_err(|error| failed(&from, error))?;
    // Written as private from the start, like every file that is written whole.
    write(&to, &bytes)?;
    Ok(to)
}

/// Moves a new key that took over into its place.
pub(super) fn finish(dir: &Path, handovers: &[Handover]) -> Result<(), Failure> {
    for which in [KeyUse::Log, KeyUse::Bundle] {
        let next = dir.join(format!("{}.next.pem", which.word()));
        let last = handovers.iter().rev().find_map(|one| match one.rotation() {
            Ok((key, _, new)) if key == which => Some(new),
            Ok(_) | Err(_) => None,
        });
        let Some(last) = last.filter(|_| next.exists()) else { continue };
        let waiting =
            FileKey::open(&next, last.name()).map_err(|error| Failure::failed(error.to_string()))?;
        if *waiting.vkey() == last {
            let place = dir.join(format!("{}.pem", which.word()));
            fs::rename(&next, &place).map_err(|error| failed(&place, error))?;
        }
    }
    Ok(())
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec_pretty(value).map_err(|error| Failure::failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::journal::memory::MemoryJournal;
    use crate::ops::desired::Desired;
    use crate::runner::clock::Clock;
    use serde_json::json;

    fn context(folder: &Path) -> Context {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        Context { root, state: folder.to_owned(), clock: Clock::Real, entropy: Entropy::System }
    }

    #[test]
    fn keys_take_over_and_what_was_begun_is_taken_up_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let context = context(folder.path());
        let desired = Desired::read(&context.root).expect("the estate");
        let estate = &desired.loaded.estate;
        let mut journal = MemoryJournal::seeded(3);
        let open = || Keys::open(&context.key_dir(), &estate.name, false, context.entropy).expect("keys");
        let first = open().log.vkey().clone();
        note::append(&context, &mut journal, &LogId::Org, Note::new("run.noted", json!({})))
            .expect("written");

        // A crash after the new key was made, and after the entry was written.
        let dir = context.key_dir();
        let next = FileKey::open(&dir.join("log.next.pem"), first.name()).expect("a key");
        let body = json!({"key": "log", "old": first.to_string(), "new": next.vkey().to_string()});
        note::append(&context, &mut journal, &LogId::Org, Note::new(ROTATED_KIND, body)).expect("written");
        let done = rotate(&context, &mut journal, estate, KeyUse::Log).expect("rotated");
        assert_eq!((&done.old, &done.new, done.entry), (&first, next.vkey(), 1));
        assert_eq!(journal.read(&LogId::Org, 0).expect("lines").len(), 2, "not named twice");
        assert!(done.kept.ends_with("retired/log-001.pem") && done.kept.exists());

        // A crash after the handover was recorded and before the file was moved.
        fs::copy(dir.join("log.pem"), dir.join("log.next.pem")).expect("copied");
        fs::copy(&done.kept, dir.join("log.pem")).expect("copied");
        assert_eq!(open().log.vkey(), next.vkey());

        rotate(&context, &mut journal, estate, KeyUse::Bundle).expect("rotated");
        let last = rotate(&context, &mut journal, estate, KeyUse::Log).expect("rotated").new;
        let keys = open();
        assert_eq!(keys.ring().retired(), [first.clone(), next.vkey().clone()]);
        assert_eq!((keys.log.vkey(), keys.retired_bundle_keys().len()), (&last, 1));
        assert!(handover::chain(&keys.handovers, &last, None).is_ok());

        // A key that no entry names is not used.
        fs::remove_file(dir.join("log.pem")).expect("removed");
        let stranger = Keys::open(&dir, &estate.name, false, context.entropy).expect_err("a stranger");
        assert!(stranger.to_string().contains("handover 3"), "{stranger}");
    }
}
