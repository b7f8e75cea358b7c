//! The page of the program: waves, sites by state, milestones, gates that are shut.

use crate::document::{Block, Table, Text};
use crate::report::milestones::MilestoneState;
use crate::report::status::Scope;

use super::{Figures, path, tally, word};

pub(super) fn blocks(figures: &Figures) -> Vec<Block> {
    let status = &figures.status;
    let sites: Vec<&Scope> = status.scopes.iter().filter(|scope| scope.scope.site().is_some()).collect();
    let mut blocks = vec![
        Block::section("Sites"),
        Block::Shares(tally(sites.iter().map(|scope| word(scope.state)))),
        Block::Table(of_sites(figures, &sites)),
        Block::section("Waves"),
        Block::Table(waves(figures)),
    ];
    if !figures.milestones.is_empty() {
        blocks.push(Block::section("Milestones"));
        blocks.push(Block::Table(milestones(figures)));
    }
    blocks.push(Block::section("Gates that are shut"));
    if status.gates.is_empty() {
        blocks.push(Block::Paragraph("None.".into()));
    } else {
        blocks.push(Block::Table(gates(figures)));
    }
    blocks
}

fn of_sites(figures: &Figures, sites: &[&Scope]) -> Table {
    let mut table = Table::new(&[
        ("Site", 26),
        ("Wave", 10),
        ("State", 12),
        ("Steps done", 12),
        ("Waits for", 28),
        ("Controls evidenced", 12),
    ]);
    for scope in sites {
        let Some(site) = scope.scope.site() else { continue };
        let name = scope.name.as_ref().map_or(site.to_string(), |name| format!("{site}, {name}"));
        let of = figures.controls.iter().find(|one| one.site == *site);
        let evidenced = of.map_or(String::new(), |one| {
            let scores = one.coverage(&crate::controls::Framework::ALL);
            let sum = |part: fn(&crate::controls::Coverage) -> usize| scores.iter().map(part).sum::<usize>();
            format!("{} of {}", sum(|score| score.evidenced), sum(|score| score.required))
        });
        table.push([
            Text::link(path(site), name),
            scope.wave.as_ref().map_or("none".to_owned(), ToString::to_string).into(),
            word(scope.state).into(),
            format!("{} of {}", scope.done, scope.total).into(),
            scope.blocker.as_ref().map_or(String::new(), |link| link.what.clone()).into(),
            evidenced.into(),
        ]);
    }
    table
}

fn waves(figures: &Figures) -> Table {
    let mut table = Table::new(&[
        ("Wave", 16),
        ("State", 14),
        ("Done", 10),
        ("Failed", 10),
        ("Sites", 10),
        ("Waits for", 40),
    ]);
    for wave in &figures.status.waves {
        let waits = wave.waits.iter().map(|link| Text::new(link.what.clone()));
        table.push([
            wave.name.to_string().into(),
            word(wave.state).into(),
            wave.done.to_string().into(),
            wave.failed.to_string().into(),
            wave.total.to_string().into(),
            Text::lines(waits.take(3)),
        ]);
    }
    table
}

fn milestones(figures: &Figures) -> Table {
    let mut table = Table::new(&[("Milestone", 12), ("Goal", 44), ("Due", 14), ("State", 16), ("Live", 14)]);
    for one in &figures.milestones {
        let state = match one.state {
            MilestoneState::Met { day } => format!("✓ met on day {day}"),
            MilestoneState::NotMet => "✗ not met".to_owned(),
            MilestoneState::Open => "open".to_owned(),
        };
        let live = one.sites.iter().filter(|(_, day)| day.is_some()).count();
        table.push([
            one.name.clone().into(),
            one.goal.clone().into(),
            format!("by day {}", one.due_day).into(),
            state.into(),
            format!("{live} of {} sites", one.sites.len()).into(),
        ]);
    }
    table
}

fn gates(figures: &Figures) -> Table {
    let mut table =
        Table::new(&[("Gate", 40), ("Where", 16), ("Missing", 10), ("Waits for", 22), ("Since", 12)]);
    for gate in &figures.status.gates {
        let on: Vec<&str> = gate.on.iter().map(String::as_str).collect();
        table.push([
            format!("{} ({})", gate.title, gate.gate).into(),
            gate.scope.to_string().into(),
            gate.missing.to_string().into(),
            on.join(", ").into(),
            gate.since.map_or(String::new(), |at| figures.zone.day(at)).into(),
        ]);
    }
    table
}
