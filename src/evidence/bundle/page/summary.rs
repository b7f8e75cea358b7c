//! One sentence whose counts add up, and five answers: what ran, what failed, what is accepted until when, who approved,
//! what is not proven. They stand on the first printed page.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::StepId;
use crate::document::{Block, Text};
use crate::evidence::control::ControlStatus;
use crate::evidence::question::ask::changes_of;
use crate::evidence::redaction::is_redacted;
use crate::model::entry::Entry;
use crate::model::signed::{Act, Statement, SubjectKind};

use super::super::super::tally::Tally;
use super::facts::{Facts, Separation};
use super::{controls, counted, first};

/// Exceptions and approvals that are told one by one on the first page.
const TOLD_MAX: usize = 5;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let rows = [
        ("What ran", ran(facts)),
        ("What failed", failed(facts)),
        ("What is accepted, until when", accepted(facts)),
        ("Who approved", approved(facts)),
        ("What is not proven", not_proven(facts)),
    ];
    vec![
        Block::named("short", "In short"),
        Block::Paragraph(Text::none().strong(sentence(facts))),
        Block::Pairs(rows.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()),
    ]
}

/// The counts of steps, exceptions, changes, tickets and approvals. What is planned is the sum of what came of it.
fn sentence(facts: &Facts<'_>) -> String {
    let Tally { planned, run, succeeded, failed, blocked, open } = facts.content.tally;
    let mut text = format!(
        "{planned} steps planned, {run} run, {succeeded} passed, {failed} failed, {blocked} blocked by a failure"
    );
    if open > 0 {
        text.push_str(&format!(", {open} without an outcome"));
    }
    let exceptions = facts.exceptions();
    let last = exceptions.iter().filter_map(|(_, one)| one.expires).max();
    text.push_str(&format!(", {}", counted(exceptions.len(), "exception accepted", "exceptions accepted")));
    if let Some(last) = last {
        text.push_str(&format!(" until {} at the latest", facts.zone.day(last)));
    }
    text.push_str(&format!(
        ". {} applied, {}, {}",
        counted(changes_of(facts.content.records).len(), "change", "changes"),
        counted(facts.tickets().len(), "ticket", "tickets"),
        counted(facts.approvals().len(), "approval", "approvals"),
    ));
    text.push_str(match facts.separation() {
        Separation::Kept => "; no approver approved their own change.",
        Separation::Broken(_) => "; an approver approved their own change.",
        Separation::NotShown(_) => "; who built what was approved is not recorded.",
        Separation::NoApproval => "; no approval of a plan is recorded here.",
    });
    text
}

fn ran(facts: &Facts<'_>) -> Text {
    let content = facts.content;
    let changes = changes_of(content.records);
    let objects: BTreeSet<&StepId> =
        changes.iter().filter_map(|change| change.intent.step.as_ref()).collect();
    let Tally { planned, run, .. } = content.tally;
    let text = Text::new(format!(
        "{run} of {planned} planned steps. {} that change something went to {} (",
        counted(changes.len(), "call", "calls"),
        counted(objects.len(), "object", "objects"),
    ));
    let text = text.file("population/changes.csv", "population/changes.csv").plain(").");
    text.plain(ways_back(content.records.entries.iter()))
}

/// What rollbacks came to, by the entries that prove them.
fn ways_back<'e>(entries: impl Iterator<Item = &'e Entry>) -> String {
    let line = |entry: &Entry| {
        let text = |field: &str| entry.body[field].as_str().unwrap_or_default().to_owned();
        let stayed = entry.body["stayed"].as_object().map_or(0, serde_json::Map::len);
        let proved = entry.body["proved"] == true;
        let verdict =
            if proved { "✓ It is as that release was" } else { "✗ It is not as that release was" };
        format!(
            " Led back to R{} by entry {}: state {} after {}, wanted {}. {verdict}; {stayed} objects stay although \
             they came later.",
            entry.body["release"],
            entry.seq,
            text("after"),
            text("before"),
            text("wanted"),
        )
    };
    entries.filter(|entry| entry.kind == "rollback.proved").map(line).collect()
}

fn failed(facts: &Facts<'_>) -> Text {
    let Tally { failed, blocked, open, .. } = facts.content.tally;
    if failed + blocked + open == 0 {
        return "✓ Nothing: every planned step has reached its goal.".into();
    }
    let counts =
        format!("✗ {failed} failed, {blocked} blocked by a failure, {open} without an outcome: see ");
    Text::new(counts).place("eye", "Needs your eye").plain(".")
}

fn accepted(facts: &Facts<'_>) -> Text {
    let mut lines: Vec<Text> = facts.exceptions().into_iter().map(|(_, one)| exception(facts, one)).collect();
    for control in &facts.content.parts.controls {
        if let ControlStatus::Waived { until } = &control.status {
            lines.push(format!("{}: until {}", control.title, facts.zone.moment(*until)).into());
        }
    }
    if lines.is_empty() {
        return "No exception is recorded.".into();
    }
    let more = |over| Text::new(format!("and {over} more under ")).place("eye", "Needs your eye");
    Text::lines(first(lines, TOLD_MAX, more))
}

/// What is let pass, until when, and who answers for it.
fn exception(facts: &Facts<'_>, one: &Statement) -> Text {
    let until =
        one.expires.map_or("without an end".to_owned(), |end| format!("until {}", facts.zone.day(end)));
    let what = one.meaning.split_once(": ").map_or(one.meaning.as_str(), |(_, what)| what);
    Text::none().strong(until).plain(format!(", accepted by {} ({}): {what}", one.person, one.role))
}

fn approved(facts: &Facts<'_>) -> Text {
    let approvals = facts.approvals();
    let unsigned = facts.content.records.entries.iter().filter(|entry| facts.is_unsigned(entry)).count();
    if approvals.is_empty() && unsigned == 0 {
        return "No record. The target asked for none: ask for the change ticket.".into();
    }
    let mut lines = Vec::new();
    let mut gates: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (seq, one) in approvals {
        let who = format!("{} ({}), {}", one.person, one.role, facts.zone.moment(one.at));
        match one.subject.kind {
            SubjectKind::Plan => {
                lines.push(Text::new(format!("the plan: {who}: ")).text(facts.decision(seq)));
            }
            SubjectKind::Gate => {
                gates.entry(&one.subject.name).or_default().insert(one.person.as_str());
            }
            SubjectKind::Item | SubjectKind::AccessRequest | SubjectKind::Recertification => {
                lines.push(Text::new(format!("{}: {who}: ", one.subject.name)).text(facts.decision(seq)));
            }
        }
    }
    if !gates.is_empty() {
        let by = |(gate, people): (&&str, &BTreeSet<&str>)| {
            format!("{gate} by {}", people.iter().copied().collect::<Vec<_>>().join(", "))
        };
        lines.push(format!("gates: {}", gates.iter().map(by).collect::<Vec<_>>().join("; ")).into());
    }
    if unsigned > 0 {
        lines.push(
            format!("{} recorded but not signed", counted(unsigned, "approval is", "approvals are")).into(),
        );
    }
    let more = |over| Text::new(format!("and {over} more under ")).place("people", "People");
    Text::lines(first(lines, TOLD_MAX, more))
}

fn not_proven(facts: &Facts<'_>) -> Text {
    let content = facts.content;
    let mut items: Vec<Text> = Vec::new();
    if content.parts.rehearsal {
        items.push("That anything of this happened on a real account: it is a rehearsal.".into());
    }
    let redacted = content.records.entries.iter().filter(|entry| is_redacted(entry)).count();
    if redacted > 0 {
        items.push(format!("What {redacted} redacted entries said: only their hashes are here.").into());
    }
    if let Some(open) = controls::open_in_words(&content.parts.controls) {
        items.push(Text::new(open).plain(": see ").place("controls", "Controls").plain("."));
    }
    if let Separation::NotShown(count) = facts.separation() {
        let words = counted(count, "approval of a plan", "approvals of plans");
        items.push(
            format!("That {words} came from others than those who built it: no request says who did.").into(),
        );
    }
    items.push("That no object was made or changed beside this program.".into());
    items.push(Text::new("More under ").place("limits", "What the seal does not prove").plain("."));
    Text::lines(items)
}

/// What an act is called where people read it.
pub(super) fn act(act: &Act) -> &'static str {
    match act {
        Act::Request { .. } => "asked for approval",
        Act::Review {} => "reviewed",
        Act::Approve { .. } => "approved",
        Act::Reject {} => "rejected",
        Act::Attest {} => "stated",
        Act::NotApplicable {} => "said that it does not apply",
        Act::Waive { .. } => "accepted an exception",
        Act::BreakGlass {} => "opened the way past the approvals",
        Act::Withdraw {} => "took a decision back",
    }
}
