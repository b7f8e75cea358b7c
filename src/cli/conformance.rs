//! `landfall report conformance`: every site against the baseline.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::Select;
use super::asked;
use super::exit::Exit;
use super::run::{journal_to_read, runtime, warn};
use super::ui::Ui;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::target::{reach, sign_in};
use crate::ops::{Context, conformance as looked};
use crate::report::conformance as view;

/// Arguments of `report conformance`.
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// Which sites, with the scopes they rest on
    #[command(flatten)]
    pub select: Select,
    /// Where to look
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    pub output: Form,
}

/// Forms of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    Text,
    /// For programs
    Json,
    /// For spreadsheets, one line per cell
    Csv,
}

/// Carries out `report conformance`.
pub fn conformance(ui: &Ui, context: &Context, args: &ConformanceArgs) -> Result<Exit, Failure> {
    let journal = journal_to_read(context)?;
    let desired = crate::ops::access::overlay(Desired::read(&context.root)?, &*journal, context.clock.now())?;
    warn(ui, &desired);
    let report = runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, &args.target).await?.told(ui.talk());
        sign_in(&reached).await?;
        looked::look(context, &desired, &asked(&args.select), &reached, &*journal).await
    })?;
    match args.output {
        Form::Text => ui.data(&view::text(&report)),
        Form::Csv => ui.data(&view::csv(&report)),
        Form::Json => ui.json(&json!({
            "v": 1, "at": report.at, "target": report.target,
            "controls": report.controls(), "settings": report.settings,
        })),
    }
    Ok(Exit::Done)
}
