//! Taking over an object that exists already: the entry that says so, and what it makes ours.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::Desired;

/// The kind of the entry. It does not begin with `run.` or `step.`: a run that is taken up again passes over it.
pub const ADOPTED: &str = "object.adopted";

/// The body of `object.adopted`. The step is the entry's own field, the read-back is among its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adopted {
    /// The declared object with the values that were there: what counts as applied from now on.
    pub desired: Desired,
    /// Its id on the service.
    pub id: String,
    /// Its allow-listed outputs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// Pointers of the fields in which it was not as declared: the next plan changes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    /// Why it was taken over.
    pub reason: String,
}
