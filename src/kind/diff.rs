//! The three-way diff: desired, last applied, live.

use serde_json::Value;

use super::normal::{
    first_reference, holds_unresolved, is_empty, is_unresolved, normal, same_list, same_or_unknown,
    same_scalar,
};
use super::spec::complete;
use super::view::readback;
use crate::base::pointer;
use crate::model::kind::{Existence, Field, FieldType, Kind, Ready, Role, UpdateStyle};
use crate::model::plan::FieldChange;

/// What is to be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask<'a> {
    /// What is wanted; none if the object should be gone.
    pub desired: Option<&'a Value>,
    /// What was last applied, if our logs know it.
    pub applied: Option<&'a Value>,
    /// What is there; none if nothing is.
    pub live: Option<&'a Value>,
}

/// What the comparison found.
#[derive(Debug, Clone, PartialEq)]
pub enum Assessment {
    /// Nothing is there: to be made, or properly gone.
    Absent,
    /// It is as desired and ready.
    Matches,
    /// It is on its way.
    Pending {
        /// The state it shows.
        state: String,
    },
    /// It is in a state that it does not leave by itself.
    Broken {
        /// The state it shows.
        state: String,
        /// The service's words about it.
        detail: Option<String>,
    },
    /// It is something else than desired.
    Differs {
        /// Field by field.
        changes: Vec<FieldChange>,
        /// Whether it takes a new object.
        replace: bool,
        /// Whether all differences are in fields that are accepted only after the object was made.
        only_after_create: bool,
    },
}

/// Compares.
pub fn assess(kind: &Kind, ask: &Ask<'_>) -> Assessment {
    let Some(desired) = ask.desired else { return assess_gone(kind, ask.live) };
    let desired = complete(kind, desired);
    let Some(live) = ask.live else {
        let nothing_wanted = kind.existence == Existence::Always && is_gone(kind, &desired);
        return if nothing_wanted { Assessment::Matches } else { Assessment::Absent };
    };
    if let Some(waiting) = kind.ready.as_ref().and_then(|ready| waiting(ready, live)) {
        return waiting;
    }
    let applied = ask.applied.map(|applied| complete(kind, applied));
    let mut walk = Walk { kind, changes: Vec::new(), outside_after_create: false };
    walk.object(&Place::default(), &desired, applied.as_ref(), live);
    if walk.changes.is_empty() {
        return Assessment::Matches;
    }
    Assessment::Differs {
        replace: walk.changes.iter().any(|change| change.forces_replacement),
        only_after_create: !walk.outside_after_create,
        changes: walk.changes,
    }
}

/// Whether a live object counts as being there. Kinds that always exist count as absent while they hold nothing.
pub fn exists(kind: &Kind, live: &Value) -> bool {
    kind.existence == Existence::Made || !is_gone(kind, live)
}

fn assess_gone(kind: &Kind, live: Option<&Value>) -> Assessment {
    let Some(live) = live else { return Assessment::Absent };
    // Without a delete call there is nothing to be done about it: it stays as it is.
    if kind.calls.delete.is_none() || is_gone(kind, live) {
        return Assessment::Absent;
    }
    let leaving = kind.ready.as_ref().and_then(|ready| {
        let state = live.pointer(&ready.at)?.as_str()?;
        names(&ready.leaving, state).then(|| Assessment::Pending { state: state.to_owned() })
    });
    leaving.unwrap_or_else(|| {
        let reason = kind.protected.clone().unwrap_or_else(|| "it is no longer declared".to_owned());
        let from = Some(readback(kind, live));
        let change = FieldChange {
            at: String::new(),
            from,
            to: None,
            known_after: None,
            forces_replacement: false,
            reason,
        };
        Assessment::Differs { changes: vec![change], replace: false, only_after_create: false }
    })
}

fn is_gone(kind: &Kind, live: &Value) -> bool {
    kind.gone.as_ref().is_some_and(|gone| {
        let shown = live.pointer(&gone.at).map(|value| normal(kind, &gone.at, value)).unwrap_or_default();
        shown == gone.value || (is_empty(&shown) && is_empty(&gone.value))
    })
}

fn names(states: &[String], state: &str) -> bool {
    states.iter().any(|known| known.eq_ignore_ascii_case(state))
}

fn waiting(ready: &Ready, live: &Value) -> Option<Assessment> {
    let state = live.pointer(&ready.at).and_then(Value::as_str).unwrap_or("not shown").to_owned();
    if names(&ready.good, &state) {
        return None;
    }
    if !names(&ready.bad, &state) {
        return Some(Assessment::Pending { state });
    }
    let detail = ready.detail.as_ref().and_then(|at| live.pointer(at)?.as_str()).map(str::to_owned);
    Some(Assessment::Broken { state, detail })
}

/// Where the walk stands, and the rules that hold there and below.
#[derive(Debug, Clone, Default)]
struct Place {
    pattern: String,
    at: String,
    replace: bool,
    after_create: bool,
    inside_map: bool,
    reason: String,
}

impl Place {
    fn child(&self, kind: &Kind, name: &str) -> Place {
        let pattern = pointer::child(&self.pattern, name);
        let field = kind.field(&pattern);
        Place {
            at: pointer::child(&self.at, name),
            replace: self.replace || field.is_some_and(|f| f.replace),
            after_create: self.after_create || field.is_some_and(|f| f.after_create),
            inside_map: kind.field(&self.pattern).is_some_and(|f| f.holds == FieldType::Map),
            reason: field.map(|f| f.reason.clone()).filter(|r| !r.is_empty()).unwrap_or(self.reason.clone()),
            pattern,
        }
    }
}

struct Walk<'k> {
    kind: &'k Kind,
    changes: Vec<FieldChange>,
    outside_after_create: bool,
}

impl Walk<'_> {
    fn object(&mut self, place: &Place, desired: &Value, applied: Option<&Value>, live: &Value) {
        let Some(desired) = desired.as_object() else { return };
        for (name, value) in desired.iter().filter(|(_, value)| !value.is_null()) {
            let applied = applied.and_then(|map| map.get(name));
            self.field(&place.child(self.kind, name), value, applied, live.get(name).unwrap_or(&Value::Null));
        }
        let dropped = applied.and_then(Value::as_object).into_iter().flatten();
        for (name, _) in dropped.filter(|(name, _)| !desired.contains_key(*name)) {
            self.dropped(&place.child(self.kind, name), live.get(name).unwrap_or(&Value::Null));
        }
    }

    fn field(&mut self, place: &Place, desired: &Value, applied: Option<&Value>, live: &Value) {
        let rule = self.kind.field(&place.pattern);
        if rule.is_some_and(|rule| rule.role != Role::Managed) {
            return;
        }
        if (is_empty(desired) && is_empty(live)) || is_silent_default(rule, desired, live) {
            return;
        }
        let opaque = rule.is_some_and(|rule| rule.holds == FieldType::JsonText);
        let same = match desired {
            Value::Object(_) if !opaque => return self.object(place, desired, applied, live),
            Value::String(_) if is_unresolved(desired) => !is_empty(live),
            _ => self.same(place, rule, desired, live),
        };
        if !same {
            self.push(place, Some(live), Some(desired));
        }
    }

    fn same(&self, place: &Place, rule: Option<&Field>, desired: &Value, live: &Value) -> bool {
        let desired = normal(self.kind, &place.pattern, desired);
        let live = normal(self.kind, &place.pattern, live);
        match (&desired, &live) {
            (Value::Array(desired), Value::Array(live)) => {
                same_list(desired, live, rule.is_none_or(|rule| rule.set.is_none()))
            }
            (Value::Array(desired), Value::Null) => desired.is_empty(),
            (Value::Object(_), _) => same_or_unknown(&desired, &live),
            _ => same_scalar(rule, &desired, &live),
        }
    }

    /// A field that was applied before and is no longer named.
    fn dropped(&mut self, place: &Place, live: &Value) {
        let rule = self.kind.field(&place.pattern);
        let Some(update) = &self.kind.calls.update else { return };
        if is_empty(live) || rule.is_some_and(|rule| rule.role != Role::Managed) {
            return;
        }
        let clear = rule.and_then(|rule| rule.clear.as_ref());
        let nested = place.at.matches('/').count() > 1;
        let whole = matches!(update.style, UpdateStyle::Full | UpdateStyle::Upsert | UpdateStyle::Scim);
        let replaces = place.replace && !place.inside_map;
        let can = !replaces && (place.inside_map || clear.is_some() || nested || whole);
        if can && clear != Some(live) {
            self.push(place, Some(live), None);
        }
    }

    fn push(&mut self, place: &Place, from: Option<&Value>, to: Option<&Value>) {
        let shown =
            from.filter(|value| !value.is_null()).map(|value| normal(self.kind, &place.pattern, value));
        let unknown = to.filter(|value| holds_unresolved(value));
        let immutable = self.kind.calls.update.is_none();
        let reason = match (place.reason.is_empty(), immutable, to) {
            (false, _, _) => place.reason.clone(),
            (true, true, _) => format!("a {} cannot be changed once it is made", self.kind.title),
            (true, false, Some(_)) => "the spec asks for it".to_owned(),
            (true, false, None) => "the spec no longer names it".to_owned(),
        };
        self.outside_after_create |= !place.after_create;
        self.changes.push(FieldChange {
            at: place.at.clone(),
            from: shown,
            to: if unknown.is_some() { None } else { to.cloned() },
            known_after: unknown.and_then(first_reference),
            forces_replacement: place.replace || immutable,
            reason,
        });
    }
}

/// A service that does not show a field shows its default.
fn is_silent_default(rule: Option<&Field>, desired: &Value, live: &Value) -> bool {
    live.is_null() && rule.and_then(|rule| rule.default.as_ref()) == Some(desired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::sample;
    use serde_json::json;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    /// One line per change: `at: from -> to`, with `!` where it forces a replacement and `?` where it is not known.
    fn told(assessment: &Assessment) -> String {
        match assessment {
            Assessment::Absent => "absent".to_owned(),
            Assessment::Matches => "matches".to_owned(),
            Assessment::Pending { state } => format!("pending {state}"),
            Assessment::Broken { state, detail } => {
                format!("broken {state}: {}", detail.as_deref().unwrap_or("-"))
            }
            Assessment::Differs { changes, replace, only_after_create } => {
                let shown =
                    |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
                let line = |c: &FieldChange| {
                    let to = c.known_after.as_ref().map_or(shown(&c.to), |step| format!("?{step}"));
                    let force = if c.forces_replacement { "!" } else { "" };
                    format!("{}: {} -> {to}{force}", c.at, shown(&c.from))
                };
                let mut lines: Vec<String> = changes.iter().map(line).collect();
                assert_eq!(*replace, changes.iter().any(|change| change.forces_replacement));
                if *only_after_create {
                    lines.push("(after create)".to_owned());
                }
                lines.join("; ")
            }
        }
    }

    /// Desired against live, nothing applied before.
    fn diff(kind: &str, desired: &str, live: &str) -> String {
        let (desired, live) = (value(desired), value(live));
        told(&assess(sample(kind), &Ask { desired: Some(&desired), applied: None, live: Some(&live) }))
    }

    #[test]
    fn server_fields_and_spelling_are_no_difference() {
        let cases = [
            (
                "catalog",
                r#"{"name":"Prod","storage_root":"s3://b/x/"}"#,
                r#"{"name":"prod","storage_root":"s3://b/x","created_at":1,"owner":"me","properties":{"a":"b"}}"#,
            ),
            (
                "metastore",
                r#"{"name":"m","region":"r","storage_root":"s3://b/root"}"#,
                r#"{"name":"m","region":"r","storage_root":"s3://b/root/0b1c","cloud":"aws"}"#,
            ),
            (
                "schema",
                r#"{"catalog_name":"c","name":"S","comment":""}"#,
                r#"{"catalog_name":"C","name":"s"}"#,
            ),
            (
                "network",
                r#"{"network_name":"n","vpc_id":"v","subnet_ids":["b","a"],"security_group_ids":["s"]}"#,
                r#"{"network_name":"n","vpc_id":"v","subnet_ids":["a","b"],"security_group_ids":["s"],
                 "vpc_endpoints":{},"vpc_status":"BROKEN"}"#,
            ),
            (
                "storage_credential",
                r#"{"name":"c","aws_iam_role":{"role_arn":"r"},"skip_validation":true}"#,
                r#"{"name":"c","aws_iam_role":{"role_arn":"r","external_id":"e"}}"#,
            ),
            (
                "log_delivery",
                r#"{"config_name":"c","log_type":"AUDIT_LOGS","output_format":"JSON",
                 "credentials_id":"a","storage_configuration_id":"b"}"#,
                r#"{"config_name":"c","log_type":"AUDIT_LOGS","output_format":"JSON",
                 "credentials_id":"a","storage_configuration_id":"b","status":"ENABLED"}"#,
            ),
            (
                "cluster_policy",
                r#"{"name":"p","definition":{"b":{"type":"fixed","value":1},"a":{}}}"#,
                r#"{"name":"p","definition":"{\"a\": {}, \"b\": {\"value\": 1, \"type\": \"fixed\"}}"}"#,
            ),
            (
                "workspace_network_option",
                r#"{"workspace_id":"7","network_policy_id":"p"}"#,
                r#"{"workspace_id":7,"network_policy_id":"p"}"#,
            ),
        ];
        for (kind, desired, live) in cases {
            assert_eq!(diff(kind, desired, live), "matches", "{kind}");
        }
    }

    #[test]
    fn each_rule_says_what_a_change_costs() {
        let cases = [
            (
                "catalog",
                r#"{"name":"c","comment":"new"}"#,
                r#"{"name":"c","comment":"old"}"#,
                r#"/comment: "old" -> "new""#,
            ),
            (
                "catalog",
                r#"{"name":"c","storage_root":"s3://b"}"#,
                r#"{"name":"c","storage_root":"s3://a"}"#,
                r#"/storage_root: "s3://a" -> "s3://b"!"#,
            ),
            (
                "catalog",
                r#"{"name":"c","owner":"g","isolation_mode":"ISOLATED"}"#,
                r#"{"name":"c","owner":"me","isolation_mode":"OPEN"}"#,
                r#"/isolation_mode: "OPEN" -> "ISOLATED"; /owner: "me" -> "g"; (after create)"#,
            ),
            (
                "catalog",
                r#"{"name":"c","owner":"g","comment":"x"}"#,
                r#"{"name":"c","owner":"me"}"#,
                r#"/comment: nothing -> "x"; /owner: "me" -> "g""#,
            ),
            (
                "metastore",
                r#"{"name":"m","region":"r","storage_root":"s3://b/root"}"#,
                r#"{"name":"m","region":"r","storage_root":"s3://b/roots/1"}"#,
                r#"/storage_root: "s3://b/roots/1" -> "s3://b/root"!"#,
            ),
            (
                "credentials",
                r#"{"credentials_name":"c","aws_credentials":{"sts_role":{"role_arn":"b"}}}"#,
                r#"{"credentials_name":"c","aws_credentials":{"sts_role":{"role_arn":"a"}}}"#,
                r#"/aws_credentials/sts_role/role_arn: "a" -> "b"!"#,
            ),
            (
                "external_location",
                r#"{"name":"l","url":"s3://b/","credential_name":"c","read_only":false}"#,
                r#"{"name":"l","url":"s3://b","credential_name":"c","read_only":true}"#,
                "/read_only: true -> false",
            ),
            (
                "cluster_policy",
                r#"{"name":"p","definition":{"a":1}}"#,
                r#"{"name":"p","definition":"{\"a\":1,\"b\":2}"}"#,
                r#"/definition: {"a":1,"b":2} -> {"a":1}"#,
            ),
        ];
        for (kind, desired, live, expected) in cases {
            assert_eq!(diff(kind, desired, live), expected, "{kind}");
        }
    }

    #[test]
    fn sets_compare_as_sets_and_extra_entries_count() {
        let grants = |list: &str| {
            format!(r#"{{"securable_type":"catalog","full_name":"c","privilege_assignments":{list}}}"#)
        };
        let desired = grants(r#"[{"principal":"Nurses","privileges":["USE CATALOG","SELECT"]}]"#);
        let same = grants(r#"[{"principal":"nurses","privileges":["SELECT","USE_CATALOG"]}]"#);
        assert_eq!(diff("grants", &desired, &same), "matches");
        let extra = grants(
            r#"[{"principal":"nurses","privileges":["SELECT","USE_CATALOG"]},{"principal":"eve","privileges":["SELECT"]}]"#,
        );
        assert!(
            diff("grants", &desired, &extra).starts_with(r#"/privilege_assignments: [{"principal":"eve""#)
        );
        let more = grants(r#"[{"principal":"nurses","privileges":["SELECT","USE_CATALOG","MODIFY"]}]"#);
        assert!(diff("grants", &desired, &more).contains("MODIFY"));
    }

    #[test]
    fn bindings_take_ids_as_text_or_number_and_know_their_default() {
        let spec =
            |list: &str| format!(r#"{{"securable_type":"catalog","securable_name":"c","bindings":{list}}}"#);
        let live = spec(r#"[{"workspace_id":7,"binding_type":"BINDING_TYPE_READ_WRITE"}]"#);
        assert_eq!(diff("workspace_bindings", &spec(r#"[{"workspace_id":"7"}]"#), &live), "matches");
        let other = spec(r#"[{"workspace_id":"7","binding_type":"BINDING_TYPE_READ_ONLY"}]"#);
        assert!(diff("workspace_bindings", &other, &live).starts_with("/bindings: "));
    }

    #[test]
    fn inherited_permissions_and_administrators_do_not_count() {
        let spec = |list: &str| {
            format!(r#"{{"object_type":"cluster-policies","object_id":"p","access_control_list":{list}}}"#)
        };
        let live = |name: &str, inherited: bool| {
            let line = json!({"group_name": name, "display_name": "x",
                "all_permissions": [{"permission_level": "CAN_USE", "inherited": inherited}]});
            line.to_string()
        };
        let desired = spec(r#"[{"group_name":"Nurses","permission_level":"CAN_USE"}]"#);
        let built_in = live("admins", false);
        let shown = spec(&format!("[{},{},{built_in}]", live("eve", true), live("nurses", false)));
        assert_eq!(diff("permissions", &desired, &shown), "matches");
        let shown = spec(&format!("[{},{}]", live("eve", false), live("nurses", false)));
        assert!(diff("permissions", &desired, &shown).contains("eve"));
    }

    #[test]
    fn budget_thresholds_are_decimals() {
        let spec = |threshold: &str, id: &str| {
            format!(
                r#"{{"display_name":"b","alert_configurations":[{{"quantity_threshold":"{threshold}"{id},
                "action_configurations":[{{"action_type":"EMAIL_NOTIFICATION","target":"A@x.org"}}]}}]}}"#
            )
        };
        let live = spec(
            "1000.000000",
            r#","alert_configuration_id":"i","time_period":"MONTH",
            "trigger_type":"CUMULATIVE_SPENDING_EXCEEDED","quantity_type":"LIST_PRICE_DOLLARS_USD""#,
        );
        assert_eq!(diff("budget", &spec("1000", ""), &live), "matches");
        assert!(diff("budget", &spec("1000.5", ""), &live).starts_with("/alert_configurations: "));
    }

    #[test]
    fn fields_that_are_no_longer_named_are_taken_away_where_the_kind_can() {
        let three_way = |kind: &str, desired: &str, applied: &str, live: &str| {
            let (desired, applied, live) = (value(desired), value(applied), value(live));
            let ask = Ask { desired: Some(&desired), applied: Some(&applied), live: Some(&live) };
            told(&assess(sample(kind), &ask))
        };
        let c = r#"{"name":"c"}"#;
        let commented = r#"{"name":"c","comment":"x"}"#;
        assert_eq!(three_way("catalog", c, commented, commented), r#"/comment: "x" -> nothing"#);
        assert_eq!(three_way("catalog", c, commented, r#"{"name":"c","comment":""}"#), "matches");
        assert_eq!(three_way("catalog", c, c, commented), "matches", "a comment of somebody else");
        let owned = r#"{"name":"c","owner":"g"}"#;
        assert_eq!(three_way("catalog", c, owned, owned), "matches", "an owner cannot be taken away");
        let tags = r#"{"name":"c","properties":{"a":"1","b":"2"}}"#;
        let fewer = r#"{"name":"c","properties":{"a":"1"}}"#;
        assert_eq!(three_way("catalog", fewer, tags, tags), r#"/properties/b: "2" -> nothing"#);
        assert_eq!(three_way("catalog", fewer, fewer, tags), "matches", "a property of the service");
        let policy = r#"{"name":"p","max_clusters_per_user":2}"#;
        assert_eq!(
            three_way("cluster_policy", r#"{"name":"p"}"#, policy, policy),
            "/max_clusters_per_user: 2 -> nothing"
        );
    }

    #[test]
    fn unknown_values_are_no_difference_by_themselves() {
        let spec = r#"{"workspace_name":"w","aws_region":"r","network_id":"${network.main.network_id}"}"#;
        let running = |rest: &str| {
            format!(r#"{{"workspace_name":"w","aws_region":"r","workspace_status":"RUNNING"{rest}}}"#)
        };
        assert_eq!(diff("workspace", spec, &running(r#","network_id":"n-1""#)), "matches");
        assert_eq!(diff("workspace", spec, &running("")), "/network_id: nothing -> ?network.main.network_id");
        let net = |ids: &str| {
            format!(r#"{{"network_name":"n","vpc_id":"v","subnet_ids":{ids},"security_group_ids":["s"]}}"#)
        };
        assert_eq!(diff("network", &net(r#"["a","${subnet.b.id}"]"#), &net(r#"["a","b"]"#)), "matches");
        let differs = diff("network", &net(r#"["c","${subnet.b.id}"]"#), &net(r#"["a","b"]"#));
        assert_eq!(differs, r#"/subnet_ids: ["a","b"] -> ?subnet.b.id!"#);
    }

    #[test]
    fn states_come_before_differences() {
        let desired = r#"{"workspace_name":"w","aws_region":"r"}"#;
        let live = |state: &str| {
            format!(
                r#"{{"workspace_name":"w","aws_region":"x","workspace_status":"{state}","workspace_status_message":"why"}}"#
            )
        };
        assert_eq!(diff("workspace", desired, &live("PROVISIONING")), "pending PROVISIONING");
        assert_eq!(diff("workspace", desired, &live("FAILED")), "broken FAILED: why");
        assert_eq!(diff("workspace", desired, r#"{"workspace_name":"w"}"#), "pending not shown");
        assert!(diff("workspace", desired, &live("RUNNING")).starts_with("/aws_region"));
        let endpoint = r#"{"vpc_endpoint_name":"e","aws_vpc_endpoint_id":"v","region":"r"}"#;
        let with_state = endpoint.replace('}', r#","state":"Available"}"#);
        assert_eq!(diff("vpc_endpoint", endpoint, &with_state), "matches");
    }

    #[test]
    fn what_should_be_gone() {
        let gone = |kind: &str, live: Option<&str>| {
            let live = live.map(value);
            told(&assess(sample(kind), &Ask { desired: None, applied: None, live: live.as_ref() }))
        };
        assert_eq!(gone("catalog", None), "absent");
        assert_eq!(gone("catalog", Some(r#"{"name":"c","comment":"PHI?"}"#)), r#": {"name":"c"} -> nothing"#);
        assert_eq!(gone("workspace", Some(r#"{"workspace_status":"CANCELLING"}"#)), "pending CANCELLING");
        assert_eq!(gone("log_delivery", Some(r#"{"status":"DISABLED"}"#)), "absent");
        assert_eq!(gone("grants", Some(r#"{"privilege_assignments":[]}"#)), "absent");
        assert_eq!(gone("grants", Some("{}")), "absent");
        assert_eq!(
            gone("workspace_network_option", Some(r#"{"network_policy_id":"default-policy"}"#)),
            "absent"
        );
        assert_eq!(gone("workspace_setting", Some(r#"{"type":"x","value":{}}"#)), "absent");
    }

    #[test]
    fn a_disabled_delivery_is_enabled_again() {
        let spec = r#"{"config_name":"c","log_type":"AUDIT_LOGS","output_format":"JSON","credentials_id":"a",
            "storage_configuration_id":"b"}"#;
        let live = spec.replace('}', r#","status":"DISABLED"}"#);
        assert_eq!(diff("log_delivery", spec, &live), r#"/status: "DISABLED" -> "ENABLED""#);
    }

    #[test]
    fn what_always_exists_counts_as_absent_while_it_holds_nothing() {
        let grants = sample("grants");
        assert!(!exists(grants, &json!({"privilege_assignments": []})));
        assert!(exists(grants, &json!({"privilege_assignments": [{"principal": "p"}]})));
        assert!(exists(sample("catalog"), &json!({})));
        let nothing = json!({"securable_type": "catalog", "full_name": "c", "privilege_assignments": []});
        assert_eq!(
            assess(grants, &Ask { desired: Some(&nothing), applied: None, live: None }),
            Assessment::Matches
        );
    }
}
