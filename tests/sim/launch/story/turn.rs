//! One turn of the shell: decided, written, folded, looked at, and what is owed begun.

use std::collections::BTreeSet;

use landfall::base::time::Timestamp;
use landfall::fleet::{Command, Decision, Input, State, apply, decide, owed, waits};
use landfall::model::fleet_event::FleetEvent;

use super::{Answer, Job, Story, wake};
use crate::launch::draw::MINUTE;
use crate::launch::world::Told;
use crate::watch::{Held, Violation, holds};

impl Story {
    /// One input from decision to what is started for it.
    pub(super) fn turn(&mut self, input: Input, begun: Option<Timestamp>) -> Result<Answer, Violation> {
        let now = self.now();
        let crashes = self.random.chance(self.rates.crash);
        if crashes && self.random.chance(500) {
            return self.crash();
        }
        let heard = self.mutant.map_or(Some(input.clone()), |mutant| mutant.input(input.clone()));
        let engine_now = self.mutant.map_or(now, |mutant| mutant.now(now));
        let events = match heard {
            None => Vec::new(),
            Some(heard) => match decide(&self.engine_plan, &self.state, engine_now, heard) {
                Decision::Accepted(events) => events,
                Decision::Stale => {
                    self.tally.stale += 1;
                    return Ok(Answer::Stale);
                }
                Decision::Refused(refusal) => {
                    let asked = matches!(
                        input,
                        Input::SkipAsked { .. } | Input::RetryAsked { .. } | Input::Started(_)
                    );
                    self.tally.refused += 1;
                    return holds("never-refused", asked, || refusal.to_string()).map(|()| Answer::Refused);
                }
            },
        };
        let events = match self.mutant {
            Some(mutant) => mutant.events(&self.plan, &self.watch, events),
            None => events,
        };
        if self.talks {
            println!("{now} {input:?}\n    {events:?}");
        }
        self.watch.told(&input, begun.unwrap_or(now), now)?;
        holds("one-writer", self.known == self.log.len(), || "somebody else wrote".to_owned())?;
        for event in events {
            self.take(now, event)?;
        }
        self.watch.between()?;
        if crashes {
            return self.crash();
        }
        self.settled(matches!(input, Input::TimeReached))?;
        if self.random.chance(30) {
            self.fold()?;
        }
        Ok(Answer::Accepted)
    }

    pub(super) fn take(&mut self, now: Timestamp, event: FleetEvent) -> Held {
        self.watch.event(&self.plan, now, &event)?;
        self.tally.count(&event);
        if !self.mutant.is_some_and(|mutant| mutant.forgets(&event)) {
            let back = FleetEvent::from_entry(event.kind(), &event.to_body()).expect("it can be read");
            self.log.push(back);
            self.known += 1;
        }
        apply(&mut self.state, &event);
        Ok(())
    }

    pub(super) fn crash(&mut self) -> Result<Answer, Violation> {
        self.tally.crashes += 1;
        self.is_held = false;
        Ok(Answer::Crashed)
    }

    pub(super) fn fold(&self) -> Held {
        let folded = State::replay(&self.engine_plan, &self.log).expect("no unknown events");
        holds("fold-equals-incremental", folded == self.state, || "folding gives another state".to_owned())
    }

    /// What must hold between two turns; then what is owed is started, and what is not owed any more is let go.
    pub(super) fn settled(&mut self, after_time: bool) -> Held {
        let owed = owed(&self.state);
        let owed = self.mutant.map_or(owed.clone(), |mutant| mutant.owed(owed));
        let wake = wake(&owed);
        let resting = self.state.is_suspended() || self.state.ended().is_some();
        holds("rests-when-suspended", !resting || owed.is_empty(), || format!("{owed:?}"))?;
        for command in &owed {
            match command {
                Command::RunScope { scope, .. } => {
                    let off = self.watch.is_called_off(scope);
                    holds("aborted-gets-no-run", !off, || scope.to_string())?;
                }
                Command::AbortScope(scope) => {
                    let off = self.watch.is_called_off(scope);
                    holds("called-off-when-asked", off, || scope.to_string())?;
                }
                Command::JudgeEntry(_) | Command::LookAtBake { .. } | Command::WakeAt(_) => {
                    holds("nothing-new-while-resting", !self.watch.rests(), || format!("{command:?}"))?;
                }
            }
        }
        if !resting {
            holds("something-goes-on", !owed.is_empty(), || "nothing is owed".to_owned())?;
        }
        let quiet = owed.iter().all(|command| matches!(command, Command::WakeAt(_)));
        let open = self.state.ended().is_none() && (!resting || self.state.paused().is_some());
        if quiet && open {
            let waits = waits(&self.engine_plan, &self.state, self.now());
            let waits = self.mutant.map_or(waits.clone(), |mutant| mutant.waits(waits));
            holds("waits-tell-why", !waits.is_empty(), || format!("{owed:?}"))?;
        }
        if after_time && let Some(wake) = wake {
            holds("time-moves-on", wake > self.now(), || format!("wakes at {wake} again and again"))?;
        }
        self.start(owed)
    }

    pub(super) fn start(&mut self, owed: BTreeSet<Command>) -> Held {
        self.jobs.retain(|command, _| owed.contains(command));
        for command in owed {
            if matches!(command, Command::WakeAt(_)) || self.jobs.contains_key(&command) {
                continue;
            }
            holds("durable-before-acted", self.is_written(&command), || format!("{command:?}"))?;
            let length = match &command {
                Command::RunScope { .. } => self.random.between(1, 120) * MINUTE,
                Command::AbortScope(_) => self.random.between(1, 5) * MINUTE,
                Command::JudgeEntry(_) | Command::LookAtBake { .. } => self.random.between(1, 60) * 1_000,
                Command::WakeAt(_) => 0,
            };
            let job = Job { due: self.time + length, begun: self.now(), told: Told::Nothing };
            self.jobs.insert(command, job);
        }
        if self.state.is_stopping() {
            for job in self.jobs.values_mut().filter(|job| job.told == Told::Nothing) {
                job.told = Told::Stop;
                job.due = job.due.min(self.time + self.random.between(1, 5) * MINUTE);
            }
        }
        Ok(())
    }

    /// Whether the log says why this is to be done.
    pub(super) fn is_written(&self, command: &Command) -> bool {
        self.log.iter().any(|event| match (command, event) {
            (Command::RunScope { scope, round }, FleetEvent::ScopeStarted { scope: it, round: time }) => {
                scope == it && round == time
            }
            (Command::AbortScope(scope), FleetEvent::ScopeAborting { scope: it, .. }) => scope == it,
            (Command::AbortScope(_), FleetEvent::LaunchAborting { .. }) => true,
            (Command::JudgeEntry(wave), FleetEvent::WaveReached { wave: it }) => wave == it,
            (Command::LookAtBake { wave, .. }, FleetEvent::WaveBaking { wave: it, .. }) => wave == it,
            _ => false,
        })
    }
}
