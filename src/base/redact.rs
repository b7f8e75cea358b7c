//! Shapes of secrets, so that they are refused where they do not belong and never shown.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

/// Characters of a secret that may be shown: enough to find it, too few to use it.
const SHOWN: usize = 4;
/// Shortest run of random characters that counts as a token; passwords people type are not found this way.
const TOKEN_MIN: usize = 32;
/// Bits per character above which a token is random: English in camel case has about 4.1, random base64 4.6 and more.
const TOKEN_ENTROPY: f64 = 4.4;
/// Longest text of an input that is repeated in a message.
const QUOTED_MAX: usize = 80;

/// A known spelling: what it is, how it begins, what follows and at least how many of these.
struct Spelling {
    what: &'static str,
    prefix: &'static str,
    follows: fn(u8) -> bool,
    length: usize,
}

const SPELLINGS: [Spelling; 10] = [
    Spelling { what: "a Databricks token", prefix: "dapi", follows: hex, length: 32 },
    Spelling { what: "a Databricks OAuth secret", prefix: "dose", follows: hex, length: 32 },
    Spelling { what: "an AWS access key", prefix: "AKIA", follows: upper, length: 16 },
    Spelling { what: "an AWS access key", prefix: "ASIA", follows: upper, length: 16 },
    Spelling { what: "a GitHub token", prefix: "ghp_", follows: word, length: 30 },
    Spelling { what: "a GitHub token", prefix: "github_pat_", follows: word, length: 30 },
    Spelling { what: "a Slack token", prefix: "xoxb-", follows: word, length: 20 },
    Spelling { what: "a Slack token", prefix: "xoxp-", follows: word, length: 20 },
    Spelling { what: "a signed token", prefix: "eyJ", follows: jwt, length: 40 },
    Spelling { what: "a private key", prefix: "-----BEGIN ", follows: heading, length: 16 },
];

fn hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_uppercase()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn jwt(byte: u8) -> bool {
    word(byte) || byte == b'.'
}

fn heading(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b' ' || byte == b'-'
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// How the public keys of people begin in OpenSSH's files, and how long they are: random, and meant to be read by all.
const PUBLIC_KEYS: [(&str, RangeInclusive<usize>); 3] = [
    ("AAAAC3NzaC1lZDI1NTE5AAAAI", 68..=68),
    ("AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAI", 96..=200),
    ("AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB", 140..=140),
];

fn is_public_key(token: &[u8]) -> bool {
    let is = |(head, length): &(&str, RangeInclusive<usize>)| {
        token.starts_with(head.as_bytes()) && length.contains(&token.len())
    };
    PUBLIC_KEYS.iter().any(is)
}

/// Something in a text that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretShape {
    /// What it looks like.
    pub what: &'static str,
    /// Where in the text.
    pub range: Range<usize>,
}

/// Everything in a text that looks like a secret, in order, without overlaps.
pub fn secret_shapes(text: &str) -> Vec<SecretShape> {
    let mut found: Vec<SecretShape> = SPELLINGS.iter().flat_map(|spelling| spelled(text, spelling)).collect();
    found.extend(random_tokens(text));
    found.sort_by_key(|shape| (shape.range.start, std::cmp::Reverse(shape.range.end)));
    let mut end = 0;
    found.retain(|shape| {
        let apart = shape.range.start >= end;
        end = end.max(shape.range.end);
        apart
    });
    found
}

fn spelled<'t>(text: &'t str, spelling: &'t Spelling) -> impl Iterator<Item = SecretShape> + 't {
    let bytes = text.as_bytes();
    text.match_indices(spelling.prefix).filter_map(move |(start, prefix)| {
        let inside_a_word = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
        let rest = &bytes[start + prefix.len()..];
        let length = rest.iter().take_while(|byte| (spelling.follows)(**byte)).count();
        let key = spelling.prefix.starts_with('-');
        let is_key = !key || text[start..start + prefix.len() + length].contains("PRIVATE KEY");
        (!inside_a_word && length >= spelling.length && is_key).then(|| SecretShape {
            what: spelling.what,
            range: start..if key { private_key_end(text, start) } else { start + prefix.len() + length },
        })
    })
}

/// A private key goes to the end of its last heading, or of the text if that is missing.
fn private_key_end(text: &str, start: usize) -> usize {
    let Some(end) = text[start..].find("-----END ") else { return text.len() };
    text[start + end..].find("KEY-----").map_or(text.len(), |more| start + end + more + 8)
}

fn random_tokens(text: &str) -> Vec<SecretShape> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    for end in 0..=bytes.len() {
        if end < bytes.len() && base64(bytes[end]) {
            continue;
        }
        if is_random(&bytes[start..end]) {
            found.push(SecretShape { what: "a random token", range: start..end });
        }
        start = end + 1;
    }
    found
}

fn is_random(token: &[u8]) -> bool {
    let count = |test: fn(&u8) -> bool| token.iter().filter(|byte| test(byte)).count();
    token.len() >= TOKEN_MIN
        && !is_public_key(token)
        && count(u8::is_ascii_digit) >= 3
        && count(u8::is_ascii_uppercase) >= 3
        && count(u8::is_ascii_lowercase) >= 3
        && entropy(token) > TOKEN_ENTROPY
}

#[expect(clippy::cast_precision_loss, reason = "a token is far shorter than 2^52 bytes")]
fn entropy(token: &[u8]) -> f64 {
    let mut counts = BTreeMap::new();
    for byte in token {
        *counts.entry(byte).or_insert(0usize) += 1;
    }
    let share = |count: &usize| *count as f64 / token.len() as f64;
    counts.values().map(|count| -share(count) * share(count).log2()).sum()
}

/// A secret as it may be shown: `dapi…(36 characters)`.
pub fn stub(secret: &str) -> String {
    let head: String = secret.chars().take(SHOWN).collect();
    format!("{head}…({} characters)", secret.chars().count())
}

/// Control characters, and those that change the direction of what follows or are not seen at all: with them, a text can
/// look like another one.
pub fn is_unseen(letter: char) -> bool {
    let unseen = ['\u{61c}', '\u{feff}'].contains(&letter)
        || ('\u{200b}'..='\u{200f}').contains(&letter)
        || ('\u{2028}'..='\u{202e}').contains(&letter)
        || ('\u{2060}'..='\u{2069}').contains(&letter);
    letter.is_control() || unseen
}

/// A text for a message: secrets become stubs, what is not seen becomes spaces, long text is cut.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    for shape in secret_shapes(text) {
        out.push_str(&text[from..shape.range.start]);
        out.push_str(&stub(&text[shape.range.clone()]));
        from = shape.range.end;
    }
    out.push_str(&text[from..]);
    if out.contains(is_unseen) {
        out = out.replace(is_unseen, " ");
    }
    if out.chars().count() <= QUOTED_MAX {
        return out;
    }
    out.chars().take(QUOTED_MAX).chain(['…']).collect()
}

/// The same text with secrets starred out, of the same length, so that places in it stay right.
pub fn mask(text: &str) -> Cow<'_, str> {
    mask_shapes(text, &secret_shapes(text))
}

/// The same for a text of which it is known what looks like a secret.
pub fn mask_shapes<'t>(text: &'t str, shapes: &[SecretShape]) -> Cow<'t, str> {
    if shapes.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for shape in shapes {
        out.push_str(&text[from..shape.range.start]);
        let secret = &text[shape.range.clone()];
        for (at, letter) in secret.char_indices() {
            match letter {
                '\n' => out.push('\n'),
                letter if at < SHOWN => out.push(letter),
                letter => (0..letter.len_utf8()).for_each(|_| out.push('*')),
            }
        }
        from = shape.range.end;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> Vec<&'static str> {
        secret_shapes(text).into_iter().map(|shape| shape.what).collect()
    }

    /// Put together at run time, so that no scanner mistakes the test for a leak.
    fn pat() -> String {
        format!("dapi{}", "0123456789abcdef".repeat(2))
    }

    #[test]
    fn known_spellings_are_found() {
        assert_eq!(what(&pat()), ["a Databricks token"]);
        assert_eq!(what(&format!("key {}{}", "AKIA", "ABCDEFGHIJ234567")), ["an AWS access key"]);
        let key = format!("-----BEGIN RSA {}-----\nAAAA\n-----END RSA {}-----", "PRIVATE KEY", "PRIVATE KEY");
        assert_eq!(what(&key), ["a private key"]);
        assert_eq!(what("q8Zr2Lx0VbN5tYw7KdJ3sHf9GmC1pEaU4oT6iXvR"), ["a random token"]);
    }

    #[test]
    fn names_digests_and_paths_are_not_secrets() {
        for text in [
            "0b41d4c2-35a7-4a0e-9f0a-6f0a7f0e4c11",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "arn:aws:iam::123456789012:role/CbanLandfallWorkspaceCrossAccountRole",
            "/Workspace/Shared/Landfall/ReadBackJobs/PriorAuthExtraction/Notebook01",
            "landfall-clinical-us-east-1-prod-hrb01-storage",
            "dapifoo",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(what(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_public_keys_of_people_are_no_secrets_and_nothing_longer_hides_behind_them() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        assert_eq!(what(&format!("ssh-ed25519 {key} somebody@machine")), [""; 0]);
        assert_eq!(what(&format!("{key}{key}")), ["a random token"]);
        assert_eq!(what(&key[12..]), ["a random token"]);
    }

    #[test]
    fn what_is_not_seen_turns_nothing_around() {
        assert_eq!(shown("a\u{1b}[2J\u{202e}b\u{200b}c é"), "a [2J b c é");
    }

    #[test]
    fn secrets_are_never_shown() {
        let text = format!("token = \"{}\" # é", pat());
        assert_eq!(shown(&pat()), "dapi…(36 characters)");
        assert!(!shown(&text).contains("0123"));
        let masked = mask(&text);
        assert_eq!(masked.len(), text.len());
        assert!(masked.ends_with("\" # é") && !masked.contains("0123"));
    }
}
