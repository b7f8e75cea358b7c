//! Entries that belong to no run, and writing them while nobody else can write their log.

use serde::Serialize;
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{LogId, StepId};
use crate::base::limits;
use crate::journal::{Journal, Line};
use crate::model::entry::{Actor, BlobRef, EntryDraft};
use crate::ops::error::Failure;
use crate::ops::{Context, holder, new_run_id, person};

/// An entry that belongs to no run. It is by the person at the keyboard unless it says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    kind: String,
    step: Option<StepId>,
    actor: Actor,
    plan: Option<Digest>,
    refs: Vec<BlobRef>,
    body: Value,
}

impl Note {
    /// What happened, with its body.
    pub fn new(kind: &str, body: Value) -> Self {
        Self { kind: kind.to_owned(), step: None, actor: person(), plan: None, refs: Vec::new(), body }
    }

    /// What happened, with a body that has a form of its own.
    ///
    /// # Errors
    ///
    /// If the body has no JSON form: a bug in its type.
    pub fn of<T: Serialize>(kind: &str, body: &T) -> Result<Self, Failure> {
        let body = serde_json::to_value(body).map_err(|error| Failure::failed(error.to_string()))?;
        Ok(Self::new(kind, body))
    }

    /// The same about a step.
    pub fn about(self, step: Option<StepId>) -> Self {
        Self { step, ..self }
    }

    /// The same by somebody else.
    pub fn by(self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), ..self }
    }

    /// The same with a plan behind it.
    pub fn on(self, plan: Digest) -> Self {
        Self { plan: Some(plan), ..self }
    }

    /// The same with the files that it names.
    pub fn naming(self, refs: Vec<BlobRef>) -> Self {
        Self { refs, ..self }
    }
}

/// Appends to a log what is made of it under its lease, so that what was read cannot change before it is written. The
/// moment is the one that was asked for; leases go by the machine's.
///
/// # Errors
///
/// If somebody else writes the log, what is made fails, or the journal refuses it. Then nothing is written.
pub fn write<T>(
    context: &Context,
    journal: &mut dyn Journal,
    log: &LogId,
    make: impl FnOnce(&mut dyn Journal) -> Result<(Vec<Note>, T), Failure>,
) -> Result<(Vec<Line>, T), Failure> {
    let lease = journal.take_lease(log, &holder(&new_run_id()), context.clock.for_leases(), limits::LEASE)?;
    let written = make(journal).and_then(|(notes, result)| {
        let at = context.clock.now();
        let draft = |note: Note| EntryDraft {
            log: log.clone(),
            at,
            run: None,
            kind: note.kind,
            step: note.step,
            actor: note.actor,
            plan: note.plan,
            refs: note.refs,
            body: note.body,
        };
        Ok((journal.append(&[&lease], notes.into_iter().map(draft).collect())?, result))
    });
    journal.release(&lease)?;
    written
}

/// Appends one entry, and gives its line.
///
/// # Errors
///
/// As [`write()`].
pub fn append(
    context: &Context,
    journal: &mut dyn Journal,
    log: &LogId,
    note: Note,
) -> Result<Line, Failure> {
    let (mut lines, ()) = write(context, journal, log, |_| Ok((vec![note], ())))?;
    lines.pop().ok_or_else(|| Failure::failed("the entry was not written"))
}
