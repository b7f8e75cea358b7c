//! The fold of the org log: changes, and the launches that they are about.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{Change, Changes, Decided, Launch, Passed};
use crate::base::id::RunId;
use crate::base::time::{Millis, Timestamp};
use crate::model::change::{
    ADVANCED, APPLIED, ChangeAdvanced, ChangeApplied, ChangeDecided, ChangeId, ChangeOpened, ChangeState,
    DECIDED, OPENED, TICKET_COMMENTED, TICKET_READ, TicketCommented, TicketRead,
};
use crate::model::entry::Entry;
use crate::model::fleet_event::FleetEvent;

/// An entry about a change that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} ({kind}): {what}")]
pub struct BadChange {
    /// Its place.
    pub seq: u64,
    /// Its kind.
    pub kind: String,
    /// What is wrong with it.
    pub what: String,
}

fn bad(entry: &Entry, what: impl ToString) -> BadChange {
    BadChange { seq: entry.seq, kind: entry.kind.clone(), what: what.to_string() }
}

fn body<T: DeserializeOwned>(entry: &Entry) -> Result<T, BadChange> {
    serde_json::from_value(entry.body.clone()).map_err(|error| bad(entry, error))
}

/// All changes that the org log tells of.
///
/// # Errors
///
/// If an entry about a change does not follow on those before it.
pub fn changes<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Changes, BadChange> {
    let mut all = Changes::new();
    for entry in entries {
        match entry.kind.as_str() {
            OPENED => open(&mut all, entry)?,
            ADVANCED => advance(&mut all, entry)?,
            DECIDED => {
                let body: ChangeDecided = body(entry)?;
                let change = known(&mut all, body.change, entry)?;
                change.decided.push(Decided { seq: entry.seq, at: entry.at, body });
            }
            TICKET_READ => {
                let read: TicketRead = body(entry)?;
                let change = known(&mut all, read.change, entry)?;
                change.ticket = Some(read);
            }
            TICKET_COMMENTED => {
                let body: TicketCommented = body(entry)?;
                let change = known(&mut all, body.change, entry)?;
                if body.about == "ended" {
                    change.told_end = true;
                } else {
                    change.told_at.get_or_insert(entry.at);
                }
            }
            APPLIED => {
                let body: ChangeApplied = body(entry)?;
                known(&mut all, body.change, entry)?.begun.get_or_insert(entry.at);
            }
            _ => {}
        }
    }
    Ok(all)
}

fn known<'a>(all: &'a mut Changes, id: ChangeId, entry: &Entry) -> Result<&'a mut Change, BadChange> {
    all.get_mut(&id).ok_or_else(|| bad(entry, format!("{id} was never opened")))
}

fn open(all: &mut Changes, entry: &Entry) -> Result<(), BadChange> {
    let opened: ChangeOpened = body(entry)?;
    if all.contains_key(&opened.change) {
        return Err(bad(entry, format!("{} was opened before", opened.change)));
    }
    let change = Change {
        opened_at: entry.at,
        state: ChangeState::Draft,
        since: entry.at,
        draft_seq: entry.seq,
        history: Vec::new(),
        decided: Vec::new(),
        ticket: None,
        told_at: None,
        told_end: false,
        begun: None,
        opened,
    };
    all.insert(change.id(), change);
    Ok(())
}

fn advance(all: &mut Changes, entry: &Entry) -> Result<(), BadChange> {
    let ChangeAdvanced { change, from, to, why, begins, .. } = body(entry)?;
    let known = known(all, change, entry)?;
    let legal = from.next() == Some(to) || (to == ChangeState::Draft && from.can_go_back());
    if known.state != from || !legal {
        return Err(bad(entry, format!("{change} was {}, and went from {from} to {to}", known.state)));
    }
    if to == ChangeState::Draft {
        known.draft_seq = entry.seq;
    }
    (known.state, known.since) = (to, entry.at);
    known.history.push(Passed {
        seq: entry.seq,
        at: entry.at,
        by: entry.actor.clone(),
        from,
        to,
        why,
        begins,
    });
    Ok(())
}

/// All launches that the org log tells of, oldest first.
pub fn launches<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<Launch> {
    let mut all: Vec<Launch> = Vec::new();
    let mut baking: BTreeMap<(RunId, String), Timestamp> = BTreeMap::new();
    for entry in entries {
        let Some(run) = &entry.run else { continue };
        let Ok(event) = FleetEvent::from_entry(&entry.kind, &entry.body) else { continue };
        if let FleetEvent::LaunchStarted { plan, .. } = event {
            all.push(Launch { run: run.clone(), plan, began: entry.at, ended: None, baked: Millis(0) });
            continue;
        }
        let Some(launch) = all.iter_mut().rev().find(|launch| launch.run == *run) else { continue };
        match event {
            FleetEvent::LaunchEnded { outcome } => launch.ended = Some((entry.at, outcome, entry.seq)),
            FleetEvent::LaunchReopened { .. } => launch.ended = None,
            FleetEvent::WaveBaking { wave, at, .. } => {
                baking.insert((run.clone(), wave.to_string()), at);
            }
            FleetEvent::WaveBaked { wave, .. } => {
                let since = baking.remove(&(run.clone(), wave.to_string()));
                let length = since.map_or(Millis(0), |since| entry.at.since(since));
                launch.baked = Millis(launch.baked.0.saturating_add(length.0));
            }
            // Nothing else says how long it took, or how it ended.
            _ => {}
        }
    }
    all
}
