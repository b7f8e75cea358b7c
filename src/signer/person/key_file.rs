//! An OpenSSH private key file: Ed25519, not locked, readable by its owner alone.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};

use super::PersonSignError;
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::sshsig::people::plain_signature;
use crate::evidence::sshsig::wire::Reader;
use crate::signer::SignerError;
use crate::signer::file_key::read_private;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const UNLOCKED: &str = "none";
const ED25519: &str = "ssh-ed25519";
/// How types of keys on security keys begin.
const ON_HARDWARE: &str = "sk-";

/// A private key from a file. Its secret part never leaves this type, and is wiped from memory with it.
pub struct PersonFile {
    secret: SigningKey,
    public: PublicKey,
}

/// Why a text is no private key that can be used.
enum Unusable {
    Malformed,
    Locked,
    OnHardware,
    OtherType(String),
}

impl PersonFile {
    /// Reads a key.
    ///
    /// # Errors
    ///
    /// If others can read the file, it is locked, on hardware, of another type, or no key.
    pub fn open(path: &Path) -> Result<Self, PersonSignError> {
        let not_a_key = |what: String| SignerError::NotAKey { path: path.to_owned(), what };
        let text = read_private(path)?.ok_or_else(|| not_a_key("there is no such file".to_owned()))?;
        Self::parse(&text).map_err(|unusable| match unusable {
            Unusable::Locked => PersonSignError::Locked { path: path.to_owned() },
            Unusable::OnHardware => PersonSignError::OnHardware { path: path.to_owned() },
            Unusable::Malformed => {
                not_a_key("it does not hold a private key as OpenSSH writes it".to_owned()).into()
            }
            Unusable::OtherType(kind) => not_a_key(format!(
                "it holds a key of the type `{kind}`; ssh-keygen -t ed25519 makes one that works"
            ))
            .into(),
        })
    }

    fn parse(text: &str) -> Result<Self, Unusable> {
        let inner = text.trim().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END));
        let inner: String = inner.ok_or(Unusable::Malformed)?.split_whitespace().collect();
        let blob = BASE64.decode(inner).map_err(|_| Unusable::Malformed)?;
        let mut reader = Reader(&blob);
        let outer = Outer::parse(&mut reader).filter(|_| reader.is_done()).ok_or(Unusable::Malformed)?;
        if outer.kind.starts_with(ON_HARDWARE) {
            return Err(Unusable::OnHardware);
        }
        if outer.cipher != UNLOCKED {
            return Err(Unusable::Locked);
        }
        if outer.kind != ED25519 {
            return Err(Unusable::OtherType(
                outer.kind.chars().filter(|c| !c.is_control()).take(60).collect(),
            ));
        }
        let secret = secret(outer.private).ok_or(Unusable::Malformed)?;
        let public =
            PublicKey::ed25519(*secret.verifying_key().as_bytes()).map_err(|_| Unusable::Malformed)?;
        if public.blob() == outer.public { Ok(Self { secret, public }) } else { Err(Unusable::Malformed) }
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        plain_signature(&self.public, &self.secret.sign(message).to_bytes())
    }
}

impl fmt::Debug for PersonFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonFile({})", self.public)
    }
}

/// What stands around the private part.
struct Outer<'b> {
    cipher: &'b str,
    kind: &'b str,
    public: &'b [u8],
    private: &'b [u8],
}

impl<'b> Outer<'b> {
    fn parse(reader: &mut Reader<'b>) -> Option<Self> {
        let known = reader.take(MAGIC.len())? == MAGIC;
        let (cipher, _kdf, _options) = (reader.text()?, reader.text()?, reader.string()?);
        let one = reader.number()? == 1;
        let public = reader.string()?;
        let kind = Reader(public).text()?;
        let private = reader.string()?;
        (known && one).then_some(Self { cipher, kind, public, private })
    }
}

/// The private part: two equal numbers, the key, a comment, and padding that counts up.
fn secret(private: &[u8]) -> Option<SigningKey> {
    let mut reader = Reader(private);
    let opens = reader.number()? == reader.number()?;
    let kind = reader.text()? == ED25519;
    let public: [u8; 32] = reader.array()?;
    let pair: &[u8; 64] = reader.string()?.try_into().ok()?;
    let _comment = reader.string()?;
    let padded = reader.0.iter().zip(1_u8..).all(|(byte, count)| *byte == count) && reader.0.len() < 8;
    // The second half must be the public key of the first, or signatures would give the first away.
    let key = SigningKey::from_keypair_bytes(pair).ok()?;
    (opens && kind && padded && *key.verifying_key().as_bytes() == public).then_some(key)
}
