//! Where a wave stands.

use super::chart::Bounds;
use super::state::Phase;
use crate::base::id::{ScopeId, WaveName};
use crate::base::limits::{BAKE_CONFIRM_AFTER, JUDGE_EVERY};
use crate::base::time::{Millis, Timestamp};
use crate::model::fleet_event::{Batch, HaltReason};
use crate::model::wait::OpenItem;

/// Where a wave stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Its name.
    pub name: WaveName,
    /// Its sites in the order in which they may start.
    pub sites: Vec<ScopeId>,
    /// Why it was halted, if it was.
    pub halted: Option<HaltReason>,
    /// Whether it may begin.
    pub entry: Entry,
    /// The bake time that is not over.
    pub baking: Option<Baking>,
    /// The canary's bake time is over.
    pub(super) canary_baked: bool,
    /// The bake time of all sites is over.
    pub(super) baked: bool,
    pub(super) count: Count,
}

/// Whether a wave may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Nothing must hold before, or all of it did.
    Open,
    /// Something must hold, and the wave's turn has not come.
    Ahead,
    /// What must hold is to be judged, for the first time or again.
    Judging(Option<Barred>),
    /// Something does not hold.
    Barred(Barred),
}

/// What keeps a wave from its begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barred {
    /// Since when the same is open.
    pub since: Timestamp,
    /// What is open.
    pub open: Vec<OpenItem>,
    /// When it was judged last.
    pub judged: Timestamp,
}

/// A bake time that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baking {
    /// Whose.
    pub batch: Batch,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When the last look was told.
    pub looked: Option<Timestamp>,
    /// Whether the last look found something broken.
    pub broken: bool,
    /// A look is owed since this moment.
    pub(super) asked: Option<Timestamp>,
    /// Time between two looks.
    pub(super) every: Millis,
}

/// Sites by phase.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub pending: u32,
    /// Under way. A suspended one keeps its place.
    pub busy: u32,
    pub succeeded: u32,
    pub failed: u32,
}

impl Count {
    pub fn add(&mut self, phase: &Phase) {
        if let Some(slot) = self.slot(phase) {
            *slot += 1;
        }
    }

    pub fn take(&mut self, phase: &Phase) {
        if let Some(slot) = self.slot(phase) {
            *slot -= 1;
        }
    }

    fn slot(&mut self, phase: &Phase) -> Option<&mut u32> {
        match phase {
            Phase::Pending => Some(&mut self.pending),
            Phase::Running | Phase::Aborting | Phase::Suspended => Some(&mut self.busy),
            Phase::Succeeded => Some(&mut self.succeeded),
            Phase::Failed => Some(&mut self.failed),
            Phase::Aborted | Phase::Skipped { .. } => None,
        }
    }

    /// Those that have not ended.
    pub fn open(&self) -> u32 {
        self.pending + self.busy
    }
}

impl Barred {
    /// When it is to be judged again.
    pub fn next(&self) -> Timestamp {
        self.judged + JUDGE_EVERY
    }
}

impl Baking {
    pub(super) fn new(batch: Batch, since: Timestamp, until: Timestamp, every: Millis) -> Self {
        Self { batch, since, until, looked: None, broken: false, asked: Some(since), every }
    }

    /// When the next look is due, if none is owed. The first one is owed from the beginning.
    pub(super) fn next(&self) -> Timestamp {
        match self.looked {
            None => self.since,
            Some(looked) if self.broken => looked + BAKE_CONFIRM_AFTER,
            Some(looked) => (looked + self.every).min(self.until),
        }
    }

    /// Whether a look that was owed all the while and is told now is the last one.
    pub(super) fn is_last(&self, now: Timestamp) -> bool {
        now >= self.until && self.asked.is_some_and(|asked| asked >= self.until)
    }
}

impl Wave {
    /// Whether its bake time, if it has one, is over, and no site of it is open.
    pub(super) fn is_over(&self, bounds: &Bounds) -> bool {
        self.count.open() == 0 && (bounds.bake.is_none() || self.baked || self.count.succeeded == 0)
    }

    /// Whether anything has happened to a site of it.
    pub(super) fn has_begun(&self) -> bool {
        self.count.pending as usize != self.sites.len()
    }
}
