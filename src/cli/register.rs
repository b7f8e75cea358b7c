//! Commands that keep the registers in a site's log: findings, legal holds, redactions; and what may go when.

use clap::{Args, Subcommand, ValueEnum};

use super::answer::{Form, show};
use super::exit::Exit;
use super::ui::Ui;
use crate::base::time::Timestamp;
use crate::controls::Catalogue;
use crate::evidence::question::moment;
use crate::evidence::records::Records;
use crate::evidence::register::{self, Closed, Opened, Severity};
use crate::evidence::retention::retention;
use crate::ops::error::Failure;
use crate::ops::question::{Source, records};
use crate::ops::{self, Context};

/// Finding commands.
#[derive(Debug, Subcommand)]
pub enum FindingCommand {
    /// Open a finding at a site; prints its number
    Open {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// What was found, without patient data
        #[arg(long)]
        title: String,
        /// How bad it is
        #[arg(long, value_enum)]
        severity: Grade,
        /// Who sees to it
        #[arg(long, value_name = "WHO")]
        owner: String,
        /// By when it is to be closed
        #[arg(long, value_name = "WHEN")]
        due: Option<String>,
        /// The control it is about, for example 164.312(b): while a high or critical one is open, it is not evidenced
        #[arg(long, value_name = "ID")]
        control: Option<String>,
    },
    /// Close a finding with the later entry of the same log that shows it is mended
    Close {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// The finding's number
        #[arg(long, value_name = "N")]
        finding: u64,
        /// The entry that shows it
        #[arg(long, value_name = "N")]
        evidence: u64,
        /// What was done
        #[arg(long)]
        comment: String,
    },
    /// List findings, open ones first
    List(OfFindings),
    /// Count findings by site, control and severity, with their age
    Report(OfFindings),
}

/// Whose findings, as of when.
#[derive(Debug, Args)]
pub struct OfFindings {
    /// One site [default: all]
    #[arg(long, value_name = "CODE", conflicts_with = "bundle")]
    pub site: Option<String>,
    /// From a bundle alone
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<std::path::PathBuf>,
    /// Ages are counted up to this day or moment [default: now]
    #[arg(long, value_name = "WHEN")]
    pub now: Option<String>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    pub output: Form,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Grade {
    /// Act at once
    Critical,
    /// Act soon
    High,
    /// Plan it
    Medium,
    /// When there is time
    Low,
}

impl From<Grade> for Severity {
    fn from(grade: Grade) -> Severity {
        match grade {
            Grade::Critical => Severity::Critical,
            Grade::High => Severity::High,
            Grade::Medium => Severity::Medium,
            Grade::Low => Severity::Low,
        }
    }
}

/// Keeping and giving out records.
#[derive(Debug, Subcommand)]
pub enum KeepCommand {
    /// Show for each run how long its files must be kept
    Retention {
        /// As of this day or moment [default: now]
        #[arg(long, value_name = "WHEN")]
        now: Option<String>,
        /// One site [default: all]
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Form::Text)]
        output: Form,
    },
    /// Show which files need not be kept any longer; with --yes, take them away
    Prune {
        /// One site [default: all]
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// Show what could go on this day or at this moment [default: now]
        #[arg(long, value_name = "WHEN", conflicts_with = "yes")]
        now: Option<String>,
        /// Take them away for good; entries stay, and one of them says what went
        #[arg(long)]
        yes: bool,
    },
    /// Put a site's records under a legal hold, or release it
    Hold {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// Release the hold
        #[arg(long)]
        release: bool,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Give an entry out as its hash alone from now on; the root still holds, and the log says why
    Redact {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// The entry's place in the site's log
        #[arg(long, value_name = "N")]
        entry: u64,
        /// Why; do not repeat what is redacted
        #[arg(long)]
        reason: String,
    },
}

type MakeContext<'a> = &'a dyn Fn() -> Result<Context, Failure>;

/// Carries out a finding command.
pub fn finding(ui: &Ui, context: MakeContext<'_>, command: FindingCommand) -> Result<Exit, Failure> {
    match command {
        FindingCommand::Open { site, title, severity, owner, due, control } => {
            if let Some(id) = control.as_deref().filter(|id| Catalogue::embedded().framework_of(id).is_none())
            {
                return Err(Failure::usage(
                    format!("no framework has a control {id}"),
                    "landfall evidence coverage -o csv lists all of them",
                ));
            }
            let due = due.as_deref().map(moment::until).transpose().map_err(bad_moment)?;
            let opened = Opened { title, severity: severity.into(), owner, due, control };
            let number = ops::register::open_finding(&context()?, &site, &opened)?;
            ui.line(&number.to_string());
            ui.say(&format!("Opened finding {number}. Close it with landfall finding close --site {site} --finding {number} --evidence N"));
        }
        FindingCommand::Close { site, finding, evidence, comment } => {
            let closed = Closed { finding, evidence, comment };
            let entry = ops::register::close_finding(&context()?, &site, &closed)?;
            ui.say(&format!("Closed finding {finding} by entry {entry}; entry {evidence} shows it"));
        }
        FindingCommand::List(of) => {
            let (logs, now) = asked(context, &of)?;
            show(ui, &register::list(&logs, now), of.output);
        }
        FindingCommand::Report(of) => {
            let (logs, now) = asked(context, &of)?;
            show(ui, &register::report(&logs, now), of.output);
        }
    }
    Ok(Exit::Done)
}

fn asked(context: MakeContext<'_>, of: &OfFindings) -> Result<(Vec<Records>, Timestamp), Failure> {
    let now = match &of.now {
        Some(text) => moment::from(text).map_err(bad_moment)?,
        None => crate::runner::clock::Clock::Real.now(),
    };
    Ok((records(context, &source(of.bundle.clone(), of.site.clone()))?, now))
}

fn source(bundle: Option<std::path::PathBuf>, site: Option<String>) -> Source {
    match (bundle, site) {
        (Some(folder), _) => Source::Bundle(folder),
        (None, Some(code)) => Source::Site(code),
        (None, None) => Source::All,
    }
}

/// Carries out a command about keeping records.
pub fn keep(ui: &Ui, context: MakeContext<'_>, command: KeepCommand) -> Result<Exit, Failure> {
    match command {
        KeepCommand::Retention { now, site, output } => {
            let context = context()?;
            let now = now.as_deref().map(moment::from).transpose().map_err(bad_moment)?;
            let now = now.unwrap_or_else(|| context.clock.now());
            let logs = records(|| Ok(context), &source(None, site))?;
            show(ui, &retention(&logs, now), output);
        }
        KeepCommand::Prune { site, now, yes } => {
            prune(ui, &context()?, site.as_deref(), now.as_deref(), yes)?
        }
        KeepCommand::Hold { site, release, reason } => {
            let entry = ops::register::hold(&context()?, &site, !release, &reason)?;
            let done = if release { "is under no legal hold any more" } else { "is under a legal hold" };
            ui.say(&format!("{site} {done}: entry {entry}"));
        }
        KeepCommand::Redact { site, entry, reason } => {
            let by = ops::register::redact(&context()?, &site, entry, &reason)?;
            ui.say(&format!(
                "Entry {entry} is redacted by entry {by}: bundles from now on hold its hash alone"
            ));
            ui.say("The journal itself and bundles given out before keep it: treat those by your incident procedure");
            ui.say(&format!("Next: landfall evidence export --site {site}"));
        }
    }
    Ok(Exit::Done)
}

fn prune(
    ui: &Ui,
    context: &Context,
    site: Option<&str>,
    now: Option<&str>,
    yes: bool,
) -> Result<(), Failure> {
    let (found, gone) = if yes {
        let (found, gone) = ops::prune::prune(context, site)?;
        (found, Some(gone))
    } else {
        let now = now.map(moment::from).transpose().map_err(bad_moment)?;
        (ops::prune::due(context, site, now.unwrap_or_else(|| context.clock.now()))?, None)
    };
    for one in &found {
        let stone = &one.tombstone;
        ui.line(&format!(
            "{}  {}  {} files, in effect until {}, to be kept until {}",
            one.log, stone.run, stone.files, stone.in_effect_until, stone.kept_until
        ));
    }
    match gone {
        Some(gone) => {
            ui.say(&format!("{gone} files were taken away; entries say which, and why they could go"))
        }
        None if found.is_empty() => {
            ui.say("Nothing may go: landfall evidence retention says until when all is kept")
        }
        None => ui.say("Nothing was taken away: landfall evidence prune --yes does that, for good"),
    }
    Ok(())
}

fn bad_moment(bad: moment::NotAMoment) -> Failure {
    Failure::usage(bad.to_string(), "write a day as 2027-01-11")
}
