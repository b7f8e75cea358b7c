//! Who may take a lease: the same rule for every store.

use super::{JournalError, Lease, Lock};
use crate::base::id::LogId;
use crate::base::time::{Millis, Timestamp};

/// What a store keeps of a log's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeaseRow {
    /// Who holds it; nobody after it was given back.
    pub(super) holder: Option<String>,
    /// How often it changed hands.
    pub(super) epoch: u64,
    /// When its holder took it; not known of leases that an older program took.
    pub(super) since: Option<Timestamp>,
    /// When it ends without renewal.
    pub(super) until: Timestamp,
}

/// Who asks for a lease, and when.
pub(super) struct Claim<'c> {
    pub(super) log: &'c LogId,
    pub(super) holder: &'c str,
    pub(super) now: Timestamp,
    pub(super) length: Millis,
    /// The lock that a person breaks: its holder is not waited for.
    pub(super) breaks: Option<&'c Lock>,
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
        let taken_from = match row.and_then(|row| row.holder.as_deref().map(|holder| (holder, row))) {
            None => None,
            Some((holder, row)) => {
                let broken = self.breaks.is_some_and(|lock| lock.epoch == row.epoch && lock.holder == holder);
                let free = broken || holder == self.holder || row.until <= self.now || is_gone(holder)?;
                if !free {
                    return Err(row.held(self.log, holder));
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
    /// The refusal that this row gives everybody but its holder.
    pub(super) fn held(&self, log: &LogId, holder: &str) -> JournalError {
        JournalError::Held {
            log: log.clone(),
            holder: holder.to_owned(),
            since: self.since,
            until: self.until,
        }
    }

    /// The row of a lease that was taken just now.
    pub(super) fn taken(lease: &Lease, now: Timestamp) -> Self {
        Self { holder: Some(lease.holder.clone()), epoch: lease.epoch, since: Some(now), until: lease.until }
    }

    /// Whether this lease is still the one that counts.
    pub(super) fn is(&self, lease: &Lease) -> bool {
        self.epoch == lease.epoch && self.holder.as_deref() == Some(lease.holder.as_str())
    }
}
