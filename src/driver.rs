//! Floor 3: the port to the outside world. A driver does one outward call per method and decides nothing:
//! no retries, no sleeps, no clock, no environment, no journal.

pub mod credentials;
pub mod databricks;
pub mod patience;
pub mod walk;

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use crate::base::id::KindName;
use crate::base::time::Millis;
use crate::model::audit::AuditEvent;
use crate::model::outcome::{ApplyOutcome, Cause, Observation};
use crate::model::plan::FieldChange;
use crate::model::population::CallRead;

/// What a driver's method gives back.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a call goes: the account, or one of its workspaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The account host.
    Account,
    /// A workspace.
    Workspace {
        /// Its numeric id, as text.
        workspace_id: String,
        /// The first label of its host name.
        deployment_name: String,
    },
}

/// An object to look at or to change.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its kind.
    pub kind: KindName,
    /// Where its calls go.
    pub place: Place,
    /// Its desired state with all references resolved; for a delete, what was last applied.
    pub spec: Value,
    /// Its id, if our logs know it. Without one it is looked for by natural key.
    pub id: Option<String>,
}

/// One mutating call.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The object.
    pub target: Target,
    /// What to do with it.
    pub call: Call,
    /// The same for all tries of the same thing; sent where the API takes an idempotency token.
    pub key: String,
}

/// The mutating calls there are.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Make it.
    Create,
    /// Change these fields; `live` is what was just observed (delta sets and full replacements need it).
    Update {
        /// The fields that differ.
        changes: Vec<FieldChange>,
        /// The object as it was just read.
        live: Value,
    },
    /// Delete it.
    Delete {
        /// The object as it was just read.
        live: Value,
    },
}

/// All objects of a kind in one place, read page by page.
#[derive(Debug, Clone, PartialEq)]
pub enum Listing {
    /// The objects as the list call shows them.
    Complete(Vec<Value>),
    /// The kind has no list call, or its list leaves out what a comparison needs: read one by one.
    Unsupported,
    /// The list call failed.
    Unreadable(Cause),
}

/// A list that is read as evidence.
#[derive(Debug, Clone, PartialEq)]
pub enum ListAsk {
    /// All objects of a kind in one place.
    Kind {
        /// The kind.
        kind: KindName,
        /// Where.
        place: Place,
        /// The fields that the call takes from a spec, where it lists what is inside another object.
        outer: Value,
    },
    /// A list inside one object, such as the grants on a securable or the members of a group.
    Inside {
        /// The object's kind.
        kind: KindName,
        /// Where.
        place: Place,
        /// The object's id.
        id: String,
        /// The fields that its read call takes from a spec.
        spec: Value,
        /// Where the list stands in the answer.
        at: String,
    },
    /// The tables of one schema.
    Tables {
        /// Where.
        place: Place,
        /// The catalog's name.
        catalog: String,
        /// The schema's name in it.
        schema: String,
    },
    /// What one table was made from.
    Upstreams {
        /// Where.
        place: Place,
        /// The table's full name.
        table: String,
    },
    /// The account's users.
    Users,
    /// The account's service principals.
    ServicePrincipals,
}

/// What a list gave, with the proof of its pages. Items of a list that was cut off are not all there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Paged {
    /// The call, its pages and how it ended.
    pub call: CallRead,
    /// The items of all pages.
    pub items: Vec<Value>,
}

/// Tells who changed something at a target.
pub trait AuditSource: Send + Sync {
    /// The calls that changed something, oldest first. Always safe.
    fn events(&self, timeout: Millis) -> Answer<'_, Result<Vec<AuditEvent>, Cause>>;

    /// The same with the proof that all of them were read. Always safe.
    fn proven_events(&self, timeout: Millis) -> Answer<'_, Result<(CallRead, Vec<AuditEvent>), Cause>>;
}

/// A way to reach objects of some kinds.
pub trait Driver: Send + Sync {
    /// Reads one object, by id or by natural key. Always safe.
    fn observe<'a>(&'a self, target: &'a Target, timeout: Millis) -> Answer<'a, Observation>;

    /// Reads all objects of a kind in one place. Always safe.
    fn list<'a>(&'a self, kind: &'a KindName, place: &'a Place, timeout: Millis) -> Answer<'a, Listing>;

    /// Reads all objects of a kind inside another object, where the list call asks for one: `outer` holds the fields
    /// that the call takes from a spec. Always safe.
    fn list_inside<'a>(
        &'a self,
        _kind: &'a KindName,
        _place: &'a Place,
        _outer: &'a Value,
        _timeout: Millis,
    ) -> Answer<'a, Listing> {
        Box::pin(async { Listing::Unsupported })
    }

    /// Reads who there is in the account, people and programs: of each only its `id` and whether it is `active`. Always
    /// safe.
    fn principals<'a>(&'a self, _timeout: Millis) -> Answer<'a, Listing> {
        Box::pin(async { Listing::Unsupported })
    }

    /// Reads a list page by page, and keeps the proof of it. Always safe; what fails is in the proof. None if the driver
    /// knows no such list.
    fn pages<'a>(&'a self, _ask: &'a ListAsk, _timeout: Millis) -> Answer<'a, Option<Paged>> {
        Box::pin(async { None })
    }

    /// The identity that its calls are made as, if the way of signing in tells.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Does exactly one mutating call.
    fn apply<'a>(&'a self, change: &'a Change, timeout: Millis) -> Answer<'a, ApplyOutcome>;
}
