//! Enrols the keys of people: what `sites/people.toml` says of them goes into the org log, where it counts from then on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use super::{known_person, to_read};
use crate::base::id::{LogId, PersonId};
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::people::{People, PersonKey};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};
use crate::people::enrolled::{self, ENROLLED, KeyChange, KeyRecord, NotEnrolled, RETIRED};
use crate::people::{key, key_records};

type Records = BTreeMap<String, KeyRecord>;

fn records(journal: &dyn Journal) -> Result<Records, Failure> {
    let lines = journal.read(&LogId::Org, 0)?;
    Ok(key_records(lines.iter().map(|line| &line.entry)))
}

fn changes(people: &People, records: &Records, typed: Option<&str>) -> Result<Vec<KeyChange>, Failure> {
    let logged = || records.values().map(|record| record.key.person.clone());
    let only = typed.map(|typed| known_person(people, logged(), typed)).transpose()?;
    enrolled::changes(people, records, only.as_ref()).map_err(|refused| {
        let told: Vec<String> = refused.iter().map(NotEnrolled::to_string).collect();
        Failure::Refused { reason: format!("{}; nothing was recorded", told.join("; ")) }
    })
}

/// What the org log does not say yet of the keys in the files, for one person or for all. Changes nothing.
///
/// # Errors
///
/// `Refused` if a key is somebody else's or was retired.
pub fn owed(context: &Context, people: &People, typed: Option<&str>) -> Result<Vec<KeyChange>, Failure> {
    let records = to_read(context)?.map_or(Ok(Records::new()), |journal| records(&journal))?;
    changes(people, &records, typed)
}

/// Records these changes, which somebody has seen. If meanwhile others are owed, nothing is recorded.
///
/// # Errors
///
/// If the org log is being written, or says something else by now.
pub fn enrol(
    context: &Context,
    people: &People,
    typed: Option<&str>,
    seen: &[KeyChange],
) -> Result<(), Failure> {
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    note::write(context, &mut journal, &LogId::Org, |journal| {
        let owed = changes(people, &records(journal)?, typed)?;
        if owed != seen {
            let reason = "somebody else has enrolled keys meanwhile; nothing was recorded".to_owned();
            return Err(Failure::Refused { reason });
        }
        let note = |change: &KeyChange| match change {
            KeyChange::Enrol(key) => Note::of(ENROLLED, key),
            KeyChange::Retire(key) => Note::of(RETIRED, key),
        };
        Ok((owed.iter().map(note).collect::<Result<Vec<_>, _>>()?, ()))
    })
    .map(drop)
}

/// A key, and whether somebody can sign with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyRow {
    /// Whose it is.
    pub person: PersonId,
    /// The fingerprint.
    pub fingerprint: String,
    /// How it stands on that day.
    pub state: KeyState,
    /// First day.
    pub from: String,
    /// Last day.
    pub until: Option<String>,
    /// When it was enrolled.
    pub enrolled: Option<Timestamp>,
    /// By whom.
    pub by: Option<String>,
    /// When it was retired.
    pub retired: Option<Timestamp>,
}

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Signatures by it count.
    Usable,
    /// It is only in the files.
    NotEnrolled,
    /// Its first day is still ahead.
    NotYet,
    /// Its last day is over.
    Over,
    /// The files say that nothing it signed counts.
    Revoked,
    /// The org log has retired it.
    Retired,
    /// It is in the org log and not in the files.
    NotInFiles,
}

/// Every key of the files and of the org log, as it stands on a day.
///
/// # Errors
///
/// If the org log cannot be read.
pub fn keys(context: &Context, people: &People, day: Date) -> Result<Vec<KeyRow>, Failure> {
    let records = to_read(context)?.map_or(Ok(Records::new()), |journal| records(&journal))?;
    let mut rows = Vec::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for person in people.persons.values() {
        for written in &person.keys {
            let Some(fingerprint) = key::fingerprint(&written.line) else { continue };
            let record = records.get_key_value(fingerprint.as_str());
            let record = record.filter(|(_, record)| record.key.person == person.id);
            told.extend(record.map(|(known, _)| known.as_str()));
            rows.push(in_files(&person.id, written, fingerprint.to_string(), record.map(|(_, r)| r), day));
        }
    }
    rows.extend(records.values().filter(|one| !told.contains(one.key.fingerprint.as_str())).map(logged_only));
    rows.sort_by(|a, b| (&a.person, &a.from, &a.fingerprint).cmp(&(&b.person, &b.from, &b.fingerprint)));
    Ok(rows)
}

fn in_files(
    person: &PersonId,
    written: &PersonKey,
    fingerprint: String,
    record: Option<&KeyRecord>,
    day: Date,
) -> KeyRow {
    let retired = record.and_then(|record| record.retired).map(|(at, _)| at);
    let state = if written.revoked.is_some() {
        KeyState::Revoked
    } else if retired.is_some() {
        KeyState::Retired
    } else if record.is_none() {
        KeyState::NotEnrolled
    } else if day < written.from {
        KeyState::NotYet
    } else if written.until.is_some_and(|until| until < day) {
        KeyState::Over
    } else {
        KeyState::Usable
    };
    KeyRow {
        person: person.clone(),
        fingerprint,
        state,
        from: written.from.to_string(),
        until: written.until.map(|day| day.to_string()),
        enrolled: record.map(|record| record.since),
        by: record.map(|record| record.by.clone()),
        retired,
    }
}

fn logged_only(record: &KeyRecord) -> KeyRow {
    let retired = record.retired.map(|(at, _)| at);
    KeyRow {
        person: record.key.person.clone(),
        fingerprint: record.key.fingerprint.clone(),
        state: if retired.is_some() { KeyState::Retired } else { KeyState::NotInFiles },
        from: record.key.from.to_string(),
        until: record.key.until.map(|day| day.to_string()),
        enrolled: Some(record.since),
        by: Some(record.by.clone()),
        retired,
    }
}
