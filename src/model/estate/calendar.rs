//! The calendar of a scope, put together from what the estate's files say about its windows, freezes and wave.

use jiff::tz::TimeZone;

use super::{Estate, Freeze, Loaded, Window};
use crate::base::id::ScopeId;
use crate::base::span::Located;
use crate::model::calendar::{Calendar, ChangeWindow, ClockTime, FreezeDays, Weekday, zone};

/// The zone of an estate that names none.
const NO_ZONE: &str = "UTC";

/// When this scope may be changed.
///
/// A site's freezes and first day are meant in the zone of its first window. Account and regions have no windows and no
/// first day, and keep the freezes that name no sites: those hold for everything.
pub fn calendar_of(loaded: &Loaded, scope: &ScopeId) -> Calendar {
    let estate = &loaded.estate;
    let mut calendar = Calendar {
        zone: estate.zone_name().to_owned(),
        windows: Vec::new(),
        freezes: estate.freezes.iter().filter(|freeze| freeze.holds_for(scope)).map(Freeze::days).collect(),
        first_day: None,
    };
    if let Some(site) = scope.site().and_then(|code| loaded.site(code)) {
        calendar.windows = site.windows.iter().map(Window::change_window).collect();
        if let Some(first) = site.windows.first() {
            calendar.zone.clone_from(&first.zone.value);
        }
        calendar.first_day = loaded.wave_of(&site.written_code.value).and_then(|wave| wave.start);
    }
    calendar
}

impl Estate {
    /// The zone in which days are meant where nothing else names one.
    pub fn zone_name(&self) -> &str {
        self.zone.as_ref().map_or(NO_ZONE, |zone| &zone.value)
    }

    /// The same as a zone: UTC where it is not known, which `landfall check` refuses.
    pub fn time_zone(&self) -> TimeZone {
        zone::named(self.zone_name()).unwrap_or(TimeZone::UTC)
    }
}

impl Freeze {
    /// Whether it holds for this scope: it names the site, or it names none.
    pub fn holds_for(&self, scope: &ScopeId) -> bool {
        let names = |code: &str| self.sites.iter().any(|site| site.value == code);
        self.sites.is_empty() || scope.site().is_some_and(|code| names(code.as_str()))
    }

    fn days(&self) -> FreezeDays {
        FreezeDays { name: self.name.clone(), from: self.from, to: self.to }
    }
}

impl Window {
    /// The window as a value. One that cannot be understood has no days and so never opens; the rules report it.
    fn change_window(&self) -> ChangeWindow {
        let time = |text: &Located<String>| text.value.parse::<ClockTime>();
        let zone = self.zone.value.clone();
        match (time(&self.from), time(&self.to)) {
            (Ok(from), Ok(to)) => {
                let days = self.days.iter().filter_map(|day| Weekday::named(&day.value)).collect();
                ChangeWindow { days, from, to, zone }
            }
            (Err(_), _) | (_, Err(_)) => {
                let (days, never) = (Default::default(), ClockTime::MIDNIGHT);
                ChangeWindow { days, from: never, to: never, zone }
            }
        }
    }
}
