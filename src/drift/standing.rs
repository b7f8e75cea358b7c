//! What a log knows of drift: the fold over its entries, and what is new against it.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use crate::base::digest::Digest;
use crate::base::time::Timestamp;
use crate::model::adoption::ADOPTED;
use crate::model::drift::{ACCEPTED, Acceptance, Drift, DriftAccepted, DriftFound, DriftGone, FOUND, GONE};
use crate::model::entry::Entry;

/// What one log knows of drift.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standings {
    open: BTreeMap<String, Open>,
    accepted: BTreeMap<(String, String), (Digest, Acceptance)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Open {
    signature: Digest,
    since: Timestamp,
}

/// An entry about drift that is not what its kind promises.
#[derive(Debug, thiserror::Error)]
#[error("entry {seq} ({kind}) cannot be understood")]
pub struct BadDrift {
    /// Its place.
    pub seq: u64,
    /// Its kind.
    pub kind: String,
    /// What is wrong with the body.
    #[source]
    pub source: serde_json::Error,
}

/// What is to be recorded: each change of where an object stands.
#[derive(Debug, Clone, PartialEq)]
pub enum News<'d> {
    /// Drift that was not there, or was another.
    Found(&'d Drift),
    /// Drift that is no longer there.
    Gone(DriftGone),
}

impl Standings {
    /// What a log comes to.
    ///
    /// # Errors
    ///
    /// At the first entry about drift that cannot be understood.
    pub fn from_entries<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Self, BadDrift> {
        let mut standings = Self::default();
        for entry in entries {
            standings.fold(entry)?;
        }
        Ok(standings)
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), BadDrift> {
        match entry.kind.as_str() {
            FOUND => {
                let DriftFound { object, signature, .. } = body(entry)?;
                // First sight counts, however the drift goes on.
                let since = self.open.get(&object).map_or(entry.at, |open| open.since);
                self.open.insert(object, Open { signature, since });
            }
            GONE => {
                let DriftGone { object } = body(entry)?;
                self.open.remove(&object);
            }
            ACCEPTED => {
                let DriftAccepted { object, field, value, owner, until, reason } = body(entry)?;
                let acceptance = Acceptance { owner, until, reason, by: entry.actor.clone(), at: entry.at };
                self.accepted.insert((object, field), (value, acceptance));
            }
            // A run, or whoever took the object over, saw what is there and recorded it as what we hold.
            "step.succeeded" | ADOPTED => {
                if let Some(step) = &entry.step {
                    self.open.remove(step.as_str());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds to a finding what is known of it: since when, and what was accepted.
    pub fn tell(&self, drift: &mut Drift, now: Timestamp) {
        let open = self.open.get(&drift.object);
        drift.since = open.map(|open| open.since);
        for field in &mut drift.fields {
            let accepted = self.accepted.get(&(drift.object.clone(), field.at.clone()));
            let holds =
                accepted.filter(|(value, acceptance)| *value == field.value && now < acceptance.until);
            field.accepted = holds.map(|(_, acceptance)| acceptance.clone());
        }
    }

    /// What is new in findings of this log's scope. Of objects that could not be compared nothing is said.
    pub fn news<'d>(
        &self,
        drifts: impl IntoIterator<Item = &'d Drift>,
        unsettled: &BTreeSet<&str>,
    ) -> Vec<News<'d>> {
        let mut news = Vec::new();
        let mut seen = BTreeSet::new();
        for drift in drifts {
            seen.insert(drift.object.as_str());
            let known = self.open.get(&drift.object);
            if known.is_none_or(|open| open.signature != drift.signature()) {
                news.push(News::Found(drift));
            }
        }
        let gone = |object: &&String| !seen.contains(object.as_str()) && !unsettled.contains(object.as_str());
        news.extend(
            self.open.keys().filter(gone).map(|object| News::Gone(DriftGone { object: object.clone() })),
        );
        news
    }
}

fn body<T: DeserializeOwned>(entry: &Entry) -> Result<T, BadDrift> {
    serde_json::from_value(entry.body.clone()).map_err(|source| BadDrift {
        seq: entry.seq,
        kind: entry.kind.clone(),
        source,
    })
}
