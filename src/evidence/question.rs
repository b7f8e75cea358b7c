//! The questions that compliance and auditors put to the records, each a pure function from records to an answer.

pub mod ask;
pub mod coverage;
pub mod moment;
pub mod search;
pub mod timeline;

use crate::model::adoption::ADOPTED;
use crate::model::drift::{ACCEPTED, FOUND, GONE};
use crate::model::entry::{BlobRef, Entry};

use super::records::text;

/// What people read for each kind of entry; others are shown by their own name.
const WORDS: [(&str, &str); 24] = [
    ("run.started", "run started"),
    ("run.recovered", "run taken up again"),
    ("run.stopping", "run asked to stop"),
    ("run.suspended", "run suspended"),
    ("run.ended", "run ended"),
    ("step.applying", "call sent"),
    ("step.applied", "call accepted"),
    ("step.found", "object found after a call in doubt"),
    ("step.rested", "step waits"),
    ("step.succeeded", "goal seen to be reached"),
    ("step.failed", "step failed"),
    ("step.blocked", "step blocked"),
    ("launch.started", "launch started"),
    ("launch.ended", "launch ended"),
    ("scope.ended", "scope ended"),
    ("finding.opened", "finding opened"),
    ("finding.closed", "finding closed"),
    ("hold.set", "legal hold set"),
    ("hold.released", "legal hold released"),
    ("redaction.made", "entry redacted"),
    (FOUND, "drift found"),
    (GONE, "drift gone"),
    (ACCEPTED, "drift accepted"),
    (ADOPTED, "object adopted"),
];

/// What happened, in words.
fn what(entry: &Entry) -> &str {
    WORDS.iter().find(|(kind, _)| *kind == entry.kind).map_or(&entry.kind, |(_, words)| words)
}

/// How it came out, in a word or a sentence; empty for what has no result.
fn result(entry: &Entry) -> String {
    let body = |pointer: &str| text(entry, pointer).unwrap_or_default().to_owned();
    if let Some(reason) = text(entry, "/redacted") {
        return format!("redacted: {reason}");
    }
    match entry.kind.as_str() {
        "step.applying" => body("/call"),
        "step.succeeded" => body("/effect"),
        "step.failed" => format!("failed: {}", body("/cause/message")),
        "step.blocked" => format!("blocked: needs {}", body("/by")),
        "step.rested" => body("/why"),
        "run.ended" | "launch.ended" | "scope.ended" => body("/outcome"),
        "finding.opened" => format!("{}: {}", body("/severity"), body("/title")),
        FOUND => format!("{}: {}", body("/object"), body("/class")),
        GONE => body("/object"),
        ACCEPTED => format!("{} {}: {}", body("/object"), body("/field"), body("/reason")),
        ADOPTED => body("/reason"),
        "finding.closed" => body("/comment"),
        "hold.set" | "hold.released" | "redaction.made" => body("/reason"),
        _ => String::new(),
    }
}

/// The result in one word, as `result:` compares it.
fn result_word(entry: &Entry) -> Option<&str> {
    match entry.kind.as_str() {
        "step.failed" => Some("failed"),
        "step.blocked" => Some("blocked"),
        "step.succeeded" => text(entry, "/effect"),
        "step.rested" => text(entry, "/why"),
        _ => text(entry, "/outcome"),
    }
}

/// A file that an entry names, by its name and digest.
fn reference(named: Option<&BlobRef>) -> String {
    named.map_or_else(String::new, |named| format!("{} sha256:{}", named.path, named.sha256))
}

/// `1 entry`, `2 entries`.
fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
