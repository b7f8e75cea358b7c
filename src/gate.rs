//! Floor 2: whether gates let through.
//!
//! A gate is open while its items are closed, the gates that it needs are open, and its quorum has signed exactly that: the
//! signature is over a digest of the gate, of the items as they were rendered, of how each was closed and by which
//! entries. If one of them fails, grows old or is edited, the digest is another one, and the signatures no longer apply.
//! A test that merely passes once more changes nothing: an item rests on the entry with which it was closed.

pub mod late;
mod missing;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::approval::{Asked, Decision, Weighed};
use crate::base::digest::Digest;
use crate::base::id::{GateId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::checklist::{self, Around, ItemStanding};
use crate::model::checklist::ItemState;
use crate::model::days::{end_after, working_end};
use crate::model::gate::{Gate, GateStanding, Rest};
use crate::model::signed::{Act, Subject, SubjectKind};
use crate::people::Seat;

/// What stands at the account, for gates of other scopes.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Its items.
    pub items: &'a BTreeMap<StepId, ItemStanding>,
    /// Its gates.
    pub gates: &'a BTreeMap<GateId, GateStanding>,
}

/// The digest that a signature is over.
///
/// # Panics
///
/// If a gate has no JSON form: a bug in its type.
pub fn digest(gate: &Gate, rests_on: &[Rest]) -> Digest {
    #[derive(Serialize)]
    struct Signed<'s> {
        gate: serde_json::Value,
        rests_on: &'s [Rest],
    }
    let mut value = serde_json::to_value(gate).expect("a gate has a JSON form");
    if let Some(fields) = value.as_object_mut() {
        fields.remove("origin");
    }
    Digest::of_canonical(&Signed { gate: value, rests_on })
}

/// What a decision about a gate is about.
pub fn subject(standing: &GateStanding) -> Subject {
    Subject {
        kind: SubjectKind::Gate,
        name: standing.gate.to_string(),
        scope: Some(standing.scope.clone()),
        digest: standing.digest,
        parts: BTreeSet::new(),
    }
}

/// What is asked of the signers of a gate.
pub fn asked(gate: &Gate, standing: &GateStanding) -> Asked {
    let seats = gate.quorum.roles.iter().map(|role| checklist::seat(&standing.scope, role)).collect();
    Asked {
        subject: subject(standing),
        seats,
        review: gate.quorum.review,
        clinician: false,
        valid_days: gate.valid_days,
        kept_out: BTreeMap::new(),
        one_way: BTreeSet::new(),
    }
}

/// Where the gates of a scope stand. `account` is none at the account itself; `decisions` are those of the scope's log.
pub fn standing(
    gates: &[Gate],
    items: &BTreeMap<StepId, ItemStanding>,
    account: Option<Account<'_>>,
    decisions: &[Decision],
    around: Around<'_>,
) -> BTreeMap<GateId, GateStanding> {
    let mut standings = BTreeMap::new();
    for gate in ordered(gates) {
        let bench = Bench { gate, items, account, done: &standings, decisions, around };
        let standing = bench.standing();
        standings.insert(gate.id.clone(), standing);
    }
    standings
}

/// The gates, each after those that it needs. There is no circle: rendering has refused it.
fn ordered(gates: &[Gate]) -> Vec<&Gate> {
    let known: BTreeSet<&str> = gates.iter().map(|gate| gate.id.as_str()).collect();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    let mut left: Vec<&Gate> = gates.iter().collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |gate: &&Gate| {
            gate.gates.iter().all(|name| placed.contains(name.as_str()) || !known.contains(name.as_str()))
        };
        let (free, waiting): (Vec<&Gate>, Vec<&Gate>) = left.into_iter().partition(is_free);
        if free.is_empty() {
            ordered.extend(waiting);
            break;
        }
        placed.extend(free.iter().map(|gate| gate.id.as_str()));
        ordered.extend(free);
        left = waiting;
    }
    ordered
}

/// One gate with everything that it is judged by.
struct Bench<'b> {
    gate: &'b Gate,
    items: &'b BTreeMap<StepId, ItemStanding>,
    account: Option<Account<'b>>,
    done: &'b BTreeMap<GateId, GateStanding>,
    decisions: &'b [Decision],
    around: Around<'b>,
}

/// Whether a name, or a beginning with `*`, is about this id.
fn is_about(pattern: &str, id: &StepId) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => id.as_str().starts_with(start),
        None => id.as_str() == pattern,
    }
}

impl<'b> Bench<'b> {
    /// The items that it needs, each once, by the name under which it is told.
    fn items(&self) -> BTreeMap<String, &'b ItemStanding> {
        let mut found = BTreeMap::new();
        for pattern in &self.gate.items {
            let (prefix, pattern, items) = match pattern.strip_prefix("account:") {
                Some(rest) => ("account:", rest, self.account.map(|account| account.items)),
                None => ("", pattern.as_str(), Some(self.items)),
            };
            for (id, standing) in items.into_iter().flatten().filter(|(id, _)| is_about(pattern, id)) {
                found.insert(format!("{prefix}{id}"), standing);
            }
        }
        found
    }

    /// The gates that it needs; none where nobody knows of one.
    fn gates(&self) -> BTreeMap<&'b str, Option<&'b GateStanding>> {
        let known = |name: &'b String| {
            let (bare, gates) = match name.strip_prefix("account:") {
                Some(rest) => (rest, self.account.map(|account| account.gates)),
                None => (name.as_str(), Some(self.done)),
            };
            let standing = GateId::new(bare).ok().and_then(|id| gates.and_then(|gates| gates.get(&id)));
            (name.as_str(), standing)
        };
        self.gate.gates.iter().map(known).collect()
    }

    fn standing(&self) -> GateStanding {
        let (items, gates) = (self.items(), self.gates());
        let rests_on = rests_on(&items, &gates);
        let missing = missing::of(self.gate, self.items, &items, &gates);
        let closed = items.values().map(|item| item.since);
        let opened = gates.values().flatten().map(|gate| gate.since);
        let mut standing = GateStanding {
            scope: self.around.scope.clone(),
            gate: self.gate.id.clone(),
            open: false,
            until: None,
            unsigned: BTreeSet::new(),
            waived: missing::waived(&items, &gates),
            digest: digest(self.gate, &rests_on),
            since: closed.chain(opened).flatten().max(),
            due: None,
            overdue: false,
            rests_on,
            missing,
        };
        let ends = items.values().filter_map(|item| item.until);
        let ends = ends.chain(gates.values().flatten().filter_map(|gate| gate.until)).min();
        self.signed(&mut standing, ends);
        standing
    }

    /// Puts in what the signatures come to.
    fn signed(&self, standing: &mut GateStanding, ends: Option<Timestamp>) {
        let asked = asked(self.gate, standing);
        let decisions = about(&asked.subject, self.decisions, |act| {
            matches!(act, Act::Approve { .. } | Act::Reject {} | Act::Review {})
        });
        let weighed = (self.around.weigh)(&asked, &decisions);
        let complete = standing.missing.is_empty();
        if complete && weighed.holds() && self.conditions_met(&weighed) {
            standing.open = true;
            standing.since = signed_at(&weighed, &decisions).max(standing.since);
            standing.until =
                [ends, weighed.until, self.aged(&weighed, &decisions)].into_iter().flatten().min();
            return;
        }
        if self.is_waived(standing, ends) {
            return;
        }
        if complete {
            standing.unsigned = weighed.missing.iter().map(|seat| seat.role.clone()).collect();
            standing.due = standing
                .since
                .map(|since| working_end(self.around.zone, since, self.gate.within_days))
                .filter(|_| !standing.unsigned.is_empty());
            standing.overdue = standing.due.is_some_and(|due| self.around.now >= due);
        } else {
            standing.since = None;
        }
        standing.missing.extend(missing::signatures(self.gate, &weighed, &decisions, self.around));
    }

    /// What must follow an approval can be met by now.
    fn conditions_met(&self, weighed: &Weighed) -> bool {
        weighed.conditions.iter().all(|(_, from)| self.around.now >= *from)
    }

    /// When the first signature is too old.
    fn aged(&self, weighed: &Weighed, decisions: &[Decision]) -> Option<Timestamp> {
        let days = self.gate.valid_days?;
        let counted = weighed.counted.keys().filter_map(|at| decisions.get(*at));
        counted.map(|decision| end_after(self.around.zone, decision.recorded_at, days)).min()
    }

    /// A gate that does not hold can be let through by those who can waive what is critical, for a time.
    fn is_waived(&self, standing: &mut GateStanding, ends: Option<Timestamp>) -> bool {
        let authority = self.around.authority;
        let roles = [&authority.sponsor, &authority.compliance];
        let seats: BTreeSet<Seat> =
            roles.into_iter().map(|role| checklist::seat(self.around.scope, role)).collect();
        let asked = Asked { seats, review: false, valid_days: None, ..asked(self.gate, standing) };
        let waivers: Vec<Decision> =
            about(&asked.subject, self.decisions, |act| matches!(act, Act::Waive { .. }))
                .into_iter()
                .filter(|one| {
                    matches!(one.signed.statement.act, Act::Withdraw {})
                        || checklist::is_waiver(one, self.around.now)
                })
                .collect();
        let weighed = (self.around.weigh)(&asked, &waivers);
        let counted = weighed.counted.keys().filter_map(|at| waivers.get(*at));
        let until = counted.clone().filter_map(|one| one.signed.statement.expires).min();
        if !weighed.holds() || until.is_none() {
            return false;
        }
        let reason = counted.map(|one| one.signed.statement.comment.clone()).next().unwrap_or_default();
        let open: Vec<&str> = standing.missing.iter().map(|item| item.id.as_str()).collect();
        let without = if open.is_empty() { "signatures".to_owned() } else { open.join(", ") };
        standing.waived.push(format!("{} without {without}: {reason}", standing.gate));
        standing.open = true;
        standing.since = signed_at(&weighed, &waivers);
        standing.until = [ends.filter(|end| self.around.now < *end), until].into_iter().flatten().min();
        standing.missing.clear();
        true
    }
}

/// Decisions about the subject's name whose act is one of these, with what takes them back.
fn about(subject: &Subject, decisions: &[Decision], wanted: impl Fn(&Act) -> bool) -> Vec<Decision> {
    let same = |decision: &&Decision| {
        let said = &decision.signed.statement;
        (said.subject.kind, &said.subject.name, &said.subject.scope)
            == (subject.kind, &subject.name, &subject.scope)
            && (matches!(said.act, Act::Withdraw {}) || wanted(&said.act))
    };
    decisions.iter().filter(same).cloned().collect()
}

fn signed_at(weighed: &Weighed, decisions: &[Decision]) -> Option<Timestamp> {
    weighed.counted.keys().filter_map(|at| decisions.get(*at)).map(|decision| decision.recorded_at).max()
}

/// What it rests on, in the order of names.
fn rests_on(
    items: &BTreeMap<String, &ItemStanding>,
    gates: &BTreeMap<&str, Option<&GateStanding>>,
) -> Vec<Rest> {
    let item = |(id, standing): (&String, &&ItemStanding)| Rest {
        id: id.clone(),
        digest: standing.digest,
        how: how(&standing.state).to_owned(),
        entries: standing.rests_on.clone(),
    };
    let gate = |(id, standing): (&&str, &Option<&GateStanding>)| {
        let standing = (*standing)?;
        let how = if standing.open { "open-gate" } else { "open" };
        Some(Rest {
            id: (*id).to_owned(),
            digest: standing.digest,
            how: how.to_owned(),
            entries: BTreeSet::new(),
        })
    };
    items.iter().map(item).chain(gates.iter().filter_map(gate)).collect()
}

/// How an item is closed. What is not closed is `open`, whatever is missing: what a waiver lets through does not change
/// because the next test failed otherwise.
fn how(state: &ItemState) -> &'static str {
    match state {
        ItemState::Passed { .. } => "passed",
        ItemState::NotApplicable { .. } => "not-applicable",
        ItemState::Waived { .. } => "waived",
        ItemState::Open
        | ItemState::Blocked { .. }
        | ItemState::Waiting { .. }
        | ItemState::Failed { .. }
        | ItemState::Expired { .. } => "open",
    }
}

/// The scope at which a gate of this name is asked for: the account's where it has one, else each of the sites'.
pub fn scopes_of<'s>(
    gate: &GateId,
    account: &BTreeSet<GateId>,
    sites: impl IntoIterator<Item = &'s ScopeId>,
) -> Vec<ScopeId> {
    if account.contains(gate) { vec![ScopeId::Account] } else { sites.into_iter().cloned().collect() }
}

#[cfg(test)]
mod tests;
