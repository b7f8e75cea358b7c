//! Reads a table of a fixed shape and collects every problem on the way instead of stopping at the first.

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::redact::shown;
use crate::base::span::{Located, Span};
use crate::model::tree::{Node, Table, Tree, shape};

/// The codes under which a reader reports, one set per sort of file.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    /// A key that the format does not have.
    pub unknown: &'static str,
    /// A key that must be there and is not.
    pub missing: &'static str,
    /// A value of the wrong type or spelling.
    pub wrong: &'static str,
}

/// One table being read. Call [`Reader::finish`] at the end: it reports the keys nobody asked for.
pub struct Reader<'t, 'd> {
    table: &'t Table,
    at: Span,
    what: &'t str,
    codes: Codes,
    asked: Vec<&'static str>,
    found: &'d mut Diagnostics,
}

impl<'t, 'd> Reader<'t, 'd> {
    /// Starts on a table; `at` is where missing keys are reported, `what` names the table for people.
    pub fn new(table: &'t Table, at: Span, what: &'t str, codes: Codes, found: &'d mut Diagnostics) -> Self {
        Self { table, at, what, codes, asked: Vec::new(), found }
    }

    /// Starts on a table inside this one, with the same codes and problems.
    pub fn inner<'i, 'r>(&'r mut self, table: &'i Table, at: Span, what: &'i str) -> Reader<'i, 'r> {
        Reader { table, at, what, codes: self.codes, asked: Vec::new(), found: self.found }
    }

    /// The place given to [`Reader::new`].
    pub fn place(&self) -> Span {
        self.at.clone()
    }

    /// The problems collected so far, to add to.
    pub fn found(&mut self) -> &mut Diagnostics {
        self.found
    }

    /// The value under this key, whatever it is.
    pub fn any(&mut self, key: &'static str) -> Option<&'t Tree> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Says that the value at this place is not what it should be.
    pub fn wrong(&mut self, tree: &Tree, key: &str, expected: &str) {
        let message = format!("`{key}` must be {expected}, not {}", shape(&tree.to_json()));
        self.found.push(
            Diagnostic::error(self.codes.wrong, message)
                .at(tree.span.clone(), format!("expected {expected}")),
        );
    }

    fn missing(&mut self, key: &str, expected: &str) {
        let message = format!("{} has no `{key}`", self.what);
        self.found.push(
            Diagnostic::error(self.codes.missing, message)
                .at(self.at.clone(), "belongs here")
                .help(format!("add `{key} = …`: {expected}")),
        );
    }

    /// A value made from a scalar by `convert`, if the key is there.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Option<Located<T>> {
        let tree = self.any(key)?;
        let value = match &tree.node {
            Node::Scalar(value) => convert(value),
            Node::List(_) | Node::Table(_) => None,
        };
        if value.is_none() {
            self.unfit(tree, key, expected);
        }
        value.map(|value| Located { value, span: tree.span.clone() })
    }

    fn unfit(&mut self, tree: &Tree, key: &str, expected: &str) {
        let Some(text) = tree.as_str() else { return self.wrong(tree, key, expected) };
        let message = format!("`{key}` must be {expected}, not `{}`", shown(text));
        self.found.push(
            Diagnostic::error(self.codes.wrong, message)
                .at(tree.span.clone(), format!("expected {expected}")),
        );
    }

    /// The same for a key that must be there.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Option<Located<T>> {
        let value = self.optional(key, expected, convert);
        self.require_any(key, expected);
        value
    }

    /// A text that must be there.
    pub fn text(&mut self, key: &'static str) -> Option<Located<String>> {
        self.required(key, "a string", string)
    }

    /// A text that may be there.
    pub fn optional_text(&mut self, key: &'static str) -> Option<Located<String>> {
        self.optional(key, "a string", string)
    }

    /// A list of texts; empty if the key is not there.
    pub fn texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        let Some(tree) = self.any(key) else { return Vec::new() };
        let Node::List(items) = &tree.node else {
            self.wrong(tree, key, "a list of strings");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match item.as_str() {
                Some(text) => texts.push(Located { value: text.to_owned(), span: item.span.clone() }),
                None => self.wrong(item, key, "a list of strings"),
            }
        }
        texts
    }

    /// A table with its place, if the key is there.
    pub fn table(&mut self, key: &'static str) -> Option<(&'t Table, Span)> {
        let tree = self.any(key)?;
        if tree.as_table().is_none() {
            self.wrong(tree, key, "a table");
        }
        tree.as_table().map(|table| (table, tree.span.clone()))
    }

    /// Reports a key of any shape that is not there although it must be.
    pub fn require_any(&mut self, key: &str, expected: &str) {
        if self.table.get(key).is_none() {
            self.missing(key, expected);
        }
    }

    /// A table that must be there, with its place.
    pub fn required_table(&mut self, key: &'static str, expected: &str) -> Option<(&'t Table, Span)> {
        self.require_any(key, expected);
        self.table(key)
    }

    /// The tables of an array of tables; none if the key is not there.
    pub fn tables(&mut self, key: &'static str) -> Vec<(&'t Table, Span)> {
        let Some(tree) = self.any(key) else { return Vec::new() };
        let Node::List(items) = &tree.node else {
            self.wrong(tree, key, "an array of tables");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.as_table() {
                Some(table) => tables.push((table, item.span.clone())),
                None => self.wrong(item, key, "an array of tables"),
            }
        }
        tables
    }

    /// Reports the keys that nobody asked for, with the nearest known one.
    pub fn finish(self) {
        for (key, entry) in &self.table.entries {
            if self.asked.contains(&key.as_str()) {
                continue;
            }
            let mut problem =
                Diagnostic::error(self.codes.unknown, format!("{} has no key `{}`", self.what, shown(key)))
                    .at(entry.key.clone(), "unknown key");
            problem = match nearest(key, self.asked.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("known keys: {}", self.asked.join(", "))),
            };
            self.found.push(problem);
        }
    }
}

/// For [`Reader::required`] and [`Reader::optional`]: a string.
pub fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A boolean.
pub fn boolean(value: &Value) -> Option<bool> {
    value.as_bool()
}

/// A count from zero up.
pub fn count(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// A day, written as a TOML date or a string.
pub fn day(value: &Value) -> Option<jiff::civil::Date> {
    value.as_str().filter(|text| text.len() == 10).and_then(|text| text.parse().ok())
}
