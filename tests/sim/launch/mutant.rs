//! Ways to break a guard, each with the invariant that must notice.

use std::collections::BTreeSet;

use landfall::base::id::ScopeId;
use landfall::base::time::{Millis, Timestamp};
use landfall::fleet::{Command, Input, Waiting};
use landfall::model::fleet_event::{Batch, FleetEvent, ScopeOutcome};
use landfall::model::plan::Plan;

use super::draw::HOUR;
use super::watch::Watch;

macro_rules! mutants {
    ($count:literal: $($name:ident => $invariant:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant {
            $($name,)*
        }

        /// Each mutant with the invariant that kills it.
        pub const MUTANTS: [(Mutant, &str); $count] = [$((Mutant::$name, $invariant),)*];
    };
}

mutants!(37:
    // The plan as the engine sees it.
    ParallelIgnored => "parallel-within-limit",
    BudgetIgnored => "budget-respected",
    LaunchBudgetIgnored => "launch-budget-respected",
    NeedsIgnored => "needs-respected",
    OrderIgnored => "waves-in-order",
    WindowIgnored => "window-respected",
    LengthIgnored => "window-respected",
    BakeIgnored => "baked-before-next",
    LastBakeIgnored => "baked-before-ended",
    BakeCutShort => "bake-watched-to-its-end",
    EntryIgnored => "entered-before-started",
    // What the engine is told.
    SuspendedTakenForDone => "ended-when-drained",
    FailureForgiven => "success-means-scopes-succeeded",
    StopIgnored => "nothing-started-after-stop",
    PauseIgnored => "nothing-started-while-paused",
    AbortIgnored => "aborted-gets-no-run",
    SkipIgnored => "taken-out-never-starts",
    BrokenLookIgnored => "broken-twice-halts",
    OpenCriteriaIgnored => "entered-when-nothing-open",
    ClockAhead => "window-respected",
    // What comes of it.
    CanaryIgnored => "canary-first",
    CanaryNotBaked => "baked-before-next",
    StartsAfterAbort => "nothing-started-after-abort",
    ConfirmedAtOnce => "confirmed-later",
    HaltIgnored => "halted-wave-starts-nothing",
    HaltLost => "outcome-follows-scopes",
    EndedTwice => "ended-exactly-once",
    RoundsStuck => "rounds-in-order",
    WaitingRepeated => "waiting-written-once",
    BarredRepeated => "barred-written-once",
    // What the shell does with it.
    StartsNotKept => "durable-before-acted",
    EndsNotKept => "fold-equals-incremental",
    AbortedRunsOn => "aborted-gets-no-run",
    TimersLost => "something-goes-on",
    TimersStuck => "time-moves-on",
    WaitsSilent => "waits-tell-why",
    LateHolderWrites => "one-writer",
);

impl Mutant {
    pub fn plan(self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        let waves = plan.fleet.waves.iter_mut();
        match self {
            Mutant::ParallelIgnored => waves.for_each(|wave| wave.max_parallel = 100),
            Mutant::BudgetIgnored => waves.for_each(|wave| wave.failure_budget = u32::MAX),
            Mutant::LaunchBudgetIgnored => plan.fleet.failure_budget = None,
            Mutant::NeedsIgnored => plan.scopes.values_mut().for_each(|scope| scope.needs.clear()),
            Mutant::OrderIgnored => plan.fleet.waves.reverse(),
            Mutant::WindowIgnored => plan.scopes.values_mut().for_each(|scope| scope.calendar = None),
            Mutant::LengthIgnored => plan.scopes.values_mut().for_each(|scope| scope.expected = Millis(0)),
            Mutant::BakeIgnored => waves.for_each(|wave| wave.bake = None),
            Mutant::LastBakeIgnored => {
                plan.fleet.waves.iter_mut().rev().take(1).for_each(|wave| wave.bake = None)
            }
            Mutant::BakeCutShort => {
                waves.filter_map(|wave| wave.bake.as_mut()).for_each(|bake| bake.length.0 /= 2);
            }
            Mutant::EntryIgnored => waves.for_each(|wave| wave.entry.clear()),
            _ => {}
        }
        plan
    }

    /// What the engine is told, if it is told at all.
    pub fn input(self, input: Input) -> Option<Input> {
        match (self, input) {
            (Mutant::StopIgnored, Input::StopAsked)
            | (Mutant::PauseIgnored, Input::PauseAsked { .. })
            | (Mutant::AbortIgnored, Input::AbortAsked { .. })
            | (Mutant::SkipIgnored, Input::SkipAsked { .. }) => None,
            (
                Mutant::SuspendedTakenForDone,
                Input::ScopeEnded { scope, outcome: ScopeOutcome::Suspended },
            )
            | (Mutant::FailureForgiven, Input::ScopeEnded { scope, outcome: ScopeOutcome::Failed }) => {
                Some(Input::ScopeEnded { scope, outcome: ScopeOutcome::Succeeded })
            }
            (Mutant::BrokenLookIgnored, Input::BakeLooked { wave, held, .. }) => {
                Some(Input::BakeLooked { wave, held, broken: Vec::new() })
            }
            (Mutant::OpenCriteriaIgnored, Input::EntryJudged { wave, .. }) => {
                Some(Input::EntryJudged { wave, open: Vec::new() })
            }
            (_, input) => Some(input),
        }
    }

    pub fn now(self, now: Timestamp) -> Timestamp {
        if self == Mutant::ClockAhead { now + Millis(5 * HOUR) } else { now }
    }

    pub fn events(self, plan: &Plan, watch: &Watch, mut events: Vec<FleetEvent>) -> Vec<FleetEvent> {
        self.bait(plan, watch, &mut events);
        match self {
            Mutant::HaltLost => events.retain(|event| !matches!(event, FleetEvent::WaveHalted { .. })),
            Mutant::ConfirmedAtOnce => {
                if let Some(FleetEvent::WaveLooked { wave, at, .. }) = events.last().cloned() {
                    events.push(FleetEvent::WaveDue { wave, at });
                }
            }
            Mutant::EndedTwice => {
                if let Some(end @ FleetEvent::LaunchEnded { .. }) = events.last().cloned() {
                    events.push(end);
                }
            }
            Mutant::RoundsStuck => events.iter_mut().for_each(|event| {
                if let FleetEvent::ScopeStarted { round, .. } = event {
                    *round = 1;
                }
            }),
            Mutant::WaitingRepeated => double(&mut events, |e| matches!(e, FleetEvent::ScopeWaiting { .. })),
            Mutant::BarredRepeated => double(&mut events, |e| matches!(e, FleetEvent::WaveBarred { .. })),
            _ => {}
        }
        events
    }

    /// Starts one site more behind an event that should have kept it back.
    fn bait(self, plan: &Plan, watch: &Watch, events: &mut Vec<FleetEvent>) {
        let bait = |event: &FleetEvent| match (self, event) {
            (Mutant::CanaryIgnored, FleetEvent::ScopeStarted { scope, .. }) => scope.site().is_some(),
            (Mutant::HaltIgnored, FleetEvent::WaveHalted { .. })
            | (Mutant::StartsAfterAbort, FleetEvent::LaunchAborting { .. })
            | (Mutant::CanaryNotBaked, FleetEvent::WaveBaking { batch: Batch::Canary, .. }) => true,
            _ => false,
        };
        let Some(at) = events.iter().position(bait) else { return };
        let named = |site: &ScopeId| {
            events.iter().any(|e| matches!(e, FleetEvent::ScopeStarted { scope, .. } if scope == site))
        };
        let mut sites =
            plan.fleet.waves.iter().flat_map(|wave| wave.sites.iter().cloned().map(ScopeId::Site));
        if let Some(scope) = sites.find(|site| watch.is_fresh(site) && !named(site)) {
            let round = watch.round(&scope) + 1;
            events.insert(at + 1, FleetEvent::ScopeStarted { scope, round });
        }
    }

    /// Whether the shell forgets to write this event down.
    pub fn forgets(self, event: &FleetEvent) -> bool {
        match self {
            Mutant::StartsNotKept => matches!(event, FleetEvent::ScopeStarted { .. }),
            Mutant::EndsNotKept => matches!(event, FleetEvent::ScopeEnded { .. }),
            _ => false,
        }
    }

    pub fn owed(self, owed: BTreeSet<Command>) -> BTreeSet<Command> {
        let change = |command| match (self, command) {
            (Mutant::AbortedRunsOn, Command::AbortScope(scope)) => {
                Some(Command::RunScope { scope, round: 1 })
            }
            (Mutant::TimersLost, Command::WakeAt(_)) => None,
            (Mutant::TimersStuck, Command::WakeAt(_)) => Some(Command::WakeAt(Timestamp::from_millis(0))),
            (_, command) => Some(command),
        };
        owed.into_iter().filter_map(change).collect()
    }

    pub fn waits(self, waits: Vec<Waiting>) -> Vec<Waiting> {
        if self == Mutant::WaitsSilent { Vec::new() } else { waits }
    }
}

fn double(events: &mut Vec<FleetEvent>, which: impl Fn(&FleetEvent) -> bool) {
    if let Some(at) = events.iter().position(which) {
        events.insert(at, events[at].clone());
    }
}
