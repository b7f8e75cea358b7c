//! Where the runs of scopes stand by their logs. Every entry is read and verified, on every core at once: scopes have
//! nothing to do with each other, and with a thousand of them this is what one waits for when a launch is taken up.

use std::num::NonZero;
use std::thread;

use super::RunnerError;
use super::known::Known;
use super::scope_run::ScopeRun;
use crate::base::id::{LogId, RunId, ScopeId};
use crate::base::limits::{REPLAY_SHARE_MIN, THREADS_MAX};
use crate::journal::{Journal, JournalError};
use crate::model::holdings::Holdings;
use crate::model::plan::{SavedPlan, ScopePlan};

/// One scope as its log tells of it.
pub(super) struct Replayed {
    pub(super) scope: ScopeId,
    /// What is held there.
    pub(super) holdings: Holdings,
    /// Where the launch's run in it stands.
    pub(super) run: ScopeRun,
    /// What is known of its steps.
    pub(super) known: Known,
}

/// All scopes of the plan, in their order.
///
/// # Errors
///
/// If a log is damaged or holds what this program does not understand: of several, the first scope's.
pub(super) fn replay(
    journal: &dyn Journal,
    saved: &SavedPlan,
    run: &RunId,
) -> Result<Vec<Replayed>, RunnerError> {
    let scopes: Vec<(&ScopeId, &ScopePlan)> = saved.plan.scopes.iter().collect();
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let readers = readers(journal, cores.min(scopes.len() / REPLAY_SHARE_MIN))?;
    let share = |journal: &dyn Journal, share: &[(&ScopeId, &ScopePlan)]| {
        let one = |(scope, plan): &(&ScopeId, &ScopePlan)| of_scope(journal, saved, run, scope, plan);
        share.iter().map(one).collect::<Result<Vec<_>, _>>()
    };
    thread::scope(|threads| {
        let share = &share;
        let mut shares = scopes.chunks(scopes.len().div_ceil(readers.len() + 1).max(1));
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares
            .zip(readers)
            .map(|(scopes, reader)| threads.spawn(move || share(&*reader, scopes)))
            .collect();
        let mut all = share(journal, own)?;
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}

/// Readers of the same journal for all threads but this one; none if it has only itself.
fn readers(journal: &dyn Journal, threads: usize) -> Result<Vec<Box<dyn Journal>>, JournalError> {
    let mut readers = Vec::new();
    for _ in 1..threads {
        match journal.reader()? {
            Some(reader) => readers.push(reader),
            None => break,
        }
    }
    Ok(readers)
}

fn of_scope(
    journal: &dyn Journal,
    saved: &SavedPlan,
    run: &RunId,
    scope: &ScopeId,
    plan: &ScopePlan,
) -> Result<Replayed, RunnerError> {
    let failed = |what: String| RunnerError::Replay(format!("{scope}: {what}"));
    // Each entry is understood once, for what is held and for where the run stands.
    let (mut holdings, mut events) = (Holdings::default(), Vec::new());
    for line in journal.read(&LogId::Scope(scope.clone()), 0)? {
        let own = line.entry.run.as_ref() == Some(run);
        let event = holdings.take_over(line.entry).map_err(|error| failed(error.to_string()))?;
        events.extend(event.filter(|_| own));
    }
    let region = plan.needs.iter().find(|need| matches!(need, ScopeId::Region(_)));
    let region = region.or(saved.plan.through()).cloned();
    let held = holdings.outputs().map(|(id, _)| id.clone());
    let mut known = Known::default();
    known.declare(scope, region, plan.steps.keys().cloned().chain(held));
    for (id, outputs) in holdings.outputs() {
        known.set_outputs(scope, id, outputs.cloned().unwrap_or_default());
    }
    let run = ScopeRun::replay(run, scope, plan, &events, &mut known).map_err(failed)?;
    Ok(Replayed { scope: scope.clone(), holdings, run, known })
}
