//! Commands about notices, and what is said about them after a launch.

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::run::{journal_to_read, runtime};
use super::ui::Ui;
use crate::base::limits::NOTIFY_BUDGET;
use crate::journal::Journal;
use crate::model::estate::Estate;
use crate::notify::report::{REPORT_VERSION, Report};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};

/// Notice commands.
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Deliver what is due now
    Flush(Flush),
    /// Show who was told how far, what waits, and why
    Status {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Send one test notice
    Test {
        /// The name of a [[notify]] table
        name: String,
    },
}

/// Arguments of `flush`.
#[derive(Debug, Args)]
pub struct Flush {
    /// Fail if something could not be delivered
    #[arg(long)]
    pub strict: bool,
    /// Try those again at once that failed a moment ago, unless they asked for time
    #[arg(long)]
    pub retry_now: bool,
}

pub fn run(ui: &Ui, context: &Context, command: NotifyCommand) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let estate = &desired.loaded.estate;
    let journal = journal_to_read(context)?;
    match command {
        NotifyCommand::Flush(args) => {
            let flushed = ops::notify::flush(context, estate, &*journal, args.retry_now);
            let report = runtime()?.block_on(flushed);
            for sink in &report.sinks {
                ui.line(&format!("{:<20} {} sent, {} waiting", sink.name, sink.sent, sink.waiting));
            }
            warn(ui, &report);
            return Ok(if args.strict && !report.is_clear() { Exit::Failed } else { Exit::Done });
        }
        NotifyCommand::Status { output } => {
            let report = ops::notify::status(context, estate, &*journal);
            match output {
                Output::Json => ui.json(&json!({
                    "v": REPORT_VERSION, "sinks": report.sinks, "troubles": report.troubles,
                })),
                Output::Text => status(ui, &report),
            }
        }
        NotifyCommand::Test { name } => {
            runtime()?.block_on(ops::notify::test(context, estate, &*journal, &name))?;
            ui.line(&format!("{name} took the test notice"));
        }
    }
    Ok(Exit::Done)
}

fn status(ui: &Ui, report: &Report) {
    if report.sinks.is_empty() {
        ui.say("Nobody is told: the estate has no [[notify]] table");
    }
    for sink in &report.sinks {
        let cursor = &sink.cursor;
        let last = cursor.last_sent.map_or("never".to_owned(), |at| at.to_string());
        let counts = format!("{} taken, {} waiting, {} given up", cursor.sent, sink.waiting, cursor.dropped);
        ui.line(&format!("{:<20} {counts}; last taken {last}", sink.name));
    }
    warn(ui, report);
}

fn warn(ui: &Ui, report: &Report) {
    for trouble in report.troubles() {
        ui.always(&format!("warning: {trouble}"));
    }
}

/// Makes sure that what a launch brings is told. Trouble is told and ends nothing.
pub fn before(ui: &Ui, context: &Context, journal: &dyn Journal, estate: &Estate) {
    for trouble in ops::notify::enrol(context, estate, journal) {
        ui.always(&format!("warning: notices: {trouble}"));
    }
}

/// Delivers what a launch brought; says one line if something could not be delivered.
pub fn after(ui: &Ui, context: &Context, journal: &dyn Journal, estate: &Estate) {
    if estate.notify.is_empty() {
        return;
    }
    let Ok(runtime) = runtime() else { return };
    let report = runtime.block_on(ops::notify::deliver(context, estate, journal, NOTIFY_BUDGET));
    let troubles = report.troubles();
    if !troubles.is_empty() {
        let told = troubles.join("; ");
        ui.always(&format!(
            "warning: notices: {told}. What waits is kept: landfall notify flush delivers it"
        ));
    }
}
