//! The plan of the first ninety days: each of its 34 rows with who answers for it, its window, and where it stands. The
//! rows are carried by checklist items; what they come to is folded elsewhere and given here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;

use crate::base::id::{RoleName, ScopeId, StepId};
use crate::model::checklist::{DayWindow, Item, ItemState};

/// One row of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bullet {
    /// Its name, for example `P-03`.
    pub row: &'static str,
    /// The block of thirty days it is in, from 1.
    pub block: u32,
    /// What it is, in a few words.
    pub text: &'static str,
}

impl Bullet {
    /// Its days of the program.
    pub fn window(&self) -> DayWindow {
        DayWindow { from: (self.block - 1) * 30 + 1, to: self.block * 30 }
    }
}

const fn bullet(row: &'static str, block: u32, text: &'static str) -> Bullet {
    Bullet { row, block, text }
}

/// Every row of the plan.
pub const BULLETS: [Bullet; 34] = [
    bullet("P-01", 1, "Sponsor, program manager and success criteria"),
    bullet("P-02", 1, "Pilot site and its use case"),
    bullet("P-03", 1, "Inventory of systems, privacy impact assessment"),
    bullet("P-04", 1, "Guardrails and network plan"),
    bullet("P-05", 1, "Landing zones, catalogs, tags, cost tracking"),
    bullet("P-06", 1, "Pilot site stands on its foundations"),
    bullet("P-07", 1, "Agreements, HIPAA scope, inventory of patient data"),
    bullet("P-08", 1, "Private network, sign-in, encryption, keys"),
    bullet("P-09", 1, "Shortlist of use cases, numbers, five owners"),
    bullet("P-10", 1, "Register, gates and cards of models"),
    bullet("P-11", 1, "Use cases of models by risk, the first one chosen"),
    bullet("P-12", 1, "Environments and checks of models, the first one registered"),
    bullet("P-13", 2, "One or two workflows of the pilot in use"),
    bullet("P-14", 2, "Security, support and runbooks under real use"),
    bullet("P-15", 2, "Packs, compute policies and pipelines that are used again"),
    bullet("P-16", 2, "Stewards of the sites, trained"),
    bullet("P-17", 2, "A second site from the same packs"),
    bullet("P-18", 2, "First pipeline of small scope"),
    bullet("P-19", 2, "Pipelines hardened, results checked against the numbers"),
    bullet("P-20", 2, "Runbooks, on-call, incidents; cost and use watched"),
    bullet("P-21", 2, "Canary and monitoring of the first model"),
    bullet("P-22", 2, "Taking a model back, tried"),
    bullet("P-23", 2, "Pipelines of models hardened"),
    bullet("P-24", 3, "Three to five sites in one wave"),
    bullet("P-25", 3, "Monitoring, lineage and audit in one place; service levels"),
    bullet("P-26", 3, "Incidents simulated, sites led back"),
    bullet("P-27", 3, "Benefit and cost by site, chargeback"),
    bullet("P-28", 3, "Roadmap of the next quarters, shared services"),
    bullet("P-29", 3, "Scheduled releases with tickets and evidence"),
    bullet("P-30", 3, "Approvals, drift and lineage of models"),
    bullet("P-31", 3, "Handover, recertification, quarterly review"),
    bullet("P-32", 3, "Several models governed alike"),
    bullet("P-33", 3, "Training anew, decided by the change board"),
    bullet("P-34", 3, "Final runbooks, dashboards for compliance and executives"),
];

/// Where an item stands at one scope.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'s> {
    /// The scope.
    pub scope: &'s ScopeId,
    /// The item as it was rendered there.
    pub item: &'s Item,
    /// Where it stands.
    pub state: &'s ItemState,
}

/// Where a row of the plan stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub row: &'static str,
    /// What it is.
    pub text: &'static str,
    /// Who answers for it; none if no pack carries the row.
    pub owner: Option<RoleName>,
    /// The item that carries it.
    pub item: Option<StepId>,
    /// Its first day and its last, as days of the program.
    pub days: DayWindow,
    /// The same as dates, such as `2027-01-11`, where the program has a first day.
    pub dates: Option<(String, String)>,
    /// The scopes at which it is done, and how many there are.
    pub done_at: BTreeSet<ScopeId>,
    /// At how many scopes it is asked for.
    pub of: usize,
    /// Where it stands.
    pub state: RowState,
    /// Whether its last day is over and it is not done.
    pub overdue: bool,
}

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    /// It is done: the plan is about the first time, so at one scope is enough.
    Done,
    /// It does not apply anywhere.
    NotApplicable,
    /// It was looked at, or waits for people.
    UnderWay,
    /// Nobody has begun.
    Open,
    /// No pack of the estate carries it.
    Missing,
}

fn row_state(state: &ItemState) -> RowState {
    match state {
        ItemState::Passed { .. } | ItemState::Waived { .. } => RowState::Done,
        ItemState::NotApplicable { .. } => RowState::NotApplicable,
        ItemState::Waiting { .. } | ItemState::Failed { .. } | ItemState::Expired { .. } => {
            RowState::UnderWay
        }
        ItemState::Open | ItemState::Blocked { .. } => RowState::Open,
    }
}

/// Every row of the plan, once, in its order.
pub fn rows(standings: &[Standing<'_>], day_one: Option<Date>, today: Option<Date>) -> Vec<Row> {
    let mut carried: BTreeMap<&str, Vec<&Standing<'_>>> = BTreeMap::new();
    for standing in standings {
        for row in &standing.item.plan_rows {
            carried.entry(row).or_default().push(standing);
        }
    }
    let none = Vec::new();
    let of = |bullet: &Bullet| row(*bullet, carried.get(bullet.row).unwrap_or(&none), day_one, today);
    BULLETS.iter().map(of).collect()
}

fn row(bullet: Bullet, standings: &[&Standing<'_>], day_one: Option<Date>, today: Option<Date>) -> Row {
    let first = standings.first().map(|standing| standing.item);
    let days = first.and_then(|item| item.due).unwrap_or(bullet.window());
    // Done anywhere is done; it does not apply only if it applies nowhere.
    let states = standings.iter().map(|standing| row_state(standing.state));
    let applies = |state: &RowState| *state != RowState::NotApplicable;
    let state = states.clone().filter(applies).min().or(states.min()).unwrap_or(RowState::Missing);
    let dates = day_one.and_then(|day_one| Some((day(day_one, days.from)?, day(day_one, days.to)?)));
    let late = dates.zip(today).is_some_and(|((_, last), today)| today > last);
    let done = |standing: &&&Standing<'_>| row_state(standing.state) == RowState::Done;
    Row {
        row: bullet.row,
        text: bullet.text,
        owner: first.map(|item| item.owner.clone()),
        item: first.map(|item| item.id.clone()),
        days,
        dates: dates.map(|(from, to)| (from.to_string(), to.to_string())),
        done_at: standings.iter().filter(done).map(|standing| standing.scope.clone()).collect(),
        of: standings.len(),
        state,
        overdue: late && !matches!(state, RowState::Done | RowState::NotApplicable),
    }
}

/// The rows for people, late ones marked.
pub fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let state = match row.state {
            RowState::Done => "done",
            RowState::NotApplicable => "does not apply",
            RowState::UnderWay => "under way",
            RowState::Open => "open",
            RowState::Missing => "in no pack",
        };
        let late = if row.overdue { "  OVERDUE" } else { "" };
        let owner = row.owner.as_ref().map_or("nobody", RoleName::as_str);
        let DayWindow { from, to } = row.days;
        let dates = row.dates.as_ref().map_or_else(String::new, |(from, to)| format!(" ({from} to {to})"));
        let at = if row.done_at.is_empty() || row.of == 1 {
            String::new()
        } else {
            format!(" at {} of {}", row.done_at.len(), row.of)
        };
        let _ = writeln!(
            text,
            "{}  {}\n      {state}{at}{late}; {owner}, days {from} to {to}{dates}",
            row.row, row.text
        );
    }
    let count = |of: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count();
    let (done, late) = (count(&|row| row.state == RowState::Done), count(&|row| row.overdue));
    let _ = writeln!(text, "{done} of {} done, {late} overdue", rows.len());
    text
}

/// A day of the program as a date; none beyond the end of the calendar.
fn day(day_one: Date, number: u32) -> Option<Date> {
    day_one.checked_add(i64::from(number.saturating_sub(1)).days()).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn item(id: &str, row: &str, block: u32) -> Item {
        let origin = json!({"pack": "p", "template": "items.toml.hbs", "line": 1});
        let due = json!({"from": (block - 1) * 30 + 1, "to": block * 30});
        let item = json!({
            "id": id, "title": "t", "severity": "high", "owner": "privacy", "escalate_to": "compliance",
            "within_days": 5, "validate": [], "origin": origin, "due": due, "plan_rows": [row],
        });
        serde_json::from_value(item).unwrap()
    }

    #[test]
    fn every_row_is_there_once_whatever_is_known_of_it() {
        let names: Vec<String> = BULLETS.iter().map(|bullet| bullet.row.to_owned()).collect();
        let wanted: Vec<String> = (1..=34).map(|row| format!("P-{row:02}")).collect();
        assert_eq!(names, wanted);
        let rows = rows(&[], None, None);
        assert_eq!(rows.len(), 34);
        assert!(rows.iter().all(|row| row.state == RowState::Missing && row.owner.is_none() && !row.overdue));
        assert_eq!(
            (rows[0].days, rows[33].days),
            (DayWindow { from: 1, to: 30 }, DayWindow { from: 61, to: 90 })
        );
    }

    #[test]
    fn a_row_is_done_once_it_is_done_somewhere_and_late_after_its_last_day() {
        let assessed = item("governance.dpia", "P-03", 1);
        let (pilot, next): (ScopeId, ScopeId) =
            ("site/HRB01".parse().unwrap(), "site/MPL02".parse().unwrap());
        let (passed, open) = (ItemState::Passed { until: None }, ItemState::Open);
        let at = |scope, state| Standing { scope, item: &assessed, state };
        let third = |standings: &[Standing<'_>], today| {
            rows(standings, Some(date(2027, 1, 11)), Some(today)).swap_remove(2)
        };
        let row = third(&[at(&pilot, &open), at(&next, &open)], date(2027, 2, 9));
        assert_eq!((row.state, row.overdue, row.of), (RowState::Open, false, 2));
        assert_eq!(row.dates, Some(("2027-01-11".to_owned(), "2027-02-09".to_owned())));
        let row = third(&[at(&pilot, &open), at(&next, &open)], date(2027, 2, 10));
        assert_eq!((row.state, row.overdue), (RowState::Open, true));
        let row = third(&[at(&pilot, &passed), at(&next, &open)], date(2027, 2, 10));
        assert_eq!((row.state, row.overdue), (RowState::Done, false));
        assert_eq!(row.done_at, BTreeSet::from([pilot.clone()]));
        assert_eq!(row.owner.map(|role| role.to_string()).as_deref(), Some("privacy"));
        let shown = text(&rows(&[at(&pilot, &open)], Some(date(2027, 1, 11)), Some(date(2027, 2, 10))));
        let late = "      open  OVERDUE; privacy, days 1 to 30 (2027-01-11 to 2027-02-09)\n";
        assert!(shown.contains(late), "{shown}");
        assert!(
            shown.contains(
                "P-34  Final runbooks, dashboards for compliance and executives\n      in no pack; nobody,"
            ),
            "{shown}"
        );
    }

    #[test]
    fn what_does_not_apply_is_not_late_and_does_not_hide_what_is_open() {
        let model = item("plan.model-registry", "P-10", 1);
        let (pilot, next): (ScopeId, ScopeId) =
            ("site/HRB01".parse().unwrap(), "site/MPL02".parse().unwrap());
        let not = ItemState::NotApplicable { reason: "no models yet".to_owned() };
        let failed = ItemState::Failed { missing: vec!["x".to_owned()] };
        let at = |scope, state| Standing { scope, item: &model, state };
        let tenth = |standings: &[Standing<'_>]| {
            rows(standings, Some(date(2027, 1, 11)), Some(date(2027, 6, 1))).swap_remove(9)
        };
        let row = tenth(&[at(&pilot, &not)]);
        assert_eq!((row.state, row.overdue), (RowState::NotApplicable, false));
        let row = tenth(&[at(&pilot, &not), at(&next, &failed)]);
        assert_eq!((row.state, row.overdue), (RowState::UnderWay, true));
    }
}
