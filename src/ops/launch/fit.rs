//! Whether a plan may be launched: it fits the estate, the target and the logs, nobody else works on its scopes, and its
//! first wave may begin.

use super::found::{self, Found};
use crate::base::id::{LogId, ScopeId};
use crate::base::limits;
use crate::fleet::Phase;
use crate::journal::Journal;
use crate::kind::Registry;
use crate::model::plan::{Operation, Reconcile, SavedPlan};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::target::Reached;
use crate::ops::{Context, holder, new_run_id, overview, plan, stale};
use crate::runner::Entry;

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

/// Refuses a plan that no longer fits: other estate, other target, waited too long, changed inputs, grown logs; and one
/// for which the calendars leave no time or the services no room.
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
    let too_long = plan::too_long(&saved.plan);
    if !too_long.is_empty() {
        let reason = format!("these would never begin:\n  {}", too_long.join("\n  "));
        return Err(Failure::Refused { reason });
    }
    overview::refuse_overfull(&saved.plan)?;
    refuse_destroys(saved)
}

/// Objects that hold data are never destroyed, whatever is named: whether they are empty cannot be seen from outside, since
/// no list shows every table, file and notebook.
fn refuse_destroys(saved: &SavedPlan) -> Result<(), Failure> {
    let protected = |reconcile: &Reconcile| match Registry::standard().get(&reconcile.kind) {
        Some(kind) => kind.protected.as_deref(),
        None => Some("this program does not know the kind"),
    };
    let gone = |one: &Reconcile| matches!(one.operation, Operation::Delete | Operation::Replace);
    let found = saved.plan.reconciles().filter(|(_, _, reconcile)| gone(reconcile));
    let lines: Vec<String> = found
        .filter_map(|(scope, step, one)| {
            Some(format!("  {scope} {step}   ({}: {})", one.kind, protected(one)?))
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "the plan would destroy objects that hold data; no plan may, whatever is named:\n{}",
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
