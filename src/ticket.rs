//! Floor 3: the port to a ticket system: find a ticket, read it, write a comment.
//!
//! One adapter speaks to all of them; what differs is a table of addresses and pointers (`model::tickets`). Nothing here
//! decides whether a ticket will do.

mod answer;
pub mod desk;

use std::future::Future;
use std::pin::Pin;

use crate::base::digest::Digest;
use crate::base::time::Millis;
use crate::model::change::Ticket;

/// What comes of a call, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, TicketError>> + Send + 'a>>;

/// A ticket system.
pub trait TicketSystem: Send + Sync {
    /// The id by which the system itself names a ticket.
    fn find<'a>(&'a self, number: &'a str) -> Answer<'a, String>;

    /// Reads a ticket with its approvals. A reading that fails for a reason that may pass is tried again.
    fn read<'a>(&'a self, number: &'a str) -> Answer<'a, Read>;

    /// Writes a comment, once: one whose answer did not come may be there or not.
    fn comment<'a>(&'a self, number: &'a str, text: &'a str) -> Answer<'a, ()>;
}

/// A ticket as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What it says, without its free text.
    pub ticket: Ticket,
    /// SHA-256 over the answers' bytes, in their order.
    pub answer: Digest,
}

/// Why there is no answer that can be used. Nothing of an answer is repeated: it may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// No ticket has this number.
    #[error("the ticket system has no ticket {number}")]
    NotFound {
        /// The number.
        number: String,
    },
    /// Nobody answers, or only with errors.
    #[error("the ticket system is down: {why}")]
    Down {
        /// How that shows.
        why: String,
        /// What it asked us to wait.
        retry_after: Option<Millis>,
    },
    /// It did not answer in time.
    #[error("the ticket system is slow: no answer came within {within}")]
    Slow {
        /// The time it had.
        within: Millis,
    },
    /// It does not let us in.
    #[error("the ticket system answered {status}: the token, or what it may do, is wrong")]
    SignIn {
        /// The status.
        status: u16,
    },
    /// It refused what was sent.
    #[error("the ticket system refused it with {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// It answers something else than its form says.
    #[error("the ticket system's answer cannot be used: {what}")]
    Odd {
        /// What is wrong with it.
        what: String,
    },
    /// It cannot be asked at all.
    #[error("the ticket system cannot be asked: {what}")]
    NotSetUp {
        /// Why.
        what: String,
    },
}

impl TicketError {
    fn odd(what: impl Into<String>) -> Self {
        TicketError::Odd { what: what.into() }
    }

    /// Whether asking again may help.
    fn may_pass(&self) -> bool {
        match self {
            TicketError::Down { .. } | TicketError::Slow { .. } => true,
            TicketError::NotFound { .. }
            | TicketError::SignIn { .. }
            | TicketError::Refused { .. }
            | TicketError::Odd { .. }
            | TicketError::NotSetUp { .. } => false,
        }
    }
}
