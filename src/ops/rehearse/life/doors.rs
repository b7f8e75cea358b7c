//! Opens gates: looks at each before anybody does anything, lets people and programs work, and tells when it opens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::World;
use super::deed::{Deed, What, group_key};
use super::launch::{REVIEWERS, of_program};
use super::need::{Need, groups, records};
use super::probes;
use crate::base::digest::Digest;
use crate::base::id::{GateId, PersonId, RoleName, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::checklist::{self, ItemStanding};
use crate::gate;
use crate::model::checklist::{Deed as Remedy, Item, ItemState};
use crate::model::gate::GateStanding;
use crate::model::signed::{Act, Subject};
use crate::ops::checklist::run::{self, Became, Tools};
use crate::ops::checklist::{Board, Ground};
use crate::ops::error::Failure;
use crate::ops::gates;
use crate::report::life::{GateLine, Kind};
use crate::validate;

/// Most rounds of one batch of gates: each does one thing, and thousands of things are no checklist that people go through.
const ROUNDS_MAX: usize = 5_000;

/// What is owed at a moment.
#[derive(Default)]
struct Owed {
    runs: BTreeMap<ScopeId, BTreeSet<StepId>>,
    deeds: Vec<Deed>,
}

/// One item that is not closed.
struct One<'o> {
    scope: &'o ScopeId,
    item: &'o Item,
    standing: &'o ItemStanding,
    /// The line of the gate that waits for it.
    line: usize,
    board: &'o Board,
    /// The first day on which it is worked on.
    earliest: Option<Timestamp>,
}

impl One<'_> {
    /// Whether what was done at a moment counts: what has grown old since is done again.
    fn counts(&self, at: Option<&Timestamp>) -> bool {
        let grown_old = match &self.standing.state {
            ItemState::Expired { since } => Some(*since),
            ItemState::Open
            | ItemState::Blocked { .. }
            | ItemState::Waiting { .. }
            | ItemState::Failed { .. }
            | ItemState::Passed { .. }
            | ItemState::NotApplicable { .. }
            | ItemState::Waived { .. } => None,
        };
        at.is_some_and(|at| grown_old.is_none_or(|since| *at >= since))
    }

    fn deed(&self, key: String, role: &RoleName, what: What) -> Deed {
        Deed {
            key,
            scope: self.scope.clone(),
            seat: checklist::seat(self.scope, role),
            what,
            line: self.line,
            clinician: false,
            kept_out: BTreeSet::new(),
            earliest: self.earliest,
        }
    }

    /// What nobody has stated yet.
    fn statements(&self) -> Vec<Deed> {
        let id = &self.item.id;
        let mut deeds = Vec::new();
        for statement in &self.standing.statements {
            let said = stated(self.board, &checklist::subject(self.scope, self.item), &statement.text);
            let number = Digest::of(statement.text.as_bytes()).short();
            for role in &statement.missing {
                let what = What::State { item: id.clone(), text: statement.text.clone() };
                let made = self.deed(format!("state/{}/{id}/{number}/{role}", self.scope), role, what);
                deeds.push(Deed { clinician: statement.clinician, kept_out: said.clone(), ..made });
            }
        }
        deeds
    }
}

impl World<'_> {
    /// Opens gates with everything that they need. What stays closed keeps its line.
    ///
    /// # Errors
    ///
    /// If the rehearsal's journal fails.
    pub(super) async fn open(&mut self, wanted: &[(ScopeId, GateId)]) -> Result<(), Failure> {
        let need = Need::of(&self.ground, wanted);
        let mut ground = self.ground.clone();
        let scopes = need.scopes();
        ground.scopes.retain(|scope, _| scopes.contains(scope));
        let board = ground.board(&self.journal, self.now())?;
        self.first_look(&need, &board);
        for _ in 0..ROUNDS_MAX {
            if self.stop.is_asked() {
                return Ok(());
            }
            let board = ground.board(&self.journal, self.now())?;
            self.opened(&need, &ground, &board)?;
            let is_open =
                |(scope, gate): &(ScopeId, GateId)| board.gate(scope, gate).is_some_and(|one| one.open);
            if need.gates.iter().all(is_open) {
                return Ok(());
            }
            let owed = self.owed(&need, &board);
            if !owed.runs.is_empty() {
                for (scope, items) in owed.runs {
                    self.check(&scope, items).await?;
                }
                continue;
            }
            let Some((deed, player, due)) = self.next(owed.deeds) else { break };
            self.context.clock.advance_to(due);
            self.perform(&deed, &player, &board)?;
        }
        self.stuck(&need, &ground)
    }

    /// Each gate is looked at before anybody does anything for it: it must be closed.
    fn first_look(&mut self, need: &Need, board: &Board) {
        for place in &need.gates {
            let Some(standing) = board.gate(&place.0, &place.1) else { continue };
            let known = self.lines.get(place).and_then(|at| self.life.gates.get(*at));
            if standing.open && known.is_some_and(|line| line.opened.is_some()) {
                continue;
            }
            self.found(place, standing);
        }
        // What was done for an earlier wave may not be enough for this one.
        for (scope, id) in need.items.keys().filter(|(scope, id)| !is_closed(board, scope, id)) {
            self.ran.remove(&(scope.clone(), id.clone()));
            let kinds: Vec<String> = self
                .ground
                .item(scope, id)
                .map(|item| records(item).map(str::to_owned).collect())
                .unwrap_or_default();
            for kind in kinds {
                self.filed.remove(&(scope.clone(), kind));
            }
            self.worked.insert((scope.clone(), id.clone()));
        }
    }

    /// Tells how a gate was found, and gives it a line.
    fn found(&mut self, place: &(ScopeId, GateId), standing: &GateStanding) {
        let (scope, id) = place;
        let opens = self.ground.gate(scope, id).map_or(String::new(), |gate| gate.opens.clone());
        let now = self.shown(self.now());
        let again = if self.lines.contains_key(place) { " again" } else { "" };
        let line = GateLine {
            scope: scope.to_string(),
            gate: id.to_string(),
            opens: opens.clone(),
            missing: standing.missing.len(),
            closed: (!standing.open).then(|| now.clone()),
            opened: standing.open.then_some(now),
            by: Vec::new(),
            waived: standing.waived.clone(),
            waited: BTreeMap::new(),
        };
        self.lines.insert(place.clone(), self.life.gates.len());
        self.life.gates.push(line);
        if standing.open {
            let what = format!("{id} at {scope} is open before anybody did anything for it");
            self.event(Kind::Finding, what, None);
        } else {
            let what = format!("{id} at {scope}{again} ({opens}): {}", missing(standing));
            self.event(Kind::Closed, what, None);
        }
    }

    /// Writes down and tells which gates have opened, or are closed again because something has grown old.
    fn opened(&mut self, need: &Need, ground: &Ground, board: &Board) -> Result<(), Failure> {
        let mut changed = false;
        for place in &need.gates {
            let Some(at) = self.lines.get(place).copied() else { continue };
            let Some(standing) = board.gate(&place.0, &place.1) else { continue };
            let now = self.shown(self.now());
            let Some(line) = self.life.gates.get_mut(at) else { continue };
            match (standing.open, line.opened.is_some()) {
                (true, true) | (false, false) => continue,
                (false, true) => {
                    changed = true;
                    self.found(place, standing);
                    continue;
                }
                (true, false) => changed = true,
            }
            // Signatures over what has changed since do not count.
            let signed = given(board, &gate::subject(standing), |act| matches!(act, Act::Approve { .. }));
            line.by = signed.iter().map(|(person, role)| format!("{person} as {role}")).collect();
            line.opened = Some(now);
            line.waived.clone_from(&standing.waived);
            let (by, opens) = (line.by.join(", "), line.opens.clone());
            let waived = match standing.waived.len() {
                0 => String::new(),
                count => format!(", with {count} waived"),
            };
            let what = format!("{} at {}: {opens}{waived}", place.1, place.0);
            self.event(Kind::Open, what, Some(by));
        }
        if changed {
            let written = gates::record(&self.context, ground, &mut self.journal)?;
            self.late(&written.told);
        }
        Ok(())
    }

    /// Tells each role once how much it hears of.
    fn late(&mut self, told: &[String]) {
        let mut roles: BTreeMap<String, usize> = BTreeMap::new();
        for line in told {
            let role = line.split(" is told").next().unwrap_or(line);
            *roles.entry(role.to_owned()).or_insert(0) += 1;
        }
        for (role, count) in roles {
            self.event(Kind::Late, format!("{role} is told of {count} that are late"), None);
        }
    }

    /// What programs and people can do now.
    fn owed(&self, need: &Need, board: &Board) -> Owed {
        let mut owed = Owed::default();
        for ((scope, id), gate) in &need.items {
            let found = self.ground.item(scope, id).zip(board.item(scope, id));
            let Some((item, standing)) = found.filter(|(_, standing)| !standing.state.is_closed()) else {
                continue;
            };
            let Some(line) = self.lines.get(&need.gates[*gate]).copied() else { continue };
            let earliest = item.due.and_then(|due| self.start_of_day(due.from));
            self.of_item(&One { scope, item, standing, line, board, earliest }, &mut owed);
        }
        // Programs look once everything that was to be filed at a scope is there.
        let files: BTreeSet<ScopeId> = owed
            .deeds
            .iter()
            .filter(|deed| matches!(deed.what, What::File { .. } | What::Enter { .. }))
            .map(|deed| deed.scope.clone())
            .collect();
        owed.runs.retain(|scope, _| !files.contains(scope));
        for place in &need.gates {
            let Some(line) = self.lines.get(place).copied() else { continue };
            if let Some(standing) = board.gate(&place.0, &place.1).filter(|standing| !standing.open) {
                owed.deeds.extend(self.signatures(standing, line, board));
            }
        }
        owed
    }

    fn of_item(&self, one: &One<'_>, owed: &mut Owed) {
        let One { scope, item, standing, .. } = one;
        let before = owed.deeds.len();
        self.filing(one, &mut owed.deeds);
        let all_filed = owed.deeds.len() == before;
        let automatic = validate::is_automatic(item);
        let ran = one.counts(self.ran.get(&((*scope).clone(), item.id.clone())));
        if automatic && all_filed && !ran {
            owed.runs.entry((*scope).clone()).or_default().insert(item.id.clone());
            return;
        }
        match &standing.state {
            ItemState::Failed { .. } if ran => owed.deeds.extend(self.waivers(one)),
            ItemState::Open | ItemState::Waiting { .. } | ItemState::Expired { .. }
                if all_filed && (ran || !automatic) =>
            {
                owed.deeds.extend(one.statements());
            }
            ItemState::Open
            | ItemState::Blocked { .. }
            | ItemState::Waiting { .. }
            | ItemState::Failed { .. }
            | ItemState::Passed { .. }
            | ItemState::Expired { .. }
            | ItemState::NotApplicable { .. }
            | ItemState::Waived { .. } => {}
        }
    }

    /// Records that are to be filed, and groups that people are to be put into.
    fn filing(&self, one: &One<'_>, deeds: &mut Vec<Deed>) {
        let One { scope, item, .. } = one;
        let is_filed = |name: String| one.counts(self.filed.get(&((*scope).clone(), name)));
        for (group, members) in groups(item).filter(|(group, _)| !is_filed(group_key(group))) {
            let role = match &item.remedy {
                Some(Remedy::Tell { role, .. }) => role,
                Some(Remedy::Call { .. } | Remedy::Agent { .. }) | None => &item.owner,
            };
            let what = What::Enter { group: group.to_owned(), members };
            deeds.push(one.deed(format!("group/{group}"), role, what));
        }
        for kind in records(item).filter(|kind| !is_filed((*kind).to_owned())) {
            let what = What::File { kind: kind.to_owned() };
            deeds.push(one.deed(format!("file/{scope}/{kind}"), &item.owner, what));
        }
    }

    /// Words of those who may let it pass, and have not given theirs.
    fn waivers(&self, one: &One<'_>) -> Vec<Deed> {
        let One { scope, item, board, .. } = one;
        let given = given(board, &checklist::subject(scope, item), |act| matches!(act, Act::Waive { .. }));
        let kept_out: BTreeSet<PersonId> = given.iter().map(|(who, _)| who.clone()).collect();
        let roles = checklist::waiver_roles(item.severity, &item.owner, &self.ground.authority);
        let open = roles.iter().filter(|role| !given.iter().any(|(_, of)| of == *role));
        let deed = |role: &RoleName| {
            let key = format!("waive/{scope}/{}/{role}", item.id);
            let made = one.deed(key, role, What::Waive { item: item.id.clone() });
            Deed { kept_out: kept_out.clone(), ..made }
        };
        open.map(deed).collect()
    }

    fn signatures(&self, standing: &GateStanding, line: usize, board: &Board) -> Vec<Deed> {
        let subject = gate::subject(standing);
        let given = given(board, &subject, |act| matches!(act, Act::Approve { .. }));
        let kept_out: BTreeSet<PersonId> = given.into_iter().map(|(who, _)| who).collect();
        let deed = |role| Deed {
            key: format!("sign/{}/{}/{role}/{line}", standing.scope, standing.gate),
            scope: standing.scope.clone(),
            seat: checklist::seat(&standing.scope, role),
            what: What::Sign { gate: standing.gate.clone() },
            line,
            clinician: false,
            kept_out: kept_out.clone(),
            earliest: None,
        };
        let mut deeds: Vec<Deed> = standing.unsigned.iter().map(deed).collect();
        deeds.extend(self.review(standing, line, board));
        deeds
    }

    /// Somebody who does not sign the gate reads it, where it asks for that.
    fn review(&self, standing: &GateStanding, line: usize, board: &Board) -> Option<Deed> {
        let gate = self.ground.gate(&standing.scope, &standing.gate).filter(|gate| gate.quorum.review)?;
        // The review comes last, so that nothing it was about can still change.
        let is_ripe = standing.unsigned.is_empty() && standing.missing.len() == 1;
        let given = given(board, &gate::subject(standing), |act| matches!(act, Act::Review {}));
        if !is_ripe || !given.is_empty() {
            return None;
        }
        let free = REVIEWERS.iter().map(|name| of_program(name));
        let seat = free.into_iter().find(|seat| !gate.quorum.roles.contains(&seat.role))?;
        Some(Deed {
            key: format!("review/{}/{}/{line}", standing.scope, standing.gate),
            scope: standing.scope.clone(),
            seat,
            what: What::Review { gate: standing.gate.clone() },
            line,
            clinician: false,
            kept_out: BTreeSet::new(),
            earliest: None,
        })
    }

    /// Lets programs look at items of a scope.
    pub(super) async fn check(&mut self, scope: &ScopeId, items: BTreeSet<StepId>) -> Result<(), Failure> {
        for item in &items {
            self.ran.insert((scope.clone(), item.clone()), self.now());
        }
        let asks = self.ground.scopes.get(scope).map_or(&[][..], |asks| &asks.items);
        let probe = probes::fitting(asks, self.now());
        let wanted = run::Wanted { scope: Some(scope.clone()), among: items, ..run::Wanted::default() };
        let tools = Tools {
            reached: Some(&self.reached),
            probe: Arc::new(probe),
            stop: self.stop.clone(),
            feed: &mut |_| {},
        };
        let report = run::run(&self.context, &self.estate, &wanted, &mut self.journal, tools).await?;
        let failed = report.count(Became::Failed);
        let what = format!("{} items at {scope}: {} fail", report.items.len(), failed);
        self.event(Kind::Checked, what, None);
        for one in report.items.iter().filter(|one| one.became == Became::Failed) {
            let what = format!("{} at {scope} does not hold: {}", one.item, one.missing.join(" "));
            let told = one.told.as_ref().map(|role| format!("{role} is told"));
            self.event(Kind::Checked, what, told);
        }
        Ok(())
    }

    /// Tells what nobody can bring further.
    fn stuck(&mut self, need: &Need, ground: &Ground) -> Result<(), Failure> {
        let board = ground.board(&self.journal, self.now())?;
        for (scope, id) in &need.gates {
            if let Some(standing) = board.gate(scope, id).filter(|standing| !standing.open) {
                let what = format!("{id} at {scope} stays closed: {}", missing(standing));
                self.event(Kind::Finding, what, None);
            }
        }
        Ok(())
    }
}

fn is_closed(board: &Board, scope: &ScopeId, item: &StepId) -> bool {
    board.item(scope, item).is_some_and(|standing| standing.state.is_closed())
}

/// Who has decided so about a subject, and in which role.
fn given(board: &Board, subject: &Subject, is_such: impl Fn(&Act) -> bool) -> BTreeSet<(PersonId, RoleName)> {
    let stand = subject.scope.as_ref().and_then(|scope| board.scopes.get(scope));
    let decisions = stand.into_iter().flat_map(|stand| &stand.decisions);
    let own = decisions.map(|decision| &decision.signed.statement);
    let own = own.filter(|said| said.subject == *subject && is_such(&said.act));
    let own = own.filter(|said| said.expires.is_none_or(|end| end > board.now));
    own.map(|said| (said.person.clone(), said.role.clone())).collect()
}

/// Who has stated a text.
fn stated(board: &Board, subject: &Subject, text: &str) -> BTreeSet<PersonId> {
    let stand = subject.scope.as_ref().and_then(|scope| board.scopes.get(scope));
    let decisions = stand.into_iter().flat_map(|stand| &stand.decisions);
    let own = decisions.map(|decision| &decision.signed.statement);
    let own = own.filter(|said| said.subject == *subject && matches!(said.act, Act::Attest {}));
    own.filter(|said| said.meaning == text).map(|said| said.person.clone()).collect()
}

/// What a gate misses, in one line.
fn missing(standing: &GateStanding) -> String {
    let first = standing.missing.first();
    let first =
        first.map_or_else(String::new, |one| format!(", first {}: {} [{}]", one.id, one.missing, one.owner));
    format!("{} missing{first}", standing.missing.len())
}
