//! What a driver asks before each read that goes out, and after each that failed. A read may be repeated: when, and how
//! often, is not for the driver to say, which has no clock.

use std::fmt;

use crate::base::id::KindName;
use crate::base::time::Millis;
use crate::driver::Answer;
use crate::model::outcome::Cause;
use crate::pacing::Verb;

/// A read, one request of it: a page of a list is one by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The host, and on one that serves several workspaces which of them: the service counts its calls together.
    pub host: String,
    /// Method and path.
    pub call: String,
    /// The kind that is read.
    pub kind: KindName,
    /// Whether it reads one object or a list.
    pub verb: Verb,
    /// How often it was sent.
    pub tries: u32,
    /// How long was waited between the tries.
    pub rested: Millis,
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Unread {
    /// The cause.
    pub cause: Cause,
    /// How long the service wants to be left alone.
    pub retry_after: Option<Millis>,
}

impl From<Cause> for Unread {
    fn from(cause: Cause) -> Self {
        Self { cause, retry_after: None }
    }
}

/// Lets reads out one by one, and has those that failed for now sent again.
pub trait Patience: fmt::Debug + Send + Sync {
    /// Comes back when the read may go out.
    fn admit<'a>(&'a self, read: &'a Outgoing) -> Answer<'a, ()>;

    /// The read was answered with what was asked for.
    fn answered(&self, read: &Outgoing);

    /// The read failed. Comes back after a rest if it is to be sent again, else at once.
    ///
    /// # Errors
    ///
    /// Why it is not sent again.
    fn failed<'a>(&'a self, read: &'a mut Outgoing, unread: Unread) -> Answer<'a, Result<(), Cause>>;
}
