//! What controls rest on besides the logs of their site: what the organisation says of them, whose signatures count, and
//! what the keeper of the journal knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::approval::{Decision, signature};
use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::{DECISION_CLOCK_SKEW, OWN_CONTROLS_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::controls::{Catalogue, History, OWN_CONTROLS_FILE, OwnControls, Signal};
use crate::evidence::heads::HEADS_KIND;
use crate::journal::{Journal, Line};
use crate::model::change::{APPLIED, ChangeApplied};
use crate::model::people::Enrolled;
use crate::model::signed::Act;
use crate::ops::checkpoints::{COSIGNED, sizes};
use crate::ops::decisions;
use crate::ops::earlier::limited;
use crate::ops::error::Failure;
use crate::ops::hook::{LOCKED_KIND, Locked};

/// What the organisation says of controls; nothing without a file.
///
/// # Errors
///
/// If it cannot be read, or says what it may not.
pub fn own_controls(root: &Path) -> Result<OwnControls, Failure> {
    let path = root.join(OWN_CONTROLS_FILE);
    if !path.exists() {
        return Ok(OwnControls::default());
    }
    let bad = |what: String| {
        let help =
            "[own.hipaa] \"164.312(b)\" = \"your id\", or [outside.hitrust] \"02.01\" = \"who shows it\"";
        Failure::usage(format!("{OWN_CONTROLS_FILE}: {what}"), help)
    };
    let max = u64::try_from(OWN_CONTROLS_BYTES_MAX).unwrap_or(u64::MAX);
    let text = String::from_utf8(limited(&path, max)?).map_err(|_| bad("it is not UTF-8".to_owned()))?;
    OwnControls::parse(Catalogue::embedded(), &text).map_err(|error| bad(error.to_string()))
}

/// Of the org log, what evidence needs to know.
#[derive(Debug)]
pub(super) struct OrgLog {
    keys: Enrolled,
    /// The entries that seal the heads of all logs.
    heads: Vec<(u64, Timestamp)>,
    /// The entries that tie a launch's plan to a ticket as it was read.
    tickets: Vec<(u64, Timestamp, Digest)>,
    /// The newest checkpoint of each log that a store keeps under a lock: its size, and until when.
    locks: BTreeMap<String, (u64, Timestamp)>,
    /// Decisions whose signatures were looked at, each with whether it is genuine.
    judged: BTreeMap<(LogId, u64), bool>,
}

impl OrgLog {
    pub(super) fn read(journal: &dyn Journal) -> Result<Self, Failure> {
        let lines = journal.read(&LogId::Org, 0)?;
        let heads = lines.iter().filter(|line| line.entry.kind == HEADS_KIND);
        let tickets = lines.iter().map(|line| &line.entry).filter(|entry| entry.kind == APPLIED);
        let tickets = tickets.filter(|entry| {
            let applied = serde_json::from_value::<ChangeApplied>(entry.body.clone());
            applied.is_ok_and(|applied| applied.ticket.is_some_and(|ticket| entry.plan == Some(ticket.plan)))
        });
        Ok(Self {
            heads: heads.map(|line| (line.entry.seq, line.entry.at)).collect(),
            tickets: tickets.filter_map(|entry| Some((entry.seq, entry.at, entry.plan?))).collect(),
            locks: lines.iter().filter_map(lock).collect(),
            keys: crate::people::enrolled(lines.iter().map(|line| &line.entry)),
            judged: BTreeMap::new(),
        })
    }

    /// The places of decisions that do not count: what is not signed with a key that the org log knew as that person's,
    /// and what the same person took back.
    pub(super) fn void(&mut self, log: &LogId, lines: &[Line]) -> BTreeSet<u64> {
        let is_decision = |line: &&Line| Act::ENTRY_KINDS.contains(&line.entry.kind.as_str());
        let mut void: BTreeSet<u64> = lines.iter().filter(is_decision).map(|line| line.entry.seq).collect();
        let mut standing: Vec<Decision> = Vec::new();
        for decision in decisions::among(log, lines.iter().map(|line| &line.entry)) {
            let keys = &self.keys;
            let place = (log.clone(), decision.seq);
            if !*self.judged.entry(place).or_insert_with(|| is_genuine(&decision, keys)) {
                continue;
            }
            match decision.signed.statement.act {
                Act::Withdraw {} => standing.retain(|earlier| !takes_back(&decision, earlier)),
                Act::Request { .. }
                | Act::Review {}
                | Act::Approve { .. }
                | Act::Reject {}
                | Act::Attest {}
                | Act::NotApplicable {}
                | Act::Waive { .. }
                | Act::BreakGlass {} => standing.push(decision),
            }
        }
        for decision in standing {
            void.remove(&decision.seq);
        }
        void
    }
}

/// What an entry says of a lock, as the store told when it was read back.
fn lock(line: &Line) -> Option<(String, (u64, Timestamp))> {
    let own = line.entry.kind == LOCKED_KIND;
    let locked: Locked = serde_json::from_value(line.entry.body.clone()).ok().filter(|_| own)?;
    Some((locked.log, (locked.size, locked.until)))
}

/// Whether it is signed with a key that the org log knew then as that of who says so.
fn is_genuine(decision: &Decision, keys: &Enrolled) -> bool {
    let Some(known) = keys.keys.get(&decision.signed.key) else { return false };
    let at = decision.recorded_at;
    known.person == decision.signed.statement.person
        && known.since <= at + DECISION_CLOCK_SKEW
        && known.retired.is_none_or(|retired| at < retired)
        && signature(&decision.signed).is_ok()
}

fn takes_back(withdrawal: &Decision, earlier: &Decision) -> bool {
    let (by, of) = (&withdrawal.signed.statement, &earlier.signed.statement);
    let about = |one: &crate::model::signed::Statement| {
        (one.subject.kind, one.subject.name.clone(), one.subject.scope.clone(), one.subject.digest)
    };
    by.person == of.person && about(by) == about(of)
}

/// What no entry of the site's log says: that its head stands in the org log, that its newest plan was launched on a ticket,
/// and how much of it a witness cosigned.
pub(super) fn signals(
    org: &OrgLog,
    own: &History,
    state: Option<&Path>,
    now: Timestamp,
) -> Result<Vec<Signal>, Failure> {
    let mut signals = Vec::new();
    let Some(first) = own.entries.first() else { return Ok(signals) };
    let sealed = org.heads.iter().rfind(|(_, at)| first.at <= *at && *at <= now + DECISION_CLOCK_SKEW);
    signals.extend(sealed.map(|(seq, at)| Signal {
        name: "checkpoint".to_owned(),
        log: LogId::Org,
        seq: *seq,
        at: *at,
    }));
    let plan =
        own.entries.iter().rev().find(|entry| entry.kind == "run.started").and_then(|entry| entry.plan);
    let ticket =
        org.tickets.iter().rfind(|(_, at, of)| plan == Some(*of) && *at <= now + DECISION_CLOCK_SKEW);
    signals.extend(ticket.map(|(seq, at, _)| Signal {
        name: "ticket".to_owned(),
        log: LogId::Org,
        seq: *seq,
        at: *at,
    }));
    // A checkpoint that nobody can delete shows as much of the log as it covers, for as long as it is locked.
    let locked = org.locks.get(&own.log.to_string()).filter(|(_, until)| now < *until);
    let under = locked.and_then(|(size, _)| own.entries.get(usize::try_from(size.checked_sub(1)?).ok()?));
    signals.extend(under.map(|entry| Signal {
        name: "lock".to_owned(),
        log: own.log.clone(),
        seq: entry.seq,
        at: entry.at,
    }));
    let Some(state) = state else { return Ok(signals) };
    let folder = state.join(COSIGNED).join(own.log.to_string());
    let covered = sizes(&folder, COSIGNED)?.into_iter().rev();
    let newest = covered.filter_map(|size| usize::try_from(size.checked_sub(1)?).ok());
    // The moment is that of the last entry under the cosignature: a witness says no more than that it was there.
    let entry = newest.filter_map(|last| own.entries.get(last)).next();
    signals.extend(entry.map(|entry| Signal {
        name: "witness".to_owned(),
        log: own.log.clone(),
        seq: entry.seq,
        at: entry.at,
    }));
    Ok(signals)
}
