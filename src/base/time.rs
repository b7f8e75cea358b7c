//! Moments and lengths of time as values. There is no clock here: `now` always enters from above.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spelled;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z; written as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Timestamp {
    /// The moment this many milliseconds after the Unix epoch, held within the years jiff can write.
    pub fn from_millis(millis: i64) -> Self {
        let first = jiff::Timestamp::MIN.as_millisecond();
        let last = jiff::Timestamp::MAX.as_millisecond();
        Self(millis.clamp(first, last))
    }

    /// Milliseconds since the Unix epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Timestamp;

    fn add(self, length: Millis) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_add_unsigned(length.0))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Timestamp;

    fn sub(self, length: Millis) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_sub_unsigned(length.0))
    }
}

impl Millis {
    /// This many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// The same length for the standard library and tokio.
    pub fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{moment:.3}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// For people: `850 ms`, `12 s`, `4 min 20 s`, `1 h 12 min`.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, millis) = (self.0 / 1000, self.0 % 1000);
        match secs {
            0 => write!(f, "{millis} ms"),
            1..60 => write!(f, "{secs} s"),
            60..3600 if secs.is_multiple_of(60) => write!(f, "{} min", secs / 60),
            60..3600 => write!(f, "{} min {} s", secs / 60, secs % 60),
            _ => write!(f, "{} h {} min", secs / 3600, secs % 3600 / 60),
        }
    }
}

/// The text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a length of time is written as 45s, 30m, 2h or 1h 30m")]
pub struct NotALength;

/// As people write it: `45s`, `30m`, `1h 30m`. Days have no fixed length and are not taken.
impl FromStr for Millis {
    type Err = NotALength;

    fn from_str(text: &str) -> Result<Self, NotALength> {
        let length: jiff::SignedDuration = text.parse().map_err(|_| NotALength)?;
        u64::try_from(length.as_millis()).map(Millis).map_err(|_| NotALength)
    }
}

/// The text is not an RFC 3339 moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a moment is written as RFC 3339, for example 2027-01-11T09:00:00Z")]
pub struct NotAMoment;

impl FromStr for Timestamp {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| NotAMoment)?;
        Ok(Self(moment.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "a moment as RFC 3339 in UTC" })
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        spelled::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        let moment: Timestamp = "2027-01-11T09:00:00-05:00".parse().expect("a moment");
        assert_eq!(moment.to_string(), "2027-01-11T14:00:00.000Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!((moment + Millis(250)).since(moment), Millis(250));
        assert_eq!(moment.since(moment + Millis(250)), Millis(0));
    }

    #[test]
    fn lengths_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Millis>().map(|length| length.0);
        assert_eq!(read("45s"), Ok(45_000));
        assert_eq!(read("1h 30m"), Ok(5_400_000));
        for bad in ["", "30", "-5m", "soon", "3 weeks"] {
            assert_eq!(read(bad), Err(NotALength), "{bad}");
        }
    }

    #[test]
    fn lengths_read_well() {
        let shown: Vec<String> =
            [850, 12_000, 120_000, 260_000, 4_320_000].map(|ms| Millis(ms).to_string()).into();
        assert_eq!(shown, ["850 ms", "12 s", "2 min", "4 min 20 s", "1 h 12 min"]);
    }
}
