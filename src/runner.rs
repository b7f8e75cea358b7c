//! Floor 4: the shell around the pure engines. One loop for all scopes of a launch:
//! decide → append durably → fold → start what is owed and not running.
//!
//! Starting, resuming and recovering from a crash are the same code. The loop itself does no I/O but the journal's;
//! calls run as tasks and come back as inputs.

pub mod clock;
pub mod feed;
pub mod known;
mod ledger;
pub mod perform;
mod scope_run;
pub mod stop;
mod tasks;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::driver::Driver;
use crate::fleet;
use crate::journal::{Journal, JournalError};
use crate::model::entry::{Actor, BlobRef};
use crate::model::event::{Event, RunOutcome};
use crate::model::fleet_event::{FleetEvent, LaunchOutcome, ScopeOutcome};
use crate::model::holdings::Holdings;
use crate::model::plan::{LogHead, SavedPlan};
use clock::Clock;
use feed::Feed;
use known::Known;
use ledger::{Ledger, Stamp};
use perform::Done;
use scope_run::{ScopeRun, Surroundings};
use stop::Stop;
use tasks::Tasks;

/// What a launch needs.
pub struct Shell<'a> {
    /// The plan.
    pub saved: &'a SavedPlan,
    /// Files that the launch's first entry names: the plan, and the list of rendered files.
    pub launch_refs: Vec<BlobRef>,
    /// Files that each run's first entry names: the plan, and the scope's rendered files.
    pub run_refs: BTreeMap<ScopeId, Vec<BlobRef>>,
    /// The launch, which is also the run in every scope.
    pub run: RunId,
    /// Where everything is recorded.
    pub journal: &'a mut dyn Journal,
    /// How the target is reached.
    pub driver: Arc<dyn Driver>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Whether somebody asked to stop.
    pub stop: Stop,
    /// Who is doing this.
    pub actor: Actor,
    /// The name under which leases are held.
    pub holder: String,
    /// Who watches.
    pub feed: &'a mut dyn FnMut(&Feed<'_>),
}

/// How a launch left the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It ended.
    Ended(LaunchOutcome),
    /// It was asked to stop and can be taken up again.
    Suspended,
}

/// A launch cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The journal failed; what was recorded until then stands.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The log cannot be continued.
    #[error("{0}")]
    Replay(String),
    /// Logs that the plan rests on have grown before the launch could begin.
    #[error("the plan is stale")]
    Stale {
        /// Which logs, and how.
        changed: Vec<String>,
    },
    /// A bug of ours: better an end than a wait for ever.
    #[error("nothing is under way and nothing is due, yet the launch has not ended")]
    Stuck,
}

/// Begins a launch, or takes it up again: which of the two follows from the logs.
///
/// # Errors
///
/// If a lease is held by somebody else, a log cannot be continued, the plan no longer fits, or the journal fails.
pub async fn run(shell: Shell<'_>) -> Result<Left, RunnerError> {
    let mut running = Running::open(shell)?;
    let left = running.go().await;
    running.ledger.release();
    left
}

/// Logs of the plan's scopes that are not as they were when the plan was made, in words.
pub fn outgrown(saved: &SavedPlan, heads: &BTreeMap<LogId, LogHead>) -> Vec<String> {
    let size = |head: Option<&LogHead>| head.map_or(0, |head| head.size);
    let grown = |scope: &ScopeId| {
        let log = LogId::Scope(scope.clone());
        let (then, now) = (saved.plan.heads.get(&log), heads.get(&log));
        let words = || {
            let (then, now) = (size(then), size(now));
            format!("the log of {scope} has grown from {then} to {now} entries since the plan was made")
        };
        (then != now).then(words)
    };
    saved.plan.scopes.keys().filter_map(grown).collect()
}

struct Running<'a> {
    saved: &'a SavedPlan,
    launch_refs: Vec<BlobRef>,
    run_refs: BTreeMap<ScopeId, Vec<BlobRef>>,
    run: RunId,
    clock: Clock,
    stop: Stop,
    ledger: Ledger<'a>,
    fleet: fleet::State,
    scopes: BTreeMap<ScopeId, ScopeRun>,
    /// Scopes whose runs go on in this process.
    active: BTreeSet<ScopeId>,
    /// The scope that was served last when slots were handed out.
    served: Option<ScopeId>,
    holdings: BTreeMap<ScopeId, Holdings>,
    known: Known,
    tasks: Tasks,
    stop_seen: bool,
}

impl<'a> Running<'a> {
    fn open(shell: Shell<'a>) -> Result<Self, RunnerError> {
        let stamp = Stamp { run: shell.run.clone(), actor: shell.actor, plan: shell.saved.digest };
        let logs = shell.saved.plan.scopes.keys().cloned().map(LogId::Scope);
        let logs = std::iter::once(LogId::Org).chain(logs);
        let ledger = Ledger::open(shell.journal, shell.feed, stamp, logs, &shell.holder, shell.clock.now())?;
        Ok(Self {
            saved: shell.saved,
            launch_refs: shell.launch_refs,
            run_refs: shell.run_refs,
            run: shell.run,
            tasks: Tasks::new(shell.clock.clone(), shell.driver),
            fleet: fleet::State::new(&shell.saved.plan),
            clock: shell.clock,
            stop: shell.stop,
            ledger,
            scopes: BTreeMap::new(),
            active: BTreeSet::new(),
            served: None,
            holdings: BTreeMap::new(),
            known: Known::default(),
            stop_seen: false,
        })
    }

    async fn go(&mut self) -> Result<Left, RunnerError> {
        self.replay()?;
        self.drive().await
    }

    /// Folds the logs: what we hold, what is known, and where this launch stands.
    fn replay(&mut self) -> Result<(), RunnerError> {
        let saved = self.saved;
        for (scope, plan) in &saved.plan.scopes {
            let lines = self.ledger.read(&LogId::Scope(scope.clone()), 0)?;
            let holdings = Holdings::from_entries(lines.iter().map(|line| &line.entry))
                .map_err(|e| RunnerError::Replay(format!("{scope}: {e}")))?;
            let region = plan.needs.iter().find(|need| matches!(need, ScopeId::Region(_))).cloned();
            let held = holdings.iter().map(|(id, _)| id.clone());
            self.known.declare(scope, region, plan.steps.keys().cloned().chain(held));
            for (id, held) in holdings.iter() {
                self.known.set_outputs(scope, id, held.outputs.clone());
            }
            let run = ScopeRun::replay(&self.run, scope, plan, &lines, &mut self.known)
                .map_err(|e| RunnerError::Replay(format!("{scope}: {e}")))?;
            self.holdings.insert(scope.clone(), holdings);
            self.scopes.insert(scope.clone(), run);
        }
        let begun = self.replay_launch()?;
        if !begun {
            // Between the look at the plan and the leases somebody else may have run.
            let changed = outgrown(saved, &self.ledger.heads()?);
            if !changed.is_empty() {
                return Err(RunnerError::Stale { changed });
            }
        }
        let input = if begun { fleet::Input::Recovered } else { fleet::Input::Started(saved.digest) };
        self.fleet_input(input)?;
        Ok(self.ledger.commit()?)
    }

    /// Folds the launch's own entries of the org log; whether there are any.
    fn replay_launch(&mut self) -> Result<bool, RunnerError> {
        let lines = self.ledger.read(&LogId::Org, 0)?;
        let own = lines.iter().filter(|line| line.entry.run.as_ref() == Some(&self.run));
        let events = own
            .map(|line| FleetEvent::from_entry(&line.entry.kind, &line.entry.body))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| RunnerError::Replay(format!("org: {e}")))?;
        self.fleet = fleet::State::replay(&self.saved.plan, &events)
            .map_err(|e| RunnerError::Replay(format!("org: {e}")))?;
        Ok(self.fleet.is_started())
    }

    async fn drive(&mut self) -> Result<Left, RunnerError> {
        loop {
            self.start_scopes()?;
            self.ask_to_stop()?;
            self.ledger.commit()?;
            if let Some(left) = self.left() {
                return Ok(left);
            }
            self.start_jobs();
            let timer = self.next_timer();
            if self.tasks.is_empty() && timer.is_none() {
                return Err(RunnerError::Stuck);
            }
            let dones = self.wait(timer).await;
            self.ledger.renew(self.clock.now())?;
            self.ask_to_stop()?;
            for done in dones {
                self.take(done);
            }
            self.wake();
            self.close_scopes()?;
            self.ledger.commit()?;
        }
    }

    fn left(&self) -> Option<Left> {
        match self.fleet.ended() {
            Some(outcome) => Some(Left::Ended(outcome)),
            None => self.fleet.is_suspended().then_some(Left::Suspended),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn run_of(&mut self, scope: &ScopeId) -> &mut ScopeRun {
        self.scopes.get_mut(scope).expect("every scope of the plan was opened")
    }

    /// Lets scopes run whose turn has come. One without open steps ends at once, and others may follow it.
    fn start_scopes(&mut self) -> Result<(), RunnerError> {
        let saved = self.saved;
        loop {
            let owed = fleet::owed(&self.fleet).into_iter().filter_map(|command| match command {
                fleet::Command::RunScope { scope, .. } => Some(scope),
                fleet::Command::AbortScope(_)
                | fleet::Command::JudgeEntry(_)
                | fleet::Command::LookAtBake { .. }
                | fleet::Command::WakeAt(_) => None,
            });
            let fresh: Vec<ScopeId> = owed.filter(|scope| !self.active.contains(scope)).collect();
            if fresh.is_empty() {
                return Ok(());
            }
            for scope in fresh {
                let (plan, now) = (saved.plan.scope(&scope), self.now());
                let stopping = self.stop_seen;
                let run = self.run_of(&scope);
                let mut events = run.begin(plan, now);
                if stopping {
                    events.extend(run.stop(plan, now));
                }
                self.active.insert(scope.clone());
                self.record(&scope, events);
            }
            self.close_scopes()?;
        }
    }

    /// Starts what is owed and not running as long as there are slots, one scope after the other in turn.
    fn start_jobs(&mut self) {
        let free = limits::CALLS_MAX.saturating_sub(self.tasks.len());
        if free == 0 {
            return;
        }
        let saved = self.saved;
        let queues = turn::after(&self.active, self.served.as_ref())
            .map(|scope| (scope.clone(), self.scopes[scope].startable(free)))
            .collect();
        for (scope, command) in turn::deal(queues, free) {
            let around = Surroundings {
                known: &self.known,
                holdings: &self.holdings[&scope],
                run: &self.run,
                now: self.clock.now(),
            };
            let run = self.scopes.get_mut(&scope).expect("an active scope");
            let job = run.job(&scope, saved.plan.scope(&scope), command, around);
            self.tasks.start(job);
            self.served = Some(scope);
        }
    }

    fn next_timer(&self) -> Option<Timestamp> {
        self.active.iter().filter_map(|scope| self.scopes[scope].next_timer()).min()
    }

    /// Waits for an answer, for the next timer, for the leases to need renewal, or for somebody to ask for a stop.
    async fn wait(&mut self, timer: Option<Timestamp>) -> Vec<Done> {
        let stop = self.stop.clone();
        let watch = (!self.stop_seen).then_some(&stop);
        let until = self.ledger.wait_until(timer, self.clock.is_real());
        self.tasks.wait(until, watch).await
    }

    fn ask_to_stop(&mut self) -> Result<(), RunnerError> {
        if self.stop_seen || !self.stop.is_asked() {
            return Ok(());
        }
        self.stop_seen = true;
        self.fleet_input(fleet::Input::StopAsked)?;
        let (saved, now) = (self.saved, self.now());
        for scope in self.active.clone() {
            let events = self.run_of(&scope).stop(saved.plan.scope(&scope), now);
            self.record(&scope, events);
        }
        self.close_scopes()
    }

    /// Gives an answer to the engine it belongs to. What arrives for a run at rest changes nothing.
    fn take(&mut self, done: Done) {
        let (saved, now) = (self.saved, self.now());
        let scope = done.scope.clone();
        let (events, blob) = self.run_of(&scope).answer(saved.plan.scope(&scope), now, done);
        self.ledger.keep(blob);
        self.record(&scope, events);
    }

    fn wake(&mut self) {
        let (saved, now) = (self.saved, self.now());
        let is_due = |scope: &&ScopeId| self.scopes[*scope].next_timer().is_some_and(|at| at <= now);
        let due: Vec<ScopeId> = self.active.iter().filter(is_due).cloned().collect();
        for scope in due {
            let events = self.run_of(&scope).wake(saved.plan.scope(&scope), now);
            self.record(&scope, events);
        }
    }

    /// Tells the fleet about scopes that have come to rest. Reads that still run for them are not waited for.
    fn close_scopes(&mut self) -> Result<(), RunnerError> {
        let at_rest = |scope: &&ScopeId| self.scopes[*scope].is_at_rest();
        let closed: Vec<ScopeId> = self.active.iter().filter(at_rest).cloned().collect();
        for scope in closed {
            self.active.remove(&scope);
            let outcome = match self.scopes[&scope].ended() {
                Some(RunOutcome::Succeeded) => ScopeOutcome::Succeeded,
                Some(RunOutcome::Failed) => ScopeOutcome::Failed,
                Some(RunOutcome::Aborted) => ScopeOutcome::Aborted,
                None => ScopeOutcome::Suspended,
            };
            self.fleet_input(fleet::Input::ScopeEnded { scope, outcome })?;
        }
        Ok(())
    }

    fn fleet_input(&mut self, input: fleet::Input) -> Result<(), RunnerError> {
        let events = match fleet::decide(&self.saved.plan, &self.fleet, self.clock.now(), input) {
            fleet::Decision::Accepted(events) => events,
            fleet::Decision::Stale => Vec::new(),
            fleet::Decision::Refused(refusal) => return Err(RunnerError::Replay(refusal.to_string())),
        };
        for event in events {
            fleet::apply(&mut self.fleet, &event);
            let refs = if matches!(event, FleetEvent::LaunchStarted { .. }) {
                self.launch_refs.clone()
            } else {
                Vec::new()
            };
            self.ledger.fleet(self.clock.now(), event, refs);
        }
        Ok(())
    }

    /// Takes events of a scope into what is known, and marks the durable ones to be written.
    fn record(&mut self, scope: &ScopeId, events: Vec<Event>) {
        for event in events {
            ScopeRun::learn(scope, &event, &mut self.known);
            if event.is_durable() {
                let holdings = self.holdings.get_mut(scope).expect("every scope was opened");
                holdings.fold(Some(&self.run), &event);
            }
            let refs = if matches!(event, Event::RunStarted { .. }) {
                self.run_refs.get(scope).cloned().unwrap_or_default()
            } else {
                event.refs()
            };
            self.ledger.scope(self.clock.now(), scope, event, refs);
        }
    }
}
