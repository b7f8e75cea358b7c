//! Floor 2: where checklist items stand, folded from the log of their scope.
//!
//! What is recorded of an item counts as long as the item is the same: everything is bound to its digest. An item is done
//! when the newest record of its tests says so and everybody who is asked has stated it; it may be said not to apply, or
//! be waived; it grows old. Nothing is remembered between two looks.

mod fold;
mod people;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::approval::{Asked, Decision, Weighed};
use crate::base::digest::Digest;
use crate::base::id::{RoleName, ScopeId, SiteCode, StepId};
use crate::base::time::Timestamp;
use crate::model::checklist::{Item, ItemState, Severity};
use crate::model::entry::Entry;
use crate::model::item_event::ItemEvent;
use crate::model::signed::{Subject, SubjectKind};
use crate::people::Seat;

pub(crate) use people::is_waiver;
pub use people::{Authority, Statement, waiver_roles, waiver_seats};

/// What the entry of an escalation begins with when an item is late; others tell of failures.
pub const LATE: &str = "late";

/// Holds decisions against what is asked: `approval::weigh` with everything around it.
pub type Weigh<'w> = dyn Fn(&Asked, &[Decision]) -> Weighed + 'w;

/// What the items of one scope are folded with.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The scope.
    pub scope: &'a ScopeId,
    /// The zone in which days are meant.
    pub zone: &'a TimeZone,
    /// The first day of the program for this scope, where it has one.
    pub day_one: Option<Date>,
    /// Who may waive.
    pub authority: &'a Authority,
    /// What decisions come to.
    pub weigh: &'a Weigh<'a>,
    /// The moment.
    pub now: Timestamp,
}

/// One thing in the log about an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemEntry {
    /// Its place in the log.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The item.
    pub item: StepId,
    /// What happened.
    pub event: ItemEvent,
}

/// Where one item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemStanding {
    /// The item.
    pub item: StepId,
    /// What it makes sure of.
    pub title: String,
    /// The digest of the item as it was rendered.
    pub digest: Digest,
    /// What it means if it is missing.
    pub severity: Severity,
    /// Who answers for it.
    pub owner: RoleName,
    /// Who is told when it is late.
    pub escalate_to: RoleName,
    /// Where it stands.
    pub state: ItemState,
    /// Since when: of a closed item the moment it was closed; of another the moment from which it could be.
    pub since: Option<Timestamp>,
    /// The first moment at which it is late.
    pub due: Option<Timestamp>,
    /// Whether it is late.
    pub overdue: bool,
    /// Until when it stays closed.
    pub until: Option<Timestamp>,
    /// The entries of the scope's log that closed it.
    pub rests_on: BTreeSet<u64>,
    /// What people are asked to state, with the seats that nobody fills yet.
    pub statements: Vec<Statement>,
    /// What somebody answers for, if it is waived now.
    pub waived_by: Option<String>,
    /// When a role was last told that it is late, since it is.
    pub escalated: Option<Timestamp>,
}

impl ItemStanding {
    /// Who can bring it further now.
    pub fn waits_on(&self) -> BTreeSet<RoleName> {
        match &self.state {
            ItemState::Waiting { on } => on.clone(),
            ItemState::Open
            | ItemState::Blocked { .. }
            | ItemState::Failed { .. }
            | ItemState::Passed { .. }
            | ItemState::Expired { .. }
            | ItemState::NotApplicable { .. }
            | ItemState::Waived { .. } => BTreeSet::from([self.owner.clone()]),
        }
    }
}

/// The digest of an item as it was rendered: everything but the place where it was declared, so that a line that is added
/// above it opens nothing again.
///
/// # Panics
///
/// If an item has no JSON form: a bug in its type.
pub fn digest(item: &Item) -> Digest {
    let mut value = serde_json::to_value(item).expect("an item has a JSON form");
    if let Some(fields) = value.as_object_mut() {
        fields.remove("origin");
    }
    Digest::of_canonical(&value)
}

/// What a decision about an item is about.
pub fn subject(scope: &ScopeId, item: &Item) -> Subject {
    Subject {
        kind: SubjectKind::Item,
        name: item.id.to_string(),
        scope: Some(scope.clone()),
        digest: digest(item),
        parts: BTreeSet::new(),
    }
}

/// The seat of a role at a scope.
pub fn seat(scope: &ScopeId, role: &RoleName) -> Seat {
    let site: Option<SiteCode> = scope.site().cloned();
    Seat { role: role.clone(), site }
}

/// What the entries of a log say about items. Entries that cannot be read count for nothing here: the log's own check
/// tells of them.
pub fn entries<'e>(log: impl IntoIterator<Item = &'e Entry>) -> Vec<ItemEntry> {
    let about = |entry: &Entry| {
        let event = ItemEvent::from_entry(&entry.kind, &entry.body).ok()??;
        Some(ItemEntry { seq: entry.seq, at: entry.at, item: entry.step.clone()?, event })
    };
    log.into_iter().filter_map(about).collect()
}

/// Where the items of a scope stand. `decisions` are those of the scope's log, oldest first.
pub fn standing(
    items: &[Item],
    entries: &[ItemEntry],
    decisions: &[Decision],
    around: Around<'_>,
) -> BTreeMap<StepId, ItemStanding> {
    let mut standings = BTreeMap::new();
    for item in ordered(items) {
        let own: Vec<&ItemEntry> = entries.iter().filter(|entry| entry.item == item.id).collect();
        let standing = fold::standing(item, &own, decisions, &standings, around);
        standings.insert(item.id.clone(), standing);
    }
    standings
}

/// The items, each after those that it comes after. There is no circle: rendering has refused it.
fn ordered(items: &[Item]) -> Vec<&Item> {
    let mut left: Vec<&Item> = items.iter().collect();
    let mut placed: BTreeSet<&StepId> = BTreeSet::new();
    let known: BTreeSet<&StepId> = items.iter().map(|item| &item.id).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |item: &&Item| item.after.iter().all(|id| placed.contains(id) || !known.contains(id));
        let (free, waiting): (Vec<&Item>, Vec<&Item>) = left.into_iter().partition(is_free);
        if free.is_empty() {
            ordered.extend(waiting);
            break;
        }
        placed.extend(free.iter().map(|item| &item.id));
        ordered.extend(free);
        left = waiting;
    }
    ordered
}

#[cfg(test)]
pub(crate) mod tests;
