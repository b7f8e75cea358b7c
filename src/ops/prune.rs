//! Takes files away that need not be kept any longer. First an entry that stands for them, then the files; what another
//! log still names stays where it is. Started again after a crash, it takes away what was left.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::time::Timestamp;
use crate::evidence::records::Records;
use crate::evidence::retention::{Expired, PRUNED, expired, gone};
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::entry::Entry;
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};
use crate::ops::question::{open, site_log, unreadable};

/// The files that may go, by the run they are of.
///
/// # Errors
///
/// If there is no such site, or a log is damaged.
pub fn due(context: &Context, site: Option<&str>, now: Timestamp) -> Result<Vec<Expired>, Failure> {
    let journal = open(context)?;
    let mut all = Vec::new();
    for log in chosen(&journal, site)? {
        all.extend(expired(&records(&journal, &log)?, now));
    }
    Ok(all)
}

/// Writes the tombstones of all that may go now, and takes the files away. Gives what went, and how many files are
/// not there any more.
///
/// # Errors
///
/// If there is no such site, a log is damaged or being written by somebody else.
pub fn prune(context: &Context, site: Option<&str>) -> Result<(Vec<Expired>, usize), Failure> {
    prune_in(context, &mut SqliteJournal::open(&context.journal_dir())?, site)
}

fn prune_in(
    context: &Context,
    journal: &mut dyn Journal,
    site: Option<&str>,
) -> Result<(Vec<Expired>, usize), Failure> {
    let mut all = Vec::new();
    for log in chosen(journal, site)? {
        // Looked at twice: a log with nothing to say is not leased, and one that is cannot change meanwhile.
        if expired(&records(journal, &log)?, context.clock.now()).is_empty() {
            continue;
        }
        let (_, found) = note::write(context, journal, &log, |journal| {
            let found = expired(&records(journal, &log)?, context.clock.now());
            let stones = found.iter().map(|one| Note::of(PRUNED, &one.tombstone));
            Ok((stones.collect::<Result<_, _>>()?, found))
        })?;
        all.extend(found);
    }
    let spare = spare(journal)?;
    Ok((all, journal.forget_blobs(&spare)?))
}

fn chosen(journal: &dyn Journal, site: Option<&str>) -> Result<Vec<LogId>, Failure> {
    match site {
        Some(code) => Ok(vec![site_log(journal, code)?]),
        None => Ok(journal.heads()?.into_keys().collect()),
    }
}

/// A log's records without the files themselves: only their names matter here.
fn records(journal: &dyn Journal, log: &LogId) -> Result<Records, Failure> {
    let lines: Vec<String> = journal.read(log, 0)?.into_iter().map(|line| line.text).collect();
    Records::of_log(log.clone(), &lines, BTreeMap::new()).map_err(unreadable)
}

/// Files for which tombstones stand, and that no log still needs.
fn spare(journal: &dyn Journal) -> Result<BTreeSet<Digest>, Failure> {
    let (mut spare, mut needed) = (BTreeSet::new(), BTreeSet::new());
    for log in journal.heads()?.into_keys() {
        let entries: Vec<Entry> = journal.read(&log, 0)?.into_iter().map(|line| line.entry).collect();
        let own = gone(&entries);
        let named = entries.iter().flat_map(|entry| &entry.refs).map(|file| file.sha256);
        needed.extend(named.filter(|digest| !own.contains(digest)));
        spare.extend(own);
    }
    Ok(spare.difference(&needed).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::RunId;
    use crate::base::limits::LEASE;
    use crate::base::time::Millis;
    use crate::entropy::Entropy;
    use crate::journal::memory::MemoryJournal;
    use crate::merkle;
    use crate::model::entry::{Actor, ActorKind, BlobRef, EntryDraft};
    use crate::runner::clock::Clock;
    use serde_json::json;

    const RUNS: usize = 100;
    const ENTRIES: usize = 100;

    /// A log of ten thousand entries in a hundred runs, one a month. Each entry names a read-back of its own, and each
    /// first one of a run also the plan; every tenth run reads back what the first one did.
    fn journal(log: &LogId, began: Timestamp) -> MemoryJournal {
        let mut journal = MemoryJournal::seeded(11);
        let lease = journal.take_lease(log, "test", began, LEASE).expect("a lease");
        for number in 0..RUNS {
            let at = began + Millis::from_secs(30 * 24 * 3_600 * u64::try_from(number).expect("a number"));
            let mut drafts = Vec::with_capacity(ENTRIES);
            for place in 0..ENTRIES {
                let of = if number % 10 == 0 { 0 } else { number };
                let mut refs = vec![("readback/object.json", format!("{of}/{place}"))];
                if place == 0 {
                    refs.push(("plan.json", format!("plan {number}")));
                }
                let mut named = |(path, text): (&str, String)| BlobRef {
                    path: path.to_owned(),
                    sha256: journal.put_blob(text.as_bytes()).expect("kept"),
                };
                drafts.push(EntryDraft {
                    log: log.clone(),
                    at,
                    run: RunId::new(format!("run-{number:04}")).ok(),
                    kind: "run.noted".to_owned(),
                    step: None,
                    actor: Actor { kind: ActorKind::Automation, id: "test".to_owned() },
                    plan: None,
                    refs: refs.into_iter().map(&mut named).collect(),
                    body: json!({}),
                });
            }
            journal.append(&[&lease], drafts).expect("appended");
        }
        journal.release(&lease).expect("released");
        journal
    }

    #[test]
    fn of_ten_thousand_entries_only_files_of_runs_that_are_over_go() {
        let log: LogId = "site/HRB01".parse().expect("a log");
        let folder = tempfile::tempdir().expect("a folder");
        let context = Context {
            root: folder.path().to_owned(),
            state: folder.path().to_owned(),
            clock: Clock::Real,
            entropy: Entropy::System,
        };
        let years = |count: u64| Millis::from_secs(count * 365 * 24 * 3_600);
        let now = context.clock.now();
        let back = now.as_millis() - i64::try_from(years(12).0).expect("a span");
        let mut journal = journal(&log, Timestamp::from_millis(back));
        let texts = |journal: &MemoryJournal| -> Vec<String> {
            journal.read(&log, 0).expect("lines").into_iter().map(|line| line.text).collect()
        };
        let before = texts(&journal);
        assert_eq!(before.len(), RUNS * ENTRIES);
        let (found, taken) = prune_in(&context, &mut journal, Some("HRB01")).expect("pruned");

        // Runs are a month apart and the first is twelve years old, so those that ended before the last seven years may go.
        let over = |number: usize| {
            let ended = i64::try_from(number + 1).expect("a number") * 30 * 24 * 3_600 * 1_000;
            back + ended + seven_years() <= now.as_millis()
        };
        let gone: BTreeSet<usize> = (0..RUNS - 1).filter(|number| over(*number)).collect();
        assert!(gone.len() > 50 && gone.len() < 70, "{}", gone.len());
        // Every tenth run reads back what the first one did, and one of them is in effect: of those nothing goes.
        let own = gone.iter().filter(|number| *number % 10 != 0).count();
        assert_eq!((found.len(), taken), (own, ENTRIES * own), "what a later run names too stays");
        for number in 0..RUNS {
            let of = if number % 10 == 0 { 0 } else { number };
            let there = |text: String| journal.get_blob(&Digest::of(text.as_bytes())).is_ok();
            let stays = !gone.contains(&number) || number % 10 == 0;
            assert_eq!(there(format!("{of}/7")), stays, "run {number}");
            assert!(there(format!("plan {number}")), "plans stay");
        }

        // Entries stay as they were, and a tombstone for each run comes behind them; nothing more to do.
        let after = texts(&journal);
        assert_eq!((&after[..before.len()], after.len()), (before.as_slice(), before.len() + own));
        let leaves = |texts: &[String]| -> Vec<Digest> {
            texts.iter().map(|text| merkle::leaf_hash(text.as_bytes())).collect()
        };
        let (old, new) = (leaves(&before), leaves(&after));
        let proof = merkle::proof::consistency(&new, old.len()).expect("a proof");
        let grown = (merkle::root(&old), merkle::root(&new));
        assert!(merkle::proof::verify_consistency(
            old.len() as u64,
            &grown.0,
            new.len() as u64,
            &grown.1,
            &proof
        ));
        let entries: Vec<Entry> =
            journal.read(&log, 0).expect("lines").into_iter().map(|l| l.entry).collect();
        assert_eq!(crate::evidence::retention::too_early(&entries), None);
        let again = prune_in(&context, &mut journal, None).expect("pruned");
        assert_eq!((again.0.len(), again.1), (0, 0));
    }

    /// Seven years in milliseconds, a few days more or less: no run ends that close to the line.
    fn seven_years() -> i64 {
        (7 * 365 + 2) * 24 * 3_600 * 1_000
    }
}
