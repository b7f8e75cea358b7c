//! The site's log against its signed checkpoint.

use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId};
use crate::merkle;
use crate::model::entry::Entry;

use super::super::bundle::manifest::Manifest;
use super::super::bundle::{Files, layout};
use super::super::checkpoint::Checkpoint;
use super::super::note::VerifierKey;
use super::super::origin;
use super::super::redaction;
use super::difference::Difference;
use super::{Failure, Found, file, needed};

/// The checkpoint, if the log key signed it and it is this site's.
pub(super) fn checkpoint(
    files: &Files,
    manifest: &Option<Manifest>,
    key: &Option<VerifierKey>,
) -> Found<Checkpoint> {
    let key = needed(key, "the log key")?;
    let manifest = needed(manifest, "the manifest")?;
    let log = LogId::Scope(ScopeId::Site(manifest.site.clone()));
    let checkpoint = signed(files, layout::CHECKPOINT, key, &log)?;
    if manifest.origin != key.name() {
        return Err(Failure::broken("bundle.json names another origin than the log key"));
    }
    if (manifest.log.size, manifest.log.root) != (checkpoint.size, checkpoint.root) {
        return Err(Failure::broken("bundle.json names another head of the log than its signed checkpoint"));
    }
    let detail = format!("{}: {} entries, root {}", checkpoint.origin, checkpoint.size, checkpoint.root);
    Ok((checkpoint, detail))
}

/// A checkpoint of one log of this key.
pub(super) fn signed(
    files: &Files,
    path: &str,
    key: &VerifierKey,
    log: &LogId,
) -> Result<Checkpoint, Failure> {
    let opened = Checkpoint::open(file(files, path)?, key);
    let checkpoint = opened.map_err(|error| Failure::broken(format!("{path}: {error}")))?;
    if checkpoint.origin != origin::of_log(key.name(), log) {
        return Err(Failure::broken(format!("{path} is of the log {}", checkpoint.origin)));
    }
    Ok(checkpoint)
}

/// The entries, if they are exactly those that were sealed.
pub(super) fn entries(
    files: &Files,
    manifest: &Option<Manifest>,
    checkpoint: &Option<Checkpoint>,
) -> Found<Vec<Entry>> {
    let checkpoint = needed(checkpoint, "the log's signature")?;
    let manifest = needed(manifest, "the manifest")?;
    let (lines, ended) = lines(file(files, layout::LOG)?);
    let own: Vec<Digest> = lines.iter().map(|line| redaction::leaf(line)).collect();
    let sealed = (own.len() as u64, merkle::root(&own)) == (checkpoint.size, checkpoint.root);
    let leaves = leaves(files, checkpoint);
    if !sealed {
        return Err(difference(&own, &lines, leaves.as_deref(), ended, checkpoint));
    }
    if leaves.is_none() {
        return Err(Failure::broken(format!("{} is not that of the signed checkpoint", layout::LEAVES)));
    }
    if !ended {
        return Err(Failure::broken(format!("the last line of {} does not end", layout::LOG)));
    }
    let log = LogId::Scope(ScopeId::Site(manifest.site.clone()));
    let entries = redaction::read(&log, &lines)
        .map_err(|bad| Failure::broken(format!("entry {} cannot be used: {}", bad.seq, bad.what)))?;
    let taken = lines.iter().filter(|line| redaction::redacted_leaf(line).is_some()).count();
    let redacted =
        if taken == 0 { String::new() } else { format!(", {taken} of them redacted to their hashes") };
    Ok((entries, format!("{} entries, each as it was sealed{redacted}", lines.len())))
}

/// The lines of a file, and whether the last one ends.
pub(super) fn lines(bytes: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let ended = lines.last().is_some_and(|last| last.is_empty());
    if ended {
        lines.pop();
    }
    (lines, ended)
}

/// The sealed leaf hashes, if they are those under the signed root.
fn leaves(files: &Files, checkpoint: &Checkpoint) -> Option<Vec<Digest>> {
    let text = std::str::from_utf8(files.get(layout::LEAVES)?).ok()?;
    let leaves: Option<Vec<Digest>> =
        text.split_terminator('\n').map(|line| line.parse::<Digest>().ok()).collect();
    let leaves = leaves?;
    let exact = text.is_empty() || text.ends_with('\n');
    let sealed = (leaves.len() as u64, merkle::root(&leaves)) == (checkpoint.size, checkpoint.root);
    (exact && sealed).then_some(leaves)
}

/// Names the first bad entry of a log that is not the sealed one.
fn difference(
    own: &[Digest],
    lines: &[&[u8]],
    leaves: Option<&[Digest]>,
    ended: bool,
    checkpoint: &Checkpoint,
) -> Failure {
    let Some(leaves) = leaves else { return without_leaves(lines, checkpoint) };
    // A last line without its end is half an entry, and as good as none.
    let whole = if ended { own } else { &own[..own.len().saturating_sub(1)] };
    let difference = Difference::first(own, leaves).filter(|difference| {
        ended || !matches!(difference, Difference::Changed { place } if *place == whole.len())
    });
    let Some(difference) = difference.or_else(|| Difference::first(whole, leaves)) else {
        return Failure::broken("the lines are not those that were sealed");
    };
    match difference.missing() {
        Some(missing) => Failure::cut(difference.to_string(), missing),
        None => Failure::broken(difference.to_string()),
    }
}

/// Without the leaf hashes only a line that is no entry, or says that it belongs elsewhere, can be named.
fn without_leaves(lines: &[&[u8]], checkpoint: &Checkpoint) -> Failure {
    let (found, sealed) = (lines.len() as u64, checkpoint.size);
    let numbered = |(place, line): (u64, &&[u8])| {
        serde_json::from_slice::<Entry>(line).is_ok_and(|entry| entry.seq == place)
    };
    let bad = (0..).zip(lines).find(|pair| !numbered(*pair)).map(|(place, _)| place);
    let first =
        bad.map_or_else(String::new, |place| format!("; the first that is not numbered so is entry {place}"));
    let detail = format!(
        "the {found} lines are not the {sealed} entries that were sealed, and {} does not fit the checkpoint either{first}",
        layout::LEAVES
    );
    if found < sealed {
        Failure::cut(detail, format!("{found} of {sealed} entries"))
    } else {
        Failure::broken(detail)
    }
}
