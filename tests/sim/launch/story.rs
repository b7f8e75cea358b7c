//! The shell, as hostile as it gets: it crashes at any point, is told things twice, late and not at all, and is sometimes
//! no longer the holder.

mod after;
mod people;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::digest::Digest;
use landfall::base::time::Timestamp;
use landfall::fleet::{Command, Decision, Input, State, apply, decide, owed};
use landfall::model::fleet_event::{FleetEvent, ScopeOutcome};
use landfall::model::plan::Plan;

use super::draw::{self, BEGIN, DAY, HOUR, Traits};
use super::mutant::Mutant;
use super::tally::Tally;
use super::watch::Watch;
use super::world::{Rates, Told, World};
use crate::random::Random;
use crate::watch::{Held, Violation, broken, holds};

/// Turns after which a launch counts as endless.
const TURNS_MAX: u64 = 20_000;

pub struct Story {
    plan: Plan,
    engine_plan: Plan,
    mutant: Option<Mutant>,
    random: Random,
    rates: Rates,
    world: World,
    /// True time since the beginning, in milliseconds.
    time: u64,
    /// How far the clock is off.
    offset: i64,
    state: State,
    /// What was written, and behind the last crash also what is not durable.
    log: Vec<FleetEvent>,
    /// How much of the log the holder knows.
    known: usize,
    /// What the holder has started.
    jobs: BTreeMap<Command, Job>,
    is_held: bool,
    /// What a holder remembers who has lost the lease without noticing.
    late: Option<State>,
    /// Everything heals in the end, and what did not end well is tried again.
    is_patient: bool,
    is_healed: bool,
    watch: Watch,
    tally: Tally,
    /// Prints each event: one seed is being looked into.
    talks: bool,
}

struct Job {
    due: u64,
    begun: Timestamp,
    told: Told,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Answer {
    Accepted,
    Stale,
    Refused,
    /// The process died before anything was written, or right after.
    Crashed,
}

impl Story {
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random::new(seed);
        let is_patient = random.chance(250);
        let traits = Traits {
            windows: random.chance(400),
            bake: random.chance(450),
            entry: random.chance(300),
            closing: !is_patient && random.chance(400),
        };
        let plan = draw::plan(&mut random, &traits);
        let engine_plan = mutant.map_or_else(|| plan.clone(), |mutant| mutant.plan(&plan));
        let rates = rates(&mut random, is_patient);
        let world = World::new(&plan, &mut random);
        let state = State::new(&engine_plan);
        let watch = Watch::new(&plan);
        Self {
            plan,
            engine_plan,
            mutant,
            rates,
            world,
            time: random.below(7 * DAY),
            random,
            offset: 0,
            state,
            log: Vec::new(),
            known: 0,
            jobs: BTreeMap::new(),
            is_held: true,
            late: None,
            is_patient,
            is_healed: false,
            watch,
            tally: Tally::default(),
            talks: std::env::var_os("LANDFALL_SIM_SEED").is_some() && mutant.is_none(),
        }
    }

    pub fn play(mut self) -> Result<Tally, Violation> {
        let closed = Input::Started(Digest::of(b"plan"));
        while self.turn(closed.clone(), None)? == Answer::Crashed && self.log.is_empty() {
            self.is_held = true;
        }
        if !self.state.is_started() && self.log.is_empty() {
            // The plan has a scope that can never be changed from here on.
            return Ok(self.tally);
        }
        loop {
            self.tally.turns += 1;
            holds("terminates", self.tally.turns < TURNS_MAX, || "the launch goes on and on".to_owned())?;
            if !self.is_held || (self.state.is_suspended() && self.state.ended().is_none()) {
                self.come_back()?;
            } else if self.state.ended().is_some() {
                if !self.goes_on_after_end()? {
                    break;
                }
            } else if !self.disturb()? {
                self.step()?;
            }
        }
        self.fold()?;
        Ok(self.tally)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(BEGIN + self.time as i64 + self.offset)
    }

    /// The next thing happens: a job is done, or a moment comes.
    fn step(&mut self) -> Held {
        let owed = owed(&self.state);
        let owed = self.mutant.map_or(owed.clone(), |mutant| mutant.owed(owed));
        let clock = self.now();
        let wake = wake(&owed).map(|wake| self.time + wake.since(clock).0);
        let next = self.jobs.iter().map(|(command, job)| (job.due, command.clone())).min();
        match (next, wake) {
            (Some((due, command)), wake) if wake.is_none_or(|wake| due <= wake) => {
                self.time = self.time.max(due);
                self.done(command)
            }
            (_, Some(wake)) => {
                self.time = self.time.max(wake);
                self.turn(Input::TimeReached, None).map(|_| ())
            }
            (_, None) => broken("something-goes-on", "nothing runs, and nothing has ended"),
        }
    }

    fn done(&mut self, command: Command) -> Held {
        let Some(job) = self.jobs.remove(&command) else { return Ok(()) };
        let (random, rates) = (&mut self.random, &self.rates);
        let input = match command {
            Command::RunScope { scope, round } => {
                let outcome = self.world.rest(random, rates, (&scope, round), job.told);
                Input::ScopeEnded { scope, outcome }
            }
            Command::AbortScope(scope) => {
                let told = if job.told == Told::Stop { job.told } else { Told::Abort };
                let round = self.state.round(&scope);
                let outcome = self.world.rest(random, rates, (&scope, round), told);
                Input::ScopeEnded { scope, outcome }
            }
            Command::JudgeEntry(wave) => {
                let open = self.world.judge(random, rates, &wave);
                Input::EntryJudged { wave, open }
            }
            Command::LookAtBake { wave, scopes } => {
                let broken = self.world.look(random, rates, &scopes);
                Input::BakeLooked { wave, held: 3, broken }
            }
            Command::WakeAt(_) => Input::TimeReached,
        };
        let answer = self.turn(input.clone(), Some(job.begun))?;
        if answer == Answer::Accepted && self.random.chance(100) {
            self.told_twice(input)?;
        }
        Ok(())
    }

    /// An answer arrives again. Unless the same is owed once more by now, it changes nothing.
    fn told_twice(&mut self, input: Input) -> Held {
        let again = owed(&self.state).into_iter().any(|command| match (&command, &input) {
            (Command::RunScope { scope, .. }, Input::ScopeEnded { scope: it, .. })
            | (Command::AbortScope(scope), Input::ScopeEnded { scope: it, .. }) => scope == it,
            (Command::JudgeEntry(wave), Input::EntryJudged { wave: it, .. })
            | (Command::LookAtBake { wave, .. }, Input::BakeLooked { wave: it, .. }) => wave == it,
            _ => false,
        });
        if again || self.mutant.is_some() {
            return Ok(());
        }
        let decision = decide(&self.engine_plan, &self.state, self.now(), input);
        holds("late-changes-nothing", decision == Decision::Stale, || format!("{decision:?}"))
    }

    /// A process comes, after a crash or because the launch was suspended: it reads the log and takes the launch up.
    fn come_back(&mut self) -> Held {
        if self.random.chance(300) {
            self.late = Some(self.state.clone());
        }
        if self.random.chance(400) {
            self.time += self.random.below(12 * HOUR);
        }
        self.log.retain(FleetEvent::is_durable);
        self.known = self.log.len();
        self.jobs.clear();
        self.state = State::replay(&self.engine_plan, &self.log).expect("no unknown events");
        self.is_held = true;
        let mut asks = Vec::new();
        if self.random.chance(self.rates.skip) && !self.plan.scopes.is_empty() {
            asks.push(self.skip());
        }
        if self.random.chance(self.rates.retry) {
            asks.push(self.retry());
        }
        if self.random.chance(self.rates.pause) {
            asks.push(self.pause());
        }
        if self.random.chance(self.rates.abort) {
            asks.push(self.abort());
        }
        let recovers = self.random.chance(850);
        let resumes = self.state.paused().is_some() && self.random.chance(500);
        match (recovers, resumes, self.random.chance(500)) {
            (true, true, true) => asks.extend([self.resume(), Input::Recovered]),
            (true, true, false) => asks.extend([Input::Recovered, self.resume()]),
            (true, false, _) => asks.push(Input::Recovered),
            (false, true, _) => asks.push(self.resume()),
            (false, false, _) => {}
        }
        for input in asks {
            if self.state.ended().is_some() || !self.is_held {
                return Ok(());
            }
            self.turn(input, None)?;
        }
        // A process that has only asked for something leaves again; what it began is taken up as after a crash.
        self.is_held = self.is_held && recovers;
        Ok(())
    }
}

fn rates(random: &mut Random, is_patient: bool) -> Rates {
    let mut rate = |on: u64, most: u64| if random.chance(on) { random.between(1, most) } else { 0 };
    Rates {
        fails: rate(600, 400),
        rests: rate(150, 100),
        crash: rate(400, 80),
        stop: rate(300, 60),
        pause: rate(300, 100),
        abort: if is_patient { 0 } else { rate(200, 40) },
        skip: rate(300, 80),
        retry: rate(400, 150),
        jump: rate(200, 60),
        breaks: rate(500, 200),
        misread: rate(300, 150),
        closes: 400,
    }
}

fn wake(owed: &BTreeSet<Command>) -> Option<Timestamp> {
    owed.iter().find_map(|command| match command {
        Command::WakeAt(at) => Some(*at),
        _ => None,
    })
}

/// The end of a launch in which everything goes well.
pub fn smooth(plan: &Plan, mut now: Timestamp) -> State {
    let mut state = State::new(plan);
    let mut input = Input::Started(Digest::of(b"plan"));
    loop {
        if let Decision::Accepted(events) = decide(plan, &state, now, input) {
            events.iter().for_each(|event| apply(&mut state, event));
        }
        let Some(command) = owed(&state).into_iter().next() else { return state };
        input = match command {
            Command::RunScope { scope, .. } | Command::AbortScope(scope) => {
                Input::ScopeEnded { scope, outcome: ScopeOutcome::Succeeded }
            }
            Command::JudgeEntry(wave) => Input::EntryJudged { wave, open: Vec::new() },
            Command::LookAtBake { wave, .. } => Input::BakeLooked { wave, held: 1, broken: Vec::new() },
            Command::WakeAt(at) => {
                now = now.max(at);
                Input::TimeReached
            }
        };
    }
}
