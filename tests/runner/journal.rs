//! A journal that fails after some writes, and makes sure that files come before the entries that name them.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::digest::Digest;
use landfall::base::id::{LogId, RunId};
use landfall::base::time::{Millis, Timestamp};
use landfall::journal::memory::MemoryJournal;
use landfall::journal::{Journal, JournalError, Lease, Line, Lock};
use landfall::model::ask::Ask;
use landfall::model::entry::EntryDraft;
use landfall::model::plan::LogHead;

pub struct Brittle {
    inner: MemoryJournal,
    writes_left: usize,
    intents: BTreeSet<String>,
    written: usize,
}

impl Brittle {
    /// A journal whose disk is full after this many writes.
    pub fn new(inner: MemoryJournal, writes: usize) -> Self {
        Self { inner, writes_left: writes, intents: BTreeSet::new(), written: 0 }
    }

    /// The calls that were about to be sent, as the service would show them.
    pub fn intents(&self) -> &BTreeSet<String> {
        &self.intents
    }

    /// Entries that were written.
    pub fn written(&self) -> usize {
        self.written
    }

    fn write(&mut self) -> Result<(), JournalError> {
        let full = || JournalError::Store { path: "memory".into(), what: "the disk is full".into() };
        self.writes_left = self.writes_left.checked_sub(1).ok_or_else(full)?;
        Ok(())
    }
}

impl Journal for Brittle {
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
        self.write()?;
        for blob in drafts.iter().flat_map(|draft| &draft.refs) {
            self.inner.get_blob(&blob.sha256).expect("files come before the entries that name them");
        }
        let lines = self.inner.append(leases, drafts)?;
        self.written += lines.len();
        for line in lines.iter().filter(|line| line.entry.kind == "step.applying") {
            let (call, step) = (&line.entry.body["call"], line.entry.step.as_ref().unwrap());
            self.intents.insert(format!("{} {step}", call.as_str().unwrap()));
        }
        Ok(lines)
    }

    fn read(&self, log: &LogId, from: u64) -> Result<Vec<Line>, JournalError> {
        self.inner.read(log, from)
    }

    fn heads(&self) -> Result<BTreeMap<LogId, LogHead>, JournalError> {
        self.inner.heads()
    }

    fn put_blobs(&mut self, blobs: &[&[u8]]) -> Result<Vec<Digest>, JournalError> {
        self.write()?;
        self.inner.put_blobs(blobs)
    }

    fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, JournalError> {
        self.inner.get_blob(digest)
    }

    fn forget_blobs(&mut self, blobs: &BTreeSet<Digest>) -> Result<usize, JournalError> {
        self.inner.forget_blobs(blobs)
    }
}
