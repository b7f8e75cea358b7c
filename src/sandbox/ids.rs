//! Ids that look real and follow from (seed, kind, natural key, how often that key was created).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Thirty-two bytes from which every id of one object is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin([u8; 32]);

impl Origin {
    /// The origin of the object that is the `birth`-th of its kind and natural key.
    pub fn of(seed: u64, kind: &str, natural_key: &str, birth: u64) -> Origin {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        for part in [kind, natural_key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(birth.to_be_bytes());
        Origin(hash.finalize().into())
    }

    /// A UUID of the random version.
    pub fn uuid(&self) -> String {
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&self.0[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A second UUID of the same object.
    pub fn other_uuid(&self) -> String {
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&self.0[16..]);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A number of sixteen digits that a JavaScript number can hold.
    pub fn number(&self) -> u64 {
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(&self.0[..8]);
        1_000_000_000_000_000 + u64::from_be_bytes(bytes) % 8_000_000_000_000_000
    }

    /// This many lower-case hexadecimal digits, at most 64.
    pub fn hex(&self, digits: usize) -> String {
        let all: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        all.chars().take(digits).collect()
    }

    /// An opaque version tag.
    pub fn etag(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0[..24])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_origin_gives_the_same_ids_and_another_gives_others() {
        let one = Origin::of(7, "workspace", "HRB01", 1);
        assert_eq!(one.uuid(), Origin::of(7, "workspace", "HRB01", 1).uuid());
        for other in [
            Origin::of(8, "workspace", "HRB01", 1),
            Origin::of(7, "network", "HRB01", 1),
            Origin::of(7, "workspace", "HRB02", 1),
            Origin::of(7, "workspace", "HRB01", 2),
            Origin::of(7, "workspaceH", "RB01", 1),
        ] {
            assert_ne!(one.uuid(), other.uuid());
        }
        assert_ne!(one.uuid(), one.other_uuid());
        assert!((1_000_000_000_000_000..9_000_000_000_000_000).contains(&one.number()));
        assert_eq!(one.hex(8).len(), 8);
    }
}
