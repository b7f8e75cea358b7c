//! The reply of a time-stamp service, taken apart: status, token, what the token states, and what signs it.

use crate::base::digest::Digest;
use crate::base::limits::TIMESTAMP_REPLY_BYTES_MAX;
use crate::base::time::Timestamp;

use super::der::{CONTEXT_0, CONTEXT_1, Der, INTEGER, OCTETS, SEQUENCE, SET, TIME, Value};
use super::request::{Request, SHA256};
use super::roots::Roots;
use super::signature::Signer;
use super::{Stamp, TimestampError};

/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.16.1.4
pub(super) const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// Certificates of a token that are looked at: a chain has two to four.
const CERTIFICATES_MAX: usize = 16;
/// Statuses with which a token comes: granted, and granted with changes.
const GRANTED_MAX: u32 = 1;

/// A token that was read, nothing of it checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The moment it states.
    at: Timestamp,
    imprint: Option<Digest>,
    nonce: Option<Vec<u8>>,
    /// The bytes that state it.
    stated: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    signer: Signer,
}

impl Token {
    /// Reads the reply of a service.
    ///
    /// # Errors
    ///
    /// If it is not one, is cut or followed by anything, or if the service refused.
    pub fn parse(reply: &[u8]) -> Result<Self, TimestampError> {
        let malformed = TimestampError::Malformed;
        if reply.len() > TIMESTAMP_REPLY_BYTES_MAX {
            return Err(malformed("it is too long"));
        }
        let mut outer = Der::new(reply);
        let mut inner = outer.inside(SEQUENCE).ok_or(malformed("it is cut or not DER"))?;
        if !outer.is_empty() {
            return Err(malformed("something follows it"));
        }
        let status = inner.inside(SEQUENCE).and_then(|mut status| status.small());
        let status = status.ok_or(malformed("it has no status"))?;
        if status > GRANTED_MAX {
            return Err(TimestampError::Refused { status });
        }
        let mut token = inner.inside(SEQUENCE).ok_or(malformed("it has no token"))?;
        if token.oid() != Some(SIGNED_DATA) || !inner.is_empty() {
            return Err(malformed("its token is not signed data"));
        }
        let signed = token.inside(CONTEXT_0).and_then(|mut signed| signed.inside(SEQUENCE));
        let signed = signed.ok_or(malformed("its token is not signed data"))?;
        signed_data(signed).ok_or(malformed("its token cannot be read"))
    }

    /// The moment it states.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether it is over these bytes.
    ///
    /// # Errors
    ///
    /// `OtherImprint`.
    pub fn is_over(&self, bytes: &[u8]) -> Result<(), TimestampError> {
        if self.imprint == Some(Digest::of(bytes)) { Ok(()) } else { Err(TimestampError::OtherImprint) }
    }

    /// Whether it answers this request: the same hash and the same nonce.
    ///
    /// # Errors
    ///
    /// `OtherImprint` or `OtherNonce`.
    pub fn answers(&self, request: &Request) -> Result<(), TimestampError> {
        if self.imprint != Some(request.imprint) {
            return Err(TimestampError::OtherImprint);
        }
        if self.nonce.as_deref() != Some(&request.nonce[..]) {
            return Err(TimestampError::OtherNonce);
        }
        Ok(())
    }

    /// Checks the signature, and that its certificate leads to one of these roots, is for time stamping, and was valid
    /// at the moment that the token states.
    ///
    /// # Errors
    ///
    /// `Signature`, `Certificate` or `Time`.
    pub fn verify(&self, roots: &Roots) -> Result<Stamp, TimestampError> {
        let own = self.signer.verify(&self.stated, &self.certificates)?;
        let (by, until) = roots.vouch(own, &self.certificates, self.at)?;
        Ok(Stamp { at: self.at, by, until })
    }

    /// The certificates that came along, as DER.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }
}

fn signed_data(mut signed: Der<'_>) -> Option<Token> {
    signed.small()?;
    signed.one(SET)?;
    let mut content = signed.inside(SEQUENCE)?;
    if content.oid()? != TST_INFO {
        return None;
    }
    let stated = content.inside(CONTEXT_0)?.one(OCTETS)?.body;
    let certificates = certificates(signed.perhaps(CONTEXT_0))?;
    signed.perhaps(CONTEXT_1);
    let mut signers = signed.inside(SET)?;
    let signer = Signer::read(signers.inside(SEQUENCE)?)?;
    // A token has exactly one signer.
    if !signers.is_empty() || !signed.is_empty() {
        return None;
    }
    let (at, imprint, nonce) = statement(stated)?;
    Some(Token { at, imprint, nonce, stated: stated.to_vec(), certificates, signer })
}

fn certificates(set: Option<Value<'_>>) -> Option<Vec<Vec<u8>>> {
    let Some(set) = set else { return Some(Vec::new()) };
    let mut inner = Der::new(set.body);
    let mut found = Vec::new();
    while !inner.is_empty() && found.len() < CERTIFICATES_MAX {
        let one = inner.any()?;
        // Other forms than X.509 have other tags, and nobody uses them.
        if one.tag == SEQUENCE {
            found.push(one.whole.to_vec());
        }
    }
    inner.is_empty().then_some(found)
}

/// What the token states: when, over which hash (if that is SHA-256), with which nonce.
fn statement(bytes: &[u8]) -> Option<(Timestamp, Option<Digest>, Option<Vec<u8>>)> {
    let mut outer = Der::new(bytes);
    let mut info = outer.inside(SEQUENCE)?;
    if info.small()? != 1 || !outer.is_empty() {
        return None;
    }
    info.oid()?;
    let mut imprint = info.inside(SEQUENCE)?;
    let algorithm = imprint.inside(SEQUENCE)?.oid()?;
    let hash: Option<[u8; 32]> = imprint.one(OCTETS)?.body.try_into().ok();
    let hash = hash.filter(|_| algorithm == SHA256).map(Digest::from_bytes);
    info.one(INTEGER)?;
    let at = moment(info.one(TIME)?.body)?;
    info.perhaps(SEQUENCE);
    info.perhaps(super::der::BOOLEAN);
    let nonce = info.perhaps(INTEGER).map(|nonce| nonce.body.to_vec());
    Some((at, hash, nonce))
}

/// A moment as `20270111090000Z` or with a fraction of a second.
fn moment(bytes: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())?;
    let (whole, fraction) = text.strip_suffix('Z')?.split_at_checked(14)?;
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| &whole[from..to];
    let (day, time) = ((part(0, 4), part(4, 6), part(6, 8)), (part(8, 10), part(10, 12), part(12, 14)));
    format!("{}-{}-{}T{}:{}:{}{fraction}Z", day.0, day.1, day.2, time.0, time.1, time.2).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_are_read_with_and_without_fractions() {
        for (text, expected) in
            [("20270111090000Z", "2027-01-11T09:00:00Z"), ("20270111090000.25Z", "2027-01-11T09:00:00.25Z")]
        {
            assert_eq!(moment(text.as_bytes()), Some(expected.parse().expect("a moment")));
        }
        for bad in ["", "Z", "20270111090000", "2027011109Z", "20271311090000Z", "20270111090000+01Z", "é"] {
            assert_eq!(moment(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_refusal_and_a_megabyte_of_garbage_are_told_apart() {
        let refused = [0x30, 5, 0x30, 3, 2, 1, 2];
        assert_eq!(Token::parse(&refused), Err(TimestampError::Refused { status: 2 }));
        let garbage = vec![0x30; 1 << 20];
        assert_eq!(Token::parse(&garbage), Err(TimestampError::Malformed("it is too long")));
    }

    proptest! {
        #[test]
        fn no_reply_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Token::parse(&bytes).is_err());
        }
    }
}
