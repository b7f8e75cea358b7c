//! Keys that took over, with the proofs that the org log of a bundle continues theirs.

use crate::base::digest::Digest;
use crate::evidence::growth::Growth;
use crate::evidence::handover::Handover;
use crate::evidence::tlog_proof::TlogProof;
use crate::ops::error::Failure;
use crate::ops::keys::Keys;

/// The handovers of the keys, each with the proof that the org log of these leaves continues it.
pub(super) fn handovers(keys: &Keys, leaves: &[Digest]) -> Result<Vec<Handover>, Failure> {
    let grown = |one: &Handover| {
        let proof = TlogProof::parse(one.proof.as_bytes()).ok()?;
        let growth = Growth::new(leaves, proof.index + 1)?;
        Some(Handover { growth: Some(growth.text()), ..one.clone() })
    };
    let all: Option<Vec<Handover>> = keys.handovers.iter().map(grown).collect();
    all.ok_or_else(|| Failure::NotVerified {
        what: "the org log is shorter than when a key took over".to_owned(),
    })
}
