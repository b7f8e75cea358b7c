//! The loop itself: fold the logs, then decide, record, start and wait until nothing is owed any more.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::agenda::Agenda;
use super::bake::Bakes;
use super::clock::Clock;
use super::feed::Feed;
use super::known::Known;
use super::lanes::Lanes;
use super::ledger::{Ledger, Stamp};
use super::moved::Moved;
use super::perform::Done;
use super::replay::{Replayed, replay};
use super::scope_run::ScopeRun;
use super::stop::Stop;
use super::tasks::Tasks;
use super::{Entry, Left, RunnerError, Shell, outgrown};
use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::fleet;
use crate::model::entry::BlobRef;
use crate::model::fleet_event::FleetEvent;
use crate::model::holdings::Holdings;
use crate::model::plan::SavedPlan;

/// A launch inside this process.
pub(super) struct Running<'a> {
    pub(super) saved: &'a SavedPlan,
    launch_refs: Vec<BlobRef>,
    pub(super) run_refs: BTreeMap<ScopeId, Vec<BlobRef>>,
    pub(super) run: RunId,
    pub(super) clock: Clock,
    stop: Stop,
    pub(super) entry: &'a mut Entry<'a>,
    pub(super) stay: bool,
    pub(super) ledger: Ledger<'a>,
    pub(super) fleet: fleet::State,
    pub(super) scopes: BTreeMap<ScopeId, ScopeRun>,
    /// Scopes whose runs go on in this process.
    pub(super) active: BTreeSet<ScopeId>,
    /// Which of them a turn has to look at.
    pub(super) agenda: Agenda,
    /// Whether anything has happened to the launch since what it owes was followed.
    pub(super) fleet_moved: bool,
    /// To which scopes.
    pub(super) moved: Moved,
    /// What is owed beside the runs of scopes.
    fleet_owed: OnceCell<BTreeSet<fleet::Command>>,
    pub(super) holdings: BTreeMap<ScopeId, Holdings>,
    pub(super) known: Known,
    pub(super) tasks: Tasks,
    pub(super) lanes: Lanes,
    pub(super) calls_at_once: usize,
    pub(super) bakes: Bakes,
    /// When others' wishes are looked at next.
    pub(super) asks_at: Timestamp,
    stop_seen: bool,
}

impl<'a> Running<'a> {
    pub(super) fn open(shell: Shell<'a>) -> Result<Self, RunnerError> {
        let stamp = Stamp { run: shell.run.clone(), actor: shell.actor, plan: shell.saved.digest };
        let logs = shell.saved.plan.scopes.keys().cloned().map(LogId::Scope);
        let logs = std::iter::once(LogId::Org).chain(logs);
        let now = shell.clock.for_leases();
        let ledger = Ledger::open(shell.journal, shell.feed, stamp, logs, &shell.holder, now)?;
        Ok(Self {
            saved: shell.saved,
            launch_refs: shell.launch_refs,
            run_refs: shell.run_refs,
            run: shell.run,
            tasks: Tasks::new(shell.clock.clone(), shell.driver),
            lanes: Lanes::new(shell.rates),
            calls_at_once: shell.calls_at_once.max(1),
            fleet: fleet::State::new(&shell.saved.plan),
            asks_at: shell.clock.now(),
            clock: shell.clock,
            stop: shell.stop,
            entry: shell.entry,
            stay: shell.stay,
            ledger,
            scopes: BTreeMap::new(),
            active: BTreeSet::new(),
            agenda: Agenda::default(),
            fleet_moved: true,
            moved: Moved::All,
            fleet_owed: OnceCell::new(),
            holdings: BTreeMap::new(),
            known: Known::default(),
            bakes: Bakes::default(),
            stop_seen: false,
        })
    }

    /// Says how calls were paced, and gives the leases back.
    pub(super) fn close(mut self) {
        let lanes = self.lanes.report();
        if !lanes.is_empty() {
            self.ledger.tell(&Feed::Paced { at: self.clock.now(), lanes: &lanes });
        }
        self.ledger.release();
    }

    pub(super) async fn go(&mut self) -> Result<Left, RunnerError> {
        self.replay()?;
        self.drive().await
    }

    /// Folds the logs: what we hold, what is known, and where this launch stands.
    fn replay(&mut self) -> Result<(), RunnerError> {
        let saved = self.saved;
        for Replayed { scope, holdings, run, known } in replay(self.ledger.journal(), saved, &self.run)? {
            self.known.absorb(known);
            self.holdings.insert(scope.clone(), holdings);
            self.scopes.insert(scope, run);
        }
        self.learn_what_is_gone_through()?;
        let begun = self.replay_launch()?;
        if !begun {
            // Between the look at the plan and the leases somebody else may have run.
            let changed = outgrown(saved, &self.ledger.heads()?, |log| self.ledger.read(log, 0))?;
            if !changed.is_empty() {
                return Err(RunnerError::Stale { changed });
            }
        }
        self.ledger.note_takeovers(self.clock.now());
        // A launch that has ended is opened again by a wish, if at all.
        if !begun {
            self.fleet_input(fleet::Input::Started(saved.digest))?;
        } else if self.fleet.ended().is_none() {
            self.fleet_input(fleet::Input::Recovered)?;
        }
        self.look_at_asks()?;
        Ok(self.ledger.commit()?)
    }

    /// Workspaces of a region that is no part of the plan, as its log knows them.
    fn learn_what_is_gone_through(&mut self) -> Result<(), RunnerError> {
        let Some(region) = self.saved.plan.through() else { return Ok(()) };
        let lines = self.ledger.read(&LogId::Scope(region.clone()), 0)?;
        let holdings = Holdings::from_entries(lines.iter().map(|line| &line.entry))
            .map_err(|e| RunnerError::Replay(format!("{region}: {e}")))?;
        for (id, outputs) in holdings.outputs() {
            self.known.set_outputs(region, id, outputs.cloned().unwrap_or_default());
        }
        Ok(())
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
        self.fleet_owed.take();
        Ok(self.fleet.is_started())
    }

    async fn drive(&mut self) -> Result<Left, RunnerError> {
        let mut leaving = None;
        loop {
            self.look_at_asks()?;
            self.follow_fleet()?;
            self.ask_to_stop()?;
            self.start_looks();
            self.ledger.commit()?;
            if let Some(left) = self.left() {
                // Whoever leaves because of what it waits for says so, whatever the drain was like.
                return Ok(if left == Left::Suspended { leaving.unwrap_or(left) } else { left });
            }
            // After this, half a lease is left: whatever is started now was started by the logs' writer.
            self.ledger.renew(self.clock.for_leases())?;
            self.start_jobs();
            let timer = self.next_timer();
            if leaving.is_none() && self.tasks.is_empty() {
                leaving = self.leaves(timer)?;
                if leaving.is_some() {
                    self.stop_all()?;
                    continue;
                }
            }
            let dones = self.wait(timer).await;
            self.ledger.renew(self.clock.for_leases())?;
            self.ask_to_stop()?;
            for done in dones {
                self.take(done)?;
            }
            self.wake()?;
            self.close_scopes()?;
            // What came of these answers is recorded together with what the launch makes of it.
        }
    }

    fn left(&self) -> Option<Left> {
        match self.fleet.ended() {
            Some(outcome) => Some(Left::Ended(outcome)),
            None => self.fleet.is_suspended().then(|| self.left_suspended()),
        }
    }

    /// Somebody who asked to stop is told that it stopped; everybody else, what is waited for.
    fn left_suspended(&self) -> Left {
        match self.waits() {
            waits if waits.is_empty() || self.stop_seen => Left::Suspended,
            waits => {
                let due = waits.iter().filter_map(|one| one.until).min();
                Left::Waiting { waits, due }
            }
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits for an answer, for the next timer, for the leases to need renewal, for wishes to be looked at, or for
    /// somebody to ask for a stop. A virtual clock need not stop for leases and wishes: nobody else writes while it jumps.
    async fn wait(&mut self, timer: Option<Timestamp>) -> Vec<Done> {
        let stop = self.stop.clone();
        let watch = (!self.stop_seen).then_some(&stop);
        let renewal = self.now() + self.ledger.wait_at_most(self.clock.for_leases());
        let others = self.clock.is_real().then_some(renewal.min(self.asks_at));
        self.tasks.wait(timer.into_iter().chain(others).min(), watch).await
    }

    fn ask_to_stop(&mut self) -> Result<(), RunnerError> {
        if self.stop_seen || !self.stop.is_asked() {
            return Ok(());
        }
        self.stop_seen = true;
        self.stop_all()
    }

    /// No new scope and no new call from here on.
    fn stop_all(&mut self) -> Result<(), RunnerError> {
        self.fleet_input(fleet::Input::StopAsked)?;
        self.drain()?;
        self.close_scopes()
    }

    /// What the fleet makes of something that is our own doing, and must therefore make sense to it.
    pub(super) fn fleet_input(&mut self, input: fleet::Input) -> Result<(), RunnerError> {
        self.try_fleet_input(input).map(|_| ()).map_err(|refusal| RunnerError::Replay(refusal.to_string()))
    }

    /// What the fleet makes of something; whether it changed anything.
    pub(super) fn try_fleet_input(&mut self, input: fleet::Input) -> Result<bool, fleet::Refusal> {
        self.fleet_moved = true;
        self.fleet_owed.take();
        let events = match fleet::advance(&self.saved.plan, &mut self.fleet, self.clock.now(), input) {
            fleet::Decision::Accepted(events) => events,
            fleet::Decision::Stale => return Ok(false),
            fleet::Decision::Refused(refusal) => return Err(refusal),
        };
        for event in events {
            self.moved.note(&event);
            let refs = if matches!(event, FleetEvent::LaunchStarted { .. }) {
                self.launch_refs.clone()
            } else {
                Vec::new()
            };
            self.ledger.fleet(self.clock.now(), event, refs);
        }
        Ok(true)
    }

    /// What the fleet owes beside the runs of scopes. It follows from its state alone, and there are many turns in which that
    /// stays as it is.
    pub(super) fn fleet_owed(&self) -> &BTreeSet<fleet::Command> {
        self.fleet_owed.get_or_init(|| fleet::owed_beside_scopes(&self.fleet))
    }

    /// Notes how a scope's run stands now, if it goes on.
    pub(super) fn note(&mut self, scope: &ScopeId) {
        if self.active.contains(scope) {
            self.agenda.note(scope, &self.scopes[scope]);
        }
    }

    /// The moment at which others' wishes are to be looked at again.
    pub(super) fn next_asks(&self) -> Timestamp {
        self.now() + limits::ASKS_EVERY
    }
}
