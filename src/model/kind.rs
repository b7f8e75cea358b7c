//! What the product knows about a kind of object: its calls, its fields and their rules, as read from a table.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::base::id::KindName;
use crate::base::time::Millis;
use crate::model::plan::Reversal;

/// A kind of object, as its table describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name, for example `databricks.catalog`.
    pub name: KindName,
    /// What people call it, for example `catalog`.
    pub title: String,
    /// What its calls have in common with those of other kinds.
    pub class: Class,
    /// Where its calls go.
    pub level: Level,
    /// Whether it is made and deleted, or only set and reset.
    #[serde(default)]
    pub existence: Existence,
    /// Why it must never be deleted silently; absent if it holds no data.
    #[serde(default)]
    pub protected: Option<String>,
    /// What tells two objects of the kind apart before the service has given an id.
    pub key: Key,
    /// How its id is known.
    pub id: IdRule,
    /// The calls it has.
    pub calls: Calls,
    /// The fields of its spec, and rules for them.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
    /// How it becomes ready after it was made or changed; absent if it is at once.
    #[serde(default)]
    pub ready: Option<Ready>,
    /// How an object looks that still answers but counts as taken away.
    #[serde(default)]
    pub gone: Option<Gone>,
    /// What it takes to undo making and deleting it.
    pub reversal: Reversals,
    /// Pointers of live fields that other steps may refer to and the journal may hold.
    pub outputs: Vec<String>,
    /// Pointers of live fields that go into evidence. Nothing else does.
    pub record: Vec<String>,
    /// Published limits that bound how many of it there can be.
    #[serde(default, rename = "quota")]
    pub quotas: Vec<Quota>,
}

impl Kind {
    /// The rules of a field by its pattern: a pointer in which `*` stands for any list item.
    pub fn field(&self, pattern: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.at == pattern)
    }

    /// The fields directly below a pattern, with their names; empty where the table says nothing.
    pub fn fields_below<'k>(&'k self, pattern: &'k str) -> impl Iterator<Item = (&'k str, &'k Field)> {
        self.fields.iter().filter_map(move |field| {
            let name = field.at.strip_prefix(pattern)?.strip_prefix('/')?;
            (!name.contains('/') && name != "*").then_some((name, field))
        })
    }
}

/// The ten classes of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Made, read and deleted, never changed.
    ImmutableRecord,
    /// Made, read, changed and deleted under an id that the service gives.
    PlainRecord,
    /// Found by name; some fields are accepted only after it was made.
    NamedSecurable,
    /// A connection between two objects, written with one call that makes or changes it.
    Relation,
    /// A set that is changed by saying what to add and what to remove.
    DeltaSet,
    /// A set that is replaced as a whole.
    FullReplaceSet,
    /// One object that always exists, guarded by an etag.
    SingletonWithEtag,
    /// One object that always exists.
    Singleton,
    /// A value that can be written and never read.
    WriteOnlySecret,
    /// Something that is carried out and leaves no object of its own.
    Executed,
}

/// Where a kind's calls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The account.
    Account,
    /// A workspace.
    Workspace,
}

/// Whether objects of a kind come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Existence {
    /// It is made and deleted.
    #[default]
    Made,
    /// It belongs to another object and is there as long as that is; it is only set and reset.
    /// Finding one that our logs do not know is no reason to stop.
    Always,
}

/// What tells two objects of a kind apart.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The parts, in order.
    pub parts: Vec<KeyPart>,
    /// Why these.
    pub reason: String,
}

/// One part of a natural key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPart {
    /// Where it stands in a spec.
    pub spec: String,
    /// Where it stands in a list item; absent if the kind is never looked for in a list.
    #[serde(default)]
    pub item: Option<String>,
    /// Whether the service compares it without regard to case.
    #[serde(default)]
    pub fold: bool,
}

/// How an object's id is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRule {
    /// Where it stands in a live object.
    #[serde(default)]
    pub live: Option<String>,
    /// How it follows from a spec, for example `{spec.catalog_name}.{spec.name}`.
    #[serde(default)]
    pub spec: Option<String>,
    /// Whether the id that follows from a spec is folded to lower case, as the service does.
    #[serde(default)]
    pub fold: bool,
}

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
    /// Why these rules.
    #[serde(default)]
    pub reason: String,
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

/// How an object becomes ready.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// Pointer of its state.
    pub at: String,
    /// States in which it is ready.
    pub good: Vec<String>,
    /// States that it does not leave by itself.
    pub bad: Vec<String>,
    /// States on the way out, after a delete.
    #[serde(default)]
    pub leaving: Vec<String>,
    /// Pointer of the service's words about its state.
    #[serde(default)]
    pub detail: Option<String>,
    /// Time between two looks, in milliseconds.
    pub poll_every: Millis,
    /// How long it may take, in milliseconds.
    pub ready_within: Millis,
    /// Where the numbers come from.
    pub reason: String,
}

/// How an object looks that still answers but counts as taken away.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    /// Pointer of the field that shows it.
    pub at: String,
    /// What stands there; an empty list also matches nothing at all.
    pub value: Value,
    /// Why it does not vanish.
    pub reason: String,
}

/// What it takes to undo making and deleting an object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversals {
    /// Undoing a create or an update.
    pub create: Undo,
    /// Undoing a delete.
    pub delete: Undo,
}

/// What it takes to undo one thing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// How far it can be undone.
    pub rank: Reversal,
    /// Why.
    pub reason: String,
}

/// A published limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// How many.
    pub max: u64,
    /// In what, for example `metastore`.
    pub per: String,
    /// Where the number comes from and what is not certain about it.
    pub reason: String,
}
