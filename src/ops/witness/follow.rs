//! What a witness reads beside requests: the heads that end an org log, and who takes over as the log key.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::{NOTE_FILE_BYTES_MAX, WITNESS_FILE_BYTES_MAX};
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::handover::{Handover, KeyUse};
use crate::evidence::heads::{HEADS_KIND, HeadsBody, HeadsRoll};
use crate::evidence::note::VerifierKey;
use crate::evidence::tlog_proof::TlogProof;
use crate::merkle;
use crate::model::entry::Entry;
use crate::model::plan::LogHead;
use crate::ops::checkpoints::heads::ShownHeads;
use crate::ops::checkpoints::{HANDOVER, HEADS, path, sizes};
use crate::ops::earlier::{failed, limited};
use crate::ops::error::Failure;

use super::Witness;

impl Witness {
    /// The sizes of all logs that an org log of this head ends with, if they are shown; none of them may be smaller than
    /// it was shown before, and none may be gone.
    pub(super) fn shown_heads(
        &self,
        folder: &Path,
        size: u64,
        head: &LogHead,
    ) -> Result<Result<BTreeMap<Digest, u64>, String>, Failure> {
        let file = path(folder, size, HEADS);
        if !file.exists() {
            return Ok(Ok(BTreeMap::new()));
        }
        let shown: Result<ShownHeads, _> = serde_json::from_slice(&limited(&file, WITNESS_FILE_BYTES_MAX)?);
        Ok(shown.map_err(|error| error.to_string()).and_then(|shown| self.grown(&shown, head)))
    }

    pub(super) fn grown(&self, shown: &ShownHeads, head: &LogHead) -> Result<BTreeMap<Digest, u64>, String> {
        let proof = TlogProof::parse(shown.proof.as_bytes()).map_err(|error| error.to_string())?;
        let leaf = merkle::leaf_hash(shown.line.as_bytes());
        let inside =
            merkle::proof::verify_inclusion(&leaf, proof.index, head.size, &proof.hashes, &head.root);
        let entry: Entry = serde_json::from_str(&shown.line).map_err(|error| error.to_string())?;
        if !inside || entry.kind != HEADS_KIND || proof.index.checked_add(1) != Some(head.size) {
            return Err("the heads that it shows are not its last entry".to_owned());
        }
        let body: HeadsBody = serde_json::from_value(entry.body).map_err(|error| error.to_string())?;
        let all = HeadsRoll::of(shown.heads.clone());
        if !body.is_over(&all) {
            return Err("the heads that it shows are not those that it sealed".to_owned());
        }
        let sizes: BTreeMap<Digest, u64> = all.heads().iter().map(|one| (one.log, one.size)).collect();
        for (log, known) in &self.state.heads {
            let name = log.short();
            match sizes.get(log) {
                Some(size) if size >= known => {}
                Some(size) => return Err(format!("log {name} has {size} entries where {known} were shown")),
                None => return Err(format!("log {name} with {known} entries is gone")),
            }
        }
        Ok(sizes)
    }

    /// The log key that takes over next, if a handover by the one of today is shown.
    pub(super) fn next_key(&self, from: &Path) -> Result<Option<VerifierKey>, Failure> {
        Ok(self.next_handover(from)?.map(|(_, new)| new))
    }

    fn next_handover(&self, from: &Path) -> Result<Option<(Handover, VerifierKey)>, Failure> {
        let org = from.join(LogId::Org.to_string());
        for size in sizes(&org, HANDOVER)? {
            let file = path(&org, size, HANDOVER);
            let one: Result<Handover, _> = serde_json::from_slice(&limited(&file, NOTE_FILE_BYTES_MAX)?);
            let one = one.map_err(|error| failed(&file, error))?;
            match one.rotation() {
                Ok((KeyUse::Log, old, new)) if old == self.log_key => return Ok(Some((one, new))),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Follows the log key to the one that it named, once the org log with the entry that says so is cosigned.
    pub(super) fn follow(&mut self, from: &Path) -> Result<bool, Failure> {
        let Some((handover, new)) = self.next_handover(from)? else { return Ok(false) };
        let Ok(sealed) = handover.sealed_by(&self.log_key) else { return Ok(false) };
        let known = self.state.logs.get(&sealed.origin);
        if known.is_none_or(|known| (known.size, known.root) != (sealed.size, sealed.root)) {
            return Ok(false);
        }
        self.followed(new)?;
        Ok(true)
    }

    /// From here on the new key is the one.
    pub(super) fn followed(&mut self, new: VerifierKey) -> Result<(), Failure> {
        self.state.retired.push(self.log_key.to_string());
        self.state.log_key = new.to_string();
        self.log_key = new;
        self.save()
    }

    /// A checkpoint that the log key, or one that it took over from, has signed.
    pub(super) fn opened(&self, note: &[u8]) -> Result<Checkpoint, String> {
        let retired = self.state.retired.iter().rev().filter_map(|key| key.parse::<VerifierKey>().ok());
        let older = retired.filter_map(|key| Checkpoint::open(note, &key).ok()).next();
        match Checkpoint::open(note, &self.log_key) {
            Ok(checkpoint) => Ok(checkpoint),
            Err(error) => older.ok_or_else(|| error.to_string()),
        }
    }
}
