//! Complete lists to draw samples from, and what was applied against what was read back.

use crate::document::{Block, Table, Text};
use crate::evidence::population::{LEAD_SHEET, Reconciliation};

use super::super::layout;
use super::facts::Facts;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let mut table = Table::new(&[("Population", 20), ("Size", 10), ("Dates", 46), ("How it was drawn", 24)]);
    for population in &facts.content.populations.all {
        let path = population.path();
        let query = path.replace(".csv", ".query.txt");
        let span = population.span.map_or_else(
            || "no record".to_owned(),
            |(from, to)| format!("{} to {}", facts.zone.moment(from), facts.zone.moment(to)),
        );
        table.push([
            Text::link(path, population.name),
            population.rows.rows.len().to_string().into(),
            span.into(),
            Text::link(query, "source and query"),
        ]);
    }
    let note = Text::new("All are drawn from this site's own log (")
        .file(layout::LOG, layout::LOG)
        .plain("), not from a list that the platform gave; ")
        .file(LEAD_SHEET, LEAD_SHEET)
        .plain(" begins a sample test. An empty population says that the log has no record, not that there is none.");
    vec![
        Block::named("populations", "Populations and reconciliations"),
        Block::Table(table),
        Block::Paragraph(note),
        Block::part("Both counts and their difference"),
        reconciled(&facts.content.populations.reconciliation),
        Block::Paragraph(
            Text::new(facts.content.populations.reconciliation.sentence())
                .plain(" Not reconciled by this version: change tickets, the platform's audit events, the identity provider's users."),
        ),
    ]
}

fn reconciled(one: &Reconciliation) -> Block {
    let mut table =
        Table::new(&[("One side", 38), ("Count", 10), ("Other side", 32), ("Count", 10), ("Differ", 10)]);
    table.push([
        Text::link("population/reconciliation.csv", "objects changed, by the log"),
        one.applied.to_string().into(),
        "read back afterwards, or gone".into(),
        one.read_back.to_string().into(),
        one.differences.len().to_string().into(),
    ]);
    Block::Table(table)
}
