//! Floor 2: who may act in which role, where and when.
//!
//! Everything here follows from the files' word on people and one day; nobody acts in a role that the files do not give
//! them on that day. Programs never act: automation can never sign.

mod clash;
pub mod enrolled;
pub mod key;
pub mod register;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::model::people::{Delegation, Holding, People, SITE_OPS_LEAD, SITE_STEWARD};

pub use clash::{Clash, conflicting};
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
