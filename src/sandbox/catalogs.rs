//! Catalogs.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::locations::list;
use super::metastores;
use super::schemas;
use super::securables::{
    CATALOG, bind_here, check_bound, check_covered, listed, stamp, storage_url, stored_name,
};
use super::visit::{ACCOUNT, Visit, known, required, shown, text};

/// Properties the server adds on its own.
const DEFAULTS: &[(&str, &str)] =
    &[("unity.catalog.managed.delta.defaults.delta.enableDeletionVectors", "true")];

/// Serves `U/catalogs…`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create(visit),
        ("GET", []) => {
            let rows = listed(visit, &CATALOG);
            list(visit, rows, "catalogs")
        }
        ("GET", [name]) => {
            let document = CATALOG.read(visit, name)?;
            check_bound(visit, &CATALOG, &document)?;
            Answer::ok(shown(document))
        }
        ("PATCH", [name]) => update(visit, name),
        ("DELETE", [name]) => delete(visit, name),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// The user's properties with the server's own.
pub(super) fn with_defaults(given: Option<&Value>) -> Value {
    let mut properties = given.and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in DEFAULTS {
        properties.entry(*key).or_insert(json!(value));
    }
    Value::Object(properties)
}

/// Refuses properties that are not texts.
///
/// # Errors
/// If one is not.
pub(super) fn check_properties(given: Option<&Value>) -> Result<(), Refusal> {
    let bad = given.and_then(Value::as_object).into_iter().flatten().find(|(_, value)| !value.is_string());
    match bad {
        Some((key, _)) => Err(Refusal::malformed(format!("property {key} must be a string"))),
        None => Ok(()),
    }
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, CATALOG.created);
    let name = stored_name(required(&body, "name")?)?;
    check_properties(body.get("properties"))?;
    if visit.store.get(CATALOG.collection, &visit.metastore, &name).is_some() {
        return Err(CATALOG.taken(&name));
    }
    let metastore = visit.store.get(metastores::COLLECTION, ACCOUNT, &visit.metastore).cloned();
    let metastore = metastore.unwrap_or(Value::Null);
    let root = match body.get("storage_root").and_then(Value::as_str) {
        Some(root) => {
            let root = storage_url(root)?;
            check_covered(visit, &root)?;
            body.insert("storage_root".into(), json!(root));
            root
        }
        None if !text(&metastore, "storage_root").is_empty() => text(&metastore, "storage_root").to_owned(),
        None => {
            return Err(Refusal::new(
                400,
                "INVALID_STATE",
                "Metastore storage root URL does not exist. Please provide a storage location for the catalog.",
            ));
        }
    };
    let id = visit.born(CATALOG.collection, &format!("{}/{name}", visit.metastore)).uuid();
    body.insert("name".into(), json!(name));
    body.insert("full_name".into(), json!(name));
    body.insert("storage_location".into(), json!(format!("{root}/__unitystorage/catalogs/{id}")));
    body.insert("properties".into(), with_defaults(body.get("properties")));
    body.insert("catalog_type".into(), json!("MANAGED_CATALOG"));
    body.insert("isolation_mode".into(), json!("OPEN"));
    body.insert("securable_type".into(), json!("CATALOG"));
    body.insert("enable_predictive_optimization".into(), json!("INHERIT"));
    body.insert(
        "effective_predictive_optimization_flag".into(),
        json!({
            "value": "ENABLE", "inherited_from_type": "METASTORE", "inherited_from_name": text(&metastore, "name"),
        }),
    );
    body.insert("provisioning_info".into(), json!({ "state": "ACTIVE" }));
    stamp(visit, &mut body);
    let document = Value::Object(body);
    CATALOG.put(visit, &name, document.clone());
    schemas::create_automatic(visit, &document);
    Answer::ok(shown(document))
}

fn update(visit: &mut Visit<'_>, name: &str) -> Outcome {
    let mut document = CATALOG.existing(visit, name)?;
    check_bound(visit, &CATALOG, &document)?;
    let changes = CATALOG.update(visit, &mut document)?;
    check_properties(changes.get("properties"))?;
    if let Some(properties) = changes.get("properties") {
        document["properties"] = with_defaults(Some(properties));
    }
    if !matches!(text(&document, "isolation_mode"), "OPEN" | "ISOLATED") {
        return Err(Refusal::invalid("isolation_mode is OPEN or ISOLATED"));
    }
    let mode = text(&document, "enable_predictive_optimization");
    if !matches!(mode, "ENABLE" | "DISABLE" | "INHERIT") {
        return Err(Refusal::invalid("enable_predictive_optimization is ENABLE, DISABLE or INHERIT"));
    }
    let key = text(&document, "name").to_owned();
    if text(&document, "isolation_mode") == "ISOLATED" && changes.contains_key("isolation_mode") {
        bind_here(visit, &CATALOG, &key);
    }
    CATALOG.put(visit, &key, document.clone());
    Answer::ok(shown(document))
}

fn delete(visit: &mut Visit<'_>, name: &str) -> Outcome {
    let document = CATALOG.existing(visit, name)?;
    check_bound(visit, &CATALOG, &document)?;
    let key = text(&document, "name").to_owned();
    let inside = schemas::names_in(visit, &key);
    let is_empty = inside.iter().all(|schema| schema.ends_with(".information_schema"));
    if !is_empty && !visit.call.flag("force") {
        let count = inside.len() - 1;
        return Err(Refusal::new(
            400,
            "INVALID_STATE",
            format!("Catalog '{key}' is not empty. The catalog has {count} schema(s)"),
        ));
    }
    for schema in inside {
        schemas::remove(visit, &schema);
    }
    CATALOG.remove(visit, &key);
    Answer::nothing()
}
