//! Floor 2: how fast calls may go out, by host and family of API. Pure: `now` is a value, the shell does the waiting.
//!
//! Each [`Lane`] is on its own: a host that refuses calls never slows another host down, and a lane has no
//! queue that one site could fill before another. Who takes its next call is decided by [`queue::Queue`]; the lane
//! only says when it may go out. [`Pacer::ready_at`] promises nothing for later: ask again after [`Pacer::take`].
//!
//! `lane` holds the arithmetic, `rates.toml` the published rates, `charge` what a call is charged to, and `queue` which
//! of the calls that wait goes out first.

pub mod charge;
mod lane;
pub mod queue;
mod rates;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::limits::PACING_LANES_MAX;
use crate::base::time::{Millis, Timestamp};

pub use rates::{BadOverride, BadRates, Counted, Family, FamilyRate, Rate, Rates, Verb};

use lane::LaneState;

/// The host of the lane that takes the calls of hosts beyond [`PACING_LANES_MAX`].
const ALL_OTHERS: &str = "*";

/// What a call is charged to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Lane {
    /// The host it goes to.
    pub host: String,
    /// The calls that the host counts together.
    pub family: Family,
}

impl Lane {
    /// A number that tells lanes apart, but for chance, and is the same in every run (FNV-1a, from a number on). Lanes are
    /// looked up by it: the names of a thousand hosts are alike for their first twenty bytes.
    fn mark(&self, from: u64) -> u64 {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let bytes = self.host.bytes().chain([0]).chain(self.family.as_str().bytes());
        bytes.fold(from ^ 0xcbf2_9ce4_8422_2325, |mark, byte| (mark ^ u64::from(byte)).wrapping_mul(PRIME))
    }
}

/// How one lane has fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneReport {
    /// The lane.
    pub lane: Lane,
    /// The rate that is published, or that the estate sets.
    pub published: Rate,
    /// The rate at which calls go out now.
    pub present: Rate,
    /// Calls that went out.
    pub taken: u64,
    /// Calls that were refused for being too many.
    pub refusals: u64,
    /// Time during which calls waited for nothing but this lane: where the rate limits bound.
    pub bound: Millis,
}

/// Says when calls may go out. Deterministic: the same calls at the same times give the same answers.
#[derive(Debug, Clone)]
pub struct Pacer {
    rates: Rates,
    /// By their marks.
    lanes: BTreeMap<u64, Vec<(Lane, LaneState)>>,
    count: usize,
}

impl Pacer {
    /// A pacer on which nothing has happened.
    pub fn new(rates: Rates) -> Self {
        Self { rates, lanes: BTreeMap::new(), count: 0 }
    }

    /// The rates it goes by.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The first moment at which the lane's next call may go out: now or later.
    pub fn ready_at(&self, lane: &Lane, now: Timestamp) -> Timestamp {
        match self.known(lane).or_else(|| self.known(&self.charged(lane, now))) {
            Some(state) => state.ready_at(now),
            None => now,
        }
    }

    /// A call goes out. Before [`Pacer::ready_at`] it goes into debt: the calls after it wait for longer.
    pub fn take(&mut self, lane: &Lane, now: Timestamp) {
        match self.known_mut(lane) {
            Some(state) => state.take(now),
            None => self.state(lane, now).take(now),
        }
    }

    /// A call was refused for being one too many: the whole lane rests, at half its rate, and starts with one call.
    pub fn refused(&mut self, lane: &Lane, now: Timestamp, retry_after: Option<Millis>) {
        self.state(lane, now).refused(now, retry_after);
    }

    /// A call was answered, whatever the answer was, but for a refusal: the lane recovers step by step.
    pub fn answered(&mut self, lane: &Lane, now: Timestamp) {
        self.state(lane, now).answered(now);
    }

    /// How each lane has fared, in order.
    pub fn report(&self) -> Vec<LaneReport> {
        let of = |(lane, state): &(Lane, LaneState)| LaneReport {
            lane: lane.clone(),
            published: state.published(),
            present: state.present(),
            taken: state.taken(),
            refusals: state.refusals(),
            bound: state.bound(),
        };
        let mut report: Vec<LaneReport> = self.lanes.values().flatten().map(of).collect();
        report.sort_by(|one, other| one.lane.cmp(&other.lane));
        report
    }

    fn known(&self, lane: &Lane) -> Option<&LaneState> {
        let alike = self.lanes.get(&lane.mark(0))?;
        alike.iter().find(|(known, _)| known == lane).map(|(_, state)| state)
    }

    fn known_mut(&mut self, lane: &Lane) -> Option<&mut LaneState> {
        let alike = self.lanes.get_mut(&lane.mark(0))?;
        alike.iter_mut().find(|(known, _)| known == lane).map(|(_, state)| state)
    }

    fn forget(&mut self, lane: &Lane) {
        if let Some(alike) = self.lanes.get_mut(&lane.mark(0)) {
            let before = alike.len();
            alike.retain(|(known, _)| known != lane);
            self.count -= before - alike.len();
        }
    }

    /// The lane itself while there is room for it, else the one that all further hosts share: slower, never faster.
    fn charged(&self, lane: &Lane, now: Timestamp) -> Lane {
        let known = self.count < PACING_LANES_MAX || self.known(lane).is_some();
        if known || self.idle(now).is_some() {
            return lane.clone();
        }
        Lane { host: ALL_OTHERS.to_owned(), family: lane.family.clone() }
    }

    fn idle(&self, now: Timestamp) -> Option<Lane> {
        let idle = self.lanes.values().flatten().filter(|(_, state)| state.is_idle(now));
        idle.map(|(lane, _)| lane).min().cloned()
    }

    fn state(&mut self, lane: &Lane, now: Timestamp) -> &mut LaneState {
        let charged = self.charged(lane, now);
        if self.known(&charged).is_none() {
            if self.count >= PACING_LANES_MAX
                && charged.host != ALL_OTHERS
                && let Some(idle) = self.idle(now)
            {
                self.forget(&idle);
            }
            let state = LaneState::new(self.rates.of(&charged.family));
            self.lanes.entry(charged.mark(0)).or_default().push((charged.clone(), state));
            self.count += 1;
        }
        self.known_mut(&charged).expect("it is there or was just put there")
    }
}
