//! Just enough DER to read a reply and to write a request: one value after the other, with definite lengths only.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// The constructed tag with number 0 that the context gives a meaning.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// The same with number 1.
pub(super) const CONTEXT_1: u8 = 0xa1;

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value<'d> {
    pub(super) tag: u8,
    pub(super) body: &'d [u8],
    /// The value with its tag and length.
    pub(super) whole: &'d [u8],
}

/// Reads values one after the other. Nothing means that the bytes are not what was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Der<'d> {
    rest: &'d [u8],
}

impl<'d> Der<'d> {
    pub(super) fn new(bytes: &'d [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is.
    pub(super) fn any(&mut self) -> Option<Value<'d>> {
        let (&tag, after) = self.rest.split_first()?;
        // Tags of more than one byte do not occur in what we read.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, after) = length(after)?;
        let body = after.get(..length)?;
        let whole = &self.rest[..self.rest.len() - after.len() + length];
        self.rest = &after[length..];
        Some(Value { tag, body, whole })
    }

    /// The next value, which must have this tag.
    pub(super) fn one(&mut self, tag: u8) -> Option<Value<'d>> {
        self.any().filter(|value| value.tag == tag)
    }

    /// What is inside the next value.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Der<'d>> {
        self.one(tag).map(|value| Der::new(value.body))
    }

    /// The next value if it has this tag; otherwise it is left where it is.
    pub(super) fn perhaps(&mut self, tag: u8) -> Option<Value<'d>> {
        if self.rest.first() == Some(&tag) { self.any() } else { None }
    }

    /// The object identifier that an algorithm or attribute begins with.
    pub(super) fn oid(&mut self) -> Option<&'d [u8]> {
        self.one(OID).map(|value| value.body)
    }

    /// A small number that is not negative.
    pub(super) fn small(&mut self) -> Option<u32> {
        match self.one(INTEGER)?.body {
            [first, rest @ ..] if *first < 0x80 && rest.len() < 4 => {
                Some(rest.iter().fold(u32::from(*first), |sum, byte| (sum << 8) | u32::from(*byte)))
            }
            _ => None,
        }
    }
}

/// The length at the start of these bytes, in its shortest form, and what follows.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let count = match first {
        0..=0x7f => return Some((usize::from(first), rest)),
        0x81..=0x83 => usize::from(first & 0x7f),
        _ => return None,
    };
    let digits = rest.get(..count)?;
    let length = digits.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
    let shortest = if count == 1 { length >= 0x80 } else { digits[0] != 0 };
    shortest.then_some((length, &rest[count..]))
}

/// Writes a value around these parts.
pub(super) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        Ok(short) => bytes.extend([0x81, short]),
        Err(_) => {
            let long = u16::try_from(length).expect("what is written here is a request of some 70 bytes");
            bytes.push(0x82);
            bytes.extend(long.to_be_bytes());
        }
    }
    parts.iter().for_each(|part| bytes.extend(*part));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for size in [0usize, 1, 127, 128, 255, 256, 60_000] {
            let body = vec![7; size];
            let bytes = write(OCTETS, &[&body, b"x"]);
            let mut der = Der::new(&bytes);
            let value = der.one(OCTETS).expect("a value");
            assert_eq!((value.body.len(), value.whole.len()), (size + 1, bytes.len()));
            assert!(der.is_empty());
        }
        assert_eq!(Der::new(&[INTEGER, 2, 1, 2]).small(), Some(258));
    }

    #[test]
    fn only_the_shortest_whole_form_is_read() {
        let bad: [&[u8]; 9] = [
            &[],
            &[4],
            &[4, 1],
            &[4, 0x80, 0, 0],
            &[4, 0x81, 1, 0],
            &[4, 0x82, 0, 0x90],
            &[4, 0x84, 0, 0, 0, 1, 0],
            &[0x1f, 1, 0],
            &[4, 0x83, 0xff, 0xff, 0xff],
        ];
        for bytes in bad {
            assert_eq!(Der::new(bytes).any(), None, "{bytes:?}");
        }
    }
}
