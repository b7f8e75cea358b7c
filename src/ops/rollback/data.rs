//! What holds data survives the way back, with everything that it rests on and that belongs to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{ScopeId, StepId};
use crate::kind::Registry;
use crate::model::holdings::Holdings;
use crate::model::kind::Class;
use crate::model::plan::{Operation, Reversal, ScopePlan, Work};
use crate::model::resource::Resource;
use crate::model::via::Via;
use crate::ops::error::Failure;
use crate::ops::observe::World;
use crate::plan::Leftover;

/// Takes everything out of what is to be destroyed that holds data, or that such things rest on. Returns what stays.
pub(super) fn keep_data(
    world: &mut World,
    scope: &ScopeId,
    holdings: &Holdings,
    resources: &[Resource],
) -> BTreeMap<StepId, String> {
    let leftovers = world.leftovers.remove(scope).unwrap_or_default();
    let kind = |leftover: &Leftover| Registry::standard().get(&leftover.resource.kind);
    let mut stays: BTreeMap<StepId, String> = BTreeMap::new();
    for leftover in &leftovers {
        if let Some(why) = kind(leftover).and_then(|kind| kind.protected.as_ref()) {
            stays.insert(leftover.resource.id.clone(), format!("it holds data: {why}"));
        }
    }
    // Each round keeps at least one more, so there are no more rounds than objects.
    for _ in 0..leftovers.len() {
        let mut more = Vec::new();
        for leftover in leftovers.iter().filter(|one| !stays.contains_key(&one.resource.id)) {
            let own = &leftover.resource;
            let carried = leftovers.iter().find(|other| {
                stays.contains_key(&other.resource.id)
                    && (other.resource.after.contains(&own.id)
                        || other.resource.via.as_ref().and_then(Via::own) == Some(&own.id))
            });
            if let Some(other) = carried {
                more.push((own.id.clone(), format!("{} rests on it and stays", other.resource.id)));
                continue;
            }
            let belongs = own.after.iter().find(|step| stays.contains_key(*step));
            if let Some(step) = belongs.filter(|_| !gives_rights(leftover)) {
                more.push((own.id.clone(), format!("it belongs to {step}, which stays")));
            }
        }
        if more.is_empty() {
            break;
        }
        stays.extend(more);
    }
    let declared: BTreeSet<&StepId> = resources.iter().map(|resource| &resource.id).collect();
    for (step, held) in holdings.iter().filter(|(step, _)| !declared.contains(step)) {
        let deletable = Registry::standard().get(&held.kind).is_some_and(|kind| kind.calls.delete.is_some());
        if !deletable {
            stays.insert(step.clone(), "nothing can take it away; it stays as it is".to_owned());
        }
    }
    let gone = leftovers.into_iter().filter(|leftover| !stays.contains_key(&leftover.resource.id));
    world.leftovers.insert(scope.clone(), gone.collect());
    stays
}

/// Rights to what stays are taken back: data of a later release is open to nobody. Everything else that belongs to it, such
/// as tags that say what the data is and the bindings that close it in, stays with it.
fn gives_rights(leftover: &Leftover) -> bool {
    let kind = Registry::standard().get(&leftover.resource.kind);
    let is_list = kind.is_some_and(|kind| match kind.class {
        Class::DeltaSet | Class::FullReplaceSet => true,
        Class::ImmutableRecord
        | Class::PlainRecord
        | Class::NamedSecurable
        | Class::Relation
        | Class::SingletonWithEtag
        | Class::Singleton
        | Class::WriteOnlySecret
        | Class::Executed => false,
    });
    is_list && leftover.found.reversal == Reversal::Reversible
}

/// Objects that hold data are never deleted or made anew on the way back.
pub(super) fn refuse_lost_data(steps: &ScopePlan) -> Result<(), Failure> {
    let lost = steps.steps.iter().filter(|(_, step)| match &step.work {
        Work::Reconcile(one) => {
            let goes = matches!(one.operation, Operation::Delete | Operation::Replace);
            goes && Registry::standard().get(&one.kind).is_none_or(|kind| kind.protected.is_some())
        }
        Work::Check { .. } => false,
    });
    let lost: Vec<String> = lost.map(|(step, _)| format!("  {step}")).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused {
        reason: format!("the way back would destroy objects that hold data:\n{}", lost.join("\n")),
    })
}
