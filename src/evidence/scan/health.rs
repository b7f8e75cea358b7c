//! Shapes of data about patients: the identifiers that have one.

use super::Text;

/// What an identifier that begins here looks like.
pub(super) fn at(text: Text<'_>, at: usize) -> Option<&'static str> {
    let first = text.byte(at)?;
    if first.is_ascii_digit() {
        return social_security_number(text, at).or_else(|| american_date(text, at));
    }
    if !text.begins(at, b"") {
        return None;
    }
    match first.to_ascii_lowercase() {
        b's' => labelled_social_security_number(text, at),
        b'm' => record_number(text, at),
        b'd' | b'b' => date_of_birth(text, at),
        _ => None,
    }
}

const SOCIAL_SECURITY: &str = "a social security number";
const RECORD_NUMBER: &str = "a medical record number";
const BIRTH: &str = "a date of birth";

/// `123-45-6789`, not as a part of anything longer.
fn social_security_number(text: Text<'_>, at: usize) -> Option<&'static str> {
    let shape = text.digits(at, 4) == 3
        && text.byte(at + 3) == Some(b'-')
        && text.digits(at + 4, 3) == 2
        && text.byte(at + 6) == Some(b'-')
        && text.digits(at + 7, 5) == 4;
    let alone = text.begins(at, b"-._") && text.ends(at + 11, b"-_");
    let issued = shape && text.number(at, 3) > 0 && text.number(at + 4, 2) > 0 && text.number(at + 7, 4) > 0;
    (alone && issued).then_some(SOCIAL_SECURITY)
}

fn labelled_social_security_number(text: Text<'_>, at: usize) -> Option<&'static str> {
    let place = after_label(text, at, &["ssn", "social security number"])?;
    (text.digits(place, 10) == 9).then_some(SOCIAL_SECURITY)
}

fn record_number(text: Text<'_>, at: usize) -> Option<&'static str> {
    let place = after_label(text, at, &["mrn", "medical record number", "medical_record_number"])?;
    (text.digits(place, 5) == 5).then_some(RECORD_NUMBER)
}

fn date_of_birth(text: Text<'_>, at: usize) -> Option<&'static str> {
    let labels =
        ["dob", "date of birth", "date_of_birth", "dateofbirth", "birthdate", "birth_date", "birth date"];
    let place = after_label(text, at, &labels)?;
    if text.digits(place, 9) == 8 {
        return Some(BIRTH);
    }
    let mut place = place;
    for part in 0..3 {
        let digits = text.digits(place, 4);
        let separated = text.byte(place + digits).is_some_and(|byte| b"-/.".contains(&byte));
        if digits == 0 || (part < 2 && !separated) {
            return None;
        }
        place += digits + 1;
    }
    Some(BIRTH)
}

/// A day as Americans write it, `3/14/1962`. We write days as `1962-03-14`, so one like this came from elsewhere.
fn american_date(text: Text<'_>, at: usize) -> Option<&'static str> {
    if !text.begins(at, b"/-._%=") {
        return None;
    }
    let month = text.digits(at, 2);
    let day_at = at + month + 1;
    let day = text.digits(day_at, 2);
    let year_at = day_at + day + 1;
    let slashes = text.byte(at + month) == Some(b'/') && text.byte(day_at + day) == Some(b'/');
    if !slashes || day == 0 || text.digits(year_at, 5) != 4 || !text.ends(year_at + 4, b"/-_") {
        return None;
    }
    let possible = (1..=12).contains(&text.number(at, month))
        && (1..=31).contains(&text.number(day_at, day))
        && (1900..2100).contains(&text.number(year_at, 4));
    possible.then_some(BIRTH)
}

/// The place after a label and what may stand between it and its value.
fn after_label(text: Text<'_>, at: usize, labels: &[&str]) -> Option<usize> {
    let place = labels.iter().find_map(|label| text.after_word(at, label))?;
    Some(place + text.run(place, 6, |byte| b" :=#_-\"'\\.".contains(&byte)))
}
