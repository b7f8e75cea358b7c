//! What was measured: one row for each scenario, as CSV and as a table for people, and beside an earlier run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::chart::{self, Curve};

/// What a scenario came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    NotRun,
    /// The scenario itself came to a bad end.
    Failed,
}

impl Verdict {
    pub fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotRun => "not run",
            Self::Failed => "**failed**",
        }
    }
}

/// One scenario.
#[derive(Debug, Clone)]
pub struct Row {
    pub number: u32,
    pub name: &'static str,
    pub target: &'static str,
    pub measured: String,
    pub floor: String,
    pub ratio: String,
    pub verdict: Verdict,
    pub note: String,
}

impl Row {
    /// A row without a measurement.
    pub fn without(number: u32, verdict: Verdict, why: &str) -> Self {
        let (name, target) = NAMES[number as usize - 1];
        Self {
            number,
            name,
            target,
            measured: String::new(),
            floor: String::new(),
            ratio: String::new(),
            verdict,
            note: why.to_owned(),
        }
    }
}

/// All scenarios with their targets.
pub const NAMES: [(&str, &str); 22] = [
    ("plan of 1,000 sites, cold", "≤ 2.5× floor (CPU), ≤ 1.5 s quiet"),
    ("plan of 100 sites, cold", "≤ 1/100 of one root, ≤ 1/50 of one per site (CPU)"),
    ("plan of what stands, 12 sites", "≤ 1/50 of Terraform (CPU), ≤ 40 ms quiet"),
    ("plan of what stands, many sites", "≤ 1.2 CPU-s and ≤ 1/200 of Terraform at 1,000 sites"),
    ("the same after an edit of one site", "≤ 0.30 s at 1,000 sites"),
    ("refresh at 50 ms a call", "≤ 1.10× bound; ≤ 15 list calls a site"),
    ("apply of 12 sites at 50 ms, 10 / 100 calls at once", "≤ 1.08× / ≤ 1.15× bound quiet, 1.25× anywhere"),
    ("apply of many sites at 50 ms, 512 calls at once", "≤ 1.12× bound, ≤ 8 CPU-s at 1,000 sites"),
    ("apply of 12 sites under a limiter, 100/s and 30/s", "≤ 1.02× bound, no 429"),
    ("apply with 5 % 429 and 2 % 5xx", "≤ 1.15× bound with waits; nothing twice"),
    ("straggler: one call of 6 s in one site", "the others end ≤ 1.05× later"),
    ("fairness: one site of 600 steps among small ones", "small sites end ≤ 1.3× alone"),
    ("60,000 journalled steps", "≥ 20,000 durable steps/s"),
    ("journal append, 1 / 64 writers", "p50 ≤ 1.5× append+fdatasync; ≥ 50,000 rows/s"),
    ("crash matrix: killed at 200 writes", "0 orphaned, 0 twice, 0 unreadable"),
    ("resume of 1,000 sites, half done", "first new call ≤ 0.5 s after the start"),
    ("evidence of 12 sites, export / verify", "≤ 150 / ≤ 50 ms a site (CPU)"),
    ("evidence of all sites, export / verify", "≤ 2.0 / ≤ 1.0 s at 1,000 sites"),
    ("memory at 1,000 sites", "plan ≤ 400 MB, apply ≤ 150 MB"),
    ("growth of CPU with sites", "exponent ≤ 1.05 for plan, apply, export"),
    ("start: `--version`, `check` of 12 sites", "≤ 5 ms over a process that does nothing; ≤ 40 ms CPU"),
    ("fleet of 1,000 sites on a virtual clock", "makespan ≤ 1.05× bound, ≤ 5 s of real time"),
];

pub fn markdown(rows: &[Row]) -> String {
    let mut out =
        "| # | scenario | target | measured | floor, bound or baseline | ratio | verdict | note |\n"
            .to_owned();
    out.push_str("|---:|---|---|---|---|---:|---|---|\n");
    for row in rows {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.number,
            row.name,
            row.target,
            row.measured,
            row.floor,
            row.ratio,
            row.verdict.word(),
            row.note
        );
    }
    out
}

fn csv(rows: &[Row]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut out = "number,name,target,measured,floor,ratio,verdict,note\n".to_owned();
    for row in rows {
        let cells =
            [row.name, row.target, &row.measured, &row.floor, &row.ratio, row.verdict.word(), &row.note];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let _ = writeln!(out, "{},{}", row.number, cells.join(","));
    }
    out
}

/// The cells of each line of a CSV file that this program wrote.
fn cells(text: &str) -> Vec<Vec<String>> {
    let of_line = |line: &str| {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut signs = line.chars().peekable();
        while let Some(sign) = signs.next() {
            match sign {
                '"' if quoted && signs.peek() == Some(&'"') => {
                    signs.next();
                    cell.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                _ => cell.push(sign),
            }
        }
        cells.push(cell);
        cells
    };
    text.lines().skip(1).map(of_line).collect()
}

/// What each scenario measured before and measures now.
pub fn compared(earlier: &Path, rows: &[Row]) -> std::io::Result<String> {
    let before: BTreeMap<u32, Vec<String>> = cells(&fs::read_to_string(earlier)?)
        .into_iter()
        .filter(|cells| cells.len() >= 7)
        .filter_map(|cells| Some((cells[0].parse().ok()?, cells)))
        .collect();
    let mut out = "| # | scenario | before | ratio | verdict | after | ratio | verdict |\n".to_owned();
    out.push_str("|---:|---|---|---:|---|---|---:|---|\n");
    for row in rows {
        let was = |cell: usize| before.get(&row.number).map_or("", |cells| cells[cell].as_str());
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.number,
            row.name,
            was(3),
            was(5),
            was(6),
            row.measured,
            row.ratio,
            row.verdict.word()
        );
    }
    Ok(out)
}

/// Writes everything into a folder.
pub fn write(folder: &Path, rows: &[Row], curves: &[Curve], text: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("suite.csv"), csv(rows))?;
    fs::write(folder.join("suite.md"), text)?;
    let mut points = "drawing,curve,x,y\n".to_owned();
    for curve in curves {
        for (x, y) in &curve.points {
            let _ = writeln!(points, "{},\"{}\",{x},{y}", curve.drawing.file(), curve.name);
        }
    }
    fs::write(folder.join("curves.csv"), points)?;
    for drawing in chart::Drawing::ALL {
        let own: Vec<&Curve> = curves.iter().filter(|curve| curve.drawing == drawing).collect();
        if !own.is_empty() {
            fs::write(folder.join(format!("{}.svg", drawing.file())), chart::svg(drawing, &own))?;
        }
    }
    Ok(())
}
