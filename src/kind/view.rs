//! What of a live object is compared, passed on and recorded. Everything else stays where it is.

use serde_json::{Map, Value};

use super::normal::{is_empty, normal};
use super::spec::complete;
use crate::base::digest::Digest;
use crate::base::pointer;
use crate::model::kind::{FieldType, Kind, Role};

/// Digest of what is compared of a live object: the managed fields in their one spelling, without states and other
/// things the service computes. Equal digests mean that nobody changed what the plan is about.
pub fn seen(kind: &Kind, desired: &Value, applied: Option<&Value>, live: &Value) -> Digest {
    let applied = applied.map(|applied| complete(kind, applied));
    Digest::of_canonical(&managed(kind, "", &complete(kind, desired), applied.as_ref(), live))
}

/// The part of `live` that `desired` or `applied` names, in its one spelling.
fn managed(kind: &Kind, pattern: &str, desired: &Value, applied: Option<&Value>, live: &Value) -> Value {
    let field = kind.field(pattern);
    let opaque = field.is_some_and(|f| f.holds == FieldType::JsonText);
    let (Some(live_map), false) = (live.as_object(), opaque) else { return normal(kind, pattern, live) };
    let mut out = Map::new();
    let named = desired.as_object().into_iter().chain(applied.and_then(Value::as_object)).flatten();
    for (name, _) in named {
        let below = pointer::child(pattern, name);
        let compared = kind.field(&below).is_none_or(|f| f.role == Role::Managed);
        let Some(shown) = live_map.get(name).filter(|value| compared && !is_empty(value)) else { continue };
        let (desired, applied) =
            (desired.get(name).unwrap_or(&Value::Null), applied.and_then(|map| map.get(name)));
        out.insert(name.clone(), managed(kind, &below, desired, applied, shown));
    }
    Value::Object(out)
}

/// What other steps may refer to: `id`, and the fields of the kind's list, by dotted name.
pub fn outputs(kind: &Kind, id: &str, live: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    for at in &kind.outputs {
        if let Some(value) = live.pointer(at).filter(|value| !value.is_null()) {
            out.insert(at.trim_start_matches('/').replace('/', "."), value.clone());
        }
    }
    out.insert("id".to_owned(), Value::String(id.to_owned()));
    out
}

/// What goes into evidence: the fields of the kind's list and nothing else.
pub fn readback(kind: &Kind, live: &Value) -> Value {
    let mut out = Value::Object(Map::new());
    for at in &kind.record {
        if let Some(value) = live.pointer(at) {
            pointer::set(&mut out, at, value.clone());
        }
    }
    out
}

/// Managed fields that a spec leaves open and that show something else than they did in an earlier read-back: pointer,
/// what it was, what it is. Only what evidence may hold was recorded, so only that can be told.
pub fn moved(kind: &Kind, spec: &Value, before: &Value, live: &Value) -> Vec<(String, Value, Value)> {
    let spec = complete(kind, spec);
    let open = |at: &&String| {
        let managed = kind.field(at).is_some_and(|field| field.role == Role::Managed);
        managed && spec.pointer(at).is_none_or(is_empty)
    };
    let shown = |value: &Value, at: &str| normal(kind, at, value.pointer(at).unwrap_or(&Value::Null));
    let both = kind.record.iter().filter(open).map(|at| (at.clone(), shown(before, at), shown(live, at)));
    // A list may leave out what a single read shows: that something is not shown says nothing.
    both.filter(|(at, before, now)| !is_empty(now) && !same_shown(kind, at, before, now)).collect()
}

fn same_shown(kind: &Kind, at: &str, before: &Value, now: &Value) -> bool {
    let silent = kind.field(at).and_then(|field| field.default.as_ref());
    before == now || (is_empty(before) && silent == Some(now))
}

/// Whether a field may go into evidence.
pub fn recorded(kind: &Kind, at: &str) -> bool {
    let covers = |listed: &String| {
        at.strip_prefix(listed.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    kind.record.iter().any(covers) || kind.ready.as_ref().is_some_and(|ready| ready.at == at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::sample;
    use serde_json::json;

    #[test]
    fn the_digest_changes_with_managed_fields_only() {
        let kind = sample("workspace");
        let spec = json!({"workspace_name": "w", "aws_region": "r", "custom_tags": {"site": "HRB01"}});
        let of = |live: Value| seen(kind, &spec, None, &live);
        let live = json!({"workspace_name": "w", "aws_region": "r", "custom_tags": {"site": "HRB01"}});
        let mut later = live.clone();
        later["workspace_status"] = json!("RUNNING");
        later["custom_tags"]["by"] = json!("somebody");
        assert_eq!(of(live.clone()), of(later.clone()));
        later["custom_tags"]["site"] = json!("HRB02");
        assert_ne!(of(live), of(later));
    }

    #[test]
    fn what_only_steers_a_call_is_not_looked_at() {
        let kind = sample("storage_credential");
        let spec = json!({"name": "c", "skip_validation": true});
        let plain = seen(kind, &spec, None, &json!({"name": "c"}));
        assert_eq!(plain, seen(kind, &spec, None, &json!({"name": "C", "skip_validation": true})));
    }

    #[test]
    fn the_digest_does_not_depend_on_order_or_spelling() {
        let kind = sample("grants");
        let live = |first: &str, second: &str| {
            json!({"securable_type": "catalog", "full_name": "c", "privilege_assignments":
                [{"principal": first, "privileges": ["SELECT"]}, {"principal": second, "privileges": ["SELECT"]}]})
        };
        let spec = live("a", "b");
        let of = |live: Value| seen(kind, &spec, None, &live);
        assert_eq!(of(live("a", "b")), of(live("B", "A")));
        assert_ne!(of(live("a", "b")), of(live("a", "c")));
    }

    #[test]
    fn fields_that_were_applied_before_are_looked_at_too() {
        let kind = sample("catalog");
        let (spec, applied) = (json!({"name": "c"}), json!({"name": "c", "comment": "x"}));
        let of = |applied: Option<&Value>, comment: &str| {
            seen(kind, &spec, applied, &json!({"name": "c", "comment": comment}))
        };
        assert_eq!(of(None, "x"), of(None, "y"));
        assert_ne!(of(Some(&applied), "x"), of(Some(&applied), "y"));
    }

    #[test]
    fn what_no_spec_names_is_told_against_what_was_seen_before() {
        let kind = sample("catalog");
        let spec = json!({"name": "c", "isolation_mode": "ISOLATED"});
        let before = json!({"name": "c", "owner": "Admins", "isolation_mode": "ISOLATED"});
        let of = |live: Value| moved(kind, &spec, &before, &live);
        assert_eq!(of(json!({"name": "c", "owner": "admins"})), [], "spelling, and what the spec names");
        assert_eq!(
            of(json!({"name": "c", "isolation_mode": "OPEN"})),
            [],
            "the spec's own fields, and silence"
        );
        let changed = of(json!({"name": "c", "owner": "jane", "catalog_type": "X", "comment": "y"}));
        assert_eq!(changed, [("/owner".to_owned(), json!("admins"), json!("jane"))]);
        assert!(recorded(kind, "/owner") && recorded(kind, "/managed_encryption_settings/x"));
        assert!(!recorded(kind, "/comment") && !recorded(kind, "/owners"));
    }

    #[test]
    fn only_listed_fields_leave() {
        let live = json!({"name": "c", "comment": "Jane Doe, MRN 12345",
            "aws_iam_role": {"role_arn": "r", "external_id": "e", "secret": "s"}});
        let out = outputs(sample("storage_credential"), "c", &live);
        assert_eq!(
            Value::Object(out),
            json!({"id": "c", "name": "c", "aws_iam_role.role_arn": "r", "aws_iam_role.external_id": "e"})
        );
        let recorded = json!({"name": "c", "aws_iam_role": {"role_arn": "r", "external_id": "e"}});
        assert_eq!(readback(sample("storage_credential"), &live), recorded);
    }
}
