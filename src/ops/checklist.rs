//! Where checklists and gates stand: reads the logs of scopes and folds them with what the packs ask.

mod names;
pub mod pending;
pub mod run;
pub mod waivers;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::approval::{self, Asked, Decision, Weighed};
use crate::base::id::{GateId, LogId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::checklist::{self, Around, Authority, ItemStanding};
use crate::gate;
use crate::journal::{Journal, JournalError, Line};
use crate::model::checklist::Item;
use crate::model::entry::Entry;
use crate::model::estate::WaveKind;
use crate::model::gate::{Gate, GateStanding};
use crate::model::people::{Enrolled, People};
use crate::ops::decisions;
use crate::ops::desired::Desired;

pub use names::check;

/// What the files say about checklists and gates, without the files.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The estate's lineage.
    pub lineage: String,
    /// The zone in which days are meant.
    pub zone: TimeZone,
    /// Who is who.
    pub people: People,
    /// Who may waive.
    pub authority: Authority,
    /// The scopes that have items or gates.
    pub scopes: BTreeMap<ScopeId, Asks>,
}

/// What is asked at one scope.
#[derive(Debug, Clone)]
pub struct Asks {
    /// The items.
    pub items: Vec<Item>,
    /// The gates.
    pub gates: Vec<Gate>,
    /// The first day of the program for this scope: of the whole program for the account and the pilot's sites, else the
    /// first day of the site's wave.
    pub day_one: Option<Date>,
}

/// Where everything stands at one moment.
#[derive(Debug, Clone)]
pub struct Board {
    /// The moment.
    pub now: Timestamp,
    /// Each scope that has items or gates.
    pub scopes: BTreeMap<ScopeId, Stand>,
}

/// Where one scope stands.
#[derive(Debug, Clone, Default)]
pub struct Stand {
    /// Its items.
    pub items: BTreeMap<StepId, ItemStanding>,
    /// Its gates.
    pub gates: BTreeMap<GateId, GateStanding>,
    /// Every decision in its log.
    pub decisions: Vec<Decision>,
    /// What its log says about gates and about what was told of late ones.
    pub records: Vec<Entry>,
}

/// Holds decisions against what is asked, with the keys that count.
pub type Weighing<'w> = dyn Fn(&Asked, &[Decision], &Enrolled) -> Weighed + 'w;

impl Ground {
    /// What the estate's files and packs say.
    pub fn of(desired: &Desired) -> Self {
        let estate = &desired.loaded.estate;
        let asks = |scope: &ScopeId| {
            let rendered = &desired.rendered[scope];
            let (items, gates) = (rendered.items.clone(), rendered.gates.clone());
            let empty = items.is_empty() && gates.is_empty();
            (!empty).then(|| Asks { items, gates, day_one: day_one(desired, scope) })
        };
        let scopes = desired.rendered.keys().filter_map(|scope| Some((scope.clone(), asks(scope)?)));
        Self {
            lineage: estate.lineage.clone(),
            zone: estate.time_zone(),
            people: estate.people.clone(),
            authority: Authority::of(&estate.people),
            scopes: scopes.collect(),
        }
    }

    /// Where everything stands by the records.
    ///
    /// # Errors
    ///
    /// If a log cannot be read.
    pub fn board(&self, journal: &dyn Journal, now: Timestamp) -> Result<Board, JournalError> {
        let weighing = |asked: &Asked, decisions: &[Decision], keys: &Enrolled| {
            let around =
                approval::Around { estate: &self.lineage, zone: &self.zone, people: &self.people, keys };
            approval::weigh(asked, decisions, around, now)
        };
        self.board_with(journal, now, &weighing)
    }

    /// The same with another way to weigh decisions: for tests of what follows from them.
    ///
    /// # Errors
    ///
    /// If a log cannot be read.
    pub fn board_with(
        &self,
        journal: &dyn Journal,
        now: Timestamp,
        weighing: &Weighing<'_>,
    ) -> Result<Board, JournalError> {
        let keys = if self.scopes.is_empty() { Enrolled::default() } else { decisions::keys(journal)? };
        let weigh = |asked: &Asked, decisions: &[Decision]| weighing(asked, decisions, &keys);
        let mut board = Board { now, scopes: BTreeMap::new() };
        // The account comes first in the order of scopes: gates of others rest on its gates.
        for (scope, asks) in &self.scopes {
            let log = LogId::Scope(scope.clone());
            let lines = journal.read(&log, 0)?;
            let decisions = decisions::among(&log, lines.iter().map(|line| &line.entry));
            let around = Around {
                scope,
                zone: &self.zone,
                day_one: asks.day_one,
                authority: &self.authority,
                weigh: &weigh,
                now,
            };
            let entries = checklist::entries(lines.iter().map(|line| &line.entry));
            let items = checklist::standing(&asks.items, &entries, &decisions, around);
            let account = board.scopes.get(&ScopeId::Account).filter(|_| *scope != ScopeId::Account);
            let account = account.map(|stand| gate::Account { items: &stand.items, gates: &stand.gates });
            let gates = gate::standing(&asks.gates, &items, account, &decisions, around);
            let told = |line: Line| (is_record(&line.entry.kind)).then_some(line.entry);
            let records = lines.into_iter().filter_map(told).collect();
            board.scopes.insert(scope.clone(), Stand { items, gates, decisions, records });
        }
        Ok(board)
    }

    /// The item of a scope.
    pub fn item(&self, scope: &ScopeId, id: &StepId) -> Option<&Item> {
        self.scopes.get(scope)?.items.iter().find(|item| item.id == *id)
    }

    /// The gate of a scope.
    pub fn gate(&self, scope: &ScopeId, id: &GateId) -> Option<&Gate> {
        self.scopes.get(scope)?.gates.iter().find(|gate| gate.id == *id)
    }

    /// The scopes at which a gate is asked for: the account's where it has one of this name, else those of the sites
    /// that are given; where none of them has it, the sites that do.
    pub fn scopes_of(&self, gate: &GateId, sites: &[ScopeId]) -> Vec<ScopeId> {
        let having = self.having(gate);
        let is_theirs = sites.iter().any(|site| having.contains(site));
        if having.contains(&ScopeId::Account) {
            vec![ScopeId::Account]
        } else if is_theirs || having.is_empty() {
            sites.to_vec()
        } else {
            // What only other sites can show, such as the end of the pilot, is asked of them.
            having
        }
    }

    /// Every scope that has a gate of this name.
    pub fn having(&self, gate: &GateId) -> Vec<ScopeId> {
        let has = |asks: &Asks| asks.gates.iter().any(|one| one.id == *gate);
        self.scopes.iter().filter(|(_, asks)| has(asks)).map(|(scope, _)| scope.clone()).collect()
    }

    /// The names of all gates.
    pub fn gates(&self) -> BTreeSet<&GateId> {
        self.scopes.values().flat_map(|asks| asks.gates.iter().map(|gate| &gate.id)).collect()
    }
}

impl Board {
    /// Where a gate stands at a scope.
    pub fn gate(&self, scope: &ScopeId, gate: &GateId) -> Option<&GateStanding> {
        self.scopes.get(scope)?.gates.get(gate)
    }

    /// Where an item stands at a scope.
    pub fn item(&self, scope: &ScopeId, item: &StepId) -> Option<&ItemStanding> {
        self.scopes.get(scope)?.items.get(item)
    }
}

fn day_one(desired: &Desired, scope: &ScopeId) -> Option<Date> {
    let of_program = desired.loaded.estate.day_one;
    let Some(site) = scope.site() else { return of_program };
    let wave = desired.loaded.wave_of(site.as_str())?;
    match wave.kind {
        WaveKind::Pilot => of_program,
        WaveKind::Repeatability | WaveKind::Scale => wave.start,
    }
}

fn is_record(kind: &str) -> bool {
    [gate::late::ESCALATED, crate::ops::gates::OPENED, crate::ops::gates::SHUT].contains(&kind)
}
