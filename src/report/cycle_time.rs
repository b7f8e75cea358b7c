//! Calendar days from the first launch that covered a site until a run of it succeeded, against what the estate allows.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::provisioning::EntryRef;
use crate::base::id::{SiteCode, WaveName};
use crate::base::time::Timestamp;
use crate::model::entry::Entry;
use crate::model::event::{Event, RunOutcome};
use crate::model::fleet_event::FleetEvent;

/// How a site stands against the days it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// No launch covered it yet.
    NotStarted,
    /// It has days left.
    Open,
    /// It was done in time.
    Met,
    /// It took, or has taken so far, longer than it may.
    Breached {
        /// By so many days.
        by: u32,
    },
}

/// One site's days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CycleTime {
    /// The site.
    pub site: SiteCode,
    /// The first launch that covered it.
    pub start: Option<EntryRef>,
    /// The end of its first run after that which succeeded.
    pub end: Option<EntryRef>,
    /// Calendar days, in UTC, from the one to the other; until now while there is no end.
    pub days: Option<u32>,
    /// Days that it may take.
    pub days_max: u32,
    /// How it stands.
    pub standing: Standing,
}

fn date(moment: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date())
}

/// Days from one date to the next, whatever the hours.
fn days(from: Timestamp, to: Timestamp) -> Option<u32> {
    let days = (date(to)? - date(from)?).get_days();
    Some(u32::try_from(days).unwrap_or(0))
}

/// One site's days, from the organisation's log and its own.
pub fn cycle_time<'a>(
    site: &SiteCode,
    wave: &WaveName,
    org: impl IntoIterator<Item = &'a Entry>,
    own: impl IntoIterator<Item = &'a Entry>,
    days_max: u32,
    now: Timestamp,
) -> CycleTime {
    let launched = |entry: &&Entry| {
        let event = FleetEvent::from_entry(&entry.kind, &entry.body);
        matches!(event, Ok(FleetEvent::LaunchStarted { selection, .. }) if selection.covers(wave, site))
    };
    let start = org.into_iter().find(launched).map(EntryRef::of);
    let ended = |entry: &&Entry| {
        let event = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body);
        let good = matches!(event, Ok(Event::RunEnded { outcome: RunOutcome::Succeeded, .. }));
        good && start.as_ref().is_some_and(|start| entry.at >= start.at)
    };
    let end = own.into_iter().find(ended).map(EntryRef::of);
    let days = start.as_ref().and_then(|start| days(start.at, end.as_ref().map_or(now, |end| end.at)));
    let standing = match days {
        None => Standing::NotStarted,
        Some(days) if days > days_max => Standing::Breached { by: days - days_max },
        Some(_) if end.is_some() => Standing::Met,
        Some(_) => Standing::Open,
    };
    CycleTime { site: site.clone(), start, end, days, days_max, standing }
}

impl Standing {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Standing::NotStarted => "not started".to_owned(),
            Standing::Open => "open".to_owned(),
            Standing::Met => "met".to_owned(),
            Standing::Breached { by } => format!("breached by {by} d"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::provisioning::tests::{ended, entry};

    const DAY: i64 = 24 * 60;

    fn launched(selection: &Value) -> Value {
        json!({ "plan": "0".repeat(64), "selection": selection })
    }

    /// A launch of this selection, and a run of the site that ended on this day.
    fn told(selection: &Value, end: Option<i64>, today: i64) -> String {
        let org = [
            entry("org", 3, 0, "launch.started", launched(&json!({ "wave": "pilot" }))),
            entry("org", 7, DAY, "launch.started", launched(selection)),
            entry("org", 9, 2 * DAY, "launch.started", launched(selection)),
        ];
        let mut own = vec![entry("site/MPL02", 0, 0, "run.ended", ended("succeeded"))];
        own.push(entry("site/MPL02", 5, 3 * DAY, "run.ended", ended("failed")));
        own.extend(end.map(|day| entry("site/MPL02", 8, (1 + day) * DAY, "run.ended", ended("succeeded"))));
        let site = SiteCode::new("MPL02").expect("a code");
        let wave = WaveName::new("wave1").expect("a wave");
        let now = Timestamp::from_millis(1_800_000_000_000 + (1 + today) * DAY * 60_000);
        let time = cycle_time(&site, &wave, &org, &own, 14, now);
        let id = |entry: Option<EntryRef>| entry.map_or("-".to_owned(), |entry| entry.id);
        let days = time.days.map_or("-".to_owned(), |days| days.to_string());
        format!("{days} d, {}, {} to {}", time.standing.words(), id(time.start), id(time.end))
    }

    #[test]
    fn days_run_from_the_first_launch_that_covered_the_site() {
        for selection in [json!("all"), json!({ "wave": "wave1" }), json!({ "sites": ["CDR03", "MPL02"] })] {
            assert_eq!(told(&selection, Some(13), 99), "13 d, met, org#7 to site/MPL02#8", "{selection}");
            assert_eq!(told(&selection, Some(14), 99), "14 d, met, org#7 to site/MPL02#8");
            assert_eq!(told(&selection, Some(15), 99), "15 d, breached by 1 d, org#7 to site/MPL02#8");
            assert_eq!(told(&selection, None, 6), "6 d, open, org#7 to -");
            assert_eq!(told(&selection, None, 20), "20 d, breached by 6 d, org#7 to -");
        }
        for selection in [json!({ "wave": "wave2" }), json!({ "sites": ["CDR03"] })] {
            assert_eq!(told(&selection, Some(13), 99), "- d, not started, - to -", "{selection}");
        }
    }
}
