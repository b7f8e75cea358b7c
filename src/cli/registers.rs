//! `landfall registers list`: what the registers hold, with what is over or nearly over first.

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use serde_json::json;

use super::args::{Moment, Output};
use super::exit::Exit;
use super::inspect::table;
use super::run::at;
use super::ui::Ui;
use crate::model::register::Register;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};
use crate::report::registers::{Listed, Validity, rows};

/// Commands about registers.
#[derive(Debug, Subcommand)]
pub enum RegistersCommand {
    /// List the rows of all registers or of one: validity, days left, owner; what is over comes first
    List(ListArgs),
}

/// Arguments of `registers list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The register [default: all]
    #[arg(value_enum)]
    pub register: Option<Which>,
    /// The rows that concern this site only
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// A register, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// What was agreed with whom
    Agreements,
    /// Systems and interfaces
    Systems,
    /// What is delivered
    #[value(name = "use-cases", alias = "use_cases")]
    UseCases,
    /// What data there is
    Datasets,
    /// What may go wrong
    Risks,
    /// What was measured
    Metrics,
}

impl Which {
    fn register(self) -> Register {
        match self {
            Self::Agreements => Register::Agreements,
            Self::Systems => Register::Systems,
            Self::UseCases => Register::UseCases,
            Self::Datasets => Register::Datasets,
            Self::Risks => Register::Risks,
            Self::Metrics => Register::Metrics,
        }
    }
}

/// Carries out a command about registers.
pub fn run(ui: &Ui, context: &Context, command: &RegistersCommand) -> Result<Exit, Failure> {
    let RegistersCommand::List(args) = command;
    let context = &at(context, &args.moment)?;
    let desired = Desired::read(&context.root)?;
    let site = match &args.site {
        Some(code) => Some(ops::plan::site(&desired, code)?),
        None => None,
    };
    let today = ops::phi::today(context, &desired);
    let only = args.register.map(Which::register);
    let listed = rows(&desired.loaded, only, site.as_ref().map(|code| code.as_str()), today);
    if args.output == Output::Json {
        ui.json(&json!({ "v": 1, "today": today.to_string(), "site": site, "rows": listed }));
        return Ok(Exit::Done);
    }
    if listed.is_empty() {
        ui.say("The registers hold nothing of that; they are files in sites/registers/");
        return Ok(Exit::Done);
    }
    print(ui, &listed, today);
    Ok(Exit::Done)
}

fn print(ui: &Ui, listed: &[Listed], today: Date) {
    let mut shown = table(&["REGISTER", "ROW", "WHAT", "SITES", "VALIDITY", "DAYS LEFT", "OWNER"]);
    for row in listed {
        shown.add_row([
            row.register.to_owned(),
            row.id.clone(),
            row.what.clone(),
            row.sites.clone(),
            row.validity.words(),
            row.days_left.map_or(String::new(), |days| days.to_string()),
            row.owner.clone(),
        ]);
    }
    ui.line(&shown.to_string());
    let over = listed.iter().filter(|row| matches!(row.validity, Validity::Not { .. })).count();
    if over > 0 {
        ui.say(&format!("{over} of {} are not in force on {today}", listed.len()));
    }
}
