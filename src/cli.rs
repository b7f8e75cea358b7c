//! Floor 6: the command line. Gives meaning to what was typed, calls one use case, shows what it came to.

mod access;
mod adopt;
mod answer;
mod approve;
mod args;
mod attest;
mod change;
mod checklist;
mod checklist_run;
mod collect;
mod conformance;
mod controls;
mod coverage;
mod docs;
mod draw;
mod drift;
mod durations;
mod exit;
mod export;
mod gate;
mod help;
mod html;
mod inbox;
mod inspect;
mod keys;
mod live;
mod locks;
mod log;
mod notify;
mod packs;
mod register;
mod registers;
mod rehearse;
mod rehearse_life;
mod release;
mod report;
mod resume;
mod roles;
mod run;
mod sandbox;
mod schedule;
mod schema;
mod show;
mod signing;
mod status;
mod ui;
mod verify;
mod versions;
mod wave;
mod way_back;
mod witness;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Cli, Command, Evidence, Packs, SandboxCommand, Select, Wave};
use exit::Exit;
use ui::Ui;

use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::plan::Asked;
use crate::ops::select::Narrowing;

/// Runs the program.
pub fn main() -> ExitCode {
    let parsed = help::command().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ui = Ui::new(&cli.common);
    let exit = std::panic::catch_unwind(AssertUnwindSafe(|| match dispatch(&ui, cli) {
        Ok(exit) => exit,
        Err(failure) => explain(&ui, failure),
    }));
    let exit = exit.unwrap_or_else(|_| {
        let help = "what was recorded stands; please report the lines above, then try landfall resume";
        error(&ui, "this is a bug in landfall", Some(help));
        Exit::Bug
    });
    exit.into()
}

/// Clap's own code for a wrong command line is 2, which means "differences" here.
fn usage(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    // Nothing can be done about a terminal that is gone.
    let _ = error.print();
    exit.into()
}

fn dispatch(ui: &Ui, cli: Cli) -> Result<Exit, Failure> {
    let Cli { common, command } = cli;
    let context = || context(common.root.clone(), common.state.clone());
    match command {
        Command::Init(args) => inspect::init(ui, &args),
        Command::Check(args) => inspect::check(ui, &context()?, &args),
        Command::Params(args) => inspect::params(ui, &context()?, &args),
        Command::Packs(Packs::List { output }) => inspect::packs(ui, &context()?, output),
        Command::Packs(Packs::Lock) => inspect::lock(ui, &context()?),
        Command::Packs(Packs::Diff { old, new, output }) => {
            packs::diff(ui, &context()?, &old, new.as_deref(), output)
        }
        Command::Render(args) => inspect::render(ui, &context()?, &args),
        Command::Graph(args) => run::graph(ui, &context()?, &args),
        Command::Plan(args) => run::plan(ui, &context()?, &args),
        Command::Access(command) => access::access(ui, &context()?, *command),
        Command::Inbox(args) => inbox::inbox(ui, &context()?, &args),
        Command::Adopt(args) => adopt::adopt(ui, &context()?, &args),
        Command::Drift(args) => drift::drift(ui, &context()?, *args),
        Command::Show(args) => run::show(ui, context(), &args),
        Command::Rehearse(args) => rehearse::rehearse(ui, &context()?, args),
        Command::Apply(args) | Command::Wave(Wave::Launch(args)) => run::apply(ui, &context()?, &args),
        Command::Request(args) => approve::request(ui, &context()?, &args),
        Command::Approve(args) => approve::approve(ui, &context()?, &args),
        Command::Reject(args) => approve::reject(ui, &context()?, &args),
        Command::Review(args) => approve::review(ui, &context()?, &args),
        Command::Withdraw(args) => approve::withdraw(ui, &context()?, &args),
        Command::Approvals(command) => approve::approvals(ui, &context()?, command),
        Command::Rollback(args) => way_back::rollback(ui, &context()?, &args),
        Command::Release(command) => release::release(ui, &context()?, command),
        Command::Versions(args) => versions::versions(ui, &context()?, args),
        Command::Resume(args) => resume::resume(ui, &context()?, &args),
        Command::Change(command) => change::run(ui, &context()?, command),
        Command::Retry(args) => wave::retry(ui, &context()?, &args),
        Command::Locks(command) => locks::locks(ui, &context()?, command),
        Command::Record(args) => locks::record(ui, &context()?, &args),
        Command::Wave(Wave::Pause { wave, why }) => wave::pause(ui, &context()?, &wave, &why),
        Command::Wave(Wave::Resume { wave, why, wait, show }) => {
            wave::resume(ui, &context()?, &wave, &why, wait, &show)
        }
        Command::Wave(Wave::Abort { wave, why, yes }) => wave::abort(ui, &context()?, &wave, &why, yes),
        Command::Wave(Wave::Skip { site, why }) => wave::skip(ui, &context()?, &site, &why),
        Command::Wave(Wave::List { output }) => inspect::waves(ui, &context()?, output),
        Command::Wave(Wave::Status { wave, shown }) => status::wave(ui, &context()?, &wave, &shown),
        Command::Checklist(command) => checklist::checklist(ui, context, command),
        Command::Roles(args) => roles::roles(ui, &context()?, args),
        Command::Gate(command) => gate::gate(ui, &context()?, command),
        Command::Attest(args) => attest::attest(ui, &context()?, &args),
        Command::Waive(args) => attest::waive(ui, &context()?, &args),
        Command::Status(args) => status::status(ui, &context()?, &args),
        Command::Log(args) => log::log(ui, &context()?, &args),
        Command::Schema(command) => schema::schema(ui, command),
        Command::Docs(command) => docs::docs(ui, &context()?, &command),
        Command::Report(command) => report::report(ui, &context()?, &command),
        Command::Durations(args) => durations::durations(ui, &context()?, &args),
        Command::Schedule(args) => schedule::schedule(ui, &context()?, &args),
        Command::Evidence(Evidence::Export(args)) => export::export(ui, &context()?, args),
        Command::Evidence(Evidence::Show(args)) => show::show(ui, context, &args),
        Command::Evidence(Evidence::Collect(args)) => collect::collect(ui, &context()?, &args),
        Command::Evidence(Evidence::Coverage(args)) => coverage::coverage(ui, context, &args),
        Command::Evidence(Evidence::Verify(args)) => verify::verify(ui, &args),
        Command::Witness(command) => witness::run(ui, command),
        Command::Checkpoint => witness::beat(ui, &context()?),
        Command::Keys(command) => keys::run(ui, &context()?, &command),
        Command::Evidence(Evidence::Controls(command)) => controls::controls(ui, context, &command),
        Command::Evidence(Evidence::Answer(command)) => answer::answer(ui, context, command),
        Command::Evidence(Evidence::Keep(command)) => register::keep(ui, &context, command),
        Command::Finding(command) => register::finding(ui, &context, command),
        Command::Registers(command) => registers::run(ui, &context()?, &command),
        Command::Notify(command) => notify::run(ui, &context()?, command),
        Command::Sandbox(SandboxCommand::Serve {
            listen,
            dir,
            account_id,
            workspace_seconds,
            seed,
            required_tags,
            conditions,
            page_size,
        }) => {
            let account_id = match account_id {
                Some(id) => id,
                None => run::sandbox_account(&context()?)?,
            };
            let wanted = crate::ops::sandbox::Wanted {
                listen,
                account_id,
                dir,
                workspace_seconds,
                seed,
                required_tags,
                conditions: conditions.conditions(),
                page_size,
            };
            run::sandbox(ui, wanted)
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut help::command(), "landfall", &mut text);
            ui.data(&String::from_utf8_lossy(&text));
            Ok(Exit::Done)
        }
        Command::HelpExitCodes => {
            for (exit, meaning) in exit::TABLE {
                ui.line(&format!("{:>3}  {meaning}", *exit as u8));
            }
            Ok(Exit::Done)
        }
    }
}

fn context(root: Option<PathBuf>, state: Option<PathBuf>) -> Result<Context, Failure> {
    let here = std::env::current_dir().map_err(|e| Failure::failed(format!("the current folder: {e}")))?;
    Context::find(root, state, &here)
}

fn asked(select: &Select) -> Asked {
    let plain = select.region.is_empty() && select.tag.is_empty() && select.exclude.is_empty();
    match (&select.wave, select.site.is_empty()) {
        (None, true) if plain => Asked::All,
        (Some(wave), true) if plain => Asked::Wave(wave.clone()),
        (None, false) if plain => Asked::Sites(select.site.clone()),
        _ => Asked::Narrowed(Box::new(Narrowing {
            wave: select.wave.clone(),
            sites: select.site.clone(),
            regions: select.region.clone(),
            tags: select.tag.clone(),
            exclude: select.exclude.clone(),
        })),
    }
}

/// Says what failed, because of what, and what to type next.
fn explain(ui: &Ui, failure: Failure) -> Exit {
    match failure {
        Failure::Usage { message, help } => {
            error(ui, &message, help.as_deref());
            Exit::Usage
        }
        Failure::Input { found, sources } => {
            let text = draw::diagnostics(&found, &sources, ui.colour());
            ui.always(text.trim_end());
            let errors =
                found.iter().filter(|d| d.severity == crate::base::diagnostic::Severity::Error).count();
            ui.always(&format!(
                "\n{errors} {} nothing was changed",
                if errors == 1 { "error;" } else { "errors;" }
            ));
            Exit::Input
        }
        Failure::Refused { reason } => {
            error(ui, &format!("refused: {reason}"), None);
            Exit::Refused
        }
        Failure::NotAllowed { what } => {
            error(ui, &what, Some("check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or the profile"));
            Exit::NotAllowed
        }
        Failure::Stale { changed } => {
            error(ui, "the plan is stale; nothing was changed. Since it was made:", None);
            changed.iter().for_each(|line| ui.always(&format!("  {line}")));
            ui.always("help: make a new plan with landfall plan --out");
            Exit::Stale
        }
        Failure::Expired { made_at, until, days } => {
            let message = format!(
                "the plan has expired; nothing was changed. It was made at {made_at} and could be applied until {until}: \
                 plans of this estate are valid for {days} {}",
                if days == 1 { "day" } else { "days" }
            );
            error(ui, &message, Some("make a new plan with landfall plan --out, and have it approved again"));
            Exit::Stale
        }
        Failure::NotVerified { what } => {
            error(ui, &what, None);
            Exit::NotVerified
        }
        Failure::Failed { what, help } => {
            error(ui, &what, help.as_deref());
            Exit::Failed
        }
        Failure::Journal(journal) => {
            let (help, exit) = match &journal {
                crate::journal::JournalError::Held { .. } => (
                    Some(
                        "wait until it has ended, or until its lease ends; landfall locks list shows who writes what",
                    ),
                    Exit::Refused,
                ),
                crate::journal::JournalError::Damaged { .. } => (None, Exit::NotVerified),
                _ => (None, Exit::Failed),
            };
            error(ui, &journal.to_string(), help);
            exit
        }
    }
}

fn error(ui: &Ui, message: &str, help: Option<&str>) {
    ui.always(&format!("error: {message}"));
    if let Some(help) = help {
        ui.always(&format!("help: {help}"));
    }
}
