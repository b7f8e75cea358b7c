//! Drift as text: by scope, then object, and what to type next.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::base::id::ScopeId;
use crate::base::pointer;
use crate::model::drift::{Basis, Drift, DriftClass, DriftReport, FieldDrift};
use crate::report::plan_view::plural;

/// Version of the JSON form.
const JSON_VERSION: u32 = 1;

/// Longest value that is shown whole.
const VALUE_CHARS_MAX: usize = 120;

/// Differences inside one field that are shown; JSON has all.
const LINES_MAX: usize = 12;

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
    if !report.without_log.is_empty() {
        let names: Vec<String> = report.without_log.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "\n  No log yet, so nothing is held: {}", names.join(", "));
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
            let basis = match field.basis {
                Basis::Applied => "",
                Basis::Seen => "; a plan does not put it back",
            };
            let why = format!("   [{}{basis}]", field.reason);
            let (nothing, mut lines) = (Value::Null, Vec::new());
            let (held, live) =
                (field.held.as_ref().unwrap_or(&nothing), field.live.as_ref().unwrap_or(&nothing));
            differences(&field.at, held, live, &mut lines);
            match lines.as_slice() {
                [one] if one.0 == field.at => {
                    let _ = writeln!(out, "        {}: {}{why}", one.0, one.1);
                }
                all => {
                    let _ = writeln!(out, "        {}:{why}", field.at);
                    for (at, words) in all.iter().take(LINES_MAX) {
                        let _ =
                            writeln!(out, "          {}: {words}", at.strip_prefix(&field.at).unwrap_or(at));
                    }
                    if all.len() > LINES_MAX {
                        let _ = writeln!(out, "          … {} more", all.len() - LINES_MAX);
                    }
                }
            }
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

/// Where inside a value the difference is: objects field by field, lists by what came and what went.
fn differences(at: &str, held: &Value, live: &Value, lines: &mut Vec<(String, String)>) {
    match (held, live) {
        (Value::Object(before), Value::Object(now)) => {
            let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
            for name in names {
                let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                let (before, now) = (of(before), of(now));
                if before != now {
                    differences(&pointer::child(at, name), &before, &now, lines);
                }
            }
        }
        (Value::Array(before), Value::Array(now)) => {
            let gone: Vec<String> = before.iter().filter(|item| !now.contains(item)).map(short).collect();
            let came: Vec<String> = now.iter().filter(|item| !before.contains(item)).map(short).collect();
            if gone.len() + came.len() == 0 {
                lines.push((at.to_owned(), format!("{} -> {}", short(held), short(live))));
            }
            lines.extend(gone.into_iter().map(|item| (at.to_owned(), format!("- {item}"))));
            lines.extend(came.into_iter().map(|item| (at.to_owned(), format!("+ {item}"))));
        }
        _ => lines.push((at.to_owned(), format!("{} -> {}", short(held), short(live)))),
    }
}

fn short(value: &Value) -> String {
    if value.is_null() {
        return "(none)".to_owned();
    }
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
    let target = &report.target.name;
    let mut words = Vec::new();
    let is_put_back = |drift: &&Drift| {
        let applied = drift.fields.iter().any(|field| field.basis == Basis::Applied);
        drift.class != DriftClass::Unmanaged && applied
    };
    let mut sites: Vec<String> =
        report.open().filter(is_put_back).filter_map(|drift| Some(drift.scope.site()?.to_string())).collect();
    sites.dedup();
    if report.open().any(|drift| is_put_back(&drift)) {
        let select =
            if sites.is_empty() { "--all".to_owned() } else { format!("--site {}", sites.join(",")) };
        words.push(format!("landfall plan {select} --target {target} puts back what was applied"));
    }
    if report.open().any(|drift| drift.class == DriftClass::Unmanaged) {
        words.push(format!("landfall adopt --discover --target {target} lists what a pack declares"));
    }
    let first = report.open().next();
    let example = first.and_then(|drift| Some((drift, drift.fields.iter().find(|f| f.accepted.is_none())?)));
    words.extend(example.map(|(drift, field)| {
        let what = if field.at.is_empty() { "--whole".to_owned() } else { format!("--field {}", field.at) };
        format!(
            "landfall drift accept --scope {} '{}' {what} --target {target} --owner ROLE --until DATE --reason WHY \
             keeps the first for a time",
            drift.scope, drift.object
        )
    }));
    words.join("; ")
}
