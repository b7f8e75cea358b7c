//! `landfall evidence show`: everything that is recorded about one change, or one entry.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::args::Output;
use super::exit::Exit;
use super::inspect::read_journal;
use super::ui::Ui;
use crate::ops::Context;
use crate::ops::dossier;
use crate::ops::error::Failure;
use crate::ops::question;

/// Arguments of `evidence show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The entry, such as site/HRB01#42; of a decision, every field of it
    #[arg(value_name = "ENTRY", required_unless_present = "change", conflicts_with = "change")]
    pub entry: Option<String>,
    /// The change, such as CHG-1, or its ticket's number: plan, differences, tests, approvals, way back and result
    #[arg(long, value_name = "CHANGE", conflicts_with = "bundle")]
    pub change: Option<String>,
    /// From a bundle alone
    #[arg(long, value_name = "PATH")]
    pub bundle: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Shows it.
pub fn show(
    ui: &Ui,
    context: impl FnOnce() -> Result<Context, Failure>,
    args: &Show,
) -> Result<Exit, Failure> {
    let shown = match (&args.change, &args.entry) {
        (Some(change), _) => dossier::change(&journal(&context()?)?, change)?,
        (None, Some(entry)) => {
            let (log, seq) = dossier::named(entry)?;
            let records = match &args.bundle {
                Some(bundle) => question::of_bundle(bundle)?,
                None => question::of_log(&journal(&context()?)?, &log)?,
            };
            if records.log != log {
                let help = format!("it holds the log of {}", records.log);
                return Err(Failure::usage(format!("the bundle does not hold {log}"), help));
            }
            dossier::entry(&records, seq)?
        }
        (None, None) => {
            return Err(Failure::usage(
                "neither an entry nor a change is named",
                "landfall evidence show --help",
            ));
        }
    };
    match args.output {
        Output::Json => ui.json(&shown),
        Output::Text => lines(&shown, 0).iter().for_each(|line| ui.line(line)),
    }
    Ok(Exit::Done)
}

fn journal(context: &Context) -> Result<crate::journal::sqlite::SqliteJournal, Failure> {
    read_journal(context)?
        .ok_or_else(|| Failure::failed("there is no journal yet: nothing was ever launched"))
}

/// A value as lines, a field on each, what is inside indented below it.
fn lines(value: &Value, depth: usize) -> Vec<String> {
    let indent = "  ".repeat(depth);
    let field = |name: &str, value: &Value| match value {
        Value::Object(inner) if !inner.is_empty() => {
            [vec![format!("{indent}{name}:")], lines(value, depth + 1)].concat()
        }
        Value::Array(inner) if !inner.is_empty() => {
            [vec![format!("{indent}{name}:")], lines(value, depth + 1)].concat()
        }
        Value::String(text) if text.contains('\n') => {
            let rows = text.trim_end().lines().map(|row| format!("{indent}  {row}"));
            std::iter::once(format!("{indent}{name}:")).chain(rows).collect()
        }
        plain => vec![format!("{indent}{name}: {}", word(plain))],
    };
    match value {
        Value::Object(object) => object.iter().flat_map(|(name, value)| field(name, value)).collect(),
        Value::Array(items) => items.iter().flat_map(|item| field("-", item)).collect(),
        plain => vec![format!("{indent}{}", word(plain))],
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
