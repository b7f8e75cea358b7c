//! Carries out a saved plan exactly, or refuses it; takes an interrupted launch up again.

use std::collections::BTreeMap;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::limits;
use crate::journal::{Journal, Line};
use crate::kind::Registry;
use crate::model::entry::{Actor, BlobRef};
use crate::model::fleet_event::{FleetEvent, LaunchOutcome};
use crate::model::plan::{PlanExcerpt, SavedPlan};
use crate::model::rendered::Rendered;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::target::Reached;
use crate::ops::{Context, holder, new_run_id, overview, plan, stale};
use crate::report::plan_view::destroys;
use crate::runner::feed::Feed;
use crate::runner::stop::Stop;
use crate::runner::{Entry, Left, RunnerError, Shell, run};

/// The name of a plan's file inside a journal and a bundle.
pub const PLAN_FILE: &str = "plan.json";

/// The name of the list of rendered files.
pub const RENDERED_FILE: &str = "rendered.json";

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

/// Refuses to go on while somebody else alive writes one of the plan's logs: that they grow under their hands is no
/// reason to make a new plan.
///
/// # Errors
///
/// `Held` with the name of the holder.
pub fn refuse_held(context: &Context, saved: &SavedPlan, journal: &mut dyn Journal) -> Result<(), Failure> {
    let name = holder(&new_run_id());
    let scopes = saved.plan.scopes.keys().cloned().map(LogId::Scope);
    for log in std::iter::once(LogId::Org).chain(scopes) {
        let lease = journal.take_lease(&log, &name, context.clock.now(), limits::LEASE)?;
        journal.release(&lease)?;
    }
    Ok(())
}

/// Refuses a plan that no longer fits: other estate, other target, waited too long, changed inputs, grown logs; and one
/// for which the services have no room.
///
/// # Errors
///
/// `Stale` with everything that changed, `Expired`, or `Refused`.
pub fn refuse_unfit(
    context: &Context,
    saved: &SavedPlan,
    desired: &Desired,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<(), Failure> {
    stale::refuse_known(context, saved, desired, reached, journal)?;
    overview::refuse_overfull(&saved.plan)?;
    refuse_destroys(saved)
}

/// Objects that hold data are never destroyed on an ordinary plan.
fn refuse_destroys(saved: &SavedPlan) -> Result<(), Failure> {
    let holds_data = |reconcile: &crate::model::plan::Reconcile| {
        Registry::standard().get(&reconcile.kind).is_none_or(|kind| kind.protected.is_some())
    };
    let found = destroys(&saved.plan, holds_data);
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found
        .iter()
        .flat_map(|(scope, steps)| steps.iter().map(move |step| format!("  {scope} {step}")))
        .collect();
    let reason = format!(
        "the plan would destroy objects that hold data; no plan of this form may:\n{}",
        lines.join("\n")
    );
    Err(Failure::Refused { reason })
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
    let name = context.new_launch_id()?;
    let files = Files::store(saved, rendered, journal)?;
    go_on(context, Launch { run: name, saved, files }, reached, journal, watch).await
}

/// The files behind a launch, in the journal.
#[derive(Debug, Clone)]
struct Files {
    plan: BlobRef,
    list: BlobRef,
    /// What each scope may see of the plan: no log but the organisation's names all sites.
    excerpts: BTreeMap<ScopeId, BlobRef>,
    /// Path and digest of each scope's rendered files.
    rendered: BTreeMap<ScopeId, BTreeMap<String, Digest>>,
}

impl Files {
    fn store(
        saved: &SavedPlan,
        rendered: &BTreeMap<ScopeId, Rendered>,
        journal: &mut dyn Journal,
    ) -> Result<Self, Failure> {
        let mut files: BTreeMap<ScopeId, BTreeMap<String, Digest>> = BTreeMap::new();
        let mut blobs: Vec<&[u8]> = Vec::new();
        for (scope, of) in rendered.iter().filter(|(scope, _)| saved.plan.scopes.contains_key(scope)) {
            blobs.extend(of.files.values().map(|text| text.as_bytes()));
            let digests = of.files.iter().map(|(path, text)| (path.clone(), Digest::of(text.as_bytes())));
            files.insert(scope.clone(), digests.collect());
        }
        let bytes = serde_json::to_vec(saved).map_err(|e| Failure::failed(e.to_string()))?;
        let listed = canonical_bytes(&files);
        let excerpts: BTreeMap<ScopeId, Vec<u8>> = saved
            .excerpts()
            .iter()
            .map(|(scope, excerpt)| (scope.clone(), canonical_bytes(excerpt)))
            .collect();
        blobs.extend([&*bytes, &*listed]);
        blobs.extend(excerpts.values().map(|bytes| &**bytes));
        // All in one durable step: one by one, each would cost a write to the disk of its own.
        journal.put_blobs(&blobs)?;
        let named = |path: &str, bytes: &[u8]| BlobRef { path: path.to_owned(), sha256: Digest::of(bytes) };
        let (plan, list) = (named(PLAN_FILE, &bytes), named(RENDERED_FILE, &listed));
        let excerpts =
            excerpts.iter().map(|(scope, bytes)| (scope.clone(), named(PLAN_FILE, bytes))).collect();
        Ok(Self { plan, list, excerpts, rendered: files })
    }

    fn load(started: &Line, journal: &dyn Journal) -> Result<(Self, SavedPlan), Failure> {
        let named = |path: &str| {
            let blob = started.entry.refs.iter().find(|blob| blob.path == path).cloned();
            blob.ok_or_else(|| Failure::NotVerified {
                what: format!("entry {} of the org log does not name {path}", started.entry.seq),
            })
        };
        let (plan_file, list) = (named(PLAN_FILE)?, named(RENDERED_FILE)?);
        let rendered = serde_json::from_slice(&journal.get_blob(&list.sha256)?)
            .map_err(|e| Failure::NotVerified { what: format!("{RENDERED_FILE}: {e}") })?;
        let saved = plan::parse(&journal.get_blob(&plan_file.sha256)?)
            .map_err(|what| Failure::NotVerified { what: format!("{PLAN_FILE}: {what}") })?;
        let excerpt = |(scope, excerpt): (ScopeId, PlanExcerpt)| {
            let sha256 = Digest::of(&canonical_bytes(&excerpt));
            (scope, BlobRef { path: PLAN_FILE.to_owned(), sha256 })
        };
        let excerpts = saved.excerpts().into_iter().map(excerpt).collect();
        Ok((Self { plan: plan_file, list, excerpts, rendered }, saved))
    }

    /// What the first entry of each scope's run names.
    fn run_refs(&self) -> BTreeMap<ScopeId, Vec<BlobRef>> {
        let of = |scope: &ScopeId, files: &BTreeMap<String, Digest>| {
            let rendered = files
                .iter()
                .map(|(path, sha256)| BlobRef { path: format!("rendered/{path}"), sha256: *sha256 });
            self.excerpts.get(scope).cloned().into_iter().chain(rendered).collect()
        };
        self.rendered.iter().map(|(scope, files)| (scope.clone(), of(scope, files))).collect()
    }
}

/// A launch that has begun and not ended.
#[derive(Debug)]
pub struct Unfinished {
    /// Its name.
    pub run: RunId,
    /// Its plan.
    pub saved: SavedPlan,
    files: Files,
}

/// The newest launch, if it has not ended.
///
/// # Errors
///
/// If the journal is damaged.
pub fn unfinished(journal: &dyn Journal) -> Result<Option<Unfinished>, Failure> {
    let lines = journal.read(&LogId::Org, 0)?;
    let Some(started) = lines.iter().rev().find(|line| line.entry.kind == "launch.started") else {
        return Ok(None);
    };
    let run = started.entry.run.clone();
    if lines.iter().any(|line| line.entry.run == run && line.entry.kind == "launch.ended") {
        return Ok(None);
    }
    let run = run.ok_or_else(|| Failure::NotVerified {
        what: format!("entry {} of the org log names no run", started.entry.seq),
    })?;
    let (files, saved) = Files::load(started, journal)?;
    Ok(Some(Unfinished { run, saved, files }))
}

/// Takes a launch up again.
///
/// # Errors
///
/// As [`begin`].
pub async fn resume(
    context: &Context,
    unfinished: Unfinished,
    reached: &Reached,
    journal: &mut dyn Journal,
    watch: Watch<'_>,
) -> Result<Launched, Failure> {
    let Unfinished { run, saved, files } = unfinished;
    if saved.plan.target != reached.name {
        let reason = format!("the launch is for target {}, which is not this one", saved.plan.target.name);
        return Err(Failure::Refused { reason });
    }
    go_on(context, Launch { run, saved: &saved, files }, reached, journal, watch).await
}

/// A launch that is to run from here.
struct Launch<'a> {
    run: RunId,
    saved: &'a SavedPlan,
    files: Files,
}

async fn go_on(
    context: &Context,
    launch: Launch<'_>,
    reached: &Reached,
    journal: &mut dyn Journal,
    watch: Watch<'_>,
) -> Result<Launched, Failure> {
    let Launch { run: name, saved, files } = launch;
    let shell = Shell {
        saved,
        launch_refs: vec![files.plan.clone(), files.list.clone()],
        run_refs: files.run_refs(),
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
