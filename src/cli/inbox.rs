//! `landfall inbox`: everything that waits for somebody, oldest first, with what would be signed and what to type.

use serde_json::json;

use super::args::{Moment, Output};
use super::exit::Exit;
use super::run::{at, journal_to_read};
use super::signing::known;
use super::ui::Ui;
use crate::base::id::RoleName;
use crate::base::time::Timestamp;
use crate::model::pending::Pending;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::inbox::{INBOX_VERSION, Wanted, inbox as collect};
use crate::ops::{self, Context};

/// Late decisions that are named before they are counted.
const OVERDUE_SHOWN_MAX: usize = 5;

/// Arguments of `inbox`.
#[derive(Debug, clap::Args)]
pub struct InboxArgs {
    /// Only what this person may answer
    #[arg(long = "as", value_name = "PERSON")]
    person: Option<String>,
    /// Only what this role answers
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only what is about this site
    #[arg(long, value_name = "CODE")]
    site: Option<String>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// The present moment
    #[command(flatten)]
    moment: Moment,
}

/// Shows what waits; changes nothing.
pub fn inbox(ui: &Ui, context: &Context, args: &InboxArgs) -> Result<Exit, Failure> {
    let now = at(context, &args.moment)?.clock.now();
    let desired = Desired::read(&context.root)?;
    let people = &desired.loaded.estate.people;
    let role = |name: &String| {
        RoleName::new(name.as_str())
            .map_err(|bad| Failure::usage(bad.to_string(), "landfall roles lists them"))
    };
    let wanted = Wanted {
        person: args.person.as_deref().map(|name| known(people, name)).transpose()?,
        role: args.role.as_ref().map(role).transpose()?,
        site: args.site.as_deref().map(|code| ops::plan::site(&desired, code)).transpose()?,
    };
    let all = collect(&desired, &*journal_to_read(context)?, now)?;
    let shown: Vec<&Pending> = all.iter().filter(|wait| wanted.has(wait)).collect();
    if args.output == Output::Json {
        let waits: Vec<_> =
            shown.iter().map(|wait| json!({ "overdue": wait.is_late(now), "wait": wait })).collect();
        ui.json(&json!({ "v": INBOX_VERSION, "as_of": now, "waits": waits }));
        return Ok(Exit::Done);
    }
    for wait in &shown {
        ui.line(&block(wait, args.person.as_deref(), now));
    }
    let late = shown.iter().filter(|wait| wait.is_late(now)).count();
    let others = all.len() - shown.len();
    ui.say(&match (shown.len(), others) {
        (0, 0) => "The inbox is empty: nothing waits for anybody".to_owned(),
        (0, others) => format!("The inbox is empty; {others} wait for others: landfall inbox shows them"),
        (here, 0) => format!("{here} wait, {late} of them overdue"),
        (here, others) => format!("{here} wait, {late} of them overdue; {others} more wait for others"),
    });
    Ok(Exit::Done)
}

/// Says which decisions about plans and rights are late.
pub(super) fn told_overdue(ui: &Ui, context: &Context, desired: &Desired) -> Result<(), Failure> {
    let now = context.clock.now();
    let late = ops::inbox::late(desired, &*journal_to_read(context)?, now)?;
    for wait in late.iter().take(OVERDUE_SHOWN_MAX) {
        ui.always(&format!("OVERDUE  {}, on {} since {}", wait.asks, wait.role, wait.since));
    }
    if late.len() > OVERDUE_SHOWN_MAX {
        ui.always(&format!("OVERDUE  {} more: landfall inbox", late.len() - OVERDUE_SHOWN_MAX));
    }
    Ok(())
}

fn block(wait: &Pending, person: Option<&str>, now: Timestamp) -> String {
    let mark = if wait.is_late(now) { "OVERDUE  " } else { "" };
    let due = wait.due.map_or_else(String::new, |due| format!(", due {due}"));
    let whose: Vec<&str> = wait.people.iter().map(crate::base::id::PersonId::as_str).collect();
    let whose = if whose.is_empty() { "nobody may".to_owned() } else { whose.join(", ") };
    let as_whom = person.map_or_else(String::new, |person| format!(" --as {person}"));
    format!(
        "{mark}{}\n  since {} ({}){due}; on {} ({whose})\n  means: {}\n  type:  {}{as_whom}",
        wait.asks,
        wait.since,
        now.since(wait.since),
        wait.role,
        wait.meaning,
        wait.command
    )
}
