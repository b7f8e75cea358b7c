//! Shapes of credentials.

use super::Text;

/// What a credential that begins here looks like.
pub(super) fn at(text: Text<'_>, at: usize) -> Option<&'static str> {
    token(text, at)
        .or_else(|| private_key(text, at))
        .or_else(|| web_token(text, at))
        .or_else(|| bearer(text, at))
        .or_else(|| signed_link(text, at))
        .or_else(|| login_in_address(text, at))
        .or_else(|| labelled(text, at))
}

/// A token that can be told by how it begins.
struct Prefixed {
    what: &'static str,
    prefix: &'static str,
    class: fn(u8) -> bool,
    /// How many bytes of the class must follow.
    least: usize,
}

const PREFIXED: &[Prefixed] = &[
    Prefixed { what: "a Databricks token", prefix: "dapi", class: is_hex, least: 32 },
    Prefixed { what: "a Databricks OAuth secret", prefix: "dose", class: is_hex, least: 32 },
    Prefixed { what: "an AWS access key", prefix: "AKIA", class: is_upper, least: 16 },
    Prefixed { what: "an AWS access key", prefix: "ASIA", class: is_upper, least: 16 },
    Prefixed { what: "a GitHub token", prefix: "ghp_", class: is_word, least: 36 },
    Prefixed { what: "a GitHub token", prefix: "gho_", class: is_word, least: 36 },
    Prefixed { what: "a GitHub token", prefix: "ghs_", class: is_word, least: 36 },
    Prefixed { what: "a GitHub token", prefix: "github_pat_", class: is_word, least: 40 },
    Prefixed { what: "a GitLab token", prefix: "glpat-", class: is_url_safe, least: 20 },
    Prefixed { what: "a Slack token", prefix: "xoxb-", class: is_url_safe, least: 20 },
    Prefixed { what: "a Slack token", prefix: "xoxp-", class: is_url_safe, least: 20 },
];

fn token(text: Text<'_>, at: usize) -> Option<&'static str> {
    if !matches!(text.byte(at), Some(b'd' | b'A' | b'g' | b'x')) {
        return None;
    }
    let fits = |known: &&Prefixed| {
        text.starts(at, known.prefix)
            && text.begins(at, b"")
            && text.run(at + known.prefix.len(), known.least, known.class) == known.least
    };
    PREFIXED.iter().find(fits).map(|known| known.what)
}

fn private_key(text: Text<'_>, at: usize) -> Option<&'static str> {
    let mut place = text.starts(at, "-----BEGIN ").then(|| at + "-----BEGIN ".len())?;
    place += text.run(place, 30, |byte| byte.is_ascii_uppercase() || byte == b' ');
    let label = &text.0[at..place];
    label.ends_with(b"PRIVATE KEY").then_some("a private key")
}

/// Three parts of base64url with dots between them, of which the first begins as `{"` does.
fn web_token(text: Text<'_>, at: usize) -> Option<&'static str> {
    if !text.starts(at, "eyJ") || !text.begins(at, b"") {
        return None;
    }
    let mut place = at;
    for part in 0..3 {
        let length = text.run(place, usize::MAX, is_url_safe);
        let dot = text.byte(place + length) == Some(b'.');
        if length < 8 || (part < 2 && !dot) {
            return None;
        }
        place += length + 1;
    }
    Some("a JSON web token")
}

/// `Bearer` and a token, or an `Authorization` header of any sort.
fn bearer(text: Text<'_>, at: usize) -> Option<&'static str> {
    const WHAT: &str = "a bearer token";
    if !matches!(text.byte(at), Some(b'a' | b'A' | b'b' | b'B')) || !text.begins(at, b"") {
        return None;
    }
    if let Some(place) = text.after_word(at, "bearer ") {
        let length = text.run(place, usize::MAX, is_token);
        let digit = text.run(place, length, |byte| !byte.is_ascii_digit()) < length;
        return (length >= 16 && digit).then_some(WHAT);
    }
    let place = text.after_word(at, "authorization")?;
    let place = place + text.run(place, 6, is_separator);
    let place = text.after_word(place, "basic ").or_else(|| text.after_word(place, "bearer "))?;
    (text.run(place, 8, is_token) == 8).then_some(WHAT)
}

fn signed_link(text: Text<'_>, at: usize) -> Option<&'static str> {
    const WHAT: &str = "a signed link";
    if let Some(place) = text.after_word(at, "X-Amz-Signature=") {
        return (text.run(place, 64, is_hex) == 64).then_some(WHAT);
    }
    let place = text.after_word(at, "&sig=").or_else(|| text.after_word(at, "?sig="))?;
    let length = text.run(place, 20, |byte| is_token(byte) || byte == b'%');
    (length == 20).then_some(WHAT)
}

/// `://user:password@host`.
fn login_in_address(text: Text<'_>, at: usize) -> Option<&'static str> {
    let place = text.after_word(at, "://")?;
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"/@\"'\\?#<>;".contains(&byte);
    let name = text.run(place, 200, |byte| plain(byte) && byte != b':');
    let colon = place + name;
    let password = text.run(colon + 1, 200, plain);
    let login = name > 0
        && password > 0
        && text.byte(colon) == Some(b':')
        && text.byte(colon + 1 + password) == Some(b'@');
    login.then_some("a password")
}

/// Names under which a credential is written down.
const LABELS: &[&str] = &[
    "password",
    "passwd",
    "client_secret",
    "clientsecret",
    "secret_access_key",
    "secretaccesskey",
    "private_key",
    "access_token",
    "refresh_token",
    "api_key",
    "apikey",
];

/// Beginnings of values that only say where the secret is, or that there is none.
const REFERENCES: &[&str] = &[
    "$",
    "/",
    "{",
    "<",
    "*",
    "[",
    "env:",
    "file:",
    "exec:",
    "secrets/",
    "dbutils.",
    "redacted",
    "(known after",
];

/// A label, an equals sign or colon, and a value. After a colon the value must be quoted: prose has colons too.
fn labelled(text: Text<'_>, at: usize) -> Option<&'static str> {
    if !matches!(text.byte(at), Some(byte) if b"pcsarPCSAR".contains(&byte)) || !text.begins(at, b"") {
        return None;
    }
    let place = LABELS.iter().find_map(|label| text.after_word(at, label))?;
    let place = place + text.run(place, 3, |byte| b"\"'\\ ".contains(&byte));
    let sign = text.byte(place).filter(|byte| b":=".contains(byte))?;
    let place = place + 1;
    let place = place + text.run(place, 2, |byte| byte == b' ');
    let quotes = text.run(place, 2, |byte| b"\"'\\".contains(&byte));
    let place = place + quotes;
    let value = text.run(place, 6, |byte| byte.is_ascii_graphic() && !b"\"'\\,&".contains(&byte));
    let reference = REFERENCES.iter().any(|reference| text.after_word(place, reference).is_some());
    let secret = value == 6 && !reference && (sign == b'=' || quotes > 0);
    secret.then_some("a password")
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_url_safe(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

fn is_token(byte: u8) -> bool {
    is_url_safe(byte) || b".~+/=".contains(&byte)
}

fn is_separator(byte: u8) -> bool {
    b" :=\"'\\".contains(&byte)
}
