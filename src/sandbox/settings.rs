//! Settings of the account and of workspaces: one protocol, with an etag that guards every write.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::visit::{ACCOUNT, Visit, text};

const COLLECTION: &str = "settings";
const CSP: &str = "shield_csp_enablement_ws_db";
const ESM: &str = "shield_esm_enablement_ws_db";
const UPDATES: &str = "automatic_cluster_update";

/// What a setting holds before anybody set it.
#[derive(Clone, Copy)]
enum Unset {
    /// An object with one switch that is off.
    Off(&'static str),
    /// An object with one text.
    Text(&'static str, &'static str),
    /// Nothing: reading it is a 404 that carries the etag.
    Absent,
}

struct Kind {
    name: &'static str,
    field: &'static str,
    unset: Unset,
    is_account: bool,
    is_deletable: bool,
    has_etag: bool,
}

const fn kind(name: &'static str, field: &'static str, unset: Unset) -> Kind {
    Kind { name, field, unset, is_account: false, is_deletable: false, has_etag: true }
}

impl Kind {
    const fn of_account(mut self) -> Kind {
        self.is_account = true;
        self
    }

    const fn deletable(mut self) -> Kind {
        self.is_deletable = true;
        self
    }

    const fn without_etag(mut self) -> Kind {
        self.has_etag = false;
        self
    }
}

const VALUE: Unset = Unset::Off("value");
const KINDS: &[Kind] = &[
    kind("shield_csp_enablement_ac", "csp_enablement_account", Unset::Off("is_enforced")).of_account(),
    kind("shield_esm_enablement_ac", "esm_enablement_account", Unset::Off("is_enforced")).of_account(),
    kind("disable_legacy_features", "disable_legacy_features", VALUE).of_account().deletable(),
    kind("acct_ip_acl_enable", "acct_ip_acl_enable", VALUE).of_account().deletable(),
    kind("dcp_acct_enable", "personal_compute", Unset::Text("value", "ON")).of_account().deletable(),
    kind(CSP, "compliance_security_profile_workspace", Unset::Off("is_enabled")),
    kind(ESM, "enhanced_security_monitoring_workspace", Unset::Off("is_enabled")),
    kind(UPDATES, "automatic_cluster_update_workspace", Unset::Off("enabled")),
    kind("default_namespace_ws", "namespace", Unset::Absent).deletable(),
    kind("restrict_workspace_admins", "restrict_workspace_admins", Unset::Text("status", "ALLOW_ALL"))
        .deletable(),
    kind("disable_legacy_access", "disable_legacy_access", VALUE).deletable(),
    kind("disable_legacy_dbfs", "disable_legacy_dbfs", VALUE).deletable(),
    kind("sql_results_download", "boolean_val", VALUE).deletable(),
    kind("default_warehouse_id", "string_val", Unset::Absent).deletable(),
    kind("dashboard_email_subscriptions", "boolean_val", VALUE).deletable(),
    kind("llm_proxy_partner_powered", "boolean_val", VALUE).deletable(),
    kind("aibi_dash_embed_ws_acc_policy", "aibi_dashboard_embedding_access_policy", Unset::Absent)
        .deletable(),
    kind("aibi_dash_embed_ws_apprvd_domains", "aibi_dashboard_embedding_approved_domains", Unset::Absent)
        .deletable(),
    kind("enable-export-notebook", "boolean_val", VALUE).without_etag(),
    kind("enable-results-downloading", "boolean_val", VALUE).without_etag(),
    kind("enable-notebook-table-clipboard", "boolean_val", VALUE).without_etag(),
];

/// Serves `…/settings/types/{kind}/names/default`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, name: &str) -> Outcome {
    let is_account = visit.workspace.is_empty();
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name && kind.is_account == is_account) else {
        return Err(Refusal::not_served(method, &visit.call.path));
    };
    let scope = if is_account { ACCOUNT.to_owned() } else { visit.workspace.clone() };
    match method {
        "GET" => {
            let stored = visit.store.read(COLLECTION, &scope, name);
            let etag = etag_of(visit, kind, &scope, stored.as_ref());
            let value = value_of(kind, stored.as_ref()).ok_or_else(|| {
                Refusal::new(404, "NOT_FOUND", format!("setting {name} is not set"))
                    .with_info("SETTING_NOT_SET", json!({ "etag": etag }))
            })?;
            let value = forced(visit, kind, &scope, value);
            Answer::ok(shown(kind, &etag, value))
        }
        "PATCH" => update(visit, kind, &scope),
        "DELETE" if kind.is_deletable => {
            let given = visit.call.query.get("etag").cloned().unwrap_or_default();
            let version = check_etag(visit, kind, &scope, &given)?;
            visit.store.put(COLLECTION, &scope, name, json!({ "version": version + 1 }));
            let etag = etag_of(visit, kind, &scope, visit.store.get(COLLECTION, &scope, name));
            Answer::ok(json!({ "etag": etag }))
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn version_of(stored: Option<&Value>) -> u64 {
    stored.and_then(|stored| stored.get("version")).and_then(Value::as_u64).unwrap_or(0)
}

fn etag_of(visit: &Visit<'_>, kind: &Kind, scope: &str, stored: Option<&Value>) -> String {
    visit.origin("setting", &format!("{scope}/{}", kind.name), version_of(stored)).etag()
}

fn value_of(kind: &Kind, stored: Option<&Value>) -> Option<Value> {
    let set = stored.and_then(|stored| stored.get("value")).cloned();
    set.or(match kind.unset {
        Unset::Off(switch) => Some(json!({ switch: false })),
        Unset::Text(key, value) => Some(json!({ key: value })),
        Unset::Absent => None,
    })
}

fn shown(kind: &Kind, etag: &str, value: Value) -> Value {
    match kind.has_etag {
        true => json!({ "setting_name": "default", "etag": etag, kind.field: value }),
        false => json!({ "setting_name": "default", kind.field: value }),
    }
}

/// The compliance security profile switches monitoring and updates on and holds them there.
fn forced(visit: &Visit<'_>, kind: &Kind, scope: &str, mut value: Value) -> Value {
    let profile = visit.store.get(COLLECTION, scope, CSP);
    let is_on = profile.and_then(|profile| profile.pointer("/value/is_enabled")) == Some(&json!(true));
    match kind.name {
        ESM if is_on => value["is_enabled"] = json!(true),
        UPDATES if is_on => {
            value["enabled"] = json!(true);
            value["can_toggle"] = json!(false);
            value["enablement_details"] = json!({ "forced_for_compliance_mode": true });
        }
        UPDATES => value["can_toggle"] = json!(true),
        _ => {}
    }
    value
}

/// The version behind the etag, if it is the current one.
fn check_etag(visit: &Visit<'_>, kind: &Kind, scope: &str, given: &str) -> Result<u64, Refusal> {
    let stored = visit.store.get(COLLECTION, scope, kind.name);
    let current = etag_of(visit, kind, scope, stored);
    if !kind.has_etag || given == current {
        return Ok(version_of(stored));
    }
    let message = "the etag is missing or stale; read the setting and try again with its etag";
    Err(Refusal::conflict(message).with_info("ETAG_MISMATCH", json!({ "etag": current })))
}

fn update(visit: &mut Visit<'_>, kind: &Kind, scope: &str) -> Outcome {
    let body = visit.call.object()?;
    let setting = body.get("setting").cloned().unwrap_or(Value::Null);
    let Some(given) = setting.get(kind.field).and_then(Value::as_object) else {
        return Err(Refusal::invalid(format!("setting.{} is required", kind.field)));
    };
    let mask = body.get("field_mask").and_then(Value::as_str).unwrap_or_default();
    let version = check_etag(visit, kind, scope, text(&setting, "etag"))?;
    let stored = visit.store.get(COLLECTION, scope, kind.name);
    let old = value_of(kind, stored).unwrap_or(json!({}));
    let value = Value::Object(masked(kind, mask, given, &old)?);
    check_one_way(visit, kind, scope, &value, &old)?;
    let document = json!({ "version": version + 1, "value": value });
    let etag = etag_of(visit, kind, scope, Some(&document));
    visit.store.put(COLLECTION, scope, kind.name, document);
    let value = forced(visit, kind, scope, value);
    Answer::ok(shown(kind, &etag, value))
}

/// The old value with the fields of the mask taken from the given one.
fn masked(
    kind: &Kind,
    mask: &str,
    given: &Map<String, Value>,
    old: &Value,
) -> Result<Map<String, Value>, Refusal> {
    let mut value = old.as_object().cloned().unwrap_or_default();
    let paths: Vec<&str> = mask.split(',').map(str::trim).filter(|path| !path.is_empty()).collect();
    if paths.is_empty() {
        return Err(Refusal::invalid("field_mask is required"));
    }
    for path in paths {
        let inner = match path.strip_prefix(kind.field) {
            Some("") => {
                value.extend(given.clone());
                continue;
            }
            Some(rest) => rest.strip_prefix('.'),
            None => Some(path),
        };
        let Some(leaf) = inner.and_then(|inner| inner.split('.').next()) else {
            return Err(Refusal::invalid(format!(
                "field_mask names {path}, which this setting does not have"
            )));
        };
        match given.get(leaf) {
            Some(new) => drop(value.insert(leaf.to_owned(), new.clone())),
            None => drop(value.remove(leaf)),
        }
    }
    Ok(value)
}

fn check_one_way(
    visit: &Visit<'_>,
    kind: &Kind,
    scope: &str,
    value: &Value,
    old: &Value,
) -> Result<(), Refusal> {
    let is_on = |value: &Value, key: &str| value.get(key) == Some(&json!(true));
    let refusal = |message: &str| Err(Refusal::new(400, "INVALID_STATE", message));
    let held = forced(visit, kind, scope, json!({}));
    match kind.name {
        CSP if is_on(old, "is_enabled") && !is_on(value, "is_enabled") => {
            refusal("the compliance security profile cannot be switched off")
        }
        ESM if is_on(&held, "is_enabled") && !is_on(value, "is_enabled") => {
            refusal("enhanced security monitoring is required by the compliance security profile")
        }
        UPDATES if is_on(&held, "enabled") && !is_on(value, "enabled") => {
            refusal("automatic cluster update is required by the compliance security profile")
        }
        _ => Ok(()),
    }
}
