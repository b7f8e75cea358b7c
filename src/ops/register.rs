//! Entries that people write into a site's log: findings, legal holds, redactions.

use serde::Serialize;

use crate::evidence::redaction::{REDACTION_KIND, Redaction};
use crate::evidence::register::{self, Closed, Hold, Opened};
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};
use crate::ops::question::{of_log, open, site_log};

/// Opens a finding and returns its number.
///
/// # Errors
///
/// If the journal has no log of the site, or it is being written.
pub fn open_finding(context: &Context, site: &str, opened: &Opened) -> Result<u64, Failure> {
    write(context, site, register::OPENED, |_| to_value(opened))
}

/// Closes a finding with the entry that shows it, and returns the closing entry's place.
///
/// # Errors
///
/// `Refused` if there is no such open finding or no such later entry.
pub fn close_finding(context: &Context, site: &str, closed: &Closed) -> Result<u64, Failure> {
    write(context, site, register::CLOSED, |writing| {
        let records = of_log(writing.journal, &writing.log)?;
        register::check_close(&records, closed).map_err(|no| Failure::Refused { reason: no.to_string() })?;
        to_value(closed)
    })
}

/// Sets or releases the legal hold on a site's records.
///
/// # Errors
///
/// `Refused` if there is nothing to set or release.
pub fn hold(context: &Context, site: &str, set: bool, reason: &str) -> Result<u64, Failure> {
    let kind = if set { register::HOLD_SET } else { register::HOLD_RELEASED };
    write(context, site, kind, |writing| {
        let held = register::hold(&of_log(writing.journal, &writing.log)?).is_some();
        if held == set {
            let standing = if held { "is under a legal hold already" } else { "is under no legal hold" };
            return Err(Failure::Refused { reason: format!("{site} {standing}") });
        }
        to_value(&Hold { reason: reason.to_owned() })
    })
}

/// Records that an entry leaves the house as its hash alone from now on. The journal itself keeps it.
///
/// # Errors
///
/// `Refused` if there is no such entry, or the record of a run could not be checked without it.
pub fn redact(context: &Context, site: &str, entry: u64, reason: &str) -> Result<u64, Failure> {
    write(context, site, REDACTION_KIND, |writing| {
        let refused = |reason: String| Failure::Refused { reason };
        let lines = writing.journal.read(&writing.log, 0)?;
        let line = usize::try_from(entry).ok().and_then(|place| lines.get(place));
        let line = line.ok_or_else(|| refused(format!("the log of {site} has no entry {entry}")))?;
        let made_already = |other: &&crate::journal::Line| {
            other.entry.kind == REDACTION_KIND && other.entry.body.get("entry") == Some(&entry.into())
        };
        if lines.iter().any(|other| made_already(&other)) {
            return Err(refused(format!("entry {entry} is redacted already")));
        }
        let redaction =
            Redaction::of(&line.entry, &line.text, reason).map_err(|no| refused(no.to_string()))?;
        to_value(&redaction)
    })
}

/// A log that is being written to.
struct Writing<'j> {
    journal: &'j dyn Journal,
    log: crate::base::id::LogId,
}

/// Takes the log's lease first, so that what the body is checked against cannot change before it is written.
fn write(
    context: &Context,
    site: &str,
    kind: &str,
    body: impl FnOnce(&Writing<'_>) -> Result<serde_json::Value, Failure>,
) -> Result<u64, Failure> {
    let log = site_log(&open(context)?, site)?;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let (mut lines, ()) = note::write(context, &mut journal, &log, |journal| {
        let body = body(&Writing { journal, log: log.clone() })?;
        Ok((vec![Note::new(kind, body)], ()))
    })?;
    let line = lines.pop().ok_or_else(|| Failure::failed("the entry was not written"))?;
    Ok(line.entry.seq)
}

fn to_value<T: Serialize>(body: &T) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(body).map_err(|error| Failure::failed(error.to_string()))
}
