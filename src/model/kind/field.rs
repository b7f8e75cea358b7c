//! The fields of a kind's spec, and the rules for them.

use serde::Deserialize;
use serde_json::Value;

/// A field of a spec, and what is special about it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its pattern: a pointer in which `*` stands for any list item.
    pub at: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub holds: FieldType,
    /// Whether a spec must name it.
    #[serde(default)]
    pub required: bool,
    /// The texts it may be; empty if any.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// What part it plays.
    #[serde(default)]
    pub role: Role,
    /// Whether changing it needs a new object.
    #[serde(default)]
    pub replace: bool,
    /// Whether it is accepted only after the object was made.
    #[serde(default)]
    pub after_create: bool,
    /// How two spellings are told to be the same.
    #[serde(default)]
    pub normal: Vec<Normal>,
    /// For a list without order: the pointers inside an item that tell items apart; empty for plain values.
    #[serde(default)]
    pub set: Option<Vec<String>>,
    /// What a spec means that does not name it.
    #[serde(default)]
    pub default: Option<Value>,
    /// What is sent to take it away; absent if it cannot be taken away.
    #[serde(default)]
    pub clear: Option<Value>,
    /// Which change of it can never be taken back, on an object that stays.
    #[serde(default)]
    pub one_way: Option<OneWay>,
    /// Whether a change of it may shut out whoever would have to take it back.
    #[serde(default)]
    pub shuts_out: bool,
    /// Why these rules.
    #[serde(default)]
    pub reason: String,
}

/// A change of a field that can never be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OneWay {
    /// Setting it where nothing was set: it can be swapped afterwards, never removed.
    Set,
    /// Any change.
    Change,
}

/// What a field of a spec holds, and what goes over the wire for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Bool,
    /// An object with the fields that the table names.
    Object,
    /// An object with free names.
    Map,
    /// A list; the pattern with `/*` describes its items.
    List,
    /// An id: text or number in a spec, text on the wire.
    TextId,
    /// An id: text or number in a spec, a number on the wire.
    NumberId,
    /// An object in a spec, its JSON as text on the wire.
    JsonText,
    /// Anything.
    Any,
}

/// What part a field plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It is sent, read back and compared.
    #[default]
    Managed,
    /// It is a part of the path: not sent in a body, and the same by construction.
    Address,
    /// It is sent and never shown again.
    InputOnly,
    /// The service sets it; a spec must not.
    Computed,
}

/// How two spellings of a value are told to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normal {
    /// Slashes at the end do not count.
    Slash,
    /// Upper and lower case do not count.
    Case,
    /// A decimal number as text; zeros at its end do not count.
    Decimal,
    /// A privilege: `USE CATALOG` is `USE_CATALOG`.
    Privilege,
    /// The service adds to its end, after a slash.
    Prefix,
    /// The service adds to its start, before a dash.
    Suffix,
    /// An access list as the permissions API shows it: inherited entries and built-in administrators do not count.
    AccessList,
}
