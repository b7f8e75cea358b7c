//! Where the first ninety days stand: sites live by their day, with the controls that had to hold.

use jiff::ToSpan as _;

use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::controls::{KindStanding, KindState};
use crate::journal::Journal;
use crate::model::calendar::zone;
use crate::model::days::start_of;
use crate::model::estate::{Wave, WaveKind};
use crate::model::event::{Event, RunOutcome};
use crate::ops::controls::Ledger;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::report::milestones::{ControlLine, Found, Milestone, judge};

/// What must be in place before a pilot counts as live, by evidence kind: landing zone, identity, keys, logging, Unity
/// Catalog, tags, policies.
const FOUNDATION: [&str; 9] = [
    "access.least_privilege",
    "audit.log_delivery",
    "compute.cluster_policy",
    "encryption.cmk_at_rest",
    "governance.residency",
    "identity.scim_groups",
    "network.egress_and_ip",
    "network.private_link",
    "tags.policy",
];
/// Name, day, the kind of waves that were to be live by then, what that is in words.
const MILESTONES: [(&str, u32, WaveKind, &str); 3] = [
    ("D30", 30, WaveKind::Pilot, "the pilot site is live with foundational controls"),
    ("D60", 60, WaveKind::Repeatability, "the second sites are live with the same templates"),
    ("D90", 90, WaveKind::Scale, "the first wave of scale is live"),
];

/// The milestones of the estate's program.
///
/// # Errors
///
/// If the estate has no first day, or a log is damaged.
pub fn milestones(
    desired: &Desired,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<Vec<Milestone>, Failure> {
    let estate = &desired.loaded.estate;
    let Some(day_one) = estate.day_one else {
        return Err(Failure::usage(
            "the estate has no first day",
            "write day_one into [estate] of sites/estate.toml",
        ));
    };
    let zone = estate.time_zone();
    // What was done before the first day was done in time: it counts as day 0.
    let day_of = |moment: Timestamp| -> u32 {
        let days = (zone::local(&zone, moment).date() - day_one).get_days();
        u32::try_from(days.saturating_add(1)).unwrap_or(0)
    };
    let today = day_of(now);
    let mut ledger = Ledger::default();
    let mut all = Vec::new();
    for (name, due_day, kind, goal) in MILESTONES {
        let Some(wave) = estate.waves.iter().find(|wave| wave.kind == kind) else { continue };
        // What was shown in time is not taken back because its record grows old after the day.
        let last = day_one.saturating_add(i64::from(due_day).days());
        let judged_at = now.min(start_of(&zone, last));
        let mut sites = Vec::new();
        let mut controls = Vec::new();
        for site in codes(wave) {
            let live = live_since(journal, &site)?;
            sites.push((site.clone(), live.map(day_of)));
            let lines = foundation(&mut ledger, journal, &site, judged_at)?;
            // What held when the site went live was reached: its age does not take it back, what broke it does.
            let then = match live.filter(|live| *live < judged_at) {
                Some(live) => foundation(&mut ledger, journal, &site, live)?,
                None => lines.clone(),
            };
            let reached =
                |(line, then): (Foundation, Foundation)| if line.is_old { then.line } else { line.line };
            controls.extend(lines.into_iter().zip(then).map(reached));
        }
        all.push(judge(Found { name, goal: goal.to_owned(), due_day, sites, controls }, today));
    }
    Ok(all)
}

fn codes(wave: &Wave) -> impl Iterator<Item = SiteCode> {
    wave.sites.iter().filter_map(|site| SiteCode::new(site.value.as_str()).ok())
}

/// When the first run of a site ended well.
fn live_since(journal: &dyn Journal, site: &SiteCode) -> Result<Option<Timestamp>, Failure> {
    let lines = journal.read(&LogId::Scope(ScopeId::Site(site.clone())), 0)?;
    let good = lines.iter().find(|line| {
        let event = Event::from_entry(&line.entry.kind, None, &line.entry.body);
        matches!(event, Ok(Event::RunEnded { outcome: RunOutcome::Succeeded, .. }))
    });
    Ok(good.map(|line| line.entry.at))
}

/// One control that has to hold, and whether nothing but its age keeps it from that.
#[derive(Debug, Clone)]
struct Foundation {
    line: ControlLine,
    is_old: bool,
}

fn foundation(
    ledger: &mut Ledger,
    journal: &dyn Journal,
    site: &SiteCode,
    now: Timestamp,
) -> Result<Vec<Foundation>, Failure> {
    let controls = ledger.site(journal, site, now)?;
    let line = |kind: &&str| {
        let standing = controls.standings.get(*kind);
        let holds = standing.is_some_and(|standing| standing.counts());
        let places = |standing: &KindStanding| {
            let first = standing
                .entries()
                .into_iter()
                .filter_map(|(log, seqs)| Some(format!("{log}#{}", seqs.first()?)));
            first.collect::<Vec<_>>().join(" ")
        };
        let shown_by = match standing {
            Some(standing) if holds => places(standing),
            Some(standing) => standing.why.clone(),
            None => "not known".to_owned(),
        };
        let is_old = standing.is_some_and(|standing| standing.state == KindState::Expired);
        Foundation {
            line: ControlLine { site: site.clone(), kind: (*kind).to_owned(), holds, shown_by },
            is_old,
        }
    };
    Ok(FOUNDATION.iter().map(line).collect())
}
