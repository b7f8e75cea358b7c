//! What of checklists and gates waits for somebody: statements, signatures of gates, waivers that end soon.

use std::collections::{BTreeMap, BTreeSet};

use super::{Board, Ground, Stand};
use crate::base::id::{PersonId, RoleName, ScopeId};
use crate::base::limits::WAIVER_NOTICE_DAYS;
use crate::base::time::Timestamp;
use crate::checklist::{self, ItemStanding};
use crate::gate;
use crate::model::checklist::ItemState;
use crate::model::days::{day_of, end_after};
use crate::model::gate::GateStanding;
use crate::model::pending::Pending;
use crate::model::signed::{Subject, SubjectKind};
use crate::people;

/// Everything that waits at this moment, scope by scope.
pub fn pending(ground: &Ground, board: &Board) -> Vec<Pending> {
    let mut waits = Vec::new();
    for (scope, stand) in &board.scopes {
        let list = List { ground, scope, now: board.now };
        for standing in stand.items.values() {
            waits.extend(list.statements(standing));
            waits.extend(list.waiver(standing));
        }
        waits.extend(stand.gates.values().flat_map(|standing| list.signatures(standing)));
    }
    waits
}

/// Who is told when a wait is late: as the gate or item says it; the executive sponsor where neither is known.
pub fn escalate_to(ground: &Ground, wait: &Pending) -> RoleName {
    let asks = wait.subject.scope.as_ref().and_then(|scope| ground.scopes.get(scope));
    let named = asks.and_then(|asks| match wait.subject.kind {
        SubjectKind::Gate => asks
            .gates
            .iter()
            .find(|gate| gate.id.as_str() == wait.subject.name)
            .map(|gate| gate.escalate_to.clone()),
        SubjectKind::Item => asks
            .items
            .iter()
            .find(|item| item.id.as_str() == wait.subject.name)
            .map(|item| item.escalate_to.clone()),
        SubjectKind::Plan | SubjectKind::AccessRequest | SubjectKind::Recertification => None,
    });
    named.unwrap_or_else(|| ground.authority.sponsor.clone())
}

/// Where one is at a scope, as an option of a command.
pub fn option_of(scope: &ScopeId) -> String {
    scope.site().map_or_else(String::new, |site| format!(" --site {site}"))
}

struct List<'l> {
    ground: &'l Ground,
    scope: &'l ScopeId,
    now: Timestamp,
}

impl List<'_> {
    /// Who may act in a role here today. Programs never sign.
    fn people(&self, role: &RoleName, clinician: bool) -> BTreeSet<PersonId> {
        let today = day_of(&self.ground.zone, self.now);
        let seat = checklist::seat(self.scope, role);
        let able = people::may_act(&self.ground.people, &seat, today).into_iter().map(|(person, _)| person);
        let fits = |person: &PersonId| {
            let known = self.ground.people.persons.get(person);
            known.is_none_or(|known| !known.automation && (!clinician || known.clinician))
        };
        able.filter(fits).collect()
    }

    fn statements(&self, standing: &ItemStanding) -> Vec<Pending> {
        let asks = match &standing.state {
            ItemState::Open
            | ItemState::Waiting { .. }
            | ItemState::Failed { .. }
            | ItemState::Expired { .. } => true,
            ItemState::Blocked { .. }
            | ItemState::Passed { .. }
            | ItemState::NotApplicable { .. }
            | ItemState::Waived { .. } => false,
        };
        let mut waits = Vec::new();
        for statement in standing.statements.iter().filter(|_| asks) {
            for role in &statement.missing {
                waits.push(Pending {
                    subject: self.item(standing),
                    asks: format!("state it as {role}: {}", standing.title),
                    role: role.clone(),
                    people: self.people(role, statement.clinician),
                    since: standing.since.unwrap_or(self.now),
                    due: standing.due,
                    meaning: statement.text.clone(),
                    command: format!(
                        "landfall attest {}{} --role {role}",
                        standing.item,
                        option_of(self.scope)
                    ),
                });
            }
        }
        waits
    }

    fn item(&self, standing: &ItemStanding) -> Subject {
        Subject {
            kind: SubjectKind::Item,
            name: standing.item.to_string(),
            scope: Some(self.scope.clone()),
            digest: standing.digest,
            parts: BTreeSet::new(),
        }
    }

    fn signatures(&self, standing: &GateStanding) -> Vec<Pending> {
        let Some(gate) = self.ground.gate(self.scope, &standing.gate) else { return Vec::new() };
        let one = |role: &RoleName| Pending {
            subject: gate::subject(standing),
            asks: format!("sign {} {} as {role}: it opens {}", gate.id, gate.title, gate.opens),
            role: role.clone(),
            people: self.people(role, false),
            since: standing.since.unwrap_or(self.now),
            due: standing.due,
            meaning: gate.statement.clone(),
            command: format!("landfall gate sign {}{} --role {role}", gate.id, option_of(self.scope)),
        };
        standing.unsigned.iter().map(one).collect()
    }

    /// A waiver that ends soon.
    fn waiver(&self, standing: &ItemStanding) -> Option<Pending> {
        let ItemState::Waived { until } = standing.state else { return None };
        if end_after(&self.ground.zone, self.now, WAIVER_NOTICE_DAYS) < until {
            return None;
        }
        let role = standing.owner.clone();
        Some(Pending {
            subject: self.item(standing),
            asks: format!("do it, or have it waived again before {until}: {}", standing.title),
            people: self.people(&role, false),
            role,
            since: standing.since.unwrap_or(self.now),
            due: Some(until),
            meaning: standing.title.clone(),
            command: format!("landfall checklist show {}{}", standing.item, option_of(self.scope)),
        })
    }
}

/// Who holds up a scope, with how much: for one line about it.
pub fn holding_up(stand: &Stand) -> BTreeMap<String, usize> {
    let mut roles = BTreeMap::new();
    for missing in stand.gates.values().flat_map(|gate| &gate.missing) {
        *roles.entry(missing.owner.clone()).or_insert(0) += 1;
    }
    roles
}
