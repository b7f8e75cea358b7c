//! Floor 2: who may act in which role, where and when.
//!
//! Everything here follows from the files' word on people and one day; nobody acts in a role that the files do not give
//! them on that day. Programs never act: automation can never sign.

pub mod enrolled;
pub mod key;
pub mod register;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::model::people::{Delegation, Holding, People, SITE_OPS_LEAD, SITE_STEWARD};

pub use enrolled::{KeyRecord, enrolled, key_records};

/// How somebody comes to act in a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is theirs.
    Holder,
    /// They are named as the holder's backup.
    Backup {
        /// The holder.
        of: PersonId,
    },
    /// It was handed on to them for these days.
    Delegate {
        /// By whom.
        of: PersonId,
    },
}

/// A role that has to be filled by one signature: for one site where the role is a site's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The role.
    pub role: RoleName,
    /// The site.
    pub site: Option<SiteCode>,
}

/// Whether a role belongs to one site: whoever has it at one site has nothing at the next.
pub fn is_of_site(role: &RoleName) -> bool {
    [SITE_STEWARD, SITE_OPS_LEAD].contains(&role.as_str())
}

/// Everybody who may act in a seat on a day, holders first, then backups, then delegates. Days are those of the estate's
/// zone. Somebody who may act in two ways is there twice.
pub fn may_act(people: &People, seat: &Seat, day: Date) -> Vec<(PersonId, How)> {
    let holdings: Vec<&Holding> = people.holdings.iter().filter(|one| covers(one, seat)).collect();
    let holders = holdings.iter().map(|one| (one.person.clone(), How::Holder));
    let backups = holdings.iter().filter_map(|one| {
        let backup = one.backup.clone().filter(|backup| *backup != one.person)?;
        Some((backup, How::Backup { of: one.person.clone() }))
    });
    let delegates = people.delegations.iter().filter(|one| in_force(one, day) && reaches(one, seat));
    let delegates = delegates.filter(|one| holdings.iter().any(|holding| holding.person == one.from));
    let delegates = delegates.map(|one| (one.to.clone(), How::Delegate { of: one.from.clone() }));
    let mut found: Vec<(PersonId, How)> = Vec::new();
    for (person, how) in holders.chain(backups).chain(delegates) {
        let is_new = !found.iter().any(|(other, known)| *other == person && *known == how);
        if is_new && !is_automation(people, &person) {
            found.push((person, how));
        }
    }
    found
}

/// A role of the program holds everywhere; a site's role, and any role that was given for one site, holds there alone.
fn covers(holding: &Holding, seat: &Seat) -> bool {
    let everywhere = holding.site.is_none() && !is_of_site(&seat.role);
    holding.role == seat.role && (everywhere || (holding.site.is_some() && holding.site == seat.site))
}

/// Who answers for a seat: the one holder, if somebody is.
pub fn holder<'p>(people: &'p People, seat: &Seat) -> Option<&'p Holding> {
    people.holdings.iter().find(|one| covers(one, seat))
}

/// Whether a delegation is about a seat. One for a single site never fills the program's own seat.
fn reaches(delegation: &Delegation, seat: &Seat) -> bool {
    delegation.role == seat.role && (delegation.site.is_none() || delegation.site == seat.site)
}

/// Both days are part of it.
fn in_force(delegation: &Delegation, day: Date) -> bool {
    (delegation.begin..=delegation.end).contains(&day) && delegation.from != delegation.to
}

/// Whether this is declared to be a program.
pub fn is_automation(people: &People, person: &PersonId) -> bool {
    people.persons.get(person).is_some_and(|known| known.automation)
}

/// Whether somebody holds a role that a delegation says they hand on: for its site, if it names one. Whoever has a role
/// as a backup or by delegation cannot hand it on.
pub fn can_hand_on(people: &People, delegation: &Delegation) -> bool {
    let fits = |holding: &&Holding| {
        let reach = match (&delegation.site, &holding.site) {
            (None, _) => true,
            (Some(_), None) => !is_of_site(&delegation.role),
            (Some(wanted), Some(held)) => wanted == held,
        };
        holding.role == delegation.role && holding.person == delegation.from && reach
    };
    people.holdings.iter().any(|holding| fits(&holding))
}

/// Everybody this person acts for: whose backup they are, and who has handed a role on to them for this day. What one of
/// them asked for or built, this person must not decide either, in whatever role.
pub fn stands_for(people: &People, person: &PersonId, day: Date) -> BTreeSet<PersonId> {
    let backed = people.holdings.iter().filter(|one| one.backup.as_ref() == Some(person));
    let backed = backed.map(|one| one.person.clone());
    let handed = people.delegations.iter().filter(|one| one.to == *person && in_force(one, day));
    let handed = handed.filter(|one| can_hand_on(people, one)).map(|one| one.from.clone());
    backed.chain(handed).filter(|other| other != person).collect()
}

/// One person with roles that exclude each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// The place of the broken conflict in [`People::conflicts`].
    pub conflict: usize,
    /// The person.
    pub person: PersonId,
    /// The site at which they have them all; none for the whole program.
    pub site: Option<SiteCode>,
    /// The roles that they have of it, each with how.
    pub roles: BTreeMap<RoleName, How>,
}

/// Everybody who has two roles of one conflict for the same site, as holder, backup or delegate, on whatever day. A role
/// of the whole program clashes with a role of any site, and is told there.
pub fn conflicting(people: &People) -> Vec<Clash> {
    let mut by_person: BTreeMap<&PersonId, Vec<(&RoleName, Option<&SiteCode>, How)>> = BTreeMap::new();
    for holding in &people.holdings {
        let site = holding.site.as_ref();
        by_person.entry(&holding.person).or_default().push((&holding.role, site, How::Holder));
        if let Some(backup) = &holding.backup {
            let how = How::Backup { of: holding.person.clone() };
            by_person.entry(backup).or_default().push((&holding.role, site, how));
        }
    }
    for one in people.delegations.iter().filter(|one| can_hand_on(people, one)) {
        for site in sites_handed_on(people, one) {
            let how = How::Delegate { of: one.from.clone() };
            by_person.entry(&one.to).or_default().push((&one.role, site, how));
        }
    }
    let mut clashes = Vec::new();
    for (at, conflict) in people.conflicts.iter().enumerate() {
        for (person, held) in &by_person {
            let of_it: Vec<_> = held.iter().filter(|(role, ..)| conflict.roles.contains(*role)).collect();
            let sites: BTreeSet<Option<&SiteCode>> = of_it.iter().map(|(_, site, _)| *site).collect();
            let mut whole = false;
            for site in sites {
                let here = of_it.iter().filter(|(_, at, _)| at.is_none() || *at == site);
                let mut roles: BTreeMap<RoleName, How> = BTreeMap::new();
                here.for_each(|(role, _, how)| {
                    roles.entry((*role).clone()).or_insert_with(|| how.clone());
                });
                // None is first: what clashes in the whole program is not told again of every site.
                if roles.len() > 1 && !whole {
                    whole = site.is_none();
                    let (person, site) = ((*person).clone(), site.cloned());
                    clashes.push(Clash { conflict: at, person, site, roles });
                }
            }
        }
    }
    clashes
}

/// The sites that a delegation is about: its own, or all for which the holder has the role.
fn sites_handed_on<'p>(people: &'p People, delegation: &'p Delegation) -> Vec<Option<&'p SiteCode>> {
    match &delegation.site {
        Some(site) => vec![Some(site)],
        None => {
            let held = people.holdings.iter();
            let held = held.filter(|one| one.role == delegation.role && one.person == delegation.from);
            held.map(|one| one.site.as_ref()).collect()
        }
    }
}
