//! When each site may be changed next: its openings from a moment on, and the freezes that cut them.

use jiff::civil::Date;
use serde::Serialize;

use crate::base::id::{ScopeId, SiteCode, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::model::calendar::{Calendar, FreezeDays, Standing, zone};
use crate::model::estate::calendar_of;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::{Asked, select, waves};

/// Openings that are shown of each site: a month of a weekly window.
const OPENINGS_SHOWN: usize = 5;

/// The next openings of one site.
#[derive(Debug, Clone, Serialize)]
pub struct Schedule {
    /// The site.
    pub site: SiteCode,
    /// Its wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// The zone of its first window, or the estate's.
    pub zone: String,
    /// The first day of its wave.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub first_day: Option<Date>,
    /// Whether it has no windows.
    pub any_time: bool,
    /// The longest opening of a year without its freezes; none if it has no end.
    pub longest: Option<Millis>,
    /// Why it may not be changed at the moment asked about; none if it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shut: Option<String>,
    /// The next openings.
    pub openings: Vec<Opened>,
    /// Freezes up to the last of them.
    pub freezes: Vec<FreezeDays>,
}

/// A stretch of time in which a site may be changed.
#[derive(Debug, Clone, Serialize)]
pub struct Opened {
    /// Its begin.
    pub begin: Timestamp,
    /// Its end; none if there is none in sight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// The begin as the site's clock shows it.
    pub begin_local: String,
    /// The end as the site's clock shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_local: Option<String>,
}

fn as_text<S: serde::Serializer>(day: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    match day {
        Some(day) => serializer.collect_str(day),
        None => serializer.serialize_none(),
    }
}

/// The openings of the sites that were asked for, wave by wave, then those in no wave.
///
/// They begin at `from`, or with the first day of the site's wave if that is later.
///
/// # Errors
///
/// If it names a wave or site that is not there.
pub fn schedules(desired: &Desired, asked: &Asked, from: Timestamp) -> Result<Vec<Schedule>, Failure> {
    let selection = select(desired, asked)?;
    let in_waves: Vec<(Option<WaveName>, SiteCode)> = waves(desired, &selection)
        .into_iter()
        .flat_map(|wave| wave.sites.into_iter().map(move |site| (Some(wave.name.clone()), site)))
        .collect();
    let chosen = |code: &SiteCode| match asked {
        Asked::All => true,
        Asked::Wave(_) | Asked::Narrowed(_) => false,
        Asked::Sites(codes) => codes.iter().any(|chosen| chosen == code.as_str()),
    };
    let others: Vec<SiteCode> = desired
        .loaded
        .sites
        .iter()
        .filter_map(|site| site.code())
        .filter(|code| chosen(code) && in_waves.iter().all(|(_, site)| site != code))
        .collect();
    let all = in_waves.into_iter().chain(others.into_iter().map(|code| (None, code)));
    Ok(all.map(|(wave, site)| schedule(desired, wave, site, from)).collect())
}

fn schedule(desired: &Desired, wave: Option<WaveName>, site: SiteCode, from: Timestamp) -> Schedule {
    let calendar = calendar_of(&desired.loaded, &ScopeId::Site(site.clone()));
    let shut = match calendar.standing(from, Millis(0)) {
        Standing::Open { .. } => None,
        Standing::Shut { why, .. } | Standing::Never { why } => Some(why.to_string()),
    };
    let openings = opened(&calendar, from);
    Schedule {
        site,
        wave,
        first_day: calendar.first_day,
        any_time: calendar.windows.is_empty(),
        longest: calendar.longest(),
        shut,
        freezes: cutting(&calendar, from, &openings),
        openings,
        zone: calendar.zone,
    }
}

fn opened(calendar: &Calendar, from: Timestamp) -> Vec<Opened> {
    let Some(own) = zone::named(&calendar.zone) else { return Vec::new() };
    let is_endless = |begin| calendar.standing(begin, Millis(0)) == Standing::Open { until: None };
    let openings = calendar.openings(from, OPENINGS_SHOWN).into_iter();
    openings
        .map(|(begin, end)| {
            let end = Some(end).filter(|_| !is_endless(begin));
            let shown = |moment| zone::shown(&own, moment);
            Opened { begin, end, begin_local: shown(begin), end_local: end.map(shown) }
        })
        .collect()
}

/// The freezes between the moment asked about and the end of what is shown; without openings, all that are still ahead.
fn cutting(calendar: &Calendar, from: Timestamp, openings: &[Opened]) -> Vec<FreezeDays> {
    let Some(own) = zone::named(&calendar.zone) else { return Vec::new() };
    let day = |moment| zone::local(&own, moment).date();
    let first = calendar.first_day.map_or(day(from), |first| first.max(day(from)));
    let last = openings.last().and_then(|opening| opening.end).map_or(Date::MAX, day);
    calendar.freezes.iter().filter(|freeze| freeze.to >= first && freeze.from <= last).cloned().collect()
}
