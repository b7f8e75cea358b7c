//! Storage credentials and external locations.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::metastores;
use super::securables::{
    CREDENTIAL, Kind, LOCATION, bind_here, check_bound, covers, listed, stamp, storage_url, stored_name,
};
use super::visit::{ACCOUNT, Visit, known, required, shown, text};

/// The principal of Databricks that a role must trust.
const UC_ARN: &str = "arn:aws:iam::414351767826:role/unity-catalog-sandbox-UCMasterRole";

/// Serves `U/storage-credentials…`.
pub(super) fn credentials(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create_credential(visit),
        ("PATCH", [name]) => {
            let mut document = CREDENTIAL.existing(visit, name)?;
            check_bound(visit, &CREDENTIAL, &document)?;
            let old = document["aws_iam_role"].clone();
            let changes = CREDENTIAL.update(visit, &mut document)?;
            if changes.contains_key("aws_iam_role") {
                check_role(&document)?;
                document["aws_iam_role"]["external_id"] = old["external_id"].clone();
                document["aws_iam_role"]["unity_catalog_iam_arn"] = json!(UC_ARN);
            }
            finish(visit, &CREDENTIAL, document)
        }
        ("DELETE", [name]) => {
            let document = CREDENTIAL.existing(visit, name)?;
            let key = text(&document, "name").to_owned();
            let uses = |location: &Value| text(location, "credential_name") == key;
            let user = visit.find(LOCATION.collection, &visit.metastore, uses);
            if let (false, Some((user, _))) = (visit.call.flag("force"), user) {
                return Err(Refusal::new(
                    400,
                    "INVALID_STATE",
                    format!("Storage Credential '{key}' is used by External Location '{user}'"),
                ));
            }
            CREDENTIAL.remove(visit, &key);
            Answer::nothing()
        }
        _ => read(visit, method, rest, &CREDENTIAL, "storage_credentials"),
    }
}

/// Serves `U/external-locations…`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create(visit),
        ("PATCH", [name]) => {
            let mut document = LOCATION.existing(visit, name)?;
            check_bound(visit, &LOCATION, &document)?;
            let old = text(&document, "url").to_owned();
            let changes = LOCATION.update(visit, &mut document)?;
            if changes.contains_key("url") {
                let url = storage_url(text(&document, "url"))?;
                check_overlap(visit, &url, text(&document, "name"))?;
                if url != old && !visit.call.object()?.get("force").is_some_and(|force| force == true) {
                    check_unused(visit, &old, text(&document, "name"))?;
                }
                document["url"] = json!(url);
            }
            if changes.contains_key("credential_name") {
                let credential = CREDENTIAL.existing(visit, text(&document, "credential_name"))?;
                document["credential_name"] = credential["name"].clone();
                document["credential_id"] = credential["id"].clone();
            }
            finish(visit, &LOCATION, document)
        }
        ("DELETE", [name]) => {
            let document = LOCATION.existing(visit, name)?;
            let key = text(&document, "name").to_owned();
            if !visit.call.flag("force") {
                check_unused(visit, text(&document, "url"), &key)?;
            }
            LOCATION.remove(visit, &key);
            Answer::nothing()
        }
        _ => read(visit, method, rest, &LOCATION, "external_locations"),
    }
}

fn read(visit: &mut Visit<'_>, method: &str, rest: &[&str], kind: &Kind, items: &str) -> Outcome {
    match (method, rest) {
        ("GET", []) => {
            let rows = listed(visit, kind);
            list(visit, rows, items)
        }
        ("GET", [name]) => {
            let document = kind.read(visit, name)?;
            check_bound(visit, kind, &document)?;
            Answer::ok(shown(document))
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// A list of Unity Catalog: everything at once where no page size was asked for, pages otherwise.
pub(super) fn list(visit: &Visit<'_>, rows: super::store::Rows, items: &str) -> Outcome {
    if !visit.call.query.contains_key("max_results") && !visit.call.query.contains_key("page_token") {
        let all: Vec<Value> = rows.into_values().map(shown).collect();
        return Answer::ok(json!({ items: all }));
    }
    Answer::ok(visit.page(rows, "max_results", true)?.map(shown).into_body(items))
}

fn finish(visit: &mut Visit<'_>, kind: &Kind, document: Value) -> Outcome {
    let mode = text(&document, "isolation_mode");
    if !matches!(mode, "ISOLATION_MODE_OPEN" | "ISOLATION_MODE_ISOLATED") {
        return Err(Refusal::invalid("isolation_mode is ISOLATION_MODE_OPEN or ISOLATION_MODE_ISOLATED"));
    }
    let key = text(&document, "name").to_owned();
    if mode.ends_with("ISOLATED") {
        bind_here(visit, kind, &key);
    }
    kind.put(visit, &key, document.clone());
    Answer::ok(shown(document))
}

fn check_role(document: &Value) -> Result<(), Refusal> {
    let arn = document.pointer("/aws_iam_role/role_arn").and_then(Value::as_str).unwrap_or_default();
    if arn.starts_with("arn:") && arn.contains(":role/") {
        return Ok(());
    }
    Err(Refusal::invalid("aws_iam_role.role_arn must be the ARN of a role"))
}

fn create_credential(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, CREDENTIAL.created);
    let name = stored_name(required(&body, "name")?)?;
    check_role(&Value::Object(body.clone()))?;
    if visit.store.get(CREDENTIAL.collection, &visit.metastore, &name).is_some() {
        return Err(CREDENTIAL.taken(&name));
    }
    let origin = visit.born(CREDENTIAL.collection, &format!("{}/{name}", visit.metastore));
    body.insert("name".into(), json!(name));
    body.insert("full_name".into(), json!(name));
    body.insert("id".into(), json!(origin.uuid()));
    body.entry("read_only").or_insert(json!(false));
    body.insert("used_for_managed_storage".into(), json!(false));
    body.insert("isolation_mode".into(), json!("ISOLATION_MODE_OPEN"));
    stamp(visit, &mut body);
    body.remove("browse_only");
    let mut document = Value::Object(body);
    document["aws_iam_role"]["external_id"] = json!(origin.other_uuid());
    document["aws_iam_role"]["unity_catalog_iam_arn"] = json!(UC_ARN);
    CREDENTIAL.put(visit, &name, document.clone());
    Answer::ok(document)
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, LOCATION.created);
    let name = stored_name(required(&body, "name")?)?;
    let url = storage_url(required(&body, "url")?)?;
    let credential = CREDENTIAL.existing(visit, required(&body, "credential_name")?)?;
    if visit.store.get(LOCATION.collection, &visit.metastore, &name).is_some() {
        return Err(LOCATION.taken(&name));
    }
    check_overlap(visit, &url, &name)?;
    visit.born(LOCATION.collection, &format!("{}/{name}", visit.metastore));
    body.insert("name".into(), json!(name));
    body.insert("url".into(), json!(url));
    body.insert("credential_name".into(), credential["name"].clone());
    body.insert("credential_id".into(), credential["id"].clone());
    body.entry("read_only").or_insert(json!(false));
    body.entry("fallback").or_insert(json!(false));
    body.entry("enable_file_events").or_insert(json!(true));
    body.insert("isolation_mode".into(), json!("ISOLATION_MODE_OPEN"));
    stamp(visit, &mut body);
    let document = Value::Object(body);
    LOCATION.put(visit, &name, document.clone());
    Answer::ok(document)
}

fn check_overlap(visit: &Visit<'_>, url: &str, own: &str) -> Result<(), Refusal> {
    let meets = |other: &str| !other.is_empty() && (covers(other, url) || covers(url, other));
    let overlap = |word: &str, name: &str| {
        Err(Refusal::new(
            400,
            "LOCATION_OVERLAP",
            format!("Input path url '{url}' overlaps with other {word} '{name}'"),
        ))
    };
    let is_other = |location: &Value| text(location, "name") != own && meets(text(location, "url"));
    if let Some((name, _)) = visit.find(LOCATION.collection, &visit.metastore, is_other) {
        return overlap("external location", &name);
    }
    let metastore = visit.store.get(metastores::COLLECTION, ACCOUNT, &visit.metastore);
    if metastore.is_some_and(|metastore| meets(text(metastore, "storage_root"))) {
        return overlap("managed storage of metastore", &visit.metastore);
    }
    Ok(())
}

/// Refuses while a catalog, schema or volume lies in the location.
fn check_unused(visit: &Visit<'_>, url: &str, name: &str) -> Result<(), Refusal> {
    for (collection, field) in
        [("catalogs", "storage_root"), ("schemas", "storage_root"), ("volumes", "storage_location")]
    {
        let lies_in = |object: &Value| covers(url, text(object, field));
        if let Some((user, _)) = visit.find(collection, &visit.metastore, lies_in) {
            return Err(Refusal::new(
                400,
                "INVALID_STATE",
                format!("External Location '{name}' is used by '{user}'; use force to go on"),
            ));
        }
    }
    Ok(())
}

/// Serves `U/validate-storage-credentials`: names are checked, clouds are not asked.
pub(super) fn validate(visit: &mut Visit<'_>, method: &str) -> Outcome {
    if method != "POST" {
        return Err(Refusal::not_served(method, &visit.call.path));
    }
    let body = visit.call.object()?;
    if let Some(name) = body.get("storage_credential_name").and_then(Value::as_str) {
        CREDENTIAL.existing(visit, name)?;
    }
    if let Some(name) = body.get("external_location_name").and_then(Value::as_str) {
        LOCATION.existing(visit, name)?;
    }
    let results = ["LIST", "READ", "WRITE", "DELETE"].map(|operation| {
        json!({ "operation": operation, "result": "PASS", "message": "the sandbox asks no cloud" })
    });
    Answer::ok(json!({ "isDir": true, "results": results }))
}
