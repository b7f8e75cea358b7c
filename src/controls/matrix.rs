//! The matrix of controls as CSV, and the cells that CSV and workbook share.

use crate::base::id::SiteCode;
use crate::model::control::{ControlRow, ControlStatus};

/// The columns after the site.
pub(super) const COLUMNS: [&str; 14] = [
    "framework",
    "id",
    "own id",
    "title",
    "obligation",
    "shown",
    "status",
    "evidence kinds",
    "newest",
    "in force since",
    "expires",
    "missing",
    "findings",
    "entries",
];

/// The cells of one row.
pub(super) fn cells(row: &ControlRow) -> [String; 14] {
    let moment = |at: Option<crate::base::time::Timestamp>| at.map_or(String::new(), |at| at.to_string());
    let status = match &row.status {
        ControlStatus::NotApplicable { reason } => format!("not applicable: {reason}"),
        ControlStatus::Waived { until } => format!("waived until {until}"),
        ControlStatus::Evidenced
        | ControlStatus::Partial { .. }
        | ControlStatus::Failed { .. }
        | ControlStatus::Manual
        | ControlStatus::NotRun => row.status.word().to_owned(),
    };
    let missing: Vec<String> = row.missing.iter().map(|one| format!("{} ({})", one.kind, one.why)).collect();
    let findings: Vec<String> =
        row.findings.iter().map(|one| format!("{} ({}): {}", one.entry, one.severity, one.title)).collect();
    [
        row.framework.clone(),
        row.id.clone(),
        row.own_id.clone().unwrap_or_default(),
        row.title.clone(),
        row.obligation.word().to_owned(),
        row.shown.map_or("none", super::Extent::word).to_owned(),
        status,
        row.kinds.join(" "),
        moment(row.newest),
        moment(row.in_force_since),
        moment(row.expires),
        missing.join("; "),
        findings.join("; "),
        row.places(),
    ]
}

/// The matrix of some sites, one line for each site and control.
pub fn csv<'r>(sites: impl IntoIterator<Item = (&'r SiteCode, &'r [ControlRow])>) -> String {
    let mut text = line(std::iter::once("site").chain(COLUMNS));
    for (site, rows) in sites {
        for row in rows {
            let cells = cells(row);
            text.push_str(&line(std::iter::once(site.as_str()).chain(cells.iter().map(String::as_str))));
        }
    }
    text
}

/// A line as RFC 4180 has it, without what a spreadsheet would take for a formula.
fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let cell = |text: &str| {
        let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let text = if formula { format!("'{text}") } else { text.to_owned() };
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    format!("{}\r\n", cells.map(cell).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let cells = ["plain", "a,b", "say \"no\"", "=HYPERLINK(1)", "two\nlines"];
        let quoted = "plain,\"a,b\",\"say \"\"no\"\"\",'=HYPERLINK(1),\"two\nlines\"\r\n";
        assert_eq!(line(cells.into_iter()), quoted);
    }
}
