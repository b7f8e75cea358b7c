//! Opens gates: looks at each before anybody does anything, lets people and programs work, and tells when it opens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::World;
use super::deed::{Deed, What, group_key};
use super::need::{Need, groups, records};
use super::probes;
use crate::base::id::{GateId, PersonId, RoleName, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::checklist::{self, ItemStanding};
use crate::gate;
use crate::model::checklist::{Deed as Deeded, Item, ItemState};
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
            self.of_item(scope, item, standing, line, board, &mut owed);
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

    fn of_item(
        &self,
        scope: &ScopeId,
        item: &Item,
        standing: &ItemStanding,
        line: usize,
        board: &Board,
        owed: &mut Owed,
    ) {
        let earliest = item.due.and_then(|due| self.start_of_day(due.from));
        let deed = |key: String, role: &RoleName, what: What| Deed {
            key,
            scope: scope.clone(),
            seat: checklist::seat(scope, role),
            what,
            line,
            clinician: false,
            kept_out: BTreeSet::new(),
            earliest,
        };
        // What has grown old is done again.
        let grown_old = match &standing.state {
            ItemState::Expired { since } => Some(*since),
            _ => None,
        };
        let counts = |at: Option<&Timestamp>| at.is_some_and(|at| grown_old.is_none_or(|since| *at >= since));
        let mut all_filed = true;
        for (group, members) in groups(item) {
            if !counts(self.filed.get(&(scope.clone(), group_key(group)))) {
                all_filed = false;
                let what = What::Enter { group: group.to_owned(), members };
                let role = match &item.remedy {
                    Some(Deeded::Tell { role, .. }) => role,
                    _ => &item.owner,
                };
                owed.deeds.push(deed(format!("group/{group}"), role, what));
            }
        }
        for kind in records(item) {
            if !counts(self.filed.get(&(scope.clone(), kind.to_owned()))) {
                all_filed = false;
                let what = What::File { kind: kind.to_owned() };
                owed.deeds.push(deed(format!("file/{scope}/{kind}"), &item.owner, what));
            }
        }
        let automatic = validate::is_automatic(item);
        let ran = counts(self.ran.get(&(scope.clone(), item.id.clone())));
        if automatic && all_filed && !ran {
            owed.runs.entry(scope.clone()).or_default().insert(item.id.clone());
            return;
        }
        match &standing.state {
            ItemState::Failed { .. } if ran => {
                let authority = &self.ground.authority;
                for role in checklist::waiver_roles(item.severity, &item.owner, authority) {
                    let given = given(board, &checklist::subject(scope, item), |act| {
                        matches!(act, Act::Waive { .. })
                    });
                    if given.iter().any(|(_, of)| *of == role) {
                        continue;
                    }
                    let key = format!("waive/{scope}/{}/{role}", item.id);
                    let one = deed(key, &role, What::Waive { item: item.id.clone() });
                    owed.deeds
                        .push(Deed { kept_out: given.into_iter().map(|(who, _)| who).collect(), ..one });
                }
            }
            ItemState::Open | ItemState::Waiting { .. } | ItemState::Expired { .. }
                if all_filed && (ran || !automatic) =>
            {
                for statement in &standing.statements {
                    let subject = checklist::subject(scope, item);
                    let said: BTreeSet<PersonId> = stated(board, &subject, &statement.text);
                    for role in &statement.missing {
                        let number = crate::base::digest::Digest::of(statement.text.as_bytes()).short();
                        let key = format!("state/{scope}/{}/{number}/{role}", item.id);
                        let what = What::State { item: item.id.clone(), text: statement.text.clone() };
                        let clinician = statement.clinician;
                        owed.deeds.push(Deed { clinician, kept_out: said.clone(), ..deed(key, role, what) });
                    }
                }
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
        standing.unsigned.iter().map(deed).collect()
    }

    /// Lets programs look at items of a scope.
    async fn check(&mut self, scope: &ScopeId, items: BTreeSet<StepId>) -> Result<(), Failure> {
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
