//! A table of calendars and moments, text in, text out; and the words of the format.

mod oracle;

use super::*;

/// Reads `Tue,Thu 01:00-04:00 America/New_York; …`; nothing is any time.
pub(super) fn windows(text: &str) -> Vec<ChangeWindow> {
    let window = |text: &str| {
        let [days, times, zone] = text.split(' ').collect::<Vec<_>>().try_into().expect("three words");
        let (from, to) = times.split_once('-').expect("two times");
        ChangeWindow {
            days: days.split(',').map(|day| Weekday::named(day).expect("a day")).collect(),
            from: from.parse().expect("a time"),
            to: to.parse().expect("a time"),
            zone: zone.to_owned(),
        }
    };
    text.split("; ").filter(|part| !part.is_empty()).map(window).collect()
}

/// Reads `zone; freeze close 2027-03-25..2027-04-02; from 2027-01-11`.
fn calendar(windows_text: &str, rest: &str) -> Calendar {
    let mut parts = rest.split("; ");
    let zone = parts.next().expect("a zone").to_owned();
    let mut calendar = Calendar { zone, windows: windows(windows_text), ..Calendar::always() };
    for part in parts {
        let words: Vec<&str> = part.split(' ').collect();
        match words[..] {
            ["freeze", name, days] => {
                let (from, to) = days.split_once("..").expect("two days");
                let day = |text: &str| text.parse().expect("a day");
                calendar.freezes.push(FreezeDays { name: name.to_owned(), from: day(from), to: day(to) });
            }
            ["from", day] => calendar.first_day = Some(day.parse().expect("a day")),
            _ => panic!("not understood: {part}"),
        }
    }
    calendar
}

fn moment(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn minutes(number: u64) -> Millis {
    Millis::from_secs(number * 60)
}

fn told(calendar: &Calendar, standing: &Standing) -> String {
    let zone = calendar.windows.first().map_or(&calendar.zone, |window| &window.zone);
    let zone = zone::named(zone).expect("a zone");
    let at = |moment: Timestamp| zone::shown(&zone, moment);
    match standing {
        Standing::Open { until: Some(until) } => format!("open until {}", at(*until)),
        Standing::Open { until: None } => "open".to_owned(),
        Standing::Shut { opens, why } => format!("opens {} ({why})", at(*opens)),
        Standing::Never { why } => format!("never ({why})"),
    }
}

/// Windows; zone, freezes and first day; the moment asked about; minutes needed; the answer.
type Row = (&'static str, &'static str, &'static str, u64, &'static str);

const CHICAGO: &str = "Sun 00:00-05:00 America/Chicago";
const HARBOR: &str = "Tue,Thu 01:00-04:00 America/New_York";
const ROUND_THE_CLOCK: &str = "Mon,Tue,Wed,Thu,Fri,Sat,Sun 00:00-00:00 America/Denver";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // A weekly window, before it, in it, and too late in it.
    (CHICAGO, "UTC", "2027-03-10T15:00-06:00", 60, "opens Sun 2027-03-14 00:00 -06:00 (outside the change windows)"),
    (CHICAGO, "UTC", "2027-02-07T00:00-06:00", 300, "open until Sun 2027-02-07 05:00 -06:00"),
    (CHICAGO, "UTC", "2027-02-07T00:01-06:00", 300, "opens Sun 2027-02-14 00:00 -06:00 (too little is left of the change window)"),
    (CHICAGO, "UTC", "2027-02-07T05:00-06:00", 0, "opens Sun 2027-02-14 00:00 -06:00 (outside the change windows)"),
    (HARBOR, "UTC", "2027-01-12T02:30-05:00", 90, "open until Tue 2027-01-12 04:00 -05:00"),
    (HARBOR, "UTC", "2027-01-12T02:31-05:00", 90, "opens Thu 2027-01-14 01:00 -05:00 (too little is left of the change window)"),
    // The night of 14 March 2027 has no 02:00 to 03:00, and the window is an hour shorter.
    (CHICAGO, "UTC", "2027-03-14T00:00-06:00", 240, "open until Sun 2027-03-14 05:00 -05:00"),
    (CHICAGO, "UTC", "2027-03-14T00:00-06:00", 241, "opens Sun 2027-03-21 00:00 -05:00 (too little is left of the change window)"),
    ("Sun 02:30-04:00 America/New_York", "UTC", "2027-03-13T12:00-05:00", 30, "opens Sun 2027-03-14 03:00 -04:00 (outside the change windows)"),
    ("Sun 02:00-03:00 America/New_York", "UTC", "2027-03-13T12:00-05:00", 30, "opens Sun 2027-03-21 02:00 -04:00 (outside the change windows)"),
    ("Sun 01:00-02:30 America/Los_Angeles", "UTC", "2027-03-14T01:00-08:00", 60, "open until Sun 2027-03-14 03:00 -07:00"),
    ("Sun 02:00-03:00 America/Phoenix", "UTC", "2027-03-13T12:00-07:00", 60, "opens Sun 2027-03-14 02:00 -07:00 (outside the change windows)"),
    ("Sun 01:30-03:30 Europe/London", "UTC", "2027-03-28T00:00Z", 90, "opens Sun 2027-03-28 02:00 +01:00 (outside the change windows)"),
    // The night of 7 November 2027 has 01:00 to 02:00 twice: the first one counts, and the window is an hour longer.
    ("Sun 01:30-05:00 America/Halifax", "UTC", "2027-11-06T12:00-03:00", 270, "opens Sun 2027-11-07 01:30 -03:00 (outside the change windows)"),
    (CHICAGO, "UTC", "2027-11-07T00:00-05:00", 360, "open until Sun 2027-11-07 05:00 -06:00"),
    ("Sun 01:00-01:45 America/New_York", "UTC", "2027-11-07T01:30-04:00", 15, "open until Sun 2027-11-07 01:45 -04:00"),
    ("Sun 01:00-01:45 America/New_York", "UTC", "2027-11-07T01:30-05:00", 15, "opens Sun 2027-11-14 01:00 -05:00 (outside the change windows)"),
    ("Sat 23:00-01:30 Europe/London", "UTC", "2027-10-30T23:00+01:00", 150, "open until Sun 2027-10-31 01:30 +01:00"),
    // Midnight: the day is the one on which the window begins.
    ("Wed 22:00-02:00 America/New_York", "UTC", "2027-03-18T01:00-04:00", 60, "open until Thu 2027-03-18 02:00 -04:00"),
    ("Wed 22:00-02:00 America/New_York", "UTC", "2027-03-17T01:00-04:00", 60, "opens Wed 2027-03-17 22:00 -04:00 (outside the change windows)"),
    ("Sat 23:00-04:00 America/Denver", "UTC", "2027-03-13T23:00-07:00", 240, "open until Sun 2027-03-14 04:00 -06:00"),
    // Leap day.
    ("Tue 01:00-04:00 America/Denver", "UTC", "2028-02-28T12:00-07:00", 60, "opens Tue 2028-02-29 01:00 -07:00 (outside the change windows)"),
    ("Mon 22:00-02:00 America/Phoenix", "UTC", "2028-02-28T23:00-07:00", 180, "open until Tue 2028-02-29 02:00 -07:00"),
    ("", "America/New_York; freeze leap 2028-02-28..2028-02-29", "2028-02-29T23:59-05:00", 1, "opens Wed 2028-03-01 00:00 -05:00 (frozen: leap)"),
    // Several windows: overlapping and touching ones are one opening, in whatever zones.
    ("Sun 00:00-02:00 America/Chicago; Sun 02:00-05:00 America/Chicago", "UTC", "2027-02-06T12:00-06:00", 300, "opens Sun 2027-02-07 00:00 -06:00 (outside the change windows)"),
    ("Sun 00:00-03:00 America/Chicago; Sun 03:00-06:00 America/New_York", "UTC", "2027-02-07T00:00-06:00", 300, "open until Sun 2027-02-07 05:00 -06:00"),
    ("Tue 01:00-02:00 America/Los_Angeles; Thu 01:00-04:00 America/Los_Angeles", "UTC", "2027-06-07T12:00-07:00", 120, "opens Thu 2027-06-10 01:00 -07:00 (outside the change windows)"),
    ("Sat 22:00-00:00 America/Denver; Sun 00:00-02:00 America/Denver", "UTC", "2027-06-05T22:00-06:00", 240, "open until Sun 2027-06-06 02:00 -06:00"),
    (ROUND_THE_CLOCK, "UTC", "2027-06-05T22:00-06:00", 100_000, "open"),
    ("Mon,Tue,Wed,Thu,Fri,Sat 00:00-00:00 America/Denver; Sun 00:00-00:00 America/Denver", "UTC", "2027-06-05T22:00-06:00", 100_000, "open"),
    (ROUND_THE_CLOCK, "America/Denver; freeze c 2027-06-10..2027-06-10", "2027-06-05T22:00-06:00", 60, "open until Thu 2027-06-10 00:00 -06:00"),
    // Never long enough.
    ("Tue 22:00-23:30 America/Chicago", "UTC", "2027-03-10T15:00-06:00", 120, "never (no change window is long enough)"),
    ("Sun 02:00-02:00 America/Phoenix", "UTC", "2027-03-14T02:00-07:00", 1441, "never (no change window is long enough)"),
    // Freezes cut openings, in the calendar's own zone.
    (HARBOR, "America/New_York; freeze quarter-end 2027-03-25..2027-04-02", "2027-03-24T12:00-04:00", 60, "opens Tue 2027-04-06 01:00 -04:00 (outside the change windows)"),
    (HARBOR, "America/New_York; freeze quarter-end 2027-03-25..2027-04-02", "2027-03-25T01:00-04:00", 60, "opens Tue 2027-04-06 01:00 -04:00 (frozen: quarter-end)"),
    ("Wed 22:00-02:00 America/New_York", "America/New_York; freeze close 2027-03-25..2027-03-25", "2027-03-24T22:00-04:00", 120, "open until Thu 2027-03-25 00:00 -04:00"),
    ("Wed 22:00-02:00 America/New_York", "America/New_York; freeze close 2027-03-25..2027-03-25", "2027-03-24T22:00-04:00", 121, "opens Wed 2027-03-31 22:00 -04:00 (too little is left of the change window)"),
    ("Wed 22:00-02:00 America/New_York", "America/New_York; freeze close 2027-03-24..2027-03-24", "2027-03-24T22:00-04:00", 120, "opens Thu 2027-03-25 00:00 -04:00 (frozen: close)"),
    ("", "America/Chicago; freeze a 2027-03-10..2027-03-12; freeze b 2027-03-12..2027-03-14", "2027-03-10T15:00-06:00", 60, "opens Mon 2027-03-15 00:00 -05:00 (frozen: a)"),
    ("", "America/Chicago; freeze a 2027-03-12..2027-03-12", "2027-03-10T15:00-06:00", 60, "open until Fri 2027-03-12 00:00 -06:00"),
    (HARBOR, "America/New_York; freeze long 2027-01-01..2029-12-31", "2027-01-04T00:00-05:00", 60, "never (frozen: long)"),
    // The first day, and any time.
    (CHICAGO, "America/Chicago; from 2027-02-16", "2027-02-14T01:00-06:00", 60, "opens Sun 2027-02-21 00:00 -06:00 (before the first day)"),
    ("", "America/Los_Angeles; from 2027-02-16", "2027-02-16T02:00-05:00", 60, "opens Tue 2027-02-16 00:00 -08:00 (before the first day)"),
    ("", "America/Los_Angeles; from 2029-02-16", "2027-02-16T02:00-05:00", 60, "opens Fri 2029-02-16 00:00 -08:00 (before the first day)"),
    ("", "UTC", "2027-02-16T02:00-05:00", 60, "open"),
];

#[test]
fn windows_freezes_and_first_days_in_six_zones_and_more() {
    for (windows_text, rest, asked, needs, expected) in TABLE {
        let calendar = calendar(windows_text, rest);
        let standing = calendar.standing(moment(asked), minutes(*needs));
        let answer = told(&calendar, &standing);
        let always = if windows_text.is_empty() { "any time" } else { windows_text };
        println!("{always} | {rest} | {asked} | {needs} min | {answer}");
        assert_eq!(answer, *expected, "{always} | {rest} | {asked} | {needs} min");
    }
}

#[test]
fn openings_are_listed_in_order_and_split_by_freezes() {
    let listed = |windows_text, rest, from, count| {
        let calendar = calendar(windows_text, rest);
        let zone = zone::named(&calendar.zone).expect("a zone");
        let openings = calendar.openings(moment(from), count);
        let show = |(begin, end)| format!("{} to {}", zone::shown(&zone, begin), zone::shown(&zone, end));
        openings.into_iter().map(show).collect::<Vec<_>>()
    };
    let night = "Sat 20:00-20:00 America/Chicago";
    assert_eq!(
        listed(night, "America/Chicago; freeze day 2027-03-14..2027-03-14", "2027-03-13T21:30-06:00", 2),
        [
            "Sat 2027-03-13 21:30 -06:00 to Sun 2027-03-14 00:00 -06:00",
            "Sat 2027-03-20 20:00 -05:00 to Sun 2027-03-21 20:00 -05:00",
        ]
    );
    let days = "Sat 20:00-20:00 America/Chicago; Sun 20:00-20:00 America/Chicago";
    assert_eq!(
        listed(days, "America/Chicago; freeze day 2027-03-14..2027-03-14", "2027-03-10T00:00-06:00", 2),
        [
            "Sat 2027-03-13 20:00 -06:00 to Sun 2027-03-14 00:00 -06:00",
            "Mon 2027-03-15 00:00 -05:00 to Mon 2027-03-15 20:00 -05:00",
        ]
    );
    assert_eq!(
        listed("", "UTC", "2027-01-01T00:00Z", 9),
        ["Fri 2027-01-01 00:00 +00:00 to Sat 2028-02-05 00:00 +00:00"]
    );
    assert_eq!(calendar(ROUND_THE_CLOCK, "UTC").openings(moment("2027-01-01T00:00Z"), usize::MAX).len(), 1);
}

#[test]
fn the_longest_opening_is_the_one_of_the_long_night() {
    let longest = |windows_text| calendar(windows_text, "UTC; freeze all 2026-01-01..2030-01-01").longest();
    assert_eq!(longest(HARBOR), Some(minutes(180)));
    assert_eq!(longest(CHICAGO), Some(minutes(360)));
    assert_eq!(longest(ROUND_THE_CLOCK), None);
    assert_eq!(longest(""), None);
}

#[test]
fn what_cannot_be_understood_stays_shut() {
    let now = moment("2027-01-12T02:00-05:00");
    let lost = Calendar { zone: "Atlantis/Capital".to_owned(), ..calendar("", "UTC; from 2027-01-01") };
    assert_eq!(lost.standing(now, Millis(0)), Standing::Never { why: Shut::OutsideWindow });
    let mut lost = calendar(HARBOR, "UTC");
    assert!(matches!(lost.standing(now, Millis(0)), Standing::Open { .. }));
    lost.windows[0].zone = "Atlantis/Capital".to_owned();
    assert_eq!(lost.standing(now, Millis(0)), Standing::Never { why: Shut::OutsideWindow });
    lost.windows.extend(windows(CHICAGO));
    assert_eq!(lost.next_legal_start(now, Millis(0)), Some(moment("2027-01-17T00:00-06:00")));
}

#[test]
fn the_edges_of_time_answer_too() {
    let calendar = calendar(CHICAGO, "America/Chicago; freeze end 9999-12-30..9999-12-31; from 9999-12-31");
    for edge in [i64::MIN, i64::MAX] {
        let edge = Timestamp::from_millis(edge);
        assert!(matches!(calendar.standing(edge, Millis(u64::MAX)), Standing::Never { .. }), "{edge}");
        assert_eq!(calendar.openings(edge, 3), []);
    }
}

#[test]
fn written_and_read_back() {
    let calendar =
        calendar("Sun,Tue 22:00-02:00 America/Chicago", "America/New_York; freeze q 2027-03-25..2027-04-02");
    let text = serde_json::to_string(&calendar).expect("JSON");
    assert_eq!(
        text,
        r#"{"zone":"America/New_York","windows":[{"days":["Tue","Sun"],"from":"22:00","to":"02:00","zone":"America/Chicago"}],"freezes":[{"name":"q","from":"2027-03-25","to":"2027-04-02"}],"first_day":null}"#
    );
    assert_eq!(serde_json::from_str::<Calendar>(&text).expect("a calendar"), calendar);
    let dated = Calendar { first_day: Some("2027-02-16".parse().expect("a day")), ..calendar };
    let dated_text = serde_json::to_string(&dated).expect("JSON");
    assert_eq!(serde_json::from_str::<Calendar>(&dated_text).expect("a calendar"), dated);
    for (good, bad) in [
        ("America/New_York", "Europe/Nowhere"),
        ("America/Chicago", "UTC+5"),
        ("22:00", "24:00"),
        ("22:00", "9:00"),
        ("2027-03-25", "2027-02-30"),
        ("2027-03-25", "2027-03-25T10:00"),
        ("Tue", "Tuesday"),
        ("first_day", "last_day"),
    ] {
        let text = text.replacen(good, bad, 1);
        assert!(serde_json::from_str::<Calendar>(&text).is_err(), "{text}");
    }
    let standing = Standing::Shut { opens: moment("2027-03-14T06:00Z"), why: Shut::Freeze("q".to_owned()) };
    let text = serde_json::to_string(&standing).expect("JSON");
    assert_eq!(text, r#"{"shut":{"opens":"2027-03-14T06:00:00.000Z","why":{"freeze":"q"}}}"#);
    assert_eq!(serde_json::from_str::<Standing>(&text).expect("a standing"), standing);
}
