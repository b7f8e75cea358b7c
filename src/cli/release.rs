//! Commands about releases.

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::Output;
use super::exit::Exit;
use super::run::{journal_to_read, runtime};
use super::ui::Ui;
use crate::base::id::ScopeId;
use crate::journal::Journal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::rollback::{self, Proof};
use crate::ops::target::reach;
use crate::ops::{Context, releases};
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

pub(super) fn proof_lines(proof: &Proof) -> Vec<String> {
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
        let reached = reach(context, &desired.loaded, target).await?.told(ui.talk());
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
