//! `landfall durations`: how long steps are expected to take, and who says so.

use clap::Args;
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::inspect::{read_journal, table};
use super::ui::Ui;
use crate::forecast::{Durations, Known, Source};
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};

/// Deviations that are told in words; the table has them all.
const DEVIATIONS_SHOWN: usize = 5;

/// Arguments of `durations`.
#[derive(Debug, Args)]
pub struct DurationsArgs {
    /// The target whose runs are looked at
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

pub fn durations(ui: &Ui, context: &Context, args: &DurationsArgs) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let journal: Box<dyn Journal> = match read_journal(context)? {
        Some(journal) => Box::new(journal),
        None => Box::new(MemoryJournal::new()),
    };
    let durations = match ops::durations::last_met(&desired.loaded, &args.target, &*journal)? {
        Some(target) => ops::durations::of(&target, &*journal)?,
        None => Durations::published(),
    };
    let (rows, deviations) = (durations.table(), durations.deviations());
    if args.output == Output::Json {
        ui.json(&json!({ "v": 1, "target": args.target, "durations": rows, "deviations": deviations }));
        return Ok(Exit::Done);
    }
    let mut shown = table(&["KIND", "OPERATION", "EXPECTED", "SOURCE", "SAMPLES", "SAID BY"]);
    for row in &rows {
        shown.add_row(cells(row));
    }
    ui.line(&shown.to_string());
    for deviation in deviations.iter().take(DEVIATIONS_SHOWN) {
        ui.line(&format!(
            "{} {} took {}, where the table says {} (median of {})",
            deviation.kind, deviation.operation, deviation.measured, deviation.predicted, deviation.samples
        ));
    }
    Ok(Exit::Done)
}

fn cells(row: &Known) -> [String; 6] {
    let kind = row.kind.as_ref().map_or_else(|| "any other".to_owned(), ToString::to_string);
    let (source, samples) = match row.expected.source {
        Source::Published => ("published", String::new()),
        Source::Measured { samples } => ("measured", samples.to_string()),
    };
    let said_by = match row.expected.source {
        Source::Published => row.basis.clone(),
        Source::Measured { .. } => format!("earlier runs; the table says {}", row.published),
    };
    [kind, row.operation.to_owned(), row.expected.millis.to_string(), source.to_owned(), samples, said_by]
}
