//! The facts that checklist items are held against: one JSON document for each scope.

use jiff::civil::Date;
use serde_json::Value;

use crate::base::id::ScopeId;
use crate::facts;
use crate::ops::desired::Desired;

/// What is known about a scope from the files: `/site` its parameters, `/program`, `/registers`, `/people`. The same
/// files give the same document on every day.
pub fn of_scope(desired: &Desired, scope: &ScopeId) -> Value {
    facts::of_scope(&desired.loaded, &desired.resolved, scope, None)
}

/// The same as of a day: `/today` is that day, and every agreement says whether it is in force (`valid`, `fault`).
pub fn of_scope_on(desired: &Desired, scope: &ScopeId, today: Date) -> Value {
    facts::of_scope(&desired.loaded, &desired.resolved, scope, Some(today))
}

#[cfg(test)]
mod tests;
