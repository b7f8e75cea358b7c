//! Carries out a saved plan exactly, or refuses it; takes an interrupted launch up again.

mod files;
mod fit;
mod found;

use std::collections::BTreeMap;

use crate::base::id::{LogId, RunId, ScopeId};
use crate::journal::Journal;
use crate::model::ask::{Ask, Wish};
use crate::model::entry::{Actor, ActorKind, BlobRef};
use crate::model::fleet_event::{FleetEvent, LaunchOutcome};
use crate::model::plan::SavedPlan;
use crate::model::rendered::Rendered;
use crate::ops::approvals::Carved;
use crate::ops::error::Failure;
use crate::ops::target::Reached;
use crate::ops::{Context, holder};
use crate::runner::feed::Feed;
use crate::runner::stop::Stop;
use crate::runner::{Entry, Left, RunnerError, Shell, run};

pub use crate::model::change::CHANGE_FILE;
use files::Files;
pub use fit::{refuse_barred, refuse_held, refuse_shared, refuse_unfit};
pub use found::{Due, Found, newest_lost, unfinished, worth_telling};

/// The name of a plan's file inside a journal and a bundle.
pub const PLAN_FILE: &str = "plan.json";

/// The name of the list of rendered files.
pub const RENDERED_FILE: &str = "rendered.json";

/// The name of the list of rules that were held against the files, inside a journal and a bundle.
pub const RULES_FILE: &str = "tests/rules.json";

/// Who does it, how it can be stopped, and who watches.
pub struct Watch<'a> {
    /// Who.
    pub actor: Actor,
    /// How it can be stopped.
    pub stop: Stop,
    /// Who watches.
    pub feed: &'a mut dyn FnMut(&Feed<'_>),
    /// Judges whether a wave may begin.
    pub entry: &'a mut Entry<'a>,
    /// Whether the process stays while the launch waits for people or for moments that are far away.
    pub stay: bool,
}

/// What a launch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launched {
    /// Its name.
    pub run: RunId,
    /// How it left.
    pub left: Left,
}

/// Begins a launch of a plan that fits.
///
/// # Errors
///
/// If another process writes one of its logs, or the journal fails.
pub async fn begin(
    context: &Context,
    saved: &SavedPlan,
    rendered: &BTreeMap<ScopeId, Rendered>,
    reached: &Reached,
    journal: &mut dyn Journal,
    watch: Watch<'_>,
) -> Result<Launched, Failure> {
    begin_on(context, On { saved, change: None, carved: &[] }, rendered, reached, journal, watch).await
}

/// A plan, the change that it is launched on, and the sites that it goes on without.
#[derive(Debug, Clone)]
pub struct On<'o> {
    /// The plan.
    pub saved: &'o SavedPlan,
    /// The file that says which change, if there is one.
    pub change: Option<BlobRef>,
    /// Sites whose parts were rejected. They are taken out before anything starts, by whoever rejected them.
    pub carved: &'o [Carved],
}

/// Begins a launch on a change: the first entry of each of its logs names the file that says which one.
///
/// # Errors
///
/// As [`begin`].
pub async fn begin_on(
    context: &Context,
    on: On<'_>,
    rendered: &BTreeMap<ScopeId, Rendered>,
    reached: &Reached,
    journal: &mut dyn Journal,
    watch: Watch<'_>,
) -> Result<Launched, Failure> {
    let name = context.new_launch_id()?;
    take_out(context, journal, &name, on.carved)?;
    let (mut files, excerpts) = Files::store(on.saved, rendered, journal)?;
    files.change = on.change;
    let run_refs = files.run_refs(&excerpts);
    let launch = Launch { run: name, saved: on.saved, launch_refs: files.launch_refs(), run_refs };
    go_on(context, launch, reached, journal, watch).await
}

/// Takes a launch up again.
///
/// # Errors
///
/// As [`begin`].
pub async fn resume(
    context: &Context,
    found: &Found,
    reached: &Reached,
    journal: &mut dyn Journal,
    watch: Watch<'_>,
) -> Result<Launched, Failure> {
    let Found { run, saved, files, .. } = found;
    if saved.plan.target != reached.name {
        let reason = format!("the launch is for target {}, which is not this one", saved.plan.target.name);
        return Err(Failure::Refused { reason });
    }
    let run_refs = files.run_refs(&files::excerpts(saved));
    let launch = Launch { run: run.clone(), saved, launch_refs: files.launch_refs(), run_refs };
    go_on(context, launch, reached, journal, watch).await
}

/// Leaves the wish that sites are taken out of a launch: it is decided before anything of it starts.
///
/// # Errors
///
/// If the journal fails.
pub fn take_out(
    context: &Context,
    journal: &mut dyn Journal,
    run: &RunId,
    carved: &[Carved],
) -> Result<(), Failure> {
    for Carved { site, by, reason } in carved {
        let by = Actor { kind: ActorKind::Person, id: by.to_string() };
        let (run, reason, wish) = (run.clone(), reason.clone(), Wish::Skip(site.clone()));
        journal.ask(&Ask { run, at: context.clock.now(), by, reason, wish })?;
    }
    Ok(())
}

/// A launch that is to run from here.
struct Launch<'a> {
    run: RunId,
    saved: &'a SavedPlan,
    launch_refs: Vec<BlobRef>,
    run_refs: BTreeMap<ScopeId, Vec<BlobRef>>,
}

async fn go_on(
    context: &Context,
    launch: Launch<'_>,
    reached: &Reached,
    journal: &mut dyn Journal,
    watch: Watch<'_>,
) -> Result<Launched, Failure> {
    let Launch { run: name, saved, launch_refs, run_refs } = launch;
    let shell = Shell {
        saved,
        launch_refs,
        run_refs,
        run: name.clone(),
        journal,
        driver: std::sync::Arc::clone(&reached.driver),
        clock: context.clock.clone(),
        stop: watch.stop,
        actor: watch.actor,
        holder: holder(&name),
        feed: watch.feed,
        entry: watch.entry,
        rates: reached.rates.clone(),
        calls_at_once: reached.calls_at_once,
        stay: watch.stay,
    };
    match run(shell).await {
        Ok(left) => Ok(Launched { run: name, left }),
        Err(RunnerError::Journal(error)) => Err(error.into()),
        Err(RunnerError::Stale { changed }) => Err(Failure::Stale { changed }),
        Err(error @ (RunnerError::Replay(_) | RunnerError::Stuck)) => Err(Failure::failed(error.to_string())),
    }
}

/// How each scope of a launch ended, from the org log.
///
/// # Errors
///
/// If the journal is damaged.
pub fn outcomes(journal: &dyn Journal, run: &RunId) -> Result<BTreeMap<ScopeId, String>, Failure> {
    let mut found = BTreeMap::new();
    for line in journal.read(&LogId::Org, 0)?.iter().filter(|line| line.entry.run.as_ref() == Some(run)) {
        match FleetEvent::from_entry(&line.entry.kind, &line.entry.body) {
            Ok(FleetEvent::ScopeStarted { scope, .. }) => found.insert(scope, "running".to_owned()),
            Ok(FleetEvent::ScopeEnded { scope, outcome }) => found.insert(scope, outcome.word().to_owned()),
            Ok(FleetEvent::ScopeSkipped { scope, why }) => found.insert(scope, format!("skipped: {why}")),
            _ => None,
        };
    }
    Ok(found)
}

/// Whether a launch ended as it should.
pub fn went_well(left: &Left) -> bool {
    matches!(left, Left::Ended(LaunchOutcome::Succeeded))
}
