//! The tables of the page, each sorted by need: what asks for attention comes first.

use crate::base::id::StepId;
use crate::model::plan::{FieldChange, Operation, PlannedStep, Reversal, Work};

use super::super::super::redaction::is_redacted;
use super::super::super::register;
use super::super::super::tally::{StepOutcome, StepResult};
use super::super::{Content, layout};
use super::escape::{escaped, link, moment};

/// Letters of a value that are shown; the whole stands in `plan.json`.
const VALUE_SHOWN_MAX: usize = 160;

pub(super) fn needs_your_eye(content: &Content<'_>) -> String {
    let mut items: Vec<String> = Vec::new();
    for (step, planned, outcome) in by_need(content) {
        let name = escaped(&title(step, planned));
        match outcome.map(|outcome| (outcome.result, reason(outcome))) {
            Some((StepResult::Succeeded, _)) => {}
            Some((StepResult::Failed, why)) => items.push(format!("Failed: {name}: {why}")),
            Some((StepResult::Blocked, why)) => items.push(format!("Blocked: {name}: {why}")),
            None => items.push(format!("No outcome is recorded: {name}")),
        }
    }
    items.extend(super::controls::open_points(&content.parts.controls));
    for (step, difference) in &content.populations.reconciliation.differences {
        items.push(format!(
            "Applied, but not read back: {}: {}",
            escaped(step.as_str()),
            escaped(difference)
        ));
    }
    for entry in content.records.entries.iter().filter(|entry| is_redacted(entry)) {
        let reason = entry.body.get("redacted").and_then(|reason| reason.as_str()).unwrap_or_default();
        items.push(format!("Redacted: entry {} ({}): {}", entry.seq, escaped(&entry.kind), escaped(reason)));
    }
    for finding in register::open_findings(&content.records) {
        items.push(format!("Open finding: {}", escaped(&finding)));
    }
    let mut html = String::from("<h2 id=\"eye\">Needs your eye</h2>\n");
    if items.is_empty() {
        html.push_str("<p>Nothing: every planned step has succeeded, every change was read back, and no control or finding stands open.</p>\n");
        return html;
    }
    html.push_str("<ul>\n");
    for item in items {
        html.push_str(&format!("<li>{item}</li>\n"));
    }
    html.push_str("</ul>\n");
    html
}

pub(super) fn steps(content: &Content<'_>) -> String {
    let mut rows = Vec::new();
    for (step, planned, outcome) in by_need(content) {
        let [result, when, evidence] = match outcome {
            None => ["no outcome".to_owned(), String::new(), String::new()],
            Some(outcome) => [result(outcome), moment(outcome.at), evidence(content, outcome)],
        };
        rows.push([escaped(&title(step, planned)), result, when, evidence]);
    }
    table("Steps", ["Step", "Result", "When", "Evidence"], rows)
}

pub(super) fn changes(content: &Content<'_>) -> String {
    let mut rows = Vec::new();
    for (step, planned) in content.steps() {
        let Work::Reconcile(reconcile) = &planned.work else { continue };
        if reconcile.operation == Operation::None {
            continue;
        }
        let undo = match reconcile.reversal {
            Reversal::Reversible => "can be undone",
            Reversal::WithLoss => "can be undone with loss",
            Reversal::OneWay => "cannot be undone",
        };
        let fields = fields(reconcile.operation, &reconcile.changes);
        let name = format!("{step} ({})", reconcile.kind);
        let operation = operation(reconcile.operation);
        rows.push([escaped(&name), operation.to_owned(), undo.to_owned(), fields]);
    }
    if rows.is_empty() {
        return "<h2>Changes</h2>\n<p>The plan changes no object.</p>\n".to_owned();
    }
    table("Changes", ["Object", "Planned", "Undo", "Fields"], rows)
}

/// The site's planned steps with their outcomes: failed, blocked and open ones first, then in the order of the log.
fn by_need<'c>(content: &'c Content<'_>) -> Vec<(&'c StepId, &'c PlannedStep, Option<&'c StepOutcome>)> {
    let steps = content.steps();
    let mut rows: Vec<_> =
        steps.iter().map(|(id, planned)| (id, planned, content.outcomes.get(id))).collect();
    let need = |outcome: Option<&StepOutcome>| match outcome.map(|outcome| outcome.result) {
        Some(StepResult::Failed) => 0,
        Some(StepResult::Blocked) => 1,
        None => 2,
        Some(StepResult::Succeeded) => 3,
    };
    rows.sort_by_key(|(_, _, outcome)| (need(*outcome), outcome.map(|outcome| outcome.seq)));
    rows
}

fn title(step: &StepId, planned: &PlannedStep) -> String {
    match &planned.work {
        Work::Reconcile(reconcile) => format!("{step} ({})", reconcile.kind),
        Work::Check { title, .. } => format!("{title} ({step})"),
    }
}

fn result(outcome: &StepOutcome) -> String {
    let word = match outcome.result {
        StepResult::Succeeded => "✓ succeeded",
        StepResult::Failed => "✗ failed",
        StepResult::Blocked => "– blocked",
    };
    match &outcome.why {
        Some(why) => format!("{word}: {}", escaped(why)),
        None => word.to_owned(),
    }
}

fn reason(outcome: &StepOutcome) -> String {
    outcome.why.as_deref().map_or_else(|| "no reason is recorded".to_owned(), escaped)
}

fn evidence(content: &Content<'_>, outcome: &StepOutcome) -> String {
    let mut links = vec![format!("entry {} of {}", outcome.seq, link(layout::LOG, layout::LOG))];
    for named in &outcome.refs {
        if let Some(path) = content.places.get(&named.sha256) {
            links.push(link(path, path));
        }
    }
    links.join("<br>")
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

/// The fields of a change. Of a new object they are all new, and too many to be read here.
fn fields(operation: Operation, changes: &[FieldChange]) -> String {
    match operation {
        Operation::Create => {
            format!("{} fields, all new: {}", changes.len(), link(layout::PLAN, layout::PLAN))
        }
        Operation::None | Operation::Update | Operation::Replace | Operation::Delete => {
            changes.iter().map(field).collect::<Vec<_>>().join("<br>")
        }
    }
}

fn field(change: &FieldChange) -> String {
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
    format!("<code>{}</code>: {} → {}", escaped(&change.at), escaped(&from), escaped(&to))
}

/// A table of cells that are HTML already.
pub(super) fn table<const N: usize>(heading: &str, columns: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut html = format!("<h2>{heading}</h2>\n<table>\n<thead><tr>");
    for column in columns {
        html.push_str(&format!("<th scope=\"col\">{column}</th>"));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        html.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    html.push_str("</tbody>\n</table>\n");
    html
}
