//! SSH signatures (SSHSIG) over files, as `ssh-keygen -Y sign` makes them and `ssh-keygen -Y verify` checks them.
//!
//! Here those of the bundle key: only Ed25519 with SHA-512, and only the one way in which OpenSSH itself writes it.
//! [`people`] has those of people.

pub mod key;
pub mod people;
pub mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha512};

use super::note::{Signature, VerifierKey};

/// What the bundle key's signatures over lists of files are for, so that no other signature can pose as one.
pub const NAMESPACE: &str = "site-evidence@landfall";

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const KEY_TYPE: &[u8] = b"ssh-ed25519";
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

/// The bytes that the key signs for a file.
pub fn message(file: &[u8]) -> Vec<u8> {
    let hash: [u8; 64] = Sha512::digest(file).into();
    let fields: [&[u8]; 4] = [NAMESPACE.as_bytes(), b"", HASH, &hash];
    let mut bytes = MAGIC.to_vec();
    fields.iter().for_each(|field| string(&mut bytes, field));
    bytes
}

/// The signature's file.
pub fn write(key: &VerifierKey, signature: &Signature) -> String {
    let mut signed = Vec::new();
    string(&mut signed, KEY_TYPE);
    string(&mut signed, &signature.0);
    let mut blob = MAGIC.to_vec();
    blob.extend(VERSION.to_be_bytes());
    for field in [&public_blob(key), NAMESPACE.as_bytes(), b"", HASH, &signed] {
        string(&mut blob, field);
    }
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
    let signature = parse(text).ok_or(SshSignatureError::Malformed)?;
    // The one spelling there is: everything but the signature itself follows from the key.
    if write(key, &signature).as_bytes() != text {
        return Err(SshSignatureError::Malformed);
    }
    if key.verifies(&message(file), &signature) { Ok(()) } else { Err(SshSignatureError::BadSignature) }
}

fn parse(text: &[u8]) -> Option<Signature> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
    let inner: String = text.strip_prefix(BEGIN)?.strip_suffix(END)?.split('\n').collect();
    let blob = BASE64.decode(inner).ok()?;
    blob.last_chunk().copied().map(Signature)
}

/// The line of an `allowed_signers` file that lets this person or program sign lists of files, and nothing else.
pub fn allowed_signer(principal: &str, key: &VerifierKey) -> String {
    let kind = String::from_utf8_lossy(KEY_TYPE);
    format!("{principal} namespaces=\"{NAMESPACE}\" {kind} {}\n", BASE64.encode(public_blob(key)))
}

fn public_blob(key: &VerifierKey) -> Vec<u8> {
    let mut blob = Vec::new();
    string(&mut blob, KEY_TYPE);
    string(&mut blob, key.public());
    blob
}

/// A string as SSH writes it: its length in four bytes, then its bytes.
fn string(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("fields are a few hundred bytes long");
    to.extend(length.to_be_bytes());
    to.extend(bytes);
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
