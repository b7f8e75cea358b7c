//! The first screen: what ran, what failed, what is accepted until when, who approved, what is not proven.

use std::collections::BTreeSet;

use crate::evidence::control::ControlStatus;
use crate::evidence::question::ask::{Question, ask, changes_of};
use crate::evidence::redaction::is_redacted;
use crate::model::entry::Entry;

use super::super::super::tally::Tally;
use super::super::Content;
use super::escape::{escaped, moment};

pub(super) fn html(content: &Content<'_>) -> String {
    let rows = [
        ("What ran", ran(content)),
        ("What failed", failed(content)),
        ("What is accepted, until when", accepted(content)),
        ("Who approved", approved(content)),
        ("What is not proven", not_proven(content)),
    ];
    let mut html = String::from("<h2 id=\"short\">In short</h2>\n<table class=\"short\">\n<tbody>\n");
    for (question, answer) in rows {
        html.push_str(&format!("<tr><th scope=\"row\">{question}</th><td>{answer}</td></tr>\n"));
    }
    html.push_str("</tbody>\n</table>\n");
    html
}

fn ran(content: &Content<'_>) -> String {
    let Tally { planned, run, succeeded, failed, blocked, open } = content.tally;
    let mut text = format!(
        "{planned} steps planned, {run} run, {succeeded} succeeded, {failed} failed, {blocked} blocked by a failure"
    );
    if open > 0 {
        text.push_str(&format!(", {open} without an outcome"));
    }
    let changes = changes_of(&content.records);
    let objects: BTreeSet<_> = changes.iter().filter_map(|change| change.intent.step.as_ref()).collect();
    text.push_str(&format!(
        ". {} calls were sent that change something, to {} objects",
        changes.len(),
        objects.len()
    ));
    let entries = &content.records.entries;
    if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
        text.push_str(&format!(". From {} to {}", moment(first.at), moment(last.at)));
    }
    format!("{}.{}", escaped(&text), ways_back(content))
}

/// What rollbacks came to, by the entries that prove them.
fn ways_back(content: &Content<'_>) -> String {
    let proofs = content.records.entries.iter().filter(|entry| entry.kind == "rollback.proved");
    let line = |entry: &Entry| {
        let text = |field: &str| entry.body[field].as_str().unwrap_or_default().to_owned();
        let stayed = entry.body["stayed"].as_object().map_or(0, serde_json::Map::len);
        let proved = entry.body["proved"] == true;
        let verdict =
            if proved { "✓ It is as that release was" } else { "✗ It is not as that release was" };
        format!(
            "<br>Led back to R{} by entry {}: state {} after {}, wanted {}. {verdict}; {stayed} objects stay although \
             they came later.",
            escaped(&entry.body["release"].to_string()),
            entry.seq,
            escaped(&text("after")),
            escaped(&text("before")),
            escaped(&text("wanted")),
        )
    };
    proofs.map(line).collect()
}

fn failed(content: &Content<'_>) -> String {
    let Tally { failed, blocked, open, .. } = content.tally;
    if failed + blocked + open == 0 {
        return "✓ Nothing: every planned step has reached its goal.".to_owned();
    }
    format!(
        "✗ {failed} failed, {blocked} blocked by a failure, {open} without an outcome: see \
         <a href=\"#eye\">Needs your eye</a>."
    )
}

fn accepted(content: &Content<'_>) -> String {
    let waived = content.parts.controls.iter().filter_map(|control| match &control.status {
        ControlStatus::Waived { until } => {
            Some(format!("{}: until {}", escaped(&control.title), escaped(&until.to_string())))
        }
        _ => None,
    });
    let items: Vec<String> = waived.collect();
    if items.is_empty() { "No exception is recorded.".to_owned() } else { items.join("<br>") }
}

fn approved(content: &Content<'_>) -> String {
    let answer = ask(&content.records, Question::Approvals);
    if answer.rows.is_empty() {
        return "No record. The target asked for none: ask for the change ticket.".to_owned();
    }
    let one = |row: &Vec<String>| escaped(&format!("{} at {}: {} ({})", row[2], row[1], row[3], row[0]));
    answer.rows.iter().map(one).collect::<Vec<_>>().join("<br>")
}

fn not_proven(content: &Content<'_>) -> String {
    let mut items = Vec::new();
    if content.parts.rehearsal {
        items.push("That anything of this happened on a real account: it is a rehearsal.".to_owned());
    }
    let redacted = content.records.entries.iter().filter(|entry| is_redacted(entry)).count();
    if redacted > 0 {
        items.push(format!("What {redacted} redacted entries said: only their hashes are here."));
    }
    let is_open = |status: &ControlStatus| {
        !matches!(status, ControlStatus::Evidenced | ControlStatus::NotApplicable { .. })
    };
    let open = content.parts.controls.iter().filter(|control| is_open(&control.status)).count();
    if open > 0 {
        items.push(format!("{open} of {} controls stand open.", content.parts.controls.len()));
    }
    items.push("That no object was made or changed beside this program.".to_owned());
    items.push("More under <a href=\"#limits\">What the seal does not prove</a>.".to_owned());
    items.join("<br>")
}
