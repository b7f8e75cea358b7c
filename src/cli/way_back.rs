//! Commands about the way back to a release, and what is asked before and told after a launch.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::args::{Apply, Output};
use super::exit::Exit;
use super::release::proof_lines;
use super::run::{journal_to_read, runtime, stop_on_signals};
use super::ui::Ui;
use crate::base::id::{RunId, SiteCode};
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::OnFailure;
use crate::model::plan::SavedPlan;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::rollback;
use crate::ops::target::{Reached, reach, sign_in};
use crate::ops::{self, Context, guard, releases};
use crate::report::plan_view;

/// What the JSON of these commands says about itself.
const JSON_VERSION: u32 = 1;

/// Arguments of `rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The site
    pub site: String,
    /// The release to go back to: R2, or `known-good` [default: known-good, or the one before if the site stands there]
    #[arg(long, value_name = "R")]
    pub to: Option<String>,
    /// Where it would be carried out
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// Save the plan, to be applied exactly
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Change a comment on purpose, go back, prove it and record how long it took; sandboxes only
    #[arg(long, conflicts_with_all = ["to", "out"])]
    pub drill: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Plans the way back of a site, or drills it.
pub fn rollback(ui: &Ui, context: &Context, args: &Rollback) -> Result<Exit, Failure> {
    let site = rollback::site_of(&args.site)?;
    let desired = Desired::read(&context.root)?;
    let site = ops::plan::site(&desired, site.as_str())?;
    if args.drill {
        return drill(ui, context, &desired, &site, args);
    }
    let back = runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, &args.target).await?.told(ui.talk());
        let journal = journal_to_read(context)?;
        rollback::make(context, &desired, &site, args.to.as_deref(), &reached, &*journal).await
    })?;
    match args.output {
        Output::Json => ui.json(&json!({
            "v": JSON_VERSION, "digest": back.saved.digest, "why": back.why,
            "counts": plan_view::counts(&back.saved.plan), "plan": back.saved.plan,
        })),
        Output::Text => {
            ui.data(&plan_view::text(&back.saved, plan_view::Options::default()));
            ui.say(&format!("Why this release: {}", back.why));
        }
    }
    if let Some(out) = &args.out {
        ops::plan::save(&back.saved, out)?;
        ui.say(&format!("Saved {}. Next: landfall apply {}", out.display(), out.display()));
    }
    Ok(Exit::Done)
}

fn drill(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    site: &SiteCode,
    args: &Rollback,
) -> Result<Exit, Failure> {
    let drilled = runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, &args.target).await?.told(ui.talk());
        let mut journal = SqliteJournal::open(&context.journal_dir())?;
        sign_in(&reached).await?;
        let stop = stop_on_signals(*ui);
        rollback::drill(context, desired, site, &reached, &mut journal, (&ops::person(), &stop)).await
    })?;
    match args.output {
        Output::Json => ui.json(&json!({ "v": JSON_VERSION, "drill": drilled })),
        Output::Text => {
            ui.result(&format!(
                "Changed {} on purpose and led {site} back to R{} in {}",
                drilled.step, drilled.release, drilled.took_ms
            ));
            proof_lines(&drilled.proof).iter().for_each(|line| ui.result(line));
        }
    }
    Ok(if drilled.proof.proved { Exit::Done } else { Exit::Failed })
}

/// Makes sure that an ordinary yes is not taken for more: steps that cannot be undone, and objects that are destroyed with
/// loss, are named on the command line, or one by one on a terminal.
pub fn confirm(ui: &Ui, saved: &SavedPlan, args: &Apply) -> Result<(), Failure> {
    guard::refuse_lockout(&saved.plan)?;
    let steps = guard::one_way(&saved.plan);
    let named = spoken(ui, "These steps can never be undone", &steps, &args.one_way, args.yes);
    guard::refuse_unnamed(saved, &named)?;
    let gone = guard::destroys(&saved.plan);
    let named = spoken(ui, "These objects are destroyed with loss", &gone, &args.allow_destroy, args.yes);
    guard::refuse_unallowed(saved, &named)
}

/// The names that were given; on a terminal, where none were, those that are typed.
fn spoken(ui: &Ui, head: &str, steps: &[guard::OneWayStep], given: &[String], yes: bool) -> Vec<String> {
    let mut named = given.to_vec();
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if yes || !named.is_empty() || !terminal || steps.is_empty() {
        return named;
    }
    ui.always(&format!("{head}. Type the name of each to go on:"));
    ui.always(&guard::lines(steps));
    for step in steps {
        let _ = write!(std::io::stderr(), "{}? ", step.name()).and_then(|()| std::io::stderr().flush());
        let mut typed = String::new();
        let read = std::io::stdin().lock().read_line(&mut typed);
        if read.is_err() || typed.trim() != step.name() {
            break;
        }
        named.push(typed.trim().to_owned());
    }
    named
}

/// Whether a rollback reached its release; so does whatever was none.
#[derive(Debug, Clone, Copy)]
pub struct Proved(bool);

impl Proved {
    /// How the launch exits: well only if it also led where it should.
    pub fn or(self, exit: Exit) -> Exit {
        if self.0 || exit != Exit::Done { exit } else { Exit::Failed }
    }
}

/// After a launch: what a rollback proved, and how to go back from what failed.
pub fn afterwards(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    saved: &SavedPlan,
    run: &RunId,
    (runtime, reached): (&tokio::runtime::Runtime, &Reached),
) -> Result<Proved, Failure> {
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let proof = rollback::prove(context, saved, run, &ops::person(), &mut journal)?;
    if let Some(proof) = &proof {
        proof_lines(proof).iter().for_each(|line| ui.result(line));
    }
    let outcomes = ops::launch::outcomes(&journal, run)?;
    for (scope, outcome) in outcomes.iter().filter(|(_, outcome)| *outcome == "failed") {
        let Some(site) = scope.site() else { continue };
        let history = releases::history(&journal, scope)?;
        let Some(good) = history.known_good() else {
            ui.say(&format!("{site} has no release yet to go back to; it is {outcome} and stays as it is"));
            continue;
        };
        let target = &saved.plan.target.name;
        let command = format!("landfall rollback {site} --to {} --target {target}", good.name());
        match desired.loaded.on_failure(site) {
            OnFailure::Rollback => {
                let file = context.state.join("plans").join(format!("rollback-{site}.plan"));
                let planned = runtime.block_on(plan_back(context, desired, site, reached, &journal, &file));
                match planned {
                    Ok(()) => ui.say(&format!(
                        "The way back of {site} to {} is planned, not applied. Next: landfall apply {}",
                        good.name(),
                        file.display()
                    )),
                    Err(why) => ui.always(&format!(
                        "The way back of {site} could not be planned: {why}. Try: {command}"
                    )),
                }
            }
            OnFailure::Hold => {
                ui.say(&format!("{site} stays as it is. To go back: {command} --out back.plan"));
            }
        }
    }
    Ok(Proved(proof.is_none_or(|proof| proof.proved)))
}

async fn plan_back(
    context: &Context,
    desired: &Desired,
    site: &SiteCode,
    reached: &Reached,
    journal: &dyn Journal,
    file: &std::path::Path,
) -> Result<(), Failure> {
    let back = rollback::make(context, desired, site, Some("known-good"), reached, journal).await?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Failure::failed(format!("{}: {e}", folder.display())))?;
    }
    ops::plan::save(&back.saved, file)
}
