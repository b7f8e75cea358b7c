//! Where an input of an evidence kind comes from, as the table of kinds names it in two words.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// One source of an input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Selector {
    /// What a checklist item came to.
    Item(String),
    /// People signed an item's statement, each of them in one of these roles.
    Attested {
        /// The item.
        item: String,
        /// The roles, all of which have to have signed it.
        roles: BTreeSet<String>,
    },
    /// A file was filed as a record of this kind.
    Record(String),
    /// Entries that the table of feeds describes.
    Feed(String),
    /// What the keeper of the journal knows and no entry of the site's log says.
    Signal(String),
}

/// A source that is not written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not item, record, feed or signal and a name, nor attested with a name and roles")]
pub struct BadSelector(String);

impl Selector {
    /// The item whose waivers and exceptions count for it.
    pub fn item(&self) -> Option<&str> {
        match self {
            Selector::Item(id) | Selector::Attested { item: id, .. } => Some(id),
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
        let mut words = text.split(' ').map(str::to_owned);
        let (word, name) = words.next().zip(words.next()).ok_or_else(bad)?;
        let roles: BTreeSet<String> = words.collect();
        let is_odd = |text: &String| text.is_empty() || text.contains(char::is_whitespace);
        if is_odd(&name) || roles.iter().any(is_odd) || (word == "attested") == roles.is_empty() {
            return Err(bad());
        }
        match word.as_str() {
            "item" => Ok(Selector::Item(name)),
            "attested" => Ok(Selector::Attested { item: name, roles }),
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
            Selector::Attested { item, roles } => {
                let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
                write!(f, "a signed statement about item {item} by {}", roles.join(" and "))
            }
            Selector::Record(name) => write!(f, "record {name}"),
            Selector::Feed(name) | Selector::Signal(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_two_words_and_a_statement_names_its_roles() {
        let read = |text: &str| text.parse::<Selector>().map_err(|bad| bad.to_string());
        assert_eq!(read("item a.b"), Ok(Selector::Item("a.b".into())));
        let roles = BTreeSet::from(["privacy".to_owned(), "site-steward".to_owned()]);
        assert_eq!(
            read("attested a.b site-steward privacy"),
            Ok(Selector::Attested { item: "a.b".into(), roles })
        );
        for odd in
            ["", "item", "item ", "item a b", "attested a.b", "attested a.b  privacy", "other a", "feed\ta"]
        {
            assert!(read(odd).is_err(), "{odd:?}");
        }
    }
}
