//! Proofs: that a leaf is in a tree, and that a tree is an older one with leaves added at its end.

use crate::base::digest::Digest;

use super::{node_hash, root};

/// The longest proof there can be: two hashes for each level of the deepest tree that a `u64` can count.
const PROOF_HASHES_MAX: usize = 128;

/// The hashes that lead from the leaf at `index` to the root, from the bottom up. Nothing if there is no such leaf.
pub fn inclusion(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    let (mut part, mut at) = (leaves, index);
    while part.len() > 1 {
        let (left, right) = part.split_at(split_point(part.len()));
        if at < left.len() {
            proof.push(root(right));
            part = left;
        } else {
            proof.push(root(left));
            at -= left.len();
            part = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Whether the proof leads from this leaf hash, at this place, to this root of a tree of this size.
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, proof: &[Digest], expected: &Digest) -> bool {
    if index >= size || proof.len() > PROOF_HASHES_MAX {
        return false;
    }
    let (mut place, mut last, mut node) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            node = node_hash(sibling, &node);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(&node, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && node == *expected
}

/// The hashes that show the tree of the first `old_size` leaves to be the beginning of the whole. Nothing if there
/// are not that many leaves. Empty for no leaves and for all of them.
pub fn consistency(leaves: &[Digest], old_size: usize) -> Option<Vec<Digest>> {
    if old_size > leaves.len() {
        return None;
    }
    if old_size == 0 {
        return Some(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut part, mut old, mut whole) = (leaves, old_size, true);
    while old < part.len() {
        let (left, right) = part.split_at(split_point(part.len()));
        if old <= left.len() {
            proof.push(root(right));
            part = left;
        } else {
            proof.push(root(left));
            old -= left.len();
            part = right;
            whole = false;
        }
    }
    if !whole {
        proof.push(root(part));
    }
    proof.reverse();
    Some(proof)
}

/// Whether the proof shows a tree of `size` leaves with root `new` to be one of `old_size` leaves with root `old`, grown.
pub fn verify_consistency(old_size: u64, old: &Digest, size: u64, new: &Digest, proof: &[Digest]) -> bool {
    if old_size > size || proof.len() > PROOF_HASHES_MAX {
        return false;
    }
    if old_size == size {
        return proof.is_empty() && old == new;
    }
    if old_size == 0 {
        return proof.is_empty() && *old == root(&[]);
    }
    let (mut place, mut last) = (old_size - 1, size - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let mut hashes = proof.iter();
    // A perfect old tree is a node of the new one, and then the proof does not repeat its root.
    let start = if place == 0 { Some(old) } else { hashes.next() };
    let Some(start) = start else { return false };
    let (mut old_node, mut new_node) = (*start, *start);
    for sibling in hashes {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            old_node = node_hash(sibling, &old_node);
            new_node = node_hash(sibling, &new_node);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new_node = node_hash(&new_node, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && old_node == *old && new_node == *new
}

/// The largest power of two below a number above one: where a tree divides.
fn split_point(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;
    use crate::merkle::tests::known_leaves;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, InclusionProof};
    use proptest::prelude::*;
    use sha2::Sha256;

    fn flat(proof: &[Digest]) -> Vec<u8> {
        proof.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    #[test]
    fn the_published_inclusion_path_holds() {
        let leaves = known_leaves();
        let proof = inclusion(&leaves, 5).expect("a leaf");
        let expected = [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(proof.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        assert!(verify_inclusion(&leaves[5], 5, 8, &proof, &root(&leaves)));
    }

    #[test]
    fn places_outside_the_tree_have_no_proof() {
        let leaves = known_leaves();
        assert_eq!(inclusion(&leaves, 8), None);
        assert_eq!(consistency(&leaves, 9), None);
        assert!(!verify_inclusion(&leaves[0], 8, 8, &[], &root(&leaves)));
        assert!(!verify_consistency(9, &root(&leaves), 8, &root(&leaves), &[]));
        let endless = vec![leaves[0]; PROOF_HASHES_MAX + 1];
        assert!(!verify_inclusion(&leaves[0], 0, u64::MAX, &endless, &root(&leaves)));
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(
            lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..130),
            pick in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
            for line in &lines {
                theirs.push(line.clone());
            }
            let leaves: Vec<Digest> = lines.iter().map(|line| leaf_hash(line)).collect();
            let whole = root(&leaves);
            prop_assert_eq!(whole.as_bytes().to_vec(), theirs.root().as_bytes().to_vec());

            let index = pick.index(lines.len());
            let proof = inclusion(&leaves, index).expect("a leaf");
            let their_proof: InclusionProof<Sha256> = theirs.prove_inclusion(index);
            prop_assert_eq!(flat(&proof), their_proof.as_bytes());
            let (place, size) = (index as u64, lines.len() as u64);
            prop_assert!(verify_inclusion(&leaves[index], place, size, &proof, &whole));
            prop_assert!(!verify_inclusion(&leaf_hash(b"something else entirely, and longer than any line"), place, size, &proof, &whole));
            prop_assert!(!verify_inclusion(&leaves[index], place, size, &proof, &leaves[index]) || size == 1);

            let old = 1 + cut.index(lines.len());
            let proof = consistency(&leaves, old).expect("an older size");
            if old < lines.len() {
                let their_proof: ConsistencyProof<Sha256> = theirs.prove_consistency(lines.len() - old);
                prop_assert_eq!(flat(&proof), their_proof.as_bytes());
            }
            let before = root(&leaves[..old]);
            prop_assert!(verify_consistency(old as u64, &before, size, &whole, &proof));
            prop_assert!(!verify_consistency(old as u64, &leaf_hash(b"another history"), size, &whole, &proof));
        }

        #[test]
        fn a_proof_with_a_flipped_bit_a_hash_more_or_a_hash_less_fails(
            size in 2usize..100, pick in any::<prop::sample::Index>(), bit in 0usize..256, which in any::<prop::sample::Index>(),
        ) {
            let leaves: Vec<Digest> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
            let (whole, index) = (root(&leaves), pick.index(size));
            let good = inclusion(&leaves, index).expect("a leaf");
            let holds = |proof: &[Digest]| verify_inclusion(&leaves[index], index as u64, size as u64, proof, &whole);
            let mut bad = good.clone();
            let at = which.index(good.len());
            let mut bytes = *bad[at].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bad[at] = Digest::from_bytes(bytes);
            prop_assert!(!holds(&bad));
            prop_assert!(!holds(&good[1..]));
            prop_assert!(!holds(&[good.as_slice(), &[leaves[0]]].concat()));
            prop_assert!(holds(&good));
        }
    }
}
