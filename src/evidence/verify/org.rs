//! That the organisation's log has sealed the site's log at exactly this size.

use crate::base::id::LogId;
use crate::merkle;
use crate::model::entry::Entry;
use crate::model::plan::LogHead;

use super::super::bundle::manifest::{Manifest, OrgHead};
use super::super::bundle::{Files, layout};
use super::super::checkpoint::Checkpoint;
use super::super::heads::{HEADS_KIND, HeadPlace, HeadsBody};
use super::super::note::VerifierKey;
use super::super::tlog_proof::TlogProof;
use super::{Failure, Found, file, log, needed};

/// The heads that the org log ends with, checked against its signed checkpoint; they hold the site's.
pub(super) fn heads(
    files: &Files,
    manifest: &Option<Manifest>,
    key: &Option<VerifierKey>,
    checkpoint: &Option<Checkpoint>,
) -> Found<HeadsBody> {
    let manifest = needed(manifest, "the manifest")?;
    let key = needed(key, "the log key")?;
    let org = log::signed(files, layout::ORG_CHECKPOINT, key, &LogId::Org)?;
    let proof = proof(files)?;
    let head = OrgHead { size: org.size, root: org.root, heads_index: proof.index };
    if manifest.org != head {
        return Err(Failure::broken(
            "bundle.json names another head of the org log than its signed checkpoint",
        ));
    }
    let body = sealed_heads(files, &proof, &org)?;
    let checkpoint = needed(checkpoint, "the log's signature")?;
    let site = LogHead { size: checkpoint.size, root: checkpoint.root };
    let places = places(files, &body)?;
    if !body.holds(&site, &places) {
        let detail = "the org log has sealed another head of this site than the bundle shows";
        return Err(Failure::cut(detail, "entries that the org log has sealed may be missing"));
    }
    if let Some((log, _)) = manifest.shared.iter().find(|(_, head)| !body.holds(head, &places)) {
        return Err(Failure::broken(format!(
            "the head of {log} in bundle.json is not one that the org log has sealed"
        )));
    }
    let detail =
        format!("entry {} of {}, its last, holds this log among {}", proof.index, org.size, body.count());
    Ok((body, detail))
}

/// Where the heads stand that the bundle is about, if the entry holds only the root of a tree over them.
fn places(files: &Files, body: &HeadsBody) -> Result<Vec<HeadPlace>, Failure> {
    if body.tree.is_none() {
        return Ok(Vec::new());
    }
    let broken = |error: serde_json::Error| Failure::broken(format!("{}: {error}", layout::HEADS_PLACES));
    serde_json::from_slice(file(files, layout::HEADS_PLACES)?).map_err(broken)
}

fn proof(files: &Files) -> Result<TlogProof, Failure> {
    let proof = TlogProof::parse(file(files, layout::HEADS_PROOF)?)
        .map_err(|error| Failure::broken(format!("{}: {error}", layout::HEADS_PROOF)))?;
    if proof.checkpoint.as_bytes() != file(files, layout::ORG_CHECKPOINT)? {
        let detail =
            format!("{} ends with another checkpoint than {}", layout::HEADS_PROOF, layout::ORG_CHECKPOINT);
        return Err(Failure::broken(detail));
    }
    Ok(proof)
}

/// The body of the `heads` entry, if it is the last entry of the org log.
fn sealed_heads(files: &Files, proof: &TlogProof, org: &Checkpoint) -> Result<HeadsBody, Failure> {
    let broken = |what: &str| Failure::broken(format!("{}: {what}", layout::HEADS));
    let line = file(files, layout::HEADS)?;
    let leaf = merkle::leaf_hash(line);
    if !merkle::proof::verify_inclusion(&leaf, proof.index, org.size, &proof.hashes, &org.root) {
        return Err(broken("it is not an entry of the org log"));
    }
    // Only the last entry shows that no newer heads were sealed under this checkpoint.
    if proof.index.checked_add(1) != Some(org.size) {
        return Err(broken("it is not the last entry of the org log"));
    }
    let entry: Entry = serde_json::from_slice(line).map_err(|error| broken(&error.to_string()))?;
    if entry.kind != HEADS_KIND || entry.log != LogId::Org || entry.seq != proof.index {
        return Err(broken("it is not the heads entry of the org log"));
    }
    serde_json::from_value(entry.body).map_err(|error| broken(&error.to_string()))
}
