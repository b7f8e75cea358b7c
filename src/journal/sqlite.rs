//! The journal in one SQLite file: what one person's machine or one server needs, with nothing to install.

mod crash;
mod open;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::holder::Holders;
use super::lease::{Claim, LeaseRow};
use super::seal::{check_ask, check_blob, salt, seal};
use super::{Journal, JournalError, Lease, Line, Lock};
use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId};
use crate::base::time::{Millis, Timestamp};
use crate::entropy::Entropy;
use crate::merkle::leaf_hash;
use crate::model::ask::Ask;
use crate::model::entry::EntryDraft;
use crate::model::plan::LogHead;

use rows::{LogRow, Rows};

/// A journal in `journal.db` of a folder of its own.
#[derive(Debug)]
pub struct SqliteJournal {
    connection: Connection,
    path: PathBuf,
    /// Nothing in a journal that was opened for reading only.
    holders: Option<Holders>,
    entropy: Entropy,
    kept: Kept,
}

/// What the last append saw and wrote, so that the next one need not ask for it. It counts only while nobody else has
/// changed the store, which SQLite tells by a number; an append that fails, and any other write of ours, forgets it.
#[derive(Debug, Default)]
struct Kept {
    version: Option<i64>,
    leases: BTreeMap<LogId, Lease>,
    logs: BTreeMap<LogId, LogRow>,
    /// Whether all logs of the store are among these: then one that is not is new, and nobody need look through them again.
    all_logs: bool,
}

impl Kept {
    /// Forgets everything if the store is not as it was.
    fn at(self, version: i64) -> Self {
        if self.version == Some(version) { self } else { Self { version: Some(version), ..Self::default() } }
    }

    /// `Fenced` unless this lease is the one that counts.
    fn check_lease(&mut self, rows: &Rows<'_>, lease: &Lease) -> Result<(), JournalError> {
        let known = self.leases.get(&lease.log);
        if known.is_some_and(|known| known.epoch == lease.epoch && known.holder == lease.holder) {
            return Ok(());
        }
        rows.check_lease(lease)?;
        self.leases.insert(lease.log.clone(), lease.clone());
        Ok(())
    }

    fn log(&mut self, rows: &Rows<'_>, log: &LogId) -> Result<&mut LogRow, JournalError> {
        if !self.logs.contains_key(log) {
            let row = match rows.found(log)? {
                Some(row) => row,
                None => self.new_log(rows, log)?,
            };
            self.logs.insert(log.clone(), row);
        }
        Ok(self.logs.get_mut(log).expect("it was just put there"))
    }

    fn new_log(&mut self, rows: &Rows<'_>, log: &LogId) -> Result<LogRow, JournalError> {
        if !self.all_logs {
            for (there, row) in rows.unfound(log)? {
                self.logs.entry(there).or_insert(row);
            }
            self.all_logs = true;
        }
        rows.new_log(log)
    }
}

impl SqliteJournal {
    /// Opens the journal in this folder; makes both if they are not there.
    ///
    /// # Errors
    ///
    /// `Newer` if a newer program wrote it, `Store` if it cannot be used.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let path = open::prepare(dir)?;
        let connection = open::for_writing(&path)?;
        Ok(Self {
            connection,
            path,
            holders: Some(Holders::new(dir.join(open::HOLDERS))),
            entropy: Entropy::System,
            kept: Kept::default(),
        })
    }

    /// Opens the journal in this folder for reading only. Creates nothing, and writing to it fails.
    ///
    /// For one look at it, for status or export: keep it no longer than that, as another process may be writing.
    ///
    /// # Errors
    ///
    /// `Newer` if a newer program wrote it, `Store` if there is none or it cannot be used.
    pub fn open_read_only(dir: &Path) -> Result<Self, JournalError> {
        let path = dir.join(open::FILE);
        let connection = open::for_reading(&path)?;
        Ok(Self { connection, path, holders: None, entropy: Entropy::System, kept: Kept::default() })
    }

    /// Copies the journal in one folder, as it stands at this moment, into another folder, which must have none.
    ///
    /// # Errors
    ///
    /// If there is no journal, or the copy cannot be written.
    pub fn copy(from: &Path, to: &Path) -> Result<(), JournalError> {
        let connection = open::for_reading(&from.join(open::FILE))?;
        let path = open::prepare(to)?;
        let target = path.to_str().ok_or_else(|| open::failed(&path, "its path is not UTF-8"))?;
        connection.execute("VACUUM INTO ?1", [target]).map_err(|error| open::failed(&path, error))?;
        Ok(())
    }

    /// The same journal, whose salts come from there.
    #[must_use]
    pub fn with_entropy(self, entropy: Entropy) -> Self {
        Self { entropy, ..self }
    }

    /// A transaction that no other writer can come between. What is not committed is rolled back.
    fn write(&mut self) -> Result<(Transaction<'_>, &Path), JournalError> {
        let Self { connection, path, holders, entropy: _, kept } = self;
        *kept = Kept::default();
        if holders.is_none() {
            return Err(open::failed(path, "it was opened for reading only"));
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.map_err(|error| open::failed(path, error))?;
        Ok((transaction, path))
    }

    /// A transaction that sees one state of the store throughout.
    fn look(&self) -> Result<Transaction<'_>, JournalError> {
        self.connection.unchecked_transaction().map_err(|error| open::failed(&self.path, error))
    }

    fn claim(&mut self, claim: &Claim<'_>) -> Result<Lease, JournalError> {
        let lease = self.claim_all(std::slice::from_ref(claim))?.pop();
        Ok(lease.expect("one lease for one claim"))
    }

    /// What one holder claims, all or nothing.
    fn claim_all(&mut self, claims: &[Claim<'_>]) -> Result<Vec<Lease>, JournalError> {
        let failed = |error: std::io::Error| open::failed(&self.path, error);
        let Some(holders) = &mut self.holders else {
            return Err(open::failed(&self.path, "it was opened for reading only"));
        };
        let Some(holder) = claims.first().map(|claim| claim.holder) else { return Ok(Vec::new()) };
        self.kept = Kept::default();
        let alone = holders.claim(holder).map_err(failed)?;
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior);
        let transaction = transaction.map_err(|error| open::failed(&self.path, error))?;
        let rows = Rows { connection: &transaction, path: &self.path };
        let mut leases = Vec::with_capacity(claims.len());
        for claim in claims {
            let log = claim.log;
            let row = rows.lease(log)?;
            if !alone {
                let (since, until) = row.map_or((None, claim.now), |row| (row.since, row.until));
                let (log, holder) = (log.clone(), holder.to_owned());
                return Err(JournalError::Held { log, holder, since, until });
            }
            let is_gone = |name: &str| holders.is_gone(name).map_err(failed);
            let lease = claim.decide(row.as_ref(), is_gone)?;
            rows.put_lease(log, &LeaseRow::taken(&lease, claim.now))?;
            leases.push(lease);
        }
        commit(transaction, &self.path)?;
        Ok(leases)
    }
}

impl Journal for SqliteJournal {
    fn take_lease(
        &mut self,
        log: &LogId,
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Lease, JournalError> {
        self.claim(&Claim { log, holder, now, length, breaks: None })
    }

    fn take_leases(
        &mut self,
        logs: &[LogId],
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Vec<Lease>, JournalError> {
        let claim = |log| Claim { log, holder, now, length, breaks: None };
        self.claim_all(&logs.iter().map(claim).collect::<Vec<_>>())
    }

    fn break_lock(
        &mut self,
        lock: &Lock,
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Lease, JournalError> {
        self.claim(&Claim { log: &lock.log, holder, now, length, breaks: Some(lock) })
    }

    fn locks(&self) -> Result<Vec<Lock>, JournalError> {
        let transaction = self.look()?;
        let held = Rows { connection: &transaction, path: &self.path }.leases()?;
        let own = Holders::new(self.path.with_file_name(open::HOLDERS));
        let holders = self.holders.as_ref().unwrap_or(&own);
        let lock = |(log, row): (LogId, LeaseRow)| {
            let holder = row.holder.clone()?;
            let gone = holders.is_gone(&holder).map_err(|error| open::failed(&self.path, error));
            let (epoch, since, until) = (row.epoch, row.since, row.until);
            Some(gone.map(|gone| Lock { log, holder, epoch, since, until, alive: !gone }))
        };
        held.into_iter().filter_map(lock).collect()
    }

    fn ask(&mut self, ask: &Ask) -> Result<u64, JournalError> {
        let (transaction, path) = self.write()?;
        let rows = Rows { connection: &transaction, path };
        let text = check_ask(ask, rows.asks_waiting()?)?;
        let number = rows.put_ask(ask.run.as_str(), &text)?;
        commit(transaction, path)?;
        Ok(number)
    }

    fn asks(&self, run: &RunId) -> Result<Vec<(u64, Ask)>, JournalError> {
        let stored = Rows { connection: &self.connection, path: &self.path }.asks(run.as_str())?;
        let parsed = stored.into_iter().map(|(number, text)| {
            let ask = serde_json::from_str(&text).map_err(|error| open::failed(&self.path, error))?;
            Ok((number, ask))
        });
        parsed.collect()
    }

    fn asked_and_answered(&mut self, numbers: &[u64]) -> Result<(), JournalError> {
        let (transaction, path) = self.write()?;
        let rows = Rows { connection: &transaction, path };
        numbers.iter().try_for_each(|number| rows.remove_ask(*number))?;
        commit(transaction, path)
    }

    fn renew(&mut self, lease: &Lease, now: Timestamp, length: Millis) -> Result<Lease, JournalError> {
        let renewed = self.renew_all(&[lease], now, length)?.pop();
        Ok(renewed.expect("one lease for one lease"))
    }

    fn renew_all(
        &mut self,
        leases: &[&Lease],
        now: Timestamp,
        length: Millis,
    ) -> Result<Vec<Lease>, JournalError> {
        let (transaction, path) = self.write()?;
        let rows = Rows { connection: &transaction, path };
        let renewed: Vec<Lease> =
            leases.iter().map(|lease| Lease { until: now + length, ..(*lease).clone() }).collect();
        renewed.iter().try_for_each(|lease| rows.renew_lease(lease))?;
        commit(transaction, path)?;
        Ok(renewed)
    }

    fn release(&mut self, lease: &Lease) -> Result<(), JournalError> {
        let (transaction, path) = self.write()?;
        Rows { connection: &transaction, path }.free_lease(lease)?;
        commit(transaction, path)
    }

    fn release_all(&mut self, leases: &[&Lease]) -> Result<(), JournalError> {
        let (transaction, path) = self.write()?;
        let rows = Rows { connection: &transaction, path };
        leases.iter().try_for_each(|lease| rows.free_lease(lease))?;
        commit(transaction, path)
    }

    fn append(&mut self, leases: &[&Lease], drafts: Vec<EntryDraft>) -> Result<Vec<Line>, JournalError> {
        self.append_with(&[], leases, drafts)
    }

    fn append_with(
        &mut self,
        blobs: &[&[u8]],
        leases: &[&Lease],
        drafts: Vec<EntryDraft>,
    ) -> Result<Vec<Line>, JournalError> {
        let digests = blobs.iter().map(|bytes| check_blob(bytes)).collect::<Result<Vec<_>, _>>()?;
        let held: BTreeSet<&LogId> = leases.iter().map(|lease| &lease.log).collect();
        if let Some(draft) = drafts.iter().find(|draft| !held.contains(&draft.log)) {
            return Err(JournalError::Fenced { log: draft.log.clone() });
        }
        let entropy = self.entropy;
        let kept = std::mem::take(&mut self.kept);
        let (transaction, path) = self.write()?;
        let rows = Rows { connection: &transaction, path };
        let mut kept = kept.at(rows.version()?);
        for lease in leases {
            kept.check_lease(&rows, lease)?;
        }
        for (digest, bytes) in digests.iter().zip(blobs) {
            rows.put_blob(digest, bytes)?;
        }
        let mut grown = BTreeSet::new();
        let mut lines = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let row = kept.log(&rows, &draft.log)?;
            if !grown.contains(&draft.log) {
                grown.insert(draft.log.clone());
            }
            let seq = row.range.size();
            let salt = salt(entropy, &draft.log, seq)?;
            let line = seal(draft, seq, salt)?;
            let leaf = leaf_hash(line.text.as_bytes());
            rows.put_entry(row.id, &line, &leaf)?;
            row.range.append(leaf);
            lines.push(line);
        }
        for log in &grown {
            rows.put_log(&kept.logs[log])?;
        }
        commit(transaction, path)?;
        self.kept = kept;
        Ok(lines)
    }

    fn read(&self, log: &LogId, from: u64) -> Result<Vec<Line>, JournalError> {
        let transaction = self.look()?;
        Rows { connection: &transaction, path: &self.path }.lines(log, from)
    }

    fn reader(&self) -> Result<Option<Box<dyn Journal>>, JournalError> {
        // A store that nobody writes to is opened as one that never changes, and this one does.
        if self.holders.is_none() {
            return Ok(None);
        }
        let connection = open::beside(&self.path)?;
        let (path, entropy) = (self.path.clone(), self.entropy);
        Ok(Some(Box::new(Self { connection, path, holders: None, entropy, kept: Kept::default() })))
    }

    fn heads(&self) -> Result<BTreeMap<LogId, LogHead>, JournalError> {
        let transaction = self.look()?;
        let rows = Rows { connection: &transaction, path: &self.path }.logs()?;
        let head =
            |(log, row): (LogId, LogRow)| (log, LogHead { size: row.range.size(), root: row.range.root() });
        Ok(rows.into_iter().map(head).collect())
    }

    fn put_blobs(&mut self, blobs: &[&[u8]]) -> Result<Vec<Digest>, JournalError> {
        let digests = blobs.iter().map(|bytes| check_blob(bytes)).collect::<Result<Vec<_>, _>>()?;
        let (transaction, path) = self.write()?;
        let rows = Rows { connection: &transaction, path };
        for (digest, bytes) in digests.iter().zip(blobs) {
            rows.put_blob(digest, bytes)?;
        }
        commit(transaction, path)?;
        Ok(digests)
    }

    fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, JournalError> {
        Rows { connection: &self.connection, path: &self.path }.blob(digest)
    }

    fn forget_blobs(&mut self, blobs: &BTreeSet<Digest>) -> Result<usize, JournalError> {
        let (transaction, path) = self.write()?;
        let count = Rows { connection: &transaction, path }.remove_blobs(blobs)?;
        commit(transaction, path)?;
        Ok(count)
    }
}

/// Ends a transaction: from here on what it wrote is durable.
fn commit(transaction: Transaction<'_>, path: &Path) -> Result<(), JournalError> {
    transaction.commit().map_err(|error| open::failed(path, error))?;
    crash::written();
    Ok(())
}
