//! The fleet engine's stories: scopes that take their time, fail, are suspended, and a process that crashes.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::digest::Digest;
use landfall::base::id::{RegionName, ScopeId, SiteCode, WaveName};
use landfall::fleet::{Command, Decision, Input, State, apply, decide, owed};
use landfall::model::fleet_event::{FleetEvent, LaunchOutcome, ScopeOutcome};
use landfall::model::plan::{FleetPlan, Plan, ScopePlan, Selection, TargetName, WavePlan};

use crate::random::Random;
use crate::shell::guarded;
use crate::watch::{Held, Violation, broken, holds};

/// Turns after which a launch counts as endless.
const TURNS_MAX: u64 = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    ParallelIgnored,
    BudgetIgnored,
    CanaryIgnored,
    NeedsIgnored,
    HaltIgnored,
    OrderIgnored,
    StopIgnored,
    SuspendedTakenForDone,
    EndedTwice,
    StartsNotKept,
}

/// Each mutant with the invariant that kills it.
pub const MUTANTS: [(Mutant, &str); 10] = [
    (Mutant::ParallelIgnored, "parallel-within-limit"),
    (Mutant::BudgetIgnored, "budget-respected"),
    (Mutant::CanaryIgnored, "canary-first"),
    (Mutant::NeedsIgnored, "needs-respected"),
    (Mutant::HaltIgnored, "halted-wave-starts-nothing"),
    (Mutant::OrderIgnored, "waves-in-order"),
    (Mutant::StopIgnored, "nothing-started-after-stop"),
    (Mutant::SuspendedTakenForDone, "success-means-scopes-succeeded"),
    (Mutant::EndedTwice, "ended-exactly-once"),
    (Mutant::StartsNotKept, "fold-equals-incremental"),
];

#[derive(Default, Debug)]
pub struct Tally {
    pub turns: u64,
    pub events: u64,
    pub crashes: u64,
    pub stops: u64,
    pub halted: u64,
    pub skipped: u64,
    pub partial: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.turns += other.turns;
        self.events += other.events;
        self.crashes += other.crashes;
        self.stops += other.stops;
        self.halted += other.halted;
        self.skipped += other.skipped;
        self.partial += other.partial;
    }
}

struct Launch {
    plan: Plan,
    engine_plan: Plan,
    mutant: Option<Mutant>,
    random: Random,
    fails: u64,
    pauses: u64,
    crash: u64,
    stop: u64,
    state: State,
    log: Vec<FleetEvent>,
    /// Scopes that the shell runs.
    running: BTreeSet<ScopeId>,
    watch: Watch,
    tally: Tally,
}

/// What the invariants remember: what truly happened to the scopes, never the engine's state.
#[derive(Default)]
struct Watch {
    started: BTreeSet<ScopeId>,
    /// What the scopes themselves said.
    truly: BTreeMap<ScopeId, ScopeOutcome>,
    skipped: BTreeSet<ScopeId>,
    halted: BTreeSet<WaveName>,
    ended: u32,
    stopped: bool,
}

/// Plays the launch of a seed to its end.
pub fn play(seed: u64, mutant: Option<Mutant>) -> Result<Tally, Violation> {
    guarded(|| Launch::new(seed, mutant).play())
}

fn draw(random: &mut Random) -> Plan {
    let mut scopes = BTreeMap::new();
    let mut put = |scope: ScopeId, needs: BTreeSet<ScopeId>| {
        scopes.insert(
            scope,
            ScopePlan {
                needs,
                steps: BTreeMap::new(),
                calendar: None,
                expected: landfall::base::time::Millis(0),
            },
        );
    };
    let account = random.chance(600);
    if account {
        put(ScopeId::Account, BTreeSet::new());
    }
    let regions: Vec<ScopeId> = (0..random.below(4))
        .map(|n| ScopeId::Region(RegionName::new(format!("region-{n}")).expect("a region")))
        .collect();
    for region in &regions {
        // A need outside the plan was met before.
        put(region.clone(), BTreeSet::from([ScopeId::Account]));
    }
    let (mut waves, mut sites) = (Vec::new(), 0);
    for wave in 0..random.between(0, 4) {
        let mut codes = Vec::new();
        for _ in 0..random.below(7) {
            let code = SiteCode::new(format!("SIT{sites:02}")).expect("a site code");
            let mut needs = BTreeSet::new();
            if !regions.is_empty() {
                needs.insert(regions[random.below(regions.len() as u64) as usize].clone());
            }
            put(ScopeId::Site(code.clone()), needs);
            codes.push(code);
            sites += 1;
        }
        waves.push(WavePlan {
            name: WaveName::new(format!("wave{wave}")).expect("a wave"),
            sites: codes,
            max_parallel: random.between(0, 4) as u32,
            failure_budget: random.below(4) as u32,
        });
    }
    let text = |text: &str| text.to_owned();
    Plan {
        v: 1,
        tool: text("sim"),
        estate: text("sim"),
        lineage: text("sim"),
        target: TargetName { name: text("sim"), account_id: text("sim"), host: text("embedded") },
        selection: Selection::All,
        inputs: BTreeMap::new(),
        packs: BTreeMap::new(),
        parameters: BTreeMap::new(),
        heads: BTreeMap::new(),
        fleet: FleetPlan { waves, failure_budget: None },
        scopes,
        rollback: None,
        consents: Vec::new(),
    }
}

impl Launch {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random::new(seed);
        let plan = draw(&mut random);
        let engine_plan = mutant.map_or_else(|| plan.clone(), |mutant| mutant.plan(&plan));
        let mut rate = |on: u64, most: u64| if random.chance(on) { random.between(1, most) } else { 0 };
        let (fails, pauses, crash, stop) = (rate(600, 400), rate(200, 100), rate(400, 100), rate(300, 60));
        let state = State::new(&engine_plan);
        let (log, running) = (Vec::new(), BTreeSet::new());
        let (watch, tally) = (Watch::default(), Tally::default());
        Self {
            plan,
            engine_plan,
            mutant,
            random,
            fails,
            pauses,
            crash,
            stop,
            state,
            log,
            running,
            watch,
            tally,
        }
    }

    fn play(mut self) -> Result<Tally, Violation> {
        self.turn(Input::Started(Digest::of(b"plan")))?;
        while self.state.ended().is_none() {
            self.tally.turns += 1;
            if self.tally.turns > TURNS_MAX {
                return broken("terminates", "the launch goes on and on").map(|()| self.tally);
            }
            if self.state.is_suspended() || self.random.chance(self.crash) {
                self.tally.crashes += u64::from(!self.state.is_suspended());
                self.state = self.replay();
                self.running.clear();
                self.turn(Input::Recovered)?;
            } else if self.random.chance(self.stop) {
                self.tally.stops += 1;
                self.watch.stopped = true;
                self.turn(Input::StopAsked)?;
            } else {
                self.one_ends()?;
            }
        }
        let late: Vec<ScopeId> = self.plan.scopes.keys().take(1).cloned().collect();
        for scope in late {
            self.turn(Input::ScopeEnded { scope, outcome: ScopeOutcome::Succeeded })?;
        }
        Ok(self.tally)
    }

    /// One of the running scopes ends, and says so once or twice.
    fn one_ends(&mut self) -> Held {
        let count = self.running.len() as u64;
        let chosen = self.random.below(count) as usize;
        let Some(scope) = self.running.iter().nth(chosen).cloned() else {
            return broken("terminates", "nothing runs, and nothing has ended");
        };
        let outcome = if self.state.is_stopping() || self.random.chance(self.pauses) {
            ScopeOutcome::Suspended
        } else if self.random.chance(self.fails) {
            ScopeOutcome::Failed
        } else {
            ScopeOutcome::Succeeded
        };
        self.running.remove(&scope);
        self.watch.truly.insert(scope.clone(), outcome);
        let input = Input::ScopeEnded { scope, outcome };
        self.turn(input.clone())?;
        if self.random.chance(100) && self.state.ended().is_none() && !self.running_again(&input) {
            let before = self.state.clone();
            self.turn(input)?;
            holds("late-changes-nothing", before == self.state, || "an end was told twice".to_owned())?;
        }
        Ok(())
    }

    fn running_again(&self, input: &Input) -> bool {
        matches!(input, Input::ScopeEnded { scope, .. } if self.running.contains(scope))
    }

    fn turn(&mut self, input: Input) -> Held {
        let input = self.mutant.map_or(input.clone(), |mutant| mutant.input(input));
        let stop_ignored = self.mutant == Some(Mutant::StopIgnored) && input == Input::StopAsked;
        let events = match decide(&self.engine_plan, &self.state, input) {
            _ if stop_ignored => Vec::new(),
            Decision::Stale => Vec::new(),
            Decision::Refused(refusal) => return broken("never-refused", refusal.to_string()),
            Decision::Accepted(events) => events,
        };
        let events =
            self.mutant.map_or(events.clone(), |mutant| mutant.events(&self.plan, &self.watch, events));
        for event in events {
            self.watch.event(&self.plan, &event)?;
            self.tally.count(&event);
            let starts = matches!(event, FleetEvent::ScopeStarted { .. });
            if !(starts && self.mutant == Some(Mutant::StartsNotKept)) {
                let back = FleetEvent::from_entry(event.kind(), &event.to_body()).expect("it can be read");
                self.log.push(back);
            }
            apply(&mut self.state, &event);
        }
        let same = self.replay() == self.state;
        holds("fold-equals-incremental", same, || "folding again gives another state".to_owned())?;
        let owed = owed(&self.state).into_iter().map(|Command::RunScope(scope)| scope);
        self.running = owed.collect();
        Ok(())
    }

    fn replay(&self) -> State {
        State::replay(&self.engine_plan, &self.log).expect("no unknown events")
    }
}

impl Tally {
    fn count(&mut self, event: &FleetEvent) {
        self.events += 1;
        match event {
            FleetEvent::WaveHalted { .. } => self.halted += 1,
            FleetEvent::ScopeSkipped { .. } => self.skipped += 1,
            FleetEvent::LaunchEnded { outcome: LaunchOutcome::Partial } => self.partial += 1,
            FleetEvent::LaunchEnded { .. }
            | FleetEvent::LaunchStarted { .. }
            | FleetEvent::LaunchRecovered {}
            | FleetEvent::LaunchStopping {}
            | FleetEvent::LaunchSuspended {}
            | FleetEvent::ScopeStarted { .. }
            | FleetEvent::ScopeEnded { .. }
            | FleetEvent::Unknown { .. } => {}
        }
    }
}

impl Watch {
    fn event(&mut self, plan: &Plan, event: &FleetEvent) -> Held {
        match event {
            FleetEvent::ScopeStarted { scope } => {
                self.starts(plan, scope)?;
                self.started.insert(scope.clone());
                Ok(())
            }
            FleetEvent::ScopeSkipped { scope, need } => {
                let lost = self.is(need, ScopeOutcome::Failed) || self.skipped.contains(need);
                self.skipped.insert(scope.clone());
                let needs = plan.scopes[scope].needs.contains(need);
                holds("skipped-only-behind-failed", lost && needs, || format!("{scope} behind {need}"))
            }
            FleetEvent::WaveHalted { wave, .. } => {
                self.halted.insert(wave.clone());
                Ok(())
            }
            FleetEvent::LaunchRecovered {} => {
                self.stopped = false;
                self.truly.retain(|_, outcome| *outcome != ScopeOutcome::Suspended);
                Ok(())
            }
            FleetEvent::LaunchEnded { outcome } => self.ends(plan, *outcome),
            FleetEvent::LaunchStarted { .. }
            | FleetEvent::LaunchStopping {}
            | FleetEvent::LaunchSuspended {}
            | FleetEvent::ScopeEnded { .. }
            | FleetEvent::Unknown { .. } => Ok(()),
        }
    }

    fn is(&self, scope: &ScopeId, outcome: ScopeOutcome) -> bool {
        self.truly.get(scope) == Some(&outcome)
    }

    fn has_ended(&self, scope: &ScopeId) -> bool {
        let well_or_not = [ScopeOutcome::Succeeded, ScopeOutcome::Failed].iter().any(|o| self.is(scope, *o));
        well_or_not || self.skipped.contains(scope)
    }

    fn starts(&self, plan: &Plan, scope: &ScopeId) -> Held {
        let fine =
            |need: &&ScopeId| plan.scopes.contains_key(*need) && !self.is(need, ScopeOutcome::Succeeded);
        let unmet = plan.scopes[scope].needs.iter().find(fine);
        holds("needs-respected", unmet.is_none(), || format!("{scope} before {unmet:?}"))?;
        holds("nothing-started-after-stop", !self.stopped, || scope.to_string())?;
        let Some(code) = scope.site() else { return Ok(()) };
        let shared = plan.scopes.keys().find(|other| other.site().is_none() && !self.has_ended(other));
        holds("shared-first", shared.is_none(), || format!("{scope} before {shared:?}"))?;
        for wave in &plan.fleet.waves {
            let halted = self.halted.contains(&wave.name);
            holds("halted-wave-starts-nothing", !halted, || {
                format!("{scope} after {} was halted", wave.name)
            })?;
            if wave.sites.contains(code) {
                return self.starts_in(wave, scope);
            }
            let open = wave.sites.iter().map(|code| ScopeId::Site(code.clone())).find(|s| !self.has_ended(s));
            holds("waves-in-order", open.is_none(), || format!("{scope} before {open:?}"))?;
        }
        broken("waves-in-order", format!("{scope} is in no wave"))
    }

    fn starts_in(&self, wave: &WavePlan, scope: &ScopeId) -> Held {
        let sites: Vec<ScopeId> = wave.sites.iter().cloned().map(ScopeId::Site).collect();
        let failed = sites.iter().filter(|site| self.is(site, ScopeOutcome::Failed)).count() as u32;
        let busy =
            sites.iter().filter(|site| self.started.contains(*site) && !self.has_ended(site)).count() as u32;
        holds("budget-respected", failed <= wave.failure_budget, || {
            format!("{scope} after {failed} failures")
        })?;
        let canary = sites.iter().find(|site| !self.skipped.contains(*site)).expect("at least this one");
        let first = canary == scope || self.is(canary, ScopeOutcome::Succeeded);
        holds("canary-first", first, || format!("{scope} before {canary}"))?;
        let most = wave.max_parallel.max(1).min(wave.failure_budget - failed + 1);
        holds("parallel-within-limit", busy < most, || format!("{scope} beside {busy}, {most} at most"))
    }

    fn ends(&mut self, plan: &Plan, outcome: LaunchOutcome) -> Held {
        self.ended += 1;
        holds("ended-exactly-once", self.ended == 1, || "the launch ended again".to_owned())?;
        let well = plan.scopes.keys().all(|scope| self.is(scope, ScopeOutcome::Succeeded));
        let said = outcome == LaunchOutcome::Succeeded;
        holds("success-means-scopes-succeeded", well == said, || format!("{outcome:?}"))?;
        let open = plan.scopes.keys().find(|scope| !self.has_ended(scope));
        let whole = open.is_none() || !self.halted.is_empty();
        holds("ended-when-nothing-may-run", whole, || format!("{open:?} could still run"))?;
        let shared = plan
            .scopes
            .keys()
            .any(|scope| scope.site().is_none() && !self.is(scope, ScopeOutcome::Succeeded));
        let bad = shared || !self.halted.is_empty();
        holds("outcome-follows-scopes", bad == (outcome == LaunchOutcome::Failed), || format!("{outcome:?}"))
    }
}

impl Mutant {
    fn plan(self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        match self {
            Mutant::ParallelIgnored => plan.fleet.waves.iter_mut().for_each(|wave| wave.max_parallel = 100),
            Mutant::BudgetIgnored => {
                plan.fleet.waves.iter_mut().for_each(|wave| wave.failure_budget = u32::MAX)
            }
            Mutant::NeedsIgnored => plan.scopes.values_mut().for_each(|scope| scope.needs.clear()),
            Mutant::OrderIgnored => plan.fleet.waves.reverse(),
            Mutant::CanaryIgnored
            | Mutant::HaltIgnored
            | Mutant::StopIgnored
            | Mutant::SuspendedTakenForDone
            | Mutant::EndedTwice
            | Mutant::StartsNotKept => {}
        }
        plan
    }

    fn input(self, input: Input) -> Input {
        match input {
            Input::ScopeEnded { scope, outcome: ScopeOutcome::Suspended }
                if self == Mutant::SuspendedTakenForDone =>
            {
                Input::ScopeEnded { scope, outcome: ScopeOutcome::Succeeded }
            }
            input => input,
        }
    }

    /// Starts one site more behind an event that should have kept it back.
    fn events(self, plan: &Plan, watch: &Watch, mut events: Vec<FleetEvent>) -> Vec<FleetEvent> {
        let bait = |event: &FleetEvent| match self {
            Mutant::CanaryIgnored => {
                matches!(event, FleetEvent::ScopeStarted { scope } if scope.site().is_some())
            }
            Mutant::HaltIgnored => matches!(event, FleetEvent::WaveHalted { .. }),
            _ => false,
        };
        if let Some(at) = events.iter().position(bait) {
            let fresh = |site: &ScopeId| {
                let named = |e: &FleetEvent| matches!(e, FleetEvent::ScopeStarted { scope } if scope == site);
                !watch.started.contains(site) && !watch.skipped.contains(site) && !events.iter().any(named)
            };
            let sites =
                plan.fleet.waves.iter().flat_map(|wave| wave.sites.iter().cloned().map(ScopeId::Site));
            if let Some(scope) = sites.into_iter().find(fresh) {
                events.insert(at + 1, FleetEvent::ScopeStarted { scope });
            }
        }
        if self == Mutant::EndedTwice
            && let Some(end @ FleetEvent::LaunchEnded { .. }) = events.last().cloned()
        {
            events.push(end);
        }
        events
    }
}
