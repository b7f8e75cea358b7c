//! Assertions over a JSON document, and what is missing in words that somebody understands who never saw the document.

use serde_json::Value;

use crate::base::limits::{MISSING_VALUE_CHARS_MAX, MISSING_WORDS_MAX};
use crate::model::checklist::Assertion;

/// One place that a pointer leads to, with what is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Place<'v> {
    /// The whole pointer, with what each `*` stands for.
    pub at: String,
    /// What each `*` stands for, in order.
    stars: Vec<String>,
    /// What is there.
    pub value: Option<&'v Value>,
}

/// Every place that a pointer leads to. One that leads through a list or table that is not there leads to one place,
/// where nothing is; one that leads through an empty one leads nowhere.
pub fn places<'v>(document: &'v Value, pointer: &str) -> Vec<Place<'v>> {
    let mut found = vec![Place { at: String::new(), stars: Vec::new(), value: Some(document) }];
    for part in pointer.split('/').skip(1) {
        found = found.into_iter().flat_map(|place| step(place, part)).collect();
    }
    found
}

fn step<'v>(place: Place<'v>, part: &str) -> Vec<Place<'v>> {
    let Place { at, stars, value } = place;
    let all = |entries: Vec<(String, &'v Value)>| {
        let inner = |(name, value): (String, &'v Value)| Place {
            at: crate::base::pointer::child(&at, &name),
            stars: stars.iter().cloned().chain([name]).collect(),
            value: Some(value),
        };
        entries.into_iter().map(inner).collect()
    };
    match (part, value) {
        ("*", Some(Value::Array(items))) => {
            all(items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect())
        }
        ("*", Some(Value::Object(entries))) => {
            all(entries.iter().map(|(name, item)| (name.clone(), item)).collect())
        }
        (part, value) => {
            let inner = format!("/{part}");
            vec![Place { at: format!("{at}{inner}"), stars, value: value.and_then(|v| v.pointer(&inner)) }]
        }
    }
}

/// Everything that does not hold, each as a sentence; nothing if it holds.
pub fn missing(document: &Value, assertion: &Assertion) -> Vec<String> {
    if !is_pointer(&assertion.at) {
        return vec![format!("The item asks for “{}”, which names no place.", short(&assertion.at))];
    }
    let mut said: Vec<String> = Vec::new();
    for place in places(document, &assertion.at) {
        for sentence in at_place(document, assertion, &place) {
            if said.len() >= MISSING_WORDS_MAX {
                return said;
            }
            if !said.contains(&sentence) {
                said.push(sentence);
            }
        }
    }
    said
}

fn is_pointer(at: &str) -> bool {
    at.is_empty() || at.starts_with('/')
}

/// What is there; an empty text or list counts as nothing.
fn filled(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    })
}

fn at_place(document: &Value, assertion: &Assertion, place: &Place<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let told = |own: String| vec![own_words(assertion, place, "").unwrap_or(own)];
    let there = filled(place.value);
    let name = said(&place.at);
    if asks_nothing(assertion) || assertion.present == Some(true) {
        if there.is_none() {
            return told(format!("Nothing is filled in for {name}."));
        }
    } else if assertion.present == Some(false) && there.is_some() {
        wrong.extend(told(format!("There must be nothing for {name}, and something is there.")));
    }
    if let Some(wanted) = &assertion.equals
        && !place.value.is_some_and(|value| same(value, wanted))
    {
        wrong.extend(told(format!("{} must be {}; {}.", capital(&name), shown(wanted), is_now(there))));
    }
    if let Some(allowed) = &assertion.one_of
        && !place.value.is_some_and(|value| allowed.iter().any(|one| same(value, one)))
    {
        let list = listed(allowed.iter().map(shown), "or");
        wrong.extend(told(format!("{} must be {list}; {}.", capital(&name), is_now(there))));
    }
    if let Some(wanted) = &assertion.has {
        let absent: Vec<String> = wanted.iter().filter(|one| !has(there, one)).map(shown).collect();
        if !absent.is_empty() {
            let list = listed(absent.iter().cloned(), "and");
            let own = format!("{list} {} missing in {name}.", if absent.len() == 1 { "is" } else { "are" });
            wrong.push(own_words(assertion, place, &list).unwrap_or(own));
        }
    }
    for (bound, word, breaks) in bounds(assertion) {
        match size(there) {
            Some(size) if !breaks(size, bound) => {}
            _ => wrong.extend(told(format!(
                "{} must be {word} {}; {}.",
                capital(&name),
                number(bound),
                counted(there)
            ))),
        }
    }
    if let Some(other) = &assertion.same_as {
        let other = with_stars(other, &place.stars);
        let there = document.pointer(&other);
        if place.value.is_none() || !place.value.zip(there).is_some_and(|(one, other)| same(one, other)) {
            wrong.extend(told(format!("{} must be the same as {}.", capital(&name), said(&other))));
        }
    }
    wrong
}

/// An assertion that compares with nothing asks that something is there.
fn asks_nothing(assertion: &Assertion) -> bool {
    let Assertion { at: _, present, equals, one_of, has, min, max, same_as, missing: _ } = assertion;
    present.is_none()
        && equals.is_none()
        && one_of.is_none()
        && has.is_none()
        && min.is_none()
        && max.is_none()
        && same_as.is_none()
}

type Bound = (f64, &'static str, fn(f64, f64) -> bool);

fn bounds(assertion: &Assertion) -> impl Iterator<Item = Bound> {
    let min = assertion.min.map(|min| -> Bound { (min, "at least", |size, min| size < min) });
    let max = assertion.max.map(|max| -> Bound { (max, "at most", |size, max| size > max) });
    min.into_iter().chain(max)
}

/// The number, or the length of the list or table. Nothing counts as an empty list.
fn size(value: Option<&Value>) -> Option<f64> {
    #[allow(
        clippy::cast_precision_loss,
        reason = "lists of more than 2^52 elements do not fit into a machine"
    )]
    let length = |length: usize| Some(length as f64);
    match value {
        None => Some(0.0),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::Array(items)) => length(items.len()),
        Some(Value::Object(entries)) => length(entries.len()),
        Some(Value::Null | Value::Bool(_) | Value::String(_)) => None,
    }
}

fn has(value: Option<&Value>, wanted: &Value) -> bool {
    match value {
        Some(Value::Array(items)) => items.iter().any(|item| same(item, wanted)),
        Some(Value::Object(entries)) => wanted.as_str().is_some_and(|name| entries.contains_key(name)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => false,
    }
}

/// Numeric ids come as numbers from some services and as text from others; 1 and 1.0 are one number.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(n), Value::String(s)) | (Value::String(s), Value::Number(n)) => n.to_string() == *s,
        (Value::Number(a), Value::Number(b)) => {
            a == b || (a.is_f64() != b.is_f64() && a.as_f64() == b.as_f64())
        }
        (a, b) => a == b,
    }
}

/// A pointer with each `*` replaced by what it stands for where the assertion looks.
fn with_stars(pointer: &str, stars: &[String]) -> String {
    let mut stars = stars.iter();
    let parts = pointer.split('/').map(|part| match part {
        "*" => stars.next().map_or("*".to_owned(), |star| star.replace('~', "~0").replace('/', "~1")),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The words that the item itself has for what is missing, as a sentence.
fn own_words(assertion: &Assertion, place: &Place<'_>, list: &str) -> Option<String> {
    let words = assertion.missing.as_deref()?.trim();
    if words.is_empty() {
        return None;
    }
    let whole = words.ends_with(['.', '!', '?']);
    let bare = words.trim_end_matches('.');
    let of = if place.stars.is_empty() { String::new() } else { format!(" ({})", place.stars.join(", ")) };
    Some(match (list.is_empty(), whole) {
        (false, _) => format!("{bare}{of}: {list}."),
        (true, true) if of.is_empty() => words.to_owned(),
        (true, true) => format!("{bare}{of}."),
        (true, false) => format!("{bare}{of} is missing."),
    })
}

/// A pointer in words: `“lis” in registers › systems › categories`.
pub(super) fn said(pointer: &str) -> String {
    let part = |part: &str| short(&part.replace("~1", "/").replace("~0", "~"));
    let parts: Vec<String> = pointer.split('/').skip(1).map(part).collect();
    match parts.split_last() {
        None => "the document".to_owned(),
        Some((last, [])) => format!("“{last}”"),
        Some((last, before)) => format!("“{last}” in {}", before.join(" › ")),
    }
}

fn is_now(value: Option<&Value>) -> String {
    value.map_or("nothing is filled in".to_owned(), |value| format!("it is {}", shown(value)))
}

fn counted(value: Option<&Value>) -> String {
    match (value, size(value)) {
        (Some(Value::Array(_) | Value::Object(_)), Some(size)) => format!("there are {}", number(size)),
        (Some(Value::Number(_)), Some(size)) => format!("it is {}", number(size)),
        (Some(_), _) => "it is not a number".to_owned(),
        (None, _) => "nothing is filled in".to_owned(),
    }
}

pub(super) fn number(number: f64) -> String {
    format!("{number}")
}

/// A value as people read it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => short(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => "nothing".to_owned(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => short(&value.to_string()),
    }
}

/// Text that fits into a sentence, without anything that steers a terminal.
pub(super) fn short(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cut: String = plain.take(MISSING_VALUE_CHARS_MAX + 1).collect();
    if cut.chars().count() > MISSING_VALUE_CHARS_MAX {
        cut.pop();
        cut.push('…');
    }
    cut
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: impl IntoIterator<Item = String>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((end, before)) => format!("{} {last} {end}", before.join(", ")),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
