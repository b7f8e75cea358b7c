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

use super::{Lane, Marked, Pacer};
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
struct Line<W, K> {
    /// What was promised stands in a line of its own.
    promised: bool,
    lanes: Vec<Marked>,
    /// Each with who makes it, and what for.
    calls: BTreeMap<Rank, (W, K)>,
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
struct Site<K, C> {
    /// Which in the order of beginning.
    began: u64,
    /// The number of its last call.
    tag: u64,
    /// What waits.
    calls: BTreeMap<K, Waits<C>>,
}

/// A call that waits, with its line and place.
#[derive(Debug)]
struct Waits<C> {
    call: C,
    line: usize,
    rank: Rank,
}

/// Calls that wait, each with who makes it and what for: at most one for each thing.
#[derive(Debug)]
pub struct Queue<W, K, C> {
    lines: Vec<Line<W, K>>,
    /// By the mark of all its lanes.
    by_lanes: BTreeMap<u64, Vec<usize>>,
    /// By the mark of each of its lanes.
    by_lane: BTreeMap<u64, Vec<usize>>,
    moving: BTreeSet<(Rank, usize)>,
    resting: BTreeSet<(Timestamp, usize)>,
    /// Questions by the moment at which they become work and by their numbers, with the path behind them then.
    due: BTreeMap<(Timestamp, u64), (W, K, Millis)>,
    sites: BTreeMap<W, Site<K, C>>,
    began: u64,
    /// The number of the call that went out last: who comes new begins here.
    served: u64,
    numbered: u64,
    waiting: usize,
}

impl<W, K, C> Default for Queue<W, K, C> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            by_lanes: BTreeMap::new(),
            by_lane: BTreeMap::new(),
            moving: BTreeSet::new(),
            resting: BTreeSet::new(),
            due: BTreeMap::new(),
            sites: BTreeMap::new(),
            began: 0,
            served: 0,
            numbered: 0,
            waiting: 0,
        }
    }
}

/// A call that goes out now. Its lanes are charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted<W, K, C> {
    /// Who makes it.
    pub who: W,
    /// What for.
    pub key: K,
    /// The call.
    pub call: C,
}

impl<K: Ord, C> Site<K, C> {
    /// The place of its next call. `served` is the number of the call that went out last.
    fn rank(&mut self, urgency: Urgency, served: u64, number: u64) -> Rank {
        self.tag = self.tag.max(served) + 1;
        let (band, remaining) = match urgency {
            Urgency::Promised => (0, 0),
            Urgency::Works(remaining) => (1, remaining.0),
            Urgency::Asks { .. } => (2, 0),
        };
        let path = Reverse(remaining.max(1).ilog2());
        let long = if remaining >= LONG.0 { (self.began, Reverse(remaining)) } else { (0, Reverse(0)) };
        Rank { band, path, long, tag: self.tag, number }
    }
}

impl<W: Ord + Clone, K: Ord + Clone, C: PartialEq> Queue<W, K, C> {
    /// Nothing waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls that wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// The call that waits for this.
    pub fn waiting(&self, who: &W, key: &K) -> Option<&C> {
        self.sites.get(who)?.calls.get(key).map(|waits| &waits.call)
    }

    /// A call waits from now on, until all of these lanes are ready, and no other for the same thing. Offered again, it
    /// keeps its place.
    pub fn offer(&mut self, who: &W, key: K, call: C, urgency: Urgency, lanes: Vec<Lane>) {
        match self.waiting(who, &key) {
            Some(known) if *known == call => return,
            Some(_) => self.withdraw(who, &key),
            None => {}
        }
        self.numbered += 1;
        self.waiting += 1;
        let (number, served) = (self.numbered, self.served);
        let line = self.line(urgency == Urgency::Promised, lanes);
        let site = self.site(who);
        let rank = site.rank(urgency, served, number);
        site.calls.insert(key.clone(), Waits { call, line, rank });
        if let Urgency::Asks { until, then } = urgency {
            self.due.insert((until, number), (who.clone(), key.clone(), then));
        }
        self.lines[line].calls.insert(rank, (who.clone(), key));
        self.place(line);
    }

    /// What waits for this need not be called any more.
    pub fn withdraw(&mut self, who: &W, key: &K) {
        let known = self.sites.get_mut(who).and_then(|site| site.calls.remove(key));
        if let Some(Waits { line, rank, .. }) = known {
            self.drop_from(line, rank);
        }
    }

    /// Nothing of this one waits any more, and it is forgotten when it began.
    pub fn withdraw_all(&mut self, who: &W) {
        let calls = self.sites.remove(who).map(|site| site.calls).unwrap_or_default();
        for waits in calls.into_values() {
            self.drop_from(waits.line, waits.rank);
        }
    }

    /// The next call that may go out at this moment, charged to its lanes. Without a pacer nothing waits for lanes.
    pub fn next(
        &mut self,
        mut pacer: Option<&mut Pacer>,
        now: Timestamp,
        which: Which,
    ) -> Option<Admitted<W, K, C>> {
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
                let ready = lanes.iter().map(|lane| pacer.lane_ready_at(lane, now)).max().unwrap_or(now);
                if ready > now {
                    self.rest(line, ready);
                    continue;
                }
                lanes.iter().for_each(|lane| pacer.take_lane(lane, now));
            }
            self.served = self.served.max(rank.tag);
            let (who, key) = self.drop_from(line, rank);
            let site = self.sites.get_mut(&who).expect("what stands in a line is kept with who makes it");
            let waits = site.calls.remove(&key).expect("what stands in a line is kept with who makes it");
            return Some(Admitted { who, key, call: waits.call });
        }
    }

    /// When the first line that rests may move again; to be asked once nothing more goes out.
    pub fn ready_at(&self) -> Option<Timestamp> {
        self.resting.first().map(|(at, _)| *at)
    }

    /// Something was learned about a lane: lines that wait for it are looked at again.
    pub fn learned(&mut self, lane: &Lane) {
        for line in self.by_lane.get(&lane.mark()).cloned().unwrap_or_default() {
            self.unplace(line);
            self.place(line);
        }
    }

    fn site(&mut self, who: &W) -> &mut Site<K, C> {
        if !self.sites.contains_key(who) {
            self.began += 1;
            let site = Site { began: self.began, tag: self.served, calls: BTreeMap::new() };
            self.sites.insert(who.clone(), site);
        }
        self.sites.get_mut(who).expect("it was just put there")
    }

    fn line(&mut self, promised: bool, lanes: Vec<Lane>) -> usize {
        let lanes: Vec<Marked> = lanes.into_iter().map(Marked::from).collect();
        let mark = lanes.iter().fold(u64::from(promised), |mark, lane| Lane::mix(mark, lane.mark));
        let is_it = |line: &&usize| {
            let known = &self.lines[**line];
            known.promised == promised && known.lanes == lanes
        };
        if let Some(known) = self.by_lanes.get(&mark).and_then(|alike| alike.iter().find(is_it)) {
            return *known;
        }
        let number = self.lines.len();
        for lane in &lanes {
            self.by_lane.entry(lane.mark).or_default().push(number);
        }
        self.by_lanes.entry(mark).or_default().push(number);
        self.lines.push(Line { promised, lanes, calls: BTreeMap::new(), stands: Stands::Empty });
        number
    }

    fn drop_from(&mut self, line: usize, rank: Rank) -> (W, K) {
        self.waiting -= 1;
        let known = self.lines[line].calls.remove(&rank).expect("what waits stands in its line");
        self.place(line);
        known
    }

    /// Keeps a line where it belongs after something was added or taken away; one that rests goes on resting.
    fn place(&mut self, line: usize) {
        let own = &self.lines[line];
        let first = own.calls.first_key_value().map(|(rank, _)| *rank);
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
        while let Some(due) = self.due.first_entry().filter(|due| due.key().0 <= now) {
            let ((_, number), (who, key, behind)) = due.remove_entry();
            self.becomes_work(number, &who, &key, behind);
        }
        while let Some((_, line)) = self.resting.first().copied().filter(|(at, _)| *at <= now) {
            self.unplace(line);
            self.place(line);
        }
    }

    /// A question that still waits goes by the path behind it from now on.
    fn becomes_work(&mut self, number: u64, who: &W, key: &K, behind: Millis) {
        let served = self.served;
        let Some(site) = self.sites.get_mut(who) else { return };
        let Some(waits) = site.calls.get(key).filter(|waits| waits.rank.number == number) else { return };
        let (line, old) = (waits.line, waits.rank);
        let rank = site.rank(Urgency::Works(behind), served, number);
        if let Some(waits) = site.calls.get_mut(key) {
            waits.rank = rank;
        }
        let calls = &mut self.lines[line].calls;
        let known = calls.remove(&old).expect("what waits stands in its line");
        calls.insert(rank, known);
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
    fn order(queue: &mut Queue<char, u32, u32>) -> String {
        let mut out = String::new();
        while let Some(one) = queue.next(None, now(), Which::All) {
            out.push_str(&format!("{}{} ", one.who, one.call));
        }
        out
    }

    #[test]
    fn the_longer_path_goes_first_and_sites_take_turns() {
        let mut queue = Queue::new();
        (1..=4).for_each(|call| queue.offer(&'a', call, call, works(10), Vec::new()));
        (1..=2).for_each(|call| queue.offer(&'b', call, call, works(10), Vec::new()));
        queue.offer(&'c', 9, 9, works(400), Vec::new());
        queue.offer(&'a', 0, 0, Urgency::Promised, Vec::new());
        assert_eq!(order(&mut queue), "a0 c9 a1 b1 a2 b2 a3 a4 ");
        assert!(queue.is_empty());
    }

    #[test]
    fn what_leads_to_a_long_wait_goes_out_site_by_site() {
        let mut queue = Queue::new();
        (1..=2).for_each(|call| queue.offer(&'a', call, call, works(390), Vec::new()));
        (1..=2).for_each(|call| queue.offer(&'b', call, call, works(400), Vec::new()));
        queue.offer(&'a', 3, 3, works(410), Vec::new());
        queue.offer(&'a', 4, 4, works(100), Vec::new());
        assert_eq!(order(&mut queue), "a3 a1 a2 b1 b2 a4 ");
    }

    #[test]
    fn who_comes_late_neither_waits_for_all_nor_passes_all() {
        let mut queue = Queue::new();
        (1..=6).for_each(|call| queue.offer(&'a', call, call, works(10), Vec::new()));
        for wanted in [1, 2, 3] {
            assert_eq!(queue.next(None, now(), Which::All).expect("one waits").call, wanted);
        }
        (1..=2).for_each(|call| queue.offer(&'b', call, call, works(10), Vec::new()));
        assert_eq!(order(&mut queue), "a4 b1 a5 b2 a6 ");
    }

    #[test]
    fn questions_yield_until_an_answer_can_be_expected() {
        let mut queue = Queue::new();
        let asks = |seconds| Urgency::Asks {
            until: now() + Millis::from_secs(seconds),
            then: Millis::from_secs(20),
        };
        queue.offer(&'a', 1, 1, asks(0), Vec::new());
        queue.offer(&'a', 2, 2, asks(9), Vec::new());
        (3..=4).for_each(|call| queue.offer(&'b', call, call, works(10), Vec::new()));
        queue.offer(&'a', 5, 5, asks(0), Vec::new());
        queue.withdraw(&'a', &5);
        assert_eq!(order(&mut queue), "a1 b3 b4 a2 ");
    }

    #[test]
    fn a_full_lane_holds_back_its_own_line_only() {
        let mut pacer = Pacer::new(Rates::standard().clone());
        let mut queue = Queue::new();
        (1..=8).for_each(|call| queue.offer(&'a', call, call, works(10), lane("account")));
        (1..=2).for_each(|call| queue.offer(&'b', call, call, works(1), lane("workspace")));
        let mut out = |queue: &mut Queue<char, u32, u32>, at: u64| {
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
        queue.offer(&'a', 1, 1, Urgency::Promised, Vec::new());
        queue.offer(&'a', 2, 2, works(10), Vec::new());
        let mut next = |queue: &mut Queue<char, u32, u32>, which| {
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
        (1..=4).for_each(|call| queue.offer(&'a', call, call, works(10), lane.clone()));
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
        queue.offer(&'a', 1, 1, works(10), Vec::new());
        queue.offer(&'b', 1, 1, works(10), Vec::new());
        queue.offer(&'a', 2, 2, Urgency::Promised, lane("account"));
        assert_eq!((queue.waiting(&'a', &2), queue.len()), (Some(&2), 3));
        queue.withdraw_all(&'a');
        assert_eq!((queue.waiting(&'a', &2), queue.len()), (None, 1));
        assert_eq!(order(&mut queue), "b1 ");
    }

    #[test]
    fn a_call_takes_the_place_of_another_for_the_same_thing_but_not_its_own() {
        let mut queue = Queue::new();
        queue.offer(&'a', "x", 1, works(10), Vec::new());
        queue.offer(&'a', "y", 2, works(10), Vec::new());
        queue.offer(&'a', "x", 1, works(400), Vec::new());
        queue.offer(&'a', "y", 3, Urgency::Promised, Vec::new());
        let mut next = || queue.next(None, now(), Which::All).map(|one| one.call);
        assert_eq!([next(), next(), next()], [Some(3), Some(1), None]);
    }
}
