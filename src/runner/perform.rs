//! Carries out one command of the engine: resolve the spec, ask the driver once, say what the answer means.

use std::sync::Arc;

use serde_json::Value;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{ScopeId, StepId, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::driver::{Call, Change, Driver, Place, Target};
use crate::engine::Command;
use crate::evidence::scan;
use crate::kind::{self, Ask, Assessment, Registry};
use crate::model::finding::{Finding, Goal, Look, NextCall, Readback};
use crate::model::kind::Kind;
use crate::model::outcome::{ApplyOutcome, Cause, CauseClass, Observation};
use crate::model::plan::{FieldChange, Operation};
use crate::model::resource::Expectation;
use crate::model::via::Via;
use crate::pacing::Lane;

/// A look at an object, or a call, with all it needs. Holds no reference, so that it can run as a task.
#[derive(Debug, Clone)]
pub struct Job {
    /// The scope it is for.
    pub scope: ScopeId,
    /// Who wants to know what came of it.
    pub errand: Errand,
    /// The lane that its call is charged to, if calls are counted.
    pub lane: Option<Lane>,
    /// What is to be done.
    pub work: Task,
    /// The deadline of the call, from when it is sent.
    pub timeout: Millis,
}

/// Who wants to know what came of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// The scope's engine, for this command.
    Step(Command),
    /// The bake time of a wave, for this check.
    Bake {
        /// The wave.
        wave: WaveName,
        /// The check.
        step: StepId,
    },
}

/// What a job does.
#[derive(Debug, Clone)]
pub enum Task {
    /// Look at an object and measure it against the goal.
    Look(Box<LookTask>),
    /// Read an object and compare it with expectations.
    Check(Box<CheckTask>),
    /// Send one mutating call.
    Apply(Box<Change>),
    /// The spec refers to something that has no value: nothing can be sent.
    Unresolved(Cause),
}

/// What a look needs.
#[derive(Debug, Clone)]
pub struct LookTask {
    /// The object.
    pub target: Target,
    /// How to look.
    pub look: Look,
    /// What was last applied, according to the log.
    pub applied: Option<Value>,
    /// Whether the log says that the object is ours.
    pub held: bool,
    /// What the plan found necessary.
    pub operation: Operation,
    /// What the plan saw.
    pub seen: Option<Digest>,
}

/// What a check needs.
#[derive(Debug, Clone)]
pub struct CheckTask {
    /// The object that is read.
    pub target: Target,
    /// What is expected, with references resolved.
    pub expect: Vec<Expectation>,
}

/// What came of a job.
#[derive(Debug)]
pub struct Done {
    /// The scope it was for.
    pub scope: ScopeId,
    /// Who wants to know.
    pub errand: Errand,
    /// The lane that its call was charged to; none for one that was not sent.
    pub lane: Option<Lane>,
    /// What it came to.
    pub result: Outcome,
}

/// What a job came to.
#[derive(Debug)]
pub enum Outcome {
    /// A look or check.
    Found(Box<Looked>),
    /// The answer to a call.
    Answered(ApplyOutcome),
}

/// What a look or check found.
#[derive(Debug)]
pub struct Looked {
    /// What was compared with; null for a check.
    pub spec: Value,
    /// What it means.
    pub finding: Finding,
    /// The allow-listed object, to be kept as a blob.
    pub record: Option<Vec<u8>>,
    /// What a call that follows needs.
    pub prepared: Option<Prepared>,
}

/// What the next call on an object needs from the last look at it.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The object.
    pub target: Target,
    /// The object as it was read, if it was there.
    pub live: Option<Value>,
    /// The fields that differ.
    pub changes: Vec<FieldChange>,
}

impl Prepared {
    /// The call the engine has decided on.
    pub fn change(self, call: NextCall, key: String) -> Change {
        let Self { target, live, changes } = self;
        let live = live.unwrap_or(Value::Null);
        let call = match call {
            NextCall::Create => Call::Create,
            NextCall::Update => Call::Update { changes, live },
            NextCall::Delete => Call::Delete { live },
        };
        Change { target, call, key }
    }
}

/// The idempotency key: the same for all tries of the same thing.
pub fn key(run: &str, step: &StepId, spec: &Value) -> String {
    Digest::of_canonical(&(run, step, spec)).to_string()[..32].to_owned()
}

/// Carries out a job.
pub async fn perform(driver: Arc<dyn Driver>, job: Job) -> Done {
    let Job { scope, errand, lane, work, timeout } = job;
    let sent = timeout > Millis(0) && !matches!(work, Task::Unresolved(_));
    let result = match work {
        Task::Look(task) => Outcome::Found(Box::new(look(&*driver, *task, timeout).await)),
        Task::Check(task) => Outcome::Found(Box::new(check(&*driver, &task, timeout).await)),
        Task::Apply(change) => Outcome::Answered(apply(&*driver, &change, timeout).await),
        Task::Unresolved(cause) => Outcome::Found(Box::new(found(Value::Null, Finding::Broken { cause }))),
    };
    Done { scope, errand, lane: lane.filter(|_| sent), result }
}

/// Sends one mutating call, if there is time left for it: one that is sent too late could have its effect after its
/// deadline, when nobody reckons with it any more.
async fn apply(driver: &dyn Driver, change: &Change, timeout: Millis) -> ApplyOutcome {
    if timeout == Millis(0) {
        let cause = Cause::new(CauseClass::Busy, "the call was not sent: its deadline had passed");
        return ApplyOutcome::Busy { retry_after: None, cause };
    }
    driver.apply(change, timeout).await
}

fn found(spec: Value, finding: Finding) -> Looked {
    Looked { spec, finding, record: None, prepared: None }
}

async fn look(driver: &dyn Driver, task: LookTask, timeout: Millis) -> Looked {
    let spec = task.target.spec.clone();
    let kind = Registry::standard().get(&task.target.kind).expect("kinds were checked before");
    match driver.observe(&task.target, timeout).await {
        Observation::Unreadable(cause) => found(spec, unreadable(cause)),
        Observation::Absent => Looked {
            spec,
            finding: Finding::Absent,
            record: None,
            prepared: Some(Prepared { target: task.target, live: None, changes: Vec::new() }),
        },
        Observation::Present { id, live } => {
            let (finding, changes, record) = judge(kind, &task, &id, &live);
            let target = Target { id: Some(id), ..task.target };
            Looked { spec, finding, record, prepared: Some(Prepared { target, live: Some(live), changes }) }
        }
    }
}

type Judgement = (Finding, Vec<FieldChange>, Option<Vec<u8>>);

fn judge(kind: &Kind, task: &LookTask, id: &str, live: &Value) -> Judgement {
    let spec = &task.target.spec;
    let applied = task.applied.as_ref();
    let ours = task.look.ours || task.held || kind::always_there(kind);
    if !ours {
        return (Finding::Foreign { id: id.to_owned() }, Vec::new(), None);
    }
    let desired = (task.look.goal == Goal::AsDesired).then_some(spec);
    let assessment = kind::assess(kind, &Ask { desired, applied, live: Some(live) });
    // What belongs to another object that was not there yet could not be looked at: there is nothing to compare with.
    let unseen = task.seen.is_none() && kind::always_there(kind);
    let must_be_as_seen = !task.look.ours && !unseen && assessment != Assessment::Matches;
    if must_be_as_seen && task.seen != Some(kind::seen(kind, spec, applied, live)) {
        let what = format!("the {} is not what the plan saw", kind.title);
        return (Finding::Stale { what }, Vec::new(), None);
    }
    match assessment {
        Assessment::Absent => (Finding::Absent, Vec::new(), None),
        Assessment::Matches => {
            let readback =
                Readback { id: Some(id.to_owned()), outputs: kind::outputs(kind, id, live), blob: None };
            (Finding::Matches { readback }, Vec::new(), Some(record(kind, live)))
        }
        Assessment::Pending { state } => {
            (Finding::Pending { state: sayable(state), id: Some(id.to_owned()) }, Vec::new(), None)
        }
        Assessment::Broken { state, detail } => {
            let words = detail.map(|d| format!(": {d}")).unwrap_or_default();
            let message = format!("the {} ended in state {}", kind.title, sayable(format!("{state}{words}")));
            (Finding::Broken { cause: Cause::new(CauseClass::BadState, message) }, Vec::new(), None)
        }
        Assessment::Differs { changes, only_after_create, .. } => {
            let call = match task.look.goal {
                Goal::AsDesired => NextCall::Update,
                Goal::Gone => NextCall::Delete,
            };
            let finding = Finding::Differs { call, after_create: only_after_create, id: Some(id.to_owned()) };
            (finding, changes, None)
        }
    }
}

/// A service's own words, unless they look like what must not be shown: people read them while they wait, before any
/// journal looks at them.
fn sayable(words: String) -> String {
    scan::unsaid(&words).unwrap_or(words)
}

fn record(kind: &Kind, live: &Value) -> Vec<u8> {
    let mut bytes = canonical_bytes(&kind::readback(kind, live));
    bytes.push(b'\n');
    bytes
}

fn unreadable(cause: Cause) -> Finding {
    let retry = match cause.class {
        CauseClass::Busy
        | CauseClass::Internal
        | CauseClass::NoAnswer
        | CauseClass::Garbled
        | CauseClass::Unauthenticated => true,
        // Rights and principals take seconds to be visible in a new workspace.
        CauseClass::PermissionDenied | CauseClass::NotFound => true,
        CauseClass::BadRequest
        | CauseClass::Conflict
        | CauseClass::Quota
        | CauseClass::NotImplemented
        | CauseClass::BadState
        | CauseClass::NotHeld
        | CauseClass::Foreign
        | CauseClass::Stale
        | CauseClass::Expectation
        | CauseClass::Exhausted
        | CauseClass::Shut => false,
    };
    Finding::Unreadable { cause, retry }
}

async fn check(driver: &dyn Driver, task: &CheckTask, timeout: Millis) -> Looked {
    let kind = Registry::standard().get(&task.target.kind).expect("kinds were checked before");
    match driver.observe(&task.target, timeout).await {
        Observation::Unreadable(cause) => found(Value::Null, unreadable(cause)),
        Observation::Absent => {
            let cause = Cause::new(CauseClass::Expectation, format!("the {} is not there", kind.title));
            found(Value::Null, Finding::Fails { cause, readback: Readback::default() })
        }
        Observation::Present { id, live } => {
            let readback = Readback { id: Some(id), ..Readback::default() };
            let broken: Vec<String> = task.expect.iter().filter_map(|e| mismatch(e, &live)).collect();
            let finding = if broken.is_empty() {
                Finding::Holds { readback }
            } else {
                let cause = Cause::new(CauseClass::Expectation, broken.join("; "));
                Finding::Fails { cause, readback }
            };
            Looked { spec: Value::Null, finding, record: Some(record(kind, &live)), prepared: None }
        }
    }
}

/// What is wrong with the value at one place, if anything is.
fn mismatch(expectation: &Expectation, live: &Value) -> Option<String> {
    let at = &expectation.at;
    let there = live.pointer(at);
    let shown = || there.map_or("nothing".to_owned(), ToString::to_string);
    if let Some(wanted) = &expectation.equals
        && !there.is_some_and(|value| same(value, wanted))
    {
        return Some(format!("{at} is {} where {wanted} was expected", shown()));
    }
    if let Some(allowed) = &expectation.one_of
        && !there.is_some_and(|value| allowed.iter().any(|one| same(value, one)))
    {
        return Some(format!(
            "{at} is {} where one of {} was expected",
            shown(),
            Value::from(allowed.clone())
        ));
    }
    match expectation.present {
        Some(true) if there.is_none_or(Value::is_null) => Some(format!("there is nothing at {at}")),
        Some(false) if there.is_some_and(|v| !v.is_null()) => {
            Some(format!("{at} is {} where nothing was expected", shown()))
        }
        _ => None,
    }
}

/// Numeric ids come as numbers from some services and as text from others.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(n), Value::String(s)) | (Value::String(s), Value::Number(n)) => n.to_string() == *s,
        (a, b) => a == b,
    }
}

/// Where a job's calls go; a cause if the workspace it goes through is not known.
pub fn place_or_cause(place: Option<Place>, via: Option<&Via>) -> Result<Place, Cause> {
    place.ok_or_else(|| {
        let via = via.map_or("its workspace".to_owned(), ToString::to_string);
        Cause::new(CauseClass::BadRequest, format!("{via} is not known, and calls go through it"))
    })
}

/// How long a call may take until its deadline.
pub fn until(deadline: Timestamp, now: Timestamp, at_most: Millis) -> Millis {
    deadline.since(now).min(at_most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expectation(text: &str) -> Expectation {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn expectations_say_what_was_found_and_what_was_expected() {
        let live = json!({"key": "k-1", "id": 42, "tags": null});
        let check = |text: &str| mismatch(&expectation(text), &live);
        assert_eq!(check(r#"{"at": "/key", "equals": "k-1"}"#), None);
        assert_eq!(check(r#"{"at": "/id", "equals": "42"}"#), None);
        let wrong = check(r#"{"at": "/key", "equals": "k-2"}"#);
        assert_eq!(wrong.as_deref(), Some(r#"/key is "k-1" where "k-2" was expected"#));
        assert_eq!(check(r#"{"at": "/key", "one_of": ["a", "k-1"]}"#), None);
        assert!(check(r#"{"at": "/none", "one_of": ["a"]}"#).is_some());
        assert!(check(r#"{"at": "/tags", "present": true}"#).is_some());
        assert_eq!(check(r#"{"at": "/tags", "present": false}"#), None);
        assert!(check(r#"{"at": "/key", "present": false}"#).is_some());
    }
}
