//! `sites/controls.toml`: what the organisation itself says of controls: the ids that it has for them, and which of them
//! others show.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::limits::{OWN_CONTROL_TEXT_BYTES_MAX, OWN_CONTROLS_BYTES_MAX};

use super::catalogue::{Catalogue, Framework};

/// Where the file is.
pub const OWN_CONTROLS_FILE: &str = "sites/controls.toml";

/// What the organisation says of controls. Empty without a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnControls {
    /// The organisation's own id of a control, for example that of its requirement in MyCSF.
    #[serde(default)]
    own: BTreeMap<Framework, BTreeMap<String, String>>,
    /// Who shows a control that no evidence of this program bears on, in words.
    #[serde(default)]
    outside: BTreeMap<Framework, BTreeMap<String, String>>,
}

/// A file that does not say what it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOwnControls {
    /// It is too long.
    #[error("it is longer than {OWN_CONTROLS_BYTES_MAX} bytes")]
    TooLong,
    /// It is no TOML of this form.
    #[error("{0}")]
    Form(String),
    /// It names a control that nobody knows.
    #[error("{framework} has no control {id}")]
    Unknown {
        /// The framework.
        framework: &'static str,
        /// The id.
        id: String,
    },
    /// It takes a control away that evidence bears on.
    #[error("{framework} {id} is shown by {kind}, so it cannot be declared to be outside")]
    Shown {
        /// The framework.
        framework: &'static str,
        /// The id.
        id: String,
        /// The evidence kind.
        kind: String,
    },
    /// A text is empty, too long, or not on one line.
    #[error("what is said of {framework} {id} must be one line of 1 to {OWN_CONTROL_TEXT_BYTES_MAX} bytes")]
    Text {
        /// The framework.
        framework: &'static str,
        /// The id.
        id: String,
    },
}

impl OwnControls {
    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// If it is too long or of another form, names a control that is not in the catalogue, or takes one away that
    /// evidence bears on.
    pub fn parse(catalogue: &Catalogue, text: &str) -> Result<Self, BadOwnControls> {
        if text.len() > OWN_CONTROLS_BYTES_MAX {
            return Err(BadOwnControls::TooLong);
        }
        let one_line =
            |error: toml::de::Error| error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let read: Self = toml::from_str(text).map_err(|error| BadOwnControls::Form(one_line(error)))?;
        for (framework, id, said) in read.said() {
            let (word, id) = (framework.word(), id.to_owned());
            if !catalogue.controls(framework).contains_key(&id) {
                return Err(BadOwnControls::Unknown { framework: word, id });
            }
            let is_text = (1..=OWN_CONTROL_TEXT_BYTES_MAX).contains(&said.trim().len());
            if !is_text || said.chars().any(char::is_control) {
                return Err(BadOwnControls::Text { framework: word, id });
            }
        }
        for (framework, ids) in &read.outside {
            for id in ids.keys() {
                if let Some((kind, _)) = catalogue.kinds_of(*framework, id).first() {
                    let (framework, kind) = (framework.word(), (*kind).to_owned());
                    return Err(BadOwnControls::Shown { framework, id: id.clone(), kind });
                }
            }
        }
        Ok(read)
    }

    fn said(&self) -> impl Iterator<Item = (Framework, &str, &str)> {
        let all = self.own.iter().chain(&self.outside);
        all.flat_map(|(framework, ids)| ids.iter().map(|(id, said)| (*framework, id.as_str(), said.as_str())))
    }

    /// The organisation's own id of a control.
    pub fn id(&self, framework: Framework, id: &str) -> Option<&str> {
        self.own.get(&framework)?.get(id).map(String::as_str)
    }

    /// Who shows a control instead, if it says so.
    pub fn outside(&self, framework: Framework, id: &str) -> Option<&str> {
        self.outside.get(&framework)?.get(id).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OwnControls, String> {
        OwnControls::parse(Catalogue::embedded(), text).map_err(|error| error.to_string())
    }

    #[test]
    fn own_ids_and_what_is_outside_are_read() {
        let own = read(
            "[own.hipaa]\n\"164.312(b)\" = \"MyCSF 1201.06e1\"\n[outside.hitrust]\n\"02.01\" = \"HR\"\n",
        );
        let own = own.expect("a file");
        assert_eq!(own.id(Framework::Hipaa, "164.312(b)"), Some("MyCSF 1201.06e1"));
        assert_eq!(own.id(Framework::Nist, "au-2"), None);
        assert_eq!(own.outside(Framework::Hitrust, "02.01"), Some("HR"));
        assert_eq!(read(""), Ok(OwnControls::default()));
    }

    #[test]
    fn what_it_may_not_say_is_refused_by_name() {
        let table = [
            ("[own.hipaa]\n\"164.999\" = \"x\"", "hipaa has no control 164.999"),
            (
                "[outside.hipaa]\n\"164.312(b)\" = \"not us\"",
                "hipaa 164.312(b) is shown by audit.log_delivery, so it cannot be declared to be outside",
            ),
            (
                "[own.hipaa]\n\"164.312(b)\" = \"\"",
                "what is said of hipaa 164.312(b) must be one line of 1 to 200 bytes",
            ),
            (
                "[own.hipaa]\n\"164.312(b)\" = \"a\\nb\"",
                "what is said of hipaa 164.312(b) must be one line of 1 to 200 bytes",
            ),
        ];
        for (text, why) in table {
            assert_eq!(read(text), Err(why.to_owned()), "{text}");
        }
        for hostile in ["[own.iso]\n\"a\" = \"b\"", "own = 7", "[own.hipaa\n", "more = {}", "\u{0}"] {
            assert!(read(hostile).is_err(), "{hostile:?}");
        }
        let long = format!("[own.hipaa]\n\"164.312(b)\" = \"{}\"", "x".repeat(201));
        assert!(read(&long).is_err());
        assert_eq!(
            read(&" ".repeat(OWN_CONTROLS_BYTES_MAX + 1)),
            Err("it is longer than 262144 bytes".to_owned())
        );
    }
}
