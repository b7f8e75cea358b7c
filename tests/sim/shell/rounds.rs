//! What comes over a run from outside: it is called off, tried again, its clock jumps, and a holder that is thought to
//! be gone still sends what it had decided to send.

use landfall::base::time::Timestamp;
use landfall::engine::{Command, Input, owed};
use landfall::model::event::RunOutcome;

use super::{Happening, Shell};
use crate::mutant::Mutant;

/// Longer than any read lags behind, so that a round sees the world as it was left for it.
const BETWEEN_ROUNDS: u64 = 10_000;

/// How far clocks jump, in milliseconds.
const JUMPS: [i64; 6] = [1_000, 60_000, 600_000, 3_600_000, 24 * 3_600_000, 30 * 24 * 3_600_000];

/// Jumps of one story: a clock that is set back again and again gives an object its time anew for ever.
const JUMPS_MAX: u64 = 6;

impl Shell {
    /// What the process takes for the present moment.
    pub(super) fn clock(&self) -> i64 {
        self.now + self.skew
    }

    pub(super) fn moment(&self) -> Timestamp {
        Timestamp::from_millis(self.clock())
    }

    /// Whether the run has ended and nobody tries it again.
    pub(super) fn is_over(&mut self) -> bool {
        let Some(state) = &self.state else { return false };
        let (Some(outcome), round) = (state.ended(), state.round()) else { return false };
        if self.wanted_round > round {
            return false;
        }
        if outcome == RunOutcome::Succeeded || self.scenario.retries == 0 {
            return true;
        }
        self.scenario.retries -= 1;
        self.wanted_round = round + self.random.pick(&[1, 1, 3]);
        let last = self.scenario.retries == 0;
        if last || self.random.chance(400) {
            self.scenario.heal(self.now);
            self.spent.clear();
        }
        if last {
            self.scenario.faults.aborts = 0;
        }
        if self.random.chance(500) {
            self.epoch += 1;
            self.state = None;
            self.later(BETWEEN_ROUNDS, Happening::TakeOver);
        } else {
            self.answer_at(self.now + BETWEEN_ROUNDS as i64, None, self.retry());
        }
        false
    }

    pub(super) fn retry(&self) -> Input {
        Input::RetryAsked { round: self.wanted_round }
    }

    /// Perhaps the run is called off soon.
    pub(super) fn call_off_perhaps(&mut self) {
        if self.random.chance(self.scenario.faults.aborts) {
            let after = self.random.below(20_000);
            self.answer_at(self.now + after as i64, None, Input::AbortAsked);
        }
    }

    /// The holder is thought to be gone, but goes on for a while: it may not write any more, yet sends each call whose
    /// intent it has written, if the call can still end by its deadline. Nobody takes the answers.
    pub(super) fn linger(&mut self) {
        let Some(state) = &self.state else { return };
        if !self.random.chance(self.scenario.faults.stale_holders) {
            return;
        }
        let calls: Vec<Command> = owed(state).iter().cloned().collect();
        for command in calls {
            if let Command::Apply { step, attempt, call, deadline, .. } = command {
                if self.sent.contains(&(step.clone(), attempt)) {
                    continue;
                }
                let late = self.mutant == Some(Mutant::StaleHolderSendsLate);
                let deadline = deadline.as_millis() - self.skew + if late { 600_000 } else { 0 };
                let after = self.random.below(70_000);
                self.lingering += 1;
                self.tally.stale_sends += 1;
                let object = self.found.get(&step).copied();
                self.later(after, Happening::Linger { step, attempt, call, object, deadline });
            }
        }
    }

    /// Perhaps the clock jumps: back at any time; ahead only while no call may be under way, because that would make a
    /// deadline pass before its time. A process that watches an object counts its patience by the clock, so only a new
    /// one can take a jump ahead.
    pub(super) fn jump(&mut self, new_process: bool) {
        if self.tally.jumps >= JUMPS_MAX {
            return;
        }
        if !self.random.chance(self.scenario.faults.jumps * if new_process { 20 } else { 1 }) {
            return;
        }
        let most = if new_process { JUMPS.len() } else { 3 };
        let length = JUMPS[self.random.below(most as u64) as usize];
        let under_way = self.lingering > 0 || self.flights.iter().any(|flight| flight.final_at > self.now);
        let ahead = self.random.chance(500);
        if ahead && (under_way || !new_process) {
            return;
        }
        let back = -length.min(24 * 3_600_000);
        self.skew += if ahead { length } else { back };
        self.tally.jumps += 1;
        if self.talks {
            println!("the clock jumps to {}", self.moment());
        }
    }
}
