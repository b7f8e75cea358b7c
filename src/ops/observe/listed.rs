//! A list call's objects, to be found by the id we know or by natural key.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::driver::Listing;
use crate::kind;
use crate::model::kind::Kind;
use crate::model::outcome::{Cause, Observation};

/// What one list call gave.
pub enum Listed {
    /// The objects.
    Whole {
        /// As they came.
        items: Vec<Value>,
        /// Where each natural key is.
        by_key: BTreeMap<String, usize>,
        /// Where each id is.
        by_id: BTreeMap<String, usize>,
    },
    /// They must be read one by one.
    OneByOne,
    /// The call failed.
    Unreadable(Cause),
}

impl Listed {
    /// Sorts what a list call gave.
    pub fn of(kind: &Kind, listing: Listing) -> Self {
        let items = match listing {
            Listing::Unsupported => return Listed::OneByOne,
            Listing::Unreadable(cause) => return Listed::Unreadable(cause),
            Listing::Complete(items) => items,
        };
        let (mut by_key, mut by_id) = (BTreeMap::new(), BTreeMap::new());
        for (index, item) in items.iter().enumerate().filter(|(_, item)| kind::exists(kind, item)) {
            by_key.extend(kind::key_in_list(kind, item).map(|key| (key, index)));
            by_id.extend(kind::id_of(kind, &Value::Null, Some(item)).map(|id| (folded(kind, &id), index)));
        }
        Listed::Whole { items, by_key, by_id }
    }

    /// What the list says about an object; none if it must be read by itself. An id that we know comes before the
    /// natural key: whatever was renamed is still the same object.
    pub fn find(&self, kind: &Kind, spec: &Value, id: Option<&str>) -> Option<Observation> {
        let (items, by_key, by_id) = match self {
            Listed::OneByOne => return None,
            Listed::Unreadable(cause) => return Some(Observation::Unreadable(cause.clone())),
            Listed::Whole { items, by_key, by_id } => (items, by_key, by_id),
        };
        let ours = id.and_then(|id| by_id.get(&folded(kind, id)));
        let index = match ours {
            Some(index) => index,
            None => match by_key.get(&kind::natural_key(kind, spec)?) {
                Some(index) => index,
                None => return Some(Observation::Absent),
            },
        };
        let live = &items[*index];
        let id = kind::id_of(kind, spec, Some(live))?;
        Some(Observation::Present { id, live: kind::answered(kind, spec, live.clone(), None, None) })
    }
}

/// An id as the service compares it.
pub fn folded(kind: &Kind, id: &str) -> String {
    if kind.id.fold { id.to_lowercase() } else { id.to_owned() }
}
