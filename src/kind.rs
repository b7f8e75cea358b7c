//! Floor 2: what follows from the tables of kinds: checks of specs, keys and ids, the three-way diff, and the
//! bodies and paths of calls. Pure; the driver sends what is worked out here.

mod diff;
mod key;
mod normal;
mod registry;
mod reversal;
mod spec;
mod view;
mod wire;

pub use diff::{Ask, Assessment, assess, exists};
pub use key::{id_of, key_in_list, key_inside, natural_key};
pub use registry::{BadTable, Registry, read_table};
pub use reversal::{reversal, shuts_out, undo};
pub use spec::{SpecProblem, check_spec, complete};
pub use view::{moved, outputs, readback, recorded, seen};
pub use wire::{
    Address, BadAddress, answered, create_body, delete_body, encode_segment, expand_path, expand_query,
    is_sane_id, update_body, update_mask,
};

use serde_json::{Map, Value};

use crate::model::kind::{Existence, Kind};
use crate::model::reference::references;

/// Whether one list call shows all objects of the kind in one place, with everything a comparison needs.
pub fn listable(kind: &Kind) -> bool {
    kind.calls
        .list
        .as_ref()
        .is_some_and(|list| list.leaves_out.is_empty() && list.asks_for().next().is_none())
}

/// The fields of a spec that the kind's list call takes: objects that share them are in one list. Empty for a list of a
/// whole place; none if there is no list, if it leaves out what a comparison needs, or if a field is not known yet.
pub fn listed_inside(kind: &Kind, spec: &Value) -> Option<Map<String, Value>> {
    let list = kind.calls.list.as_ref().filter(|list| list.leaves_out.is_empty())?;
    let field = |name: &str| {
        let value = spec.get(name).filter(|value| !value.is_null() && references(value).is_empty())?;
        Some((name.to_owned(), value.clone()))
    };
    list.asks_for().map(field).collect()
}

/// Whether objects of the kind may be there without having been made. Finding one that no log knows is then no
/// reason to stop: it is set to what is desired, and reset when it is no longer desired.
pub fn always_there(kind: &Kind) -> bool {
    kind.existence == Existence::Always
}

/// Whether a change of it is a change of who may see or do what.
pub fn is_access(kind: &Kind) -> bool {
    kind.access.is_some()
}

/// A kind of the standard registry by the last word of its name.
#[cfg(test)]
fn sample(name: &str) -> &'static Kind {
    let name = crate::base::id::KindName::new(format!("databricks.{name}")).unwrap();
    Registry::standard().get(&name).unwrap()
}
