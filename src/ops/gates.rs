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
use crate::model::entry::Entry;
use crate::model::gate::GateStanding;
use crate::model::item_event::ItemEvent;
use crate::model::signed::Signed;
use crate::ops::Context;
use crate::ops::checklist::pending::{escalate_to, pending};
use crate::ops::checklist::{Board, Ground};
use crate::ops::error::Failure;
use crate::ops::note::{Note, append, write};

pub use bar::{barred, cut, notes};

/// Format version of the bodies of these entries.
pub const GATE_ENTRY_VERSION: u32 = 1;
/// A gate lets through.
pub const OPENED: &str = "gate.opened";
/// A gate that let through does not any more.
pub const SHUT: &str = "gate.shut";

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
    Ok(append(context, journal, &log, Note::new(signed.statement.act.entry_kind(), body))?.entry.seq)
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
        let notes = owed.iter().map(Owed::note).collect();
        match write(context, journal, &log, |_| Ok((notes, ()))) {
            Ok(_) => owed.iter().for_each(|one| one.tell(&scope, &mut written)),
            Err(Failure::Journal(JournalError::Held { .. } | JournalError::Fenced { .. })) => {
                written.busy.push(scope);
            }
            Err(other) => return Err(other),
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
    fn note(&self) -> Note {
        match self {
            Owed::Gate(standing) => {
                let kind = if standing.open { OPENED } else { SHUT };
                Note::new(kind, body_of(standing))
            }
            Owed::Late(late) => {
                let body = serde_json::to_value(late.as_ref()).expect("an escalation has a JSON form");
                Note::new(late::ESCALATED, body)
            }
            Owed::Item(item, event) => Note::new(event.kind(), event.to_body()).about(Some(item.clone())),
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
