//! Floor 2: rights that people answer for: what a site's log says of them, and what that makes of what is desired.

pub mod campaign;
pub mod overlay;
pub mod request;

use crate::model::access::AccessEvent;
use crate::model::entry::Entry;
use crate::model::event::BadEvent;

/// What a log says about rights, oldest first, each with the place of its entry.
///
/// # Errors
///
/// If an entry about rights cannot be understood.
pub fn events<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Vec<(u64, AccessEvent)>, BadEvent> {
    let mut found = Vec::new();
    for entry in entries {
        if let Some(event) = AccessEvent::from_entry(&entry.kind, &entry.body)? {
            found.push((entry.seq, event));
        }
    }
    Ok(found)
}
