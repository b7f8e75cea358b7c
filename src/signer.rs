//! Floor 3: the port to whatever holds a private key.

pub mod command;
pub mod file_key;
pub mod held;
pub mod person;
pub mod pseudonym_file;

use std::path::PathBuf;

use crate::entropy::NoRandomness;
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::note::{self, Signature, VerifierKey};

/// What can go wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The key file can be read by others.
    #[error("the key file {path} can be read by others: set its mode to 0600")]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a key.
    #[error("the file {path} is not a key: {what}")]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The key's name cannot be one.
    #[error("`{name}` cannot be the name of a key")]
    BadName {
        /// The name.
        name: String,
    },
    /// The file cannot be read or written.
    #[error("the key file {path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program that holds the key does not sign.
    #[error("the program {program}, which holds the key, {what}")]
    Command {
        /// The program.
        program: String,
        /// What it did.
        what: String,
    },
    /// The key's library does not sign.
    #[error("the key in the file does not sign")]
    NoSignature,
    /// The system gives no random bytes.
    #[error("a new key cannot be made: {0}")]
    NoRandomness(#[from] NoRandomness),
}

/// Signs with one named key.
pub trait Signer: Send + Sync {
    /// Signs these bytes.
    ///
    /// # Errors
    ///
    /// If whatever holds the key does not answer; a key in a file always does.
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignerError>;

    /// The public key and its name.
    fn vkey(&self) -> &VerifierKey;
}

/// Signs a text, which must end in a newline, as a note.
///
/// # Errors
///
/// As [`Signer::sign`].
pub fn sign_note(signer: &dyn Signer, text: &str) -> Result<String, SignerError> {
    let signature = signer.sign(text.as_bytes())?;
    Ok(note::write(text, signer.vkey(), &signature))
}

/// Signs a checkpoint.
///
/// # Errors
///
/// As [`Signer::sign`].
pub fn sign_checkpoint(signer: &dyn Signer, checkpoint: &Checkpoint) -> Result<String, SignerError> {
    sign_note(signer, &checkpoint.text())
}
