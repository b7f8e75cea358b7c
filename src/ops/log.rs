//! The entries of a log.

use crate::base::id::LogId;
use crate::journal::{Journal, Line};
use crate::ops::error::Failure;

/// The log of this name.
///
/// # Errors
///
/// If the name is not a log's.
pub fn named(name: &str) -> Result<LogId, Failure> {
    let help = "a log is org, account, region/<name> or site/<CODE>";
    name.parse().map_err(|_| Failure::usage(format!("`{name}` is not a log"), help))
}

/// Reads a log.
///
/// # Errors
///
/// If the log is damaged.
pub fn read(journal: &dyn Journal, log: &LogId) -> Result<Vec<Line>, Failure> {
    Ok(journal.read(log, 0)?)
}
