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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Lane {
    /// The host it goes to.
    pub host: String,
    /// The calls that the host counts together.
    pub family: Family,
}

impl Lane {
    /// A number that tells lanes apart, but for chance, and is the same in every run (FNV-1a). Lanes are looked up by it:
    /// the names of a thousand hosts are alike for their first twenty bytes.
    fn mark(&self) -> u64 {
        let bytes = self.host.bytes().chain([0]).chain(self.family.as_str().bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |mark, byte| Self::mix(mark, u64::from(byte)))
    }

    /// One more number into a mark.
    fn mix(mark: u64, more: u64) -> u64 {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        (mark ^ more).wrapping_mul(PRIME)
    }
}

/// A lane whose mark is known: who asks for it again and again works it out once.
#[derive(Debug, PartialEq, Eq)]
struct Marked {
    mark: u64,
    lane: Lane,
}

impl From<Lane> for Marked {
    fn from(lane: Lane) -> Self {
        Self { mark: lane.mark(), lane }
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
        self.marked_ready_at(lane.mark(), lane, now)
    }

    /// The same of a lane whose mark is known.
    fn lane_ready_at(&self, lane: &Marked, now: Timestamp) -> Timestamp {
        self.marked_ready_at(lane.mark, &lane.lane, now)
    }

    fn marked_ready_at(&self, mark: u64, lane: &Lane, now: Timestamp) -> Timestamp {
        let known = self.known(mark, lane).or_else(|| {
            let charged = self.charged(lane, now);
            self.known(charged.mark(), &charged)
        });
        known.map_or(now, |state| state.ready_at(now))
    }

    /// A call goes out. Before [`Pacer::ready_at`] it goes into debt: the calls after it wait for longer.
    pub fn take(&mut self, lane: &Lane, now: Timestamp) {
        self.take_marked(lane.mark(), lane, now);
    }

    /// The same of a lane whose mark is known.
    fn take_lane(&mut self, lane: &Marked, now: Timestamp) {
        self.take_marked(lane.mark, &lane.lane, now);
    }

    fn take_marked(&mut self, mark: u64, lane: &Lane, now: Timestamp) {
        match self.known_mut(mark, lane) {
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

    fn known(&self, mark: u64, lane: &Lane) -> Option<&LaneState> {
        let alike = self.lanes.get(&mark)?;
        alike.iter().find(|(known, _)| known == lane).map(|(_, state)| state)
    }

    fn known_mut(&mut self, mark: u64, lane: &Lane) -> Option<&mut LaneState> {
        let alike = self.lanes.get_mut(&mark)?;
        alike.iter_mut().find(|(known, _)| known == lane).map(|(_, state)| state)
    }

    fn forget(&mut self, lane: &Lane) {
        if let Some(alike) = self.lanes.get_mut(&lane.mark()) {
            let before = alike.len();
            alike.retain(|(known, _)| known != lane);
            self.count -= before - alike.len();
        }
    }

    /// The lane itself while there is room for it, else the one that all further hosts share: slower, never faster.
    fn charged(&self, lane: &Lane, now: Timestamp) -> Lane {
        let known = self.count < PACING_LANES_MAX || self.known(lane.mark(), lane).is_some();
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
        let mark = charged.mark();
        if self.known(mark, &charged).is_none() {
            if self.count >= PACING_LANES_MAX
                && charged.host != ALL_OTHERS
                && let Some(idle) = self.idle(now)
            {
                self.forget(&idle);
            }
            let state = LaneState::new(self.rates.of(&charged.family));
            self.lanes.entry(mark).or_default().push((charged.clone(), state));
            self.count += 1;
        }
        self.known_mut(mark, &charged).expect("it is there or was just put there")
    }
}
