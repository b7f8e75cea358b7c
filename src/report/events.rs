//! The published form of the lines of `--events json`: one schema for each type of line, taken from the events themselves.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::model::ask::Ask;
use crate::model::event::Event;
use crate::model::fleet_event::FleetEvent;

/// Version of the lines' form: the second number grows with additions, the first with breaks.
pub const EVENTS_VERSION: &str = "1.1";

/// A moment, as every line but the first has it.
fn at() -> Value {
    json!({ "type": "string", "format": "date-time", "description": "when, as RFC 3339 in UTC" })
}

/// The published form of a line.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut lines = vec![version()];
    lines.extend(kinds::<FleetEvent>(&mut generator).into_iter().map(|kind| line(kind, false)));
    lines.extend(kinds::<Event>(&mut generator).into_iter().map(|kind| line(kind, true)));
    let ask = generator.subschema_for::<Ask>().to_value();
    lines.push(talk("wish.refused", &json!({ "wish": ask, "why": { "type": "string" } })));
    lines.push(talk("note", &json!({ "words": { "type": "string" } })));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://landfall.dev/schemas/events-1.json",
        "title": "landfall --events json, one line",
        "oneOf": lines,
        "$defs": Value::Object(generator.take_definitions(true)),
    })
}

fn version() -> Value {
    json!({
        "type": "object",
        "description": "The first line.",
        "properties": { "type": { "const": "version" }, "ui": { "type": "string", "pattern": "^1\\.[0-9]+$" } },
        "required": ["type", "ui"],
    })
}

/// A line that no log has.
fn talk(kind: &str, fields: &Value) -> Value {
    let mut properties =
        Map::from_iter([("type".to_owned(), json!({ "const": kind })), ("at".to_owned(), at())]);
    let own = fields.as_object().cloned().unwrap_or_default();
    let required: Vec<String> = properties.keys().chain(own.keys()).cloned().collect();
    properties.extend(own);
    json!({ "type": "object", "properties": properties, "required": required })
}

/// A kind of event, what it says about itself, and the form of its body.
struct Kind {
    name: String,
    doc: Value,
    body: Value,
    /// Whether it is about a step, which the line names beside the body.
    of_step: bool,
}

/// The kinds of an event type, from its derived form: a choice of objects with the kind as their only key.
fn kinds<E: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Kind> {
    let schema = E::json_schema(generator).to_value();
    let choices = schema["oneOf"].as_array().cloned().unwrap_or_default();
    choices.iter().filter_map(kind).collect()
}

fn kind(choice: &Value) -> Option<Kind> {
    let (name, body) = choice["properties"].as_object()?.iter().next()?;
    let mut body = body.clone();
    let of_step = body
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .is_some_and(|fields| fields.remove("step").is_some());
    if let Some(required) = body.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|field| field != "step");
    }
    if let Some(object) = body.as_object_mut() {
        // Later programs add fields: a reader lets them pass.
        object.remove("additionalProperties");
    }
    Some(Kind { name: name.clone(), doc: choice["description"].clone(), body, of_step })
}

fn line(kind: Kind, of_scope: bool) -> Value {
    let Kind { name, doc, body, of_step } = kind;
    let mut properties = Map::from_iter([
        ("type".to_owned(), json!({ "const": name })),
        ("at".to_owned(), at()),
        ("body".to_owned(), body),
    ]);
    if of_scope {
        properties.insert("scope".to_owned(), json!({ "type": "string" }));
        let step = if of_step { json!({ "type": "string" }) } else { json!({ "type": "null" }) };
        properties.insert("step".to_owned(), step);
    }
    let required: Vec<String> = properties.keys().cloned().collect();
    json!({ "type": "object", "description": doc, "properties": properties, "required": required })
}
