//! Complete lists to draw samples from, and what they come to when they are held against other sources.

use crate::document::{Block, Table, Text};
use crate::evidence::population::{
    LEAD_SHEET, LINEAGE_DATA, PopulationLine, PopulationSummary, ReconciliationLine,
};

use super::super::layout;
use super::facts::Facts;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let PopulationSummary { populations, reconciliations } = facts.content.populations.summary();
    let mut lists = Table::new(&[("Population", 20), ("Size", 8), ("Where from", 48), ("As of", 24)]);
    populations.iter().for_each(|one| lists.push(list(facts, one)));
    let mut compared = Table::new(&[("What", 26), ("Ours", 22), ("The other", 26), ("What it came to", 26)]);
    reconciliations.iter().for_each(|one| compared.push(reconciled(one)));
    let note = Text::new("Lists of the platform are read page by page, to the last; what the log (")
        .file(layout::LOG, layout::LOG)
        .plain(") gives says so. ")
        .file(LEAD_SHEET, LEAD_SHEET)
        .plain(" begins a sample test. An empty population of the log says that it has no record, not that there is none.");
    let mut blocks = vec![
        Block::named("populations", "Populations and reconciliations"),
        Block::Table(lists),
        Block::Paragraph(note),
    ];
    if let Some(lineage) = &facts.content.populations.lineage {
        let line = Text::new(lineage.sentence()).plain(" ").file(LINEAGE_DATA, LINEAGE_DATA);
        blocks.push(Block::Paragraph(line.plain(" has the edges of each table.")));
    }
    blocks.extend([
        Block::part("Both counts and their difference"),
        Block::Table(compared),
        Block::Paragraph(
            Text::new(facts.content.populations.reconciliation.sentence())
                .plain(" Each difference stands in ")
                .file("population/reconciliation.csv", "reconciliation.csv")
                .plain("."),
        ),
    ]);
    blocks
}

fn list(facts: &Facts<'_>, one: &PopulationLine) -> [Text; 4] {
    let source = match &one.cut {
        Some(why) => format!("NOT COMPLETE: {why}"),
        None => one.source.clone(),
    };
    [
        Text::link(one.path.clone(), one.name),
        one.size.to_string().into(),
        Text::link(one.query_path.clone(), source),
        one.at.map_or_else(|| "no record".to_owned(), |at| facts.zone.moment(at)).into(),
    ]
}

fn reconciled(one: &ReconciliationLine) -> [Text; 4] {
    let side = |(source, count): &(String, Option<u64>)| {
        let count = count.map_or_else(|| "not there".to_owned(), |count| count.to_string());
        Text::new(count).line().plain(source.clone())
    };
    let came_to = match one.differences {
        0 => one.standing.clone(),
        differences => format!("{}: {differences}", one.standing),
    };
    [one.what.clone().into(), side(&one.ours), side(&one.theirs), came_to.into()]
}
