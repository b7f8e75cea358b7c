//! Signed notes as C2SP writes them: a text, an empty line, and signatures that name their keys. Ed25519 everywhere; for
//! the seal of a bundle ECDSA on P-256 too.

pub(in crate::evidence) mod public;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

pub use public::Algorithm;
use public::{ECDSA, ED25519, Public};

/// Longest name of a key.
const NAME_BYTES_MAX: usize = 200;
/// Longest note that is read: ours are below 1 KiB.
const NOTE_BYTES_MAX: usize = 64 << 10;
/// Most signatures of a note: the log's own and some witnesses.
const SIGNATURES_MAX: usize = 16;

/// A signature: of Ed25519, or the two numbers of an ECDSA signature on P-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", BASE64.encode(self.0))
    }
}

/// A named public key; written as a `vkey` line, `name+<key id>+<type and key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: Public,
}

impl VerifierKey {
    /// An Ed25519 key with a name.
    ///
    /// # Errors
    ///
    /// If the name is not one, or the bytes are not a sound Ed25519 public key.
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Self, NoteError> {
        Ok(Self { name: sound_name(name)?, key: Public::ed25519(public)? })
    }

    /// A P-256 key with a name: its point, not compressed.
    ///
    /// # Errors
    ///
    /// If the name is not one, or the point is not on the curve.
    pub fn p256(name: &str, point: &[u8; 65]) -> Result<Self, NoteError> {
        Ok(Self { name: sound_name(name)?, key: Public::p256(point)? })
    }

    /// A key from a PEM file, as OpenSSL and key services write it.
    ///
    /// # Errors
    ///
    /// If the name is not one, or the file holds no Ed25519 or P-256 public key.
    pub fn from_pem(name: &str, text: &str) -> Result<Self, NoteError> {
        Ok(Self { name: sound_name(name)?, key: Public::from_pem(text)? })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The bytes of the public key: 32 of an Ed25519 key, 65 of a point of P-256.
    pub fn public(&self) -> &[u8] {
        self.key.bytes()
    }

    /// The key as a PEM file, for OpenSSL and others.
    pub fn pem(&self) -> String {
        self.key.pem()
    }

    /// The first four bytes of a hash: a hint that says which key signed. Of an Ed25519 key over name, type and key, of a
    /// P-256 key over its DER form, as C2SP asks for.
    pub fn id(&self) -> [u8; 4] {
        match self.key.algorithm() {
            Algorithm::Ed25519 => key_id(&self.name, ED25519, self.key.bytes()),
            Algorithm::P256 => first_four(&Sha256::digest(self.key.spki()).into()),
        }
    }

    /// Whether this key made this signature over these bytes.
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        self.key.verifies(message, signature)
    }

    /// The signature as notes and envelopes hold it: of P-256 in DER.
    pub fn encoded(&self, signature: &Signature) -> Vec<u8> {
        self.key.encoded(signature)
    }

    /// Reads what [`VerifierKey::encoded`] writes and nothing else.
    pub fn decoded(&self, bytes: &[u8]) -> Option<Signature> {
        self.key.decoded(bytes)
    }

    /// The signature line of a note, with its newline.
    fn line(&self, signature: &Signature) -> String {
        signature_text(&self.name, self.id(), &self.encoded(signature))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self.key.algorithm() {
            Algorithm::Ed25519 => [&[ED25519], self.key.bytes()].concat(),
            Algorithm::P256 => [&[ECDSA], self.key.spki().as_slice()].concat(),
        };
        f.write_str(&text_of(&self.name, self.id(), &key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    /// Reads a `vkey`; the one way it can be written, so that reading and writing give the same text.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, key) = parts(text)?;
        let name = sound_name(name)?;
        let key = match key.split_first() {
            Some((&ED25519, bytes)) => Public::ed25519(bytes.try_into().map_err(|_| NoteError::BadKey)?)?,
            Some((&ECDSA, der)) => Public::from_spki(der)?,
            _ => return Err(NoteError::BadKey),
        };
        let key = Self { name, key };
        if key.to_string() == text { Ok(key) } else { Err(NoteError::BadKey) }
    }
}

/// What is wrong with a note or key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a vkey.
    #[error("not a verifier key of the form name+id+key with an Ed25519 or P-256 key")]
    BadKey,
    /// Not a note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// None of the signatures is by this key.
    #[error("not signed by the key {0}")]
    NotSigned(String),
    /// A signature names this key, but is not by it.
    #[error("the signature of {0} does not fit the text")]
    BadSignature(String),
}

/// A note that was read, its signatures not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<(String, Vec<u8>)>,
}

impl SignedNote {
    /// Reads a note.
    ///
    /// # Errors
    ///
    /// `Malformed`, with what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        use NoteError::Malformed;
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(Malformed("it is too long"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Malformed("it is not UTF-8"))?;
        if whole.contains(|letter: char| letter.is_ascii_control() && letter != '\n') {
            return Err(Malformed("it holds control characters"));
        }
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(Malformed("it has no signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or(Malformed("its last line does not end"))?;
        let signatures: Vec<_> = lines.split('\n').take(SIGNATURES_MAX + 1).map(signature_line).collect();
        if signatures.len() > SIGNATURES_MAX {
            return Err(Malformed("it has too many signatures"));
        }
        let signatures: Option<Vec<_>> = signatures.into_iter().collect();
        let signatures = signatures.ok_or(Malformed("a signature line is not one"))?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The text, if this key signed it.
    ///
    /// # Errors
    ///
    /// `NotSigned` or `BadSignature`.
    pub fn verified(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let mut signatures = self.signatures_by(key.name(), key.id()).peekable();
        if signatures.peek().is_none() {
            return Err(NoteError::NotSigned(key.name().to_owned()));
        }
        for bytes in signatures {
            let signature = key.decoded(bytes);
            if !signature.is_some_and(|signature| key.verifies(self.text.as_bytes(), &signature)) {
                return Err(NoteError::BadSignature(key.name().to_owned()));
            }
        }
        Ok(&self.text)
    }

    /// What signatures of this name and key id hold behind the id.
    pub(super) fn signatures_by<'n>(&'n self, name: &'n str, id: [u8; 4]) -> impl Iterator<Item = &'n [u8]> {
        let own = move |(by, bytes): &&(String, Vec<u8>)| by == name && bytes.starts_with(&id);
        self.signatures.iter().filter(own).map(move |(_, bytes)| &bytes[id.len()..])
    }

    /// The text, whoever signed it: for showing only.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }
}

/// A name, if it can be one of a key.
fn sound_name(name: &str) -> Result<String, NoteError> {
    let bad = |letter: char| letter == '+' || letter.is_whitespace() || letter.is_control();
    let sound = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(bad);
    if sound { Ok(name.to_owned()) } else { Err(NoteError::BadKey) }
}

/// An Ed25519 public key, if it is sound and its name can be one.
pub(super) fn sound_key(name: &str, public: &[u8; 32]) -> Result<VerifyingKey, NoteError> {
    sound_name(name)?;
    match Public::ed25519(public)? {
        Public::Ed25519(key) => Ok(key),
        Public::P256(_) => Err(NoteError::BadKey),
    }
}

/// The first four bytes of the hash over name, type and key.
pub(super) fn key_id(name: &str, kind: u8, public: &[u8]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', kind]);
    hasher.update(public);
    first_four(&hasher.finalize().into())
}

fn first_four(hash: &[u8; 32]) -> [u8; 4] {
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A key as a `vkey` line.
pub(super) fn key_text(name: &str, kind: u8, public: &[u8; 32]) -> String {
    text_of(name, key_id(name, kind, public), &[&[kind], public.as_slice()].concat())
}

fn text_of(name: &str, id: [u8; 4], key: &[u8]) -> String {
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}+{id}+{}", BASE64.encode(key))
}

/// Name and bytes of a `vkey` line; its id is for the caller to compare.
fn parts(text: &str) -> Result<(&str, Vec<u8>), NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(_id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::BadKey);
    };
    Ok((name, BASE64.decode(key).map_err(|_| NoteError::BadKey)?))
}

/// Name and bytes of a `vkey` line of an Ed25519 key of this type.
pub(super) fn parse_key(text: &str, kind: u8) -> Result<(&str, [u8; 32]), NoteError> {
    let (name, bytes) = parts(text)?;
    match bytes.split_first() {
        Some((found, public)) if *found == kind => {
            Ok((name, public.try_into().map_err(|_| NoteError::BadKey)?))
        }
        _ => Err(NoteError::BadKey),
    }
}

/// A signature line of a note, with its newline.
pub(super) fn signature_text(name: &str, id: [u8; 4], payload: &[u8]) -> String {
    format!("— {name} {}\n", BASE64.encode([id.as_slice(), payload].concat()))
}

/// A note's bytes: the text, which must end in a newline, and one signature.
pub fn write(text: &str, key: &VerifierKey, signature: &Signature) -> String {
    format!("{text}\n{}", key.line(signature))
}

fn signature_line(line: &str) -> Option<(String, Vec<u8>)> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = BASE64.decode(encoded).ok()?;
    let sound = !name.is_empty() && bytes.len() > 4;
    sound.then(|| (name.to_owned(), bytes))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    /// A key for tests, made of one byte.
    pub(in crate::evidence) fn key(name: &str, byte: u8) -> (SigningKey, VerifierKey) {
        let secret = SigningKey::from_bytes(&[byte; 32]);
        let public = VerifierKey::new(name, secret.verifying_key().as_bytes()).expect("a key");
        (secret, public)
    }

    /// A note signed with such a key.
    pub(in crate::evidence) fn signed(text: &str, (secret, public): &(SigningKey, VerifierKey)) -> String {
        write(text, public, &Signature(secret.sign(text.as_bytes()).to_bytes()))
    }

    /// The example key and note of the signed-note specification's authors (Go's `sumdb/note` package).
    #[test]
    fn a_note_of_another_implementation_verifies() {
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let key: VerifierKey = vkey.parse().expect("a vkey");
        assert_eq!(key.to_string(), vkey);
        let note = SignedNote::parse(format!("{text}\n{line}\n").as_bytes()).expect("a note");
        assert_eq!(note.verified(&key), Ok(text));
    }

    /// The key of the public log Rekor, as `transparency-dev/formats` (v0.1.1) tells it in its documentation.
    #[test]
    fn an_ecdsa_key_of_another_implementation_is_read() {
        let der = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==";
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
        let key = VerifierKey::from_pem("rekor.sigstore.dev", &pem).expect("a key");
        let text = key.to_string();
        assert!(text.ends_with("+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc="), "{text}");
        assert!(
            text.starts_with("rekor.sigstore.dev+c0d23d6a+"),
            "the log's id begins with its key's hash: {text}"
        );
        assert_eq!(text.parse(), Ok(key));
    }

    #[test]
    fn another_key_of_the_same_name_does_not_verify() {
        let (ours, theirs) = (key("evidence.x", 1), key("evidence.x", 2));
        let note = SignedNote::parse(signed("text\n", &ours).as_bytes()).expect("a note");
        assert_eq!(note.verified(&ours.1), Ok("text\n"));
        assert_eq!(note.verified(&theirs.1), Err(NoteError::NotSigned("evidence.x".into())));
        let forged = signed("text\n", &(theirs.0, ours.1.clone()));
        let note = SignedNote::parse(forged.as_bytes()).expect("a note");
        assert_eq!(note.verified(&ours.1), Err(NoteError::BadSignature("evidence.x".into())));
    }

    #[test]
    fn hostile_notes_and_keys_are_refused() {
        let good = signed("text\n", &key("evidence.x", 1));
        let crlf = good.replace('\n', "\r\n");
        let many = format!("{good}{}", "— a AAAAAAA=\n".repeat(SIGNATURES_MAX));
        for bad in ["", "\n\n", "text\n\n", "text\n\n— \n", "text\n\n— a\n", &crlf, &many, good.trim_end()]
        {
            assert!(matches!(SignedNote::parse(bad.as_bytes()), Err(NoteError::Malformed(_))), "{bad:?}");
        }
        assert!(SignedNote::parse(&vec![b'\n'; NOTE_BYTES_MAX + 1]).is_err());
        assert!(SignedNote::parse(b"\xff\n\n").is_err());
        let vkey = key("evidence.x", 1).1.to_string();
        let upper = vkey.to_uppercase();
        for bad in
            ["", "++", "a+b+c", &vkey[1..], &upper, &format!("{vkey}\n"), &vkey.replace("evidence.x", "a b")]
        {
            assert_eq!(bad.parse::<VerifierKey>(), Err(NoteError::BadKey), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
            let _ = SignedNote::parse(&bytes);
            let _ = SignedNote::parse(text.as_bytes());
            let _ = text.parse::<VerifierKey>();
        }

        #[test]
        fn any_flipped_bit_is_noticed(bit in 0usize..8, pick in any::<prop::sample::Index>()) {
            let own = key("evidence.x", 1);
            let mut bytes = signed("evidence.x/org\n7\n", &own).into_bytes();
            let at = pick.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let verified = SignedNote::parse(&bytes).and_then(|note| note.verified(&own.1).map(str::to_owned));
            prop_assert!(verified.is_err());
        }
    }
}
