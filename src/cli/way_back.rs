//! Commands about releases and the way back to them.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::args::{Apply, Output};
use super::exit::Exit;
use super::run::{journal_to_read, runtime, stop_on_signals};
use super::ui::Ui;
use crate::base::id::{RunId, ScopeId};
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::OnFailure;
use crate::model::plan::SavedPlan;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::rollback::{self, Proof};
use crate::ops::target::{Reached, reach, sign_in};
use crate::ops::{self, Context, guard, releases};
use crate::release::{Change, History, Release, difference};
use crate::report::plan_view;

/// What the JSON of these commands says about itself.
const JSON_VERSION: u32 = 1;

/// What `release diff` compares with where it is not another release.
const LIVE: &str = "live";

/// Release commands.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// List releases: runs that ended with everything verified
    List {
        /// A site's code, or `account`, `region/<name>` [default: all]
        scope: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Show one release: its run, plan, packs and objects
    Show {
        /// A site's code, or `account`, `region/<name>`
        scope: String,
        /// The release, for example R2
        release: String,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Compare two releases, or a release with what is there
    Diff {
        /// A site's code, or `account`, `region/<name>`
        scope: String,
        /// The first release
        first: String,
        /// The second release, or `live` for what is at the target [default: known-good]
        second: Option<String>,
        /// Where `live` is
        #[arg(long, value_name = "NAME", default_value = "sandbox")]
        target: String,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

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

/// Carries out a release command.
pub fn release(ui: &Ui, context: &Context, command: ReleaseCommand) -> Result<Exit, Failure> {
    let journal = journal_to_read(context)?;
    match command {
        ReleaseCommand::List { scope, output } => list(ui, &*journal, scope.as_deref(), output),
        ReleaseCommand::Show { scope, release, output } => show(ui, &*journal, &scope, &release, output),
        ReleaseCommand::Diff { scope, first, second, target, output } => {
            let scope = releases::scope(&scope)?;
            let history = releases::history(&*journal, &scope)?;
            let first = releases::named(&history, &first)?;
            match second.as_deref() {
                Some(LIVE) => diff_live(ui, context, &*journal, (&scope, first), &target, output),
                Some(second) => diff(ui, first, releases::named(&history, second)?, output),
                None => diff(ui, first, history.known_good().unwrap_or(first), output),
            }
        }
    }
}

fn list(ui: &Ui, journal: &dyn Journal, scope: Option<&str>, output: Output) -> Result<Exit, Failure> {
    let scopes = match scope {
        Some(text) => vec![releases::scope(text)?],
        None => releases::scopes(journal)?,
    };
    let mut all = Vec::new();
    for scope in &scopes {
        let history = releases::history(journal, scope)?;
        if let Output::Text = output {
            for release in &history.releases {
                ui.line(&line(scope, &history, release));
            }
        }
        all.extend(history.releases.iter().map(|release| summary(scope, &history, release)));
    }
    match output {
        Output::Json => ui.json(&json!({ "v": JSON_VERSION, "releases": all })),
        Output::Text if all.is_empty() => ui.say("There is no release yet: no run has ended well"),
        Output::Text => {}
    }
    Ok(Exit::Done)
}

fn is_known_good(history: &History, release: &Release) -> bool {
    history.known_good().is_some_and(|good| good.number == release.number)
}

fn line(scope: &ScopeId, history: &History, release: &Release) -> String {
    let note = match &release.rollback {
        Some(back) if back.drill.is_some() => "  drill".to_owned(),
        Some(back) => format!("  back to R{}", back.release),
        None => String::new(),
    };
    let good = if is_known_good(history, release) { "  known-good" } else { "" };
    format!(
        "{:<20} {:<4} {}  {} objects  state {}  run {}{note}{good}",
        scope.to_string(),
        release.name(),
        release.at,
        release.state.0.len(),
        release.digest.short(),
        release.run
    )
}

fn summary(scope: &ScopeId, history: &History, release: &Release) -> Value {
    json!({
        "scope": scope, "release": release.number, "run": release.run, "at": release.at,
        "confirmed": release.confirmed, "plan": release.plan, "packs": release.packs, "state": release.digest,
        "objects": release.state.0.len(), "known_good": is_known_good(history, release), "rollback": release.rollback,
    })
}

fn show(ui: &Ui, journal: &dyn Journal, scope: &str, name: &str, output: Output) -> Result<Exit, Failure> {
    let scope = releases::scope(scope)?;
    let history = releases::history(journal, &scope)?;
    let release = releases::named(&history, name)?;
    let proof = rollback::proof(journal, &scope, &release.run)?;
    if let Output::Json = output {
        let mut body = summary(&scope, &history, release);
        body["v"] = json!(JSON_VERSION);
        body["steps"] = json!(release.state);
        body["proof"] = json!(proof);
        ui.json(&body);
        return Ok(Exit::Done);
    }
    ui.line(&line(&scope, &history, release));
    ui.line(&format!("State     {}", release.digest));
    if let Some(plan) = release.plan {
        ui.line(&format!("Plan      {plan}"));
    }
    ui.line(&format!("Confirmed {}", release.confirmed));
    for (pack, lock) in &release.packs {
        ui.line(&format!("Pack      {pack} {} {}", lock.version, lock.digest.short()));
    }
    if let Some(proof) = &proof {
        proof_lines(proof).iter().for_each(|line| ui.line(line));
    }
    for (step, kept) in &release.state.0 {
        ui.line(&format!("  {step}   ({})", kept.kind));
    }
    Ok(Exit::Done)
}

fn proof_lines(proof: &Proof) -> Vec<String> {
    let mut lines = vec![
        format!("Before    {}", proof.before),
        format!("After     {}", proof.after),
        format!("Wanted    {} (R{})", proof.wanted, proof.release),
    ];
    lines.extend(proof.stayed.iter().map(|(step, why)| format!("Stays     {step}: {why}")));
    lines.extend(proof.remaining.iter().map(|step| format!("Remains   {step}")));
    let verdict = match (proof.proved, &proof.drill) {
        (true, None) => format!("Proved    it is as R{} was", proof.release),
        (true, Some(step)) => format!("Drill     {step} was changed on purpose"),
        (false, _) => format!("Not proved: it is not as R{} was", proof.release),
    };
    lines.push(verdict);
    lines
}

fn diff(ui: &Ui, first: &Release, second: &Release, output: Output) -> Result<Exit, Failure> {
    let found = difference(&first.state, &second.state);
    if let Output::Json = output {
        ui.json(&json!({
            "v": JSON_VERSION, "from": first.number, "to": second.number,
            "equal": first.digest == second.digest, "differences": found,
        }));
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        ui.line(&format!("{} and {} look the same", first.name(), second.name()));
    }
    for one in &found {
        let symbol = match &one.change {
            Change::Added => "+",
            Change::Removed => "-",
            Change::Fields(_) => "~",
        };
        ui.line(&format!("{symbol:>3} {}   ({})", one.step, one.kind));
        if let Change::Fields(fields) = &one.change {
            let word = |value: &Option<Value>| value.as_ref().map_or("(none)".to_owned(), Value::to_string);
            for field in fields {
                ui.line(&format!("        {}: {} -> {}", field.at, word(&field.from), word(&field.to)));
            }
        }
    }
    Ok(Exit::Done)
}

fn diff_live(
    ui: &Ui,
    context: &Context,
    journal: &dyn Journal,
    (scope, first): (&ScopeId, &Release),
    target: &str,
    output: Output,
) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let saved = runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, target).await?;
        rollback::compare(context, &desired, scope, first.number, &reached, journal).await
    })?;
    if let Output::Json = output {
        ui.json(&json!({
            "v": JSON_VERSION, "from": LIVE, "to": first.number,
            "equal": !plan_view::counts(&saved.plan).has_changes(), "plan": saved.plan,
        }));
        return Ok(Exit::Done);
    }
    if !plan_view::counts(&saved.plan).has_changes() {
        ui.line(&format!("What is there is as {} was", first.name()));
    } else {
        ui.line(&format!("What would make it as {} was:", first.name()));
    }
    ui.data(&plan_view::text(&saved, plan_view::Options::default()));
    Ok(Exit::Done)
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
        let reached = reach(context, &desired.loaded, &args.target).await?;
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
    site: &crate::base::id::SiteCode,
    args: &Rollback,
) -> Result<Exit, Failure> {
    let drilled = runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, &args.target).await?;
        let mut journal = SqliteJournal::open(&context.journal_dir())?;
        sign_in(&reached).await?;
        let stop = stop_on_signals(*ui);
        rollback::drill(context, desired, site, &reached, &mut journal, &ops::person(), &stop).await
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

/// Makes sure that an ordinary yes is not taken for more: steps that cannot be undone are named on the command line, or
/// one by one on a terminal.
pub fn confirm(ui: &Ui, saved: &SavedPlan, args: &Apply) -> Result<(), Failure> {
    guard::refuse_lockout(&saved.plan)?;
    let mut named = args.one_way.clone();
    let asked =
        !args.yes && named.is_empty() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if asked {
        let steps = guard::one_way(&saved.plan);
        if !steps.is_empty() {
            ui.always("These steps can never be undone. Type the name of each to go on:");
            ui.always(&guard::lines(&steps));
        }
        for step in &steps {
            let _ = write!(std::io::stderr(), "{}? ", step.name()).and_then(|()| std::io::stderr().flush());
            let mut typed = String::new();
            let read = std::io::stdin().lock().read_line(&mut typed);
            if read.is_err() || typed.trim() != step.name() {
                break;
            }
            named.push(typed.trim().to_owned());
        }
    }
    guard::refuse_unnamed(saved, &named)
}

/// After a launch: what a rollback proved, and how to go back from what failed.
pub fn afterwards(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    saved: &SavedPlan,
    run: &RunId,
    (runtime, reached): (&tokio::runtime::Runtime, &Reached),
) -> Result<bool, Failure> {
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
    Ok(proof.is_none_or(|proof| proof.proved))
}

async fn plan_back(
    context: &Context,
    desired: &Desired,
    site: &crate::base::id::SiteCode,
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
