//! A service in memory: catalogs by name, and faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use landfall::base::id::KindName;
use landfall::base::pointer;
use landfall::base::time::Millis;
use landfall::driver::{Answer, Call, Change, Driver, Listing, Place, Target};
use landfall::model::outcome::{ApplyOutcome, Cause, CauseClass, Observation};
use serde_json::Value;
use tokio::sync::Notify;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It has its effect, and no answer comes.
    LoseAnswer,
    /// It has no effect, and no answer comes.
    LoseCall,
    /// Come back later.
    Busy(Millis),
    /// It is refused.
    Refuse,
    /// A read shows nothing although something is there.
    Stale,
    /// A read is refused for now.
    Unreadable,
    /// It never comes back, and has no effect.
    Hang,
    /// It has its effect, and never comes back.
    HangAfter,
}

#[derive(Default)]
pub struct Service {
    state: Mutex<State>,
    hanging: Notify,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    calls: Vec<String>,
    reads: usize,
    made: usize,
    faults: BTreeMap<String, VecDeque<Fault>>,
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next such call, for example `create a` or `read a`, has this fault.
    pub fn fault(&self, call: &str, fault: Fault) {
        self.faults(call, &[fault]);
    }

    /// The next such calls have these faults, one after the other.
    pub fn faults(&self, call: &str, faults: &[Fault]) {
        self.state().faults.insert(call.to_owned(), faults.iter().copied().collect());
    }

    /// The mutating calls that arrived.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    pub fn reads(&self) -> usize {
        self.state().reads
    }

    /// Somebody takes an object's tags away.
    pub fn spoil(&self, name: &str) {
        self.state().objects.remove(name);
    }

    /// Objects ever made.
    pub fn made(&self) -> usize {
        self.state().made
    }

    pub fn names(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    /// Returns once a call hangs.
    pub async fn hangs(&self) {
        self.hanging.notified().await;
    }

    async fn hang(&self) {
        self.hanging.notify_one();
        std::future::pending().await
    }

    fn next_fault(&self, call: &str) -> Fault {
        self.state().faults.get_mut(call).and_then(VecDeque::pop_front).unwrap_or(Fault::None)
    }

    fn effect(&self, change: &Change) -> Option<String> {
        let name = name_of(&change.target);
        let mut state = self.state();
        match &change.call {
            Call::Create if state.objects.contains_key(&name) => return None,
            Call::Create => {
                state.made += 1;
                state.objects.insert(name.clone(), change.target.spec.clone());
            }
            Call::Update { changes, .. } => {
                let live = state.objects.get_mut(&name)?;
                for field in changes {
                    pointer::set(live, &field.at, field.to.clone().unwrap_or_default());
                }
            }
            Call::Delete { .. } => {
                state.objects.remove(&name)?;
            }
        }
        Some(name)
    }
}

fn name_of(target: &Target) -> String {
    target.id.clone().unwrap_or_else(|| target.spec["name"].as_str().unwrap_or_default().to_owned())
}

fn cause(class: CauseClass) -> Cause {
    Cause::new(class, "so says the script")
}

impl Driver for Service {
    fn observe<'a>(&'a self, target: &'a Target, _: Millis) -> Answer<'a, Observation> {
        Box::pin(async move {
            let name = name_of(target);
            self.state().reads += 1;
            match self.next_fault(&format!("read {name}")) {
                Fault::None => {}
                Fault::Stale => return Observation::Absent,
                Fault::Unreadable => return Observation::Unreadable(cause(CauseClass::Internal)),
                Fault::Hang | Fault::HangAfter => self.hang().await,
                fault => panic!("a read cannot have {fault:?}"),
            }
            match self.state().objects.get(&name) {
                Some(live) => Observation::Present { id: name, live: live.clone() },
                None => Observation::Absent,
            }
        })
    }

    fn list<'a>(&'a self, _: &'a KindName, _: &'a Place, _: Millis) -> Answer<'a, Listing> {
        Box::pin(async { Listing::Unsupported })
    }

    fn apply<'a>(&'a self, change: &'a Change, _: Millis) -> Answer<'a, ApplyOutcome> {
        Box::pin(async move {
            let verb = match change.call {
                Call::Create => "create",
                Call::Update { .. } => "update",
                Call::Delete { .. } => "delete",
            };
            let call = format!("{verb} {}", name_of(&change.target));
            self.state().calls.push(call.clone());
            let fault = self.next_fault(&call);
            match fault {
                Fault::Busy(after) => {
                    let cause = cause(CauseClass::Busy);
                    return ApplyOutcome::Busy { retry_after: Some(after), cause };
                }
                Fault::Refuse => return ApplyOutcome::Refused(cause(CauseClass::BadRequest)),
                Fault::LoseCall => return ApplyOutcome::NoAnswer(cause(CauseClass::NoAnswer)),
                Fault::Hang => self.hang().await,
                Fault::None | Fault::LoseAnswer | Fault::HangAfter => {}
                Fault::Stale | Fault::Unreadable => panic!("only reads are {fault:?}"),
            }
            let done = self.effect(change);
            match (fault, done) {
                (Fault::HangAfter, _) => {
                    self.hang().await;
                    unreachable!("nobody waits so long")
                }
                (Fault::LoseAnswer, _) => ApplyOutcome::NoAnswer(cause(CauseClass::NoAnswer)),
                (_, Some(id)) => ApplyOutcome::Done { id: Some(id) },
                (_, None) => ApplyOutcome::Refused(cause(CauseClass::Conflict)),
            }
        })
    }
}
