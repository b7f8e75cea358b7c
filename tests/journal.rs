//! One suite for every journal: what holds for one store must hold for all. Then what only the SQLite store can show.

use std::fs;
use std::path::Path;

use landfall::base::digest::Digest;
use landfall::base::id::LogId;
use landfall::base::limits::{BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use landfall::base::time::{Millis, Timestamp};
use landfall::journal::memory::MemoryJournal;
use landfall::journal::sqlite::SqliteJournal;
use landfall::journal::{Journal, JournalError, Lease};
use landfall::merkle;
use landfall::model::entry::{Actor, ActorKind, EntryDraft};
use serde_json::{Value, json};

const LENGTH: Millis = Millis::from_secs(30);

fn now() -> Timestamp {
    "2027-01-11T09:00:00Z".parse().expect("a moment")
}

fn log(name: &str) -> LogId {
    name.parse().expect("a log")
}

fn draft(log_name: &str, body: Value) -> EntryDraft {
    EntryDraft {
        log: log(log_name),
        at: now(),
        run: None,
        kind: "step.succeeded".into(),
        step: None,
        actor: Actor { kind: ActorKind::Automation, id: "tests".into() },
        plan: None,
        refs: Vec::new(),
        body,
    }
}

fn take(journal: &mut dyn Journal, log_name: &str, holder: &str) -> Lease {
    journal.take_lease(&log(log_name), holder, now(), LENGTH).expect("a lease")
}

fn texts(journal: &dyn Journal, log_name: &str) -> Vec<String> {
    journal.read(&log(log_name), 0).expect("lines").into_iter().map(|line| line.text).collect()
}

/// A store that can be opened more than once.
trait Store {
    fn open(&self) -> Box<dyn Journal>;
}

impl Store for MemoryJournal {
    fn open(&self) -> Box<dyn Journal> {
        Box::new(self.another())
    }
}

struct SqliteStore(tempfile::TempDir);

impl Store for SqliteStore {
    fn open(&self) -> Box<dyn Journal> {
        Box::new(SqliteJournal::open(self.0.path()).expect("a journal"))
    }
}

fn sqlite() -> SqliteStore {
    SqliteStore(tempfile::tempdir().expect("a folder"))
}

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $case() { super::$case(&super::MemoryJournal::new()); })*
        }
        mod sqlite {
            $(#[test] fn $case() { super::$case(&super::sqlite()); })*
        }
    };
}

conformance!(
    entries_are_sealed_and_read_back,
    several_logs_in_one_step_or_none,
    heads_are_the_roots_over_the_lines,
    only_one_holder_at_a_time,
    a_lease_that_has_ended_is_taken_over_and_the_old_holder_fenced,
    a_lease_of_a_gone_holder_is_taken_over_at_once,
    a_lease_given_back_was_not_taken_from_anybody,
    one_name_one_holder,
    blobs_are_kept_by_name,
    nothing_too_large_is_written,
    nothing_sensitive_is_written,
);

fn entries_are_sealed_and_read_back(store: &dyn Store) {
    let mut journal = store.open();
    let lease = take(&mut *journal, "site/HRB01", "one");
    let drafts = (0..3).map(|n| draft("site/HRB01", json!({"n": n, "text": "é \"quoted\"\n"}))).collect();
    let sealed = journal.append(&[&lease], drafts).expect("lines");
    assert_eq!(sealed.iter().map(|line| line.entry.seq).collect::<Vec<_>>(), [0, 1, 2]);
    let more = journal.append(&[&lease], vec![draft("site/HRB01", json!({}))]).expect("lines");
    assert_eq!(more[0].entry.seq, 3);
    drop(journal);
    let journal = store.open();
    let read = journal.read(&log("site/HRB01"), 0).expect("lines");
    assert_eq!(read, [sealed, more].concat());
    assert_eq!(journal.read(&log("site/HRB01"), 2).expect("lines"), read[2..]);
    assert_eq!(journal.read(&log("site/HRB01"), 9).expect("lines"), []);
    assert_eq!(journal.read(&log("site/XYZ99"), 0).expect("lines"), []);
    let mut salts: Vec<_> = read.iter().map(|line| line.entry.salt.clone()).collect();
    assert!(salts.iter().all(|salt| salt.len() == 32));
    salts.sort();
    salts.dedup();
    assert_eq!(salts.len(), 4, "each entry has a salt of its own");
    assert!(read.iter().all(|line| !line.text.contains('\n')));
}

fn several_logs_in_one_step_or_none(store: &dyn Store) {
    let mut journal = store.open();
    let leases = ["org", "site/HRB01"].map(|name| take(&mut *journal, name, "one"));
    let [org, site] = &leases;
    let drafts = || vec![draft("org", json!(1)), draft("site/HRB01", json!(2)), draft("org", json!(3))];
    journal.append(&[org, site], drafts()).expect("lines");
    let before = (texts(&*journal, "org"), texts(&*journal, "site/HRB01"), journal.heads().expect("heads"));

    let too_large = draft("site/HRB01", json!("x".repeat(ENTRY_BYTES_MAX)));
    let batch = vec![draft("org", json!(4)), too_large];
    assert!(matches!(journal.append(&[org, site], batch), Err(JournalError::TooLarge { .. })));
    assert!(matches!(journal.append(&[org], drafts()), Err(JournalError::Fenced { .. })));
    let other = Lease { epoch: site.epoch + 1, ..site.clone() };
    assert!(matches!(journal.append(&[org, &other], drafts()), Err(JournalError::Fenced { .. })));

    let after = (texts(&*journal, "org"), texts(&*journal, "site/HRB01"), journal.heads().expect("heads"));
    assert_eq!(before, after, "a step that failed left something behind");
    assert_eq!(after.0.len(), 2);
    let next = journal.append(&[org], vec![draft("org", json!(5))]).expect("lines");
    assert_eq!(next[0].entry.seq, 2);
}

fn heads_are_the_roots_over_the_lines(store: &dyn Store) {
    let mut journal = store.open();
    assert!(journal.heads().expect("heads").is_empty());
    let lease = take(&mut *journal, "account", "one");
    assert!(journal.heads().expect("heads").is_empty(), "a log without entries has no head");
    for size in 1..=20 {
        journal.append(&[&lease], vec![draft("account", json!(size))]).expect("lines");
        let lines = texts(&*journal, "account");
        let leaves: Vec<Digest> = lines.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
        let heads = store.open().heads().expect("heads");
        assert_eq!(heads[&log("account")].size, size);
        assert_eq!(heads[&log("account")].root, merkle::root(&leaves));
    }
}

fn only_one_holder_at_a_time(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let lease = take(&mut *one, "org", "one");
    assert_eq!((lease.epoch, lease.until, &lease.taken_from), (1, now() + LENGTH, &None));
    let refused = two.take_lease(&log("org"), "two", now() + Millis(29_999), LENGTH);
    let Err(JournalError::Held { holder, until, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((holder.as_str(), until), ("one", now() + LENGTH));
    let renewed = one.renew(&lease, now() + Millis(20_000), LENGTH).expect("a lease");
    assert!(two.take_lease(&log("org"), "two", now() + LENGTH, LENGTH).is_err());
    assert_eq!(renewed.until, now() + Millis(50_000));
    take(&mut *two, "account", "two");
}

fn a_lease_that_has_ended_is_taken_over_and_the_old_holder_fenced(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let old = take(&mut *one, "org", "one");
    one.append(&[&old], vec![draft("org", json!(1))]).expect("lines");
    let new = two.take_lease(&log("org"), "two", now() + LENGTH, LENGTH).expect("a lease");
    assert_eq!((new.epoch, new.taken_from.as_deref()), (2, Some("one")));
    let refused = one.append(&[&old], vec![draft("org", json!("late"))]);
    assert!(matches!(refused, Err(JournalError::Fenced { .. })), "{refused:?}");
    assert!(matches!(one.renew(&old, now(), LENGTH), Err(JournalError::Fenced { .. })));
    one.release(&old).expect("giving back what is lost is fine");
    let line = two.append(&[&new], vec![draft("org", json!(2))]).expect("lines");
    assert_eq!(line[0].entry.seq, 1);
}

fn a_lease_of_a_gone_holder_is_taken_over_at_once(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    take(&mut *one, "org", "host/1/run");
    assert!(two.take_lease(&log("org"), "host/2/run", now(), LENGTH).is_err());
    drop(one);
    let lease = two.take_lease(&log("org"), "host/2/run", now(), LENGTH).expect("a lease");
    assert_eq!((lease.epoch, lease.taken_from.as_deref()), (2, Some("host/1/run")));
    drop(two);
    let mut again = store.open();
    let lease = again.take_lease(&log("org"), "host/2/run", now(), LENGTH).expect("a lease");
    assert_eq!(
        (lease.epoch, lease.taken_from.as_deref()),
        (3, Some("host/2/run")),
        "the same name, another life"
    );
}

fn a_lease_given_back_was_not_taken_from_anybody(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let old = take(&mut *one, "org", "one");
    one.release(&old).expect("released");
    one.release(&old).expect("released twice");
    let new = take(&mut *two, "org", "two");
    assert_eq!((new.epoch, new.taken_from.as_deref()), (2, None));
    assert!(one.append(&[&old], vec![draft("org", json!(1))]).is_err());
    one.release(&old).expect("released late");
    two.append(&[&new], vec![draft("org", json!(1))]).expect("the new holder still has it");
}

fn one_name_one_holder(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let first = take(&mut *one, "org", "../same");
    let refused = two.take_lease(&log("org"), "../same", now() + LENGTH + LENGTH, LENGTH);
    assert!(matches!(refused, Err(JournalError::Held { .. })), "{refused:?}");
    let second = take(&mut *one, "org", "../same");
    assert_eq!(second.epoch, 2);
    assert!(one.append(&[&first], vec![draft("org", json!(1))]).is_err());
    one.append(&[&second], vec![draft("org", json!(1))]).expect("lines");
}

fn blobs_are_kept_by_name(store: &dyn Store) {
    let mut journal = store.open();
    let digest = journal.put_blob(b"{\"name\":\"prod\"}").expect("a blob");
    assert_eq!(digest, Digest::of(b"{\"name\":\"prod\"}"));
    assert_eq!(journal.put_blob(b"{\"name\":\"prod\"}").expect("again"), digest);
    assert_eq!(store.open().get_blob(&digest).expect("the blob"), b"{\"name\":\"prod\"}");
    let missing = journal.get_blob(&Digest::of(b"never stored"));
    assert!(matches!(missing, Err(JournalError::Store { .. })));
    assert_eq!(journal.put_blob(b"").expect("an empty blob"), Digest::of(b""));
}

fn nothing_too_large_is_written(store: &dyn Store) {
    let mut journal = store.open();
    let lease = take(&mut *journal, "org", "one");
    let empty = journal.append(&[&lease], vec![draft("org", json!(""))]).expect("lines")[0].text.len();
    let largest = json!("x".repeat(ENTRY_BYTES_MAX - empty));
    let line = &journal.append(&[&lease], vec![draft("org", largest)]).expect("the largest there is")[0];
    assert_eq!(line.text.len(), ENTRY_BYTES_MAX);
    let refused =
        journal.append(&[&lease], vec![draft("org", json!("x".repeat(ENTRY_BYTES_MAX - empty + 1)))]);
    assert!(matches!(refused, Err(JournalError::TooLarge { size, .. }) if size == ENTRY_BYTES_MAX + 1));
    let refused = journal.put_blob(&vec![0; BLOB_BYTES_MAX + 1]);
    assert!(matches!(refused, Err(JournalError::TooLarge { .. })));
}

fn nothing_sensitive_is_written(store: &dyn Store) {
    let mut journal = store.open();
    let lease = take(&mut *journal, "org", "one");
    let canary = format!("dapi{}", "0123456789abcdef".repeat(2));
    let drafts = vec![draft("org", json!({"fine": 1})), draft("org", json!({"token": canary}))];
    let refused = journal.append(&[&lease], drafts).expect_err("a refusal");
    assert!(matches!(refused, JournalError::Sensitive { .. }), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains("0123456789abcdef"), "the value is repeated");
    assert_eq!(texts(&*journal, "org"), [""; 0]);
    let refused = journal.put_blob(b"patient MRN: 00441723").expect_err("a refusal");
    assert_eq!(
        refused.to_string(),
        "a blob of 21 bytes, byte 8, looks like it holds a medical record number, so nothing was written"
    );
}

#[test]
fn seeded_salts_give_the_same_bytes() {
    let lines = |seed| {
        let mut journal = MemoryJournal::seeded(seed);
        let lease = take(&mut journal, "org", "one");
        journal.append(&[&lease], vec![draft("org", json!(1)), draft("org", json!(2))]).expect("lines")
    };
    assert_eq!(lines(1), lines(1));
    assert_ne!(lines(1), lines(2));
}

fn filled(dir: &Path) -> Vec<String> {
    let mut journal = SqliteJournal::open(dir).expect("a journal");
    let lease = take(&mut journal, "site/HRB01", "one");
    let drafts = (0..40).map(|n| draft("site/HRB01", json!({"n": n, "filler": "f".repeat(300)}))).collect();
    journal.append(&[&lease], drafts).expect("lines").into_iter().map(|line| line.text).collect()
}

#[test]
fn a_changed_byte_in_the_file_is_found_and_its_entry_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = filled(folder.path());
    let path = folder.path().join("journal.db");
    let mut bytes = fs::read(&path).expect("the file");
    let at = bytes.windows(lines[17].len()).position(|part| part == lines[17].as_bytes()).expect("the line");
    bytes[at + 200] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let journal = SqliteJournal::open(folder.path()).expect("it still opens");
    let read = journal.read(&log("site/HRB01"), 0);
    assert!(matches!(read, Err(JournalError::Damaged { seq: 17, .. })), "{read:?}");
    assert!(journal.read(&log("site/HRB01"), 18).is_ok());
}

#[test]
fn no_damage_to_the_file_makes_it_panic_or_go_unnoticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = filled(folder.path());
    let path = folder.path().join("journal.db");
    let sound = fs::read(&path).expect("the file");
    let mut refused = 0;
    for at in (0..sound.len()).step_by(211) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        fs::write(&path, &bytes).expect("written");
        let _ = fs::remove_file(folder.path().join("journal.db-wal"));
        let _ = fs::remove_file(folder.path().join("journal.db-shm"));
        let read = SqliteJournal::open(folder.path()).and_then(|journal| journal.read(&log("site/HRB01"), 0));
        match read {
            Ok(read) => {
                let read: Vec<String> = read.into_iter().map(|line| line.text).collect();
                assert!(read == lines, "byte {at}: other lines were read");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 10, "{refused}");
}

/// What a person with a database tool can do to the tables behind our back.
fn tampered(dir: &Path, sql: &str) -> rusqlite::Result<()> {
    rusqlite::Connection::open(dir.join("journal.db"))?.execute_batch(sql)
}

#[test]
fn what_was_appended_survives_a_writer_that_never_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
    let mut writer = SqliteJournal::open(&before).expect("a journal");
    let lease = take(&mut writer, "org", "one");
    for n in 0..5 {
        writer.append(&[&lease], vec![draft("org", json!(n))]).expect("lines");
    }
    // The files as a crash would leave them at this moment.
    fs::create_dir(&after).expect("a folder");
    for name in ["journal.db", "journal.db-wal"] {
        fs::copy(before.join(name), after.join(name)).expect("copied");
    }
    let mut journal = SqliteJournal::open(&after).expect("a journal");
    assert_eq!(texts(&journal, "org"), texts(&writer, "org"));
    let lease = journal.take_lease(&log("org"), "two", now(), LENGTH).expect("nobody alive holds it here");
    assert_eq!(lease.taken_from.as_deref(), Some("one"));
    assert_eq!(journal.append(&[&lease], vec![draft("org", json!(5))]).expect("lines")[0].entry.seq, 5);
}

#[test]
fn triggers_refuse_changes_and_deletes() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    SqliteJournal::open(folder.path()).and_then(|mut journal| journal.put_blob(b"blob")).expect("a blob");
    for sql in [
        "UPDATE entry SET line = 'x' WHERE seq = 3",
        "DELETE FROM entry WHERE seq = 39",
        "REPLACE INTO log (id, name, size, peaks) VALUES (1, 'org', 0, x'')",
        "REPLACE INTO entry SELECT log, 3, line, leaf FROM entry WHERE seq = 4",
        "UPDATE blob SET bytes = x'00'",
        "DELETE FROM blob",
        "UPDATE log SET size = 3",
        "DELETE FROM log",
    ] {
        assert!(tampered(folder.path(), sql).is_err(), "{sql}");
    }
    tampered(folder.path(), "REPLACE INTO blob SELECT sha256, x'00' FROM blob").expect("passed over");
    let journal = SqliteJournal::open_read_only(folder.path()).expect("a journal");
    assert_eq!(journal.get_blob(&Digest::of(b"blob")).expect("the blob"), b"blob");
}

#[test]
fn tampering_without_the_triggers_is_found_and_the_entry_named() {
    let cases = [
        ("DROP TRIGGER entry_is_never_deleted; DELETE FROM entry WHERE seq = 5", 5),
        ("DROP TRIGGER entry_is_never_deleted; DELETE FROM entry WHERE seq = 39", 39),
        (
            "DROP TRIGGER entry_is_never_changed; UPDATE entry SET line = replace(line, '\"n\":7', '\"n\":8') WHERE seq = 7",
            7,
        ),
        (
            "DROP TRIGGER entry_is_never_changed; UPDATE entry SET seq = 99 WHERE seq = 3; UPDATE entry SET seq = 3 WHERE seq = 4; UPDATE entry SET seq = 4 WHERE seq = 99",
            3,
        ),
        ("INSERT INTO entry SELECT log, 40, line, leaf FROM entry WHERE seq = 39", 40),
        ("DROP TRIGGER log_never_shrinks; UPDATE log SET size = 39", 39),
        ("DROP TRIGGER entry_is_never_changed; UPDATE entry SET leaf = zeroblob(32) WHERE seq = 11", 11),
    ];
    for (sql, expected) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        filled(folder.path());
        tampered(folder.path(), sql).expect("tampered");
        let read = SqliteJournal::open_read_only(folder.path()).and_then(|it| it.read(&log("site/HRB01"), 0));
        assert!(matches!(read, Err(JournalError::Damaged { seq, .. }) if seq == expected), "{sql}: {read:?}");
    }
}

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    tampered(folder.path(), "PRAGMA user_version = 7").expect("set");
    for opened in [SqliteJournal::open(folder.path()), SqliteJournal::open_read_only(folder.path())] {
        assert!(matches!(opened, Err(JournalError::Newer { found: 7, known: 1 })), "{opened:?}");
    }
}

#[test]
fn reading_only_creates_nothing_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("nowhere");
    assert!(matches!(SqliteJournal::open_read_only(&nowhere), Err(JournalError::Store { .. })));
    assert!(!nowhere.exists());
    let dir = folder.path().join("odd ?#% name");
    let lines = filled(&dir);
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&dir).expect("files").map(|file| file.expect("a file").file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let mut journal = SqliteJournal::open_read_only(&dir).expect("a journal");
    assert_eq!(texts(&journal, "site/HRB01"), lines);
    assert_eq!(journal.heads().expect("heads")[&log("site/HRB01")].size, 40);
    assert!(journal.take_lease(&log("org"), "one", now(), LENGTH).is_err());
    assert!(journal.put_blob(b"blob").is_err());
    drop(journal);
    assert_eq!(names(), before);

    let mut writer = SqliteJournal::open(&dir).expect("a journal");
    let lease = take(&mut writer, "site/HRB01", "two");
    writer.append(&[&lease], vec![draft("site/HRB01", json!("new"))]).expect("lines");
    let reader = SqliteJournal::open_read_only(&dir).expect("a journal");
    assert_eq!(texts(&reader, "site/HRB01").len(), 41, "what a live writer has committed is seen");
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_enter_the_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("deep/journal");
    SqliteJournal::open(&dir).expect("a journal");
    assert_eq!(fs::metadata(&dir).expect("the folder").permissions().mode() & 0o777, 0o700);
}

#[test]
fn other_files_are_not_journals() {
    for bytes in [&b"not a database, but long enough to look at"[..], &[0xff; 8192]] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("journal.db"), bytes).expect("written");
        assert!(matches!(SqliteJournal::open(folder.path()), Err(JournalError::Store { .. })));
        assert!(matches!(SqliteJournal::open_read_only(folder.path()), Err(JournalError::Store { .. })));
    }
}
