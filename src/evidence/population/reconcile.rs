//! What the log says held against sources that this program does not control: both counts, and each difference. A source
//! that is not there is missing; it is never counted as nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::id::StepId;
use crate::base::limits::POPULATION_DIFFERENCES_MAX;
use crate::base::time::Timestamp;
use crate::evidence::question::ask::Change;
use crate::evidence::records::{Records, ended_in_delete};
use crate::model::holdings::{Holding, Holdings};
use crate::model::population::{Compared, IDENTITY, LEAVERS, READ};

use super::lineage::Lineage;
use super::platform::{BY_SERVICE, EVENTS, GONE, LINEAGE, LISTED, Listed, Taken, USERS};

/// What is said of a list that nobody read.
const NOT_READ: &str = "not read: landfall evidence collect reads it";
/// What is said of a list that nobody gave.
const NOT_GIVEN: &str = "no source given";

/// One thing counted twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// What is counted.
    pub what: String,
    /// What the log says.
    pub ours: Counted,
    /// What the other source says.
    pub theirs: Counted,
    /// Whether they agree.
    pub standing: Standing,
    /// How many differences there are.
    pub differences: u64,
    /// The differences, as many as are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Difference>,
    /// When the other source was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A count and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The source.
    pub source: String,
    /// The count; none if there is no such source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Both sources are whole, and there is no difference.
    Agrees,
    /// There are differences.
    Differs,
    /// A source is not there.
    Missing {
        /// Which, and what would give it.
        why: String,
    },
    /// A source was not read to its end, so whatever it shows is not all.
    Cut {
        /// Why.
        why: String,
    },
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is about.
    pub item: String,
    /// What is different.
    pub detail: String,
}

impl Standing {
    /// In a word, with the reason where there is one.
    pub fn words(&self) -> String {
        match self {
            Self::Agrees => "agrees".to_owned(),
            Self::Differs => "DIFFERS".to_owned(),
            Self::Missing { why } => format!("source missing: {why}"),
            Self::Cut { why } => format!("NOT COMPLETE: {why}"),
        }
    }
}

/// Differences while they are counted.
#[derive(Default)]
struct Found {
    count: u64,
    listed: Vec<Difference>,
}

impl Found {
    fn add(&mut self, item: impl Into<String>, detail: impl Into<String>) {
        self.count += 1;
        if self.listed.len() < POPULATION_DIFFERENCES_MAX {
            self.listed.push(Difference { item: item.into(), detail: detail.into() });
        }
    }

    /// Differences that are counted and told in one line, because they are not this site's to name.
    fn add_many(&mut self, count: u64, detail: &str) {
        if count > 0 {
            self.count += count;
            self.listed.push(Difference { item: format!("{count}"), detail: detail.to_owned() });
        }
    }

    fn between(self, what: &str, ours: Counted, theirs: Counted, taken: Option<&Taken>) -> Reconciled {
        let cut = taken.and_then(|taken| taken.wrong.as_deref().or_else(|| taken.read.cut()));
        let standing = match cut {
            Some(why) => Standing::Cut { why: why.to_owned() },
            None if self.count == 0 => Standing::Agrees,
            None => Standing::Differs,
        };
        Reconciled {
            what: what.to_owned(),
            ours,
            theirs,
            standing,
            differences: self.count,
            listed: self.listed,
            at: taken.map(|taken| taken.read.ended),
        }
    }
}

fn counted(source: impl Into<String>, count: u64) -> Counted {
    Counted { source: source.into(), count: Some(count) }
}

fn missing(what: &str, ours: Counted, source: &str, why: &str) -> Reconciled {
    Reconciled {
        what: what.to_owned(),
        ours,
        theirs: Counted { source: source.to_owned(), count: None },
        standing: Standing::Missing { why: why.to_owned() },
        differences: 0,
        listed: Vec::new(),
        at: None,
    }
}

/// Every comparison that the records allow, and every one that they do not.
pub fn reconcile(
    records: &Records,
    changes: &[Change<'_>],
    taken: &BTreeMap<&'static str, Taken>,
    lineage: Option<&Lineage>,
) -> Vec<Reconciled> {
    let mut all = Vec::new();
    let mut past = Past { records, known: BTreeMap::new() };
    all.push(whole_account(taken.get("workspaces")));
    for listed in &LISTED {
        all.extend(objects(listed, taken.get(listed.name), &mut past));
    }
    let changes: Vec<&Change<'_>> = changes.iter().filter(|change| was_taken(change)).collect();
    all.push(tickets(records, &changes));
    all.extend(events(taken.get(EVENTS), &changes, records));
    all.extend(people(taken.get(USERS)));
    all.extend(lineage.and_then(|lineage| sources(lineage, taken.get(LINEAGE)?)));
    all
}

/// Every gold table has a source.
fn sources(lineage: &Lineage, taken: &Taken) -> Option<Reconciled> {
    let mut found = Found::default();
    for table in lineage.without() {
        found.add(&table.table, "a gold table without any upstream edge");
    }
    for table in lineage.mixed() {
        found.add(&table.table, "made from something of another site's");
    }
    let tables = lineage.tables.len() as u64;
    let ours = counted("tables of this site's gold schemas", tables);
    let theirs = counted("those with an upstream edge", tables - lineage.without().count() as u64);
    let cut = Standing::Cut { why: "the gold tables were not read to their end".to_owned() };
    let between = found.between("gold tables and their sources", ours, theirs, Some(taken));
    Some(match (&between.standing, lineage.complete) {
        (Standing::Cut { .. }, _) | (_, true) => between,
        (Standing::Agrees | Standing::Differs | Standing::Missing { .. }, false) => {
            Reconciled { standing: cut, ..between }
        }
    })
}

/// What the log held before each look.
struct Past<'r> {
    records: &'r Records,
    known: BTreeMap<usize, Option<BTreeMap<StepId, Holding>>>,
}

impl Past<'_> {
    /// What the log held before an entry; none if the log cannot be understood, which is not the same as holding nothing.
    /// Looks that follow each other without anything between share an answer.
    fn before(&mut self, seq: u64) -> Option<&BTreeMap<StepId, Holding>> {
        let earlier = || self.records.entries.iter().filter(|entry| entry.seq < seq && entry.kind != READ);
        let count = earlier().count();
        let held = || {
            let holdings = Holdings::from_entries(earlier()).ok()?;
            Some(holdings.iter().map(|(step, held)| (step.clone(), held)).collect())
        };
        self.known.entry(count).or_insert_with(held).as_ref()
    }
}

/// All workspaces of the account, whoever they belong to: those that no log knows are nobody's.
fn whole_account(taken: Option<&Taken>) -> Reconciled {
    const WHAT: &str = "workspaces of the whole account";
    let Some(taken) = taken else {
        let ours = Counted { source: "logs of the estate".to_owned(), count: None };
        return missing(WHAT, ours, "list of the account", NOT_READ);
    };
    let known = taken.rows.rows.iter().filter(|row| !row[2].is_empty()).count() as u64;
    let strangers = taken.rows.rows.iter().filter(|row| row[2].is_empty() && row[1] != GONE);
    let mut found = Found::default();
    for row in strangers {
        found.add(&row[0], "in the list, in no log of the estate");
    }
    found.add_many(taken.read.others.unknown, "in the list, in no log of the estate, and not of this site");
    let ours = counted("logs of the estate", known + taken.read.others.known);
    found.between(WHAT, ours, counted("list of the account", taken.read.items), Some(taken))
}

fn objects(listed: &Listed, taken: Option<&Taken>, past: &mut Past<'_>) -> Option<Reconciled> {
    let seq = taken.map_or(u64::MAX, |taken| taken.entry);
    let of_kind = |(_, held): &(&StepId, &Holding)| held.kind.as_str() == listed.kind;
    let what = format!("{} of this site", listed.name);
    let source = "list of the platform";
    let Some(held) = past.before(seq) else {
        let ours = Counted { source: "this site's log".to_owned(), count: None };
        let why = "what the site's log holds cannot be made out";
        return taken.map(|_| missing(&what, ours, source, why));
    };
    let held: BTreeMap<&StepId, &Holding> = held.iter().filter(of_kind).collect();
    let ours = counted("this site's log", held.len() as u64);
    let Some(taken) = taken else {
        return (!held.is_empty()).then(|| missing(&what, ours, source, NOT_READ));
    };
    let rows: Vec<&Vec<String>> =
        taken.rows.rows.iter().filter(|row| row[1] != BY_SERVICE && row[1] != GONE).collect();
    let mut found = Found::default();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for row in &rows {
        let held = held.iter().find(|(step, _)| step.as_str() == row[2]).map(|(_, held)| held);
        let own = held.and_then(|held| held.id.as_deref());
        match (held, own) {
            (None, _) if row[2].is_empty() => {
                found.add(&row[0], format!("in the list ({}), not in the log", row[1]));
            }
            (None, _) => {
                found.add(&row[0], format!("in the list as {}, which the log does not hold", row[2]))
            }
            (Some(_), Some(own)) if !own.eq_ignore_ascii_case(&row[0]) => {
                found.add(&row[2], format!("the list has {}, the log has {own}", row[0]));
            }
            (Some(_), _) if !shown.insert(&row[2]) => found.add(&row[2], "in the list more than once"),
            (Some(_), _) => {}
        }
    }
    for (step, held) in held.iter().filter(|(step, _)| !rows.iter().any(|row| row[2] == step.as_str())) {
        let id = held.id.as_deref().unwrap_or("without an id");
        found.add(step.as_str(), format!("in the log ({id}), not in the list"));
    }
    Some(found.between(&what, ours, counted(source, rows.len() as u64), Some(taken)))
}

/// Whether the service took the change: what it refused left nothing behind.
pub(super) fn was_taken(change: &Change<'_>) -> bool {
    let ended_well = change.ended.is_some_and(|end| end.kind == "step.succeeded" || ended_in_delete(end));
    change.accepted.is_some() || ended_well
}

fn tickets(records: &Records, changes: &[&Change<'_>]) -> Reconciled {
    const WHAT: &str = "changes under a ticket";
    let ours = counted("changes of this site's log", changes.len() as u64);
    let source = "tickets that launches were tied to";
    let of_ticket = |entry: &&crate::model::entry::Entry| {
        records.change(entry).is_some_and(|change| change.ticket.is_some())
    };
    let ticketed: Vec<_> = records.entries.iter().filter(of_ticket).collect();
    if ticketed.is_empty() {
        return missing(WHAT, ours, source, "no entry of this log names a ticket");
    }
    let runs: BTreeSet<_> = ticketed.iter().filter_map(|entry| entry.run.as_ref()).collect();
    let plans: BTreeSet<_> = ticketed.iter().filter_map(|entry| entry.plan.as_ref()).collect();
    let mut without: BTreeMap<String, u64> = BTreeMap::new();
    for change in changes {
        let intent = change.intent;
        let by_run = intent.run.as_ref().is_some_and(|run| runs.contains(run));
        if !by_run && !intent.plan.as_ref().is_some_and(|plan| plans.contains(plan)) {
            *without
                .entry(intent.run.as_ref().map_or("no run".to_owned(), ToString::to_string))
                .or_default() += 1;
        }
    }
    let mut found = Found::default();
    for (run, count) in without {
        found.add_many(count, &format!("changes of run {run}, which no ticket stands behind"));
    }
    let under = changes.len() as u64 - found.count;
    found.between(WHAT, ours, counted(source, under), None)
}

fn events(taken: Option<&Taken>, changes: &[&Change<'_>], records: &Records) -> Vec<Reconciled> {
    const WHAT: &str = "changes and audit events";
    const OTHERS: &str = "changes by others than this program";
    let source = "audit events of the program's own identity";
    let seq = taken.map_or(u64::MAX, |taken| taken.entry);
    let before: Vec<&Change<'_>> = changes.iter().copied().filter(|change| change.intent.seq < seq).collect();
    let ours = counted("changes of this site's log", before.len() as u64);
    let none = counted("this site's log", 0);
    let why = match taken {
        None => NOT_READ,
        Some(taken) if taken.read.read_as.is_none() => "the way of signing in does not say as whom",
        Some(taken) if taken.read.calls.is_empty() => "the target gives no audit events",
        Some(_) => "",
    };
    let Some(taken) = taken.filter(|_| why.is_empty()) else {
        return vec![missing(WHAT, ours, source, why), missing(OTHERS, none, "audit events of others", why)];
    };
    let who = taken.read.read_as.as_deref().unwrap_or_default();
    let (own, by_others): (Vec<_>, Vec<_>) = taken.rows.rows.iter().partition(|row| row[1] == who);
    let mut found = Found::default();
    let explained: BTreeSet<&str> = own.iter().map(|row| row[5].as_str()).collect();
    for change in &before {
        let id = records.id(change.intent.seq);
        if !explained.contains(id.as_str()) {
            found.add(id, "a change of the log that no audit event shows");
        }
    }
    let known: BTreeSet<String> = before.iter().map(|change| records.id(change.intent.seq)).collect();
    let mut used = BTreeSet::new();
    for row in &own {
        if !known.contains(&row[5]) || !used.insert(&row[5]) {
            found.add(event(row), "an audit event that is no change of the log");
        }
    }
    let mut other = Found::default();
    for row in &by_others {
        other.add(event(row), format!("by {}", row[1]));
    }
    let theirs = |source: &str, rows: &[&Vec<String>]| counted(source, rows.len() as u64);
    let both = found.between(WHAT, ours, theirs(source, &own), Some(taken));
    vec![both, other.between(OTHERS, none, theirs("audit events of others", &by_others), Some(taken))]
}

fn event(row: &[String]) -> String {
    format!("{} {} {}", row[0], row[2], row[3])
}

/// People are counted over the whole account, because no list says whose they are; named are those who have a way into
/// this site.
fn people(taken: Option<&Taken>) -> [Reconciled; 2] {
    const USERS_WHAT: &str = "users of the account";
    const LEFT_WHAT: &str = "people who left";
    let with = |word: &str| taken.and_then(|taken| taken.read.compared.iter().find(|one| one.with == word));
    let why = if taken.is_none() { NOT_READ } else { NOT_GIVEN };
    let active = taken.map(|taken| {
        let can = |row: &&Vec<String>| row[2] == "yes";
        taken.rows.rows.iter().filter(can).count() as u64
    });
    let nothing = |source: &str| Counted { source: source.to_owned(), count: None };
    let users = match (taken, with(IDENTITY)) {
        (Some(taken), Some(one)) => {
            let mut found = Found::default();
            let here = taken.rows.rows.iter().filter(|row| row[4] == "no").count() as u64;
            for row in taken.rows.rows.iter().filter(|row| row[4] == "no") {
                found
                    .add(&row[0], "can sign in to the account, and the identity provider does not know them");
            }
            found.add_many(
                (one.in_account - one.matched.min(one.in_account)).saturating_sub(here),
                "can sign in to the account without a way into this site, and the identity provider does not know them",
            );
            found.add_many(
                one.people.saturating_sub(one.matched),
                "known to the identity provider, and not able to sign in to the account",
            );
            let ours = counted("users of the account who can sign in", one.in_account);
            whole(
                one,
                found.between(USERS_WHAT, ours, counted("the identity provider", one.people), Some(taken)),
            )
        }
        _ => {
            let ours = Counted {
                source: "users with a way into this site who can sign in".to_owned(),
                count: active,
            };
            missing(USERS_WHAT, ours, "the identity provider", why)
        }
    };
    let left = match (taken, with(LEAVERS)) {
        (Some(taken), Some(one)) => {
            let mut found = Found::default();
            let here = taken.rows.rows.iter().filter(|row| row[5] == "yes" && row[2] == "yes");
            let named = here.clone().count() as u64;
            for row in here {
                found.add(&row[0], "left, and can still sign in");
            }
            found.add_many(
                one.in_account.saturating_sub(one.matched).saturating_sub(named),
                "left, and can still sign in, without a way into this site",
            );
            let ours = counted("of those, users who cannot sign in any more", one.matched);
            let theirs = counted("people of the register of leavers whom the account has", one.in_account);
            whole(one, found.between(LEFT_WHAT, ours, theirs, Some(taken)))
        }
        _ => missing(LEFT_WHAT, nothing("users who cannot sign in"), "the register of leavers", why),
    };
    [users, left]
}

fn whole(one: &Compared, mut reconciled: Reconciled) -> Reconciled {
    if !one.whole {
        let why = "the file that was given counts more people than it holds".to_owned();
        reconciled.standing = Standing::Cut { why };
    }
    reconciled
}
