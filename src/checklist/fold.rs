//! Folds what was recorded and decided about one item.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::Decision;
use crate::base::digest::Digest;
use crate::base::id::StepId;
use crate::base::time::Timestamp;
use crate::checklist::people::{self, earlier};
use crate::checklist::{Around, ItemEntry, ItemStanding, digest};
use crate::model::checklist::{Item, ItemState, Validator};
use crate::model::days::{end_after, start_of, working_end};
use crate::model::item_event::ItemEvent;

/// What the newest records of an item's tests say.
struct Tested {
    /// What is missing; nothing if they passed.
    missing: Vec<String>,
    passed: bool,
    /// When it was last looked at.
    at: Timestamp,
    /// When the records began to say so, without a break.
    since: Timestamp,
    /// The entry with which they began.
    seq: u64,
}

/// Where an item is closed: how, since when, until when and by which entries.
struct Closed {
    state: ItemState,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    rests_on: BTreeSet<u64>,
}

pub(super) fn standing(
    item: &Item,
    entries: &[&ItemEntry],
    decisions: &[Decision],
    before: &BTreeMap<StepId, ItemStanding>,
    around: Around<'_>,
) -> ItemStanding {
    let own = digest(item);
    let tested = tested(item, &own, entries, around);
    let stated = people::stated(item, decisions, around);
    let waiver = people::waived(item, decisions, around);
    let waived_by = waiver.as_ref().map(|waiver| waiver.reason.clone());
    let closed = done(item, tested.as_ref(), &stated, around)
        .or_else(|| {
            people::not_applicable(item, decisions, around).map(|excused| Closed {
                state: ItemState::NotApplicable { reason: excused.reason },
                since: excused.at,
                until: excused.until,
                rests_on: excused.seqs,
            })
        })
        .or_else(|| {
            let waiver = waiver?;
            let until = waiver.until?;
            let state = ItemState::Waived { until };
            Some(Closed { state, since: waiver.at, until: Some(until), rests_on: waiver.seqs })
        });
    let can_begin = can_begin(item, before, around);
    let blocked = item.after.iter().find(|id| before.get(*id).is_none_or(|one| !one.state.is_closed()));
    let due = due(item, can_begin, around).filter(|_| closed.is_none());
    let overdue = due.is_some_and(|due| around.now >= due);
    let base = ItemStanding {
        item: item.id.clone(),
        title: item.title.clone(),
        digest: own,
        severity: item.severity,
        owner: item.owner.clone(),
        escalate_to: item.escalate_to.clone(),
        state: ItemState::Open,
        since: can_begin,
        due,
        overdue,
        until: None,
        rests_on: BTreeSet::new(),
        statements: stated.statements.clone(),
        waived_by: None,
        escalated: due.and_then(|due| escalated(entries, due)),
    };
    if let Some(Closed { state, since, until, rests_on }) = closed {
        let waived_by = waived_by.filter(|_| matches!(state, ItemState::Waived { .. }));
        return ItemStanding { state, since, until, rests_on, waived_by, ..base };
    }
    if let Some(by) = blocked {
        return ItemStanding { state: ItemState::Blocked { by: by.clone() }, since: None, ..base };
    }
    let (state, since) = open(item, tested.as_ref(), &stated, around);
    ItemStanding { state, since: since.or(can_begin), ..base }
}

/// Whether an item has tests besides what people state.
fn has_tests(item: &Item) -> bool {
    !item.validate.iter().all(|validator| matches!(validator, Validator::Attest(_)))
}

/// The newest record of this very item, and where the stretch of like ones began.
fn tested(item: &Item, own: &Digest, entries: &[&ItemEntry], around: Around<'_>) -> Option<Tested> {
    let mut tested: Option<Tested> = None;
    for entry in entries {
        let ItemEvent::Recorded { item: of, passed, missing, .. } = &entry.event else { continue };
        if of != own || entry.at > around.now {
            continue;
        }
        let aged = |last: &Tested| {
            item.valid_days.is_some_and(|days| entry.at >= end_after(around.zone, last.at, days))
        };
        let goes_on = tested.as_ref().filter(|last| last.passed == *passed && !(*passed && aged(last)));
        let (since, seq) = goes_on.map_or((entry.at, entry.seq), |last| (last.since, last.seq));
        tested = Some(Tested { missing: missing.clone(), passed: *passed, at: entry.at, since, seq });
    }
    tested
}

/// The item as done: its tests passed, everything is stated, and nothing of it is too old.
fn done(item: &Item, tested: Option<&Tested>, stated: &people::Stated, around: Around<'_>) -> Option<Closed> {
    if !stated.missing().is_empty() || stated.rejected.is_some() {
        return None;
    }
    let mut closed = Closed {
        state: ItemState::Open,
        since: stated.at,
        until: stated.until,
        rests_on: stated.seqs.clone(),
    };
    if has_tests(item) {
        let tested = tested.filter(|tested| tested.passed)?;
        let aged = item.valid_days.map(|days| end_after(around.zone, tested.at, days));
        closed.since = closed.since.max(Some(tested.since));
        closed.until = earlier(closed.until, aged);
        closed.rests_on.insert(tested.seq);
    }
    if closed.until.is_some_and(|until| around.now >= until) {
        return None;
    }
    closed.state = ItemState::Passed { until: closed.until };
    Some(closed)
}

/// Where an item stands that is not closed and not blocked, and since when if that is known.
fn open(
    item: &Item,
    tested: Option<&Tested>,
    stated: &people::Stated,
    around: Around<'_>,
) -> (ItemState, Option<Timestamp>) {
    if let Some(words) = &stated.rejected {
        return (ItemState::Failed { missing: vec![words.clone()] }, None);
    }
    if has_tests(item) {
        let Some(tested) = tested else { return (ItemState::Open, None) };
        if !tested.passed {
            return (ItemState::Failed { missing: tested.missing.clone() }, Some(tested.since));
        }
        let aged = item.valid_days.map(|days| end_after(around.zone, tested.at, days));
        if let Some(end) = aged.filter(|end| around.now >= *end) {
            return (ItemState::Expired { since: end }, Some(end));
        }
    }
    if let Some(since) = stated.expired {
        return (ItemState::Expired { since }, Some(since));
    }
    (ItemState::Waiting { on: stated.missing() }, tested.map(|tested| tested.since))
}

/// The moment from which an item can be done: when the last of what comes before it was closed, and not before its own
/// first day. None while that is open, or where no day is known.
fn can_begin(item: &Item, before: &BTreeMap<StepId, ItemStanding>, around: Around<'_>) -> Option<Timestamp> {
    let mut begins = around.day_one.map(|day| {
        let first = item.due.map_or(1, |window| window.from);
        start_of(around.zone, program_day(day, first))
    });
    for id in &item.after {
        let one = before.get(id).filter(|one| one.state.is_closed())?;
        begins = begins.max(one.since);
    }
    begins
}

/// The day of the program with this number, from 1.
fn program_day(day_one: jiff::civil::Date, number: u32) -> jiff::civil::Date {
    use jiff::ToSpan;
    day_one.saturating_add(i64::from(number.saturating_sub(1)).days())
}

/// The first moment at which it is late: after the last day of its window in the program, or else when its working days
/// are over since it could be done.
fn due(item: &Item, can_begin: Option<Timestamp>, around: Around<'_>) -> Option<Timestamp> {
    match (item.due, around.day_one) {
        (Some(window), Some(day_one)) => {
            Some(start_of(around.zone, program_day(day_one, window.to.saturating_add(1))))
        }
        (Some(_), None) | (None, _) => {
            can_begin.map(|begins| working_end(around.zone, begins, item.within_days))
        }
    }
}

/// When a role was told of the lateness, at or after the moment it was late.
fn escalated(entries: &[&ItemEntry], due: Timestamp) -> Option<Timestamp> {
    let told = |entry: &&&ItemEntry| {
        let late = matches!(&entry.event, ItemEvent::Escalated { why, .. } if why.starts_with(super::LATE));
        late && entry.at >= due
    };
    entries.iter().find(told).map(|entry| entry.at)
}
