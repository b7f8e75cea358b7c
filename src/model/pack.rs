//! Packs: folders of templates with a manifest that says what they need.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::PackName;
use crate::base::span::{Located, SourceId, Span};
use crate::model::plan::PackLock;

/// Format version of `pack.toml` and `pack.lock`.
pub const PACK_FORMAT: i64 = 1;

/// What a pack's objects belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackScope {
    /// Rendered once.
    Account,
    /// Rendered once per region.
    Region,
    /// Rendered once per site.
    Site,
}

impl PackScope {
    /// Every scope with the word the manifest uses for it.
    pub const ALL: [(&'static str, PackScope); 3] =
        [("account", Self::Account), ("region", Self::Region), ("site", Self::Site)];

    /// The word the manifest uses.
    pub fn word(self) -> &'static str {
        match self {
            PackScope::Account => "account",
            PackScope::Region => "region",
            PackScope::Site => "site",
        }
    }
}

/// One pack as it was read.
#[derive(Debug, Clone)]
pub struct Pack {
    /// Its name, which is also its folder's.
    pub name: PackName,
    /// Its version.
    pub version: Located<String>,
    /// What its objects belong to.
    pub scope: PackScope,
    /// Packs that must be there too.
    pub requires: Vec<Located<String>>,
    /// Evidence kinds it produces.
    pub controls: Vec<Located<String>>,
    /// What it reads, by dotted path from the context's root.
    pub inputs: BTreeMap<String, Input>,
    /// Its templates by path inside the pack, for example `catalogs.toml.hbs` or `files/grants.sql.hbs`.
    pub templates: BTreeMap<String, TemplateFile>,
    /// SHA-256 over its file names and digests.
    pub digest: Digest,
    /// The manifest's start.
    pub span: Span,
}

impl Pack {
    /// Version and digest, as plans and the lock file keep them.
    pub fn lock(&self) -> PackLock {
        PackLock { version: self.version.value.clone(), digest: self.digest }
    }
}

/// One template as it was read.
#[derive(Debug, Clone)]
pub struct TemplateFile {
    /// Its place in the source map, where secrets are starred out.
    pub source: SourceId,
    /// Its text.
    pub text: Arc<str>,
}

/// A value that a pack reads.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its type.
    pub kind: InputType,
    /// Whether the pack cannot do without it.
    pub required: bool,
    /// The only values it may have.
    pub one_of: Vec<Value>,
    /// The least and the greatest it may be.
    pub range: Option<(f64, f64)>,
    /// Whether it, and what is below it, says which site it is rather than how the site is built: sites that differ in
    /// nothing else have the same pattern.
    pub identity: bool,
    /// What it is, for people.
    pub doc: String,
    /// Where it is declared.
    pub span: Span,
}

/// The types of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputType {
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An IP network.
    Cidr,
    /// A day.
    Date,
    /// A region of the estate.
    Region,
    /// An e-mail address.
    Email,
    /// An Amazon resource name.
    Arn,
    /// A list, of anything or of one type.
    List(Option<Box<InputType>>),
    /// A table.
    Table,
}

/// The types that are one word.
const WORDS: [(&str, InputType); 11] = [
    ("string", InputType::String),
    ("integer", InputType::Integer),
    ("number", InputType::Number),
    ("boolean", InputType::Boolean),
    ("cidr", InputType::Cidr),
    ("date", InputType::Date),
    ("region", InputType::Region),
    ("email", InputType::Email),
    ("arn", InputType::Arn),
    ("list", InputType::List(None)),
    ("table", InputType::Table),
];

impl InputType {
    /// The type behind a word such as `cidr` or `list<string>`.
    pub fn named(word: &str) -> Option<InputType> {
        let inner = word.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>'));
        match inner {
            // One level is all that packs need, and it bounds the recursion.
            Some(inner) if !inner.contains('<') => {
                Self::named(inner).map(|of| Self::List(Some(Box::new(of))))
            }
            Some(_) => None,
            None => WORDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| kind.clone()),
        }
    }

    /// Whether its values, or the items of its values, are written as strings.
    pub fn is_text(&self) -> bool {
        match self {
            Self::String | Self::Cidr | Self::Date | Self::Region | Self::Email | Self::Arn => true,
            Self::Integer | Self::Number | Self::Boolean | Self::Table | Self::List(None) => false,
            Self::List(Some(of)) => of.is_text(),
        }
    }

    /// The words that [`InputType::named`] knows.
    pub fn words() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(name, _)| *name)
    }
}

impl fmt::Display for InputType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputType::String => f.write_str("a string"),
            InputType::Integer => f.write_str("an integer"),
            InputType::Number => f.write_str("a number"),
            InputType::Boolean => f.write_str("true or false"),
            InputType::Cidr => f.write_str("a network such as 10.41.0.0/22"),
            InputType::Date => f.write_str("a date such as 2027-01-11"),
            InputType::Region => f.write_str("a region of the estate"),
            InputType::Email => f.write_str("an e-mail address"),
            InputType::Arn => f.write_str("an ARN such as arn:aws:iam::123456789012:role/name"),
            InputType::List(None) => f.write_str("a list"),
            InputType::List(Some(of)) => write!(f, "a list, each item {of}"),
            InputType::Table => f.write_str("a table"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_by_words() {
        assert_eq!(InputType::named("cidr"), Some(InputType::Cidr));
        assert_eq!(
            InputType::named("list<string>"),
            Some(InputType::List(Some(Box::new(InputType::String))))
        );
        for bad in ["strings", "list<>", "list<list<string>>", "list<string", ""] {
            assert_eq!(InputType::named(bad), None, "{bad}");
        }
    }
}
