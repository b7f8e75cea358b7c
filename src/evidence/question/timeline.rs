//! What happened, from first to last: each entry with who, what, result and the read-back it names.

use crate::base::time::Timestamp;

use super::super::answer::Answer;
use super::super::records::{Records, readback};
use super::{counted, reference, result, what};

const COLUMNS: [&str; 8] = ["entry", "at", "who", "what", "step", "result", "run", "read back"];

/// Which entries, from the first moment that counts to the first that no longer does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Period {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment after.
    pub until: Option<Timestamp>,
}

impl Period {
    /// Whether a moment is in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// The events of a log in their order.
pub fn timeline(records: &Records, period: &Period) -> Answer {
    let inside = records.entries.iter().filter(|entry| period.holds(entry.at));
    let row = |entry: &crate::model::entry::Entry| {
        vec![
            records.id(entry.seq),
            entry.at.to_string(),
            entry.actor.id.clone(),
            what(entry).to_owned(),
            entry.step.as_ref().map_or_else(String::new, ToString::to_string),
            result(entry),
            entry.run.as_ref().map_or_else(String::new, ToString::to_string),
            reference(readback(entry)),
        ]
    };
    let rows: Vec<Vec<String>> = inside.map(row).collect();
    let sentence = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => {
            let count = counted(rows.len(), "entry", "entries");
            format!(
                "{}: {count} of {}, from {} to {}.",
                records.log,
                records.entries.len(),
                first[1],
                last[1]
            )
        }
        _ => format!(
            "{}: no record in this period; the log has {}.",
            records.log,
            counted(records.entries.len(), "entry", "entries")
        ),
    };
    Answer { question: "timeline", sentence, columns: &COLUMNS, rows }
}
