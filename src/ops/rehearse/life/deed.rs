//! What somebody is asked for while gates are opened, and how they do it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::World;
use super::cast::Player;
use crate::base::digest::Digest;
use crate::base::id::{GateId, LogId, PersonId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::checklist;
use crate::gate;
use crate::model::checklist::{RecordCheck, Validator};
use crate::model::days::start_of;
use crate::model::electronic::{SignatureMeaning, is_asked};
use crate::model::entry::{Actor, ActorKind};
use crate::model::signed::{Act, STATEMENT_VERSION, Signed, Statement, Subject};
use crate::ops::challenge::{Form, electronic};
use crate::ops::checklist::Board;
use crate::ops::error::Failure;
use crate::ops::{gates, record};
use crate::people::Seat;
use crate::persona;
use crate::report::life::Kind;

/// Days for which something that is missing is answered for.
const WAIVED_DAYS: i64 = 60;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// File a record.
    File { kind: String },
    /// Put people into a group.
    Enter { group: String, members: u32 },
    /// State something.
    State { item: StepId, text: String },
    /// Answer for something that is missing.
    Waive { item: StepId },
    /// Sign a gate.
    Sign { gate: GateId },
    /// Read what a gate rests on, without signing it.
    Review { gate: GateId },
}

/// Something that somebody is asked for.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// What it is called, so that it is asked for once.
    pub key: String,
    /// Where.
    pub scope: ScopeId,
    /// In which seat.
    pub seat: Seat,
    /// What.
    pub what: What,
    /// The line of the gate that waits for it.
    pub line: usize,
    /// Whether it takes a clinician.
    pub clinician: bool,
    /// Who must not do it, because they did another part of it.
    pub kept_out: BTreeSet<PersonId>,
    /// Not before this moment.
    pub earliest: Option<Timestamp>,
}

/// Under which name it is kept that people are in a group, beside the records that were filed.
pub(super) fn group_key(group: &str) -> String {
    format!("group {group}")
}

impl World<'_> {
    /// The deed that is done first, by whom and when. Each is asked for once, and answered after as many working hours as
    /// the seed says.
    pub(super) fn next(&mut self, deeds: Vec<Deed>) -> Option<(Deed, Player, Timestamp)> {
        let now = self.now();
        let mut first: Option<(Timestamp, Deed, Player)> = None;
        for deed in deeds {
            let player = self.cast.player(&deed.seat, deed.clinician, &deed.kept_out, now);
            let Some(player) = player else {
                self.nobody(&deed);
                continue;
            };
            let since = deed.earliest.map_or(now, |earliest| earliest.max(now));
            let due = self.answer(&deed.key, &player, since);
            let earlier =
                first.as_ref().is_none_or(|(other, known, _)| (due, &deed.key) < (*other, &known.key));
            if earlier {
                first = Some((due, deed, player));
            }
        }
        first.map(|(due, deed, player)| (deed, player, due))
    }

    /// When somebody answers what they were asked.
    pub(super) fn answer(&mut self, key: &str, player: &Player, since: Timestamp) -> Timestamp {
        let (seed, zone) = (self.seed, &self.zone);
        let answer = self.asked.entry(key.to_owned()).or_insert_with(|| {
            let minutes = persona::minutes(seed, &player.person, &Digest::of(key.as_bytes()));
            super::Answer { since, due: persona::after_work(since, minutes, zone), minutes }
        });
        answer.due.max(answer.since)
    }

    fn nobody(&mut self, deed: &Deed) {
        let key = format!("nobody/{}", deed.key);
        if self.asked.contains_key(&key) {
            return;
        }
        let now = self.now();
        self.asked.insert(key, super::Answer { since: now, due: now, minutes: 0 });
        let what = format!("nobody can act as {} at {} for {}", deed.seat.role, deed.scope, deed.key);
        self.event(Kind::Finding, what, None);
    }

    /// Does a deed at the moment at which it is done.
    pub(super) fn perform(&mut self, deed: &Deed, player: &Player, board: &Board) -> Result<(), Failure> {
        let minutes = self.asked.remove(&deed.key).map_or(0, |answer| answer.minutes);
        self.waited(&deed.seat.role, minutes, Some(deed.line));
        let by = Some(format!("{} as {}", player.person, deed.seat.role));
        let scope = &deed.scope;
        match &deed.what {
            What::File { kind } => {
                self.file(scope, kind)?;
                self.event(Kind::Filed, format!("{kind} at {scope}"), by);
            }
            What::Enter { group, members } => {
                let people: Vec<String> =
                    (1..=*members).map(|number| format!("{group}-{number}@rehearsal.example")).collect();
                if let Some(embedded) = &self.reached.embedded {
                    let entered = embedded.sandbox.enter_group(group, &people);
                    entered.map_err(|error| Failure::failed(error.to_string()))?;
                }
                self.filed.insert((scope.clone(), group_key(group)), self.now());
                self.event(Kind::Filed, format!("{members} people are in the group {group}"), by);
            }
            What::State { item, text } => {
                let Some(found) = self.ground.item(scope, item) else { return Ok(()) };
                let subject = checklist::subject(scope, found);
                let said = self.statement(&deed.seat, player, subject, Act::Attest {}, text.clone());
                self.decide(said)?;
                self.event(Kind::Stated, format!("{item} at {scope}"), by);
            }
            What::Waive { item } => {
                use jiff::ToSpan as _;
                let Some(found) = self.ground.item(scope, item) else { return Ok(()) };
                let day =
                    crate::model::days::day_of(&self.zone, self.now()).saturating_add(WAIVED_DAYS.days());
                let until = start_of(&self.zone, day);
                let meaning = format!("I answer for it that this is missing until {day}: {}", found.title);
                let act = Act::Waive { compensating: "it is watched by hand until then".to_owned() };
                let subject = checklist::subject(scope, found);
                let said = self.statement(&deed.seat, player, subject, act, meaning);
                self.decide(Statement { expires: Some(until), comment: "rehearsed".to_owned(), ..said })?;
                self.event(Kind::Waived, format!("{item} at {scope} until {day}"), by);
            }
            What::Review { gate } => {
                let found = self.ground.gate(scope, gate).zip(board.gate(scope, gate));
                let Some((declared, standing)) = found else { return Ok(()) };
                let subject = gate::subject(standing);
                let meaning =
                    format!("I have read what this rests on and found it right: {}", declared.statement);
                let said = self.statement(&deed.seat, player, subject, Act::Review {}, meaning);
                self.decide(said)?;
                self.event(Kind::Signed, format!("{gate} at {scope}, as its reviewer"), by);
            }
            What::Sign { gate } => {
                let found = self.ground.gate(scope, gate).zip(board.gate(scope, gate));
                let Some((declared, standing)) = found else { return Ok(()) };
                let act = Act::Approve { conditions: Vec::new(), one_way: BTreeSet::new() };
                let (subject, meaning) = (gate::subject(standing), declared.statement.clone());
                let said = self.statement(&deed.seat, player, subject, act, meaning);
                self.decide(said)?;
                self.event(Kind::Signed, format!("{gate} at {scope}"), by);
            }
        }
        Ok(())
    }

    fn decide(&mut self, statement: Statement) -> Result<(), Failure> {
        let signed = self.sign(statement)?;
        gates::decide(&self.context, &mut self.journal, &signed)?;
        Ok(())
    }

    /// Signs, and counts it.
    pub(super) fn sign(&mut self, statement: Statement) -> Result<Signed, Failure> {
        self.life.counts.decisions += 1;
        let scopes: Vec<ScopeId> = statement.subject.scope.clone().into_iter().collect();
        let statement = self.in_form(statement, &scopes)?;
        self.cast.sign(statement)
    }

    /// The statement as a site wants it that keeps electronic records; as it is, where none of these does.
    pub(super) fn in_form(&mut self, statement: Statement, scopes: &[ScopeId]) -> Result<Statement, Failure> {
        let people = self.cast.people();
        if !is_asked(people, scopes) {
            return Ok(statement);
        }
        let comment = match statement.comment.as_str() {
            "" => "rehearsed".to_owned(),
            own => own.to_owned(),
        };
        let meaning = match statement.act {
            Act::Review {} => SignatureMeaning::Review,
            Act::Approve { .. } => SignatureMeaning::Approval,
            Act::Request { .. }
            | Act::Reject {}
            | Act::Attest {}
            | Act::NotApplicable {}
            | Act::Waive { .. }
            | Act::BreakGlass {}
            | Act::Withdraw {} => SignatureMeaning::Responsibility,
        };
        let logs: Vec<LogId> = scopes.iter().cloned().map(LogId::Scope).collect();
        let actor = Actor { kind: ActorKind::Rehearsal, id: "rehearsal".to_owned() };
        let form = Form { people, zone: &self.zone, meaning, logs: &logs, actor: &actor };
        electronic(&self.context, &mut self.journal, form, Statement { comment, ..statement })
    }

    /// What somebody says now in a seat.
    pub(super) fn statement(
        &self,
        seat: &Seat,
        player: &Player,
        subject: Subject,
        act: Act,
        meaning: String,
    ) -> Statement {
        Statement {
            v: STATEMENT_VERSION,
            estate: self.ground.lineage.clone(),
            subject,
            act,
            person: player.person.clone(),
            role: seat.role.clone(),
            instead_of: player.instead_of.clone(),
            at: self.now(),
            expires: None,
            meaning,
            comment: String::new(),
            electronic: None,
        }
    }

    /// Files a record that says what all items of its scope ask of records of its kind.
    pub(super) fn file(&mut self, scope: &ScopeId, kind: &str) -> Result<(), Failure> {
        let asks = self.ground.scopes.get(scope);
        let validators = asks.into_iter().flat_map(|asks| &asks.items).flat_map(|item| &item.validate);
        let mut whole = RecordCheck {
            kind: kind.to_owned(),
            within_days: None,
            after_release: false,
            expect: Vec::new(),
        };
        for validator in validators {
            if let Validator::Record(one) = validator
                && one.kind == kind
            {
                whole.expect.extend(one.expect.iter().cloned());
            }
        }
        let document: Value = persona::document(&whole);
        let path = self.context.state.join(format!("{kind}.json"));
        let bytes = serde_json::to_vec(&document).map_err(|error| Failure::failed(error.to_string()))?;
        std::fs::write(&path, bytes)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
        let log = LogId::Scope(scope.clone());
        let statement = "filed by a persona of a rehearsal";
        let wanted = record::Wanted { kind, log: &log, file: Some(&path), statement };
        record::record(&self.context, &mut self.journal, wanted)?;
        self.life.counts.records += 1;
        self.filed.insert((scope.clone(), kind.to_owned()), self.now());
        Ok(())
    }
}
