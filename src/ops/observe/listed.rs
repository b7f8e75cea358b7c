//! A list call's objects, to be found by the id we know or by natural key.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::id::KindName;
use crate::driver::{Listing, Place};
use crate::kind;
use crate::model::kind::Kind;
use crate::model::outcome::{Cause, CauseClass, Observation};

/// Which list: of a kind, in a place, and inside what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListKey {
    /// The kind.
    pub kind: KindName,
    /// The place.
    pub place: Place,
    /// The fields of a spec that the call takes, as JSON; empty for the list of a whole place.
    inside: String,
}

impl ListKey {
    /// The list of everything of a kind in a place.
    pub fn whole(kind: KindName, place: Place) -> Self {
        Self { kind, place, inside: String::new() }
    }

    /// The list that holds an object of this spec; none if no list does, or not with everything that a comparison needs.
    pub fn of(kind: &Kind, place: &Place, spec: &Value) -> Option<Self> {
        let outer = kind::listed_inside(kind, spec)?;
        let inside = if outer.is_empty() { String::new() } else { Value::Object(outer).to_string() };
        Some(Self { kind: kind.name.clone(), place: place.clone(), inside })
    }

    /// Whether it is the list of a whole place.
    pub fn is_whole(&self) -> bool {
        self.inside.is_empty()
    }

    /// The fields that the call takes.
    pub fn outer(&self) -> Value {
        serde_json::from_str(&self.inside).unwrap_or_default()
    }
}

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
    pub fn of(kind: &Kind, key: &ListKey, listing: Listing) -> Self {
        let items = match listing {
            Listing::Unsupported => return Listed::OneByOne,
            Listing::Unreadable(cause) if key.is_whole() => return Listed::Unreadable(cause),
            Listing::Unreadable(cause) => match cause.class {
                // What it is inside of is not there.
                CauseClass::NotFound => Vec::new(),
                CauseClass::Unauthenticated
                | CauseClass::Busy
                | CauseClass::Internal
                | CauseClass::NoAnswer => return Listed::Unreadable(cause),
                CauseClass::BadRequest
                | CauseClass::PermissionDenied
                | CauseClass::Conflict
                | CauseClass::Quota
                | CauseClass::NotImplemented
                | CauseClass::Garbled
                | CauseClass::BadState
                | CauseClass::NotHeld
                | CauseClass::Foreign
                | CauseClass::Stale
                | CauseClass::Expectation
                | CauseClass::Exhausted
                | CauseClass::Shut => return Listed::OneByOne,
            },
            Listing::Complete(items) => items,
        };
        let outer = key.outer();
        let (mut by_key, mut by_id) = (BTreeMap::new(), BTreeMap::new());
        for (index, item) in items.iter().enumerate().filter(|(_, item)| kind::exists(kind, item)) {
            let (own, id) = if key.is_whole() {
                (kind::key_in_list(kind, item), kind::id_of(kind, &Value::Null, Some(item)))
            } else {
                let Some(shown) = kind::key_inside(kind, &outer, item) else { continue };
                (kind::natural_key(kind, &shown), kind::id_of(kind, &shown, Some(item)))
            };
            by_key.extend(own.map(|key| (key, index)));
            by_id.extend(id.map(|id| (folded(kind, &id), index)));
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
