//! The ticket system of a rehearsal: it knows the tickets that were opened at it, takes comments, and keeps what approvers
//! said. Nobody's real system is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::digest::Digest;
use crate::base::id::{PersonId, SiteCode};
use crate::base::time::Timestamp;
use crate::model::change::{Ticket, TicketApproval};
use crate::ticket::{Answer, Read, TicketError, TicketSystem};

/// Where its tickets would be seen.
pub(super) const ADDRESS: &str = "https://tickets.rehearsal.example";
/// The state of a ticket that waits for its approval, and of one whose work may be done.
const STATES: [&str; 2] = ["requested", "approved"];

/// A ticket system; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    tickets: Arc<Mutex<BTreeMap<String, Ticket>>>,
}

impl Desk {
    fn tickets(&self) -> MutexGuard<'_, BTreeMap<String, Ticket>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a ticket for some sites, and gives its number.
    pub(super) fn open(&self, requester: &PersonId, sites: BTreeSet<SiteCode>) -> String {
        let mut tickets = self.tickets();
        let number = format!("CHG{:07}", tickets.len() + 1);
        let ticket = Ticket {
            number: number.clone(),
            state: STATES[0].to_owned(),
            is_closed: false,
            requester: Some(requester.to_string()),
            approvals: Vec::new(),
            sites,
            quoted: BTreeSet::new(),
            commented: BTreeSet::new(),
            begins: None,
            ends: None,
            url: format!("{ADDRESS}/{number}"),
        };
        tickets.insert(number.clone(), ticket);
        number
    }

    /// Somebody approves a ticket.
    pub(super) fn approve(&self, number: &str, approver: &PersonId, at: Timestamp) {
        if let Some(ticket) = self.tickets().get_mut(number) {
            STATES[1].clone_into(&mut ticket.state);
            ticket.approvals.push(TicketApproval {
                approver: approver.to_string(),
                state: STATES[1].to_owned(),
                approved: true,
                rejected: false,
                at: Some(at),
            });
        }
    }

    fn found(&self, number: &str) -> Result<Ticket, TicketError> {
        let found = self.tickets().get(number).cloned();
        found.ok_or_else(|| TicketError::NotFound { number: number.to_owned() })
    }
}

impl TicketSystem for Desk {
    fn find<'a>(&'a self, number: &'a str) -> Answer<'a, String> {
        Box::pin(async move { self.found(number).map(|ticket| ticket.number) })
    }

    fn read<'a>(&'a self, number: &'a str) -> Answer<'a, Read> {
        Box::pin(async move {
            let ticket = self.found(number)?;
            let answer = Digest::of_canonical(&ticket);
            Ok(Read { ticket, answer })
        })
    }

    fn comment<'a>(&'a self, number: &'a str, text: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.found(number)?;
            let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
            let quoted = words.filter_map(|word| word.parse::<Digest>().ok());
            if let Some(ticket) = self.tickets().get_mut(number) {
                ticket.commented.extend(quoted);
            }
            Ok(())
        })
    }
}
