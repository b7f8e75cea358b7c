//! Every planned step with what came of it and its evidence; what failed, is blocked or open stands first.

use crate::base::id::StepId;
use crate::document::{Block, Table, Text};
use crate::model::plan::{PlannedStep, Work};

use super::super::super::tally::{StepOutcome, StepResult};
use super::super::{Content, layout};
use super::facts::Facts;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let mut table = Table::new(&[("Step", 36), ("Result", 18), ("When", 16), ("Evidence", 30)]);
    for (step, planned, outcome) in by_need(facts.content) {
        let [result, when, evidence] = match outcome {
            None => ["no outcome".into(), Text::none(), Text::none()],
            Some(outcome) => {
                [result(outcome).into(), facts.zone.short(outcome.at).into(), evidence(facts, outcome)]
            }
        };
        table.push([title(step, planned).into(), result, when, evidence]);
    }
    let zone = format!("Times are those of {}.", facts.zone.name());
    vec![Block::named("steps", "Every step"), Block::Paragraph(zone.into()), Block::Table(table)]
}

/// The site's planned steps with their outcomes: failed, blocked and open ones first, then in the order of the log.
pub(super) fn by_need<'c>(
    content: &'c Content<'_>,
) -> Vec<(&'c StepId, &'c PlannedStep, Option<&'c StepOutcome>)> {
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

/// What a step is, in words where it has them.
pub(super) fn title(step: &StepId, planned: &PlannedStep) -> String {
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
        Some(why) => format!("{word}: {why}"),
        None => word.to_owned(),
    }
}

fn evidence(facts: &Facts<'_>, outcome: &StepOutcome) -> Text {
    let files = outcome.refs.iter().filter_map(|named| facts.content.places.get(&named.sha256));
    let short = |path: &String| path.strip_prefix(layout::EVIDENCE).unwrap_or(path).to_owned();
    let mut links: Vec<Text> = files.map(|path| Text::link(path.clone(), short(path))).collect();
    if links.is_empty() {
        links.push(facts.entry(outcome.seq));
    }
    Text::lines(links)
}
