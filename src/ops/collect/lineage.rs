//! What the gold tables of a site were made from: its gold schemas are listed, and every table in them is followed back
//! through what it was made from, as far as the platform tells.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Draft;
use super::site::Site;
use crate::base::id::SiteCode;
use crate::base::limits::LINEAGE_TABLES_MAX;
use crate::driver::{ListAsk, Place};
use crate::evidence::population::lineage::{ANOTHER, GOLD_LAYER, PATH, is_gold};
use crate::model::holdings::Holdings;
use crate::model::population::{CallRead, LineageRead, PagesEnd};

/// A table whose sources are asked for.
struct Asked {
    table: String,
    place: Place,
}

/// A schema of the site's that holds curated tables.
struct GoldSchema {
    step: String,
    catalog: String,
    name: String,
    place: Place,
}

/// The gold tables of a site, and the edges that lead to them.
pub(super) async fn lineage(site: &Site<'_>) -> (Draft, Draft) {
    let (mut gold, mut open) = gold_tables(site).await;
    let names: BTreeSet<String> = open.iter().map(|asked| asked.table.clone()).collect();
    let (mut edges, mut seen) = (Draft::default(), names.clone());
    let (mut sourced, mut unread): (BTreeSet<String>, u64) = (BTreeSet::new(), 0);
    let mut count = 0;
    while !open.is_empty() {
        let room = LINEAGE_TABLES_MAX.saturating_sub(count);
        unread += open.len().saturating_sub(room) as u64;
        open.truncate(room);
        count += open.len();
        let question =
            |asked: &Asked| ListAsk::Upstreams { place: asked.place.clone(), table: asked.table.clone() };
        let answers = site.reader.ask(open.iter().map(question).collect()).await;
        let mut next = Vec::new();
        for (asked, paged) in std::mem::take(&mut open).into_iter().zip(answers) {
            edges.calls.push(paged.call);
            edges.items += paged.items.len() as u64;
            for item in &paged.items {
                let (source, word) = source(item);
                let of = whose(site, &source);
                if !source.is_empty() {
                    sourced.insert(asked.table.clone());
                }
                if word == "TABLE" && of != ANOTHER && seen.insert(source.clone()) {
                    next.push(Asked { table: source.clone(), place: asked.place.clone() });
                }
                edges.rows.push(vec![source, asked.table.clone(), word, of.to_owned()]);
            }
        }
        open = next;
    }
    if unread > 0 {
        let why = format!("the sources of {unread} tables more were not asked for: {LINEAGE_TABLES_MAX} are");
        edges.calls.push(not_asked(why));
    }
    let is_whole = gold.calls.iter().chain(&edges.calls).all(CallRead::is_whole);
    let without: Vec<&String> = names.difference(&sourced).collect();
    if is_whole && !names.is_empty() {
        edges.lineage = Some(LineageRead { tables: names.len() as u64, without: without.len() as u64 });
    }
    if is_whole {
        gold.findings = without.into_iter().map(|table| (table.clone(), NO_SOURCE)).collect();
    }
    (gold, edges)
}

/// What is found of a gold table of which nothing is told.
const NO_SOURCE: &str = "has no upstream edge: nothing tells what it was made from";

async fn gold_tables(site: &Site<'_>) -> (Draft, Vec<Asked>) {
    let schemas = gold_schemas(site);
    let question = |one: &GoldSchema| ListAsk::Tables {
        place: one.place.clone(),
        catalog: one.catalog.clone(),
        schema: one.name.clone(),
    };
    let answers = site.reader.ask(schemas.iter().map(question).collect()).await;
    let (mut draft, mut asked) = (Draft::default(), Vec::new());
    for (schema, paged) in schemas.into_iter().zip(answers) {
        draft.calls.push(paged.call);
        draft.items += paged.items.len() as u64;
        for item in &paged.items {
            let table = text(item, "full_name").to_lowercase();
            let full = format!("{}.{}", schema.catalog, schema.name).to_lowercase();
            let kind = text(item, "table_type").to_owned();
            draft.rows.push(vec![table.clone(), full, kind, schema.step.clone()]);
            asked.push(Asked { table, place: schema.place.clone() });
        }
    }
    (draft, asked)
}

/// The schemas that the site's log holds and that say that they are gold, by property or by name.
fn gold_schemas(site: &Site<'_>) -> Vec<GoldSchema> {
    let held = site.holdings().into_iter().flat_map(Holdings::iter);
    let schemas = held.filter(|(_, held)| held.kind.as_str() == "databricks.schema");
    let gold = |(step, held): (&crate::base::id::StepId, crate::model::holdings::Holding)| {
        let (catalog, name) = (text(&held.spec, "catalog_name"), text(&held.spec, "name"));
        let layer = held.spec.pointer("/properties/layer").and_then(Value::as_str);
        let is_it = layer.map_or_else(|| is_gold(name), |layer| layer == GOLD_LAYER);
        let place = site.place_of(step.as_str()).filter(|_| is_it && !name.is_empty())?;
        let (catalog, name) = (catalog.to_owned(), name.to_owned());
        Some(GoldSchema { step: step.to_string(), catalog, name, place })
    };
    schemas.filter_map(gold).collect()
}

/// One source with what it is: a table, a path, or nothing but the job that wrote.
fn source(item: &Value) -> (String, String) {
    if let Some(table) = item.get("tableInfo") {
        let parts = ["catalog_name", "schema_name", "name"].map(|part| text(table, part));
        if parts.iter().all(|part| !part.is_empty()) {
            return (parts.join(".").to_lowercase(), "TABLE".to_owned());
        }
    }
    let path = item.pointer("/fileInfo/path").and_then(Value::as_str).unwrap_or_default();
    if path.is_empty() { (String::new(), "NONE".to_owned()) } else { (path.to_owned(), PATH.to_owned()) }
}

/// Whose a source is, by the site that its name holds.
fn whose(site: &Site<'_>, source: &str) -> &'static str {
    let named: BTreeSet<&SiteCode> = site.reader.owners.named(source).collect();
    if named.iter().any(|code| *code != site.code) {
        return ANOTHER;
    }
    if named.is_empty() { "nobody's by name" } else { "this site" }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn not_asked(why: String) -> CallRead {
    let (host, call, query) = (String::new(), "not asked".to_owned(), String::new());
    CallRead { host, call, query, pages: Vec::new(), end: PagesEnd::Cut { why } }
}
