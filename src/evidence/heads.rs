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
    /// Every log but the org log itself, in the order of their pseudonyms.
    pub heads: Vec<NamelessHead>,
}

impl HeadsBody {
    /// The body over these heads; the org log's own is left out.
    pub fn new(key: &PseudonymKey, heads: &BTreeMap<LogId, LogHead>) -> Self {
        let nameless = |(log, head): (&LogId, &LogHead)| NamelessHead {
            log: key.pseudonym(log),
            size: head.size,
            root: head.root,
        };
        let mut heads: Vec<_> = heads.iter().filter(|(log, _)| **log != LogId::Org).map(nameless).collect();
        heads.sort();
        Self { heads }
    }

    /// The body as it goes into an entry.
    ///
    /// # Panics
    ///
    /// Never: all of its fields have a JSON form.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("digests and numbers have a JSON form")
    }

    /// Whether a log of this size and root is among them.
    pub fn holds(&self, head: &LogHead) -> bool {
        self.heads.iter().any(|one| one.size == head.size && one.root == head.root)
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
        assert!(body.holds(&head(2)) && body.holds(&head(3)) && !body.holds(&head(1)));
        let text = body.to_value().to_string();
        assert!(!text.contains("HRB01") && !text.contains("site"), "{text}");
        assert_ne!(body, HeadsBody::new(&PseudonymKey::new([8; 32]), &heads));
    }
}
