//! Accepting the drift of one field of one object for a time.

use crate::base::limits;
use crate::base::time::Timestamp;
use crate::model::drift::{Drift, DriftAccepted};

/// What somebody wants to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The object, as `drift` names it.
    pub object: String,
    /// The field, as `drift` names it; empty for a whole object that is missing or unmanaged.
    pub field: String,
    /// The role that answers for it.
    pub owner: String,
    /// From when on it counts again.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// Why drift cannot be accepted so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAcceptance {
    /// An acceptance that covers what nobody has looked at.
    #[error("`{0}` has a wildcard: drift is accepted object by object and field by field")]
    Wildcard(String),
    /// It would never have held.
    #[error("the end of the acceptance has passed")]
    Past,
    /// It would outlive the memory of why.
    #[error("an acceptance ends within {days} days; accept it again then, if it still has to be")]
    TooLong {
        /// The limit.
        days: u64,
    },
    /// Nobody could tell later why.
    #[error("the reason is empty")]
    NoReason,
    /// There is nothing to accept.
    #[error("{object} has not drifted")]
    NotDrifted {
        /// The object.
        object: String,
    },
    /// The object has drifted elsewhere.
    #[error("{object} has not drifted at `{field}`; it has at: {there}")]
    NotThere {
        /// The object.
        object: String,
        /// What was named.
        field: String,
        /// Its fields that have.
        there: String,
    },
}

/// The entry for an acceptance of drift that is there now.
///
/// # Errors
///
/// If the wish names more or other than what is there, or for longer than may be.
pub fn accepted(wish: &Wish, drifts: &[&Drift], now: Timestamp) -> Result<DriftAccepted, BadAcceptance> {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    for text in [&wish.object, &wish.field] {
        if text.contains(['*', '?']) {
            return Err(BadAcceptance::Wildcard(text.clone()));
        }
    }
    if wish.until <= now {
        return Err(BadAcceptance::Past);
    }
    if wish.until.since(now) > limits::DRIFT_ACCEPTED_MAX {
        return Err(BadAcceptance::TooLong { days: limits::DRIFT_ACCEPTED_MAX.0 / DAY });
    }
    if wish.reason.trim().is_empty() {
        return Err(BadAcceptance::NoReason);
    }
    let Some(drift) = drifts.iter().find(|drift| drift.object == wish.object) else {
        return Err(BadAcceptance::NotDrifted { object: wish.object.clone() });
    };
    let Some(field) = drift.fields.iter().find(|field| field.at == wish.field) else {
        let there: Vec<&str> = drift.fields.iter().map(|field| shown(&field.at)).collect();
        return Err(BadAcceptance::NotThere {
            object: wish.object.clone(),
            field: wish.field.clone(),
            there: there.join(", "),
        });
    };
    Ok(DriftAccepted {
        object: wish.object.clone(),
        field: wish.field.clone(),
        value: field.value,
        owner: wish.owner.clone(),
        until: wish.until,
        reason: wish.reason.clone(),
    })
}

fn shown(at: &str) -> &str {
    if at.is_empty() { "the whole object (--whole)" } else { at }
}
