//! A journal in memory, for dry runs and tests: the same rules, nothing left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lease::{Claim, LeaseRow};
use super::seal::{check_ask, check_blob, salt, seal, unseal};
use super::{Journal, JournalError, Lease, Line, Lock};
use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId};
use crate::base::time::{Millis, Timestamp};
use crate::entropy::Entropy;
use crate::merkle::{CompactRange, leaf_hash};
use crate::model::ask::Ask;
use crate::model::entry::EntryDraft;
use crate::model::plan::LogHead;

/// A journal in memory. [`MemoryJournal::another`] opens the same store a second time.
#[derive(Debug)]
pub struct MemoryJournal {
    store: Arc<Mutex<Store>>,
    handle: u64,
}

#[derive(Debug, Default)]
struct Store {
    logs: BTreeMap<LogId, Log>,
    leases: BTreeMap<LogId, LeaseRow>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    /// Names that are in use, and the handle that uses them.
    holders: BTreeMap<String, u64>,
    handles: u64,
    asks: BTreeMap<u64, Ask>,
    asked: u64,
    entropy: Entropy,
}

#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
    range: CompactRange,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self { store: Arc::default(), handle: 0 }
    }

    /// An empty journal whose salts follow from a number, so that the same drafts give the same bytes. Such salts
    /// hide nothing: only for tests.
    pub fn seeded(seed: u64) -> Self {
        let store = Store { entropy: Entropy::Seeded(seed), ..Store::default() };
        Self { store: Arc::new(Mutex::new(store)), handle: 0 }
    }

    /// The same store, opened again, as another process would.
    pub fn another(&self) -> Self {
        let mut store = self.lock();
        store.handles += 1;
        Self { store: Arc::clone(&self.store), handle: store.handles }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Every change below is made whole at its end, so a panic elsewhere leaves nothing half done.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MemoryJournal {
    fn drop(&mut self) {
        let handle = self.handle;
        self.lock().holders.retain(|_, holder| *holder != handle);
    }
}

impl MemoryJournal {
    fn claim(&mut self, claim: &Claim<'_>) -> Result<Lease, JournalError> {
        let (log, holder) = (claim.log, claim.holder);
        let mut store = self.lock();
        let row = store.leases.get(log);
        if store.holders.get(holder).is_some_and(|handle| *handle != self.handle) {
            let (since, until) = row.map_or((None, claim.now), |row| (row.since, row.until));
            return Err(JournalError::Held { log: log.clone(), holder: holder.to_owned(), since, until });
        }
        let is_gone = |name: &str| Ok(!store.holders.contains_key(name));
        let lease = claim.decide(row, is_gone)?;
        store.leases.insert(log.clone(), LeaseRow::taken(&lease, claim.now));
        store.holders.insert(holder.to_owned(), self.handle);
        Ok(lease)
    }
}

impl Journal for MemoryJournal {
    fn take_lease(
        &mut self,
        log: &LogId,
        holder: &str,
        now: Timestamp,
        length: Millis,
    ) -> Result<Lease, JournalError> {
        self.claim(&Claim { log, holder, now, length, breaks: None })
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
        let store = self.lock();
        let lock = |(log, row): (&LogId, &LeaseRow)| {
            let holder = row.holder.clone()?;
            let alive = store.holders.contains_key(&holder);
            Some(Lock {
                log: log.clone(),
                holder,
                epoch: row.epoch,
                since: row.since,
                until: row.until,
                alive,
            })
        };
        Ok(store.leases.iter().filter_map(lock).collect())
    }

    fn ask(&mut self, ask: &Ask) -> Result<u64, JournalError> {
        let mut store = self.lock();
        check_ask(ask, store.asks.len())?;
        store.asked += 1;
        let number = store.asked;
        store.asks.insert(number, ask.clone());
        Ok(number)
    }

    fn asks(&self, run: &RunId) -> Result<Vec<(u64, Ask)>, JournalError> {
        let store = self.lock();
        let own = store.asks.iter().filter(|(_, ask)| ask.run == *run);
        Ok(own.map(|(number, ask)| (*number, ask.clone())).collect())
    }

    fn asked_and_answered(&mut self, numbers: &[u64]) -> Result<(), JournalError> {
        self.lock().asks.retain(|number, _| !numbers.contains(number));
        Ok(())
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
        let mut store = self.lock();
        for lease in leases {
            let counts = store.leases.get(&lease.log).is_some_and(|row| row.is(lease));
            counts.then_some(()).ok_or_else(|| JournalError::Fenced { log: lease.log.clone() })?;
        }
        let until = now + length;
        for lease in leases {
            if let Some(row) = store.leases.get_mut(&lease.log) {
                row.until = until;
            }
        }
        Ok(leases.iter().map(|lease| Lease { until, ..(*lease).clone() }).collect())
    }

    fn release(&mut self, lease: &Lease) -> Result<(), JournalError> {
        let mut store = self.lock();
        if let Some(row) = store.leases.get_mut(&lease.log).filter(|row| row.is(lease)) {
            row.holder = None;
        }
        Ok(())
    }

    fn append(&mut self, leases: &[&Lease], drafts: Vec<EntryDraft>) -> Result<Vec<Line>, JournalError> {
        let mut store = self.lock();
        let fenced = |log: &LogId| JournalError::Fenced { log: log.clone() };
        for lease in leases {
            let holds = store.leases.get(&lease.log).is_some_and(|row| row.is(lease));
            holds.then_some(()).ok_or_else(|| fenced(&lease.log))?;
        }
        let mut ranges: BTreeMap<LogId, CompactRange> = BTreeMap::new();
        let mut lines = Vec::with_capacity(drafts.len());
        for draft in drafts {
            if !leases.iter().any(|lease| lease.log == draft.log) {
                return Err(fenced(&draft.log));
            }
            let stored = || store.logs.get(&draft.log).map(|log| log.range.clone()).unwrap_or_default();
            let range = ranges.entry(draft.log.clone()).or_insert_with(stored);
            let salt = salt(store.entropy, &draft.log, range.size())?;
            let line = seal(draft, range.size(), salt)?;
            range.append(leaf_hash(line.text.as_bytes()));
            lines.push(line);
        }
        // From here on nothing can fail: all of it or none.
        for line in &lines {
            store.logs.entry(line.entry.log.clone()).or_default().lines.push(line.text.clone());
        }
        for (name, range) in ranges {
            store.logs.entry(name).or_default().range = range;
        }
        Ok(lines)
    }

    fn read(&self, log: &LogId, from: u64) -> Result<Vec<Line>, JournalError> {
        let store = self.lock();
        let lines = store.logs.get(log).map_or(&[][..], |log| &log.lines);
        let numbered = (0..).zip(lines).filter(|(seq, _)| *seq >= from);
        numbered.map(|(seq, text)| unseal(log, seq, text.clone())).collect()
    }

    fn reader(&self) -> Result<Option<Box<dyn Journal>>, JournalError> {
        Ok(Some(Box::new(self.another())))
    }

    fn heads(&self) -> Result<BTreeMap<LogId, LogHead>, JournalError> {
        let head = |(name, log): (&LogId, &Log)| {
            (name.clone(), LogHead { size: log.range.size(), root: log.range.root() })
        };
        Ok(self.lock().logs.iter().map(head).collect())
    }

    fn put_blobs(&mut self, blobs: &[&[u8]]) -> Result<Vec<Digest>, JournalError> {
        let digests = blobs.iter().map(|bytes| check_blob(bytes)).collect::<Result<Vec<_>, _>>()?;
        let named = digests.iter().copied().zip(blobs.iter().map(|bytes| bytes.to_vec()));
        self.lock().blobs.extend(named);
        Ok(digests)
    }

    fn get_blob(&self, digest: &Digest) -> Result<Vec<u8>, JournalError> {
        let missing =
            || JournalError::Store { path: "memory".into(), what: format!("there is no blob {digest}") };
        self.lock().blobs.get(digest).cloned().ok_or_else(missing)
    }

    fn forget_blobs(&mut self, blobs: &BTreeSet<Digest>) -> Result<usize, JournalError> {
        let mut store = self.lock();
        Ok(blobs.iter().filter(|digest| store.blobs.remove(digest).is_some()).count())
    }
}
