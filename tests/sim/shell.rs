//! The shell's loop on a virtual clock: decide, keep the durable events, fold all, start what is owed. Calls land on
//! their own; a crash forgets everything but the log, the world and the calls that are on their way.

mod calls;
mod rounds;
mod tally;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use landfall::base::id::{RunId, StepId};
use landfall::engine::{Command, Decision, Input, State, apply, decide, moved, owed};
use landfall::model::event::Event;
use landfall::model::finding::NextCall;
use landfall::model::holdings::Holdings;
use landfall::model::outcome::ApplyOutcome;
use landfall::model::plan::ScopePlan;

use crate::mutant::Mutant;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::watch::{Held, Violation, Watch, broken, holdings_cover, holds, same_after_crash};
use crate::world::Landing;
pub use tally::Tally;

/// Turns after which a story counts as endless; the longest seen take a fifth of it.
const TURNS_MAX: u64 = 10_000;

/// Stops of one story: each one that is taken up again gives slow objects their time anew.
const STOPS_MAX: u64 = 5;

enum Happening {
    /// A command, or somebody, answers the process of this epoch.
    Answer { epoch: u64, command: Option<Command>, input: Box<Input> },
    /// A call has its effect, whoever is still alive.
    Land { flight: usize, answer: Option<(u64, Command)> },
    /// A new holder takes the lease.
    TakeOver,
    /// The old holder sends a call, if it can still end by its deadline.
    Linger { step: StepId, attempt: u32, call: NextCall, object: Option<u64>, deadline: i64 },
}

/// A call that was sent.
struct Flight {
    landing: Landing,
    attempt: u32,
    /// Nothing happens after this. Until it is answered, that is its deadline.
    final_at: i64,
}

struct Shell {
    scenario: Scenario,
    engine_plan: ScopePlan,
    mutant: Option<Mutant>,
    random: Random,
    run: RunId,
    /// The true time.
    now: i64,
    /// How far the clock that the process sees is ahead of it.
    skew: i64,
    /// The round that somebody asked for.
    wanted_round: u32,
    /// Calls that an old holder may still send.
    lingering: u32,
    queue: BTreeMap<(i64, u64), Happening>,
    queued: u64,
    /// None while nobody holds the lease.
    state: Option<State>,
    /// What is owed by each step, as somebody knows it who only follows what moved.
    followed: BTreeMap<StepId, Command>,
    log: Vec<Event>,
    /// The log when the process began, and everything it folded since.
    folded: Vec<Event>,
    epoch: u64,
    running: BTreeSet<Command>,
    /// The object that the last look of a step found.
    found: BTreeMap<StepId, u64>,
    wakes: BTreeSet<i64>,
    flights: Vec<Flight>,
    /// Calls that were sent, by step and turn.
    sent: BTreeSet<(StepId, u32)>,
    spent: BTreeMap<StepId, u32>,
    watch: Watch,
    tally: Tally,
    /// Prints each event: one seed is being looked into.
    talks: bool,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Lets assertions of the engine fail without a word on this thread: a mutant is expected to meet some.
pub fn keep_quiet() {
    QUIET.set(true);
    let loud = take_hook();
    set_hook(Box::new(move |panic| {
        if !QUIET.get() {
            loud(panic);
        }
    }));
}

/// Plays the story of a seed to its end.
pub fn play(seed: u64, mutant: Option<Mutant>) -> Result<Tally, Violation> {
    guarded(|| Shell::new(seed, mutant).play())
}

/// An assertion of an engine is a violation too; its message begins with the invariant's name.
pub fn guarded<T>(story: impl FnOnce() -> Result<T, Violation>) -> Result<T, Violation> {
    catch_unwind(AssertUnwindSafe(story)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let what = message.unwrap_or_default();
        let name = what.split(':').next().unwrap_or_default().to_owned();
        Err(Violation { name, what })
    })
}

impl Shell {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut random = Random::new(seed);
        let scenario = Scenario::draw(&mut random);
        let now = scenario.begins;
        let engine_plan = mutant.map_or_else(|| scenario.plan.clone(), |mutant| mutant.plan(&scenario.plan));
        Self {
            scenario,
            engine_plan,
            mutant,
            random,
            run: RunId::new(format!("run-{seed}")).expect("a run id"),
            now,
            skew: 0,
            wanted_round: 1,
            lingering: 0,
            queue: BTreeMap::new(),
            queued: 0,
            state: None,
            followed: BTreeMap::new(),
            log: Vec::new(),
            folded: Vec::new(),
            epoch: 0,
            running: BTreeSet::new(),
            found: BTreeMap::new(),
            wakes: BTreeSet::new(),
            flights: Vec::new(),
            sent: BTreeSet::new(),
            spent: BTreeMap::new(),
            watch: Watch::default(),
            tally: Tally::default(),
            talks: mutant.is_none() && std::env::var_os("LANDFALL_SIM_SEED").is_some(),
        }
    }

    fn play(mut self) -> Result<Tally, Violation> {
        self.later(0, Happening::TakeOver);
        while !self.is_over() {
            let Some(((at, _), happening)) = self.queue.pop_first() else {
                return broken("terminates", "nothing is left to happen").map(|()| self.tally);
            };
            self.now = self.now.max(at);
            self.happen(happening)?;
            self.tally.turns += 1;
            if self.tally.turns > TURNS_MAX {
                return broken("terminates", "the run goes on and on").map(|()| self.tally);
            }
        }
        self.finish()?;
        Ok(self.tally)
    }

    /// The end: late calls land, late answers change nothing, and the log tells the whole story.
    fn finish(&mut self) -> Held {
        self.scenario.faults.crashes_max = 0;
        self.scenario.faults.jumps = 0;
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            self.now = self.now.max(at);
            self.happen(happening)?;
        }
        let replayed = self.replay(&self.log);
        same_after_crash(self.state.as_ref().expect("it ended"), &replayed)?;
        let mut holdings = Holdings::default();
        for event in &self.log {
            let forgets = self.mutant == Some(Mutant::HoldingsForgetIntents);
            if !(forgets && matches!(event, Event::StepApplying { .. })) {
                holdings.fold(Some(&self.run), event);
            }
        }
        self.tally.failed += u64::from(replayed.counts().failed);
        self.watch.finished(&self.scenario, self.now, replayed.ended())?;
        holdings_cover(&self.scenario, &holdings, self.now)
    }

    fn later(&mut self, after: u64, happening: Happening) {
        self.at(self.now + after as i64, happening);
    }

    fn at(&mut self, at: i64, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at, self.queued), happening);
    }

    fn happen(&mut self, happening: Happening) -> Held {
        match happening {
            Happening::TakeOver => self.take_over(),
            Happening::Land { flight, answer } => self.land(flight, answer),
            Happening::Linger { step, attempt, call, object, deadline } => {
                self.linger_on(Landing { step, call, object }, attempt, deadline)
            }
            Happening::Answer { epoch, command, input } => {
                if epoch != self.epoch || self.state.is_none() {
                    return Ok(());
                }
                if *input == Input::TimeReached {
                    self.wakes.remove(&self.now);
                }
                if let (Input::Applied { step, attempt, outcome }, Some(_)) = (&*input, &command) {
                    self.answered(&step.clone(), *attempt, &outcome.clone());
                }
                if let Some(command) = &command {
                    self.running.remove(command);
                }
                self.turn(*input)
            }
        }
    }

    /// A clear answer ends a call; a missing one leaves it open until its deadline.
    fn answered(&mut self, step: &StepId, attempt: u32, outcome: &ApplyOutcome) {
        if let ApplyOutcome::NoAnswer(_) = outcome {
            self.tally.in_doubt += 1;
            return;
        }
        let own = |flight: &&mut Flight| flight.landing.step == *step && flight.attempt == attempt;
        if let Some(flight) = self.flights.iter_mut().rev().find(own) {
            flight.final_at = self.now;
        }
    }

    fn turn(&mut self, input: Input) -> Held {
        if self.crashes() {
            return self.crash();
        }
        match input {
            Input::StopAsked => {
                self.watch.stopped = true;
                self.tally.stops += 1;
            }
            Input::AbortAsked => self.watch.aborted |= self.is_open(),
            Input::Started
            | Input::Recovered
            | Input::RetryAsked { .. }
            | Input::TimeReached
            | Input::Observed { .. }
            | Input::Applied { .. }
            | Input::Verified { .. } => {}
        }
        let told = match &input {
            Input::Applied {
                step, outcome: ApplyOutcome::Busy { retry_after: Some(length), .. }, ..
            } => Some((step.clone(), self.clock() + length.0 as i64)),
            _ => None,
        };
        let events = self.decided(input)?;
        for event in &events {
            if self.talks {
                println!("{} {:?}", self.moment(), event);
            }
            self.tally.count(event);
            self.watch.event(&self.scenario, self.now, self.moment(), event)?;
        }
        self.keep(&events);
        if let (Some((step, until)), Some(Event::StepRested { .. })) = (told, events.first()) {
            self.watch.told_to_wait(&step, until);
        }
        if self.crashes() {
            // Kept, but not folded, and nothing started.
            let state = self.state.as_mut().expect("a turn needs a state");
            events.iter().filter(|event| event.is_durable()).for_each(|event| apply(state, event));
            return self.crash();
        }
        let state = self.state.as_mut().expect("a turn needs a state");
        events.iter().for_each(|event| apply(state, event));
        self.folded.extend(events);
        self.compare()?;
        self.sync()?;
        if self.state.is_some() && self.crashes() { self.crash() } else { Ok(()) }
    }

    fn decided(&mut self, input: Input) -> Result<Vec<Event>, Violation> {
        let state = self.state.as_ref().expect("a turn needs a state");
        let now = self.moment();
        let input = self.mutant.map_or(input.clone(), |mutant| mutant.input(state, input));
        let instead = self.mutant.and_then(|mutant| mutant.instead(&self.scenario.plan, state, now, &input));
        let later = self.mutant.and_then(|mutant| mutant.later_plan(&self.engine_plan, state));
        let plan = later.as_ref().unwrap_or(&self.engine_plan);
        match instead.unwrap_or_else(|| decide(plan, state, now, input)) {
            Decision::Stale => Ok(Vec::new()),
            Decision::Refused(refusal) => broken("never-refused", refusal.to_string()).map(|()| Vec::new()),
            Decision::Accepted(events) => {
                let plan = &self.scenario.plan;
                Ok(self.mutant.map_or(events.clone(), |mutant| mutant.events(plan, state, now, events)))
            }
        }
    }

    /// Appends the durable events.
    fn keep(&mut self, events: &[Event]) {
        self.tally.events += events.len() as u64;
        for event in events.iter().filter(|event| event.is_durable()) {
            if self.mutant.is_none_or(|mutant| mutant.keeps(event)) {
                self.watch.logged(event);
                self.log.push(event.clone());
            }
        }
    }

    fn compare(&mut self) -> Held {
        if !self.random.chance(10) {
            return Ok(());
        }
        let same = Some(self.replay(&self.folded)) == self.state;
        if same { Ok(()) } else { broken("fold-equals-incremental", "folding again gives another state") }
    }

    fn replay(&self, events: &[Event]) -> State {
        State::replay(self.run.clone(), &self.engine_plan, events).expect("no unknown events")
    }

    fn take_over(&mut self) -> Held {
        if self.random.chance(300) {
            for event in &mut self.log {
                let back = Event::from_entry(event.kind(), event.step(), &event.to_body());
                let back = back.expect("what was written can be read");
                if back != *event {
                    return broken("log-is-faithful", format!("{event:?} became {back:?}"));
                }
                *event = back;
            }
        }
        self.epoch += 1;
        self.state = Some(self.replay(&self.log));
        self.folded = self.log.clone();
        (self.running, self.wakes) = (BTreeSet::new(), BTreeSet::new());
        self.jump(true);
        let state = self.state.as_ref().expect("it was just replayed");
        if state.ended().is_some() {
            let again = self.wanted_round > state.round();
            return if again { self.turn(self.retry()) } else { Ok(()) };
        }
        let calls_off = !self.log.is_empty() && self.random.chance(self.scenario.faults.aborts * 5);
        if calls_off && state.is_suspended() && self.random.chance(500) {
            return self.turn(Input::AbortAsked);
        }
        let first = self.log.is_empty();
        self.turn(if first { Input::Started } else { Input::Recovered })?;
        if calls_off && self.is_open() {
            return self.turn(Input::AbortAsked);
        }
        // Whoever asked for the round does not know whether it was heard.
        if self.is_open() && self.wanted_round > 1 { self.turn(self.retry()) } else { Ok(()) }
    }

    /// Whether a process holds the run and it has not ended.
    fn is_open(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.ended().is_none())
    }

    fn crashes(&mut self) -> bool {
        let faults = &self.scenario.faults;
        // Moments that are rare are the ones to crash in.
        let aborting = self.state.as_ref().is_some_and(|state| state.is_aborting());
        let chance = faults.crash * if aborting { 20 } else { 1 };
        self.tally.crashes < faults.crashes_max && self.random.chance(chance)
    }

    fn crash(&mut self) -> Held {
        self.tally.crashes += 1;
        self.linger();
        let before = self.state.take().expect("only a process can crash");
        same_after_crash(&before, &self.replay(&self.log))?;
        self.epoch += 1;
        let asleep = self.random.pick(&[0, 100, 30_000, 600_000]);
        self.later(asleep, Happening::TakeOver);
        Ok(())
    }

    fn sync(&mut self) -> Held {
        let state = self.state.as_mut().expect("a turn needs a state");
        if state.is_suspended() {
            self.epoch += 1;
            self.state = None;
            let asleep = self.random.pick(&[1_000, 3_600_000]);
            self.later(asleep, Happening::TakeOver);
            return Ok(());
        }
        let owed = owed(state);
        for (step, command) in moved(state) {
            match command {
                Some(command) => self.followed.insert(step, command),
                None => self.followed.remove(&step),
            };
        }
        let steps = || owed.iter().filter(|command| command.step().is_some());
        let follows = steps().count() == self.followed.len()
            && steps().eq(self.followed.values().collect::<BTreeSet<_>>());
        holds("who-follows-knows-what-is-owed", follows, || format!("{owed:?} and {:?}", self.followed))?;
        // Reads that are no longer owed are dropped; a call is never dropped.
        self.running.retain(|command| matches!(command, Command::Apply { .. }) || owed.contains(command));
        let (mut wake, mut start) = (None, Vec::new());
        for command in &owed {
            match command {
                Command::WakeAt(at) => wake = Some((at.as_millis() - self.skew).max(self.now)),
                _ if self.running.len() + start.len() >= self.scenario.parallel => break,
                _ if self.running.contains(command) => {}
                _ => start.push(command.clone()),
            }
        }
        if let Some(at) = wake
            && self.wakes.insert(at)
        {
            self.answer_at(at, None, Input::TimeReached);
        }
        for command in start {
            self.watch.command(&self.scenario, self.moment(), &command)?;
            self.running.insert(command.clone());
            self.start(command)?;
        }
        if self.tally.stops < STOPS_MAX && self.random.chance(self.scenario.faults.stops) {
            let after = self.random.below(20_000);
            self.answer_at(self.now + after as i64, None, Input::StopAsked);
        }
        self.call_off_perhaps();
        self.jump(false);
        Ok(())
    }

    fn answer_at(&mut self, at: i64, command: Option<Command>, input: Input) {
        self.at(at, Happening::Answer { epoch: self.epoch, command, input: Box::new(input) });
    }

    /// An answer, now and then twice.
    fn answer(&mut self, after: u64, command: Command, input: Input) {
        if self.random.chance(self.scenario.faults.doubled) {
            let late = after + self.random.below(30_000);
            self.answer_at(self.now + late as i64, None, input.clone());
        }
        self.answer_at(self.now + after as i64, Some(command), input);
    }
}
