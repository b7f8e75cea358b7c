//! `landfall report html`: dashboards as pages without scripts.

use std::path::PathBuf;

use clap::Args;

use super::args::Moment;
use super::exit::Exit;
use super::ui::Ui;
use crate::journal::Journal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{Context, dashboards};

/// Where the pages go.
#[derive(Debug, Args)]
pub struct HtmlArgs {
    /// A folder that is not there yet
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

pub(super) fn html(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    journal: &dyn Journal,
    args: &HtmlArgs,
) -> Result<Exit, Failure> {
    let now = super::run::at(context, &args.moment)?.clock.now();
    let figures = dashboards::figures(context, desired, journal, now)?;
    let count = dashboards::write(&figures, &args.out)?;
    ui.result(&format!("Wrote {count} pages: open {}", args.out.join("index.html").display()));
    Ok(Exit::Done)
}
