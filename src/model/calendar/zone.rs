//! Time zones from the database inside the program, and when a clock on the wall shows a time.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer};

use crate::base::time::Timestamp;

/// The zone of this IANA name, if there is one.
pub fn named(name: &str) -> Option<TimeZone> {
    // `UTC+5` and the like would be taken for a rule; only names of places follow their law.
    let is_place = name.contains('/') || name == "UTC";
    is_place.then(|| TimeZoneDatabase::bundled().get(name).ok()).flatten()
}

/// For serde: reads the name of a zone that exists.
pub(super) fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match named(&name) {
        Some(_) => Ok(name),
        None => Err(serde::de::Error::custom("a time zone is an IANA name such as America/New_York")),
    }
}

/// What the clock on the wall shows.
pub fn local(zone: &TimeZone, moment: Timestamp) -> DateTime {
    zone.to_datetime(exact(moment))
}

/// A moment as the clock on the wall shows it, for people: `Sun 2027-03-14 00:00 -06:00`.
pub fn shown(zone: &TimeZone, moment: Timestamp) -> String {
    exact(moment).to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string()
}

/// The first moment at which the clock shows this time or has jumped over it.
pub(super) fn reached(zone: &TimeZone, time: DateTime) -> Timestamp {
    at(zone, time, false)
}

/// The moment from which on the clock shows this time or later and is not set back before it.
pub(super) fn passed(zone: &TimeZone, time: DateTime) -> Timestamp {
    at(zone, time, true)
}

fn at(zone: &TimeZone, time: DateTime, second: bool) -> Timestamp {
    let moment = match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(time),
        AmbiguousOffset::Fold { before, after } => (if second { after } else { before }).to_timestamp(time),
        // With the later offset the time comes out before the jump, and the jump is the next thing that happens.
        AmbiguousOffset::Gap { after, .. } => after.to_timestamp(time).map(|before_jump| {
            zone.following(before_jump).next().map_or(before_jump, |jump| jump.timestamp())
        }),
    };
    // Only the first and the last day that can be written have no moment in some zones.
    let edge = if time.year() > 0 { jiff::Timestamp::MAX } else { jiff::Timestamp::MIN };
    Timestamp::from_millis(moment.unwrap_or(edge).as_millisecond())
}

fn exact(moment: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(moment.as_millis())
        .expect("a moment is within the years jiff can write")
}
