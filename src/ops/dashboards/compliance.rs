//! The page of compliance: coverage by framework and site, open findings, waivers, evidence that ends soon.

use std::collections::BTreeMap;

use crate::base::time::{Millis, Timestamp};
use crate::controls::{Coverage, Framework};
use crate::document::{Block, Table, Text};

use super::{Figures, path, tally};

/// How far ahead evidence is told that will be too old: time enough to collect it again.
const AHEAD: Millis = Millis::from_secs(30 * 24 * 60 * 60);

pub(super) fn blocks(figures: &Figures) -> Vec<Block> {
    let mut blocks = vec![Block::section("Coverage")];
    for framework in Framework::ALL {
        let scores: Vec<Coverage> =
            figures.controls.iter().flat_map(|site| site.coverage(&[framework])).collect();
        let Some(label) = scores.first().map(|score| score.label.clone()) else { continue };
        blocks.push(Block::part(&label));
        blocks.push(Block::Shares(shares(&scores)));
        blocks.push(Block::Table(coverage(&scores)));
    }
    blocks.extend([Block::section("Open findings"), findings(figures)]);
    blocks.extend([Block::section("Waivers"), waivers(figures)]);
    blocks.extend([Block::section("Evidence that ends within 30 days"), expiring(figures)]);
    blocks
}

fn shares(scores: &[Coverage]) -> Vec<(String, u64)> {
    let sum = |words: &str, part: fn(&Coverage) -> usize| {
        (words.to_owned(), scores.iter().map(|score| part(score) as u64).sum())
    };
    vec![
        sum("evidenced", |score| score.evidenced),
        sum("in part", |score| score.partial),
        sum("failed", |score| score.failed),
        sum("not run", |score| score.not_run),
        sum("for a person to show", |score| score.manual),
        sum("waived", |score| score.waived),
    ]
}

fn coverage(scores: &[Coverage]) -> Table {
    let mut table = Table::new(&[
        ("Site", 14),
        ("Required", 10),
        ("Evidenced", 10),
        ("In part", 10),
        ("Failed", 10),
        ("Not run", 10),
        ("By a person", 12),
        ("Waived", 10),
        ("Too old", 10),
        ("Does not apply", 14),
    ]);
    for one in scores {
        let count = |count: usize| Text::new(count.to_string());
        table.push([
            Text::link(path(&one.site), one.site.to_string()),
            count(one.required),
            count(one.evidenced),
            count(one.partial),
            count(one.failed),
            count(one.not_run),
            count(one.manual),
            count(one.waived),
            count(one.stale),
            count(one.not_applicable),
        ]);
    }
    table
}

fn findings(figures: &Figures) -> Block {
    let mut table = Table::new(&[("Site", 20), ("Finding", 80)]);
    for (site, findings) in &figures.findings {
        for finding in findings {
            table.push([Text::link(path(site), site.to_string()), finding.clone().into()]);
        }
    }
    told(table)
}

fn waivers(figures: &Figures) -> Block {
    let mut table = Table::new(&[
        ("Where", 14),
        ("What", 26),
        ("Who answers", 18),
        ("Until", 12),
        ("Standing", 12),
        ("Meanwhile", 22),
    ]);
    for one in &figures.waivers {
        table.push([
            one.scope.to_string().into(),
            one.what.clone().into(),
            format!("{} ({})", one.person, one.role).into(),
            one.until.map_or("no end".to_owned(), |at| figures.zone.day(at)).into(),
            one.standing.word().into(),
            one.compensating.clone().into(),
        ]);
    }
    told(table)
}

/// How many controls of each site rest on evidence that will be too old, by the day on which it will be.
fn expiring(figures: &Figures) -> Block {
    let soon = |at: &Timestamp| *at >= figures.now && *at < figures.now + AHEAD;
    let mut table = Table::new(&[("Site", 20), ("Day", 20), ("Controls", 60)]);
    for one in &figures.controls {
        let ends = one.rows.iter().filter_map(|row| row.expires.filter(soon));
        let days: BTreeMap<String, u64> = tally(ends.map(|at| figures.zone.day(at))).into_iter().collect();
        for (day, count) in days {
            let site = Text::link(path(&one.site), one.site.to_string());
            table.push([site, day.into(), count.to_string().into()]);
        }
    }
    told(table)
}

fn told(table: Table) -> Block {
    if table.rows.is_empty() { Block::Paragraph("None.".into()) } else { Block::Table(table) }
}
