//! What a launch or a site waits for: every waiting state names what, until when, and who can release it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calendar::Shut;
use super::entry::Actor;
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;

/// Why something that could go on does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// The site's calendar is shut.
    Window {
        /// The next legal start.
        opens: Timestamp,
        /// Why it is shut now.
        why: Shut,
    },
    /// A wave's bake time is not over.
    Bake {
        /// The wave.
        wave: WaveName,
        /// When it is over, if nothing breaks.
        until: Timestamp,
    },
    /// A person has paused the launch.
    Pause {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Criteria for the wave's begin are open.
    Entry {
        /// The wave.
        wave: WaveName,
        /// What is open.
        open: Vec<OpenItem>,
    },
    /// Another scope has to end well first.
    Scope {
        /// Which.
        scope: ScopeId,
    },
    /// All places of the wave are taken.
    Place {
        /// How many there are.
        places: u32,
    },
    /// A service asked to come back later, or an object is not ready.
    Service {
        /// The next look.
        until: Timestamp,
    },
}

/// A criterion that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OpenItem {
    /// Its id in the estate, for example `productize.second-site`.
    pub id: String,
    /// What is missing, in words.
    pub missing: String,
    /// The role that can close it.
    pub owner: String,
}

impl Wait {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Wait::Window { .. } => "window",
            Wait::Bake { .. } => "bake",
            Wait::Pause { .. } => "pause",
            Wait::Entry { .. } => "entry",
            Wait::Scope { .. } => "scope",
            Wait::Place { .. } => "place",
            Wait::Service { .. } => "service",
        }
    }

    /// The moment at which it ends by itself, if it does.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Wait::Window { opens, .. } => Some(*opens),
            Wait::Bake { until, .. } | Wait::Service { until } => Some(*until),
            Wait::Pause { .. } | Wait::Entry { .. } | Wait::Scope { .. } | Wait::Place { .. } => None,
        }
    }

    /// Whether only a person can end it.
    pub fn needs_person(&self) -> bool {
        matches!(self, Wait::Pause { .. } | Wait::Entry { .. })
    }

    /// Who can release it: a role, or what ends it by itself.
    pub fn released_by(&self) -> String {
        match self {
            Wait::Window { .. } | Wait::Bake { .. } => "time".to_owned(),
            Wait::Pause { .. } => "program-manager".to_owned(),
            Wait::Entry { open, .. } => {
                let mut owners: Vec<&str> = open.iter().map(|item| item.owner.as_str()).collect();
                owners.sort_unstable();
                owners.dedup();
                owners.join(", ")
            }
            Wait::Scope { scope } => scope.to_string(),
            Wait::Place { .. } => "the next site that ends".to_owned(),
            Wait::Service { .. } => "the service".to_owned(),
        }
    }
}

/// In words, without the time: faces show moments in the reader's zone.
impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Window { why, .. } => write!(f, "its change window: {why}"),
            Wait::Bake { wave, .. } => write!(f, "the bake time of {wave}"),
            Wait::Pause { by, reason } => write!(f, "paused by {}: {reason}", by.id),
            Wait::Entry { wave, open } => {
                let missing: Vec<&str> = open.iter().map(|item| item.missing.as_str()).collect();
                write!(f, "what must hold before {wave}: {}", missing.join("; "))
            }
            Wait::Scope { scope } => write!(f, "{scope}"),
            Wait::Place { places: 1 } => f.write_str("the one place of its wave"),
            Wait::Place { places } => write!(f, "one of the {places} places of its wave"),
            Wait::Service { .. } => f.write_str("the service"),
        }
    }
}
