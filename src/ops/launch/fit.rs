//! Whether a plan may be launched: it fits the estate, the target and the logs, nobody else works on its scopes, and its
//! first wave may begin.

use serde_json::Value;

use super::found::{self, Found};
use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId};
use crate::base::limits;
use crate::fleet::Phase;
use crate::journal::Journal;
use crate::kind::Registry;
use crate::model::plan::SavedPlan;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::target::Reached;
use crate::ops::{Context, holder, new_run_id, plan};
use crate::report::plan_view::destroys;
use crate::runner::{Entry, outgrown};

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
        let lease = journal.take_lease(&log, &name, context.clock.for_leases(), limits::LEASE)?;
        journal.release(&lease)?;
    }
    Ok(())
}

/// Refuses a plan that no longer fits: other estate, other target, changed inputs, grown logs.
///
/// # Errors
///
/// `Stale` with everything that changed, or `Refused`.
pub fn refuse_unfit(
    saved: &SavedPlan,
    desired: &Desired,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<(), Failure> {
    let estate = &desired.loaded.estate;
    if saved.plan.lineage != estate.lineage {
        let reason =
            format!("the plan was made for the estate `{}`, which is not this one", saved.plan.estate);
        return Err(Failure::Refused { reason });
    }
    if saved.plan.target != reached.name {
        let was = &saved.plan.target;
        let reason =
            format!("the plan was made for target {} at {}, which is not this one", was.name, was.host);
        return Err(Failure::Refused { reason });
    }
    let too_long = plan::too_long(&saved.plan);
    if !too_long.is_empty() {
        let reason = format!("these would never begin:\n  {}", too_long.join("\n  "));
        return Err(Failure::Refused { reason });
    }
    let mut changed = changed_inputs(saved, desired);
    changed.extend(outgrown(saved, &journal.heads()?));
    if changed.is_empty() { refuse_destroys(saved) } else { Err(Failure::Stale { changed }) }
}

/// Every changed input: the parameters by name, and files whose change touches no parameter by path.
fn changed_inputs(saved: &SavedPlan, desired: &Desired) -> Vec<String> {
    let mut changed = Vec::new();
    for (scope, then) in &saved.plan.parameters {
        let Some(now) = desired.resolved.scopes.get(scope) else {
            changed.push(format!("{scope} is no longer in the estate"));
            continue;
        };
        let place = |path: &str| now.span_of(path).map_or(String::new(), |s| desired.loaded.sources.place(s));
        for (path, value) in then {
            let today = now.value(path);
            if today != Some(value) {
                let today = today.map_or("not set".to_owned(), Value::to_string);
                changed.push(format!("{scope}: {path} was {value}, now {today} ({})", place(path)));
            }
        }
        for path in now.provenance.keys().filter(|path| !then.contains_key(*path)) {
            let value = now.value(path).map_or(String::new(), Value::to_string);
            changed.push(format!("{scope}: {path} was not set, now {value} ({})", place(path)));
        }
    }
    let today = desired.loaded.digests();
    let edited = |(path, digest): &(&String, &Digest)| today.get(*path) != Some(*digest);
    changed.extend(saved.plan.inputs.iter().filter(edited).map(|(path, _)| match today.get(path) {
        Some(_) => format!("{path} was edited"),
        None => format!("{path} is gone"),
    }));
    let added = today.keys().filter(|path| !saved.plan.inputs.contains_key(*path));
    changed.extend(added.map(|path| format!("{path} is new")));
    changed
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

/// Refuses a second launch over scopes that an unfinished one has not ended: two plans would fight over one site.
///
/// # Errors
///
/// `Refused` with the other launch and what it has not ended.
pub fn refuse_shared(saved: &SavedPlan, journal: &dyn Journal) -> Result<(), Failure> {
    for other in found::unfinished(journal)? {
        let is_open =
            |(scope, phase): &(&ScopeId, &Phase)| saved.plan.scopes.contains_key(*scope) && !phase.is_ended();
        let shared: Vec<String> =
            other.fleet.scopes().iter().filter(is_open).map(|(scope, _)| scope.to_string()).collect();
        if !shared.is_empty() {
            return Err(Failure::Refused { reason: overlap(&other, &shared) });
        }
    }
    Ok(())
}

fn overlap(other: &Found, shared: &[String]) -> String {
    format!(
        "launch {} of {} has not ended {}; go on with it (landfall resume {}) or call it off (landfall wave abort) first",
        other.run,
        other.title(),
        shared.join(", "),
        other.run
    )
}

/// Refuses to launch a wave that may not begin yet. Later waves of the same plan wait for their own turn.
///
/// # Errors
///
/// `Refused` with everything that is open, by id.
pub fn refuse_barred(saved: &SavedPlan, journal: &dyn Journal, entry: &mut Entry<'_>) -> Result<(), Failure> {
    let Some(wave) = saved.plan.fleet.waves.first() else { return Ok(()) };
    let open = entry(&saved.plan, wave, journal)?;
    if open.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = open
        .iter()
        .map(|item| format!("  {}: {} (open with {})", item.id, item.missing, item.owner))
        .collect();
    Err(Failure::Refused {
        reason: format!("{} may not begin yet; nothing was written:\n{}", wave.name, lines.join("\n")),
    })
}
