//! Typed references in specs: `${id.output}`, `${region:id.output}`, `${account:id.output}`.
//!
//! Ids have dots, so the id is the longest known one that begins the text; the rest is the dotted path of the
//! output. `$${` stands for a literal `${`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::id::StepId;
use crate::base::pointer;

/// The scope a reference points into, seen from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefScope {
    /// The same scope.
    Same,
    /// The region of the site.
    Region,
    /// The account.
    Account,
}

impl RefScope {
    /// How it is written before the id.
    pub fn prefix(self) -> &'static str {
        match self {
            RefScope::Same => "",
            RefScope::Region => "region:",
            RefScope::Account => "account:",
        }
    }
}

/// One reference as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// JSON pointer of the string that holds it.
    pub at: String,
    /// The scope it points into.
    pub scope: RefScope,
    /// What stands between the braces, without the scope: id and output joined by a dot.
    pub path: String,
}

impl Reference {
    /// Splits the path into a known id and the dotted path of an output. The longest id wins.
    pub fn resolve<'k>(&self, known: &'k BTreeSet<StepId>) -> Option<(&'k StepId, String)> {
        split(&self.path, known)
    }
}

/// Splits `id.output` by the longest known id.
pub fn split<'k>(path: &str, known: &'k BTreeSet<StepId>) -> Option<(&'k StepId, String)> {
    path.match_indices('.').rev().find_map(|(dot, _)| {
        let id = StepId::new(&path[..dot]).ok()?;
        let known = known.get(&id)?;
        let output = &path[dot + 1..];
        (!output.is_empty()).then(|| (known, output.to_owned()))
    })
}

/// All references in a value, in the order of its pointers.
pub fn references(value: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(value, String::new(), &mut |at, text| {
        for piece in pieces(text) {
            if let Piece::Reference { scope, path } = piece {
                found.push(Reference { at: at.to_owned(), scope, path: path.to_owned() });
            }
        }
    });
    found
}

/// Whether a value holds any reference.
pub fn has_references(value: &Value) -> bool {
    !references(value).is_empty()
}

/// Puts values in the place of references. A string that is one whole reference takes the value with its JSON type;
/// otherwise its text is spliced in. What `lookup` does not know stays as it is and is returned.
pub fn substitute(
    value: &Value,
    lookup: &dyn Fn(RefScope, &str) -> Option<Value>,
) -> (Value, Vec<Reference>) {
    let mut missing = Vec::new();
    let filled = fill(value, String::new(), lookup, &mut missing);
    (filled, missing)
}

fn fill(
    value: &Value,
    at: String,
    lookup: &dyn Fn(RefScope, &str) -> Option<Value>,
    missing: &mut Vec<Reference>,
) -> Value {
    match value {
        Value::String(text) => fill_text(text, &at, lookup, missing),
        Value::Array(items) => {
            let filled = items.iter().enumerate().map(|(i, v)| fill(v, format!("{at}/{i}"), lookup, missing));
            Value::Array(filled.collect())
        }
        Value::Object(map) => {
            let filled =
                map.iter().map(|(k, v)| (k.clone(), fill(v, pointer::child(&at, k), lookup, missing)));
            Value::Object(filled.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn fill_text(
    text: &str,
    at: &str,
    lookup: &dyn Fn(RefScope, &str) -> Option<Value>,
    missing: &mut Vec<Reference>,
) -> Value {
    let pieces = pieces(text);
    if let [Piece::Reference { scope, path }] = pieces[..] {
        return lookup(scope, path).unwrap_or_else(|| {
            missing.push(Reference { at: at.to_owned(), scope, path: path.to_owned() });
            Value::String(text.to_owned())
        });
    }
    let before = missing.len();
    let mut out = String::with_capacity(text.len());
    for piece in &pieces {
        match *piece {
            Piece::Text(plain) => out.push_str(plain),
            Piece::Reference { scope, path } => match lookup(scope, path) {
                Some(Value::String(value)) => out.push_str(&value),
                Some(value) => out.push_str(&value.to_string()),
                None => missing.push(Reference { at: at.to_owned(), scope, path: path.to_owned() }),
            },
        }
    }
    Value::String(if missing.len() == before { out } else { text.to_owned() })
}

enum Piece<'t> {
    Text(&'t str),
    Reference { scope: RefScope, path: &'t str },
}

/// Text and references in order. A `${` that is never closed is plain text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if at > 0 && rest.as_bytes()[at - 1] == b'$' {
            found.push(Piece::Text(&rest[..at - 1]));
            found.push(Piece::Text("${"));
            rest = &rest[at + 2..];
            continue;
        }
        let Some(length) = rest[at + 2..].find('}') else { break };
        if at > 0 {
            found.push(Piece::Text(&rest[..at]));
        }
        let inner = rest[at + 2..at + 2 + length].trim();
        found.push(match inner.split_once(':') {
            Some(("region", path)) => Piece::Reference { scope: RefScope::Region, path },
            Some(("account", path)) => Piece::Reference { scope: RefScope::Account, path },
            _ => Piece::Reference { scope: RefScope::Same, path: inner },
        });
        rest = &rest[at + 2 + length + 1..];
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

fn walk(value: &Value, at: String, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(&at, text),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| walk(v, format!("{at}/{i}"), visit));
        }
        Value::Object(map) => map.iter().for_each(|(k, v)| walk(v, pointer::child(&at, k), visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ids(names: &[&str]) -> BTreeSet<StepId> {
        names.iter().map(|n| StepId::new(*n).unwrap()).collect()
    }

    #[test]
    fn the_longest_id_wins() {
        let known = ids(&["catalog", "catalog.clinical", "catalog.clinical.extra"]);
        let found = references(&json!({"a": ["${catalog.clinical.owner.name}"]}));
        assert_eq!(found[0].at, "/a/0");
        let (id, output) = found[0].resolve(&known).unwrap();
        assert_eq!((id.as_str(), output.as_str()), ("catalog.clinical", "owner.name"));
        assert_eq!(split("nothing.here", &known), None);
        assert_eq!(split("catalog.", &known), None);
    }

    #[test]
    fn a_whole_reference_keeps_its_type_and_a_part_is_spliced() {
        let spec = json!({"id": "${workspace.prod.workspace_id}", "url": "s3://${region:store.name}/x", "raw": "$${a}"});
        let lookup = |scope: RefScope, path: &str| match (scope, path) {
            (RefScope::Same, "workspace.prod.workspace_id") => Some(json!(42)),
            (RefScope::Region, "store.name") => Some(json!("root")),
            _ => None,
        };
        let (filled, missing) = substitute(&spec, &lookup);
        assert_eq!(filled, json!({"id": 42, "url": "s3://root/x", "raw": "${a}"}));
        assert!(missing.is_empty());
    }

    #[test]
    fn what_is_unknown_stays_and_is_named() {
        let (filled, missing) = substitute(&json!(["a-${b.c}", "${d.e", "$"]), &|_, _| None);
        assert_eq!(filled, json!(["a-${b.c}", "${d.e", "$"]));
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].path, "b.c");
    }
}
