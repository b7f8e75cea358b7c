//! Who may take a lease: the same rule for every store.

use super::{JournalError, Lease};
use crate::base::id::LogId;
use crate::base::time::{Millis, Timestamp};

/// What a store keeps of a log's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeaseRow {
    /// Who holds it; nobody after it was given back.
    pub(super) holder: Option<String>,
    /// How often it changed hands.
    pub(super) epoch: u64,
    /// When it ends without renewal.
    pub(super) until: Timestamp,
}

/// Who asks for a lease, and when.
pub(super) struct Claim<'c> {
    pub(super) log: &'c LogId,
    pub(super) holder: &'c str,
    pub(super) now: Timestamp,
    pub(super) length: Millis,
}

impl Claim<'_> {
    /// The lease to write down, or `Held`.
    ///
    /// The caller has made sure that nobody else alive goes by the claim's name, so a row with that name is left
    /// over from an earlier life of it. `is_gone` tells whether the process of another holder has ended.
    pub(super) fn decide(
        &self,
        row: Option<&LeaseRow>,
        is_gone: impl FnOnce(&str) -> Result<bool, JournalError>,
    ) -> Result<Lease, JournalError> {
        let taken_from = match row.and_then(|row| row.holder.as_deref().map(|holder| (holder, row.until))) {
            None => None,
            Some((holder, until)) => {
                let free = holder == self.holder || until <= self.now || is_gone(holder)?;
                if !free {
                    return Err(JournalError::Held {
                        log: self.log.clone(),
                        holder: holder.to_owned(),
                        until,
                    });
                }
                Some(holder.to_owned())
            }
        };
        Ok(Lease {
            log: self.log.clone(),
            holder: self.holder.to_owned(),
            epoch: row.map_or(0, |row| row.epoch) + 1,
            until: self.now + self.length,
            taken_from,
        })
    }
}

impl LeaseRow {
    /// Whether this lease is still the one that counts.
    pub(super) fn is(&self, lease: &Lease) -> bool {
        self.epoch == lease.epoch && self.holder.as_deref() == Some(lease.holder.as_str())
    }
}
