//! The `heads` entry of the org log: size and root of every other log under pseudonyms.
//!
//! A site's bundle carries this entry and the proof that it is the last one of a signed org checkpoint. So its reader
//! sees that the site's log was not cut, and learns how many other logs there are, but not their names. Where there are
//! more logs than an entry can list, it holds the root of an RFC 6962 tree over them, and a bundle the proofs for those
//! that concern it.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::LogId;
use crate::base::limits::HEADS_LISTED_MAX;
use crate::merkle::{self, proof};
use crate::model::plan::LogHead;

use super::note::VerifierKey;

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

impl NamelessHead {
    fn leaf(&self) -> Digest {
        merkle::leaf_hash(&canonical_bytes(self))
    }

    fn is(&self, head: &LogHead) -> bool {
        self.size == head.size && self.root == head.root
    }
}

/// A tree over all heads, in the order of their pseudonyms; a leaf is a head's RFC 8785 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadsTree {
    /// How many there are.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
}

/// One head with the proof that it is in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadMember {
    /// The head.
    pub head: NamelessHead,
    /// Its place.
    pub index: u64,
    /// The hashes from there to the root.
    pub hashes: Vec<Digest>,
}

/// All heads at one moment, for the entry and for the proofs.
#[derive(Debug, Clone)]
pub struct HeadsRoll {
    heads: Vec<NamelessHead>,
    leaves: Vec<Digest>,
}

impl HeadsRoll {
    /// These heads; the org log's own is left out.
    pub fn new(key: &PseudonymKey, heads: &BTreeMap<LogId, LogHead>) -> Self {
        let nameless = |(log, head): (&LogId, &LogHead)| NamelessHead {
            log: key.pseudonym(log),
            size: head.size,
            root: head.root,
        };
        Self::of(heads.iter().filter(|(log, _)| **log != LogId::Org).map(nameless).collect())
    }

    /// The heads, as they were written into a file.
    pub fn of(mut heads: Vec<NamelessHead>) -> Self {
        heads.sort();
        let leaves = heads.iter().map(NamelessHead::leaf).collect();
        Self { heads, leaves }
    }

    /// The heads in their order.
    pub fn heads(&self) -> &[NamelessHead] {
        &self.heads
    }

    /// The entry's body.
    pub fn body(&self) -> HeadsBody {
        if self.heads.len() <= HEADS_LISTED_MAX {
            return HeadsBody { heads: self.heads.clone(), tree: None, bundle_key: None };
        }
        let tree = HeadsTree { size: self.leaves.len() as u64, root: merkle::root(&self.leaves) };
        HeadsBody { heads: Vec::new(), tree: Some(tree), bundle_key: None }
    }

    /// The proof for one log; nothing where the entry lists all of them.
    pub fn member(&self, key: &PseudonymKey, log: &LogId) -> Option<HeadMember> {
        let pseudonym = key.pseudonym(log);
        let index = self.heads.binary_search_by(|head| head.log.cmp(&pseudonym)).ok()?;
        if self.heads.len() <= HEADS_LISTED_MAX {
            return None;
        }
        let hashes = merkle::proof::inclusion(&self.leaves, index)?;
        Some(HeadMember { head: self.heads[index].clone(), index: index as u64, hashes })
    }
}

/// The body of a `heads` entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadsBody {
    /// Every log but the org log itself, in the order of their pseudonyms; none where there is a tree of them.
    pub heads: Vec<NamelessHead>,
    /// The tree over them, where they are too many to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<HeadsTree>,
    /// The key that seals bundles, so that who trusts the log key need not trust this one separately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_key: Option<String>,
}

impl HeadsBody {
    /// The body over these heads; the org log's own is left out.
    pub fn new(key: &PseudonymKey, heads: &BTreeMap<LogId, LogHead>) -> Self {
        HeadsRoll::new(key, heads).body()
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

    /// Whether a log of this size and root is among them: listed, or shown to be in the tree by one of these proofs.
    pub fn holds(&self, head: &LogHead, members: &[HeadMember]) -> bool {
        let in_tree = |tree: &HeadsTree| {
            let shown = |one: &HeadMember| {
                let leaf = one.head.leaf();
                proof::verify_inclusion(&leaf, one.index, tree.size, &one.hashes, &tree.root)
            };
            members.iter().any(|one| one.head.is(head) && shown(one))
        };
        self.heads.iter().any(|one| one.is(head)) || self.tree.as_ref().is_some_and(in_tree)
    }

    /// Whether these are the heads that it seals.
    pub fn is_over(&self, roll: &HeadsRoll) -> bool {
        let other = roll.body();
        (&self.heads, &self.tree) == (&other.heads, &other.tree)
    }

    /// How many logs it is about.
    pub fn count(&self) -> u64 {
        self.tree.as_ref().map_or(self.heads.len() as u64, |tree| tree.size)
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
    fn a_thousand_logs_fit_into_one_entry_and_each_is_shown_to_be_there() {
        let key = PseudonymKey::new([7; 32]);
        let head = |n: u64| LogHead { size: n, root: Digest::of(&n.to_be_bytes()) };
        let log = |n: u64| format!("region/us-east-{n}").parse::<LogId>().expect("a log");
        let heads: BTreeMap<LogId, LogHead> = (1..=1000).map(|n| (log(n), head(n))).collect();
        let roll = HeadsRoll::new(&key, &heads);
        let body = roll.body();
        assert_eq!((body.count(), body.heads.len()), (1000, 0));
        assert!(body.to_value().to_string().len() < 1000, "an entry has room for it");
        for n in [1, 2, 500, 1000] {
            let member = roll.member(&key, &log(n)).expect("a proof");
            assert!(body.holds(&head(n), std::slice::from_ref(&member)), "{n}");
            assert!(
                !body.holds(&head(n), &[]) && !body.holds(&head(n + 1), std::slice::from_ref(&member)),
                "{n}"
            );
            let forged = HeadMember { head: NamelessHead { size: n + 1, ..member.head.clone() }, ..member };
            let shorter = LogHead { size: n + 1, root: head(n).root };
            assert!(!body.holds(&shorter, &[forged]), "{n}");
        }
        assert_eq!(roll.member(&key, &log(1001)), None);
        let few = HeadsRoll::new(&key, &heads.into_iter().take(HEADS_LISTED_MAX).collect());
        assert_eq!((few.body().heads.len(), few.member(&key, &log(1))), (HEADS_LISTED_MAX, None));
    }
}
