//! What is found for an object, as far as its kind and its spec alone decide it.

use serde_json::Value;

use crate::base::limits;
use crate::kind::{self, Registry};
use crate::model::kind::Kind;
use crate::model::plan::{FieldChange, Operation, StepLimits};
use crate::model::reference::Reference;
use crate::model::resource::Resource;
use crate::plan::Found;

/// What is to be done for a resource that is not there.
pub fn new_object(resource: &Resource) -> Found {
    let kind = Registry::standard().get(&resource.kind).expect("kinds were checked before");
    let changes = new_fields(&resource.spec, resource);
    Found {
        operation: Operation::Create,
        seen: None,
        id: None,
        reversal: kind::reversal(kind, Operation::Create, &resource.spec, &changes),
        changes,
        limits: step_limits(kind),
    }
}

/// What is to be done for an object that no pack declares any more, as far as its last spec tells.
pub fn deleted(kind: &Kind, spec: &Value) -> Found {
    let change = FieldChange {
        at: String::new(),
        from: Some(kind::readback(kind, spec)),
        to: None,
        known_after: None,
        forces_replacement: false,
        reason: "no pack declares it any more".to_owned(),
    };
    Found {
        operation: Operation::Delete,
        changes: vec![change],
        seen: None,
        id: None,
        reversal: kind::reversal(kind, Operation::Delete, spec, &[]),
        limits: step_limits(kind),
    }
}

/// The fields of a new object, each with the template that asks for it.
pub fn new_fields(spec: &Value, resource: &Resource) -> Vec<FieldChange> {
    let reason = format!("asked for by {}/{}", resource.origin.pack, resource.origin.template);
    let fields = spec.as_object().into_iter().flatten();
    fields
        .map(|(field, value)| FieldChange {
            at: crate::base::pointer::child("", field),
            from: None,
            to: Some(value.clone()),
            known_after: None,
            forces_replacement: false,
            reason: reason.clone(),
        })
        .collect()
}

/// How long to wait for objects of a kind, and how often to look.
pub fn step_limits(kind: &Kind) -> StepLimits {
    let (poll_every, ready_within) = match &kind.ready {
        Some(ready) => (ready.poll_every, ready.ready_within),
        None => (limits::RETRY_BASE, limits::SETTLE_MAX),
    };
    StepLimits {
        call_timeout: limits::CALL_TIMEOUT,
        attempts_max: limits::ATTEMPTS_MAX,
        poll_every,
        ready_within,
        expected: crate::base::time::Millis(0),
    }
}

/// A spec without the fields that are not known yet, so that nobody reads a reference as if it were a value.
pub fn known_part(spec: &Value, missing: &[Reference]) -> Value {
    let mut part = spec.clone();
    for reference in missing {
        let field = reference.at.split('/').nth(1).unwrap_or_default();
        crate::base::pointer::remove(&mut part, &format!("/{field}"));
    }
    part
}
