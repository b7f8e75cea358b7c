//! What must hold before a wave begins.

use super::chart::Stage;
use super::decide::{First, one};
use super::draft::Draft;
use super::state::{State, Turn};
use super::wave::Entry;
use crate::base::time::Timestamp;
use crate::model::fleet_event::FleetEvent;
use crate::model::wait::OpenItem;

/// What was judged about a wave whose turn it still is.
pub(super) fn judged(state: &State, index: usize, now: Timestamp, mut open: Vec<OpenItem>) -> First {
    let wave = &state.waves[index];
    let turn = state.is_open() && state.turn() == Turn::Stage(Stage::Wave(index));
    let before = match &wave.entry {
        Entry::Judging(before) if turn => before,
        Entry::Judging(_) | Entry::Open | Entry::Ahead | Entry::Barred(_) => return First::Stale,
    };
    open.sort();
    open.dedup();
    let wave = wave.name.clone();
    if open.is_empty() {
        return one(FleetEvent::WaveEntered { wave });
    }
    match before {
        Some(before) if before.open == open => one(FleetEvent::WaveUnchanged { wave, at: now }),
        Some(_) | None => one(FleetEvent::WaveBarred { wave, at: now, open }),
    }
}

impl Draft<'_> {
    /// Whether the wave may begin; if its turn has come only now, what must hold is to be judged.
    pub fn enter(&mut self, index: usize) -> bool {
        let (wave, _) = self.wave(index);
        match wave.entry {
            Entry::Open => return true,
            Entry::Ahead if self.state.is_open() => {
                let wave = wave.name.clone();
                self.note(FleetEvent::WaveReached { wave });
            }
            Entry::Ahead | Entry::Judging(_) | Entry::Barred(_) => {}
        }
        false
    }
}
