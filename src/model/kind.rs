//! What the product knows about a kind of object: its calls, its fields and their rules, as read from a table.

mod call;
mod field;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::base::id::KindName;
use crate::base::time::Millis;
use crate::model::pack::PackScope;
use crate::model::plan::Reversal;

pub use call::{Calls, Delta, DeltaGroup, List, Method, Nest, Paging, Read, Update, UpdateStyle, Write};
pub use field::{Field, FieldType, Normal, OneWay, Role};

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
    /// Whose it is; absent if a site may have its own.
    #[serde(default)]
    pub belongs: Option<Belongs>,
    /// Whether it is made and deleted, or only set and reset.
    #[serde(default)]
    pub existence: Existence,
    /// Why it must never be deleted silently; absent if it holds no data.
    #[serde(default)]
    pub protected: Option<String>,
    /// Why a change of it is a change of who may see or do what; absent if it is none.
    #[serde(default)]
    pub access: Option<String>,
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
    /// Where objects of the kind that no log knows are looked for; absent if they are none of our business.
    #[serde(default)]
    pub strangers: Option<Strangers>,
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
    /// It belongs to another object and may be there without our doing; it is set and reset rather than made and
    /// deleted. Finding one that our logs do not know is no reason to stop.
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

/// Where objects of a kind that no log knows are looked for: inside objects that we hold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strangers {
    /// The kind of the object that they are in. All that is in one of ours should be known.
    pub inside: KindName,
    /// Fields of the list call, each with the place in the outer object where its value stands.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// What the service makes by itself.
    #[serde(default, rename = "except")]
    pub exceptions: Vec<OwnMake>,
    /// Why these places.
    pub reason: String,
}

/// Objects that the service makes by itself, told by one field.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnMake {
    /// Pointer of the field.
    pub at: String,
    /// What stands there.
    pub one_of: Vec<Value>,
    /// Why it is there.
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
    /// Objects whose making is undone otherwise than that of the rest of the kind.
    #[serde(default, rename = "except")]
    pub exceptions: Vec<Exception>,
}

/// Objects of a kind that are told apart by one field of their spec.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Pointer of the field.
    pub at: String,
    /// What stands there.
    pub equals: String,
    /// How far making it can be undone.
    pub rank: Reversal,
    /// Why.
    pub reason: String,
}

impl Reversals {
    /// How far making or setting the object of a spec can be undone.
    pub fn of_create(&self, spec: &Value) -> (Reversal, &str) {
        let matches = |one: &&Exception| spec.pointer(&one.at).and_then(Value::as_str) == Some(&one.equals);
        let exception = self.exceptions.iter().find(matches);
        exception.map_or((self.create.rank, &self.create.reason), |one| (one.rank, &one.reason))
    }
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
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Its name, under which an estate may set another ceiling, for example `workspaces_per_account`.
    pub name: String,
    /// How many.
    pub max: u64,
    /// In what they are counted.
    pub per: Owner,
    /// Pointers of fields that tell the things apart in which they are counted, for example the catalog of a schema.
    #[serde(default)]
    pub by: Vec<String>,
    /// Pointer of a list in a spec whose items are counted rather than the object; `*` stands for any item.
    #[serde(default)]
    pub items: Option<String>,
    /// Objects that do not count.
    #[serde(default)]
    pub unless: Vec<Unless>,
    /// Where the number comes from and what is not certain about it.
    pub reason: String,
}

/// What a limit is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The account.
    Account,
    /// A region of the account; `by` names the field.
    Region,
    /// The metastore of the region in which the object's workspace is.
    Metastore,
    /// The workspace that the object is reached through.
    Workspace,
    /// The object itself, or the one that `by` names.
    Object,
}

impl Owner {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Owner::Account => "account",
            Owner::Region => "region",
            Owner::Metastore => "metastore",
            Owner::Workspace => "workspace",
            Owner::Object => "object",
        }
    }
}

/// Objects that do not count.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unless {
    /// Pointer of the field that shows it.
    pub at: String,
    /// What stands there; if it is left out, anything that is not empty.
    #[serde(default)]
    pub equals: Option<String>,
}

/// The widest thing that objects of a kind are about: only packs of that scope or a wider one may declare them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Belongs {
    /// The scope.
    pub to: PackScope,
    /// Why.
    pub reason: String,
}
