//! Commands about people: who holds which role, who answers for what, and with which keys they sign.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::args::Output;
use super::exit::Exit;
use super::inspect::table;
use super::ui::Ui;
use crate::base::id::PersonId;
use crate::base::time::Timestamp;
use crate::model::estate::{Estate, Loaded};
use crate::ops::error::Failure;
use crate::ops::roles::{KeyRow, KeyState};
use crate::ops::{self, Context};
use crate::people::enrolled::KeyChange;
use crate::report::roles::crosswalk::{OwnerRow, crosswalk};
use crate::report::roles::raci::{Part, Raci};
use crate::report::roles::{HeldRole, RoleTable, VERSION};

/// Names that are shown in one cell: sites have each their own.
const SHOWN_MAX: usize = 3;

/// Arguments of `roles`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RolesArgs {
    /// As this site sees them [default: the whole program, and every site's own]
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// Show the register of roles: what each is called elsewhere, what it does, who holds it here
    #[arg(long, conflicts_with_all = ["raci", "site"])]
    pub crosswalk: bool,
    /// Show for every checklist item of the site, or of the program, who answers for it and who does it
    #[arg(long)]
    pub raci: bool,
    /// Take this day or moment for the present one
    #[arg(long, value_name = "WHEN")]
    pub now: Option<String>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Something about keys instead
    #[command(subcommand)]
    pub command: Option<RolesCommand>,
}

/// What is done about keys.
#[derive(Debug, Subcommand)]
pub enum RolesCommand {
    /// Record in the org log which keys people have, as sites/people.toml says it; a key counts only from then on
    Enrol {
        /// Of this person alone
        #[arg(long, value_name = "PERSON")]
        person: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Show who can sign with which key, since when, and who enrolled it
    Keys {
        /// Take this day or moment for the present one
        #[arg(long, value_name = "WHEN")]
        now: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// Carries out `roles` and what is below it.
pub fn roles(ui: &Ui, context: &Context, args: RolesArgs) -> Result<Exit, Failure> {
    match args.command {
        Some(RolesCommand::Enrol { person, yes, output }) => {
            enrol(ui, context, person.as_deref(), yes, output)
        }
        Some(RolesCommand::Keys { now, output }) => keys(ui, context, now.as_deref(), output),
        None if args.raci => raci(ui, context, args.site.as_deref(), args.output),
        None if args.crosswalk => {
            let crosswalk = crosswalk(&ops::roles::read(context)?.estate.people);
            match args.output {
                Output::Json => ui.json(&json!(crosswalk)),
                Output::Text => {
                    let mut lines = table(&["ROLE", "ALSO CALLED", "HELD BY", "DOES"]);
                    for row in &crosswalk.roles {
                        let titles = row.titles.join(", ");
                        lines.add_row([
                            row.role.to_string(),
                            titles,
                            joined(&row.people),
                            row.duties.clone(),
                        ]);
                    }
                    ui.line(&lines.to_string());
                    owners(ui, "A use case is owned by", &crosswalk.use_case_owners);
                    owners(ui, "A model of tier medium or high besides by", &crosswalk.model_owners);
                }
            }
            Ok(Exit::Done)
        }
        None => held(ui, context, &args),
    }
}

/// Names in a cell; of many, the first.
fn joined(people: &[PersonId]) -> String {
    match people {
        [] => "nobody".to_owned(),
        [first, rest @ ..] if rest.len() > SHOWN_MAX => format!("{first} and {} more", rest.len()),
        all => all.iter().map(PersonId::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn owners(ui: &Ui, head: &str, rows: &[OwnerRow]) {
    ui.line(&format!("\n{head}"));
    for row in rows {
        ui.line(&format!("  {:<20} {:<28} {}", row.role.as_str(), row.owns, joined(&row.people)));
    }
}

/// A day as it is written, or the estate's day at a moment.
fn day(context: &Context, estate: &Estate, written: Option<&str>) -> Result<Date, Failure> {
    let Some(written) = written else { return Ok(ops::roles::day_of(estate, context.clock.now())) };
    let as_day = Some(written).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    let as_moment = || written.parse::<Timestamp>().ok().map(|moment| ops::roles::day_of(estate, moment));
    as_day.or_else(as_moment).ok_or_else(|| {
        Failure::usage("--now is neither a day nor a moment", "write 2027-03-04, or 2027-03-04T09:00:00Z")
    })
}

fn held(ui: &Ui, context: &Context, args: &RolesArgs) -> Result<Exit, Failure> {
    let loaded = ops::roles::read(context)?;
    let day = day(context, &loaded.estate, args.now.as_deref())?;
    let roles = ops::roles::roles(&loaded, args.site.as_deref(), day)?;
    match args.output {
        Output::Json => ui.json(&json!(roles)),
        Output::Text => ui.line(&as_text(&roles)),
    }
    Ok(gaps(ui, &roles, &loaded))
}

fn as_text(roles: &RoleTable) -> String {
    let mut lines = table(&["ROLE", "PERSON", "BACKUP", "STANDS IN", "DOES"]);
    for one in &roles.roles {
        let name = one.site.as_ref().map_or(one.role.to_string(), |site| format!("{} {site}", one.role));
        let person = one.person.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        let backup = one.backup.as_ref().map_or("-".to_owned(), ToString::to_string);
        let stands: Vec<String> = one
            .stands_in
            .iter()
            .map(|by| format!("{} until {} ({})", by.person, by.until, by.reason))
            .collect();
        let stands = if stands.is_empty() { "-".to_owned() } else { stands.join(", ") };
        lines.add_row([name, person, backup, stands, one.duties.clone()]);
    }
    lines.to_string()
}

/// Names the required roles that nobody holds; the command ends as `check` would.
fn gaps(ui: &Ui, roles: &RoleTable, loaded: &Loaded) -> Exit {
    let place = |one: &HeldRole| match (&one.site, one.role.as_str()) {
        (None, role) => format!("add `{role} = \"…\"` to [roles] of sites/estate.toml"),
        (Some(site), role) => {
            let key = if role == crate::model::people::SITE_STEWARD { "steward" } else { "ops_lead" };
            let path =
                loaded.site(site).map_or_else(|| format!("sites/{site}.toml"), |file| file.path.clone());
            format!("add `{key} = \"…\"` to {path}")
        }
    };
    let mut exit = Exit::Done;
    for one in roles.unfilled() {
        let of = one.site.as_ref().map_or(String::new(), |site| format!(" of {site}"));
        ui.always(&format!("error: nobody holds `{}`{of}: {}", one.role, place(one)));
        exit = Exit::Input;
    }
    exit
}

fn raci(ui: &Ui, context: &Context, site: Option<&str>, output: Output) -> Result<Exit, Failure> {
    let raci = ops::roles::responsibilities(context, site)?;
    match output {
        Output::Json => ui.json(&json!(raci)),
        Output::Text if raci.items.is_empty() => {
            ui.say(&format!("The packs of {} bring no checklist items", raci.scope));
        }
        Output::Text => ui.line(&raci_text(&raci)),
    }
    let mut exit = Exit::Done;
    for row in raci.gaps() {
        row.gaps.iter().for_each(|gap| ui.always(&format!("error: {}: {gap}", row.item)));
        exit = Exit::Input;
    }
    Ok(exit)
}

fn raci_text(raci: &Raci) -> String {
    let parts = |parts: &[Part]| {
        let words: Vec<String> =
            parts.iter().map(|part| format!("{} ({})", part.person, part.role)).collect();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
    };
    let mut lines = table(&["ITEM", "ACCOUNTABLE", "RESPONSIBLE", "CONSULTED", "INFORMED"]);
    for row in &raci.items {
        let accountable =
            row.accountable.as_ref().map_or("nobody".to_owned(), |one| parts(std::slice::from_ref(one)));
        let (responsible, consulted) = (parts(&row.responsible), parts(&row.consulted));
        lines.add_row([row.item.to_string(), accountable, responsible, consulted, parts(&row.informed)]);
    }
    lines.to_string()
}

fn enrol(
    ui: &Ui,
    context: &Context,
    person: Option<&str>,
    yes: bool,
    output: Output,
) -> Result<Exit, Failure> {
    let people = ops::roles::read(context)?.estate.people;
    let owed = ops::roles::owed(context, &people, person)?;
    let lines: Vec<String> = owed.iter().map(in_words).collect();
    if output == Output::Text {
        lines.iter().for_each(|line| ui.line(line));
    }
    if !owed.is_empty() {
        confirm(ui, yes, owed.len())?;
        ops::roles::enrol(context, &people, person, &owed)?;
    }
    match output {
        Output::Json => {
            let recorded: Vec<Value> = owed.iter().map(as_json).collect();
            ui.json(&json!({ "v": VERSION, "recorded": recorded }));
        }
        Output::Text if owed.is_empty() => {
            ui.say("The org log knows every key of sites/people.toml: nothing was recorded")
        }
        Output::Text => ui.say(&format!(
            "Recorded {} in the org log; landfall roles keys shows who can sign",
            counted(owed.len())
        )),
    }
    Ok(Exit::Done)
}

fn counted(lines: usize) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}

fn in_words(change: &KeyChange) -> String {
    match change {
        KeyChange::Enrol(key) => {
            let until = key.until.map_or(String::new(), |day| format!(" until {day}"));
            format!("enrol   {:<24} {} from {}{until}", key.person.as_str(), key.fingerprint, key.from)
        }
        KeyChange::Retire(key) => {
            let why = match key.reason {
                crate::people::enrolled::RetiredBecause::Gone => "no longer in sites/people.toml",
                crate::people::enrolled::RetiredBecause::Revoked => "revoked",
            };
            format!("retire  {:<24} {} {why}", key.person.as_str(), key.fingerprint)
        }
    }
}

fn as_json(change: &KeyChange) -> Value {
    match change {
        KeyChange::Enrol(key) => json!({ "kind": "key.enrolled", "body": key }),
        KeyChange::Retire(key) => json!({ "kind": "key.retired", "body": key }),
    }
}

/// Whoever enrols a key says who may decide: never silently.
fn confirm(ui: &Ui, yes: bool, lines: usize) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = |reason: &str| Failure::Refused { reason: format!("{reason}; nothing was recorded") };
    match ui.ask(&format!("Type `enrol` to record {}: ", counted(lines))) {
        None => Err(refused("nobody is at the terminal to confirm it: add --yes")),
        Some(typed) if typed.trim() == "enrol" => Ok(()),
        Some(_) => Err(refused("that is not what was asked for")),
    }
}

fn keys(ui: &Ui, context: &Context, now: Option<&str>, output: Output) -> Result<Exit, Failure> {
    let estate = ops::roles::read(context)?.estate;
    let day = day(context, &estate, now)?;
    let rows = ops::roles::keys(context, &estate.people, day)?;
    match output {
        Output::Json => ui.json(&json!({ "v": VERSION, "day": day.to_string(), "keys": rows })),
        Output::Text if rows.is_empty() => {
            ui.say("Nobody has a key: add the line of a .pub file to sites/people.toml, then landfall roles enrol");
        }
        Output::Text => {
            let mut lines = table(&["PERSON", "KEY", "CAN SIGN", "FROM", "UNTIL", "ENROLLED", "BY"]);
            for row in &rows {
                lines.add_row(cells(row));
            }
            ui.line(&lines.to_string());
        }
    }
    Ok(Exit::Done)
}

fn cells(row: &KeyRow) -> [String; 7] {
    let state = match row.state {
        KeyState::Usable => "yes".to_owned(),
        KeyState::NotEnrolled => "no: landfall roles enrol".to_owned(),
        KeyState::NotYet => "not yet".to_owned(),
        KeyState::Over => "not any more".to_owned(),
        KeyState::Revoked if row.retired.is_none() && row.enrolled.is_some() => {
            "no: revoked, landfall roles enrol records it".to_owned()
        }
        KeyState::Revoked => "no: revoked".to_owned(),
        KeyState::Retired => "no: retired".to_owned(),
        KeyState::NotInFiles => "no: not in sites/people.toml".to_owned(),
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        row.person.to_string(),
        row.fingerprint.clone(),
        state,
        row.from.clone(),
        or_none(row.until.clone()),
        or_none(row.enrolled.map(|at| at.to_string())),
        or_none(row.by.clone()),
    ]
}
