//! The calls under way. With the real clock answers come as they come. With a virtual one the calls are made one after
//! the other, in the order in which they were started, so that the same launch gives the same answers; each answer is
//! filed under the moment at which it would have arrived, and then time moves to the earliest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::clock::Clock;
use super::perform::{Done, Job, Task, perform};
use super::stop::Stop;
use crate::base::limits::GATHER_ROUNDS_MAX;
use crate::base::time::{Millis, Timestamp};
use crate::driver::{Call, Driver};

/// How long a read takes on the virtual clock.
const READ: Millis = Millis(180);
/// How long a mutating call takes on the virtual clock.
const WRITE: Millis = Millis(650);

/// The calls under way, and answers that have not arrived yet on the virtual clock.
pub struct Tasks {
    clock: Clock,
    driver: Arc<dyn Driver>,
    running: JoinSet<Done>,
    /// On the virtual clock: calls to be made, each with the moment at which its answer arrives and its number.
    waiting: VecDeque<((Timestamp, u64), Job)>,
    arriving: BTreeMap<(Timestamp, u64), Done>,
    started: u64,
}

impl Tasks {
    /// No calls yet.
    pub fn new(clock: Clock, driver: Arc<dyn Driver>) -> Self {
        Self {
            clock,
            driver,
            running: JoinSet::new(),
            waiting: VecDeque::new(),
            arriving: BTreeMap::new(),
            started: 0,
        }
    }

    /// Calls under way.
    pub fn len(&self) -> usize {
        self.running.len() + self.waiting.len() + self.arriving.len()
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Starts one.
    pub fn start(&mut self, job: Job) {
        let driver = Arc::clone(&self.driver);
        if self.clock.is_real() {
            self.running.spawn(perform(driver, job));
        } else {
            let arrives = self.clock.now() + modelled(&job.work);
            self.waiting.push_back(((arrives, self.started), job));
            self.started += 1;
        }
    }

    /// Answers that have arrived. Empty when a timer is due or a stop was asked for.
    pub async fn wait(&mut self, timer: Option<Timestamp>, stop: Option<&Stop>) -> Vec<Done> {
        if self.clock.is_real() { self.wait_real(timer, stop).await } else { self.wait_virtual(timer).await }
    }

    async fn wait_real(&mut self, timer: Option<Timestamp>, stop: Option<&Stop>) -> Vec<Done> {
        let sleep = async {
            match timer {
                Some(at) => tokio::time::sleep(self.clock.until(at).as_std()).await,
                None => std::future::pending().await,
            }
        };
        let stopped = async {
            match stop {
                Some(stop) => stop.asked().await,
                None => std::future::pending().await,
            }
        };
        let idle = self.running.is_empty();
        if idle && timer.is_none() {
            return Vec::new();
        }
        let mut dones = Vec::new();
        tokio::select! {
            Some(done) = self.running.join_next(), if !idle => dones.push(answer(done)),
            () = sleep => {}
            () = stopped => {}
        }
        self.gather(&mut dones).await;
        dones
    }

    /// Takes the answers along that are there already: one write for all of them. Each round lets the runtime finish what is
    /// ready, and one that brings nothing is the last.
    async fn gather(&mut self, dones: &mut Vec<Done>) {
        for _ in 0..GATHER_ROUNDS_MAX {
            let before = dones.len();
            while let Some(done) = self.running.try_join_next() {
                dones.push(answer(done));
            }
            if dones.len() == before || self.running.is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn wait_virtual(&mut self, timer: Option<Timestamp>) -> Vec<Done> {
        while let Some((arrives, job)) = self.waiting.pop_front() {
            let done = perform(Arc::clone(&self.driver), job).await;
            self.arriving.insert(arrives, done);
        }
        let first = self.arriving.first_key_value().map(|((at, _), _)| *at);
        let Some(next) = first.into_iter().chain(timer).min() else { return Vec::new() };
        self.clock.advance_to(next);
        let now = self.clock.now();
        let later = self.arriving.split_off(&(now + Millis(1), 0));
        std::mem::replace(&mut self.arriving, later).into_values().collect()
    }
}

fn answer<T>(joined: Result<T, tokio::task::JoinError>) -> T {
    joined.expect("a call does not panic and is never cancelled")
}

fn modelled(work: &Task) -> Millis {
    match work {
        Task::Look(_) | Task::Check(_) => READ,
        Task::Apply(change) => match change.call {
            Call::Create | Call::Update { .. } | Call::Delete { .. } => WRITE,
        },
        Task::Unresolved(_) => Millis(0),
    }
}
