//! What a launch has to do with changes: it is refused without one where tickets are required, its records name the change
//! and the ticket, and its end takes the change on.

use std::collections::BTreeSet;

use serde::Serialize;

use super::ticket::note_comment;
use super::{Book, Weigh, advance, sites_of};
use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, RunId};
use crate::change::ticket_rules::{Wanted, refusals};
use crate::change::{Change, Signatures, outcome_word};
use crate::journal::Journal;
use crate::model::change::{APPLIED, ChangeApplied, ChangeOpened, ChangeState, TICKET_READ};
use crate::model::entry::{Actor, BlobRef};
use crate::model::estate::Estate;
use crate::model::fleet_event::LaunchOutcome;
use crate::model::plan::SavedPlan;
use crate::model::tickets::Tickets;
use crate::ops::changes::Step;
use crate::ops::error::Failure;
use crate::ops::launch::CHANGE_FILE;
use crate::ops::note::{Note, write};
use crate::ops::{Context, tickets};
use crate::ticket::{Read, TicketError, TicketSystem};

/// How the ticket system of an estate is reached.
pub type Reach<'r> = dyn Fn(&Tickets) -> Result<Box<dyn TicketSystem>, TicketError> + Sync + 'r;

/// A change on which a launch may begin.
#[derive(Debug, Clone)]
pub struct Cleared {
    body: ChangeApplied,
    read: Option<Read>,
}

/// Refuses a launch without a change whose turn it is, and where tickets are required, one whose ticket will not do.
/// Without a change where none is required, there is nothing to clear. Writes nothing.
///
/// # Errors
///
/// `Refused` with everything that is missing; usage if there is no such change.
pub async fn refuse_without_change(
    context: &Context,
    estate: &Estate,
    saved: &SavedPlan,
    change: Option<&str>,
    journal: &dyn Journal,
) -> Result<Option<Cleared>, Failure> {
    let reach = |tickets: &Tickets| tickets::reach(context, tickets);
    cleared(context, estate, (saved, change), journal, &reach).await
}

/// As [`refuse_without_change`], with a ticket system that is reached in another way.
///
/// # Errors
///
/// As [`refuse_without_change`].
pub async fn cleared(
    context: &Context,
    estate: &Estate,
    (saved, change): (&SavedPlan, Option<&str>),
    journal: &dyn Journal,
    reach: &Reach<'_>,
) -> Result<Option<Cleared>, Failure> {
    let target = &saved.plan.target;
    let required = tickets::are_required(estate, target);
    let refused = |reason: String| Failure::Refused { reason };
    let Some(typed) = change else {
        if !required {
            return Ok(None);
        }
        return Err(refused(format!(
            "target {} takes no launch without a change: landfall change open PLAN --title \"…\" --ticket NUMBER, then --change",
            target.name
        )));
    };
    let book = Book::read(journal)?;
    let change = book.find(typed)?;
    its_turn(change, saved, context)?;
    let mut cleared = Cleared {
        body: ChangeApplied { change: change.id(), class: change.opened.class, ticket: None },
        read: None,
    };
    if !required {
        return Ok(Some(cleared));
    }
    let id = change.id();
    let number = change.opened.ticket.as_deref();
    let number = number
        .ok_or_else(|| refused(format!("{id} has no ticket, and target {} asks for one", target.name)))?;
    let tickets = tickets::of(estate)?;
    let read = read(tickets, number, reach).await.map_err(|error| {
        refused(format!(
            "ticket {number} cannot be read, so nothing shows that {id} is approved: {error}; nothing was started"
        ))
    })?;
    hold(tickets, change, saved, &read)?;
    cleared.body.ticket = Some(tickets::record(id, &read, &saved.digest, context.clock.now()));
    cleared.read = Some(read);
    Ok(Some(cleared))
}

async fn read(tickets: &Tickets, number: &str, reach: &Reach<'_>) -> Result<Read, TicketError> {
    reach(tickets)?.read(number).await
}

/// A change is launched with its own plan, once it is scheduled, and not before its moment.
fn its_turn(change: &Change, saved: &SavedPlan, context: &Context) -> Result<(), Failure> {
    let id = change.id();
    let refused = |reason: String| Err(Failure::Refused { reason });
    if change.opened.plan != saved.digest {
        return refused(format!(
            "{id} is of plan {}, and this is plan {}: open a change for it",
            change.opened.plan.short(),
            saved.digest.short()
        ));
    }
    if change.state != ChangeState::Scheduled {
        let next = change.state.next().map_or("it is over".to_owned(), |next| {
            format!("the legal next step is {next}: landfall change advance {id} --to {next}")
        });
        return refused(format!("{id} is {}, and only a scheduled change is launched; {next}", change.state));
    }
    let begins = change.history.iter().rev().find_map(|passed| passed.begins);
    match begins {
        Some(begins) if context.clock.now() < begins => {
            refused(format!("{id} is scheduled for {begins}, which is still ahead"))
        }
        Some(_) | None => Ok(()),
    }
}

fn hold(tickets: &Tickets, change: &Change, saved: &SavedPlan, read: &Read) -> Result<(), Failure> {
    let (opened, sites) = (&change.opened, sites_of(saved));
    let mut kept_out = BTreeSet::new();
    for person in opened.built_by.iter().chain([&opened.requester]) {
        kept_out.insert(person.to_string());
        kept_out.extend(tickets.people.get(person).cloned());
    }
    let wanted = Wanted {
        number: opened.ticket.as_deref().unwrap_or_default(),
        plan: &saved.digest,
        sites: &sites,
        kept_out: &kept_out,
        told_at: change.told_at,
    };
    let missing = refusals(&read.ticket, &tickets.form, wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = missing.iter().map(|one| format!("  {one}")).collect();
    Err(Failure::Refused {
        reason: format!(
            "the ticket of {} will not do; nothing was started:\n{}",
            change.id(),
            lines.join("\n")
        ),
    })
}

impl Cleared {
    /// Writes into the org log on which change the launch goes and what its ticket said. Gives the file that the first
    /// entry of each of its logs names, so that every record of the launch has its ticket.
    ///
    /// # Errors
    ///
    /// If somebody else writes the org log, or the journal fails.
    pub fn record(
        &self,
        context: &Context,
        saved: &SavedPlan,
        actor: &Actor,
        journal: &mut dyn Journal,
    ) -> Result<BlobRef, Failure> {
        let plan = saved.digest;
        let sha256 = journal.put_blob(&canonical_bytes(&self.body))?;
        let file = BlobRef { path: CHANGE_FILE.to_owned(), sha256 };
        let mut notes = Vec::new();
        if let (Some(read), Some(ticket)) = (&self.read, &self.body.ticket) {
            let sha256 = journal.put_blob(&canonical_bytes(&read.ticket))?;
            let kept = vec![BlobRef { path: format!("tickets/{}.json", ticket.number), sha256 }];
            notes.push(Note::of(TICKET_READ, ticket)?.by(actor).on(plan).naming(kept));
        }
        notes.push(Note::of(APPLIED, &self.body)?.by(actor).on(plan).naming(vec![file.clone()]));
        write(context, journal, &LogId::Org, |_| Ok((notes, ())))?;
        Ok(file)
    }
}

/// What the end of a launch did to its change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Afterwards {
    /// What was recorded, in words.
    pub done: Vec<String>,
    /// What could not be done, in words. None of it makes the launch another one.
    pub trouble: Vec<String>,
}

/// Takes the change of a launch on once it has ended, and tells its ticket how. A run never fails because of it.
///
/// # Errors
///
/// Only if the journal fails.
pub async fn after_launch(
    context: &Context,
    estate: &Estate,
    run: &RunId,
    journal: &mut dyn Journal,
    actor: &Actor,
) -> Result<Afterwards, Failure> {
    let mut after = Afterwards::default();
    let book = Book::read(journal)?;
    let Some(launch) = book.launches.iter().find(|launch| launch.run == *run) else { return Ok(after) };
    let Some((_, outcome, _)) = launch.ended else { return Ok(after) };
    // A change is of one plan, and a plan has one change that is launched.
    let own = |change: &&Change| change.opened.plan == launch.plan && change.begun.is_some();
    let Some(change) = book.changes.values().rev().find(own) else { return Ok(after) };
    let id = change.id().to_string();
    let unasked: &Weigh<'_> = &|_, _, _| Signatures::default();
    let mut to = vec![(ChangeState::Scheduled, ChangeState::Applied)];
    if outcome == LaunchOutcome::Succeeded {
        to.push((ChangeState::Applied, ChangeState::Validated));
    }
    let mut state = change.state;
    for (from, to) in to.into_iter().filter(|(from, _)| *from >= change.state) {
        if state != from {
            break;
        }
        let step = Step { change: &id, to, reason: "", begin: None };
        match advance(context, estate, journal, step, unasked, actor) {
            Ok(advanced) => {
                state = to;
                after.done.push(format!("{id} is {to}: {}", advanced.why));
            }
            Err(failure) => {
                after.trouble.push(format!("{id} stays {state}: {failure}"));
                break;
            }
        }
    }
    let text = ending(change, run, outcome);
    let told = change.told_end == Some(Digest::of(text.as_bytes()));
    if let (Some(tickets), Some(number), false) = (&estate.tickets, &change.opened.ticket, told) {
        match tell_end(context, tickets, &change.opened, &text, journal, actor).await {
            Ok(()) => after.done.push(format!("ticket {number} was told how it ended")),
            Err(why) => after.trouble.push(format!("ticket {number} was not told how it ended: {why}")),
        }
    }
    Ok(after)
}

fn ending(change: &Change, run: &RunId, outcome: LaunchOutcome) -> String {
    let (id, plan) = (change.id(), change.opened.plan);
    format!("Landfall {id}: run {run} of plan sha256 {plan} ended: {}", outcome_word(outcome))
}

async fn tell_end(
    context: &Context,
    tickets: &Tickets,
    opened: &ChangeOpened,
    text: &str,
    journal: &mut dyn Journal,
    actor: &Actor,
) -> Result<(), String> {
    let number = opened.ticket.as_deref().unwrap_or_default();
    let system = tickets::reach(context, tickets).map_err(|error| error.to_string())?;
    // The digest is there from before: only the answer tells whether this one came through.
    system.comment(number, text).await.map_err(|error| error.to_string())?;
    note_comment(context, journal, opened, text, "ended", actor).map_err(|failure| failure.to_string())
}
