//! Finds people with roles that exclude each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{How, can_hand_on};
use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::model::people::{Conflict, Delegation, People};

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

/// A role that somebody has, in whatever way.
struct Held<'p> {
    role: &'p RoleName,
    site: Option<&'p SiteCode>,
    how: How,
}

/// Everybody who has two roles of one conflict for the same site, as holder, backup or delegate, on whatever day. A role
/// of the whole program clashes with a role of any site, and is told there.
pub fn conflicting(people: &People) -> Vec<Clash> {
    let by_person = by_person(people);
    let mut clashes = Vec::new();
    for (at, conflict) in people.conflicts.iter().enumerate() {
        for (person, held) in &by_person {
            clashes.extend(broken(conflict, held).into_iter().map(|(site, roles)| Clash {
                conflict: at,
                person: (*person).clone(),
                site: site.cloned(),
                roles,
            }));
        }
    }
    clashes
}

/// Where one person breaks one conflict. What clashes in the whole program is not told again of every site.
fn broken<'p>(
    conflict: &Conflict,
    held: &[Held<'p>],
) -> Vec<(Option<&'p SiteCode>, BTreeMap<RoleName, How>)> {
    let of_it: Vec<&Held<'p>> = held.iter().filter(|one| conflict.roles.contains(one.role)).collect();
    let sites: BTreeSet<Option<&SiteCode>> = of_it.iter().map(|one| one.site).collect();
    let mut found = Vec::new();
    for site in sites {
        let mut roles: BTreeMap<RoleName, How> = BTreeMap::new();
        for one in of_it.iter().filter(|one| one.site.is_none() || one.site == site) {
            roles.entry(one.role.clone()).or_insert_with(|| one.how.clone());
        }
        if roles.len() > 1 {
            found.push((site, roles));
            if site.is_none() {
                break;
            }
        }
    }
    found
}

/// Every role of everybody.
fn by_person(people: &People) -> BTreeMap<&PersonId, Vec<Held<'_>>> {
    let mut all: BTreeMap<&PersonId, Vec<Held<'_>>> = BTreeMap::new();
    for holding in &people.holdings {
        let (role, site) = (&holding.role, holding.site.as_ref());
        all.entry(&holding.person).or_default().push(Held { role, site, how: How::Holder });
        if let Some(backup) = &holding.backup {
            let how = How::Backup { of: holding.person.clone() };
            all.entry(backup).or_default().push(Held { role, site, how });
        }
    }
    for one in people.delegations.iter().filter(|one| can_hand_on(people, one)) {
        for site in sites_handed_on(people, one) {
            let how = How::Delegate { of: one.from.clone() };
            all.entry(&one.to).or_default().push(Held { role: &one.role, site, how });
        }
    }
    all
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
