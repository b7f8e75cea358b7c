//! A journal whose holder crashes at one of its writes: before the write took effect, or after.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::digest::Digest;
use landfall::base::id::{LogId, RunId};
use landfall::base::time::{Millis, Timestamp};
use landfall::journal::memory::MemoryJournal;
use landfall::journal::{Journal, JournalError, Lease, Line, Lock};
use landfall::model::ask::Ask;
use landfall::model::entry::EntryDraft;
use landfall::model::plan::LogHead;

pub struct Crashing {
    inner: MemoryJournal,
    /// Writes until the crash, and whether the last one takes effect.
    crash: Option<(u64, bool)>,
}

impl Crashing {
    pub fn new(inner: MemoryJournal, crash: Option<(u64, bool)>) -> Self {
        Self { inner, crash }
    }
}

fn gone() -> JournalError {
    JournalError::Store { path: "memory".into(), what: "the holder crashed".to_owned() }
}

impl Journal for Crashing {
    fn take_lease(
        &mut self,
        log: &LogId,
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Lease, JournalError> {
        self.inner.take_lease(log, holder, now, length)
    }

    fn renew(&mut self, lease: &Lease, now: Timestamp, length: Millis) -> Result<Lease, JournalError> {
        self.inner.renew(lease, now, length)
    }

    fn renew_all(
        &mut self,
        leases: &[&Lease],
        now: Timestamp,
        length: Millis,
    ) -> Result<Vec<Lease>, JournalError> {
        self.inner.renew_all(leases, now, length)
    }

    fn break_lock(
        &mut self,
        lock: &Lock,
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Lease, JournalError> {
        self.inner.break_lock(lock, holder, now, length)
    }

    fn locks(&self) -> Result<Vec<Lock>, JournalError> {
        self.inner.locks()
    }

    fn ask(&mut self, ask: &Ask) -> Result<u64, JournalError> {
        self.inner.ask(ask)
    }

    fn asks(&self, run: &RunId) -> Result<Vec<(u64, Ask)>, JournalError> {
        self.inner.asks(run)
    }

    fn asked_and_answered(&mut self, numbers: &[u64]) -> Result<(), JournalError> {
        self.inner.asked_and_answered(numbers)
    }

    fn release(&mut self, lease: &Lease) -> Result<(), JournalError> {
        self.inner.release(lease)
    }

    fn append(&mut self, leases: &[&Lease], drafts: Vec<EntryDraft>) -> Result<Vec<Line>, JournalError> {
        match &mut self.crash {
            Some((0, takes_effect)) => {
                if *takes_effect {
                    self.inner.append(leases, drafts)?;
                }
                Err(gone())
            }
            Some((left, _)) => {
                *left -= 1;
                self.inner.append(leases, drafts)
            }
            None => self.inner.append(leases, drafts),
        }
    }

    fn read(&self, log: &LogId, from: u64) -> Result<Vec<Line>, JournalError> {
        self.inner.read(log, from)
    }

    fn heads(&self) -> Result<BTreeMap<LogId, LogHead>, JournalError> {
        self.inner.heads()
    }

    fn put_blobs(&mut self, blobs: &[&[u8]]) -> Result<Vec<Digest>, JournalError> {
        self.inner.put_blobs(blobs)
    }

    fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, JournalError> {
        self.inner.get_blob(digest)
    }

    fn forget_blobs(&mut self, blobs: &BTreeSet<Digest>) -> Result<usize, JournalError> {
        self.inner.forget_blobs(blobs)
    }
}
