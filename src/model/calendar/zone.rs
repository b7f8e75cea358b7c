//! Time zones from the database inside the program, and when a clock on the wall shows a time.

use jiff::Span;
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
    let moment = match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(time),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(time),
        // With the later offset the time comes out before the jump, and the jump is the next thing that happens.
        AmbiguousOffset::Gap { after, .. } => after.to_timestamp(time).map(|before_jump| {
            zone.following(before_jump).next().map_or(before_jump, |jump| jump.timestamp())
        }),
    };
    // Only the first and the last day that can be written have no moment in some zones.
    let edge = if time.year() > 0 { jiff::Timestamp::MAX } else { jiff::Timestamp::MIN };
    Timestamp::from_millis(moment.unwrap_or(edge).as_millisecond())
}

/// The first moment from which on the clock never shows an earlier time.
pub(super) fn passed(zone: &TimeZone, time: DateTime) -> Timestamp {
    let set_back = |time: DateTime| match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Fold { after, .. } => after.to_timestamp(time).ok(),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => None,
    };
    // Where the clock is set back to this very time, it is not set back before it.
    let just_before = time.checked_sub(Span::new().nanoseconds(1)).ok();
    match (set_back(time), just_before.and_then(set_back)) {
        (Some(second), Some(_)) => Timestamp::from_millis(second.as_millisecond()),
        (Some(_), None) | (None, _) => reached(zone, time),
    }
}

fn exact(moment: Timestamp) -> jiff::Timestamp {
    let edge = if moment.as_millis() > 0 { jiff::Timestamp::MAX } else { jiff::Timestamp::MIN };
    jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(edge)
}
