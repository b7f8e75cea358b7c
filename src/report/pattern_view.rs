//! Patterns of sites, as text: one line for the summary, and the whole explanation.

use std::fmt::Write as _;

use serde_json::Value;

use crate::model::plan::overview::{Because, Except, Pattern, Setting};

use super::plan_view::{plural, short};

/// Names that are listed in one line of an explanation; the rest is counted. `-o json` has them all.
const NAMES_SHOWN: usize = 12;

/// One line for a plan's summary; nothing if there are no sites.
pub fn line(patterns: &[Pattern]) -> Option<String> {
    let sites: usize = patterns.iter().map(|pattern| pattern.sites.len()).sum();
    let first = patterns.first()?;
    let one = |pattern: &Pattern| match &pattern.except {
        None => format!("{} ({})", pattern.name, codes(pattern)),
        Some(except) => {
            format!("{} ({}): like {}, except {}", pattern.name, codes(pattern), except.like, brief(except))
        }
    };
    let heads: Vec<String> = patterns.iter().map(one).collect();
    let count = format!(
        "{sites} {}, {} {}",
        plural(sites, "site", "sites"),
        patterns.len(),
        plural(patterns.len(), "pattern", "patterns")
    );
    if first.changes == 0 && patterns.len() == 1 {
        return Some(format!("{count}: nothing changes at any site."));
    }
    Some(format!("{count}: {}.", heads.join("; ")))
}

fn codes(pattern: &Pattern) -> String {
    pattern.sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The reasons by name, or how much differs where there is none.
fn brief(except: &Except) -> String {
    let names: Vec<&str> = except.because.iter().map(|because| because.parameter.as_str()).collect();
    let found = (!except.found_otherwise.is_empty())
        .then(|| format!("{} found otherwise", steps(except.found_otherwise.len())));
    names.into_iter().map(str::to_owned).chain(found).collect::<Vec<_>>().join(", ")
}

fn steps(count: usize) -> String {
    format!("{count} {}", plural(count, "step", "steps"))
}

/// Everything that is known about how the patterns differ.
pub fn text(patterns: &[Pattern]) -> String {
    let mut out = String::new();
    for pattern in patterns {
        let _ = writeln!(
            out,
            "Pattern {}   {} {}: {}   {} {}   {}",
            pattern.name,
            pattern.sites.len(),
            plural(pattern.sites.len(), "site", "sites"),
            codes(pattern),
            pattern.changes,
            plural(pattern.changes, "change", "changes"),
            pattern.digest
        );
        if let Some(except) = &pattern.except {
            explained(&mut out, except);
        }
    }
    out
}

fn explained(out: &mut String, except: &Except) {
    let _ = writeln!(out, "  like {}, except", except.like);
    except.because.iter().for_each(|because| reason(out, because));
    listed(out, "also done here", except.added.iter().map(String::as_str));
    listed(out, "not done here", except.missing.iter().map(String::as_str));
    let differing: Vec<String> =
        except.differing.iter().map(|d| format!("{} {}", d.step, d.at.join(" "))).collect();
    listed(out, "done otherwise", differing.iter().map(String::as_str));
    listed(
        out,
        "no parameter is the reason: what was found there differs",
        except.found_otherwise.iter().map(String::as_str),
    );
    if except.more > 0 {
        let _ = writeln!(out, "    and {} more", steps(except.more));
    }
}

fn reason(out: &mut String, because: &Because) {
    let _ = writeln!(out, "    because of {} ({})", because.parameter, steps(because.steps));
    for setting in [&because.here, &because.there] {
        let _ = writeln!(out, "      {}: {}", setting.site, told(setting));
    }
}

fn told(setting: &Setting) -> String {
    let value = setting.value.as_ref().map_or("not set".to_owned(), short_value);
    match &setting.place {
        Some(place) => format!("{value}   {place}"),
        None => value,
    }
}

fn short_value(value: &Value) -> String {
    short(value)
}

fn listed<'n>(out: &mut String, head: &str, names: impl ExactSizeIterator<Item = &'n str>) {
    let count = names.len();
    if count == 0 {
        return;
    }
    let _ = writeln!(out, "    {head}: {}", steps(count));
    for name in names.take(NAMES_SHOWN) {
        let _ = writeln!(out, "      {name}");
    }
    if count > NAMES_SHOWN {
        let _ = writeln!(out, "      and {} more", count - NAMES_SHOWN);
    }
}
