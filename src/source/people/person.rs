//! Reads `[person.<handle>]` with their keys.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::PersonId;
use crate::base::limits::{PEOPLE_MAX, PERSON_KEYS_MAX};
use crate::base::span::Span;
use crate::model::people::{Person, PersonKey};
use crate::model::reader::{Reader, boolean, day, string};
use crate::model::tree::Table;
use crate::people::key::{self, ALGORITHMS, BadKey, Fingerprint};

use super::{WORDS, WRONG, too_many, words};

const DAY: &str = "a date such as 2027-01-11";

/// Whose key it is, and where it stands.
type Owners = BTreeMap<Fingerprint, (PersonId, Span)>;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> BTreeMap<PersonId, Person> {
    let Some((table, _)) = reader.table("person") else { return BTreeMap::new() };
    let (mut persons, mut owners) = (BTreeMap::new(), Owners::new());
    for (at, (name, entry)) in table.entries.iter().enumerate() {
        if too_many(at, PEOPLE_MAX, "people", &entry.key, reader.found()) {
            break;
        }
        let id = match PersonId::new(name.as_str()) {
            Ok(id) => id,
            Err(bad) => {
                reader.found().push(Diagnostic::error(WRONG, bad.rule).at(entry.key.clone(), "not a handle"));
                continue;
            }
        };
        match entry.tree.as_table() {
            Some(inner) => {
                let person = person(reader, &id, inner, entry.key.clone(), &mut owners);
                persons.insert(id, person);
            }
            None => reader.wrong(&entry.tree, name, "a table"),
        }
    }
    persons
}

fn person(
    reader: &mut Reader<'_, '_>,
    id: &PersonId,
    table: &Table,
    span: Span,
    owners: &mut Owners,
) -> Person {
    let what = format!("[person.{id}]");
    let mut inner = reader.inner(table, span.clone(), &what);
    let name = inner.optional("name", WORDS, words).map(|name| name.value);
    let automation = inner.optional("automation", "true or false", boolean).is_some_and(|is| is.value);
    let clinician = inner.optional("clinician", "true or false", boolean).is_some_and(|is| is.value);
    let keys = keys(&mut inner, id, owners);
    if automation && !keys.is_empty() {
        inner.found().push(
            Diagnostic::error(WRONG, format!("`{id}` is a program and has keys"))
                .at(span.clone(), "programs never sign decisions")
                .help("remove `keys`, or `automation = true` if this is a person"),
        );
    }
    if automation && clinician {
        let problem = Diagnostic::error(WRONG, format!("`{id}` cannot be a program and a clinician"));
        inner.found().push(problem.at(span.clone(), "").help("remove one of the two"));
    }
    inner.finish();
    Person { id: id.clone(), name, automation, clinician, keys, span }
}

fn keys(inner: &mut Reader<'_, '_>, id: &PersonId, owners: &mut Owners) -> Vec<PersonKey> {
    let tables = inner.tables("keys");
    let mut keys = Vec::new();
    for (at, (table, span)) in tables.into_iter().enumerate() {
        if too_many(at, PERSON_KEYS_MAX, "keys of one person", &span, inner.found()) {
            break;
        }
        let mut reader = inner.inner(table, span.clone(), "a key");
        let key = one_key(&mut reader, id, owners);
        reader.finish();
        keys.extend(key);
    }
    keys
}

fn one_key(reader: &mut Reader<'_, '_>, id: &PersonId, owners: &mut Owners) -> Option<PersonKey> {
    let line = reader.required("ssh", "the line of an OpenSSH public key file", string);
    let from = reader.required("from", DAY, day);
    let until = reader.optional("until", DAY, day);
    let revoked = reader.optional("revoked", DAY, day).map(|day| day.value);
    if let (Some(from), Some(until)) = (&from, &until)
        && until.value < from.value
    {
        reader.found().push(
            Diagnostic::error(WRONG, "the key ends before it begins")
                .at(until.span.clone(), "the last day")
                .at(from.span.clone(), "the first day"),
        );
        return None;
    }
    let line = line?;
    match key::read(&line.value) {
        Ok(read) => is_own(read.fingerprint, id, &line.span, owners, reader.found()).then_some(())?,
        Err(bad) => {
            reader.found().push(refused(&bad).at(line.span, "not usable"));
            return None;
        }
    }
    let line = key::without_comment(&line.value);
    Some(PersonKey { line, from: from?.value, until: until.map(|day| day.value), revoked })
}

/// A key that two people have says nothing about who signed.
fn is_own(
    fingerprint: Fingerprint,
    id: &PersonId,
    span: &Span,
    owners: &mut Owners,
    found: &mut Diagnostics,
) -> bool {
    if let Some((owner, first)) = owners.get(&fingerprint) {
        let message = if owner == id {
            format!("`{id}` has this key twice")
        } else {
            format!("`{owner}` and `{id}` have the same key")
        };
        found.push(
            Diagnostic::error(WRONG, message)
                .at(span.clone(), "the second time")
                .at(first.clone(), "the first time")
                .help("every person signs with a key of their own"),
        );
        return false;
    }
    owners.insert(fingerprint, (id.clone(), span.clone()));
    true
}

fn refused(bad: &BadKey) -> Diagnostic {
    let taken = ALGORITHMS.join(", ");
    let help = match bad {
        BadKey::Private => {
            "take it out and use it no more; `ssh` holds the line of the file that ends in .pub".to_owned()
        }
        BadKey::Algorithm(_) => {
            format!("keys of the sorts {taken} are taken; ssh-keygen -t ed25519 makes one")
        }
        BadKey::Malformed | BadKey::Mismatch => {
            format!("copy the one line of the .pub file; keys of the sorts {taken} are taken")
        }
    };
    Diagnostic::error(WRONG, bad.to_string()).help(help)
}
