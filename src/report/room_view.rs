//! Room under the limits of the services, as text.

use std::fmt::Write as _;

use crate::model::plan::overview::{Blocked, Counted, Overview, Room};

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
