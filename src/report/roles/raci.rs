//! Who is responsible and accountable for every item of a scope's checklists, who is asked and who is told.

use std::collections::BTreeSet;

use serde::Serialize;

use super::VERSION;
use crate::base::id::{PersonId, RoleName, ScopeId, StepId};
use crate::model::checklist::{Item, Validator};
use crate::model::people::People;
use crate::people::{Seat, holder, is_automation, is_of_site};

/// The items of one scope with their people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Raci {
    /// Format version.
    pub v: u32,
    /// The scope.
    pub scope: ScopeId,
    /// One row for each item, in the order of packs and files.
    pub items: Vec<RaciRow>,
}

/// One item's people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RaciRow {
    /// The item.
    pub item: StepId,
    /// What it makes sure of.
    pub title: String,
    /// The one who answers for it.
    pub accountable: Option<Part>,
    /// Who does it.
    pub responsible: Vec<Part>,
    /// Who states it.
    pub consulted: Vec<Part>,
    /// Who is told when it fails or is late.
    pub informed: Vec<Part>,
    /// Which roles nobody holds, and what that means for the item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

/// Somebody in a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Part {
    /// The person.
    pub person: PersonId,
    /// The role.
    pub role: RoleName,
}

impl Raci {
    /// The items that lack somebody.
    pub fn gaps(&self) -> impl Iterator<Item = &RaciRow> {
        self.items.iter().filter(|row| !row.gaps.is_empty())
    }
}

/// The people of every item of a scope.
pub fn raci(people: &People, scope: &ScopeId, items: &[Item]) -> Raci {
    let items = items.iter().map(|item| row(people, scope, item)).collect();
    Raci { v: VERSION, scope: scope.clone(), items }
}

fn row(people: &People, scope: &ScopeId, item: &Item) -> RaciRow {
    let mut gaps = Vec::new();
    let accountable = match part(people, scope, &item.owner) {
        Some(part) if is_automation(people, &part.person) => {
            gaps.push(format!("`{}` is a program and cannot answer for it", part.person));
            None
        }
        Some(part) => Some(part),
        None => {
            gaps.push(format!("nobody answers for it: `{}` is not filled", item.owner));
            None
        }
    };
    // Where nobody is named to do it, the owner does.
    let doing: BTreeSet<&RoleName> = item.responsible.iter().collect();
    let mut responsible: Vec<Part> = doing.iter().filter_map(|role| part(people, scope, role)).collect();
    let missing = doing.iter().filter(|role| part(people, scope, role).is_none());
    gaps.extend(missing.map(|role| format!("`{role}` is to do it and is not filled")));
    if doing.is_empty() {
        responsible.extend(accountable.clone());
    }
    if responsible.is_empty() {
        gaps.push("nobody does it".to_owned());
    }
    let asked: BTreeSet<&RoleName> =
        item.validate.iter().filter_map(Validator::attest).flat_map(|attest| &attest.by).collect();
    let consulted = asked.into_iter().filter_map(|role| part(people, scope, role)).collect();
    let informed = part(people, scope, &item.escalate_to).into_iter().collect();
    let (item, title) = (item.id.clone(), item.title.clone());
    RaciRow { item, title, accountable, responsible, consulted, informed, gaps }
}

fn part(people: &People, scope: &ScopeId, role: &RoleName) -> Option<Part> {
    let site = scope.site().filter(|_| is_of_site(role)).cloned();
    let held = holder(people, &Seat { role: role.clone(), site })?;
    Some(Part { person: held.person.clone(), role: role.clone() })
}
