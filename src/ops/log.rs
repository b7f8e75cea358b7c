//! The entries of a log.

use crate::base::id::LogId;
use crate::journal::{Journal, Line};
use crate::ops::error::Failure;

/// Reads a log by name.
///
/// # Errors
///
/// If the name is not a log's, or the log is damaged.
pub fn read(journal: &dyn Journal, name: &str) -> Result<Vec<Line>, Failure> {
    let log: LogId = name
        .parse()
        .map_err(|_| Failure::usage(format!("`{name}` is not a log"), "a log is org, account, region/<name> or site/<CODE>"))?;
    Ok(journal.read(&log, 0)?)
}
