//! Commands that answer questions from records: timeline, search, ask, list.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::exit::Exit;
use super::ui::Ui;
use crate::evidence::answer::Answer;
use crate::evidence::question::ask::{self, Question};
use crate::evidence::question::coverage::Coverage;
use crate::evidence::question::moment::{self, NotAMoment};
use crate::evidence::question::search::{Query, search};
use crate::evidence::question::timeline::{Period, timeline};
use crate::evidence::records::Records;
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::question::{self, Source};

/// How to print an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Columns
    Text,
    /// Markdown
    Md,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}

/// Questions to the records.
#[derive(Debug, Subcommand)]
pub enum AnswerCommand {
    /// Everything that happened at a site, from first to last
    Timeline {
        /// Whose records
        #[command(flatten)]
        of: OfSite,
        /// From this day or moment on
        #[arg(long, value_name = "WHEN")]
        from: Option<String>,
        /// Up to and with this day, or up to this moment
        #[arg(long, value_name = "WHEN")]
        to: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Form::Text)]
        output: Form,
    },
    /// Find entries: kind: step: run: actor: result: after: before: and free words; all must hold
    Search {
        /// For example 'kind:step.failed after:2027-01-11 "no such catalog"'
        query: String,
        /// Whose records
        #[command(flatten)]
        of: OfAny,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Form::Text)]
        output: Form,
    },
    /// Answer what auditors ask; "no record" where nothing is written down
    Ask {
        /// The question
        #[arg(value_enum)]
        question: Asked,
        /// Whose records
        #[command(flatten)]
        of: OfSite,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Form::Text)]
        output: Form,
    },
    /// Count the records of every planned step; exits with 1 if one has none
    List {
        /// The wave
        #[arg(long, value_name = "WAVE", required_unless_present = "bundle", conflicts_with = "bundle")]
        wave: Option<String>,
        /// From a bundle alone
        #[arg(long, value_name = "DIR")]
        bundle: Option<PathBuf>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Form::Text)]
        output: Form,
    },
}

/// Records of one site.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct OfSite {
    /// From the journal
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// From a bundle alone
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

/// Records of one site or of all logs; of all where nothing is said.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct OfAny {
    /// From one site's log in the journal
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// From every log in the journal; so it is too where nothing is said
    #[arg(long)]
    pub all: bool,
    /// From a bundle alone
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

/// The questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Asked {
    /// Who approved what, and when
    Approvals,
    /// Every change with plan, actor and result
    Changes,
    /// Grants, permissions, assignments and bindings as last observed
    Access,
    /// Incidents, findings and redactions
    Incidents,
    /// What was deleted or retired
    Retirements,
}

impl From<Asked> for Question {
    fn from(asked: Asked) -> Question {
        match asked {
            Asked::Approvals => Question::Approvals,
            Asked::Changes => Question::Changes,
            Asked::Access => Question::Access,
            Asked::Incidents => Question::Incidents,
            Asked::Retirements => Question::Retirements,
        }
    }
}

/// Answers one question.
pub fn answer(
    ui: &Ui,
    context: impl FnOnce() -> Result<Context, Failure>,
    command: AnswerCommand,
) -> Result<Exit, Failure> {
    match command {
        AnswerCommand::Timeline { of, from, to, output } => {
            let bad = |bad: NotAMoment| Failure::usage(bad.to_string(), "landfall evidence timeline --help");
            let from = from.as_deref().map(moment::from).transpose().map_err(bad)?;
            let until = to.as_deref().map(moment::until).transpose().map_err(bad)?;
            let records = one(ui, context, of.site, of.bundle)?;
            show(ui, &timeline(&records, &Period { from, until }), output);
        }
        AnswerCommand::Search { query, of, output } => {
            let query = Query::parse(&query).map_err(|bad| {
                Failure::usage(bad.to_string(), "for example 'kind:step.failed after:2027-01-11'")
            })?;
            let records = question::records(context, &source(of.site, of.bundle))?;
            show(ui, &search(&records, &query), output);
        }
        AnswerCommand::Ask { question, of, output } => {
            let records = one(ui, context, of.site, of.bundle)?;
            show(ui, &ask::ask(&records, question.into()), output);
        }
        AnswerCommand::List { wave, bundle, output } => {
            let Coverage { answer, planned, missing } = match (&bundle, &wave) {
                (Some(folder), _) => question::bundle(folder)?,
                (None, wave) => question::wave(&context()?, wave.as_deref().unwrap_or_default())?,
            };
            show(ui, &answer, output);
            let whole = planned > 0 && missing == 0;
            return Ok(if whole { Exit::Done } else { Exit::Failed });
        }
    }
    Ok(Exit::Done)
}

fn source(site: Option<String>, bundle: Option<PathBuf>) -> Source {
    match (bundle, site) {
        (Some(folder), _) => Source::Bundle(folder),
        (None, Some(code)) => Source::Site(code),
        (None, None) => Source::All,
    }
}

fn one(
    ui: &Ui,
    context: impl FnOnce() -> Result<Context, Failure>,
    site: Option<String>,
    bundle: Option<PathBuf>,
) -> Result<Records, Failure> {
    if let Some(folder) = &bundle {
        ui.say(&format!(
            "Taken from the bundle as it is; landfall evidence verify {} checks it",
            folder.display()
        ));
    }
    let mut all = question::records(context, &source(site, bundle))?;
    all.pop().ok_or_else(|| Failure::failed("no record"))
}

/// Prints an answer.
pub fn show(ui: &Ui, answer: &Answer, form: Form) {
    match form {
        Form::Text => ui.data(&answer.text()),
        Form::Md => ui.data(&answer.markdown()),
        Form::Json => ui.json(&answer.json()),
        Form::Csv => ui.data(&answer.csv()),
    }
}
