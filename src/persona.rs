//! Floor 2: how people behave in a rehearsal: when they come to answer, and what they file.
//!
//! Nobody's real habits: the same seed gives the same delays, spread as answers of busy people are.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};
use serde_json::{Map, Value, json};

use crate::base::digest::Digest;
use crate::base::id::PersonId;
use crate::base::time::{Millis, Timestamp};
use crate::model::checklist::{Assertion, RecordCheck};

/// The hours of a working day.
const DAY: (i8, i8) = (9, 17);
/// The least and the most working minutes that an answer takes.
const MINUTES: (u64, u64) = (20, 16 * 60);
/// Deepest pointer of an assertion that a document is made for.
const DEPTH_MAX: usize = 12;
/// Longest list that is made, less one.
const LIST_MAX: usize = 101;

/// Working minutes that somebody takes to answer, drawn from the seed: mostly some hours, now and then two days.
pub fn minutes(seed: u64, person: &PersonId, subject: &Digest) -> u64 {
    let drawn = Digest::of(format!("{seed}\n{person}\n{subject}").as_bytes());
    let draw = drawn.as_bytes().iter().take(7).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let (least, most) = MINUTES;
    // The product of two draws leans to the short end.
    let (one, other) = (draw % 1000, (draw >> 20) % 1000);
    least + (most - least) * one * other / 1_000_000
}

/// The moment at which so many working minutes have passed, Monday to Friday from nine to five.
pub fn after_work(from: Timestamp, minutes: u64, zone: &TimeZone) -> Timestamp {
    let Ok(start) = jiff::Timestamp::from_millisecond(from.as_millis()) else { return from };
    let mut now = start.to_zoned(zone.clone());
    let mut left = i64::try_from(minutes).unwrap_or(i64::MAX);
    // Sixteen hours span three days at most, and a weekend two more.
    for _ in 0..16 {
        let Some((opens, closes)) = hours_of(now.date(), zone) else { break };
        let begin = if now < opens { opens } else { now.clone() };
        let room = if is_working(now.date()) { begin.duration_until(&closes).as_mins() } else { 0 };
        if room > 0 && left <= room {
            let end = begin.checked_add(SignedDuration::from_mins(left));
            return end.map_or(from, |end| Timestamp::from_millis(end.timestamp().as_millisecond()));
        }
        left -= room.max(0);
        let Some(next) = now.date().tomorrow().ok().and_then(|day| hours_of(day, zone)) else { break };
        now = next.0;
    }
    from + Millis(minutes * 60 * 1000)
}

fn is_working(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn hours_of(day: Date, zone: &TimeZone) -> Option<(Zoned, Zoned)> {
    let at = |hour: i8| day.at(hour, 0, 0, 0).to_zoned(zone.clone()).ok();
    Some((at(DAY.0)?, at(DAY.1)?))
}

/// A record's file that says what is asked of it.
pub fn document(record: &RecordCheck) -> Value {
    let mut document = json!({ "kind": record.kind, "rehearsed": true });
    // Lists come first, as long as they have to be; then what is in them; last what must be the same as something else.
    for assertion in &record.expect {
        let inside = format!("{}/*", assertion.at);
        let is_list = record.expect.iter().any(|other| other.at.starts_with(&inside));
        if is_list {
            let length = length(assertion.min);
            put(&mut document, &assertion.at, &|_| Some(Value::Array(vec![Value::Null; length])));
        }
    }
    for assertion in &record.expect {
        put(&mut document, &assertion.at, &|there| wanted(assertion, there));
    }
    for assertion in &record.expect {
        let Some(other) = &assertion.same_as else { continue };
        if document.pointer(other).is_none_or(Value::is_null) {
            put(&mut document, other, &|_| Some(json!("rehearsed")));
        }
        let value = document.pointer(other).cloned();
        put(&mut document, &assertion.at, &|_| value.clone());
    }
    document
}

/// How long a list has to be at least.
fn length(min: Option<f64>) -> usize {
    let least = min.unwrap_or(1.0).ceil();
    (1..LIST_MAX).find(|length| f64::from(u8::try_from(*length).unwrap_or(u8::MAX)) >= least).unwrap_or(1)
}

/// Puts a value at every place that a pointer leads to, and makes the places that are not there yet.
fn put(document: &mut Value, pointer: &str, value: &dyn Fn(&Value) -> Option<Value>) {
    let parts: Vec<&str> = pointer.split('/').skip(1).take(DEPTH_MAX).collect();
    put_at(document, &parts, value);
}

fn put_at(place: &mut Value, parts: &[&str], value: &dyn Fn(&Value) -> Option<Value>) {
    let Some((part, rest)) = parts.split_first() else {
        if let Some(value) = value(place) {
            *place = value;
        }
        return;
    };
    // Every element must hold.
    if *part == "*" {
        if !place.is_array() {
            *place = Value::Array(vec![Value::Null]);
        }
        place.as_array_mut().into_iter().flatten().for_each(|element| put_at(element, rest, value));
        return;
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    let key = part.replace("~1", "/").replace("~0", "~");
    put_at(&mut place[key.as_str()], rest, value);
}

/// The value that an assertion asks for, beside what is there already.
fn wanted(assertion: &Assertion, there: &Value) -> Option<Value> {
    if let Some(equals) = &assertion.equals {
        return Some(equals.clone());
    }
    if let Some(first) = assertion.one_of.as_ref().and_then(|all| all.first()) {
        return Some(first.clone());
    }
    if let Some(has) = &assertion.has {
        // Two items may ask different things of the same list.
        let mut list = there.as_array().cloned().unwrap_or_default();
        list.extend(has.iter().filter(|one| !there.as_array().is_some_and(|all| all.contains(one))).cloned());
        return Some(Value::Array(list));
    }
    match (assertion.min, assertion.max) {
        (Some(min), _) if there.is_null() => return Some(json!(min)),
        (None, Some(max)) if there.is_null() => return Some(json!(max)),
        _ => {}
    }
    match assertion.present {
        Some(true) if there.is_null() => Some(json!("rehearsed")),
        Some(true | false) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    #[test]
    fn people_answer_in_working_hours() {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        let after = |from: &str, minutes: u64| after_work(moment(from), minutes, &zone).to_string();
        // A Friday afternoon, a Saturday, an early morning, across the night on which clocks change.
        assert_eq!(after("2027-01-15T21:30:00Z", 60), "2027-01-18T14:30:00.000Z");
        assert_eq!(after("2027-01-16T12:00:00Z", 30), "2027-01-18T14:30:00.000Z");
        assert_eq!(after("2027-01-18T05:00:00Z", 480), "2027-01-18T22:00:00.000Z");
        assert_eq!(after("2027-03-12T20:00:00Z", 180), "2027-03-15T14:00:00.000Z");
        assert_eq!(after("2027-01-18T15:00:00Z", 0), "2027-01-18T15:00:00.000Z");
    }

    #[test]
    fn the_same_seed_gives_the_same_delay_within_two_days() {
        let person = |number: usize| PersonId::new(format!("person-{number}")).expect("a handle");
        let subject = Digest::of(b"plan");
        let drawn: Vec<u64> = (0..500).map(|number| minutes(7, &person(number), &subject)).collect();
        assert!(drawn.iter().all(|one| (MINUTES.0..=MINUTES.1).contains(one)));
        assert_eq!(drawn[3], minutes(7, &person(3), &subject));
        assert!((0..500).any(|number| minutes(8, &person(number), &subject) != drawn[number]));
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        assert!(sorted[250] < 6 * 60, "half of them answer within a morning or so: {}", sorted[250]);
    }

    #[test]
    fn a_filed_document_says_what_is_asked_of_it() {
        let record: RecordCheck = serde_json::from_value(json!({
            "kind": "drill.tabletop",
            "expect": [
                { "at": "/outcome", "one_of": ["passed", "passed with findings"] },
                { "at": "/minutes", "max": 60.0 },
                { "at": "/attendees", "has": ["security", "on-call"] },
                { "at": "/findings/*/owner", "present": true },
                { "at": "/release~1id", "equals": 4 },
            ],
        }))
        .expect("a record");
        assert_eq!(
            document(&record),
            json!({
                "kind": "drill.tabletop", "rehearsed": true, "outcome": "passed", "minutes": 60.0,
                "attendees": ["security", "on-call"], "findings": [{ "owner": "rehearsed" }], "release/id": 4,
            })
        );
    }

    #[test]
    fn lists_are_as_long_as_asked_and_what_must_be_the_same_is() {
        let record: RecordCheck = serde_json::from_value(json!({
            "kind": "rollback.drill",
            "expect": [
                { "at": "/after", "same_as": "/before" },
                { "at": "/done", "same_as": "/roster" },
                { "at": "/roster", "min": 2.0 },
                { "at": "/steps/*/ok", "equals": true },
                { "at": "/steps", "min": 3.0 },
                { "at": "/days/*", "present": true, "max": 13.0 },
                { "at": "/days", "min": 1.0 },
            ],
        }))
        .expect("a record");
        assert_eq!(
            document(&record),
            json!({
                "kind": "rollback.drill", "rehearsed": true, "before": "rehearsed", "after": "rehearsed",
                "roster": 2.0, "done": 2.0, "days": [13.0],
                "steps": [{ "ok": true }, { "ok": true }, { "ok": true }],
            })
        );
    }
}
