//! RFC 8785 (JSON Canonicalization Scheme): the one text that a value has, in one buffer.
//!
//! Keys come in order nearly always, for maps are sorted; then nothing is moved. Fields of structures come as they were
//! declared: such an object is put into order once, when it ends. Numbers that are no small integers are left to the
//! library, whose output this must equal byte for byte; a test holds both against each other.

use std::cmp::Ordering;
use std::io;
use std::ops::Range;

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

/// Up to here every integer is a JavaScript number, and written without an exponent.
const EXACT_MAX: u64 = 1 << 53;

/// Appends the RFC 8785 bytes of a value.
///
/// # Errors
///
/// If the value has no JSON form: a map with keys that are not strings, or with the same key twice.
pub fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let writer = Writer { out, open: Vec::new(), spare: Vec::new() };
    value.serialize(&mut Serializer::with_formatter(io::sink(), writer))
}

/// An object that has begun and not ended.
#[derive(Default)]
struct Open {
    start: usize,
    entries: Vec<Entry>,
    is_in_order: bool,
}

/// One entry, by its places in the buffer.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    /// Where the key ends, its quotes included.
    key_end: usize,
    end: usize,
    /// Whether the key's text is its bytes, and their order that of UTF-16.
    is_plain: bool,
}

impl Entry {
    fn key(self) -> Range<usize> {
        self.start..self.key_end
    }
}

/// Writes into its own buffer; the serializer's writer gets nothing.
struct Writer<'o> {
    out: &'o mut Vec<u8>,
    open: Vec<Open>,
    /// Lists of objects that have ended, to be used again.
    spare: Vec<Vec<Entry>>,
}

impl Writer<'_> {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn integer(&mut self, is_negative: bool, size: u128) -> io::Result<()> {
        let Some(size) = u64::try_from(size).ok().filter(|size| *size <= EXACT_MAX) else {
            let whole = size as f64;
            return self.number(if is_negative { -whole } else { whole });
        };
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut rest = size;
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(rest % 10).expect("a digit");
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if is_negative {
            self.out.push(b'-');
        }
        self.push(&digits[at..])
    }

    fn number(&mut self, number: f64) -> io::Result<()> {
        let text = serde_json_canonicalizer::to_vec(&number).map_err(io::Error::from)?;
        self.push(&text)
    }

    fn compare(&self, one: Entry, other: Entry) -> io::Result<Ordering> {
        let (one_key, other_key) = (&self.out[one.key()], &self.out[other.key()]);
        if one.is_plain && other.is_plain {
            // Without the closing quotes, which would come before letters of the longer key.
            return Ok(one_key[..one_key.len() - 1].cmp(&other_key[..other_key.len() - 1]));
        }
        let (one, other): (String, String) =
            (serde_json::from_slice(one_key)?, serde_json::from_slice(other_key)?);
        Ok(one.encode_utf16().cmp(other.encode_utf16()))
    }

    /// Puts the entries of an object into the order of their keys.
    fn sort(&mut self, object: &mut Open) -> io::Result<()> {
        let mut failed = None;
        object.entries.sort_by(|one, other| {
            self.compare(*one, *other).unwrap_or_else(|error| {
                failed = Some(error);
                Ordering::Equal
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        for pair in object.entries.windows(2) {
            if self.compare(pair[0], pair[1])? == Ordering::Equal {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "duplicate object key"));
            }
        }
        let written = self.out.split_off(object.start + 1);
        let from = object.start + 1;
        for (index, entry) in object.entries.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&written[entry.start - from..entry.end - from]);
        }
        Ok(())
    }
}

/// Integers, each by its sign and size.
macro_rules! integers {
    ($($signed:ident $of:ty),*; $($unsigned:ident $size:ty),*) => {
        $(fn $signed<W: ?Sized + io::Write>(&mut self, _: &mut W, value: $of) -> io::Result<()> {
            self.integer(value < 0, u128::from(value.unsigned_abs()))
        })*
        $(fn $unsigned<W: ?Sized + io::Write>(&mut self, _: &mut W, value: $size) -> io::Result<()> {
            self.integer(false, u128::from(value))
        })*
    };
}

impl Formatter for Writer<'_> {
    integers!(
        write_i8 i8, write_i16 i16, write_i32 i32, write_i64 i64;
        write_u8 u8, write_u16 u16, write_u32 u32, write_u64 u64
    );

    fn write_i128<W: ?Sized + io::Write>(&mut self, _: &mut W, value: i128) -> io::Result<()> {
        self.integer(value < 0, value.unsigned_abs())
    }

    fn write_u128<W: ?Sized + io::Write>(&mut self, _: &mut W, value: u128) -> io::Result<()> {
        self.integer(false, value)
    }

    fn write_null<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.push(b"null")
    }

    fn write_bool<W: ?Sized + io::Write>(&mut self, _: &mut W, value: bool) -> io::Result<()> {
        self.push(if value { b"true" } else { b"false" })
    }

    fn write_f32<W: ?Sized + io::Write>(&mut self, _: &mut W, value: f32) -> io::Result<()> {
        self.number(f64::from(value))
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, _: &mut W, value: f64) -> io::Result<()> {
        self.number(value)
    }

    fn write_number_str<W: ?Sized + io::Write>(&mut self, _: &mut W, value: &str) -> io::Result<()> {
        let invalid = |_| io::Error::new(io::ErrorKind::InvalidInput, "not a number");
        self.number(value.parse().map_err(invalid)?)
    }

    fn begin_string<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.push(b"\"")
    }

    fn end_string<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.push(b"\"")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, _: &mut W, text: &str) -> io::Result<()> {
        self.push(text.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Solidus => self.push(b"/"),
            other => CompactFormatter.write_char_escape(&mut *self.out, other),
        }
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.push(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.push(b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { self.push(b",") }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        let entries = self.spare.pop().unwrap_or_default();
        self.open.push(Open { start: self.out.len(), entries, is_in_order: true });
        self.push(b"{")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.out.push(b',');
        }
        let start = self.out.len();
        if let Some(object) = self.open.last_mut() {
            object.entries.push(Entry { start, key_end: start, end: start, is_plain: false });
        }
        Ok(())
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        let key_end = self.out.len();
        let Some(mut object) = self.open.pop() else { return self.push(b":") };
        let count = object.entries.len();
        if let Some(entry) = object.entries.last_mut() {
            entry.key_end = key_end;
            entry.is_plain = self.out[entry.key()].iter().all(|byte| byte.is_ascii() && *byte != b'\\');
        }
        if object.is_in_order && count > 1 {
            let (before, this) = (object.entries[count - 2], object.entries[count - 1]);
            object.is_in_order = self.compare(before, this)? == Ordering::Less;
        }
        self.open.push(object);
        self.push(b":")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        let end = self.out.len();
        if let Some(entry) = self.open.last_mut().and_then(|object| object.entries.last_mut()) {
            entry.end = end;
        }
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        if let Some(mut object) = self.open.pop() {
            if !object.is_in_order {
                self.sort(&mut object)?;
            }
            object.entries.clear();
            self.spare.push(object.entries);
        }
        self.push(b"}")
    }

    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, _: &mut W, _: &str) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "raw text may not be canonical"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn own<T: Serialize>(value: &T) -> String {
        let mut out = Vec::new();
        write(value, &mut out).expect("a JSON form");
        String::from_utf8(out).expect("text")
    }

    fn library<T: Serialize>(value: &T) -> String {
        serde_json_canonicalizer::to_string(value).expect("a JSON form")
    }

    #[derive(Serialize)]
    struct Unsorted<'u> {
        zebra: i64,
        apple: Option<&'u Unsorted<'u>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        middle: Option<f64>,
        #[serde(rename = "a\"quote")]
        quote: char,
        list: Vec<BTreeMap<u64, &'u str>>,
    }

    #[test]
    fn fields_come_in_the_order_of_their_names_at_every_depth() {
        let list = || vec![BTreeMap::from([(9, "nine"), (10, "ten")])];
        let inner = Unsorted { zebra: -7, apple: None, middle: Some(0.1), quote: '\u{7}', list: vec![] };
        let outer = Unsorted { zebra: i64::MIN, apple: Some(&inner), middle: None, quote: '/', list: list() };
        assert_eq!(own(&outer), library(&outer));
        assert!(own(&inner).starts_with(r#"{"a\"quote":"\u0007","apple":null,"list":[],"middle":0.1"#));
    }

    #[test]
    fn keys_are_compared_as_utf_16_and_escapes_as_what_they_mean() {
        // The examples of the RFC: an emoji's first half comes before the last letters of the plane.
        let text =
            "{\"\u{20ac}\":1,\"\\r\":2,\"\u{fb33}\":3,\"1\":4,\"\u{1f600}\":5,\"\u{80}\":6,\"\u{f6}\":7}";
        let value: BTreeMap<String, u8> = serde_json::from_str(text).expect("JSON");
        assert_eq!(own(&value), library(&value));
        let short = json!({"a": 1, "a!": 2, "a#": 3, "a b": 4, "": 5, "a\"": 6, "a\\": 7, "A": 8});
        assert_eq!(own(&short), library(&short));
    }

    #[test]
    fn numbers_are_those_of_the_library() {
        for number in [0, 1, -1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, i64::MAX, i64::MIN] {
            assert_eq!(own(&number), library(&number));
        }
        assert_eq!(own(&u64::MAX), library(&u64::MAX));
        assert_eq!(own(&u128::MAX), library(&u128::MAX));
        for number in [0.0, -0.0, 1e21, 1e-7, 333_333_333.333_333_3, f64::MAX, f64::MIN_POSITIVE] {
            assert_eq!(own(&number), library(&number));
        }
        assert_eq!(own(&0.1f32), library(&0.1f32));
    }

    #[test]
    fn the_same_key_twice_has_no_canonical_form() {
        struct Twice;
        impl Serialize for Twice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([("b", 1), ("a", 2), ("b", 3)])
            }
        }
        assert!(write(&Twice, &mut Vec::new()).is_err());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_written_as_the_library_writes_it(value in any_value()) {
            prop_assert_eq!(own(&value), library(&value));
        }
    }
}
