//! The key behind the pseudonyms in the org log, in a private file of 64 hexadecimal digits; made on first use.

use std::path::Path;

use super::SignerError;
use super::file_key::{read_private, write_private};
use crate::base::digest::Digest;
use crate::entropy::Entropy;
use crate::evidence::heads::PseudonymKey;

/// Reads the key, or makes a new one if there is no file at this path.
///
/// # Errors
///
/// If others can read the file, it is not such a key, or it cannot be read or written.
pub fn open(path: &Path, entropy: Entropy) -> Result<PseudonymKey, SignerError> {
    let text = match read_private(path)? {
        Some(text) => text,
        None => {
            write_private(
                path,
                format!("{}\n", Digest::from_bytes(entropy.bytes("pseudonyms")?)).as_bytes(),
            )?;
            read_private(path)?.unwrap_or_default()
        }
    };
    let key: Digest = text.trim_end().parse().map_err(|_| SignerError::NotAKey {
        path: path.to_owned(),
        what: "it does not hold 64 hexadecimal digits".into(),
    })?;
    Ok(PseudonymKey::new(*key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::LogId;

    #[test]
    fn made_once_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        let pseudonym = |path: &Path| open(path, Entropy::System).expect("a key").pseudonym(&LogId::Org);
        assert_eq!(pseudonym(&one), pseudonym(&one));
        assert_ne!(pseudonym(&one), pseudonym(&other));
    }
}
