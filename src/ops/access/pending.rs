//! What of rights waits for somebody: requests to decide, rows of campaigns to answer, campaigns to close.

use std::collections::{BTreeMap, BTreeSet};

use super::request::undecided;
use super::{meaning, open_requests, standings};
use crate::access::campaign::{STEWARDS_REVIEWER, Standing};
use crate::base::digest::Digest;
use crate::base::id::{PersonId, RoleName, ScopeId, SiteCode};
use crate::base::limits::HOUR;
use crate::base::time::{Millis, Timestamp};
use crate::journal::Journal;
use crate::model::days::day_of;
use crate::model::estate::Estate;
use crate::model::pending::Pending;
use crate::model::signed::{Subject, SubjectKind};
use crate::ops::error::Failure;
use crate::people::{Seat, may_act, stands_for};

/// Everything about the rights of these sites that waits for somebody.
///
/// # Errors
///
/// If a log is damaged.
pub fn pending<'s>(
    estate: &Estate,
    journal: &dyn Journal,
    sites: impl IntoIterator<Item = &'s SiteCode>,
    now: Timestamp,
) -> Result<Vec<Pending>, Failure> {
    let mut found = Vec::new();
    for site in sites {
        let room = Room { estate, journal, site, now };
        found.extend(room.requests()?);
        for standing in standings(estate, journal, site, now)?.iter().filter(|one| one.closed.is_none()) {
            found.extend(room.rows(standing));
            found.extend(room.closing(standing));
        }
    }
    Ok(found)
}

struct Room<'r> {
    estate: &'r Estate,
    journal: &'r dyn Journal,
    site: &'r SiteCode,
    now: Timestamp,
}

impl Room<'_> {
    /// Who may act in a role here today; programs never sign.
    fn people(&self, role: &RoleName) -> BTreeSet<PersonId> {
        let today = day_of(&self.estate.time_zone(), self.now);
        let seat = Seat { role: role.clone(), site: Some(self.site.clone()) };
        may_act(&self.estate.people, &seat, today).into_iter().map(|(person, _)| person).collect()
    }

    fn requests(&self) -> Result<Vec<Pending>, Failure> {
        let today = day_of(&self.estate.time_zone(), self.now);
        let mut found = Vec::new();
        for open in open_requests(self.journal, self.site)? {
            let (request, subject, missing) =
                undecided(self.estate, self.journal, self.site, &open.id, self.now)?;
            let own = |person: &PersonId| {
                *person == request.by || stands_for(&self.estate.people, person, today).contains(&request.by)
            };
            let right = &request.right;
            found.extend(missing.into_iter().map(|role| Pending {
                asks: format!(
                    "{} asks that {} may have {} on {} at {}",
                    request.by, right.principal, right.privilege, right.object, self.site
                ),
                people: self.people(&role).into_iter().filter(|person| !own(person)).collect(),
                since: request.at,
                due: Some(request.at + Millis(HOUR.0 * u64::from(request.sla_hours))),
                meaning: meaning(&request, true),
                command: format!("landfall access decide {} --site {} --role {role}", request.id, self.site),
                subject: subject.clone(),
                role,
            }));
        }
        Ok(found)
    }

    fn rows(&self, standing: &Standing) -> Vec<Pending> {
        let mut open: BTreeMap<&RoleName, usize> = BTreeMap::new();
        for (_, row) in standing.open() {
            *open.entry(&row.reviewer).or_default() += 1;
        }
        let line = |(role, rows): (&RoleName, usize)| Pending {
            subject: self.campaign(standing),
            asks: format!(
                "answer for {rows} rights of {} at {}: what nobody answers for is taken away",
                standing.campaign, self.site
            ),
            role: role.clone(),
            people: self.people(role),
            since: standing.started,
            due: Some(standing.due),
            meaning: format!(
                "I have looked at these rights of {} at {}: which stay, and which are taken away.",
                standing.campaign, self.site
            ),
            command: format!(
                "landfall access recert answer --site {} --role {role} --keep ROW --revoke ROW=REASON",
                self.site
            ),
        };
        open.into_iter().map(line).collect()
    }

    /// A campaign that can be closed: somebody has to, or what was answered has no effect.
    fn closing(&self, standing: &Standing) -> Option<Pending> {
        let open = standing.open().count();
        if open > 0 && self.now < standing.due {
            return None;
        }
        let role = RoleName::new(STEWARDS_REVIEWER).expect("a role of the product");
        Some(Pending {
            subject: self.campaign(standing),
            asks: format!(
                "close {} at {}: {} % is answered, and {open} rights are taken away because nobody answered",
                standing.campaign,
                self.site,
                standing.percent()
            ),
            people: self.people(&role),
            role,
            since: if open > 0 { standing.due } else { standing.last_answer().unwrap_or(standing.started) },
            due: Some(standing.due),
            meaning: "Nothing is signed: what the answers come to is written down.".to_owned(),
            command: format!("landfall access recert close --site {}", self.site),
        })
    }

    fn campaign(&self, standing: &Standing) -> Subject {
        let rows: BTreeMap<_, _> = standing.rows.iter().map(|(id, (row, _))| (id, row)).collect();
        Subject {
            kind: SubjectKind::Recertification,
            name: standing.campaign.clone(),
            scope: Some(ScopeId::Site(self.site.clone())),
            digest: Digest::of_canonical(&rows),
            parts: BTreeSet::new(),
        }
    }
}
