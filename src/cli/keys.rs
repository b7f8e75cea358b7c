//! The evidence's keys: which there are, and letting a new one take over.

use clap::Subcommand;

use super::exit::Exit;
use super::ui::Ui;
use crate::evidence::handover::KeyUse;
use crate::journal::sqlite::SqliteJournal;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::keys::{Keys, rotate};
use crate::signer::Signer as _;

/// Key commands.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys of today and those before them
    List,
    /// Let a new key take over: recorded in the org log, vouched for by the key of today
    Rotate {
        /// The key that signs checkpoints
        #[arg(long, conflicts_with = "bundle", required_unless_present = "bundle")]
        log: bool,
        /// The key that seals bundles
        #[arg(long)]
        bundle: bool,
    },
}

pub fn run(ui: &Ui, context: &Context, command: &KeysCommand) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let estate = &desired.loaded.estate;
    match command {
        KeysCommand::List => {
            let keys = Keys::open(&context.key_dir(), &estate.name, false, context.entropy)?;
            let rows = [
                ("log", keys.log.vkey(), keys.ring().retired()),
                ("bundle", keys.bundle.vkey(), keys.retired_bundle_keys()),
            ];
            for (name, current, retired) in rows {
                ui.line(&format!("{name:<7} in use   {current}"));
                retired.iter().rev().for_each(|key| ui.line(&format!("{name:<7} retired  {key}")));
            }
            ui.say("Hand them to readers on another way than in a bundle");
        }
        KeysCommand::Rotate { log, bundle: _ } => {
            let which = if *log { KeyUse::Log } else { KeyUse::Bundle };
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            let done = rotate::rotate(context, &mut journal, estate, which)?;
            for trouble in &done.troubles {
                ui.always(&format!("warning: {trouble}; it is tried again the next time"));
            }
            ui.line(&format!("retired  {}", done.old));
            ui.line(&format!("in use   {}", done.new));
            ui.say(&format!(
                "Recorded as entry {} of the org log, and signed by the log key of before",
                done.entry
            ));
            ui.say(&format!("Destroy {} once nobody needs it: all it could do is sign", done.kept.display()));
        }
    }
    Ok(Exit::Done)
}
