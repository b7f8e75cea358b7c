//! The witness's commands, and what is said about checkpoints after a command that made some.

use super::args::WitnessCommand;
use super::exit::Exit;
use super::ui::Ui;
use crate::journal::Journal;
use crate::model::estate::Estate;
use crate::ops::error::Failure;
use crate::ops::witness::Witness;
use crate::ops::{Context, checkpoints};
use crate::runner::clock::Clock;

pub fn run(ui: &Ui, command: WitnessCommand) -> Result<Exit, Failure> {
    match command {
        WitnessCommand::Init { dir, name, key } => {
            let witness = Witness::init(&dir, &name, &key)?;
            ui.line(&witness.public().to_string());
            ui.say("Hand this key to the readers of bundles; keep the folder where the log key is not");
        }
        WitnessCommand::Cosign { dir, from, out } => {
            let done = Witness::open(&dir)?.cosign(&from, &out, Clock::Real.now())?;
            for (log, size) in &done.cosigned {
                ui.line(&format!("cosigned  {log}: {size} entries"));
            }
            for why in &done.refused {
                ui.always(&format!("refused   {why}"));
            }
            let counts = (done.cosigned.len(), done.unchanged, done.refused.len());
            ui.say(&format!("{} cosigned, {} unchanged, {} refused", counts.0, counts.1, counts.2));
            if !done.refused.is_empty() {
                return Ok(Exit::NotVerified);
            }
        }
        WitnessCommand::Verify { dir } => {
            for (origin, size) in Witness::open(&dir)?.verify()? {
                ui.line(&format!("ok  {origin}: {size} entries"));
            }
        }
    }
    Ok(Exit::Done)
}

/// Signs and hands on checkpoints; whatever goes wrong is told and tried again the next time.
pub fn checkpoints(ui: &Ui, context: &Context, journal: &dyn Journal, estate: &Estate) {
    for trouble in checkpoints::record(context, journal, estate, false).troubles {
        ui.always(&format!("warning: {trouble}; it is tried again the next time"));
    }
}
