//! What asks for attention: failures, exceptions, stale evidence, differences, redactions, approvals without a signature.

use crate::document::{Block, Text};
use crate::evidence::population::ReconciliationLine;
use crate::evidence::redaction::is_redacted;
use crate::evidence::register;
use crate::model::entry::Entry;
use crate::model::signed::{Act, Statement};

use super::super::super::tally::{StepOutcome, StepResult};
use super::facts::{Facts, Separation};
use super::{controls, first, steps};

/// Points of one sort that are listed one by one; a thousand failures of one cause are no thousand points.
const POINTS_MAX: usize = 40;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let heading = Block::named("eye", "Needs your eye");
    let sorts = [
        outcomes(facts),
        separation(facts),
        exceptions(facts),
        controls::open_points(facts),
        differences(facts),
        findings(facts),
        redactions(facts),
        unsigned(facts),
    ];
    let more = |over| Text::new(format!("and {over} more of the same sort"));
    let points: Vec<Text> = sorts.into_iter().flat_map(|points| first(points, POINTS_MAX, more)).collect();
    if points.is_empty() {
        let nothing = "Nothing: every planned step has succeeded, every change was read back, and no control or finding \
                       stands open.";
        return vec![heading, Block::Paragraph(nothing.into())];
    }
    vec![heading, Block::List(points)]
}

fn outcomes(facts: &Facts<'_>) -> Vec<Text> {
    let reason =
        |outcome: &StepOutcome| outcome.why.clone().unwrap_or_else(|| "no reason is recorded".to_owned());
    let mut points = Vec::new();
    for (step, planned, outcome) in steps::by_need(facts.content) {
        let name = steps::title(step, planned);
        match outcome.map(|outcome| (outcome.result, outcome)) {
            Some((StepResult::Succeeded, _)) => {}
            Some((StepResult::Failed, outcome)) => {
                points.push(Text::none().strong("Failed:").plain(format!(" {name}: {}", reason(outcome))));
            }
            Some((StepResult::Blocked, outcome)) => {
                points.push(Text::none().strong("Blocked:").plain(format!(" {name}: {}", reason(outcome))));
            }
            None => points.push(Text::none().strong("No outcome is recorded:").plain(format!(" {name}"))),
        }
    }
    points
}

fn separation(facts: &Facts<'_>) -> Vec<Text> {
    match facts.separation() {
        Separation::Broken(who) => {
            vec![Text::none().strong("Own change approved:").plain(format!(" by {}", who.join(", ")))]
        }
        Separation::NoApproval | Separation::Kept | Separation::NotShown(_) => Vec::new(),
    }
}

fn exceptions(facts: &Facts<'_>) -> Vec<Text> {
    let one = |(seq, statement): (u64, &Statement)| {
        let end = statement
            .expires
            .map_or("without an end".to_owned(), |end| format!("until {}", facts.zone.moment(end)));
        let mut words =
            format!(" {end}, accepted by {} ({}): {}", statement.person, statement.role, statement.meaning);
        if let Act::Waive { compensating } = &statement.act {
            words.push_str(&format!(". Meanwhile: {compensating}"));
        }
        Text::none().strong("Exception").plain(words).plain(": ").text(facts.decision(seq))
    };
    facts.exceptions().into_iter().map(one).collect()
}

fn differences(facts: &Facts<'_>) -> Vec<Text> {
    let one = |(step, difference): &(crate::base::id::StepId, String)| {
        Text::none().strong("Applied, but not read back:").plain(format!(" {step}: {difference}"))
    };
    let not_equal = |one: &ReconciliationLine| {
        let words = format!(" {}: {}, {} listed", one.what, one.standing, one.listed.len());
        let path = "population/reconciliation.csv";
        Text::none().strong("Counts differ:").plain(words).plain("; ").file(path, "reconciliation")
    };
    let compared = facts.content.populations.summary().reconciliations;
    // A source that nobody gave is told among the reconciliations; it is no difference.
    let differing = compared.iter().filter(|one| one.differences > 0).map(not_equal);
    facts.content.populations.reconciliation.differences.iter().map(one).chain(differing).collect()
}

fn findings(facts: &Facts<'_>) -> Vec<Text> {
    let one = |finding: String| Text::none().strong("Open finding:").plain(format!(" {finding}"));
    register::open_findings(facts.content.records).into_iter().map(one).collect()
}

fn redactions(facts: &Facts<'_>) -> Vec<Text> {
    let one = |entry: &Entry| {
        let reason = entry.body.get("redacted").and_then(|reason| reason.as_str()).unwrap_or_default();
        Text::none().strong("Redacted:").plain(format!(" entry {} ({}): {reason}", entry.seq, entry.kind))
    };
    facts.content.records.entries.iter().filter(|entry| is_redacted(entry)).map(one).collect()
}

fn unsigned(facts: &Facts<'_>) -> Vec<Text> {
    let one = |entry: &Entry| {
        let words = format!(" {} by {}, {}: ", entry.kind, entry.actor.id, facts.zone.moment(entry.at));
        Text::none().strong("Recorded, but not signed:").plain(words).text(facts.entry(entry.seq))
    };
    facts.content.records.entries.iter().filter(|entry| facts.is_unsigned(entry)).map(one).collect()
}
