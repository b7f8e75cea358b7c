//! The calls of a kind: where they go, and what their bodies look like.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The calls of a kind. Which ones there must be follows from the class.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// Makes one.
    #[serde(default)]
    pub create: Option<Write>,
    /// Reads one by id or address.
    #[serde(default)]
    pub read: Option<Read>,
    /// Reads all.
    #[serde(default)]
    pub list: Option<List>,
    /// Changes one.
    #[serde(default)]
    pub update: Option<Update>,
    /// Deletes or resets one.
    #[serde(default)]
    pub delete: Option<Write>,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Make, or do.
    Post,
    /// Replace.
    Put,
    /// Change some fields.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub fn word(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// A call that makes or deletes an object. Templates know `{account_id}`, `{id}` and `{spec.<field>}`;
/// `{+spec.<field>}` keeps slashes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The method.
    pub method: Method,
    /// The path template.
    pub path: String,
    /// Query templates.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The field of the body that everything stands in.
    #[serde(default)]
    pub wrap: Option<String>,
    /// The field of the answer that the object stands in.
    #[serde(default)]
    pub unwrap: Option<String>,
    /// Fields that are always sent; texts are templates.
    #[serde(default)]
    pub body: Option<Map<String, Value>>,
    /// The body field, outside the wrapping, that takes an idempotency token.
    #[serde(default)]
    pub token: Option<String>,
    /// Sends the update call's delta with nothing desired, instead of a body of its own.
    #[serde(default)]
    pub empties: bool,
}

/// A call that reads one object.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The path template.
    pub path: String,
    /// Query templates.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The field of the answer that the object stands in.
    #[serde(default)]
    pub unwrap: Option<String>,
    /// Pointer of a list that comes in pages with a token.
    #[serde(default)]
    pub pages: Option<String>,
    /// Puts all fields of the answer but some into a field of the live object.
    #[serde(default)]
    pub nest: Option<Nest>,
}

/// How an answer's fields are moved into one field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nest {
    /// The field they go into.
    pub into: String,
    /// Fields that stay where they are.
    pub keep: Vec<String>,
}

/// A call that reads all objects of a kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The path template.
    pub path: String,
    /// Query templates.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Further query templates when one object is looked for.
    #[serde(default)]
    pub find: BTreeMap<String, String>,
    /// Pointer of the items in the answer; empty if the answer is the list.
    pub items: String,
    /// How further pages are asked for.
    pub paging: Paging,
    /// Fields that the list leaves out although a comparison needs them, each with the reason.
    #[serde(default)]
    pub leaves_out: BTreeMap<String, String>,
}

impl List {
    /// The fields of a spec that path and query take.
    pub fn asks_for(&self) -> impl Iterator<Item = &str> {
        let templates = std::iter::once(&self.path).chain(self.query.values());
        let places = templates.flat_map(|template| template.split('{').skip(1));
        places.filter_map(|place| {
            let (name, _) = place.split_once('}')?;
            name.trim_start_matches('+').strip_prefix("spec.")
        })
    }
}

/// How a list comes in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paging {
    /// One answer.
    None,
    /// One answer that is a bare array.
    Array,
    /// `page_token` in, `next_page_token` out; a page may be empty and still have a successor.
    Token,
    /// `startIndex` and `count`.
    Scim,
}

/// A call that changes an object.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The method.
    pub method: Method,
    /// The path template.
    pub path: String,
    /// Query templates.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The field of the body that everything stands in.
    #[serde(default)]
    pub wrap: Option<String>,
    /// What the body says.
    pub style: UpdateStyle,
    /// Spec fields that are sent whether they changed or not.
    #[serde(default)]
    pub always: Vec<String>,
    /// Names of fields that the service gave, in the object or its list items, and wants back.
    #[serde(default)]
    pub carry: Vec<String>,
    /// The shape of the body, for the style `delta`.
    #[serde(default)]
    pub delta: Option<Delta>,
    /// Why the update looks as it does.
    pub reason: String,
}

/// What the body of an update says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateStyle {
    /// The top-level fields that changed.
    Changed,
    /// The same, and `update_mask` names them.
    Mask,
    /// The whole object, with what the service wants back.
    Full,
    /// What to add and what to remove.
    Delta,
    /// The setting with the etag that was read, and a field mask inside the body.
    Etag,
    /// The same as for a create.
    Upsert,
    /// SCIM patch operations.
    Scim,
}

/// The shape of a delta.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// Pointer of the list in spec and live object.
    pub items: String,
    /// With this, changes are grouped: `{<into>: [{<key>, add: [<values>], remove: […]}]}`.
    /// Without it, whole items are added and removed: `{add: […], remove: […]}`.
    #[serde(default)]
    pub group: Option<DeltaGroup>,
}

/// How the changes of a delta are grouped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaGroup {
    /// The field of the body that the groups stand in.
    pub into: String,
    /// The field of an item that names the group.
    pub key: String,
    /// The field of an item that holds the values.
    pub values: String,
}
