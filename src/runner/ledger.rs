//! What is recorded, and told once it is: the leases of a launch's logs, and the entries and files of the next append.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::feed::Feed;
use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::limits;
use crate::base::time::{Millis, Timestamp};
use crate::journal::{Journal, JournalError, Lease, Line};
use crate::model::ask::Ask;
use crate::model::entry::{Actor, BlobRef, EntryDraft};
use crate::model::event::Event;
use crate::model::fleet_event::FleetEvent;
use crate::model::plan::LogHead;

/// The kind of the entry that says whose log was taken over.
pub const LEASE_TAKEN: &str = "lease.taken";

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
    /// Wishes that these drafts answer; they are taken away after them, so that a crash answers one twice and none never.
    answered: Vec<u64>,
    told: Vec<(Timestamp, Told)>,
}

/// What is told once it is recorded.
enum Told {
    Fleet(FleetEvent),
    Scope(ScopeId, Box<Event>),
    Refused(Box<Ask>, String),
    Note(String),
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
        let leases = journal.take_leases(&logs.collect::<Vec<_>>(), holder, now, limits::LEASE)?;
        let leases = leases.into_iter().map(|lease| (lease.log.clone(), lease)).collect();
        let (drafts, blobs, answered, told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self { journal, feed, stamp, leases, renew_at: renewal(now), drafts, blobs, answered, told })
    }

    /// Notes in each log that was taken from a holder who had not given it back: whose entries end there, and whose begin.
    pub fn note_takeovers(&mut self, at: Timestamp) {
        let taken: Vec<(LogId, Value)> = self.leases.iter().filter_map(taken).collect();
        for (log, body) in taken {
            let draft = self.draft(at, log, LEASE_TAKEN, body);
            self.drafts.push(draft);
        }
    }

    /// The wishes that were left for this launch.
    ///
    /// # Errors
    ///
    /// If the journal fails.
    pub fn asks(&self) -> Result<Vec<(u64, Ask)>, JournalError> {
        self.journal.asks(&self.stamp.run)
    }

    /// Marks a wish as answered by what was noted so far.
    pub fn answered(&mut self, number: u64) {
        self.answered.push(number);
    }

    /// Notes that a wish cannot be fulfilled.
    pub fn refused(&mut self, at: Timestamp, ask: Ask, why: String) {
        self.told.push((at, Told::Refused(Box::new(ask), why)));
    }

    /// Notes something that is told and not recorded.
    pub fn note(&mut self, at: Timestamp, words: String) {
        self.told.push((at, Told::Note(words)));
    }

    /// The journal, to be read.
    pub fn journal(&self) -> &dyn Journal {
        self.journal
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

    /// Whether anything waits to be written.
    pub fn has_entries(&self) -> bool {
        !self.drafts.is_empty()
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

    /// Writes all that was noted in one durable step: the files, and the entries that name them. Nothing is started, and
    /// nobody is told, before this.
    ///
    /// # Errors
    ///
    /// If the journal fails. Then nothing of it was written.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        if !self.drafts.is_empty() || !self.blobs.is_empty() {
            let (blobs, drafts) = (std::mem::take(&mut self.blobs), std::mem::take(&mut self.drafts));
            let blobs: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
            let logs: BTreeSet<&LogId> = drafts.iter().map(|draft| &draft.log).collect();
            // The store checks each lease it is given: a launch of a thousand scopes gives it only those it needs.
            let leases: Vec<&Lease> = logs.into_iter().map(|log| &self.leases[log]).collect();
            self.journal.append_with(&blobs, &leases, drafts)?;
        }
        if !self.answered.is_empty() {
            let answered = std::mem::take(&mut self.answered);
            self.journal.asked_and_answered(&answered)?;
        }
        for (at, told) in self.told.drain(..) {
            (self.feed)(&match &told {
                Told::Fleet(event) => Feed::Fleet { at, event },
                Told::Scope(scope, event) => Feed::Scope { at, scope, event },
                Told::Refused(ask, why) => Feed::Refused { at, ask, why },
                Told::Note(words) => Feed::Note { at, words },
            });
        }
        Ok(())
    }

    /// Tells whoever watches something that is not recorded.
    pub fn tell(&mut self, feed: &Feed<'_>) {
        (self.feed)(feed);
    }

    /// How long one may wait at most: renewals come in between, however long a call takes.
    pub fn wait_at_most(&self, now: Timestamp) -> Millis {
        self.renew_at.since(now)
    }

    /// Renews the leases, if half of their time has passed; all in one durable step. Nothing new may be started before:
    /// a process that was held up for longer than that finds out here that it is no longer the writer.
    ///
    /// # Errors
    ///
    /// If somebody else has taken one over.
    pub fn renew(&mut self, now: Timestamp) -> Result<(), JournalError> {
        if now < self.renew_at {
            return Ok(());
        }
        let leases: Vec<&Lease> = self.leases.values().collect();
        let renewed = self.journal.renew_all(&leases, now, limits::LEASE)?;
        self.leases = renewed.into_iter().map(|lease| (lease.log.clone(), lease)).collect();
        self.renew_at = renewal(now);
        Ok(())
    }

    /// Gives the leases back. A failure here is not worth a failed launch: they end by themselves.
    pub fn release(&mut self) {
        let leases: Vec<&Lease> = self.leases.values().collect();
        let _ = self.journal.release_all(&leases);
    }
}

/// The body of the entry about a log that was taken over.
fn taken((log, lease): (&LogId, &Lease)) -> Option<(LogId, Value)> {
    let from = lease.taken_from.as_ref()?;
    let body = serde_json::json!({ "from": from, "by": lease.holder, "epoch": lease.epoch });
    Some((log.clone(), body))
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
        let wake = start + ledger.wait_at_most(start);
        assert!(wake < end, "a call that takes longer than a lease does not let it lapse");
        ledger.renew(wake).unwrap();
        assert!(ledger.wait_at_most(wake) > Millis(0));
        let held = other.take_lease(&LogId::Org, "two", end, limits::LEASE).unwrap_err();
        assert!(matches!(held, JournalError::Held { .. }), "{held}");
        let much_later = end + limits::LEASE;
        other.take_lease(&LogId::Org, "two", much_later, limits::LEASE).unwrap();
        let lost = ledger.renew(much_later).unwrap_err();
        assert!(matches!(lost, JournalError::Fenced { .. }), "{lost}");
    }
}
