//! A key of evidence, wherever it is held: in a file, or by a service behind a program.

use std::path::Path;

use super::command::CommandKey;
use super::file_key::FileKey;
use super::{Signer, SignerError};
use crate::entropy::Entropy;
use crate::evidence::note::{Signature, VerifierKey};

/// A key of evidence.
#[derive(Debug)]
pub enum HeldKey {
    /// In a file.
    File(FileKey),
    /// Behind a program.
    Command(CommandKey),
}

impl HeldKey {
    /// The key of this word in a folder: behind the program that `<word>.command.toml` names, or in `<word>.pem`, which is
    /// made if there is neither.
    ///
    /// # Errors
    ///
    /// As [`CommandKey::open`] and [`FileKey::open_or_make`]; and if there are both, since it is not known which counts.
    pub fn open(dir: &Path, word: &str, name: &str, entropy: Entropy) -> Result<Self, SignerError> {
        let (file, program) = (dir.join(format!("{word}.pem")), dir.join(format!("{word}.command.toml")));
        match CommandKey::open(&program, name)? {
            Some(_) if file.exists() => {
                let what = format!("{} is there too: move one of them away", file.display());
                Err(SignerError::NotAKey { path: program, what })
            }
            Some(key) => Ok(Self::Command(key)),
            None => FileKey::open_or_make(&file, name, entropy).map(Self::File),
        }
    }
}

impl Signer for HeldKey {
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignerError> {
        match self {
            Self::File(key) => key.sign(bytes),
            Self::Command(key) => key.sign(bytes),
        }
    }

    fn vkey(&self) -> &VerifierKey {
        match self {
            Self::File(key) => key.vkey(),
            Self::Command(key) => key.vkey(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signer::file_key::write_private;

    #[test]
    fn a_program_is_asked_where_one_is_named_and_two_keys_are_one_too_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |word: &str| HeldKey::open(folder.path(), word, "evidence.x", Entropy::System);
        let file = open("log").expect("a key");
        assert!(matches!(file, HeldKey::File(_)));
        let text = format!("command = [\"true\"]\npublic_key = '''{}'''\n", file.vkey().pem());
        for word in ["log", "bundle"] {
            let path = folder.path().join(format!("{word}.command.toml"));
            write_private(&path, text.as_bytes()).expect("a file");
        }
        let error = open("log").expect_err("both").to_string();
        assert!(error.contains("move one of them away"), "{error}");
        let held = open("bundle").expect("a key");
        assert_eq!(held.vkey(), file.vkey());
        assert!(held.sign(b"x").is_err(), "it prints nothing");
    }
}
