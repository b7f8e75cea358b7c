//! The service: objects that come late, reads that lag behind, and what kind logic makes of them.

use std::collections::BTreeMap;

use landfall::base::id::StepId;
use landfall::model::finding::{Finding, Goal, Look, NextCall, Readback};
use landfall::model::outcome::{ApplyOutcome, Cause, CauseClass};
use landfall::model::plan::Operation;

use crate::random::Random;
use crate::scenario::{Faults, OUTSIDE, WANTED};

/// A moment that never comes.
const NEVER: i64 = i64::MAX;

#[derive(Default)]
pub struct World {
    pub things: BTreeMap<StepId, Thing>,
    ids: u64,
}

/// Everything that shares one step's natural key.
pub struct Thing {
    /// Whether a second object with the key is refused. Where it is not, reads are consistent.
    pub unique: bool,
    /// Updates that a create needs to be complete.
    pub rounds_needed: u8,
    /// How long it takes to become ready, or to go away.
    pub takes: i64,
    /// How it treats calls.
    pub mood: Mood,
    /// Id and version that the plan saw.
    pub seen: Option<(u64, u8)>,
    objects: Vec<Object>,
    history: Vec<(i64, Vec<Object>)>,
    read_up_to: i64,
}

#[derive(Clone, Debug)]
pub struct Object {
    pub id: u64,
    pub origin: Origin,
    pub version: u8,
    pub rounds: u8,
    ready_at: i64,
    broken: bool,
    deleted_at: i64,
    gone_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Ours,
    Foreign,
}

impl Object {
    /// An object that has been there for long.
    pub fn standing(id: u64, origin: Origin, version: u8) -> Self {
        let (broken, rounds) = (false, 0);
        Self { id, origin, version, rounds, ready_at: 0, broken, deleted_at: NEVER, gone_at: NEVER }
    }

    fn is_there(&self, at: i64) -> bool {
        at < self.gone_at
    }
}

impl Thing {
    pub fn draw(random: &mut Random, hopeless: bool) -> Self {
        Self {
            unique: random.chance(700),
            rounds_needed: random.pick(&[0, 0, 0, 1, 1, 3]),
            takes: if random.chance(300) { random.between(1, 60_000) as i64 } else { 0 },
            mood: if hopeless { random.pick(&Mood::ALL) } else { Mood::Fair },
            seen: None,
            objects: Vec::new(),
            history: vec![(0, Vec::new())],
            read_up_to: 0,
        }
    }

    /// Puts an object there before the story begins.
    pub fn put(&mut self, object: Object) {
        self.objects.push(object);
        self.history = vec![(0, self.objects.clone())];
    }

    /// Somebody puts an object there.
    pub fn join(&mut self, now: i64, object: Object) {
        self.objects.push(object);
        self.history.push((now, self.objects.clone()));
    }

    /// Somebody repairs it and takes strangers' objects away; whether there were any. What the plan saw and was `missed`
    /// is put back.
    pub fn heal(&mut self, now: i64, missed: bool) -> bool {
        self.mood = Mood::Fair;
        let before = self.objects.len();
        self.objects.retain(|object| object.origin == Origin::Ours);
        let had_strangers = self.objects.len() < before;
        for object in &mut self.objects {
            object.broken = false;
            object.ready_at = object.ready_at.min(now);
            if let (OUTSIDE, Some((_, version))) = (object.version, self.seen) {
                object.version = version;
            }
        }
        if let (true, Some((id, version))) = (missed && self.objects.is_empty(), self.seen) {
            let mut object = Object::standing(id, Origin::Ours, version);
            object.rounds = self.rounds_needed;
            self.objects.push(object);
        }
        self.history.push((now, self.objects.clone()));
        had_strangers
    }

    /// Objects that are ours, as they truly are.
    pub fn ours(&self, at: i64) -> usize {
        self.objects.iter().filter(|object| object.origin == Origin::Ours && object.is_there(at)).count()
    }

    /// Whether the goal is truly reached.
    pub fn is_as_wanted(&self, goal: Goal, at: i64) -> bool {
        let mut there = self.objects.iter().filter(|object| object.is_there(at));
        match goal {
            Goal::Gone => there.next().is_none(),
            Goal::AsDesired => there.next().is_some_and(|object| {
                let complete = object.version == WANTED && object.rounds >= self.rounds_needed;
                complete && object.origin == Origin::Ours && object.ready_at <= at
            }),
        }
    }

    /// An object as a read shows it: never older than an earlier read, never older than the lag.
    fn read(&mut self, now: i64, lag: i64) -> (i64, Option<Object>) {
        let at = (now - if self.unique { lag } else { 0 }).max(self.read_up_to);
        self.read_up_to = at;
        let (_, objects) =
            self.history.iter().rfind(|(since, _)| *since <= at).expect("history begins at zero");
        (at, objects.iter().find(|object| object.is_there(at)).cloned())
    }
}

impl World {
    pub fn new_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// What kind logic would make of a read. `id` comes with it, for the call that may follow.
    pub fn look(
        &mut self,
        step: &StepId,
        operation: Operation,
        look: Look,
        now: i64,
        lag: i64,
    ) -> (Finding, Option<u64>) {
        let thing = self.things.get_mut(step).expect("a thing of the plan");
        let (at, object) = thing.read(now, lag);
        let Some(object) = object else { return (Finding::Absent, None) };
        let id = Some(object.id.to_string());
        let call = if look.goal == Goal::Gone { NextCall::Delete } else { NextCall::Update };
        let finding = if !look.ours && thing.seen.is_none_or(|(seen, _)| seen != object.id) {
            Finding::Foreign { id: object.id.to_string() }
        } else if !look.ours && thing.seen.is_some_and(|(_, version)| version != object.version) {
            Finding::Stale { what: "its version is not what the plan saw".to_owned() }
        } else if look.goal == Goal::Gone && object.deleted_at <= at {
            Finding::Pending { state: "deleting".to_owned(), id }
        } else if look.goal == Goal::Gone {
            Finding::Differs { call, after_create: false, id }
        } else if object.broken {
            Finding::Broken { cause: Cause::new(CauseClass::BadState, "it is broken") }
        } else if object.ready_at > at {
            Finding::Pending { state: "provisioning".to_owned(), id }
        } else if object.version == WANTED && object.rounds >= thing.rounds_needed {
            Finding::Matches { readback: Readback { id, ..Readback::default() } }
        } else {
            let after_create = object.version == WANTED && operation != Operation::Update;
            Finding::Differs { call, after_create, id }
        };
        (finding, Some(object.id))
    }

    /// A call has its effect.
    pub fn land(
        &mut self,
        call: &Landing,
        random: &mut Random,
        faults: &Faults,
        now: i64,
    ) -> (ApplyOutcome, Result<(), Harm>) {
        let id = self.new_id();
        let thing = self.things.get_mut(&call.step).expect("a thing of the plan");
        let there = thing.objects.iter().position(|object| object.is_there(now));
        let refused = |class, what: &str| ApplyOutcome::Refused(Cause::new(class, what));
        let mut harm = Ok(());
        let outcome = match call.call {
            NextCall::Create if thing.unique && there.is_some() => {
                refused(CauseClass::Conflict, "it exists already")
            }
            NextCall::Create => {
                let mut object = Object::standing(id, Origin::Ours, WANTED);
                object.ready_at = if thing.mood == Mood::Slow { NEVER } else { now + thing.takes };
                object.broken = random.chance(faults.broken);
                thing.objects.push(object);
                ApplyOutcome::Done { id: Some(id.to_string()) }
            }
            NextCall::Update | NextCall::Delete => {
                let wanted = |object: &&mut Object| Some(object.id) == call.object && object.is_there(now);
                match thing.objects.iter_mut().find(wanted) {
                    None => refused(CauseClass::NotFound, "it is not there"),
                    Some(object) => {
                        harm = Harm::of(object);
                        object.accept(call.call, thing.takes, now);
                        ApplyOutcome::Done { id: Some(object.id.to_string()) }
                    }
                }
            }
        };
        thing.history.push((now, thing.objects.clone()));
        (outcome, harm)
    }
}

impl Object {
    fn accept(&mut self, call: NextCall, takes: i64, now: i64) {
        if call == NextCall::Delete {
            self.deleted_at = self.deleted_at.min(now);
            self.gone_at = self.gone_at.min(now + takes);
        } else {
            self.version = WANTED;
            self.rounds += 1;
        }
    }
}

/// How a thing treats calls, apart from what befalls them on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Fair,
    /// No call reaches it.
    Deaf,
    /// It is always busy.
    Jammed,
    /// What is made never becomes ready.
    Slow,
}

impl Mood {
    /// To pick from: a few bad things, so that a story has some left to go on with.
    const ALL: [Mood; 40] = {
        let mut all = [Mood::Fair; 40];
        (all[0], all[1], all[2]) = (Mood::Deaf, Mood::Jammed, Mood::Slow);
        all
    };
}

/// A call on its way.
#[derive(Clone, Debug)]
pub struct Landing {
    pub step: StepId,
    pub call: NextCall,
    pub object: Option<u64>,
}

/// An object was changed that must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Foreign,
    Outside,
}

impl Harm {
    fn of(object: &Object) -> Result<(), Harm> {
        match object.origin {
            Origin::Foreign => Err(Harm::Foreign),
            Origin::Ours if object.version == crate::scenario::OUTSIDE => Err(Harm::Outside),
            Origin::Ours => Ok(()),
        }
    }
}
