//! Proofs for offline use, as C2SP `tlog-proof` writes them: a place, the hashes from there to the root, a checkpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::base::digest::Digest;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Levels of the deepest tree that a `u64` can count.
const HASHES_MAX: usize = 64;

/// That a leaf stands at a place of the log that a signed checkpoint describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The leaf's place.
    pub index: u64,
    /// The hashes from the bottom up.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// The text is not a `tlog-proof`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tlog-proof of version 1")]
pub struct NotAProof;

impl TlogProof {
    /// The proof as text.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}\nindex {}\n", self.index);
        for hash in &self.hashes {
            text.push_str(&BASE64.encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads what [`TlogProof::text`] writes and nothing else.
    ///
    /// # Errors
    ///
    /// If it is anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAProof> {
        let text = std::str::from_utf8(bytes).map_err(|_| NotAProof)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NotAProof)?;
        let mut lines = head.split('\n').skip(1);
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(NotAProof)?;
        let index = index.parse().map_err(|_| NotAProof)?;
        let hashes: Option<Vec<Digest>> = lines.take(HASHES_MAX).map(hash).collect();
        let proof = Self { index, hashes: hashes.ok_or(NotAProof)?, checkpoint: checkpoint.to_owned() };
        if proof.text() == text { Ok(proof) } else { Err(NotAProof) }
    }
}

fn hash(line: &str) -> Option<Digest> {
    let bytes = BASE64.decode(line).ok()?;
    bytes.try_into().ok().map(Digest::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back_in_one_spelling() {
        let hashes = vec![Digest::of(b"a"), Digest::of(b"b")];
        let proof = TlogProof { index: 5, hashes, checkpoint: "origin\n6\nroot\n\n— key sig\n".into() };
        let text = proof.text();
        assert_eq!(TlogProof::parse(text.as_bytes()), Ok(proof.clone()));
        let long = TlogProof { hashes: vec![Digest::of(b"a"); HASHES_MAX + 1], ..proof };
        for bad in
            ["", "\n\n", &text.replace("@v1", "@v2"), &text.replace("index 5", "index 05"), &long.text()]
        {
            assert_eq!(TlogProof::parse(bad.as_bytes()), Err(NotAProof), "{bad:?}");
        }
    }
}
