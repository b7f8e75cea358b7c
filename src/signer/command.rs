//! A key that a service holds: a program of the organisation's is asked for each signature. What is to be signed is its
//! input, the signature its output; no shell is between, and no answer is believed that does not fit the public key.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Instant;

use serde::Deserialize;

use super::file_key::read_private;
use super::{Signer, SignerError};
use crate::base::limits::{HOOK_POLL, SIGNATURE_BYTES_MAX, SIGNER_TIMEOUT};
use crate::evidence::note::{Signature, VerifierKey};

/// A key behind a program.
pub struct CommandKey {
    /// The program and its arguments.
    words: Vec<String>,
    folder: PathBuf,
    public: VerifierKey,
}

/// The file that names the program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    command: Vec<String>,
    public_key: String,
}

impl CommandKey {
    /// Reads the file that names the program and the public key; nothing if there is none.
    ///
    /// # Errors
    ///
    /// If others can read it, it cannot be read, or the name is not one.
    pub fn open(path: &Path, name: &str) -> Result<Option<Self>, SignerError> {
        let Some(text) = read_private(path)? else { return Ok(None) };
        let wrong = |what: &str| SignerError::NotAKey { path: path.to_owned(), what: what.to_owned() };
        let named: Named = toml::from_str(&text)
            .map_err(|_| wrong("it needs `command`, a list of words, and `public_key`, a PEM text"))?;
        if named.command.first().is_none_or(String::is_empty) {
            return Err(wrong("its command is empty"));
        }
        let public = VerifierKey::from_pem(name, &named.public_key)
            .map_err(|_| wrong("its public key is no Ed25519 or P-256 key in PEM"))?;
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Some(Self { words: named.command, folder, public }))
    }

    fn failed(&self, what: impl Into<String>) -> SignerError {
        let program = self.words.first().cloned().unwrap_or_default();
        SignerError::Command { program, what: what.into() }
    }

    /// What the program prints. That is read by a thread of its own, because a child of the program could hold the pipe
    /// open longer than we wait; so is what it is given, because it may never read it.
    fn asked(&self, bytes: &[u8]) -> Result<Vec<u8>, SignerError> {
        let (program, arguments) = self.words.split_first().expect("looked at when it was opened");
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| self.failed(format!("cannot be started: {}", error.kind())))?;
        let (given, mut to) = (bytes.to_vec(), child.stdin.take().expect("it was asked for"));
        let pipe = child.stdout.take().expect("it was asked for");
        // A program that goes away early says so by how it ends.
        std::thread::spawn(move || to.write_all(&given));
        let (say, heard) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.take(SIGNATURE_BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes);
            // Nobody listens any more when it took too long.
            let _ = say.send(read);
        });
        let begun = Instant::now();
        let read = heard.recv_timeout(SIGNER_TIMEOUT.as_std());
        self.ended(&mut child, begun)?;
        match read {
            Ok(Ok(bytes)) if bytes.len() as u64 > SIGNATURE_BYTES_MAX => {
                Err(self.failed("said more than a signature"))
            }
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) | Err(_) => Err(self.failed("cannot be read from")),
        }
    }

    fn ended(&self, child: &mut Child, begun: Instant) -> Result<(), SignerError> {
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.failed(format!("ended with {status}"))),
                Ok(None) if begun.elapsed() < SIGNER_TIMEOUT.as_std() => {
                    std::thread::sleep(HOOK_POLL.as_std());
                }
                Ok(None) => {
                    // It may have ended just now; either way it does not run on.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(self.failed(format!("did not end within {SIGNER_TIMEOUT}")));
                }
                Err(error) => return Err(self.failed(format!("cannot be waited for: {}", error.kind()))),
            }
        }
    }
}

impl Signer for CommandKey {
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignerError> {
        let said = self.asked(bytes)?;
        // Key services give a P-256 signature as DER or as two numbers.
        let plain = || said.as_slice().try_into().ok().map(Signature);
        let signature = self.public.decoded(&said).or_else(plain);
        signature
            .filter(|signature| self.public.verifies(bytes, signature))
            .ok_or_else(|| self.failed("gave something else than a signature by its public key"))
    }

    fn vkey(&self) -> &VerifierKey {
        &self.public
    }
}

impl fmt::Debug for CommandKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandKey({})", self.public)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::signer::file_key::{FileKey, write_private};

    const MESSAGE: &[u8] = b"the message\n";

    /// A key with a program that prints this file.
    fn key(folder: &Path, name: &str, words: &[&str], pem: &str) -> Result<Option<CommandKey>, SignerError> {
        let path = folder.join(name);
        let text = format!("command = {words:?}\npublic_key = \"\"\"\n{pem}\"\"\"\n");
        write_private(&path, text.as_bytes()).expect("a file");
        CommandKey::open(&path, "evidence.x/bundle")
    }

    fn told(key: &CommandKey) -> String {
        match key.sign(MESSAGE) {
            Ok(_) => "signed".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_program_signs_and_nothing_else_is_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        let own = FileKey::open(&at.join("own.pem"), "evidence.x/bundle").expect("a key");
        let pem = own.vkey().pem();
        std::fs::write(at.join("good"), own.sign(MESSAGE).expect("signed").0).expect("written");
        std::fs::write(at.join("other"), own.sign(b"another").expect("signed").0).expect("written");
        std::fs::write(at.join("long"), vec![7; 1 << 20]).expect("written");
        let cases: [(&str, &[&str], &str); 8] = [
            ("good", &["cat", "good"], "signed"),
            ("other", &["cat", "other"], "gave something else than a signature"),
            ("nothing", &["true"], "gave something else than a signature"),
            ("echo", &["cat"], "gave something else than a signature"),
            ("long", &["cat", "long"], "ended with|said more than a signature"),
            ("fails", &["false"], "ended with"),
            ("absent", &["./no-such-program"], "cannot be started"),
            ("shell", &["echo", "$(cat good)", ";", "cat", "good"], "gave something else than a signature"),
        ];
        for (name, words, expected) in cases {
            let key = key(at, name_of(name).as_str(), words, &pem).expect("read").expect("there");
            let found = told(&key);
            assert!(expected.split('|').any(|words| found.contains(words)), "{name}: {found}");
        }
    }

    fn name_of(name: &str) -> String {
        format!("{name}.toml")
    }

    #[test]
    fn a_file_that_names_no_program_or_no_key_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        let pem = FileKey::open(&at.join("own.pem"), "evidence.x/bundle").expect("a key").vkey().pem();
        assert!(CommandKey::open(&at.join("none.toml"), "evidence.x/bundle").expect("no file").is_none());
        for (name, words, pem) in
            [("a", &[][..], pem.as_str()), ("b", &[""][..], &pem), ("c", &["true"][..], "no key\n")]
        {
            let found = key(at, name, words, pem);
            assert!(matches!(found, Err(SignerError::NotAKey { .. })), "{name}");
        }
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(at.join("a"), std::fs::Permissions::from_mode(0o644)).expect("permissions");
        assert!(matches!(CommandKey::open(&at.join("a"), "x"), Err(SignerError::Exposed { .. })));
    }
}
