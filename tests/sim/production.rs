//! The production shell itself, `landfall::runner::run`, against a small hostile world on a virtual clock: its journal
//! crashes under it before or after a write, it is asked to stop, and it is opened again until the launch ends. Then
//! everything must be as if nothing had ever happened.
//!
//! `LANDFALL_SIM_LAUNCHES=n` plays n seeds, `LANDFALL_SIM_SEED=s` only that one.

mod estate;
mod journal;
mod service;

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall::base::id::{LogId, ScopeId};
use landfall::base::time::{Millis, Timestamp};
use landfall::engine::State;
use landfall::journal::memory::MemoryJournal;
use landfall::journal::{Journal, JournalError};
use landfall::merkle::{leaf_hash, root};
use landfall::model::entry::{Actor, ActorKind};
use landfall::model::event::{Event, RunOutcome};
use landfall::model::fleet_event::LaunchOutcome;
use landfall::model::plan::{Plan, SavedPlan, WavePlan};
use landfall::runner::clock::Clock;
use landfall::runner::feed::Feed;
use landfall::runner::stop::Stop;
use landfall::runner::{Left, RunnerError, Shell, run};
use serde_json::Value;

use crate::random::Random;
use crate::watch::{Held, Violation, broken, holds};
use journal::Crashing;
use service::{Mix, Mutant, Service};

/// Seeds that are played unless asked otherwise: what a debug build does in some twenty seconds.
const SEEDS: u64 = 200;

/// Times a launch is opened before it counts as endless. Crashes and stops come only in the first few.
const OPENINGS_MAX: u64 = 12;
const TROUBLED_OPENINGS: u64 = 8;

/// What the stories came to.
#[derive(Debug, Default)]
struct Tally {
    entries: u64,
    calls: u64,
    crashes: u64,
    stops: u64,
    launches: u64,
}

/// One store, one world, one clock; launches come and go.
struct Story {
    random: Random,
    store: MemoryJournal,
    service: Arc<Service>,
    clock: Clock,
    troubled: bool,
    tally: Tally,
}

fn start() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

impl Story {
    fn new(seed: u64, plan: &Plan, mix: Option<Mix>) -> Self {
        let store = MemoryJournal::seeded(seed);
        let clock = Clock::starting_at(start());
        let steps = |(scope, plan): (&ScopeId, &landfall::model::plan::ScopePlan)| {
            let scope = scope.clone();
            plan.steps.keys().map(move |step| (step.to_string(), scope.clone())).collect::<Vec<_>>()
        };
        let scopes: BTreeMap<String, ScopeId> = plan.scopes.iter().flat_map(steps).collect();
        let troubled = mix.is_some();
        let intents = match mix.and_then(|mix| mix.mutant) {
            Some(Mutant::IntentsElsewhere) => MemoryJournal::new(),
            _ => store.another(),
        };
        let service = Service::new(clock.clone(), intents, scopes, seed ^ 0x5eed, mix.unwrap_or_default());
        let (random, service) = (Random::new(seed ^ 0xc0ffee), Arc::new(service));
        Self { random, store, service, clock, troubled, tally: Tally::default() }
    }

    /// Opens the launch until it has ended.
    async fn launch(&mut self, plan: Plan, name: &str) -> Held {
        let saved = SavedPlan::new(plan, start());
        self.tally.launches += 1;
        for opening in 0..OPENINGS_MAX {
            if self.has_ended(name) {
                // The last crash was after the last write.
                return self.verify(&saved, name);
            }
            let troubled = self.troubled && opening < TROUBLED_OPENINGS;
            let crash = (troubled && self.random.chance(800))
                .then(|| (self.random.below(25), self.random.chance(500)));
            let stop_after = (troubled && self.random.chance(200)).then(|| self.random.below(40));
            match self.open(&saved, name, crash, stop_after).await {
                Ok(Left::Ended(LaunchOutcome::Succeeded)) => return self.verify(&saved, name),
                Ok(Left::Suspended) => self.tally.stops += 1,
                Err(RunnerError::Journal(JournalError::Store { .. })) if crash.is_some() => {
                    self.tally.crashes += 1;
                }
                other => return broken("launch-succeeds", format!("{name}: {other:?}")),
            }
            let asleep = self.random.pick(&[0, 100, 5_000, 70_000]);
            self.clock.advance_to(self.clock.now() + Millis(asleep));
        }
        broken("terminates", format!("{name} was opened {OPENINGS_MAX} times"))
    }

    /// Whether the log says so: nobody opens a launch that has ended.
    fn has_ended(&self, name: &str) -> bool {
        let lines = self.store.read(&LogId::Org, 0).expect("the log can be read");
        lines.iter().any(|line| {
            let entry = &line.entry;
            entry.kind == "launch.ended" && entry.run.as_ref().is_some_and(|run| run.as_str() == name)
        })
    }

    /// One process: it ends by itself, or its journal crashes under it. Everything that a shell needs is put together
    /// here and nowhere else.
    async fn open(
        &self,
        saved: &SavedPlan,
        name: &str,
        crash: Option<(u64, bool)>,
        stop_after: Option<u64>,
    ) -> Result<Left, RunnerError> {
        let mut journal = Crashing::new(self.store.another(), crash);
        let stop = Stop::new();
        let (asks, mut told) = (stop.clone(), 0);
        let mut feed = |_: &Feed<'_>| {
            told += 1;
            if stop_after.is_some_and(|after| told > after) {
                asks.ask();
            }
        };
        let mut entry = |_: &Plan, _: &WavePlan, _: &dyn Journal| Ok(Vec::new());
        let shell = Shell {
            saved,
            launch_refs: Vec::new(),
            run_refs: BTreeMap::new(),
            run: name.parse().expect("a run id"),
            journal: &mut journal,
            driver: self.service.clone(),
            clock: self.clock.clone(),
            stop,
            actor: Actor { kind: ActorKind::Rehearsal, id: "simulation".to_owned() },
            holder: "simulation".to_owned(),
            feed: &mut feed,
            entry: &mut entry,
            rates: None,
            calls_at_once: landfall::base::limits::CALLS_MAX,
            stay: false,
        };
        run(shell).await
    }

    /// Every log hashes to its head, and the engine accepts its own run from beginning to end.
    fn verify(&mut self, saved: &SavedPlan, name: &str) -> Held {
        let heads = self.store.heads().expect("the store has heads");
        for (log, head) in &heads {
            let lines = self.store.read(log, 0).expect("every entry can be read");
            let leaves: Vec<_> = lines.iter().map(|line| leaf_hash(line.text.as_bytes())).collect();
            holds("logs-verify", root(&leaves) == head.root, || format!("{log}"))?;
            let LogId::Scope(scope) = log else { continue };
            let own = lines.iter().filter(|line| line.entry.run.as_ref().is_some_and(|r| r.as_str() == name));
            let events: Vec<Event> = own
                .map(|line| &line.entry)
                .map(|entry| Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body))
                .collect::<Result<_, _>>()
                .expect("every entry can be understood");
            self.tally.entries += events.len() as u64;
            let run = name.parse().expect("a run id");
            let state = State::replay(run, saved.plan.scope(scope), &events).expect("known events");
            let well = state.ended() == Some(RunOutcome::Succeeded);
            holds("every-run-ended", well, || format!("{scope}: {:?}", state.ended()))?;
        }
        Ok(())
    }
}

type There = BTreeMap<String, Vec<Value>>;

/// Two launches of one estate; what is there after each.
async fn live(seed: u64, mix: Option<Mix>) -> Result<([There; 2], Tally), Violation> {
    let mut random = Random::new(seed);
    let first = estate::first(&mut random);
    let mut story = Story::new(seed, &first, mix);
    story.launch(first.clone(), "run-1").await?;
    let after_first = story.service.there();
    let second = estate::second(&first, &after_first, &story.store, &mut random);
    story.launch(second, "run-2").await?;
    let after_second = story.service.there();
    story.tally.calls = story.service.calls();
    match story.service.wrong().first() {
        None => Ok(([after_first, after_second], story.tally)),
        Some(wrong) => {
            let name = wrong.split(':').next().unwrap_or_default().to_owned();
            Err(Violation { name, what: wrong.clone() })
        }
    }
}

fn draw(seed: u64) -> Mix {
    let mut random = Random::new(seed ^ 0xfa17);
    let mut rate = |most: u64| if random.chance(500) { random.between(1, most) } else { 0 };
    let (lost, late, busy, unreadable, lag) = (rate(300), rate(400), rate(300), rate(150), rate(4_000));
    Mix { lost, late, busy, unreadable, lag, mutant: None }
}

async fn play(seed: u64, mutant: Option<Mutant>) -> Result<Tally, Violation> {
    let (calm, _) = live(seed, None).await?;
    let (troubled, tally) = live(seed, Some(Mix { mutant, ..draw(seed) })).await?;
    for (one, other) in calm.iter().zip(&troubled) {
        holds("ends-as-uninterrupted", one == other, || format!("{other:?} instead of {one:?}"))?;
    }
    Ok(tally)
}

#[test]
fn the_production_loop_survives_crashes_at_every_kind_of_moment() {
    let count = crate::number("LANDFALL_SIM_LAUNCHES").unwrap_or(SEEDS);
    let seeds = crate::number("LANDFALL_SIM_SEED").map_or(0..count, |seed| seed..seed + 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (mut all, begun) = (Tally::default(), std::time::Instant::now());
    for seed in seeds.clone() {
        match runtime.block_on(play(seed, None)) {
            Ok(tally) => {
                all.entries += tally.entries;
                all.calls += tally.calls;
                all.crashes += tally.crashes;
                all.stops += tally.stops;
                all.launches += tally.launches;
            }
            Err(violation) => panic!(
                "{}: {}\nreplay with: LANDFALL_SIM_SEED={seed} cargo test --test sim production_loop",
                violation.name, violation.what
            ),
        }
    }
    println!("production shell: {} seeds in {:?}, {all:?}", seeds.end - seeds.start, begun.elapsed());
    if seeds.end - seeds.start >= 100 {
        let counts = [all.entries, all.calls, all.crashes, all.stops];
        assert!(counts.iter().all(|count| *count > 0), "something never happened: {all:?}");
    }
}

/// Each mutant with the invariant that kills it.
const MUTANTS: [(Mutant, &str); 4] = [
    (Mutant::LandsTooLate, "no-call-while-in-doubt"),
    (Mutant::AnswersForNothing, "launch-succeeds"),
    (Mutant::IntentsElsewhere, "intent-before-call"),
    (Mutant::DeletesForNothing, "launch-succeeds"),
];

#[test]
fn every_mutant_of_the_world_is_noticed_by_its_invariant() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for (mutant, name) in MUTANTS {
        let dies = |seed: &u64| {
            runtime.block_on(play(*seed, Some(mutant))).is_err_and(|violation| violation.name == name)
        };
        let killer = (0..SEEDS).find(dies);
        println!("{mutant:?} is noticed by {name} at seed {killer:?}");
        assert!(killer.is_some(), "{mutant:?} survives {name}");
    }
}
