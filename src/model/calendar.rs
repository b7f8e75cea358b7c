//! When a scope may be changed: windows, freezes and a first day, as a value that a plan carries.
//!
//! Everything here is a pure function of the calendar and the moment that is asked about; zones come from the database
//! inside the program. Three rules decide the nights on which clocks change:
//!
//! - A time of day *is reached* at the first moment at which the clock on the wall shows it or has jumped over it. So a
//!   window whose begin falls into the gap begins when the gap ends, and one that lies wholly in the gap does not happen.
//! - When the clock is set back, the first occurrence counts, for begin and end. A window around that hour is an hour
//!   longer; one that begins and ends within it happens once.
//! - A freeze is over when the clock has left its last day for good.

pub mod clock;
mod openings;
pub mod zone;

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::time::{Millis, Timestamp};

pub use clock::{ClockTime, Weekday};

/// When a scope may be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The IANA zone in which freezes and the first day are meant.
    #[serde(deserialize_with = "zone::known")]
    pub zone: String,
    /// Times of the week in which changes may be made; none says any time.
    pub windows: Vec<ChangeWindow>,
    /// Days on which nothing is changed.
    pub freezes: Vec<FreezeDays>,
    /// The first day on which changes may be made.
    #[serde(with = "clock::optional_day")]
    pub first_day: Option<Date>,
}

/// A time of the week in which changes may be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeWindow {
    /// The days on which it begins.
    pub days: BTreeSet<Weekday>,
    /// Its begin.
    pub from: ClockTime,
    /// Its end, on the next day if it does not come after the begin.
    pub to: ClockTime,
    /// The IANA zone of both.
    #[serde(deserialize_with = "zone::known")]
    pub zone: String,
}

/// Days on which nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeDays {
    /// Its name, for people.
    pub name: String,
    /// First day.
    #[serde(with = "clock::day")]
    pub from: Date,
    /// Last day; it belongs to the freeze.
    #[serde(with = "clock::day")]
    pub to: Date,
}

/// Whether changes may begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// They may.
    Open {
        /// The moment by which they must have ended; none if no end is in sight.
        until: Option<Timestamp>,
    },
    /// Not now.
    Shut {
        /// The first moment at which they may.
        opens: Timestamp,
        /// Why not now.
        why: Shut,
    },
    /// Not now, nor as far as can be looked ahead.
    Never {
        /// Why not.
        why: Shut,
    },
}

/// Why changes may not begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shut {
    /// No window is open.
    OutsideWindow,
    /// A window is open, but what is left of it is shorter than the changes.
    TooLate,
    /// The named freeze.
    Freeze(String),
    /// The first day has not come.
    BeforeFirstDay,
    /// No window is ever as long as the changes.
    TooShort,
}

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shut::OutsideWindow => f.write_str("outside the change windows"),
            Shut::TooLate => f.write_str("too little is left of the change window"),
            Shut::Freeze(name) => write!(f, "frozen: {name}"),
            Shut::BeforeFirstDay => f.write_str("before the first day"),
            Shut::TooShort => f.write_str("no change window is long enough"),
        }
    }
}

impl Calendar {
    /// A calendar that is always open.
    pub fn always() -> Self {
        Self { zone: "UTC".to_owned(), windows: Vec::new(), freezes: Vec::new(), first_day: None }
    }

    /// Whether changes that take `needs` may begin at `now`.
    ///
    /// What is open at `now` counts from `now`; the changes must fit before the opening's end.
    pub fn standing(&self, now: Timestamp, needs: Millis) -> Standing {
        openings::standing(self, now, needs)
    }

    /// The first moment from `now` on at which changes that take `needs` may begin.
    pub fn next_legal_start(&self, now: Timestamp, needs: Millis) -> Option<Timestamp> {
        match self.standing(now, needs) {
            Standing::Open { .. } => Some(now),
            Standing::Shut { opens, .. } => Some(opens),
            Standing::Never { .. } => None,
        }
    }

    /// The longest opening that the windows give in a year, freezes aside; none if it has no end.
    ///
    /// The year begins with the first day; without one it is 2027, for its nights on which clocks change.
    pub fn longest(&self) -> Option<Millis> {
        openings::longest(self)
    }

    /// The next openings from this moment on, begin and end. One that is open counts from this moment; one without an end
    /// in sight ends where the search does.
    pub fn openings(&self, from: Timestamp, count: usize) -> Vec<(Timestamp, Timestamp)> {
        openings::list(self, from, count)
    }
}

#[cfg(test)]
mod tests;
