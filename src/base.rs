//! Floor 0: words without product meaning. Pure; imports nothing of the crate above it.

pub mod canonical;
pub mod diagnostic;
pub mod digest;
pub mod id;
pub mod limits;
pub mod pointer;
pub mod redact;
pub mod secret;
pub mod span;
pub mod spelled;
pub mod time;
