//! Reads a ticket out of answers, by the form of its system. Only short words of known fields leave, and what is found
//! in texts: site codes and digests.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::TicketError;
use crate::base::digest::Digest;
use crate::base::id::SiteCode;
use crate::base::limits::{TICKET_APPROVALS_MAX, TICKET_DEPTH_MAX, TICKET_TEXTS_MAX, TICKET_WORD_BYTES_MAX};
use crate::base::pointer;
use crate::base::time::Timestamp;
use crate::model::change::{Ticket, TicketApproval};
use crate::model::tickets::{CommentForm, TicketForm, is_among};

/// Hexadecimal digits of a digest.
const DIGEST_HEX: usize = 64;

/// The one ticket in an answer.
pub(super) fn record<'v>(
    form: &TicketForm,
    answer: &'v Value,
    number: &str,
) -> Result<&'v Value, TicketError> {
    let none = || TicketError::NotFound { number: number.to_owned() };
    match pointer::get(answer, &form.record) {
        Some(Value::Array(all)) => match all.as_slice() {
            [] => Err(none()),
            [one] => Ok(one),
            _ => Err(TicketError::odd(format!("it has several tickets {number}"))),
        },
        Some(one @ Value::Object(_)) => Ok(one),
        Some(Value::Null) => Err(none()),
        Some(_) | None => Err(TicketError::odd("it has no ticket where its form says")),
    }
}

/// The id by which the system itself names a ticket; its number, where it has no other.
pub(super) fn id(form: &TicketForm, record: &Value, number: &str) -> Result<String, TicketError> {
    if form.id.is_empty() {
        return Ok(number.to_owned());
    }
    let id = word(record, &form.id).ok_or_else(|| TicketError::odd("the ticket has no id"))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if id.bytes().all(plain) {
        Ok(id)
    } else {
        Err(TicketError::odd("the ticket's id cannot be part of an address"))
    }
}

/// What a ticket says.
pub(super) fn ticket(
    form: &TicketForm,
    record: &Value,
    approvals: Option<&Value>,
    url: String,
) -> Result<Ticket, TicketError> {
    let number = word(record, &form.number).ok_or_else(|| TicketError::odd("the ticket has no number"))?;
    let state = word(record, &form.state).ok_or_else(|| TicketError::odd("the ticket has no state"))?;
    let category = word(record, &form.category);
    Ok(Ticket {
        is_closed: category.is_some_and(|category| form.is_closed(&category)),
        requester: word(record, &form.requester),
        approvals: approvals_of(form, record, approvals.unwrap_or(record), &state)?,
        sites: texts(record, &form.sites)?.iter().flat_map(|text| site_codes(text)).collect(),
        quoted: digests(record, &form.texts)?,
        commented: digests(record, &form.comments)?,
        begins: word(record, &form.begins).filter(|text| is_moment(text)),
        ends: word(record, &form.ends).filter(|text| is_moment(text)),
        number,
        state,
        url,
    })
}

fn approvals_of(
    form: &TicketForm,
    record: &Value,
    answer: &Value,
    state: &str,
) -> Result<Vec<TicketApproval>, TicketError> {
    if form.approvals.is_empty() {
        return Ok(own_approval(form, record, state).into_iter().collect());
    }
    let Some(list) = pointer::get(answer, &form.approvals) else {
        return Err(TicketError::odd("it has no approvals where its form says"));
    };
    let list = list.as_array().ok_or_else(|| TicketError::odd("its approvals are no list"))?;
    let mut found = Vec::new();
    for approval in list {
        let own = std::slice::from_ref(approval);
        let inner = match form.approvers.as_str() {
            "" => own,
            at => pointer::get(approval, at).and_then(Value::as_array).map_or(&[][..], Vec::as_slice),
        };
        for one in inner {
            if found.len() == TICKET_APPROVALS_MAX {
                return Err(TicketError::odd(format!("it has more than {TICKET_APPROVALS_MAX} approvals")));
            }
            let at = moment(one, &form.approved_at).or_else(|| moment(approval, &form.approved_at));
            found.extend(approval_of(form, one, at));
        }
    }
    Ok(found)
}

fn approval_of(form: &TicketForm, one: &Value, at: Option<Timestamp>) -> Option<TicketApproval> {
    let (approver, state) = (word(one, &form.approver)?, word(one, &form.approval_state)?);
    let (approved, rejected) =
        (is_among(&form.approved_words, &state), is_among(&form.rejected_words, &state));
    Some(TicketApproval { approver, state, approved, rejected, at })
}

/// Where the ticket itself names one approver: its own word for the decision, or its state.
fn own_approval(form: &TicketForm, record: &Value, state: &str) -> Option<TicketApproval> {
    let approver = word(record, &form.approver)?;
    let at = moment(record, &form.approved_at);
    if form.approval_state.is_empty() {
        let (approved, state) = (form.is_approved(state), state.to_owned());
        return Some(TicketApproval { approver, state, approved, rejected: false, at });
    }
    approval_of(form, record, at)
}

/// A short word; numbers are words too.
fn word(value: &Value, at: &str) -> Option<String> {
    if at.is_empty() {
        return None;
    }
    let text = match pointer::get(value, at)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let good = !text.is_empty() && text.len() <= TICKET_WORD_BYTES_MAX && !text.chars().any(char::is_control);
    good.then_some(text)
}

fn is_moment(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|b| b.is_ascii_digit() || b" -:.+TZ".contains(&b))
}

/// A moment: RFC 3339, milliseconds, or a date and a time in UTC as databases print them.
fn moment(value: &Value, at: &str) -> Option<Timestamp> {
    let text = word(value, at)?;
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Timestamp::from_millis);
    }
    let utc = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| utc().map(|zoned| zoned.timestamp()));
    // Jira writes an offset without a colon.
    let instant = instant.or_else(|| jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", &text).ok());
    instant.map(|instant| Timestamp::from_millis(instant.as_millisecond()))
}

/// All strings at these places, however deep.
fn texts<'v>(record: &'v Value, places: &[String]) -> Result<Vec<&'v str>, TicketError> {
    let mut found = Vec::new();
    let mut left: Vec<(&Value, usize)> =
        places.iter().filter_map(|at| pointer::get(record, at)).map(|value| (value, 0)).collect();
    let mut seen = 0;
    while let Some((value, depth)) = left.pop() {
        seen += 1;
        if seen > TICKET_TEXTS_MAX || depth > TICKET_DEPTH_MAX {
            return Err(TicketError::odd("its texts are too many, or too deep"));
        }
        match value {
            Value::String(text) => found.push(text.as_str()),
            Value::Array(all) => left.extend(all.iter().map(|value| (value, depth + 1))),
            Value::Object(fields) => left.extend(fields.values().map(|value| (value, depth + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    Ok(found)
}

/// Runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn site_codes(text: &str) -> impl Iterator<Item = SiteCode> {
    words(text).filter_map(|word| SiteCode::new(word).ok())
}

fn digests(record: &Value, places: &[String]) -> Result<BTreeSet<Digest>, TicketError> {
    let texts = texts(record, places)?;
    let all = texts.into_iter().flat_map(words).filter(|word| word.len() == DIGEST_HEX);
    Ok(all.filter_map(|word| word.to_ascii_lowercase().parse().ok()).collect())
}

/// The body of a comment.
pub(super) fn comment(form: &TicketForm, text: &str) -> Value {
    let written = match form.comment_form {
        CommentForm::Text => json!(text),
        CommentForm::Document => {
            let paragraph = |line: &str| {
                let words =
                    if line.is_empty() { json!([]) } else { json!([{ "type": "text", "text": line }]) };
                json!({ "type": "paragraph", "content": words })
            };
            json!({ "type": "doc", "version": 1, "content": text.lines().map(paragraph).collect::<Vec<_>>() })
        }
    };
    let parts: Vec<&str> = form.comment_field.split('/').skip(1).collect();
    parts.iter().rev().fold(written, |inner, part| {
        Value::Object(Map::from_iter([((*part).replace("~1", "/").replace("~0", "~"), inner)]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tickets::TicketAdapter;

    fn jira(approvals: Value) -> Result<Ticket, TicketError> {
        let digest = Digest::of(b"plan");
        let answer = json!({ "id": "10002", "key": "OPS-7", "fields": {
            "summary": "Wave pilot: HRB01", "labels": ["MPL02"], "components": [],
            "status": { "name": "Implementing", "statusCategory": { "key": "indeterminate" } },
            "reporter": { "accountId": "a1" },
            "description": { "type": "doc", "content": [{ "type": "paragraph", "content": [
                { "type": "text", "text": format!("Plan sha256:{digest}.") } ] }] },
            "comment": { "comments": [{ "body": { "content": [{ "text": Digest::of(b"other").to_string() }] } }] },
        } });
        let form = TicketForm::standard(TicketAdapter::Jira);
        let record = record(&form, &answer, "OPS-7")?;
        ticket(&form, record, Some(&approvals), "https://x/browse/OPS-7".to_owned())
    }

    #[test]
    fn an_issue_is_read_with_its_documents_and_nested_approvers() {
        let approvals = json!({ "values": [{ "completedDate": { "epochMillis": 1_800_000_000_000_u64 },
            "approvers": [
                { "approver": { "accountId": "b2" }, "approverDecision": "approved" },
                { "approver": { "accountId": "c3" }, "approverDecision": "declined" },
                { "approver": {}, "approverDecision": "approved" } ] }] });
        let ticket = jira(approvals).unwrap();
        assert_eq!((ticket.number.as_str(), ticket.state.as_str()), ("OPS-7", "Implementing"));
        assert_eq!(ticket.requester.as_deref(), Some("a1"));
        assert_eq!(ticket.sites.iter().map(|site| site.as_str()).collect::<Vec<_>>(), ["HRB01", "MPL02"]);
        assert_eq!(
            (ticket.quoted, ticket.commented),
            ([Digest::of(b"plan")].into(), [Digest::of(b"other")].into())
        );
        let told: Vec<_> =
            ticket.approvals.iter().map(|one| (one.approver.as_str(), one.approved, one.rejected)).collect();
        assert_eq!(told, [("b2", true, false), ("c3", false, true)]);
        assert_eq!(ticket.approvals[0].at, Some(Timestamp::from_millis(1_800_000_000_000)));
    }

    #[test]
    fn answers_that_are_something_else_are_told() {
        for (approvals, expected) in [
            (json!({}), "it has no approvals where its form says"),
            (json!({ "values": "none" }), "its approvals are no list"),
            (
                json!({ "values": [{ "approvers": vec![json!({ "approver": { "accountId": "b" }, "approverDecision": "x" }); 201] }] }),
                "it has more than 200 approvals",
            ),
        ] {
            assert_eq!(jira(approvals), Err(TicketError::odd(expected)));
        }
        let form = TicketForm::standard(TicketAdapter::ServiceNow);
        let none = TicketError::NotFound { number: "CHG1".to_owned() };
        for (answer, expected) in [
            (json!({ "result": [] }), none),
            (json!({ "result": [{}, {}] }), TicketError::odd("it has several tickets CHG1")),
            (json!({ "result": 7 }), TicketError::odd("it has no ticket where its form says")),
            (json!([]), TicketError::odd("it has no ticket where its form says")),
        ] {
            assert_eq!(record(&form, &answer, "CHG1"), Err(expected));
        }
        let deep = (0..200).fold(json!("x"), |inner, _| json!([inner]));
        let odd = json!({ "number": { "value": "CHG1" }, "state": { "display_value": "New" },
            "description": { "display_value": deep } });
        let own = ticket(&TicketForm { approvals: String::new(), ..form.clone() }, &odd, None, String::new());
        assert_eq!(own, Err(TicketError::odd("its texts are too many, or too deep")));
        for id_of in ["../x", "a b", "a?b", "a/b", ""] {
            assert!(id(&form, &json!({ "sys_id": { "value": id_of } }), "CHG1").is_err(), "{id_of}");
        }
    }

    #[test]
    fn moments_are_read_as_systems_write_them() {
        let expected: Timestamp = "2027-01-11T09:00:00Z".parse().unwrap();
        for text in
            ["2027-01-11 09:00:00", "2027-01-11T09:00:00Z", "2027-01-11T04:00:00.000-0500", "1799658000000"]
        {
            assert_eq!(moment(&json!({ "at": text }), "/at"), Some(expected), "{text}");
        }
        assert_eq!(moment(&json!({ "at": "yesterday" }), "/at"), None);
    }

    #[test]
    fn a_comment_is_written_as_the_system_takes_it() {
        let form = TicketForm::standard(TicketAdapter::Jira);
        let paragraph = |content: Value| json!({ "type": "paragraph", "content": content });
        assert_eq!(
            comment(&form, "a\n\nb"),
            json!({ "body": { "type": "doc", "version": 1, "content": [
                paragraph(json!([{ "type": "text", "text": "a" }])), paragraph(json!([])),
                paragraph(json!([{ "type": "text", "text": "b" }])) ] } })
        );
        let form = TicketForm { comment_field: "/update/note".to_owned(), ..TicketForm::default() };
        assert_eq!(comment(&form, "a\nb"), json!({ "update": { "note": "a\nb" } }));
    }
}
