//! The document as rows for spreadsheets: one for each scope.

use super::{Scope, Status};
use crate::base::time::{Millis, Timestamp};

/// The columns.
const COLUMNS: [&str; 21] = [
    "scope",
    "name",
    "region",
    "wave",
    "state",
    "run",
    "round",
    "done",
    "total",
    "percent",
    "failed",
    "blocked",
    "since",
    "blocker",
    "owner_role",
    "owner",
    "blocked_since",
    "age_ms",
    "until",
    "next_window",
    "expected_end",
];

/// One row for each scope, RFC 4180.
pub fn csv(status: &Status) -> String {
    let mut out = COLUMNS.join(",");
    out.push_str("\r\n");
    for scope in &status.scopes {
        let cells: Vec<String> = row(scope).iter().map(|cell| quoted(cell)).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn row(scope: &Scope) -> [String; COLUMNS.len()] {
    let text = |one: Option<&str>| one.unwrap_or_default().to_owned();
    let moment = |at: Option<Timestamp>| at.map_or(String::new(), |at| at.to_string());
    let blocker = scope.blocker.as_ref();
    let owners = |of: &dyn Fn(&super::Owner) -> Option<String>| {
        let all = blocker.map(|link| link.owners.iter().filter_map(of).collect::<Vec<_>>());
        all.unwrap_or_default().join("; ")
    };
    [
        scope.scope.to_string(),
        text(scope.name.as_deref()),
        text(scope.region.as_ref().map(|region| region.as_str())),
        text(scope.wave.as_ref().map(|wave| wave.as_str())),
        scope.state.word().to_owned(),
        text(scope.run.as_ref().map(|run| run.as_str())),
        scope.round.to_string(),
        scope.done.to_string(),
        scope.total.to_string(),
        scope.percent.to_string(),
        scope.failed.len().to_string(),
        scope.blocked.len().to_string(),
        moment(scope.since),
        blocker.map_or(String::new(), |link| link.what.clone()),
        owners(&|owner| Some(owner.role.clone())),
        owners(&|owner| owner.handle.clone()),
        moment(blocker.and_then(|link| link.since)),
        blocker.and_then(|link| link.age).map_or(String::new(), |Millis(age)| age.to_string()),
        moment(blocker.and_then(|link| link.until)),
        moment(scope.next_window),
        moment(scope.expected_end),
    ]
}

/// A cell as RFC 4180 has it. A cell that a spreadsheet would take for a formula begins with an apostrophe.
pub(in crate::report) fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    let plain = !cell.contains(['"', ',', '\n', '\r']);
    if plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}
