//! One object: what we hold against what is there, by the rules of its kind.

use serde_json::{Map, Value};

use crate::base::digest::Digest;
use crate::kind::{self, Ask, Assessment};
use crate::model::drift::{Basis, DriftClass, FieldDrift};
use crate::model::kind::Kind;
use crate::model::plan::FieldChange;

/// What our logs say of an object.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// What was last applied.
    pub spec: &'a Value,
    /// The object as it was last verified, as far as it was recorded.
    pub readback: Option<&'a Value>,
}

/// What the comparison found.
#[derive(Debug, Clone, PartialEq)]
pub enum Compared {
    /// It is as we hold it.
    Same,
    /// It is on its way: nothing can be said yet.
    Unsettled {
        /// The state it shows.
        state: String,
    },
    /// It is not as we hold it.
    Drifted {
        /// In which way.
        class: DriftClass,
        /// Field by field.
        fields: Vec<FieldDrift>,
    },
}

/// Compares an object that we hold with what is there.
pub fn compare(kind: &Kind, held: &Held<'_>, live: Option<&Value>) -> Compared {
    let nothing = Value::Object(Map::new());
    let live = match live {
        Some(live) => live,
        // It is always there; that it counts as gone means that it holds nothing any more.
        None if kind::always_there(kind) => &nothing,
        None => {
            let reason = kind.protected.clone().unwrap_or_else(|| "our log holds it".to_owned());
            return Compared::Drifted {
                class: DriftClass::Missing,
                fields: vec![FieldDrift::whole(&Value::Null, reason)],
            };
        }
    };
    let ask = Ask { desired: Some(held.spec), applied: Some(held.spec), live: Some(live) };
    let mut fields = match kind::assess(kind, &ask) {
        Assessment::Pending { state } => return Compared::Unsettled { state },
        Assessment::Absent | Assessment::Matches => Vec::new(),
        Assessment::Broken { state, detail } => vec![broken(kind, &state, detail)],
        Assessment::Differs { changes, .. } => changes.into_iter().map(applied_field).collect(),
    };
    let before = held.readback.into_iter().flat_map(|before| kind::moved(kind, held.spec, before, live));
    fields.extend(before.map(|(at, before, now)| FieldDrift {
        value: Digest::of_canonical(&now),
        at,
        held: Some(before).filter(|value| !value.is_null()),
        live: Some(now),
        basis: Basis::Seen,
        reason: "nothing declares it; it was otherwise when the object was last verified".to_owned(),
        accepted: None,
    }));
    if fields.is_empty() { Compared::Same } else { Compared::Drifted { class: DriftClass::Changed, fields } }
}

/// The drift of an object that no log knows.
pub fn unmanaged(kind: &Kind, id: &str) -> Vec<FieldDrift> {
    let reason = kind.strangers.as_ref().map_or(String::new(), |strangers| strangers.reason.clone());
    vec![FieldDrift::whole(&Value::String(id.to_owned()), reason)]
}

/// A comparison tells how to get from what is there to what is wanted; drift is told the other way round.
fn applied_field(change: FieldChange) -> FieldDrift {
    let FieldChange { at, from, to, known_after: _, forces_replacement: _, reason } = change;
    let reason = if reason == "the spec asks for it" { "it was applied so".to_owned() } else { reason };
    let value = Digest::of_canonical(&from.clone().unwrap_or_default());
    FieldDrift { at, held: to, live: from, value, basis: Basis::Applied, reason, accepted: None }
}

fn broken(kind: &Kind, state: &str, detail: Option<String>) -> FieldDrift {
    let ready = kind.ready.as_ref();
    let live = Value::String(state.to_owned());
    FieldDrift {
        at: ready.map_or(String::new(), |ready| ready.at.clone()),
        held: ready.and_then(|ready| ready.good.first()).map(|good| Value::String(good.clone())),
        value: Digest::of_canonical(&live),
        live: Some(live),
        basis: Basis::Seen,
        reason: detail.unwrap_or_else(|| "it does not leave this state by itself".to_owned()),
        accepted: None,
    }
}
