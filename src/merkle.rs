//! Floor 2: Merkle trees as RFC 6962 defines them, over the exact bytes of a log's lines. Pure.
//!
//! A log's root changes with any edited, removed, inserted or swapped line, and short proofs tie one entry, or an
//! older head, to a root. Leaf and node hashes differ in their first byte, so that no entry can pose as a subtree.

pub mod proof;
pub mod range;

use sha2::{Digest as _, Sha256};

use crate::base::digest::Digest;

pub use range::CompactRange;

/// Hash of a leaf: SHA-256 over a zero byte and the leaf's bytes.
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(leaf);
    Digest::from_bytes(hasher.finalize().into())
}

/// Hash of an inner node: SHA-256 over a one byte and the hashes of its two children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    Digest::from_bytes(hasher.finalize().into())
}

/// Root of the tree over these leaf hashes; for no leaves at all, the hash of nothing.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut range = CompactRange::default();
    for leaf in leaves {
        range.append(*leaf);
    }
    range.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight leaves that implementations of RFC 6962 are commonly tested with.
    pub(in crate::merkle) fn known_leaves() -> Vec<Digest> {
        let texts = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        texts.iter().map(|text| leaf_hash(&bytes(text))).collect()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        (0..hex.len()).step_by(2).map(pair).collect()
    }

    #[test]
    fn roots_are_the_published_ones() {
        let known = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves = known_leaves();
        for (size, expected) in known.iter().enumerate() {
            assert_eq!(root(&leaves[..size]).to_string(), *expected, "root of {size} leaves");
        }
    }
}
