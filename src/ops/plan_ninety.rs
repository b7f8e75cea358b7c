//! The plan of the first ninety days as it stands: its rows, with what the checklists of all scopes say of them.

use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::model::days::day_of;
use crate::ops::checklist::Ground;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::report::plan_ninety::{Row, Standing, rows};

/// Every row of the plan, once, in its order.
///
/// # Errors
///
/// If a log is damaged.
pub fn plan_ninety(desired: &Desired, journal: &dyn Journal, now: Timestamp) -> Result<Vec<Row>, Failure> {
    let ground = Ground::of(desired);
    let board = ground.board(journal, now)?;
    let mut standings = Vec::new();
    for (scope, asks) in &ground.scopes {
        for item in &asks.items {
            if let Some(standing) = board.item(scope, &item.id) {
                standings.push(Standing { scope, item, state: &standing.state });
            }
        }
    }
    let today = day_of(&ground.zone, now);
    Ok(rows(&standings, desired.loaded.estate.day_one, Some(today)))
}
