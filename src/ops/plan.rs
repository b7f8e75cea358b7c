//! Makes a plan: reads the estate, looks at the target, writes down what would be done. Changes nothing.

mod history;
mod timing;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::Value;

use crate::base::id::{LogId, ScopeId, SiteCode, StepId};
use crate::base::limits;
use crate::base::time::Millis;
use crate::evidence::scan;
use crate::journal::Journal;
use crate::model::outcome::CauseClass;
use crate::model::plan::{
    FleetPlan, LogHead, Overview, PLAN_VERSION, Plan, SavedPlan, ScopePlan, Selection, TargetName, WavePlan,
    Work,
};
use crate::ops::Context;
use crate::ops::approvals;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::observe::{World, new_object, observe_declared};
use crate::ops::overview;
use crate::ops::select::{self, Narrowing};
use crate::ops::shares;
use crate::ops::target::Reached;
use crate::plan::{Found, Leftover, Parts, scope_plan};

use history::{History, history};
pub(super) use history::{holdings_of, read_holdings};
pub(super) use timing::fill;
pub use timing::too_long;

/// How much of a plan is put together before it is written.
const WRITE_BYTES: usize = 1 << 18;

/// What was typed: one wave, some sites, or everything.
#[derive(Debug, Clone)]
pub enum Asked {
    /// The whole estate.
    All,
    /// One wave.
    Wave(String),
    /// Some sites.
    Sites(Vec<String>),
    /// What passes all of this.
    Narrowed(Box<Narrowing>),
}

/// Turns what was typed into a selection of this estate.
///
/// # Errors
///
/// If it names a wave or site that is not there.
pub fn select(desired: &Desired, asked: &Asked) -> Result<Selection, Failure> {
    match asked {
        Asked::All => Ok(Selection::All),
        Asked::Wave(name) => Ok(Selection::Wave(select::wave(desired, name)?)),
        Asked::Sites(codes) => select::sites(desired, codes),
        Asked::Narrowed(narrowing) => select::narrowed(desired, narrowing),
    }
}

/// The site of this code.
///
/// # Errors
///
/// If there is none.
pub fn site(desired: &Desired, code: &str) -> Result<SiteCode, Failure> {
    let found = SiteCode::new(code).ok().filter(|code| desired.loaded.site(code).is_some());
    found.ok_or_else(|| {
        let known: Vec<String> = desired.loaded.sites.iter().map(|s| s.written_code.value.clone()).collect();
        let near = crate::base::diagnostic::nearest(code, known.iter().map(String::as_str));
        let help =
            near.map_or(format!("the sites are: {}", known.join(", ")), |n| format!("did you mean {n}?"));
        Failure::usage(format!("no site is called `{code}`"), help)
    })
}

/// The waves of a selection with the selected sites only; empty waves fall out.
pub fn waves(desired: &Desired, selection: &Selection) -> Vec<WavePlan> {
    let waves = desired.loaded.estate.waves.iter().map(|wave| WavePlan {
        name: wave.name.clone(),
        sites: wave
            .sites
            .iter()
            .filter_map(|code| SiteCode::new(code.value.as_str()).ok())
            .filter(|code| selection.covers(&wave.name, code))
            .collect(),
        max_parallel: wave.max_parallel,
        failure_budget: wave.failure_budget,
        bake: wave.bake,
        entry: timing::criteria(&desired.loaded.estate, wave),
    });
    waves.filter(|wave| !wave.sites.is_empty()).collect()
}

/// The scopes a selection touches, in dependency order: the account, the regions of the sites, the sites.
pub fn scopes(desired: &Desired, waves: &[WavePlan]) -> BTreeSet<ScopeId> {
    let sites = waves.iter().flat_map(|wave| &wave.sites).cloned().map(ScopeId::Site);
    let mut scopes: BTreeSet<ScopeId> = sites.collect();
    let regions: Vec<ScopeId> = scopes.iter().filter_map(|site| desired.region_of(site)).collect();
    scopes.extend(regions);
    scopes.insert(ScopeId::Account);
    scopes
}

/// Makes a plan for a selection against a target.
///
/// # Errors
///
/// If the target cannot be read, holds objects that are not ours, or a log is damaged.
pub async fn make(
    context: &Context,
    desired: &Desired,
    selection: Selection,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<SavedPlan, Failure> {
    let waves = waves(desired, &selection);
    if waves.is_empty() {
        return Err(Failure::usage(
            "the selection has no site that is in a wave",
            "landfall wave list shows the waves",
        ));
    }
    let scopes = scopes(desired, &waves);
    // Before the logs are read: should one grow meanwhile, the plan is stale rather than wrong.
    let heads = journal.heads()?;
    let History { holdings, durations } = history(journal, &scopes, heads.keys(), &reached.name)?;
    let mut world = observe_declared(&reached.reads(), desired, &scopes, &holdings).await;
    refuse_unreadable(&world, journal)?;
    refuse_foreign(&world)?;
    let mut plans = plans_of(desired, &scopes, &mut world, reached.call_timeout)?;
    plans.values_mut().for_each(hide_sensitive);
    timing::fill(desired, reached, &durations, &mut plans);
    let own_heads = scopes.iter().map(|s| LogId::Scope(s.clone()));
    let heads = own_heads.filter_map(|log| Some((log.clone(), heads.get(&log)?.clone()))).collect();
    let mut plan = document(desired, selection, waves, plans, reached.name.clone(), heads);
    plan.overview = overview::of(desired, &plan, &holdings, &world);
    plan.approvals = approvals::needs(&desired.loaded.estate, &plan);
    Ok(SavedPlan::new(plan, context.clock.now()))
}

/// Somebody may have written about a patient into a comment: what is there now is shown to people and kept for years.
pub(super) fn hide_sensitive(plan: &mut ScopePlan) {
    for step in plan.steps.values_mut() {
        let Work::Reconcile(reconcile) = &mut step.work else { continue };
        for from in reconcile.changes.iter_mut().filter_map(|change| change.from.as_mut()) {
            if let Some(unsaid) = scan::unsaid(&from.to_string()) {
                *from = Value::String(unsaid);
            }
        }
    }
}

/// Puts a plan together.
pub(super) fn document(
    desired: &Desired,
    selection: Selection,
    waves: Vec<WavePlan>,
    scopes: BTreeMap<ScopeId, ScopePlan>,
    target: TargetName,
    heads: BTreeMap<LogId, LogHead>,
) -> Plan {
    Plan {
        v: PLAN_VERSION,
        tool: format!("landfall {}", env!("CARGO_PKG_VERSION")),
        estate: desired.loaded.estate.name.clone(),
        lineage: desired.loaded.estate.lineage.clone(),
        target,
        selection,
        inputs: desired.loaded.digests(),
        packs: desired.loaded.pack_locks(),
        parameters: parameters(desired, scopes.keys()),
        heads,
        fleet: FleetPlan { waves, failure_budget: desired.loaded.estate.failure_budget },
        scopes,
        overview: Overview::default(),
        rollback: None,
        approvals: Vec::new(),
        consents: desired.loaded.estate.consents.clone(),
    }
}

pub(super) fn refuse_unreadable(world: &World, journal: &dyn Journal) -> Result<(), Failure> {
    let Some((scope, step, cause)) = world.unreadable.first() else { return Ok(()) };
    let what = format!("{scope} {step} could not be read: {cause}");
    let others = world.unreadable.len() - 1;
    let what = if others == 0 { what } else { format!("{what}; {others} more could not be read either") };
    Err(match cause.class {
        CauseClass::Unauthenticated | CauseClass::PermissionDenied => Failure::NotAllowed { what },
        _ => {
            let unfinished = !crate::ops::launch::unfinished(journal)?.is_empty();
            let help =
                unfinished.then(|| "a launch is unfinished: landfall resume goes on with it".to_owned());
            Failure::Failed { what, help }
        }
    })
}

pub(super) fn refuse_foreign(world: &World) -> Result<(), Failure> {
    if world.foreign.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        world.foreign.iter().map(|(scope, step, id)| format!("  {scope} {step} (id {id})")).collect();
    Err(Failure::Refused {
        reason: format!(
            "these objects exist already and no log of this estate knows them; they are never taken over silently:\n{}\n\
             landfall adopt --discover shows for each how to take it over, if it is yours",
            lines.join("\n")
        ),
    })
}

/// The graph of each scope. What was found goes into the graphs: there may be a thousand sites.
pub(super) fn plans_of(
    desired: &Desired,
    scopes: &BTreeSet<ScopeId>,
    world: &mut World,
    call_timeout: Millis,
) -> Result<BTreeMap<ScopeId, ScopePlan>, Failure> {
    let mut found = std::mem::take(&mut world.found);
    let all: Vec<_> = scopes.iter().map(|scope| (scope, found.remove(scope).unwrap_or_default())).collect();
    let leftovers = |scope| world.leftovers.get(scope).map_or(&[][..], Vec::as_slice);
    let plans =
        shares::each_of(all, |(scope, found)| plan_of(desired, scope, found, leftovers(scope), call_timeout));
    scopes.iter().zip(plans).map(|(scope, plan)| Ok((scope.clone(), plan?))).collect()
}

/// The graph of one scope over what was found.
fn plan_of(
    desired: &Desired,
    scope: &ScopeId,
    found: BTreeMap<StepId, Found>,
    leftovers: &[Leftover],
    call_timeout: Millis,
) -> Result<ScopePlan, Failure> {
    let rendered = desired.rendered.get(scope);
    let parts = Parts {
        scope,
        needs: &desired.needs_of(scope),
        resources: rendered.map_or(&[][..], |r| &r.resources),
        checks: rendered.map_or(&[][..], |r| &r.steps),
        leftovers,
        call_timeout,
    };
    scope_plan(parts, found)
        .map_err(|cycle| Failure::failed(format!("steps of {scope} wait for each other: {cycle}")))
}

/// Every parameter that a file sets, so that a stale plan can name what changed.
fn parameters<'s>(
    desired: &Desired,
    scopes: impl Iterator<Item = &'s ScopeId>,
) -> BTreeMap<ScopeId, BTreeMap<String, Value>> {
    let of = |scope: &ScopeId| {
        let resolved = desired.resolved.scopes.get(scope)?;
        let values =
            resolved.provenance.keys().filter_map(|path| Some((path.clone(), resolved.value(path)?.clone())));
        Some(values.collect())
    };
    scopes.filter_map(|scope| Some((scope.clone(), of(scope)?))).collect()
}

/// The graph of a selection as if nothing were there: no target is looked at. Cannot be applied.
///
/// # Errors
///
/// If the selection has no site, or steps wait for each other.
pub fn offline(desired: &Desired, selection: Selection) -> Result<Plan, Failure> {
    let waves = waves(desired, &selection);
    let scopes = scopes(desired, &waves);
    let mut world = World::default();
    for scope in &scopes {
        let resources = desired.rendered.get(scope).map_or(&[][..], |r| &r.resources);
        world.found.insert(scope.clone(), resources.iter().map(|r| (r.id.clone(), new_object(r))).collect());
    }
    let plans = plans_of(desired, &scopes, &mut world, limits::CALL_TIMEOUT)?;
    let target = TargetName { name: "none".to_owned(), account_id: String::new(), host: "none".to_owned() };
    Ok(document(desired, selection, waves, plans, target, BTreeMap::new()))
}

/// Writes a plan to a file, whole or not at all.
///
/// # Errors
///
/// If the file cannot be written.
pub fn save(saved: &SavedPlan, path: &Path) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::failed(format!("{}: {e}", path.display()));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut text = BufWriter::with_capacity(WRITE_BYTES, &mut file);
    serde_json::to_writer_pretty(&mut text, saved).map_err(|e| failed(e.into()))?;
    text.write_all(b"\n").and_then(|()| text.flush()).map_err(failed)?;
    drop(text);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Reads a plan and checks that it is whole.
///
/// # Errors
///
/// If there is none; `Refused` if it is too large, of a newer format or no plan; `Stale` if it is not what its digest
/// says.
pub fn read(path: &Path) -> Result<SavedPlan, Failure> {
    let said = |what: String| format!("{}: {what}", path.display());
    let unread =
        |e: std::io::Error| Failure::usage(said(e.to_string()), "landfall plan --out FILE makes a plan");
    let refused = |what: String| Failure::Refused { reason: said(what) };
    let size = fs::metadata(path).map_err(unread)?.len();
    if size > limits::PLAN_BYTES_MAX {
        return Err(refused(format!("{size} bytes is more than a plan may have")));
    }
    parse(&fs::read(path).map_err(unread)?).map_err(|bad| match bad {
        BadPlan::Edited => Failure::Stale { changed: vec![said(bad.to_string())] },
        BadPlan::Malformed(_) | BadPlan::Newer(_) => refused(bad.to_string()),
    })
}

/// Why bytes are no plan that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BadPlan {
    /// They are something else.
    #[error("this is not a plan: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A newer program made it.
    #[error("the plan has format {0}: install a newer landfall")]
    Newer(u32),
    /// Somebody changed it.
    #[error("the plan was changed after it was made: its digest does not fit")]
    Edited,
}

/// A plan from its bytes.
///
/// # Errors
///
/// What is wrong with them.
pub fn parse(bytes: &[u8]) -> Result<SavedPlan, BadPlan> {
    #[derive(serde::Deserialize)]
    struct Version {
        plan: VersionOnly,
    }
    #[derive(serde::Deserialize)]
    struct VersionOnly {
        v: u32,
    }
    // Nearly always it is a plan: only of what cannot be read is the version asked for by itself.
    let read = serde_json::from_slice::<SavedPlan>(bytes);
    let version = match &read {
        Ok(saved) => saved.plan.v,
        Err(_) => serde_json::from_slice::<Version>(bytes)?.plan.v,
    };
    if version > PLAN_VERSION {
        return Err(BadPlan::Newer(version));
    }
    let saved = read?;
    if saved.is_whole() { Ok(saved) } else { Err(BadPlan::Edited) }
}
