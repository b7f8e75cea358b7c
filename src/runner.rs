//! Floor 4: the shell around the pure engines. One loop for all scopes of a launch:
//! decide → append durably → fold → start what is owed and not running.
//!
//! Starting, resuming and recovering from a crash are the same code. The loop itself does no I/O but the journal's;
//! calls run as tasks and come back as inputs.

pub mod clock;
pub mod feed;
pub mod known;
pub mod perform;
mod scope_run;
pub mod stop;
mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::id::{LogId, RunId, ScopeId, StepId};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::driver::Driver;
use crate::fleet;
use crate::journal::{Journal, JournalError, Lease};
use crate::model::entry::{Actor, BlobRef, EntryDraft};
use crate::model::event::{Event, RunOutcome};
use crate::model::fleet_event::{FleetEvent, LaunchOutcome, ScopeOutcome};
use crate::model::holdings::Holdings;
use crate::model::plan::SavedPlan;
use clock::Clock;
use feed::Feed;
use known::Known;
use perform::Done;
use scope_run::ScopeRun;
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
}

/// Begins a launch, or takes it up again: which of the two follows from the logs.
///
/// # Errors
///
/// If a lease is held by somebody else, a log cannot be continued, or the journal fails.
pub async fn run(shell: Shell<'_>) -> Result<Left, RunnerError> {
    let mut running = Running::open(shell)?;
    let left = running.drive().await;
    running.release();
    left
}

struct Running<'a> {
    shell: Shell<'a>,
    leases: BTreeMap<LogId, Lease>,
    fleet: fleet::State,
    scopes: BTreeMap<ScopeId, ScopeRun>,
    holdings: BTreeMap<ScopeId, Holdings>,
    known: Known,
    tasks: Tasks,
    /// Recorded in the next append.
    drafts: Vec<EntryDraft>,
    stop_seen: bool,
}

impl<'a> Running<'a> {
    fn open(mut shell: Shell<'a>) -> Result<Self, RunnerError> {
        let leases = take_leases(&mut shell)?;
        let mut running = Self {
            tasks: Tasks::new(shell.clock.clone(), Arc::clone(&shell.driver)),
            fleet: fleet::State::new(&shell.saved.plan),
            shell,
            leases,
            scopes: BTreeMap::new(),
            holdings: BTreeMap::new(),
            known: Known::default(),
            drafts: Vec::new(),
            stop_seen: false,
        };
        running.replay()?;
        Ok(running)
    }

    /// Folds the logs: what we hold, what is known, and where this launch stands.
    fn replay(&mut self) -> Result<(), RunnerError> {
        let saved = self.shell.saved;
        for (scope, plan) in &saved.plan.scopes {
            let lines = self.shell.journal.read(&LogId::Scope(scope.clone()), 0)?;
            let holdings = Holdings::from_entries(lines.iter().map(|line| &line.entry))
                .map_err(|e| RunnerError::Replay(format!("{scope}: {e}")))?;
            let region = plan.needs.iter().find(|need| matches!(need, ScopeId::Region(_))).cloned();
            let held = holdings.iter().map(|(id, _)| id.clone());
            self.known.declare(scope, region, plan.steps.keys().cloned().chain(held));
            for (id, held) in holdings.iter() {
                self.known.set_outputs(scope, id, held.outputs.clone());
            }
            let run = ScopeRun::replay(&self.shell.run, scope, plan, &lines, &mut self.known)
                .map_err(|e| RunnerError::Replay(format!("{scope}: {e}")))?;
            self.holdings.insert(scope.clone(), holdings);
            self.scopes.insert(scope.clone(), run);
        }
        let lines = self.shell.journal.read(&LogId::Org, 0)?;
        let own = lines.iter().filter(|line| line.entry.run.as_ref() == Some(&self.shell.run));
        let mut begun = false;
        for line in own {
            let event = FleetEvent::from_entry(&line.entry.kind, &line.entry.body)
                .map_err(|e| RunnerError::Replay(format!("org: {e}")))?;
            fleet::apply(&mut self.fleet, &event);
            begun = true;
        }
        let input = if begun { fleet::Input::Recovered } else { fleet::Input::Started(saved.digest) };
        self.fleet_input(input)?;
        self.commit()
    }

    async fn drive(&mut self) -> Result<Left, RunnerError> {
        loop {
            self.start_scopes()?;
            self.commit()?;
            if let Some(left) = self.left() {
                return Ok(left);
            }
            self.start_jobs();
            let timer = self.next_timer();
            if self.tasks.len() == 0 && timer.is_none() {
                return Err(RunnerError::Replay(
                    "nothing is under way and nothing is due, yet the launch has not ended".into(),
                ));
            }
            let dones = self.wait(timer).await;
            self.renew_leases()?;
            self.ask_to_stop()?;
            for done in dones {
                self.take(done)?;
            }
            self.wake();
            self.close_scopes()?;
            self.commit()?;
        }
    }

    fn left(&self) -> Option<Left> {
        match self.fleet.ended() {
            Some(outcome) => Some(Left::Ended(outcome)),
            None => self.fleet.is_suspended().then_some(Left::Suspended),
        }
    }

    fn now(&self) -> Timestamp {
        self.shell.clock.now()
    }

    /// Lets scopes run whose turn has come.
    fn start_scopes(&mut self) -> Result<(), RunnerError> {
        for command in fleet::owed(&self.fleet) {
            let fleet::Command::RunScope(scope) = command;
            let run = self.scopes.get_mut(&scope).expect("every scope of the plan was opened");
            if run.is_active() {
                continue;
            }
            let plan = self.shell.saved.plan.scope(&scope);
            let events = run.begin(plan, self.shell.clock.now());
            self.record(&scope, events);
        }
        self.close_scopes()
    }

    /// Starts what is owed and not running, round robin between scopes, as long as there are slots.
    fn start_jobs(&mut self) {
        let saved = self.shell.saved;
        let now = self.now();
        let mut queues: Vec<_> = self
            .scopes
            .iter()
            .filter(|(_, run)| run.is_active())
            .map(|(scope, run)| (scope.clone(), run.startable().into_iter()))
            .collect();
        while self.tasks.len() < limits::CALLS_MAX && !queues.is_empty() {
            queues.retain_mut(|(scope, queue)| {
                let Some(command) = queue.next() else { return false };
                let run = self.scopes.get_mut(scope).expect("an active scope");
                let plan = saved.plan.scope(scope);
                let holdings = &self.holdings[scope];
                let job = run.job(
                    scope,
                    plan,
                    command,
                    scope_run::Surroundings { known: &self.known, holdings, run: &self.shell.run, now },
                );
                self.tasks.start(job);
                true
            });
        }
    }

    fn next_timer(&self) -> Option<Timestamp> {
        self.scopes.values().filter(|run| run.is_active()).filter_map(ScopeRun::next_timer).min()
    }

    /// Waits for an answer, for the next timer, or for somebody to ask for a stop.
    async fn wait(&mut self, timer: Option<Timestamp>) -> Vec<Done> {
        let stop = self.shell.stop.clone();
        let watch = (!self.stop_seen).then_some(&stop);
        self.tasks.wait(timer, watch).await
    }

    fn ask_to_stop(&mut self) -> Result<(), RunnerError> {
        if self.stop_seen || !self.shell.stop.is_asked() {
            return Ok(());
        }
        self.stop_seen = true;
        self.fleet_input(fleet::Input::StopAsked)?;
        let now = self.now();
        let active: Vec<ScopeId> =
            self.scopes.iter().filter(|(_, run)| run.is_active()).map(|(scope, _)| scope.clone()).collect();
        for scope in active {
            let plan = self.shell.saved.plan.scope(&scope);
            let events = self.scopes.get_mut(&scope).expect("an active scope").stop(plan, now);
            self.record(&scope, events);
        }
        Ok(())
    }

    /// Gives an answer to the engine it belongs to.
    fn take(&mut self, done: Done) -> Result<(), RunnerError> {
        let now = self.now();
        let scope = done.scope.clone();
        let plan = self.shell.saved.plan.scope(&scope);
        let run = self.scopes.get_mut(&scope).expect("jobs belong to scopes of the plan");
        let events = run.answer(plan, now, done, self.shell.journal)?;
        self.record(&scope, events);
        Ok(())
    }

    fn wake(&mut self) {
        let now = self.now();
        let due: Vec<ScopeId> = self
            .scopes
            .iter()
            .filter(|(_, run)| run.is_active() && run.next_timer().is_some_and(|at| at <= now))
            .map(|(scope, _)| scope.clone())
            .collect();
        for scope in due {
            let plan = self.shell.saved.plan.scope(&scope);
            let events = self.scopes.get_mut(&scope).expect("an active scope").wake(plan, now);
            self.record(&scope, events);
        }
    }

    /// Tells the fleet about scopes that have come to rest.
    fn close_scopes(&mut self) -> Result<(), RunnerError> {
        let closed: Vec<(ScopeId, ScopeOutcome)> = self
            .scopes
            .iter_mut()
            .filter_map(|(scope, run)| Some((scope.clone(), run.take_closing()?)))
            .map(|(scope, outcome)| {
                let outcome = match outcome {
                    Some(RunOutcome::Succeeded) => ScopeOutcome::Succeeded,
                    Some(RunOutcome::Failed) => ScopeOutcome::Failed,
                    None => ScopeOutcome::Suspended,
                };
                (scope, outcome)
            })
            .collect();
        for (scope, outcome) in closed {
            self.fleet_input(fleet::Input::ScopeEnded { scope, outcome })?;
        }
        Ok(())
    }

    fn fleet_input(&mut self, input: fleet::Input) -> Result<(), RunnerError> {
        let plan = &self.shell.saved.plan;
        let events = match fleet::decide(plan, &self.fleet, input) {
            fleet::Decision::Accepted(events) => events,
            fleet::Decision::Stale => Vec::new(),
            fleet::Decision::Refused(refusal) => return Err(RunnerError::Replay(refusal.to_string())),
        };
        for event in events {
            fleet::apply(&mut self.fleet, &event);
            let refs = match event {
                FleetEvent::LaunchStarted { .. } => self.shell.launch_refs.clone(),
                _ => Vec::new(),
            };
            let draft = self.draft(LogId::Org, event.kind(), None, refs, event.to_body());
            self.drafts.push(draft);
            (self.shell.feed)(&Feed::Fleet { at: self.shell.clock.now(), event: &event });
        }
        Ok(())
    }

    /// Takes events of a scope into what is known, and marks the durable ones to be written.
    fn record(&mut self, scope: &ScopeId, events: Vec<Event>) {
        for event in events {
            let at = self.now();
            ScopeRun::learn(scope, &event, &mut self.known);
            if event.is_durable() {
                let holdings = self.holdings.get_mut(scope).expect("every scope was opened");
                holdings.fold(Some(&self.shell.run), &event);
                let log = LogId::Scope(scope.clone());
                let refs = match event {
                    Event::RunStarted { .. } => self.shell.run_refs.get(scope).cloned().unwrap_or_default(),
                    _ => event.refs(),
                };
                let draft = self.draft(log, event.kind(), event.step().cloned(), refs, event.to_body());
                self.drafts.push(draft);
            }
            (self.shell.feed)(&Feed::Scope { at, scope, event: &event });
        }
    }

    fn draft(
        &self,
        log: LogId,
        kind: &str,
        step: Option<StepId>,
        refs: Vec<BlobRef>,
        body: serde_json::Value,
    ) -> EntryDraft {
        EntryDraft {
            log,
            at: self.now(),
            run: Some(self.shell.run.clone()),
            kind: kind.to_owned(),
            step,
            actor: self.shell.actor.clone(),
            plan: Some(self.shell.saved.digest),
            refs,
            body,
        }
    }

    /// Writes all that has become known in one durable step. Nothing is started before this.
    fn commit(&mut self) -> Result<(), RunnerError> {
        if self.drafts.is_empty() {
            return Ok(());
        }
        let drafts = std::mem::take(&mut self.drafts);
        let leases: Vec<&Lease> = self.leases.values().collect();
        self.shell.journal.append(&leases, drafts)?;
        Ok(())
    }

    fn renew_leases(&mut self) -> Result<(), RunnerError> {
        let now = self.now();
        let half = crate::base::time::Millis(limits::LEASE.0 / 2);
        for lease in self.leases.values_mut().filter(|lease| lease.until < now + half) {
            *lease = self.shell.journal.renew(lease, now, limits::LEASE)?;
        }
        Ok(())
    }

    /// Gives the leases back. A failure here is not worth a failed launch: they end by themselves.
    fn release(&mut self) {
        for lease in self.leases.values() {
            let _ = self.shell.journal.release(lease);
        }
    }
}

/// Takes the leases of all logs of the plan, in one order for everybody, or none.
fn take_leases(shell: &mut Shell<'_>) -> Result<BTreeMap<LogId, Lease>, RunnerError> {
    let now = shell.clock.now();
    let scopes = shell.saved.plan.scopes.keys().cloned().map(LogId::Scope);
    let mut leases: BTreeMap<LogId, Lease> = BTreeMap::new();
    for log in std::iter::once(LogId::Org).chain(scopes) {
        match shell.journal.take_lease(&log, &shell.holder, now, limits::LEASE) {
            Ok(lease) => leases.insert(log, lease),
            Err(error) => {
                for lease in leases.values() {
                    let _ = shell.journal.release(lease);
                }
                return Err(error.into());
            }
        };
    }
    Ok(leases)
}
