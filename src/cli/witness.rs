//! The witness's commands, and what is said about checkpoints after a command that made some.

use super::args::WitnessCommand;
use super::exit::Exit;
use super::ui::Ui;
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::Estate;
use crate::ops::checkpoints::{Recorded, heads};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::witness::{Witness, serve};
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
            for key in &done.followed {
                ui.line(&format!("followed  the log key to {key}, which the one before named"));
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
        WitnessCommand::Serve { dir, listen } => serve(ui, Witness::open(&dir)?, listen)?,
        WitnessCommand::Verify { dir } => {
            for (origin, size) in Witness::open(&dir)?.verify()? {
                ui.line(&format!("ok  {origin}: {size} entries"));
            }
        }
    }
    Ok(Exit::Done)
}

/// Answers requests until a signal comes.
fn serve(ui: &Ui, witness: Witness, listen: std::net::SocketAddr) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("cannot listen on {listen}: {error}"));
    super::run::runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        ui.line(&format!("http://{address}"));
        if !address.ip().is_loopback() {
            ui.always("warning: anybody who reaches this address can ask; put TLS in front of it");
        }
        let stop = async {
            // Without signals there is nothing to wait for but the end of the process.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        serve::serve(witness, Clock::Real, listener, stop).await.map_err(failed)
    })
}

/// Writes the day's heads and hands on what there is.
pub fn beat(ui: &Ui, context: &Context) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let recorded = heads::beat(context, &mut journal, &desired.loaded.estate)?;
    ui.line(&format!("{} checkpoints made", recorded.made));
    let handed_on = recorded.troubles.is_empty();
    told(ui, context, recorded);
    Ok(if handed_on { Exit::Done } else { Exit::Failed })
}

/// Signs and hands on checkpoints; whatever goes wrong is told and tried again the next time.
pub fn checkpoints(ui: &Ui, context: &Context, journal: &dyn Journal, estate: &Estate) {
    told(ui, context, checkpoints::record(context, journal, estate, false));
}

fn told(ui: &Ui, context: &Context, recorded: Recorded) {
    for trouble in recorded.troubles {
        ui.always(&format!("warning: {trouble}; it is tried again the next time"));
    }
    if recorded.locked.is_empty() {
        return;
    }
    let noted = SqliteJournal::open(&context.journal_dir())
        .map_err(Failure::from)
        .and_then(|mut journal| checkpoints::note_locks(context, &mut journal, &recorded.locked));
    if let Err(failure) = noted {
        ui.always(&format!("warning: the locks of checkpoints were not recorded: {failure}"));
    }
}
