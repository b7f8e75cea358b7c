//! One input to the events that follow from it, up to everything that may start now.

use std::collections::BTreeSet;

use super::state::{Phase, State, Wave, apply};
use crate::base::digest::Digest;
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;
use crate::model::entry::Actor;
use crate::model::fleet_event::{Defect, FleetEvent, HaltReason, LaunchOutcome, ScopeOutcome, SkipReason};
use crate::model::plan::{Plan, WavePlan};
use crate::model::wait::OpenItem;

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The launch of the plan with this digest begins. Legal once.
    Started(Digest),
    /// A new holder has the lease and has replayed the log.
    Recovered,
    /// `Command::RunScope` came to this.
    ScopeEnded {
        /// The scope.
        scope: ScopeId,
        /// How it ended.
        outcome: ScopeOutcome,
    },
    /// Stop: no further scope starts.
    StopAsked,
    /// The moment of a `Command::WakeAt` has come.
    TimeReached,
    /// A person pauses the launch. Legal in every state of a launch that has not ended.
    PauseAsked {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person lets a paused launch go on.
    ResumeAsked {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person calls the launch off. Legal in every state of a launch that has not ended.
    AbortAsked {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person takes a scope out of the launch, whether it runs or not.
    SkipAsked {
        /// The scope.
        scope: ScopeId,
        /// Why it does not run, for one that has not started.
        why: SkipReason,
        /// Who.
        by: Actor,
    },
    /// A person wants scopes tried again that failed, were skipped or taken out: all of them, if none is named.
    RetryAsked {
        /// Which.
        scopes: BTreeSet<ScopeId>,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// `Command::JudgeEntry` found these criteria open.
    EntryJudged {
        /// The wave.
        wave: WaveName,
        /// What is open; nothing if it may begin.
        open: Vec<OpenItem>,
    },
    /// `Command::LookAtBake` found this.
    BakeLooked {
        /// The wave.
        wave: WaveName,
        /// How many checks held.
        held: u32,
        /// Those that did not.
        broken: Vec<Defect>,
    },
}

/// What an input comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// These things happened: append them in one step, then fold them, in order. All are durable.
    Accepted(Vec<FleetEvent>),
    /// The input comes too late or twice; it changes nothing.
    Stale,
    /// The input makes no sense for this launch; it changes nothing.
    Refused(Refusal),
}

/// Why an input was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The launch has already begun.
    #[error("the launch has already begun: take it up again instead")]
    AlreadyStarted,
    /// The launch has not begun.
    #[error("the launch has not begun")]
    NotStarted,
    /// The launch has ended.
    #[error("the launch has ended")]
    Ended,
    /// The plan has no such scope.
    #[error("the plan has no scope {0}")]
    UnknownScope(ScopeId),
    /// A site's steps are planned, but the site is in no wave, or in two.
    #[error("the plan does not place {0} in exactly one wave")]
    Misplaced(ScopeId),
    /// A scope needs something that comes no earlier than itself.
    #[error("{scope} cannot need {need}: a site may need regions and the account, a region the account")]
    Backward {
        /// The scope.
        scope: ScopeId,
        /// What it needs.
        need: ScopeId,
    },
}

/// What follows from an input. `plan` is the plan that the state was made from.
pub fn decide(plan: &Plan, state: &State, _now: Timestamp, input: Input) -> Decision {
    if let Some(refusal) = refusal(plan, state, &input) {
        return Decision::Refused(refusal);
    }
    let first = match input {
        Input::Started(digest) => {
            FleetEvent::LaunchStarted { plan: digest, selection: plan.selection.clone() }
        }
        Input::Recovered => FleetEvent::LaunchRecovered {},
        Input::ScopeEnded { scope, outcome } => {
            if !state.is_live() || *state.phase(&scope) != Phase::Running {
                return Decision::Stale;
            }
            FleetEvent::ScopeEnded { scope, outcome }
        }
        Input::StopAsked => {
            if !state.is_live() || state.stopping {
                return Decision::Stale;
            }
            FleetEvent::LaunchStopping {}
        }
        Input::TimeReached
        | Input::PauseAsked { .. }
        | Input::ResumeAsked { .. }
        | Input::AbortAsked { .. }
        | Input::SkipAsked { .. }
        | Input::RetryAsked { .. }
        | Input::EntryJudged { .. }
        | Input::BakeLooked { .. } => return Decision::Stale,
    };
    let mut draft = Draft { plan, state: state.clone(), events: Vec::new() };
    draft.note(first);
    draft.settle();
    Decision::Accepted(draft.events)
}

fn refusal(plan: &Plan, state: &State, input: &Input) -> Option<Refusal> {
    match input {
        Input::Started(_) if state.started => Some(Refusal::AlreadyStarted),
        Input::Started(_) => misplaced(plan).map(Refusal::Misplaced).or_else(|| backward(plan)),
        Input::Recovered | Input::ScopeEnded { .. } | Input::StopAsked if !state.started => {
            Some(Refusal::NotStarted)
        }
        Input::Recovered => state.ended.map(|_| Refusal::Ended),
        Input::ScopeEnded { scope, .. } => {
            (!state.scopes().contains_key(scope)).then(|| Refusal::UnknownScope(scope.clone()))
        }
        Input::StopAsked
        | Input::TimeReached
        | Input::PauseAsked { .. }
        | Input::ResumeAsked { .. }
        | Input::AbortAsked { .. }
        | Input::SkipAsked { .. }
        | Input::RetryAsked { .. }
        | Input::EntryJudged { .. }
        | Input::BakeLooked { .. } => None,
    }
}

/// A site without a place, with two, or with a place but without steps.
fn misplaced(plan: &Plan) -> Option<ScopeId> {
    let mut placed = BTreeSet::new();
    for site in plan.fleet.waves.iter().flat_map(|wave| &wave.sites) {
        let scope = ScopeId::Site(site.clone());
        if !plan.scopes.contains_key(&scope) || !placed.insert(scope.clone()) {
            return Some(scope);
        }
    }
    plan.scopes.keys().find(|scope| scope.site().is_some() && !placed.contains(*scope)).cloned()
}

fn backward(plan: &Plan) -> Option<Refusal> {
    let stage = |scope: &ScopeId| match scope {
        ScopeId::Account => 0,
        ScopeId::Region(_) => 1,
        ScopeId::Site(_) => 2,
    };
    let mut edges =
        plan.scopes.iter().flat_map(|(scope, steps)| steps.needs.iter().map(move |need| (scope, need)));
    let (scope, need) = edges.find(|(scope, need)| stage(need) >= stage(scope))?;
    Some(Refusal::Backward { scope: scope.clone(), need: need.clone() })
}

/// The events so far, and the state after them.
struct Draft<'a> {
    plan: &'a Plan,
    state: State,
    events: Vec<FleetEvent>,
}

impl Draft<'_> {
    fn note(&mut self, event: FleetEvent) {
        apply(&mut self.state, &event);
        self.events.push(event);
    }

    /// Adds everything that became possible, stage by stage: account, regions, wave after wave.
    fn settle(&mut self) {
        let halted = self.stages();
        if self.state.running().next().is_some() {
            return;
        }
        let open = |phase: &Phase| !phase.is_ended();
        let suspended = self.state.scopes().values().any(|phase| *phase == Phase::Suspended);
        if suspended || (self.state.stopping && !halted && self.state.scopes().values().any(open)) {
            self.note(FleetEvent::LaunchSuspended {});
        } else {
            let outcome = self.outcome(halted);
            self.note(FleetEvent::LaunchEnded { outcome });
        }
    }

    /// Whether a wave is halted. Returns at the first stage that has not ended.
    fn stages(&mut self) -> bool {
        let is_region = |scope: &ScopeId| matches!(scope, ScopeId::Region(_));
        let account: Vec<ScopeId> =
            self.plan.scopes.keys().filter(|scope| **scope == ScopeId::Account).cloned().collect();
        let regions: Vec<ScopeId> =
            self.plan.scopes.keys().filter(|scope| is_region(scope)).cloned().collect();
        for stage in [account, regions] {
            self.skip(&stage);
            self.start(&stage, usize::MAX);
            if !self.all_ended(&stage) {
                return false;
            }
        }
        for index in 0..self.state.waves().len() {
            let wave = self.state.waves()[index].clone();
            if self.wave(&self.plan.fleet.waves[index], &wave) {
                return true;
            }
            if !self.all_ended(&wave.sites) {
                return false;
            }
        }
        false
    }

    /// Lets a wave go as far as it may; whether it is halted.
    fn wave(&mut self, limits: &WavePlan, wave: &Wave) -> bool {
        self.skip(&wave.sites);
        if wave.halted.is_some() {
            return true;
        }
        if let Some(why) = self.halt(limits, wave) {
            self.note(FleetEvent::WaveHalted { wave: wave.name.clone(), why });
            return true;
        }
        let canary = self.canary(wave).map(|scope| (*self.state.phase(scope)).clone());
        let places = match canary {
            None => 0,
            Some(Phase::Succeeded) => {
                let left = limits.failure_budget.saturating_sub(self.failed(wave));
                let allowed = limits.max_parallel.max(1).min(left.saturating_add(1)) as usize;
                allowed.saturating_sub(self.busy(wave))
            }
            Some(_) => 1_usize.saturating_sub(self.busy(wave)),
        };
        self.start(&wave.sites, places);
        false
    }

    fn halt(&self, limits: &WavePlan, wave: &Wave) -> Option<HaltReason> {
        let canary = self.canary(wave)?;
        if *self.state.phase(canary) == Phase::Failed {
            return Some(HaltReason::Canary { scope: canary.clone() });
        }
        let (failed, budget) = (self.failed(wave), limits.failure_budget);
        (failed > budget).then_some(HaltReason::Budget { failed, budget })
    }

    /// The first site that was not skipped.
    fn canary<'w>(&self, wave: &'w Wave) -> Option<&'w ScopeId> {
        wave.sites.iter().find(|scope| !matches!(self.state.phase(scope), Phase::Skipped { .. }))
    }

    fn failed(&self, wave: &Wave) -> u32 {
        let failed = wave.sites.iter().filter(|scope| *self.state.phase(scope) == Phase::Failed).count();
        u32::try_from(failed).unwrap_or(u32::MAX)
    }

    /// Sites under way. A suspended one keeps its place.
    fn busy(&self, wave: &Wave) -> usize {
        let busy = |scope: &&ScopeId| matches!(self.state.phase(scope), Phase::Running | Phase::Suspended);
        wave.sites.iter().filter(busy).count()
    }

    fn all_ended(&self, scopes: &[ScopeId]) -> bool {
        scopes.iter().all(|scope| self.state.phase(scope).is_ended())
    }

    /// Skips what needs something that did not end well.
    fn skip(&mut self, scopes: &[ScopeId]) {
        for scope in scopes {
            if *self.state.phase(scope) != Phase::Pending {
                continue;
            }
            let lost = |need: &&ScopeId| match self.state.scopes().get(*need) {
                Some(Phase::Failed | Phase::Skipped { .. }) => true,
                Some(Phase::Pending | Phase::Running | Phase::Suspended | Phase::Succeeded) | None => false,
            };
            let needs = &self.plan.scopes[scope].needs;
            if let Some(need) = needs.iter().find(lost).cloned() {
                self.note(FleetEvent::ScopeSkipped { scope: scope.clone(), why: SkipReason::Need(need) });
            }
        }
    }

    /// Starts as many as there are places, in order. Needs outside the plan were met before it was made.
    fn start(&mut self, scopes: &[ScopeId], places: usize) {
        if self.state.stopping {
            return;
        }
        let met = |state: &State, need: &ScopeId| {
            state.scopes().get(need).is_none_or(|phase| *phase == Phase::Succeeded)
        };
        let ready = |scope: &&ScopeId| {
            *self.state.phase(scope) == Phase::Pending
                && self.plan.scopes[*scope].needs.iter().all(|need| met(&self.state, need))
        };
        let chosen: Vec<ScopeId> = scopes.iter().filter(ready).take(places).cloned().collect();
        for scope in chosen {
            self.note(FleetEvent::ScopeStarted { scope, round: 1 });
        }
    }

    fn outcome(&self, halted: bool) -> LaunchOutcome {
        let phases = self.state.scopes();
        let shared = |scope: &ScopeId| scope.site().is_none();
        let bad = |phase: &Phase| *phase != Phase::Succeeded;
        if phases.values().all(|phase| *phase == Phase::Succeeded) {
            LaunchOutcome::Succeeded
        } else if halted || phases.iter().any(|(scope, phase)| shared(scope) && bad(phase)) {
            LaunchOutcome::Failed
        } else {
            LaunchOutcome::Partial
        }
    }
}
