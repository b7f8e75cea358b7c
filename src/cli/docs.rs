//! `landfall docs`: documents that people outside of the program get to read.

use std::path::PathBuf;

use clap::Subcommand;

use super::args::Moment;
use super::exit::Exit;
use super::inspect::read_journal;
use super::run::at;
use super::ui::Ui;
use crate::document::Zone;
use crate::journal::Journal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{Context, committee};

/// Documents.
#[derive(Debug, Subcommand)]
pub enum DocsCommand {
    /// What a clinical committee reads about a model at a site: intended use, validation, subgroups, people, bias, way back
    CommitteePacket {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// The model, as its folder below models/ is called
        #[arg(long, value_name = "MODEL")]
        model: String,
        /// A folder that is not there yet, for Markdown, HTML and PDF [default: print the Markdown]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
    },
}

/// Writes a document.
pub fn docs(ui: &Ui, context: &Context, command: &DocsCommand) -> Result<Exit, Failure> {
    let DocsCommand::CommitteePacket { site, model, out, moment } = command;
    let context = at(context, moment)?;
    let desired = Desired::read(&context.root)?;
    let journal = read_journal(&context)?;
    let journal = journal.as_ref().map(|journal| journal as &dyn Journal);
    let now = context.clock.now();
    let packet = committee::packet(&context.root, &desired, journal, (site, model), now)?;
    let zone = Zone::of(desired.loaded.estate.zone_name());
    match out {
        None => ui.data(&packet.markdown(&zone)),
        Some(out) => {
            let files = committee::files(&packet, &zone)?;
            committee::write(&files, out)?;
            ui.result(&format!("Wrote {} files: open {}", files.len(), out.join("packet.html").display()));
        }
    }
    Ok(Exit::Done)
}
