//! What has to be so for some gates to open: the gates that they need, and all their items with what comes before.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{GateId, ScopeId, StepId};
use crate::model::checklist::{Item, Validator};
use crate::ops::checklist::Ground;

/// What has to be so for some gates to open.
pub(super) struct Need {
    /// The gates, each after those that it needs.
    pub(super) gates: Vec<(ScopeId, GateId)>,
    /// The items, each with the place of the first gate that asks for it.
    pub(super) items: BTreeMap<(ScopeId, StepId), usize>,
}

impl Need {
    /// Of some gates.
    pub(super) fn of(ground: &Ground, wanted: &[(ScopeId, GateId)]) -> Self {
        let mut need = Need { gates: Vec::new(), items: BTreeMap::new() };
        for (scope, gate) in wanted {
            need.take(ground, scope, gate);
        }
        need
    }

    fn take(&mut self, ground: &Ground, scope: &ScopeId, id: &GateId) {
        let Some(gate) = ground.gate(scope, id) else { return };
        let place = (scope.clone(), id.clone());
        if self.gates.contains(&place) {
            return;
        }
        for name in &gate.gates {
            let (at, name) = local(scope, name);
            if let Ok(before) = GateId::new(name) {
                self.take(ground, &at, &before);
            }
        }
        let at = self.gates.len();
        self.gates.push(place);
        for pattern in &gate.items {
            let (of, pattern) = local(scope, pattern);
            let items = ground.scopes.get(&of).map_or(&[][..], |asks| &asks.items);
            for item in items.iter().filter(|item| is_about(pattern, &item.id)) {
                self.item(items, &of, item, at);
            }
        }
    }

    /// An item, and those that come before it.
    fn item(&mut self, items: &[Item], scope: &ScopeId, item: &Item, gate: usize) {
        let place = (scope.clone(), item.id.clone());
        if self.items.contains_key(&place) {
            return;
        }
        self.items.insert(place, gate);
        for before in items.iter().filter(|other| item.after.contains(&other.id)) {
            self.item(items, scope, before, gate);
        }
    }

    /// Every scope that it is about, and the account.
    pub(super) fn scopes(&self) -> BTreeSet<ScopeId> {
        let scopes = self.gates.iter().map(|(scope, _)| scope);
        scopes.chain(self.items.keys().map(|(scope, _)| scope)).cloned().chain([ScopeId::Account]).collect()
    }
}

/// A name with the scope that it is about.
fn local<'n>(scope: &ScopeId, name: &'n str) -> (ScopeId, &'n str) {
    match name.strip_prefix("account:") {
        Some(rest) => (ScopeId::Account, rest),
        None => (scope.clone(), name),
    }
}

fn is_about(pattern: &str, id: &StepId) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => id.as_str().starts_with(start),
        None => id.as_str() == pattern,
    }
}

/// The kinds of records that an item asks for.
pub(super) fn records(item: &Item) -> impl Iterator<Item = &str> {
    item.validate.iter().filter_map(|validator| match validator {
        Validator::Record(record) => Some(record.kind.as_str()),
        _ => None,
    })
}

/// The groups whose members an item counts.
pub(super) fn groups(item: &Item) -> impl Iterator<Item = (&str, u32)> {
    item.validate.iter().filter_map(|validator| match validator {
        Validator::Scim { group, members_min, .. } => Some((group.as_str(), *members_min)),
        _ => None,
    })
}
