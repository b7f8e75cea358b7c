//! Calendars of stories: some hours of the week, in zones whose clocks change, with freezes and a first day.

use landfall::model::calendar::Calendar;
use serde_json::{Value, json};

use crate::random::Random;

/// Moments at which stories begin: long ago, and shortly before clocks change here and there.
pub const BEGINS: [i64; 4] = [1_000_000, 1_804_900_000_000, 1_806_150_000_000, 1_825_300_000_000];

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const ZONES: [&str; 4] = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"];
const DAY: i64 = 24 * 3_600_000;

/// A calendar for a story that begins then. Its windows hold every change of the plan, but for those of a `narrow` one,
/// which are a minute long.
pub fn draw(random: &mut Random, begins: i64, narrow: bool) -> Calendar {
    let any_time = !narrow && random.chance(150);
    let count = if any_time { 0 } else { random.between(1, 3) };
    let windows: Vec<Value> = (0..count).map(|_| window(random, narrow)).collect();
    let mut freezes = Vec::new();
    if random.chance(300) {
        let from = day_of(begins + random.below(3) as i64 * DAY);
        let to = day_of(begins + random.between(3, 9) as i64 * DAY);
        freezes.push(json!({ "name": "year-end", "from": from, "to": to }));
    }
    let first_day = random.chance(200).then(|| day_of(begins + random.below(4) as i64 * DAY));
    let zone = random.pick(&ZONES);
    let calendar = json!({ "zone": zone, "windows": windows, "freezes": freezes, "first_day": first_day });
    serde_json::from_value(calendar).expect("a calendar")
}

fn window(random: &mut Random, narrow: bool) -> Value {
    let first = random.pick(&DAYS);
    let days: Vec<&str> = DAYS.iter().copied().filter(|day| *day == first || random.chance(400)).collect();
    let hour = random.below(24);
    let (from, to) = if narrow {
        (format!("{hour:02}:00"), format!("{hour:02}:01"))
    } else {
        let begin = random.pick(&["00", "30"]);
        (format!("{hour:02}:{begin}"), format!("{:02}:45", (hour + random.between(2, 8)) % 24))
    };
    json!({ "days": days, "from": from, "to": to, "zone": random.pick(&ZONES) })
}

/// The day of a moment in UTC: near enough for a freeze.
fn day_of(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).expect("a moment").to_string()[..10].to_owned()
}
