//! Which call goes out first, of all that wait: the one thing that decides it, for the shell and for its simulation.
//!
//! A call waits for the lanes it will be charged to. Calls that wait for the same lanes stand in one line, so that a full
//! lane costs nothing however many wait for it. Of the lines that may move, the first by these rules goes out:
//!
//! 1. what was promised: its intent is in the log and its deadline runs;
//! 2. the longer path, in steps of two: what a workspace waits for comes before what nothing waits for, whichever site it
//!    belongs to, so that the account's line moves while workspaces are being made;
//! 3. fair between sites (start-time fair queueing): each call carries a number one above the last of its own site, and
//!    the lower goes first, so that a site of six hundred steps delays one of sixty by as many calls as that one makes;
//! 4. what only asks whether something is ready yet yields to all of this, but for one call in [`YIELDS_MAX`]: such
//!    questions could fill a lane by themselves, and starving them would hide what is ready.
//!
//! Every operation takes time that grows with the logarithm of what waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Lane, Pacer};
use crate::base::time::{Millis, Timestamp};

/// Of so many calls that go out while questions wait, one is a question.
pub const YIELDS_MAX: u32 = 16;

/// Why a call waits, and how much waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Its intent is recorded and its deadline runs: it waits for no lane.
    Promised,
    /// It brings a step further; behind it lies a path of so long.
    Works(Millis),
    /// It asks whether something is ready that takes its time.
    Asks,
}

/// The place of a call in its line, smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    band: u8,
    path: Reverse<u32>,
    tag: u64,
    number: u64,
}

impl Rank {
    fn is_question(self) -> bool {
        self.band == 2
    }
}

/// Calls that wait for the same lanes.
#[derive(Debug)]
struct Line {
    lanes: Vec<Lane>,
    calls: BTreeSet<Rank>,
    questions: BTreeSet<Rank>,
    stands: Stands,
}

/// Where a line is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Nothing waits in it.
    Empty,
    /// Its lanes may be ready: with the first of its calls and of its questions.
    Moving(Option<Rank>, Option<Rank>),
    /// Its lanes are not ready before this moment.
    Resting(Timestamp),
}

/// Calls that wait, each with who makes it.
#[derive(Debug)]
pub struct Queue<W, C> {
    lines: Vec<Line>,
    by_lanes: BTreeMap<Vec<Lane>, usize>,
    by_lane: BTreeMap<Lane, Vec<usize>>,
    calls: BTreeSet<(Rank, usize)>,
    questions: BTreeSet<(Rank, usize)>,
    resting: BTreeSet<(Timestamp, usize)>,
    waiting: BTreeMap<u64, (W, C)>,
    offered: BTreeMap<W, BTreeMap<C, (usize, Rank)>>,
    tags: BTreeMap<W, u64>,
    /// The number of the call that went out last: who comes new begins here.
    served: u64,
    numbered: u64,
    /// Calls that went out before a question that waited.
    yielded: u32,
}

impl<W, C> Default for Queue<W, C> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            by_lanes: BTreeMap::new(),
            by_lane: BTreeMap::new(),
            calls: BTreeSet::new(),
            questions: BTreeSet::new(),
            resting: BTreeSet::new(),
            waiting: BTreeMap::new(),
            offered: BTreeMap::new(),
            tags: BTreeMap::new(),
            served: 0,
            numbered: 0,
            yielded: 0,
        }
    }
}

/// A call that goes out now. Its lanes are charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted<W, C> {
    /// Who makes it.
    pub who: W,
    /// The call.
    pub call: C,
}

impl<W: Ord + Clone, C: Ord + Clone> Queue<W, C> {
    /// Nothing waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether this call waits.
    pub fn holds(&self, who: &W, call: &C) -> bool {
        self.offered.get(who).is_some_and(|own| own.contains_key(call))
    }

    /// The calls of one that wait.
    pub fn of(&self, who: &W) -> impl Iterator<Item = &C> {
        self.offered.get(who).into_iter().flat_map(BTreeMap::keys)
    }

    /// A call waits from now on, until all of these lanes are ready. Offered again, it keeps its place.
    pub fn offer(&mut self, who: &W, call: C, urgency: Urgency, lanes: Vec<Lane>) {
        if self.holds(who, &call) {
            return;
        }
        let tag = self.tags.get(who).copied().unwrap_or(0).max(self.served) + 1;
        self.tags.insert(who.clone(), tag);
        self.numbered += 1;
        let (band, path) = match urgency {
            Urgency::Promised => (0, 0),
            Urgency::Works(remaining) => (1, remaining.0.max(1).ilog2()),
            Urgency::Asks => (2, 0),
        };
        let rank = Rank { band, path: Reverse(path), tag, number: self.numbered };
        let line = self.line(lanes);
        self.waiting.insert(rank.number, (who.clone(), call.clone()));
        self.offered.entry(who.clone()).or_default().insert(call, (line, rank));
        let own = &mut self.lines[line];
        if rank.is_question() { own.questions.insert(rank) } else { own.calls.insert(rank) };
        self.place(line);
    }

    /// A call need not be made any more.
    pub fn withdraw(&mut self, who: &W, call: &C) {
        let Some((line, rank)) = self.offered.get_mut(who).and_then(|own| own.remove(call)) else { return };
        self.drop_from(line, rank);
    }

    /// Nothing of this one waits any more.
    pub fn withdraw_all(&mut self, who: &W) {
        for (line, rank) in self.offered.remove(who).into_iter().flat_map(BTreeMap::into_values) {
            self.drop_from(line, rank);
        }
        self.tags.remove(who);
    }

    /// The next call that may go out at this moment, charged to its lanes. Without a pacer nothing waits for lanes.
    pub fn next(&mut self, mut pacer: Option<&mut Pacer>, now: Timestamp) -> Option<Admitted<W, C>> {
        self.wake(now);
        loop {
            let (rank, line) = self.first()?;
            let lanes = &self.lines[line].lanes;
            if let Some(pacer) = pacer.as_deref_mut() {
                let ready = lanes.iter().map(|lane| pacer.ready_at(lane, now)).max().unwrap_or(now);
                if ready > now {
                    self.rest(line, ready);
                    continue;
                }
                lanes.iter().for_each(|lane| pacer.take(lane, now));
            }
            self.yielded = match (rank.is_question(), self.questions.is_empty()) {
                (true, _) | (_, true) => 0,
                (false, false) => self.yielded + 1,
            };
            self.served = self.served.max(rank.tag);
            let (who, call) = self.waiting[&rank.number].clone();
            self.withdraw(&who, &call);
            return Some(Admitted { who, call });
        }
    }

    /// When the first line that rests may move again; to be asked once nothing more goes out.
    pub fn ready_at(&self) -> Option<Timestamp> {
        self.resting.first().map(|(at, _)| *at)
    }

    /// Something was learned about a lane: lines that wait for it are looked at again.
    pub fn learned(&mut self, lane: &Lane) {
        for line in self.by_lane.get(lane).cloned().unwrap_or_default() {
            self.unplace(line);
            self.place(line);
        }
    }

    fn first(&self) -> Option<(Rank, usize)> {
        let (call, question) = (self.calls.first(), self.questions.first());
        let asks = question.is_some() && (call.is_none() || self.yielded + 1 >= YIELDS_MAX);
        let promised = call.is_some_and(|(rank, _)| rank.band == 0);
        if asks && !promised { question.copied() } else { call.copied() }
    }

    fn line(&mut self, lanes: Vec<Lane>) -> usize {
        if let Some(known) = self.by_lanes.get(&lanes) {
            return *known;
        }
        let number = self.lines.len();
        for lane in &lanes {
            self.by_lane.entry(lane.clone()).or_default().push(number);
        }
        self.by_lanes.insert(lanes.clone(), number);
        let (calls, questions) = (BTreeSet::new(), BTreeSet::new());
        self.lines.push(Line { lanes, calls, questions, stands: Stands::Empty });
        number
    }

    fn drop_from(&mut self, line: usize, rank: Rank) {
        self.waiting.remove(&rank.number);
        let own = &mut self.lines[line];
        if rank.is_question() { own.questions.remove(&rank) } else { own.calls.remove(&rank) };
        self.place(line);
    }

    /// Keeps a line where it belongs after something was added or taken away; one that rests goes on resting.
    fn place(&mut self, line: usize) {
        let own = &self.lines[line];
        let firsts = (own.calls.first().copied(), own.questions.first().copied());
        if let (Stands::Resting(_), (Some(_), _) | (_, Some(_))) = (own.stands, firsts) {
            return;
        }
        if own.stands == Stands::Moving(firsts.0, firsts.1) {
            return;
        }
        self.unplace(line);
        if firsts == (None, None) {
            return;
        }
        self.calls.extend(firsts.0.map(|rank| (rank, line)));
        self.questions.extend(firsts.1.map(|rank| (rank, line)));
        self.lines[line].stands = Stands::Moving(firsts.0, firsts.1);
    }

    fn unplace(&mut self, line: usize) {
        match std::mem::replace(&mut self.lines[line].stands, Stands::Empty) {
            Stands::Empty => {}
            Stands::Moving(call, question) => {
                call.map(|rank| self.calls.remove(&(rank, line)));
                question.map(|rank| self.questions.remove(&(rank, line)));
            }
            Stands::Resting(at) => {
                self.resting.remove(&(at, line));
            }
        }
    }

    fn rest(&mut self, line: usize, until: Timestamp) {
        self.unplace(line);
        self.lines[line].stands = Stands::Resting(until);
        self.resting.insert((until, line));
    }

    fn wake(&mut self, now: Timestamp) {
        while let Some((_, line)) = self.resting.first().copied().filter(|(at, _)| *at <= now) {
            self.unplace(line);
            self.place(line);
        }
    }
}
