//! SSH signatures of people: by any of their keys, for a namespace, over SHA-256 or SHA-512.
//!
//! The form is OpenSSH's `PROTOCOL.sshsig`; that of security keys is its `PROTOCOL.u2f`. A signature by a security key
//! counts only if somebody touched it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256, Sha512};

use super::key::PublicKey;
use super::wire::{Reader, Writer};
use super::{BEGIN, END, LINE, MAGIC, TEXT_BYTES_MAX, VERSION};

/// The flag of a security key's signature that says that somebody touched it.
const USER_PRESENT: u8 = 0x01;

/// How a message is made short before it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-512, which OpenSSH takes unless it is told otherwise.
    Sha512,
}

impl Hash {
    const ALL: [(&'static str, Hash); 2] = [("sha256", Self::Sha256), ("sha512", Self::Sha512)];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, hash)| *hash == self).map_or("", |(word, _)| word)
    }

    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// What is wrong with a signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum BadSignature {
    /// It is not an SSH signature.
    #[error("it is not an SSH signature as OpenSSH writes it")]
    Malformed,
    /// It is by a key of a type that is not read.
    #[error("it is by a key that cannot be used here")]
    OtherKey,
    /// It is for something else.
    #[error("it was made for something else: its namespace is another one")]
    OtherNamespace,
    /// It is not over these bytes.
    #[error("it does not fit the bytes that it is said to be over")]
    DoesNotFit,
    /// A security key signed without a touch.
    #[error("nobody touched the security key that made it")]
    NobodyThere,
}

/// A signature that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitting {
    /// The key that made it.
    pub key: PublicKey,
    /// How often the security key has signed, as it says itself; nothing for a key in software.
    pub counter: Option<u32>,
}

/// The bytes that the key signs.
pub fn message(namespace: &str, hash: Hash, bytes: &[u8]) -> Vec<u8> {
    let fields = Writer::default().raw(MAGIC).string(namespace.as_bytes()).string(b"");
    fields.string(hash.word().as_bytes()).string(&hash.of(bytes)).0
}

/// The armoured text around a signature in the form in which agents give it.
pub fn armour(key: &PublicKey, namespace: &str, hash: Hash, signature: &[u8]) -> String {
    let head = Writer::default().raw(MAGIC).number(VERSION).string(&key.blob()).string(namespace.as_bytes());
    let blob = head.string(b"").string(hash.word().as_bytes()).string(signature).0;
    spelled(&blob)
}

/// The form in which agents give a signature by a key in software.
pub fn plain_signature(key: &PublicKey, signature: &[u8; 64]) -> Vec<u8> {
    Writer::default().string(key.kind().as_bytes()).string(signature).0
}

/// The same signature as OpenSSH spells it, whatever ends its lines have on the way.
///
/// # Errors
///
/// If it is none.
pub fn respelled(text: &str) -> Result<String, BadSignature> {
    blob_of(text).map(|blob| spelled(&blob)).ok_or(BadSignature::Malformed)
}

/// Checks a signature over bytes, in the one spelling that there is of it.
///
/// # Errors
///
/// What is wrong with it.
pub fn verify(text: &str, namespace: &str, bytes: &[u8]) -> Result<Fitting, BadSignature> {
    let blob = blob_of(text).filter(|blob| spelled(blob) == text).ok_or(BadSignature::Malformed)?;
    let parsed = parse(&blob).ok_or(BadSignature::Malformed)?;
    let key = PublicKey::from_blob(parsed.key).map_err(|_| BadSignature::OtherKey)?;
    if parsed.namespace != namespace {
        return Err(BadSignature::OtherNamespace);
    }
    let made = Made::parse(&key, parsed.signature).ok_or(BadSignature::Malformed)?;
    let signed = message(namespace, parsed.hash, bytes);
    let signed = match (key.application(), made.touch) {
        (None, None) => signed,
        (Some(application), Some((flags, counter))) => {
            let over = Writer::default().raw(&Sha256::digest(application)).raw(&[flags]).number(counter);
            over.raw(&Sha256::digest(&signed)).0
        }
        (None, Some(_)) | (Some(_), None) => return Err(BadSignature::Malformed),
    };
    if !key.verifies(&signed, &made.signature) {
        return Err(BadSignature::DoesNotFit);
    }
    if made.touch.is_some_and(|(flags, _)| flags & USER_PRESENT == 0) {
        return Err(BadSignature::NobodyThere);
    }
    Ok(Fitting { key, counter: made.touch.map(|(_, counter)| counter) })
}

/// The key that a signature says it is by, not checked against anything.
pub fn key_of(text: &str) -> Option<PublicKey> {
    let blob = blob_of(text)?;
    PublicKey::from_blob(parse(&blob)?.key).ok()
}

/// The line of an `allowed_signers` file that lets a person sign for one purpose in some time.
pub fn allowed_signer(person: &str, namespace: &str, key: &PublicKey, valid: (&str, Option<&str>)) -> String {
    let (after, before) = valid;
    let before = before.map_or(String::new(), |before| format!(",valid-before=\"{before}\""));
    format!("{person} namespaces=\"{namespace}\",valid-after=\"{after}\"{before} {key}\n")
}

struct Parsed<'b> {
    key: &'b [u8],
    namespace: &'b str,
    hash: Hash,
    signature: &'b [u8],
}

fn parse(blob: &[u8]) -> Option<Parsed<'_>> {
    let mut reader = Reader(blob);
    let known = reader.take(MAGIC.len())? == MAGIC && reader.number()? == VERSION;
    let (key, namespace, reserved) = (reader.string()?, reader.text()?, reader.string()?);
    let word = reader.text()?;
    let (_, hash) = Hash::ALL.into_iter().find(|(name, _)| *name == word)?;
    let signature = reader.string()?;
    (known && reserved.is_empty() && reader.is_done()).then_some(Parsed { key, namespace, hash, signature })
}

/// The signature itself.
struct Made {
    signature: [u8; 64],
    /// Flags and counter of a security key.
    touch: Option<(u8, u32)>,
}

impl Made {
    fn parse(key: &PublicKey, bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let same_kind = reader.text()? == key.kind();
        let signature = reader.array()?;
        let touch = match key.application() {
            None => None,
            Some(_) => Some((reader.byte()?, reader.number()?)),
        };
        (same_kind && reader.is_done()).then_some(Self { signature, touch })
    }
}

fn blob_of(text: &str) -> Option<Vec<u8>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (begin, end) = (BEGIN.trim_end(), END.trim_end());
    let inner = text.trim().strip_prefix(begin)?.strip_suffix(end)?;
    let inner: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64.decode(inner).ok()
}

fn spelled(blob: &[u8]) -> String {
    let mut text = String::from(BEGIN);
    for chunk in BASE64.encode(blob).as_bytes().chunks(LINE) {
        text.extend(chunk.iter().copied().map(char::from));
        text.push('\n');
    }
    text + END
}

#[cfg(test)]
pub(crate) mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::model::signed::NAMESPACE;

    const MESSAGE: &[u8] = include_bytes!("../../../tests/approvals/ssh/message");
    const SHA512: &str = include_str!("../../../tests/approvals/ssh/message.sha512.sig");
    const SHA256: &str = include_str!("../../../tests/approvals/ssh/message.sha256.sig");
    const FILE: &str = include_str!("../../../tests/approvals/ssh/message.file.sig");
    const STEWARD: &str = include_str!("../../../tests/approvals/ssh/steward.pub");

    /// A key for tests.
    pub(crate) fn key(seed: u8) -> (SigningKey, PublicKey) {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let public = PublicKey::ed25519(*secret.verifying_key().as_bytes()).expect("a key");
        (secret, public)
    }

    /// A signature for tests.
    pub(crate) fn sign(seed: u8, namespace: &str, bytes: &[u8]) -> String {
        let (secret, public) = key(seed);
        let made = secret.sign(&message(namespace, Hash::Sha512, bytes)).to_bytes();
        armour(&public, namespace, Hash::Sha512, &plain_signature(&public, &made))
    }

    /// A signature by a security key, with these flags.
    fn touched(seed: u8, flags: u8, bytes: &[u8]) -> String {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let blob = Writer::default().string(b"sk-ssh-ed25519@openssh.com");
        let blob = blob.string(secret.verifying_key().as_bytes()).string(b"ssh:").0;
        let public = PublicKey::from_blob(&blob).expect("a key");
        let inner = message(NAMESPACE, Hash::Sha512, bytes);
        let over = Writer::default().raw(&Sha256::digest(b"ssh:")).raw(&[flags]).number(7);
        let over = over.raw(&Sha256::digest(&inner)).0;
        let made = Writer::default().string(public.kind().as_bytes()).string(&secret.sign(&over).to_bytes());
        armour(&public, NAMESPACE, Hash::Sha512, &made.raw(&[flags]).number(7).0)
    }

    #[test]
    fn signatures_of_ssh_keygen_are_accepted_for_their_purpose_alone() {
        let steward = PublicKey::from_line(STEWARD).expect("a key");
        for text in [SHA512, SHA256] {
            assert_eq!(verify(text, NAMESPACE, MESSAGE), Ok(Fitting { key: steward.clone(), counter: None }));
            assert_eq!(verify(text, NAMESPACE, b"{}"), Err(BadSignature::DoesNotFit));
            assert_eq!(verify(text, "file", MESSAGE), Err(BadSignature::OtherNamespace));
        }
        assert_eq!(verify(FILE, NAMESPACE, MESSAGE), Err(BadSignature::OtherNamespace));
        assert_eq!(key_of(FILE), Some(steward));
        assert_eq!(respelled(&SHA512.replace('\n', "\r\n")).as_deref(), Ok(SHA512));
    }

    #[test]
    fn a_security_key_counts_only_if_somebody_touched_it() {
        let fitting = verify(&touched(9, 1, b"plan"), NAMESPACE, b"plan").expect("it fits");
        assert_eq!(fitting.counter, Some(7));
        assert_eq!(fitting.key.kind(), "sk-ssh-ed25519@openssh.com");
        assert_eq!(verify(&touched(9, 0, b"plan"), NAMESPACE, b"plan"), Err(BadSignature::NobodyThere));
        assert_eq!(verify(&touched(9, 5, b"plan"), NAMESPACE, b"other"), Err(BadSignature::DoesNotFit));
    }

    #[test]
    fn every_changed_byte_of_a_signature_is_refused() {
        let text = sign(3, NAMESPACE, b"plan");
        assert!(verify(&text, NAMESPACE, b"plan").is_ok());
        for at in 0..text.len() {
            for other in [b'A', b'x', b'\n', b'='] {
                let mut bytes = text.clone().into_bytes();
                if bytes[at] == other {
                    continue;
                }
                bytes[at] = other;
                let changed = String::from_utf8(bytes).expect("ASCII");
                assert!(verify(&changed, NAMESPACE, b"plan").is_err(), "byte {at} as {other}");
            }
        }
    }

    #[test]
    fn hostile_texts_are_refused_and_nothing_falls() {
        let blob = blob_of(SHA512).expect("a blob");
        for cut in 0..blob.len() {
            assert!(parse(&blob[..cut]).is_none_or(|parsed| parsed.signature.len() < 83), "cut at {cut}");
            assert!(verify(&spelled(&blob[..cut]), NAMESPACE, MESSAGE).is_err(), "cut at {cut}");
        }
        let mut long = blob.clone();
        long.push(0);
        let mut huge = blob;
        huge[10..14].copy_from_slice(&u32::MAX.to_be_bytes());
        for bad in [spelled(&long), spelled(&huge), String::new(), BEGIN.into(), "x".repeat(100_000)] {
            assert_eq!(verify(&bad, NAMESPACE, MESSAGE), Err(BadSignature::Malformed));
        }
        let other = sign(3, NAMESPACE, b"plan").replace("c3NoLWVkMjU1MTk", "c3NoLWVkMjU1MTg");
        assert!(verify(&other, NAMESPACE, b"plan").is_err());
    }

    #[test]
    fn the_line_of_allowed_signers_names_purpose_and_time() {
        let steward = PublicKey::from_line(STEWARD).expect("a key");
        let line = allowed_signer("steward-hrb01", NAMESPACE, &steward, ("20261201", Some("20290101")));
        assert!(line.starts_with(
            "steward-hrb01 namespaces=\"decision@landfall\",valid-after=\"20261201\",valid-before=\"20290101\" ssh-ed25519 AAAA"
        ));
    }
}
