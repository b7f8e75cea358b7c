//! Lays parameter tables over each other: tables merge key by key, everything else is replaced whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::span::{Located, Span};
use crate::model::resolved::{Layer, Layered, Provenance};
use crate::model::tree::{Entry, Node, Table};

/// The layers so far.
pub(super) struct Layers<'l> {
    locked: &'l [Located<String>],
    /// The merged values.
    pub(super) values: Map<String, Value>,
    /// Where each came from, by dotted path with the root `site`.
    pub(super) provenance: BTreeMap<String, Provenance>,
}

impl<'l> Layers<'l> {
    /// Nothing yet; these paths belong to the program layer.
    pub(super) fn new(locked: &'l [Located<String>]) -> Self {
        Self { locked, values: Map::new(), provenance: BTreeMap::new() }
    }

    /// Puts one layer on top.
    pub(super) fn lay(&mut self, layer: Layer, table: &Table, found: &mut Diagnostics) {
        let mut values = std::mem::take(&mut self.values);
        self.merge(layer, "", table, &mut values, found);
        self.values = values;
    }

    fn merge(
        &mut self,
        layer: Layer,
        prefix: &str,
        table: &Table,
        into: &mut Map<String, Value>,
        found: &mut Diagnostics,
    ) {
        for (key, entry) in &table.entries {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            if layer != Layer::Program && self.refuse_locked(layer, &path, entry, found) {
                continue;
            }
            let Node::Table(inner) = &entry.tree.node else {
                self.forget_below(&path);
                self.remember(layer, &path, entry);
                into.insert(key.clone(), entry.tree.to_json());
                continue;
            };
            let below = into.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                *below = Value::Object(Map::new());
                self.provenance.remove(&format!("site.{path}"));
            }
            if inner.entries.is_empty() {
                self.remember(layer, &path, entry);
            }
            if let Value::Object(below) = below {
                self.merge(layer, &path, inner, below, found);
            }
        }
    }

    fn remember(&mut self, layer: Layer, path: &str, entry: &Entry) {
        let layered = Layered { layer, span: entry.tree.span.clone(), value: entry.tree.to_json() };
        self.provenance.entry(format!("site.{path}")).or_default().chain.push(layered);
    }

    /// A value that replaces a table takes the table's values with it.
    fn forget_below(&mut self, path: &str) {
        let below = format!("site.{path}.");
        self.provenance.retain(|key, _| !key.starts_with(&below));
    }

    /// Whether this entry would change a locked value. A table above one is looked into, not refused.
    fn refuse_locked(&self, layer: Layer, path: &str, entry: &Entry, found: &mut Diagnostics) -> bool {
        let is_table = entry.tree.as_table().is_some();
        let touches = |locked: &str| {
            let below =
                path.strip_prefix(locked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            let above = locked.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
            below || (above && !is_table)
        };
        let Some(locked) = self.locked.iter().find(|locked| touches(&locked.value)) else { return false };
        let message = format!("`{path}` is locked: the {layer} layer may not set it");
        let mut problem = Diagnostic::error("resolve.locked-key", message).at(entry.key.clone(), "set here");
        if let Some(span) = self.span_of(&locked.value) {
            problem = problem.at(span, "the program's value");
        }
        found.push(
            problem.at(locked.span.clone(), "locked here").help(format!(
                "remove `{path}` here, or take `{}` off `locked` in estate.toml",
                locked.value
            )),
        );
        true
    }

    fn span_of(&self, path: &str) -> Option<Span> {
        let path = format!("site.{path}");
        self.provenance.get(&path).and_then(Provenance::span).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::span::SourceMap;
    use crate::model::tree;
    use serde_json::json;

    fn lay(layers: &[(Layer, &str)], locked: &[&str]) -> (Value, Vec<String>, Vec<String>) {
        let mut sources = SourceMap::default();
        let at = sources.add("locks", "");
        let span = Span { source: at, range: 0..0 };
        let locked: Vec<_> =
            locked.iter().map(|key| Located { value: (*key).to_owned(), span: span.clone() }).collect();
        let mut all = Layers::new(&locked);
        let mut found = Diagnostics::default();
        for (layer, text) in layers {
            let id = sources.add(layer.to_string(), *text);
            all.lay(*layer, &tree::parse(id, text).0, &mut found);
        }
        let places = all.provenance.iter().map(|(path, from)| {
            let chain: Vec<_> = from.chain.iter().map(|l| sources.place(&l.span)).collect();
            format!("{path}: {}", chain.join(" "))
        });
        let places = places.collect();
        let problems = found.iter().map(|d| d.message.clone()).collect();
        (Value::Object(all.values), places, problems)
    }

    #[test]
    fn tables_merge_and_everything_else_is_replaced() {
        let (values, places, _) = lay(
            &[
                (Layer::Program, "a = 30\nlist = [1, 2]\n[t]\nx = 1\ny = 1\n"),
                (Layer::Site, "a = 20\nlist = [3]\n[t]\ny = 2\n"),
            ],
            &[],
        );
        assert_eq!(values, json!({"a": 20, "list": [3], "t": {"x": 1, "y": 2}}));
        assert_eq!(
            places,
            [
                "site.a: program:1 site:1",
                "site.list: program:2 site:2",
                "site.t.x: program:4",
                "site.t.y: program:5 site:4"
            ]
        );
    }

    #[test]
    fn a_value_takes_the_place_of_a_table_and_back() {
        let (values, places, _) =
            lay(&[(Layer::Program, "[t]\nx = 1\n"), (Layer::Ehr, "t = 1"), (Layer::Site, "[t]\nz = 1")], &[]);
        assert_eq!(values, json!({"t": {"z": 1}}));
        assert_eq!(places, ["site.t.z: site:2"]);
    }

    #[test]
    fn a_locked_key_stays_whichever_way_it_is_touched() {
        let program = (Layer::Program, "a = 1\n[t]\nx = 1\ny = 1\n");
        for (text, locked, touched) in [
            ("a = 2", "a", "`a` is locked: the site layer may not set it"),
            ("[t]\nx = 2", "t", "`t` is locked: the site layer may not set it"),
            ("[t]\nx = 2", "t.x", "`t.x` is locked: the site layer may not set it"),
            ("t = 2", "t.x", "`t` is locked: the site layer may not set it"),
        ] {
            let (values, _, problems) = lay(&[program, (Layer::Site, text)], &[locked]);
            assert_eq!(problems, [touched], "{text} with {locked} locked");
            assert_eq!(values, json!({"a": 1, "t": {"x": 1, "y": 1}}));
        }
        let (values, _, problems) = lay(&[program, (Layer::Site, "[t]\ny = 2")], &["t.x"]);
        assert_eq!((values["t"]["y"].clone(), problems), (json!(2), vec![]));
    }
}
