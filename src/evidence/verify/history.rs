//! That the log continues what was shown before: to the last reader, to this reader, to a witness.

use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId};
use crate::base::time::Timestamp;
use crate::merkle;
use crate::model::entry::Entry;

use super::super::bundle::manifest::Manifest;
use super::super::bundle::{Files, layout};
use super::super::checkpoint::Checkpoint;
use super::super::cosignature::WitnessKey;
use super::super::growth::Growth;
use super::super::handover::{Chain, KeyRing};
use super::super::note::{SignedNote, VerifierKey};
use super::super::{origin, redaction};
use super::{Failure, Found, Pins, file, log, needed};

/// What earlier checks found good, as far as they did.
pub(super) struct Sealed<'s> {
    pub(super) manifest: &'s Option<Manifest>,
    pub(super) chain: &'s Option<Chain>,
    pub(super) checkpoint: &'s Option<Checkpoint>,
    pub(super) entries: &'s Option<Vec<Entry>>,
}

/// The log continues the one of the previous bundle, and the one that the reader kept.
pub(super) fn continued(files: &Files, sealed: &Sealed<'_>, pins: &Pins) -> Found<()> {
    let manifest = needed(sealed.manifest, "the manifest")?;
    let keys = &needed(sealed.chain, "the log key")?.log;
    let own = needed(sealed.checkpoint, "the log's signature")?;
    let mut found = Vec::new();
    if let Some(previous) = &manifest.previous {
        let site = LogId::Scope(ScopeId::Site(manifest.site.clone()));
        let (older, by) = signed(files, layout::PREVIOUS, keys, &site)?;
        if (older.size, older.root) != (previous.size, previous.root) {
            return Err(Failure::broken(
                "bundle.json names another previous head than the checkpoint beside the log",
            ));
        }
        let growth = Growth::parse(file(files, layout::CONSISTENCY)?)
            .map_err(|error| Failure::broken(format!("{}: {error}", layout::CONSISTENCY)))?;
        if !growth.holds((older.size, &older.root), own) {
            let detail =
                format!("the log does not continue the {} entries of the previous bundle", older.size);
            return Err(Failure::broken(detail));
        }
        found.push(format!("continues the {} entries of the previous bundle{by}", older.size));
    }
    if let Some(kept) = &pins.previous {
        let opened = keys.open(kept.as_bytes());
        let (older, by) =
            opened.map_err(|error| Failure::broken(format!("the checkpoint that you kept: {error}")))?;
        let by = retired(keys, by);
        beginning(files, sealed, &older, "the checkpoint that you kept")?;
        found.push(format!("continues the {} entries of the checkpoint that you kept{by}", older.size));
    }
    if found.is_empty() {
        found.push("no earlier bundle is named: give --previous with one that you kept".to_owned());
    }
    Ok(((), found.join("; ")))
}

/// A checkpoint of one log that one of the keys signed, and which if it is a retired one.
fn signed(files: &Files, path: &str, keys: &KeyRing, log: &LogId) -> Result<(Checkpoint, String), Failure> {
    let opened = keys.open(file(files, path)?);
    let (checkpoint, by) = opened.map_err(|error| Failure::broken(format!("{path}: {error}")))?;
    if checkpoint.origin != origin::of_log(by.name(), log) {
        return Err(Failure::broken(format!("{path} is of the log {}", checkpoint.origin)));
    }
    Ok((checkpoint, retired(keys, by)))
}

/// Which key signed, if it is not today's.
fn retired(keys: &KeyRing, by: &VerifierKey) -> String {
    if by == keys.current() { String::new() } else { format!(", signed by the retired key {by}") }
}

/// The log's beginning is the one that the witness has cosigned.
pub(super) fn witnessed(files: &Files, sealed: &Sealed<'_>, witness: Option<&WitnessKey>) -> Found<()> {
    let keys = &needed(sealed.chain, "the log key")?.log;
    let Some(bytes) = files.get(layout::WITNESSED) else {
        return match witness {
            Some(witness) => {
                Err(Failure::missing(format!("no checkpoint is cosigned by {}", witness.name())))
            }
            None => Ok(((), "no witness has cosigned this log".to_owned())),
        };
    };
    let broken = |what: &dyn std::fmt::Display| Failure::broken(format!("{}: {what}", layout::WITNESSED));
    let (older, _) = keys.open(bytes).map_err(|error| broken(&error))?;
    beginning(files, sealed, &older, layout::WITNESSED)?;
    let covered =
        format!("{} of {} entries", older.size, needed(sealed.checkpoint, "the log's signature")?.size);
    let Some(witness) = witness else {
        return Ok((
            (),
            format!("{covered} are cosigned; give --witness with the witness's key to check by whom"),
        ));
    };
    let note = SignedNote::parse(bytes).map_err(|error| broken(&error))?;
    let seconds = witness.cosigned(&note).map_err(|error| broken(&error))?;
    let at = Timestamp::from_millis(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000));
    Ok(((), format!("{covered} cosigned by {} at {at}", witness.name())))
}

/// An older checkpoint is over exactly the first lines of the log.
fn beginning(files: &Files, sealed: &Sealed<'_>, older: &Checkpoint, what: &str) -> Result<(), Failure> {
    let manifest = needed(sealed.manifest, "the manifest")?;
    let keys = &needed(sealed.chain, "the log key")?.log;
    needed(sealed.entries, "the log")?;
    let log = LogId::Scope(ScopeId::Site(manifest.site.clone()));
    if older.origin != origin::of_log(keys.current().name(), &log) {
        return Err(Failure::broken(format!("{what} is of the log {}", older.origin)));
    }
    let (lines, _) = log::lines(file(files, layout::LOG)?);
    let size = usize::try_from(older.size).unwrap_or(usize::MAX);
    let Some(beginning) = lines.get(..size) else {
        let missing = format!("{} of {} entries", lines.len(), older.size);
        return Err(Failure::cut(
            format!("{what} is over more entries than the log has: {missing}"),
            missing,
        ));
    };
    let leaves: Vec<Digest> = beginning.iter().map(|line| redaction::leaf(line)).collect();
    if merkle::root(&leaves) == older.root {
        return Ok(());
    }
    Err(Failure::broken(format!(
        "history was rewritten: the first {} entries are not those of {what}",
        older.size
    )))
}
