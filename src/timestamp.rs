//! Floor 3: the port to time-stamp services, and the one adapter there is: RFC 3161 over HTTP.

use crate::base::limits::{TIMESTAMP_REPLY_BYTES_MAX, TIMESTAMP_TIMEOUT};
use crate::model::anchor::ServiceAddress;
use crate::post::{Bounds, PostError, post};

const REQUEST_TYPE: &str = "application/timestamp-query";

/// Somebody who stamps.
pub trait TimestampAuthority {
    /// The reply to a request, both as DER. Nothing of it is checked here.
    ///
    /// # Errors
    ///
    /// If no reply comes.
    fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, NoReply>;
}

/// Why no reply came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// No answer.
    #[error(transparent)]
    Post(#[from] PostError),
    /// An answer that is no reply.
    #[error("the service answered with status {0}")]
    Status(u16),
}

/// A service at an address.
#[derive(Debug, Clone)]
pub struct WebAuthority<'a> {
    /// The address.
    pub url: &'a ServiceAddress,
}

impl TimestampAuthority for WebAuthority<'_> {
    fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, NoReply> {
        let bounds = Bounds { bytes: TIMESTAMP_REPLY_BYTES_MAX, within: TIMESTAMP_TIMEOUT };
        let answer = post(self.url.as_str(), REQUEST_TYPE, request, bounds)?;
        if answer.status == 200 { Ok(answer.body) } else { Err(NoReply::Status(answer.status)) }
    }
}
