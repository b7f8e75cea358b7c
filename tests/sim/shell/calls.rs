//! What the shell's commands come to: looks that fail, calls that are lost, late, or answered twice.

use landfall::base::id::StepId;
use landfall::base::time::Millis;
use landfall::engine::{Command, Input};
use landfall::model::finding::{Finding, Goal, Look, NextCall, Readback};
use landfall::model::outcome::{ApplyOutcome, Cause, CauseClass};

use super::{Flight, Happening, Shell};
use crate::mutant::Mutant;
use crate::scenario::{Scenario, WANTED, operation, spec};
use crate::watch::{Held, broken};
use crate::world::{Harm, Landing, Mood, Object, Origin};

impl Shell {
    pub(super) fn start(&mut self, command: Command) -> Held {
        match command.clone() {
            Command::WakeAt(_) => Ok(()),
            Command::Observe { step, attempt, look, .. } => {
                let finding = self.look(&step, look);
                let after = self.random.between(1, 300);
                self.answer(after, command, Input::Observed { step, attempt, spec: spec(), finding });
                Ok(())
            }
            Command::Verify { step, attempt, look, .. } => {
                let finding = self.look(&step, look);
                let after = self.random.between(1, 300);
                self.answer(after, command, Input::Verified { step, attempt, spec: spec(), finding });
                Ok(())
            }
            Command::Apply { step, attempt, call, deadline, .. } => {
                self.send(command, step, attempt, call, deadline.as_millis() - self.skew)
            }
        }
    }

    /// Whether a fault befalls this step, within what one step has to bear.
    fn fault(&mut self, step: &StepId, chance: u64) -> bool {
        let spent = self.spent.entry(step.clone()).or_default();
        let befalls = *spent < self.scenario.faults.per_step_max && self.random.chance(chance);
        *spent += u32::from(befalls);
        befalls
    }

    fn look(&mut self, step: &StepId, look: Look) -> Finding {
        let look = self.mutant.map_or(look, |mutant| mutant.look(self.state.as_ref(), look));
        let unreadable =
            |retry| Finding::Unreadable { cause: Cause::new(CauseClass::Internal, "it broke"), retry };
        if self.random.chance(self.scenario.faults.unreadable_for_good) {
            return unreadable(false);
        }
        if self.fault(step, self.scenario.faults.unreadable) {
            return unreadable(true);
        }
        if let Some(read) = self.scenario.reads.get(step) {
            let holds = self.scenario.world.things[read].is_as_wanted(Goal::AsDesired, self.now);
            let readback = Readback::default();
            return if holds && !self.random.chance(self.scenario.faults.check_fails) {
                Finding::Holds { readback }
            } else {
                Finding::Fails { cause: Cause::new(CauseClass::Expectation, "it is not"), readback }
            };
        }
        let lag = self.random.between(0, self.scenario.faults.lag) as i64;
        let operation = operation(&self.scenario.plan, step).expect("checks were dealt with");
        let (finding, id) = self.scenario.world.look(step, operation, look, self.now, lag);
        match id {
            Some(id) => self.found.insert(step.clone(), id),
            None => self.found.remove(step),
        };
        finding
    }

    fn send(&mut self, command: Command, step: StepId, attempt: u32, call: NextCall, deadline: i64) -> Held {
        self.sent.insert((step.clone(), attempt));
        let cause = |what: &str| Cause::new(CauseClass::Busy, what);
        let answer = |outcome| Input::Applied { step: step.clone(), attempt, outcome };
        if self.now >= deadline {
            let outcome =
                ApplyOutcome::Busy { retry_after: None, cause: cause("it could not be sent in time") };
            self.answer_at(self.now, Some(command), answer(outcome));
            return Ok(());
        }
        self.nothing_in_doubt(&step, call)?;
        self.tally.calls += 1;
        let after = self.random.between(1, 300);
        if self.fault(&step, self.scenario.faults.busy) {
            let asked = Millis(self.random.between(1, 20_000));
            let retry_after = self.scenario.faults.retry_after.then_some(asked);
            self.answer(after, command, answer(ApplyOutcome::Busy { retry_after, cause: cause("busy") }));
            return Ok(());
        }
        if self.scenario.world.things[&step].mood == Mood::Jammed {
            self.answer(
                after,
                command,
                answer(ApplyOutcome::Busy { retry_after: None, cause: cause("jammed") }),
            );
            return Ok(());
        }
        if self.random.chance(self.scenario.faults.refused) {
            let cause = Cause::new(CauseClass::PermissionDenied, "not allowed");
            self.answer(after, command, answer(ApplyOutcome::Refused(cause)));
            return Ok(());
        }
        self.fly(command, Landing { step, call, object: None }, attempt, deadline);
        Ok(())
    }

    /// The call is on its way: it lands by its deadline or never, and its answer comes or does not.
    fn fly(&mut self, command: Command, mut landing: Landing, attempt: u32, deadline: i64) {
        landing.object = self.found.get(&landing.step).copied();
        let step = landing.step.clone();
        // No call outlives its own time limit, however far the clock was set back since it was decided upon.
        let limit = self.scenario.plan.steps[&step].limits.call_timeout.0;
        let deadline = deadline.min(self.now + limit as i64);
        let outlives = self.mutant == Some(Mutant::DeadlineIgnored);
        let last = if outlives { deadline + 60_000 } else { deadline };
        let flight = self.flights.len();
        self.flights.push(Flight { landing, attempt, final_at: last });
        let left = (last - self.now) as u64;
        let quickly = self.random.between(1, left.min(2_000));
        let deaf = self.scenario.world.things[&step].mood == Mood::Deaf;
        let lost_before = deaf || self.fault(&step, self.scenario.faults.lost_before);
        let lost_after = !lost_before && self.fault(&step, self.scenario.faults.lost_after);
        if !lost_before && !lost_after {
            let answer = Some((self.epoch, command));
            self.later(quickly, Happening::Land { flight, answer });
            return;
        }
        if lost_after {
            let lands = self.random.between(1, left);
            self.later(lands, Happening::Land { flight, answer: None });
        }
        // The caller gives up at the deadline, or earlier if the connection breaks.
        let until_deadline = (deadline - self.now) as u64;
        let gives_up =
            if self.random.chance(500) { until_deadline } else { self.random.between(1, until_deadline) };
        let cause = Cause::new(CauseClass::NoAnswer, "no answer");
        let input = Input::Applied { step, attempt, outcome: ApplyOutcome::NoAnswer(cause) };
        self.answer(gives_up, command, input);
    }

    /// No call may be sent while another one for the same object may still have its effect.
    fn nothing_in_doubt(&self, step: &StepId, call: NextCall) -> Held {
        let open = |flight: &&Flight| flight.landing.step == *step && flight.final_at > self.now;
        match self.flights.iter().find(open) {
            None => Ok(()),
            Some(Flight { landing, final_at, .. }) => {
                let other = landing.call;
                broken(
                    "no-call-while-in-doubt",
                    format!("{call:?} for {step} while {other:?} may land until {final_at}"),
                )
            }
        }
    }

    /// A call of a holder that is thought to be gone: it lands by its deadline or never, and nobody takes its answer.
    pub(super) fn linger_on(&mut self, landing: Landing, attempt: u32, deadline: i64) -> Held {
        self.lingering -= 1;
        let limit = self.scenario.plan.steps[&landing.step].limits.call_timeout.0;
        let deadline = deadline.min(self.now + limit as i64);
        if self.now >= deadline {
            return Ok(());
        }
        self.nothing_in_doubt(&landing.step, landing.call)?;
        let reaches = self.scenario.world.things[&landing.step].mood == Mood::Fair;
        let flight = self.flights.len();
        self.flights.push(Flight { landing, attempt, final_at: deadline });
        if reaches {
            let lands = self.random.between(1, (deadline - self.now) as u64);
            self.later(lands, Happening::Land { flight, answer: None });
        }
        Ok(())
    }

    pub(super) fn land(&mut self, flight: usize, answer: Option<(u64, Command)>) -> Held {
        let landing = self.flights[flight].landing.clone();
        let (step, call) = (landing.step.clone(), landing.call);
        if answer.is_some() && self.is_overtaken(&step, call) {
            let foreign = Object::standing(self.scenario.world.new_id(), Origin::Foreign, WANTED);
            self.scenario.world.things.get_mut(&step).expect("a thing of the plan").join(self.now, foreign);
        }
        let Scenario { world, faults, .. } = &mut self.scenario;
        let (outcome, harm) = world.land(&landing, &mut self.random, faults, self.now);
        match harm {
            Ok(()) => {}
            Err(Harm::Foreign) => return broken("foreign-never-touched", format!("{call:?} of {step}")),
            Err(Harm::Outside) => return broken("stale-never-overwritten", format!("{call:?} of {step}")),
        }
        let twice = self.scenario.world.things[&step].ours(self.now) > 1;
        if twice {
            return broken("no-object-twice", format!("{step} after {call:?}"));
        }
        if let Some((epoch, command)) = answer {
            let attempt = self.flights[flight].attempt;
            if epoch == self.epoch {
                self.answer(1, command, Input::Applied { step, attempt, outcome });
            }
        }
        Ok(())
    }

    /// Whether somebody else makes an object of that name between our look and our create. Only where no call of ours
    /// is ever in doubt: if one were, nobody could tell whose object it is.
    fn is_overtaken(&mut self, step: &StepId, call: NextCall) -> bool {
        let faults = &self.scenario.faults;
        let certain = faults.hopeless && faults.crash == 0;
        let first = self.flights.iter().filter(|flight| flight.landing.step == *step).count() == 1;
        let unique = self.scenario.world.things[step].unique;
        certain && first && unique && call == NextCall::Create && self.random.chance(100)
    }
}
