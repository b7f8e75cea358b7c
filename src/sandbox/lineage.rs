//! Tables, and what was made from what. Nobody makes tables through this control plane: rows of
//! `system.access.table_lineage` are put in from outside, or the pipelines of the sites run by themselves
//! ([`Config::pipelines`](super::Config::pipelines)) and leave what such pipelines leave.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::schemas;
use super::securables::{SCHEMA, VOLUME};
use super::store::Rows;
use super::visit::{Visit, shown, text};
use crate::base::limits::SANDBOX_LINEAGE_ROWS_MAX;

/// Where tables are kept.
const TABLES: &str = "tables";
/// Where it is kept what tables were made from.
const LINEAGE: &str = "table_lineage";
/// The layers of a product line, the first one first, with the table that its pipeline writes.
const LAYERS: [(&str, &str); 3] = [("bronze", "received"), ("silver", "conformed"), ("gold", "curated")];
/// The volume that the first pipeline reads.
const LANDING: &str = "landing";

/// Serves `U/tables…`: reads only.
pub(super) fn tables(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("GET", []) => {
            let query = |key: &str| visit.call.query.get(key).cloned().unwrap_or_default();
            let full = format!("{}.{}", query("catalog_name"), query("schema_name"));
            schemas::open_catalog_of(visit, &full)?;
            let schema = text(&SCHEMA.existing(visit, &full)?, "full_name").to_owned();
            let rows = tables_in(visit, &schema);
            Answer::ok(visit.page(rows, "max_results", true)?.map(shown).into_body("tables"))
        }
        ("GET", [name]) => {
            schemas::open_catalog_of(visit, name)?;
            table(visit, &name.to_lowercase()).map(Answer::ok)?
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// Serves `GET /api/2.0/lineage-tracking/table-lineage`: what a table was made from, and what is made from it.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str) -> Outcome {
    if method != "GET" {
        return Err(Refusal::not_served(method, &visit.call.path));
    }
    let name = visit.call.query.get("table_name").map(|name| name.to_lowercase()).unwrap_or_default();
    if name.split('.').count() != 3 {
        return Err(Refusal::invalid("table_name is catalog.schema.table"));
    }
    schemas::open_catalog_of(visit, &name)?;
    table(visit, &name)?;
    let all = edges(visit, &name);
    let up = all.iter().filter(|row| text(row, "target_table_full_name") == name);
    let down = all.iter().filter(|row| text(row, "source_table_full_name") == name);
    let up: Vec<Value> = up.filter_map(|row| told(row, "source")).collect();
    let down: Vec<Value> = down.filter_map(|row| told(row, "target")).collect();
    Answer::ok(json!({ "upstreams": up, "downstreams": down }))
}

/// Puts rows of `system.access.table_lineage` in, with the tables that they name. Schemas must be there.
///
/// # Errors
/// If there are too many, or one names no table of a schema that is there.
pub(super) fn add(visit: &mut Visit<'_>, rows: &[Value]) -> Result<usize, Refusal> {
    if rows.len() > SANDBOX_LINEAGE_ROWS_MAX {
        return Err(Refusal::invalid(format!("at most {SANDBOX_LINEAGE_ROWS_MAX} rows at once")));
    }
    for row in rows {
        let field = |key: &str| text(row, key).to_lowercase();
        let (source, target) = (field("source_table_full_name"), field("target_table_full_name"));
        if source.is_empty() && target.is_empty() {
            return Err(Refusal::invalid("a row names a source or a target table"));
        }
        for name in [&source, &target].into_iter().filter(|name| !name.is_empty()) {
            let metastore = metastore_of(visit, name)?;
            visit.store.put(TABLES, &metastore, name, document(name, "MANAGED"));
        }
        if target.is_empty() {
            continue;
        }
        let kept = json!({
            "source_table_full_name": source, "source_path": text(row, "source_path"),
            "source_type": text(row, "source_type"), "target_table_full_name": target,
            "entity_type": text(row, "entity_type"),
        });
        let metastore = metastore_of(visit, &target)?;
        let key = format!("{target} {source}{}", text(row, "source_path"));
        visit.store.put(LINEAGE, &metastore, &key, kept);
    }
    Ok(rows.len())
}

/// How many tables were put into a schema.
pub(super) fn count_in(visit: &Visit<'_>, schema: &str) -> usize {
    let prefix = format!("{schema}.");
    visit.store.rows_below(TABLES, &visit.metastore, &prefix).count()
}

/// Takes the tables of a schema away.
pub(super) fn remove_in(visit: &mut Visit<'_>, schema: &str) {
    let prefix = format!("{schema}.");
    for collection in [TABLES, LINEAGE] {
        let own = visit.store.rows_below(collection, &visit.metastore, &prefix);
        let own: Vec<String> = own.map(|(key, _)| key.clone()).collect();
        let metastore = visit.metastore.clone();
        own.iter().for_each(|key| drop(visit.store.remove(collection, &metastore, key)));
    }
}

/// The metastore that has the schema of a table.
fn metastore_of(visit: &Visit<'_>, table: &str) -> Result<String, Refusal> {
    let known = || Refusal::invalid(format!("{table:?} is no table of a schema that is there"));
    let (schema, name) = table.rsplit_once('.').ok_or_else(known)?;
    if name.is_empty() {
        return Err(known());
    }
    let scopes = visit.store.all().get(SCHEMA.collection);
    let mut scopes = scopes.into_iter().flatten().filter(|(_, rows)| rows.contains_key(schema));
    scopes.next().map(|(metastore, _)| metastore.clone()).ok_or_else(known)
}

fn document(full: &str, kind: &str) -> Value {
    let mut parts = full.splitn(3, '.');
    let [catalog, schema, name] = [(); 3].map(|()| parts.next().unwrap_or_default());
    json!({
        "name": name, "catalog_name": catalog, "schema_name": schema, "full_name": full,
        "table_type": kind, "data_source_format": "DELTA",
    })
}

fn table(visit: &Visit<'_>, full: &str) -> Result<Value, Refusal> {
    let schema = full.rsplit_once('.').map_or("", |(schema, _)| schema);
    let absent = || Refusal::new(404, "TABLE_DOES_NOT_EXIST", format!("Table '{full}' does not exist."));
    tables_in(visit, schema).remove(full).map(shown).ok_or_else(absent)
}

fn tables_in(visit: &Visit<'_>, schema: &str) -> Rows {
    let prefix = format!("{schema}.");
    let put = visit.store.rows_below(TABLES, &visit.metastore, &prefix);
    let mut rows: Rows = put.map(|(key, value)| (key.clone(), value.clone())).collect();
    if let Some(own) = written_in(visit, schema) {
        rows.entry(own.clone()).or_insert_with(|| document(&own, "MANAGED"));
    }
    rows
}

/// Everything that says what this table was made from, or is made from it.
fn edges(visit: &Visit<'_>, table: &str) -> Vec<Value> {
    let is_about = |row: &&Value| {
        text(row, "target_table_full_name") == table || text(row, "source_table_full_name") == table
    };
    let put = visit.store.rows(LINEAGE, &visit.metastore).map(|(_, row)| row).filter(is_about);
    let mut all: Vec<Value> = put.cloned().collect();
    let Some((schema, _)) = table.rsplit_once('.') else { return all };
    if written_in(visit, schema).as_deref() == Some(table) {
        all.extend(ran(visit, schema, table));
    }
    all
}

/// The table that a site's pipeline writes into a schema, if pipelines run here and it is one of their layers.
fn written_in(visit: &Visit<'_>, schema: &str) -> Option<String> {
    let (_, layer) = layer_of(schema).filter(|_| visit.config.pipelines)?;
    visit.store.get(SCHEMA.collection, &visit.metastore, schema)?;
    Some(format!("{schema}.{}", LAYERS[layer].1))
}

/// The schema's name without its layer, and the layer's place.
fn layer_of(schema: &str) -> Option<(&str, usize)> {
    let ends = |(_, (layer, _)): &(usize, &(&str, &str))| {
        schema.strip_suffix(layer).is_some_and(|stem| stem.ends_with(['_', '.']))
    };
    let (place, (layer, _)) = LAYERS.iter().enumerate().find(ends)?;
    Some((schema.strip_suffix(layer)?, place))
}

/// What the pipelines around a table left: each reads the nearest layer before its own, the first one the landing volume.
fn ran(visit: &Visit<'_>, schema: &str, table: &str) -> Vec<Value> {
    let Some((stem, place)) = layer_of(schema) else { return Vec::new() };
    let at = |place: usize| written_in(visit, &format!("{stem}{}", LAYERS[place].0));
    let row = |source: &str, path: &str, kind: &str, target: &str| {
        json!({ "source_table_full_name": source, "source_path": path, "source_type": kind,
                "target_table_full_name": target, "entity_type": "JOB" })
    };
    let before = (0..place).rev().find_map(at);
    let after = (place + 1..LAYERS.len()).find_map(at);
    let volume = format!("{schema}.{LANDING}");
    let lands = visit.store.get(VOLUME.collection, &visit.metastore, &volume).is_some();
    let path = format!("/Volumes/{}", volume.replace('.', "/"));
    let read = match before {
        Some(before) => Some(row(&before, "", "TABLE", table)),
        None => lands.then(|| row("", &path, "PATH", table)),
    };
    read.into_iter().chain(after.map(|after| row(table, "", "TABLE", &after))).collect()
}

/// One end of a row as the lineage API tells it; nothing if the row has no such end.
fn told(row: &Value, end: &str) -> Option<Value> {
    let mut told = json!({});
    match text(row, &format!("{end}_table_full_name")) {
        "" if text(row, "source_path").is_empty() || end == "target" => {}
        "" => told["fileInfo"] = json!({ "path": text(row, "source_path") }),
        full => {
            let table = document(full, "TABLE");
            let field = |key: &str| table[key].clone();
            told["tableInfo"] = json!({
                "name": field("name"), "catalog_name": field("catalog_name"),
                "schema_name": field("schema_name"), "table_type": field("table_type"),
            });
        }
    }
    match text(row, "entity_type") {
        "" => {}
        "NOTEBOOK" => told["notebookInfos"] = json!([{ "notebook_id": 1 }]),
        _ => told["jobInfos"] = json!([{ "job_id": 1 }]),
    }
    told.as_object().is_some_and(|fields| !fields.is_empty()).then_some(told)
}
