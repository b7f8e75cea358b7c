//! The `heads` entry of the org log: size and root of every other log under pseudonyms.
//!
//! A site's bundle carries this entry and the proof that it is the last one of a signed org checkpoint. So its reader
//! sees that the site's log was not cut, and learns how many other logs there are, but not their names.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::model::plan::LogHead;

use crate::merkle;

use super::note::VerifierKey;

/// Most heads that stand in the entry itself; of more, the entry holds the root of a tree over them. An entry is below
/// 64 KiB, and a head takes up to 180 bytes of it.
const HEADS_INLINE_MAX: usize = 256;

/// The kind of the entry.
pub const HEADS_KIND: &str = "heads";

/// The key of the pseudonyms; the same for all entries of an org log, and never in a bundle.
#[derive(Clone)]
pub struct PseudonymKey([u8; 32]);

impl PseudonymKey {
    /// Takes the key in.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 of a log's name.
    pub fn pseudonym(&self, log: &LogId) -> Digest {
        Digest::from_bytes(hmac_sha256(&self.0, log.to_string().as_bytes()))
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

/// One log in the `heads` entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamelessHead {
    /// Its pseudonym.
    pub log: Digest,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
}

/// The body of a `heads` entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadsBody {
    /// Every log but the org log itself, in the order of their pseudonyms; none if there are too many for an entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<NamelessHead>,
    /// The tree over all heads, where there are too many for an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<LogHead>,
    /// The key that seals bundles, so that who trusts the log key need not trust this one separately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_key: Option<String>,
}

/// Every head at one moment, in order: what a `heads` entry is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllHeads(Vec<NamelessHead>);

impl AllHeads {
    /// These heads under their pseudonyms; the org log's own is left out.
    pub fn new(key: &PseudonymKey, heads: &BTreeMap<LogId, LogHead>) -> Self {
        let nameless = |(log, head): (&LogId, &LogHead)| NamelessHead {
            log: key.pseudonym(log),
            size: head.size,
            root: head.root,
        };
        let mut heads: Vec<_> = heads.iter().filter(|(log, _)| **log != LogId::Org).map(nameless).collect();
        heads.sort();
        Self(heads)
    }

    /// The heads, as they were written into a file.
    pub fn of(mut heads: Vec<NamelessHead>) -> Self {
        heads.sort();
        Self(heads)
    }

    /// The heads in their order.
    pub fn heads(&self) -> &[NamelessHead] {
        &self.0
    }

    /// The body of the entry: the heads themselves, or the root of the tree over them if there are many.
    pub fn body(&self) -> HeadsBody {
        if self.0.len() <= HEADS_INLINE_MAX {
            return HeadsBody { heads: self.0.clone(), tree: None, bundle_key: None };
        }
        let leaves = self.leaves();
        let tree = LogHead { size: leaves.len() as u64, root: merkle::root(&leaves) };
        HeadsBody { heads: Vec::new(), tree: Some(tree), bundle_key: None }
    }

    /// Where a head stands in the tree, with the proof; nothing if it is not among them.
    pub fn place(&self, head: &LogHead) -> Option<HeadPlace> {
        let index = self.0.iter().position(|one| one.size == head.size && one.root == head.root)?;
        let hashes = merkle::proof::inclusion(&self.leaves(), index)?;
        Some(HeadPlace { head: self.0[index].clone(), index: index as u64, hashes })
    }

    fn leaves(&self) -> Vec<Digest> {
        self.0.iter().map(NamelessHead::leaf).collect()
    }
}

impl NamelessHead {
    /// The leaf of the tree over all heads: pseudonym, size and root as text.
    fn leaf(&self) -> Digest {
        merkle::leaf_hash(format!("{}\n{}\n{}\n", self.log, self.size, self.root).as_bytes())
    }
}

/// One head with the proof that the tree of a `heads` entry holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadPlace {
    /// The head.
    pub head: NamelessHead,
    /// Its place.
    pub index: u64,
    /// The hashes from the bottom up.
    pub hashes: Vec<Digest>,
}

impl HeadsBody {
    /// The body over these heads; the org log's own is left out.
    pub fn new(key: &PseudonymKey, heads: &BTreeMap<LogId, LogHead>) -> Self {
        AllHeads::new(key, heads).body()
    }

    /// The same, vouching for the key that seals bundles.
    #[must_use]
    pub fn with_bundle_key(self, key: &VerifierKey) -> Self {
        Self { bundle_key: Some(key.to_string()), ..self }
    }

    /// The body as it goes into an entry.
    ///
    /// # Panics
    ///
    /// Never: all of its fields have a JSON form.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("digests and numbers have a JSON form")
    }

    /// Whether a log of this size and root is among them. Of a tree, the places say so.
    pub fn holds(&self, head: &LogHead, places: &[HeadPlace]) -> bool {
        let same = |one: &NamelessHead| one.size == head.size && one.root == head.root;
        let Some(tree) = &self.tree else { return self.heads.iter().any(same) };
        let proved = |place: &&HeadPlace| {
            let leaf = place.head.leaf();
            merkle::proof::verify_inclusion(&leaf, place.index, tree.size, &place.hashes, &tree.root)
        };
        places.iter().filter(|place| same(&place.head)).any(|place| proved(&place))
    }

    /// How many logs there are.
    pub fn count(&self) -> u64 {
        self.tree.as_ref().map_or(self.heads.len() as u64, |tree| tree.size)
    }

    /// Whether these are the heads that it holds.
    pub fn is_over(&self, all: &AllHeads) -> bool {
        let other = all.body();
        (&self.heads, &self.tree) == (&other.heads, &other.tree)
    }
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let mac = Digest::from_bytes(hmac_sha256(&[0x0b; 20], b"Hi There"));
        assert_eq!(mac.to_string(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }

    #[test]
    fn names_do_not_show_and_the_org_log_is_left_out() {
        let head = |n: u64| LogHead { size: n, root: Digest::of(&n.to_be_bytes()) };
        let logs = ["org", "site/HRB01", "site/MPL02"].map(|log| log.parse::<LogId>().expect("a log"));
        let heads = logs.iter().cloned().zip((1..).map(head)).collect();
        let body = HeadsBody::new(&PseudonymKey::new([7; 32]), &heads);
        assert_eq!(body.heads.len(), 2);
        assert!(body.holds(&head(2), &[]) && body.holds(&head(3), &[]) && !body.holds(&head(1), &[]));
        let text = body.to_value().to_string();
        assert!(!text.contains("HRB01") && !text.contains("site"), "{text}");
        assert_ne!(body, HeadsBody::new(&PseudonymKey::new([8; 32]), &heads));
    }

    #[test]
    fn five_thousand_logs_fit_into_an_entry_and_each_is_proved() {
        let head = |n: u64| LogHead { size: n, root: Digest::of(&n.to_be_bytes()) };
        let letter = |n: u64| char::from(b'A' + u8::try_from(n).expect("below 26"));
        let code = |n: u64| format!("site/S{}{}{:02}", letter(n / 2600), letter(n / 100 % 26), n % 100);
        let log = |n: u64| code(n).parse::<LogId>().expect("a log");
        let key = PseudonymKey::new([7; 32]);
        let all = AllHeads::new(&key, &(0..5000).map(|n| (log(n), head(n))).collect());
        let body = all.body();
        assert_eq!((body.count(), body.heads.len()), (5000, 0));
        assert!(body.to_value().to_string().len() < 300);
        assert!(body.is_over(&AllHeads::of(all.heads().to_vec())));
        let place = all.place(&head(4321)).expect("a place");
        assert_eq!(place.head.log, key.pseudonym(&log(4321)));
        assert!(body.holds(&head(4321), std::slice::from_ref(&place)));
        assert!(!body.holds(&head(4320), std::slice::from_ref(&place)), "another log's place");
        assert!(!body.holds(&head(4321), &[]), "no place at all");
        let mut forged = place.clone();
        forged.head.size += 1;
        assert!(
            !body.holds(&head(4322), &[forged.clone()])
                && !body.holds(&LogHead { size: 4322, ..head(4321) }, &[forged])
        );
        assert_eq!(all.place(&head(5000)), None);
        let few = AllHeads::new(&key, &(0..256).map(|n| (log(n), head(n))).collect()).body();
        assert!(few.tree.is_none() && few.to_value().to_string().len() < 60_000);
    }
}
