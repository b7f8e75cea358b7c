//! What a replacement means for what refers to it: the new object has other ids, so every field that names one will be
//! another, and which one is known after the replacement only.

use serde_json::Value;

use super::{Look, Observer, World};
use crate::base::pointer;
use crate::model::kind::{Kind, Role};
use crate::model::plan::{FieldChange, Operation};
use crate::model::reference::Reference;
use crate::plan::Found;

impl Observer {
    /// Adds to what was found for an object the fields that follow a replacement.
    pub(super) fn ripple(&self, look: &Look<'_>, live: &Value, found: &mut Found, world: &World) {
        if found.operation == Operation::Create {
            return;
        }
        for reference in &look.missing {
            let Some((scope, step)) = self.known.target_of(look.scope, reference) else { continue };
            let target = world.found.get(&scope).and_then(|found| found.get(&step));
            if target.is_none_or(|target| target.operation != Operation::Replace) {
                continue;
            }
            let at = field_of(reference);
            let known = found
                .changes
                .iter()
                .any(|change| change.at == at || change.at.starts_with(&format!("{at}/")));
            let managed = look.kind.field(&at).is_none_or(|field| field.role == Role::Managed);
            if known || !managed {
                continue;
            }
            let name = if scope == *look.scope { step.to_string() } else { format!("{scope}:{step}") };
            let forces = forces_replacement(look.kind, reference);
            found.changes.push(FieldChange {
                from: live.pointer(&at).filter(|value| !value.is_null()).cloned(),
                at,
                to: None,
                known_after: Some(name.clone()),
                forces_replacement: forces,
                reason: format!(
                    "{name} is replaced, and the new one has another {}",
                    reference.path.rsplit('.').next().unwrap_or("id")
                ),
            });
            found.operation = match (found.operation, forces) {
                (Operation::None | Operation::Update, false) => Operation::Update,
                (_, _) => Operation::Replace,
            };
        }
    }
}

/// The field of the spec that holds a reference; of a list or a map, the whole of it.
fn field_of(reference: &Reference) -> String {
    pointer::child("", reference.at.split('/').nth(1).unwrap_or_default())
}

/// Whether the kind's table has the field, or one above it, as one that takes a new object.
fn forces_replacement(kind: &Kind, reference: &Reference) -> bool {
    let mut above = String::new();
    let ruled = reference.at.split('/').skip(1).any(|name| {
        above = format!("{above}/{name}");
        kind.field(&above).is_some_and(|field| field.replace)
    });
    ruled || kind.calls.update.is_none()
}
