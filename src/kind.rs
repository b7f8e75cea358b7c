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
pub use key::{id_of, key_in_list, natural_key};
pub use registry::{BadTable, Registry, read_table};
pub use reversal::{reversal, shuts_out, undo};
pub use spec::{SpecProblem, check_spec, complete};
pub use view::{moved, outputs, readback, recorded, seen};
pub use wire::{
    Address, BadAddress, answered, create_body, delete_body, encode_segment, expand_path, expand_query,
    is_sane_id, update_body, update_mask,
};

use crate::model::kind::{Existence, Kind};

/// Whether one list call shows all objects of the kind in one place, with everything a comparison needs.
pub fn listable(kind: &Kind) -> bool {
    kind.calls.list.as_ref().is_some_and(|list| list.leaves_out.is_empty() && !list.path.contains("{spec."))
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
