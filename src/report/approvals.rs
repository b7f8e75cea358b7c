//! How long decisions took, and where they were made: at the sites or centrally.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::base::id::{RoleName, SiteCode};
use crate::base::time::Millis;
use crate::people::is_of_site;

/// Where a decision is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Locus {
    /// By a role of one site.
    Site,
    /// By a role of the program.
    Central,
}

impl Locus {
    /// Where a role decides.
    pub fn of(role: &RoleName) -> Self {
        if is_of_site(role) { Locus::Site } else { Locus::Central }
    }
}

/// One decision that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// In which role.
    pub role: RoleName,
    /// About which site, if it is about one.
    pub site: Option<SiteCode>,
    /// How long it had been asked for; none if nobody can tell.
    pub waited: Option<Millis>,
}

/// One decision that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Of which role.
    pub role: RoleName,
    /// Whether it is late.
    pub overdue: bool,
}

/// The decisions of one role.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfRole {
    /// The role.
    pub role: RoleName,
    /// Where it decides.
    pub locus: Locus,
    /// How many it made.
    pub decisions: usize,
    /// The median of the hours that they took.
    pub median_hours: Option<f64>,
    /// The hours within which 95 of 100 were made (nearest rank).
    pub p95_hours: Option<f64>,
    /// How many wait for it.
    pub open: usize,
    /// How many of those are late.
    pub overdue: usize,
}

/// The decisions of one locus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfLocus {
    /// Where.
    pub locus: Locus,
    /// How many were made there.
    pub decisions: usize,
    /// Share of all, in whole percent, rounded down.
    pub share_percent: usize,
    /// The median of the hours that they took.
    pub median_hours: Option<f64>,
}

/// Requests for rights that were granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Granted {
    /// By roles of the site alone.
    pub by_site_alone: usize,
    /// With somebody of the program, as central policy asks.
    pub with_central: usize,
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Approvals {
    /// Role by role.
    pub roles: Vec<OfRole>,
    /// Sites against the center.
    pub loci: Vec<OfLocus>,
    /// Who granted rights.
    pub granted: Granted,
}

/// Hours with one decimal.
fn hours(length: Millis) -> f64 {
    let tenths = length.0 / (6 * 60 * 1000);
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

/// The value below which so many of a hundred are (nearest rank).
fn rank<'m>(made: impl IntoIterator<Item = &'m Made>, percent: usize) -> Option<f64> {
    let mut took: Vec<Millis> = made.into_iter().filter_map(|one| one.waited).collect();
    took.sort_unstable();
    let place = (took.len() * percent).div_ceil(100).max(1) - 1;
    took.get(place).copied().map(hours)
}

/// Puts decisions together.
pub fn fold(made: &[Made], asked: &[Asked], granted: Granted) -> Approvals {
    let mut roles: BTreeMap<&RoleName, (Vec<&Made>, Vec<&Asked>)> = BTreeMap::new();
    made.iter().for_each(|one| roles.entry(&one.role).or_default().0.push(one));
    asked.iter().for_each(|one| roles.entry(&one.role).or_default().1.push(one));
    let role = |(role, (made, asked)): (&RoleName, (Vec<&Made>, Vec<&Asked>))| OfRole {
        role: role.clone(),
        locus: Locus::of(role),
        decisions: made.len(),
        median_hours: rank(made.iter().copied(), 50),
        p95_hours: rank(made.iter().copied(), 95),
        open: asked.len(),
        overdue: asked.iter().filter(|one| one.overdue).count(),
    };
    let locus = |locus: Locus| {
        let own: Vec<&Made> = made.iter().filter(|one| Locus::of(&one.role) == locus).collect();
        OfLocus {
            locus,
            decisions: own.len(),
            share_percent: (own.len() * 100).checked_div(made.len()).unwrap_or(0),
            median_hours: rank(own, 50),
        }
    };
    Approvals {
        roles: roles.into_iter().map(role).collect(),
        loci: [Locus::Site, Locus::Central].map(locus).into(),
        granted,
    }
}

/// The report for people.
pub fn text(report: &Approvals) -> String {
    let figure = |hours: Option<f64>| hours.map_or_else(|| "-".to_owned(), |hours| format!("{hours:.1} h"));
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<22} {:<8} {:>5} {:>10} {:>10} {:>5} {:>8}",
        "ROLE", "WHERE", "MADE", "MEDIAN", "P95", "OPEN", "OVERDUE"
    );
    for one in &report.roles {
        let place = match one.locus {
            Locus::Site => "site",
            Locus::Central => "central",
        };
        let (median, p95) = (figure(one.median_hours), figure(one.p95_hours));
        let _ = writeln!(
            text,
            "{:<22} {place:<8} {:>5} {median:>10} {p95:>10} {:>5} {:>8}",
            one.role.as_str(),
            one.decisions,
            one.open,
            one.overdue
        );
    }
    for one in &report.loci {
        let place = match one.locus {
            Locus::Site => "At the sites",
            Locus::Central => "Centrally",
        };
        let _ = writeln!(
            text,
            "{place}: {} decisions ({} %), median {}",
            one.decisions,
            one.share_percent,
            figure(one.median_hours)
        );
    }
    let Granted { by_site_alone, with_central } = report.granted;
    let _ = writeln!(
        text,
        "Rights granted: {by_site_alone} by the site alone, {with_central} with somebody central as policy asks"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60 * 1000;

    fn made(role: &str, hours: u64) -> Made {
        let role = RoleName::new(role).expect("a role");
        Made { role, site: SiteCode::new("HRB01").ok(), waited: Some(Millis(hours * HOUR)) }
    }

    #[test]
    fn decisions_are_counted_where_they_are_made() {
        let all = [
            made("site-steward", 2),
            made("site-steward", 4),
            made("site-steward", 30),
            made("compliance", 8),
        ];
        let asked = [(true, "compliance"), (false, "platform")]
            .map(|(overdue, role)| Asked { role: RoleName::new(role).expect("a role"), overdue });
        let report = fold(&all, &asked, Granted { by_site_alone: 3, with_central: 1 });
        let steward =
            report.roles.iter().find(|one| one.role.as_str() == "site-steward").expect("it is there");
        assert_eq!((steward.median_hours, steward.p95_hours), (Some(4.0), Some(30.0)));
        let compliance = &report.roles[0];
        assert_eq!((compliance.decisions, compliance.open, compliance.overdue), (1, 1, 1));
        let shares: Vec<_> = report.loci.iter().map(|one| (one.locus, one.share_percent)).collect();
        assert_eq!(shares, [(Locus::Site, 75), (Locus::Central, 25)]);
        let shown = text(&report);
        assert!(shown.contains("At the sites: 3 decisions (75 %), median 4.0 h\n"), "{shown}");
        assert!(shown.contains("Rights granted: 3 by the site alone, 1 with"), "{shown}");
        assert_eq!(fold(&[], &[], Granted::default()).loci[0].share_percent, 0);
    }
}
