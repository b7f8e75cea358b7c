//! Writing down what happens to items: one log, held by a lease for as long as its items run.

use std::collections::BTreeMap;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, ScopeId, StepId};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::checklist::ItemStanding;
use crate::journal::{Journal, JournalError, Lease};
use crate::model::entry::{Actor, BlobRef, EntryDraft};
use crate::model::item_event::ItemEvent;
use crate::ops::checklist::Ground;
use crate::ops::error::Failure;
use crate::ops::{Context, holder, new_run_id};
use crate::validate::{Proof, Verdict};

/// A log that is open for writing, or only for reading in a dry run.
pub(super) struct Book<'j> {
    journal: &'j mut dyn Journal,
    log: LogId,
    lease: Option<Lease>,
}

impl<'j> Book<'j> {
    pub(super) fn open(
        context: &Context,
        journal: &'j mut dyn Journal,
        log: LogId,
        writes: bool,
    ) -> Result<Self, Failure> {
        let lease = if writes {
            let now = context.clock.for_leases();
            Some(journal.take_lease(&log, &holder(&new_run_id()), now, limits::LEASE)?)
        } else {
            None
        };
        Ok(Self { journal, log, lease })
    }

    pub(super) fn close(self) -> Result<(), Failure> {
        match &self.lease {
            Some(lease) => Ok(self.journal.release(lease)?),
            None => Ok(()),
        }
    }

    /// Keeps the log ours while something takes long.
    pub(super) fn renew(&mut self, context: &Context) -> Result<(), Failure> {
        if let Some(lease) = &self.lease {
            self.lease = Some(self.journal.renew(lease, context.clock.for_leases(), limits::LEASE)?);
        }
        Ok(())
    }

    /// Where the items of the scope stand by its log.
    pub(super) fn standings(
        &self,
        ground: &Ground,
        scope: &ScopeId,
        now: Timestamp,
    ) -> Result<BTreeMap<StepId, ItemStanding>, Failure> {
        let mut board = ground.board(&*self.journal, now)?;
        Ok(board.scopes.remove(scope).unwrap_or_default().items)
    }

    /// Stores what a verdict rests on. What may not be kept is no proof: the verdict says so and does not pass.
    pub(super) fn keep(&mut self, verdict: &mut Verdict) -> Result<Vec<BlobRef>, Failure> {
        let mut refs = Vec::new();
        for proof in &verdict.proofs {
            let (path, body) = match proof {
                Proof::Kept(named) => {
                    refs.push(named.clone());
                    continue;
                }
                Proof::Found { path, body } => (path, body),
            };
            let mut bytes = canonical_bytes(body);
            bytes.push(b'\n');
            let sha256 = Digest::of(&bytes);
            if self.lease.is_some() {
                match self.journal.put_blob(&bytes) {
                    Ok(_) => {}
                    Err(JournalError::Sensitive { what, .. }) => {
                        verdict.passed = false;
                        verdict.missing.push(format!(
                            "What was found looks like it holds {what}, so it was not kept, and nothing rests on it."
                        ));
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            refs.push(BlobRef { path: path.clone(), sha256 });
        }
        Ok(refs)
    }

    /// Writes what happened to an item; nothing in a dry run.
    pub(super) fn write(
        &mut self,
        context: &Context,
        item: &StepId,
        actor: &Actor,
        events: &[ItemEvent],
    ) -> Result<(), Failure> {
        let drafts = events.iter().map(|event| {
            let refs = match event {
                ItemEvent::Validated { proofs, .. } => proofs.clone(),
                ItemEvent::Observed { .. }
                | ItemEvent::Acted { .. }
                | ItemEvent::Refused { .. }
                | ItemEvent::Remedied { .. }
                | ItemEvent::Recorded { .. }
                | ItemEvent::Escalated { .. } => Vec::new(),
            };
            (event.kind().to_owned(), item.clone(), refs, event.to_body())
        });
        let drafts: Vec<_> = drafts.collect();
        self.append(context, actor, drafts)
    }

    /// Writes entries of other kinds about a step.
    pub(super) fn append(
        &mut self,
        context: &Context,
        actor: &Actor,
        parts: Vec<(String, StepId, Vec<BlobRef>, serde_json::Value)>,
    ) -> Result<(), Failure> {
        if parts.is_empty() || self.lease.is_none() {
            return Ok(());
        }
        self.renew(context)?;
        let at = context.clock.now();
        let draft = |(kind, step, refs, body)| EntryDraft {
            log: self.log.clone(),
            at,
            run: None,
            kind,
            step: Some(step),
            actor: actor.clone(),
            plan: None,
            refs,
            body,
        };
        let drafts = parts.into_iter().map(draft).collect();
        let lease = self.lease.as_ref().expect("it was looked for above");
        self.journal.append(&[lease], drafts)?;
        Ok(())
    }

    /// Stores a read-back of an object that a deed has changed, unless evidence may not hold it.
    pub(super) fn readback(&mut self, step: &StepId, bytes: &[u8]) -> Result<Option<BlobRef>, Failure> {
        match self.journal.put_blob(bytes) {
            Ok(sha256) => Ok(Some(BlobRef { path: format!("readback/{step}.json"), sha256 })),
            Err(JournalError::Sensitive { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
