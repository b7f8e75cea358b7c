//! What the tables hold, read and written inside somebody else's transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};

use super::super::lease::LeaseRow;
use super::super::seal::unseal;
use super::super::{JournalError, Lease, Line};
use super::open::failed;
use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::time::Timestamp;
use crate::merkle::{CompactRange, leaf_hash};

/// A log's row: its number, its size and the right edge of its tree.
#[derive(Debug)]
pub(super) struct LogRow {
    pub(super) id: i64,
    pub(super) range: CompactRange,
}

/// The tables, seen through one connection.
pub(super) struct Rows<'c> {
    pub(super) connection: &'c Connection,
    pub(super) path: &'c Path,
}

impl Rows<'_> {
    /// A number that changes whenever somebody else has changed the store.
    pub(super) fn version(&self) -> Result<i64, JournalError> {
        self.connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut query| query.query_row([], |row| row.get(0)))
            .map_err(|error| failed(self.path, error))
    }

    pub(super) fn lease(&self, log: &LogId) -> Result<Option<LeaseRow>, JournalError> {
        self.connection
            .prepare_cached("SELECT holder, epoch, since_ms, until_ms FROM lease WHERE log = ?1")
            .and_then(|mut query| query.query_row([log.to_string()], stored_lease).optional())
            .map_err(|error| failed(self.path, error))
    }

    /// Every lease that was not given back.
    pub(super) fn leases(&self) -> Result<Vec<(LogId, LeaseRow)>, JournalError> {
        let failed = |error| failed(self.path, error);
        let sql =
            "SELECT holder, epoch, since_ms, until_ms, log FROM lease WHERE holder IS NOT NULL ORDER BY log";
        let mut query = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows =
            query.query_map([], |row| Ok((row.get::<_, String>(4)?, stored_lease(row)?))).map_err(failed)?;
        let mut leases = Vec::new();
        for row in rows {
            let (name, row) = row.map_err(failed)?;
            leases.push((name.parse().map_err(|error| failed_text(self.path, error))?, row));
        }
        Ok(leases)
    }

    /// `Fenced` unless this lease is the one that counts.
    pub(super) fn check_lease(&self, lease: &Lease) -> Result<(), JournalError> {
        let row = self.lease(&lease.log)?;
        let counts = row.is_some_and(|row| row.is(lease));
        if counts { Ok(()) } else { Err(JournalError::Fenced { log: lease.log.clone() }) }
    }

    pub(super) fn put_lease(&self, log: &LogId, row: &LeaseRow) -> Result<(), JournalError> {
        let sql = "INSERT INTO lease (log, holder, epoch, since_ms, until_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (log) DO UPDATE SET holder = ?2, epoch = ?3, since_ms = ?4, until_ms = ?5";
        let since = row.since.map(Timestamp::as_millis);
        self.change(sql, params![log.to_string(), row.holder, row.epoch, since, row.until.as_millis()])
    }

    /// Extends a lease; `Fenced` unless it is the one that counts.
    pub(super) fn renew_lease(&self, lease: &Lease) -> Result<(), JournalError> {
        self.check_lease(lease)?;
        let sql = "UPDATE lease SET until_ms = ?2 WHERE log = ?1";
        self.change(sql, params![lease.log.to_string(), lease.until.as_millis()])
    }

    /// Gives a lease back, if it is still the one that counts.
    pub(super) fn free_lease(&self, lease: &Lease) -> Result<(), JournalError> {
        let sql = "UPDATE lease SET holder = NULL WHERE log = ?1 AND holder = ?2 AND epoch = ?3";
        self.change(sql, params![lease.log.to_string(), lease.holder, lease.epoch])
    }

    /// How many wishes nobody has answered.
    pub(super) fn asks_waiting(&self) -> Result<usize, JournalError> {
        self.connection
            .prepare_cached("SELECT count(*) FROM ask")
            .and_then(|mut query| query.query_row([], |row| row.get(0)))
            .map_err(|error| failed(self.path, error))
    }

    pub(super) fn put_ask(&self, run: &str, text: &str) -> Result<u64, JournalError> {
        self.change("INSERT INTO ask (run, wish) VALUES (?1, ?2)", params![run, text])?;
        u64::try_from(self.connection.last_insert_rowid()).map_err(|error| failed(self.path, error))
    }

    pub(super) fn asks(&self, run: &str) -> Result<Vec<(u64, String)>, JournalError> {
        let failed = |error| failed(self.path, error);
        let sql = "SELECT number, wish FROM ask WHERE run = ?1 ORDER BY number";
        let mut query = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = query.query_map([run], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    pub(super) fn remove_ask(&self, number: u64) -> Result<(), JournalError> {
        self.change("DELETE FROM ask WHERE number = ?1", params![number])
    }

    /// Makes the row of a log that has none.
    pub(super) fn new_log(&self, log: &LogId) -> Result<LogRow, JournalError> {
        self.change("INSERT INTO log (name, size, peaks) VALUES (?1, 0, x'')", params![log.to_string()])?;
        Ok(LogRow { id: self.connection.last_insert_rowid(), range: CompactRange::default() })
    }

    fn log(&self, log: &LogId) -> Result<Option<LogRow>, JournalError> {
        match self.found(log)? {
            Some(row) => Ok(Some(row)),
            None => self.unfound(log).map(|_| None),
        }
    }

    /// All logs, none of which is this one that the index did not find: its row or the index could be damaged.
    pub(super) fn unfound(&self, log: &LogId) -> Result<BTreeMap<LogId, LogRow>, JournalError> {
        let all = self.logs()?;
        if all.contains_key(log) { Err(damaged(log, 0, "the log's index does not find it")) } else { Ok(all) }
    }

    /// A log's row, if the index finds one.
    pub(super) fn found(&self, log: &LogId) -> Result<Option<LogRow>, JournalError> {
        let stored = self
            .connection
            .prepare_cached("SELECT id, size, peaks FROM log WHERE name = ?1")
            .and_then(|mut query| query.query_row([log.to_string()], stored_log).optional())
            .map_err(|error| self.damaged_or_failed(log, 0, error))?;
        stored.map(|stored| checked(log, stored)).transpose()
    }

    pub(super) fn logs(&self) -> Result<BTreeMap<LogId, LogRow>, JournalError> {
        let failed = |error| failed(self.path, error);
        let sql = "SELECT id, size, peaks, name FROM log WHERE size > 0";
        let mut query = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows =
            query.query_map([], |row| Ok((stored_log(row)?, row.get::<_, String>(3)?))).map_err(failed)?;
        let mut logs = BTreeMap::new();
        for row in rows {
            let (stored, name) = row.map_err(failed)?;
            let log: LogId = name.parse().map_err(|error| failed_text(self.path, error))?;
            let row = checked(&log, stored)?;
            logs.insert(log, row);
        }
        Ok(logs)
    }

    pub(super) fn put_log(&self, row: &LogRow) -> Result<(), JournalError> {
        let sql = "UPDATE log SET size = ?2, peaks = ?3 WHERE id = ?1";
        self.change(sql, params![row.id, row.range.size(), row.range.to_bytes()])
    }

    pub(super) fn put_entry(&self, log: i64, line: &Line, leaf: &Digest) -> Result<(), JournalError> {
        let sql = "INSERT INTO entry (log, seq, line, leaf) VALUES (?1, ?2, ?3, ?4)";
        self.change(sql, params![log, line.entry.seq, line.text, leaf.as_bytes()])
    }

    /// A log's lines from a place on, each checked against its leaf hash, and all against the log's size; a whole log
    /// also against its root.
    pub(super) fn lines(&self, log: &LogId, from: u64) -> Result<Vec<Line>, JournalError> {
        let Some(row) = self.log(log)? else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        let mut range = CompactRange::default();
        let mut place = from;
        let failed = |place, error| self.damaged_or_failed(log, place, error);
        let sql = "SELECT seq, line, leaf FROM entry WHERE log = ?1 AND seq >= ?2 ORDER BY seq";
        let mut query = self.connection.prepare_cached(sql).map_err(|error| failed(place, error))?;
        let mut rows = query.query(params![row.id, from]).map_err(|error| failed(place, error))?;
        while let Some(stored) = rows.next().map_err(|error| failed(place, error))? {
            let entry = |stored: &Row<'_>| Ok((stored.get(0)?, stored.get(1)?, stored.get(2)?));
            let (seq, text, leaf): (u64, String, [u8; 32]) =
                entry(stored).map_err(|error| failed(place, error))?;
            let damaged = |what: &str| damaged(log, place, what);
            if seq != place || place >= row.range.size() {
                return Err(damaged(if seq == place {
                    "it is beyond the log's size"
                } else {
                    "it is missing"
                }));
            }
            if leaf_hash(text.as_bytes()).as_bytes() != &leaf {
                return Err(damaged("its bytes do not fit its hash"));
            }
            range.append(Digest::from_bytes(leaf));
            lines.push(unseal(log, seq, text)?);
            place += 1;
        }
        if place < row.range.size() {
            return Err(damaged(log, place, "it is missing"));
        }
        if from == 0 && range != row.range {
            return Err(damaged(log, place, "the entries before it do not fit the log's root"));
        }
        Ok(lines)
    }

    pub(super) fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), JournalError> {
        let sql = "INSERT INTO blob (sha256, bytes) VALUES (?1, ?2) ON CONFLICT (sha256) DO NOTHING";
        self.change(sql, params![digest.as_bytes(), bytes])
    }

    /// Takes blobs away; gives how many were there. The guard against that is lifted inside the transaction alone: nobody
    /// ever sees the store without it.
    pub(super) fn remove_blobs(&self, digests: &BTreeSet<Digest>) -> Result<usize, JournalError> {
        const GUARD: &str =
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'blob_is_never_deleted'";
        let failed = |error| failed(self.path, error);
        let guard: String = self.connection.query_row(GUARD, [], |row| row.get(0)).map_err(failed)?;
        self.connection.execute_batch("DROP TRIGGER blob_is_never_deleted").map_err(failed)?;
        let mut count = 0;
        let mut remove = self.connection.prepare("DELETE FROM blob WHERE sha256 = ?1").map_err(failed)?;
        for digest in digests {
            count += remove.execute(params![digest.as_bytes()]).map_err(failed)?;
        }
        self.connection.execute_batch(&guard).map_err(failed)?;
        Ok(count)
    }

    pub(super) fn blob(&self, digest: &Digest) -> Result<Vec<u8>, JournalError> {
        let found: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT bytes FROM blob WHERE sha256 = ?1")
            .and_then(|mut query| query.query_row([digest.as_bytes()], |row| row.get(0)).optional())
            .map_err(|error| failed(self.path, error))?;
        let bytes = found.ok_or_else(|| failed(self.path, format!("there is no blob {digest}")))?;
        if Digest::of(&bytes) != *digest {
            return Err(failed(self.path, format!("the bytes of blob {digest} do not fit its name")));
        }
        Ok(bytes)
    }

    fn change(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), JournalError> {
        let changed = self.connection.prepare_cached(sql).and_then(|mut query| query.execute(values));
        changed.map(drop).map_err(|error| failed(self.path, error))
    }

    /// A database that is broken, or holds values of other types than were written, is a damaged log.
    fn damaged_or_failed(&self, log: &LogId, seq: u64, error: rusqlite::Error) -> JournalError {
        let code = error.sqlite_error_code();
        let broken = matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
        if broken || code.is_none() {
            damaged(log, seq, &error.to_string())
        } else {
            failed(self.path, error)
        }
    }
}

struct StoredLog {
    id: i64,
    size: u64,
    peaks: Vec<u8>,
}

fn stored_log(row: &Row<'_>) -> rusqlite::Result<StoredLog> {
    Ok(StoredLog { id: row.get(0)?, size: row.get(1)?, peaks: row.get(2)? })
}

fn checked(log: &LogId, stored: StoredLog) -> Result<LogRow, JournalError> {
    let range = CompactRange::from_bytes(stored.size, &stored.peaks);
    let range = range.ok_or_else(|| damaged(log, stored.size, "the log's tree does not fit its size"))?;
    Ok(LogRow { id: stored.id, range })
}

fn stored_lease(row: &Row<'_>) -> rusqlite::Result<LeaseRow> {
    let since: Option<i64> = row.get(2)?;
    Ok(LeaseRow {
        holder: row.get(0)?,
        epoch: row.get(1)?,
        since: since.map(Timestamp::from_millis),
        until: Timestamp::from_millis(row.get(3)?),
    })
}

fn damaged(log: &LogId, seq: u64, what: &str) -> JournalError {
    JournalError::Damaged { log: log.clone(), seq, what: what.to_owned() }
}

fn failed_text(path: &Path, error: impl std::fmt::Display) -> JournalError {
    failed(path, format!("a log has a name that is none: {error}"))
}
