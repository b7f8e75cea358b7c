//! The estate after its layers are put together: one context per scope, and where every value came from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::base::id::ScopeId;
use crate::base::span::{SourceMap, Span};

/// The layers of site parameters, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The whole program.
    Program,
    /// The site's region.
    Region,
    /// The site's EHR variant.
    Ehr,
    /// The site's wave.
    Wave,
    /// The site's own file.
    Site,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layer::Program => "program",
            Layer::Region => "region",
            Layer::Ehr => "EHR variant",
            Layer::Wave => "wave",
            Layer::Site => "site",
        })
    }
}

/// What one layer said.
#[derive(Debug, Clone, PartialEq)]
pub struct Layered {
    /// The layer.
    pub layer: Layer,
    /// Where it says so.
    pub span: Span,
    /// What it says.
    pub value: Value,
}

/// Everything that was said about one value; the last one counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Provenance {
    /// From the lowest layer up.
    pub chain: Vec<Layered>,
}

impl Provenance {
    /// Where the value that counts was written.
    pub fn span(&self) -> Option<&Span> {
        self.chain.last().map(|layered| &layered.span)
    }
}

/// One scope's values.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedScope {
    /// The scope.
    pub scope: ScopeId,
    /// What templates see.
    pub context: Value,
    /// Where each value came from, by dotted path from the context's root; only what files say has an entry.
    pub provenance: BTreeMap<String, Provenance>,
    /// Inputs that packs declare and nobody set: a template may ask for them, but not print them.
    pub absent: BTreeSet<String>,
}

impl ResolvedScope {
    /// The value at this dotted path of the context.
    pub fn value(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.context, |value, key| value.get(key))
    }

    /// Where the value at this path, or the nearest value above or below it, was written.
    pub fn span_of(&self, path: &str) -> Option<&Span> {
        let mut prefix = path;
        loop {
            if let Some(span) = self.provenance.get(prefix).and_then(Provenance::span) {
                return Some(span);
            }
            let below = format!("{prefix}.");
            let first = self.provenance.range(below.clone()..).next();
            if let Some((_, found)) = first.filter(|(key, _)| key.starts_with(&below)) {
                return found.span();
            }
            prefix = prefix.rsplit_once('.')?.0;
        }
    }

    /// A value with everything that was said about it; `path` may leave out the leading `site.`.
    pub fn explain(&self, path: &str, sources: &SourceMap) -> Option<Explanation> {
        let with_root = format!("site.{path}");
        let path = if self.value(path).is_some() { path } else { with_root.as_str() };
        let value = self.value(path)?.clone();
        let below = format!("{path}.");
        let chain = self
            .provenance
            .iter()
            .filter(|(key, _)| key.as_str() == path || key.starts_with(&below))
            .flat_map(|(key, found)| found.chain.iter().map(move |layered| (key, layered)))
            .map(|(key, layered)| ExplainedLayer {
                path: key.clone(),
                layer: layered.layer,
                place: sources.place(&layered.span),
                value: layered.value.clone(),
            })
            .collect();
        Some(Explanation { path: path.to_owned(), value, chain })
    }
}

/// Why a value is what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The dotted path from the context's root.
    pub path: String,
    /// The value that counts.
    pub value: Value,
    /// What each layer said, from the lowest up; the last one of a path counts.
    pub chain: Vec<ExplainedLayer>,
}

/// What one layer said, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedLayer {
    /// The path it is about: the one asked for, or one below it.
    pub path: String,
    /// The layer.
    pub layer: Layer,
    /// `file:line`.
    pub place: String,
    /// What it says.
    pub value: Value,
}

/// All scopes of an estate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolved {
    /// Each scope's values.
    pub scopes: BTreeMap<ScopeId, ResolvedScope>,
}
