//! Keys that took over, with the proofs that the org log of a bundle continues theirs.

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::evidence::growth::Growth;
use crate::evidence::handover::Handover;
use crate::evidence::tlog_proof::TlogProof;
use crate::journal::Journal;
use crate::merkle;
use crate::ops::error::Failure;
use crate::ops::keys::Keys;

/// The handovers of the keys, each with the proof that the org log of the bundle continues it.
pub(super) fn handovers(
    journal: &dyn Journal,
    keys: &Keys,
    heads: &TlogProof,
) -> Result<Vec<Handover>, Failure> {
    if keys.handovers.is_empty() {
        return Ok(Vec::new());
    }
    let lines = journal.read(&LogId::Org, 0)?;
    let until = usize::try_from(heads.index).map_or(lines.len(), |index| index + 1).min(lines.len());
    let leaves: Vec<Digest> =
        lines[..until].iter().map(|line| merkle::leaf_hash(line.text.as_bytes())).collect();
    let grown = |one: &Handover| {
        let proof = TlogProof::parse(one.proof.as_bytes()).ok()?;
        let growth = Growth::new(&leaves, proof.index + 1)?;
        Some(Handover { growth: Some(growth.text()), ..one.clone() })
    };
    let all: Option<Vec<Handover>> = keys.handovers.iter().map(grown).collect();
    all.ok_or_else(|| Failure::NotVerified {
        what: "the org log is shorter than when a key took over".to_owned(),
    })
}
