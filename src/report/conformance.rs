//! Every site against the baseline: what packs and standards ask for now, cell by cell from what is there.
//!
//! One object that deviates gives one red cell among the settings, and one for each evidence kind whose check looks at a
//! field that deviates; an object's own evidence kind counts any of its fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::plan_view::{plural, short};
use crate::base::id::{ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::model::drift::Acceptance;

/// Columns of one block of text; more scopes go into further blocks.
const COLUMNS_SHOWN: usize = 12;

/// What a cell says. The worst of several counts; the order is from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It is as the baseline asks for.
    Conforms,
    /// It is not, and somebody accepted that until a day.
    Accepted,
    /// It was not looked at, or could not be.
    NotLookedAt,
    /// It is not there.
    NotThere,
    /// It is otherwise.
    Deviates,
}

impl Mark {
    /// The mark in a table.
    pub fn sign(self) -> &'static str {
        match self {
            Mark::Conforms => "ok",
            Mark::Accepted => "acc",
            Mark::NotLookedAt => "?",
            Mark::NotThere => "none",
            Mark::Deviates => "DEV",
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Conforms => "conforms",
            Mark::Accepted => "accepted",
            Mark::NotLookedAt => "not-looked-at",
            Mark::NotThere => "not-there",
            Mark::Deviates => "deviates",
        }
    }
}

/// One field that is not as the baseline asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deviation {
    /// JSON pointer; empty for the whole object.
    pub at: String,
    /// What the baseline asks for; absent if nothing, or not known before another step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Value>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// The rule behind it, or the words about what could not be read.
    pub reason: String,
    /// The acceptance that holds for it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
}

/// One object as it stands against the baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// What the cell says.
    pub mark: Mark,
    /// Field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
    /// The evidence kinds that it stands for: those whose cells it makes what they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub controls: BTreeMap<String, Mark>,
}

impl Setting {
    /// An object with these deviations; `otherwise` is the mark where none of them is accepted.
    pub fn of(deviations: Vec<Deviation>, otherwise: Mark) -> Self {
        let open = deviations.iter().any(|deviation| deviation.accepted.is_none());
        let mark = match (deviations.is_empty(), open) {
            (true, _) => Mark::Conforms,
            (false, false) => Mark::Accepted,
            (false, true) => otherwise,
        };
        Self { mark, deviations, controls: BTreeMap::new() }
    }

    /// Lets it stand for an evidence kind. `looks_at` holds the fields that count; without any, all of them do.
    pub fn stand_for(&mut self, evidence: &str, looks_at: &[String]) {
        let felt = |deviation: &&Deviation| {
            looks_at.is_empty() || looks_at.iter().any(|at| overlap(at, &deviation.at))
        };
        let mark = match self.mark {
            Mark::Deviates | Mark::Accepted => {
                let felt: Vec<&Deviation> = self.deviations.iter().filter(felt).collect();
                match (felt.is_empty(), felt.iter().any(|deviation| deviation.accepted.is_none())) {
                    (true, _) => Mark::Conforms,
                    (false, true) => Mark::Deviates,
                    (false, false) => Mark::Accepted,
                }
            }
            Mark::Conforms | Mark::NotLookedAt | Mark::NotThere => self.mark,
        };
        let cell = self.controls.entry(evidence.to_owned()).or_insert(mark);
        *cell = (*cell).max(mark);
    }
}

/// Whether one of two pointers is above the other, or both are the same.
fn overlap(one: &str, other: &str) -> bool {
    let above = |upper: &str, lower: &str| lower == upper || lower.starts_with(&format!("{upper}/"));
    above(one, other) || above(other, one)
}

/// Everything that was asked for, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conformance {
    /// When it was looked at.
    pub at: Timestamp,
    /// The target by name.
    pub target: String,
    /// Every object by scope and name.
    pub settings: BTreeMap<ScopeId, BTreeMap<StepId, Setting>>,
}

impl Conformance {
    /// Scope by control: the worst of what stands for each evidence kind.
    pub fn controls(&self) -> BTreeMap<&ScopeId, BTreeMap<&str, Mark>> {
        let mut all = BTreeMap::new();
        for (scope, settings) in &self.settings {
            let mut cells: BTreeMap<&str, Mark> = BTreeMap::new();
            for (kind, mark) in settings.values().flat_map(|setting| &setting.controls) {
                let cell = cells.entry(kind.as_str()).or_insert(*mark);
                *cell = (*cell).max(*mark);
            }
            all.insert(scope, cells);
        }
        all
    }

    fn marks(&self) -> BTreeMap<&ScopeId, BTreeMap<&str, Mark>> {
        let mut all = BTreeMap::new();
        for (scope, settings) in &self.settings {
            all.insert(scope, settings.iter().map(|(id, setting)| (id.as_str(), setting.mark)).collect());
        }
        all
    }

    /// How many cells of the settings say so.
    pub fn count(&self, mark: Mark) -> usize {
        self.settings.values().flat_map(BTreeMap::values).filter(|setting| setting.mark == mark).count()
    }
}

/// The report for people: controls whole, of the settings those that do not conform everywhere, then every deviation.
pub fn text(report: &Conformance) -> String {
    let mut out = format!("Conformance with the baseline, target {}, {}\n", report.target, report.at);
    out.push_str("ok conforms · DEV deviates · acc accepted until a day · none not there · ? not looked at · blank not asked for\n");
    out.push_str("\nControls, by evidence kind\n");
    table(&mut out, &report.controls(), false);
    out.push_str("\nSettings\n");
    let hidden = table(&mut out, &report.marks(), true);
    if hidden > 0 {
        let _ = writeln!(
            out,
            "  {hidden} more {} everywhere",
            plural(hidden, "setting conforms", "settings conform")
        );
    }
    deviations(&mut out, report);
    let _ = writeln!(
        out,
        "\n{} conform, {} deviate, {} accepted, {} not there, {} not looked at.",
        report.count(Mark::Conforms),
        report.count(Mark::Deviates),
        report.count(Mark::Accepted),
        report.count(Mark::NotThere),
        report.count(Mark::NotLookedAt)
    );
    out
}

/// A table with a row per name and a column per scope; returns how many rows were left out as they conform everywhere.
fn table(out: &mut String, cells: &BTreeMap<&ScopeId, BTreeMap<&str, Mark>>, only_open: bool) -> usize {
    let names: BTreeSet<&str> = cells.values().flat_map(|row| row.keys().copied()).collect();
    let conforms = |name: &str| cells.values().all(|row| row.get(name).is_none_or(|m| *m == Mark::Conforms));
    let shown: Vec<&str> = names.iter().copied().filter(|name| !only_open || !conforms(name)).collect();
    let width = shown.iter().map(|name| name.len()).max().unwrap_or_default();
    let scopes: Vec<&ScopeId> = cells.keys().copied().collect();
    for block in scopes.chunks(COLUMNS_SHOWN).filter(|_| !shown.is_empty()) {
        let heads: Vec<String> = block.iter().map(|scope| head(scope)).collect();
        let _ = writeln!(out, "  {:width$}  {}", "", heads.join("  "));
        for name in &shown {
            let row: Vec<String> = block
                .iter()
                .zip(&heads)
                .map(|(scope, head)| {
                    let sign = cells[scope].get(name).map_or("", |mark| mark.sign());
                    format!("{sign:<columns$}", columns = head.len())
                })
                .collect();
            let line = format!("  {name:width$}  {}", row.join("  "));
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    names.len() - shown.len()
}

fn head(scope: &ScopeId) -> String {
    match scope {
        ScopeId::Account => "account".to_owned(),
        ScopeId::Region(name) => name.to_string(),
        ScopeId::Site(code) => code.to_string(),
    }
}

fn deviations(out: &mut String, report: &Conformance) {
    let mut lines = Vec::new();
    for (scope, settings) in &report.settings {
        for (id, setting) in settings.iter().filter(|(_, setting)| setting.mark > Mark::Conforms) {
            let controls: Vec<&str> = setting
                .controls
                .iter()
                .filter(|(_, mark)| **mark > Mark::Conforms)
                .map(|(name, _)| name.as_str())
                .collect();
            let controls =
                if controls.is_empty() { String::new() } else { format!("   {}", controls.join(" ")) };
            lines.push(format!("  {:<4} {scope} {id}{controls}", setting.mark.sign()));
            lines.extend(setting.deviations.iter().map(deviation));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\nWhat does not conform\n{}", lines.join("\n"));
    }
}

fn deviation(deviation: &Deviation) -> String {
    let told = |value: Option<&Value>| value.map_or("nothing".to_owned(), short);
    let at = if deviation.at.is_empty() { "(whole object)" } else { &deviation.at };
    let accepted = deviation.accepted.as_ref().map_or(String::new(), |accepted| {
        format!("   accepted until {} by {}: {}", accepted.until, accepted.owner, accepted.reason)
    });
    format!(
        "         {at}: wanted {}, found {}   [{}]{accepted}",
        told(deviation.wanted.as_ref()),
        told(deviation.found.as_ref()),
        deviation.reason
    )
}

/// One line per cell, and one per deviating field, for spreadsheets.
pub fn csv(report: &Conformance) -> String {
    let mut out = line(
        ["matrix", "scope", "name", "mark", "field", "wanted", "found", "accepted until", "reason"]
            .map(str::to_owned),
    );
    for (scope, cells) in report.controls() {
        for (name, mark) in cells {
            let cell = ["control".to_owned(), scope.to_string(), name.to_owned(), mark.word().to_owned()];
            out.push_str(&line(whole(cell)));
        }
    }
    for (scope, settings) in &report.settings {
        for (id, setting) in settings {
            let cell =
                || ["setting".to_owned(), scope.to_string(), id.to_string(), setting.mark.word().to_owned()];
            if setting.deviations.is_empty() {
                out.push_str(&line(whole(cell())));
            }
            for one in &setting.deviations {
                let [matrix, scope, name, mark] = cell();
                let value = |value: Option<&Value>| value.map_or(String::new(), short);
                let until =
                    one.accepted.as_ref().map_or(String::new(), |accepted| accepted.until.to_string());
                let (wanted, found) = (value(one.wanted.as_ref()), value(one.found.as_ref()));
                out.push_str(&line([
                    matrix,
                    scope,
                    name,
                    mark,
                    one.at.clone(),
                    wanted,
                    found,
                    until,
                    one.reason.clone(),
                ]));
            }
        }
    }
    out
}

fn whole([matrix, scope, name, mark]: [String; 4]) -> [String; 9] {
    [matrix, scope, name, mark, String::new(), String::new(), String::new(), String::new(), String::new()]
}

/// A line as RFC 4180 has it, without what a spreadsheet would take for a formula.
fn line(cells: [String; 9]) -> String {
    let cell = |text: String| {
        let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let text = if formula { format!("'{text}") } else { text };
        let quoted = text.contains([',', '"', '\n', '\r']);
        if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    format!("{}\r\n", cells.map(cell).join(","))
}

#[cfg(test)]
mod tests;
