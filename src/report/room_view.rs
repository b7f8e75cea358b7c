//! Room under the limits of the services, as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::plan::overview::{Blocked, Counted, Overview, Room};
use crate::model::plan::{Operation, Plan, PlannedStep, ScopePlan, Work};

use super::plan_view::plural;

/// One line for a plan's summary; nothing if no limit is near anything the plan makes.
pub fn line(overview: &Overview) -> Option<String> {
    if let Some((room, blocked)) = overview.first_blocked() {
        return Some(format!("No room: {} does not fit: {}.", blocked.scope, blocked_words(room, blocked)));
    }
    let (room, more) = overview.next_limit()?;
    Some(format!(
        "Room: {more} more {} as large as the largest of these {}; the next limit is {} ({} of {} per {} after this \
         plan{}).",
        plural(usize::try_from(more).unwrap_or(usize::MAX), "site", "sites"),
        if more == 1 { "fits" } else { "fit" },
        room.quota,
        i128::from(room.max) - i128::from(room.left),
        room.max,
        room.owner,
        doubt(room),
    ))
}

/// How many sites fit if every site has something of its own that a service limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ceiling {
    /// What each site has of its own: `workspace` or `catalog`.
    pub own: &'static str,
    /// The limit.
    pub quota: String,
    /// Where it is counted.
    pub owner: String,
    /// How many of them the site of this plan with the most has.
    pub per_site: u64,
    /// How many further sites fit after this plan.
    pub more: u64,
}

/// What a site has of its own, the kind that is counted, and the limit that is met first.
const OWN: [(&str, &str, &str); 2] = [
    ("workspace", "databricks.workspace", "workspaces_per_account"),
    ("catalog", "databricks.catalog", "catalogs_per_metastore"),
];

/// How far workspaces and catalogs of each site's own go: for each the place with the least room.
pub fn ceilings(plan: &Plan) -> Vec<Ceiling> {
    let found = OWN.iter().filter_map(|(own, kind, quota)| {
        let per_site = plan.scopes.iter().filter(|(scope, _)| scope.site().is_some());
        let per_site = per_site.map(|(_, scope)| count(scope, kind)).max().filter(|count| *count > 0)?;
        let rooms = plan.overview.room.iter().filter(|room| room.quota == *quota);
        let least = rooms.min_by_key(|room| room.left)?;
        let more = u64::try_from(least.left).unwrap_or(0) / per_site;
        Some(Ceiling { own, quota: least.quota.clone(), owner: least.owner.clone(), per_site, more })
    });
    found.collect()
}

/// The objects of a kind that a scope has after the plan.
fn count(scope: &ScopePlan, kind: &str) -> u64 {
    let stays = |step: &&PlannedStep| match &step.work {
        Work::Reconcile(one) => one.kind.as_str() == kind && one.operation != Operation::Delete,
        Work::Check { .. } => false,
    };
    scope.steps.values().filter(stays).count() as u64
}

/// The ceilings as one line; nothing where no site has anything of the sort.
pub fn ceilings_line(plan: &Plan) -> Option<String> {
    let word = |ceiling: &Ceiling| {
        let Ceiling { own, owner, per_site, more, .. } = ceiling;
        format!("{own}-per-site: {more} more sites fit ({per_site} per site, counted per {owner})")
    };
    let words: Vec<String> = ceilings(plan).iter().map(word).collect();
    (!words.is_empty()).then(|| format!("Isolation: {}.", words.join("; ")))
}

/// Why a scope does not fit.
pub fn blocked_words(room: &Room, blocked: &Blocked) -> String {
    let turn = match blocked.turn {
        0 => String::new(),
        turn => format!(", as number {turn} in launch order"),
    };
    format!(
        "{} allows {} per {}, {}{} are left when its turn comes{turn}, and it needs {}",
        room.quota,
        room.max,
        room.owner,
        if room.counted == Counted::All { "" } else { "at most " },
        blocked.left.max(0),
        blocked.needs,
    )
}

/// Every room of a plan, a line each.
pub fn table(overview: &Overview) -> String {
    let mut out = String::new();
    for room in &overview.room {
        let _ = writeln!(
            out,
            "  {} per {}: {} there{}, {:+} planned, {} left of {}",
            room.quota,
            room.owner,
            room.live,
            doubt(room),
            room.planned,
            room.left,
            room.max
        );
    }
    out
}

fn doubt(room: &Room) -> &'static str {
    match room.counted {
        Counted::All => "",
        Counted::AtLeast => " at least",
        Counted::OwnOnly => " that this plan knows of; no list was read",
    }
}
