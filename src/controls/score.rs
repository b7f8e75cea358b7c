//! How much of what is asked for is there, by theme: the first word of evidence kinds. Computed, never kept.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::time::Timestamp;
use crate::model::control::Missing;

use super::standing::{KindStanding, KindState};

/// One evidence kind as a line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindLine {
    /// The kind.
    pub kind: String,
    /// Where it stands, in a word.
    pub status: &'static str,
    /// Why it does not count; empty if it does.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// When the newest of it was collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// When it will be too old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Places in logs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub entries: String,
}

impl KindLine {
    /// A kind with its standing.
    pub fn of(kind: &str, standing: &KindStanding) -> Self {
        let places = standing.entries().into_iter().map(|(log, seqs)| {
            let seqs: Vec<String> = seqs.iter().map(u64::to_string).collect();
            format!("{log} {}", seqs.join(" "))
        });
        Self {
            kind: kind.to_owned(),
            status: word(standing.state),
            why: standing.why.clone(),
            newest: standing.newest,
            expires: standing.expires,
            entries: places.collect::<Vec<_>>().join("; "),
        }
    }

    /// A kind as a reader of rows knows it: what is missing of it, if anything is.
    pub fn told(kind: &str, missing: Option<&Missing>) -> Self {
        let state = match missing {
            None => KindState::Held,
            Some(missing) if missing.stale => KindState::Expired,
            Some(_) => KindState::NotRun,
        };
        Self {
            kind: kind.to_owned(),
            status: word(state),
            why: missing.map_or_else(String::new, |missing| missing.why.clone()),
            newest: None,
            expires: None,
            entries: String::new(),
        }
    }

    /// Whether nothing is missing.
    pub fn is_there(&self) -> bool {
        self.status == word(KindState::Held) || self.status == word(KindState::NotApplicable)
    }
}

/// Where a kind stands, as people who look for a record would say it.
pub fn word(state: KindState) -> &'static str {
    match state {
        KindState::Held => "PRESENT",
        KindState::Partial => "PARTIAL",
        KindState::Failed => "FAILED",
        KindState::Expired => "EXPIRED",
        KindState::NotRun | KindState::Manual => "MISSING",
        KindState::Waived => "WAIVED",
        KindState::NotApplicable => "NOT APPLICABLE",
    }
}

/// How many of the kinds that are asked for are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Kinds that are evidenced.
    pub evidenced: usize,
    /// Kinds that are asked for.
    pub required: usize,
}

impl Share {
    /// Takes in one kind. What does not apply is not asked for.
    pub fn take(&mut self, standing: &KindStanding) {
        if standing.state != KindState::NotApplicable {
            self.required += 1;
            self.evidenced += usize::from(standing.counts());
        }
    }

    /// Takes in another share.
    pub fn add(&mut self, other: Share) {
        self.evidenced += other.evidenced;
        self.required += other.required;
    }

    /// In whole percent, rounded down; everything if nothing is asked for.
    pub fn percent(&self) -> usize {
        (self.evidenced * 100).checked_div(self.required).unwrap_or(100)
    }

    /// As people write it: `3/4`.
    pub fn text(&self) -> String {
        format!("{}/{}", self.evidenced, self.required)
    }
}

/// The share of each theme.
pub fn themes(standings: &BTreeMap<String, KindStanding>) -> BTreeMap<String, Share> {
    let mut themes: BTreeMap<String, Share> = BTreeMap::new();
    for (kind, standing) in standings {
        let theme = kind.split('.').next().unwrap_or(kind);
        themes.entry(theme.to_owned()).or_default().take(standing);
    }
    themes
}

/// The share of everything.
pub fn share(standings: &BTreeMap<String, KindStanding>) -> Share {
    let mut all = Share::default();
    standings.values().for_each(|standing| all.take(standing));
    all
}
