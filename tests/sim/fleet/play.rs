//! The loop: decide, fold, offer what is owed to the queue, let out what slots and lanes allow, and jump to the next
//! moment. It is the shell's, without its journal, tasks and leases.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use landfall::base::digest::Digest;
use landfall::base::id::{RunId, ScopeId, StepId};
use landfall::base::time::{Millis, Timestamp};
use landfall::engine::{self, Command};
use landfall::fleet;
use landfall::model::event::{Event, RunOutcome};
use landfall::model::finding::{Finding, Readback};
use landfall::model::fleet_event::{FleetEvent, LaunchOutcome, ScopeOutcome};
use landfall::model::outcome::ApplyOutcome;
use landfall::model::plan::{Operation, Plan, Reconcile, ScopePlan, Work};
use landfall::pacing::charge::{Charge, reads, verb_of};
use landfall::pacing::queue::{Queue, Urgency, Which};
use landfall::pacing::{Pacer, Rates};
use serde_json::Value;

use super::service::{Gate, READ, WRITE, host, ready_in};

/// What came of a launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// From its begin to its end.
    pub makespan: Millis,
    /// When each site ended, from the begin.
    pub ends: BTreeMap<ScopeId, Millis>,
    /// Calls that went out.
    pub calls: u64,
    /// Calls that a service would have refused as too many.
    pub refused: u64,
    /// Looks that found something not ready yet.
    pub polls: u64,
    /// Events of all engines.
    pub events: u64,
    /// A digest over every call with its moment: the same seed gives the same.
    pub digest: Digest,
    /// Calls of each host that belongs to no site alone, by lane.
    pub shared: BTreeMap<String, u64>,
}

/// One scope under way.
struct Scope<'p> {
    name: ScopeId,
    plan: &'p ScopePlan,
    state: engine::State,
    timer: Option<Timestamp>,
    /// When the object of a step is there and ready; absent before its create was answered.
    ready: BTreeMap<StepId, Timestamp>,
    facts: BTreeMap<StepId, Facts<'p>>,
    paid: BTreeSet<StepId>,
}

/// What calls of a step are about, looked up once.
struct Facts<'p> {
    host: String,
    object: &'p Reconcile,
    checks: bool,
    /// What a look may lead to.
    then: Option<Operation>,
    /// Whether the object takes its time after its call.
    slow: bool,
    expected: Millis,
}

/// One call that takes its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Straggler {
    /// The scope of the step whose calls it is.
    pub scope: ScopeId,
    /// The step.
    pub step: StepId,
    /// How long its calls take.
    pub takes: Millis,
}

struct Play<'p> {
    plan: &'p Plan,
    seed: u64,
    straggler: Option<&'p Straggler>,
    slots: usize,
    now: Timestamp,
    fleet: fleet::State,
    names: BTreeMap<ScopeId, usize>,
    scopes: Vec<Option<Scope<'p>>>,
    queue: Queue<usize, StepId, Command>,
    pacer: Pacer,
    arriving: BinaryHeap<Reverse<(Timestamp, u64, usize, Command)>>,
    timers: BTreeSet<(Timestamp, usize)>,
    gate: Gate,
    sent: u64,
    polls: u64,
    events: u64,
    trace: Vec<u8>,
    ends: BTreeMap<ScopeId, Millis>,
    shared: BTreeMap<String, u64>,
}

fn begin() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

/// Plays one launch to its end.
///
/// # Panics
///
/// If it does not end well.
pub fn play(plan: &Plan, seed: u64, slots: usize, rates: &Rates) -> Played {
    play_with(plan, seed, slots, rates, None)
}

/// The same with one call that takes its time.
///
/// # Panics
///
/// If it does not end well.
pub fn play_with(
    plan: &Plan,
    seed: u64,
    slots: usize,
    rates: &Rates,
    straggler: Option<&Straggler>,
) -> Played {
    let names: BTreeMap<ScopeId, usize> =
        plan.scopes.keys().enumerate().map(|(at, name)| (name.clone(), at)).collect();
    let mut play = Play {
        plan,
        seed,
        straggler,
        slots,
        now: begin(),
        fleet: fleet::State::new(plan),
        scopes: plan.scopes.keys().map(|_| None).collect(),
        names,
        queue: Queue::new(),
        pacer: Pacer::new(rates.clone()),
        arriving: BinaryHeap::new(),
        timers: BTreeSet::new(),
        gate: Gate::default(),
        sent: 0,
        polls: 0,
        events: 0,
        trace: Vec::new(),
        ends: BTreeMap::new(),
        shared: BTreeMap::new(),
    };
    play.fleet_input(fleet::Input::Started(Digest::of(b"simulation")));
    while play.fleet.ended().is_none() {
        play.turn();
    }
    assert_eq!(play.fleet.ended(), Some(LaunchOutcome::Succeeded), "the launch ends well");
    Played {
        makespan: play.now.since(begin()),
        ends: play.ends,
        calls: play.gate.calls,
        refused: play.gate.refused,
        polls: play.polls,
        events: play.events,
        digest: Digest::of(&play.trace),
        shared: play.shared,
    }
}

impl<'p> Play<'p> {
    fn turn(&mut self) {
        self.send_all();
        let arrives = self.arriving.peek().map(|Reverse((at, ..))| *at);
        let timer = self.timers.first().map(|(at, _)| *at);
        let lane = if self.arriving.len() < self.slots { self.queue.ready_at() } else { None };
        let next = arrives.into_iter().chain(timer).chain(lane).min().expect("something is under way or due");
        self.now = self.now.max(next);
        while self.arriving.peek().is_some_and(|Reverse((at, ..))| *at <= self.now) {
            let Reverse((_, _, at, command)) = self.arriving.pop().expect("it was just seen");
            self.arrived(at, command);
        }
        while let Some((_, at)) = self.timers.first().copied().filter(|(at, _)| *at <= self.now) {
            self.input(at, engine::Input::TimeReached);
        }
    }

    fn send_all(&mut self) {
        while self.arriving.len() < self.slots {
            let Some(out) = self.queue.next(Some(&mut self.pacer), self.now, Which::All) else { return };
            self.send(out.who, out.call);
        }
    }

    fn send(&mut self, at: usize, command: Command) {
        let scope = self.scopes[at].as_mut().expect("a scope under way");
        let step = command.step().expect("timers are not sent");
        let facts = &scope.facts[step];
        let charge = facts.charge(self.pacer.rates());
        let (lane, takes) = match &command {
            Command::WakeAt(_) => unreachable!("timers are not sent"),
            Command::Apply { call, .. } => {
                let lane = charge.lane(verb_of(*call));
                if !scope.paid.remove(step) {
                    lane.iter().for_each(|lane| self.pacer.take(lane, self.now));
                }
                let slow = self.straggler.filter(|slow| slow.scope == scope.name && slow.step == *step);
                (lane, slow.map_or(WRITE, |slow| slow.takes))
            }
            Command::Observe { .. } => {
                let has_id = scope.ready.contains_key(step);
                if charge.look(has_id || facts.checks, facts.then).1 {
                    scope.paid.insert(step.clone());
                }
                (charge.read(has_id), READ)
            }
            Command::Verify { .. } => (charge.lane(reads(scope.ready.contains_key(step))), READ),
        };
        if let Some(lane) = &lane {
            self.gate.enter(self.pacer.rates(), lane, self.now);
            if !lane.host.contains("/site/") {
                *self.shared.entry(format!("{} {}", lane.host, lane.family)).or_default() += 1;
            }
        }
        self.sent += 1;
        let mut line = self.now.as_millis().to_be_bytes().to_vec();
        line.extend(u32::try_from(at).expect("few scopes").to_be_bytes());
        line.extend(step.as_str().as_bytes());
        self.trace.extend(line);
        self.arriving.push(Reverse((self.now + takes, self.sent, at, command)));
    }

    fn arrived(&mut self, at: usize, command: Command) {
        let (seed, now) = (self.seed, self.now);
        let scope = self.scopes[at].as_mut().expect("a scope under way");
        let input = match command {
            Command::WakeAt(_) => unreachable!("timers are not sent"),
            Command::Apply { step, attempt, .. } => {
                let ready = ready_in(seed, &scope.name, &step, scope.plan);
                scope.ready.insert(step.clone(), now + ready);
                let id = Some(step.to_string());
                engine::Input::Applied { step, attempt, outcome: ApplyOutcome::Done { id } }
            }
            Command::Observe { step, attempt, .. } => {
                let finding = match scope.facts[&step].checks {
                    true => Finding::Holds { readback: Readback::default() },
                    false => Finding::Absent,
                };
                engine::Input::Observed { step, attempt, spec: Value::Null, finding }
            }
            Command::Verify { step, attempt, .. } => {
                let ready = scope.ready[&step] <= now;
                let finding = if ready {
                    Finding::Matches { readback: Readback::default() }
                } else {
                    self.polls += 1;
                    Finding::Pending { state: "PROVISIONING".to_owned(), id: None }
                };
                engine::Input::Verified { step, attempt, spec: Value::Null, finding }
            }
        };
        self.input(at, input);
    }

    fn input(&mut self, at: usize, input: engine::Input) {
        let scope = self.scopes[at].as_mut().expect("a scope under way");
        match engine::decide(scope.plan, &scope.state, self.now, input) {
            engine::Decision::Accepted(events) => {
                self.events += events.len() as u64;
                events.iter().for_each(|event: &Event| engine::apply(&mut scope.state, event));
            }
            other => panic!("{}: {other:?}", scope.name),
        }
        self.offer(at);
        let scope = self.scopes[at].as_ref().expect("a scope under way");
        if let Some(outcome) = scope.state.ended() {
            assert_eq!(outcome, RunOutcome::Succeeded, "{} ends well", scope.name);
            let name = scope.name.clone();
            self.scopes[at] = None;
            self.queue.withdraw_all(&at);
            self.ends.insert(name.clone(), self.now.since(begin()));
            self.fleet_input(fleet::Input::ScopeEnded { scope: name, outcome: ScopeOutcome::Succeeded });
        }
    }

    /// Offers what is owed and new, and notes when the scope is to be woken.
    fn offer(&mut self, at: usize) {
        let scope = self.scopes[at].as_mut().expect("a scope under way");
        let timer = engine::wakes_at(&scope.state);
        if timer != scope.timer {
            scope.timer.map(|old| self.timers.remove(&(old, at)));
            timer.map(|new| self.timers.insert((new, at)));
            scope.timer = timer;
        }
        // What is under way is not moved by anything but its own answer, and nothing is withdrawn.
        let moved = engine::moved(&mut scope.state).into_iter().filter_map(|(_, command)| command);
        let mut fresh: Vec<Command> = moved.collect();
        fresh.sort_unstable();
        for command in fresh {
            let step = command.step().expect("timers are not among them");
            let (facts, has_id) = (&scope.facts[step], scope.ready.contains_key(step));
            let charge = facts.charge(self.pacer.rates());
            let (urgency, lanes) = match &command {
                Command::WakeAt(_) => continue,
                Command::Apply { .. } => (Urgency::Promised, Vec::new()),
                Command::Observe { remaining, .. } => {
                    (Urgency::Works(remaining.0), charge.look(has_id || facts.checks, facts.then).0)
                }
                Command::Verify { remaining, .. } => {
                    let urgency = match &scope.state.step(step).phase {
                        engine::Phase::Verifying { since, .. } if facts.slow => Urgency::Asks {
                            until: *since + facts.expected,
                            then: Millis(remaining.0.0.saturating_sub(facts.expected.0)),
                        },
                        _ => Urgency::Works(remaining.0),
                    };
                    (urgency, charge.read(has_id).into_iter().collect())
                }
            };
            let step = step.clone();
            self.queue.offer(&at, step, command, urgency, lanes);
        }
    }

    fn fleet_input(&mut self, input: fleet::Input) {
        let starts = match fleet::advance(self.plan, &mut self.fleet, self.now, input) {
            fleet::Decision::Accepted(events) => {
                events.iter().any(|event| matches!(event, FleetEvent::ScopeStarted { .. }))
            }
            other => panic!("the fleet: {other:?}"),
        };
        if !starts {
            return;
        }
        for command in fleet::owed(&self.fleet) {
            let fleet::Command::RunScope { scope, .. } = command else { continue };
            let at = self.names[&scope];
            // One without steps ends while others begin.
            if self.scopes[at].is_none() && self.fleet.scopes()[&scope] == fleet::Phase::Running {
                self.begin(at, scope);
            }
        }
    }

    fn begin(&mut self, at: usize, name: ScopeId) {
        let plan = self.plan.scope(&name);
        let run: RunId = "run-1".parse().expect("a run");
        let of = |step: &StepId| Facts::new(host(self.plan, &name, step), plan, step);
        let facts = plan.steps.keys().map(|step| (step.clone(), of(step))).collect();
        self.scopes[at] = Some(Scope {
            state: engine::State::new(run, plan),
            name,
            plan,
            timer: None,
            ready: BTreeMap::new(),
            facts,
            paid: BTreeSet::new(),
        });
        self.input(at, engine::Input::Started);
    }
}

impl<'p> Facts<'p> {
    fn new(host: String, plan: &'p ScopePlan, step: &StepId) -> Self {
        let (planned, object) = (&plan.steps[step], object(plan, step));
        let checks = matches!(planned.work, Work::Check { .. });
        let then = planned.mutates().then_some(object.operation);
        Self {
            host,
            object,
            checks,
            then,
            slow: !checks && is_slow(object),
            expected: planned.limits.expected,
        }
    }

    fn charge<'s>(&'s self, rates: &'s Rates) -> Charge<'s> {
        Charge { rates, host: Some(&self.host), kind: &self.object.kind }
    }
}

/// The object that a step is about.
pub fn object<'p>(plan: &'p ScopePlan, step: &StepId) -> &'p Reconcile {
    match &plan.steps[step].work {
        Work::Reconcile(reconcile) => reconcile,
        Work::Check { check, .. } => match &plan.steps[&check.read].work {
            Work::Reconcile(reconcile) => reconcile,
            Work::Check { .. } => unreachable!("checks read objects"),
        },
    }
}

fn is_slow(reconcile: &Reconcile) -> bool {
    let kind = landfall::kind::Registry::standard().get(&reconcile.kind).expect("a kind");
    kind.ready.is_some()
}
