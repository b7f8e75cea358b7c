//! The personas of a rehearsal: everybody in the estate's files gets a key for its time, and signs with it as people do.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signer as _, SigningKey};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::base::id::{LogId, PersonId};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::entropy::Entropy;
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::sshsig::people::{Hash, armour, message, plain_signature};
use crate::journal::Journal;
use crate::model::calendar::zone;
use crate::model::entry::{Actor, ActorKind, EntryDraft};
use crate::model::people::{People, PersonKey};
use crate::model::signed::{NAMESPACE, Signed, Statement};
use crate::ops::error::Failure;
use crate::people::enrolled::{ENROLLED, KEY_ENTRY_VERSION, KeyEnrolled};
use crate::people::{How, Seat, may_act};

/// Everybody who signs, with their keys. The keys follow from the seed and are never written anywhere.
pub struct Cast {
    people: People,
    keys: BTreeMap<PersonId, SigningKey>,
    zone: TimeZone,
}

/// Somebody who can act in a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Who.
    pub person: PersonId,
    /// The holder that they stand in for.
    pub instead_of: Option<PersonId>,
}

impl Cast {
    /// Gives everybody who is no program a key that counts from a day on, in place of those in the files.
    ///
    /// # Errors
    ///
    /// If a key cannot be made.
    pub fn new(people: &People, seed: u64, from: Date, zone: TimeZone) -> Result<Self, Failure> {
        let mut people = people.clone();
        let mut keys = BTreeMap::new();
        for person in people.persons.values_mut() {
            person.keys.clear();
            if person.automation {
                continue;
            }
            if !people.part11.is_empty() {
                // Electronic records print a name; whoever has none in the files goes by the handle here.
                person.name.get_or_insert_with(|| person.id.to_string());
            }
            let bytes = Entropy::Seeded(seed).bytes(&format!("persona {}", person.id));
            let key = SigningKey::from_bytes(&bytes.map_err(|error| Failure::failed(error.to_string()))?);
            let line = public(&key)?.line();
            person.keys.push(PersonKey { line, from, until: None, revoked: None });
            keys.insert(person.id.clone(), key);
        }
        Ok(Self { people, keys, zone })
    }

    /// Who is who in the rehearsal.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Writes the keys into the rehearsal's own org log, where they count from then on.
    ///
    /// # Errors
    ///
    /// If the log cannot be written.
    pub fn enrol(&self, journal: &mut dyn Journal, from: Date, now: Timestamp) -> Result<(), Failure> {
        let mut drafts = Vec::new();
        for (person, key) in &self.keys {
            let public = public(key)?;
            let body = KeyEnrolled {
                v: KEY_ENTRY_VERSION,
                person: person.clone(),
                key: public.line(),
                fingerprint: public.fingerprint(),
                from,
                until: None,
            };
            drafts.push(EntryDraft {
                log: LogId::Org,
                at: now,
                run: None,
                kind: ENROLLED.to_owned(),
                step: None,
                actor: Actor { kind: ActorKind::Rehearsal, id: "rehearsal".to_owned() },
                plan: None,
                refs: Vec::new(),
                body: serde_json::to_value(body).map_err(|error| Failure::failed(error.to_string()))?,
            });
        }
        let lease = journal.take_lease(&LogId::Org, "rehearsal", now, limits::LEASE)?;
        let appended = journal.append(&[&lease], drafts);
        journal.release(&lease)?;
        appended?;
        Ok(())
    }

    /// Who acts in a seat at a moment: the holder, else who stands in, but for those who are kept out.
    pub fn player(
        &self,
        seat: &Seat,
        clinician: bool,
        kept_out: &BTreeSet<PersonId>,
        now: Timestamp,
    ) -> Option<Player> {
        let today = zone::local(&self.zone, now).date();
        let fits = |person: &PersonId| {
            let known = self.people.persons.get(person);
            !kept_out.contains(person) && (!clinician || known.is_some_and(|known| known.clinician))
        };
        let (person, how) = may_act(&self.people, seat, today).into_iter().find(|(who, _)| fits(who))?;
        let instead_of = match how {
            How::Backup { of } | How::Delegate { of } => Some(of),
            How::Holder => None,
        };
        Some(Player { person, instead_of })
    }

    /// Signs a statement with the key of whoever makes it.
    ///
    /// # Errors
    ///
    /// If they have none.
    pub fn sign(&self, statement: Statement) -> Result<Signed, Failure> {
        let key = self.keys.get(&statement.person);
        let key = key.ok_or_else(|| Failure::failed(format!("{} has no key", statement.person)))?;
        let public = public(key)?;
        let signature = key.sign(&message(NAMESPACE, Hash::Sha512, &statement.bytes())).to_bytes();
        let signature = armour(&public, NAMESPACE, Hash::Sha512, &plain_signature(&public, &signature));
        Ok(Signed { statement, signature, key: public.fingerprint() })
    }
}

fn public(key: &SigningKey) -> Result<PublicKey, Failure> {
    PublicKey::ed25519(*key.verifying_key().as_bytes()).map_err(|error| Failure::failed(error.to_string()))
}
