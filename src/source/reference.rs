//! Looks up what a reference to a secret stands for: `env:NAME`, `file:PATH`, `exec:PROGRAM ARGUMENT …`.
//!
//! Nothing that was read is ever repeated in a message.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::Instant;

use crate::base::limits::{HOOK_POLL, SECRET_BYTES_MAX, SECRET_TIMEOUT};
use crate::base::secret::Secret;
use crate::model::notify::SecretRef;

/// Why there is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// A variable is not set, or set to nothing.
    #[error("the variable {name} is not set")]
    NotSet {
        /// Its name.
        name: String,
    },
    /// A file cannot be used.
    #[error("{path} {what}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// A program did not give one.
    #[error("the program `{program}` {what}")]
    Program {
        /// The program.
        program: String,
        /// What came of it.
        what: String,
    },
    /// What was found is no secret.
    #[error("{reference} holds {what}")]
    Unusable {
        /// The reference.
        reference: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// What a reference stands for. Files and programs are taken from the estate's folder; a newline at the end is left
/// out.
///
/// # Errors
///
/// See [`ReferenceError`].
pub fn resolve(reference: &SecretRef, root: &Path) -> Result<Secret, ReferenceError> {
    let bytes = match reference {
        SecretRef::Env(name) => std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ReferenceError::NotSet { name: name.clone() })?
            .into_encoded_bytes(),
        SecretRef::File(path) => from_file(&root.join(path))?,
        SecretRef::Exec(words) => from_program(words, root)?,
    };
    taken(reference, bytes)
}

fn taken(reference: &SecretRef, bytes: Vec<u8>) -> Result<Secret, ReferenceError> {
    let unusable = |what| ReferenceError::Unusable { reference: reference.to_string(), what };
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(unusable("more than 4096 bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| unusable("something that is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.trim().is_empty() { Err(unusable("nothing")) } else { Ok(Secret::new(text)) }
}

fn from_file(path: &PathBuf) -> Result<Vec<u8>, ReferenceError> {
    let bad = |what: String| ReferenceError::File { path: path.display().to_string(), what };
    let unreadable = |error: std::io::Error| bad(format!("cannot be read: {}", error.kind()));
    // Asked before it is opened: opening a pipe would wait for somebody who writes.
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(bad("is not a file".to_owned()));
    }
    if is_open_to_all(&metadata) {
        return Err(bad("can be read or written by everybody on this machine: chmod o-rwx".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(unix)]
fn is_open_to_all(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o007 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_metadata: &fs::Metadata) -> bool {
    false
}

/// Runs a program without a shell and takes what it prints. That is read by a thread of its own, because a child of the
/// program could hold the pipe open longer than we wait.
fn from_program(words: &[String], root: &Path) -> Result<Vec<u8>, ReferenceError> {
    let (program, arguments) = words.split_first().expect("a reference to a program names it");
    let bad = |what: String| ReferenceError::Program { program: program.clone(), what };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| bad(format!("cannot be started: {}", error.kind())))?;
    let pipe = child.stdout.take().expect("its output was asked for");
    let (say, heard) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes);
        // Nobody listens any more when it took too long.
        let _ = say.send(read);
    });
    let begun = Instant::now();
    let read = heard.recv_timeout(SECRET_TIMEOUT.as_std());
    let status = ended(&mut child, begun).map_err(|error| bad(format!("cannot be waited for: {error}")))?;
    match (read, status) {
        (Ok(Ok(bytes)), _) if bytes.len() as u64 > SECRET_BYTES_MAX => Ok(bytes),
        (Ok(Ok(bytes)), Some(status)) if status.success() => Ok(bytes),
        (Ok(Ok(_)), Some(status)) => Err(bad(format!("ended with {status}"))),
        (Ok(Err(error)), _) => Err(bad(format!("cannot be read from: {}", error.kind()))),
        (Err(_), _) | (Ok(Ok(_)), None) => Err(bad(format!("did not end within {SECRET_TIMEOUT}"))),
    }
}

/// How a program ended, or nothing if it had to be ended.
fn ended(child: &mut Child, begun: Instant) -> Result<Option<ExitStatus>, std::io::ErrorKind> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if begun.elapsed() < SECRET_TIMEOUT.as_std() => std::thread::sleep(HOOK_POLL.as_std()),
            Ok(None) => {
                // It may have ended just now; either way it does not run on.
                let _ = child.kill();
                let _ = child.wait();
                return Ok(None);
            }
            Err(error) => return Err(error.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(folder: &Path, reference: &str) -> String {
        match resolve(&SecretRef::new(reference).unwrap(), folder) {
            Ok(secret) => format!("secret {}", secret.expose()),
            Err(error) => error.to_string().replace(&folder.display().to_string(), "."),
        }
    }

    #[cfg(unix)]
    fn file(folder: &Path, name: &str, bytes: &[u8], mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(folder.join(name), bytes).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_variable_that_is_not_there_is_named() {
        assert_eq!(told(Path::new("/"), "env:LANDFALL_NOT_SET"), "the variable LANDFALL_NOT_SET is not set");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_read_below_the_estate_with_limits_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        file(at, "key", b"hush hush\r\n", 0o600);
        file(at, "open", b"hush hush\n", 0o644);
        file(at, "large", &vec![b'x'; 5000], 0o600);
        file(at, "empty", b"\n", 0o600);
        file(at, "bytes", &[0xff, 0xfe], 0o600);
        fs::create_dir(at.join("folder")).unwrap();
        let cases = [
            ("file:key", "secret hush hush"),
            ("file:open", "./open can be read or written by everybody on this machine: chmod o-rwx"),
            ("file:large", "file:large holds more than 4096 bytes"),
            ("file:empty", "file:empty holds nothing"),
            ("file:bytes", "file:bytes holds something that is not UTF-8 text"),
            ("file:folder", "./folder is not a file"),
            ("file:none", "./none cannot be read: entity not found"),
        ];
        for (reference, expected) in cases {
            assert_eq!(told(at, reference), expected);
        }
        let absolute = format!("file:{}", at.join("key").display());
        assert_eq!(told(Path::new("/"), &absolute), "secret hush hush");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_run_without_a_shell_and_what_it_prints_is_limited() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        file(at, "key", b"hush; hush\n", 0o600);
        assert_eq!(told(at, "exec:cat key"), "secret hush; hush");
        assert_eq!(told(at, "exec:echo $HOME;id"), "secret $HOME;id");
        assert_eq!(told(at, "exec:cat none"), "the program `cat` ended with exit status: 1");
        assert_eq!(told(at, "exec:cat /dev/zero"), "exec:cat holds more than 4096 bytes");
        assert!(
            told(at, "exec:no-such-program x").starts_with("the program `no-such-program` cannot be started")
        );
    }
}
