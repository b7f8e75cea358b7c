//! A whole wave against a throwaway sandbox on a virtual clock: the real plan, engine, driver and evidence.

mod fault;

use std::path::{Path, PathBuf};

use crate::base::id::{LogId, ScopeId};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::entropy::Entropy;
use crate::evidence::verify::Verdict;
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::entry::{Actor, ActorKind};
use crate::model::plan::{Plan, SavedPlan, Selection, WavePlan};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::export::{self, Exported, export};
use crate::ops::launch::{Launched, Watch, begin};
use crate::ops::plan::{Asked, make, select};
use crate::ops::target::embed;
use crate::ops::verify::Trusted;
use crate::ops::{Context, verify};
use crate::pacing::Rates;
use crate::report::timeline::{Timeline, timeline};
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
    /// The wave.
    pub wave: &'a str,
    /// What the sandbox's ids are derived from.
    pub seed: u64,
    /// Where the bundles go; below the state folder without one.
    pub out: Option<&'a Path>,
    /// What goes wrong: `create databricks.catalog@RVB07=fail`.
    pub faults: &'a [String],
    /// How it can be stopped.
    pub stop: Stop,
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
    /// One bundle for each site that has a log, with what the verifier says of it.
    pub bundles: Vec<(Exported, Verdict)>,
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
    let Wanted { wave, seed, out, faults, stop } = wanted;
    let entropy = Entropy::Seeded(seed);
    let selection = select(desired, &Asked::Wave(wave.to_owned()))?;
    let clock = Clock::starting_at(first_moment(desired, &selection));
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
    let mut journal = SqliteJournal::open(&inner.journal_dir())?.with_entropy(entropy);
    let mut config = Config::new(ACCOUNT);
    config.seed = seed;
    for typed in faults {
        config.faults.extend(fault::parse(typed, began)?);
    }
    let mut reached = embed("rehearsal", config, clock.clone(), limits::CALL_TIMEOUT).await?;
    // On its clock calls cost nothing, so it keeps to the published rates and shows where they bind.
    reached.rates = Some(Rates::standard().clone());
    let saved = make(&inner, desired, selection, &reached, &journal).await?;
    planned(&saved);
    let actor = Actor { kind: ActorKind::Rehearsal, id: "rehearsal".to_owned() };
    // From empty no stage before this wave's can have been left: what is open is told, and rehearsed all the same.
    let entry = &mut |_: &Plan, _: &WavePlan, _: &dyn Journal| Ok(Vec::new());
    let watch = Watch { actor: actor.clone(), stop, feed, entry, stay: true };
    let launched = begin(&inner, &saved, &desired.rendered, &reached, &mut journal, watch).await?;
    let timeline = timeline_of(&journal, &saved)?;
    let out = match out {
        Some(out) => out.to_owned(),
        None => fresh_folder(context, wave, seed)?,
    };
    let bundles = bundles(&inner, desired, &mut journal, &saved, &actor, &out)?;
    let log = reached.embedded.as_ref().map(|e| e.sandbox.requests()).unwrap_or_default();
    let requests = (log.len(), log.iter().filter(|r| r.mutating).count());
    Ok(Rehearsed { launched, saved, time: (began, clock.now()), timeline, bundles, requests })
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

/// The morning of the wave's first day; of the program's, if the wave has none.
fn first_moment(desired: &Desired, selection: &Selection) -> Timestamp {
    let estate = &desired.loaded.estate;
    let wave = match selection {
        Selection::Wave(name) => estate.waves.iter().find(|wave| wave.name == *name),
        Selection::All | Selection::Sites(_) | Selection::Part(_) => None,
    };
    let day = wave.and_then(|wave| wave.start).or(estate.day_one);
    let text = day.map_or("2027-01-11".to_owned(), |day| day.to_string());
    format!("{text}{FIRST_HOUR}").parse().unwrap_or(Timestamp::from_millis(0))
}

fn timeline_of(journal: &dyn Journal, saved: &SavedPlan) -> Result<Timeline, Failure> {
    let mut logs = Vec::new();
    for scope in saved.plan.scopes.keys() {
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        logs.push((scope.clone(), lines.into_iter().map(|line| line.entry).collect()));
    }
    Ok(timeline(&saved.plan, &logs))
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
