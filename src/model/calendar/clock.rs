//! Days of the week, times of day and dates as a calendar writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A day of the week, written as `Mon` to `Sun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// Every day in order, with its word.
    pub const ALL: [(&'static str, Weekday); 7] = [
        ("Mon", Self::Mon),
        ("Tue", Self::Tue),
        ("Wed", Self::Wed),
        ("Thu", Self::Thu),
        ("Fri", Self::Fri),
        ("Sat", Self::Sat),
        ("Sun", Self::Sun),
    ];

    /// The day with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, day)| *day)
    }

    /// The day of the week of a date.
    pub fn of(date: jiff::civil::Date) -> Self {
        match date.weekday() {
            jiff::civil::Weekday::Monday => Self::Mon,
            jiff::civil::Weekday::Tuesday => Self::Tue,
            jiff::civil::Weekday::Wednesday => Self::Wed,
            jiff::civil::Weekday::Thursday => Self::Thu,
            jiff::civil::Weekday::Friday => Self::Fri,
            jiff::civil::Weekday::Saturday => Self::Sat,
            jiff::civil::Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time of day to the minute, written as `01:30`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime {
    hour: i8,
    minute: i8,
}

/// The text is not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written as hours 00 to 23 and minutes 00 to 59, for example 01:30")]
pub struct NotATime;

impl ClockTime {
    /// The begin of a day.
    pub const MIDNIGHT: ClockTime = ClockTime { hour: 0, minute: 0 };

    /// The time on this day, by the clock on the wall.
    pub fn on(self, day: jiff::civil::Date) -> jiff::civil::DateTime {
        day.at(self.hour, self.minute, 0, 0)
    }
}

impl FromStr for ClockTime {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let number = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse::<i8>().ok()).flatten()
        };
        let (hour, minute) = text.split_once(':').ok_or(NotATime)?;
        let (hour, minute) = (number(hour).ok_or(NotATime)?, number(minute).ok_or(NotATime)?);
        if hour < 24 && minute < 60 { Ok(Self { hour, minute }) } else { Err(NotATime) }
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads a date written as `2027-01-11`, and nothing longer.
fn date(text: &str) -> Option<jiff::civil::Date> {
    Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok())
}

const NOT_A_DATE: &str = "a date is written as year, month and day, for example 2027-01-11";

/// A date as text, for serde.
pub mod day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(date)
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// If the text is not a date.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::date(&text).ok_or_else(|| serde::de::Error::custom(super::NOT_A_DATE))
    }
}

/// A date as text or `null`, for serde.
pub mod optional_day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        match date {
            Some(date) => serializer.collect_str(date),
            None => serializer.serialize_none(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// If the text is not a date.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        super::date(&text).map(Some).ok_or_else(|| serde::de::Error::custom(super::NOT_A_DATE))
    }
}
