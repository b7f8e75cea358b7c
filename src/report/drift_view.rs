//! Drift as text: by scope, then object, and what to type next.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::base::id::ScopeId;
use crate::model::drift::{Basis, Drift, DriftClass, DriftReport, FieldDrift};
use crate::report::plan_view::plural;

/// Version of the JSON form.
const JSON_VERSION: u32 = 1;

/// Longest value that is shown whole.
const VALUE_CHARS_MAX: usize = 80;

/// Objects by class, accepted ones apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Objects with fields that are not as we hold them.
    pub changed: usize,
    /// Objects that are gone.
    pub missing: usize,
    /// Objects that no log knows.
    pub unmanaged: usize,
    /// Objects whose drift is accepted.
    pub accepted: usize,
}

/// Counts a report.
pub fn counts(report: &DriftReport) -> Counts {
    let mut counts = Counts::default();
    for drift in &report.drifts {
        let count = match drift.class {
            _ if !drift.counts() => &mut counts.accepted,
            DriftClass::Changed => &mut counts.changed,
            DriftClass::Missing => &mut counts.missing,
            DriftClass::Unmanaged => &mut counts.unmanaged,
        };
        *count += 1;
    }
    counts
}

/// For programs.
pub fn json(report: &DriftReport) -> Value {
    json!({ "v": JSON_VERSION, "counts": counts(report), "drift": report })
}

/// For people.
pub fn text(report: &DriftReport) -> String {
    let mut out = String::new();
    let _ =
        writeln!(out, "Drift on target {} ({}), seen {}", report.target.name, report.target.host, report.at);
    out.push_str("Compared with what the logs hold. Read-only: no object was changed.\n");
    for scope in &report.scopes {
        scope_text(&mut out, report, scope);
    }
    if !report.unsettled.is_empty() {
        out.push_str("\n  Not compared\n");
        for one in &report.unsettled {
            let _ = writeln!(out, "    {} {}: {}", one.scope, one.step, one.why);
        }
    }
    out.push('\n');
    out.push_str(&summary(report));
    out
}

fn scope_text(out: &mut String, report: &DriftReport, scope: &ScopeId) {
    let of_scope: Vec<&Drift> = report.drifts.iter().filter(|drift| drift.scope == *scope).collect();
    if of_scope.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n  # {scope}");
    for drift in of_scope {
        object(out, drift);
    }
}

fn object(out: &mut String, drift: &Drift) {
    let symbol = match drift.class {
        DriftClass::Changed => "~",
        DriftClass::Missing => "-",
        DriftClass::Unmanaged => "?",
    };
    let title = drift.title.as_ref().map_or(String::new(), |title| format!(" \"{title}\""));
    let of = drift.step.as_ref().map_or(String::new(), |_| format!(" ({})", drift.kind));
    let since = drift.since.map_or(String::new(), |since| format!(", recorded since {since}"));
    let _ = writeln!(out, "  {symbol} {}{of}{title}   {}{since}", drift.object, drift.class.word());
    drift.fields.iter().for_each(|one| field(out, drift.class, one));
    let who = match &drift.who {
        Some(who) => who.at.map_or(who.id.clone(), |at| format!("{} at {at}", who.id)),
        None => "not known: no audit source is configured".to_owned(),
    };
    let _ = writeln!(out, "        by: {who}");
}

fn field(out: &mut String, class: DriftClass, field: &FieldDrift) {
    match class {
        DriftClass::Changed => {
            let (held, live) = (value(field.held.as_ref()), value(field.live.as_ref()));
            let basis = match field.basis {
                Basis::Applied => "",
                Basis::Seen => "; a plan does not put it back",
            };
            let _ = writeln!(out, "        {}: {held} -> {live}   [{}{basis}]", field.at, field.reason);
        }
        DriftClass::Missing | DriftClass::Unmanaged => {
            let _ = writeln!(out, "        [{}]", field.reason);
        }
    }
    if let Some(accepted) = &field.accepted {
        let (until, owner, by, reason) = (accepted.until, &accepted.owner, &accepted.by.id, &accepted.reason);
        let _ = writeln!(out, "        accepted until {until} by {by} for {owner}: {reason}");
    }
}

fn value(value: Option<&Value>) -> String {
    let Some(value) = value else { return "(none)".to_owned() };
    let text = value.to_string();
    if text.chars().count() <= VALUE_CHARS_MAX {
        return text;
    }
    format!("{}…", text.chars().take(VALUE_CHARS_MAX - 1).collect::<String>())
}

/// The last lines: the count, and what to type next.
fn summary(report: &DriftReport) -> String {
    let counts = counts(report);
    let mut out = String::new();
    let open = counts.changed + counts.missing + counts.unmanaged;
    let accepted = match counts.accepted {
        0 => String::new(),
        some => format!(" {some} accepted: a plan would still put {} back.", plural(some, "it", "them")),
    };
    if open == 0 {
        let _ = writeln!(
            out,
            "No drift in {} {}.{accepted}",
            report.held,
            plural(report.held, "object", "objects")
        );
        return out;
    }
    let _ = writeln!(
        out,
        "Drift: {} changed, {} missing, {} unmanaged, of {} {} that the logs hold.{accepted}",
        counts.changed,
        counts.missing,
        counts.unmanaged,
        report.held,
        plural(report.held, "object", "objects")
    );
    let _ = writeln!(out, "Next: {}", next(report));
    out
}

fn next(report: &DriftReport) -> String {
    let sites: Vec<String> =
        report.open().filter_map(|drift| drift.scope.site()).map(ToString::to_string).collect();
    let mut sites: Vec<&str> = sites.iter().map(String::as_str).collect();
    sites.dedup();
    let select = if sites.is_empty() { "--all".to_owned() } else { format!("--site {}", sites.join(",")) };
    let first = report.open().next();
    let example = first.and_then(|drift| Some((drift, drift.fields.iter().find(|f| f.accepted.is_none())?)));
    let accept = example.map_or(String::new(), |(drift, field)| {
        let what = if field.at.is_empty() { "--whole".to_owned() } else { format!("--field {}", field.at) };
        let target = &report.target.name;
        format!(
            "landfall drift accept --scope {} '{}' {what} --target {target} --owner ROLE --until DATE --reason WHY keeps it for a time",
            drift.scope, drift.object
        )
    });
    format!("landfall plan {select} --target {} puts back what was applied; {accept}", report.target.name)
}
