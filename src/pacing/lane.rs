//! One lane: virtual scheduling of its calls, and the search for the rate that the service really takes.
//!
//! All times are whole microseconds since the epoch. `due` is when the next call would go out if calls were evenly
//! spaced; a call may go out as long before that as the burst allows (the generic cell rate algorithm).
//!
//! A refusal halves the rate and brackets what the service takes: `good` is a rate that held, `ceiling` one that was
//! refused. From then on the lane goes half-way between them, holds there, and so closes in on the true rate from
//! below. When nothing was refused for long, the ceiling is lifted, step by step, until the published rate is back.

use crate::base::limits::{
    PACING_HOLD, PACING_HOLD_CALLS, PACING_PROBE_EVERY, PACING_RATE_DIVISOR_MAX, PACING_REST, PACING_STEP,
    PACING_TRIAL, RETRY_AFTER_MAX, RETRY_CAP,
};
use crate::base::time::{Millis, Timestamp};

use super::rates::{FamilyRate, Rate};

/// Good rate and ceiling count as one when they are this part of the ceiling apart.
const BRACKET_PART: u64 = 32;
/// By this part of itself a ceiling is lifted first; the part doubles each time nothing is refused.
const LIFT_PART: u64 = 8;
/// A call that goes out this much of an interval after it might have is one that waited for the lane.
const SLACK_PART: i64 = 4;

/// Where a lane stands after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Calls go out as they are due.
    Open,
    /// Refused; no call has gone out since.
    Rested,
    /// One call has gone out since the refusal. The next waits for its answer, or until this moment.
    Trial(i64),
}

/// The state of one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LaneState {
    published: Rate,
    /// The burst of the table.
    burst: u32,
    /// One after a refusal, for good: it costs little, and nobody publishes what burst a service takes.
    present_burst: u32,
    present: Rate,
    phase: Phase,
    due: i64,
    rest_until: i64,
    last_taken: Option<i64>,
    good: u64,
    ceiling: Option<u64>,
    lifts: u32,
    refused_at: i64,
    refusals_in_a_row: u32,
    stepped_at: i64,
    held_from: i64,
    held_calls: u32,
    taken: u64,
    refusals: u64,
    bound: i64,
}

fn micros(moment: Timestamp) -> i64 {
    // A moment that jiff can write is below 2^58 microseconds.
    moment.as_millis().saturating_mul(1000)
}

fn length(millis: Millis) -> i64 {
    i64::try_from(millis.0.saturating_mul(1000)).unwrap_or(i64::MAX)
}

/// Rounded up to the milliseconds of a timestamp: never too early.
fn moment(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.div_euclid(1000) + i64::from(micros.rem_euclid(1000) > 0))
}

impl LaneState {
    /// A lane on which nothing has happened.
    pub(super) fn new(of: &FamilyRate) -> Self {
        Self {
            published: of.rate,
            burst: of.burst,
            present_burst: of.burst,
            present: of.rate,
            phase: Phase::Open,
            due: i64::MIN,
            rest_until: i64::MIN,
            last_taken: None,
            good: 0,
            ceiling: None,
            lifts: 0,
            refused_at: i64::MIN,
            refusals_in_a_row: 0,
            stepped_at: i64::MIN,
            held_from: i64::MIN,
            held_calls: 0,
            taken: 0,
            refusals: 0,
            bound: 0,
        }
    }

    /// The first moment at which the next call may go out.
    fn free_from(&self) -> i64 {
        let early = self.present.interval().saturating_mul(i64::from(self.present_burst) - 1);
        let trial = match self.phase {
            Phase::Open | Phase::Rested => i64::MIN,
            Phase::Trial(until) => until,
        };
        self.due.saturating_sub(early).max(self.rest_until).max(trial)
    }

    pub(super) fn ready_at(&self, now: Timestamp) -> Timestamp {
        now.max(moment(self.free_from()))
    }

    pub(super) fn take(&mut self, now: Timestamp) {
        let now = micros(now);
        let interval = self.present.interval();
        let free = self.free_from();
        if let Some(last) = self.last_taken
            && free > last
            && now <= free.saturating_add((interval / SLACK_PART).max(1000))
        {
            self.bound = self.bound.saturating_add((now - last).max(0));
        }
        // What a clock of whole milliseconds rounds up is given back, where the burst that is not used makes up for it.
        let grain = if self.present_burst < self.burst { 999 } else { 0 };
        self.due = self.due.max(now - grain).saturating_add(interval);
        if self.phase == Phase::Rested {
            self.phase = Phase::Trial(now.saturating_add(length(PACING_TRIAL).max(interval)));
        }
        self.last_taken = Some(self.last_taken.map_or(now, |last| last.max(now)));
        self.taken += 1;
    }

    pub(super) fn refused(&mut self, now: Timestamp, retry_after: Option<Millis>) {
        let now = micros(now);
        self.refusals += 1;
        let swarm = self.phase == Phase::Rested;
        self.refusals_in_a_row = self.refusals_in_a_row.saturating_add(u32::from(!swarm));
        let rest = retry_after.unwrap_or_else(|| {
            let doubled = PACING_REST.0.saturating_mul(1 << (self.refusals_in_a_row - 1).min(16));
            Millis(doubled.min(RETRY_CAP.0))
        });
        self.rest_until = self.rest_until.max(now.saturating_add(length(rest.min(RETRY_AFTER_MAX))));
        self.refused_at = now;
        if swarm {
            // The lane has slowed down for the first of them.
            return;
        }
        self.phase = Phase::Rested;
        self.present_burst = 1;
        let refused = self.present.0;
        let slowest = (self.published.0 / PACING_RATE_DIVISOR_MAX).max(1);
        self.ceiling = Some(refused);
        if self.good == 0 || self.good >= refused {
            self.good = (refused / 2).max(slowest);
        }
        self.present = Rate((refused / 2).max(slowest));
        self.lifts = 0;
        self.stepped_at = now;
        self.held_calls = 0;
    }

    pub(super) fn answered(&mut self, now: Timestamp) {
        if self.phase == Phase::Rested {
            // It went out before the refusal and says nothing about the time after it.
            return;
        }
        let now = micros(now);
        if let Phase::Trial(_) = self.phase {
            self.phase = Phase::Open;
            self.stepped_at = now;
        }
        self.refusals_in_a_row = 0;
        self.held_calls = self.held_calls.saturating_add(1);
        self.recover(now);
    }

    /// The rate that the lane is on its way to.
    fn goal(&self) -> u64 {
        match self.ceiling {
            None => self.published.0,
            Some(ceiling) if self.is_found(ceiling) => self.good,
            Some(ceiling) => u64::midpoint(self.good, ceiling),
        }
    }

    fn is_found(&self, ceiling: u64) -> bool {
        ceiling.saturating_sub(self.good) <= ceiling / BRACKET_PART
    }

    fn recover(&mut self, now: i64) {
        if now.saturating_sub(self.stepped_at) < length(PACING_STEP) {
            return;
        }
        let goal = self.goal();
        if self.present.0 < goal {
            let gap = goal - self.present.0;
            let near = gap <= goal / BRACKET_PART;
            self.present = Rate(if near { goal } else { self.present.0 + gap / 2 });
            self.stepped_at = now;
            (self.held_from, self.held_calls) = (now, 0);
            return;
        }
        let held = now.saturating_sub(self.held_from) >= length(PACING_HOLD);
        let Some(ceiling) = self.ceiling else { return };
        if !held || self.held_calls < PACING_HOLD_CALLS {
            return;
        }
        self.good = self.good.max(self.present.0);
        (self.held_from, self.held_calls) = (now, 0);
        if self.is_found(ceiling) && now.saturating_sub(self.refused_at) >= length(PACING_PROBE_EVERY) {
            let lift = (ceiling / LIFT_PART).max(1).saturating_mul(1 << self.lifts.min(16));
            let lifted = ceiling.saturating_add(lift);
            self.ceiling = (lifted < self.published.0).then_some(lifted);
            self.lifts += 1;
        }
    }

    /// Whether a new lane would behave as this one does: no debt, no rest, nothing learned.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        let fresh = self.ceiling.is_none() && self.present_burst == self.burst && self.phase == Phase::Open;
        fresh && self.due <= micros(now)
    }

    pub(super) fn published(&self) -> Rate {
        self.published
    }

    pub(super) fn present(&self) -> Rate {
        self.present
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn refusals(&self) -> u64 {
        self.refusals
    }

    pub(super) fn bound(&self) -> Millis {
        Millis(u64::try_from(self.bound / 1000).unwrap_or(0))
    }
}
