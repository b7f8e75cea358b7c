//! Public keys with which people sign, as OpenSSH writes them: Ed25519 in software, and Ed25519 on a security key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::wire::{Reader, Writer};

/// Longest line of a key that is read: a comment of some words and a blob of 100 bytes.
const LINE_BYTES_MAX: usize = 2 << 10;
/// Longest name of the application of a security key; OpenSSH's is `ssh:` with a word behind it.
const APPLICATION_BYTES_MAX: usize = 200;

const ED25519: &str = "ssh-ed25519";
const SECURITY_KEY: &str = "sk-ssh-ed25519@openssh.com";

/// A public key of a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey {
    point: [u8; 32],
    /// For a key on a piece of hardware: what it was made for.
    application: Option<String>,
}

/// Why a text is no key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It is not a line of an OpenSSH public key file.
    #[error("it is not a line of an OpenSSH public key file")]
    Malformed,
    /// It is of another type.
    #[error(
        "keys of the type `{0}` are not read; `ssh-keygen -t ed25519` or `-t ed25519-sk` makes one that is"
    )]
    OtherType(String),
    /// It is a point that nobody should sign with.
    #[error("it is not a sound Ed25519 key")]
    Weak,
}

impl PublicKey {
    /// A key in software.
    ///
    /// # Errors
    ///
    /// If it is not a sound point of the curve.
    pub fn ed25519(point: [u8; 32]) -> Result<Self, BadKey> {
        Self::sound(point, None)
    }

    fn sound(point: [u8; 32], application: Option<String>) -> Result<Self, BadKey> {
        match VerifyingKey::from_bytes(&point) {
            Ok(key) if !key.is_weak() => Ok(Self { point, application }),
            Ok(_) | Err(_) => Err(BadKey::Weak),
        }
    }

    /// Reads a line of a public key file: type, key in base64, and a comment that is left aside.
    ///
    /// # Errors
    ///
    /// If it is none, or of a type that is not read.
    pub fn from_line(line: &str) -> Result<Self, BadKey> {
        if line.len() > LINE_BYTES_MAX || line.trim().contains(['\n', '\r']) {
            return Err(BadKey::Malformed);
        }
        let mut words = line.split_whitespace();
        let (Some(kind), Some(blob)) = (words.next(), words.next()) else { return Err(BadKey::Malformed) };
        let blob = BASE64.decode(blob).map_err(|_| BadKey::Malformed)?;
        let key = Self::from_blob(&blob)?;
        if key.kind() == kind { Ok(key) } else { Err(BadKey::Malformed) }
    }

    /// Reads a key as it stands in signatures and in an agent's answers.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::from_line`].
    pub fn from_blob(blob: &[u8]) -> Result<Self, BadKey> {
        let mut reader = Reader(blob);
        let kind = reader.text().ok_or(BadKey::Malformed)?;
        let application = match kind {
            ED25519 => false,
            SECURITY_KEY => true,
            other => {
                let other: String = other.chars().filter(|c| !c.is_control()).take(60).collect();
                return Err(BadKey::OtherType(other));
            }
        };
        let point = reader.array().ok_or(BadKey::Malformed)?;
        let application = if application {
            let name = reader.text().filter(|name| name.len() <= APPLICATION_BYTES_MAX);
            Some(name.ok_or(BadKey::Malformed)?.to_owned())
        } else {
            None
        };
        if !reader.is_done() {
            return Err(BadKey::Malformed);
        }
        Self::sound(point, application)
    }

    /// The type, as it stands before the key in its file.
    pub fn kind(&self) -> &'static str {
        if self.application.is_some() { SECURITY_KEY } else { ED25519 }
    }

    /// The key as it stands in signatures.
    pub fn blob(&self) -> Vec<u8> {
        let blob = Writer::default().string(self.kind().as_bytes()).string(&self.point);
        match &self.application {
            None => blob.0,
            Some(application) => blob.string(application.as_bytes()).0,
        }
    }

    /// The line of a public key file, without a comment.
    pub fn line(&self) -> String {
        format!("{} {}", self.kind(), BASE64.encode(self.blob()))
    }

    /// The fingerprint, `SHA256:…` as OpenSSH writes it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.blob())))
    }

    /// What a security key's key was made for; nothing for a key in software.
    pub(super) fn application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.point).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEWARD: &str = include_str!("../../../tests/approvals/ssh/steward.pub");

    #[test]
    fn a_key_of_ssh_keygen_is_read_and_has_its_fingerprint() {
        let key = PublicKey::from_line(STEWARD).expect("a key");
        assert_eq!(key.fingerprint(), "SHA256:e788NCMFuoDFLbXoYDunUolLqrLjKdi7UOw+7Q0SQ5E");
        assert_eq!(Some(key.line().as_str()), STEWARD.rsplit_once(' ').map(|(line, _)| line));
        assert_eq!(PublicKey::from_blob(&key.blob()), Ok(key));
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_reason() {
        let good = STEWARD.trim();
        let blob = good.split(' ').nth(1).expect("a blob");
        let weak = Writer::default().string(ED25519.as_bytes()).string(&[0; 32]).0;
        let more = Writer::default().string(ED25519.as_bytes()).string(&[7; 32]).string(b"x").0;
        for bad in [
            String::new(),
            "ssh-ed25519".into(),
            format!("{blob} ssh-ed25519"),
            format!("sk-ssh-ed25519@openssh.com {blob}"),
            format!("{good}\n{good}"),
            format!("cert-authority {good}"),
            format!("ssh-ed25519 {}", &blob[..40]),
            format!("ssh-ed25519 {}", "A".repeat(9_000)),
            format!("ssh-ed25519 {}", BASE64.encode(more)),
        ] {
            assert_eq!(PublicKey::from_line(&bad), Err(BadKey::Malformed), "{bad}");
        }
        assert_eq!(PublicKey::from_blob(&weak), Err(BadKey::Weak));
        let rsa = Writer::default().string(b"ssh-rsa").string(&[1]).0;
        assert_eq!(PublicKey::from_blob(&rsa), Err(BadKey::OtherType("ssh-rsa".into())));
    }
}
