//! A TOML document in which every value still knows where it was written.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::limits::PROBLEMS_PER_FILE_MAX;
use crate::base::span::{SourceId, Span};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The value's own place, without its key.
    pub span: Span,
    /// The value.
    pub node: Node,
}

/// The shapes a value has.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A string, number or boolean; dates and times are strings in the form TOML writes them.
    Scalar(Value),
    /// An array.
    List(Vec<Tree>),
    /// A table.
    Table(Table),
}

/// The entries of a table, by key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Key, the key's place, and the value.
    pub entries: BTreeMap<String, Entry>,
}

/// One entry of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub tree: Tree,
}

impl Table {
    /// The value under this key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.entries.get(key).map(|entry| &entry.tree)
    }

    /// The value at this dotted path.
    pub fn at(&self, path: &str) -> Option<&Tree> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let tree = self.get(first)?;
        match (rest, &tree.node) {
            (None, _) => Some(tree),
            (Some(rest), Node::Table(table)) => table.at(rest),
            (Some(_), Node::Scalar(_) | Node::List(_)) => None,
        }
    }

    /// The same without places.
    pub fn to_json(&self) -> Value {
        self.entries.iter().map(|(key, entry)| (key.clone(), entry.tree.to_json())).collect()
    }
}

impl Tree {
    /// The same without places.
    pub fn to_json(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => items.iter().map(Tree::to_json).collect(),
            Node::Table(table) => table.to_json(),
        }
    }

    /// The same, for a tree that is not needed any more.
    pub fn into_json(self) -> Value {
        match self.node {
            Node::Scalar(value) => value,
            Node::List(items) => items.into_iter().map(Tree::into_json).collect(),
            Node::Table(table) => {
                table.entries.into_iter().map(|(key, entry)| (key, entry.tree.into_json())).collect()
            }
        }
    }

    /// The table, if this is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.node {
            Node::Table(table) => Some(table),
            Node::Scalar(_) | Node::List(_) => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.node {
            Node::Scalar(value) => value.as_str(),
            Node::List(_) | Node::Table(_) => None,
        }
    }
}

/// What a value is, in the words of the file formats.
pub fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// Reads a document. What could be read comes back even when there are problems, so that others can be found too.
pub fn parse(source: SourceId, text: &str) -> (Table, Diagnostics) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut found = Diagnostics::default();
    for error in errors.iter().take(PROBLEMS_PER_FILE_MAX) {
        let range = error.span().unwrap_or(0..0);
        found.push(
            Diagnostic::error("file.syntax", format!("this is not TOML: {}", error.message()))
                .at(Span { source, range }, "here"),
        );
    }
    (table(source, document.get_ref()), found)
}

fn table(source: SourceId, table: &DeTable<'_>) -> Table {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        (name.to_string(), Entry { key: Span { source, range: key.span() }, tree: tree(source, value) })
    };
    Table { entries: table.iter().map(entry).collect() }
}

fn tree(source: SourceId, value: &Spanned<DeValue<'_>>) -> Tree {
    let node = match value.get_ref() {
        DeValue::String(text) => Node::Scalar(Value::from(text.as_ref())),
        DeValue::Integer(number) => Node::Scalar(integer(number.as_str(), number.radix())),
        DeValue::Float(number) => {
            Node::Scalar(number.as_str().parse::<f64>().map_or(Value::Null, Value::from))
        }
        DeValue::Boolean(flag) => Node::Scalar(Value::from(*flag)),
        DeValue::Datetime(moment) => Node::Scalar(Value::from(moment.to_string())),
        DeValue::Array(items) => Node::List(items.iter().map(|item| tree(source, item)).collect()),
        DeValue::Table(entries) => Node::Table(table(source, entries)),
    };
    Tree { span: Span { source, range: value.span() }, node }
}

/// Integers beyond 64 bits become text, which no integer input accepts.
fn integer(digits: &str, radix: u32) -> Value {
    i64::from_str_radix(digits, radix).map_or_else(|_| Value::from(digits), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::span::SourceMap;
    use serde_json::json;

    fn read(text: &str) -> (Table, Vec<String>, SourceMap) {
        let mut sources = SourceMap::default();
        let id = sources.add("x.toml", text);
        let (table, found) = parse(id, text);
        let shown =
            found.iter().map(|d| format!("{} {}", sources.place(&d.labels[0].span), d.message)).collect();
        (table, shown, sources)
    }

    #[test]
    fn every_value_knows_its_line() {
        let (table, problems, sources) = read("a = 1\n[b.c]\nd = [\n  \"x\",\n  2027-01-11,\n]\n");
        assert_eq!(problems, [""; 0]);
        assert_eq!(table.to_json(), json!({"a": 1, "b": {"c": {"d": ["x", "2027-01-11"]}}}));
        let Some(Tree { node: Node::List(items), .. }) = table.at("b.c.d") else { panic!("a list") };
        assert_eq!(sources.place(&items[1].span), "x.toml:5");
    }

    #[test]
    fn all_syntax_problems_come_out_and_the_rest_is_kept() {
        let (table, problems, _) = read("a = 1\na = 2\nb = \nc = 3\n");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(table.get("c").map(Tree::to_json), Some(json!(3)));
    }

    #[test]
    fn nesting_without_end_is_a_problem_and_not_a_crash() {
        let (_, problems, _) = read(&("a = ".to_owned() + &"[".repeat(100_000)));
        assert!(!problems.is_empty() && problems.len() <= PROBLEMS_PER_FILE_MAX);
        assert!(!read(&("a.".repeat(100_000) + "a = 1")).1.is_empty());
    }
}
