//! Fills the templates of paths, queries and fixed bodies. What comes from a spec or an answer never becomes
//! another path than the table says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::on_wire;
use crate::base::limits::ID_BYTES_MAX;
use crate::base::pointer;
use crate::kind::key::scalar_text;
use crate::kind::normal::is_unresolved;
use crate::model::kind::Kind;

/// What templates are filled from.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// The account.
    pub account_id: &'a str,
    /// The object's id, if it is known.
    pub id: Option<&'a str>,
    /// The spec.
    pub spec: &'a Value,
}

/// A template that cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {what}")]
pub struct BadAddress {
    /// The part of the template.
    pub name: String,
    /// What is wrong with its value.
    pub what: &'static str,
}

/// A path with every value percent-encoded as one segment; `{+…}` may hold several.
///
/// # Errors
///
/// If a value is missing, unknown, or would leave its place in the path.
pub fn expand_path(template: &str, address: &Address<'_>) -> Result<String, BadAddress> {
    expand(template, address, |name, value| {
        let segments: Vec<&str> =
            if name.starts_with('+') { value.split('/').collect() } else { vec![value] };
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(BadAddress { name: name.to_owned(), what: "is not a name that can stand in a path" });
        }
        Ok(segments.into_iter().map(encode_segment).collect::<Vec<_>>().join("/"))
    })
}

/// Query parameters, not yet encoded.
///
/// # Errors
///
/// If a value is missing or unknown.
pub fn expand_query(
    templates: &BTreeMap<String, String>,
    address: &Address<'_>,
) -> Result<Vec<(String, String)>, BadAddress> {
    let pairs = templates.iter();
    pairs.map(|(name, t)| Ok((name.clone(), expand(t, address, |_, value| Ok(value.to_owned()))?))).collect()
}

/// A fixed body value: texts are templates, and a text that is one field takes that field's type on the wire.
pub(super) fn expand_body(kind: &Kind, value: &Value, address: &Address<'_>) -> Result<Value, BadAddress> {
    let Value::String(template) = value else { return Ok(value.clone()) };
    let text = expand(template, address, |_, value| Ok(value.to_owned()))?;
    let field = template.strip_prefix("{spec.").and_then(|rest| rest.strip_suffix('}'));
    Ok(match field {
        Some(name) => on_wire(kind, &pointer::child("", name), &Value::String(text)),
        None => Value::String(text),
    })
}

fn expand(
    template: &str,
    address: &Address<'_>,
    shape: impl Fn(&str, &str) -> Result<String, BadAddress>,
) -> Result<String, BadAddress> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&shape(name, &lookup(name, address)?)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn lookup(name: &str, address: &Address<'_>) -> Result<String, BadAddress> {
    let bad = |what| BadAddress { name: name.to_owned(), what };
    let plain = name.trim_start_matches('+');
    if let Some(field) = plain.strip_prefix("quoted.") {
        let value =
            address.spec.get(field).and_then(Value::as_str).ok_or_else(|| bad("is missing in the spec"))?;
        return Ok(Value::from(value).to_string());
    }
    if let Some(field) = plain.strip_prefix("spec.") {
        let value = address.spec.get(field).ok_or_else(|| bad("is missing in the spec"))?;
        if is_unresolved(value) {
            return Err(bad("is not known yet"));
        }
        return scalar_text(value).ok_or_else(|| bad("is not text or a number"));
    }
    match plain {
        "account_id" => Ok(address.account_id.to_owned()),
        "id" => address.id.map(str::to_owned).ok_or_else(|| bad("is not known")),
        _ => Err(bad("is not a part of a template")),
    }
}

/// Percent-encodes everything but RFC 3986 unreserved characters.
pub fn encode_segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Whether an id that a service gave can be used: short, without control characters or anything that has a meaning
/// in a path.
pub fn is_sane_id(id: &str) -> bool {
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%' | '{' | '}');
    (1..=ID_BYTES_MAX).contains(&id.len()) && !matches!(id, "." | "..") && !id.contains(odd)
}
