//! Commands about who writes which log, and about records that people make.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::ui::Ui;
use crate::base::id::LogId;
use crate::journal::sqlite::SqliteJournal;
use crate::ops::error::Failure;
use crate::ops::{self, Context};

/// Version of the JSON form of `locks list`.
const LOCKS_VERSION: u32 = 1;

/// Lock commands.
#[derive(Debug, Subcommand)]
pub enum LocksCommand {
    /// List who writes which log, since when, and whether the process is alive
    List {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Take a lock away from a process that is gone; what it still writes is refused
    Break {
        /// `org`, `account`, `region/<name>` or `site/<CODE>`
        log: String,
        /// Why; it is recorded
        #[arg(long)]
        reason: String,
        /// Even if the process is alive
        #[arg(long)]
        force: bool,
    },
}

/// Arguments of `record`.
#[derive(Debug, Args)]
pub struct Record {
    /// The evidence kind, for example drill.tabletop
    pub kind: String,
    /// `org`, `account`, `region/<name>` or `site/<CODE>`
    #[arg(long, value_name = "LOG", default_value = "org")]
    pub scope: String,
    /// A file to keep with it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What it shows, in a sentence, without patient data
    #[arg(long)]
    pub statement: String,
}

/// Carries out a lock command.
pub fn locks(ui: &Ui, context: &Context, command: LocksCommand) -> Result<Exit, Failure> {
    let none = || Failure::usage("nothing was ever launched", "there is no journal, and so no lock");
    let dir = context.journal_dir();
    if !dir.exists() {
        return Err(none());
    }
    match command {
        LocksCommand::List { output } => {
            let held = ops::locks::list(&SqliteJournal::open_read_only(&dir)?)?;
            match output {
                Output::Json => ui.json(&json!({ "v": LOCKS_VERSION, "locks": held })),
                Output::Text if held.is_empty() => ui.say("Nobody writes any log"),
                Output::Text => held.iter().for_each(|lock| ui.line(&line(lock))),
            }
        }
        LocksCommand::Break { log, reason, force } => {
            let log = parsed(&log)?;
            let mut journal = SqliteJournal::open(&dir)?;
            let entry = ops::locks::break_lock(context, &mut journal, &log, &reason, force)?;
            ui.say(&format!("The lock on {log} is broken: entry {entry}"));
            ui.say("Next: landfall resume takes the launch up again");
        }
    }
    Ok(Exit::Done)
}

fn line(lock: &ops::locks::Held) -> String {
    let since = lock.since.map_or("-".to_owned(), |since| since.to_string());
    let alive = if lock.alive { "alive" } else { "gone" };
    format!("{:<20} {alive:<5}  since {since}  until {}  {}", lock.log.to_string(), lock.until, lock.holder)
}

fn parsed(log: &str) -> Result<LogId, Failure> {
    log.parse().map_err(|_| {
        let message = format!("`{log}` is not the name of a log");
        Failure::usage(message, "write org, account, region/<name> or site/<CODE>")
    })
}

/// Files a record.
pub fn record(ui: &Ui, context: &Context, args: &Record) -> Result<Exit, Failure> {
    let log = parsed(&args.scope)?;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let wanted = ops::record::Wanted {
        kind: &args.kind,
        log: &log,
        file: args.file.as_deref(),
        statement: &args.statement,
    };
    let entry = ops::record::record(context, &mut journal, wanted)?;
    ui.say(&format!("Filed {} as entry {entry} of {log}: recorded, not signed", args.kind));
    Ok(Exit::Done)
}
