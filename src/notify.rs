//! Floor 3: the port to those who are told of what happens.
//!
//! The journal is the queue. Each sink has a cursor, which is moved once the sink has taken a notice: a crash in
//! between sends it again, under the same id. Nothing here ever ends a run; what went wrong is in the report.

pub mod cursor;
pub mod deliver;
pub mod file;
pub mod report;
mod sign;
pub mod webhook;

use std::future::Future;
use std::pin::Pin;

use crate::base::digest::Digest;
use crate::base::time::{Millis, Timestamp};
use crate::model::notify::{Notify, NotifyAddress, NotifyPlace};
use crate::notice::Notice;

/// What comes of sending, later.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Sent> + Send + 'a>>;

/// A place that takes notices. It sends once and decides nothing: no retries, no clock.
pub trait Sink: Send + Sync {
    /// Hands one notice over; `now` is when it is sent, which is signed with it.
    fn send<'a>(&'a self, notice: &'a Notice, now: Timestamp, timeout: Millis) -> Sending<'a>;
}

/// What came of sending one notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The sink has it.
    Taken,
    /// Not now, for this reason.
    Later {
        /// Why, in words of ours.
        why: String,
        /// What the sink asked us to wait.
        retry_after: Option<Millis>,
    },
    /// The sink will never take anything again.
    Closed {
        /// Why, in words of ours.
        why: String,
    },
}

impl Sent {
    /// Not now, without a wish of the sink.
    fn later(why: impl Into<String>) -> Self {
        Sent::Later { why: why.into(), retry_after: None }
    }
}

/// Makes a sink when it is needed; secrets are looked up then.
pub type Open = Box<dyn Fn() -> Result<Box<dyn Sink>, String> + Send + Sync>;

/// One place that is told, and how to reach it.
pub struct Post {
    /// What the estate says of it.
    pub notify: Notify,
    /// Reaches it.
    pub open: Open,
}

impl Post {
    /// Tells this place from one that the estate names under the same name later. A digest does not tell an address
    /// that is a secret.
    fn mark(&self) -> Digest {
        let text = match &self.notify.place {
            NotifyPlace::Webhook { address: NotifyAddress::Written(address), .. } => {
                address.as_str().to_owned()
            }
            NotifyPlace::Webhook { address: NotifyAddress::Kept(kept), .. } => kept.to_string(),
            NotifyPlace::File(path) => format!("file {path}"),
        };
        Digest::of(text.as_bytes())
    }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("notify", &self.notify).finish_non_exhaustive()
    }
}
