//! What is written into the ticket of a change.

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::journal::Journal;
use crate::model::change::{ChangeOpened, TICKET_COMMENTED, TicketCommented};
use crate::model::entry::Actor;
use crate::model::estate::Estate;
use crate::model::tickets::Tickets;
use crate::ops::changes::Reach;
use crate::ops::error::Failure;
use crate::ops::note::{Note, append};
use crate::ops::{Context, tickets};

/// Writes the plan's digest into the ticket of a change, and records that.
///
/// # Errors
///
/// Usage without a ticket or ticket system; `Failed` with the reason if the ticket cannot be written to.
pub async fn tell(
    context: &Context,
    estate: &Estate,
    journal: &mut dyn Journal,
    opened: &ChangeOpened,
    actor: &Actor,
) -> Result<(), Failure> {
    let reach = |tickets: &Tickets| tickets::reach(context, tickets);
    tell_by(context, estate, journal, opened, actor, &reach).await
}

/// As [`tell`], with a ticket system that is reached in another way.
///
/// # Errors
///
/// As [`tell`].
pub async fn tell_by(
    context: &Context,
    estate: &Estate,
    journal: &mut dyn Journal,
    opened: &ChangeOpened,
    actor: &Actor,
    reach: &Reach<'_>,
) -> Result<(), Failure> {
    let none = || Failure::usage(format!("{} has no ticket", opened.change), "open one with --ticket NUMBER");
    let number = opened.ticket.as_deref().ok_or_else(none)?;
    let system = reach(tickets::of(estate)?).map_err(|error| unwritten(number, &error))?;
    let text = telling(opened);
    tickets::comment(&*system, number, &opened.plan, &text)
        .await
        .map_err(|error| unwritten(number, &error))?;
    note_comment(context, journal, opened, &text, "opened", actor)
}

fn unwritten(number: &str, error: &crate::ticket::TicketError) -> Failure {
    Failure::failed(format!("ticket {number} was not written to: {error}"))
}

fn telling(opened: &ChangeOpened) -> String {
    format!(
        "Landfall {}: {}\nPlan sha256 {}\nCovers {} at target {}. What it would do: landfall show PLAN; where it stands: \
         landfall change show {}",
        opened.change, opened.title, opened.plan, opened.covers, opened.target, opened.change
    )
}

pub(super) fn note_comment(
    context: &Context,
    journal: &mut dyn Journal,
    opened: &ChangeOpened,
    text: &str,
    about: &str,
    actor: &Actor,
) -> Result<(), Failure> {
    let body = TicketCommented {
        change: opened.change,
        number: opened.ticket.clone().unwrap_or_default(),
        plan: opened.plan,
        text: Digest::of(text.as_bytes()),
        about: about.to_owned(),
    };
    let note = Note::of(TICKET_COMMENTED, &body)?.by(actor).on(opened.plan);
    append(context, journal, &LogId::Org, note).map(drop)
}
