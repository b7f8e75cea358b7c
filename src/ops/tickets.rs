//! Reaching the estate's ticket system: signs in with what the references stand for, reads, writes comments.

use crate::base::digest::Digest;
use crate::model::change::{ChangeId, Ticket, TicketRead};
use crate::model::estate::Estate;
use crate::model::plan::TargetName;
use crate::model::tickets::{TicketUse, Tickets};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::target::is_sandbox;
use crate::source::reference;
use crate::ticket::desk::Desk;
use crate::ticket::{Read, TicketError, TicketSystem};

/// What a ticket system's word is worth.
const STANDING: &str = "recorded, not signed";

/// Whether launches at a target need a change with an approved ticket.
pub fn are_required(estate: &Estate, target: &TargetName) -> bool {
    match estate.tickets.as_ref().map(|tickets| tickets.required) {
        Some(TicketUse::Always) => true,
        Some(TicketUse::RealTargets) => !is_sandbox(target),
        Some(TicketUse::Never) | None => false,
    }
}

/// The ticket system of an estate.
///
/// # Errors
///
/// If what signs in is not there.
pub fn reach(context: &Context, tickets: &Tickets) -> Result<Box<dyn TicketSystem>, TicketError> {
    let secret = |one| {
        reference::resolve(one, &context.root)
            .map_err(|error| TicketError::NotSetUp { what: error.to_string() })
    };
    let user = tickets.user.as_ref().map(secret).transpose()?;
    Ok(Box::new(Desk::new(tickets, user.as_ref(), &secret(&tickets.token)?)?))
}

/// The ticket system of an estate that must have one.
///
/// # Errors
///
/// Usage, if it has none.
pub fn of(estate: &Estate) -> Result<&Tickets, Failure> {
    estate.tickets.as_ref().ok_or_else(|| {
        Failure::usage(
            "the estate has no ticket system",
            "sites/estate.toml names one under [tickets]; docs/FORMATS.md shows how",
        )
    })
}

/// Writes a comment, and looks whether it is there where the answer did not say.
///
/// # Errors
///
/// If it is not there, or nobody can tell.
pub async fn comment(
    system: &dyn TicketSystem,
    number: &str,
    plan: &Digest,
    text: &str,
) -> Result<(), TicketError> {
    let written = system.comment(number, text).await;
    match written {
        // What was sent may have come through: it is never sent again blindly.
        Err(TicketError::Slow { .. } | TicketError::Down { .. }) => {
            let there = system.read(number).await.is_ok_and(|read| read.ticket.commented.contains(plan));
            if there { Ok(()) } else { written }
        }
        Ok(()) | Err(_) => written,
    }
}

/// The record of a reading.
pub fn record(change: ChangeId, read: &Read, plan: &Digest, now: crate::base::time::Timestamp) -> TicketRead {
    let Ticket { number, url, state, approvals, .. } = &read.ticket;
    let yes = approvals.iter().filter(|one| one.approved);
    TicketRead {
        change,
        number: number.clone(),
        url: url.clone(),
        state: state.clone(),
        approvers: yes.map(|one| one.approver.clone()).collect(),
        read_at: now,
        answer: read.answer,
        plan: *plan,
        standing: STANDING.to_owned(),
    }
}
