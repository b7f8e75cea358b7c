//! A site's page: where it stands, its gates, releases and open findings.

use crate::base::id::SiteCode;
use crate::controls::{Coverage, Framework};
use crate::document::{Block, Table, Text};
use crate::report::status::{Link, Scope};

use super::{Figures, word};

pub(super) fn blocks(figures: &Figures, site: &SiteCode, scope: &Scope) -> Vec<Block> {
    let mut blocks = vec![Block::section("Status"), status(figures, scope)];
    if !scope.waits.is_empty() {
        let chain = |links: &Vec<Link>| {
            links.iter().map(|link| link.what.as_str()).collect::<Vec<_>>().join(", which waits for ")
        };
        blocks.push(Block::Paragraph("It waits for:".into()));
        blocks.push(Block::List(scope.waits.iter().map(|links| chain(links).into()).collect()));
    }
    if !scope.failed.is_empty() {
        let one = |(step, why): (&crate::base::id::StepId, &String)| Text::new(format!("{step}: {why}"));
        blocks.push(Block::part("Failed steps"));
        blocks.push(Block::List(scope.failed.iter().map(one).collect()));
    }
    blocks.push(Block::section("Controls"));
    blocks.push(controls(figures, site));
    blocks.push(Block::section("Gates"));
    blocks.push(gates(figures, scope));
    blocks.push(Block::section("Releases"));
    blocks.push(releases(figures, site));
    blocks.push(Block::section("Open findings"));
    let findings = figures.findings.get(site).cloned().unwrap_or_default();
    blocks.push(if findings.is_empty() {
        Block::Paragraph("None.".into())
    } else {
        Block::List(findings.into_iter().map(Text::from).collect())
    });
    blocks
}

fn status(figures: &Figures, scope: &Scope) -> Block {
    let moment = |at: Option<crate::base::time::Timestamp>| {
        at.map_or("not known".to_owned(), |at| figures.zone.moment(at))
    };
    let rows = [
        ("State", word(scope.state)),
        ("Wave", scope.wave.as_ref().map_or("none".to_owned(), ToString::to_string)),
        ("Steps done", format!("{} of {} ({} %)", scope.done, scope.total, scope.percent)),
        ("Since", moment(scope.since)),
        ("Next window", moment(scope.next_window)),
        ("Expected end", moment(scope.expected_end)),
    ];
    Block::Pairs(rows.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect())
}

fn controls(figures: &Figures, site: &SiteCode) -> Block {
    let scores: Vec<Coverage> = figures
        .controls
        .iter()
        .filter(|one| one.site == *site)
        .flat_map(|one| one.coverage(&Framework::ALL))
        .collect();
    let mut table = Table::new(&[
        ("Framework", 40),
        ("Required", 12),
        ("Evidenced", 12),
        ("In part", 12),
        ("Failed", 12),
        ("Not run", 12),
    ]);
    for one in scores {
        let count = |count: usize| Text::new(count.to_string());
        table.push([
            one.label.clone().into(),
            count(one.required),
            count(one.evidenced),
            count(one.partial),
            count(one.failed),
            count(one.not_run),
        ]);
    }
    Block::Table(table)
}

fn gates(figures: &Figures, scope: &Scope) -> Block {
    let Some(stand) = figures.board.scopes.get(&scope.scope).filter(|stand| !stand.gates.is_empty()) else {
        return Block::Paragraph("None.".into());
    };
    let mut table = Table::new(&[("Gate", 54), ("State", 12), ("Missing", 12), ("Since", 22)]);
    for (gate, standing) in &stand.gates {
        let title = figures.ground.gate(&scope.scope, gate).map_or(String::new(), |gate| gate.title.clone());
        table.push([
            format!("{title} ({gate})").into(),
            if standing.open { "open" } else { "shut" }.into(),
            standing.missing.len().to_string().into(),
            standing.since.map_or(String::new(), |at| figures.zone.day(at)).into(),
        ]);
    }
    Block::Table(table)
}

fn releases(figures: &Figures, site: &SiteCode) -> Block {
    let releases = figures.releases.get(site).map_or(&[][..], Vec::as_slice);
    if releases.is_empty() {
        return Block::Paragraph("None: no run of this site ended with every verification holding.".into());
    }
    let mut table = Table::new(&[("Release", 12), ("Made", 40), ("Objects", 12), ("State", 36)]);
    for one in releases.iter().rev() {
        let digest = one.digest.to_string();
        table.push([
            format!("R{}", one.number).into(),
            figures.zone.moment(one.at).into(),
            one.state.0.len().to_string().into(),
            Text::none().code(digest[..12].to_owned()),
        ]);
    }
    Block::Table(table)
}
