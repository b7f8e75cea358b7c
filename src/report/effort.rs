//! What a site cost people: steps that went by themselves against decisions that people made, and how long things waited.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::approvals::Made;
use crate::base::id::{RoleName, SiteCode};
use crate::base::time::Millis;

/// What one site took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effort {
    /// The site.
    pub site: SiteCode,
    /// Steps that went by themselves.
    pub automated: usize,
    /// Decisions that people signed about it, and records that they filed.
    pub manual: usize,
    /// Minutes for which it waited, by the role on which.
    pub wait_minutes: BTreeMap<RoleName, u64>,
    /// All of them together.
    pub wait_minutes_total: u64,
    /// The same against the pilot's first site, in percent: 100 is as much.
    pub against_pilot_percent: Option<u64>,
}

/// What is known of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The site.
    pub site: SiteCode,
    /// Steps that went by themselves.
    pub automated: usize,
    /// Records that people filed.
    pub records: usize,
    /// Decisions about it.
    pub made: Vec<Made>,
}

/// Puts together what sites took; the first is what the others are held against.
pub fn fold(found: Vec<Found>, pilot: Option<&SiteCode>) -> Vec<Effort> {
    let mut all: Vec<Effort> = found.into_iter().map(effort).collect();
    let base = all.iter().find(|one| Some(&one.site) == pilot).map(|one| one.wait_minutes_total);
    for one in all.iter_mut().filter(|one| Some(&one.site) != pilot && one.manual > 0) {
        one.against_pilot_percent = base.and_then(|base| (one.wait_minutes_total * 100).checked_div(base));
    }
    all
}

fn effort(found: Found) -> Effort {
    let mut wait_minutes: BTreeMap<RoleName, u64> = BTreeMap::new();
    for Made { role, waited, .. } in &found.made {
        *wait_minutes.entry(role.clone()).or_default() += waited.unwrap_or(Millis(0)).0 / 60_000;
    }
    Effort {
        site: found.site,
        automated: found.automated,
        manual: found.made.len() + found.records,
        wait_minutes_total: wait_minutes.values().sum(),
        wait_minutes,
        against_pilot_percent: None,
    }
}

/// The report for people.
pub fn text(all: &[Effort]) -> String {
    let mut text = String::new();
    for one in all {
        let against = one
            .against_pilot_percent
            .map_or_else(String::new, |percent| format!(", {percent} % of the pilot's"));
        let _ = writeln!(
            text,
            "{}  {} automated steps, {} decisions and records of people, {} min waited{against}",
            one.site, one.automated, one.manual, one.wait_minutes_total
        );
        for (role, minutes) in &one.wait_minutes {
            let _ = writeln!(text, "  {:<22} {minutes:>8} min", role.as_str());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(site: &str, minutes: &[(&str, u64)]) -> Found {
        let site = SiteCode::new(site).expect("a code");
        let made = |(role, minutes): &(&str, u64)| Made {
            role: RoleName::new(*role).expect("a role"),
            site: Some(site.clone()),
            waited: Some(Millis(minutes * 60_000)),
        };
        Found { made: minutes.iter().map(made).collect(), site, automated: 90, records: 1 }
    }

    #[test]
    fn a_second_site_is_held_against_the_pilot() {
        let pilot = SiteCode::new("HRB01").expect("a code");
        let sites = vec![
            found("HRB01", &[("compliance", 300), ("compliance", 60), ("site-steward", 40)]),
            found("MPL02", &[("compliance", 60), ("site-steward", 40)]),
            found("CDR03", &[]),
        ];
        let all = fold(sites, Some(&pilot));
        assert_eq!((all[0].wait_minutes_total, all[0].manual, all[0].against_pilot_percent), (400, 4, None));
        assert_eq!((all[1].wait_minutes_total, all[1].against_pilot_percent), (100, Some(25)));
        let shown = text(&all);
        assert!(shown.contains("MPL02  90 automated steps, 3 decisions and records of people, 100 min waited, 25 % of the pilot's\n"), "{shown}");
        assert!(shown.contains("  compliance                  360 min\n"), "{shown}");
    }
}
