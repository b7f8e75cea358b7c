//! A store with object lock: a program of the estate's writes the checkpoint there and prints the lock that it reads back.

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::time::Timestamp;
use crate::ops::error::Failure;

use super::{Given, Outside, program};

/// The kind of the entry that records a lock.
pub const LOCKED_KIND: &str = "checkpoint.locked";
/// Longest word for a mode: `COMPLIANCE`, `Locked`.
const MODE_BYTES_MAX: usize = 40;

/// A checkpoint that nobody can delete before a moment; the body of the entry that records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The log.
    pub log: String,
    /// Its size at the checkpoint.
    pub size: u64,
    /// SHA-256 of the signed checkpoint.
    pub sha256: Digest,
    /// The store's word for how it is locked.
    pub mode: String,
    /// Until when.
    pub until: Timestamp,
}

/// What the program prints.
#[derive(Deserialize)]
struct Printed {
    mode: String,
    until: Timestamp,
}

/// Has the checkpoint stored, and believes only what was read back of its lock.
pub(super) fn store(outside: &Outside<'_>, words: &[String], given: &Given<'_>) -> Result<Locked, Failure> {
    let printed = program::run(&outside.context.root, words, given)?;
    let told = |what: &str| Failure::failed(format!("the lock of {} at {}: {what}", given.log, given.size));
    let printed: Printed = serde_json::from_slice(&printed).map_err(|_| {
        told(
            "the program did not print it as {\"mode\": \"COMPLIANCE\", \"until\": \"2034-01-11T09:00:00Z\"}",
        )
    })?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let Printed { mode, until } = printed;
    if mode.is_empty() || mode.len() > MODE_BYTES_MAX || !mode.bytes().all(word) {
        return Err(told("its mode is not a word"));
    }
    if until <= outside.context.clock.now() {
        return Err(told("it has ended already"));
    }
    let sha256 = Digest::of(given.files.first().map_or(&[], |(_, bytes)| bytes));
    Ok(Locked { log: given.log.to_owned(), size: given.size, sha256, mode, until })
}
