//! A small world behind the production driver port: catalogs by name, some of whose names are not unique; calls that are
//! lost, late or busy; reads that lag behind. It trusts nobody: each call must have its intent in the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use landfall::base::id::{KindName, LogId, ScopeId};
use landfall::base::pointer;
use landfall::base::time::{Millis, Timestamp};
use landfall::driver::{Answer, Call, Change, Driver, Listing, Place, Target};
use landfall::journal::Journal;
use landfall::journal::memory::MemoryJournal;
use landfall::model::outcome::{ApplyOutcome, Cause, CauseClass, Observation};
use landfall::runner::clock::Clock;
use serde_json::Value;

use crate::random::Random;

/// Fields that the create call does not take.
const AFTER_CREATE: [&str; 2] = ["owner", "isolation_mode"];

/// Faults of one object: an object can only bear so many within its tries.
const FAULTS_PER_OBJECT: u32 = 3;

/// Deliberately broken promises of the world: each must be noticed by an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A call has its effect after its deadline.
    LandsTooLate,
    /// A create that was answered has no effect.
    AnswersForNothing,
    /// The intents are looked for where none are.
    IntentsElsewhere,
    /// A delete that was answered has no effect.
    DeletesForNothing,
}

/// How often what happens, of a thousand.
#[derive(Clone, Copy, Default)]
pub struct Mix {
    pub lost: u64,
    pub late: u64,
    pub busy: u64,
    pub unreadable: u64,
    /// How far reads of unique names lag behind, in milliseconds.
    pub lag: u64,
    pub mutant: Option<Mutant>,
}

pub struct Service {
    clock: Clock,
    world: Mutex<World>,
}

struct World {
    mix: Mix,
    random: Random,
    /// Where the intents are.
    logs: MemoryJournal,
    scopes: BTreeMap<String, ScopeId>,
    /// How far each log was read, and what its newest entry about each name is: a call's intent, or something else.
    read_to: BTreeMap<LogId, u64>,
    newest: BTreeMap<String, Option<Value>>,
    names: BTreeMap<String, Name>,
    landings: BTreeMap<(Timestamp, u64), Change>,
    calls: u64,
    faults: BTreeMap<String, u32>,
    wrong: Vec<String>,
}

/// All objects that ever had one name.
#[derive(Default)]
struct Name {
    /// What was there from when on; more than one object is a second one.
    history: Vec<(Timestamp, Vec<Value>)>,
}

impl Name {
    fn at(&self, moment: Timestamp) -> Vec<Value> {
        let then = self.history.iter().rfind(|(since, _)| *since <= moment);
        then.map(|(_, objects)| objects.clone()).unwrap_or_default()
    }

    fn now(&self) -> Vec<Value> {
        self.history.last().map(|(_, objects)| objects.clone()).unwrap_or_default()
    }
}

impl Service {
    /// `scopes` says in whose log the intents for a name are.
    pub fn new(
        clock: Clock,
        logs: MemoryJournal,
        scopes: BTreeMap<String, ScopeId>,
        seed: u64,
        mix: Mix,
    ) -> Self {
        let world = World {
            mix,
            random: Random::new(seed),
            logs,
            scopes,
            read_to: BTreeMap::new(),
            newest: BTreeMap::new(),
            names: BTreeMap::new(),
            landings: BTreeMap::new(),
            calls: 0,
            faults: BTreeMap::new(),
            wrong: Vec::new(),
        };
        Self { clock, world: Mutex::new(world) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().expect("nobody panics with the world in hand");
        world.settle(self.clock.now());
        world
    }

    /// Everything that is there, once all calls have landed; each name with its objects.
    pub fn there(&self) -> BTreeMap<String, Vec<Value>> {
        let mut world = self.world();
        world.settle(Timestamp::from_millis(i64::MAX));
        let there = world.names.iter().map(|(name, known)| (name.clone(), known.now()));
        there.filter(|(_, objects)| !objects.is_empty()).collect()
    }

    pub fn calls(&self) -> u64 {
        self.world().calls
    }

    /// What must never happen, and did.
    pub fn wrong(&self) -> Vec<String> {
        self.world().wrong.clone()
    }
}

impl World {
    /// Calls that are due have their effect.
    fn settle(&mut self, now: Timestamp) {
        while let Some(((at, _), _)) = self.landings.first_key_value().filter(|((at, _), _)| *at <= now) {
            let at = *at;
            let (_, change) = self.landings.pop_first().expect("it was just seen");
            self.land(at, &change);
        }
    }

    fn land(&mut self, at: Timestamp, change: &Change) -> ApplyOutcome {
        let key = name_of(&change.target);
        let unique = is_unique(&key);
        let for_nothing = match &change.call {
            Call::Create => self.mix.mutant == Some(Mutant::AnswersForNothing),
            Call::Delete { .. } => self.mix.mutant == Some(Mutant::DeletesForNothing),
            Call::Update { .. } => false,
        };
        if for_nothing {
            return ApplyOutcome::Done { id: Some(key) };
        }
        let name = self.names.entry(key.clone()).or_default();
        let mut objects = name.now();
        let refused = |class| ApplyOutcome::Refused(Cause::new(class, "so says the script"));
        match &change.call {
            Call::Create if unique && !objects.is_empty() => return refused(CauseClass::Conflict),
            Call::Create => {
                let mut made = change.target.spec.clone();
                let fields = made.as_object_mut().expect("a spec is a table");
                AFTER_CREATE.iter().for_each(|field| drop(fields.remove(*field)));
                objects.push(made);
            }
            Call::Update { .. } | Call::Delete { .. } if objects.is_empty() => {
                return refused(CauseClass::NotFound);
            }
            Call::Update { changes, .. } => {
                for field in changes {
                    pointer::set(&mut objects[0], &field.at, field.to.clone().unwrap_or_default());
                }
            }
            Call::Delete { .. } => drop(objects.remove(0)),
        }
        if objects.len() > 1 {
            self.wrong.push(format!("no-object-twice: {key} at {at}"));
        }
        name.history.push((at, objects));
        ApplyOutcome::Done { id: Some(key) }
    }

    fn befalls(&mut self, key: &str, chance: u64) -> bool {
        let spent = self.faults.entry(key.to_owned()).or_default();
        let befalls = *spent < FAULTS_PER_OBJECT && self.random.chance(chance);
        *spent += u32::from(befalls);
        befalls
    }

    /// The newest entry about the step must be this call's intent.
    fn demand_intent(&mut self, key: &str, verb: &str) {
        let log = LogId::Scope(self.scopes[key].clone());
        let read_to = self.read_to.entry(log.clone()).or_default();
        for line in self.logs.read(&log, *read_to).expect("the log can be read") {
            *read_to += 1;
            if let Some(step) = line.entry.step {
                let intent = (line.entry.kind == "step.applying").then(|| line.entry.body["call"].clone());
                self.newest.insert(step.to_string(), intent);
            }
        }
        let intended = self.newest.get(key).is_some_and(|intent| *intent == Some(Value::from(verb)));
        if !intended {
            self.wrong.push(format!("intent-before-call: {verb} {key}"));
        }
    }

    fn send(&mut self, change: &Change, now: Timestamp, timeout: Millis) -> ApplyOutcome {
        let key = name_of(&change.target);
        let verb = match &change.call {
            Call::Create => "create",
            Call::Update { .. } => "update",
            Call::Delete { .. } => "delete",
        };
        self.calls += 1;
        self.demand_intent(&key, verb);
        if self.landings.values().any(|landing| name_of(&landing.target) == key) {
            self.wrong.push(format!("no-call-while-in-doubt: {verb} {key}"));
        }
        let cause = |class| Cause::new(class, "so says the script");
        if self.befalls(&key, self.mix.busy) {
            let retry_after = self.random.chance(500).then(|| Millis(self.random.between(1, 20_000)));
            return ApplyOutcome::Busy { retry_after, cause: cause(CauseClass::Busy) };
        }
        if self.befalls(&key, self.mix.lost) {
            return ApplyOutcome::NoAnswer(cause(CauseClass::NoAnswer));
        }
        if self.befalls(&key, self.mix.late) {
            let too_late = self.mix.mutant == Some(Mutant::LandsTooLate);
            let last = timeout.0 + if too_late { 60_000 } else { 0 };
            let lands = now + Millis(self.random.between(0, last));
            self.landings.insert((lands, self.calls), change.clone());
            return ApplyOutcome::NoAnswer(cause(CauseClass::NoAnswer));
        }
        self.land(now, change)
    }

    fn read(&mut self, target: &Target, now: Timestamp) -> Observation {
        let key = name_of(target);
        if self.befalls(&key, self.mix.unreadable) {
            return Observation::Unreadable(Cause::new(CauseClass::Internal, "so says the script"));
        }
        let lag = if is_unique(&key) { Millis(self.mix.lag) } else { Millis(0) };
        match self.names.get(&key).and_then(|name| name.at(now - lag).into_iter().next()) {
            Some(live) => Observation::Present { id: key, live },
            None => Observation::Absent,
        }
    }
}

/// Names that end in an odd digit are not unique; reads of them are consistent.
fn is_unique(name: &str) -> bool {
    !name.ends_with(['1', '3', '5', '7', '9'])
}

fn name_of(target: &Target) -> String {
    target.spec["name"].as_str().expect("every spec has a name").to_owned()
}

impl Driver for Service {
    fn observe<'a>(&'a self, target: &'a Target, _: Millis) -> Answer<'a, Observation> {
        Box::pin(async move { self.world().read(target, self.clock.now()) })
    }

    fn list<'a>(&'a self, _: &'a KindName, _: &'a Place, _: Millis) -> Answer<'a, Listing> {
        Box::pin(async { Listing::Unsupported })
    }

    fn apply<'a>(&'a self, change: &'a Change, timeout: Millis) -> Answer<'a, ApplyOutcome> {
        Box::pin(async move { self.world().send(change, self.clock.now(), timeout) })
    }
}
