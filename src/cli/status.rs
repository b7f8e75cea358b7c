//! `landfall status` and `wave status`: where everything stands, once or for as long as a launch is open.

use std::io::IsTerminal as _;

use super::args::{Shown, Status as Args, StatusOutput};
use super::exit::Exit;
use super::inspect::read_journal;
use super::run::{at, runtime};
use super::ui::Ui;
use crate::base::id::{ScopeId, WaveName};
use crate::base::limits::WATCH_EVERY_MIN;
use crate::base::time::Millis;
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};
use crate::report::status::{Status, Style, csv, gate_lines, page, scope_page, wave_page, why};

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// What is looked at.
enum View {
    Estate,
    Wave(WaveName),
    Scope { scope: ScopeId, why: bool },
}

/// The whole estate, or one site.
pub fn status(ui: &Ui, context: &Context, args: &Args) -> Result<Exit, Failure> {
    let context = at(context, &args.shown.moment)?;
    let desired = Desired::read(&context.root)?;
    let view = match &args.site {
        Some(code) => View::Scope { scope: scope(&desired, code)?, why: args.why },
        None if args.why => {
            return Err(Failure::usage("--why is about one site", "landfall status CODE --why"));
        }
        None => View::Estate,
    };
    show(ui, &context, &desired, &view, &args.shown)
}

/// One wave.
pub fn wave(ui: &Ui, context: &Context, wave: &str, shown: &Shown) -> Result<Exit, Failure> {
    let context = at(context, &shown.moment)?;
    let desired = Desired::read(&context.root)?;
    ops::plan::select(&desired, &ops::plan::Asked::Wave(wave.to_owned()))?;
    let name = WaveName::new(wave).map_err(|bad| Failure::failed(bad.to_string()))?;
    show(ui, &context, &desired, &View::Wave(name), shown)
}

/// A site by its code, or any scope by its name.
fn scope(desired: &Desired, name: &str) -> Result<ScopeId, Failure> {
    match name.parse::<ScopeId>() {
        Ok(scope) if desired.rendered.contains_key(&scope) => Ok(scope),
        Ok(_) | Err(_) => Ok(ScopeId::Site(ops::plan::site(desired, name)?)),
    }
}

fn show(ui: &Ui, context: &Context, desired: &Desired, view: &View, shown: &Shown) -> Result<Exit, Failure> {
    super::approve::launch::told_emergencies(ui, context, desired)?;
    super::inbox::told_overdue(ui, context, desired)?;
    let Some(seconds) = shown.watch else {
        let status = look(context, desired, view)?;
        ui.data(&text(&status, view, shown));
        return Ok(Exit::Done);
    };
    let every = Millis::from_secs(seconds).max(WATCH_EVERY_MIN);
    runtime()?.block_on(async {
        // One listener for the whole time: what comes while nobody waits for it is not lost.
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        let mut before = None;
        loop {
            let status = look(context, desired, view)?;
            let clears = std::io::stdout().is_terminal() && shown.output != StatusOutput::Json;
            // A terminal is drawn anew, ages and all; elsewhere only what changed is worth a block.
            let same = before.as_ref() == Some(&status.timeless());
            if clears {
                ui.data(&format!("{CLEAR}{}", text(&status, view, shown)));
            } else if !same {
                ui.data(&text(&status, view, shown));
            }
            if !status.is_open() {
                return Ok(Exit::Done);
            }
            before = Some(status.timeless());
            tokio::select! {
                () = tokio::time::sleep(every.as_std()) => {}
                _ = &mut interrupted => return Ok(Exit::Interrupted),
            }
        }
    })
}

fn look(context: &Context, desired: &Desired, view: &View) -> Result<Status, Failure> {
    let journal: Box<dyn Journal> = match read_journal(context)? {
        Some(journal) => Box::new(journal),
        None => Box::new(MemoryJournal::new()),
    };
    let status = ops::status::status(desired, &*journal, context.clock.now())?;
    Ok(match view {
        View::Estate => status,
        View::Wave(wave) => status.of_wave(wave),
        View::Scope { scope, .. } => status.of_scope(scope),
    })
}

fn text(status: &Status, view: &View, shown: &Shown) -> String {
    let wide = shown.output == StatusOutput::Wide;
    let style = Style { all: shown.all, wide };
    match (shown.output, view) {
        (StatusOutput::Json, _) => format!("{}\n", serde_json::json!(status)),
        (StatusOutput::Csv, _) => csv(status),
        (StatusOutput::Name, _) => status.scopes.iter().map(|one| format!("{}\n", one.scope)).collect(),
        (StatusOutput::Table | StatusOutput::Wide, View::Estate) => {
            page(status, style) + &gate_lines(&status.gates)
        }
        (StatusOutput::Table | StatusOutput::Wide, View::Wave(_)) => {
            wave_page(status, style) + &gate_lines(&status.gates)
        }
        (StatusOutput::Table | StatusOutput::Wide, View::Scope { why: true, .. }) => {
            why(status) + &gate_lines(&status.gates)
        }
        (StatusOutput::Table | StatusOutput::Wide, View::Scope { why: false, .. }) => {
            scope_page(status) + &gate_lines(&status.gates)
        }
    }
}
