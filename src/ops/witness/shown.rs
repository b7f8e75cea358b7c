//! What a witness is shown over HTTP beside requests: the heads that end an org log, and who takes over as the log key.
//! It is believed as little as what stands in a folder.

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::WITNESS_REFUSED_MAX;
use crate::evidence::checkpoint::{Checkpoint, CheckpointError};
use crate::evidence::handover::{Handover, KeyUse};
use crate::evidence::origin;
use crate::evidence::tlog_proof::TlogProof;
use crate::model::plan::LogHead;
use crate::ops::checkpoints::heads::ShownHeads;
use crate::ops::error::Failure;

use super::Witness;
use super::answer::Answered;

/// The heads that an org log ends with, shown before the request to cosign it.
#[derive(Debug)]
pub(super) struct Waiting {
    head: LogHead,
    sizes: BTreeMap<Digest, u64>,
}

impl Witness {
    /// Takes the heads that an org log ends with. Where a log is smaller than it was shown before, or gone, that org log
    /// is not cosigned, now or later.
    ///
    /// # Errors
    ///
    /// If the witness's folder cannot be written.
    pub fn show_heads(&mut self, body: &[u8]) -> Result<Answered, Failure> {
        let Ok(shown) = serde_json::from_slice::<ShownHeads>(body) else { return Ok(Answered::Malformed) };
        let Ok(proof) = TlogProof::parse(shown.proof.as_bytes()) else { return Ok(Answered::Malformed) };
        let org = match Checkpoint::open(proof.checkpoint.as_bytes(), &self.log_key) {
            Ok(org) => org,
            Err(CheckpointError::Note(_)) => return Ok(Answered::NotSigned),
            Err(CheckpointError::Malformed) => return Ok(Answered::Malformed),
        };
        if org.origin != origin::of_log(self.log_key.name(), &LogId::Org) {
            return Ok(Answered::UnknownLog);
        }
        let head = LogHead { size: org.size, root: org.root };
        match self.grown(&shown, &head) {
            Ok(sizes) => {
                self.waiting = Some(Waiting { head, sizes });
                Ok(Answered::Taken)
            }
            Err(_) => {
                // Signed by the log key, so nobody else can fill the list; a full one refuses every org log.
                if self.state.refused.len() < WITNESS_REFUSED_MAX {
                    self.state.refused.insert(head.root);
                    self.save()?;
                }
                Ok(Answered::NoGrowth)
            }
        }
    }

    /// Whether a log's head was refused for the heads that it ends with.
    pub(super) fn is_refused(&self, new: &Checkpoint) -> bool {
        let org = new.origin == origin::of_log(self.log_key.name(), &LogId::Org);
        org && (self.state.refused.contains(&new.root) || self.state.refused.len() >= WITNESS_REFUSED_MAX)
    }

    /// Remembers the heads that were shown for a head that is cosigned now.
    pub(super) fn keep_shown(&mut self, cosigned: &LogHead) {
        if let Some(waiting) = self.waiting.take_if(|waiting| waiting.head == *cosigned) {
            self.state.heads.extend(waiting.sizes);
        }
    }

    /// Follows the log key to the one that it named, once the org log with the entry that says so is cosigned. Taken is
    /// only what is new.
    ///
    /// # Errors
    ///
    /// If the witness's folder cannot be written.
    pub fn take_over(&mut self, body: &[u8]) -> Result<Answered, Failure> {
        let Ok(handover) = serde_json::from_slice::<Handover>(body) else { return Ok(Answered::Malformed) };
        let new = match handover.rotation() {
            Ok((KeyUse::Log, old, new)) if old == self.log_key => new,
            Ok((KeyUse::Log | KeyUse::Bundle, ..)) => return Ok(Answered::UnknownLog),
            Err(_) => return Ok(Answered::Malformed),
        };
        let Ok(sealed) = handover.sealed_by(&self.log_key) else { return Ok(Answered::NotSigned) };
        let known = self.state.logs.get(&sealed.origin).map(|known| (known.size, known.root));
        if known != Some((sealed.size, sealed.root)) {
            return Ok(Answered::Conflict(known.map_or(0, |(size, _)| size)));
        }
        self.followed(new)?;
        Ok(Answered::Taken)
    }
}
