//! References between objects: `${id.output}`, `${region:id.output}`, `${account:id.output}`; `$${` is a literal `${`.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::base::id::StepId;
use crate::base::pointer;

/// Whose objects a reference looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefScope {
    /// The scope that the reference is written in.
    Same,
    /// The region of this site.
    Region,
    /// The account.
    Account,
}

/// One reference as it is written, before the ids around it are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// JSON pointer of the string that holds it.
    pub at: String,
    /// Whose objects it looks at.
    pub scope: RefScope,
    /// Id and output, for example `catalog.clinical.name`; [`Reference::target`] tells them apart.
    pub path: String,
}

/// A reference split into the step it names and the output it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefTarget {
    /// The step.
    pub step: StepId,
    /// The dotted path inside what the step gives.
    pub output: String,
}

/// A reference without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The reference.
    pub reference: Reference,
    /// Why there is no value.
    pub why: UnresolvedReason,
}

/// Why a reference has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnresolvedReason {
    /// No known id is a prefix of it.
    UnknownStep,
    /// The step is known, but the output is not (yet).
    NoValue,
}

impl Reference {
    /// Splits id from output: ids have dots, so the longest known id that leaves an output counts.
    pub fn target(&self, known: &BTreeSet<StepId>) -> Option<RefTarget> {
        let (step, output) = self.target_in(known)?;
        Some(RefTarget { step: step.clone(), output: output.to_owned() })
    }

    /// The same, as it stands among these ids and in this reference.
    pub fn target_in<'k>(&self, known: &'k BTreeSet<StepId>) -> Option<(&'k StepId, &str)> {
        let mut end = self.path.len();
        while let Some(dot) = self.path[..end].rfind('.') {
            let (id, output) = (&self.path[..dot], &self.path[dot + 1..]);
            if let Some(step) = known.get(id) {
                return Some((step, output));
            }
            end = dot;
        }
        None
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.scope {
            RefScope::Same => "",
            RefScope::Region => "region:",
            RefScope::Account => "account:",
        };
        write!(f, "${{{prefix}{}}}", self.path)
    }
}

/// A piece of a string.
enum Piece<'t> {
    Text(&'t str),
    Open(&'t str),
}

/// Cuts a string into literal text and references. A `${` without its `}` is text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            pieces.push(Piece::Text(&rest[..start - 1]));
            pieces.push(Piece::Text("${"));
            rest = &rest[start + 2..];
            continue;
        }
        let Some(length) = rest[start..].find('}') else { break };
        pieces.push(Piece::Text(&rest[..start]));
        pieces.push(Piece::Open(&rest[start + 2..start + length]));
        rest = &rest[start + length + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| !matches!(piece, Piece::Text("")));
    pieces
}

fn reference(at: String, inner: &str) -> Reference {
    let inner = inner.trim();
    let (scope, path) = match inner.split_once(':') {
        Some(("region", path)) => (RefScope::Region, path),
        Some(("account", path)) => (RefScope::Account, path),
        Some(_) | None => (RefScope::Same, inner),
    };
    Reference { at, scope, path: path.to_owned() }
}

/// All references in a value, in the order in which they stand.
pub fn references(value: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(&Place::Root, value, &mut found);
    found
}

/// Where a value stands, from below: most texts hold no reference, so a pointer is written only for those that do.
enum Place<'p> {
    Root,
    Item(&'p Place<'p>, usize),
    Field(&'p Place<'p>, &'p str),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Item(above, index) => format!("{}/{index}", above.pointer()),
            Place::Field(above, name) => pointer::child(&above.pointer(), name),
        }
    }
}

fn collect(at: &Place<'_>, value: &Value, found: &mut Vec<Reference>) {
    match value {
        Value::String(text) => found.extend(opened(text).map(|inner| reference(at.pointer(), inner))),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(&Place::Item(at, index), item, found));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(name, item)| collect(&Place::Field(at, name), item, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The insides of the references in a text.
fn opened(text: &str) -> impl Iterator<Item = &str> {
    // Hardly any text has the sign at all, and a sign is found faster than a word.
    let pieces = if text.contains('$') { pieces(text) } else { Vec::new() };
    pieces.into_iter().filter_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Open(inner) => Some(inner),
    })
}

/// Does something one level below.
fn below<T>(at: &mut String, field: &str, inside: impl FnOnce(&mut String) -> T) -> T {
    let length = at.len();
    pointer::descend(at, field);
    let result = inside(at);
    at.truncate(length);
    result
}

/// Gives the value of an output of a step, if it is known.
pub type Lookup<'l> = dyn Fn(RefScope, &StepId, &str) -> Option<Value> + 'l;

/// Gives the ids that a scope has.
pub type Ids<'l> = dyn Fn(RefScope) -> &'l BTreeSet<StepId> + 'l;

/// Puts values in the place of references. A string that is one whole reference takes the value with its type;
/// otherwise the value's text is put in. A string with a reference that has no value stays as it is written, and
/// each such reference is returned.
pub fn substitute(value: &Value, ids: &Ids<'_>, lookup: &Lookup<'_>) -> (Value, Vec<Unresolved>) {
    let mut missing = Vec::new();
    let result = replace(&mut String::new(), value, ids, lookup, &mut missing);
    (result, missing)
}

fn replace(
    at: &mut String,
    value: &Value,
    ids: &Ids<'_>,
    lookup: &Lookup<'_>,
    missing: &mut Vec<Unresolved>,
) -> Value {
    match value {
        Value::String(text) if !text.contains("${") => value.clone(),
        Value::String(text) => replace_text(at, text, ids, lookup, missing),
        Value::Array(items) => {
            let item = |(index, item): (usize, &Value)| {
                below(at, &index.to_string(), |at| replace(at, item, ids, lookup, missing))
            };
            items.iter().enumerate().map(item).collect()
        }
        Value::Object(entries) => {
            let entry = |(key, item): (&String, &Value)| {
                (key.clone(), below(at, key, |at| replace(at, item, ids, lookup, missing)))
            };
            entries.iter().map(entry).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn replace_text(
    at: &str,
    text: &str,
    ids: &Ids<'_>,
    lookup: &Lookup<'_>,
    missing: &mut Vec<Unresolved>,
) -> Value {
    let before = missing.len();
    let mut spliced = String::new();
    let pieces = pieces(text);
    for piece in &pieces {
        let inner = match piece {
            Piece::Text(text) => {
                spliced.push_str(text);
                continue;
            }
            Piece::Open(inner) => inner,
        };
        let reference = reference(at.to_owned(), inner);
        let Some(target) = reference.target(ids(reference.scope)) else {
            missing.push(Unresolved { reference, why: UnresolvedReason::UnknownStep });
            continue;
        };
        match lookup(reference.scope, &target.step, &target.output) {
            None => missing.push(Unresolved { reference, why: UnresolvedReason::NoValue }),
            Some(value) if pieces.len() == 1 => return value,
            Some(Value::String(text)) => spliced.push_str(&text),
            Some(other) => spliced.push_str(&other.to_string()),
        }
    }
    Value::String(if missing.len() == before { spliced } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ids(list: &[&str]) -> BTreeSet<StepId> {
        list.iter().map(|id| StepId::new(*id).expect("an id")).collect()
    }

    #[test]
    fn references_are_found_with_their_places() {
        let spec = json!({"a": ["x", "${b.c.name}/${region:metastore.primary.metastore_id}"], "d": "$${no}", "e": "${open"});
        let found: Vec<_> = references(&spec).iter().map(|r| format!("{} {r}", r.at)).collect();
        assert_eq!(found, ["/a/1 ${b.c.name}", "/a/1 ${region:metastore.primary.metastore_id}"]);
    }

    #[test]
    fn the_longest_known_id_counts() {
        let known = ids(&["catalog", "catalog.clinical"]);
        let split = |path: &str| {
            let reference = Reference { at: String::new(), scope: RefScope::Same, path: path.to_owned() };
            reference.target(&known).map(|t| (t.step.to_string(), t.output))
        };
        assert_eq!(split("catalog.clinical.name"), Some(("catalog.clinical".into(), "name".into())));
        assert_eq!(split("catalog.other.name"), Some(("catalog".into(), "other.name".into())));
        assert_eq!(split("catalog.clinical.info.id"), Some(("catalog.clinical".into(), "info.id".into())));
        assert_eq!(split("catalog"), None);
        assert_eq!(split("schema.name"), None);
    }

    #[test]
    fn whole_references_keep_their_type_and_others_are_spliced() {
        let known = ids(&["workspace"]);
        let lookup = |_: RefScope, _: &StepId, output: &str| (output == "id").then(|| json!(42));
        let spec = json!({"whole": "${workspace.id}", "text": "w-${workspace.id}$${x}", "n": 1});
        assert_eq!(
            substitute(&spec, &|_| &known, &lookup),
            (json!({"whole": 42, "text": "w-42${x}", "n": 1}), Vec::new())
        );
        let written = json!(["${workspace.url}", "${nobody.id}-${workspace.id}"]);
        let (left, missing) = substitute(&written, &|_| &known, &lookup);
        assert_eq!(left, written);
        let why: Vec<_> = missing.iter().map(|m| m.why).collect();
        assert_eq!(why, [UnresolvedReason::NoValue, UnresolvedReason::UnknownStep]);
    }

    #[test]
    fn odd_text_is_left_alone() {
        for text in ["", "$", "${", "$${", "}", "$$", "${}"] {
            let _ = references(&json!(text));
        }
        assert_eq!(
            substitute(&json!("$${a} $5"), &|_| unreachable!(), &|_, _, _| None),
            (json!("${a} $5"), Vec::new())
        );
    }
}
