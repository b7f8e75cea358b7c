//! Where an input of an evidence kind comes from, as the table of kinds names it in two words.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// One source of an input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Selector {
    /// What a checklist item came to.
    Item(String),
    /// People signed an item's statement.
    Attested(String),
    /// A file was filed as a record of this kind.
    Record(String),
    /// Entries that the table of feeds describes.
    Feed(String),
    /// What the keeper of the journal knows and no entry of the site's log says.
    Signal(String),
}

/// A source that is not written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not item, attested, record, feed or signal and a name")]
pub struct BadSelector(String);

impl Selector {
    /// The item whose waivers and exceptions count for it.
    pub fn item(&self) -> Option<&str> {
        match self {
            Selector::Item(id) | Selector::Attested(id) => Some(id),
            Selector::Record(_) | Selector::Feed(_) | Selector::Signal(_) => None,
        }
    }

    /// Whether it is a file that somebody filed and nobody may have looked at.
    pub fn is_bare_record(&self) -> bool {
        matches!(self, Selector::Record(_))
    }
}

impl FromStr for Selector {
    type Err = BadSelector;

    fn from_str(text: &str) -> Result<Self, BadSelector> {
        let bad = || BadSelector(text.to_owned());
        let (word, name) = text.split_once(' ').ok_or_else(bad)?;
        let name = name.to_owned();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(bad());
        }
        match word {
            "item" => Ok(Selector::Item(name)),
            "attested" => Ok(Selector::Attested(name)),
            "record" => Ok(Selector::Record(name)),
            "feed" => Ok(Selector::Feed(name)),
            "signal" => Ok(Selector::Signal(name)),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for Selector {
    type Error = BadSelector;

    fn try_from(text: String) -> Result<Self, BadSelector> {
        text.parse()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Item(name) => write!(f, "item {name}"),
            Selector::Attested(name) => write!(f, "a signed statement about item {name}"),
            Selector::Record(name) => write!(f, "record {name}"),
            Selector::Feed(name) | Selector::Signal(name) => f.write_str(name),
        }
    }
}
