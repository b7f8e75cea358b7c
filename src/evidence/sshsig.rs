//! SSH signatures (SSHSIG) over files, as `ssh-keygen -Y sign` makes them and `ssh-keygen -Y verify` checks them.
//!
//! Here those of the bundle key: Ed25519 or ECDSA on P-256, with SHA-512, and only the one way in which OpenSSH writes it.
//! [`people`] has those of people.

pub mod key;
pub mod people;
pub mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256, Sha512};

use super::note::public::{plain_number, wide_number};
use super::note::{Algorithm, Signature, VerifierKey};
use wire::{Reader, Writer};

/// What the bundle key's signatures over lists of files are for, so that no other signature can pose as one.
pub const NAMESPACE: &str = "site-evidence@landfall";

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const CURVE: &[u8] = b"nistp256";
const HASH: &[u8] = b"sha512";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
/// Where OpenSSH breaks the lines.
const LINE: usize = 70;
/// Longest signature that is read: ours has about 300 bytes.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// What is wrong with a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshSignatureError {
    /// It is not one, or not written as OpenSSH writes it.
    #[error("it is not an SSH signature by this key for `{NAMESPACE}`")]
    Malformed,
    /// It does not fit the bytes.
    #[error("the SSH signature does not fit")]
    BadSignature,
}

/// What OpenSSH calls keys of this algorithm.
fn key_type(key: &VerifierKey) -> &'static str {
    match key.algorithm() {
        Algorithm::Ed25519 => "ssh-ed25519",
        Algorithm::P256 => "ecdsa-sha2-nistp256",
    }
}

/// The bytes that the key signs for a file.
pub fn message(file: &[u8]) -> Vec<u8> {
    let hash: [u8; 64] = Sha512::digest(file).into();
    Writer::default().raw(MAGIC).string(NAMESPACE.as_bytes()).string(b"").string(HASH).string(&hash).0
}

/// The signature's file.
pub fn write(key: &VerifierKey, signature: &Signature) -> String {
    let bytes = match key.algorithm() {
        Algorithm::Ed25519 => signature.0.to_vec(),
        Algorithm::P256 => {
            let (r, s) = signature.0.split_at(32);
            Writer::default().string(&plain_number(r)).string(&plain_number(s)).0
        }
    };
    let signed = Writer::default().string(key_type(key).as_bytes()).string(&bytes).0;
    let blob = Writer::default().raw(MAGIC).number(VERSION).string(&public_blob(key));
    let blob = blob.string(NAMESPACE.as_bytes()).string(b"").string(HASH).string(&signed).0;
    let mut text = String::from(BEGIN);
    let encoded = BASE64.encode(blob);
    for chunk in encoded.as_bytes().chunks(LINE) {
        text.extend(chunk.iter().copied().map(char::from));
        text.push('\n');
    }
    text + END
}

/// Checks a signature's file.
///
/// # Errors
///
/// If it is anything else than this key's signature over this file.
pub fn verify(text: &[u8], key: &VerifierKey, file: &[u8]) -> Result<(), SshSignatureError> {
    let signature = parse(text, key).ok_or(SshSignatureError::Malformed)?;
    // The one spelling there is: everything but the signature itself follows from the key.
    if write(key, &signature).as_bytes() != text {
        return Err(SshSignatureError::Malformed);
    }
    if key.verifies(&message(file), &signature) { Ok(()) } else { Err(SshSignatureError::BadSignature) }
}

fn parse(text: &[u8], key: &VerifierKey) -> Option<Signature> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
    let inner: String = text.strip_prefix(BEGIN)?.strip_suffix(END)?.split('\n').collect();
    let blob = BASE64.decode(inner).ok()?;
    let mut fields = Reader(blob.strip_prefix(MAGIC)?);
    fields.number()?;
    let [.., signed] =
        [fields.string()?, fields.string()?, fields.string()?, fields.string()?, fields.string()?];
    let mut signed = Reader(signed);
    signed.string()?;
    let bytes = signed.string()?;
    match key.algorithm() {
        Algorithm::Ed25519 => bytes.try_into().ok().map(Signature),
        Algorithm::P256 => {
            let mut numbers = Reader(bytes);
            let both = [wide_number(numbers.string()?)?, wide_number(numbers.string()?)?];
            both.as_flattened().try_into().ok().map(Signature)
        }
    }
}

/// The key's fingerprint as OpenSSH shows it, `SHA256:…`.
pub fn fingerprint(key: &VerifierKey) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(public_blob(key))))
}

/// What OpenSSH calls the key in what it says: `ED25519` or `ECDSA`.
pub fn word(key: &VerifierKey) -> &'static str {
    match key.algorithm() {
        Algorithm::Ed25519 => "ED25519",
        Algorithm::P256 => "ECDSA",
    }
}

/// The line of an `allowed_signers` file that lets this person or program sign lists of files, and nothing else.
pub fn allowed_signer(principal: &str, key: &VerifierKey) -> String {
    let kind = key_type(key);
    format!("{principal} namespaces=\"{NAMESPACE}\" {kind} {}\n", BASE64.encode(public_blob(key)))
}

fn public_blob(key: &VerifierKey) -> Vec<u8> {
    let blob = Writer::default().string(key_type(key).as_bytes());
    match key.algorithm() {
        Algorithm::Ed25519 => blob.string(key.public()).0,
        Algorithm::P256 => blob.string(CURVE).string(key.public()).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::note::tests::key;
    use ed25519_dalek::Signer as _;

    #[test]
    fn signed_and_checked() {
        let (secret, public) = key("evidence.x/bundle", 4);
        let sign = |bytes: &[u8]| Signature(secret.sign(bytes).to_bytes());
        let text = write(&public, &sign(&message(b"sums")));
        assert_eq!(verify(text.as_bytes(), &public, b"sums"), Ok(()));
        assert_eq!(verify(text.as_bytes(), &public, b"Sums"), Err(SshSignatureError::BadSignature));
        assert!(verify(text.as_bytes(), &key("evidence.x/bundle", 5).1, b"sums").is_err());
        // The same key over the same bytes for something else.
        let raw = write(&public, &sign(b"sums"));
        assert_eq!(verify(raw.as_bytes(), &public, b"sums"), Err(SshSignatureError::BadSignature));
        for bad in
            ["", BEGIN, &text.replace('\n', "\r\n"), &text.replacen("U1NI", "U1NJ", 1), &format!("{text}\n")]
        {
            assert_eq!(
                verify(bad.as_bytes(), &public, b"sums"),
                Err(SshSignatureError::Malformed),
                "{bad:?}"
            );
        }
        assert!(text.lines().all(|line| line.len() <= LINE));
    }
}
