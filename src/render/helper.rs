//! The helpers that templates may call: pure functions of their arguments, one table.

use std::borrow::Cow;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonTruthy, Output, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};
use serde_json::Value;

use crate::model::tree::shape;

use super::format::{self, Format};

/// The helpers that give or write a value.
pub(super) const NAMES: [&str; 19] = [
    "lookup",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
    "len",
    "lower",
    "upper",
    "concat",
    "join",
    "includes",
    "json",
    "sql_ident",
    "sql_str",
];

/// The blocks.
pub(super) const BLOCKS: [&str; 4] = ["if", "unless", "each", "with"];

/// Helpers whose output is a literal of the format already.
pub(super) const LITERALS: [&str; 3] = ["json", "sql_ident", "sql_str"];

/// Writes a value with the format's escapes; every plain `{{x}}` becomes a call of it.
pub(super) const WRITE: &str = "value";

/// Gives a value for others.
pub(super) type Function = fn(&[&Value]) -> Result<Value, String>;
/// Writes a value as a piece of the format.
pub(super) type Writer = for<'v> fn(Format, &'v Value) -> Result<Cow<'v, str>, String>;

const PURE: [(&str, Function); 10] = [
    ("eq", |arguments| two(arguments).map(|(a, b)| Value::Bool(a == b))),
    ("ne", |arguments| two(arguments).map(|(a, b)| Value::Bool(a != b))),
    ("and", |arguments| Ok(Value::Bool(arguments.iter().all(|a| a.is_truthy(false))))),
    ("or", |arguments| Ok(Value::Bool(arguments.iter().any(|a| a.is_truthy(false))))),
    ("not", |arguments| one(arguments).map(|a| Value::Bool(!a.is_truthy(false)))),
    ("lower", |arguments| text(one(arguments)?).map(|t| Value::from(t.to_lowercase()))),
    ("upper", |arguments| text(one(arguments)?).map(|t| Value::from(t.to_uppercase()))),
    ("concat", concat),
    ("join", join),
    ("includes", includes),
];

const WRITERS: [(&str, Writer); 4] = [
    (WRITE, format::plain),
    ("json", format::literal),
    ("sql_ident", |format, value| sql_only(format, value, format::sql_ident)),
    ("sql_str", |format, value| sql_only(format, value, format::sql_str)),
];

fn wants(expected: &str, value: &Value) -> String {
    if value.is_null() {
        "has no value".to_owned()
    } else {
        format!("must be {expected}, not {}", shape(value))
    }
}

const TAKES_ONE: &str = "takes one argument";

fn one<'v>(arguments: &[&'v Value]) -> Result<&'v Value, String> {
    if let [a] = arguments { Ok(a) } else { Err(TAKES_ONE.to_owned()) }
}

fn two<'v>(arguments: &[&'v Value]) -> Result<(&'v Value, &'v Value), String> {
    if let [a, b] = arguments { Ok((a, b)) } else { Err("takes two arguments".to_owned()) }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| wants("a string", value))
}

/// A string, number or boolean as text.
fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(wants("a string or number", value)),
    }
}

fn concat(arguments: &[&Value]) -> Result<Value, String> {
    arguments.iter().map(|argument| scalar(argument)).collect::<Result<String, _>>().map(Value::from)
}

fn join(arguments: &[&Value]) -> Result<Value, String> {
    let (list, between) = two(arguments)?;
    let items = list.as_array().ok_or_else(|| wants("a list", list))?;
    let items: Result<Vec<_>, _> = items.iter().map(scalar).collect();
    Ok(Value::from(items?.join(text(between)?)))
}

fn includes(arguments: &[&Value]) -> Result<Value, String> {
    let (list, item) = two(arguments)?;
    list.as_array().map(|list| Value::Bool(list.contains(item))).ok_or_else(|| wants("a list", list))
}

fn sql_only(
    format: Format,
    value: &Value,
    write: fn(&str) -> Result<String, String>,
) -> Result<Cow<'_, str>, String> {
    match format {
        Format::Sql | Format::Text => write(&scalar(value)?).map(Cow::from),
        Format::Toml | Format::Json => Err("would be SQL, which belongs into a .sql file".to_owned()),
    }
}

/// Gives a value, for another helper, a block or the writer.
struct Pure(Function);

/// Writes text that is a piece of the format.
struct Write {
    format: Format,
    write: Writer,
}

/// The function of this name.
pub(super) fn function(name: &str) -> Option<Function> {
    PURE.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

/// The writer of this name.
pub(super) fn writer(name: &str) -> Option<Writer> {
    WRITERS.iter().find(|(known, _)| *known == name).map(|(_, writer)| *writer)
}

/// Puts the helpers into a registry for one format.
pub(super) fn register(registry: &mut Handlebars<'static>, format: Format) {
    for (name, function) in PURE {
        registry.register_helper(name, Box::new(Pure(function)));
    }
    for (name, write) in WRITERS {
        registry.register_helper(name, Box::new(Write { format, write }));
    }
}

fn values<'h>(helper: &'h Helper<'_>) -> Vec<&'h Value> {
    helper.params().iter().map(handlebars::PathAndJson::value).collect()
}

/// Names the argument that a complaint is about, if it is one.
fn complain(helper: &Helper<'_>, complaint: &str) -> RenderError {
    let path = helper.params().iter().find_map(|argument| argument.relative_path());
    let subject = path.map_or_else(|| helper.name().to_owned(), Clone::clone);
    RenderErrorReason::Other(format!("`{subject}` {complaint}")).into()
}

impl HelperDef for Pure {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let result = (self.0)(&values(helper));
        result.map(ScopedJson::Derived).map_err(|complaint| complain(helper, &complaint))
    }
}

impl HelperDef for Write {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let only = match &helper.params()[..] {
            [only] => Ok(only.value()),
            _ => Err(TAKES_ONE.to_owned()),
        };
        let result = only.and_then(|value| (self.write)(self.format, value));
        let text = result.map_err(|complaint| complain(helper, &complaint))?;
        out.write(&text)?;
        Ok(())
    }
}
