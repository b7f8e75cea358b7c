//! One time stamp a day over the org log's newest checkpoint.

use crate::base::id::LogId;
use crate::base::limits::{NOTE_FILE_BYTES_MAX, TIMESTAMP_REPLY_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::evidence::timestamp::Token;
use crate::model::anchor::TimestampService;
use crate::ops::checkpoints::{CHECKPOINT, STAMP, folder, path, sizes};
use crate::ops::earlier::{limited, write};
use crate::ops::{Context, timestamps};

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Stamps the org log's newest checkpoint unless one was stamped today, in UTC.
pub(super) fn daily(context: &Context, services: &[TimestampService]) -> Result<(), String> {
    if services.is_empty() {
        return Ok(());
    }
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let org = folder(context).join(LogId::Org.to_string());
    let stamped = sizes(&org, STAMP).map_err(|e| text(&e))?.last().copied();
    let last =
        stamped.and_then(|size| limited(&path(&org, size, STAMP), TIMESTAMP_REPLY_BYTES_MAX as u64).ok());
    let last = last.and_then(|reply| Token::parse(&reply).ok());
    let day = |at: Timestamp| at.as_millis().div_euclid(DAY);
    if last.is_some_and(|token| day(token.at()) == day(context.clock.now())) {
        return Ok(());
    }
    let Some(newest) = sizes(&org, CHECKPOINT).map_err(|e| text(&e))?.last().copied() else { return Ok(()) };
    let note = limited(&path(&org, newest, CHECKPOINT), NOTE_FILE_BYTES_MAX).map_err(|e| text(&e))?;
    let stamped = timestamps::over(context, services, &note)?;
    write(&path(&org, newest, STAMP), &stamped.reply).map_err(|e| text(&e))
}
