//! `landfall checklist`: what is asked at each scope.

use clap::Subcommand;

use super::args::Output;
use super::checklist_run::{self, RunArgs};
use super::exit::Exit;
use super::ui::Ui;
use crate::ops::Context;
use crate::ops::error::Failure;

/// Checklist commands.
#[derive(Debug, Subcommand)]
pub enum ChecklistCommand {
    /// Look at items, do what their contracts allow, and record what they come to
    Run(RunArgs),
    /// List the validators that items can use, with an example of each
    Validators {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// Carries out a checklist command.
pub fn checklist(
    ui: &Ui,
    context: impl Fn() -> Result<Context, Failure>,
    command: ChecklistCommand,
) -> Result<Exit, Failure> {
    match command {
        ChecklistCommand::Run(args) => checklist_run::run(ui, &context()?, &args),
        ChecklistCommand::Validators { output } => checklist_run::validators(ui, output),
    }
}
