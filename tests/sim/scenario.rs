//! What a seed stands for: a plan, the world before it, and a mix of faults (each seed has its own).

use std::collections::BTreeMap;

use landfall::base::id::{KindName, StepId};
use landfall::base::time::Millis;
use landfall::model::plan::{
    EdgeReason, Operation, PlannedStep, Reconcile, Reversal, ScopePlan, StepLimits, Work,
};
use landfall::model::resource::Check;
use serde_json::{Value, json};

use crate::calendar;
use crate::random::Random;
use crate::world::{Object, Origin, Thing, World};

pub const WANTED: u8 = 2;
pub const OLD: u8 = 1;
pub const OUTSIDE: u8 = 99;

pub struct Scenario {
    pub plan: ScopePlan,
    pub world: World,
    pub faults: Faults,
    /// What a check reads.
    pub reads: BTreeMap<StepId, StepId>,
    /// Commands the shell runs at once.
    pub parallel: usize,
    /// When the story begins.
    pub begins: i64,
    /// Rounds that may follow the first.
    pub retries: u32,
    /// Whether no window is as long as some of the changes: then no patience and no retry helps.
    narrow: bool,
}

/// Faults, in times of a thousand unless said otherwise.
#[derive(Default)]
pub struct Faults {
    pub lost_before: u64,
    pub lost_after: u64,
    pub busy: u64,
    pub retry_after: bool,
    pub refused: u64,
    pub unreadable: u64,
    pub unreadable_for_good: u64,
    pub doubled: u64,
    pub crash: u64,
    pub crashes_max: u64,
    pub stops: u64,
    pub aborts: u64,
    /// A holder that is thought to be gone still sends what it had decided to send.
    pub stale_holders: u64,
    pub jumps: u64,
    pub broken: u64,
    pub check_fails: u64,
    /// How far a read may lag behind, in milliseconds.
    pub lag: u64,
    /// Faults of one step that spend its tries or put it in doubt.
    pub per_step_max: u32,
    /// Whether anything may happen that no patience helps against.
    pub hopeless: bool,
}

impl Scenario {
    pub fn draw(random: &mut Random) -> Self {
        let size = if random.chance(300) { random.between(8, 40) } else { random.between(1, 8) };
        let faults = Faults::draw(random);
        let begins = random.pick(&calendar::BEGINS);
        let narrow = faults.hopeless && random.chance(100);
        let calendar = (narrow || random.chance(400)).then(|| calendar::draw(random, begins, narrow));
        let mut scenario = Scenario {
            plan: ScopePlan {
                needs: Default::default(),
                steps: BTreeMap::new(),
                calendar,
                expected: Millis(0),
            },
            world: World::default(),
            faults,
            reads: BTreeMap::new(),
            parallel: random.between(1, 8) as usize,
            begins,
            retries: random.below(4) as u32,
            narrow,
        };
        let ids: Vec<StepId> = (0..size).map(|n| StepId::new(format!("s{n}")).expect("an id")).collect();
        for (index, id) in ids.iter().enumerate() {
            let mut after = BTreeMap::new();
            for _ in 0..random.below(4).min(index as u64) {
                after.insert(ids[random.below(index as u64) as usize].clone(), EdgeReason::Declared);
            }
            scenario.step(random, id, after);
        }
        scenario
    }

    fn step(&mut self, random: &mut Random, id: &StepId, after: BTreeMap<StepId, EdgeReason>) {
        let desired = |need: &&StepId| operation(&self.plan, need).is_some_and(|op| op != Operation::Delete);
        let readable = after.keys().find(desired).cloned();
        let work = match readable {
            Some(read) if random.chance(200) => {
                self.reads.insert(id.clone(), read.clone());
                Work::Check {
                    title: "it is as desired".to_owned(),
                    check: Check { read, expect: Vec::new() },
                }
            }
            _ => Work::Reconcile(self.reconcile(random, id)),
        };
        let limits = StepLimits {
            call_timeout: Millis(random.pick(&[1_000, 10_000, 60_000])),
            attempts_max: 8,
            poll_every: Millis(random.pick(&[2_000, 15_000, 30_000])),
            ready_within: Millis(10 * 60_000),
            expected: Millis(random.pick(&[0, 60_000, 30 * 60_000])),
        };
        self.plan.steps.insert(id.clone(), PlannedStep { work, after, origin: None, evidence: None, limits });
    }

    fn reconcile(&mut self, random: &mut Random, id: &StepId) -> Reconcile {
        use Operation::{Create, Delete, None, Replace, Update};
        let operation = random.pick(&[Create, Create, Create, None, Update, Replace, Delete]);
        let mut thing = Thing::draw(random, self.faults.hopeless);
        match operation {
            Create => {
                if self.faults.hopeless && random.chance(60) {
                    thing.put(Object::standing(self.world.new_id(), Origin::Foreign, WANTED));
                }
            }
            None | Update | Replace | Delete => {
                let version = if operation == None { WANTED } else { OLD };
                let mut object = Object::standing(self.world.new_id(), Origin::Ours, version);
                object.rounds = thing.rounds_needed;
                thing.seen = Some((object.id, version));
                if self.faults.hopeless && random.chance(60) {
                    object.version = OUTSIDE;
                }
                if !(self.faults.hopeless && random.chance(30)) {
                    thing.put(object);
                }
            }
        }
        self.world.things.insert(id.clone(), thing);
        Reconcile {
            kind: KindName::new("sim.object").expect("a kind"),
            via: Option::None,
            operation,
            spec: spec().into(),
            changes: Vec::new(),
            seen: Option::None,
            id: Option::None,
            reversal: Reversal::Reversible,
        }
    }

    /// Whether nothing happens that patience does not help against: then the run must succeed.
    pub fn must_succeed(&self) -> bool {
        !self.faults.hopeless && !self.narrow
    }

    /// Somebody repairs everything that no patience helps against.
    pub fn heal(&mut self, now: i64) {
        let faults = &mut self.faults;
        (faults.hopeless, faults.per_step_max) = (false, 2);
        (faults.refused, faults.unreadable_for_good, faults.broken, faults.check_fails) = (0, 0, 0, 0);
        for (step, thing) in &mut self.world.things {
            let missed = match &self.plan.steps[step].work {
                Work::Reconcile(reconcile) => {
                    matches!(reconcile.operation, Operation::None | Operation::Update)
                }
                Work::Check { .. } => false,
            };
            if thing.heal(now, missed) {
                // Whoever met a stranger's object can never take an unanswered create for its own.
                (faults.lost_before, faults.lost_after, faults.crash, faults.stale_holders) = (0, 0, 0, 0);
            }
        }
    }
}

impl Faults {
    fn draw(random: &mut Random) -> Self {
        let mut faults = Faults { hopeless: random.chance(500), ..Faults::default() };
        let mut rate = |on: u64, most: u64| if random.chance(on) { random.between(1, most) } else { 0 };
        faults.lost_before = rate(400, 250);
        faults.lost_after = rate(400, 250);
        faults.busy = rate(400, 300);
        faults.unreadable = rate(300, 200);
        faults.doubled = rate(400, 300);
        faults.crash = rate(400, 40);
        faults.lag = rate(400, 9_000);
        faults.stops = rate(300, 6);
        faults.aborts = rate(250, 20);
        faults.stale_holders = rate(600, 1_000);
        faults.jumps = rate(300, 30);
        if faults.hopeless {
            faults.refused = rate(300, 80);
            faults.unreadable_for_good = rate(200, 40);
            faults.broken = rate(200, 100);
            faults.check_fails = rate(300, 200);
        }
        faults.retry_after = random.chance(500);
        faults.crashes_max = 4;
        faults.per_step_max = if faults.hopeless { 1_000 } else { 2 };
        faults
    }
}

pub fn spec() -> Value {
    json!({ "version": WANTED })
}

pub fn operation(plan: &ScopePlan, step: &StepId) -> Option<Operation> {
    match &plan.steps[step].work {
        Work::Reconcile(reconcile) => Some(reconcile.operation),
        Work::Check { .. } => None,
    }
}
