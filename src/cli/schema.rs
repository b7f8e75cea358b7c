//! `landfall schema`: the published forms of what leaves the program.

use clap::Subcommand;

use super::exit::Exit;
use super::ui::Ui;
use crate::ops::error::Failure;
use crate::report;

/// What has a schema.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum SchemaCommand {
    /// `status -o json` and `wave status -o json`
    Status,
    /// The lines of `--events json`
    Events,
}

/// Prints a schema.
pub fn schema(ui: &Ui, command: SchemaCommand) -> Result<Exit, Failure> {
    let schema = match command {
        SchemaCommand::Status => report::status::schema(),
        SchemaCommand::Events => report::events::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|e| Failure::failed(e.to_string()))?;
    ui.line(&text);
    Ok(Exit::Done)
}
