//! Names that people type and files carry, each a type of its own with one rule for how it is spelled.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spelled;

/// A name that breaks its spelling rule; the message says the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct BadName {
    /// The rule, as a sentence part without full stop.
    pub rule: &'static str,
}

fn is_word(text: &str, max: usize, extra: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || extra.contains(b);
    (1..=max).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && !extra.contains(&bytes[bytes.len() - 1])
        && bytes.iter().all(inner)
}

fn is_site_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 5
        && bytes[..3].iter().all(u8::is_ascii_uppercase)
        && bytes[3..].iter().all(u8::is_ascii_digit)
}

fn is_run_id(text: &str) -> bool {
    (4..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What all names share: how they are shown, read, written and described.
macro_rules! text_of_a_name {
    ($name:ident, $rule:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                spelled::parsed(deserializer)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $rule })
            }
        }
    };
}

/// A name is kept once, however many places hold it.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the spelling.
            ///
            /// # Errors
            ///
            /// The spelling rule, if the text breaks it.
            pub fn new(text: impl AsRef<str>) -> Result<Self, BadName> {
                let text = text.as_ref();
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.into())) } else { Err(BadName { rule: $rule }) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        text_of_a_name!($name, $rule);
    };
}

/// The code of a clinic, such as `HRB01`.
///
/// It is held in place: a launch of a thousand sites looks them up and copies them all the time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteCode([u8; 5]);

const SITE_RULE: &str = "a site code is three capital letters and two digits, for example HRB01";

impl SiteCode {
    /// Checks the spelling.
    ///
    /// # Errors
    ///
    /// The spelling rule, if the text breaks it.
    pub fn new(text: impl AsRef<str>) -> Result<Self, BadName> {
        let text = text.as_ref();
        let code = text.as_bytes().try_into().ok().filter(|_| is_site_code(text));
        code.map(Self).ok_or(BadName { rule: SITE_RULE })
    }

    /// The name as text.
    ///
    /// # Panics
    ///
    /// Never: a code is made of letters and digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a code is made of letters and digits")
    }
}

text_of_a_name!(SiteCode, SITE_RULE);

name!(
    /// The name of a cloud region, such as `us-east-1`.
    RegionName,
    "a region name is lower-case letters, digits and dashes, for example us-east-1",
    |text| is_word(text, 40, b"-")
);
name!(
    /// A person's handle, such as `pm` or `steward-hrb01`. Never a name.
    PersonId,
    "a person's handle is lower-case letters, digits and dashes, for example steward-hrb01",
    |text| is_word(text, 60, b"-")
);
name!(
    /// A role, such as `compliance` or `site-steward`.
    RoleName,
    "a role is lower-case letters, digits and dashes, for example site-steward",
    |text| is_word(text, 60, b"-")
);
name!(
    /// The name of a gate, such as `g-02`.
    GateId,
    "a gate is lower-case letters, digits and dashes, for example g-02",
    |text| is_word(text, 40, b"-")
);
name!(
    /// The name of a wave, such as `pilot`.
    WaveName,
    "a wave name is lower-case letters, digits and dashes, for example wave1",
    |text| is_word(text, 40, b"-")
);
name!(
    /// The name of a pack, such as `landing-zone`.
    PackName,
    "a pack name is lower-case letters, digits and dashes, for example landing-zone",
    |text| is_word(text, 60, b"-")
);
name!(
    /// The name of a kind, such as `databricks.catalog`.
    KindName,
    "a kind is lower-case words joined by dots and underscores, for example databricks.catalog",
    |text| is_word(text, 80, b"._")
);
name!(
    /// The name of a step inside its scope, such as `catalog.clinical`.
    StepId,
    "an id is lower-case words joined by dots, dashes and underscores, for example catalog.clinical",
    |text| is_word(text, 160, b"._-")
);
/// A step is looked up by its text as well, as references have it: both are ordered and hashed in the same way.
impl Borrow<str> for StepId {
    fn borrow(&self) -> &str {
        &self.0
    }
}
name!(
    /// The name of one execution of a plan.
    RunId,
    "a run id is 4 to 64 lower-case letters, digits and dashes",
    is_run_id
);

/// What owns objects and has one log, one lease and one writer.
///
/// A site depends on its region, a region on the account; never the other way. The order of this type is that order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeId {
    /// The whole account.
    Account,
    /// One region of the account.
    Region(RegionName),
    /// One site.
    Site(SiteCode),
}

impl ScopeId {
    /// The site's code, if this is a site.
    pub fn site(&self) -> Option<&SiteCode> {
        match self {
            ScopeId::Site(code) => Some(code),
            ScopeId::Account | ScopeId::Region(_) => None,
        }
    }
}

/// A log of the journal: one per scope, and one for the organisation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogId {
    /// Launches, waves, releases of packs, keys and the heads of all other logs.
    Org,
    /// Everything about one scope.
    Scope(ScopeId),
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeId::Account => f.write_str("account"),
            ScopeId::Region(name) => write!(f, "region/{name}"),
            ScopeId::Site(code) => write!(f, "site/{code}"),
        }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogId::Org => f.write_str("org"),
            LogId::Scope(scope) => scope.fmt(f),
        }
    }
}

impl JsonSchema for ScopeId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ScopeId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": SCOPE_RULE })
    }
}

const SCOPE_RULE: &str = "a scope is account, region/<name> or site/<CODE>";

impl FromStr for ScopeId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text.split_once('/') {
            None if text == "account" => Ok(ScopeId::Account),
            Some(("region", name)) => name.parse().map(ScopeId::Region),
            Some(("site", code)) => code.parse().map(ScopeId::Site),
            _ => Err(BadName { rule: SCOPE_RULE }),
        }
    }
}

impl FromStr for LogId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text == "org" { Ok(LogId::Org) } else { text.parse().map(LogId::Scope) }
    }
}

macro_rules! text_serde {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                spelled::parsed(deserializer)
            }
        }
    )*};
}

text_serde!(ScopeId, LogId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_codes_have_one_shape() {
        assert!(SiteCode::new("HRB01").is_ok());
        for bad in ["hrb-1", "HRB1", "HRB011", "", "HRÉ01", "12345"] {
            assert!(SiteCode::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn scopes_are_written_and_read_back_in_dependency_order() {
        let texts = ["account", "region/us-east-1", "site/HRB01"];
        let scopes: Vec<ScopeId> = texts.iter().map(|t| t.parse().expect("a scope")).collect();
        assert!(scopes.is_sorted());
        assert_eq!(scopes.iter().map(ToString::to_string).collect::<Vec<_>>(), texts);
        assert!("site/../etc".parse::<ScopeId>().is_err());
    }

    #[test]
    fn ids_do_not_end_in_a_separator() {
        assert!(StepId::new("catalog.clinical").is_ok());
        for bad in ["catalog.", ".catalog", "Catalog", "a b", "a/b"] {
            assert!(StepId::new(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
