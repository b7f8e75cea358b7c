//! One suite for every journal: what holds for one store must hold for all.

#[path = "journal/on_disk.rs"]
mod on_disk;

use std::collections::BTreeSet;

use landfall::base::digest::Digest;
use landfall::base::id::{LogId, RunId};
use landfall::base::limits::{ASK_BYTES_MAX, ASKS_MAX, BLOB_BYTES_MAX, ENTRY_BYTES_MAX};
use landfall::base::time::{Millis, Timestamp};
use landfall::journal::memory::MemoryJournal;
use landfall::journal::sqlite::SqliteJournal;
use landfall::journal::{Journal, JournalError, Lease, Lock};
use landfall::merkle;
use landfall::model::ask::{Ask, Wish};
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
    another_thread_reads_what_this_one_writes,
    only_one_holder_at_a_time,
    a_lease_that_has_ended_is_taken_over_and_the_old_holder_fenced,
    a_lease_of_a_gone_holder_is_taken_over_at_once,
    a_lease_given_back_was_not_taken_from_anybody,
    one_name_one_holder,
    leases_are_taken_and_given_back_together_or_not_at_all,
    leases_are_renewed_together_or_not_at_all,
    an_append_goes_on_where_another_writer_left_off,
    no_entry_without_the_files_it_names,
    who_holds_what_is_listed,
    a_broken_lock_fences_its_holder,
    wishes_wait_until_they_are_answered,
    wishes_are_bounded_and_held_to_what_entries_are,
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

fn another_thread_reads_what_this_one_writes(store: &dyn Store) {
    let mut journal = store.open();
    let lease = take(&mut *journal, "site/HRB01", "one");
    let reader = journal.reader().expect("it can be opened again").expect("there is one");
    for n in 0..3 {
        journal.append(&[&lease], vec![draft("site/HRB01", json!(n))]).expect("lines");
        assert_eq!(texts(&*reader, "site/HRB01"), texts(&*journal, "site/HRB01"));
    }
    let there = std::thread::spawn(move || texts(&*reader, "site/HRB01"));
    assert_eq!(there.join().expect("it reads"), texts(&*journal, "site/HRB01"));
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

fn leases_are_taken_and_given_back_together_or_not_at_all(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let held = take(&mut *two, "site/HRB01", "two");
    let logs = ["account", "org", "site/HRB01"].map(log);
    let refused = one.take_leases(&logs, "one", now(), LENGTH);
    assert!(matches!(&refused, Err(JournalError::Held { log, .. }) if *log == logs[2]), "{refused:?}");
    take(&mut *two, "org", "two");
    two.release(&held).expect("released");
    let leases = one.take_leases(&[logs[0].clone(), logs[2].clone()], "one", now(), LENGTH).expect("leases");
    let names: Vec<String> = leases.iter().map(|lease| lease.log.to_string()).collect();
    assert_eq!(names, ["account", "site/HRB01"]);
    one.append(&[&leases[1]], vec![draft("site/HRB01", json!(1))]).expect("lines");
    one.release_all(&[&leases[0], &leases[1]]).expect("released");
    let late = one.append(&[&leases[1]], vec![draft("site/HRB01", json!(2))]);
    assert!(matches!(late, Err(JournalError::Fenced { .. })), "{late:?}");
    assert!(one.take_leases(&[], "one", now(), LENGTH).expect("none").is_empty());
    take(&mut *two, "account", "two");
}

fn an_append_goes_on_where_another_writer_left_off(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let mut expected = Vec::new();
    for turn in 0..4 {
        // In turn, each twice: the second time it may rely on what it saw the first time, the third time it may not.
        let (journal, holder) = if turn % 2 == 0 { (&mut one, "one") } else { (&mut two, "two") };
        let lease = take(&mut **journal, "org", holder);
        for n in 0..2 {
            let lines = journal.append(&[&lease], vec![draft("org", json!([turn, n]))]).expect("lines");
            expected.extend(lines.into_iter().map(|line| line.text));
        }
        journal.release(&lease).expect("released");
    }
    assert_eq!(texts(&*two, "org"), expected);
    let leaves: Vec<Digest> = expected.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
    assert_eq!(one.heads().expect("heads")[&log("org")].root, merkle::root(&leaves));
}

fn no_entry_without_the_files_it_names(store: &dyn Store) {
    let mut journal = store.open();
    let lease = take(&mut *journal, "org", "one");
    let files: [&[u8]; 2] = [b"one file", b"another"];
    let lines = journal.append_with(&files, &[&lease], vec![draft("org", json!(1))]).expect("lines");
    assert_eq!(lines.len(), 1);
    for file in files {
        assert_eq!(journal.get_blob(&Digest::of(file)).expect("it is there"), file);
    }
    let sensitive: &[u8] = b"SSN 123456789";
    let refused = journal.append_with(&[sensitive], &[&lease], vec![draft("org", json!(2))]);
    assert!(matches!(refused, Err(JournalError::Sensitive { .. })), "{refused:?}");
    assert_eq!(texts(&*journal, "org").len(), 1, "its file was refused, and so was the entry");
    assert!(journal.append_with(&[b"alone"], &[], Vec::new()).expect("no lines").is_empty());
    assert!(journal.get_blob(&Digest::of(b"alone")).is_ok());
}

fn leases_are_renewed_together_or_not_at_all(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let leases = ["org", "account"].map(|name| take(&mut *one, name, "one"));
    let later = now() + Millis(10_000);
    let renewed = one.renew_all(&[&leases[0], &leases[1]], later, LENGTH).expect("leases");
    assert!(renewed.iter().all(|lease| lease.until == later + LENGTH && lease.holder == "one"));
    two.take_lease(&log("account"), "two", later + LENGTH, LENGTH).expect("it has ended");
    let refused = one.renew_all(&[&renewed[0], &renewed[1]], later + LENGTH, LENGTH);
    assert!(matches!(refused, Err(JournalError::Fenced { .. })), "{refused:?}");
    let locks = one.locks().expect("locks");
    let org = locks.iter().find(|lock| lock.log == log("org")).expect("still held");
    assert_eq!(org.until, later + LENGTH, "the other one was not renewed either");
}

fn who_holds_what_is_listed(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    assert!(one.locks().expect("locks").is_empty());
    take(&mut *one, "org", "host/1/run");
    let given_back = take(&mut *two, "account", "host/2/run");
    take(&mut *two, "site/HRB01", "host/2/run");
    two.release(&given_back).expect("released");
    let told = |journal: &dyn Journal| -> Vec<String> {
        let locks = journal.locks().expect("locks").into_iter();
        locks.map(|lock| format!("{} {} {}", lock.log, lock.holder, lock.alive)).collect()
    };
    assert_eq!(told(&*one), ["org host/1/run true", "site/HRB01 host/2/run true"]);
    assert!(one.locks().expect("locks").iter().all(|lock| lock.since == Some(now())));
    drop(two);
    assert_eq!(told(&*one), ["org host/1/run true", "site/HRB01 host/2/run false"]);
}

fn a_broken_lock_fences_its_holder(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let old = take(&mut *one, "org", "one");
    let lock = two.locks().expect("locks").remove(0);
    let changed = journal_lock(&lock, lock.epoch + 1);
    let refused = two.break_lock(&changed, "two", now(), LENGTH);
    assert!(
        matches!(refused, Err(JournalError::Held { .. })),
        "another lock than was looked at: {refused:?}"
    );
    let new = two.break_lock(&lock, "two", now(), LENGTH).expect("a lease");
    assert_eq!((new.epoch, new.taken_from.as_deref()), (2, Some("one")));
    let late = one.append(&[&old], vec![draft("org", json!("late"))]);
    assert!(matches!(late, Err(JournalError::Fenced { .. })), "{late:?}");
    two.append(&[&new], vec![draft("org", json!(1))]).expect("lines");
    let again = one.break_lock(&lock, "one", now(), LENGTH);
    assert!(matches!(again, Err(JournalError::Held { .. })), "it is another lock now: {again:?}");
}

fn journal_lock(lock: &Lock, epoch: u64) -> Lock {
    Lock { epoch, ..lock.clone() }
}

fn wish(run: &str, reason: &str) -> Ask {
    let by = Actor { kind: ActorKind::Person, id: "pm".into() };
    let run = run.parse().expect("a run");
    Ask { run, at: now(), by, reason: reason.to_owned(), wish: Wish::Pause }
}

fn wishes_wait_until_they_are_answered(store: &dyn Store) {
    let (mut one, mut two) = (store.open(), store.open());
    let run = |name: &str| name.parse::<RunId>().expect("a run");
    take(&mut *one, "org", "one");
    let first = two.ask(&wish("run-1", "a storm")).expect("no lease is needed");
    let second = two.ask(&wish("run-1", "still")).expect("a number");
    two.ask(&wish("run-2", "another launch")).expect("a number");
    assert!(first < second);
    let waiting = one.asks(&run("run-1")).expect("wishes");
    assert_eq!(waiting, [(first, wish("run-1", "a storm")), (second, wish("run-1", "still"))]);
    one.asked_and_answered(&[second]).expect("taken away");
    let third = two.ask(&wish("run-1", "once more")).expect("a number");
    assert!(third > second, "a number is never given twice");
    one.asked_and_answered(&[first, second]).expect("taken away twice");
    assert_eq!(two.asks(&run("run-1")).expect("wishes"), [(third, wish("run-1", "once more"))]);
    assert_eq!(two.asks(&run("run-3")).expect("wishes"), []);
}

fn wishes_are_bounded_and_held_to_what_entries_are(store: &dyn Store) {
    let mut journal = store.open();
    let large = journal.ask(&wish("run-1", &"x".repeat(ASK_BYTES_MAX)));
    assert!(matches!(large, Err(JournalError::TooLarge { .. })), "{large:?}");
    let told = journal.ask(&wish("run-1", "patient MRN: 00441723")).expect_err("a refusal").to_string();
    assert!(told.contains("medical record number") && !told.contains("0044"), "{told}");
    for _ in 0..ASKS_MAX {
        journal.ask(&wish("run-1", "again")).expect("a number");
    }
    let refused = journal.ask(&wish("run-1", "again"));
    assert!(matches!(refused, Err(JournalError::TooLarge { .. })), "{refused:?}");
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
    let some = BTreeSet::from([digest, Digest::of(b"never stored")]);
    assert_eq!(journal.forget_blobs(&some).expect("a count"), 1);
    assert_eq!(journal.forget_blobs(&some).expect("a count"), 0, "it is gone already");
    assert!(store.open().get_blob(&digest).is_err() && journal.get_blob(&Digest::of(b"")).is_ok());
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
