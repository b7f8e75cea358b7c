//! JSON documents by (collection, scope, key), in memory and, given a folder, in a SQLite file.
//!
//! A request's changes are one transaction: they are written to the file before the request is answered, or
//! taken back. The file survives the death of the process; it is not meant to survive a power cut.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::SandboxError;
use crate::base::time::{Millis, Timestamp};

/// Rows of one scope.
pub(super) type Rows = BTreeMap<String, Value>;
/// Where a document lives: collection, scope, key.
type Place = (String, String, String);

const FILE: &str = "sandbox.sqlite";
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS documents (
        collection TEXT NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (collection, scope, key)
    ) WITHOUT ROWID;";
/// Version of the file's layout, kept in SQLite's `user_version`.
const LAYOUT: i64 = 1;

/// How reads see documents that were written lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum View {
    /// As they are.
    #[default]
    Fresh,
    /// As they were before a write that is younger than this.
    Settling(Timestamp, Millis),
    /// As they were before their last write, or not at all, for so many reads.
    Stale {
        /// Reads after each write.
        reads: u32,
        /// Whether they look absent rather than old.
        absent: bool,
    },
}

#[derive(Debug)]
struct Before {
    value: Option<Value>,
    written: Timestamp,
    reads: u32,
}

/// All documents.
#[derive(Debug, Default)]
pub(super) struct Store {
    collections: BTreeMap<String, BTreeMap<String, Rows>>,
    undo: Vec<(Place, Option<Value>)>,
    before: BTreeMap<Place, Before>,
    view: View,
    stale_served: bool,
    disk: Option<Connection>,
}

impl Store {
    /// A store with what the folder's file holds, if a folder is given.
    ///
    /// # Errors
    /// If the file cannot be opened or read.
    pub fn open(folder: Option<&Path>) -> Result<Store, SandboxError> {
        let Some(folder) = folder else { return Ok(Store::default()) };
        std::fs::create_dir_all(folder)
            .map_err(|source| SandboxError::Folder { path: folder.to_owned(), source })?;
        let path = folder.join(FILE);
        let state = |source| SandboxError::State { path: path.clone(), source };
        let disk = connect(&path).map_err(state)?;
        let mut store = Store::default();
        for (place, body) in rows(&disk).map_err(state)? {
            let value = serde_json::from_str(&body).map_err(|_| damaged(&path, &place))?;
            store.set(place, Some(value));
        }
        store.disk = Some(disk);
        Ok(store)
    }

    /// The document, as it is.
    pub fn get(&self, collection: &str, scope: &str, key: &str) -> Option<&Value> {
        self.collections.get(collection)?.get(scope)?.get(key)
    }

    /// All documents of a scope, as they are.
    pub fn rows(&self, collection: &str, scope: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.collections.get(collection).and_then(|scopes| scopes.get(scope)).into_iter().flatten()
    }

    /// The last key of a scope, in the order of keys.
    pub fn last_key(&self, collection: &str, scope: &str) -> Option<&String> {
        self.collections.get(collection)?.get(scope)?.last_key_value().map(|(key, _)| key)
    }

    /// The document as a read shows it, which may be what it was before.
    pub fn read(&mut self, collection: &str, scope: &str, key: &str) -> Option<Value> {
        let place = (collection.to_owned(), scope.to_owned(), key.to_owned());
        match self.earlier(&place) {
            Some(earlier) => earlier,
            None => self.get(collection, scope, key).cloned(),
        }
    }

    /// The documents of a scope whose keys begin so, as they are.
    pub fn rows_below<'s>(
        &'s self,
        collection: &str,
        scope: &'s str,
        prefix: &'s str,
    ) -> impl Iterator<Item = (&'s String, &'s Value)> {
        let scopes = self.collections.get(collection).into_iter();
        let rows = scopes.filter_map(move |scopes| scopes.get(scope));
        let from = (Bound::Included(prefix), Bound::Unbounded);
        rows.flat_map(move |rows| rows.range::<str, _>(from))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// All documents of a scope as a read shows them.
    pub fn read_rows(&mut self, collection: &str, scope: &str) -> Rows {
        self.read_where(collection, scope, "", |_, _| true)
    }

    /// The documents of a scope whose keys begin so and which pass, as a read shows them. A metastore has those of
    /// hundreds of sites, and a list wants those of one: no others are copied.
    pub fn read_where(
        &mut self,
        collection: &str,
        scope: &str,
        prefix: &str,
        passes: impl Fn(&Self, &Value) -> bool,
    ) -> Rows {
        let wanted = self.rows_below(collection, scope, prefix).filter(|(_, value)| passes(self, value));
        let mut rows: Rows = wanted.map(|(key, value)| (key.clone(), value.clone())).collect();
        if self.view == View::Fresh {
            return rows;
        }
        let first = (collection.to_owned(), scope.to_owned(), prefix.to_owned());
        let lately: Vec<Place> = self
            .before
            .range(first..)
            .map(|(place, _)| place)
            .take_while(|place| place.0 == collection && place.1 == scope && place.2.starts_with(prefix))
            .cloned()
            .collect();
        for place in lately {
            match self.earlier(&place) {
                Some(Some(value)) if passes(self, &value) => drop(rows.insert(place.2, value)),
                Some(_) => drop(rows.remove(&place.2)),
                None => {}
            }
        }
        rows
    }

    /// What the view shows instead of the document, if anything.
    fn earlier(&mut self, place: &Place) -> Option<Option<Value>> {
        let before = self.before.get_mut(place)?;
        match self.view {
            View::Fresh => None,
            View::Settling(now, settle) => (now.since(before.written) < settle).then(|| before.value.clone()),
            View::Stale { reads, absent } => {
                if before.reads >= reads {
                    return None;
                }
                before.reads += 1;
                self.stale_served = true;
                Some(before.value.clone().filter(|_| !absent))
            }
        }
    }

    /// Sets how reads see lately written documents, and forgets whether a stale one was served.
    pub fn set_view(&mut self, view: View) {
        self.view = view;
        self.stale_served = false;
    }

    /// Whether a stale document was served since the view was set.
    pub fn stale_served(&self) -> bool {
        self.stale_served
    }

    /// Writes a document.
    pub fn put(&mut self, collection: &str, scope: &str, key: &str, value: Value) {
        let place = (collection.to_owned(), scope.to_owned(), key.to_owned());
        let old = self.set(place.clone(), Some(value));
        self.undo.push((place, old));
    }

    /// Takes a document away.
    pub fn remove(&mut self, collection: &str, scope: &str, key: &str) -> Option<Value> {
        let place = (collection.to_owned(), scope.to_owned(), key.to_owned());
        let old = self.set(place.clone(), None);
        if old.is_some() {
            self.undo.push((place, old.clone()));
        }
        old
    }

    /// Takes away every document of a scope whose key passes.
    pub fn remove_where(&mut self, collection: &str, scope: &str, passes: impl Fn(&str) -> bool) {
        let keys: Vec<String> =
            self.rows(collection, scope).map(|(key, _)| key.clone()).filter(|key| passes(key)).collect();
        for key in keys {
            self.remove(collection, scope, &key);
        }
    }

    /// The next birth of this natural key.
    pub fn birth(&mut self, kind: &str, natural_key: &str) -> u64 {
        let born = self.get("births", kind, natural_key).and_then(Value::as_u64).unwrap_or(0) + 1;
        self.put("births", kind, natural_key, json!(born));
        born
    }

    /// Makes the changes since the last commit last.
    ///
    /// # Errors
    /// If the file cannot be written; the changes are then taken back.
    pub fn commit(&mut self, now: Timestamp) -> Result<(), rusqlite::Error> {
        if self.undo.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.write() {
            self.roll_back();
            return Err(error);
        }
        let mut first_old: BTreeMap<Place, Option<Value>> = BTreeMap::new();
        for (place, old) in self.undo.drain(..) {
            first_old.entry(place).or_insert(old);
        }
        for (place, value) in first_old {
            // Nobody reads these as a client reads objects.
            if place.0 != "births" && place.0 != super::audit::COLLECTION {
                self.before.insert(place, Before { value, written: now, reads: 0 });
            }
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), rusqlite::Error> {
        let Some(disk) = self.disk.as_mut() else { return Ok(()) };
        let transaction = disk.transaction()?;
        for (place, _) in &self.undo {
            let (collection, scope, key) = place;
            let value = self.collections.get(collection).and_then(|s| s.get(scope)).and_then(|r| r.get(key));
            match value {
                Some(value) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO documents VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![collection, scope, key, value.to_string()])?,
                None => transaction
                    .prepare_cached("DELETE FROM documents WHERE collection=?1 AND scope=?2 AND key=?3")?
                    .execute(params![collection, scope, key])?,
            };
        }
        transaction.commit()
    }

    /// Forgets how documents were before: every view shows them as they are.
    pub fn settle(&mut self) {
        self.before.clear();
    }

    /// Takes the changes since the last commit back.
    pub fn roll_back(&mut self) {
        while let Some((place, old)) = self.undo.pop() {
            self.set(place, old);
        }
    }

    /// Every collection with its scopes and rows, for a dump.
    pub fn all(&self) -> &BTreeMap<String, BTreeMap<String, Rows>> {
        &self.collections
    }

    fn set(&mut self, (collection, scope, key): Place, value: Option<Value>) -> Option<Value> {
        let rows = self.collections.entry(collection).or_default().entry(scope).or_default();
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let disk = Connection::open(path)?;
    disk.pragma_update(None, "journal_mode", "WAL")?;
    disk.pragma_update(None, "synchronous", "NORMAL")?;
    disk.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let layout: i64 =
        disk.query_row("PRAGMA user_version", [], |row| row.get(0)).optional()?.unwrap_or_default();
    if layout != 0 && layout != LAYOUT {
        return Err(rusqlite::Error::IntegralValueOutOfRange(0, layout));
    }
    disk.execute_batch(SCHEMA)?;
    disk.pragma_update(None, "user_version", LAYOUT)?;
    Ok(disk)
}

fn rows(disk: &Connection) -> Result<Vec<(Place, String)>, rusqlite::Error> {
    let mut statement = disk.prepare("SELECT collection, scope, key, body FROM documents")?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)))?;
    rows.collect()
}

fn damaged(path: &Path, place: &Place) -> SandboxError {
    SandboxError::Damaged { path: PathBuf::from(path), collection: place.0.clone(), key: place.2.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_is_rolled_back_never_was() {
        let mut store = Store::default();
        store.put("c", "s", "a", json!(1));
        store.commit(at(0)).expect("memory");
        store.put("c", "s", "a", json!(2));
        store.put("c", "s", "b", json!(3));
        store.remove("c", "s", "a");
        store.roll_back();
        assert_eq!(store.get("c", "s", "a"), Some(&json!(1)));
        assert_eq!(store.get("c", "s", "b"), None);
    }

    #[test]
    fn a_settling_read_shows_what_was_before_the_write() {
        let mut store = Store::default();
        store.put("c", "s", "a", json!(1));
        store.commit(at(0)).expect("memory");
        store.set_view(View::Settling(at(999), Millis(1000)));
        assert_eq!(store.read("c", "s", "a"), None);
        assert!(store.read_rows("c", "s").is_empty());
        store.set_view(View::Settling(at(1000), Millis(1000)));
        assert_eq!(store.read("c", "s", "a"), Some(json!(1)));
    }

    #[test]
    fn a_stale_read_lasts_for_its_number_of_reads_after_each_write() {
        let mut store = Store::default();
        for value in [1, 2] {
            store.put("c", "s", "a", json!(value));
            store.commit(at(0)).expect("memory");
        }
        store.set_view(View::Stale { reads: 2, absent: false });
        let seen: Vec<_> = (0..3).map(|_| store.read("c", "s", "a")).collect();
        assert_eq!(seen, [Some(json!(1)), Some(json!(1)), Some(json!(2))]);
        store.remove("c", "s", "a");
        store.commit(at(0)).expect("memory");
        assert_eq!(store.read("c", "s", "a"), Some(json!(2)));
        store.put("c", "s", "a", json!(4));
        store.commit(at(0)).expect("memory");
        store.set_view(View::Stale { reads: 1, absent: true });
        assert_eq!(store.read("c", "s", "a"), None);
        assert!(store.stale_served());
    }

    #[test]
    fn a_list_shows_what_begins_so_and_passes_as_a_read_sees_it() {
        let mut store = Store::default();
        for (key, value) in [("a", 0), ("a.x", 1), ("a.y", 2), ("ab.x", 3), ("b.x", 4)] {
            store.put("c", "s", key, json!(value));
        }
        store.commit(at(0)).expect("memory");
        let odd = |_: &Store, value: &Value| value.as_u64().is_some_and(|value| value % 2 == 1);
        let keys = |rows: Rows| rows.into_keys().collect::<Vec<_>>();
        assert_eq!(keys(store.read_where("c", "s", "a.", |_, _| true)), ["a.x", "a.y"]);
        assert_eq!(keys(store.read_where("c", "s", "", odd)), ["a.x", "ab.x"]);
        assert_eq!(keys(store.read_where("c", "s", "c", |_, _| true)), Vec::<String>::new());
        // What was odd before its last write still is, and what became odd is not yet.
        store.put("c", "s", "a.x", json!(6));
        store.put("c", "s", "a.y", json!(7));
        store.commit(at(2_000)).expect("memory");
        store.set_view(View::Settling(at(2_999), Millis(1000)));
        assert_eq!(keys(store.read_where("c", "s", "a.", odd)), ["a.x"]);
        store.set_view(View::Settling(at(3_000), Millis(1000)));
        assert_eq!(keys(store.read_where("c", "s", "a.", odd)), ["a.y"]);
    }

    #[test]
    fn births_are_counted_per_key() {
        let mut store = Store::default();
        assert_eq!([store.birth("k", "a"), store.birth("k", "b"), store.birth("k", "a")], [1, 1, 2]);
    }
}
