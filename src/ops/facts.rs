//! The facts that checklist items are held against: one JSON document for each scope.

use serde_json::{Value, json};

use crate::base::id::ScopeId;
use crate::ops::desired::Desired;

/// What is known about a scope from the files: `/site` its parameters, `/program`, `/registers`, `/people`.
pub fn of_scope(desired: &Desired, scope: &ScopeId) -> Value {
    let site = desired
        .resolved
        .scopes
        .get(scope)
        .map_or(Value::Null, |resolved| resolved.context.get("site").cloned().unwrap_or(Value::Null));
    json!({ "site": site, "program": {}, "registers": {}, "people": {} })
}
