//! Who writes which log, and how a person takes a lock away.

use serde::Serialize;
use serde_json::json;

use crate::base::id::LogId;
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::journal::{Journal, Lock};
use crate::model::entry::EntryDraft;
use crate::ops::error::Failure;
use crate::ops::{Context, holder, new_run_id, person};

/// The kind of the entry about a lock that a person broke.
pub const LOCK_BROKEN: &str = "lease.broken";

/// One lock, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The log.
    pub log: LogId,
    /// Who holds it.
    pub holder: String,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// When it ends without renewal.
    pub until: Timestamp,
    /// The run it is held for.
    pub run: Option<String>,
    /// Whether the process that took it still runs.
    pub alive: bool,
}

/// All locks, by log.
///
/// # Errors
///
/// If the journal fails.
pub fn list(journal: &dyn Journal) -> Result<Vec<Held>, Failure> {
    Ok(journal.locks()?.into_iter().map(held).collect())
}

fn held(lock: Lock) -> Held {
    let Lock { log, holder, since, until, alive, .. } = lock;
    // Holders are named `person/process/run`.
    let run = holder.rsplit_once('/').map(|(_, run)| run.to_owned());
    Held { log, holder, since, until, run, alive }
}

/// Takes a lock away from its holder and records that in the log. What the holder still appends is refused from then on.
/// Gives the place of the record.
///
/// # Errors
///
/// `Usage` if nobody holds it; `Refused` if its holder's process is alive and `force` was not said.
pub fn break_lock(
    context: &Context,
    journal: &mut dyn Journal,
    log: &LogId,
    reason: &str,
    force: bool,
) -> Result<u64, Failure> {
    let found = journal.locks()?.into_iter().find(|lock| lock.log == *log);
    let Some(lock) = found else {
        return Err(Failure::usage(
            format!("nobody holds {log}"),
            "landfall locks list shows who holds what",
        ));
    };
    if reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "say why in a few words: --reason \"…\""));
    }
    if lock.alive && !force {
        let reason = format!(
            "{} is alive and writes {log}; ask it to pause, or break the lock with --force if it hangs",
            lock.holder
        );
        return Err(Failure::Refused { reason });
    }
    let now = context.clock.for_leases();
    let lease = journal.break_lock(&lock, &holder(&new_run_id()), now, limits::LEASE)?;
    let draft = EntryDraft {
        log: log.clone(),
        at: now,
        run: None,
        kind: LOCK_BROKEN.to_owned(),
        step: None,
        actor: person(),
        plan: None,
        refs: Vec::new(),
        body: json!({ "from": lock.holder, "epoch": lease.epoch, "alive": lock.alive, "reason": reason }),
    };
    let appended = journal.append(&[&lease], vec![draft]);
    journal.release(&lease)?;
    let line = appended?.pop().ok_or_else(|| Failure::failed("the entry was not written"))?;
    Ok(line.entry.seq)
}
