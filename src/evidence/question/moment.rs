//! Moments as people type them: a day, or a moment with its zone.

use crate::base::time::{Millis, Timestamp};

/// A day in milliseconds. UTC has no other days.
const DAY: Millis = Millis::from_secs(24 * 60 * 60);

/// A text that is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a day such as 2027-01-11 nor a moment such as 2027-01-11T09:00:00Z")]
pub struct NotAMoment(pub String);

/// The moment, or the beginning of the day in UTC.
///
/// # Errors
///
/// If the text is neither a day nor a moment.
pub fn from(text: &str) -> Result<Timestamp, NotAMoment> {
    let day = || format!("{text}T00:00:00Z").parse();
    text.parse().or_else(|_| day()).map_err(|_| NotAMoment(text.to_owned()))
}

/// The moment, or the end of the day in UTC: the first moment that no longer counts.
///
/// # Errors
///
/// If the text is neither a day nor a moment.
pub fn until(text: &str) -> Result<Timestamp, NotAMoment> {
    let start = from(text)?;
    let is_day = text.parse::<Timestamp>().is_err();
    Ok(if is_day { start + DAY } else { start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_days_in_utc() {
        assert_eq!(from("2027-01-11").expect("a day").to_string(), "2027-01-11T00:00:00.000Z");
        assert_eq!(until("2027-01-11").expect("a day").to_string(), "2027-01-12T00:00:00.000Z");
        let zoned = until("2027-01-11T09:00:00-05:00").expect("a moment");
        assert_eq!(zoned.to_string(), "2027-01-11T14:00:00.000Z");
        for bad in ["", "yesterday", "2027-13-01", "2027-01-11T09:00:00"] {
            assert!(from(bad).is_err(), "{bad:?}");
        }
    }
}
