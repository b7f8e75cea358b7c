//! The invariants. What they rest on is the true plan, the true world and what the shell did, never the engine's state.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::id::StepId;
use landfall::base::limits::{DOUBTS_MAX, FOLLOW_UPS_MAX};
use landfall::base::time::{Millis, Timestamp};
use landfall::engine::{Command, Phase, State, owed};
use landfall::model::calendar::Standing;
use landfall::model::event::{Counts, Event, Rest, RunOutcome};
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
    round: u32,
    counted: Counts,
    /// Steps whose call is under way: its intent is in the log, and nothing is known of its answer.
    under_way: BTreeSet<StepId>,
    /// A stop was asked for, and nobody took the run up again.
    pub stopped: bool,
    /// The run was called off, and nobody tried it again.
    pub aborted: bool,
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
    /// A call had its effect in this round, or may have had it.
    begun: bool,
    /// No look before this.
    resting_until: Option<Timestamp>,
    /// What the newest intent in the log allows.
    intent: Option<(u32, NextCall)>,
}

impl Watch {
    /// An event, before it is folded.
    pub fn event(&mut self, scenario: &Scenario, now: i64, clock: Timestamp, event: &Event) -> Held {
        self.answered(event);
        match event {
            Event::StepApplying { step, call, .. } => {
                self.applying(scenario, step, *call)?;
                self.in_window(scenario, step, clock)?;
                self.under_way.insert(step.clone());
            }
            Event::StepApplied { step, .. } => {
                let tally = self.tallies.entry(step.clone()).or_default();
                tally.begun = true;
                match tally.intent {
                    Some((_, NextCall::Create)) => tally.made = true,
                    Some((_, NextCall::Delete)) => tally.made = false,
                    Some((_, NextCall::Update)) | None => {}
                }
            }
            Event::StepRested { step, until, why, cause, .. } => {
                if *why == Rest::Window {
                    self.shut_out(scenario, step, clock, *until)?;
                }
                self.rested(scenario, step, *until, *why, cause.is_some())?;
            }
            Event::StepSucceeded { step, effect, .. } => {
                let again = !self.succeeded.insert(step.clone());
                holds("succeeded-stays", !again, || format!("{step} succeeded again"))?;
                self.counted.add(*effect);
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
            Event::RunEnded { outcome, counts } => self.ended(scenario, *outcome, counts)?,
            Event::RunRecovered { .. } => self.stopped = false,
            Event::RunRetried { round, .. } => self.retried(*round)?,
            Event::StepWoke { step, .. } => {
                // From here on only a new rest counts, even if the clock is set back.
                let tally = self.tallies.entry(step.clone()).or_default();
                let rested = tally.resting_until.take().is_none_or(|until| until <= clock);
                holds("rest-is-kept", rested, || format!("{step} woke early"))?;
            }
            Event::RunStarted { .. }
            | Event::RunStopping {}
            | Event::RunSuspended {}
            | Event::RunAborting {}
            | Event::StepFound { .. }
            | Event::StepPolled { .. }
            | Event::Unknown { .. } => {}
        }
        Ok(())
    }

    fn applying(&mut self, scenario: &Scenario, step: &StepId, call: NextCall) -> Held {
        holds("nothing-applied-after-stop", !self.stopped, || format!("{call:?} for {step}"))?;
        holds("no-call-after-abort", !self.aborted, || format!("{call:?} for {step}"))?;
        let done = self.succeeded.contains(step);
        holds("succeeded-stays", !done, || format!("{call:?} for {step}, which has succeeded"))?;
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
            Rest::InDoubt => {
                tally.begun = true;
                *(if has_cause { &mut tally.doubts } else { &mut tally.crashes }) += 1;
            }
            Rest::NotReady | Rest::Window => {}
        }
        tally.resting_until = tally.resting_until.max(Some(until));
        holds("tries-bounded", tally.tries < limits.attempts_max, || {
            format!("{step} tried {} times", tally.tries)
        })
    }

    fn ended(&mut self, scenario: &Scenario, outcome: RunOutcome, counts: &Counts) -> Held {
        self.ended += 1;
        holds("ended-once-per-round", self.ended == 1, || "the round ended again".to_owned())?;
        let ended = self.succeeded.len() + self.failed.len() + self.blocked.len();
        let all = scenario.plan.steps.len();
        let cancelled = all - ended;
        holds("ended-when-all-ended", cancelled == 0 || self.aborted, || format!("{ended} of {all} steps"))?;
        let drained = self.under_way.is_empty();
        holds("drained-before-ended", drained, || format!("{:?} are under way", self.under_way))?;
        let number = |count: usize| u32::try_from(count).expect("a small plan");
        let own = Counts {
            failed: number(self.failed.len()),
            blocked: number(self.blocked.len()),
            cancelled: number(cancelled),
            ..self.counted
        };
        holds("counts-are-the-steps", *counts == own, || format!("{counts:?} instead of {own:?}"))?;
        let well = self.succeeded.len() == all;
        let follows = match outcome {
            RunOutcome::Succeeded => well,
            RunOutcome::Failed => !well && !self.aborted,
            RunOutcome::Aborted => !well && self.aborted,
        };
        holds("outcome-follows-steps", follows, || format!("{outcome:?}"))?;
        let name = if self.round == 0 { "patience-succeeds" } else { "retried-ends-as-never-failed" };
        let failed = outcome == RunOutcome::Failed && scenario.must_succeed();
        holds(name, !failed, || format!("failed: {:?}", self.failed))
    }

    /// A further round: what did not succeed begins anew.
    fn retried(&mut self, round: u32) -> Held {
        holds("rounds-grow", round > self.round.max(1), || format!("{round} after {}", self.round))?;
        holds("retried-after-its-end", self.ended == 1, || "it goes on".to_owned())?;
        (self.round, self.ended, self.stopped, self.aborted) = (round, 0, false, false);
        self.failed.clear();
        self.blocked.clear();
        for tally in self.tallies.values_mut() {
            let (resting_until, intent) = (tally.resting_until, tally.intent);
            *tally = Tally { resting_until, intent, ..Tally::default() };
        }
        Ok(())
    }

    /// An event that ends a call.
    fn answered(&mut self, event: &Event) {
        if let Event::StepApplied { step, .. }
        | Event::StepRested { step, .. }
        | Event::StepFailed { step, .. } = event
        {
            self.under_way.remove(step);
        }
    }

    /// The first call of a step in a round may begin only while its scope's calendar holds all of its change.
    fn in_window(&self, scenario: &Scenario, step: &StepId, clock: Timestamp) -> Held {
        let begun = self.tallies.get(step).is_some_and(|tally| tally.begun);
        let standing = standing(scenario, step, clock, Millis(0));
        let open = matches!(standing, Standing::Open { .. });
        holds("first-call-in-window", open || begun, || format!("{step} at {clock}: {standing:?}"))
    }

    /// Only what has not begun waits for the calendar, and not a moment longer than it must.
    fn shut_out(&self, scenario: &Scenario, step: &StepId, clock: Timestamp, until: Timestamp) -> Held {
        let begun = self.tallies.get(step).is_some_and(|tally| tally.begun);
        holds("begun-is-finished", !begun, || format!("{step} waits for a window"))?;
        let standing = standing(scenario, step, clock, scenario.plan.steps[step].limits.call_timeout);
        let right = matches!(standing, Standing::Shut { opens, .. } if opens == until);
        holds("waits-for-the-next-opening", right, || format!("{step} until {until}: {standing:?}"))
    }

    /// At the very end: a run that succeeded, in whichever round, left exactly one object of ours for each desired one.
    pub fn finished(&self, scenario: &Scenario, now: i64, outcome: Option<RunOutcome>) -> Held {
        if outcome != Some(RunOutcome::Succeeded) {
            return Ok(());
        }
        for (step, thing) in &scenario.world.things {
            let wanted = usize::from(operation(&scenario.plan, step) != Some(Operation::Delete));
            let ours = thing.ours(now);
            holds("no-object-twice", ours == wanted, || format!("{step}: {ours} instead of {wanted}"))?;
        }
        Ok(())
    }

    /// A command, before the shell starts it.
    pub fn command(&mut self, scenario: &Scenario, clock: Timestamp, command: &Command) -> Held {
        let Some(step) = command.step() else { return Ok(()) };
        self.needs_met(scenario, step)?;
        let tally = self.tallies.entry(step.clone()).or_default();
        let rested = tally.resting_until.is_none_or(|until| until <= clock);
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

/// What the true plan's calendar says about the first call of a step after a look of that length.
fn standing(scenario: &Scenario, step: &StepId, clock: Timestamp, look: Millis) -> Standing {
    let needs = Millis(scenario.plan.steps[step].limits.expected.0 + look.0);
    let always = Standing::Open { until: None };
    scenario.plan.calendar.as_ref().map_or(always, |calendar| calendar.standing(clock, needs))
}

/// What a crash leaves must owe the same: each call exactly, and something for each step that had something.
pub fn same_after_crash(before: &State, after: &State) -> Held {
    let name = "owed-after-crash-equals-owed-before";
    for (id, step) in before.steps() {
        let other = after.step(id);
        let same = match (&step.phase, &other.phase) {
            // A wake is not kept: the step is still resting, and wakes at once.
            (Phase::Observing, Phase::Resting { .. }) => step.attempt == other.attempt + 1,
            (Phase::Verifying { since, .. }, Phase::Verifying { since: kept, .. }) => since == kept,
            (one, two) => one == two && step.attempt == other.attempt,
        };
        holds(name, same, || format!("{id}: {:?} became {:?}", step.phase, other.phase))?;
    }
    let standing = |state: &State| (state.round(), state.ended(), state.is_aborting(), state.is_stopping());
    holds(name, standing(before) == standing(after), || "the run stands otherwise".to_owned())?;
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
