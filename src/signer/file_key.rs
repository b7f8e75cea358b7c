//! An Ed25519 or P-256 key in a PKCS#8 PEM file that only its owner can read; an Ed25519 key is made on first use.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes, SecretDocument};
use ed25519_dalek::{Signer as _, SigningKey};

use super::{Signer, SignerError};
use crate::entropy::Entropy;
use crate::evidence::note::{NoteError, Signature, VerifierKey};

/// A PKCS#8 Ed25519 key in PEM is below 200 bytes.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// A key in a file. Its secret part never leaves this type, and is wiped from memory with it.
pub struct FileKey {
    secret: Secret,
    public: VerifierKey,
}

enum Secret {
    Ed25519(SigningKey),
    P256(EcdsaKeyPair),
}

impl Secret {
    fn from_pem(text: &str) -> Option<Self> {
        if let Ok(key) = SigningKey::from_pkcs8_pem(text) {
            return Some(Self::Ed25519(key));
        }
        let (label, document) = SecretDocument::from_pem(text).ok()?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_bytes());
        key.ok().filter(|_| label == "PRIVATE KEY").map(Self::P256)
    }

    fn public(&self, name: &str) -> Result<VerifierKey, NoteError> {
        match self {
            Self::Ed25519(key) => VerifierKey::new(name, key.verifying_key().as_bytes()),
            Self::P256(key) => {
                let point = key.public_key().as_ref().try_into().map_err(|_| NoteError::BadKey)?;
                VerifierKey::p256(name, point)
            }
        }
    }
}

impl FileKey {
    /// Reads the key, or makes a new one if there is no file at this path.
    ///
    /// # Errors
    ///
    /// If others can read the file, it is no Ed25519 or P-256 key, it cannot be read or written, or the name is not one.
    pub fn open(path: &Path, name: &str) -> Result<Self, SignerError> {
        Self::open_or_make(path, name, Entropy::System)
    }

    /// As [`FileKey::open`], with the source of a new key's bytes.
    ///
    /// # Errors
    ///
    /// As [`FileKey::open`].
    pub fn open_or_make(path: &Path, name: &str, entropy: Entropy) -> Result<Self, SignerError> {
        let text = match read_private(path)? {
            Some(text) => text,
            None => {
                write_private(path, new_key(entropy, name)?.as_bytes())?;
                // Somebody else may have been quicker: what stands in the file is the key.
                read_private(path)?.unwrap_or_default()
            }
        };
        let secret = Secret::from_pem(&text).ok_or_else(|| SignerError::NotAKey {
            path: path.to_owned(),
            what: "it does not hold an Ed25519 or P-256 key as PKCS#8 PEM".into(),
        })?;
        let public = secret.public(name).map_err(|_| SignerError::BadName { name: name.to_owned() })?;
        Ok(Self { secret, public })
    }
}

impl Signer for FileKey {
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignerError> {
        match &self.secret {
            Secret::Ed25519(key) => Ok(Signature(key.sign(bytes).to_bytes())),
            Secret::P256(key) => {
                let signed = key.sign(&SystemRandom::new(), bytes).map_err(|_| SignerError::NoSignature)?;
                signed.as_ref().try_into().map(Signature).map_err(|_| SignerError::NoSignature)
            }
        }
    }

    fn vkey(&self) -> &VerifierKey {
        &self.public
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey({})", self.public)
    }
}

fn new_key(entropy: Entropy, name: &str) -> Result<String, SignerError> {
    // Without the public half: OpenSSL 3.0 reads only version 1 of the format.
    let pair = KeypairBytes { secret_key: entropy.bytes(&format!("key\n{name}"))?, public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF).expect("32 bytes have a PKCS#8 form");
    Ok(pem.to_string())
}

/// The text of a private file; nothing if there is no such file.
pub(super) fn read_private(path: &Path) -> Result<Option<String>, SignerError> {
    let failed = |source| SignerError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if is_exposed(&file.metadata().map_err(failed)?) {
        return Err(SignerError::Exposed { path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Writes a private file in one step; if there is one already, it stays as it is.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), SignerError> {
    let failed = |source| SignerError::File { path: path.to_owned(), source };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    // A temporary file has mode 0600 from the start.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

#[cfg(unix)]
fn is_exposed(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_exposed(_metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::evidence::checkpoint::Checkpoint;
    use crate::evidence::note::{Algorithm, SignedNote};
    use crate::evidence::sshsig;
    use crate::signer::sign_checkpoint;

    #[test]
    fn made_once_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys/log.pem");
        let first = FileKey::open(&path, "evidence.x").expect("a key");
        let again = FileKey::open(&path, "evidence.x").expect("a key");
        assert_eq!(first.vkey(), again.vkey());
        let other = FileKey::open(&folder.path().join("other.pem"), "evidence.x").expect("a key");
        assert_ne!(first.vkey(), other.vkey());
        let checkpoint = Checkpoint { origin: "evidence.x/org".into(), size: 1, root: Digest::of(b"") };
        let note = sign_checkpoint(&first, &checkpoint).expect("a note");
        assert_eq!(Checkpoint::open(note.as_bytes(), again.vkey()), Ok(checkpoint));
        assert!(Checkpoint::open(note.as_bytes(), other.vkey()).is_err());
        assert!(!format!("{first:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_p256_key_signs_notes_and_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bundle.pem");
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let document = SecretDocument::try_from(made.expect("a key").as_ref()).expect("DER");
        let pem = document.to_pem("PRIVATE KEY", LineEnding::LF).expect("PEM");
        write_private(&path, pem.as_bytes()).expect("a file");
        let key = FileKey::open(&path, "evidence.x/bundle").expect("a key");
        assert_eq!(key.vkey().algorithm(), Algorithm::P256);
        assert_eq!(VerifierKey::from_pem("evidence.x/bundle", &key.vkey().pem()).as_ref(), Ok(key.vkey()));
        let note = crate::signer::sign_note(&key, "text\n").expect("signed");
        let read = SignedNote::parse(note.as_bytes()).expect("a note");
        assert_eq!(read.verified(key.vkey()), Ok("text\n"));
        let parsed: VerifierKey = key.vkey().to_string().parse().expect("a vkey");
        assert_eq!(&parsed, key.vkey());
        let list = b"0  a\n";
        let signature = key.sign(&sshsig::message(list)).expect("signed");
        let armour = sshsig::write(key.vkey(), &signature);
        assert_eq!(sshsig::verify(armour.as_bytes(), key.vkey(), list), Ok(()));
        assert!(sshsig::verify(armour.as_bytes(), key.vkey(), b"else").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.pem");
        FileKey::open(&path, "evidence.x").expect("a key");
        let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("permissions");
        assert!(matches!(FileKey::open(&path, "evidence.x"), Err(SignerError::Exposed { .. })));
    }

    #[test]
    fn other_files_are_not_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in
            [("empty", ""), ("text", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
        {
            let path = folder.path().join(name);
            write_private(&path, text.as_bytes()).expect("a file");
            assert!(matches!(FileKey::open(&path, "evidence.x"), Err(SignerError::NotAKey { .. })), "{name}");
        }
        let good = folder.path().join("good");
        assert!(matches!(FileKey::open(&good, "two words"), Err(SignerError::BadName { .. })));
    }
}
