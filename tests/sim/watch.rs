//! The invariants. What they rest on is the true plan, the true world and what the shell did, never the engine's state.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::id::StepId;
use landfall::base::limits::{DOUBTS_MAX, FOLLOW_UPS_MAX};
use landfall::base::time::Timestamp;
use landfall::engine::{Command, Phase, State, owed};
use landfall::model::event::{Event, Rest, RunOutcome};
use landfall::model::finding::{Goal, NextCall};
use landfall::model::holdings::Holdings;
use landfall::model::plan::Operation;

use crate::scenario::{Scenario, operation};

/// An invariant that did not hold.
#[derive(Debug)]
pub struct Violation {
    pub name: String,
    pub what: String,
}

pub type Held = Result<(), Violation>;

pub fn broken(name: &str, what: impl Into<String>) -> Held {
    Err(Violation { name: name.to_owned(), what: what.into() })
}

pub fn holds(name: &str, condition: bool, what: impl FnOnce() -> String) -> Held {
    if condition { Ok(()) } else { broken(name, what()) }
}

/// What the invariants remember.
#[derive(Default)]
pub struct Watch {
    succeeded: BTreeSet<StepId>,
    failed: BTreeSet<StepId>,
    blocked: BTreeMap<StepId, StepId>,
    tallies: BTreeMap<StepId, Tally>,
    ended: u32,
    /// A stop was asked for, and nobody took the run up again.
    pub stopped: bool,
}

#[derive(Default)]
struct Tally {
    tries: u32,
    /// Calls that the service did not answer.
    doubts: u32,
    /// Calls whose answer nobody was there to take.
    crashes: u32,
    updates: u32,
    /// A create was answered, and no delete since.
    made: bool,
    /// No look before this.
    resting_until: Option<Timestamp>,
    /// What the newest intent in the log allows.
    intent: Option<(u32, NextCall)>,
}

impl Watch {
    /// An event, before it is folded.
    pub fn event(&mut self, scenario: &Scenario, now: i64, event: &Event) -> Held {
        match event {
            Event::StepApplying { step, call, .. } => self.applying(scenario, step, *call)?,
            Event::StepApplied { step, .. } => {
                let tally = self.tallies.entry(step.clone()).or_default();
                match tally.intent {
                    Some((_, NextCall::Create)) => tally.made = true,
                    Some((_, NextCall::Delete)) => tally.made = false,
                    Some((_, NextCall::Update)) | None => {}
                }
            }
            Event::StepRested { step, until, why, cause, .. } => {
                self.rested(scenario, step, *until, *why, cause.is_some())?;
            }
            Event::StepSucceeded { step, .. } => {
                self.succeeded.insert(step.clone());
                let wanted = self.is_as_wanted(scenario, step, now);
                holds("success-means-world-as-desired", wanted, || format!("{step} is not"))?;
            }
            Event::StepFailed { step, .. } => {
                self.failed.insert(step.clone());
            }
            Event::StepBlocked { step, by } => {
                let behind = self.is_behind(scenario, step);
                self.blocked.insert(step.clone(), by.clone());
                holds("blocked-only-behind-failed", behind, || format!("{step} behind {by}"))?;
            }
            Event::RunEnded { outcome, .. } => self.ended(scenario, *outcome)?,
            Event::RunRecovered { .. } => self.stopped = false,
            Event::RunStarted { .. }
            | Event::RunStopping {}
            | Event::RunSuspended {}
            | Event::StepFound { .. }
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::Unknown { .. } => {}
        }
        Ok(())
    }

    fn applying(&mut self, scenario: &Scenario, step: &StepId, call: NextCall) -> Held {
        holds("nothing-applied-after-stop", !self.stopped, || format!("{call:?} for {step}"))?;
        self.needs_met(scenario, step)?;
        let legal = match operation(&scenario.plan, step) {
            Some(Operation::Create) => call != NextCall::Delete,
            Some(Operation::Update) => call == NextCall::Update,
            Some(Operation::Replace) => true,
            Some(Operation::Delete) => call == NextCall::Delete,
            Some(Operation::None) | None => false,
        };
        holds("call-within-plan", legal, || format!("{call:?} for {step}"))?;
        let tally = self.tallies.entry(step.clone()).or_default();
        let again = call == NextCall::Create && tally.made;
        holds("no-create-after-create", !again, || format!("{step} was made and not deleted"))?;
        holds("doubts-bounded", tally.doubts < DOUBTS_MAX, || {
            format!("{step} after {} doubts", tally.doubts)
        })?;
        tally.updates += u32::from(call == NextCall::Update);
        // Each doubt and each try may repeat one update that is not a follow-up.
        let most = FOLLOW_UPS_MAX + tally.doubts + tally.crashes + tally.tries + 1;
        holds("follow-ups-bounded", tally.updates <= most, || {
            format!("{step} updated {} times", tally.updates)
        })
    }

    fn rested(
        &mut self,
        scenario: &Scenario,
        step: &StepId,
        until: Timestamp,
        why: Rest,
        has_cause: bool,
    ) -> Held {
        let limits = &scenario.plan.steps[step].limits;
        let tally = self.tallies.entry(step.clone()).or_default();
        match why {
            Rest::Busy | Rest::Conflict | Rest::Unreadable => tally.tries += 1,
            Rest::InDoubt if has_cause => tally.doubts += 1,
            Rest::InDoubt => tally.crashes += 1,
            Rest::NotReady => {}
        }
        tally.resting_until = tally.resting_until.max(Some(until));
        holds("tries-bounded", tally.tries < limits.attempts_max, || {
            format!("{step} tried {} times", tally.tries)
        })
    }

    fn ended(&mut self, scenario: &Scenario, outcome: RunOutcome) -> Held {
        self.ended += 1;
        holds("ended-exactly-once", self.ended == 1, || "the run ended again".to_owned())?;
        let ended = self.succeeded.len() + self.failed.len() + self.blocked.len();
        let all = scenario.plan.steps.len();
        holds("ended-when-all-ended", ended == all, || format!("{ended} of {all} steps"))?;
        let well = self.succeeded.len() == all;
        holds("outcome-follows-steps", (outcome == RunOutcome::Succeeded) == well, || {
            format!("{outcome:?}")
        })?;
        holds("patience-succeeds", well || !scenario.must_succeed(), || format!("failed: {:?}", self.failed))
    }

    /// A command, before the shell starts it.
    pub fn command(&mut self, scenario: &Scenario, now: i64, command: &Command) -> Held {
        let Some(step) = command.step() else { return Ok(()) };
        self.needs_met(scenario, step)?;
        let tally = self.tallies.entry(step.clone()).or_default();
        let rested = tally.resting_until.is_none_or(|until| until.as_millis() <= now);
        holds("rest-is-kept", rested, || format!("{command:?} before {:?}", tally.resting_until))?;
        if let Command::Apply { attempt, call, .. } = command {
            let intended = tally.intent == Some((*attempt, *call));
            holds("no-apply-without-intent", intended, || format!("{command:?} but {:?}", tally.intent))?;
        }
        Ok(())
    }

    /// The service said that it will not be ready before this; the engine must rest so long.
    pub fn told_to_wait(&mut self, step: &StepId, until: i64) {
        let tally = self.tallies.entry(step.clone()).or_default();
        tally.resting_until = tally.resting_until.max(Some(Timestamp::from_millis(until)));
    }

    /// An event reached the log.
    pub fn logged(&mut self, event: &Event) {
        if let Event::StepApplying { step, attempt, call, .. } = event {
            self.tallies.entry(step.clone()).or_default().intent = Some((*attempt, *call));
        }
    }

    fn needs_met(&self, scenario: &Scenario, step: &StepId) -> Held {
        let mut needs = scenario.plan.steps[step].after.keys();
        let unmet = needs.find(|need| !self.succeeded.contains(*need));
        holds("no-dependant-before-dependency", unmet.is_none(), || format!("{step} before {unmet:?}"))
    }

    fn is_behind(&self, scenario: &Scenario, step: &StepId) -> bool {
        let mut stack = vec![step];
        let mut seen = BTreeSet::new();
        while let Some(next) = stack.pop() {
            if self.failed.contains(next) {
                return true;
            }
            stack.extend(scenario.plan.steps[next].after.keys().filter(|need| seen.insert(*need)));
        }
        false
    }

    fn is_as_wanted(&self, scenario: &Scenario, step: &StepId, now: i64) -> bool {
        let (target, goal) = match (scenario.reads.get(step), operation(&scenario.plan, step)) {
            (Some(read), _) => (read, Goal::AsDesired),
            (None, Some(Operation::Delete)) => (step, Goal::Gone),
            (None, _) => (step, Goal::AsDesired),
        };
        scenario.world.things[target].is_as_wanted(goal, now)
    }
}

/// What a crash leaves must owe the same: each call exactly, and something for each step that had something.
pub fn same_after_crash(before: &State, after: &State) -> Held {
    let name = "owed-after-crash-equals-owed-before";
    for (id, step) in before.steps() {
        let other = &after.steps()[id];
        let same = match (&step.phase, &other.phase) {
            // A wake is not kept: the step is still resting, and wakes at once.
            (Phase::Observing, Phase::Resting { .. }) => step.attempt == other.attempt + 1,
            (Phase::Verifying { since, .. }, Phase::Verifying { since: kept, .. }) => since == kept,
            (one, two) => one == two && step.attempt == other.attempt,
        };
        holds(name, same, || format!("{id}: {:?} became {:?}", step.phase, other.phase))?;
    }
    let calls = |state: &State| -> Vec<Command> {
        owed(state).iter().filter(|command| matches!(command, Command::Apply { .. })).cloned().collect()
    };
    holds(name, calls(before) == calls(after), || "other calls are owed".to_owned())?;
    holds(name, owed(before).is_empty() == owed(after).is_empty(), || "something or nothing".to_owned())
}

/// Whatever of ours is truly there at the end, the log knows.
pub fn holdings_cover(scenario: &Scenario, holdings: &Holdings, now: i64) -> Held {
    for (step, thing) in &scenario.world.things {
        // What was there before is in the logs of earlier runs, which this story does not have.
        let known = thing.seen.is_some() || holdings.get(step).is_some();
        holds("holdings-cover-ours", known || thing.ours(now) == 0, || format!("{step} is ours"))?;
    }
    Ok(())
}
