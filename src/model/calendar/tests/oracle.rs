//! The same questions answered by looking at the clock minute by minute, against the real search.

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp as Moment, ToSpan};
use proptest::prelude::*;

use super::super::{Calendar, ChangeWindow, FreezeDays, Shut, Standing, Weekday};
use crate::base::time::{Millis, Timestamp};

/// Minutes that are looked at after the moment of the question.
const MINUTES: usize = 9 * 24 * 60;
/// Minutes on both sides for what the clock has shown and will show.
const MARGIN: usize = 24 * 60;

/// Zones with every sort of change: by half an hour, at midnight, across it, none.
const ZONES: [&str; 10] = [
    "America/New_York",
    "America/Chicago",
    "America/Phoenix",
    "America/Havana",
    "Europe/London",
    "Atlantic/Azores",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "UTC",
];

/// Days near which clocks change somewhere, and leap day.
const DAYS: [&str; 8] = [
    "2027-03-14",
    "2027-03-28",
    "2027-04-04",
    "2027-04-30",
    "2027-10-03",
    "2027-10-30",
    "2027-11-07",
    "2028-02-29",
];

/// What the clock on a wall shows, and the latest it has shown, and the earliest it will yet show.
struct Wall {
    latest: Vec<DateTime>,
    earliest: Vec<DateTime>,
}

impl Wall {
    fn new(zone: &str, now: Moment) -> Self {
        let zone: TimeZone = TimeZoneDatabase::bundled().get(zone).expect("a zone");
        let first = now - (MARGIN as i64).minutes();
        let shown: Vec<DateTime> =
            (0..MINUTES + 2 * MARGIN).map(|m| zone.to_datetime(first + (m as i64).minutes())).collect();
        let mut latest = shown.clone();
        for at in 1..latest.len() {
            latest[at] = latest[at].max(latest[at - 1]);
        }
        let mut earliest = shown;
        for at in (1..earliest.len()).rev() {
            earliest[at - 1] = earliest[at - 1].min(earliest[at]);
        }
        Self { latest: latest.split_off(MARGIN), earliest: earliest.split_off(MARGIN) }
    }
}

struct Oracle {
    in_window: Vec<bool>,
    frozen: Vec<Option<String>>,
    early: Vec<bool>,
}

impl Oracle {
    fn new(calendar: &Calendar, now: Moment) -> Self {
        let own = Wall::new(&calendar.zone, now);
        let walls: Vec<(&ChangeWindow, Wall)> =
            calendar.windows.iter().map(|w| (w, Wall::new(&w.zone, now))).collect();
        let in_window = |at: usize| {
            walls.is_empty() || walls.iter().any(|(window, wall)| is_open(window, wall.latest[at]))
        };
        let frozen = |at: usize| {
            let mut holding: Vec<&FreezeDays> = calendar.freezes.iter().collect();
            holding.sort_by_key(|freeze| freeze.from);
            let freeze = holding
                .into_iter()
                .find(|f| own.latest[at].date() >= f.from && own.earliest[at].date() <= f.to)?;
            Some(freeze.name.clone())
        };
        let early = |at: usize| calendar.first_day.is_some_and(|day| own.earliest[at].date() < day);
        let all = 0..MINUTES;
        Self {
            in_window: all.clone().map(in_window).collect(),
            frozen: all.clone().map(frozen).collect(),
            early: all.map(early).collect(),
        }
    }

    fn open(&self, at: usize) -> bool {
        self.in_window[at] && self.frozen[at].is_none() && !self.early[at]
    }

    /// The first minute from which on `needs` minutes are open; none if that cannot be seen from here.
    fn start(&self, needs: usize) -> Option<usize> {
        (0..MINUTES - needs.max(1)).find(|at| (*at..at + needs.max(1)).all(|at| self.open(at)))
    }

    fn why(&self) -> Shut {
        match (self.early[0], &self.frozen[0], self.in_window[0]) {
            (true, _, _) => Shut::BeforeFirstDay,
            (false, Some(name), _) => Shut::Freeze(name.clone()),
            (false, None, true) => Shut::TooLate,
            (false, None, false) => Shut::OutsideWindow,
        }
    }
}

/// Whether a window is open when this is the latest that the clock has shown.
fn is_open(window: &ChangeWindow, shown: DateTime) -> bool {
    let begun_on = |day: Date| {
        let begin = window.from.on(day);
        let last = if window.to > window.from { day } else { day.tomorrow().expect("a day") };
        window.days.contains(&Weekday::of(day)) && begin <= shown && shown < window.to.on(last)
    };
    begun_on(shown.date()) || begun_on(shown.date().yesterday().expect("a day"))
}

fn zone() -> impl Strategy<Value = String> {
    prop::sample::select(&ZONES[..]).prop_map(str::to_owned)
}

/// Times of day, most of them where clocks change.
fn time() -> impl Strategy<Value = String> {
    let hour = prop_oneof![3 => 0..4_u32, 1 => 22..24_u32, 1 => 0..24_u32];
    (hour, prop::sample::select(vec![0_u32, 15, 30, 59])).prop_map(|(h, m)| format!("{h:02}:{m:02}"))
}

fn window() -> impl Strategy<Value = ChangeWindow> {
    let days = prop::collection::btree_set(0..7_usize, 1..5);
    (days, time(), time(), zone()).prop_map(|(days, from, to, zone)| ChangeWindow {
        days: days.into_iter().map(|day| Weekday::ALL[day].1).collect(),
        from: from.parse().expect("a time"),
        to: to.parse().expect("a time"),
        zone,
    })
}

fn calendar(near: Date) -> impl Strategy<Value = Calendar> {
    let day = move |days: i64| near + days.days();
    let freeze = (-8..9_i64, 0..4_i64).prop_map(move |(from, length)| (day(from), day(from + length)));
    let freezes = prop::collection::vec(freeze, 0..3);
    let first = prop::option::weighted(0.3, (-8..6_i64).prop_map(day));
    (zone(), prop::collection::vec(window(), 0..3), freezes, first).prop_map(
        |(zone, windows, freezes, first_day)| {
            let mut freezes: Vec<_> = freezes;
            freezes.dedup_by_key(|(from, _)| *from);
            let named =
                |(at, (from, to)): (usize, (Date, Date))| FreezeDays { name: at.to_string(), from, to };
            Calendar {
                zone,
                windows,
                freezes: freezes.into_iter().enumerate().map(named).collect(),
                first_day,
            }
        },
    )
}

/// A calendar, and a minute within a week of a day on which clocks change.
fn question() -> impl Strategy<Value = (Calendar, Moment, usize)> {
    let near = prop::sample::select(&DAYS[..]).prop_map(|day| day.parse::<Date>().expect("a day"));
    near.prop_flat_map(|near| {
        let noon = near.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).expect("a moment").timestamp();
        let now = (-7 * 1440..1440_i64).prop_map(move |minutes| noon + minutes.minutes());
        (calendar(near), now, prop_oneof![0..400_usize, 0..2000_usize])
    })
}

fn minute(now: Moment, at: usize) -> Timestamp {
    Timestamp::from_millis((now + (at as i64).minutes()).as_millisecond())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_search_says_what_the_clock_shows((calendar, now, needs) in question()) {
        let oracle = Oracle::new(&calendar, now);
        let seen = minute(now, MINUTES - needs.max(1));
        let standing = calendar.standing(minute(now, 0), Millis::from_secs(needs as u64 * 60));
        match (standing, oracle.start(needs)) {
            (Standing::Open { until }, Some(0)) => {
                let end = (0..MINUTES).find(|at| !oracle.open(*at));
                let until = until.filter(|until| *until < minute(now, MINUTES));
                prop_assert_eq!(until, end.map(|at| minute(now, at)));
            }
            (Standing::Shut { opens, why }, start) => {
                prop_assert_eq!(Some(opens).filter(|opens| *opens < seen), start.map(|at| minute(now, at)));
                prop_assert_eq!(why, oracle.why());
            }
            (Standing::Never { why }, start) => {
                prop_assert_eq!(start, None);
                prop_assert!(!matches!(why, Shut::TooLate | Shut::BeforeFirstDay), "{}", why);
            }
            (open, start) => prop_assert!(false, "{open:?}, but the clock says {start:?}"),
        }
    }

    #[test]
    fn openings_are_the_open_minutes((calendar, now, _) in question()) {
        let oracle = Oracle::new(&calendar, now);
        let openings = calendar.openings(minute(now, 0), 40);
        for at in 0..MINUTES {
            let moment = minute(now, at);
            let open = openings.iter().any(|(begin, end)| *begin <= moment && moment < *end);
            prop_assert_eq!(open, oracle.open(at), "{}", moment);
        }
        prop_assert!(openings.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", openings);
    }
}
