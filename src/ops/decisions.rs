//! What people signed, read from the logs, and the keys that count.

use serde::Deserialize as _;

use crate::approval::Decision;
use crate::base::id::LogId;
use crate::base::limits::DECISIONS_MAX;
use crate::journal::{Journal, JournalError};
use crate::model::entry::Entry;
use crate::model::people::Enrolled;
use crate::model::signed::{Signed, Subject};
use crate::ops::error::Failure;
use crate::people;

/// The keys that the org log knows.
///
/// # Errors
///
/// If the log is damaged.
pub fn keys(journal: &dyn Journal) -> Result<Enrolled, JournalError> {
    let lines = journal.read(&LogId::Org, 0)?;
    Ok(people::enrolled(lines.iter().map(|line| &line.entry)))
}

/// The signed decisions among the entries of a log, in their order. What is no decision of this program's form decides
/// nothing.
pub fn among<'e>(log: &LogId, entries: impl IntoIterator<Item = &'e Entry>) -> Vec<Decision> {
    let of = |entry: &Entry| {
        // Most entries are of runs and have no signature.
        entry.body.get("signature")?;
        let signed = Signed::deserialize(&entry.body).ok()?;
        let own = signed.statement.act.entry_kind() == entry.kind;
        own.then(|| Decision { signed, log: log.clone(), seq: entry.seq, recorded_at: entry.at })
    };
    entries.into_iter().filter_map(of).collect()
}

/// The decisions of one log about one subject, oldest first.
///
/// # Errors
///
/// If the log is damaged, or holds more decisions than are looked at.
pub fn about(
    journal: &dyn Journal,
    log: &LogId,
    is_about: impl Fn(&Subject) -> bool,
) -> Result<Vec<Decision>, Failure> {
    let mut found = among(log, journal.read(log, 0)?.iter().map(|line| &line.entry));
    found.retain(|decision| is_about(&decision.signed.statement.subject));
    if found.len() > DECISIONS_MAX {
        let what = format!("{log} holds more than {DECISIONS_MAX} decisions about one thing");
        return Err(Failure::failed(what));
    }
    Ok(found)
}
