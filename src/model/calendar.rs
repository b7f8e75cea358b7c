//! When a scope may be changed: change windows, freezes, and the first day.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::time::{Millis, Timestamp};

/// When a scope may be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The IANA time zone in which freezes and the first day are meant.
    pub zone: String,
}

/// Whether changes may begin now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// They may, and have until then.
    Open {
        /// The opening's end.
        until: Option<Timestamp>,
    },
    /// They may later.
    Shut {
        /// The next legal start.
        opens: Timestamp,
        /// Why not now.
        why: Shut,
    },
    /// They never may.
    Never {
        /// Why.
        why: Shut,
    },
}

/// Why a calendar is shut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shut {
    /// No window is open.
    OutsideWindow,
}

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no window is open")
    }
}

impl Calendar {
    /// Whether changes that take `needs` may begin at `now`.
    pub fn standing(&self, _now: Timestamp, _needs: Millis) -> Standing {
        Standing::Open { until: None }
    }
}
