//! Events as entries: serde tags an event with its kind, an entry keeps the kind beside the body.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::event::BadEvent;

/// An event's body, without its kind.
///
/// # Panics
///
/// If the event has no JSON form, which is a bug in its type.
pub(super) fn body<T: Serialize>(kind: &str, event: &T) -> Value {
    let mut tagged = serde_json::to_value(event).expect("an event has a JSON form");
    tagged[kind].take()
}

/// The event with this kind and body.
pub(super) fn event<T: DeserializeOwned>(kind: &str, body: Value) -> Result<T, BadEvent> {
    let tagged = Map::from_iter([(kind.to_owned(), body)]);
    serde_json::from_value(Value::Object(tagged)).map_err(|source| BadEvent { kind: kind.to_owned(), source })
}
