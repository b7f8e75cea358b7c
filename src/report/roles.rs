//! Who holds which role, who stands in today, and who answers for what of a checklist.

pub mod crosswalk;
pub mod raci;

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Serialize;

use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::model::people::{Delegation, Holding, People};
use crate::people::register::{self, Required, RoleRow};
use crate::people::{How, Seat, holder, is_of_site, may_act};

/// Version of the JSON form of everything here.
pub const VERSION: u32 = 1;

/// The roles of an estate, or of one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleTable {
    /// Format version.
    pub v: u32,
    /// The day that it is about, in the estate's zone.
    pub day: String,
    /// The one site that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteCode>,
    /// The roles: first those that carry the rollout.
    pub roles: Vec<HeldRole>,
}

/// A role and its people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldRole {
    /// The role.
    pub role: RoleName,
    /// The site, for a role of each site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteCode>,
    /// Whether it is one of the six that carry a rollout.
    pub rollout: bool,
    /// Whether an estate without it is wrong.
    pub required: bool,
    /// Who holds it.
    pub person: Option<PersonId>,
    /// Their backup.
    pub backup: Option<PersonId>,
    /// Who else has it on this day.
    pub stands_in: Vec<StandIn>,
    /// What its holder does.
    pub duties: String,
}

/// Somebody to whom a role was handed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandIn {
    /// Who.
    pub person: PersonId,
    /// For whom.
    pub instead_of: PersonId,
    /// The last day.
    pub until: String,
    /// Why.
    pub reason: String,
}

impl RoleTable {
    /// The required roles that nobody holds.
    pub fn unfilled(&self) -> impl Iterator<Item = &HeldRole> {
        self.roles.iter().filter(|role| role.required && role.person.is_none())
    }
}

/// The roles on a day: of the whole program with every site's own, or as one site sees them.
pub fn table(people: &People, sites: &[SiteCode], site: Option<&SiteCode>, day: Date) -> RoleTable {
    let (first, others): (Vec<&RoleRow>, Vec<&RoleRow>) =
        register::rows().iter().partition(|row| row.rollout);
    let (mut roles, mut parts) = (Vec::new(), Vec::new());
    for row in first.into_iter().chain(others) {
        let seats: Vec<Option<&SiteCode>> = match (is_of_site(&row.role), site) {
            (true, Some(site)) => vec![Some(site)],
            (true, None) => sites.iter().map(Some).collect(),
            (false, _) => vec![None],
        };
        roles.extend(seats.into_iter().map(|seat| held(people, row, &row.role, seat, day)));
        let apart = row.apart.iter().filter(|part| people.holdings.iter().any(|one| one.role == **part));
        parts.extend(apart.map(|part| held(people, row, part, None, day)));
    }
    roles.extend(parts);
    let known: BTreeSet<&RoleName> = register::names().collect();
    let own = people.holdings.iter().filter(|one| !known.contains(&one.role));
    roles.extend(own.map(|one| own_role(people, one, day)));
    RoleTable { v: VERSION, day: day.to_string(), site: site.cloned(), roles }
}

fn held(people: &People, row: &RoleRow, role: &RoleName, site: Option<&SiteCode>, day: Date) -> HeldRole {
    let seat = Seat { role: role.clone(), site: site.cloned() };
    let holding = holder(people, &seat);
    let is_part = *role != row.role;
    HeldRole {
        role: role.clone(),
        site: site.cloned(),
        rollout: row.rollout && !is_part,
        required: row.required.is_some_and(|at| match at {
            Required::Program | Required::Site => !is_part,
        }),
        person: holding.map(|one| one.person.clone()),
        backup: holding.and_then(|one| one.backup.clone()),
        stands_in: stand_ins(people, &seat, day),
        duties: if is_part { format!("Part of `{}`: {}", row.role, row.duties) } else { row.duties.clone() },
    }
}

/// A role that the register does not know: the estate's own.
fn own_role(people: &People, holding: &Holding, day: Date) -> HeldRole {
    let seat = Seat { role: holding.role.clone(), site: holding.site.clone() };
    HeldRole {
        role: holding.role.clone(),
        site: holding.site.clone(),
        rollout: false,
        required: false,
        person: Some(holding.person.clone()),
        backup: holding.backup.clone(),
        stands_in: stand_ins(people, &seat, day),
        duties: "A role of this estate's own".to_owned(),
    }
}

fn stand_ins(people: &People, seat: &Seat, day: Date) -> Vec<StandIn> {
    let delegated = may_act(people, seat, day).into_iter().filter_map(|(person, how)| match how {
        How::Holder | How::Backup { .. } => None,
        How::Delegate { of } => Some((person, of)),
    });
    let told = delegated.filter_map(|(person, of)| {
        let by = |one: &&Delegation| {
            let here = one.site.is_none() || one.site == seat.site;
            one.role == seat.role
                && here
                && one.to == person
                && one.from == of
                && (one.begin..=one.end).contains(&day)
        };
        let one = people.delegations.iter().filter(by).max_by_key(|one| one.end)?;
        Some(StandIn { person, instead_of: of, until: one.end.to_string(), reason: one.reason.clone() })
    });
    told.collect()
}

#[cfg(test)]
mod tests;
