//! Moments as people read them: in the reader's zone, with UTC beside it.

use jiff::tz::TimeZone;

use crate::base::time::Timestamp;

/// The zone in which moments are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of this name; UTC if there is none.
    pub fn of(name: &str) -> Self {
        match TimeZone::get(name) {
            Ok(zone) => Self { name: name.to_owned(), zone },
            Err(_) => Self { name: "UTC".to_owned(), zone: TimeZone::UTC },
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A moment with its zone, and in UTC: `2027-01-12 01:06 EST (06:06 UTC)`.
    pub fn moment(&self, at: Timestamp) -> String {
        let (here, there) = (self.at(at), jiff_of(at).to_zoned(TimeZone::UTC));
        let shown = here.strftime("%Y-%m-%d %H:%M %Z").to_string();
        if self.zone == TimeZone::UTC || self.name == "UTC" {
            return shown;
        }
        let form = if here.date() == there.date() { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
        format!("{shown} ({})", there.strftime(form))
    }

    /// A moment in the zone alone, for narrow places: `2027-01-12 01:06`.
    pub fn short(&self, at: Timestamp) -> String {
        self.at(at).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// The day of a moment: `2027-01-12`.
    pub fn day(&self, at: Timestamp) -> String {
        self.at(at).strftime("%Y-%m-%d").to_string()
    }

    fn at(&self, at: Timestamp) -> jiff::Zoned {
        jiff_of(at).to_zoned(self.zone.clone())
    }
}

/// Every [`Timestamp`] is within what jiff can write.
fn jiff_of(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_its_zone_and_utc_beside_it() {
        let at: Timestamp = "2027-01-12T06:06:12.402Z".parse().expect("a moment");
        assert_eq!(Zone::of("America/New_York").moment(at), "2027-01-12 01:06 EST (06:06 UTC)");
        let late: Timestamp = "2027-07-12T02:06:00.000Z".parse().expect("a moment");
        assert_eq!(Zone::of("America/New_York").moment(late), "2027-07-11 22:06 EDT (2027-07-12 02:06 UTC)");
        assert_eq!(Zone::of("America/New_York").day(late), "2027-07-11");
        assert_eq!(Zone::of("no/such").moment(at), "2027-01-12 06:06 UTC");
    }
}
