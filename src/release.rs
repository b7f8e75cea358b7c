//! Floor 2: the releases of a scope, folded from its log and never written down twice.
//!
//! A run that ended with everything verified is a release; the newest is *known-good*. What a release looked like follows
//! from the run's own entries and from the plan that its first entry names by digest.

mod difference;
mod fold;
mod settled;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{KindName, PackName, RunId, StepId};
use crate::base::time::Timestamp;
use crate::model::entry::{BlobRef, Entry};
use crate::model::event::{BadEvent, RunOutcome};
use crate::model::plan::{PackLock, PlanExcerpt, Reconcile, RollbackOf, Work};

pub use difference::{Change, Difference, difference};

/// The kind of the entry that says what a rollback came to.
pub const PROVED: &str = "rollback.proved";

/// The kind of the entry that says what a drill came to.
pub const DRILLED: &str = "drill.rollback";

/// What a run's first entry calls its plan.
const PLAN_FILE: &str = "plan.json";

/// Finds the plan whose file has this digest.
pub type Plans<'a> = &'a dyn Fn(&Digest) -> Option<PlanExcerpt>;

/// One object as a run left it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    /// Its kind.
    pub kind: KindName,
    /// The workspace resource that its calls go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<crate::model::via::Via>,
    /// What was asked of it. What it takes from other objects of its scope stands as a reference, so that an object made
    /// anew under another id changes nothing here; everything else is as it was sent.
    pub spec: Value,
}

/// What a scope looked like: its objects by step.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct State(pub BTreeMap<StepId, Kept>);

impl State {
    /// A digest over steps, kinds and specs.
    pub fn digest(&self) -> Digest {
        let lines: BTreeMap<&StepId, (&KindName, Digest)> = self
            .0
            .iter()
            .map(|(step, kept)| (step, (&kept.kind, Digest::of_canonical(&kept.spec))))
            .collect();
        Digest::of_canonical(&lines)
    }
}

/// A run of a scope that ended with everything verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Counted from one.
    pub number: u32,
    /// The run that made it.
    pub run: RunId,
    /// When that run ended.
    pub at: Timestamp,
    /// When a run last found everything so; at first the same moment.
    pub confirmed: Timestamp,
    /// The place in the log of the entry that ended the run.
    pub entry: u64,
    /// The digest of the run's plan.
    pub plan: Option<Digest>,
    /// The packs behind it.
    pub packs: BTreeMap<PackName, PackLock>,
    /// What it looked like.
    pub state: State,
    /// The digest of that.
    pub digest: Digest,
    /// The release that it led back to, if it was a rollback.
    pub rollback: Option<RollbackOf>,
    /// The files that the run's first entry names: its part of the plan and the rendered files.
    pub files: Vec<BlobRef>,
}

impl Release {
    /// How people call it.
    pub fn name(&self) -> String {
        format!("R{}", self.number)
    }
}

/// A run as far as a way back is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Its name.
    pub run: RunId,
    /// The place in the log of its first entry.
    pub entry: u64,
    /// How it ended, if it did.
    pub outcome: Option<RunOutcome>,
    /// The digest of the state that it found or brought about, if it ended well.
    pub reached: Option<Digest>,
    /// The steps whose calls had their effect, or may have had it: with the place of the intent.
    pub done: BTreeMap<StepId, u64>,
    /// Its part of the plan, where that is still there.
    pub plan: Option<PlanExcerpt>,
}

/// Everything about releases that a log tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The releases, oldest first.
    pub releases: Vec<Release>,
    /// The runs, oldest first.
    pub runs: Vec<Past>,
    /// What the scope looks like now, as far as its log knows.
    pub now: State,
}

/// Something that was done after a release.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Done<'h> {
    /// The run that did it.
    pub run: &'h RunId,
    /// The step.
    pub step: &'h StepId,
    /// The place of the intent in the log.
    pub entry: u64,
    /// What the plan said about it; nothing if the plan is gone.
    pub planned: Option<&'h Reconcile>,
}

impl History {
    /// Folds a log.
    ///
    /// # Errors
    ///
    /// At the first entry of a known kind that cannot be understood.
    pub fn read<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        plans: Plans<'_>,
    ) -> Result<Self, BadEvent> {
        fold::history(entries, plans)
    }

    /// The newest release.
    pub fn known_good(&self) -> Option<&Release> {
        self.releases.last()
    }

    /// The release of this number.
    pub fn release(&self, number: u32) -> Option<&Release> {
        self.releases.iter().find(|release| release.number == number)
    }

    /// Whether nothing has happened since known-good but runs that confirmed it.
    pub fn stands_at_known_good(&self) -> bool {
        self.known_good().is_some()
            && self.runs.last().is_some_and(|run| run.outcome == Some(RunOutcome::Succeeded))
    }

    /// The release that a way back leads to if none is named, and why that one. Where the scope stands at known-good, it is
    /// the one before that looked different; a rollback does not count as a step forward.
    pub fn way_back(&self) -> Option<(&Release, String)> {
        let good = self.known_good()?;
        if !self.stands_at_known_good() {
            return Some((good, format!("{} is known-good, and the last run did not end well", good.name())));
        }
        let first = self.releases.iter().position(|one| one.digest == good.digest)?;
        let before = self.releases.get(first.checked_sub(1)?)?;
        let stands = match (&self.releases[first], good) {
            (same, good) if same.number == good.number => good.name(),
            (same, good) => format!("{}, which looks as {} did", good.name(), same.name()),
        };
        Some((before, format!("the site stands at known-good {stands}; {} is the one before", before.name())))
    }

    /// Everything that was done after a release ended, in order.
    pub fn done_after(&self, release: &Release) -> Vec<Done<'_>> {
        let later = self.runs.iter().filter(|run| run.done.values().any(|entry| *entry > release.entry));
        let mut done: Vec<Done<'_>> = later
            .flat_map(|run| {
                run.done.iter().filter(|(_, entry)| **entry > release.entry).map(|(step, entry)| Done {
                    run: &run.run,
                    step,
                    entry: *entry,
                    planned: run.plan.as_ref().and_then(|plan| reconcile(plan, step)),
                })
            })
            .collect();
        done.sort_by_key(|done| done.entry);
        done
    }
}

/// What a part of a plan says about the object of a step.
pub fn reconcile<'p>(plan: &'p PlanExcerpt, step: &StepId) -> Option<&'p Reconcile> {
    match &plan.part.plan.steps.get(step)?.work {
        Work::Reconcile(reconcile) => Some(reconcile),
        Work::Check { .. } => None,
    }
}

pub use settled::settled;
