//! What stories came to, in numbers.

use landfall::model::event::{Event, Rest};

/// What a story came to.
#[derive(Default, Debug)]
pub struct Tally {
    pub turns: u64,
    pub events: u64,
    pub crashes: u64,
    pub stops: u64,
    pub calls: u64,
    pub in_doubt: u64,
    pub failed: u64,
    pub aborts: u64,
    pub retries: u64,
    pub jumps: u64,
    /// Calls that a holder sent after it was thought to be gone.
    pub stale_sends: u64,
    /// Rests for the calendar.
    pub window_rests: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.turns += other.turns;
        self.events += other.events;
        self.crashes += other.crashes;
        self.stops += other.stops;
        self.calls += other.calls;
        self.in_doubt += other.in_doubt;
        self.failed += other.failed;
        self.aborts += other.aborts;
        self.retries += other.retries;
        self.jumps += other.jumps;
        self.stale_sends += other.stale_sends;
        self.window_rests += other.window_rests;
    }
}

impl Tally {
    pub(super) fn count(&mut self, event: &Event) {
        match event {
            Event::RunAborting {} => self.aborts += 1,
            Event::RunRetried { .. } => self.retries += 1,
            Event::StepRested { why: Rest::Window, .. } => self.window_rests += 1,
            _ => {}
        }
    }
}
