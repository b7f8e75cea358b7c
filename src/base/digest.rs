//! SHA-256 digests: the only names that files, plans and read-backs have in evidence.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::{canonical, spelled};

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Digest over the RFC 8785 (JSON Canonicalization Scheme) bytes of a value.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON (a map with keys that are not strings): a bug in its type.
    pub fn of_canonical<T: Serialize>(value: &T) -> Self {
        Self::of(&canonical_bytes(value))
    }

    /// A digest from its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits: enough for a person to tell two digests apart.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

/// Bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The RFC 8785 bytes of a value.
///
/// # Panics
///
/// If the value cannot be written as JSON: a bug in its type.
pub fn canonical_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical::write(value, &mut bytes).expect("the value's type has a JSON form");
    bytes
}

/// The digest of an object whose entries come one after the other, so that it never stands in memory as a whole. Equal
/// to [`Digest::of_canonical`] of the same object; entries must come in the order of their keys.
#[derive(Clone)]
pub struct ObjectDigest {
    hash: Sha256,
    last: Option<String>,
}

impl Default for ObjectDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl ObjectDigest {
    /// An object without entries.
    pub fn new() -> Self {
        Self { hash: Sha256::new_with_prefix(b"{"), last: None }
    }

    /// The next entry.
    ///
    /// # Panics
    ///
    /// If its key is not behind the one before it, or the value has no JSON form: bugs in the caller.
    pub fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        let mut bytes = Vec::new();
        canonical::write(value, &mut bytes).expect("the value's type has a JSON form");
        self.written(key, &bytes);
    }

    /// The next entry, with a value whose canonical bytes are there already.
    ///
    /// # Panics
    ///
    /// If its key is not behind the one before it.
    pub fn written(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        self.hash.update(value);
    }

    /// The next entry, which is an object again: its entries follow, and then [`ObjectDigest::end_inner`].
    ///
    /// # Panics
    ///
    /// If its key is not behind the one before it.
    pub fn begin_inner(&mut self, key: &str) {
        self.key(key);
        self.hash.update(b"{");
        self.last = None;
    }

    /// Ends the object under this key; entries of the outer one may follow.
    pub fn end_inner(&mut self, key: &str) {
        self.hash.update(b"}");
        self.last = Some(key.to_owned());
    }

    /// The digest, after the last entry.
    pub fn end(mut self) -> Digest {
        self.hash.update(b"}");
        Digest(self.hash.finalize().into())
    }

    fn key(&mut self, key: &str) {
        // Order is that of UTF-16, and of bytes only while everything is ASCII: all our keys are.
        assert!(key.is_ascii(), "keys of structures and of scopes are ASCII");
        if let Some(last) = &self.last {
            assert!(last.as_str() < key, "entries come in the order of their keys");
            self.hash.update(b",");
        }
        self.hash.update(b"\"");
        self.hash.update(key.as_bytes());
        self.hash.update(b"\":");
        self.last = Some(key.to_owned());
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let lower_hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        if text.len() != 64 || !text.as_bytes().iter().all(lower_hex) {
            return Err(NotADigest);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| NotADigest)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Digest {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "SHA-256 as 64 lower-case hexadecimal digits" })
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        spelled::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_nothing_is_the_published_one() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn upper_case_and_short_text_are_refused() {
        assert_eq!("E3B0".parse::<Digest>(), Err(NotADigest));
        assert_eq!("é".repeat(32).parse::<Digest>(), Err(NotADigest));
    }

    #[test]
    fn an_object_in_pieces_has_the_digest_of_the_whole() {
        let value = serde_json::json!({"a": 1, "b": {"x": [1, 2], "y": {}}, "c": {}, "d": "é"});
        let mut pieces = ObjectDigest::new();
        pieces.entry("a", &1);
        pieces.begin_inner("b");
        pieces.entry("x", &[1, 2]);
        pieces.written("y", b"{}");
        pieces.end_inner("b");
        pieces.begin_inner("c");
        pieces.end_inner("c");
        pieces.entry("d", "é");
        assert_eq!(pieces.end(), Digest::of_canonical(&value));
        assert_eq!(ObjectDigest::new().end(), Digest::of_canonical(&serde_json::json!({})));
    }

    #[test]
    #[should_panic(expected = "in the order of their keys")]
    fn pieces_out_of_order_are_a_bug() {
        let mut pieces = ObjectDigest::new();
        pieces.entry("b", &1);
        pieces.entry("a", &2);
    }

    #[test]
    fn key_order_does_not_change_a_canonical_digest() {
        let one: serde_json::Value = serde_json::from_str(r#"{"a":1,"b":2}"#).expect("json");
        let two: serde_json::Value = serde_json::from_str(r#"{"b":2,"a":1}"#).expect("json");
        assert_eq!(Digest::of_canonical(&one), Digest::of_canonical(&two));
    }
}
