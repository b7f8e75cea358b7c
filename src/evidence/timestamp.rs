//! Time stamps as RFC 3161 makes them: somebody else's clock and key say that a hash existed at a moment.
//!
//! A request carries a hash and a random number and nothing else. A reply is believed only if it is over that hash, with
//! that number, signed by a certificate for time stamping that leads to a root which the reader chose, and if that
//! certificate was valid at the moment it names.

mod der;
mod reply;
mod request;
mod roots;
mod signature;
#[cfg(test)]
mod tests;

use crate::base::time::Timestamp;

pub use reply::Token;
pub use request::Request;
pub use roots::{NoRoots, Roots};

/// Who stamped, when, and until when that can be checked without further ado.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The moment that the service's clock showed.
    pub at: Timestamp,
    /// The subject of its certificate.
    pub by: String,
    /// When that certificate ends: by then a new token over this one is wise.
    pub until: Timestamp,
}

/// Why a reply is not believed. Each begins with the name of the check that it does not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Not a reply at all.
    #[error("form: it is not a whole reply of a time-stamp service ({0})")]
    Malformed(&'static str),
    /// The service said no.
    #[error("status: the service refused with status {status}")]
    Refused {
        /// Its status.
        status: u32,
    },
    /// It is over something else.
    #[error("imprint: it is over something else")]
    OtherImprint,
    /// It answers another request.
    #[error("nonce: it answers another request")]
    OtherNonce,
    /// The signature does not hold.
    #[error("signature: {0}")]
    Signature(&'static str),
    /// The certificate does not lead to a root, or is not for time stamping.
    #[error("certificate: {0}")]
    Certificate(String),
    /// The certificate was not valid at the moment that the token names.
    #[error("time: at {at} the service's certificate was not valid")]
    Time {
        /// The moment.
        at: Timestamp,
    },
}
