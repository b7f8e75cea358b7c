//! Live events for whoever watches: the same events that are written to the logs.

use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::model::ask::Ask;
use crate::model::event::Event;
use crate::model::fleet_event::FleetEvent;
use crate::pacing::LaneReport;

/// Something that happened just now.
#[derive(Debug)]
pub enum Feed<'e> {
    /// To the launch.
    Fleet {
        /// When.
        at: Timestamp,
        /// What.
        event: &'e FleetEvent,
    },
    /// To one scope.
    Scope {
        /// When.
        at: Timestamp,
        /// The scope.
        scope: &'e ScopeId,
        /// What.
        event: &'e Event,
    },
    /// A wish that somebody left for this launch cannot be fulfilled. Nothing of it is recorded.
    Refused {
        /// When.
        at: Timestamp,
        /// The wish.
        ask: &'e Ask,
        /// Why.
        why: &'e str,
    },
    /// The launch leaves the shell, and this is how its calls were paced.
    Paced {
        /// When.
        at: Timestamp,
        /// Every lane that calls went out on.
        lanes: &'e [LaneReport],
    },
    /// Something worth knowing that no log holds.
    Note {
        /// When.
        at: Timestamp,
        /// In words.
        words: &'e str,
    },
}
