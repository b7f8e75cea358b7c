//! Says what a gate lacks: each thing by its id, with the role that can close it.

use std::collections::BTreeMap;

use crate::approval::{Decision, Weighed};
use crate::base::id::StepId;
use crate::checklist::{Around, ItemStanding};
use crate::model::checklist::ItemState;
use crate::model::gate::{Gate, GateStanding};
use crate::model::wait::OpenItem;

/// Longest chain of items that one follows to what holds up another: rendering has refused circles.
const CHAIN_MAX: usize = crate::base::limits::ITEMS_PER_SCOPE_MAX;

/// Items and gates that are open, in this order.
pub(super) fn of(
    gate: &Gate,
    own: &BTreeMap<StepId, ItemStanding>,
    items: &BTreeMap<String, &ItemStanding>,
    gates: &BTreeMap<&str, Option<&GateStanding>>,
) -> Vec<OpenItem> {
    let open = items.iter().filter(|(_, standing)| !standing.state.is_closed());
    let mut missing: Vec<OpenItem> = open
        .map(|(id, standing)| OpenItem {
            id: id.clone(),
            missing: words(standing),
            owner: owner(standing, own),
        })
        .collect();
    for (name, standing) in gates {
        let (words, owner) = match standing {
            Some(standing) if standing.open => continue,
            Some(standing) => {
                let first = standing.missing.first();
                let words =
                    first.map_or("it is shut".to_owned(), |item| format!("{}: {}", item.id, item.missing));
                (format!("the gate is shut: {words}"), first.map(|item| item.owner.clone()))
            }
            None => ("there is no such gate".to_owned(), None),
        };
        let owner = owner.unwrap_or_else(|| gate.escalate_to.to_string());
        missing.push(OpenItem { id: (*name).to_owned(), missing: words, owner });
    }
    missing
}

/// What an item lacks, in words.
fn words(standing: &ItemStanding) -> String {
    let title = &standing.title;
    match &standing.state {
        ItemState::Open => format!("{title}: nobody has looked yet"),
        ItemState::Blocked { by } => format!("{title}: {by} comes before it"),
        ItemState::Waiting { on } => {
            let roles: Vec<&str> = on.iter().map(crate::base::id::RoleName::as_str).collect();
            format!("{title}: not stated by {}", roles.join(", "))
        }
        ItemState::Failed { missing } => format!("{title}: {}", missing.join("; ")),
        ItemState::Expired { .. } => format!("{title}: it was done, and is too old"),
        // These are closed.
        ItemState::Passed { .. } | ItemState::NotApplicable { .. } | ItemState::Waived { .. } => {
            title.clone()
        }
    }
}

/// Who can bring an item further: of a blocked one, whoever holds up what it waits for.
fn owner(standing: &ItemStanding, own: &BTreeMap<StepId, ItemStanding>) -> String {
    let mut at = standing;
    for _ in 0..CHAIN_MAX {
        let ItemState::Blocked { by } = &at.state else { break };
        let Some(next) = own.get(by) else { break };
        at = next;
    }
    let roles: Vec<String> = at.waits_on().iter().map(ToString::to_string).collect();
    roles.join(", ")
}

/// What is waived of what it rests on.
pub(super) fn waived(
    items: &BTreeMap<String, &ItemStanding>,
    gates: &BTreeMap<&str, Option<&GateStanding>>,
) -> Vec<String> {
    let of_items = items.iter().filter_map(|(id, standing)| match (&standing.state, &standing.waived_by) {
        (ItemState::Waived { until }, Some(reason)) => Some(format!("{id} until {until}: {reason}")),
        _ => None,
    });
    let of_gates =
        gates.values().flatten().filter(|gate| gate.open).flat_map(|gate| gate.waived.iter().cloned());
    of_items.chain(of_gates).collect()
}

/// The signatures that are missing, and why those that are there do not open it.
pub(super) fn signatures(
    gate: &Gate,
    weighed: &Weighed,
    decisions: &[Decision],
    around: Around<'_>,
) -> Vec<OpenItem> {
    let id = gate.id.to_string();
    let mut missing = Vec::new();
    if let Some(decision) = weighed.rejected.and_then(|at| decisions.get(at)) {
        let said = &decision.signed.statement;
        let words = format!("rejected by {} as {}: {}", said.person, said.role, said.comment);
        missing.push(OpenItem { id: id.clone(), missing: words, owner: said.role.to_string() });
    }
    if weighed.unreviewed {
        let words = "not reviewed by somebody who does not sign it".to_owned();
        let owner = gate.quorum.roles.first().map_or_else(String::new, ToString::to_string);
        missing.push(OpenItem { id: id.clone(), missing: words, owner });
    }
    for seat in &weighed.missing {
        let words = format!("not signed by {}", seat.role);
        missing.push(OpenItem { id: id.clone(), missing: words, owner: seat.role.to_string() });
    }
    for (condition, from) in weighed.conditions.iter().filter(|(_, from)| around.now < *from) {
        let words = format!("the condition `{}` can be met from {from} on", condition.name);
        let owner = gate.quorum.roles.first().map_or_else(String::new, ToString::to_string);
        missing.push(OpenItem { id: format!("{id}.{}", condition.name), missing: words, owner });
    }
    missing
}
