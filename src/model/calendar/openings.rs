//! Finds the openings of a calendar: windows put together, freezes cut out.
//!
//! Nothing is kept between two questions. A question about a moment starts a day before it, because a window that began
//! then may still be open, and walks only as far as its answer.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Calendar, ChangeWindow, Shut, Standing, Weekday, zone};
use crate::base::limits::{CALENDAR_DAYS_MAX, OPENINGS_MAX};
use crate::base::time::{Millis, Timestamp};

/// The longest time that is searched.
const HORIZON: Millis = Millis::from_secs(CALENDAR_DAYS_MAX as u64 * 24 * 60 * 60);

/// 2027-01-01T00:00:00Z: where the year of [`Calendar::longest`] begins.
const REFERENCE: i64 = 1_798_761_600_000;

/// A stretch of time in which changes may be made; no end if none is in sight.
#[derive(Debug, Clone, Copy)]
struct Opening {
    begin: Timestamp,
    end: Option<Timestamp>,
}

impl Opening {
    fn fits(self, needs: Millis) -> bool {
        self.end.is_none_or(|end| end.since(self.begin) >= needs)
    }
}

/// A freeze as moments.
struct Frozen<'c> {
    name: &'c str,
    begin: Timestamp,
    end: Timestamp,
}

/// A calendar whose zones are looked up, and the moment from which it is searched.
struct Search<'c> {
    any_time: bool,
    windows: Vec<(&'c ChangeWindow, TimeZone)>,
    freezes: Vec<Frozen<'c>>,
    first_day: Option<Timestamp>,
    start: Timestamp,
}

pub(super) fn standing(calendar: &Calendar, now: Timestamp, needs: Millis) -> Standing {
    let search = Search::new(calendar, now);
    let found = search.pieces().find(|opening| opening.fits(needs));
    match found {
        Some(opening) if opening.begin == now => Standing::Open { until: opening.end },
        Some(opening) => Standing::Shut { opens: opening.begin, why: search.why(now) },
        None => Standing::Never { why: search.why_never(now, needs) },
    }
}

pub(super) fn longest(calendar: &Calendar) -> Option<Millis> {
    let mut search = Search::new(calendar, Timestamp::from_millis(REFERENCE));
    search.freezes.clear();
    let mut longest = Millis(0);
    for opening in search.pieces() {
        longest = longest.max(opening.end?.since(opening.begin));
    }
    Some(longest)
}

pub(super) fn list(calendar: &Calendar, from: Timestamp, count: usize) -> Vec<(Timestamp, Timestamp)> {
    let search = Search::new(calendar, from);
    let last = search.last();
    search
        .pieces()
        .take(count.min(OPENINGS_MAX))
        .map(|opening| (opening.begin, opening.end.unwrap_or(last)))
        .collect()
}

impl<'c> Search<'c> {
    /// A zone that does not exist keeps everything shut that is written in it: readers refuse such calendars, and what
    /// cannot be understood must not let changes through.
    fn new(calendar: &'c Calendar, now: Timestamp) -> Self {
        let known = |window: &'c ChangeWindow| Some((window, zone::named(&window.zone)?));
        let windows: Vec<(&ChangeWindow, TimeZone)> = calendar.windows.iter().filter_map(known).collect();
        let any_time = calendar.windows.is_empty() || windows.iter().any(|(window, _)| is_unbroken(window));
        match zone::named(&calendar.zone) {
            Some(own) => {
                let first_day = calendar.first_day.map(|day| zone::passed(&own, midnight(day)));
                let start = first_day.map_or(now, |first| first.max(now));
                let freezes = freezes(calendar, &own, start);
                Self { any_time, windows, freezes, first_day, start }
            }
            None => Self {
                any_time: false,
                windows: Vec::new(),
                freezes: Vec::new(),
                first_day: None,
                start: now,
            },
        }
    }

    /// Where the search ends.
    fn last(&self) -> Timestamp {
        self.start + HORIZON
    }

    /// All openings in order, freezes cut out.
    fn pieces(&self) -> impl Iterator<Item = Opening> {
        let mut from = Some(self.start);
        std::iter::from_fn(move || {
            let opening = self.piece(from?)?;
            from = opening.end;
            Some(opening)
        })
    }

    /// The first opening that ends after this moment; what is open counts from it.
    fn piece(&self, mut from: Timestamp) -> Option<Opening> {
        loop {
            let whole = self.whole(from)?;
            if let Some(freeze) = self.frozen(whole.begin) {
                from = freeze.end;
                continue;
            }
            let next = self.next_freeze(whole.begin);
            let end = match (whole.end, next) {
                (Some(end), Some(next)) => Some(end.min(next)),
                (end, next) => end.or(next),
            };
            return Some(Opening { end, ..whole });
        }
    }

    fn frozen(&self, moment: Timestamp) -> Option<&Frozen<'c>> {
        self.freezes.iter().find(|freeze| freeze.begin <= moment && moment < freeze.end)
    }

    fn next_freeze(&self, moment: Timestamp) -> Option<Timestamp> {
        self.freezes.iter().map(|freeze| freeze.begin).filter(|begin| *begin > moment).min()
    }

    /// The same as [`Search::piece`], as the windows have it: those that overlap or touch are one. What lies behind the
    /// next freeze is not looked at.
    fn whole(&self, from: Timestamp) -> Option<Opening> {
        if self.any_time {
            return (from < self.last()).then_some(Opening { begin: from, end: None });
        }
        // An opening that begins just before the search ends is followed to its own end.
        let last = from + HORIZON;
        let mut tracks: Vec<Track<'_>> =
            self.windows.iter().map(|(window, zone)| Track::new(window, zone, from, last)).collect();
        let first = tracks.iter().filter_map(|track| track.head).map(|(begin, _)| begin).min()?;
        let begin = first.max(from);
        let far_enough = self.next_freeze(begin).unwrap_or(last);
        let mut end = first;
        while end < far_enough
            && let Some(track) = tracks.iter_mut().find(|t| t.head.is_some_and(|(begin, _)| begin <= end))
        {
            end = track.head.map_or(end, |(_, other)| end.max(other));
            track.advance();
        }
        (begin < self.last()).then_some(Opening { begin, end: (end < last).then_some(end) })
    }

    /// Why changes may not begin at this moment, although they may later.
    fn why(&self, now: Timestamp) -> Shut {
        if self.first_day.is_some_and(|first| now < first) {
            Shut::BeforeFirstDay
        } else if let Some(freeze) = self.frozen(now) {
            Shut::Freeze(freeze.name.to_owned())
        } else if self.whole(now).is_some_and(|opening| opening.begin == now) {
            Shut::TooLate
        } else {
            Shut::OutsideWindow
        }
    }

    /// Why they may not as far as can be seen: because of the windows alone, or because of what freezes leave of them.
    fn why_never(mut self, now: Timestamp, needs: Millis) -> Shut {
        let why = self.why(now);
        let freezes = std::mem::take(&mut self.freezes);
        let fits = self.pieces().any(|opening| opening.fits(needs));
        match (fits, why, freezes.first()) {
            (true, Shut::Freeze(name), _) => Shut::Freeze(name),
            (true, _, Some(freeze)) => Shut::Freeze(freeze.name.to_owned()),
            (true, why, None) => why,
            (false, _, _) if self.whole(self.start).is_none() => Shut::OutsideWindow,
            (false, _, _) => Shut::TooShort,
        }
    }
}

/// The freezes that can matter from here to the end of the search, in order.
fn freezes<'c>(calendar: &'c Calendar, own: &TimeZone, start: Timestamp) -> Vec<Frozen<'c>> {
    let (first, last) = (zone::local(own, start).date(), zone::local(own, start + HORIZON).date());
    let mut freezes: Vec<Frozen<'c>> = calendar
        .freezes
        .iter()
        .filter(|freeze| freeze.to >= first && freeze.from <= last)
        .map(|freeze| Frozen {
            name: &freeze.name,
            begin: zone::reached(own, midnight(freeze.from)),
            end: zone::passed(own, midnight(freeze.to.tomorrow().unwrap_or(Date::MAX))),
        })
        .collect();
    freezes.sort_by_key(|freeze| freeze.begin);
    freezes
}

/// Whether a window begins every day at the moment at which the one of the day before ends.
fn is_unbroken(window: &ChangeWindow) -> bool {
    window.from == window.to && window.days.len() == Weekday::ALL.len()
}

fn midnight(day: Date) -> jiff::civil::DateTime {
    day.at(0, 0, 0, 0)
}

/// The times at which one window is open, one after the other.
struct Track<'c> {
    window: &'c ChangeWindow,
    zone: &'c TimeZone,
    /// The day that is looked at next.
    day: Option<Date>,
    /// Days that may still be looked at.
    days_left: u32,
    /// Nothing that ends up to here counts.
    from: Timestamp,
    /// Nothing that begins from here on counts.
    last: Timestamp,
    head: Option<(Timestamp, Timestamp)>,
}

impl<'c> Track<'c> {
    fn new(window: &'c ChangeWindow, zone: &'c TimeZone, from: Timestamp, last: Timestamp) -> Self {
        let day = zone::local(zone, from).date().yesterday().ok();
        // The day before the search, and two for the hour by which its end may lie in a later day.
        let days_left = CALENDAR_DAYS_MAX + 3;
        let mut track = Self { window, zone, day, days_left, from, last, head: None };
        track.advance();
        track
    }

    /// Goes to the next time; none when the search ends.
    fn advance(&mut self) {
        self.head = None;
        while let Some(day) = self.day.filter(|_| self.days_left > 0) {
            self.days_left -= 1;
            self.day = day.tomorrow().ok();
            if !self.window.days.contains(&Weekday::of(day)) {
                continue;
            }
            let (begin, end) = self.on(day);
            if begin < end && end > self.from && begin < self.last {
                self.head = Some((begin, end));
                return;
            }
        }
    }

    /// Begin and end of the window that begins on this day; the same moment if it does not happen.
    fn on(&self, day: Date) -> (Timestamp, Timestamp) {
        let ends_next_day = self.window.to <= self.window.from;
        let last_day = if ends_next_day { day.tomorrow().unwrap_or(day) } else { day };
        let begin = zone::reached(self.zone, self.window.from.on(day));
        (begin, zone::reached(self.zone, self.window.to.on(last_day)))
    }
}
