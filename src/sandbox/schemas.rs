//! Schemas and the volumes in them.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::catalogs::{check_properties, with_defaults};
use super::lineage;
use super::locations::list;
use super::securables::{
    CATALOG, Kind, SCHEMA, VOLUME, check_bound, check_covered, stamp, storage_url, stored_name,
};
use super::visit::{Visit, known, required, shown, text};

const INFORMATION: &str = "information_schema";

/// Serves `U/schemas…`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create(visit),
        ("GET", []) => {
            let catalog = visit.call.query.get("catalog_name").cloned().unwrap_or_default();
            let catalog = open_catalog(visit, &catalog)?;
            let metastore = visit.metastore.clone();
            let rows =
                visit.store.read_where(SCHEMA.collection, &metastore, &format!("{catalog}."), |_, _| true);
            list(visit, rows, "schemas")
        }
        ("GET", [name]) => {
            open_catalog_of(visit, name)?;
            Answer::ok(shown(SCHEMA.read(visit, name)?))
        }
        ("PATCH", [name]) => update(visit, name),
        ("DELETE", [name]) => delete(visit, name),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// The stored name of a catalog that may be used through this workspace.
fn open_catalog(visit: &Visit<'_>, name: &str) -> Result<String, Refusal> {
    let catalog = CATALOG.existing(visit, name)?;
    check_bound(visit, &CATALOG, &catalog)?;
    Ok(text(&catalog, "name").to_owned())
}

/// The stored name of the catalog that the first part of a name is, if it may be used through this workspace.
pub(super) fn open_catalog_of(visit: &Visit<'_>, full_name: &str) -> Result<String, Refusal> {
    open_catalog(visit, full_name.split('.').next().unwrap_or_default())
}

/// Full names of the schemas of a catalog.
pub(super) fn names_in(visit: &Visit<'_>, catalog: &str) -> Vec<String> {
    keys_in(visit, &SCHEMA, catalog)
}

/// Takes a schema away with its volumes.
pub(super) fn remove(visit: &mut Visit<'_>, full_name: &str) {
    for volume in volumes_in(visit, full_name) {
        VOLUME.remove(visit, &volume);
    }
    lineage::remove_in(visit, full_name);
    SCHEMA.remove(visit, full_name);
}

/// The schemas that come with a catalog.
pub(super) fn create_automatic(visit: &mut Visit<'_>, catalog: &Value) {
    for (name, comment) in
        [("default", "Default schema (auto-created)"), (INFORMATION, "Information schema (auto-created)")]
    {
        let body = json!({ "name": name, "comment": comment });
        put_new(visit, catalog, name, body);
    }
}

fn put_new(visit: &mut Visit<'_>, catalog: &Value, name: &str, body: Value) -> Value {
    let catalog_name = text(catalog, "name");
    let full = format!("{catalog_name}.{name}");
    let id = visit.born(SCHEMA.collection, &format!("{}/{full}", visit.metastore)).uuid();
    let mut body = body.as_object().cloned().unwrap_or_default();
    let properties = with_defaults(body.get("properties"));
    if let Some(root) = body.get("storage_root").and_then(Value::as_str) {
        let location = format!("{root}/__unitystorage/schemas/{id}");
        body.insert("storage_location".into(), json!(location));
    }
    body.insert("name".into(), json!(name));
    body.insert("catalog_name".into(), json!(catalog_name));
    body.insert("catalog_type".into(), catalog["catalog_type"].clone());
    body.insert("full_name".into(), json!(full));
    body.insert("schema_id".into(), json!(id));
    body.insert("properties".into(), properties);
    body.insert("enable_predictive_optimization".into(), json!("INHERIT"));
    body.insert(
        "effective_predictive_optimization_flag".into(),
        json!({ "value": "ENABLE", "inherited_from_type": "CATALOG", "inherited_from_name": catalog_name }),
    );
    stamp(visit, &mut body);
    if name == INFORMATION {
        body.insert("owner".into(), json!("System user"));
    }
    let document = Value::Object(body);
    SCHEMA.put(visit, &full, document.clone());
    document
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, SCHEMA.created);
    let name = stored_name(required(&body, "name")?)?;
    let catalog = open_catalog(visit, required(&body, "catalog_name")?)?;
    let catalog = CATALOG.existing(visit, &catalog)?;
    check_properties(body.get("properties"))?;
    let full = format!("{}.{name}", text(&catalog, "name"));
    if visit.store.get(SCHEMA.collection, &visit.metastore, &full).is_some() {
        return Err(SCHEMA.taken(&full));
    }
    if let Some(root) = body.get("storage_root").and_then(Value::as_str) {
        let root = storage_url(root)?;
        check_covered(visit, &root)?;
        body.insert("storage_root".into(), json!(root));
    }
    Answer::ok(put_new(visit, &catalog, &name, Value::Object(body)))
}

fn update(visit: &mut Visit<'_>, name: &str) -> Outcome {
    open_catalog_of(visit, name)?;
    let mut document = SCHEMA.existing(visit, name)?;
    refuse_information(&document)?;
    let changes = SCHEMA.update(visit, &mut document)?;
    check_properties(changes.get("properties"))?;
    if let Some(properties) = changes.get("properties") {
        document["properties"] = with_defaults(Some(properties));
    }
    let key = text(&document, "full_name").to_owned();
    SCHEMA.put(visit, &key, document.clone());
    Answer::ok(shown(document))
}

fn refuse_information(document: &Value) -> Result<(), Refusal> {
    if text(document, "name") == INFORMATION {
        return Err(Refusal::denied("information_schema belongs to the system"));
    }
    Ok(())
}

fn delete(visit: &mut Visit<'_>, name: &str) -> Outcome {
    open_catalog_of(visit, name)?;
    let document = SCHEMA.existing(visit, name)?;
    refuse_information(&document)?;
    let key = text(&document, "full_name").to_owned();
    let (count, tables) = (volumes_in(visit, &key).len(), lineage::count_in(visit, &key));
    if count + tables > 0 && !visit.call.flag("force") {
        return Err(Refusal::new(
            400,
            "INVALID_STATE",
            format!("Schema '{key}' is not empty. The schema has {count} volume(s) and {tables} table(s)"),
        ));
    }
    remove(visit, &key);
    Answer::nothing()
}

fn volumes_in(visit: &Visit<'_>, schema: &str) -> Vec<String> {
    keys_in(visit, &VOLUME, schema)
}

/// Full names of the objects of a kind inside another, which their names begin with.
fn keys_in(visit: &Visit<'_>, kind: &Kind, parent: &str) -> Vec<String> {
    let prefix = format!("{parent}.");
    let inside = visit.store.rows_below(kind.collection, &visit.metastore, &prefix);
    inside.map(|(key, _)| key.clone()).collect()
}

/// Serves `U/volumes…`, whose list is always in pages.
pub(super) fn volumes(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create_volume(visit),
        ("GET", []) => {
            let query = |key: &str| visit.call.query.get(key).cloned().unwrap_or_default();
            let full = format!("{}.{}", query("catalog_name"), query("schema_name"));
            open_catalog_of(visit, &full)?;
            let schema = text(&SCHEMA.existing(visit, &full)?, "full_name").to_owned();
            let metastore = visit.metastore.clone();
            let rows =
                visit.store.read_where(VOLUME.collection, &metastore, &format!("{schema}."), |_, _| true);
            Answer::ok(visit.page(rows, "max_results", true)?.map(shown).into_body("volumes"))
        }
        ("GET", [name]) => {
            open_catalog_of(visit, name)?;
            Answer::ok(shown(VOLUME.read(visit, name)?))
        }
        ("PATCH", [name]) => {
            open_catalog_of(visit, name)?;
            let mut document = VOLUME.existing(visit, name)?;
            VOLUME.update(visit, &mut document)?;
            let key = text(&document, "full_name").to_owned();
            VOLUME.put(visit, &key, document.clone());
            Answer::ok(shown(document))
        }
        ("DELETE", [name]) => {
            open_catalog_of(visit, name)?;
            let key = text(&VOLUME.existing(visit, name)?, "full_name").to_owned();
            VOLUME.remove(visit, &key);
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn create_volume(visit: &mut Visit<'_>) -> Outcome {
    let mut body = known(&visit.call.object()?, VOLUME.created);
    let name = stored_name(required(&body, "name")?)?;
    let catalog = open_catalog(visit, required(&body, "catalog_name")?)?;
    let schema = SCHEMA.existing(visit, &format!("{catalog}.{}", required(&body, "schema_name")?))?;
    refuse_information(&schema)?;
    let full = format!("{}.{name}", text(&schema, "full_name"));
    if visit.store.get(VOLUME.collection, &visit.metastore, &full).is_some() {
        return Err(VOLUME.taken(&full));
    }
    let given = body.get("storage_location").and_then(Value::as_str).map(str::to_owned);
    let location = match (required(&body, "volume_type")?, given) {
        ("EXTERNAL", Some(url)) => {
            let url = storage_url(&url)?;
            check_covered(visit, &url)?;
            Some(url)
        }
        ("EXTERNAL", None) => return Err(Refusal::invalid("an EXTERNAL volume needs a storage_location")),
        ("MANAGED", None) => None,
        ("MANAGED", Some(_)) => {
            return Err(Refusal::invalid("storage_location cannot be given for a MANAGED volume"));
        }
        (other, _) => {
            return Err(Refusal::invalid(format!("volume_type {other} is not MANAGED or EXTERNAL")));
        }
    };
    let id = visit.born(VOLUME.collection, &format!("{}/{full}", visit.metastore)).uuid();
    let own = match text(&schema, "storage_location") {
        "" => text(&CATALOG.existing(visit, &catalog)?, "storage_location").to_owned(),
        own => own.to_owned(),
    };
    body.insert("storage_location".into(), json!(location.unwrap_or(format!("{own}/volumes/{id}"))));
    body.insert("name".into(), json!(name));
    body.insert("catalog_name".into(), json!(catalog));
    body.insert("schema_name".into(), schema["name"].clone());
    body.insert("full_name".into(), json!(full));
    body.insert("volume_id".into(), json!(id));
    stamp(visit, &mut body);
    let document = Value::Object(body);
    VOLUME.put(visit, &full, document.clone());
    Answer::ok(document)
}
