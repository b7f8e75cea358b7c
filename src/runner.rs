//! Floor 4: the shell around the pure engines. One loop for all scopes of a launch:
//! decide → append durably → fold → start what is owed and not running.
//!
//! Starting, resuming and recovering from a crash are the same code. The loop itself does no I/O but the journal's;
//! calls run as tasks and come back as inputs.

mod agenda;
mod bake;
pub mod clock;
pub mod feed;
mod jobs;
pub mod known;
mod lanes;
mod ledger;
mod moved;
pub mod perform;
mod replay;
mod running;
mod scope_run;
mod scopes;
pub mod stop;
mod tasks;
mod waiting;
mod wishes;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::time::Timestamp;
use crate::driver::Driver;
use crate::fleet::Waiting;
use crate::journal::{Journal, JournalError, Line};
use crate::merkle::{self, leaf_hash};
use crate::model::entry::{Actor, BlobRef};
use crate::model::fleet_event::LaunchOutcome;
use crate::model::plan::{LogHead, Plan, SavedPlan, WavePlan};
use crate::model::signed::is_of_people;
use crate::model::wait::OpenItem;
use crate::pacing::Rates;
use clock::Clock;
use feed::Feed;
use running::Running;
use stop::Stop;

pub use ledger::LEASE_TAKEN;
pub use wishes::words;

/// Says which of a wave's entry criteria are open, from the records.
pub type Entry<'a> = dyn FnMut(&Plan, &WavePlan, &dyn Journal) -> Result<Vec<OpenItem>, JournalError> + 'a;

/// What a launch needs.
pub struct Shell<'a> {
    /// The plan.
    pub saved: &'a SavedPlan,
    /// Files that the launch's first entry names: the plan, and the list of rendered files.
    pub launch_refs: Vec<BlobRef>,
    /// Files that each run's first entry names: the plan, and the scope's rendered files.
    pub run_refs: BTreeMap<ScopeId, Vec<BlobRef>>,
    /// The launch, which is also the run in every scope.
    pub run: RunId,
    /// Where everything is recorded.
    pub journal: &'a mut dyn Journal,
    /// How the target is reached.
    pub driver: Arc<dyn Driver>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Whether somebody asked to stop.
    pub stop: Stop,
    /// Who is doing this.
    pub actor: Actor,
    /// The name under which leases are held.
    pub holder: String,
    /// Who watches.
    pub feed: &'a mut dyn FnMut(&Feed<'_>),
    /// Judges whether a wave may begin.
    pub entry: &'a mut Entry<'a>,
    /// How many calls the target takes; without rates it takes any number.
    pub rates: Option<Rates>,
    /// How many calls may be under way at once.
    pub calls_at_once: usize,
    /// Whether the process stays while the launch waits for people or for moments that are far away.
    pub stay: bool,
}

/// How a launch left the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// It ended.
    Ended(LaunchOutcome),
    /// It was asked to stop and can be taken up again.
    Suspended,
    /// Nothing can go on before a moment that is far away, or before a person decides. It can be taken up again then.
    Waiting {
        /// What waits, and for what.
        waits: Vec<Waiting>,
        /// The first moment at which something can go on by itself, if there is one.
        due: Option<Timestamp>,
    },
}

/// A launch cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The journal failed; what was recorded until then stands.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The log cannot be continued.
    #[error("{0}")]
    Replay(String),
    /// Logs that the plan rests on have grown before the launch could begin.
    #[error("the plan is stale")]
    Stale {
        /// Which logs, and how.
        changed: Vec<String>,
    },
    /// A bug of ours: better an end than a wait for ever.
    #[error("nothing is under way and nothing is due, yet the launch has not ended")]
    Stuck,
}

/// Begins a launch, or takes it up again: which of the two follows from the logs.
///
/// # Errors
///
/// If a lease is held by somebody else, a log cannot be continued, the plan no longer fits, or the journal fails.
pub async fn run(shell: Shell<'_>) -> Result<Left, RunnerError> {
    let mut running = Running::open(shell)?;
    let left = running.go().await;
    running.close();
    left
}

/// Logs of the plan's scopes that are not as they were when the plan was made, in words. What people decided meanwhile
/// does not count: it is about the plan, and not about what it changes.
///
/// # Errors
///
/// If a log is damaged.
pub fn outgrown(
    saved: &SavedPlan,
    heads: &BTreeMap<LogId, LogHead>,
    read: impl Fn(&LogId) -> Result<Vec<Line>, JournalError>,
) -> Result<Vec<String>, JournalError> {
    let size = |head: Option<&LogHead>| head.map_or(0, |head| head.size);
    let mut changed = Vec::new();
    for scope in saved.plan.scopes.keys() {
        let log = LogId::Scope(scope.clone());
        let (then, now) = (saved.plan.heads.get(&log), heads.get(&log));
        if then != now && !only_people_since(&read(&log)?, then) {
            let (then, now) = (size(then), size(now));
            changed.push(format!(
                "the log of {scope} has grown from {then} to {now} entries since the plan was made"
            ));
        }
    }
    Ok(changed)
}

/// Whether a log continues what it was then with nothing but decisions of people.
pub fn only_people_since(lines: &[Line], then: Option<&LogHead>) -> bool {
    let Ok(size) = usize::try_from(then.map_or(0, |head| head.size)) else { return false };
    let Some((before, after)) = lines.split_at_checked(size) else { return false };
    let leaves: Vec<Digest> = before.iter().map(|line| leaf_hash(line.text.as_bytes())).collect();
    let continues = then.is_none_or(|head| merkle::root(&leaves) == head.root);
    continues && after.iter().all(|line| is_of_people(&line.entry.kind))
}
