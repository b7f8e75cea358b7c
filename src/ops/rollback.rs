//! The way back: a forward plan to a release of one site. It is saved, shown and applied as any other plan is.

mod checks;
mod data;
mod drill;
mod proof;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{ScopeId, SiteCode, StepId, WaveName};
use crate::journal::Journal;
use crate::model::plan::{
    EdgeReason, FleetPlan, LogHead, PLAN_VERSION, Plan, PlanExcerpt, Reversal, RollbackOf, SavedPlan,
    ScopePlan, Selection, WavePlan,
};
use crate::model::rendered::Rendered;
use crate::model::resource::{Origin, Resource};
use crate::ops::Context;
use crate::ops::approvals;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::observe::{Wanted, observe_beside};
use crate::ops::releases::{self, excerpt_of, log_of};
use crate::ops::target::Reached;
use crate::ops::{durations, guard, plan};
use crate::plan::{Parts, scope_plan};
use crate::release::{History, Kept, Release};

pub use drill::{Drilled, drill};
pub use proof::{Proof, proof, prove};

/// What a wave of one site is called where the site is in none.
const WAVE: &str = "rollback";

/// A plan that leads back.
#[derive(Debug)]
pub struct WayBack {
    /// The plan.
    pub saved: SavedPlan,
    /// Which release it leads to, and why that one.
    pub why: String,
}

/// Plans the way back of a site to a release, or to the one that follows from its log.
///
/// # Errors
///
/// `Refused` if there is no such release, if a step after it cannot be undone, or if it would destroy data; else as
/// `plan::make`.
pub async fn make(
    context: &Context,
    desired: &Desired,
    site: &SiteCode,
    to: Option<&str>,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<WayBack, Failure> {
    let scope = ScopeId::Site(site.clone());
    let history = releases::history(journal, &scope)?;
    let (release, why) = choose(&history, site, to)?;
    refuse_beyond_return(&history, release)?;
    let saved =
        lead_to(&Where { context, desired, scope: &scope, reached }, journal, &history, release, None)
            .await?;
    Ok(WayBack { saved, why })
}

/// What would make a scope as a release was, whatever happened since. For looking at; a way back is made by [`make`].
///
/// # Errors
///
/// As [`make`], without the point of no return.
pub async fn compare(
    context: &Context,
    desired: &Desired,
    scope: &ScopeId,
    release: u32,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<SavedPlan, Failure> {
    let site = site_of(&scope.to_string())?;
    let history = releases::history(journal, scope)?;
    let release = history
        .release(release)
        .ok_or_else(|| Failure::failed(format!("{site} has no release R{release}")))?;
    lead_to(&Where { context, desired, scope, reached }, journal, &history, release, None).await
}

fn choose<'h>(
    history: &'h History,
    site: &SiteCode,
    to: Option<&str>,
) -> Result<(&'h Release, String), Failure> {
    let refused = |reason: String| Failure::Refused { reason };
    let Some(good) = history.known_good() else {
        return Err(refused(format!("{site} has no release: no run of it has ended well")));
    };
    match to {
        None => history.way_back().ok_or_else(|| {
            refused(format!("{site} stands at {}, and no release before it looked different", good.name()))
        }),
        Some("known-good") => Ok((good, format!("{} is known-good", good.name()))),
        Some(text) => {
            let release = releases::named(history, text)?;
            Ok((release, format!("{} was asked for", release.name())))
        }
    }
}

/// The scopes that are led back: sites only.
///
/// # Errors
///
/// `Refused` for the account and for regions.
pub fn site_of(text: &str) -> Result<SiteCode, Failure> {
    match text.parse::<ScopeId>() {
        Ok(ScopeId::Site(site)) => Ok(site),
        Ok(scope @ (ScopeId::Account | ScopeId::Region(_))) => Err(Failure::Refused {
            reason: format!(
                "{scope} is shared by sites and is never rolled back: mend it by a plan that leads forward"
            ),
        }),
        Err(_) => {
            SiteCode::new(text).map_err(|bad| Failure::usage(bad.rule, "landfall status lists the sites"))
        }
    }
}

/// Refuses a way back over a step that cannot be undone, and names exactly those.
fn refuse_beyond_return(history: &History, release: &Release) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for done in history.done_after(release) {
        let why = match done.planned.map(guard::undo) {
            Some((Reversal::OneWay, why)) => why,
            Some((Reversal::Reversible | Reversal::WithLoss, _)) => continue,
            None => "its plan is not there any more, so nobody can say what it did".to_owned(),
        };
        lines.push(format!("  {}   (run {}, entry {}: {why})", done.step, done.run, done.entry));
    }
    if lines.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused {
        reason: format!(
            "past the point of no return: these steps after {} cannot be undone\n{}\nMend it by a plan that leads forward",
            release.name(),
            lines.join("\n")
        ),
    })
}

/// The site that is led back, with all that surrounds it.
#[derive(Clone, Copy)]
struct Where<'a> {
    context: &'a Context,
    desired: &'a Desired,
    scope: &'a ScopeId,
    reached: &'a Reached,
}

/// A plan that leads a scope to the state of a release, or to that state with one object changed.
async fn lead_to(
    at: &Where<'_>,
    journal: &dyn Journal,
    history: &History,
    release: &Release,
    changed: Option<(StepId, Kept)>,
) -> Result<SavedPlan, Failure> {
    let Where { context, desired, scope, reached } = *at;
    let excerpt = excerpt_of(journal, release)?;
    let log = log_of(scope);
    let head = journal.heads()?.get(&log).cloned();
    let holdings = plan::holdings_of(journal, scope)?;
    let drill = changed.as_ref().map(|(step, _)| step.clone());
    let mut state = release.state.clone();
    state.0.extend(changed);
    let resources: Vec<Resource> =
        state.0.iter().map(|(step, kept)| resource(&excerpt, step, kept)).collect();
    let region = desired.region_of(scope);
    let through = resources.iter().any(|one| one.via.as_ref().is_some_and(|via| via.own().is_none()));
    let through = region.clone().filter(|_| through);
    let mut beside = BTreeMap::new();
    if let Some(region) = &through {
        beside.insert(region.clone(), plan::holdings_of(journal, region)?);
    }
    let wanted = [Wanted { scope, region: region.as_ref(), resources: &resources, holdings: &holdings }];
    let mut world = observe_beside(&reached.reads(), &wanted, &beside).await;
    plan::refuse_unreadable(&world, journal)?;
    plan::refuse_foreign(&world)?;
    let stays = data::keep_data(&mut world, scope, &holdings, &resources);
    for change in world.leftovers.values_mut().flatten().flat_map(|one| &mut one.found.changes) {
        change.reason = format!("{} did not have it", release.name());
    }
    let (checks, unchecked) = checks::of_release(journal, desired, scope, &excerpt)?;
    let parts = Parts {
        scope,
        // What is shared was there before and is not looked at.
        needs: &BTreeSet::new(),
        resources: &resources,
        checks: &checks,
        leftovers: world.leftovers.get(scope).map_or(&[][..], Vec::as_slice),
        call_timeout: reached.call_timeout,
    };
    let found = world.found.remove(scope).unwrap_or_default();
    let mut steps = scope_plan(parts, found)
        .map_err(|cycle| Failure::failed(format!("steps of {scope} wait for each other: {cycle}")))?;
    plan::hide_sensitive(&mut steps);
    let mut timed = BTreeMap::from([(scope.clone(), steps)]);
    plan::fill(desired, reached, &durations::of(&reached.name, journal)?, &mut timed);
    let steps = timed.remove(scope).expect("it was put in above");
    data::refuse_lost_data(&steps)?;
    let before = history.now.digest();
    let rollback = RollbackOf {
        release: release.number,
        run: release.run.clone(),
        state: state.digest(),
        before,
        stays,
        unchecked,
        drill,
        through,
    };
    let mut made = document(at, excerpt, steps, rollback, head)?;
    made.approvals = approvals::needs(&desired.loaded.estate, &made);
    Ok(SavedPlan::new(made, context.clock.now()))
}

/// What a release asked of one object, as a pack would declare it.
fn resource(excerpt: &PlanExcerpt, step: &StepId, kept: &Kept) -> Resource {
    let planned = excerpt.part.plan.steps.get(step);
    let declared = planned.into_iter().flat_map(|planned| &planned.after);
    let after = declared.filter(|(_, reason)| **reason == EdgeReason::Declared).map(|(step, _)| step.clone());
    let origin = planned.and_then(|planned| planned.origin.clone()).unwrap_or_else(|| Origin {
        pack: "none".parse().expect("a pack name"),
        template: "an earlier release".to_owned(),
        line: 0,
    });
    Resource {
        id: step.clone(),
        kind: kept.kind.clone(),
        after: after.collect(),
        via: kept.via.clone(),
        spec: kept.spec.clone().into(),
        evidence: planned.and_then(|planned| planned.evidence.clone()),
        origin,
    }
}

fn document(
    at: &Where<'_>,
    excerpt: PlanExcerpt,
    steps: ScopePlan,
    rollback: RollbackOf,
    head: Option<LogHead>,
) -> Result<Plan, Failure> {
    let Where { desired, scope, reached, .. } = *at;
    let estate = &desired.loaded.estate;
    let PlanExcerpt { head: then, part, .. } = excerpt;
    if then.lineage != estate.lineage {
        let reason = format!("the release was made for the estate `{}`, which is not this one", then.estate);
        return Err(Failure::Refused { reason });
    }
    if then.target != reached.name {
        let (was, is) = (&then.target, &reached.name);
        let reason = format!(
            "the release was made at target {} ({}), not at {} ({})",
            was.name, was.host, is.name, is.host
        );
        return Err(Failure::Refused { reason });
    }
    let site = scope.site().expect("only sites are led back").clone();
    let wave = desired.loaded.wave_of(site.as_str()).map(|wave| wave.name.clone());
    let wave = WavePlan {
        name: wave.unwrap_or_else(|| WaveName::new(WAVE).expect("a wave's name")),
        sites: vec![site.clone()],
        max_parallel: 1,
        failure_budget: 0,
        bake: None,
        entry: Vec::new(),
    };
    let mut inputs = then.inputs;
    inputs.extend(part.inputs);
    Ok(Plan {
        overview: crate::model::plan::Overview::default(),
        v: PLAN_VERSION,
        tool: format!("landfall {}", env!("CARGO_PKG_VERSION")),
        estate: estate.name.clone(),
        lineage: estate.lineage.clone(),
        target: reached.name.clone(),
        selection: Selection::Sites(BTreeSet::from([site])),
        inputs,
        packs: then.packs,
        parameters: BTreeMap::from([(scope.clone(), part.parameters)]),
        heads: head.into_iter().map(|head| (log_of(scope), head)).collect(),
        fleet: FleetPlan { waves: vec![wave], failure_budget: None },
        scopes: BTreeMap::from([(scope.clone(), steps)]),
        rollback: Some(rollback),
        approvals: Vec::new(),
        consents: estate.consents.clone(),
    })
}

/// What is rendered for a launch of this plan: today's files, or those of the release that the plan leads back to.
///
/// # Errors
///
/// If the release's files are not in the journal any more.
pub fn rendered<'r>(
    saved: &SavedPlan,
    today: &'r BTreeMap<ScopeId, Rendered>,
    journal: &dyn Journal,
) -> Result<Cow<'r, BTreeMap<ScopeId, Rendered>>, Failure> {
    let Some(rollback) = &saved.plan.rollback else { return Ok(Cow::Borrowed(today)) };
    let mut all = BTreeMap::new();
    for scope in saved.plan.scopes.keys() {
        let history = releases::history(journal, scope)?;
        let missing =
            || Failure::NotVerified { what: format!("the log of {scope} has no R{}", rollback.release) };
        let release =
            history.release(rollback.release).filter(|one| one.run == rollback.run).ok_or_else(missing)?;
        let mut files = BTreeMap::new();
        for file in &release.files {
            let Some(path) = file.path.strip_prefix("rendered/") else { continue };
            let bytes = journal.get_blob(&file.sha256)?;
            let text = String::from_utf8(bytes).map_err(|_| Failure::NotVerified {
                what: format!("{} of {scope} is not text", file.path),
            })?;
            files.insert(path.to_owned(), text);
        }
        let rendered = Rendered {
            scope: scope.clone(),
            files,
            resources: Vec::new(),
            steps: Vec::new(),
            items: Vec::new(),
            gates: Vec::new(),
            places: BTreeMap::new(),
        };
        all.insert(scope.clone(), rendered);
    }
    Ok(Cow::Owned(all))
}
