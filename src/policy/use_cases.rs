//! Rules about use cases: how many, each with what tells its success, and baselines that stay as they were frozen.

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::model::estate::WaveKind;
use crate::model::register::{Decision, Register, UseCase};
use crate::model::tree::{Node, Table};

use super::{SiteView, View};

pub(super) const COUNT: &str = "policy.usecase-count";
pub(super) const FROZEN: &str = "policy.baseline-frozen";

/// Fewer are no choice, more are never weighed against each other.
const SHORTLISTED: std::ops::RangeInclusive<usize> = 2..=3;
/// More than two cannot be shown to have worked within one pilot.
const DELIVERED: std::ops::RangeInclusive<usize> = 1..=2;

/// USECASE-COUNT: a pilot's site has two or three use cases to choose from and delivers one or two of them.
pub(super) fn count(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    let Some(file) = registers.files.get(&Register::UseCases) else { return };
    for one in registers.use_cases.iter().filter(|one| one.metrics.is_empty()) {
        found.push(
            Diagnostic::error(COUNT, format!("nothing tells whether `{}` is a success", one.name.value))
                .at(one.name.span.clone(), "has no metric")
                .help("add a [[use_case.metric]] with name, baseline, target and unit"),
        );
    }
    let pilots = view.loaded.estate.waves.iter().filter(|wave| wave.kind == WaveKind::Pilot);
    for code in pilots.flat_map(|wave| &wave.sites) {
        let all: Vec<&UseCase> = registers.use_cases_of(&code.value).collect();
        let delivered = all.iter().filter(|one| one.decision == Decision::Deliver).count();
        if !SHORTLISTED.contains(&all.len()) {
            let message = format!("pilot {} has {} use cases to choose from", code.value, all.len());
            found.push(
                Diagnostic::error(COUNT, message)
                    .at(file.clone(), "shortlist two or three")
                    .help("each use case of a pilot is shortlisted, those that are delivered too"),
            );
        }
        if !DELIVERED.contains(&delivered) {
            let message = format!("pilot {} delivers {delivered} use cases", code.value);
            found.push(
                Diagnostic::error(COUNT, message)
                    .at(file.clone(), "deliver one or two")
                    .help("set `decision = \"deliver\"` on one or two, and \"shortlist\" on the others"),
            );
        }
    }
}

/// BASELINE-FROZEN: what a site's file says was before is what was frozen.
pub(super) fn frozen(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        let code = site.site.written_code.value.as_str();
        for one in view.loaded.registers.use_cases_of(code) {
            let Some(day) = one.frozen else { continue };
            for goal in &one.metrics {
                let Some(frozen) = &goal.baseline else { continue };
                let Some((value, table)) = baseline(&site, &one.name.value, &goal.name.value) else {
                    continue;
                };
                // Both were read from text, so equal numbers are equal bit by bit.
                if value.to_bits() == frozen.value.to_bits() {
                    continue;
                }
                let message = format!(
                    "the baseline `{}` of `{}` at {code} was {} when it was frozen on {day}, and is {value} now",
                    goal.name.value, one.name.value, frozen.value
                );
                let problem = Diagnostic::error(FROZEN, message);
                let problem = match place(&table) {
                    Some(span) => problem.at(span, "changed"),
                    None => problem,
                };
                found.push(problem.at(frozen.span.clone(), "frozen").help(
                    "put the frozen number back: a saving is told against what was measured before go-live",
                ));
            }
        }
    }
}

fn place(table: &Table) -> Option<crate::base::span::Span> {
    table.get("value").map(|tree| tree.span.clone())
}

/// What the site's own file says a metric was before.
fn baseline(site: &SiteView<'_>, use_case: &str, metric: &str) -> Option<(f64, Table)> {
    let tree = site.site.parameters.get("baseline")?;
    let Node::List(rows) = &tree.node else { return None };
    let text = |table: &Table, key: &str| {
        table.get(key).and_then(crate::model::tree::Tree::as_str).map(str::to_owned)
    };
    rows.iter().filter_map(crate::model::tree::Tree::as_table).find_map(|table| {
        let meant = text(table, "use_case").as_deref() == Some(use_case)
            && text(table, "metric").as_deref() == Some(metric);
        let value = table.get("value")?.to_json().as_f64()?;
        meant.then(|| (value, table.clone()))
    })
}
