//! How access is kept at sites: requests against their time, campaigns and how far they are.

use serde::Serialize;

use super::campaign::standings;
use super::events;
use crate::access::request::{Sla, requests, sla};
use crate::base::id::SiteCode;
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::model::estate::Estate;
use crate::ops::error::Failure;

/// One site.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccessReport {
    /// The site.
    pub site: SiteCode,
    /// Its requests against the time they may take.
    pub requests: Sla,
    /// Its newest campaign.
    pub campaign: Option<String>,
    /// When that was to be answered.
    pub due: Option<Timestamp>,
    /// How much of it is answered, in percent.
    pub answered_percent: Option<usize>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

/// The report of these sites.
///
/// # Errors
///
/// If a log is damaged.
pub fn access_report(
    estate: &Estate,
    journal: &dyn Journal,
    sites: &[SiteCode],
    now: Timestamp,
) -> Result<Vec<AccessReport>, Failure> {
    let mut all = Vec::new();
    for site in sites {
        let newest = standings(estate, journal, site, now)?.pop();
        all.push(AccessReport {
            site: site.clone(),
            requests: sla(&requests(&events(journal, site)?), now),
            campaign: newest.as_ref().map(|one| one.campaign.clone()),
            due: newest.as_ref().map(|one| one.due),
            answered_percent: newest.as_ref().map(|one| one.percent()),
            closed: newest.and_then(|one| one.closed),
        });
    }
    Ok(all)
}
