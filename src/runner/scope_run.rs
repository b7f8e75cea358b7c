//! One scope's run inside the loop: its engine's state, the jobs it has under way, and what its next calls need.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::known::Known;
use super::perform::{
    self, CheckTask, Errand, Job, LookTask, Looked, Outcome, Prepared, Task, place_or_cause,
};
use crate::base::digest::Digest;
use crate::base::id::{RunId, ScopeId, StepId, WaveName};
use crate::base::time::Timestamp;
use crate::driver::Target;
use crate::engine::{self, Command, Decision, Input};
use crate::model::entry::BlobRef;
use crate::model::event::{Effect, Event, RunOutcome};
use crate::model::finding::{Finding, Look, NextCall};
use crate::model::holdings::Holdings;
use crate::model::outcome::{Cause, CauseClass};
use crate::model::plan::{Reconcile, ScopePlan, Work};
use crate::model::resource::{Check, Expectation};

/// One scope's run.
pub struct ScopeRun {
    state: engine::State,
    running: BTreeSet<Command>,
    /// Mutating calls among them.
    calling: usize,
    prepared: BTreeMap<StepId, Prepared>,
}

/// What a job needs to know from outside its scope's run.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// What is known of all steps.
    pub known: &'s Known,
    /// What the scope's log says we hold.
    pub holdings: &'s Holdings,
    /// The run.
    pub run: &'s RunId,
    /// The present moment.
    pub now: Timestamp,
}

impl ScopeRun {
    /// Where the run's events in its scope's log say it stands; what its earlier processes found is taken into what is
    /// known.
    ///
    /// # Errors
    ///
    /// If the log holds what this program does not understand.
    pub fn replay(
        run: &RunId,
        scope: &ScopeId,
        plan: &ScopePlan,
        events: &[Event],
        known: &mut Known,
    ) -> Result<Self, String> {
        events.iter().for_each(|event| Self::learn(scope, event, known));
        let state = engine::State::replay(run.clone(), plan, events).map_err(|e| e.to_string())?;
        Ok(Self { state, running: BTreeSet::new(), calling: 0, prepared: BTreeMap::new() })
    }

    /// Whether it has ended or was suspended: then nothing more is owed.
    pub fn is_at_rest(&self) -> bool {
        self.state.ended().is_some() || self.state.is_suspended()
    }

    /// How it ended; none while it has not.
    pub fn ended(&self) -> Option<RunOutcome> {
        self.state.ended()
    }

    /// Begins, goes on after a crash or a stop, or tries again what ended in an earlier round. Nothing happens to a run
    /// that has ended in this one.
    pub fn begin(&mut self, plan: &ScopePlan, now: Timestamp, round: u32) -> Vec<Event> {
        let input = match self.state.ended() {
            None if self.state.is_started() => Input::Recovered,
            None => Input::Started,
            Some(_) if self.state.round() < round => Input::RetryAsked { round },
            Some(_) => return Vec::new(),
        };
        self.decide(plan, now, input)
    }

    /// Calls it off. One that was not taken up in this process is taken up first, so that the calls that an earlier one
    /// left are in doubt and not waited for; one that was suspended has left none.
    pub fn abort(&mut self, plan: &ScopePlan, now: Timestamp, fresh: bool) -> Vec<Event> {
        let mut events = Vec::new();
        if fresh && !self.is_at_rest() {
            events = self.begin(plan, now, 1);
        }
        events.extend(self.decide(plan, now, Input::AbortAsked));
        events
    }

    /// What its steps wait for.
    pub fn waits(&self) -> Vec<engine::StepWait> {
        engine::waits(&self.state)
    }

    /// No new calls from here on.
    pub fn stop(&mut self, plan: &ScopePlan, now: Timestamp) -> Vec<Event> {
        self.decide(plan, now, Input::StopAsked)
    }

    /// A timer has come.
    pub fn wake(&mut self, plan: &ScopePlan, now: Timestamp) -> Vec<Event> {
        self.decide(plan, now, Input::TimeReached)
    }

    /// The next moment at which something is to be done.
    pub fn next_timer(&self) -> Option<Timestamp> {
        engine::wakes_at(&self.state)
    }

    /// When the last call of a step was answered, while its object is being looked at after it.
    pub fn answered(&self, step: &StepId) -> Option<Timestamp> {
        match self.state.steps().get(step)?.phase {
            engine::Phase::Verifying { since, .. } => Some(since),
            _ => None,
        }
    }

    /// What is owed and not running, for each step to which something has happened since this was last asked.
    pub fn moved(&mut self) -> Vec<(StepId, Option<Command>)> {
        let mut moved = engine::moved(&mut self.state);
        for (_, command) in &mut moved {
            command.take_if(|command| self.running.contains(command));
        }
        moved
    }

    /// Mutating calls that are owed and not running.
    pub fn calls(&self) -> usize {
        engine::calls(&self.state).saturating_sub(self.calling)
    }

    /// Makes the job of a command and notes it as running.
    pub fn job(
        &mut self,
        scope: &ScopeId,
        plan: &ScopePlan,
        command: Command,
        around: Surroundings<'_>,
    ) -> Job {
        self.running.insert(command.clone());
        self.calling += usize::from(is_call(&command));
        let step = command.step().expect("timers are not jobs").clone();
        let limits = &plan.steps[&step].limits;
        let (work, timeout) = match &command {
            Command::WakeAt(_) => unreachable!("timers are not jobs"),
            Command::Apply { call, deadline, .. } => {
                let timeout = perform::until(*deadline, around.now, limits.call_timeout);
                (self.apply_task(&step, *call, around), timeout)
            }
            Command::Verify { look, .. } | Command::Observe { look, .. } => {
                (look_task(scope, plan, &step, *look, around), limits.call_timeout)
            }
        };
        Job { scope: scope.clone(), errand: Errand::Step(command), lane: None, work, timeout }
    }

    fn apply_task(&mut self, step: &StepId, call: NextCall, around: Surroundings<'_>) -> Task {
        // The engine sends a call only after a look of this process: a call of an earlier one is in doubt instead.
        let prepared = self.prepared.remove(step).expect("a look comes before every call");
        let key = perform::key(around.run.as_str(), step, &prepared.target.spec);
        Task::Apply(Box::new(prepared.change(call, key)))
    }

    /// What an answer comes to, and the file that these events name, to be stored before them.
    pub fn answer(
        &mut self,
        plan: &ScopePlan,
        now: Timestamp,
        command: Command,
        result: Outcome,
    ) -> (Vec<Event>, Option<Vec<u8>>) {
        self.running.remove(&command);
        self.calling -= usize::from(is_call(&command));
        let (input, kept) = match (command, result) {
            (Command::Apply { step, attempt, .. }, Outcome::Answered(outcome)) => {
                (Input::Applied { step, attempt, outcome }, None)
            }
            (Command::Observe { step, attempt, .. }, Outcome::Found(looked)) => {
                let (spec, finding, kept) = unpack(&step, *looked);
                (Input::Observed { step, attempt, spec, finding }, Some(kept))
            }
            (Command::Verify { step, attempt, .. }, Outcome::Found(looked)) => {
                let (spec, finding, kept) = unpack(&step, *looked);
                (Input::Verified { step, attempt, spec, finding }, Some(kept))
            }
            (command, _) => unreachable!("the answer to {command:?} has another shape"),
        };
        let events = self.decide(plan, now, input);
        let blob = kept.and_then(|kept| self.keep(kept, &events));
        (events, blob)
    }

    /// Keeps of a look what the events ask for: what the call needs, and the file that they name.
    fn keep(&mut self, kept: Kept, events: &[Event]) -> Option<Vec<u8>> {
        let calls = events.iter().any(|event| matches!(event, Event::StepApplying { .. }));
        if let (Some(prepared), true) = (kept.prepared, calls) {
            self.prepared.insert(kept.step, prepared);
        }
        let (digest, bytes) = kept.record?;
        let names = |event: &Event| event.refs().iter().any(|blob| blob.sha256 == digest);
        events.iter().any(names).then_some(bytes)
    }

    fn decide(&mut self, plan: &ScopePlan, now: Timestamp, input: Input) -> Vec<Event> {
        match engine::decide(plan, &self.state, now, input) {
            Decision::Accepted(events) => {
                events.iter().for_each(|event| engine::apply(&mut self.state, event));
                events
            }
            Decision::Stale | Decision::Refused(_) => Vec::new(),
        }
    }

    /// Takes an event into what is known of the scope's steps.
    pub fn learn(scope: &ScopeId, event: &Event, known: &mut Known) {
        match event {
            Event::StepApplying { step, call, desired, .. } => {
                known.set_spec(scope, step, desired.spec.clone());
                match call {
                    NextCall::Create | NextCall::Delete => known.forget(scope, step),
                    // What is only changed stays reachable: others may go through it meanwhile.
                    NextCall::Update => {}
                }
            }
            Event::StepSucceeded { step, effect: Effect::Deleted | Effect::AlreadyGone, .. } => {
                known.remove(scope, step);
            }
            Event::StepSucceeded { step, outputs, desired, .. } => {
                if let Some(desired) = desired {
                    known.set_spec(scope, step, desired.spec.clone());
                }
                known.set_outputs(scope, step, outputs.clone());
            }
            Event::RunStarted { .. }
            | Event::RunRecovered { .. }
            | Event::RunStopping {}
            | Event::RunSuspended {}
            | Event::RunAborting {}
            | Event::RunRetried { .. }
            | Event::RunEnded { .. }
            | Event::StepApplied { .. }
            | Event::StepFound { .. }
            | Event::StepRested { .. }
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::StepFailed { .. }
            | Event::StepBlocked { .. }
            | Event::Unknown { .. } => {}
        }
    }
}

fn is_call(command: &Command) -> bool {
    matches!(command, Command::Apply { .. })
}

/// What is left of a look once its finding is told.
struct Kept {
    step: StepId,
    prepared: Option<Prepared>,
    record: Option<(Digest, Vec<u8>)>,
}

/// Parts a look into what the engine is told, with the digest of the record, and what is kept for later.
fn unpack(step: &StepId, looked: Looked) -> (Value, Finding, Kept) {
    let Looked { spec, mut finding, record, prepared } = looked;
    let record = record.map(|bytes| (Digest::of(&bytes), bytes));
    if let Some((sha256, _)) = &record {
        let blob = BlobRef { path: format!("readback/{step}.json"), sha256: *sha256 };
        match &mut finding {
            Finding::Matches { readback } | Finding::Holds { readback } | Finding::Fails { readback, .. } => {
                readback.blob = Some(blob);
            }
            Finding::Absent
            | Finding::Pending { .. }
            | Finding::Broken { .. }
            | Finding::Differs { .. }
            | Finding::Foreign { .. }
            | Finding::Stale { .. }
            | Finding::Unreadable { .. } => {}
        }
    }
    (spec, finding, Kept { step: step.clone(), prepared, record })
}

/// The job of repeating a check during bake time.
pub fn bake_job(
    wave: &WaveName,
    scope: &ScopeId,
    plan: &ScopePlan,
    step: &StepId,
    around: Surroundings<'_>,
) -> Job {
    let planned = &plan.steps[step];
    let work = match &planned.work {
        Work::Check { check, .. } => check_task(scope, plan, check, around).unwrap_or_else(Task::Unresolved),
        Work::Reconcile(_) => unreachable!("only checks are repeated"),
    };
    let errand = Errand::Bake { wave: wave.clone(), step: step.clone() };
    Job { scope: scope.clone(), errand, lane: None, work, timeout: planned.limits.call_timeout }
}

fn look_task(scope: &ScopeId, plan: &ScopePlan, step: &StepId, look: Look, around: Surroundings<'_>) -> Task {
    let made = match &plan.steps[step].work {
        Work::Reconcile(reconcile) => reconcile_task(scope, step, reconcile, look, around),
        Work::Check { check, .. } => check_task(scope, plan, check, around),
    };
    made.unwrap_or_else(Task::Unresolved)
}

fn reconcile_task(
    scope: &ScopeId,
    step: &StepId,
    reconcile: &Reconcile,
    look: Look,
    around: Surroundings<'_>,
) -> Result<Task, Cause> {
    let held = around.holdings.get(step).filter(|held| held.kind == reconcile.kind);
    let target = Target {
        kind: reconcile.kind.clone(),
        place: place_or_cause(around.known.place(scope, reconcile.via.as_ref()), reconcile.via.as_ref())?,
        spec: resolved(scope, &reconcile.spec, around)?,
        id: held.as_ref().and_then(|held| held.id.clone()),
    };
    Ok(Task::Look(Box::new(LookTask {
        target,
        look,
        held: held.is_some(),
        applied: held.map(|held| held.spec),
        operation: reconcile.operation,
        seen: reconcile.seen,
    })))
}

fn check_task(
    scope: &ScopeId,
    plan: &ScopePlan,
    check: &Check,
    around: Surroundings<'_>,
) -> Result<Task, Cause> {
    let Work::Reconcile(reconcile) = &plan.steps[&check.read].work else {
        return Err(Cause::new(CauseClass::BadRequest, format!("{} is not a resource", check.read)));
    };
    let target = Target {
        kind: reconcile.kind.clone(),
        place: place_or_cause(around.known.place(scope, reconcile.via.as_ref()), reconcile.via.as_ref())?,
        spec: resolved(scope, &reconcile.spec, around)?,
        id: around.holdings.get(&check.read).and_then(|held| held.id),
    };
    let expect = check.expect.iter().map(|e| expectation(scope, e, around)).collect::<Result<_, _>>()?;
    Ok(Task::Check(Box::new(CheckTask { target, expect })))
}

fn expectation(scope: &ScopeId, one: &Expectation, around: Surroundings<'_>) -> Result<Expectation, Cause> {
    let resolve = |value: &Value| resolved(scope, value, around);
    Ok(Expectation {
        at: one.at.clone(),
        equals: one.equals.as_ref().map(resolve).transpose()?,
        one_of: one.one_of.as_ref().map(|all| all.iter().map(resolve).collect()).transpose()?,
        present: one.present,
    })
}

fn resolved(scope: &ScopeId, value: &Value, around: Surroundings<'_>) -> Result<Value, Cause> {
    let (value, missing) = around.known.resolve(scope, value);
    match missing.first() {
        None => Ok(value),
        Some(reference) => {
            let message = format!("{} refers to {}, which has no value", reference.at, reference.path);
            Err(Cause::new(CauseClass::BadRequest, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Desired;
    use serde_json::json;

    #[test]
    fn a_workspace_that_is_changed_stays_reachable_and_one_that_is_deleted_does_not() {
        let (scope, step): (ScopeId, StepId) =
            ("site/HRB01".parse().unwrap(), "workspace.prod".parse().unwrap());
        let applying = |call| {
            let spec = json!({});
            let desired = Desired {
                kind: "databricks.workspace".parse().unwrap(),
                via: None,
                after: Vec::new(),
                spec_digest: Digest::of_canonical(&spec),
                spec,
            };
            let deadline = Timestamp::from_millis(0);
            Event::StepApplying { step: step.clone(), attempt: 1, call, deadline, desired }
        };
        for (call, stays) in [(NextCall::Update, true), (NextCall::Delete, false), (NextCall::Create, false)]
        {
            let mut known = Known::default();
            known.set_outputs(&scope, &step, json!({"workspace_id": 7}).as_object().unwrap().clone());
            ScopeRun::learn(&scope, &applying(call), &mut known);
            assert_eq!(known.place(&scope, Some(&step.clone().into())).is_some(), stays, "{call:?}");
        }
    }
}
