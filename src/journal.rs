//! Floor 3: the port to the journal: append-only logs, the leases that guard them, and the blobs they name.

pub mod bundle_archive;
pub mod bundle_dir;
mod holder;
mod lease;
pub mod memory;
mod seal;
pub mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId};
use crate::base::time::{Millis, Timestamp};
use crate::model::ask::Ask;
use crate::model::entry::{Entry, EntryDraft};
use crate::model::plan::LogHead;

/// A sealed entry together with the exact bytes that are its Merkle leaf.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The bytes, without newline.
    pub text: String,
    /// The same, parsed.
    pub entry: Entry,
}

/// The right to append to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The log.
    pub log: LogId,
    /// Who holds it, for example `host/4711/run-id`.
    pub holder: String,
    /// Grows by one with each change of holder; an append with an older one is refused.
    pub epoch: u64,
    /// When it ends without renewal.
    pub until: Timestamp,
    /// Who held it before without giving it back, if it was taken over.
    pub taken_from: Option<String>,
}

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody else holds the lease.
    #[error("{log} is being written by {holder}{}, until {until} without renewal", since_words(*since))]
    Held {
        /// The log.
        log: LogId,
        /// Who holds it.
        holder: String,
        /// Since when, if that is known.
        since: Option<Timestamp>,
        /// When it ends without renewal.
        until: Timestamp,
    },
    /// The lease was lost: somebody took over.
    #[error("the lease on {log} was lost to another writer")]
    Fenced {
        /// The log.
        log: LogId,
    },
    /// The log has grown since it was read.
    #[error("{log} has {found} entries where {expected} were expected")]
    Conflict {
        /// The log.
        log: LogId,
        /// What the writer believed.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// An entry or blob is over its limit.
    #[error("{what} is {size} bytes long; the limit is {limit}")]
    TooLarge {
        /// What it is.
        what: String,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Something looks like a secret or like patient data. The value is not repeated.
    #[error("{place} looks like it holds {what}, so nothing was written")]
    Sensitive {
        /// What it looks like.
        what: String,
        /// Where it is.
        place: String,
    },
    /// What is stored is not what was written.
    #[error("{log} is damaged at entry {seq}: {what}")]
    Damaged {
        /// The log.
        log: LogId,
        /// The first bad entry.
        seq: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The store was written by a newer program.
    #[error("the journal has format {found}; this program knows up to {known}: install a newer landfall")]
    Newer {
        /// The store's format.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The disk or database failed.
    #[error("the journal at {path} cannot be used: {what}")]
    Store {
        /// Where it is.
        path: String,
        /// What happened.
        what: String,
    },
}

fn since_words(since: Option<Timestamp>) -> String {
    since.map_or(String::new(), |since| format!(" since {since}"))
}

/// Who writes a log at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The log.
    pub log: LogId,
    /// Who holds it.
    pub holder: String,
    /// How often the log has changed hands.
    pub epoch: u64,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// When the lease ends without renewal.
    pub until: Timestamp,
    /// Whether the process that took it still runs.
    pub alive: bool,
}

/// A journal. Methods block; they are short, and only one thread calls them.
pub trait Journal: Send {
    /// Takes the lease on a log, or takes it over from a holder whose lease has ended or whose process is gone.
    /// Taking a lease again that one holds oneself gives a new one and ends the old one.
    ///
    /// # Errors
    ///
    /// `Held` while somebody else has it.
    fn take_lease(
        &mut self,
        log: &LogId,
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Lease, JournalError>;

    /// Takes the leases on logs, in their order: all of them or none; a store that can does so in one durable step.
    ///
    /// # Errors
    ///
    /// `Held` while somebody else has one.
    fn take_leases(
        &mut self,
        logs: &[LogId],
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Vec<Lease>, JournalError> {
        let mut leases = Vec::with_capacity(logs.len());
        for log in logs {
            match self.take_lease(log, holder, now, length) {
                Ok(lease) => leases.push(lease),
                Err(error) => {
                    for lease in &leases {
                        self.release(lease)?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(leases)
    }

    /// Extends a lease.
    ///
    /// # Errors
    ///
    /// `Fenced` if it was lost.
    fn renew(&mut self, lease: &Lease, now: Timestamp, length: Millis) -> Result<Lease, JournalError>;

    /// Extends leases in one durable step: all of them or none.
    ///
    /// # Errors
    ///
    /// `Fenced` if one was lost.
    fn renew_all(
        &mut self,
        leases: &[&Lease],
        now: Timestamp,
        length: Millis,
    ) -> Result<Vec<Lease>, JournalError>;

    /// Takes a lease away from its holder, whether that is alive or not: a person has decided so. What the old holder
    /// appends from then on is refused.
    ///
    /// # Errors
    ///
    /// `Held` if the lock is no longer the one that was looked at.
    fn break_lock(
        &mut self,
        lock: &Lock,
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Lease, JournalError>;

    /// Everybody who holds a lease and has not given it back, by log.
    ///
    /// # Errors
    ///
    /// Only if the store fails.
    fn locks(&self) -> Result<Vec<Lock>, JournalError>;

    /// Leaves a wish for the process that runs a launch. Needs no lease: it is not a record, the decision about it is.
    /// Gives its number.
    ///
    /// # Errors
    ///
    /// `TooLarge` if it or their number is over the limit, `Sensitive` because its reason is going to be recorded,
    /// `Store`.
    fn ask(&mut self, ask: &Ask) -> Result<u64, JournalError>;

    /// The wishes that were left for a launch, oldest first.
    ///
    /// # Errors
    ///
    /// `Store`.
    fn asks(&self, run: &RunId) -> Result<Vec<(u64, Ask)>, JournalError>;

    /// Takes wishes away that were decided. Doing so twice is fine.
    ///
    /// # Errors
    ///
    /// `Store`.
    fn asked_and_answered(&mut self, numbers: &[u64]) -> Result<(), JournalError>;

    /// Gives a lease back. Doing so twice is fine.
    ///
    /// # Errors
    ///
    /// Only if the store fails.
    fn release(&mut self, lease: &Lease) -> Result<(), JournalError>;

    /// Gives leases back; a store that can does so in one durable step.
    ///
    /// # Errors
    ///
    /// Only if the store fails.
    fn release_all(&mut self, leases: &[&Lease]) -> Result<(), JournalError> {
        leases.iter().try_for_each(|lease| self.release(lease))
    }

    /// Seals and appends entries to one or more logs in one durable step: all of them or none.
    /// `leases` must hold one lease for each log written to.
    ///
    /// # Errors
    ///
    /// `Fenced` if a lease was lost or none was given, `TooLarge`, `Sensitive`, `Damaged`, `Store`.
    fn append(&mut self, leases: &[&Lease], drafts: Vec<EntryDraft>) -> Result<Vec<Line>, JournalError>;

    /// Stores blobs and appends the entries that name them. Never an entry without its blobs; a store that can does both
    /// in one durable step.
    ///
    /// # Errors
    ///
    /// As `put_blobs` and `append`.
    fn append_with(
        &mut self,
        blobs: &[&[u8]],
        leases: &[&Lease],
        drafts: Vec<EntryDraft>,
    ) -> Result<Vec<Line>, JournalError> {
        if !blobs.is_empty() {
            self.put_blobs(blobs)?;
        }
        if drafts.is_empty() { Ok(Vec::new()) } else { self.append(leases, drafts) }
    }

    /// Entries of a log from a place on, each checked against its own sequence number.
    ///
    /// # Errors
    ///
    /// `Damaged` at the first bad entry, or at the first one that is missing.
    fn read(&self, log: &LogId, from: u64) -> Result<Vec<Line>, JournalError>;

    /// Another view of the same store, to read whole logs on another thread; nothing if it can be seen from one place only.
    ///
    /// # Errors
    ///
    /// `Store`.
    fn reader(&self) -> Result<Option<Box<dyn Journal>>, JournalError> {
        Ok(None)
    }

    /// Size and RFC 6962 root of every log that has entries.
    ///
    /// # Errors
    ///
    /// `Damaged` if what is kept of a log's tree does not fit its size, `Store`.
    fn heads(&self) -> Result<BTreeMap<LogId, LogHead>, JournalError>;

    /// Stores blobs in one durable step, all of them or none, and returns their names in the same order. Storing the
    /// same bytes again is fine.
    ///
    /// # Errors
    ///
    /// `TooLarge`, `Sensitive`, `Store`.
    fn put_blobs(&mut self, blobs: &[&[u8]]) -> Result<Vec<Digest>, JournalError>;

    /// Stores one blob and returns its name.
    ///
    /// # Errors
    ///
    /// As `put_blobs`.
    fn put_blob(&mut self, bytes: &[u8]) -> Result<Digest, JournalError> {
        self.put_blobs(&[bytes])?;
        Ok(Digest::of(bytes))
    }

    /// A blob by name, checked against it.
    ///
    /// # Errors
    ///
    /// `Store` if it is missing or its bytes no longer match.
    fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, JournalError>;

    /// Takes blobs away for good, in one durable step; gives how many were there. Whoever calls it has written an entry
    /// that stands for them.
    ///
    /// # Errors
    ///
    /// `Store`.
    fn forget_blobs(&mut self, blobs: &BTreeSet<Digest>) -> Result<usize, JournalError>;
}
