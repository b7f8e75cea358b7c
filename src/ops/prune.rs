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
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let mut all = Vec::new();
    for log in chosen(&journal, site)? {
        // Looked at twice: a log with nothing to say is not leased, and one that is cannot change meanwhile.
        if expired(&records(&journal, &log)?, context.clock.now()).is_empty() {
            continue;
        }
        let (_, found) = note::write(context, &mut journal, &log, |journal| {
            let found = expired(&records(journal, &log)?, context.clock.now());
            let stones = found.iter().map(|one| Note::of(PRUNED, &one.tombstone));
            Ok((stones.collect::<Result<_, _>>()?, found))
        })?;
        all.extend(found);
    }
    let spare = spare(&journal)?;
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
