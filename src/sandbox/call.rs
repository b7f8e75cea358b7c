//! A request as the services see it: decoded path segments, query, JSON body.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::answer::Refusal;
use crate::base::secret::Secret;

/// A request after HTTP is taken off. It has no `Debug`: bodies and headers of sign-ins hold secrets.
#[derive(Default)]
pub(super) struct Call {
    /// HTTP method, upper case.
    pub method: String,
    /// Path as it was sent, without the query.
    pub path: String,
    /// Decoded segments of the path.
    pub segments: Vec<String>,
    /// Decoded query, last value of each key.
    pub query: BTreeMap<String, String>,
    /// `Authorization` header.
    pub authorization: Option<Secret>,
    /// `Host` header.
    pub host: Option<String>,
    /// The workspace named by a header.
    pub workspace: Option<String>,
    /// Body as it was sent.
    pub body: Vec<u8>,
}

impl Call {
    /// Takes path and query apart.
    ///
    /// # Errors
    /// If a percent encoding is broken or does not give UTF-8, or a control character is hidden in it.
    pub fn new(method: &str, path: &str, query: &str) -> Result<Call, Refusal> {
        let bad = || Refusal::malformed("the path or query is not properly encoded");
        let trimmed = path.strip_prefix('/').unwrap_or(path);
        let segments =
            trimmed.split('/').map(|part| decode(part, false)).collect::<Option<_>>().ok_or_else(bad)?;
        Ok(Call {
            method: method.to_owned(),
            path: path.to_owned(),
            segments,
            query: pairs(query).ok_or_else(bad)?,
            ..Call::default()
        })
    }

    /// The body as an object; an absent body is an empty one.
    ///
    /// # Errors
    /// If it is not JSON or not an object.
    pub fn object(&self) -> Result<Map<String, Value>, Refusal> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::malformed("the request body must be a JSON object")),
            Err(error) => Err(Refusal::malformed(format!("could not parse request object: {error}"))),
        }
    }

    /// The body's pairs where it is a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        std::str::from_utf8(&self.body).ok().and_then(pairs).unwrap_or_default()
    }

    /// Whether path, query or body hold this text, in any case. `text` is in lower case.
    pub fn holds(&self, text: &str) -> bool {
        let body = String::from_utf8_lossy(&self.body).to_lowercase();
        self.path.to_lowercase().contains(text)
            || self.query.values().any(|value| value.to_lowercase().contains(text))
            || body.contains(text)
    }

    /// Whether a query switch is on.
    pub fn flag(&self, key: &str) -> bool {
        self.query.get(key).is_some_and(|value| value == "true")
    }

    /// Whether carrying it out can change state. Token endpoints and validations cannot.
    pub fn is_mutating(&self) -> bool {
        let reads = matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        let asks = self.segments.first().is_some_and(|first| first == "oidc" || first == "__sandbox")
            || self.segments.last().is_some_and(|last| last.starts_with("validate-"));
        !reads && !asks
    }

    /// The `Authorization` header, for the one who checks it.
    pub fn credentials(&self) -> Option<&str> {
        self.authorization.as_ref().map(Secret::expose)
    }

    /// The workspace named by the host's first label, where the host has more than one.
    pub fn host_label(&self) -> Option<&str> {
        let host = self.host.as_deref()?;
        let (label, rest) = host.split_once('.')?;
        (!rest.is_empty() && !label.is_empty() && !label.bytes().all(|byte| byte.is_ascii_digit()))
            .then_some(label)
    }
}

fn pairs(text: &str) -> Option<BTreeMap<String, String>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key, true)?, decode(value, true)?))
        })
        .collect()
}

fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (!decoded.contains(|c: char| c.is_control() && c != '\n' && c != '\t' && c != '\r')).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_after_they_are_split() {
        let call = Call::new("GET", "/api/a%2Fb/%C3%A9+x", "q=a+b%26&q2").expect("a call");
        assert_eq!(call.segments, ["api", "a/b", "é+x"]);
        assert_eq!(call.query["q"], "a b&");
        assert_eq!(call.query["q2"], "");
    }

    #[test]
    fn broken_encodings_are_refused() {
        for path in ["/%", "/%2", "/%zz", "/%ff%fe", "/a%00b", "/%+1"] {
            assert!(Call::new("GET", path, "").is_err(), "{path}");
        }
    }

    #[test]
    fn only_calls_that_change_something_are_mutating() {
        let mutating = |method, path| Call::new(method, path, "").expect("a call").is_mutating();
        assert!(mutating("POST", "/api/2.1/unity-catalog/catalogs"));
        assert!(mutating("DELETE", "/api/2.1/unity-catalog/catalogs/c"));
        assert!(!mutating("GET", "/api/2.1/unity-catalog/catalogs"));
        assert!(!mutating("POST", "/oidc/accounts/a/v1/token"));
        assert!(!mutating("POST", "/api/2.1/unity-catalog/validate-storage-credentials"));
    }

    #[test]
    fn a_host_with_labels_names_a_workspace() {
        let label = |host: &str| {
            let call = Call { host: Some(host.into()), ..Call::default() };
            call.host_label().map(str::to_owned)
        };
        assert_eq!(label("dbc-1-2.localhost:80").as_deref(), Some("dbc-1-2"));
        for host in ["127.0.0.1:80", "localhost:80", ".x", ""] {
            assert_eq!(label(host), None, "{host}");
        }
    }
}
