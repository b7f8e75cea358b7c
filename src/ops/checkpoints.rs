//! Checkpoints as things happen: every log that grew is signed, kept in the state folder, and handed to others.
//!
//! A copy that others hold is what shows later that history was not rewritten. So a checkpoint is written once and
//! never replaced, each comes with the proof that it continues the one before, and what could not be handed on is
//! handed on the next time. Nothing here ever fails a launch.

pub mod heads;
mod stamps;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::{CHECKPOINTS_MAX, HANDOVERS_MAX, NOTE_FILE_BYTES_MAX, WITNESS_FILE_BYTES_MAX};
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::growth::Growth;
use crate::journal::Journal;
use crate::merkle;
use crate::model::estate::{Estate, Hook};
use crate::ops::Context;
use crate::ops::earlier::{failed, limited, write};
use crate::ops::error::Failure;
use crate::ops::hook::{self, Given, Handed, Locked, Outside};
use crate::ops::keys::Keys;
use crate::ops::note::{self, Note};

/// How a signed checkpoint is called behind its size.
pub const CHECKPOINT: &str = "checkpoint";
/// How the request to a witness is called behind its size.
pub const REQUEST: &str = "request";
/// How a cosigned checkpoint is called behind its size.
pub const COSIGNED: &str = "cosigned";
/// How the heads of all logs are called behind the size of the org log that they end.
pub const HEADS: &str = "heads";
/// How a handover from key to key is called behind the size of the org log that it ends.
pub const HANDOVER: &str = "handover";
/// How a time stamp over a checkpoint is called behind its size.
pub const STAMP: &str = "tsr";

/// What became of the checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Checkpoints that were made.
    pub made: usize,
    /// What went wrong, in words; all of it is tried again the next time.
    pub troubles: Vec<String>,
    /// What is locked somewhere now, as it was read back; [`note_locks`] records it.
    pub locked: Vec<Locked>,
}

/// Signs a checkpoint of every log that grew since the last time and hands on all that was not handed on yet.
/// To be called after a launch has ended or was stopped, after an export, and after a gate was decided.
pub fn record(context: &Context, journal: &dyn Journal, estate: &Estate, rehearsal: bool) -> Recorded {
    let mut recorded = Recorded::default();
    match made(context, journal, &estate.name, rehearsal) {
        Ok(count) => recorded.made = count,
        Err(failure) => recorded.troubles.push(format!("checkpoints could not be made: {failure}")),
    }
    if !rehearsal && let Err(why) = stamps::daily(context, &estate.timestamps) {
        recorded.troubles.push(format!("the org log has no time stamp of today: {why}"));
    }
    let outside = Outside { context, journal, estate };
    for hook in &estate.publish {
        if let Err(failure) = publish(&outside, hook, &mut recorded.locked) {
            recorded.troubles.push(format!("checkpoints are not with {hook} yet: {failure}"));
        }
    }
    recorded
}

/// The folder of all checkpoints.
pub fn folder(context: &Context) -> PathBuf {
    context.state.join("checkpoints")
}

/// Records what stores say about their locks, so that bundles can show it. A store that locks only what this very
/// record has added to the org log is not recorded again: it would never end.
///
/// # Errors
///
/// If somebody else writes the org log, or the journal fails.
pub fn note_locks(context: &Context, journal: &mut dyn Journal, locked: &[Locked]) -> Result<(), Failure> {
    let org = LogId::Org.to_string();
    let lines = journal.read(&LogId::Org, 0)?;
    let own = |one: &&Locked| {
        let last = usize::try_from(one.size).ok().and_then(|size| lines.get(size.checked_sub(1)?));
        one.log == org && last.is_some_and(|line| line.entry.kind == hook::LOCKED_KIND)
    };
    if locked.is_empty() || locked.iter().all(|one| own(&one)) {
        return Ok(());
    }
    let notes: Result<Vec<Note>, Failure> =
        locked.iter().map(|one| Note::of(hook::LOCKED_KIND, one)).collect();
    let notes = notes?;
    note::write(context, journal, &LogId::Org, |_| Ok((notes, ()))).map(drop)
}

fn made(context: &Context, journal: &dyn Journal, estate: &str, rehearsal: bool) -> Result<usize, Failure> {
    let keys = Keys::open(&context.key_dir(), estate, rehearsal, context.entropy)?;
    let mut count = 0;
    let all = journal.heads()?;
    for (log, head) in &all {
        let kept = folder(context).join(log.to_string());
        let last = sizes(&kept, CHECKPOINT)?.last().copied().unwrap_or(0);
        if head.size <= last {
            continue;
        }
        let lines = journal.read(log, 0)?;
        let upto = usize::try_from(head.size).unwrap_or(usize::MAX).min(lines.len());
        let leaves: Vec<Digest> =
            lines[..upto].iter().map(|line| merkle::leaf_hash(line.text.as_bytes())).collect();
        let growth = continued(&kept, &keys, log, &leaves, last)?;
        let note = keys.checkpoint(log, head)?;
        if *log == LogId::Org {
            heads::keep(&kept, &keys, &all, &lines[..upto], &note)?;
        }
        // The request first: a checkpoint that is there has its proof beside it.
        write(&path(&kept, head.size, REQUEST), growth.request(&note).as_bytes())?;
        write(&path(&kept, head.size, CHECKPOINT), note.as_bytes())?;
        count += 1;
    }
    Ok(count)
}

/// The proof that the log continues its last checkpoint.
fn continued(kept: &Path, keys: &Keys, log: &LogId, leaves: &[Digest], last: u64) -> Result<Growth, Failure> {
    let rewritten = || Failure::NotVerified {
        what: format!("the log of {log} does not continue the {last} entries of its last checkpoint"),
    };
    let growth = Growth::new(leaves, last).ok_or_else(rewritten)?;
    if last == 0 {
        return Ok(growth);
    }
    let path = path(kept, last, CHECKPOINT);
    let note = limited(&path, NOTE_FILE_BYTES_MAX)?;
    let (older, _) = keys.ring().open(&note).map_err(|error| failed(&path, error))?;
    let new =
        Checkpoint { origin: older.origin.clone(), size: leaves.len() as u64, root: merkle::root(leaves) };
    if growth.holds((older.size, &older.root), &new) { Ok(growth) } else { Err(rewritten()) }
}

/// Hands on what a hook has not got yet, log by log and in order; stops at the first failure. What a witness does not take
/// because another key signed it waits until the witness was shown which key took over, and is handed on then.
fn publish(outside: &Outside<'_>, hook: &Hook, locked: &mut Vec<Locked>) -> Result<(), Failure> {
    let context = outside.context;
    let name = Digest::of_canonical(&hook.to_string()).short();
    let marks = context.state.join("published").join(format!("{name}.json"));
    let mut published: BTreeMap<String, u64> = match marks.exists() {
        true => {
            serde_json::from_slice(&limited(&marks, NOTE_FILE_BYTES_MAX)?).map_err(|e| failed(&marks, e))?
        }
        false => BTreeMap::new(),
    };
    for _ in 0..HANDOVERS_MAX {
        let before = published.get(&LogId::Org.to_string()).copied().unwrap_or(0);
        let waiting = publish_logs(outside, hook, locked, (&marks, &mut published))?;
        // All of them if something waits, else those that came along just now.
        let shown = handovers(context, if waiting.is_some() { 0 } else { before })?;
        if shown.is_empty() || !hook::hand_over(hook, &shown)? || waiting.is_none() {
            return waiting.map_or(Ok(()), |log| {
                Err(Failure::failed(format!("it does not know the key that signed the checkpoint of {log}")))
            });
        }
    }
    Err(Failure::failed("it does not follow the keys to today's"))
}

/// One round over all logs; the first one whose checkpoint is by a key that is not known there yet.
fn publish_logs(
    outside: &Outside<'_>,
    hook: &Hook,
    locked: &mut Vec<Locked>,
    (marks, published): (&Path, &mut BTreeMap<String, u64>),
) -> Result<Option<String>, Failure> {
    let mut waiting = None;
    for log in logs(&folder(outside.context))? {
        let kept = folder(outside.context).join(&log);
        let last = published.get(&log).copied().unwrap_or(0);
        for size in sizes(&kept, CHECKPOINT)?.into_iter().filter(|size| *size > last) {
            let given = Given { log: &log, size, files: &files(&kept, size)? };
            match hook::hand_on(outside, hook, &given)? {
                Handed::Taken(lock) => locked.extend(lock),
                Handed::OtherKey => {
                    waiting.get_or_insert_with(|| log.clone());
                    break;
                }
            }
            published.insert(log.clone(), size);
            let bytes = serde_json::to_vec(&published).map_err(|error| failed(marks, error))?;
            write(marks, &bytes)?;
        }
    }
    Ok(waiting)
}

/// The handovers in the org log behind a size, oldest first.
fn handovers(context: &Context, behind: u64) -> Result<Vec<Vec<u8>>, Failure> {
    let org = folder(context).join(LogId::Org.to_string());
    let all = sizes(&org, HANDOVER)?.into_iter().filter(|size| *size > behind);
    all.map(|size| limited(&path(&org, size, HANDOVER), NOTE_FILE_BYTES_MAX)).collect()
}

/// What there is of a checkpoint: itself, the request to a witness, and what else the org log has.
fn files(kept: &Path, size: u64) -> Result<Vec<(&'static str, Vec<u8>)>, Failure> {
    let mut files = Vec::new();
    for kind in [CHECKPOINT, REQUEST, HEADS, HANDOVER, STAMP] {
        let path = path(kept, size, kind);
        if [CHECKPOINT, REQUEST].contains(&kind) || path.exists() {
            files.push((kind, limited(&path, WITNESS_FILE_BYTES_MAX)?));
        }
    }
    Ok(files)
}

/// The file of a log's checkpoint at a size.
pub fn path(folder: &Path, size: u64, kind: &str) -> PathBuf {
    folder.join(format!("{size:012}.{kind}"))
}

/// The sizes for which a log's folder has files of a kind, in order.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn sizes(folder: &Path, kind: &str) -> Result<Vec<u64>, Failure> {
    let names = match fs::read_dir(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder, error)),
    };
    let mut sizes = Vec::new();
    for name in names.take(CHECKPOINTS_MAX) {
        let name = name.map_err(|error| failed(folder, error))?.file_name();
        let size =
            name.to_str().and_then(|name| name.strip_suffix(kind)?.strip_suffix('.')?.parse::<u64>().ok());
        sizes.extend(size);
    }
    sizes.sort_unstable();
    Ok(sizes)
}

/// The logs that a folder of checkpoints is about.
///
/// # Errors
///
/// If a folder cannot be read.
pub fn logs(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for name in names(folder)? {
        if name.parse::<LogId>().is_ok() {
            found.push(name);
            continue;
        }
        for inner in names(&folder.join(&name))? {
            let log = format!("{name}/{inner}");
            found.extend(log.parse::<LogId>().is_ok().then_some(log));
        }
    }
    found.sort();
    Ok(found)
}

fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries.take(CHECKPOINTS_MAX) {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let is_dir = entry.file_type().map_err(|error| failed(folder, error))?.is_dir();
        names.extend(is_dir.then(|| entry.file_name().into_string().ok()).flatten());
    }
    Ok(names)
}
