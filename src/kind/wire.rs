//! What goes over the wire for a spec, and what an answer means: paths, bodies, and the shape of live objects.

mod address;
mod delta;

use serde_json::{Map, Value, json};

pub use address::{Address, BadAddress, encode_segment, expand_path, expand_query, is_sane_id};

use self::address::expand_body;
use super::normal::normal;
use super::spec::complete;
use crate::base::digest::Digest;
use crate::base::pointer;
use crate::model::kind::{Field, FieldType, Kind, Nest, Normal, Role, Update, UpdateStyle};
use crate::model::plan::FieldChange;

/// The body of a create. `key` is sent where the kind takes an idempotency token.
///
/// # Errors
///
/// If a template of the table cannot be filled from the spec.
pub fn create_body(kind: &Kind, address: &Address<'_>, key: &str) -> Result<Value, BadAddress> {
    let Some(create) = &kind.calls.create else { return Ok(Value::Null) };
    let spec = complete(kind, address.spec);
    if let Some(update) = kind.calls.update.as_ref().filter(|_| create.empties) {
        return Ok(update_with(kind, update, &spec, &[], &Value::Null));
    }
    let mut body = whole(kind, &spec, |field| !field.after_create);
    for (name, value) in create.body.iter().flatten() {
        body.insert(name.clone(), expand_body(kind, value, address)?);
    }
    let mut body = wrapped(create.wrap.as_deref(), Value::Object(body));
    if let (Some(token), Value::Object(map)) = (&create.token, &mut body) {
        map.insert(token.clone(), Value::String(as_uuid(key)));
    }
    Ok(body)
}

/// The body of an update, after the kind's style.
pub fn update_body(kind: &Kind, spec: &Value, changes: &[FieldChange], live: &Value) -> Value {
    let spec = complete(kind, spec);
    match &kind.calls.update {
        Some(update) => update_with(kind, update, &spec, changes, live),
        None => Value::Null,
    }
}

/// The body of a delete; none if it has none.
///
/// # Errors
///
/// If a template of the table cannot be filled from the spec.
pub fn delete_body(kind: &Kind, address: &Address<'_>, live: &Value) -> Result<Option<Value>, BadAddress> {
    let Some(delete) = &kind.calls.delete else { return Ok(None) };
    if let Some(delta) = kind.calls.update.as_ref().filter(|_| delete.empties).and_then(|u| u.delta.as_ref())
    {
        return Ok(Some(delta::body(kind, delta, &Value::Null, live)));
    }
    let Some(fixed) = &delete.body else { return Ok(None) };
    let mut body = Map::new();
    for (name, value) in fixed {
        body.insert(name.clone(), expand_body(kind, value, address)?);
    }
    Ok(Some(wrapped(delete.wrap.as_deref(), Value::Object(body))))
}

/// The names of the top-level fields that changed, for `update_mask`.
pub fn update_mask(changes: &[FieldChange]) -> String {
    changed_names(changes).join(",")
}

/// The live object that an answer shows: unwrapped, its fields where the spec has them, and its address filled in.
pub fn answered(
    kind: &Kind,
    spec: &Value,
    answer: Value,
    unwrap: Option<&str>,
    nest: Option<&Nest>,
) -> Value {
    let mut live = answer;
    if let Some(inner) = unwrap.and_then(|name| live.get_mut(name)) {
        live = inner.take();
    }
    if let (Some(nest), Value::Object(map)) = (nest, &mut live) {
        let (kept, moved): (Map<_, _>, Map<_, _>) =
            std::mem::take(map).into_iter().partition(|(name, _)| nest.keep.contains(name));
        *map = kept;
        map.insert(nest.into.clone(), Value::Object(moved));
    }
    if let Value::Object(map) = &mut live {
        for (name, field) in kind.fields_below("") {
            if let Some(value) = spec.get(name).filter(|_| field.role == Role::Address) {
                map.insert(name.to_owned(), value.clone());
            }
        }
    }
    live
}

/// The key in the form of a UUID (version 8: made by our own rule), which is what idempotency tokens must be.
fn as_uuid(key: &str) -> String {
    let mut bytes = *Digest::of(key.as_bytes()).as_bytes();
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let hex = Digest::from_bytes(bytes).to_string();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

fn wrapped(name: Option<&str>, body: Value) -> Value {
    match name {
        Some(name) => json!({ name: body }),
        None => body,
    }
}

/// All fields of a spec that go into a body and pass the filter.
fn whole(kind: &Kind, spec: &Value, passes: impl Fn(&Field) -> bool) -> Map<String, Value> {
    let fields = spec.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), sent(kind, name, value, &passes)?))).collect()
}

fn sent(kind: &Kind, name: &str, value: &Value, passes: impl Fn(&Field) -> bool) -> Option<Value> {
    let pattern = pointer::child("", name);
    let field = kind.field(&pattern)?;
    let goes = match field.role {
        Role::Managed | Role::InputOnly => !value.is_null() && passes(field),
        Role::Address | Role::Computed => false,
    };
    goes.then(|| on_wire(kind, &pattern, value))
}

/// A value in the type and spelling that the service takes.
fn on_wire(kind: &Kind, pattern: &str, value: &Value) -> Value {
    let field = kind.field(pattern);
    match (field.map(|field| field.holds), value) {
        (Some(FieldType::JsonText), Value::Object(_)) => Value::String(value.to_string()),
        (Some(FieldType::NumberId), Value::String(text)) => {
            text.parse::<u64>().map_or_else(|_| value.clone(), Value::from)
        }
        (Some(FieldType::TextId), Value::Number(number)) => Value::String(number.to_string()),
        (_, Value::Object(map)) => {
            let inner = map.iter().filter(|(_, value)| !value.is_null());
            inner.map(|(name, v)| (name.clone(), on_wire(kind, &pointer::child(pattern, name), v))).collect()
        }
        (_, Value::Array(items)) => {
            let below = format!("{pattern}/*");
            items.iter().map(|item| on_wire(kind, &below, item)).collect()
        }
        _ if field.is_some_and(|f| f.normal.contains(&Normal::Privilege)) => normal(kind, pattern, value),
        _ => value.clone(),
    }
}

fn update_with(kind: &Kind, update: &Update, spec: &Value, changes: &[FieldChange], live: &Value) -> Value {
    let body = match update.style {
        UpdateStyle::Changed | UpdateStyle::Mask => changed_fields(kind, update, spec, changes),
        UpdateStyle::Full | UpdateStyle::Upsert => {
            let mut body = Value::Object(whole(kind, spec, |_| true));
            carry(kind, "", &update.carry, &mut body, live);
            body
        }
        UpdateStyle::Delta => match &update.delta {
            Some(shape) => delta::body(kind, shape, spec, live),
            None => Value::Null,
        },
        UpdateStyle::Etag => setting(spec, live),
        UpdateStyle::Scim => delta::scim(kind, spec, changes, live),
    };
    wrapped(update.wrap.as_deref(), body)
}

fn changed_names(changes: &[FieldChange]) -> Vec<&str> {
    let mut names: Vec<&str> = changes.iter().filter_map(|change| change.at.split('/').nth(1)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn changed_fields(kind: &Kind, update: &Update, spec: &Value, changes: &[FieldChange]) -> Value {
    let mut body = Map::new();
    for name in changed_names(changes).into_iter().chain(update.always.iter().map(String::as_str)) {
        let value = match spec.get(name).filter(|value| !value.is_null()) {
            Some(value) => sent(kind, name, value, |_| true),
            None => kind.field(&pointer::child("", name)).and_then(|field| field.clear.clone()),
        };
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
    // Fields that are never shown, such as `skip_validation`, steer the call itself.
    let steering = whole(kind, spec, |field| field.role == Role::InputOnly);
    body.extend(steering);
    Value::Object(body)
}

/// A settings v1 update: the setting, the etag that was read, and the leaves that are set.
fn setting(spec: &Value, live: &Value) -> Value {
    const NAME: &str = "default";
    let value = spec.get("value").and_then(Value::as_object).cloned().unwrap_or_default();
    let leaf_paths = |(field, inner): (&String, &Value)| -> Vec<String> {
        match inner.as_object() {
            Some(leaves) => leaves.keys().map(|leaf| format!("{field}.{leaf}")).collect(),
            None => vec![field.clone()],
        }
    };
    let mask: Vec<String> = value.iter().flat_map(leaf_paths).collect();
    let mut setting = value;
    setting.insert("setting_name".to_owned(), Value::String(NAME.to_owned()));
    if let Some(etag) = live.get("etag") {
        setting.insert("etag".to_owned(), etag.clone());
    }
    json!({ "allow_missing": true, "setting": setting, "field_mask": mask.join(",") })
}

/// Copies ids that the service gave from the live object into a full body, item by item: without them the service
/// would take the items for new ones.
fn carry(kind: &Kind, pattern: &str, names: &[String], body: &mut Value, live: &Value) {
    match (body, live) {
        (Value::Object(body), Value::Object(live)) => {
            for name in names {
                if let (false, Some(value)) = (body.contains_key(name), live.get(name)) {
                    body.insert(name.clone(), value.clone());
                }
            }
            for (name, inner) in body.iter_mut() {
                if let Some(live) = live.get(name) {
                    carry(kind, &pointer::child(pattern, name), names, inner, live);
                }
            }
        }
        (Value::Array(items), Value::Array(live)) => {
            let below = format!("{pattern}/*");
            for (item, live) in pairs(kind, pattern, items, live) {
                carry(kind, &below, names, item, live);
            }
        }
        _ => {}
    }
}

/// Pairs items by the keys of their set; those without a partner are paired in order.
fn pairs<'b, 'l>(
    kind: &Kind,
    pattern: &str,
    items: &'b mut [Value],
    live: &'l [Value],
) -> Vec<(&'b mut Value, &'l Value)> {
    let keys = kind.field(pattern).and_then(|field| field.set.clone()).unwrap_or_default();
    let below = format!("{pattern}/*");
    let key_of = |item: &Value| {
        let item = normal(kind, &below, item);
        keys.iter().map(|key| item.pointer(key).cloned().unwrap_or_default()).collect::<Vec<_>>()
    };
    let mut free: Vec<&Value> = live.iter().collect();
    let mut found = Vec::new();
    let mut single = Vec::new();
    for item in items {
        let key = key_of(item);
        match free.iter().position(|live| !keys.is_empty() && key_of(live) == key) {
            Some(at) => found.push((item, free.remove(at))),
            None => single.push(item),
        }
    }
    found.extend(single.into_iter().zip(free));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Ask, Assessment, assess, sample};

    fn create(kind: &str, spec: Value) -> String {
        let address = Address { account_id: "acc", id: None, spec: &spec };
        create_body(sample(kind), &address, "key-1").unwrap().to_string()
    }

    /// The body of the update that the difference between spec and live asks for.
    fn update(kind: &str, spec: Value, applied: Option<Value>, live: Value) -> String {
        let kind = sample(kind);
        let ask = Ask { desired: Some(&spec), applied: applied.as_ref(), live: Some(&live) };
        let Assessment::Differs { changes, .. } = assess(kind, &ask) else { panic!("no difference") };
        format!("{} {}", update_mask(&changes), update_body(kind, &spec, &changes, &live))
    }

    #[test]
    fn a_create_sends_what_the_call_takes() {
        let catalog = json!({"name": "c", "owner": "g", "isolation_mode": "ISOLATED", "comment": null});
        assert_eq!(create("catalog", catalog), r#"{"name":"c"}"#);
        let budget_policy = json!({"policy_name": "p", "binding_workspace_ids": ["7"]});
        assert_eq!(
            create("budget_policy", budget_policy),
            r#"{"policy":{"binding_workspace_ids":[7],"policy_name":"p"},"request_id":"be297454-6978-8373-9e6d-6da85c4be9f3"}"#
        );
        let policy = json!({"name": "p", "definition": {"a": {"type": "fixed"}}});
        assert_eq!(
            create("cluster_policy", policy),
            r#"{"definition":"{\"a\":{\"type\":\"fixed\"}}","name":"p"}"#
        );
        let assignment = json!({"workspace_id": "7", "principal_id": 8, "permissions": ["USER"]});
        assert_eq!(create("workspace_assignment", assignment), r#"{"permissions":["USER"]}"#);
        let option = json!({"workspace_id": "7", "network_policy_id": "p"});
        assert_eq!(
            create("workspace_network_option", option),
            r#"{"network_policy_id":"p","workspace_id":7}"#
        );
        let settings = json!({"private_access_settings_name": "n", "region": "r"});
        assert!(create("private_access_settings", settings).contains(r#""public_access_enabled":false"#));
        let grants = json!({"securable_type": "catalog", "full_name": "c",
            "privilege_assignments": [{"principal": "Nurses", "privileges": ["use catalog"]}]});
        assert_eq!(create("grants", grants), r#"{"changes":[{"add":["USE_CATALOG"],"principal":"Nurses"}]}"#);
    }

    #[test]
    fn updates_send_changed_fields_with_or_without_a_mask() {
        let told = update(
            "catalog",
            json!({"name": "c", "comment": "x", "owner": "g"}),
            None,
            json!({"name": "c", "owner": "me", "comment": "x"}),
        );
        assert_eq!(told, r#"owner {"owner":"g"}"#);
        let told = update(
            "catalog",
            json!({"name": "c"}),
            Some(json!({"name": "c", "comment": "x"})),
            json!({"name": "c", "comment": "x"}),
        );
        assert_eq!(told, r#"comment {"comment":""}"#, "taken away");
        let workspace = json!({"workspace_name": "w", "aws_region": "r", "network_id": "n2", "custom_tags": {"a": "1", "b": "2"}});
        let live = json!({"workspace_name": "w", "aws_region": "r", "network_id": "n1", "custom_tags": {"a": "1"}, "workspace_status": "RUNNING"});
        assert_eq!(
            update("workspace", workspace, None, live),
            r#"custom_tags,network_id {"custom_tags":{"a":"1","b":"2"},"network_id":"n2"}"#
        );
        let tag = json!({"entity_type": "catalogs", "entity_name": "c", "tag_key": "k", "tag_value": "2"});
        let mut live = tag.clone();
        live["tag_value"] = json!("1");
        assert_eq!(
            update("entity_tag_assignment", tag, None, live),
            r#"tag_value {"entity_name":"c","entity_type":"catalogs","tag_key":"k","tag_value":"2"}"#
        );
    }

    #[test]
    fn full_updates_carry_the_ids_that_the_service_gave() {
        let alert = |threshold: &str| {
            json!({"quantity_threshold": threshold,
            "action_configurations": [{"action_type": "EMAIL_NOTIFICATION", "target": "a@x.org"}]})
        };
        let spec = json!({"display_name": "b", "alert_configurations": [alert("500"), alert("900")]});
        let mut first = alert("900.00");
        first["alert_configuration_id"] = json!("alert-900");
        first["action_configurations"][0]["action_configuration_id"] = json!("action-900");
        let mut second = alert("100");
        second["alert_configuration_id"] = json!("alert-100");
        let live = json!({"budget_configuration_id": "i", "display_name": "b", "alert_configurations": [first, second]});
        let body = update("budget", spec, None, live);
        let body: Value = serde_json::from_str(body.split_once(' ').unwrap().1).unwrap();
        let alerts = &body["budget"]["alert_configurations"];
        assert_eq!(body["budget"]["budget_configuration_id"], "i");
        assert_eq!(
            (&alerts[0]["quantity_threshold"], &alerts[0]["alert_configuration_id"]),
            (&json!("500"), &json!("alert-100"))
        );
        assert_eq!(
            (&alerts[1]["quantity_threshold"], &alerts[1]["alert_configuration_id"]),
            (&json!("900"), &json!("alert-900"))
        );
        assert_eq!(alerts[1]["action_configurations"][0]["action_configuration_id"], "action-900");
    }

    #[test]
    fn deltas_say_what_to_add_and_what_to_remove() {
        let grants = |list: Value| json!({"securable_type": "catalog", "full_name": "c", "privilege_assignments": list});
        let spec = grants(json!([{"principal": "Nurses", "privileges": ["SELECT", "USE CATALOG"]}]));
        let live = grants(
            json!([{"principal": "nurses", "privileges": ["SELECT", "MODIFY"]}, {"principal": "eve", "privileges": ["SELECT"]}]),
        );
        assert_eq!(
            update("grants", spec, None, live.clone()),
            r#"privilege_assignments {"changes":[{"principal":"eve","remove":["SELECT"]},{"add":["USE_CATALOG"],"principal":"Nurses","remove":["MODIFY"]}]}"#
        );
        let address = Address { account_id: "acc", id: None, spec: &live };
        let gone = delete_body(sample("grants"), &address, &live).unwrap().unwrap();
        assert_eq!(
            gone.to_string(),
            r#"{"changes":[{"principal":"eve","remove":["SELECT"]},{"principal":"nurses","remove":["MODIFY","SELECT"]}]}"#
        );
        let bindings =
            |list: Value| json!({"securable_type": "catalog", "securable_name": "c", "bindings": list});
        let live = bindings(
            json!([{"workspace_id": 1, "binding_type": "BINDING_TYPE_READ_WRITE"}, {"workspace_id": 2, "binding_type": "BINDING_TYPE_READ_WRITE"}]),
        );
        let spec = bindings(json!([{"workspace_id": "2"}, {"workspace_id": "3"}]));
        assert_eq!(
            update("workspace_bindings", spec, None, live),
            r#"bindings {"add":[{"binding_type":"BINDING_TYPE_READ_WRITE","workspace_id":3}],"remove":[{"binding_type":"BINDING_TYPE_READ_WRITE","workspace_id":1}]}"#
        );
    }

    #[test]
    fn groups_are_patched_member_by_member() {
        let spec =
            json!({"displayName": "Nurses", "externalId": "e2", "members": [{"value": "1"}, {"value": "3"}]});
        let live = json!({"id": "9", "displayName": "Nurses", "externalId": "e1", "members": [{"value": "1", "display": "x"}, {"value": "2"}]});
        assert_eq!(
            update("group", spec, None, live),
            r#"externalId,members {"Operations":[{"op":"replace","path":"externalId","value":"e2"},{"op":"add","path":"members","value":[{"value":"3"}]},{"op":"remove","path":"members[value eq \"2\"]"}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}"#
        );
    }

    #[test]
    fn settings_go_with_the_etag_that_was_read() {
        let kind = sample("workspace_setting");
        let spec = json!({"type": "shield_csp_enablement_ws_db",
            "value": {"compliance_security_profile_workspace": {"is_enabled": true, "compliance_standards": ["HIPAA"]}}});
        let answer = json!({"etag": "e1", "setting_name": "default", "compliance_security_profile_workspace": {"is_enabled": false}});
        let read = kind.calls.read.as_ref().unwrap();
        let live = answered(kind, &spec, answer, None, read.nest.as_ref());
        assert_eq!(live["type"], "shield_csp_enablement_ws_db");
        assert_eq!(live["value"], json!({"compliance_security_profile_workspace": {"is_enabled": false}}));
        let body = update("workspace_setting", spec, None, live);
        assert_eq!(
            body,
            r#"value {"allow_missing":true,"field_mask":"compliance_security_profile_workspace.compliance_standards,compliance_security_profile_workspace.is_enabled","setting":{"compliance_security_profile_workspace":{"compliance_standards":["HIPAA"],"is_enabled":true},"etag":"e1","setting_name":"default"}}"#
        );
    }

    #[test]
    fn values_stay_in_their_place_of_a_path() {
        let path = |template: &str, name: &str| {
            let spec = json!({"name": name});
            expand_path(template, &Address { account_id: "a/b", id: Some("i d"), spec: &spec })
                .map_err(|e| e.to_string())
        };
        assert_eq!(
            path("/x/{account_id}/{id}/{spec.name}", "a/../b?c#d%"),
            Ok("/x/a%2Fb/i%20d/a%2F..%2Fb%3Fc%23d%25".to_owned())
        );
        assert_eq!(path("/x/{+spec.name}", "sql/warehouses"), Ok("/x/sql/warehouses".to_owned()));
        assert_eq!(path("/x/{spec.name}", "é"), Ok("/x/%C3%A9".to_owned()));
        let refused = Err("`spec.name` is not a name that can stand in a path".to_owned());
        assert_eq!(path("/x/{spec.name}", ".."), refused);
        assert_eq!(path("/x/{+spec.name}", "a/../b").map_err(|e| e.replace('+', "")), refused);
        assert_eq!(path("/x/{spec.name}", "${a.b}"), Err("`spec.name` is not known yet".to_owned()));
        assert_eq!(path("/x/{spec.other}", "a"), Err("`spec.other` is missing in the spec".to_owned()));
        for bad in ["", "..", "a/b", "a\\b", "a\nb", "a?b", "a%2e", &"x".repeat(2000)] {
            assert!(!is_sane_id(bad), "{bad:?}");
        }
        assert!(is_sane_id("prod.labs") && is_sane_id("0b1c-4711"));
    }

    #[test]
    fn filters_quote_what_they_look_for() {
        let spec = json!({"displayName": "a\" or displayName pr"});
        let list = sample("group").calls.list.as_ref().unwrap();
        let query = expand_query(&list.find, &Address { account_id: "a", id: None, spec: &spec }).unwrap();
        assert_eq!(query[0].1, r#"displayName eq "a\" or displayName pr""#);
    }
}
