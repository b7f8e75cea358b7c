//! What of a plan has to wait because PHI would come into it: told when the plan is made, refused when it is applied.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::base::id::{ScopeId, StepId};
use crate::model::authority::GateUse;
use crate::model::calendar::zone;
use crate::model::plan::{Operation, Plan, Work};
use crate::model::register::Register;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::Found;
use crate::policy::{self, PhiBlock};

/// Objects that a refusal names; who has read five knows which they are.
const STEPS_TOLD: usize = 5;

/// The present day in the estate's zone.
pub fn today(context: &Context, desired: &Desired) -> Date {
    zone::local(&desired.loaded.estate.time_zone(), context.clock.now()).date()
}

/// The objects that hold PHI, that the plan would make or change, and that may not be touched on this day.
pub fn blocked(desired: &Desired, plan: &Plan, today: Date) -> Vec<PhiBlock> {
    let mut blocks = policy::phi_blocks(&desired.loaded, &desired.resolved, &desired.rendered, today);
    for block in &mut blocks {
        let touched = plan.scopes.get(&block.scope);
        let is_touched = |id: &StepId| {
            touched.and_then(|scope| scope.steps.get(id)).is_some_and(|step| match &step.work {
                Work::Reconcile(reconcile) => brings_in(reconcile.operation),
                Work::Check { .. } => false,
            })
        };
        block.steps.retain(is_touched);
    }
    blocks.retain(|block| !block.steps.is_empty());
    blocks
}

/// What is taken away brings no PHI in.
fn brings_in(operation: Operation) -> bool {
    match operation {
        Operation::Create | Operation::Update | Operation::Replace => true,
        Operation::Delete | Operation::None => false,
    }
}

/// One line for each site that has something to wait for.
pub fn lines(blocks: &[PhiBlock]) -> Vec<String> {
    blocks.iter().map(line).collect()
}

fn line(block: &PhiBlock) -> String {
    let named: BTreeSet<&str> = block.steps.iter().take(STEPS_TOLD).map(StepId::as_str).collect();
    let more = block.steps.len() - named.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!(
        "{}: no PHI yet: {}; blocked are {}{more}",
        block.scope,
        block.reasons.join("; "),
        named.into_iter().collect::<Vec<_>>().join(", ")
    )
}

/// What is told when a plan is made. An estate that keeps no register of agreements, on a target without gates, is told
/// nothing: it is being tried out.
pub fn told(context: &Context, desired: &Desired, plan: &Plan) -> Vec<String> {
    let keeps = desired.loaded.registers.files.contains_key(&Register::Agreements);
    if !keeps && !enforces(desired, plan) {
        return Vec::new();
    }
    lines(&blocked(desired, plan, today(context, desired)))
}

fn enforces(desired: &Desired, plan: &Plan) -> bool {
    match desired.loaded.estate.targets.get(&plan.target.name).map(|target| target.gates) {
        Some(GateUse::Open) => false,
        Some(GateUse::Enforce) | None => true,
    }
}

/// Refuses a plan that would let PHI in too early, on a target that has gates.
///
/// # Errors
///
/// `Refused` with every site, the reasons, and the objects.
pub fn refuse(context: &Context, desired: &Desired, plan: &Plan) -> Result<(), Failure> {
    refuse_where(context, desired, plan, |_| true)
}

/// The same for a launch that goes on, over the scopes that it has not ended.
///
/// # Errors
///
/// As [`refuse`].
pub fn refuse_rest(context: &Context, desired: &Desired, found: &Found) -> Result<(), Failure> {
    let open: BTreeSet<&ScopeId> =
        found.fleet.scopes().iter().filter(|(_, phase)| !phase.is_ended()).map(|(scope, _)| scope).collect();
    refuse_where(context, desired, &found.saved.plan, |scope| open.contains(scope))
}

fn refuse_where(
    context: &Context,
    desired: &Desired,
    plan: &Plan,
    counts: impl Fn(&ScopeId) -> bool,
) -> Result<(), Failure> {
    if !enforces(desired, plan) {
        return Ok(());
    }
    let mut blocks = blocked(desired, plan, today(context, desired));
    blocks.retain(|block| counts(&block.scope));
    if blocks.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused {
        reason: format!(
            "PHI may not come in yet; nothing was changed:\n  {}\nBring the agreements up to date in sites/registers/agreements.toml and make a new plan (landfall registers list agreements shows them)",
            lines(&blocks).join("\n  ")
        ),
    })
}

#[cfg(test)]
mod tests;
