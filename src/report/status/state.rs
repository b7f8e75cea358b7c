//! The words of states, and what follows from them.

use super::{LaunchState, ScopeState, WaveState};

impl LaunchState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            LaunchState::Running => "running",
            LaunchState::Unfinished => "unfinished",
            LaunchState::Suspended => "suspended",
            LaunchState::Paused => "paused",
            LaunchState::Aborting => "being called off",
            LaunchState::Succeeded => "succeeded",
            LaunchState::Partial => "ended in part",
            LaunchState::Failed => "failed",
            LaunchState::Aborted => "called off",
        }
    }

    /// Whether it has not ended.
    pub fn is_open(self) -> bool {
        match self {
            LaunchState::Running
            | LaunchState::Unfinished
            | LaunchState::Suspended
            | LaunchState::Paused
            | LaunchState::Aborting => true,
            LaunchState::Succeeded | LaunchState::Partial | LaunchState::Failed | LaunchState::Aborted => {
                false
            }
        }
    }
}

impl WaveState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            WaveState::NotStarted => "not started",
            WaveState::Barred => "barred",
            WaveState::Running => "running",
            WaveState::Baking => "baking",
            WaveState::Paused => "paused",
            WaveState::Suspended => "suspended",
            WaveState::Halted => "halted",
            WaveState::Done => "done",
            WaveState::Partial => "partial",
            WaveState::Failed => "failed",
            WaveState::Aborted => "called off",
        }
    }
}

impl ScopeState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            ScopeState::NotStarted => "not started",
            ScopeState::Waiting => "waiting",
            ScopeState::Running => "running",
            ScopeState::Unfinished => "unfinished",
            ScopeState::Suspended => "suspended",
            ScopeState::Aborting => "being called off",
            ScopeState::Succeeded => "succeeded",
            ScopeState::Failed => "failed",
            ScopeState::Aborted => "called off",
            ScopeState::Skipped => "skipped",
        }
    }

    /// Whether it failed or was called off.
    pub fn is_lost(self) -> bool {
        match self {
            ScopeState::Failed | ScopeState::Aborted => true,
            ScopeState::NotStarted
            | ScopeState::Waiting
            | ScopeState::Running
            | ScopeState::Unfinished
            | ScopeState::Suspended
            | ScopeState::Aborting
            | ScopeState::Succeeded
            | ScopeState::Skipped => false,
        }
    }

    /// Whether it has neither ended well nor not begun: what somebody has to know of among many.
    pub fn is_noteworthy(self) -> bool {
        !matches!(self, ScopeState::NotStarted | ScopeState::Succeeded)
    }
}
