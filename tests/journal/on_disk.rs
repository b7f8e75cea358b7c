//! What only a store on disk can show: damage, tampering, crashes, formats, and reading without a trace.

use std::fs;
use std::path::Path;

use landfall::base::digest::Digest;
use landfall::journal::sqlite::SqliteJournal;
use landfall::journal::{Journal, JournalError};
use serde_json::json;

use super::{LENGTH, draft, log, now, take, texts};

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

#[test]
fn a_reader_beside_the_writer_finds_damage_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = filled(folder.path());
    let path = folder.path().join("journal.db");
    let mut bytes = fs::read(&path).expect("the file");
    let at = bytes.windows(lines[17].len()).position(|part| part == lines[17].as_bytes()).expect("the line");
    bytes[at + 200] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let mut journal = SqliteJournal::open(folder.path()).expect("it still opens");
    take(&mut journal, "org", "two");
    let mut reader = journal.reader().expect("it opens again").expect("there is one");
    let read = reader.read(&log("site/HRB01"), 0);
    assert!(matches!(read, Err(JournalError::Damaged { seq: 17, .. })), "{read:?}");
    assert!(reader.put_blob(b"a file").is_err(), "a reader writes nothing");
    assert!(reader.reader().expect("no error").is_none(), "a reader has no readers");
    assert!(journal.put_blob(b"a file").is_ok());
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
fn many_may_open_a_new_journal_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("journal");
        let start = std::sync::Barrier::new(6);
        let open_and_write = |number: usize| {
            start.wait();
            let mut journal = SqliteJournal::open(&dir).expect("a journal");
            let name = format!("site/HRB0{number}");
            let lease = take(&mut journal, &name, &name);
            journal.append(&[&lease], vec![draft(&name, json!(number))]).expect("lines");
        };
        std::thread::scope(|scope| {
            (0..6).for_each(|number| {
                let open_and_write = &open_and_write;
                scope.spawn(move || open_and_write(number));
            });
        });
        assert_eq!(SqliteJournal::open(&dir).expect("a journal").heads().expect("heads").len(), 6);
    }
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
        assert!(matches!(opened, Err(JournalError::Newer { found: 7, known: 2 })), "{opened:?}");
    }
}

#[test]
fn a_store_of_the_first_format_is_brought_up_and_keeps_its_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = filled(folder.path());
    let older = "ALTER TABLE lease DROP COLUMN since_ms; DROP TABLE ask; PRAGMA user_version = 1";
    tampered(folder.path(), older).expect("taken back");
    let journal = SqliteJournal::open(folder.path()).expect("a journal");
    assert_eq!(texts(&journal, "site/HRB01"), lines);
    let locks = journal.locks().expect("locks");
    assert_eq!((locks.len(), locks[0].since, locks[0].alive), (1, None, false));
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
