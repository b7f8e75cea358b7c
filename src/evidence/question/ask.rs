//! Approvals, changes, access, incidents, retirements: what the records hold about each, or "no record".
//!
//! An empty answer is never a good one: where nothing is written down, the sentence says so, and says what this
//! version does not write down at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::StepId;
use crate::evidence::decisions;
use crate::model::entry::Entry;
use crate::model::signed::{Act, Signed};

use super::super::answer::Answer;
use super::super::records::{Records, ended_in_delete, kind_of, readback, text};
use super::super::rights;
use super::{counted, reference, result, what};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Who approved what, and when.
    Approvals,
    /// What was changed, by whom, under which plan, with which result.
    Changes,
    /// Who may do what, as last observed.
    Access,
    /// What went wrong and how it was handled.
    Incidents,
    /// What was taken away, and when.
    Retirements,
}

const EVENTS: [&str; 6] = ["entry", "at", "who", "what", "step", "result"];
const CHANGES: [&str; 12] = [
    "intent",
    "step",
    "kind",
    "call",
    "from",
    "to",
    "plan",
    "who",
    "sent at",
    "accepted by",
    "result",
    "result by",
];
const ACCESS: [&str; 7] = ["object", "who", "right", "step", "observed at", "entry", "read back"];

/// Answers a question from records.
pub fn ask(records: &Records, question: Question) -> Answer {
    match question {
        Question::Approvals => approvals(records),
        Question::Changes => changes(records, &changes_of(records)),
        Question::Access => access(records, &rights::observed(&records.seen())),
        Question::Incidents => incidents(records),
        Question::Retirements => retirements(records),
    }
}

fn approvals(records: &Records) -> Answer {
    let kinds = ["gate.", "exception."];
    let signed: BTreeMap<u64, Signed> = decisions::of(&records.entries).into_iter().collect();
    let mut rows = Vec::new();
    for entry in &records.entries {
        match signed.get(&entry.seq) {
            Some(signed) => rows.push(decision_row(records, entry, signed)),
            None if kinds.iter().any(|kind| entry.kind.starts_with(kind)) || is_decision(entry) => {
                rows.extend(events(records, |other| other.seq == entry.seq));
            }
            None => {}
        }
    }
    let sentence = match rows.len() {
        0 => "No record: this log holds no approval. A target whose gates are open asks for none; then they stand \
              wherever you keep your change tickets."
            .to_owned(),
        count => format!("{}.", counted(count, "entry about approvals", "entries about approvals")),
    };
    Answer { question: "approvals", sentence, columns: &EVENTS, rows }
}

fn is_decision(entry: &Entry) -> bool {
    Act::ENTRY_KINDS.contains(&entry.kind.as_str())
}

/// Who decided what in which role, about which digest, with which key.
fn decision_row(records: &Records, entry: &Entry, signed: &Signed) -> Vec<String> {
    let statement = &signed.statement;
    let instead = statement.instead_of.as_ref().map_or(String::new(), |of| format!(" for {of}"));
    let comment =
        if statement.comment.is_empty() { String::new() } else { format!(" Comment: {}", statement.comment) };
    vec![
        records.id(entry.seq),
        statement.at.to_string(),
        format!("{} ({}{instead})", statement.person, statement.role),
        entry.kind.clone(),
        entry.step.as_ref().map_or_else(String::new, ToString::to_string),
        format!(
            "{}{comment} Signed with {} over {}",
            statement.meaning, signed.key, statement.subject.digest
        ),
    ]
}

fn incidents(records: &Records) -> Answer {
    let kinds = ["incident.", "finding.", "redaction."];
    let rows = events(records, |entry| kinds.iter().any(|kind| entry.kind.starts_with(kind)));
    let failed = records.entries.iter().filter(|entry| entry.kind == "step.failed").count();
    let mut sentence = match rows.len() {
        0 => "No record: this log holds no incident, finding or redaction.".to_owned(),
        count => format!("{}.", counted(count, "entry about incidents", "entries about incidents")),
    };
    if failed > 0 {
        let steps = counted(failed, "step has failed", "steps have failed");
        sentence.push_str(&format!(" {steps}, which is not an incident by itself: search kind:step.failed."));
    }
    Answer { question: "incidents", sentence, columns: &EVENTS, rows }
}

fn retirements(records: &Records) -> Answer {
    let deleted = |entry: &Entry| entry.kind == "step.succeeded" && ended_in_delete(entry);
    let told = |entry: &Entry| entry.kind.starts_with("retirement.");
    let rows = events(records, |entry| deleted(entry) || told(entry));
    let sentence = match rows.len() {
        0 => "No record: nothing of this log's was deleted or retired.".to_owned(),
        count => format!("{}.", counted(count, "entry about retirements", "entries about retirements")),
    };
    Answer { question: "retirements", sentence, columns: &EVENTS, rows }
}

fn events(records: &Records, wanted: impl Fn(&Entry) -> bool) -> Vec<Vec<String>> {
    let row = |entry: &Entry| {
        vec![
            records.id(entry.seq),
            entry.at.to_string(),
            entry.actor.id.clone(),
            what(entry).to_owned(),
            entry.step.as_ref().map_or_else(String::new, ToString::to_string),
            result(entry),
        ]
    };
    records.entries.iter().filter(|entry| wanted(entry)).map(row).collect()
}

/// One intent to change something, with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'r> {
    /// The entry written before the call.
    pub intent: &'r Entry,
    /// The entry that says that the service took it, or that its object was found after a doubt.
    pub accepted: Option<&'r Entry>,
    /// The entry that ended the step afterwards.
    pub ended: Option<&'r Entry>,
    /// The last entry before it that saw the object.
    pub before: Option<&'r Entry>,
}

/// Every intent of a log in its order.
pub fn changes_of(records: &Records) -> Vec<Change<'_>> {
    let mut changes: Vec<Change<'_>> = Vec::new();
    // A step's turn is ended by what ends the step; a repeated call belongs to the same end.
    let mut open: BTreeMap<&StepId, Vec<usize>> = BTreeMap::new();
    let mut seen: BTreeMap<&StepId, &Entry> = BTreeMap::new();
    for entry in &records.entries {
        let Some(step) = &entry.step else { continue };
        match entry.kind.as_str() {
            "step.applying" => {
                open.entry(step).or_default().push(changes.len());
                let before = seen.get(step).copied();
                changes.push(Change { intent: entry, accepted: None, ended: None, before });
            }
            "step.applied" | "step.found" => {
                if let Some(place) = open.get(step).and_then(|places| places.last()) {
                    changes[*place].accepted.get_or_insert(entry);
                }
            }
            "step.succeeded" | "step.failed" => {
                for place in open.remove(step).unwrap_or_default() {
                    changes[place].ended = Some(entry);
                }
                if readback(entry).is_some() {
                    seen.insert(step, entry);
                }
            }
            _ => {}
        }
    }
    changes
}

/// What was changed, of changes that are known.
pub fn changes(records: &Records, changes: &[Change<'_>]) -> Answer {
    let open = changes.iter().filter(|change| change.ended.is_none()).count();
    let rows: Vec<Vec<String>> = changes.iter().map(|change| change_row(records, change)).collect();
    let objects: BTreeSet<&StepId> =
        changes.iter().filter_map(|change| change.intent.step.as_ref()).collect();
    let mut sentence = match rows.len() {
        0 => "No record: no call that changes something was sent.".to_owned(),
        count => format!(
            "{} to {}.",
            counted(count, "change was sent", "changes were sent"),
            counted(objects.len(), "object", "objects")
        ),
    };
    if open > 0 {
        sentence.push_str(&format!(" {} without an outcome in this log.", counted(open, "is", "are")));
    }
    Answer { question: "changes", sentence, columns: &CHANGES, rows }
}

fn change_row(records: &Records, change: &Change<'_>) -> Vec<String> {
    let intent = change.intent;
    let id = |entry: Option<&Entry>| entry.map_or_else(String::new, |entry| records.id(entry.seq));
    let call = text(intent, "/call").unwrap_or_default();
    let from = match (change.before.and_then(readback), call) {
        (Some(named), _) => format!("read back sha256:{}", named.sha256),
        (None, "create") => "not there".to_owned(),
        (None, _) => "not recorded in this log".to_owned(),
    };
    let to = text(intent, "/desired/spec_digest").map(|digest| format!("spec sha256:{digest}"));
    let to = if call == "delete" { Some("deleted".to_owned()) } else { to };
    vec![
        records.id(intent.seq),
        intent.step.as_ref().map_or_else(String::new, ToString::to_string),
        kind_of(intent).unwrap_or_default().to_owned(),
        call.to_owned(),
        from,
        to.unwrap_or_else(|| "not recorded in this log".to_owned()),
        intent.plan.map_or_else(|| "none".to_owned(), |plan| plan.to_string()),
        intent.actor.id.clone(),
        intent.at.to_string(),
        id(change.accepted),
        change.ended.map_or_else(|| "no outcome".to_owned(), result),
        id(change.ended),
    ]
}

/// Who may do what, of rights that are known.
pub fn access(records: &Records, rights: &[rights::Right<'_>]) -> Answer {
    let row = |right: &rights::Right<'_>| {
        vec![
            right.object.clone(),
            right.who.clone(),
            right.right.clone(),
            right.seen.step.to_string(),
            right.seen.at.to_string(),
            records.id(right.seen.entry),
            reference(right.seen.readback),
        ]
    };
    let rows: Vec<Vec<String>> = rights.iter().map(row).collect();
    let dates = rights.iter().map(|right| right.seen.at);
    let sentence = match (dates.clone().min(), dates.max()) {
        (Some(first), Some(last)) => format!(
            "{} as last observed, from {first} to {last}. What others granted outside this log is not in it.",
            counted(rows.len(), "right", "rights")
        ),
        _ => "No record: this log has observed no grant, permission, assignment or binding.".to_owned(),
    };
    Answer { question: "access", sentence, columns: &ACCESS, rows }
}
