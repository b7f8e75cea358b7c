//! A client of the SSH agent: lists its keys, and has it sign. Security keys are asked by the agent, with a touch.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::PersonSignError;
use crate::evidence::sshsig::key::PublicKey;
#[cfg(unix)]
use crate::evidence::sshsig::wire::{Reader, Writer};

/// The variable that says where the agent is.
const SOCKET: &str = "SSH_AUTH_SOCK";
/// Longest message of an agent, as OpenSSH's own limit.
#[cfg(unix)]
const MESSAGE_BYTES_MAX: u32 = 256 << 10;
/// Most keys that are looked at: OpenSSH servers refuse a client after six.
#[cfg(unix)]
const KEYS_MAX: u32 = 1_000;
/// How long the agent may take: somebody has to find the security key and touch it.
#[cfg(unix)]
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(90);

#[cfg(unix)]
mod number {
    pub const REQUEST_IDENTITIES: u8 = 11;
    pub const IDENTITIES_ANSWER: u8 = 12;
    pub const SIGN_REQUEST: u8 = 13;
    pub const SIGN_RESPONSE: u8 = 14;
}

/// An agent by the path of its socket.
#[derive(Debug, Clone)]
pub struct Agent {
    #[cfg_attr(not(unix), allow(dead_code))]
    socket: PathBuf,
}

impl Agent {
    /// The agent of this session.
    ///
    /// # Errors
    ///
    /// If none is named.
    pub fn of_session() -> Result<Self, PersonSignError> {
        let named = std::env::var_os(SOCKET).filter(|path: &OsString| !path.is_empty());
        let named = named.ok_or_else(|| PersonSignError::NoAgent { why: format!("{SOCKET} is not set") })?;
        Ok(Self::at(Path::new(&named)))
    }

    /// The agent behind this socket.
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }
}

#[cfg(unix)]
impl Agent {
    /// The keys that it holds and that can be used here.
    ///
    /// # Errors
    ///
    /// If it cannot be asked, or answers something else.
    pub fn keys(&self) -> Result<Vec<PublicKey>, PersonSignError> {
        let answer = self.ask(&[number::REQUEST_IDENTITIES])?;
        let said = || PersonSignError::Agent { what: "does not say which keys it has".to_owned() };
        let mut reader = Reader(&answer);
        if reader.byte() != Some(number::IDENTITIES_ANSWER) {
            return Err(said());
        }
        let count = reader.number().filter(|count| *count <= KEYS_MAX).ok_or_else(said)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let (blob, _comment) = reader.string().zip(reader.string()).ok_or_else(said)?;
            // Keys of other types are there for other purposes.
            keys.extend(PublicKey::from_blob(blob));
        }
        Ok(keys)
    }

    /// The signature in the agent's own form.
    pub(super) fn sign(&self, key: &PublicKey, message: &[u8]) -> Result<Vec<u8>, PersonSignError> {
        let request = Writer(vec![number::SIGN_REQUEST]).string(&key.blob()).string(message).number(0);
        let answer = self.ask(&request.0)?;
        let mut reader = Reader(&answer);
        let signed = reader.byte() == Some(number::SIGN_RESPONSE);
        let signature = reader.string().filter(|_| signed && reader.is_done());
        signature.map(<[u8]>::to_vec).ok_or_else(|| PersonSignError::Agent {
            what: format!(
                "did not sign with the key {}: it was not touched, or somebody said no",
                key.fingerprint()
            ),
        })
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, PersonSignError> {
        use std::io::{Read as _, Write as _};
        use std::os::unix::net::UnixStream;
        let gone = |why: std::io::Error| PersonSignError::NoAgent {
            why: format!("{}: {why}", self.socket.display()),
        };
        let mut stream = UnixStream::connect(&self.socket).map_err(gone)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(gone)?;
        stream.set_write_timeout(Some(ANSWER_WITHIN)).map_err(gone)?;
        stream.write_all(&Writer::default().string(request).0).map_err(gone)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(gone)?;
        let length = u32::from_be_bytes(length);
        if length == 0 || length > MESSAGE_BYTES_MAX {
            let what = format!("answers with {length} bytes, which no agent does");
            return Err(PersonSignError::Agent { what });
        }
        let mut answer = Vec::new();
        stream.take(u64::from(length)).read_to_end(&mut answer).map_err(gone)?;
        let whole = u32::try_from(answer.len()).is_ok_and(|read| read == length);
        whole
            .then_some(answer)
            .ok_or_else(|| PersonSignError::Agent { what: "broke off in its answer".to_owned() })
    }
}

#[cfg(not(unix))]
impl Agent {
    /// The keys that it holds: agents are only asked over sockets of Unix.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn keys(&self) -> Result<Vec<PublicKey>, PersonSignError> {
        Err(PersonSignError::NoAgent { why: "agents are asked on Unix only".to_owned() })
    }

    pub(super) fn sign(&self, _key: &PublicKey, _message: &[u8]) -> Result<Vec<u8>, PersonSignError> {
        Err(PersonSignError::NoAgent { why: "agents are asked on Unix only".to_owned() })
    }
}
