//! `landfall checklist run`: carries out what a program can of checklists, and says what is missing and on whom it waits.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::args::{Moment, Output};
use super::exit::Exit;
use super::run::{at, journal_to_read, runtime, stop_on_signals, warn};
use super::ui::Ui;
use crate::base::id::{PackName, ScopeId};
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::ops::Context;
use crate::ops::checklist::run::{
    Became, Estate, ItemRun, Progress, Report, Tools, Wanted, needs_target, run as run_items, select,
};
use crate::ops::error::Failure;
use crate::ops::target::{reach, sign_in};
use crate::probe::network::Network;
use crate::validate::library::LIBRARY;

/// Version of the JSON form of `checklist validators`.
const VALIDATORS_VERSION: u32 = 1;

/// Arguments of `checklist run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Items of this pack only
    #[arg(long, value_name = "PACK")]
    pub pack: Option<String>,
    /// This item, or those that begin so: `readiness.*`
    #[arg(long, visible_alias = "step", value_name = "ITEM")]
    pub item: Option<String>,
    /// Items of this site only
    #[arg(long, value_name = "CODE", conflicts_with = "account")]
    pub site: Option<String>,
    /// Items of the account only
    #[arg(long)]
    pub account: bool,
    /// Where to look
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// Only look: nothing is done and nothing is recorded
    #[arg(long)]
    pub dry_run: bool,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Carries out `checklist run`.
pub fn run(ui: &Ui, context: &Context, args: &RunArgs) -> Result<Exit, Failure> {
    let context = &at(context, &args.moment)?;
    let estate = Estate::read(&context.root)?;
    warn(ui, &estate.desired);
    if estate.breaks_rules {
        ui.always("The files break rules: items are looked at, but nothing is done for them");
    }
    let wanted = wanted(&estate, args)?;
    let chosen = select(&estate, &wanted)?;
    // The clock of a real target is not moved, whether anything is asked of it or not.
    let reaches = needs_target(&chosen, args.dry_run) || args.moment.now.is_some();
    let report = runtime()?.block_on(async {
        let reached = match reaches {
            true => Some(reach(context, &estate.desired.loaded, &args.target).await?.told(ui.talk())),
            false => None,
        };
        if let Some(reached) = &reached {
            sign_in(reached).await?;
        }
        let mut journal: Box<dyn Journal> = match args.dry_run {
            true => journal_to_read(context)?,
            false => Box::new(SqliteJournal::open(&context.journal_dir())?),
        };
        let tools = Tools {
            reached: reached.as_ref(),
            probe: Arc::new(Network),
            stop: stop_on_signals(*ui),
            feed: &mut |progress| told(ui, progress),
        };
        run_items(context, &estate, &wanted, &mut *journal, tools).await
    })?;
    match args.output {
        Output::Json => ui.json(&json!(report)),
        Output::Text => ui.data(&text(&report)),
    }
    Ok(exit(&report))
}

fn wanted(estate: &Estate, args: &RunArgs) -> Result<Wanted, Failure> {
    let scope = match (&args.site, args.account) {
        (Some(code), _) => Some(ScopeId::Site(crate::ops::plan::site(&estate.desired, code)?)),
        (None, true) => Some(ScopeId::Account),
        (None, false) => None,
    };
    let known = &estate.desired.loaded.packs;
    let pack = match &args.pack {
        None => None,
        Some(name) => {
            let pack = PackName::new(name.as_str()).ok().filter(|pack| known.contains_key(pack));
            Some(pack.ok_or_else(|| {
                Failure::usage(format!("no pack is called `{name}`"), "landfall packs list shows all of them")
            })?)
        }
    };
    Ok(Wanted { pack, item: args.item.clone(), scope, dry_run: args.dry_run, ..Wanted::default() })
}

fn exit(report: &Report) -> Exit {
    if report.interrupted {
        Exit::Interrupted
    } else if report.count(Became::Failed) > 0 {
        Exit::Failed
    } else if report.count(Became::Waiting) > 0 {
        Exit::Waiting
    } else {
        Exit::Done
    }
}

fn told(ui: &Ui, progress: Progress<'_>) {
    match progress {
        Progress::Begins(scope, item) => ui.say(&format!("{scope} {}", item.id)),
        Progress::Acts(scope, item) => ui.say(&format!("{scope} {}: something is done for it", item.id)),
        Progress::Over(_) => {}
    }
}

/// The report: scope by scope, each item with everything that is missing.
fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    let mut scope: Option<&ScopeId> = None;
    for run in &report.items {
        if scope != Some(&run.scope) {
            lines.push(format!("{}", run.scope));
            scope = Some(&run.scope);
        }
        lines.extend(of_item(run));
    }
    lines.push(summary(report));
    lines.join("\n") + "\n"
}

fn of_item(run: &ItemRun) -> Vec<String> {
    let word = match run.became {
        Became::Passed => "✓ passed ",
        Became::Waiting => "… waiting",
        Became::Excused => "- excused",
        Became::Failed => "✗ FAILED ",
    };
    let mut lines = vec![format!("  {word}  {}  {}", run.item, run.title)];
    lines.extend(run.did.iter().map(|did| format!("      did: {did}")));
    lines.extend(run.missing.iter().map(|sentence| format!("      {sentence}")));
    if let Some(before) = &run.after {
        lines.push(format!("      nothing was done for it yet: {before} comes first"));
    }
    if !run.waits_on.is_empty() {
        let roles: Vec<String> = run.waits_on.iter().map(ToString::to_string).collect();
        let whose = match run.scope.site() {
            Some(code) => format!(" --site {code}"),
            None => String::new(),
        };
        lines.push(format!("      waiting on {}: landfall attest {}{whose}", roles.join(", "), run.item));
    }
    lines.extend(run.told.iter().map(|role| format!("      told: {role}")));
    lines
}

fn summary(report: &Report) -> String {
    let count = |became| report.count(became);
    let mut line = format!(
        "{} passed, {} failed, {} wait for people",
        count(Became::Passed),
        count(Became::Failed),
        count(Became::Waiting)
    );
    if count(Became::Excused) > 0 {
        line.push_str(&format!(", {} excused", count(Became::Excused)));
    }
    if report.dry_run {
        line.push_str("; a dry run: nothing was done or recorded");
    }
    if report.interrupted {
        line.push_str("; stopped before the end: the next run looks again at what is not in this list");
    }
    line
}

/// Prints the library of validators.
pub fn validators(ui: &Ui, output: Output) -> Result<Exit, Failure> {
    match output {
        Output::Json => ui.json(&json!({ "v": VALIDATORS_VERSION, "validators": LIBRARY })),
        Output::Text => {
            for entry in LIBRARY {
                ui.line(&format!("{:<10} {}", entry.name, entry.asks));
                ui.line(&format!("           {}", entry.example));
            }
        }
    }
    Ok(Exit::Done)
}
