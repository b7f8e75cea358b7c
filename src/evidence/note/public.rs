//! Public keys of evidence: Ed25519, and ECDSA on P-256 for key services that have nothing else.
//!
//! A signature has 64 bytes in memory, for P-256 its two numbers. Notes, envelopes and OpenSSL write it as DER there.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;

use super::{NoteError, Signature};

/// The type byte of plain Ed25519 signatures in notes.
pub(super) const ED25519: u8 = 0x01;
/// The type byte of ECDSA signatures in notes.
pub(super) const ECDSA: u8 = 0x02;
/// What stands before the 32 bytes of an Ed25519 key in DER.
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What stands before the 65 bytes of a point of P-256 in DER.
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// How OpenSSL breaks the lines of a PEM file.
const PEM_LINE: usize = 64;
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----\n";
const PEM_END: &str = "-----END PUBLIC KEY-----\n";
/// DER's tags of a sequence and of a number.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    P256,
}

/// A public key without a name.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Public {
    Ed25519(VerifyingKey),
    /// The point, not compressed.
    P256([u8; 65]),
}

impl Public {
    pub(super) fn ed25519(bytes: &[u8; 32]) -> Result<Self, NoteError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| NoteError::BadKey)?;
        if key.is_weak() { Err(NoteError::BadKey) } else { Ok(Self::Ed25519(key)) }
    }

    /// A point of P-256, if it is one and on the curve.
    pub(super) fn p256(point: &[u8; 65]) -> Result<Self, NoteError> {
        // Parsing looks whether it is on the curve.
        let sound = point[0] == 4 && ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok();
        if sound { Ok(Self::P256(*point)) } else { Err(NoteError::BadKey) }
    }

    /// A key from the DER form in which certificates and key services give it; only the one spelling.
    pub(super) fn from_spki(der: &[u8]) -> Result<Self, NoteError> {
        let ed25519 = der.strip_prefix(ED25519_SPKI).and_then(|key| key.try_into().ok());
        let p256 = der.strip_prefix(P256_SPKI).and_then(|key| key.try_into().ok());
        match (ed25519, p256) {
            (Some(bytes), _) => Self::ed25519(bytes),
            (None, Some(point)) => Self::p256(point),
            (None, None) => Err(NoteError::BadKey),
        }
    }

    /// A key from a PEM file as OpenSSL and key services write it.
    pub(super) fn from_pem(text: &str) -> Result<Self, NoteError> {
        let text = text.trim_start().replace("\r\n", "\n");
        let inner = text.strip_prefix(PEM_BEGIN).and_then(|rest| rest.split_once(PEM_END.trim_end()));
        let lines: String = inner.ok_or(NoteError::BadKey)?.0.split('\n').collect();
        Self::from_spki(&BASE64.decode(lines).map_err(|_| NoteError::BadKey)?)
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::P256(_) => Algorithm::P256,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) => key.as_bytes(),
            Self::P256(point) => point,
        }
    }

    pub(super) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => [ED25519_SPKI, key.as_bytes()].concat(),
            Self::P256(point) => [P256_SPKI, point].concat(),
        }
    }

    pub(super) fn pem(&self) -> String {
        let mut text = String::from(PEM_BEGIN);
        for chunk in BASE64.encode(self.spki()).as_bytes().chunks(PEM_LINE) {
            text.extend(chunk.iter().copied().map(char::from));
            text.push('\n');
        }
        text + PEM_END
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        match self {
            Self::Ed25519(key) => {
                key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
            }
            Self::P256(point) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                key.verify(message, &signature.0).is_ok()
            }
        }
    }

    /// The signature as notes and envelopes hold it.
    pub(super) fn encoded(&self, signature: &Signature) -> Vec<u8> {
        match self {
            Self::Ed25519(_) => signature.0.to_vec(),
            Self::P256(_) => {
                let (r, s) = signature.0.split_at(32);
                let inner = [number(r), number(s)].concat();
                element(SEQUENCE, &inner)
            }
        }
    }

    /// Reads what [`Public::encoded`] writes and nothing else.
    pub(super) fn decoded(&self, bytes: &[u8]) -> Option<Signature> {
        let signature = match self {
            Self::Ed25519(_) => Signature(bytes.try_into().ok()?),
            Self::P256(_) => {
                let (r, rest) = value(bytes.strip_prefix(&[SEQUENCE])?.get(1..)?)?;
                let (s, _) = value(rest)?;
                let mut both = [0; 64];
                both[..32].copy_from_slice(&r);
                both[32..].copy_from_slice(&s);
                Signature(both)
            }
        };
        (self.encoded(&signature) == bytes).then_some(signature)
    }
}

/// A number as DER and SSH write it: no zeros before it, but one where it would look negative.
pub(in crate::evidence) fn plain_number(bytes: &[u8]) -> Vec<u8> {
    let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let bytes = &bytes[from..];
    let sign = bytes.first().is_some_and(|first| first & 0x80 != 0);
    [if sign { &[0][..] } else { &[] }, bytes].concat()
}

/// The 32 bytes of a number that is written so.
pub(in crate::evidence) fn wide_number(bytes: &[u8]) -> Option<[u8; 32]> {
    let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
    let mut wide = [0; 32];
    let before = wide.len().checked_sub(bytes.len())?;
    wide[before..].copy_from_slice(bytes);
    Some(wide)
}

fn number(bytes: &[u8]) -> Vec<u8> {
    element(INTEGER, &plain_number(bytes))
}

/// An element of DER. Two numbers of 33 bytes are the longest there are.
fn element(tag: u8, inner: &[u8]) -> Vec<u8> {
    let length = u8::try_from(inner.len()).expect("two numbers have at most 70 bytes");
    [&[tag, length], inner].concat()
}

/// The number that bytes begin with, and what follows it.
fn value(bytes: &[u8]) -> Option<([u8; 32], &[u8])> {
    let (length, rest) = bytes.strip_prefix(&[INTEGER])?.split_first()?;
    let (inner, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((wide_number(inner)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POINT: &str =
        "BNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc=";

    /// The public key of a log that is open to everybody (Rekor), as its readers have it.
    fn public() -> Public {
        let point: [u8; 65] = BASE64.decode(POINT).unwrap().try_into().unwrap();
        Public::p256(&point).unwrap()
    }

    #[test]
    fn a_key_has_one_form_in_der_and_in_pem() {
        let key = public();
        assert_eq!(Public::from_spki(&key.spki()).unwrap().bytes(), key.bytes());
        assert_eq!(Public::from_pem(&key.pem()).unwrap().bytes(), key.bytes());
        assert_eq!(Public::from_pem(&key.pem().replace('\n', "\r\n")).unwrap().bytes(), key.bytes());
        let mut off = [4; 65];
        assert!(Public::p256(&off).is_err(), "not on the curve");
        off.copy_from_slice(key.bytes());
        off[0] = 2;
        assert!(Public::p256(&off).is_err(), "compressed");
        for bad in ["", PEM_BEGIN, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert!(Public::from_pem(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_signature_has_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 64), zeros in 0usize..40) {
            let mut raw: [u8; 64] = bytes.try_into().unwrap();
            raw[..zeros.min(31)].fill(0);
            let key = public();
            let der = key.encoded(&Signature(raw));
            prop_assert_eq!(key.decoded(&der), Some(Signature(raw)));
            prop_assert!(key.decoded(&der[..der.len() - 1]).is_none());
            prop_assert!(key.decoded(&[der.clone(), vec![0]].concat()).is_none());
        }

        #[test]
        fn no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            let _ = public().decoded(&bytes);
            let _ = Public::from_spki(&bytes);
        }
    }
}
