//! Tags on objects of Unity Catalog.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::securables::KINDS;
use super::visit::{Visit, mask, required, shown, text};

const COLLECTION: &str = "entity_tags";
/// Tags of one object.
const TAGS_MAX: usize = 50;
const KEY_MAX: usize = 255;
const VALUE_MAX: usize = 1000;

/// Serves `U/entity-tag-assignments…`.
pub(super) fn serve(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", []) => create(visit),
        ("GET", [kind, name, "tags"]) => {
            let prefix = entity(visit, kind, name)?;
            let metastore = visit.metastore.clone();
            let rows = visit.store.read_where(COLLECTION, &metastore, &prefix, |_, _| true);
            Answer::ok(visit.page(rows, "max_results", true)?.map(shown).into_body("tag_assignments"))
        }
        ("GET", [kind, name, "tags", key]) => {
            let place = format!("{}{key}", entity(visit, kind, name)?);
            let metastore = visit.metastore.clone();
            let found = visit.store.read(COLLECTION, &metastore, &place);
            Answer::ok(shown(found.ok_or_else(|| absent(name, key))?))
        }
        ("PATCH", [kind, name, "tags", key]) => {
            let place = format!("{}{key}", entity(visit, kind, name)?);
            let metastore = visit.metastore.clone();
            let found = visit.store.get(COLLECTION, &metastore, &place).cloned();
            let mut document = found.ok_or_else(|| absent(name, key))?;
            let asked = visit.call.query.get("update_mask").cloned().unwrap_or_default();
            if mask(&asked, &["tag_value"])?.is_empty() {
                return Err(Refusal::invalid("update_mask is required"));
            }
            let body = Value::Object(visit.call.object()?);
            document["tag_value"] = json!(checked_value(&body)?);
            document["update_time"] = json!(visit.now);
            document["updated_by"] = json!(visit.caller.name);
            visit.store.put(COLLECTION, &metastore, &place, document.clone());
            Answer::ok(document)
        }
        ("DELETE", [kind, name, "tags", key]) => {
            let place = format!("{}{key}", entity(visit, kind, name)?);
            let metastore = visit.metastore.clone();
            visit.store.remove(COLLECTION, &metastore, &place).ok_or_else(|| absent(name, key))?;
            Answer::nothing()
        }
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn absent(name: &str, key: &str) -> Refusal {
    Refusal::new(404, "NOT_FOUND", format!("Tag assignment with tag key {key} does not exist for {name}"))
}

/// The start of every tag key of an object that exists.
fn entity(visit: &Visit<'_>, kind: &str, name: &str) -> Result<String, Refusal> {
    let Some(known) = KINDS.iter().find(|known| !known.tagged.is_empty() && known.tagged == kind) else {
        return Err(match kind {
            "tables" | "columns" => {
                Refusal::new(404, "TABLE_DOES_NOT_EXIST", format!("Table '{name}' does not exist."))
            }
            _ => Refusal::invalid(format!("entity type {kind} is not supported")),
        });
    };
    known.existing(visit, name)?;
    Ok(format!("{kind}/{}/", name.to_lowercase()))
}

fn checked_value(body: &Value) -> Result<&str, Refusal> {
    let value = text(body, "tag_value");
    if value.chars().count() > VALUE_MAX {
        return Err(Refusal::invalid(format!("tag_value is longer than {VALUE_MAX} characters")));
    }
    Ok(value)
}

fn create(visit: &mut Visit<'_>) -> Outcome {
    let body = visit.call.object()?;
    let kind = required(&body, "entity_type")?;
    let name = required(&body, "entity_name")?;
    let key = required(&body, "tag_key")?;
    let has_bad = key.chars().any(|letter| ".,-=/:".contains(letter) || letter.is_control());
    if key.chars().count() > KEY_MAX || key.trim() != key || has_bad {
        return Err(Refusal::invalid(format!("'{key}' is not a valid tag key")));
    }
    let prefix = entity(visit, kind, name)?;
    let place = format!("{prefix}{key}");
    let metastore = visit.metastore.clone();
    if visit.store.get(COLLECTION, &metastore, &place).is_some() {
        return Err(Refusal::new(
            409,
            "ALREADY_EXISTS",
            format!("Tag assignment with tag key {key} already exists for {name}"),
        ));
    }
    let count = visit.store.rows_below(COLLECTION, &metastore, &prefix).count();
    if count >= TAGS_MAX {
        return Err(Refusal::new(
            400,
            "RESOURCE_LIMIT_EXCEEDED",
            format!("{name} has {TAGS_MAX} tags already"),
        ));
    }
    let whole = Value::Object(body.clone());
    let document = json!({
        "entity_type": kind,
        "entity_name": name.to_lowercase(),
        "tag_key": key,
        "tag_value": checked_value(&whole)?,
        "update_time": visit.now,
        "updated_by": visit.caller.name,
    });
    visit.store.put(COLLECTION, &metastore, &place, document.clone());
    Answer::ok(document)
}
