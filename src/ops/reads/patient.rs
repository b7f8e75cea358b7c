//! Waits for what is read: for the lane of each read, as a launch's calls do, and between the tries of one that failed for
//! now. Nothing here changes anything, so all of it may be repeated; limits on tries and time end it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::base::digest::Digest;
use crate::base::limits::{
    READ_REST_MAX, READ_TOLD_EVERY, READ_TRIES_BUSY_MAX, READ_TRIES_SILENT_MAX, READ_TURNS_MAX, RETRY_BASE,
    RETRY_CAP,
};
use crate::base::time::{Millis, Timestamp};
use crate::driver::Answer;
use crate::driver::patience::{Outgoing, Patience, Unread};
use crate::model::outcome::{Cause, CauseClass};
use crate::pacing::{Lane, Pacer, Rates};
use crate::runner::clock::Clock;

/// By this a host that says nothing of its limits is slowed down once it refuses calls: far above what is published, so
/// that what it does take is found from above.
const UNPUBLISHED_FACTOR: f64 = 10.0;

/// Told when a wait is long.
type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// The patience of one target.
pub struct Patient {
    clock: Clock,
    /// What the rests of one process are told from another's by.
    seed: [u8; 32],
    /// Whether every host is paced; else only those that have refused calls.
    paced: bool,
    state: Mutex<State>,
    tell: OnceLock<Tell>,
}

struct State {
    pacer: Pacer,
    /// Those who wait for a lane, first come, first served.
    turns: BTreeMap<Lane, Arc<tokio::sync::Mutex<()>>>,
    /// Hosts that have refused calls.
    slowed: BTreeSet<String>,
    /// Hosts that did not recover within all tries of one read: the others' do not begin anew, until one is answered.
    given_up: BTreeSet<String>,
    answers: u64,
    told_at: Option<Timestamp>,
}

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patient").field("paced", &self.paced).finish_non_exhaustive()
    }
}

impl Patient {
    /// Patience with a target that takes so many calls, or of which nothing is known.
    pub fn new(rates: Option<&Rates>, clock: Clock, seed: [u8; 32]) -> Self {
        let state = State {
            pacer: Pacer::new(rates.cloned().unwrap_or_else(unpublished)),
            turns: BTreeMap::new(),
            slowed: BTreeSet::new(),
            given_up: BTreeSet::new(),
            answers: 0,
            told_at: None,
        };
        let paced = rates.is_some();
        Self { clock, seed, paced, state: Mutex::new(state), tell: OnceLock::new() }
    }

    /// Has somebody told of long waits. Who is told stays the first one.
    pub fn listen(&self, tell: impl Fn(&str) + Send + Sync + 'static) {
        let _ = self.tell.set(Box::new(tell));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane of a read, if its host is paced.
    fn lane(&self, state: &State, read: &Outgoing) -> Option<Lane> {
        let family = || state.pacer.rates().family(&read.kind, read.verb);
        let paced = self.paced || state.slowed.contains(&read.host);
        paced.then(|| Lane { host: read.host.clone(), family: family() })
    }

    async fn admitted(&self, read: &Outgoing) {
        let turn = {
            let mut state = self.state();
            let Some(lane) = self.lane(&state, read) else { return };
            Arc::clone(state.turns.entry(lane).or_default())
        };
        let _turn = turn.lock().await;
        for _ in 0..READ_TURNS_MAX {
            let ready = {
                let mut state = self.state();
                let Some(lane) = self.lane(&state, read) else { return };
                let now = self.clock.now();
                let ready = state.pacer.ready_at(&lane, now);
                if ready <= now {
                    state.pacer.take(&lane, now);
                    return;
                }
                ready
            };
            self.wait_until(ready, read).await;
        }
    }

    async fn again(&self, read: &mut Outgoing, unread: Unread) -> Result<(), Cause> {
        let Unread { cause, retry_after } = unread;
        let now = self.clock.now();
        let Some(most) = tries_of(&cause) else {
            self.heard(read, now);
            return Err(cause);
        };
        let rest = retry_after.unwrap_or_else(|| self.backoff(read));
        {
            let mut state = self.state();
            if said_busy(&cause) {
                state.slowed.insert(read.host.clone());
                if let Some(lane) = self.lane(&state, read) {
                    state.pacer.refused(&lane, now, retry_after);
                }
            }
            let too_long = Millis(read.rested.0.saturating_add(rest.0)) > READ_REST_MAX;
            if state.given_up.contains(&read.host) || read.tries >= most || too_long {
                state.given_up.insert(read.host.clone());
                return Err(exhausted(read, cause, retry_after));
            }
        }
        read.rested = Millis(read.rested.0.saturating_add(rest.0));
        self.wait_until(now + rest, read).await;
        Ok(())
    }

    fn heard(&self, read: &Outgoing, now: Timestamp) {
        let mut state = self.state();
        state.answers += 1;
        state.given_up.remove(&read.host);
        if let Some(lane) = self.lane(&state, read) {
            state.pacer.answered(&lane, now);
        }
    }

    /// Twice the last rest, between half and all of it. The part is a hash: the same seed rests as long again.
    fn backoff(&self, read: &Outgoing) -> Millis {
        let doublings = read.tries.saturating_sub(1).min(20);
        let full = RETRY_BASE.0.saturating_mul(1 << doublings).min(RETRY_CAP.0);
        let named = format!("{}\n{}\n{}", read.host, read.call, read.tries);
        let digest = Digest::of(&[&self.seed[..], named.as_bytes()].concat());
        let [a, b, ..] = *digest.as_bytes();
        let half = full / 2;
        Millis(half + half * u64::from(u16::from_be_bytes([a, b])) / u64::from(u16::MAX))
    }

    async fn wait_until(&self, at: Timestamp, read: &Outgoing) {
        if self.clock.is_real() {
            self.tell_of(at, read);
            tokio::time::sleep(self.clock.until(at).as_std()).await;
        } else {
            self.clock.advance_to(at);
            tokio::task::yield_now().await;
        }
    }

    /// A line for the person who waits: of the first long wait, and then at times while waiting goes on.
    fn tell_of(&self, at: Timestamp, read: &Outgoing) {
        let Some(tell) = self.tell.get() else { return };
        let now = self.clock.now();
        let answers = {
            let mut state = self.state();
            let told_at = *state.told_at.get_or_insert(now);
            let since = Millis(now.since(told_at).0.saturating_add(at.since(now).0));
            if since < READ_TOLD_EVERY {
                return;
            }
            state.told_at = Some(now.max(at));
            state.answers
        };
        let wait = Millis(at.since(now).0.div_ceil(1_000).saturating_mul(1_000));
        tell(&format!(
            "still reading: {answers} answers so far, and {} may be asked again in {wait}",
            read.host
        ));
    }
}

impl Patience for Patient {
    fn admit<'a>(&'a self, read: &'a Outgoing) -> Answer<'a, ()> {
        Box::pin(self.admitted(read))
    }

    fn answered(&self, read: &Outgoing) {
        self.heard(read, self.clock.now());
    }

    fn failed<'a>(&'a self, read: &'a mut Outgoing, unread: Unread) -> Answer<'a, Result<(), Cause>> {
        Box::pin(self.again(read, unread))
    }
}

fn unpublished() -> Rates {
    let published = Rates::standard();
    let of: Vec<(String, f64)> = published
        .families()
        .map(|(family, of)| (family.to_string(), of.rate.as_per_second() * UNPUBLISHED_FACTOR))
        .collect();
    published.with(of.iter().map(|(family, calls)| (family.as_str(), *calls)))
}

/// Whether the service itself said that it has too much to do.
fn said_busy(cause: &Cause) -> bool {
    cause.class == CauseClass::Busy && cause.status.is_some()
}

/// How often a read that ended so is sent in all; none if another try would end no otherwise.
fn tries_of(cause: &Cause) -> Option<u32> {
    match cause.class {
        CauseClass::Busy if said_busy(cause) => Some(READ_TRIES_BUSY_MAX),
        CauseClass::Busy | CauseClass::Internal | CauseClass::NoAnswer => Some(READ_TRIES_SILENT_MAX),
        CauseClass::BadRequest
        | CauseClass::Unauthenticated
        | CauseClass::PermissionDenied
        | CauseClass::NotFound
        | CauseClass::Conflict
        | CauseClass::Quota
        | CauseClass::NotImplemented
        | CauseClass::Garbled
        | CauseClass::BadState
        | CauseClass::NotHeld
        | CauseClass::Foreign
        | CauseClass::Stale
        | CauseClass::Expectation
        | CauseClass::Exhausted
        | CauseClass::Shut => None,
    }
}

/// Host, call, tries and the last answer, in one sentence.
fn exhausted(read: &Outgoing, cause: Cause, retry_after: Option<Millis>) -> Cause {
    let Outgoing { host, call, tries, rested, .. } = read;
    let times = if *tries == 1 { "once".to_owned() } else { format!("{tries} times in {rested}") };
    let asked = retry_after.map_or(String::new(), |asked| format!(", which asks for a rest of {asked}"));
    let message =
        format!("{call} was sent {times} to {host}, in vain; the last answer{asked}: {}", cause.message);
    Cause { message, ..cause }
}

#[cfg(test)]
mod tests;
