//! A tree's right edge: all that is needed to append a leaf and to know the root, in O(log n) space.

use crate::base::digest::Digest;

use super::node_hash;

/// The roots of the perfect subtrees that a tree of this size is made of, the largest first.
///
/// There is one for each bit that is set in the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactRange {
    size: u64,
    peaks: Vec<Digest>,
}

impl CompactRange {
    /// A range from what [`CompactRange::to_bytes`] wrote; nothing if the bytes do not fit the size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || chunks.len() != size.count_ones() as usize {
            return None;
        }
        Some(Self { size, peaks: chunks.iter().copied().map(Digest::from_bytes).collect() })
    }

    /// The peaks one after the other, 32 bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.iter().flat_map(|peak| *peak.as_bytes()).collect()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash.
    pub fn append(&mut self, leaf: Digest) {
        let mut node = leaf;
        // Each trailing one bit of the size is a perfect subtree as large as the one just completed.
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("there is one peak for each bit of the size");
            node = node_hash(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root over all leaves.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Digest::of(b"") };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    #[test]
    fn stored_and_taken_up_again_at_every_size() {
        let mut straight = CompactRange::default();
        let mut stored = CompactRange::default();
        for number in 0u32..70 {
            let leaf = leaf_hash(&number.to_be_bytes());
            straight.append(leaf);
            stored = CompactRange::from_bytes(stored.size(), &stored.to_bytes()).expect("a range");
            stored.append(leaf);
            assert_eq!(stored.root(), straight.root());
        }
        assert_eq!(stored.size(), 70);
    }

    #[test]
    fn bytes_that_do_not_fit_the_size_are_refused() {
        let mut range = CompactRange::default();
        range.append(leaf_hash(b"one"));
        let bytes = range.to_bytes();
        assert!(CompactRange::from_bytes(3, &bytes).is_none());
        assert!(CompactRange::from_bytes(0, &bytes).is_none());
        assert!(CompactRange::from_bytes(1, &bytes[..31]).is_none());
        assert_eq!(CompactRange::from_bytes(1, &bytes), Some(range));
    }
}
