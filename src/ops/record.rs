//! Files a record that people made: a drill, an access review. It says who filed it and when, and is not signed.

use std::path::Path;

use serde_json::json;

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits;
use crate::journal::Journal;
use crate::model::entry::BlobRef;
use crate::ops::Context;
use crate::ops::earlier::limited;
use crate::ops::error::Failure;
use crate::ops::note::{Note, append};

/// The kind of the entry.
pub const RECORDED: &str = "evidence.recorded";

/// What is to be filed.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Its evidence kind, for example `drill.tabletop`.
    pub kind: &'w str,
    /// The log it goes to.
    pub log: &'w LogId,
    /// The file, if there is one.
    pub file: Option<&'w Path>,
    /// What it shows, in a sentence.
    pub statement: &'w str,
}

/// Files a record and gives its place in the log.
///
/// # Errors
///
/// If its kind is not spelled as one, the file cannot be read, or may not be kept.
pub fn record(context: &Context, journal: &mut dyn Journal, wanted: Wanted<'_>) -> Result<u64, Failure> {
    let Wanted { kind, log, file, statement } = wanted;
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    if kind.len() > limits::ID_BYTES_MAX || !kind.split('.').all(is_word) {
        return Err(Failure::usage(
            format!("`{kind}` is not an evidence kind"),
            "write lower-case words with dots between them, such as drill.tabletop",
        ));
    }
    if statement.trim().is_empty() {
        return Err(Failure::usage("the statement is empty", "say in a sentence what the record shows"));
    }
    let refs = match file {
        None => Vec::new(),
        Some(path) => {
            let max = u64::try_from(limits::RECORD_BYTES_MAX).unwrap_or(u64::MAX);
            let bytes = limited(path, max)?;
            journal.put_blob(&bytes)?;
            let name = path.file_name().map_or("record".into(), |name| name.to_string_lossy());
            vec![BlobRef { path: format!("record/{name}"), sha256: Digest::of(&bytes) }]
        }
    };
    let body = json!({ "kind": kind, "statement": statement, "standing": "recorded, not signed" });
    let line = append(context, journal, log, Note::new(RECORDED, body).naming(refs))?;
    Ok(line.entry.seq)
}
