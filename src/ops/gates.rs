//! Gates as things that happen: decisions about them are recorded, their opening and shutting is written once, and what
//! waits too long is told.

mod bar;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::digest::Digest;
use crate::base::id::{GateId, LogId, ScopeId, StepId};
use crate::base::limits;
use crate::checklist;
use crate::gate::late::{self, Escalated};
use crate::journal::{Journal, JournalError};
use crate::model::entry::{Entry, EntryDraft};
use crate::model::gate::GateStanding;
use crate::model::item_event::ItemEvent;
use crate::model::signed::Signed;
use crate::ops::checklist::pending::{escalate_to, pending};
use crate::ops::checklist::{Board, Ground};
use crate::ops::error::Failure;
use crate::ops::{Context, holder, new_run_id, person};

pub use bar::{barred, cut, notes};

/// Format version of the bodies of these entries.
pub const GATE_ENTRY_VERSION: u32 = 1;
/// A gate lets through.
pub const OPENED: &str = "gate.opened";
/// A gate that let through does not any more.
pub const SHUT: &str = "gate.shut";

/// Appends entries to the log of a scope. The moment is the one that was asked for, leases go by the machine's.
pub(super) fn append(
    context: &Context,
    journal: &mut dyn Journal,
    log: &LogId,
    drafts: Vec<EntryDraft>,
) -> Result<Vec<u64>, JournalError> {
    let lease = journal.take_lease(log, &holder(&new_run_id()), context.clock.for_leases(), limits::LEASE)?;
    let appended = journal.append(&[&lease], drafts);
    journal.release(&lease)?;
    Ok(appended?.iter().map(|line| line.entry.seq).collect())
}

pub(super) fn draft(
    context: &Context,
    log: &LogId,
    kind: &str,
    step: Option<StepId>,
    body: Value,
) -> EntryDraft {
    EntryDraft {
        log: log.clone(),
        at: context.clock.now(),
        run: None,
        kind: kind.to_owned(),
        step,
        actor: person(),
        plan: None,
        refs: Vec::new(),
        body,
    }
}

/// Records a decision about an item or a gate in the log of its scope, and gives its place there.
///
/// # Errors
///
/// If the log is being written by somebody else, or what is said looks like a secret or like patient data.
///
/// # Panics
///
/// If a decision has no JSON form: a bug in its type.
pub fn decide(context: &Context, journal: &mut dyn Journal, signed: &Signed) -> Result<u64, Failure> {
    let scope = signed.statement.subject.scope.clone();
    let log = scope.map_or(LogId::Org, LogId::Scope);
    let body = serde_json::to_value(signed).expect("a decision has a JSON form");
    let drafts = vec![draft(context, &log, signed.statement.act.entry_kind(), None, body)];
    let seqs = append(context, journal, &log, drafts)?;
    seqs.first().copied().ok_or_else(|| Failure::failed("the entry was not written"))
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// Gates that were opened or shut, each with its kind of entry.
    pub gates: Vec<(ScopeId, GateId, &'static str)>,
    /// Roles that were told of something late, in words.
    pub told: Vec<String>,
    /// Scopes whose log somebody else is writing: they are taken up the next time.
    pub busy: Vec<ScopeId>,
}

/// Writes what has changed since it was written last: gates that opened or shut, and waits that are late. Looking again
/// writes nothing.
///
/// # Errors
///
/// If a log cannot be read or written.
pub fn record(context: &Context, ground: &Ground, journal: &mut dyn Journal) -> Result<Written, Failure> {
    let board = ground.board(&*journal, context.clock.now())?;
    let mut written = Written::default();
    let changes = owed(ground, &board);
    for (scope, owed) in changes {
        let log = LogId::Scope(scope.clone());
        let drafts = owed.iter().map(|one| one.draft(context, &log)).collect();
        match append(context, journal, &log, drafts) {
            Ok(_) => owed.iter().for_each(|one| one.tell(&scope, &mut written)),
            Err(JournalError::Held { .. } | JournalError::Fenced { .. }) => written.busy.push(scope),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(written)
}

/// Something that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Owed {
    /// A gate changed.
    Gate(Box<GateStanding>),
    /// A wait is late.
    Late(Box<Escalated>),
    /// An item is late.
    Item(StepId, ItemEvent),
}

impl Owed {
    fn draft(&self, context: &Context, log: &LogId) -> EntryDraft {
        match self {
            Owed::Gate(standing) => {
                let kind = if standing.open { OPENED } else { SHUT };
                draft(context, log, kind, None, body_of(standing))
            }
            Owed::Late(late) => {
                let body = serde_json::to_value(late.as_ref()).expect("an escalation has a JSON form");
                draft(context, log, late::ESCALATED, None, body)
            }
            Owed::Item(item, event) => draft(context, log, event.kind(), Some(item.clone()), event.to_body()),
        }
    }

    fn tell(&self, scope: &ScopeId, written: &mut Written) {
        match self {
            Owed::Gate(standing) => {
                let kind = if standing.open { OPENED } else { SHUT };
                written.gates.push((scope.clone(), standing.gate.clone(), kind));
            }
            Owed::Late(late) => {
                written.told.push(format!(
                    "{} is told: {} at {scope} is late since {}",
                    late.to, late.asks, late.due
                ));
            }
            Owed::Item(item, ItemEvent::Escalated { to, why, .. }) => {
                written.told.push(format!("{to} is told: {item} at {scope} is {why}"));
            }
            Owed::Item(..) => {}
        }
    }
}

/// What a gate's entry says of it.
fn body_of(standing: &GateStanding) -> Value {
    let missing = cut(&standing.missing);
    json!({
        "v": GATE_ENTRY_VERSION,
        "gate": standing.gate,
        "digest": standing.digest,
        "until": standing.until,
        "waived": standing.waived.iter().take(limits::GATE_MISSING_MAX).collect::<Vec<_>>(),
        "missing": if standing.open { Vec::new() } else { missing },
    })
}

/// What is to be written, scope by scope.
pub fn owed(ground: &Ground, board: &Board) -> BTreeMap<ScopeId, Vec<Owed>> {
    let mut changes: BTreeMap<ScopeId, Vec<Owed>> = BTreeMap::new();
    let mut told = Vec::new();
    for (scope, stand) in &board.scopes {
        told.extend(late::told(&stand.records));
        for standing in stand.gates.values().filter(|standing| is_new(standing, &stand.records)) {
            changes.entry(scope.clone()).or_default().push(Owed::Gate(Box::new(standing.clone())));
        }
        let late = stand.items.values().filter(|item| item.overdue && item.escalated.is_none());
        for item in late {
            let why = item.due.map_or_else(String::new, |due| format!("{} since {due}", checklist::LATE));
            let event = ItemEvent::Escalated { at: board.now, to: item.escalate_to.clone(), why };
            changes.entry(scope.clone()).or_default().push(Owed::Item(item.item.clone(), event));
        }
    }
    // What is late of an item is told with the item, whoever has to state it.
    let gates: Vec<_> = pending(ground, board)
        .into_iter()
        .filter(|wait| wait.subject.kind == crate::model::signed::SubjectKind::Gate)
        .collect();
    for late in late::due(&gates, |wait| escalate_to(ground, wait), &told, board.now) {
        let Some(scope) = late.subject.scope.clone() else { continue };
        changes.entry(scope).or_default().push(Owed::Late(Box::new(late)));
    }
    changes
}

/// Whether a gate stands otherwise than its newest entry says. One that was never open is not shut.
fn is_new(standing: &GateStanding, records: &[Entry]) -> bool {
    let own = |entry: &&Entry| {
        [OPENED, SHUT].contains(&entry.kind.as_str())
            && entry.body.get("gate").and_then(Value::as_str) == Some(standing.gate.as_str())
    };
    let newest = records.iter().rev().find(own);
    let was_open = newest.is_some_and(|entry| entry.kind == OPENED);
    if !standing.open {
        return was_open;
    }
    let digest = newest.and_then(|entry| entry.body.get("digest")).and_then(Value::as_str);
    !was_open || digest.and_then(|text| text.parse::<Digest>().ok()).as_ref() != Some(&standing.digest)
}

/// Refuses to record at a moment that is not the present one, unless every target of the estate is a sandbox.
///
/// # Errors
///
/// `Refused`.
pub fn refuse_shifted(context: &Context, desired: &crate::ops::desired::Desired) -> Result<(), Failure> {
    use crate::model::estate::TargetDriver;
    let crate::runner::clock::Clock::Shifted(_) = context.clock else { return Ok(()) };
    let targets = &desired.loaded.estate.targets;
    let real = targets.iter().find(|(_, spec)| match spec.driver {
        TargetDriver::Sandbox => false,
        TargetDriver::Databricks => !spec.host.as_deref().is_some_and(crate::ops::target::is_loopback),
    });
    match real {
        None => Ok(()),
        Some((name, _)) => Err(Failure::Refused {
            reason: format!(
                "--now is for sandboxes: what is recorded at another moment would count for the target {name} too"
            ),
        }),
    }
}
