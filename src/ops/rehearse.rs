//! A whole wave against a throwaway sandbox on a virtual clock: the real plan, engine, driver and evidence.

mod fault;
pub mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::base::id::{LogId, RunId, ScopeId, StepId, WaveName};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::entropy::Entropy;
use crate::evidence::verify::Verdict;
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::entry::{Actor, ActorKind, Entry};
use crate::model::estate::{CalendarUse, TargetDriver};
use crate::model::event::Event;
use crate::model::fleet_event::FleetEvent;
use crate::model::plan::{Plan, SavedPlan, Selection, WavePlan};
use crate::model::wait::OpenItem;
use crate::ops::collect::{self, People};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::export::{self, Exported, export};
use crate::ops::launch::{Launched, Watch, begin, outcomes};
use crate::ops::plan::{Asked, make, select};
use crate::ops::target::{Reached, embed};
use crate::ops::verify::Trusted;
use crate::ops::{Context, entry, plan, verify};
use crate::pacing::{LaneReport, Rates};
use crate::report::timeline::{Timeline, timeline};
use crate::report::waited::{Waited, waited};
use crate::runner::clock::Clock;
use crate::runner::feed::Feed;
use crate::runner::stop::Stop;
use crate::sandbox::Config;

/// The account id of a rehearsal's sandbox.
const ACCOUNT: &str = "00000000-0000-4000-8000-000000000001";
/// The hour at which a rehearsal begins on the wave's first day, in UTC.
const FIRST_HOUR: &str = "T09:00:00Z";

/// What is to be rehearsed.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The waves; several follow each other as in one launch.
    pub waves: &'a [String],
    /// What the sandbox's ids are derived from.
    pub seed: u64,
    /// Where the bundles go; below the state folder without one.
    pub out: Option<&'a Path>,
    /// What is there when it begins.
    pub from: Beginning,
    /// What goes wrong: `create databricks.catalog@RVB07=fail`.
    pub faults: &'a [String],
    /// How it can be stopped.
    pub stop: Stop,
}

/// What is there when a rehearsal begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// Nothing: an account as it was opened.
    Empty,
    /// What the estate's own sandbox and journal hold by now.
    Live,
}

/// What a rehearsal came to.
#[derive(Debug)]
pub struct Rehearsed {
    /// How the launch left.
    pub launched: Launched,
    /// The plan.
    pub saved: SavedPlan,
    /// When the clock started and stopped.
    pub time: (Timestamp, Timestamp),
    /// What ran when.
    pub timeline: Timeline,
    /// What waited for whom.
    pub waited: Vec<Waited>,
    /// How calls were paced.
    pub lanes: Vec<LaneReport>,
    /// Each scope's outcome, in a word.
    pub outcomes: BTreeMap<ScopeId, String>,
    /// Waves that were halted, and why.
    pub halted: Vec<(WaveName, String)>,
    /// Steps that failed, and why.
    pub failed: Vec<(ScopeId, StepId, String)>,
    /// One bundle for each site that has a log, with what the verifier says of it.
    pub bundles: Vec<(Exported, Verdict)>,
    /// What would have to be closed before the wave may begin for real, from the estate's own records.
    pub open: Vec<OpenItem>,
    /// Requests that the sandbox answered, and how many of them could change something.
    pub requests: (usize, usize),
}

/// A plan that is about to be rehearsed.
pub type Planned<'a> = dyn FnMut(&SavedPlan) + 'a;

/// Rehearses a wave. `planned` is told the plan before anything starts.
///
/// # Errors
///
/// If the wave cannot be planned, or the bundle cannot be written.
pub async fn rehearse(
    context: &Context,
    desired: &Desired,
    wanted: Wanted<'_>,
    planned: &mut Planned<'_>,
    feed: &mut dyn FnMut(&Feed<'_>),
) -> Result<Rehearsed, Failure> {
    let Wanted { waves, seed, out, from, faults, stop } = wanted;
    let entropy = Entropy::Seeded(seed);
    let selection = selected(desired, waves)?;
    let first = first_moment(desired, waves);
    let clock = Clock::starting_at(match from {
        Beginning::Empty => first,
        // What is there has a past: time does not run backward over it.
        Beginning::Live => first.max(context.clock.now()),
    });
    let began = clock.now();
    std::fs::create_dir_all(&context.state)
        .map_err(|e| Failure::failed(format!("{}: {e}", context.state.display())))?;
    let scratch = tempfile::tempdir_in(&context.state).map_err(|e| Failure::failed(e.to_string()))?;
    let inner = Context {
        root: context.root.clone(),
        state: scratch.path().to_owned(),
        clock: clock.clone(),
        entropy,
    };
    let mut config = match from {
        Beginning::Empty => Config { seed, pipelines: true, ..Config::new(ACCOUNT) },
        Beginning::Live => live(context, &inner, desired)?,
    };
    let mut journal = SqliteJournal::open(&inner.journal_dir())?.with_entropy(entropy);
    for typed in faults {
        config.faults.extend(fault::parse(typed, began)?);
    }
    let mut reached = embed("rehearsal", config, clock.clone(), limits::CALL_TIMEOUT).await?;
    // On its clock calls cost nothing, so it keeps to the published rates and shows where they bind.
    reached.rates = Some(Rates::standard().clone());
    // Sites wait for their windows here as they will in earnest.
    reached.calendar = CalendarUse::Observe;
    let saved = make(&inner, desired, selection, &reached, &journal).await?;
    planned(&saved);
    let open = open_today(context, desired, &saved)?;
    let actor = Actor { kind: ActorKind::Rehearsal, id: "rehearsal".to_owned() };
    // From empty no stage before this wave's can have been left: what is open is told, and rehearsed all the same.
    let entry = &mut |_: &Plan, _: &WavePlan, _: &dyn Journal| Ok(Vec::new());
    let mut lanes = Vec::new();
    let mut seen = |told: &Feed<'_>| {
        if let Feed::Paced { lanes: paced, .. } = told {
            lanes = paced.to_vec();
        }
        feed(told);
    };
    let watch = Watch { actor: actor.clone(), stop, feed: &mut seen, entry, stay: true };
    let launched = begin(&inner, &saved, &desired.rendered, &reached, &mut journal, watch).await?;
    let (timeline, failed) = timeline_of(&journal, &saved, &launched.run)?;
    let org = journal.read(&LogId::Org, 0)?;
    let own = || org.iter().map(|line| &line.entry).filter(|entry| entry.run.as_ref() == Some(&launched.run));
    let waited = waited(&saved.plan, own());
    let halted = own().filter_map(halt).collect();
    let outcomes = outcomes(&journal, &launched.run)?;
    let out = match out {
        Some(out) => out.to_owned(),
        None => fresh_folder(context, &waves.join("+"), seed)?,
    };
    collected(&inner, desired, &mut journal, &reached, &saved, &actor).await?;
    let bundles = bundles(&inner, desired, &mut journal, &saved, &actor, &out)?;
    let log = reached.embedded.as_ref().map(|e| e.sandbox.requests()).unwrap_or_default();
    let requests = (log.len(), log.iter().filter(|r| r.mutating).count());
    let time = (began, clock.now());
    Ok(Rehearsed {
        launched,
        saved,
        time,
        timeline,
        waited,
        lanes,
        outcomes,
        halted,
        failed,
        bundles,
        open,
        requests,
    })
}

fn halt(entry: &Entry) -> Option<(WaveName, String)> {
    match FleetEvent::from_entry(&entry.kind, &entry.body) {
        Ok(FleetEvent::WaveHalted { wave, why }) => Some((wave, why.to_string())),
        _ => None,
    }
}

/// Copies the estate's own sandbox and journal into the rehearsal's folder.
fn live(context: &Context, inner: &Context, desired: &Desired) -> Result<Config, Failure> {
    let targets = &desired.loaded.estate.targets;
    let Some(target) = targets.values().find(|target| target.driver == TargetDriver::Sandbox) else {
        let reason = "--from live copies the sandbox inside this program, and the estate has no such target";
        return Err(Failure::Refused { reason: reason.to_owned() });
    };
    if !context.journal_dir().exists() {
        let help = "launch something first, or leave --from out";
        return Err(Failure::usage("--from live: nothing was ever launched here", help));
    }
    SqliteJournal::copy(&context.journal_dir(), &inner.journal_dir())?;
    let (from, to) = (context.state.join("sandbox"), inner.state.join("sandbox"));
    copy_files(&from, &to).map_err(|e| Failure::failed(format!("{}: {e}", from.display())))?;
    Ok(Config { state_dir: Some(to), pipelines: true, ..Config::new(&target.account_id) })
}

fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// What is open by the records of the estate, not by those of the rehearsal.
fn open_today(context: &Context, desired: &Desired, saved: &SavedPlan) -> Result<Vec<OpenItem>, Failure> {
    let real: Box<dyn Journal> = if context.journal_dir().exists() {
        Box::new(SqliteJournal::open_read_only(&context.journal_dir())?)
    } else {
        Box::new(MemoryJournal::new())
    };
    let mut judge = entry::judge(desired, context.clock.clone());
    let mut open = Vec::new();
    for wave in &saved.plan.fleet.waves {
        open.extend(judge(&saved.plan, wave, &*real)?);
    }
    Ok(open)
}

/// Where the bundles of a seed go: those of an earlier rehearsal with the same seed make room.
fn fresh_folder(context: &Context, wave: &str, seed: u64) -> Result<PathBuf, Failure> {
    let folder = context.state.join("rehearsals").join(format!("{wave}-{seed}"));
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::failed(format!("{}: {error}", folder.display())))
        }
        _ => Ok(folder),
    }
}

/// One wave, or the sites of several.
fn selected(desired: &Desired, waves: &[String]) -> Result<Selection, Failure> {
    let mut sites = BTreeSet::new();
    for name in waves {
        let selection = select(desired, &Asked::Wave(name.clone()))?;
        if waves.len() == 1 {
            return Ok(selection);
        }
        sites.extend(plan::waves(desired, &selection).into_iter().flat_map(|wave| wave.sites));
    }
    Ok(Selection::Sites(sites))
}

/// The morning of the first wave's first day; of the program's, if no wave has one.
fn first_moment(desired: &Desired, waves: &[String]) -> Timestamp {
    let estate = &desired.loaded.estate;
    let mut wanted = estate.waves.iter().filter(|wave| waves.iter().any(|name| *name == wave.name.as_str()));
    let day = wanted.find_map(|wave| wave.start).or(estate.day_one);
    let text = day.map_or("2027-01-11".to_owned(), |day| day.to_string());
    format!("{text}{FIRST_HOUR}").parse().unwrap_or(Timestamp::from_millis(0))
}

type Failed = Vec<(ScopeId, StepId, String)>;

fn timeline_of(journal: &dyn Journal, saved: &SavedPlan, run: &RunId) -> Result<(Timeline, Failed), Failure> {
    let (mut logs, mut failed) = (Vec::new(), Vec::new());
    for scope in saved.plan.scopes.keys() {
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        let own = lines.into_iter().map(|line| line.entry).filter(|entry| entry.run.as_ref() == Some(run));
        let entries: Vec<Entry> = own.collect();
        for entry in &entries {
            if let Ok(Event::StepFailed { step, cause, .. }) =
                Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body)
            {
                failed.push((scope.clone(), step, cause.to_string()));
            }
        }
        logs.push((scope.clone(), entries));
    }
    Ok((timeline(&saved.plan, &logs), failed))
}

/// Reads the populations of the sites from the sandbox, as would be done before bundles are handed out.
async fn collected(
    inner: &Context,
    desired: &Desired,
    journal: &mut SqliteJournal,
    reached: &Reached,
    saved: &SavedPlan,
    actor: &Actor,
) -> Result<(), Failure> {
    let sites = saved.plan.fleet.waves.iter().flat_map(|wave| wave.sites.iter().cloned()).collect();
    let people = People::default();
    let wanted = collect::Wanted { sites, people: &people, actor: actor.clone() };
    collect::collect(inner, desired, journal, reached, &wanted).await?;
    Ok(())
}

fn bundles(
    inner: &Context,
    desired: &Desired,
    journal: &mut SqliteJournal,
    saved: &SavedPlan,
    actor: &Actor,
    out: &Path,
) -> Result<Vec<(Exported, Verdict)>, Failure> {
    let heads = journal.heads()?;
    let mut bundles = Vec::new();
    for wave in &saved.plan.fleet.waves {
        for site in &wave.sites {
            if !heads.contains_key(&LogId::Scope(ScopeId::Site(site.clone()))) {
                continue;
            }
            let wanted = export::Wanted {
                site: site.clone(),
                wave: Some(wave.name.clone()),
                estate: desired.loaded.estate.name.clone(),
                rehearsal: true,
                previous: None,
                actor: actor.clone(),
                timestamps: Vec::new(),
            };
            let exported = export(inner, journal, &wanted, &out.join(site.as_str()))?;
            let verdict = verify::bundle(
                &exported.path,
                Trusted { key: Some(&exported.log_key), ..Trusted::default() },
            )?;
            bundles.push((exported, verdict));
        }
    }
    Ok(bundles)
}
