//! One scope's run inside the loop: its engine's state, the jobs it has under way, and what its next calls need.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::known::Known;
use super::perform::{self, CheckTask, Done, Job, LookTask, Looked, Outcome, Prepared, Task, place_or_cause};
use crate::base::id::{RunId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::driver::Target;
use crate::engine::{self, Command, Decision, Input};
use crate::journal::{Journal, JournalError, Line};
use crate::model::entry::BlobRef;
use crate::model::event::{Event, RunOutcome};
use crate::model::finding::{Finding, Look};
use crate::model::holdings::Holdings;
use crate::model::outcome::{Cause, CauseClass};
use crate::model::plan::{Reconcile, ScopePlan, Work};
use crate::model::resource::{Check, Expectation};

/// One scope's run.
pub struct ScopeRun {
    state: engine::State,
    active: bool,
    running: BTreeSet<Command>,
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
    /// Where the scope's log says the run stands; what its earlier processes found is taken into what is known.
    ///
    /// # Errors
    ///
    /// If the log holds what this program does not understand.
    pub fn replay(
        run: &RunId,
        scope: &ScopeId,
        plan: &ScopePlan,
        lines: &[Line],
        known: &mut Known,
    ) -> Result<Self, String> {
        let own = lines.iter().filter(|line| line.entry.run.as_ref() == Some(run));
        let events = own
            .map(|line| Event::from_entry(&line.entry.kind, line.entry.step.as_ref(), &line.entry.body))
            .collect::<Result<Vec<Event>, _>>()
            .map_err(|e| e.to_string())?;
        events.iter().for_each(|event| Self::learn(scope, event, known));
        let state = engine::State::replay(run.clone(), plan, &events).map_err(|e| e.to_string())?;
        Ok(Self { state, active: false, running: BTreeSet::new(), prepared: BTreeMap::new() })
    }

    /// Whether it runs in this process.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Begins, or goes on after a crash or a stop. Nothing happens to a run that has ended.
    pub fn begin(&mut self, plan: &ScopePlan, now: Timestamp) -> Vec<Event> {
        self.active = true;
        if self.state.ended().is_some() {
            return Vec::new();
        }
        let input = if self.state.is_started() { Input::Recovered } else { Input::Started };
        self.decide(plan, now, input)
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
        engine::owed(&self.state).iter().find_map(|command| match command {
            Command::WakeAt(at) => Some(*at),
            Command::Apply { .. } | Command::Verify { .. } | Command::Observe { .. } => None,
        })
    }

    /// What is owed and not running.
    pub fn startable(&self) -> Vec<Command> {
        engine::owed(&self.state)
            .iter()
            .filter(|command| command.step().is_some() && !self.running.contains(*command))
            .cloned()
            .collect()
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
        Job { scope: scope.clone(), command, work, timeout }
    }

    fn apply_task(
        &self,
        step: &StepId,
        call: crate::model::finding::NextCall,
        around: Surroundings<'_>,
    ) -> Task {
        // The engine sends a call only after a look of this process: a call of an earlier one is in doubt instead.
        let prepared = self.prepared.get(step).expect("a look comes before every call");
        let key = perform::key(around.run.as_str(), step, &prepared.target.spec);
        Task::Apply(Box::new(prepared.change(call, key)))
    }

    /// What an answer comes to. Blobs are stored here, because only the loop touches the journal.
    ///
    /// # Errors
    ///
    /// If a blob cannot be stored.
    pub fn answer(
        &mut self,
        plan: &ScopePlan,
        now: Timestamp,
        done: Done,
        journal: &mut dyn Journal,
    ) -> Result<Vec<Event>, JournalError> {
        self.running.remove(&done.command);
        let input = match (done.command, done.result) {
            (Command::WakeAt(_), _) => return Ok(Vec::new()),
            (Command::Apply { step, attempt, .. }, Outcome::Answered(outcome)) => {
                Input::Applied { step, attempt, outcome }
            }
            (Command::Observe { step, attempt, .. }, Outcome::Found(looked)) => {
                let (spec, finding) = self.keep(&step, *looked, journal)?;
                Input::Observed { step, attempt, spec, finding }
            }
            (Command::Verify { step, attempt, .. }, Outcome::Found(looked)) => {
                let (spec, finding) = self.keep(&step, *looked, journal)?;
                Input::Verified { step, attempt, spec, finding }
            }
            (command, _) => unreachable!("the answer to {command:?} has another shape"),
        };
        Ok(self.decide(plan, now, input))
    }

    fn keep(
        &mut self,
        step: &StepId,
        looked: Looked,
        journal: &mut dyn Journal,
    ) -> Result<(Value, Finding), JournalError> {
        let Looked { spec, mut finding, record, prepared } = looked;
        if let Some(prepared) = prepared {
            self.prepared.insert(step.clone(), prepared);
        }
        if let Some(bytes) = record {
            let sha256 = journal.put_blob(&bytes)?;
            let blob = BlobRef { path: format!("readback/{step}.json"), sha256 };
            match &mut finding {
                Finding::Matches { readback }
                | Finding::Holds { readback }
                | Finding::Fails { readback, .. } => readback.blob = Some(blob),
                Finding::Absent
                | Finding::Pending { .. }
                | Finding::Broken { .. }
                | Finding::Differs { .. }
                | Finding::Foreign { .. }
                | Finding::Stale { .. }
                | Finding::Unreadable { .. } => {}
            }
        }
        Ok((spec, finding))
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

    /// Whether the run has just come to rest; then it is no longer active. None inside: it was suspended.
    #[expect(clippy::option_option, reason = "outer: came to rest at all; inner: ended, or suspended")]
    pub fn take_closing(&mut self) -> Option<Option<RunOutcome>> {
        let rests = self.state.ended().is_some() || (self.state.is_suspended() && self.running.is_empty());
        if !self.active || !rests {
            return None;
        }
        self.active = false;
        Some(self.state.ended())
    }

    /// Takes an event into what is known of the scope's steps.
    pub fn learn(scope: &ScopeId, event: &Event, known: &mut Known) {
        match event {
            Event::StepApplying { step, desired, .. } => {
                known.set_spec(scope, step, desired.spec.clone());
                known.forget(scope, step);
            }
            Event::StepSucceeded { step, outputs, desired, .. } => {
                if let Some(desired) = desired {
                    known.set_spec(scope, step, desired.spec.clone());
                }
                known.set_outputs(scope, step, outputs.clone());
            }
            _ => {}
        }
    }
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
