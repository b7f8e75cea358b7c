//! `landfall drift`: what is not as the logs hold it, and accepting some of that for a time.

use clap::{Args, Subcommand};

use super::args::Output;
use super::exit::Exit;
use super::register::Grade;
use super::run::{journal_to_read, runtime, warn};
use super::ui::Ui;
use crate::base::id::ScopeId;
use crate::drift::Wish;
use crate::evidence::question::moment;
use crate::journal::sqlite::SqliteJournal;
use crate::model::drift::DriftReport;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::drift::{self, Incident};
use crate::ops::error::Failure;
use crate::ops::plan::Asked;
use crate::ops::target::{reach, sign_in};
use crate::report::drift_view;

/// Arguments of `drift`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct DriftArgs {
    /// Accept some of it
    #[command(subcommand)]
    pub command: Option<DriftCommand>,
    /// The sites of one wave, and the scopes they rest on
    #[arg(long, value_name = "WAVE", conflicts_with_all = ["site", "all"])]
    pub wave: Option<String>,
    /// These sites, and the scopes they rest on
    #[arg(long, value_name = "CODE", value_delimiter = ',', conflicts_with = "all")]
    pub site: Vec<String>,
    /// Everything that the logs hold [default]
    #[arg(long)]
    pub all: bool,
    /// Where to look
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// Write what is new into the logs: evidence that rests on it is stale from then on
    #[arg(long)]
    pub record: bool,
    /// Also open a finding for each object that drifted, once; closing it needs the entry that shows that it was mended
    #[arg(long, requires_all = ["record", "owner"])]
    pub open_finding: bool,
    /// The role that sees to these findings
    #[arg(long, value_name = "ROLE", requires = "open_finding")]
    pub owner: Option<String>,
    /// How bad they are
    #[arg(long, value_enum, default_value_t = Grade::High, requires = "open_finding")]
    pub severity: Grade,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Drift commands.
#[derive(Debug, Subcommand)]
pub enum DriftCommand {
    /// Accept one field's drift until a day: it is listed, but does not count
    Accept(Accept),
}

/// Arguments of `drift accept`.
#[derive(Debug, Args)]
pub struct Accept {
    /// The object, as `landfall drift` names it
    pub object: String,
    /// The site whose object it is
    #[arg(long, value_name = "CODE", required_unless_present = "scope", conflicts_with = "scope")]
    pub site: Option<String>,
    /// The scope whose object it is: `account`, `region/<name>` or `site/<CODE>`
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// The field, as `landfall drift` names it
    #[arg(long, value_name = "POINTER", required_unless_present = "whole", conflicts_with = "whole")]
    pub field: Option<String>,
    /// The whole object, if it is missing or unmanaged
    #[arg(long)]
    pub whole: bool,
    /// The role that answers for it
    #[arg(long, value_name = "ROLE")]
    pub owner: String,
    /// The last day on which it is accepted
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Why, without patient data
    #[arg(long)]
    pub reason: String,
    /// Where to look
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
}

/// Carries out `drift`.
pub fn drift(ui: &Ui, context: &Context, args: DriftArgs) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    warn(ui, &desired);
    if let Some(DriftCommand::Accept(args)) = args.command {
        return accept(ui, context, &desired, &args);
    }
    let asked = match (args.wave, args.site.is_empty()) {
        (Some(wave), _) => Asked::Wave(wave),
        (None, false) => Asked::Sites(args.site),
        (None, true) => Asked::All,
    };
    let report = look(ui, context, &desired, &asked, &args.target)?;
    if args.record && context.journal_dir().exists() {
        let mut journal = SqliteJournal::open(&context.journal_dir())?;
        let incident = args.owner.filter(|_| args.open_finding);
        let incident = incident.map(|owner| Incident { owner, severity: args.severity.into() });
        let written = match &incident {
            Some(incident) => drift::record_incidents(context, &desired, &mut journal, &report, incident)?,
            None => drift::record(context, &mut journal, &report)?,
        };
        ui.say(&format!("Recorded {written} {}", if written == 1 { "change" } else { "changes" }));
    }
    let shown = drift::shown(report);
    match args.output {
        Output::Json => ui.json(&drift_view::json(&shown)),
        Output::Text => ui.data(&drift_view::text(&shown)),
    }
    Ok(if shown.open().next().is_some() { Exit::Differences } else { Exit::Done })
}

fn look(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    asked: &Asked,
    target: &str,
) -> Result<DriftReport, Failure> {
    let journal = journal_to_read(context)?;
    let chosen = drift::asked(desired, &*journal, asked)?;
    runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, target).await?.told(ui.talk());
        sign_in(&reached).await?;
        drift::look(context, desired, &chosen, &reached, &*journal).await
    })
}

fn accept(ui: &Ui, context: &Context, desired: &Desired, args: &Accept) -> Result<Exit, Failure> {
    let scope = scope(desired, args)?;
    let until = moment::until(&args.until)
        .map_err(|bad| Failure::usage(bad.to_string(), "write a day as 2027-01-11"))?;
    let wish = Wish {
        object: args.object.clone(),
        field: args.field.clone().unwrap_or_default(),
        owner: args.owner.clone(),
        until,
        reason: args.reason.clone(),
    };
    let asked = match scope.site() {
        Some(site) => Asked::Sites(vec![site.to_string()]),
        None => Asked::All,
    };
    let report = look(ui, context, desired, &asked, &args.target)?;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let done = drift::accept(context, desired, &mut journal, &report, &scope, &wish)?;
    ui.say(&format!("Accepted until {} for {}; it counts again from then on", done.until, done.owner));
    ui.say("A plan still shows it, and apply would overwrite it. Evidence that rests on it stays stale");
    Ok(Exit::Done)
}

fn scope(desired: &Desired, args: &Accept) -> Result<ScopeId, Failure> {
    match (&args.site, &args.scope) {
        (Some(code), _) => Ok(ScopeId::Site(crate::ops::plan::site(desired, code)?)),
        (None, scope) => scope.as_deref().unwrap_or_default().parse().map_err(|_| {
            let message = format!("`{}` is no scope", scope.as_deref().unwrap_or_default());
            Failure::usage(message, "write account, region/<name> or site/<CODE>")
        }),
    }
}
