//! The sandbox's own paths: fault rules, request log, state dump. They exist only with an admin token.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::conditions::Conditions;
use super::dispatch::Core;
use super::faults::Fault;
use super::oauth::bearer;
use super::store::Store;
use super::visit::HIDDEN;

/// Fields that differ between runs that end in the same state.
const VOLATILE: &[&str] = &[
    HIDDEN,
    "create_time",
    "created_at",
    "created_at_timestamp",
    "creation_time",
    "etag",
    "update_time",
    "updated_at",
    "updated_time",
];

/// Collections that are no objects.
const BOOKS: &[&str] = &["births", super::audit::COLLECTION];

/// Serves `/__sandbox/…`.
pub(super) fn serve(core: &mut Core, call: &Call, rest: &[&str]) -> Outcome {
    let Some(token) = &core.config().admin_token else {
        return Err(Refusal::not_served(&call.method, &call.path));
    };
    if !call.credentials().and_then(bearer).is_some_and(|given| token.matches(given)) {
        return Err(Refusal::unauthenticated());
    }
    match (call.method.as_str(), rest) {
        ("POST", ["faults"]) => {
            let fault: Fault = serde_json::from_slice(&call.body)
                .map_err(|error| Refusal::malformed(format!("not a fault rule: {error}")))?;
            core.add_fault(fault);
            Answer::nothing()
        }
        ("GET", ["faults"]) => Answer::ok(json!({ "faults": core.faults() })),
        ("DELETE", ["faults"]) => {
            core.clear_faults();
            Answer::nothing()
        }
        ("GET", ["conditions"]) => Answer::ok(json!(core.conditions())),
        ("PUT", ["conditions"]) => {
            let wanted: Conditions = serde_json::from_slice(&call.body)
                .map_err(|error| Refusal::malformed(format!("not conditions: {error}")))?;
            if let Some(fault) = wanted.fault() {
                return Err(Refusal::malformed(fault));
            }
            core.set_conditions(wanted);
            Answer::nothing()
        }
        ("GET", ["requests"]) => {
            let requests: Vec<_> = core.requests().collect();
            Answer::ok(json!({ "requests": requests }))
        }
        ("DELETE", ["requests"]) => {
            core.clear_requests();
            Answer::nothing()
        }
        ("POST", ["lineage"]) => {
            let body = call.object()?;
            let rows = body.get("rows").and_then(Value::as_array);
            let rows = rows.ok_or_else(|| Refusal::malformed("rows is a list of rows of table_lineage"))?;
            Answer::ok(json!({ "added": core.add_lineage(rows)? }))
        }
        ("GET", ["state"]) => Answer::ok(core.state()),
        _ => Err(Refusal::not_served(&call.method, &call.path)),
    }
}

/// Every object by collection, scope and key, without what is volatile.
pub(super) fn state(store: &Store) -> Value {
    let mut collections = Map::new();
    for (collection, scopes) in store.all().iter().filter(|(name, _)| !BOOKS.contains(&name.as_str())) {
        let mut shown = Map::new();
        for (scope, rows) in scopes.iter().filter(|(_, rows)| !rows.is_empty()) {
            let rows = rows.iter().map(|(key, value)| (key.clone(), steady(value))).collect();
            shown.insert(scope.clone(), Value::Object(rows));
        }
        if !shown.is_empty() {
            collections.insert(collection.clone(), Value::Object(shown));
        }
    }
    Value::Object(collections)
}

fn steady(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| !VOLATILE.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), steady(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(steady).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
