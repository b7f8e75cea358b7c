//! What the world answered, as values: a failed call is data, not an error.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::time::Millis;

/// Why a call did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The class, which decides what happens next.
    pub class: CauseClass,
    /// The service's own code, for example `RESOURCE_ALREADY_EXISTS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What failed, in our words, without anything echoed from an answer that may hold data.
    pub message: String,
    /// The service's request id, for support and for the join with the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Classes of causes. Each has one consequence in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CauseClass {
    /// The request itself is wrong.
    BadRequest,
    /// Sign-in failed.
    Unauthenticated,
    /// Signed in, but not allowed.
    PermissionDenied,
    /// Something it refers to is not there.
    NotFound,
    /// It exists already, or somebody else changed it.
    Conflict,
    /// A quota is used up.
    Quota,
    /// Come back later.
    Busy,
    /// The service failed.
    Internal,
    /// The call exists, but not on this service.
    NotImplemented,
    /// No answer came: the call may or may not have had its effect.
    NoAnswer,
    /// An answer that cannot be understood.
    Garbled,
    /// The object ended in a state it does not leave by itself.
    BadState,
    /// What was applied is not what is there.
    NotHeld,
    /// An object with our natural key that our logs do not know.
    Foreign,
    /// The object changed since the plan saw it.
    Stale,
    /// A check found something else than expected.
    Expectation,
    /// Tried as often as allowed.
    Exhausted,
    /// The calendar leaves no time for it, as far as can be looked ahead.
    Shut,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}

impl Cause {
    /// A cause of our own, without an answer behind it.
    pub fn new(class: CauseClass, message: impl Into<String>) -> Self {
        Self { class, code: None, status: None, message: message.into(), request_id: None }
    }
}

/// What a read found. Reading is always safe.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Nothing with this id or natural key.
    Absent,
    /// The object.
    Present {
        /// Its id on the service.
        id: String,
        /// The object as the service shows it.
        live: Value,
    },
    /// The read itself failed.
    Unreadable(Cause),
}

/// What came of one mutating call.
#[derive(Debug, Clone, PartialEq)]
pub enum ApplyOutcome {
    /// The service took it.
    Done {
        /// The object's id, if this call made it known.
        id: Option<String>,
    },
    /// The service will not do it; trying again changes nothing.
    Refused(Cause),
    /// Not now; nothing was done.
    Busy {
        /// What the service asked us to wait.
        retry_after: Option<Millis>,
        /// Its words.
        cause: Cause,
    },
    /// No answer: the effect is in doubt.
    NoAnswer(Cause),
}
