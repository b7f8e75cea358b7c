//! Live events for whoever watches: the same events that are written to the logs.

use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::model::event::Event;
use crate::model::fleet_event::FleetEvent;

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
}
