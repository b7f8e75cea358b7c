//! What is recorded, and told once it is: the leases of a launch's logs, and the entries and files of the next append.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::feed::Feed;
use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::limits;
use crate::base::time::{Millis, Timestamp};
use crate::journal::{Journal, JournalError, Lease, Line};
use crate::model::entry::{Actor, BlobRef, EntryDraft};
use crate::model::event::Event;
use crate::model::fleet_event::FleetEvent;
use crate::model::plan::LogHead;

/// What every entry of a launch says about itself.
pub struct Stamp {
    /// The launch, which is also the run.
    pub run: RunId,
    /// Who does it.
    pub actor: Actor,
    /// The plan's digest.
    pub plan: Digest,
}

/// The logs of a launch, held for writing.
pub struct Ledger<'a> {
    journal: &'a mut dyn Journal,
    feed: &'a mut dyn FnMut(&Feed<'_>),
    stamp: Stamp,
    leases: BTreeMap<LogId, Lease>,
    /// When the leases are to be renewed, well before they end.
    renew_at: Timestamp,
    drafts: Vec<EntryDraft>,
    /// Named by these drafts, and stored before them.
    blobs: Vec<Vec<u8>>,
    told: Vec<(Timestamp, Told)>,
}

/// What is told once it is recorded.
enum Told {
    Fleet(FleetEvent),
    Scope(ScopeId, Box<Event>),
}

impl<'a> Ledger<'a> {
    /// Takes the leases of all these logs, in one order for everybody, or none.
    ///
    /// # Errors
    ///
    /// If one is held by somebody else, or the journal fails.
    pub fn open(
        journal: &'a mut dyn Journal,
        feed: &'a mut dyn FnMut(&Feed<'_>),
        stamp: Stamp,
        logs: impl Iterator<Item = LogId>,
        holder: &str,
        now: Timestamp,
    ) -> Result<Self, JournalError> {
        let (leases, renew_at) = (BTreeMap::new(), renewal(now));
        let (drafts, blobs, told) = (Vec::new(), Vec::new(), Vec::new());
        let mut ledger = Self { journal, feed, stamp, leases, renew_at, drafts, blobs, told };
        for log in logs {
            match ledger.journal.take_lease(&log, holder, now, limits::LEASE) {
                Ok(lease) => ledger.leases.insert(log, lease),
                Err(error) => {
                    ledger.release();
                    return Err(error);
                }
            };
        }
        Ok(ledger)
    }

    /// A whole log.
    ///
    /// # Errors
    ///
    /// If it is damaged.
    pub fn read(&self, log: &LogId, from: u64) -> Result<Vec<Line>, JournalError> {
        self.journal.read(log, from)
    }

    /// Size and root of every log.
    ///
    /// # Errors
    ///
    /// If one is damaged.
    pub fn heads(&self) -> Result<BTreeMap<LogId, LogHead>, JournalError> {
        self.journal.heads()
    }

    /// Notes something that happened to the launch.
    pub fn fleet(&mut self, at: Timestamp, event: FleetEvent, refs: Vec<BlobRef>) {
        let draft = self.draft(at, LogId::Org, event.kind(), event.to_body());
        self.drafts.push(EntryDraft { refs, ..draft });
        self.told.push((at, Told::Fleet(event)));
    }

    /// Notes something that happened to a scope. What is not durable is told only.
    pub fn scope(&mut self, at: Timestamp, scope: &ScopeId, event: Event, refs: Vec<BlobRef>) {
        if event.is_durable() {
            let log = LogId::Scope(scope.clone());
            let draft = self.draft(at, log, event.kind(), event.to_body());
            self.drafts.push(EntryDraft { step: event.step().cloned(), refs, ..draft });
        }
        self.told.push((at, Told::Scope(scope.clone(), Box::new(event))));
    }

    /// Keeps a file that the next entries name.
    pub fn keep(&mut self, blob: Option<Vec<u8>>) {
        self.blobs.extend(blob);
    }

    fn draft(&self, at: Timestamp, log: LogId, kind: &str, body: Value) -> EntryDraft {
        let Stamp { run, actor, plan } = &self.stamp;
        EntryDraft {
            log,
            at,
            run: Some(run.clone()),
            kind: kind.to_owned(),
            step: None,
            actor: actor.clone(),
            plan: Some(*plan),
            refs: Vec::new(),
            body,
        }
    }

    /// Writes all that was noted in one durable step: first the files, then the entries that name them. Nothing is
    /// started, and nobody is told, before this.
    ///
    /// # Errors
    ///
    /// If the journal fails. Then nothing of it was written.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        if !self.blobs.is_empty() {
            let blobs = std::mem::take(&mut self.blobs);
            self.journal.put_blobs(&blobs.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        }
        if !self.drafts.is_empty() {
            let drafts = std::mem::take(&mut self.drafts);
            let logs: BTreeSet<&LogId> = drafts.iter().map(|draft| &draft.log).collect();
            // The store checks each lease it is given: a launch of a thousand scopes gives it only those it needs.
            let leases: Vec<&Lease> = logs.into_iter().map(|log| &self.leases[log]).collect();
            self.journal.append(&leases, drafts)?;
        }
        for (at, told) in self.told.drain(..) {
            (self.feed)(&match &told {
                Told::Fleet(event) => Feed::Fleet { at, event },
                Told::Scope(scope, event) => Feed::Scope { at, scope, event },
            });
        }
        Ok(())
    }

    /// The moment until which one may wait for `timer`: renewals come in between, however long a call takes. A virtual
    /// clock need not stop for them, because nobody else writes while it jumps.
    pub fn wait_until(&self, timer: Option<Timestamp>, is_real: bool) -> Option<Timestamp> {
        timer.into_iter().chain(is_real.then_some(self.renew_at)).min()
    }

    /// Renews the leases, if it is time.
    ///
    /// # Errors
    ///
    /// If somebody else has taken one over.
    pub fn renew(&mut self, now: Timestamp) -> Result<(), JournalError> {
        if now < self.renew_at {
            return Ok(());
        }
        for lease in self.leases.values_mut() {
            *lease = self.journal.renew(lease, now, limits::LEASE)?;
        }
        self.renew_at = renewal(now);
        Ok(())
    }

    /// Gives the leases back. A failure here is not worth a failed launch: they end by themselves.
    pub fn release(&mut self) {
        for lease in self.leases.values() {
            let _ = self.journal.release(lease);
        }
    }
}

/// When leases that were taken or renewed now are to be renewed again.
fn renewal(now: Timestamp) -> Timestamp {
    now + Millis(limits::LEASE.0 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::memory::MemoryJournal;
    use crate::model::entry::ActorKind;

    #[test]
    fn leases_are_renewed_before_they_end_and_lost_ones_are_noticed() {
        let start = Timestamp::from_millis(0);
        let mut journal = MemoryJournal::new();
        let mut other = journal.another();
        let mut feed = |_: &Feed<'_>| {};
        let actor = Actor { kind: ActorKind::Automation, id: "test".to_owned() };
        let stamp = Stamp { run: "run-1".parse().unwrap(), actor, plan: Digest::of(b"p") };
        let logs = std::iter::once(LogId::Org);
        let mut ledger = Ledger::open(&mut journal, &mut feed, stamp, logs, "one", start).unwrap();
        let end = start + limits::LEASE;
        let wake = ledger.wait_until(None, true).unwrap();
        assert!(wake < end, "a call that takes longer than a lease does not let it lapse");
        assert_eq!(ledger.wait_until(Some(start), true), Some(start));
        assert_eq!(ledger.wait_until(None, false), None);
        ledger.renew(wake).unwrap();
        assert!(ledger.wait_until(None, true).unwrap() > wake);
        let held = other.take_lease(&LogId::Org, "two", end, limits::LEASE).unwrap_err();
        assert!(matches!(held, JournalError::Held { .. }), "{held}");
        let much_later = end + limits::LEASE;
        other.take_lease(&LogId::Org, "two", much_later, limits::LEASE).unwrap();
        let lost = ledger.renew(much_later).unwrap_err();
        assert!(matches!(lost, JournalError::Fenced { .. }), "{lost}");
    }
}
