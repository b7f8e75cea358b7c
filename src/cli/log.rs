//! `landfall log`: the entries of a log, or a walk through one run.

use super::args::{Log, Output};
use super::exit::Exit;
use super::inspect::read_journal;
use super::run::runtime;
use super::ui::Ui;
use crate::base::id::LogId;
use crate::base::limits::WATCH_EVERY_MIN;
use crate::journal::Line;
use crate::journal::sqlite::SqliteJournal;
use crate::ops::error::Failure;
use crate::ops::log::Walked;
use crate::ops::{self, Context};

/// Prints a log.
pub fn log(ui: &Ui, context: &Context, args: &Log) -> Result<Exit, Failure> {
    let log = ops::log::named(&args.log)?;
    let Some(journal) = read_journal(context)? else {
        ui.say("There is no journal yet: nothing was ever launched");
        return Ok(Exit::Done);
    };
    let mut next = print(ui, &journal, &log, args, args.from)?;
    if !args.follow {
        return Ok(Exit::Done);
    }
    runtime()?.block_on(async {
        // One listener for the whole time: what comes while nobody waits for it is not lost.
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                () = tokio::time::sleep(WATCH_EVERY_MIN.as_std()) => {}
                _ = &mut interrupted => return Ok(Exit::Interrupted),
            }
            next = print(ui, &journal, &log, args, next)?;
        }
    })
}

/// Prints what there is from a place on; the place after it.
fn print(ui: &Ui, journal: &SqliteJournal, log: &LogId, args: &Log, from: u64) -> Result<u64, Failure> {
    let Some(run) = &args.run else {
        let lines = ops::log::read(journal, log, from)?;
        lines.iter().for_each(|line| ui.line(&entry(line, args.output)));
        return Ok(lines.last().map_or(from, |line| line.entry.seq + 1));
    };
    let Walked { mut walk, size } = ops::log::walk(journal, log, run, args.until)?;
    let step = args.step.as_ref().map(|step| ops::log::step(&walk, step)).transpose()?;
    walk.keep(step.as_ref(), from);
    match args.output {
        Output::Json => walk.paces.iter().for_each(|pace| ui.json(&serde_json::json!(pace))),
        Output::Text => ui.data(&walk.text()),
    }
    if args.until.is_some() {
        match args.output {
            Output::Json => ui.json(&serde_json::json!({ "phases": walk.phases })),
            Output::Text => ui.data(&walk.standing()),
        }
    }
    Ok(size)
}

fn entry(line: &Line, output: Output) -> String {
    if output == Output::Json {
        return line.text.clone();
    }
    let entry = &line.entry;
    let step = entry.step.as_ref().map_or(String::new(), ToString::to_string);
    format!("{:>5}  {}  {:<16} {step:<40} {}", entry.seq, entry.at, entry.kind, entry.actor.id)
}
