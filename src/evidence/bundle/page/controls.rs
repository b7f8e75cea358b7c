//! The controls of the page: what asks for attention first, then what is open, then what holds.

use super::super::super::control::{ControlRow, ControlStatus, Extent};
use super::escape::escaped;
use super::tables::table;

/// A group of controls on the page, in the order of need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    NeedsYourEye,
    Waived,
    Partial,
    NotRun,
    Manual,
    Evidenced,
    NotApplicable,
}

impl Group {
    const ALL: [Group; 7] = [
        Group::NeedsYourEye,
        Group::Waived,
        Group::Partial,
        Group::NotRun,
        Group::Manual,
        Group::Evidenced,
        Group::NotApplicable,
    ];

    fn of(row: &ControlRow) -> Self {
        match row.status {
            _ if row.is_stale() => Group::NeedsYourEye,
            ControlStatus::Failed { .. } => Group::NeedsYourEye,
            ControlStatus::Evidenced => Group::Evidenced,
            ControlStatus::Partial { .. } => Group::Partial,
            ControlStatus::Manual => Group::Manual,
            ControlStatus::Waived { .. } => Group::Waived,
            ControlStatus::NotRun => Group::NotRun,
            ControlStatus::NotApplicable { .. } => Group::NotApplicable,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Group::NeedsYourEye => "Controls that need your eye",
            Group::Waived => "Controls that were waived",
            Group::Partial => "Controls evidenced in part",
            Group::NotRun => "Controls not run",
            Group::Manual => "Controls that a person shows",
            Group::Evidenced => "Controls evidenced",
            Group::NotApplicable => "Controls that do not apply",
        }
    }

    fn in_words(self, count: usize) -> String {
        let what = match self {
            Group::NeedsYourEye => "failed or too old",
            Group::Waived => "waived",
            Group::Partial => "evidenced in part",
            Group::NotRun => "not run",
            Group::Manual => "for a person to show",
            Group::Evidenced => "evidenced",
            Group::NotApplicable => "not applicable",
        };
        format!("{count} {what}")
    }
}

fn members(rows: &[ControlRow], group: Group) -> Vec<&ControlRow> {
    rows.iter().filter(|row| Group::of(row) == group).collect()
}

/// What stands open about controls: each that needs an eye or was waived, and how many are open otherwise.
pub(super) fn open_points(rows: &[ControlRow]) -> Vec<String> {
    let mut items = Vec::new();
    for group in [Group::NeedsYourEye, Group::Waived] {
        for row in members(rows, group) {
            items.push(format!(
                "Control {} ({}): {}",
                name(row),
                escaped(&row.title),
                escaped(&standing(row))
            ));
        }
    }
    let open: Vec<String> = [Group::Partial, Group::NotRun, Group::Manual]
        .into_iter()
        .map(|group| (group, members(rows, group).len()))
        .filter(|(_, count)| *count > 0)
        .map(|(group, count)| group.in_words(count))
        .collect();
    if !open.is_empty() {
        items.push(format!("Controls without full evidence: {}", open.join(", ")));
    }
    items
}

/// The tables of controls, a group each. Those that no evidence of this program bears on are named in one sentence.
pub(super) fn section(rows: &[ControlRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let counts: Vec<String> =
        Group::ALL.into_iter().map(|group| group.in_words(members(rows, group).len())).collect();
    let mut html = format!("<h2>Controls</h2>\n<p>{} controls: {}.</p>\n", rows.len(), counts.join(", "));
    let touched: Vec<ControlRow> = rows.iter().filter(|row| !row.kinds.is_empty()).cloned().collect();
    for group in Group::ALL {
        let cells: Vec<[String; 6]> = members(&touched, group).into_iter().map(cells).collect();
        if !cells.is_empty() {
            let columns = ["Control", "Title", "Where it stands", "Newest", "In force since", "Entries"];
            html.push_str(&table(group.heading(), columns, cells));
        }
    }
    let untouched: Vec<String> = rows.iter().filter(|row| row.kinds.is_empty()).map(name).collect();
    if !untouched.is_empty() {
        html.push_str(&format!(
            "<h2>Controls that this program does not touch</h2>\n<p>A person shows them: {}.</p>\n",
            untouched.join(", ")
        ));
    }
    html
}

fn name(row: &ControlRow) -> String {
    escaped(&format!("{} {}", row.framework.to_ascii_uppercase(), row.id))
}

fn cells(row: &ControlRow) -> [String; 6] {
    let day =
        |at: Option<crate::base::time::Timestamp>| at.map_or(String::new(), |at| escaped(&at.to_string()));
    [
        format!("{}<br>{}", name(row), row.obligation.word()),
        escaped(&row.title),
        escaped(&standing(row)),
        day(row.newest),
        day(row.in_force_since),
        escaped(&row.places()),
    ]
}

fn standing(row: &ControlRow) -> String {
    let missing = |row: &ControlRow| {
        let each: Vec<String> = row.missing.iter().map(|one| format!("{}: {}", one.kind, one.why)).collect();
        each.join("; ")
    };
    match &row.status {
        ControlStatus::Evidenced if row.shown == Some(Extent::Full) => {
            "✓ evidenced, in full by one item".to_owned()
        }
        ControlStatus::Evidenced => "✓ evidenced, by items that show a part each".to_owned(),
        ControlStatus::Partial { missing } if row.missing.is_empty() => {
            format!("partial: {missing} is missing")
        }
        ControlStatus::Partial { .. } => format!("partial, missing: {}", missing(row)),
        ControlStatus::Failed { what } => format!("✗ failed: {what}; {}", missing(row)),
        ControlStatus::Manual => "manual: a person shows it".to_owned(),
        ControlStatus::Waived { until } => format!("waived until {until}"),
        ControlStatus::NotRun => format!("✗ not run: {}", missing(row)),
        ControlStatus::NotApplicable { reason } => format!("does not apply: {reason}"),
    }
}
