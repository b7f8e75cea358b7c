//! The whole life of waves: everybody plays their part on a virtual clock, each gate is found closed and opened by what it
//! asks for, each plan is approved by those whose word it needs, and then launched as in earnest.

mod cast;
mod close;
mod coverage;
mod deed;
mod desk;
mod doors;
mod inbox;
mod launch;
mod need;
mod probes;
mod ticket;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::tz::TimeZone;

use crate::base::id::{GateId, RoleName, ScopeId, StepId, WaveName};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::entropy::Entropy;
use crate::evidence::verify::Verdict;
use crate::journal::sqlite::SqliteJournal;
use crate::model::authority::GateUse;
use crate::model::calendar::zone;
use crate::model::days::{day_of, start_of};
use crate::model::entry::{Actor, ActorKind};
use crate::model::estate::{CalendarUse, TargetDriver};
use crate::ops::Context;
use crate::ops::checklist::Ground;
use crate::ops::checklist::run::Estate;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::export::Exported;
use crate::ops::milestones::milestones;
use crate::ops::target::{Reached, embed};
use crate::pacing::Rates;
use crate::report::life::{Event, Kind, LIFE_VERSION, Life, MilestoneLine};
use crate::report::milestones::MilestoneState;
use crate::runner::clock::Clock;
use crate::runner::stop::Stop;
use crate::sandbox::Config;

use cast::Cast;

/// What the rehearsal's own target is called. It asks for approvals and gates, as a real one does.
const TARGET: &str = "rehearsal";
/// The hour at which people begin to work.
const MORNING_HOURS: i64 = 9;

/// What is to be lived through.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The last wave.
    pub until: &'w str,
    /// What everything that is drawn follows from.
    pub seed: u64,
    /// Where bundles go; below the state folder without one.
    pub out: Option<&'w Path>,
    /// Whether sites of all waves get a bundle, or only those of the last.
    pub bundles_of_all: bool,
    /// How it can be stopped.
    pub stop: Stop,
}

/// What it came to.
#[derive(Debug)]
pub struct Lived {
    /// Everything that is told.
    pub life: Life,
    /// Bundles, each with what the verifier says of it.
    pub bundles: Vec<(Exported, Verdict)>,
    /// Whether somebody stopped it.
    pub interrupted: bool,
}

/// Hears of each thing when it happens.
pub type Tell<'t> = dyn FnMut(&Event) + 't;

/// Everything that a rehearsal works with.
struct World<'w> {
    context: Context,
    estate: Estate,
    ground: Ground,
    cast: Cast,
    reached: Reached,
    journal: SqliteJournal,
    zone: TimeZone,
    seed: u64,
    stop: Stop,
    tell: &'w mut Tell<'w>,
    life: Life,
    /// The newest line of each gate.
    lines: BTreeMap<(ScopeId, GateId), usize>,
    /// When each thing that somebody is asked for was asked, and when they will answer.
    asked: BTreeMap<String, Answer>,
    /// Records that were filed for what is being worked on.
    filed: BTreeMap<(ScopeId, String), Timestamp>,
    /// Items that were run for what is being worked on.
    ran: BTreeMap<(ScopeId, StepId), Timestamp>,
    /// Every item that was worked on.
    worked: BTreeSet<(ScopeId, StepId)>,
    /// The ticket system.
    desk: desk::Desk,
}

/// When somebody answers.
#[derive(Debug, Clone, Copy)]
struct Answer {
    since: Timestamp,
    due: Timestamp,
    minutes: u64,
}

/// Lives through the waves of an estate, one after another.
///
/// # Errors
///
/// If there is no such wave, or something of the rehearsal itself cannot be made.
pub async fn live<'w>(
    context: &Context,
    desired: Desired,
    wanted: Wanted<'_>,
    tell: &'w mut Tell<'w>,
) -> Result<Lived, Failure> {
    let waves = waves_until(&desired, wanted.until)?;
    std::fs::create_dir_all(&context.state)
        .map_err(|error| Failure::failed(format!("{}: {error}", context.state.display())))?;
    let scratch = tempfile::tempdir_in(&context.state).map_err(|error| Failure::failed(error.to_string()))?;
    let mut world = World::new(context, desired, &wanted, scratch.path(), tell).await?;
    let began = world.context.clock.now();
    let mut bundles = Vec::new();
    let mut first = None;
    let out = match wanted.out {
        Some(out) => out.to_owned(),
        None => super::fresh_folder(context, "all", wanted.seed)?,
    };
    for wave in &waves {
        if world.stop.is_asked() {
            break;
        }
        let launched = world.wave(wave, Some(wave) == waves.last()).await?;
        let Some(saved) = launched else { break };
        // The sites of the first wave get theirs at the end of their life.
        if Some(wave) != waves.first() && (wanted.bundles_of_all || Some(wave) == waves.last()) {
            let World { context, estate, journal, reached, .. } = &mut world;
            super::collected(context, &estate.desired, journal, reached, &saved, &actor()).await?;
            bundles.extend(super::bundles(context, &estate.desired, journal, &saved, &actor(), &out)?);
        }
        first.get_or_insert(saved);
    }
    if let Some(first) = first.filter(|_| !world.stop.is_asked()) {
        bundles.splice(0..0, world.close(&first, &out).await?);
    }
    let interrupted = world.stop.is_asked();
    let life = world.finish(began, waves.len())?;
    Ok(Lived { life, bundles, interrupted })
}

/// Who did what programs do.
fn actor() -> Actor {
    Actor { kind: ActorKind::Rehearsal, id: "rehearsal".to_owned() }
}

fn waves_until(desired: &Desired, until: &str) -> Result<Vec<WaveName>, Failure> {
    let all = &desired.loaded.estate.waves;
    let last = all.iter().position(|wave| wave.name.as_str() == until).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|wave| wave.name.as_str()).collect();
        Failure::usage(format!("no wave is called `{until}`"), format!("waves are: {}", names.join(", ")))
    })?;
    Ok(all[..=last].iter().map(|wave| wave.name.clone()).collect())
}

impl<'w> World<'w> {
    async fn new(
        context: &Context,
        mut desired: Desired,
        wanted: &Wanted<'_>,
        scratch: &Path,
        tell: &'w mut Tell<'w>,
    ) -> Result<Self, Failure> {
        let seed = wanted.seed;
        let zone = desired.loaded.estate.time_zone();
        let day_one = desired.loaded.estate.day_one.ok_or_else(|| {
            Failure::usage("the estate has no first day", "write day_one into [estate] of sites/estate.toml")
        })?;
        let entropy = Entropy::Seeded(seed);
        let first =
            start_of(&zone, day_one) + crate::base::time::Millis::from_secs(MORNING_HOURS as u64 * 3600);
        let clock = Clock::starting_at(first);
        let inner =
            Context { root: context.root.clone(), state: scratch.to_owned(), clock: clock.clone(), entropy };
        let cast = Cast::new(&desired.loaded.estate.people, seed, day_one, zone.clone())?;
        let estate = &mut desired.loaded.estate;
        estate.people = cast.people().clone();
        let mut target = estate
            .targets
            .values()
            .find(|target| target.driver == TargetDriver::Sandbox)
            .cloned()
            .ok_or_else(|| Failure::Refused { reason: "the estate has no sandbox target".to_owned() })?;
        estate.tickets = Some(ticket::rehearsed(target.span.clone())?);
        target.gates = GateUse::Enforce;
        target.calendar = CalendarUse::Observe;
        estate.targets.insert(TARGET.to_owned(), target);
        let config = Config { seed, pipelines: true, ..Config::new(super::ACCOUNT) };
        let mut reached = embed(TARGET, config, clock.clone(), limits::CALL_TIMEOUT).await?;
        reached.rates = Some(Rates::standard().clone());
        reached.calendar = CalendarUse::Observe;
        let mut journal = SqliteJournal::open(&inner.journal_dir())?.with_entropy(entropy);
        cast.enrol(&mut journal, day_one, clock.now())?;
        let ground = Ground::of(&desired);
        let life = Life {
            v: LIFE_VERSION,
            seed,
            zone: desired.loaded.estate.zone_name().to_owned(),
            began: zone::shown(&zone, first),
            ended: String::new(),
            days: None,
            good: false,
            events: Vec::new(),
            gates: Vec::new(),
            roles: BTreeMap::new(),
            waves: Vec::new(),
            milestones: Vec::new(),
            coverage: Vec::new(),
            complete: Vec::new(),
            inboxes: Vec::new(),
            counts: Default::default(),
        };
        Ok(Self {
            context: inner,
            estate: Estate { desired, breaks_rules: false },
            ground,
            cast,
            reached,
            journal,
            zone,
            seed,
            stop: wanted.stop.clone(),
            tell,
            life,
            lines: BTreeMap::new(),
            asked: BTreeMap::new(),
            filed: BTreeMap::new(),
            ran: BTreeMap::new(),
            worked: BTreeSet::new(),
            desk: desk::Desk::default(),
        })
    }

    fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    fn shown(&self, moment: Timestamp) -> String {
        zone::local(&self.zone, moment).strftime("%a %Y-%m-%d %H:%M").to_string()
    }

    /// The day of the program of a moment, from 1.
    fn day(&self, moment: Timestamp) -> Option<u32> {
        let day_one = self.estate.desired.loaded.estate.day_one?;
        u32::try_from((day_of(&self.zone, moment) - day_one).get_days() + 1).ok()
    }

    /// The start of a day of the program.
    fn start_of_day(&self, number: u32) -> Option<Timestamp> {
        use jiff::ToSpan as _;
        let day_one = self.estate.desired.loaded.estate.day_one?;
        let day = day_one.saturating_add(i64::from(number.saturating_sub(1)).days());
        Some(start_of(&self.zone, day))
    }

    fn event(&mut self, kind: Kind, what: impl Into<String>, by: Option<String>) {
        let at = self.now();
        let event = Event { at, local: self.shown(at), day: self.day(at), kind, what: what.into(), by };
        (self.tell)(&event);
        self.life.events.push(event);
    }

    /// Adds to what was waited for a role.
    fn waited(&mut self, role: &RoleName, minutes: u64, gate: Option<usize>) {
        let wait = self.life.roles.entry(role.to_string()).or_default();
        wait.minutes += minutes;
        wait.answers += 1;
        wait.longest = wait.longest.max(minutes);
        if let Some(line) = gate.and_then(|gate| self.life.gates.get_mut(gate)) {
            *line.waited.entry(role.to_string()).or_insert(0) += minutes;
        }
    }

    /// Keeps how the milestones stand. One that was reached stays so: what it rests on may grow old afterwards.
    fn look_at_milestones(&mut self) -> Result<(), Failure> {
        let now = self.now();
        for one in milestones(&self.estate.desired, &self.journal, now)? {
            let met = matches!(one.state, MilestoneState::Met { .. });
            let state = match one.state {
                MilestoneState::Met { day } => format!("met on day {day}"),
                MilestoneState::NotMet => "NOT met".to_owned(),
                MilestoneState::Open => "not due yet".to_owned(),
            };
            let (name, goal, due_day) = (one.name, one.goal, one.due_day);
            let line = MilestoneLine { name, goal, due_day, met, state };
            let lines = &mut self.life.milestones;
            match lines.iter_mut().find(|known| known.name == line.name) {
                Some(known) if known.met => {}
                Some(known) => *known = line,
                None => lines.push(line),
            }
        }
        Ok(())
    }

    fn finish(mut self, began: Timestamp, waves: usize) -> Result<Life, Failure> {
        let now = self.now();
        self.life.began = self.shown(began);
        self.life.ended = self.shown(now);
        self.life.days = self.day(now);
        self.look_at_milestones()?;
        self.look_at_controls()?;
        for (scope, id) in &self.worked {
            let Some(item) = self.ground.item(scope, id) else { continue };
            let asks = |one: &crate::model::checklist::Validator| {
                matches!(one, crate::model::checklist::Validator::Attest(_))
            };
            if item.validate.iter().any(asks) {
                self.life.counts.manual += 1;
            } else {
                self.life.counts.automatic += 1;
            }
        }
        self.life.counts.requests =
            self.reached.embedded.as_ref().map_or(0, |embedded| embedded.sandbox.requests().len());
        let life = &mut self.life;
        life.good = life.waves.len() == waves
            && life.waves.iter().all(|wave| wave.good)
            && life.gates.iter().all(|gate| gate.opened.is_some())
            && !life.events.iter().any(|event| event.kind == Kind::Finding);
        Ok(self.life)
    }
}
