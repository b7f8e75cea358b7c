//! What came of delivering, and how each sink stands.

use serde::Serialize;

use super::cursor::Cursor;
use crate::base::limits::NOTICE_AGE_MAX;
use crate::base::time::Timestamp;

/// Format version of a report.
pub const REPORT_VERSION: u32 = 1;

/// What came of delivering.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// The sinks in the order of the estate.
    pub sinks: Vec<Standing>,
    /// What went wrong for all of them.
    pub troubles: Vec<String>,
}

/// How a sink stands, and what was done for it just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Notices that it took just now.
    pub sent: u64,
    /// Notices that were given up just now, because nobody took them for too long.
    pub dropped: u64,
    /// Notices that wait.
    pub waiting: u64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
    /// When it is tried again, if it rests.
    pub next_try: Option<Timestamp>,
    /// What went wrong last.
    pub trouble: Option<String>,
    /// What was found wrong with its cursor or with a log.
    pub notes: Vec<String>,
    /// How far it was told.
    pub cursor: Cursor,
}

impl Standing {
    pub(super) fn new(name: &str, cursor: Cursor, notes: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            sent: 0,
            dropped: 0,
            waiting: 0,
            oldest: None,
            next_try: None,
            trouble: None,
            notes,
            cursor,
        }
    }

    fn troubles(&self) -> Vec<String> {
        let name = &self.name;
        let mut told: Vec<String> = self.notes.iter().map(|note| format!("{name}: {note}")).collect();
        if self.dropped > 0 {
            told.push(format!(
                "{name}: {} GIVEN UP: nobody took {} within {NOTICE_AGE_MAX}; landfall log still has what they told of",
                notices(self.dropped),
                if self.dropped == 1 { "it" } else { "them" }
            ));
        }
        let next = self.next_try.map(|at| format!(", next try from {at}")).unwrap_or_default();
        match &self.trouble {
            Some(why) if self.waiting > 0 => {
                let verb = if self.waiting == 1 { "waits" } else { "wait" };
                told.push(format!("{name}: {} {verb}: {why}{next}", notices(self.waiting)));
            }
            Some(why) => told.push(format!("{name}: {why}")),
            None => {}
        }
        told
    }
}

impl Report {
    /// Everything that went wrong, one line each.
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.iter().cloned().chain(self.sinks.iter().flat_map(Standing::troubles)).collect()
    }

    /// Whether everything that was due was taken and nothing is wrong.
    pub fn is_clear(&self) -> bool {
        self.troubles().is_empty()
    }
}

fn notices(count: u64) -> String {
    if count == 1 { "1 notice".to_owned() } else { format!("{count} notices") }
}
