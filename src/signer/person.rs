//! Signs what a person decides, with their own SSH key: from a file, or by the agent that holds it.

mod agent;
mod key_file;

use std::path::PathBuf;

use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::sshsig::people::{self, Hash};
use crate::signer::SignerError;

pub use agent::Agent;
pub use key_file::PersonFile;

/// What can go wrong when a person signs.
#[derive(Debug, thiserror::Error)]
pub enum PersonSignError {
    /// The file cannot be used as a key: see there.
    #[error(transparent)]
    File(#[from] SignerError),
    /// The file's key is locked with a passphrase.
    #[error(
        "the key {path} is locked with a passphrase, which is not asked for here: `ssh-add {path}` gives it to the agent"
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file only points to a key on a piece of hardware.
    #[error("the key {path} is on a security key, which only the agent can ask: `ssh-add {path}` tells it")]
    OnHardware {
        /// The file.
        path: PathBuf,
    },
    /// No agent is there.
    #[error("no SSH agent can be asked: {why}; start one with `eval $(ssh-agent)`, or name a key with --key")]
    NoAgent {
        /// Why.
        why: String,
    },
    /// The agent does not do what it is asked for.
    #[error("the SSH agent {what}")]
    Agent {
        /// What it did.
        what: String,
    },
    /// What came back does not fit.
    #[error("the signature that came back does not fit what was to be signed")]
    DoesNotFit,
}

/// Somebody's key, wherever it is.
#[derive(Debug)]
pub enum PersonKey {
    /// In a file.
    File(PersonFile),
    /// With an agent.
    Agent(Agent, PublicKey),
}

impl PersonKey {
    /// The public key.
    pub fn public(&self) -> &PublicKey {
        match self {
            PersonKey::File(file) => file.public(),
            PersonKey::Agent(_, public) => public,
        }
    }

    /// The armoured SSH signature over these bytes for one purpose.
    ///
    /// # Errors
    ///
    /// If the agent does not sign, or signs something else.
    pub fn sign(&self, namespace: &str, bytes: &[u8]) -> Result<String, PersonSignError> {
        let message = people::message(namespace, Hash::Sha512, bytes);
        let signature = match self {
            PersonKey::File(file) => file.sign(&message),
            PersonKey::Agent(agent, public) => agent.sign(public, &message)?,
        };
        let text = people::armour(self.public(), namespace, Hash::Sha512, &signature);
        match people::verify(&text, namespace, bytes) {
            Ok(fitting) if fitting.key == *self.public() => Ok(text),
            Ok(_) | Err(_) => Err(PersonSignError::DoesNotFit),
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
