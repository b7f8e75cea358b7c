//! Where every scope stands, folded from the logs: done, running, failed, and because of what.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::id::{LogId, RunId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::journal::{Journal, Line};
use crate::model::event::{Event, RunOutcome};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;

/// One scope's standing.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// The scope.
    pub scope: ScopeId,
    /// The wave it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// In one word.
    pub state: State,
    /// The newest run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Steps of that run that reached their goal.
    pub done: usize,
    /// Calls of that run that were sent and not answered yet.
    pub under_way: Vec<StepId>,
    /// Steps that failed, and why.
    pub failed: BTreeMap<StepId, String>,
    /// Steps that never started, and the step that is the reason.
    pub blocked: BTreeMap<StepId, StepId>,
    /// Since when it stands so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// The states of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing was ever done.
    NotStarted,
    /// A run has begun and not ended: it goes on, or was interrupted.
    Unfinished,
    /// A run was stopped and can be taken up again.
    Suspended,
    /// The newest run ended well.
    Succeeded,
    /// The newest run failed.
    Failed,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::NotStarted => "not started",
            State::Unfinished => "unfinished",
            State::Suspended => "suspended",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
        }
    }
}

/// The standing of every scope of the estate.
///
/// # Errors
///
/// If a log is damaged.
pub fn all(desired: &Desired, journal: &dyn Journal) -> Result<Vec<Standing>, Failure> {
    let mut standings = Vec::new();
    for scope in desired.rendered.keys() {
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        let wave = scope.site().and_then(|code| desired.loaded.wave_of(code.as_str()));
        standings.push(standing(scope, wave.map(|wave| wave.name.to_string()), &lines));
    }
    Ok(standings)
}

/// One scope's standing, from its log.
pub fn standing(scope: &ScopeId, wave: Option<String>, lines: &[Line]) -> Standing {
    let mut standing = Standing {
        scope: scope.clone(),
        wave,
        state: State::NotStarted,
        run: None,
        done: 0,
        under_way: Vec::new(),
        failed: BTreeMap::new(),
        blocked: BTreeMap::new(),
        since: None,
    };
    for line in lines {
        let entry = &line.entry;
        if let Ok(event) = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body) {
            standing.fold(entry.run.as_ref(), entry.at, &event);
        }
    }
    standing
}

impl Standing {
    fn fold(&mut self, run: Option<&RunId>, at: Timestamp, event: &Event) {
        match event {
            Event::RunStarted { .. } => {
                let fresh = Standing {
                    state: State::Unfinished,
                    run: run.cloned(),
                    done: 0,
                    under_way: Vec::new(),
                    failed: BTreeMap::new(),
                    blocked: BTreeMap::new(),
                    since: Some(at),
                    ..self.clone()
                };
                *self = fresh;
            }
            Event::RunRecovered { .. } => (self.state, self.since) = (State::Unfinished, Some(at)),
            Event::RunSuspended {} => (self.state, self.since) = (State::Suspended, Some(at)),
            Event::RunEnded { outcome, .. } => {
                self.state = match outcome {
                    RunOutcome::Succeeded => State::Succeeded,
                    RunOutcome::Failed | RunOutcome::Aborted => State::Failed,
                };
                self.since = Some(at);
            }
            Event::StepApplying { step, .. } => self.under_way.push(step.clone()),
            Event::StepApplied { step, .. } => self.under_way.retain(|s| s != step),
            Event::StepSucceeded { step, .. } => {
                self.under_way.retain(|s| s != step);
                self.done += 1;
            }
            Event::StepFailed { step, cause, .. } => {
                self.under_way.retain(|s| s != step);
                self.failed.insert(step.clone(), cause.to_string());
            }
            Event::StepBlocked { step, by } => {
                self.blocked.insert(step.clone(), by.clone());
            }
            Event::RunStopping {}
            | Event::RunAborting {}
            | Event::RunRetried { .. }
            | Event::StepFound { .. }
            | Event::StepRested { .. }
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::Unknown { .. } => {}
        }
    }

    /// The step behind which a blocked or failed scope waits, in words.
    pub fn why(&self) -> String {
        match self.failed.iter().next() {
            Some((step, cause)) => format!("{step}: {cause}"),
            None if self.state == State::Unfinished => match self.under_way.first() {
                Some(step) => format!("{step} was sent and not answered; landfall resume goes on"),
                None => "landfall resume goes on".to_owned(),
            },
            None if self.state == State::Suspended => "stopped; landfall resume goes on".to_owned(),
            None => String::new(),
        }
    }
}
