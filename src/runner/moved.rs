//! To which scopes something may be owed that was not before: what a launch owes is followed event by event, and not looked
//! for among all scopes whenever one of them ends.

use std::collections::BTreeSet;

use crate::base::id::ScopeId;
use crate::fleet;
use crate::model::fleet_event::FleetEvent;

/// What has happened to a launch since what it owes was followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Something that may concern every scope.
    All,
    /// Something to these scopes.
    Scopes(BTreeSet<ScopeId>),
}

impl Default for Moved {
    fn default() -> Self {
        Self::Scopes(BTreeSet::new())
    }
}

impl Moved {
    /// Takes an event that the fleet has accepted.
    pub(super) fn note(&mut self, event: &FleetEvent) {
        match event {
            // One that ends because a stop reached it late runs again.
            FleetEvent::ScopeStarted { scope, .. }
            | FleetEvent::ScopeEnded { scope, .. }
            | FleetEvent::ScopeAborting { scope, .. } => {
                if let Self::Scopes(scopes) = self {
                    scopes.insert(scope.clone());
                }
            }
            FleetEvent::ScopeWaiting { .. }
            | FleetEvent::ScopeSkipped { .. }
            | FleetEvent::ScopeRequeued { .. }
            | FleetEvent::WaveReached { .. }
            | FleetEvent::WaveEntered { .. }
            | FleetEvent::WaveBarred { .. }
            | FleetEvent::WaveDue { .. }
            | FleetEvent::WaveUnchanged { .. }
            | FleetEvent::WaveBaking { .. }
            | FleetEvent::WaveLooked { .. }
            | FleetEvent::WaveBaked { .. }
            | FleetEvent::WaveHalted { .. }
            | FleetEvent::WaveReopened { .. } => {}
            FleetEvent::LaunchStarted { .. }
            | FleetEvent::LaunchRecovered { .. }
            | FleetEvent::LaunchStopping { .. }
            | FleetEvent::LaunchSuspended { .. }
            | FleetEvent::LaunchPaused { .. }
            | FleetEvent::LaunchResumed { .. }
            | FleetEvent::LaunchAborting { .. }
            | FleetEvent::LaunchReopened { .. }
            | FleetEvent::LaunchEnded { .. }
            | FleetEvent::Unknown { .. } => *self = Self::All,
        }
    }

    /// What is owed to the scopes that something has happened to, in the order of commands.
    pub(super) fn owed(&self, state: &fleet::State) -> BTreeSet<fleet::Command> {
        let owed = |scope: &ScopeId| fleet::owed_by(state, scope);
        match self {
            Self::All => state.running().filter_map(owed).collect(),
            Self::Scopes(scopes) => scopes.iter().filter_map(owed).collect(),
        }
    }
}
