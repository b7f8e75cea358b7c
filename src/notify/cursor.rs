//! How far each sink was told, in one small file per sink. A file that cannot be used is said so and begun anew at the
//! end of the logs: rather a notice too few than the whole history again.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::{CURSOR_FILE_BYTES_MAX, NOTIFY_RETRY_BASE, NOTIFY_RETRY_CAP};
use crate::base::time::{Millis, Timestamp};
use crate::model::plan::LogHead;

/// Format version of a cursor's file.
const CURSOR_VERSION: u32 = 1;

/// How far a sink was told, and what it rests for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    v: u32,
    /// The estate's lineage.
    lineage: String,
    /// Which place it is about.
    place: Digest,
    /// By log, the first entry that was not looked at for this sink yet.
    pub logs: BTreeMap<LogId, u64>,
    /// Notices that were taken since the cursor began.
    pub sent: u64,
    /// Notices that were given up since the cursor began.
    pub dropped: u64,
    /// When the last one was taken.
    pub last_sent: Option<Timestamp>,
    /// Until when it is left alone.
    pub rest: Option<Rest>,
    /// Why nothing is sent any more.
    pub closed: Option<String>,
}

/// Why and until when a sink is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rest {
    /// Failures in a row.
    pub failures: u32,
    /// When the last of them was.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Whether the sink itself asked for it.
    pub asked: bool,
    /// What went wrong.
    pub why: String,
}

impl Rest {
    /// The rest after one more failure: twice the last one, or as long as the sink asked for if that is longer.
    pub fn after(last: Option<&Rest>, why: String, retry_after: Option<Millis>, now: Timestamp) -> Self {
        let failures = last.map_or(0, |rest| rest.failures).saturating_add(1);
        let factor = 1_u64.checked_shl(failures - 1).unwrap_or(u64::MAX);
        let own = Millis(NOTIFY_RETRY_BASE.0.saturating_mul(factor)).min(NOTIFY_RETRY_CAP);
        let length = retry_after.map_or(own, |asked| asked.max(own));
        Self { failures, since: now, until: now + length, asked: retry_after.is_some(), why }
    }

    /// Whether it is over. One that began in the future was written under another clock and does not count.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now || self.since > now
    }
}

impl Cursor {
    /// A cursor at the end of these logs.
    pub(super) fn at_end(lineage: &str, place: Digest, heads: &BTreeMap<LogId, LogHead>) -> Self {
        Self {
            v: CURSOR_VERSION,
            lineage: lineage.to_owned(),
            place,
            logs: heads.iter().map(|(log, head)| (log.clone(), head.size)).collect(),
            sent: 0,
            dropped: 0,
            last_sent: None,
            rest: None,
            closed: None,
        }
    }

    /// Fits the cursor to the logs and to the place as it is now; gives back what there is to say about it.
    fn fit(&mut self, place: Digest, heads: &BTreeMap<LogId, LogHead>) -> Vec<String> {
        if self.place != place {
            // Somewhere else: what the old place answered says nothing about it.
            (self.place, self.rest, self.closed) = (place, None, None);
        }
        let mut notes = Vec::new();
        for (log, next) in &mut self.logs {
            let size = heads.get(log).map_or(0, |head| head.size);
            if *next > size {
                notes.push(format!(
                    "the log of {log} has {size} entries, but {next} were told of: it is not the log it was; telling \
                     goes on at its end"
                ));
                *next = size;
            }
        }
        notes
    }
}

/// The folder of all cursors.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The cursors in this folder, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Keeps other processes from delivering at the same time, for as long as the file is held.
    ///
    /// # Errors
    ///
    /// If another one does, or the folder cannot be used.
    pub fn lock(&self) -> Result<File, String> {
        let told =
            |error: std::io::Error| format!("{} cannot be used: {}", self.folder.display(), error.kind());
        fs::create_dir_all(&self.folder).map_err(told)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join("lock"))
            .map_err(told)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err("another process is delivering notices".to_owned()),
            Err(TryLockError::Error(error)) => Err(told(error)),
        }
    }

    /// The cursor of a sink, and what there is to say about it; a new one at the end of the logs if there is none, or
    /// none that can be used.
    pub(super) fn load(
        &self,
        name: &str,
        (lineage, place): (&str, Digest),
        heads: &BTreeMap<LogId, LogHead>,
    ) -> (Cursor, Vec<String>) {
        let path = self.path(name);
        let read = limited(&path).and_then(|bytes| match bytes {
            None => Ok(None),
            Some(bytes) => parsed(&bytes, lineage).map(Some),
        });
        match read {
            Ok(Some(mut cursor)) => {
                let notes = cursor.fit(place, heads);
                (cursor, notes)
            }
            Ok(None) => (Cursor::at_end(lineage, place, heads), Vec::new()),
            Err(what) => {
                let note = format!(
                    "{} {what}: telling goes on at the end of the logs, and what was waiting is not told",
                    path.display()
                );
                (Cursor::at_end(lineage, place, heads), vec![note])
            }
        }
    }

    /// Whether a sink has a cursor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Writes a cursor whole or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(super) fn save(&self, name: &str, cursor: &Cursor) -> Result<(), String> {
        let path = self.path(name);
        let told = |error: std::io::Error| format!("{} cannot be written: {}", path.display(), error.kind());
        let bytes = serde_json::to_vec(cursor).expect("a cursor has a JSON form");
        fs::create_dir_all(&self.folder).map_err(told)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(told)?;
        file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(told)?;
        file.persist(&path).map_err(|error| told(error.error))?;
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

fn limited(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let told = |error: std::io::Error| format!("cannot be read ({})", error.kind());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    let mut bytes = Vec::new();
    file.take(CURSOR_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > CURSOR_FILE_BYTES_MAX { Err("is too large".to_owned()) } else { Ok(Some(bytes)) }
}

fn parsed(bytes: &[u8], lineage: &str) -> Result<Cursor, String> {
    let cursor: Cursor = serde_json::from_slice(bytes).map_err(|_| "is damaged".to_owned())?;
    match cursor {
        cursor if cursor.v != CURSOR_VERSION => Err("is from another version of landfall".to_owned()),
        cursor if cursor.lineage != lineage => Err("is about another estate".to_owned()),
        cursor => Ok(cursor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_the_cap_and_give_way_to_what_was_asked_for() {
        let now = Timestamp::from_millis(0);
        let mut rest = None;
        let mut lengths = Vec::new();
        for _ in 0..70 {
            let next = Rest::after(rest.as_ref(), "x".to_owned(), None, now);
            lengths.push(next.until.since(now).0 / 1000);
            rest = Some(next);
        }
        assert_eq!(lengths[..8], [30, 60, 120, 240, 480, 960, 1920, 3600]);
        assert_eq!(lengths[69], 3600);
        let asked = Rest::after(None, "x".to_owned(), Some(Millis::from_secs(600)), now);
        assert_eq!((asked.until.since(now), asked.asked), (Millis::from_secs(600), true));
        let short = Rest::after(None, "x".to_owned(), Some(Millis(0)), now);
        assert_eq!(short.until.since(now), NOTIFY_RETRY_BASE, "nobody is hammered because they ask for it");
    }

    #[test]
    fn a_rest_from_the_future_does_not_bind() {
        let now = Timestamp::from_millis(1_000_000);
        let rest = Rest::after(None, "x".to_owned(), None, now);
        assert!(!rest.is_over(now) && rest.is_over(rest.until));
        assert!(rest.is_over(now - Millis(1)), "the clock was set back");
    }
}
