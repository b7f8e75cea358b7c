//! Reads the line of an OpenSSH public key file and gives its fingerprint.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::base::limits::PERSON_KEY_BYTES_MAX;

/// The algorithms whose signatures can be checked, as OpenSSH names them.
pub const ALGORITHMS: [&str; 3] = ["ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256"];

/// A key's fingerprint, `SHA256:…` as OpenSSH writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a line is no key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It begins a private key's file.
    #[error("this is a private key: it must not be in any file of the estate")]
    Private,
    /// An algorithm that exists and is not taken.
    #[error("keys of the sort {0} are not taken")]
    Algorithm(String),
    /// It is no line of a public key file.
    #[error("this is not the line of an OpenSSH public key file")]
    Malformed,
    /// The key's bytes are of another sort than the line says.
    #[error("the key is not of the sort that the line says")]
    Mismatch,
}

/// Sorts of keys that people have and that are not taken, so that they can be told apart from what is no key.
const REFUSED: [&str; 7] = [
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed448",
    "ssh-ed25519-cert-v01@openssh.com",
];

/// Bytes of an Ed25519 public key.
const ED25519_BYTES: usize = 32;
/// Bytes of an uncompressed point of P-256: a marker and two coordinates.
const P256_BYTES: usize = 65;
const P256_CURVE: &[u8] = b"nistp256";

/// The fingerprint of a usable key's line.
pub fn fingerprint(line: &str) -> Option<Fingerprint> {
    read(line).ok().map(|key| key.fingerprint)
}

/// A public key's line that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The algorithm, one of [`ALGORITHMS`].
    pub algorithm: &'static str,
    /// The key as SSH writes it into signatures.
    pub blob: Vec<u8>,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// Reads `algorithm base64 [comment]`. Options before the algorithm are not taken: they would mean nothing here.
///
/// # Errors
///
/// What is wrong with it. The line itself is not repeated.
pub fn read(line: &str) -> Result<PublicKey, BadKey> {
    if line.contains("PRIVATE KEY") {
        return Err(BadKey::Private);
    }
    if line.len() > PERSON_KEY_BYTES_MAX || line.chars().any(char::is_control) {
        return Err(BadKey::Malformed);
    }
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let (Some(written), Some(encoded)) = (words.next(), words.next()) else { return Err(BadKey::Malformed) };
    let Some(algorithm) = ALGORITHMS.into_iter().find(|known| *known == written) else {
        let refused = REFUSED.contains(&written);
        return Err(if refused { BadKey::Algorithm(written.to_owned()) } else { BadKey::Malformed });
    };
    let blob = STANDARD.decode(encoded).map_err(|_| BadKey::Malformed)?;
    check_blob(algorithm, &blob)?;
    let digest: [u8; 32] = Sha256::digest(&blob).into();
    let fingerprint = Fingerprint(format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)));
    Ok(PublicKey { algorithm, blob, fingerprint })
}

/// The fields of the algorithm, whole and nothing after them: otherwise one key could have many fingerprints.
fn check_blob(algorithm: &str, blob: &[u8]) -> Result<(), BadKey> {
    let mut rest = blob;
    if field(&mut rest)? != algorithm.as_bytes() {
        return Err(BadKey::Mismatch);
    }
    let good = match algorithm {
        "ssh-ed25519" => field(&mut rest)?.len() == ED25519_BYTES,
        "sk-ssh-ed25519@openssh.com" => {
            field(&mut rest)?.len() == ED25519_BYTES && !field(&mut rest)?.is_empty()
        }
        _ => {
            field(&mut rest)? == P256_CURVE && {
                let point = field(&mut rest)?;
                point.len() == P256_BYTES && point[0] == 4
            }
        }
    };
    if good && rest.is_empty() { Ok(()) } else { Err(BadKey::Malformed) }
}

/// A string as SSH writes it: its length in four bytes, then its bytes.
fn field<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], BadKey> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(BadKey::Malformed)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| BadKey::Malformed)?;
    let (bytes, after) = after.split_at_checked(length).ok_or(BadKey::Malformed)?;
    *rest = after;
    Ok(bytes)
}

/// The line without its comment, which often holds a name or a machine.
pub fn without_comment(line: &str) -> String {
    line.split(' ').filter(|word| !word.is_empty()).take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The line of an Ed25519 key of these bytes. Nobody has its private half.
    pub(crate) fn line(byte: u8) -> String {
        encoded("ssh-ed25519", &[b"ssh-ed25519", &[byte; 32]])
    }

    fn encoded(word: &str, fields: &[&[u8]]) -> String {
        let mut blob = Vec::new();
        for field in fields {
            blob.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
            blob.extend(*field);
        }
        format!("{word} {}", STANDARD.encode(blob))
    }

    #[test]
    fn a_fingerprint_is_the_one_that_openssh_shows() {
        // The host key that github.com publishes, with the fingerprint that it publishes.
        let known = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        assert_eq!(
            fingerprint(known).unwrap().as_str(),
            "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
        );
        assert_eq!(fingerprint(&format!("  {known} someone@machine")), fingerprint(known));
        assert_eq!(without_comment(&format!("{known} someone@machine")), known);
    }

    #[test]
    fn the_sorts_that_are_taken() {
        let point = [[4_u8].as_slice(), &[7; 64]].concat();
        let key = "sk-ssh-ed25519@openssh.com";
        let good = [
            line(1),
            encoded(key, &[key.as_bytes(), &[1; 32], b"ssh:"]),
            encoded("ecdsa-sha2-nistp256", &[b"ecdsa-sha2-nistp256", b"nistp256", &point]),
        ];
        for line in good {
            assert!(read(&line).is_ok(), "{line}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let rsa = encoded("ssh-rsa", &[b"ssh-rsa", &[1, 0, 1], &[9; 256]]);
        assert_eq!(read(&rsa), Err(BadKey::Algorithm("ssh-rsa".to_owned())));
        assert_eq!(read("-----BEGIN OPENSSH PRIVATE KEY-----"), Err(BadKey::Private));
        assert_eq!(read(&encoded("ssh-ed25519", &[b"ssh-rsa", &[1; 32]])), Err(BadKey::Mismatch));
        let malformed = [
            String::new(),
            "ssh-ed25519".to_owned(),
            "ssh-ed25519 AAAA".to_owned(),
            format!("no-pty {}", line(1)),
            format!("{}\nssh-rsa AAAA", line(1)),
            format!("{}\u{0}", line(1)),
            line(1).replace("ssh-ed25519", "ssh-ed\u{202e}25519"),
            encoded("ssh-ed25519", &[b"ssh-ed25519", &[1; 31]]),
            encoded("ssh-ed25519", &[b"ssh-ed25519", &[1; 32], b"more"]),
            format!("ssh-ed25519 {}", STANDARD.encode([0xff; 40])),
            format!("ssh-ed25519 {}", "A".repeat(1 << 20)),
            "no-such-sort AAAA".to_owned(),
        ];
        for line in malformed {
            assert_eq!(read(&line), Err(BadKey::Malformed), "{}", line.chars().take(60).collect::<String>());
        }
    }
}
