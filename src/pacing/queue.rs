//! Which call goes out first, of all that wait: the one thing that decides it, for the shell and for its simulation.
//!
//! A call waits for the lanes it will be charged to. Calls that wait for the same lanes stand in one line, so that a full
//! lane costs nothing however many wait for it. Of the lines that may move, the first by these rules goes out:
//!
//! 1. what was promised: its intent is in the log and its deadline runs;
//! 2. the longer path, in steps of two: what a workspace waits for comes before what nothing waits for, whichever site it
//!    belongs to, so that the account's line moves while workspaces are being made;
//! 3. of paths longer than [`LONG`], one site after the other, in the order in which they began, and of a site the longest
//!    first: in turn, all workspaces would begin at the same late moment, and the line stand idle until they are ready;
//! 4. of shorter ones, fairly between sites (start-time fair queueing): each call carries a number one above the last of its
//!    own site, and the lower goes first, so that a site of six hundred steps delays one of sixty by as many calls as
//!    that one makes;
//! 5. last, what only asks whether something is ready before it can be expected to be: such questions could fill a lane by
//!    themselves. From then on it goes by the path behind it.
//!
//! Every operation takes time that grows with the logarithm of what waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Lane, Pacer};
use crate::base::time::{Millis, Timestamp};

/// Paths from this length on lead to something that takes its time by itself.
pub const LONG: Millis = Millis::from_secs(60);

/// Why a call waits, and how much waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Its intent is recorded and its deadline runs: it waits for no lane.
    Promised,
    /// It brings a step further; behind it lies a path of so long.
    Works(Millis),
    /// It asks whether something is ready that takes its time.
    Asks {
        /// When it can be expected to be.
        until: Timestamp,
        /// The path that lies behind it then.
        then: Millis,
    },
}

/// The place of a call in its line, smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    band: u8,
    path: Reverse<u32>,
    /// Of a long path, which site it belongs to and how long it is.
    long: (u64, Reverse<u64>),
    tag: u64,
    number: u64,
}

/// Calls that wait for the same lanes.
#[derive(Debug)]
struct Line {
    /// What was promised stands in a line of its own.
    promised: bool,
    lanes: Vec<Lane>,
    calls: BTreeSet<Rank>,
    stands: Stands,
}

/// What may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Everything.
    All,
    /// Everything but what was promised, whose intent may not be durable yet.
    Looks,
}

/// Where a line is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Nothing waits in it.
    Empty,
    /// Its lanes may be ready: with the first of its calls.
    Moving(Rank),
    /// Its lanes are not ready before this moment.
    Resting(Timestamp),
}

/// One that makes calls.
#[derive(Debug)]
struct Site<C> {
    /// Which in the order of beginning.
    began: u64,
    /// The number of its last call.
    tag: u64,
    /// What waits, with its line and place.
    calls: BTreeMap<C, (usize, Rank)>,
}

/// A question, and the path behind it once it can be expected to be answered.
type Due = (Timestamp, u64, Millis);

/// Calls that wait, each with who makes it.
#[derive(Debug)]
pub struct Queue<W, C> {
    lines: Vec<Line>,
    /// By the mark of all its lanes.
    by_lanes: BTreeMap<u64, Vec<usize>>,
    by_lane: BTreeMap<Lane, Vec<usize>>,
    moving: BTreeSet<(Rank, usize)>,
    resting: BTreeSet<(Timestamp, usize)>,
    /// Questions by the moment at which they become work.
    due: BTreeSet<Due>,
    waiting: BTreeMap<u64, (W, C)>,
    sites: BTreeMap<W, Site<C>>,
    began: u64,
    /// The number of the call that went out last: who comes new begins here.
    served: u64,
    numbered: u64,
}

impl<W, C> Default for Queue<W, C> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            by_lanes: BTreeMap::new(),
            by_lane: BTreeMap::new(),
            moving: BTreeSet::new(),
            resting: BTreeSet::new(),
            due: BTreeSet::new(),
            waiting: BTreeMap::new(),
            sites: BTreeMap::new(),
            began: 0,
            served: 0,
            numbered: 0,
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
        self.sites.get(who).is_some_and(|site| site.calls.contains_key(call))
    }

    /// The calls of one that wait.
    pub fn of(&self, who: &W) -> impl Iterator<Item = &C> {
        self.sites.get(who).into_iter().flat_map(|site| site.calls.keys())
    }

    /// A call waits from now on, until all of these lanes are ready. Offered again, it keeps its place.
    pub fn offer(&mut self, who: &W, call: C, urgency: Urgency, lanes: Vec<Lane>) {
        if self.holds(who, &call) {
            return;
        }
        self.numbered += 1;
        let number = self.numbered;
        let line = self.line(urgency == Urgency::Promised, lanes);
        let rank = self.rank(who, urgency, number);
        if let Urgency::Asks { until, then } = urgency {
            self.due.insert((until, number, then));
        }
        self.waiting.insert(number, (who.clone(), call.clone()));
        self.site(who).calls.insert(call, (line, rank));
        self.lines[line].calls.insert(rank);
        self.place(line);
    }

    /// A call need not be made any more.
    pub fn withdraw(&mut self, who: &W, call: &C) {
        let known = self.sites.get_mut(who).and_then(|site| site.calls.remove(call));
        if let Some((line, rank)) = known {
            self.drop_from(line, rank);
        }
    }

    /// Nothing of this one waits any more, and it is forgotten when it began.
    pub fn withdraw_all(&mut self, who: &W) {
        let calls = self.sites.remove(who).map(|site| site.calls).unwrap_or_default();
        calls.into_values().for_each(|(line, rank)| self.drop_from(line, rank));
    }

    /// The next call that may go out at this moment, charged to its lanes. Without a pacer nothing waits for lanes.
    pub fn next(
        &mut self,
        mut pacer: Option<&mut Pacer>,
        now: Timestamp,
        which: Which,
    ) -> Option<Admitted<W, C>> {
        self.wake(now);
        let least = match which {
            Which::All => 0,
            Which::Looks => 1,
        };
        let least =
            Rank { band: least, path: Reverse(u32::MAX), long: (0, Reverse(u64::MAX)), tag: 0, number: 0 };
        loop {
            let (rank, line) = self.moving.range((least, 0)..).next().copied()?;
            let lanes = &self.lines[line].lanes;
            if let Some(pacer) = pacer.as_deref_mut() {
                let ready = lanes.iter().map(|lane| pacer.ready_at(lane, now)).max().unwrap_or(now);
                if ready > now {
                    self.rest(line, ready);
                    continue;
                }
                lanes.iter().for_each(|lane| pacer.take(lane, now));
            }
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

    fn site(&mut self, who: &W) -> &mut Site<C> {
        if !self.sites.contains_key(who) {
            self.began += 1;
            let site = Site { began: self.began, tag: self.served, calls: BTreeMap::new() };
            self.sites.insert(who.clone(), site);
        }
        self.sites.get_mut(who).expect("it was just put there")
    }

    fn rank(&mut self, who: &W, urgency: Urgency, number: u64) -> Rank {
        let served = self.served;
        let site = self.site(who);
        site.tag = site.tag.max(served) + 1;
        let (band, remaining) = match urgency {
            Urgency::Promised => (0, 0),
            Urgency::Works(remaining) => (1, remaining.0),
            Urgency::Asks { .. } => (2, 0),
        };
        let path = Reverse(remaining.max(1).ilog2());
        let long = if remaining >= LONG.0 { (site.began, Reverse(remaining)) } else { (0, Reverse(0)) };
        Rank { band, path, long, tag: site.tag, number }
    }

    fn line(&mut self, promised: bool, lanes: Vec<Lane>) -> usize {
        let mark = lanes.iter().fold(u64::from(promised), |mark, lane| lane.mark(mark));
        let is_it = |line: &&usize| {
            let known = &self.lines[**line];
            known.promised == promised && known.lanes == lanes
        };
        if let Some(known) = self.by_lanes.get(&mark).and_then(|alike| alike.iter().find(is_it)) {
            return *known;
        }
        let number = self.lines.len();
        for lane in &lanes {
            self.by_lane.entry(lane.clone()).or_default().push(number);
        }
        self.by_lanes.entry(mark).or_default().push(number);
        self.lines.push(Line { promised, lanes, calls: BTreeSet::new(), stands: Stands::Empty });
        number
    }

    fn drop_from(&mut self, line: usize, rank: Rank) {
        self.waiting.remove(&rank.number);
        self.lines[line].calls.remove(&rank);
        self.place(line);
    }

    /// Keeps a line where it belongs after something was added or taken away; one that rests goes on resting.
    fn place(&mut self, line: usize) {
        let own = &self.lines[line];
        let first = own.calls.first().copied();
        match (own.stands, first) {
            (Stands::Resting(_), Some(_)) => return,
            (Stands::Moving(known), Some(first)) if known == first => return,
            (Stands::Empty | Stands::Moving(_), _) | (Stands::Resting(_), None) => {}
        }
        self.unplace(line);
        if let Some(first) = first {
            self.moving.insert((first, line));
            self.lines[line].stands = Stands::Moving(first);
        }
    }

    fn unplace(&mut self, line: usize) {
        match std::mem::replace(&mut self.lines[line].stands, Stands::Empty) {
            Stands::Empty => {}
            Stands::Moving(rank) => {
                self.moving.remove(&(rank, line));
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
        while let Some(due) = self.due.first().copied().filter(|(at, ..)| *at <= now) {
            self.due.remove(&due);
            self.becomes_work(due.1, due.2);
        }
        while let Some((_, line)) = self.resting.first().copied().filter(|(at, _)| *at <= now) {
            self.unplace(line);
            self.place(line);
        }
    }

    /// A question that still waits goes by the path behind it from now on.
    fn becomes_work(&mut self, number: u64, behind: Millis) {
        let Some((who, call)) = self.waiting.get(&number).cloned() else { return };
        let known = self.sites.get(&who).and_then(|site| site.calls.get(&call)).copied();
        let (line, old) = known.expect("what waits is kept with who makes it");
        let rank = self.rank(&who, Urgency::Works(behind), number);
        self.site(&who).calls.insert(call, (line, rank));
        self.lines[line].calls.remove(&old);
        self.lines[line].calls.insert(rank);
        self.place(line);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rates;
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    fn lane(host: &str) -> Vec<Lane> {
        vec![Lane { host: host.to_owned(), family: Rates::standard().default_family().clone() }]
    }

    fn works(seconds: u64) -> Urgency {
        Urgency::Works(Millis::from_secs(seconds))
    }

    /// What goes out without any limit, one after the other.
    fn order(queue: &mut Queue<char, u32>) -> String {
        let mut out = String::new();
        while let Some(one) = queue.next(None, now(), Which::All) {
            out.push_str(&format!("{}{} ", one.who, one.call));
        }
        out
    }

    #[test]
    fn the_longer_path_goes_first_and_sites_take_turns() {
        let mut queue = Queue::new();
        (1..=4).for_each(|call| queue.offer(&'a', call, works(10), Vec::new()));
        (1..=2).for_each(|call| queue.offer(&'b', call, works(10), Vec::new()));
        queue.offer(&'c', 9, works(400), Vec::new());
        queue.offer(&'a', 0, Urgency::Promised, Vec::new());
        assert_eq!(order(&mut queue), "a0 c9 a1 b1 a2 b2 a3 a4 ");
        assert!(queue.is_empty());
    }

    #[test]
    fn what_leads_to_a_long_wait_goes_out_site_by_site() {
        let mut queue = Queue::new();
        (1..=2).for_each(|call| queue.offer(&'a', call, works(390), Vec::new()));
        (1..=2).for_each(|call| queue.offer(&'b', call, works(400), Vec::new()));
        queue.offer(&'a', 3, works(410), Vec::new());
        queue.offer(&'a', 4, works(100), Vec::new());
        assert_eq!(order(&mut queue), "a3 a1 a2 b1 b2 a4 ");
    }

    #[test]
    fn who_comes_late_neither_waits_for_all_nor_passes_all() {
        let mut queue = Queue::new();
        (1..=6).for_each(|call| queue.offer(&'a', call, works(10), Vec::new()));
        for wanted in [1, 2, 3] {
            assert_eq!(queue.next(None, now(), Which::All).expect("one waits").call, wanted);
        }
        (1..=2).for_each(|call| queue.offer(&'b', call, works(10), Vec::new()));
        assert_eq!(order(&mut queue), "a4 b1 a5 b2 a6 ");
    }

    #[test]
    fn questions_yield_until_an_answer_can_be_expected() {
        let mut queue = Queue::new();
        let asks = |seconds| Urgency::Asks {
            until: now() + Millis::from_secs(seconds),
            then: Millis::from_secs(20),
        };
        queue.offer(&'a', 1, asks(0), Vec::new());
        queue.offer(&'a', 2, asks(9), Vec::new());
        (3..=4).for_each(|call| queue.offer(&'b', call, works(10), Vec::new()));
        queue.offer(&'a', 5, asks(0), Vec::new());
        queue.withdraw(&'a', &5);
        assert_eq!(order(&mut queue), "a1 b3 b4 a2 ");
    }

    #[test]
    fn a_full_lane_holds_back_its_own_line_only() {
        let mut pacer = Pacer::new(Rates::standard().clone());
        let mut queue = Queue::new();
        (1..=8).for_each(|call| queue.offer(&'a', call, works(10), lane("account")));
        (1..=2).for_each(|call| queue.offer(&'b', call, works(1), lane("workspace")));
        let mut out = |queue: &mut Queue<char, u32>, at: u64| {
            let mut all = String::new();
            while let Some(one) = queue.next(Some(&mut pacer), now() + Millis(at), Which::All) {
                all.push_str(&format!("{}{} ", one.who, one.call));
            }
            all
        };
        assert_eq!(out(&mut queue, 0), "a1 a2 a3 a4 a5 b1 b2 ");
        assert_eq!(queue.ready_at(), Some(now() + Millis(67)));
        assert_eq!(out(&mut queue, 66), "");
        assert_eq!(out(&mut queue, 67), "a6 ");
        queue.withdraw(&'a', &7);
        assert_eq!(out(&mut queue, 200), "a8 ");
        assert_eq!((queue.ready_at(), queue.len()), (None, 0));
    }

    #[test]
    fn what_is_promised_waits_for_nobody_but_for_its_intent() {
        let mut pacer = Pacer::new(Rates::standard().clone());
        let mut queue = Queue::new();
        queue.offer(&'a', 1, Urgency::Promised, Vec::new());
        queue.offer(&'a', 2, works(10), Vec::new());
        let mut next = |queue: &mut Queue<char, u32>, which| {
            queue.next(Some(&mut pacer), now(), which).map(|one| one.call)
        };
        assert_eq!(next(&mut queue, Which::Looks), Some(2));
        assert_eq!(next(&mut queue, Which::Looks), None);
        assert_eq!(next(&mut queue, Which::All), Some(1));
    }

    #[test]
    fn a_line_whose_lane_is_free_again_moves_before_its_time() {
        let mut pacer = Pacer::new(Rates::standard().clone());
        let lane = lane("account");
        let mut queue = Queue::new();
        (1..=4).for_each(|call| queue.offer(&'a', call, works(10), lane.clone()));
        assert!(queue.next(Some(&mut pacer), now(), Which::All).is_some());
        pacer.refused(&lane[0], now(), Some(Millis(500)));
        assert!(queue.next(Some(&mut pacer), now(), Which::All).is_none());
        let later = now() + Millis(500);
        assert!(queue.next(Some(&mut pacer), later, Which::All).is_some(), "one call tries");
        assert!(queue.next(Some(&mut pacer), later, Which::All).is_none(), "the next waits for its answer");
        pacer.answered(&lane[0], later + Millis(80));
        assert!(queue.next(Some(&mut pacer), later + Millis(200), Which::All).is_none());
        queue.learned(&lane[0]);
        assert!(queue.next(Some(&mut pacer), later + Millis(200), Which::All).is_some());
    }

    #[test]
    fn nothing_of_one_that_has_ended_goes_out() {
        let mut queue = Queue::new();
        queue.offer(&'a', 1, works(10), Vec::new());
        queue.offer(&'b', 1, works(10), Vec::new());
        queue.offer(&'a', 2, Urgency::Promised, lane("account"));
        assert_eq!(queue.of(&'a').collect::<Vec<_>>(), [&1, &2]);
        queue.withdraw_all(&'a');
        assert_eq!(order(&mut queue), "b1 ");
    }
}
