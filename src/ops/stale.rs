//! Whether a saved plan still fits: everything that changed since it was made, in one list. `apply` asks before a launch
//! begins, and looks at the objects once more; behind it every step looks again before it does anything.

mod moved;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{LogId, PackName, ScopeId};
use crate::journal::{Journal, Line};
use crate::model::plan::{LogHead, PackLock, SavedPlan};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::target::Reached;
use crate::ops::{Context, launch, overview};
use crate::runner::only_people_since;
use crate::source;

/// Refuses a plan that no longer fits, with every cause at once, objects on the target among them; then one that does not
/// fit under the limits of services or would destroy data. Read-only.
///
/// # Errors
///
/// `Stale`, `Expired` or `Refused`.
pub async fn refuse(
    context: &Context,
    saved: &SavedPlan,
    desired: &Desired,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<(), Failure> {
    let mut causes = Causes::known(context, saved, desired, reached, journal)?;
    if causes.objects_compare {
        causes.changed.extend(moved::objects(saved, reached, journal).await?);
    }
    causes.refuse()?;
    launch::refuse_unfit(context, saved, desired, reached, journal)
}

/// Refuses a plan that no longer fits, as far as that is known without a look at the target.
///
/// # Errors
///
/// `Stale` with everything that changed, or `Expired`.
pub fn refuse_known(
    context: &Context,
    saved: &SavedPlan,
    desired: &Desired,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<(), Failure> {
    Causes::known(context, saved, desired, reached, journal)?.refuse()
}

/// The input files that were edited or taken away since a plan was made, by their bytes alone: for estates that cannot be
/// read any more, where a mistake in one file may show only in another.
pub fn edited(saved: &SavedPlan, root: &Path) -> Vec<String> {
    let files = source::read(root).files;
    let is_same =
        |(path, then): &(&String, &Digest)| files.get(*path).is_some_and(|bytes| Digest::of(bytes) == **then);
    saved.plan.inputs.iter().filter(|input| !is_same(input)).map(|(path, _)| path.clone()).collect()
}

/// Why a plan no longer fits.
struct Causes {
    /// That it waited too long, if it did.
    expired: Option<Failure>,
    changed: Vec<String>,
    /// Whether what the plan saw can be compared with what is there: not on another target, nor behind another run.
    objects_compare: bool,
}

impl Causes {
    fn known(
        context: &Context,
        saved: &SavedPlan,
        desired: &Desired,
        reached: &Reached,
        journal: &dyn Journal,
    ) -> Result<Self, Failure> {
        let estate = &desired.loaded.estate;
        let mut changed = Vec::new();
        if saved.plan.lineage != estate.lineage {
            // Everything else differs too, and says nothing.
            changed.push(format!(
                "the plan was made for the estate `{}`, which is not this one, `{}`",
                saved.plan.estate, estate.name
            ));
            return Ok(Self { expired: None, changed, objects_compare: false });
        }
        let same_target = saved.plan.target == reached.name;
        if !same_target {
            let was = &saved.plan.target;
            changed.push(format!(
                "the plan was made for target {} at {}, which is not this one, at {}",
                was.name, was.host, reached.name.host
            ));
        }
        // What leads back rests on a release, not on today's files.
        if saved.plan.rollback.is_none() {
            changed.extend(packs(&saved.plan.packs, &desired.loaded.pack_locks()));
            changed.extend(inputs(saved, desired));
        }
        let grown = grown(saved, journal)?;
        let objects_compare = same_target && grown.is_empty();
        changed.extend(grown);
        Ok(Self { expired: overview::expired(context, saved, estate), changed, objects_compare })
    }

    fn refuse(self) -> Result<(), Failure> {
        match (self.expired, self.changed) {
            (None, changed) if changed.is_empty() => Ok(()),
            (Some(expired), changed) if changed.is_empty() => Err(expired),
            (expired, mut changed) => {
                changed.splice(0..0, expired.map(|expired| expired.to_string()));
                Err(Failure::Stale { changed })
            }
        }
    }
}

/// Packs that are no longer those of the plan.
fn packs(then: &BTreeMap<PackName, PackLock>, now: &BTreeMap<PackName, PackLock>) -> Vec<String> {
    let told = |lock: Option<&PackLock>| match lock {
        Some(lock) => format!("{} ({})", lock.version, lock.digest.short()),
        None => "not there".to_owned(),
    };
    let names: BTreeSet<&PackName> = then.keys().chain(now.keys()).collect();
    let changed = names.into_iter().filter(|name| then.get(*name) != now.get(*name));
    changed
        .map(|name| {
            format!(
                "pack {name} was {}, and is {} here; a plan made with --packs is applied with the same --packs",
                told(then.get(name)),
                told(now.get(name))
            )
        })
        .collect()
}

/// Every changed input: the parameters by name, and files by path.
fn inputs(saved: &SavedPlan, desired: &Desired) -> Vec<String> {
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

/// Logs that are no longer as they were, and who wrote them.
fn grown(saved: &SavedPlan, journal: &dyn Journal) -> Result<Vec<String>, Failure> {
    let heads = journal.heads()?;
    let size = |head: Option<&LogHead>| head.map_or(0, |head| head.size);
    let mut changed = Vec::new();
    for scope in saved.plan.scopes.keys() {
        let log = LogId::Scope(scope.clone());
        let (then, now) = (saved.plan.heads.get(&log), heads.get(&log));
        if then == now || only_people_since(&journal.read(&log, 0)?, then) {
            continue;
        }
        let (was, is) = (size(then), size(now));
        changed.push(if is > was {
            let by = writers(&journal.read(&log, was)?);
            format!("the log of {scope} has grown from {was} to {is} entries since the plan was made: {by}")
        } else {
            format!("the log of {scope} is not the one that the plan was made with: it had {was} entries, and has {is}")
        });
    }
    Ok(changed)
}

/// Which runs wrote these entries, by whom; entries outside of runs by their kind.
fn writers(lines: &[Line]) -> String {
    let mut told: Vec<String> = Vec::new();
    for entry in lines.iter().map(|line| &line.entry) {
        let what = entry.run.as_ref().map_or(entry.kind.clone(), |run| format!("run {run}"));
        let words = format!("{what} by {}", entry.actor.id);
        if !told.contains(&words) {
            told.push(words);
        }
    }
    told.join(", ")
}

/// The scopes of a plan, each with the region it lies in.
fn scopes(saved: &SavedPlan) -> BTreeMap<&ScopeId, Option<&ScopeId>> {
    let region = |needs: &'_ BTreeSet<ScopeId>| needs.iter().position(|n| matches!(n, ScopeId::Region(_)));
    saved
        .plan
        .scopes
        .iter()
        .map(|(scope, plan)| (scope, region(&plan.needs).and_then(|at| plan.needs.iter().nth(at))))
        .collect()
}
