//! Requests for rights: who decides, what no steward may give, and how long decisions take.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::id::{RoleName, SiteCode};
use crate::base::time::{Millis, Timestamp};
use crate::model::access::{AccessEvent, Request, Right};
use crate::model::people::SITE_STEWARD;

/// Privileges that are never given on request: they hand out further rights, or let data leave.
const NEVER: [&str; 6] = [
    "ALL_PRIVILEGES",
    "ALL PRIVILEGES",
    "MANAGE",
    "EXTERNAL_USE_SCHEMA",
    "EXTERNAL_USE_LOCATION",
    "CREATE_SHARE",
];
/// Privileges that see or change rows: on raw layers compliance decides too.
const ROWS: [&str; 5] = ["SELECT", "MODIFY", "READ_VOLUME", "WRITE_VOLUME", "EXECUTE"];
/// Layers that hold what identifies patients, by the words that are found in names of steps; a catalog holds them all, and
/// what is given on it is given on each of them.
const RAW: [&str; 4] = ["bronze", "silver", "raw", "catalog"];

/// Why a request is refused whoever approves it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// A privilege that is given by nobody.
    #[error(
        "{0} is never given on request: it hands out further rights or lets data leave the covered environment"
    )]
    Privilege(String),
    /// Everybody.
    #[error("`{0}` is everybody: name the group that needs it")]
    Everybody(String),
}

/// Whether central policy allows anybody to give it.
///
/// # Errors
///
/// The rule that is in the way.
pub fn within_policy(right: &Right) -> Result<(), Beyond> {
    if NEVER.iter().any(|never| never.eq_ignore_ascii_case(&right.privilege)) {
        return Err(Beyond::Privilege(right.privilege.clone()));
    }
    if ["account users", "users"].iter().any(|all| all.eq_ignore_ascii_case(right.principal.trim())) {
        return Err(Beyond::Everybody(right.principal.clone()));
    }
    Ok(())
}

/// The roles that decide: the site's steward; compliance too for rows of raw layers, and for a group that is not the
/// site's own.
///
/// # Panics
///
/// Never: the roles are spelled as roles.
pub fn deciders(right: &Right, site: &SiteCode) -> BTreeSet<RoleName> {
    let role = |name: &str| RoleName::new(name).expect("a role of the product");
    let mut roles = BTreeSet::from([role(SITE_STEWARD)]);
    let raw = RAW.iter().any(|layer| has_word(&format!("{} {}", right.step, right.object), layer));
    let own = has_word(&right.principal, site.as_str());
    if (raw && ROWS.contains(&right.privilege.as_str())) || !own {
        roles.insert(role("compliance"));
    }
    roles
}

/// Whether a name has a word, between anything that is no letter or digit.
fn has_word(name: &str, word: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part.eq_ignore_ascii_case(word))
}

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestStanding {
    /// The request.
    pub request: Request,
    /// When it was decided, and whether it was granted.
    pub decided: Option<(Timestamp, bool)>,
}

/// The requests of a log in order.
pub fn requests(events: &[(u64, AccessEvent)]) -> Vec<RequestStanding> {
    let mut order: Vec<String> = Vec::new();
    let mut all: BTreeMap<String, RequestStanding> = BTreeMap::new();
    for (_, event) in events {
        match event {
            AccessEvent::Requested(request) => {
                order.push(request.id.clone());
                all.insert(request.id.clone(), RequestStanding { request: request.clone(), decided: None });
            }
            AccessEvent::Granted { request, at, .. } => {
                all.entry(request.clone()).and_modify(|one| one.decided = Some((*at, true)));
            }
            AccessEvent::Denied { request, at, .. } => {
                all.entry(request.clone()).and_modify(|one| one.decided = Some((*at, false)));
            }
            AccessEvent::Revoked { .. } | AccessEvent::Started { .. } | AccessEvent::Closed { .. } => {}
        }
    }
    order.into_iter().filter_map(|id| all.remove(&id)).collect()
}

/// How long decisions took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sla {
    /// Requests in all.
    pub requests: usize,
    /// Those that were decided.
    pub decided: usize,
    /// The median of their hours; none without decisions.
    pub median_hours: Option<f64>,
    /// The hours within which 95 of 100 were decided (nearest rank).
    pub p95_hours: Option<f64>,
    /// The requests that took, or have waited, longer than they may.
    pub breaches: Vec<String>,
}

/// Hours with one decimal.
fn hours(length: Millis) -> f64 {
    let tenths = length.0 / (6 * 60 * 1000);
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

/// The access-request SLA over some requests.
pub fn sla(requests: &[RequestStanding], now: Timestamp) -> Sla {
    let waited = |one: &RequestStanding| one.decided.map_or(now, |(at, _)| at).since(one.request.at);
    let allowed = |one: &RequestStanding| Millis(u64::from(one.request.sla_hours) * 60 * 60 * 1000);
    let mut took: Vec<Millis> = requests.iter().filter(|one| one.decided.is_some()).map(waited).collect();
    took.sort_unstable();
    let rank = |percent: usize| {
        (!took.is_empty()).then(|| hours(took[(took.len() * percent).div_ceil(100).max(1) - 1]))
    };
    let late = requests.iter().filter(|one| waited(one) > allowed(one));
    Sla {
        requests: requests.len(),
        decided: took.len(),
        median_hours: rank(50),
        p95_hours: rank(95),
        breaches: late.map(|one| one.request.id.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{PersonId, StepId};

    const HOUR: i64 = 60 * 60 * 1000;

    fn right(step: &str, principal: &str, privilege: &str) -> Right {
        Right {
            step: StepId::new(step).expect("an id"),
            object: "schema x".to_owned(),
            principal: principal.to_owned(),
            privilege: privilege.to_owned(),
        }
    }

    fn who(right: &Right) -> Vec<String> {
        let site = SiteCode::new("HRB01").expect("a code");
        deciders(right, &site).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_steward_decides_within_central_policy_and_not_beyond() {
        assert_eq!(who(&right("grants.gold.prod.claims.x", "analysts-hrb01", "SELECT")), ["site-steward"]);
        assert_eq!(
            who(&right("grants.bronze.prod.claims.x", "analysts-hrb01", "SELECT")),
            ["compliance", "site-steward"]
        );
        assert_eq!(
            who(&right("grants.catalog.prod.claims", "analysts-hrb01", "SELECT")),
            ["compliance", "site-steward"],
            "what is given on a catalog is given on its raw layers"
        );
        assert_eq!(who(&right("grants.bronze.prod.claims.x", "analysts-hrb01", "BROWSE")), ["site-steward"]);
        assert_eq!(
            who(&right("grants.gold.prod.claims.x", "analysts-mpl02", "SELECT")),
            ["compliance", "site-steward"]
        );
        assert_eq!(
            who(&right("grants.gold.prod.claims.x", "analysts-hrb011", "SELECT")),
            ["compliance", "site-steward"],
            "a code that only begins alike is another site's"
        );
        assert!(within_policy(&right("grants.x", "analysts-hrb01", "SELECT")).is_ok());
        assert!(within_policy(&right("grants.x", "analysts-hrb01", "all privileges")).is_err());
        assert!(within_policy(&right("grants.x", " Account Users ", "BROWSE")).is_err());
    }

    fn asked(id: &str, at: i64) -> AccessEvent {
        AccessEvent::Requested(Request {
            id: id.to_owned(),
            right: right("grants.x", "analysts-hrb01", "SELECT"),
            purpose: "payment".to_owned(),
            until: None,
            by: PersonId::new("ops").expect("a handle"),
            at: Timestamp::from_millis(at),
            sla_hours: 10,
        })
    }

    #[test]
    fn the_sla_counts_what_was_decided_and_what_still_waits() {
        let mut events = Vec::new();
        for (number, hours) in [1, 2, 3, 4, 20].into_iter().enumerate() {
            let id = format!("AR-{number}");
            events.push((0, asked(&id, 0)));
            let at = Timestamp::from_millis(hours * HOUR);
            let right = right("grants.x", "analysts-hrb01", "SELECT");
            events.push((
                0,
                match number {
                    0 => AccessEvent::Denied { request: id, at, reason: "no".to_owned() },
                    _ => AccessEvent::Granted { request: id, right, at, until: None },
                },
            ));
        }
        events.push((0, asked("AR-9", 0)));
        let found = sla(&requests(&events), Timestamp::from_millis(11 * HOUR));
        assert_eq!((found.requests, found.decided), (6, 5));
        assert_eq!((found.median_hours, found.p95_hours), (Some(3.0), Some(20.0)));
        assert_eq!(found.breaches, ["AR-4", "AR-9"]);
        assert_eq!(sla(&[], Timestamp::from_millis(0)).median_hours, None);
    }
}
