//! The shell, as hostile as it gets: it crashes at any point, is told things twice, late and not at all, and is sometimes
//! no longer the holder.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::digest::Digest;
use landfall::base::id::ScopeId;
use landfall::base::time::Timestamp;
use landfall::fleet::{Command, Decision, Input, Phase, State, apply, decide, owed, waits};
use landfall::model::entry::{Actor, ActorKind};
use landfall::model::fleet_event::{FleetEvent, HaltReason, LaunchOutcome, ScopeOutcome, SkipReason};
use landfall::model::plan::Plan;

use super::draw::{self, BEGIN, DAY, HOUR, MINUTE, Traits};
use super::mutant::Mutant;
use super::tally::Tally;
use super::watch::Watch;
use super::world::{Rates, Told, World};
use crate::random::Random;
use crate::watch::{Held, Violation, broken, holds};

/// Turns after which a launch counts as endless.
const TURNS_MAX: u64 = 5_000;

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

    /// One input from decision to what is started for it.
    fn turn(&mut self, input: Input, begun: Option<Timestamp>) -> Result<Answer, Violation> {
        let now = self.now();
        let crashes = self.random.chance(self.rates.crash);
        if crashes && self.random.chance(500) {
            return self.crash();
        }
        let heard = self.mutant.map_or(Some(input.clone()), |mutant| mutant.input(input.clone()));
        let engine_now = self.mutant.map_or(now, |mutant| mutant.now(now));
        let events = match heard {
            None => Vec::new(),
            Some(heard) => match decide(&self.engine_plan, &self.state, engine_now, heard) {
                Decision::Accepted(events) => events,
                Decision::Stale => {
                    self.tally.stale += 1;
                    return Ok(Answer::Stale);
                }
                Decision::Refused(refusal) => {
                    let asked = matches!(
                        input,
                        Input::SkipAsked { .. } | Input::RetryAsked { .. } | Input::Started(_)
                    );
                    self.tally.refused += 1;
                    return holds("never-refused", asked, || refusal.to_string()).map(|()| Answer::Refused);
                }
            },
        };
        let events = match self.mutant {
            Some(mutant) => mutant.events(&self.plan, &self.watch, events),
            None => events,
        };
        if self.talks {
            println!("{now} {input:?}\n    {events:?}");
        }
        self.watch.told(&input, begun.unwrap_or(now), now)?;
        holds("one-writer", self.known == self.log.len(), || "somebody else wrote".to_owned())?;
        for event in events {
            self.take(now, event)?;
        }
        self.watch.between()?;
        if crashes {
            return self.crash();
        }
        self.settled(matches!(input, Input::TimeReached))?;
        if self.random.chance(30) {
            self.fold()?;
        }
        Ok(Answer::Accepted)
    }

    fn take(&mut self, now: Timestamp, event: FleetEvent) -> Held {
        self.watch.event(&self.plan, now, &event)?;
        self.tally.count(&event);
        if !self.mutant.is_some_and(|mutant| mutant.forgets(&event)) {
            let back = FleetEvent::from_entry(event.kind(), &event.to_body()).expect("it can be read");
            self.log.push(back);
            self.known += 1;
        }
        apply(&mut self.state, &event);
        Ok(())
    }

    fn crash(&mut self) -> Result<Answer, Violation> {
        self.tally.crashes += 1;
        self.is_held = false;
        Ok(Answer::Crashed)
    }

    fn fold(&self) -> Held {
        let folded = State::replay(&self.engine_plan, &self.log).expect("no unknown events");
        holds("fold-equals-incremental", folded == self.state, || "folding gives another state".to_owned())
    }

    /// What must hold between two turns; then what is owed is started, and what is not owed any more is let go.
    fn settled(&mut self, after_time: bool) -> Held {
        let owed = owed(&self.state);
        let owed = self.mutant.map_or(owed.clone(), |mutant| mutant.owed(owed));
        let wake = wake(&owed);
        let resting = self.state.is_suspended() || self.state.ended().is_some();
        holds("rests-when-suspended", !resting || owed.is_empty(), || format!("{owed:?}"))?;
        for command in &owed {
            match command {
                Command::RunScope { scope, .. } => {
                    let off = self.watch.is_called_off(scope);
                    holds("aborted-gets-no-run", !off, || scope.to_string())?;
                }
                Command::AbortScope(scope) => {
                    let off = self.watch.is_called_off(scope);
                    holds("called-off-when-asked", off, || scope.to_string())?;
                }
                Command::JudgeEntry(_) | Command::LookAtBake { .. } | Command::WakeAt(_) => {
                    holds("nothing-new-while-resting", !self.watch.rests(), || format!("{command:?}"))?;
                }
            }
        }
        if !resting {
            holds("something-goes-on", !owed.is_empty(), || "nothing is owed".to_owned())?;
        }
        let quiet = owed.iter().all(|command| matches!(command, Command::WakeAt(_)));
        let open = self.state.ended().is_none() && (!resting || self.state.paused().is_some());
        if quiet && open {
            let waits = waits(&self.engine_plan, &self.state, self.now());
            let waits = self.mutant.map_or(waits.clone(), |mutant| mutant.waits(waits));
            holds("waits-tell-why", !waits.is_empty(), || format!("{owed:?}"))?;
        }
        if after_time && let Some(wake) = wake {
            holds("time-moves-on", wake > self.now(), || format!("wakes at {wake} again and again"))?;
        }
        self.start(owed)
    }

    fn start(&mut self, owed: BTreeSet<Command>) -> Held {
        self.jobs.retain(|command, _| owed.contains(command));
        for command in owed {
            if matches!(command, Command::WakeAt(_)) || self.jobs.contains_key(&command) {
                continue;
            }
            holds("durable-before-acted", self.is_written(&command), || format!("{command:?}"))?;
            let length = match &command {
                Command::RunScope { .. } => self.random.between(1, 120) * MINUTE,
                Command::AbortScope(_) => self.random.between(1, 5) * MINUTE,
                Command::JudgeEntry(_) | Command::LookAtBake { .. } => self.random.between(1, 60) * 1_000,
                Command::WakeAt(_) => 0,
            };
            let job = Job { due: self.time + length, begun: self.now(), told: Told::Nothing };
            self.jobs.insert(command, job);
        }
        if self.state.is_stopping() {
            for job in self.jobs.values_mut().filter(|job| job.told == Told::Nothing) {
                job.told = Told::Stop;
                job.due = job.due.min(self.time + self.random.between(1, 5) * MINUTE);
            }
        }
        Ok(())
    }

    /// Whether the log says why this is to be done.
    fn is_written(&self, command: &Command) -> bool {
        self.log.iter().any(|event| match (command, event) {
            (Command::RunScope { scope, round }, FleetEvent::ScopeStarted { scope: it, round: time }) => {
                scope == it && round == time
            }
            (Command::AbortScope(scope), FleetEvent::ScopeAborting { scope: it, .. }) => scope == it,
            (Command::AbortScope(_), FleetEvent::LaunchAborting { .. }) => true,
            (Command::JudgeEntry(wave), FleetEvent::WaveReached { wave: it }) => wave == it,
            (Command::LookAtBake { wave, .. }, FleetEvent::WaveBaking { wave: it, .. }) => wave == it,
            _ => false,
        })
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

    /// Somebody interferes; whether anything happened.
    fn disturb(&mut self) -> Result<bool, Violation> {
        if self.random.chance(self.rates.jump) {
            self.tally.jumps += 1;
            self.rates.jump /= 2;
            let far = self.random.below(3 * DAY) as i64;
            self.offset += if self.random.chance(500) { far } else { -far };
        }
        if self.random.chance(20) && self.late.is_some() {
            self.late_holder();
        }
        let rates = self.rates.clone();
        let input = if self.random.chance(rates.stop) {
            self.rates.stop /= 2;
            Input::StopAsked
        } else if self.random.chance(rates.pause) {
            self.rates.pause /= 2;
            self.pause()
        } else if self.state.paused().is_some() && self.random.chance(300) {
            self.resume()
        } else if self.random.chance(rates.abort) {
            self.abort()
        } else if self.random.chance(rates.skip) && !self.plan.scopes.is_empty() {
            self.skip()
        } else if self.random.chance(rates.retry) {
            self.retry()
        } else if self.random.chance(10) {
            Input::TimeReached
        } else {
            return Ok(false);
        };
        self.turn(input, None)?;
        Ok(true)
    }

    fn pause(&self) -> Input {
        Input::PauseAsked { by: person(), reason: "a change freeze".to_owned() }
    }

    fn resume(&self) -> Input {
        Input::ResumeAsked { by: person(), reason: "it is over".to_owned() }
    }

    fn abort(&self) -> Input {
        Input::AbortAsked { by: person(), reason: "a wrong plan".to_owned() }
    }

    fn skip(&mut self) -> Input {
        let open = |scope: &&ScopeId| scope.site().is_some() && !self.state.scopes()[*scope].is_ended();
        let mut scopes: Vec<ScopeId> = self.plan.scopes.keys().filter(open).cloned().collect();
        if scopes.is_empty() || self.random.chance(100) {
            scopes = self.plan.scopes.keys().cloned().collect();
        }
        let scope = scopes[self.random.below(scopes.len() as u64) as usize].clone();
        let why = SkipReason::Person { by: "pm".to_owned(), reason: "not ready".to_owned() };
        Input::SkipAsked { scope, why, by: person() }
    }

    fn retry(&mut self) -> Input {
        let mut scopes = BTreeSet::new();
        if self.random.chance(600) {
            for (scope, phase) in self.state.scopes() {
                let lost = matches!(phase, Phase::Failed | Phase::Aborted | Phase::Skipped { .. });
                if self.random.chance(if lost { 700 } else { 20 }) {
                    scopes.insert(scope.clone());
                }
            }
        }
        if self.random.chance(800) {
            self.world.broken.clear();
        }
        Input::RetryAsked { scopes, by: person(), reason: "it was put right".to_owned() }
    }

    /// A holder that has lost its lease decides on what it remembers. Its entries are refused for their epoch.
    fn late_holder(&mut self) {
        let Some(late) = &self.late else { return };
        let running = late.running().next().cloned();
        let input = running.map_or(Input::TimeReached, |scope| Input::ScopeEnded {
            scope,
            outcome: ScopeOutcome::Succeeded,
        });
        self.tally.late_holders += 1;
        if let Decision::Accepted(events) = decide(&self.engine_plan, late, self.now(), input)
            && self.mutant == Some(Mutant::LateHolderWrites)
        {
            self.log.extend(events);
        }
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

    /// A launch that has ended is left alone or tried again; whether it is tried again.
    fn goes_on_after_end(&mut self) -> Result<bool, Violation> {
        let outcome = self.state.ended();
        self.late_after_end()?;
        if outcome == Some(LaunchOutcome::Aborted) {
            let refused = self.turn(self.retry_all(), None)? != Answer::Accepted;
            return holds("nothing-after-abort", refused, || "it was tried again".to_owned()).map(|()| false);
        }
        if self.is_healed {
            let well = outcome == Some(LaunchOutcome::Succeeded);
            holds("retried-ends-well", well, || format!("{outcome:?}"))?;
            self.as_never_failed()?;
            return Ok(false);
        }
        if self.is_patient {
            self.is_healed = true;
            self.rates = Rates { crash: self.rates.crash, closes: 500, ..Rates::default() };
            self.world.broken.clear();
            if outcome == Some(LaunchOutcome::Succeeded) {
                return Ok(true);
            }
            self.tally.healed += 1;
            let input = self.retry_all();
            while self.turn(input.clone(), None)? == Answer::Crashed && self.is_written_end() {
                self.is_held = true;
            }
            return Ok(true);
        }
        if self.random.chance(self.rates.retry * 5) {
            self.rates.retry /= 2;
            let input = self.retry();
            self.tally.retries += 1;
            return Ok(self.turn(input, None)? != Answer::Refused);
        }
        Ok(false)
    }

    /// Whether the launch has ended by its log.
    fn is_written_end(&self) -> bool {
        let end = |event: &FleetEvent| {
            matches!(event, FleetEvent::LaunchEnded { .. } | FleetEvent::LaunchReopened { .. })
        };
        matches!(self.log.iter().rev().find(|event| end(event)), Some(FleetEvent::LaunchEnded { .. }))
    }

    /// Everything that did not end well is named, also what a person took out, and what broke during bake time.
    fn retry_all(&self) -> Input {
        let lost = |phase: &Phase| matches!(phase, Phase::Failed | Phase::Aborted | Phase::Skipped { .. });
        let lost = self.state.scopes().iter().filter(|(_, phase)| lost(phase)).map(|(scope, _)| scope);
        let broke = self.state.waves().iter().filter_map(|wave| match &wave.halted {
            Some(HaltReason::Bake { defect, .. }) => Some(&defect.scope),
            _ => None,
        });
        let scopes = lost.chain(broke).cloned().collect();
        Input::RetryAsked { scopes, by: person(), reason: "it was put right".to_owned() }
    }

    fn late_after_end(&mut self) -> Held {
        let outcome = ScopeOutcome::Succeeded;
        let late = self.plan.scopes.keys().next().cloned().map(|scope| Input::ScopeEnded { scope, outcome });
        for input in [Input::StopAsked, Input::TimeReached].into_iter().chain(late) {
            let decision = decide(&self.engine_plan, &self.state, self.now(), input);
            holds("late-changes-nothing", decision == Decision::Stale, || format!("{decision:?}"))?;
        }
        Ok(())
    }

    /// The launch stands where one stands in which nothing ever failed.
    fn as_never_failed(&self) -> Held {
        let smooth = smooth(&self.engine_plan, Timestamp::from_millis(BEGIN));
        let same = smooth.scopes() == self.state.scopes() && smooth.ended() == self.state.ended();
        holds("retried-as-never-failed", same, || "its scopes stand elsewhere".to_owned())?;
        let waves = smooth.waves().iter().zip(self.state.waves());
        for (smooth, wave) in waves {
            let same =
                (&smooth.halted, &smooth.entry, &smooth.baking) == (&wave.halted, &wave.entry, &wave.baking);
            let sites = |sites: &[ScopeId]| sites.iter().cloned().collect::<BTreeSet<_>>();
            let same = same && sites(&smooth.sites) == sites(&wave.sites);
            holds("retried-as-never-failed", same, || format!("{} stands elsewhere", wave.name))?;
        }
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

fn person() -> Actor {
    Actor { kind: ActorKind::Person, id: "pm".to_owned() }
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
