//! Sealing: from a draft to the exact bytes that are a leaf, the same for every store.

use super::{JournalError, Line};
use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::{ASK_BYTES_MAX, ASKS_MAX, BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use crate::entropy::Entropy;
use crate::evidence::scan;
use crate::model::ask::Ask;
use crate::model::entry::{ENTRY_VERSION, Entry, EntryDraft};

/// Gives a draft its place and salt, and writes its line, unless it is too large or holds something sensitive.
pub(super) fn seal(draft: EntryDraft, seq: u64, salt: String) -> Result<Line, JournalError> {
    let EntryDraft { log, at, run, kind, step, actor, plan, refs, body } = draft;
    let entry = Entry { v: ENTRY_VERSION, seq, at, log, run, kind, step, actor, plan, refs, body, salt };
    let text = serde_json::to_string(&entry).expect("an entry has a JSON form");
    let what = || format!("entry {} of {} ({})", entry.seq, entry.log, entry.kind);
    if text.len() > ENTRY_BYTES_MAX {
        return Err(JournalError::TooLarge { what: what(), size: text.len(), limit: ENTRY_BYTES_MAX });
    }
    if let Some(found) = scan::scan(text.as_bytes()) {
        let place = format!("{}, byte {},", what(), found.at);
        return Err(JournalError::Sensitive { what: found.what.to_owned(), place });
    }
    Ok(Line { text, entry })
}

/// The bytes of a wish that may be left: it is held to what its entry will be held to.
pub(super) fn check_ask(ask: &Ask, waiting: usize) -> Result<String, JournalError> {
    let text = serde_json::to_string(ask).expect("a wish has a JSON form");
    let too_large = |what: &str, size, limit| JournalError::TooLarge { what: what.to_owned(), size, limit };
    if text.len() > ASK_BYTES_MAX {
        return Err(too_large("a wish", text.len(), ASK_BYTES_MAX));
    }
    if waiting >= ASKS_MAX {
        return Err(too_large("the list of wishes that nobody has answered", waiting + 1, ASKS_MAX));
    }
    if let Some(found) = scan::scan(text.as_bytes()) {
        let place = format!("a wish, byte {},", found.at);
        return Err(JournalError::Sensitive { what: found.what.to_owned(), place });
    }
    Ok(text)
}

/// The name of a blob that may be stored.
pub(super) fn check_blob(bytes: &[u8]) -> Result<Digest, JournalError> {
    let size = bytes.len();
    if size > BLOB_BYTES_MAX {
        return Err(JournalError::TooLarge { what: "a blob".into(), size, limit: BLOB_BYTES_MAX });
    }
    if let Some(found) = scan::scan(bytes) {
        let place = format!("a blob of {size} bytes, byte {},", found.at);
        return Err(JournalError::Sensitive { what: found.what.to_owned(), place });
    }
    Ok(Digest::of(bytes))
}

/// Reads a stored line back, and checks that it is the entry of this log and place.
pub(super) fn unseal(log: &LogId, seq: u64, text: String) -> Result<Line, JournalError> {
    let damaged = |what: String| JournalError::Damaged { log: log.clone(), seq, what };
    let entry: Entry =
        serde_json::from_str(&text).map_err(|error| damaged(format!("it is not an entry: {error}")))?;
    if entry.v > ENTRY_VERSION {
        return Err(JournalError::Newer { found: entry.v, known: ENTRY_VERSION });
    }
    if entry.seq != seq || entry.log != *log {
        return Err(damaged(format!("it says that it is entry {} of {}", entry.seq, entry.log)));
    }
    Ok(Line { text, entry })
}

/// 128 bits in hexadecimal for one place of a log, so that nobody can guess a hidden entry from its leaf hash.
pub(super) fn salt(entropy: Entropy, log: &LogId, seq: u64) -> Result<String, JournalError> {
    entropy.name(&format!("salt\n{log}\n{seq}")).map_err(|error| JournalError::Store {
        path: "the system's random source".into(),
        what: error.to_string(),
    })
}
