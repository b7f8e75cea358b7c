//! That a log only grew: a consistency proof as text, with the size that it starts from. With the newer checkpoint
//! behind an empty line it is the request that C2SP `tlog-witness` asks for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::base::digest::Digest;
use crate::merkle::proof;

use super::checkpoint::Checkpoint;

/// The longest proof there can be, as RFC 6962 counts.
const HASHES_MAX: usize = 128;
/// Longest text that is read.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// A consistency proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Number of entries of the older log.
    pub old: u64,
    /// The hashes, from the bottom up.
    pub hashes: Vec<Digest>,
}

/// The text is not a proof of growth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a proof of growth: the older size and the hashes, a line each")]
pub struct NotAGrowth;

impl Growth {
    /// The proof that the first `old` of these leaves are the beginning of the whole. Nothing if there are fewer.
    pub fn new(leaves: &[Digest], old: u64) -> Option<Self> {
        let hashes = proof::consistency(leaves, usize::try_from(old).ok()?)?;
        Some(Self { old, hashes })
    }

    /// The proof as text.
    pub fn text(&self) -> String {
        let hashes = self.hashes.iter().map(|hash| format!("{}\n", BASE64.encode(hash.as_bytes())));
        format!("old {}\n{}", self.old, hashes.collect::<String>())
    }

    /// Reads what [`Growth::text`] writes and nothing else.
    ///
    /// # Errors
    ///
    /// If it is anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAGrowth> {
        let text = std::str::from_utf8(bytes).map_err(|_| NotAGrowth)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(NotAGrowth);
        }
        let mut lines = text.split_terminator('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")?.parse().ok()).ok_or(NotAGrowth)?;
        let hash = |line: &str| BASE64.decode(line).ok()?.try_into().ok().map(Digest::from_bytes);
        let hashes: Option<Vec<Digest>> = lines.take(HASHES_MAX + 1).map(hash).collect();
        let growth = Self { old, hashes: hashes.ok_or(NotAGrowth)? };
        if growth.hashes.len() <= HASHES_MAX && growth.text() == text { Ok(growth) } else { Err(NotAGrowth) }
    }

    /// Whether the newer log is the older one with entries added at its end.
    pub fn holds(&self, old: (u64, &Digest), new: &Checkpoint) -> bool {
        let (size, root) = old;
        self.old == size && proof::verify_consistency(size, root, new.size, &new.root, &self.hashes)
    }

    /// The request to a witness: the proof, and the signed checkpoint that it leads to.
    pub fn request(&self, checkpoint: &str) -> String {
        format!("{}\n{checkpoint}", self.text())
    }

    /// Reads a request: the proof and the signed checkpoint.
    ///
    /// # Errors
    ///
    /// If it is anything else.
    pub fn parse_request(bytes: &[u8]) -> Result<(Self, String), NotAGrowth> {
        let text = std::str::from_utf8(bytes).map_err(|_| NotAGrowth)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NotAGrowth)?;
        Ok((Self::parse(format!("{head}\n").as_bytes())?, checkpoint.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle;

    #[test]
    fn written_read_back_and_holding_for_every_pair_of_sizes() {
        let leaves: Vec<Digest> = (0u8..20).map(|n| merkle::leaf_hash(&[n])).collect();
        let root = merkle::root(&leaves);
        let new = Checkpoint { origin: "o".into(), size: 20, root };
        for old in 0..=20u64 {
            let growth = Growth::new(&leaves, old).expect("a proof");
            assert_eq!(Growth::parse(growth.text().as_bytes()), Ok(growth.clone()));
            let request = growth.request("o\n20\nroot\n\n— key sig\n");
            assert_eq!(
                Growth::parse_request(request.as_bytes()),
                Ok((growth.clone(), "o\n20\nroot\n\n— key sig\n".into()))
            );
            let before = merkle::root(&leaves[..usize::try_from(old).expect("small")]);
            assert!(growth.holds((old, &before), &new), "{old}");
            assert!(!growth.holds((old, &Digest::of(b"another history")), &new), "{old}");
            assert!(!growth.holds((old + 1, &before), &new), "{old}");
        }
        assert_eq!(Growth::new(&leaves, 21), None);
        let long = Growth { old: 3, hashes: vec![root; HASHES_MAX + 1] }.text();
        for bad in ["", "old", "old 3", "old 03\n", "old -1\n", "old 1\nAAAA\n", "new 1\n", &long] {
            assert_eq!(Growth::parse(bad.as_bytes()), Err(NotAGrowth), "{bad:?}");
        }
    }
}
