//! The fold over a log. Entries of several runs never interleave, but the fold does not rest on that.

use std::collections::{BTreeMap, BTreeSet};

use super::{History, Kept, PLAN_FILE, Past, Plans, Release, State, settled};
use crate::base::id::{RunId, StepId};
use crate::base::time::Timestamp;
use crate::model::entry::{BlobRef, Entry};
use crate::model::event::{BadEvent, Desired, Effect, Event, Rest, RunOutcome};
use crate::model::plan::{Operation, PlanExcerpt, RollbackOf, Work};

/// A run while its entries are read.
#[derive(Debug, Default)]
struct Open {
    files: Vec<BlobRef>,
    plan: Option<PlanExcerpt>,
    entry: u64,
    /// What was last asked of each object.
    desired: BTreeMap<StepId, Desired>,
    gone: BTreeSet<StepId>,
    /// Intents whose outcome is not known yet.
    pending: BTreeMap<StepId, u64>,
    done: BTreeMap<StepId, u64>,
    outcome: Option<RunOutcome>,
}

pub(super) fn history<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    plans: Plans<'_>,
) -> Result<History, BadEvent> {
    let mut history = History::default();
    let mut open: BTreeMap<RunId, Open> = BTreeMap::new();
    let mut order: Vec<RunId> = Vec::new();
    for entry in entries {
        let Some(run) = &entry.run else { continue };
        let event = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body)?;
        if matches!(event, Event::RunStarted { .. }) && !open.contains_key(run) {
            order.push(run.clone());
            open.insert(run.clone(), Open::new(entry, plans));
        }
        let Some(one) = open.get_mut(run) else { continue };
        one.take(entry.seq, &event);
        if one.outcome == Some(RunOutcome::Succeeded) && matches!(event, Event::RunEnded { .. }) {
            let state = one.state();
            history.now = one.all(&state, &history.now);
            history.released(run, entry, one, state);
        } else if matches!(event, Event::RunEnded { .. } | Event::RunSuspended {}) {
            one.note(&mut history.now);
        }
    }
    for run in order {
        let Some(mut one) = open.remove(&run) else { continue };
        if one.outcome.is_none() {
            one.note(&mut history.now);
        }
        let pending = std::mem::take(&mut one.pending);
        one.done.extend(pending);
        let reached = (one.outcome == Some(RunOutcome::Succeeded)).then(|| one.state().digest());
        let Open { entry, outcome, done, plan, .. } = one;
        history.runs.push(Past { run, entry, outcome, reached, done, plan });
    }
    Ok(history)
}

impl Open {
    fn new(entry: &Entry, plans: Plans<'_>) -> Self {
        let plan = entry.refs.iter().find(|file| file.path == PLAN_FILE).and_then(|file| plans(&file.sha256));
        Self { files: entry.refs.clone(), plan, entry: entry.seq, ..Self::default() }
    }

    fn take(&mut self, seq: u64, event: &Event) {
        match event {
            Event::StepApplying { step, desired, .. } => {
                self.settle(step, true);
                self.desired.insert(step.clone(), desired.clone());
                self.pending.insert(step.clone(), seq);
            }
            Event::StepApplied { step, .. }
            | Event::StepFound { step, .. }
            | Event::StepRested { step, why: Rest::InDoubt, .. } => self.settle(step, true),
            Event::StepRested { step, .. } | Event::StepFailed { step, .. } => self.settle(step, false),
            Event::StepSucceeded { step, effect, desired, .. } => {
                self.settle(step, true);
                match effect {
                    Effect::Deleted | Effect::AlreadyGone => drop(self.gone.insert(step.clone())),
                    Effect::Unchanged
                    | Effect::Created
                    | Effect::Updated
                    | Effect::Replaced
                    | Effect::Checked => drop(self.gone.remove(step)),
                }
                if let Some(desired) = desired {
                    self.desired.insert(step.clone(), desired.clone());
                }
            }
            Event::RunEnded { outcome, .. } => self.outcome = Some(*outcome),
            Event::RunStarted { .. } | Event::RunRecovered { .. } | Event::RunRetried { .. } => {
                self.outcome = None;
            }
            Event::RunStopping {}
            | Event::RunSuspended {}
            | Event::RunAborting {}
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::StepBlocked { .. }
            | Event::Unknown { .. } => {}
        }
    }

    /// What is known of an intent now: it had its effect or may have, or it had none.
    fn settle(&mut self, step: &StepId, done: bool) {
        if let Some(seq) = self.pending.remove(step)
            && done
        {
            self.done.entry(step.clone()).or_insert(seq);
        }
    }

    fn kept(&self, step: &StepId, desired: &Desired) -> Kept {
        let planned = self.plan.as_ref().and_then(|plan| super::reconcile(plan, step));
        let spec = match planned {
            Some(planned) => settled(&planned.spec, &desired.spec),
            None => settled(&serde_json::Value::Null, &desired.spec),
        };
        Kept { kind: desired.kind.clone(), via: desired.via.clone(), spec }
    }

    /// What the run's plan asked for, as the run found or made it.
    fn state(&self) -> State {
        let declared = |step: &StepId| match &self.plan {
            None => true,
            Some(plan) => plan.part.plan.steps.get(step).is_some_and(|planned| match &planned.work {
                Work::Reconcile(reconcile) => reconcile.operation != Operation::Delete,
                Work::Check { .. } => false,
            }),
        };
        let wanted = self.desired.iter().filter(|(step, _)| declared(step) && !self.gone.contains(*step));
        State(wanted.map(|(step, desired)| (step.clone(), self.kept(step, desired))).collect())
    }

    /// The state of a run that ended well, with what its plan left alone on purpose.
    fn all(&self, state: &State, before: &State) -> State {
        let mut all = state.clone();
        for step in self.rollback().into_iter().flat_map(|rollback| rollback.stays.keys()) {
            if let Some(kept) = before.0.get(step) {
                all.0.insert(step.clone(), kept.clone());
            }
        }
        all
    }

    /// A run that did not end well changed some things and left others.
    fn note(&self, now: &mut State) {
        for step in self.done.keys().chain(self.pending.keys()) {
            if let Some(desired) = self.desired.get(step) {
                now.0.insert(step.clone(), self.kept(step, desired));
            }
        }
        now.0.retain(|step, _| !self.gone.contains(step));
    }

    fn rollback(&self) -> Option<&RollbackOf> {
        self.plan.as_ref()?.head.rollback.as_ref()
    }
}

impl History {
    fn released(&mut self, run: &RunId, entry: &Entry, open: &Open, state: State) {
        let digest = state.digest();
        let at: Timestamp = entry.at;
        if let Some(last) = self.releases.last_mut()
            && last.digest == digest
            && open.done.is_empty()
        {
            last.confirmed = at;
            return;
        }
        let number = u32::try_from(self.releases.len() + 1).unwrap_or(u32::MAX);
        self.releases.push(Release {
            number,
            run: run.clone(),
            at,
            confirmed: at,
            entry: entry.seq,
            plan: open.plan.as_ref().map(|plan| plan.digest).or(entry.plan),
            packs: open.plan.as_ref().map(|plan| plan.head.packs.clone()).unwrap_or_default(),
            state,
            digest,
            rollback: open.rollback().cloned(),
            files: open.files.clone(),
        });
    }
}
