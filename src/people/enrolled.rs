//! Folds the org log into the keys that count: a key that is only in a file opens nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::base::id::PersonId;
use crate::base::time::Timestamp;
use crate::model::calendar::clock;
use crate::model::electronic::{CHALLENGE_VERSION, CHALLENGED, Challenged, Issued};
use crate::model::entry;
use crate::model::people::{Enrolled, Enrolment, People, PersonKey};

/// Kind of the entry by which a key is known from now on.
pub const ENROLLED: &str = "key.enrolled";
/// Kind of the entry by which a key is not used any more.
pub const RETIRED: &str = "key.retired";
/// Format version of both entries' bodies.
pub const KEY_ENTRY_VERSION: u32 = 1;

/// The body of `key.enrolled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEnrolled {
    /// Format version.
    pub v: u32,
    /// Whose it is.
    pub person: PersonId,
    /// The public key's line without comment.
    pub key: String,
    /// Its fingerprint, `SHA256:…`.
    pub fingerprint: String,
    /// First day on which signatures by it count.
    #[serde(with = "clock::day")]
    pub from: Date,
    /// Last day.
    #[serde(default, with = "clock::optional_day", skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// The body of `key.retired`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRetired {
    /// Format version.
    pub v: u32,
    /// Whose it was.
    pub person: PersonId,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Why, as the files say it.
    pub reason: RetiredBecause,
}

/// Why a key was retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetiredBecause {
    /// The files do not have it any more.
    Gone,
    /// The files say from which day on nothing that it signed counts.
    Revoked,
}

/// Everything that the org log says about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// What was enrolled.
    pub key: KeyEnrolled,
    /// When.
    pub since: Timestamp,
    /// By whom, as the log names them.
    pub by: String,
    /// The entry's place in the org log.
    pub seq: u64,
    /// When it was retired, and why.
    pub retired: Option<(Timestamp, RetiredBecause)>,
}

/// Every key that the org log knows, by fingerprint. The first enrolment of a key is the one that stands: nobody takes a
/// key over by enrolling it again, and one that was retired does not come back. A later one of the same person gives it
/// other days. Entries of a newer format are left out,
/// so that nothing is opened by what is not understood.
pub fn key_records<'e>(entries: impl IntoIterator<Item = &'e entry::Entry>) -> BTreeMap<String, KeyRecord> {
    let mut records: BTreeMap<String, KeyRecord> = BTreeMap::new();
    for entry in entries {
        match entry.kind.as_str() {
            ENROLLED => {
                let Some(key) = body::<KeyEnrolled>(entry).filter(is_whole) else { continue };
                let record = KeyRecord {
                    since: entry.at,
                    by: entry.actor.id.clone(),
                    seq: entry.seq,
                    retired: None,
                    key,
                };
                match records.entry(record.key.fingerprint.clone()) {
                    Entry::Vacant(free) => drop(free.insert(record)),
                    Entry::Occupied(mut known) => {
                        let known = known.get_mut();
                        if known.key.person == record.key.person && known.retired.is_none() {
                            (known.key, known.seq) = (record.key, record.seq);
                        }
                    }
                }
            }
            RETIRED => {
                let Some(gone) = body::<KeyRetired>(entry) else { continue };
                let record = records.get_mut(&gone.fingerprint);
                if let Some(record) = record.filter(|record| record.key.person == gone.person) {
                    record.retired.get_or_insert((entry.at, gone.reason));
                }
            }
            _ => {}
        }
    }
    records
}

/// The keys that count, from the entries of the org log, oldest first.
pub fn enrolled<'e>(entries: impl IntoIterator<Item = &'e entry::Entry>) -> Enrolled {
    let mut challenges = BTreeMap::new();
    let entries = entries.into_iter().inspect(|entry| challenge(entry, &mut challenges));
    let records = key_records(entries);
    let of = |(fingerprint, record): (String, KeyRecord)| {
        let retired = record.retired.map(|(at, _)| at);
        (fingerprint, Enrolment { person: record.key.person, since: record.since, retired })
    };
    Enrolled { keys: records.into_iter().map(of).collect(), challenges }
}

/// A challenge that was given out. The first of its words stands.
fn challenge(entry: &entry::Entry, challenges: &mut BTreeMap<String, Issued>) {
    if entry.kind != CHALLENGED {
        return;
    }
    let given = serde_json::from_value::<Challenged>(entry.body.clone()).ok();
    if let Some(given) = given.filter(|given| given.v == CHALLENGE_VERSION) {
        let Challenged { person, subject, nonce, .. } = given;
        challenges.entry(nonce).or_insert(Issued { person, subject, at: entry.at });
    }
}

/// Something that the files say about a key and the org log does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// It is to be known from now on, or on other days than before.
    Enrol(KeyEnrolled),
    /// It is not to be used any more.
    Retire(KeyRetired),
}

/// Why a key cannot be enrolled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEnrolled {
    /// The org log knows it as somebody else's.
    #[error("{fingerprint} of `{person}` was enrolled by `{owner}`: a key belongs to one person for ever")]
    Taken {
        /// Whose the files say it is.
        person: PersonId,
        /// Whose it is.
        owner: PersonId,
        /// The key.
        fingerprint: String,
    },
    /// It was retired once.
    #[error("{fingerprint} of `{person}` was retired: a key does not come back, make a new one")]
    Retired {
        /// Whose it is.
        person: PersonId,
        /// The key.
        fingerprint: String,
    },
}

/// What has to be written into the org log so that it says what the files say, for one person or for all.
///
/// # Errors
///
/// Every key that cannot be enrolled. Nothing is to be written then.
pub fn changes(
    people: &People,
    records: &BTreeMap<String, KeyRecord>,
    only: Option<&PersonId>,
) -> Result<Vec<KeyChange>, Vec<NotEnrolled>> {
    let (mut changes, mut refused) = (Vec::new(), Vec::new());
    let mut in_files: BTreeMap<String, &PersonId> = BTreeMap::new();
    let concerns = |person: &PersonId| only.is_none_or(|only| only == person);
    for person in people.persons.values().filter(|person| concerns(&person.id) && !person.automation) {
        for key in &person.keys {
            let Some(fingerprint) = super::key::fingerprint(&key.line) else { continue };
            let fingerprint = fingerprint.to_string();
            in_files.insert(fingerprint.clone(), &person.id);
            match change(&person.id, key, &fingerprint, records.get(&fingerprint)) {
                Ok(change) => changes.extend(change),
                Err(no) => refused.push(no),
            }
        }
    }
    let gone = records.values().filter(|record| {
        let of = &record.key.person;
        concerns(of) && record.retired.is_none() && in_files.get(&record.key.fingerprint) != Some(&of)
    });
    changes.extend(gone.map(|record| KeyChange::Retire(retired(&record.key, RetiredBecause::Gone))));
    if refused.is_empty() { Ok(changes) } else { Err(refused) }
}

fn change(
    person: &PersonId,
    key: &PersonKey,
    fingerprint: &str,
    record: Option<&KeyRecord>,
) -> Result<Option<KeyChange>, NotEnrolled> {
    let wanted = KeyEnrolled {
        v: KEY_ENTRY_VERSION,
        person: person.clone(),
        key: key.line.clone(),
        fingerprint: fingerprint.to_owned(),
        from: key.from,
        until: key.until,
    };
    let (person, fingerprint) = (person.clone(), fingerprint.to_owned());
    match record {
        Some(record) if record.key.person != person => {
            Err(NotEnrolled::Taken { person, owner: record.key.person.clone(), fingerprint })
        }
        Some(record) => match (record.retired.is_some(), key.revoked.is_some()) {
            (true, true) => Ok(None),
            (true, false) => Err(NotEnrolled::Retired { person, fingerprint }),
            (false, true) => Ok(Some(KeyChange::Retire(retired(&wanted, RetiredBecause::Revoked)))),
            (false, false) => Ok((record.key != wanted).then_some(KeyChange::Enrol(wanted))),
        },
        // A key that is revoked already was never to be used.
        None => Ok(key.revoked.is_none().then_some(KeyChange::Enrol(wanted))),
    }
}

fn retired(key: &KeyEnrolled, reason: RetiredBecause) -> KeyRetired {
    KeyRetired {
        v: KEY_ENTRY_VERSION,
        person: key.person.clone(),
        fingerprint: key.fingerprint.clone(),
        reason,
    }
}

fn body<T: for<'d> Deserialize<'d>>(entry: &entry::Entry) -> Option<T> {
    let known = entry.body.get("v").and_then(serde_json::Value::as_u64) == Some(u64::from(KEY_ENTRY_VERSION));
    known.then(|| T::deserialize(&entry.body).ok()).flatten()
}

/// The fingerprint is that of the key beside it.
fn is_whole(key: &KeyEnrolled) -> bool {
    super::key::fingerprint(&key.key).is_some_and(|found| found.as_str() == key.fingerprint)
}

#[cfg(test)]
mod tests {
    use super::super::key::{self, tests::line};
    use super::*;
    use crate::base::id::LogId;
    use crate::model::entry::{Actor, ActorKind, Entry};
    use serde_json::{Value, json};

    fn entry(seq: u64, kind: &str, body: Value) -> Entry {
        Entry {
            v: 1,
            seq,
            at: Timestamp::from_millis(i64::try_from(seq).unwrap() * 1_000),
            log: LogId::Org,
            run: None,
            kind: kind.to_owned(),
            step: None,
            actor: Actor { kind: ActorKind::Person, id: "keeper".to_owned() },
            plan: None,
            refs: Vec::new(),
            body,
            salt: String::new(),
        }
    }

    fn enrol(seq: u64, person: &str, byte: u8) -> Entry {
        let line = line(byte);
        let fingerprint = key::fingerprint(&line).unwrap();
        let body = json!({ "v": 1, "person": person, "key": line, "fingerprint": fingerprint.as_str(), "from": "2027-01-01" });
        entry(seq, ENROLLED, body)
    }

    fn retire(seq: u64, person: &str, byte: u8) -> Entry {
        let fingerprint = key::fingerprint(&line(byte)).unwrap();
        let body =
            json!({ "v": 1, "person": person, "fingerprint": fingerprint.as_str(), "reason": "revoked" });
        entry(seq, RETIRED, body)
    }

    fn told(entries: &[Entry]) -> Vec<String> {
        let keys = enrolled(entries).keys;
        let mut told: Vec<String> = keys
            .values()
            .map(|one| {
                let retired = one.retired.map(|at| at.as_millis() / 1_000);
                format!("{} {} {retired:?}", one.person, one.since.as_millis() / 1_000)
            })
            .collect();
        told.sort();
        told
    }

    #[test]
    fn keys_are_known_from_their_enrolment_until_they_are_retired() {
        let log = [enrol(1, "pm", 1), enrol(2, "compliance-lead", 2), retire(5, "pm", 1)];
        assert_eq!(told(&log), ["compliance-lead 2 None", "pm 1 Some(5)"]);
    }

    #[test]
    fn nobody_takes_a_key_over_and_a_retired_one_does_not_come_back() {
        let log = [enrol(1, "pm", 1), enrol(2, "rival", 1), retire(3, "rival", 1)];
        assert_eq!(told(&log), ["pm 1 None"]);
        let log = [enrol(1, "pm", 1), retire(2, "pm", 1), enrol(3, "pm", 1), retire(4, "pm", 1)];
        assert_eq!(told(&log), ["pm 1 Some(2)"]);
    }

    #[test]
    fn entries_that_are_not_understood_or_do_not_fit_themselves_open_nothing() {
        let newer = {
            let mut newer = enrol(1, "pm", 1);
            newer.body["v"] = json!(2);
            newer
        };
        let forged = {
            let mut forged = enrol(2, "pm", 2);
            forged.body["key"] = json!(line(3));
            forged
        };
        let other_kind = entry(3, "wave.started", enrol(3, "pm", 4).body);
        assert_eq!(told(&[newer, forged, other_kind, entry(4, ENROLLED, json!([]))]), Vec::<String>::new());
    }

    /// People with keys: `pm 1`, `pm 2 revoked`, `pm 3 2028-01-01`.
    fn people(text: &str) -> People {
        let mut people = super::super::tests::people("");
        let span = super::super::tests::people("conflict a b").conflicts[0].span.clone();
        for line_of in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line_of.split(' ').collect();
            let day = |at: usize| words.get(at).and_then(|word| word.parse().ok());
            let key = PersonKey {
                line: line(words[1].parse().unwrap()),
                from: "2027-01-01".parse().unwrap(),
                until: day(2),
                revoked: words
                    .get(2)
                    .filter(|word| **word == "revoked")
                    .map(|_| "2027-05-01".parse().unwrap()),
            };
            let id: PersonId = words[0].parse().unwrap();
            let person = people.persons.entry(id.clone()).or_insert_with(|| crate::model::people::Person {
                id,
                name: None,
                automation: false,
                clinician: false,
                keys: Vec::new(),
                span: span.clone(),
            });
            person.keys.push(key);
        }
        people
    }

    fn owed(files: &str, log: &[Entry]) -> String {
        let told = |change: KeyChange| match change {
            KeyChange::Enrol(key) => {
                format!("enrol {} {:?}", key.person, key.until.map(|day| day.to_string()))
            }
            KeyChange::Retire(key) => format!("retire {} {:?}", key.person, key.reason),
        };
        match changes(&people(files), &key_records(log), None) {
            Ok(changes) => changes.into_iter().map(told).collect::<Vec<_>>().join(", "),
            Err(refused) => format!("{} refused", refused.len()),
        }
    }

    #[test]
    fn the_log_follows_the_files() {
        assert_eq!(owed("pm 1", &[]), "enrol pm None");
        assert_eq!(owed("pm 1", &[enrol(1, "pm", 1)]), "");
        assert_eq!(owed("pm 1 2028-01-01", &[enrol(1, "pm", 1)]), "enrol pm Some(\"2028-01-01\")");
        assert_eq!(owed("pm 1 revoked", &[enrol(1, "pm", 1)]), "retire pm Revoked");
        assert_eq!(owed("pm 2", &[enrol(1, "pm", 1)]), "enrol pm None, retire pm Gone");
        assert_eq!(owed("pm 1 revoked", &[]), "");
        assert_eq!(owed("pm 1 revoked", &[enrol(1, "pm", 1), retire(2, "pm", 1)]), "");
    }

    #[test]
    fn a_key_of_somebody_else_or_a_retired_one_stops_everything() {
        assert_eq!(owed("rival 1\nother 2", &[enrol(1, "pm", 1)]), "1 refused");
        assert_eq!(owed("pm 1", &[enrol(1, "pm", 1), retire(2, "pm", 1)]), "1 refused");
    }
}
