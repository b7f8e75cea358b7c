//! What was changed: a block for each run with who asked, who approved and how it ended, and what kinds of objects.

use std::collections::BTreeMap;

use crate::base::id::RunId;
use crate::document::{Block, Table, Text};
use crate::model::entry::Entry;
use crate::model::plan::{FieldChange, Operation, Reversal, Work};
use crate::model::signed::{Act, Statement};

use super::super::layout;
use super::counted;
use super::facts::Facts;

/// Runs that are told one by one, the newest; a site that is run daily has thousands.
const RUNS_SHOWN_MAX: usize = 12;
/// Objects whose changed fields are listed; all of them are in the plan.
const OBJECTS_SHOWN_MAX: usize = 60;
/// Fields of one object that are listed.
const FIELDS_SHOWN_MAX: usize = 12;
/// Letters of a value that are shown.
const VALUE_SHOWN_MAX: usize = 160;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::named("changes", "Changes")];
    let mut runs: BTreeMap<&RunId, Vec<&Entry>> = BTreeMap::new();
    for entry in &facts.content.records.entries {
        if let Some(run) = &entry.run {
            runs.entry(run).or_default().push(entry);
        }
    }
    let mut runs: Vec<Vec<&Entry>> = runs.into_values().collect();
    runs.sort_by_key(|entries| std::cmp::Reverse(entries.first().map(|entry| entry.seq)));
    let head = format!(
        "{}, the newest first. Every call that changes something, with what became of it: ",
        counted(runs.len(), "run", "runs")
    );
    blocks.push(Block::Paragraph(
        Text::new(head).file("population/changes.csv", "population/changes.csv").plain("."),
    ));
    let over = runs.len().saturating_sub(RUNS_SHOWN_MAX);
    for entries in runs.iter().take(RUNS_SHOWN_MAX) {
        blocks.extend(of_run(facts, entries));
    }
    if over > 0 {
        let words = format!("{} before these: see ", counted(over, "run", "runs"));
        blocks.push(Block::Paragraph(Text::new(words).file(layout::LOG, layout::LOG).plain(".")));
    }
    blocks.extend(of_plan(facts));
    blocks
}

fn of_run(facts: &Facts<'_>, entries: &[&Entry]) -> Vec<Block> {
    let Some((first, last)) = entries.first().zip(entries.last()) else { return Vec::new() };
    let ended = entries.iter().rev().find(|entry| entry.kind == "run.ended");
    let plan = entries.iter().find_map(|entry| entry.plan);
    let own = |entry: &&Entry| plan.is_some() && entry.plan == plan;
    let about: Vec<&Entry> = facts.content.records.entries.iter().filter(own).collect();
    let decided = |wanted: fn(&Act) -> bool| {
        let one = |(seq, statement): (u64, &Statement)| {
            let fits = wanted(&statement.act) && Some(statement.subject.digest) == plan;
            fits.then(|| decision(facts, seq, statement))
        };
        let all: Vec<Text> = facts.standing().filter_map(one).collect();
        if all.is_empty() { "No record.".into() } else { Text::lines(all) }
    };
    let tickets: std::collections::BTreeSet<String> =
        about.iter().filter_map(|entry| facts.ticket(entry)).collect();
    let tickets: Vec<String> = tickets.into_iter().collect();
    let applied = format!("{} by {}", facts.zone.moment(first.at), first.actor.id);
    let rows = [
        (
            "Ticket",
            if tickets.is_empty() { "None is recorded.".into() } else { Text::new(tickets.join(", ")) },
        ),
        ("Requested", decided(|act| matches!(act, Act::Request { .. }))),
        ("Reviewed", decided(|act| matches!(act, Act::Review {}))),
        ("Approved", decided(|act| matches!(act, Act::Approve { .. }))),
        ("Applied", Text::new(applied).plain(": from ").text(facts.entry(first.seq))),
        ("Tests", tests(ended)),
        ("Result", result(facts, ended.copied(), last)),
        ("Way back tested", way_back(facts, entries)),
    ];
    let plan = plan.map_or(String::new(), |plan| format!(", plan {}", &plan.to_string()[..12]));
    vec![
        Block::part(&format!("Run of {}{plan}", facts.zone.moment(first.at))),
        Block::Pairs(rows.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()),
    ]
}

fn decision(facts: &Facts<'_>, seq: u64, statement: &Statement) -> Text {
    let mut words =
        format!("{} by {} ({})", facts.zone.moment(statement.at), statement.person, statement.role);
    if let Some(other) = &statement.instead_of {
        words.push_str(&format!(" in place of {other}"));
    }
    if let Act::Request { built_by, .. } = &statement.act
        && !built_by.is_empty()
    {
        let built: Vec<String> = built_by.iter().map(ToString::to_string).collect();
        words.push_str(&format!(", built by {}", built.join(", ")));
    }
    Text::new(words).plain(": ").text(facts.decision(seq))
}

fn number(ended: &Entry, name: &str) -> u64 {
    ended.body.pointer(&format!("/counts/{name}")).and_then(serde_json::Value::as_u64).unwrap_or(0)
}

/// Checks of the run: what was looked at without changing anything, and held.
fn tests(ended: Option<&&Entry>) -> Text {
    match ended {
        Some(ended) => {
            let words = format!("{} of the plan passed in this run. What each is: ", counted_checks(ended));
            Text::new(words).place("steps", "Every step").plain(".")
        }
        None => "The run has no end in this record.".into(),
    }
}

fn counted_checks(ended: &Entry) -> String {
    counted(usize::try_from(number(ended, "checked")).unwrap_or(usize::MAX), "check", "checks")
}

fn result(facts: &Facts<'_>, ended: Option<&Entry>, last: &Entry) -> Text {
    let Some(ended) = ended else {
        return format!("No end is recorded; its last entry is {}.", last.seq).into();
    };
    let outcome = ended.body["outcome"].as_str().unwrap_or("ended");
    let sign = if outcome == "succeeded" { "✓" } else { "✗" };
    let counts: Vec<String> = ["created", "updated", "replaced", "deleted", "unchanged", "failed", "blocked"]
        .into_iter()
        .map(|name| format!("{} {name}", number(ended, name)))
        .collect();
    let words = format!("{sign} {outcome} {}: {}: ", facts.zone.moment(ended.at), counts.join(", "));
    Text::new(words).text(facts.entry(ended.seq))
}

/// Whether this site was led back to an earlier state, and came to be as it was.
fn way_back(facts: &Facts<'_>, entries: &[&Entry]) -> Text {
    let proved = |entry: &&&Entry| entry.kind == "rollback.proved";
    match entries.iter().find(proved) {
        Some(entry) if entry.body["proved"] == true => {
            Text::new("✓ It is as the release was that it was led back to: ").text(facts.entry(entry.seq))
        }
        Some(entry) => Text::new("✗ It is not as that release was: ").text(facts.entry(entry.seq)),
        None => "Not in this run.".into(),
    }
}

/// What the newest plan does, by kind of object; then what it changes of objects that were there.
fn of_plan(facts: &Facts<'_>) -> Vec<Block> {
    let mut kinds: BTreeMap<String, [u64; 5]> = BTreeMap::new();
    let mut changed = Table::new(&[("Object", 30), ("Planned", 16), ("Fields", 54)]);
    let mut over = 0;
    for (step, planned) in facts.content.steps() {
        let Work::Reconcile(reconcile) = &planned.work else { continue };
        let counts = kinds.entry(reconcile.kind.to_string()).or_default();
        match reconcile.operation {
            Operation::None => continue,
            Operation::Create => counts[0] += 1,
            Operation::Update => counts[1] += 1,
            Operation::Replace => counts[2] += 1,
            Operation::Delete => counts[3] += 1,
        }
        counts[4] += u64::from(reconcile.reversal == Reversal::OneWay);
        if reconcile.operation == Operation::Create {
            continue;
        }
        if changed.rows.len() == OBJECTS_SHOWN_MAX {
            over += 1;
            continue;
        }
        let planned = Text::new(operation(reconcile.operation)).line().plain(undo(reconcile.reversal));
        let name = Text::new(step.to_string()).line().plain(reconcile.kind.to_string());
        changed.push([name, planned, fields(&reconcile.changes)]);
    }
    kinds.retain(|_, counts| counts.iter().any(|count| *count > 0));
    if kinds.is_empty() {
        return vec![Block::Paragraph("The newest plan changes no object.".into())];
    }
    let mut table = Table::new(&[
        ("Kind of object", 36),
        ("To create", 12),
        ("To update", 12),
        ("To replace", 12),
        ("To delete", 12),
        ("Cannot be undone", 16),
    ]);
    for (kind, counts) in kinds {
        let [create, update, replace, delete, one_way] = counts.map(|count| Text::new(count.to_string()));
        table.push([kind.into(), create, update, replace, delete, one_way]);
    }
    let mut blocks = vec![Block::part("What the newest plan does"), Block::Table(table)];
    if !changed.rows.is_empty() {
        blocks.push(Block::part("What it changes of objects that were there"));
        blocks.push(Block::Table(changed));
    }
    if over > 0 {
        let words = format!("{}: see ", counted(over, "further object", "further objects"));
        blocks.push(Block::Paragraph(Text::new(words).file(layout::PLAN, layout::PLAN).plain(".")));
    }
    blocks
}

fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::None => "no change",
        Operation::Create => "+ create",
        Operation::Update => "~ update",
        Operation::Replace => "-/+ replace",
        Operation::Delete => "- delete",
    }
}

fn undo(reversal: Reversal) -> &'static str {
    match reversal {
        Reversal::Reversible => "can be undone",
        Reversal::WithLoss => "can be undone with loss",
        Reversal::OneWay => "cannot be undone",
    }
}

fn fields(changes: &[FieldChange]) -> Text {
    let more = |over| Text::new(format!("and {over} more"));
    Text::lines(super::first(changes.iter().map(field).collect(), FIELDS_SHOWN_MAX, more))
}

fn field(change: &FieldChange) -> Text {
    let shown = |value: &serde_json::Value| {
        let text = value.to_string();
        let cut: String = text.chars().take(VALUE_SHOWN_MAX).collect();
        if cut.len() < text.len() { format!("{cut}…") } else { cut }
    };
    let from = change.from.as_ref().map_or("nothing".to_owned(), shown);
    let to = match (&change.to, &change.known_after) {
        (_, Some(step)) => format!("known after {step}"),
        (Some(to), None) => shown(to),
        (None, None) => "nothing".to_owned(),
    };
    Text::none().code(change.at.clone()).plain(format!(": {from} → {to}"))
}
