//! Checkpoints: a log's origin, size and root as C2SP `tlog-checkpoint` writes them, signed as a note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::base::digest::Digest;

use super::note::{NoteError, SignedNote, VerifierKey};

/// What a signature over a log states: at this size it had this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name outside this program.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a note, or not signed by the key that was asked for.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note's text is not a checkpoint.
    #[error("the signed text is not origin, size and root, a line each")]
    Malformed,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()))
    }

    /// Reads the text; only what [`Checkpoint::text`] writes is accepted, so extension lines are not.
    ///
    /// # Errors
    ///
    /// `Malformed`.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(encoded)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Malformed);
        };
        let size = size.parse().map_err(|_| CheckpointError::Malformed)?;
        let root = BASE64.decode(encoded).map_err(|_| CheckpointError::Malformed)?;
        let root = Digest::from_bytes(root.try_into().map_err(|_| CheckpointError::Malformed)?);
        let checkpoint = Self { origin: origin.to_owned(), size, root };
        let exact = !origin.is_empty() && checkpoint.text() == text;
        if exact { Ok(checkpoint) } else { Err(CheckpointError::Malformed) }
    }

    /// Reads a signed checkpoint and checks that this key signed it.
    ///
    /// # Errors
    ///
    /// If it is not a note, not signed by the key, or not a checkpoint.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(note)?;
        Self::parse(note.verified(key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::note::tests::{key, signed};

    fn example() -> Checkpoint {
        Checkpoint { origin: "evidence.example/site/HRB01".into(), size: 11, root: Digest::of(b"root") }
    }

    #[test]
    fn written_signed_and_opened() {
        let own = key("evidence.example", 3);
        let note = signed(&example().text(), &own);
        assert_eq!(Checkpoint::open(note.as_bytes(), &own.1), Ok(example()));
        assert!(Checkpoint::open(note.replace("\n11\n", "\n10\n").as_bytes(), &own.1).is_err());
    }

    #[test]
    fn only_one_spelling_is_accepted() {
        let good = example().text();
        let bad = [
            good.replace("11", "011"),
            good.replace("11", "+11"),
            good.replace("11", "-1"),
            good.replace("11", "99999999999999999999"),
            good.replace('=', ""),
            format!("{good}extension\n"),
            good.trim_end().to_owned(),
            good.replace("evidence.example/site/HRB01", ""),
            String::new(),
        ];
        for text in bad {
            assert_eq!(Checkpoint::parse(&text), Err(CheckpointError::Malformed), "{text:?}");
        }
    }
}
