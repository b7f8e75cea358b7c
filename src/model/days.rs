//! Days and working days of a zone: how long somebody has, and how long a record stays good.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::base::time::{Millis, Timestamp};
use crate::model::calendar::zone::local;

/// The day on the wall at a moment.
pub fn day_of(zone: &TimeZone, moment: Timestamp) -> Date {
    local(zone, moment).date()
}

/// The first moment of a day.
pub fn start_of(zone: &TimeZone, day: Date) -> Timestamp {
    match day.to_zoned(zone.clone()) {
        Ok(start) => Timestamp::from_millis(start.timestamp().as_millisecond()),
        Err(_) => Timestamp::from_millis(i64::MAX),
    }
}

/// The first moment at which so many whole days have gone by since the day of this moment: a record that is good for one
/// day is good until the end of the next.
pub fn end_after(zone: &TimeZone, moment: Timestamp, days: u32) -> Timestamp {
    let last = day_of(zone, moment).saturating_add(i64::from(days).days());
    start_of(zone, last.saturating_add(1.days()))
}

/// The first moment after the last of so many working days, Monday to Friday, that follow the day of this moment.
pub fn working_end(zone: &TimeZone, moment: Timestamp, days: u32) -> Timestamp {
    let mut day = day_of(zone, moment);
    let mut left = days;
    while left > 0 {
        let next = day.saturating_add(1.days());
        if next == day {
            break;
        }
        day = next;
        left -= u32::from(!matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday));
    }
    start_of(zone, day.saturating_add(1.days()))
}

/// Whole days between two moments, for people.
pub fn whole_days(from: Timestamp, to: Timestamp) -> u64 {
    let Millis(millis) = to.since(from);
    millis / (24 * 60 * 60 * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    #[test]
    fn working_days_skip_the_weekend_and_end_with_their_day() {
        let zone = TimeZone::get("America/Chicago").expect("a zone");
        // A Wednesday at noon; the fifth working day after it is the next Wednesday.
        let asked = at("2027-03-03T18:00:00Z");
        assert_eq!(working_end(&zone, asked, 5), at("2027-03-11T06:00:00Z"));
        // A Saturday counts as no day, the Monday after it as the first.
        assert_eq!(working_end(&zone, at("2027-03-06T18:00:00Z"), 1), at("2027-03-09T06:00:00Z"));
        // Clocks are set forward on 14 March: the day ends an hour earlier in UTC.
        assert_eq!(working_end(&zone, at("2027-03-12T18:00:00Z"), 1), at("2027-03-16T05:00:00Z"));
    }

    #[test]
    fn a_record_is_good_until_the_end_of_its_last_day() {
        let zone = TimeZone::get("UTC").expect("a zone");
        assert_eq!(end_after(&zone, at("2027-03-03T18:00:00Z"), 1), at("2027-03-05T00:00:00Z"));
        assert_eq!(end_after(&zone, at("2027-03-03T18:00:00Z"), 3_660), at("2037-03-11T00:00:00Z"));
        assert!(end_after(&zone, at("9999-12-20T00:00:00Z"), 3_660) > at("9999-12-20T00:00:00Z"));
    }
}
