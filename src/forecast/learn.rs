//! Measured times out of a scope's log.

use std::collections::BTreeMap;

use crate::base::id::{KindName, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::entry::{ActorKind, Entry};
use crate::model::event::{Effect, Event};
use crate::model::plan::{Operation, ScopePlan, Work};

use super::durations::Durations;

/// One step under way: the time in which something was done for it, without the rests in between.
#[derive(Debug, Default)]
struct Busy {
    before: Millis,
    since: Option<Timestamp>,
}

impl Busy {
    fn pause(&mut self, now: Timestamp) {
        if let Some(since) = self.since.take() {
            self.before = Millis(self.before.0.saturating_add(now.since(since).0));
        }
    }
}

impl Durations {
    /// Takes in what one scope's runs of this plan measured: from a step's first call to the look that saw its goal
    /// reached, without the rests after refusals. Says how many times were taken in.
    ///
    /// Steps during which the run stood still are left out: nobody looked in the meantime. So is every entry of a
    /// rehearsal, whatever the target is called: its clock is not the world's.
    pub fn learn_from<'a>(
        &mut self,
        target: &str,
        plan: &ScopePlan,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> usize {
        let mut under_way: BTreeMap<StepId, Busy> = BTreeMap::new();
        let mut learned = 0;
        for entry in entries.filter(|entry| entry.actor.kind != ActorKind::Rehearsal) {
            let Ok(event) = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body) else {
                continue;
            };
            match event {
                Event::RunStarted { .. }
                | Event::RunRecovered { .. }
                | Event::RunSuspended {}
                | Event::RunRetried { .. }
                | Event::RunEnded { .. } => under_way.clear(),
                Event::StepApplying { step, attempt, .. } => {
                    // A first call opens the account; a later one goes on with it, unless it was closed in between.
                    if attempt <= 1 || under_way.contains_key(&step) {
                        under_way.entry(step).or_default().since.get_or_insert(entry.at);
                    }
                }
                Event::StepRested { step, .. } => {
                    if let Some(busy) = under_way.get_mut(&step) {
                        busy.pause(entry.at);
                    }
                }
                Event::StepSucceeded { step, effect, settled_in, .. } => {
                    let Some(mut busy) = under_way.remove(&step) else { continue };
                    match busy.since {
                        Some(_) => busy.pause(entry.at),
                        // After a doubt nothing was sent again: the object was there, and settled.
                        None => busy.before.0 = busy.before.0.saturating_add(settled_in.0),
                    }
                    if let (Some(kind), Some(operation)) = (kind_of(plan, &step), operation(effect)) {
                        learned += usize::from(self.learn(target, kind, operation, busy.before));
                    }
                }
                Event::StepFailed { step, .. } | Event::StepBlocked { step, .. } => {
                    under_way.remove(&step);
                }
                Event::RunStopping {}
                | Event::RunAborting {}
                | Event::StepApplied { .. }
                | Event::StepFound { .. }
                | Event::StepPolled { .. }
                | Event::StepWoke { .. }
                | Event::Unknown { .. } => {}
            }
        }
        learned
    }
}

fn kind_of<'p>(plan: &'p ScopePlan, step: &StepId) -> Option<&'p KindName> {
    match &plan.steps.get(step)?.work {
        Work::Reconcile(reconcile) => Some(&reconcile.kind),
        Work::Check { .. } => None,
    }
}

/// The operation that was done in the end, whatever the plan had found to be necessary.
fn operation(effect: Effect) -> Option<Operation> {
    match effect {
        Effect::Created => Some(Operation::Create),
        Effect::Updated => Some(Operation::Update),
        Effect::Replaced => Some(Operation::Replace),
        Effect::Deleted => Some(Operation::Delete),
        Effect::Unchanged | Effect::AlreadyGone | Effect::Checked => None,
    }
}
