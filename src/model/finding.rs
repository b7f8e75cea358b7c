//! What a read means for a step: the words in which pure kind logic answers the engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entry::BlobRef;
use super::outcome::Cause;

/// How an object is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    /// What the step is after.
    pub goal: Goal,
    /// Whether this run already acted on the object, or may have. Then an object that is there is ours, and it need
    /// not be what the plan saw: such a look never ends in `Stale`, and in `Foreign` only if the object itself says
    /// that it belongs to somebody else.
    pub ours: bool,
}

/// What a step is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    /// The object is there as its spec says. For a check: the expectations hold.
    AsDesired,
    /// The object is gone.
    Gone,
}

/// The mutating calls by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NextCall {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Delete it.
    Delete,
}

/// What was read, as far as it may be recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readback {
    /// The object's id on the service.
    pub id: Option<String>,
    /// Its allow-listed outputs.
    pub outputs: Map<String, Value>,
    /// The redacted object, kept as a blob.
    pub blob: Option<BlobRef>,
}

/// What a look at an object found, measured against the goal.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Nothing is there. With the goal `Gone`, the goal is reached.
    Absent,
    /// It is there as desired, and ready.
    Matches {
        /// What was read.
        readback: Readback,
    },
    /// It is on its way, for example being provisioned or deleted.
    Pending {
        /// The service's word for the state.
        state: String,
        /// Its id, so that it is recorded before any waiting.
        id: Option<String>,
    },
    /// It ended in a state that it does not leave by itself.
    Broken {
        /// Which, and why.
        cause: Cause,
    },
    /// It is there, but not as the goal wants it. With the goal `Gone`: it is still there.
    Differs {
        /// The call that brings it nearer: `Update`, or `Delete` with the goal `Gone`.
        call: NextCall,
        /// Whether only fields differ that a create call cannot set.
        after_create: bool,
        /// Its id, as `Pending` has it.
        id: Option<String>,
    },
    /// It has our natural key, but our logs do not know it.
    Foreign {
        /// Its id.
        id: String,
    },
    /// It is not what the plan saw.
    Stale {
        /// What is different.
        what: String,
    },
    /// The read itself failed.
    Unreadable {
        /// Why.
        cause: Cause,
        /// Whether another try may help.
        retry: bool,
    },
    /// The expectations of a check hold.
    Holds {
        /// What was read.
        readback: Readback,
    },
    /// An expectation of a check does not hold.
    Fails {
        /// Which.
        cause: Cause,
        /// What was read.
        readback: Readback,
    },
}
