//! What a failed answer means. The service's own code says more than the status; both are kept.

use serde_json::Value;

use super::http::HttpAnswer;
use crate::base::limits::{ERROR_MESSAGE_CHARS_MAX, RETRY_AFTER_MAX};
use crate::base::time::Millis;
use crate::evidence::scan;
use crate::model::outcome::{Cause, CauseClass};

/// Codes that decide the class whatever the status says.
const CODES: &[(&str, CauseClass)] = &[
    ("ABORTED", CauseClass::Conflict),
    ("BAD_REQUEST", CauseClass::BadRequest),
    ("CUSTOMER_UNAUTHORIZED", CauseClass::PermissionDenied),
    ("DATA_LOSS", CauseClass::Internal),
    ("FEATURE_DISABLED", CauseClass::NotImplemented),
    ("INTERNAL_ERROR", CauseClass::Internal),
    ("INVALID_PARAMETER_VALUE", CauseClass::BadRequest),
    ("INVALID_STATE", CauseClass::BadRequest),
    ("MALFORMED_REQUEST", CauseClass::BadRequest),
    ("NOT_FOUND", CauseClass::NotFound),
    ("PERMISSION_DENIED", CauseClass::PermissionDenied),
    ("QUOTA_EXCEEDED", CauseClass::Quota),
    ("REQUEST_LIMIT_EXCEEDED", CauseClass::Busy),
    ("RESOURCE_CONFLICT", CauseClass::Conflict),
    ("RESOURCE_EXHAUSTED", CauseClass::Busy),
    ("RESOURCE_LIMIT_EXCEEDED", CauseClass::Quota),
    ("TEMPORARILY_UNAVAILABLE", CauseClass::Busy),
    ("UNAUTHENTICATED", CauseClass::Unauthenticated),
];

/// Ends of codes that differ by kind of object.
const CODE_ENDS: &[(&str, CauseClass)] = &[
    ("ALREADY_EXISTS", CauseClass::Conflict),
    ("_DOES_NOT_EXIST", CauseClass::NotFound),
    ("_NOT_FOUND", CauseClass::NotFound),
];

/// The status, where no code says more.
const STATUSES: &[(u16, CauseClass)] = &[
    (401, CauseClass::Unauthenticated),
    (403, CauseClass::PermissionDenied),
    (404, CauseClass::NotFound),
    (409, CauseClass::Conflict),
    (429, CauseClass::Busy),
    (501, CauseClass::NotImplemented),
    (503, CauseClass::Busy),
];

/// What an error body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
    retry_delay: Option<Millis>,
}

/// The cause behind an answer that is not a good one. `what` says what was tried.
pub(super) fn cause_of(what: &str, answer: &HttpAnswer) -> Cause {
    let body = parse(answer.body.as_deref().unwrap_or_default());
    let mut class = class_of(answer.status, body.code.as_deref());
    let mut words = body.message.as_deref().map(redacted).filter(|words| !words.is_empty());
    if (300..400).contains(&answer.status) {
        (class, words) = redirected(answer.location.as_deref().unwrap_or_default());
    }
    let words = words.unwrap_or_else(|| "without further words".to_owned());
    Cause {
        class,
        code: body.code,
        status: Some(answer.status),
        message: format!("{what} was answered with status {}: {words}", answer.status),
        request_id: answer.request_id.clone(),
    }
}

/// A cause of our own about an answer: it came, but cannot be understood.
pub(super) fn garbled(what: &str, answer: &HttpAnswer, why: &str) -> Cause {
    let message = format!("{what} was answered with status {}, but {why}", answer.status);
    let cause = Cause::new(CauseClass::Garbled, message);
    Cause { status: Some(answer.status), request_id: answer.request_id.clone(), ..cause }
}

/// Redirects are not followed: an API does not move, but a login page would take the place of an answer.
fn redirected(location: &str) -> (CauseClass, Option<String>) {
    if location.contains("error=private-link-validation-error") {
        let words = "the workspace can be reached over its private link only".to_owned();
        return (CauseClass::PermissionDenied, Some(words));
    }
    (CauseClass::Garbled, Some("a redirect, which is not followed".to_owned()))
}

fn class_of(status: u16, code: Option<&str>) -> CauseClass {
    let code = code.unwrap_or_default();
    let by_code = CODES.iter().find(|(known, _)| *known == code);
    let by_end = || CODE_ENDS.iter().find(|(end, _)| code.ends_with(end));
    if let Some((_, class)) = by_code.or_else(by_end) {
        return *class;
    }
    match STATUSES.iter().find(|(known, _)| *known == status) {
        Some((_, class)) => *class,
        None if status >= 500 => CauseClass::Internal,
        None => CauseClass::BadRequest,
    }
}

/// Reads every shape of error body that the services use.
fn parse(bytes: &[u8]) -> ErrorBody {
    let text = String::from_utf8_lossy(bytes);
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(map)) => parse_object(&Value::Object(map)),
        _ => parse_text(text.trim()),
    }
}

fn parse_object(body: &Value) -> ErrorBody {
    let text = |names: &[&str]| {
        names.iter().find_map(|name| match body.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let retry_delay = retry_delay(body);
    if body.get("scimType").is_some() || body.get("detail").is_some() {
        let code = text(&["status"]).map(|status| format!("SCIM_{status}"));
        // The SCIM service says `null` where it has nothing to say.
        let message = text(&["detail"]).filter(|detail| detail != "null");
        return ErrorBody { code, message, retry_delay };
    }
    if let Some(message) = text(&["error_description", "errorSummary"]) {
        return ErrorBody { code: text(&["error", "errorCode"]), message: Some(message), retry_delay };
    }
    let code = text(&["error_code"]);
    ErrorBody { code: code.filter(|code| is_code(code)), message: text(&["message", "error"]), retry_delay }
}

fn retry_delay(body: &Value) -> Option<Millis> {
    let details = body.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retry_delay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    let is_sane = seconds.is_finite() && seconds >= 0.0;
    is_sane.then(|| Millis((seconds * 1000.0).min(RETRY_AFTER_MAX.0 as f64) as u64))
}

fn parse_text(text: &str) -> ErrorBody {
    if text.starts_with('<') {
        let inside = tag(text, "pre").or_else(|| tag(text, "title"));
        return ErrorBody { message: inside.map(str::to_owned), ..ErrorBody::default() };
    }
    match text.split_once(':') {
        Some((code, message)) if is_code(code) => ErrorBody {
            code: Some(code.to_owned()),
            message: Some(message.trim().to_owned()),
            ..ErrorBody::default()
        },
        _ => ErrorBody { message: (!text.is_empty()).then(|| text.to_owned()), ..ErrorBody::default() },
    }
}

fn is_code(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    (1..=80).contains(&text.len()) && text.bytes().all(plain)
}

fn tag<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<').map_or(rest, |(inside, _)| inside).trim())
}

/// Shortest word without spaces that may be a secret by its length alone; a UUID has 36 characters.
const LONG_WORD: usize = 40;
/// Beginnings of tokens and keys.
const TOKEN_STARTS: &[&str] = &["dapi", "dkea", "dose", "eyJ", "AKIA", "ASIA", "Bearer"];

/// The service's words, shortened, on one line, without anything that looks like a token.
fn redacted(message: &str) -> String {
    if let Some(unsaid) = scan::unsaid(message) {
        return unsaid;
    }
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let cut: String = message.chars().take(ERROR_MESSAGE_CHARS_MAX).map(plain).collect();
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '.');
    let mut out = String::with_capacity(cut.len());
    let mut rest = cut.trim();
    let mut after_bearer = false;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(if after_bearer || is_token(word) { "…" } else { word });
        after_bearer = if word.is_empty() { after_bearer } else { word == "Bearer" };
        let gap = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    out
}

fn is_token(word: &str) -> bool {
    let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    let dotted_name = word.contains('.') && word.bytes().all(|b| !b.is_ascii_uppercase());
    let known = TOKEN_STARTS.iter().any(|start| word.starts_with(start) && word.len() > start.len() + 8);
    known || (word.len() >= LONG_WORD && mixed && !dotted_name)
}

/// The etag that an error's details carry: a setting that was never set gives it that way.
pub(super) fn etag_of(answer: &HttpAnswer) -> Option<String> {
    let body = answer.json()?;
    let mut details = body.get("details")?.as_array()?.iter();
    details.find_map(|detail| detail.pointer("/metadata/etag")?.as_str().map(str::to_owned))
}

/// What the service asked us to wait: `Retry-After` in seconds or as a date, else the delay in the body.
pub(super) fn retry_after_of(answer: &HttpAnswer) -> Option<Millis> {
    let header = answer.retry_after.as_deref();
    let seconds = header.and_then(|text| text.trim().parse::<u64>().ok()).map(Millis::from_secs);
    // A date counts from the server's own clock, which stands in the same answer: ours may be off.
    let until = || {
        let until = http_date(header?)?;
        let now = http_date(answer.date.as_deref()?)?;
        Some(Millis(u64::try_from(until - now).unwrap_or(0)))
    };
    let body = || parse(answer.body.as_deref().unwrap_or_default()).retry_delay;
    seconds.or_else(until).or_else(body).map(|length| length.min(RETRY_AFTER_MAX))
}

fn http_date(text: &str) -> Option<i64> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer {
            status,
            request_id: Some("req-1".to_owned()),
            retry_after: None,
            date: None,
            location: None,
            body: Some(body.as_bytes().to_vec()),
        }
    }

    fn told(status: u16, body: &str) -> String {
        let cause = cause_of("create", &answer(status, body));
        let words = cause.message.split_once(": ").map(|(_, words)| words.to_owned()).unwrap_or_default();
        format!("{:?} {} {words}", cause.class, cause.code.unwrap_or_else(|| "-".to_owned()))
    }

    #[test]
    fn every_shape_of_error_body_is_read() {
        let cases: &[(u16, &str, &str)] = &[
            (
                400,
                r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"m"}"#,
                "BadRequest INVALID_PARAMETER_VALUE m",
            ),
            (404, r#"{"error_code":404,"message":"m"}"#, "NotFound 404 m"),
            (400, r#"{"error":"old words"}"#, "BadRequest - old words"),
            (
                401,
                r#"{"error":"invalid_client","error_description":"m"}"#,
                "Unauthenticated invalid_client m",
            ),
            (401, r#"{"errorCode":"E0000004","errorSummary":"m"}"#, "Unauthenticated E0000004 m"),
            (409, r#"{"schemas":[],"detail":"taken","status":"409"}"#, "Conflict SCIM_409 taken"),
            (500, r#"{"detail":"null","status":"500"}"#, "Internal SCIM_500 without further words"),
            (403, "PERMISSION_DENIED: not yours", "PermissionDenied PERMISSION_DENIED not yours"),
            (502, "<html><title>Bad Gateway</title></html>", "Internal - Bad Gateway"),
            (500, "<html><body><pre>oops</pre></body></html>", "Internal - oops"),
            (503, "", "Busy - without further words"),
            (418, "[1,2", "BadRequest - [1,2"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(told(*status, body), *expected);
        }
    }

    #[test]
    fn the_code_wins_over_the_status() {
        let cases: &[(u16, &str, CauseClass)] = &[
            (400, "RESOURCE_DOES_NOT_EXIST", CauseClass::NotFound),
            (400, "RESOURCE_ALREADY_EXISTS", CauseClass::Conflict),
            (400, "CATALOG_ALREADY_EXISTS", CauseClass::Conflict),
            (404, "METASTORE_DOES_NOT_EXIST", CauseClass::NotFound),
            (400, "QUOTA_EXCEEDED", CauseClass::Quota),
            (400, "RESOURCE_EXHAUSTED", CauseClass::Busy),
            (500, "TEMPORARILY_UNAVAILABLE", CauseClass::Busy),
            (409, "SOMETHING_NEW", CauseClass::Conflict),
            (501, "", CauseClass::NotImplemented),
            (504, "", CauseClass::Internal),
        ];
        for (status, code, expected) in cases {
            assert_eq!(class_of(*status, Some(code)), *expected, "{status} {code}");
        }
    }

    #[test]
    fn messages_are_short_and_hold_no_tokens() {
        let long = redacted(&"word ".repeat(200));
        assert!(long.chars().count() <= ERROR_MESSAGE_CHARS_MAX);
        let cases = [
            ("token dapi0123456789abcdef is bad", "token … is bad"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
            ("a\nb\tc", "a b c"),
            ("Catalog 'prod_clinical_hrb01' already exists", "Catalog 'prod_clinical_hrb01' already exists"),
            ("id 0b1ca1a5-4d2e-4c9a-9a6e-0123456789ab", "id 0b1ca1a5-4d2e-4c9a-9a6e-0123456789ab"),
            ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1", "key …"),
        ];
        for (given, expected) in cases {
            assert_eq!(redacted(given), expected);
        }
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let later = "Sun, 06 Nov 1994 08:50:07 GMT";
        let body = r#"{"details":[{"@type":"RetryInfo","retry_delay":"3.5s"}]}"#;
        let cases = [
            (Some("7"), None, "", Some(7_000)),
            (Some("99999999"), None, "", Some(RETRY_AFTER_MAX.0)),
            (Some(later), Some(date), "", Some(30_000)),
            (Some(date), Some(later), "", Some(0)),
            (Some(later), None, "", None),
            (Some("soon"), None, "", None),
            (None, None, body, Some(3_500)),
            (None, None, "", None),
        ];
        for (header, date, body, expected) in cases {
            let mut answer = answer(429, body);
            answer.retry_after = header.map(str::to_owned);
            answer.date = date.map(str::to_owned);
            assert_eq!(retry_after_of(&answer), expected.map(Millis), "{header:?} {body}");
        }
    }

    #[test]
    fn a_redirect_is_not_an_answer() {
        let mut login = answer(302, "");
        login.location = Some("https://w/login.html?error=private-link-validation-error".to_owned());
        assert_eq!(cause_of("read", &login).class, CauseClass::PermissionDenied);
        assert_eq!(cause_of("read", &answer(302, "")).class, CauseClass::Garbled);
    }
}
