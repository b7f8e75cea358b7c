//! What came of a launch: for each scope and step how it ended, what it did, because of what it failed, how often it was
//! tried and how long it took against what was expected; and all failures grouped by their cause.

mod text;
pub mod walk;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::digest::Digest;
use crate::base::id::{KindName, RunId, ScopeId, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::forecast::Durations;
use crate::model::entry::Entry;
use crate::model::event::{Effect, Event};
use crate::model::fleet_event::FleetEvent;
use crate::model::outcome::{Cause, CauseClass};
use crate::model::plan::{Plan, PlannedStep, SavedPlan, Work};

pub use text::{csv, short, text};

/// Format version of the report.
pub const RUN_REPORT_VERSION: u32 = 1;

/// What came of a launch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Format version.
    pub v: u32,
    /// The launch.
    pub run: RunId,
    /// Its plan.
    pub plan: Digest,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ended; none while it has not.
    pub ended: Option<Timestamp>,
    /// How it stands, in one word.
    pub outcome: String,
    /// The failures by cause, the most frequent first.
    pub causes: Vec<CauseGroup>,
    /// Its scopes.
    pub scopes: Vec<ScopeReport>,
}

/// Failures of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseGroup {
    /// The class.
    pub class: CauseClass,
    /// The service's code.
    pub code: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What the first of them said.
    pub message: String,
    /// The steps.
    pub steps: Vec<(ScopeId, StepId)>,
}

/// What came of one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScopeReport {
    /// Which.
    pub scope: ScopeId,
    /// How it stands, in one word.
    pub outcome: String,
    /// Why it never started, or why it does not go on.
    pub why: Option<String>,
    /// How often it was tried.
    pub rounds: u32,
    /// Its first entry.
    pub began: Option<Timestamp>,
    /// Its last entry.
    pub last: Option<Timestamp>,
    /// Time between them in which it was not suspended.
    pub active: Millis,
    /// Time in which it was.
    pub suspended: Millis,
    /// How long the plan expected it to take.
    pub expected: Millis,
    /// Its steps in the order of their names.
    pub steps: Vec<StepReport>,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// Which.
    pub step: StepId,
    /// The object's kind; none for a check.
    pub kind: Option<KindName>,
    /// `succeeded`, `failed`, `blocked`, `open` or `not-started`.
    pub outcome: &'static str,
    /// What was done.
    pub effect: Option<Effect>,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// The step whose failure is the reason that it never started.
    pub blocked_by: Option<StepId>,
    /// Calls that were sent.
    pub calls: u32,
    /// Times it rested.
    pub rests: u32,
    /// Time from its first entry to its last without the rests.
    pub active: Millis,
    /// Time in which it rested.
    pub waiting: Millis,
    /// How long it was expected to take.
    pub expected: Millis,
}

/// The report of a launch as it comes about: its own entries of the organisation's log first, then those of its scopes,
/// one log after the other.
pub struct Telling<'t> {
    plan: &'t Plan,
    report: RunReport,
    standings: BTreeMap<ScopeId, (String, Option<String>, u32)>,
}

impl<'t> Telling<'t> {
    /// What the organisation's log says of the launch.
    pub fn new(run: &RunId, saved: &'t SavedPlan, org: &[Entry]) -> Self {
        let mut report = RunReport {
            v: RUN_REPORT_VERSION,
            run: run.clone(),
            plan: saved.digest,
            began: org.first().map(|entry| entry.at),
            ended: None,
            outcome: "open".to_owned(),
            causes: Vec::new(),
            scopes: Vec::new(),
        };
        let mut standings = BTreeMap::new();
        for entry in org {
            if let Ok(event) = FleetEvent::from_entry(&entry.kind, &entry.body) {
                fleet(&mut report, &mut standings, entry.at, event);
            }
        }
        Self { plan: &saved.plan, report, standings }
    }

    /// What a scope's log says of its run. Scopes come in the order of the plan; others are passed over.
    pub fn scope(&mut self, scope: &ScopeId, entries: Vec<Entry>) {
        let Some(planned) = self.plan.scopes.get(scope) else { return };
        let standing = self.standings.remove(scope);
        let mut of = scope_times(scope, &entries);
        (of.outcome, of.why, of.rounds) = standing.unwrap_or_else(|| ("not started".to_owned(), None, 0));
        of.expected = planned.expected;
        let mut by_step: BTreeMap<StepId, Vec<Entry>> = BTreeMap::new();
        for mut entry in entries {
            if let Some(step) = entry.step.take() {
                by_step.entry(step).or_default().push(entry);
            }
        }
        let steps = planned.steps.iter();
        of.steps =
            steps.map(|(id, step)| step_report(id, step, by_step.remove(id).unwrap_or_default())).collect();
        self.report.scopes.push(of);
    }

    /// The report, once all logs have said how long steps take.
    pub fn end(self, durations: &Durations) -> RunReport {
        let Self { plan, mut report, .. } = self;
        for of in &mut report.scopes {
            let planned = &plan.scopes[&of.scope].steps;
            for step in &mut of.steps {
                step.expected = durations.of_step(&planned[&step.step]).millis;
            }
        }
        report.causes = causes(&report.scopes);
        report
    }
}

fn fleet(
    report: &mut RunReport,
    standings: &mut BTreeMap<ScopeId, (String, Option<String>, u32)>,
    at: Timestamp,
    event: FleetEvent,
) {
    let rounds = |scope: &ScopeId| standings.get(scope).map_or(0, |known| known.2);
    match event {
        FleetEvent::LaunchEnded { outcome } => {
            (report.ended, report.outcome) = (Some(at), words::launch_outcome(outcome).to_owned());
        }
        FleetEvent::LaunchReopened { .. } => (report.ended, report.outcome) = (None, "open".to_owned()),
        FleetEvent::LaunchSuspended {} => report.outcome = "suspended".to_owned(),
        FleetEvent::LaunchRecovered {} => report.outcome = "open".to_owned(),
        FleetEvent::ScopeStarted { scope, round } => {
            standings.insert(scope, ("open".to_owned(), None, round));
        }
        FleetEvent::ScopeEnded { scope, outcome } => {
            let rounds = rounds(&scope);
            standings.insert(scope, (outcome.word().to_owned(), None, rounds));
        }
        FleetEvent::ScopeSkipped { scope, why } => {
            let rounds = rounds(&scope);
            standings.insert(scope, ("skipped".to_owned(), Some(why.to_string()), rounds));
        }
        FleetEvent::ScopeWaiting { scope, why, .. } => {
            let rounds = rounds(&scope);
            standings.insert(scope, ("not started".to_owned(), Some(format!("waits for {why}")), rounds));
        }
        FleetEvent::ScopeRequeued { scope, reason, .. } => {
            let rounds = rounds(&scope);
            standings.insert(
                scope,
                ("not started".to_owned(), Some(format!("to be tried again: {reason}")), rounds),
            );
        }
        FleetEvent::LaunchStarted { .. }
        | FleetEvent::LaunchStopping {}
        | FleetEvent::LaunchPaused { .. }
        | FleetEvent::LaunchResumed { .. }
        | FleetEvent::LaunchAborting { .. }
        | FleetEvent::ScopeAborting { .. }
        | FleetEvent::WaveReached { .. }
        | FleetEvent::WaveEntered { .. }
        | FleetEvent::WaveBarred { .. }
        | FleetEvent::WaveDue { .. }
        | FleetEvent::WaveUnchanged { .. }
        | FleetEvent::WaveBaking { .. }
        | FleetEvent::WaveLooked { .. }
        | FleetEvent::WaveBaked { .. }
        | FleetEvent::WaveHalted { .. }
        | FleetEvent::WaveReopened { .. }
        | FleetEvent::Unknown { .. } => {}
    }
}

fn scope_times(scope: &ScopeId, entries: &[Entry]) -> ScopeReport {
    let (began, last) = (entries.first().map(|one| one.at), entries.last().map(|one| one.at));
    let mut suspended = 0_u64;
    for pair in entries.windows(2) {
        // Between an end, a stop or a crash and the next holder nothing was done.
        if matches!(pair[1].kind.as_str(), "run.recovered" | "run.retried" | "lease.taken") {
            suspended = suspended.saturating_add(pair[1].at.since(pair[0].at).0);
        }
    }
    let whole = began.zip(last).map_or(0, |(began, last)| last.since(began).0);
    ScopeReport {
        scope: scope.clone(),
        outcome: String::new(),
        why: None,
        rounds: 0,
        began,
        last,
        active: Millis(whole.saturating_sub(suspended)),
        suspended: Millis(suspended),
        expected: Millis(0),
        steps: Vec::new(),
    }
}

/// What a step's own entries say; how long it was expected to take is known only behind all logs.
fn step_report(id: &StepId, planned: &PlannedStep, entries: Vec<Entry>) -> StepReport {
    let mut report = StepReport {
        step: id.clone(),
        kind: match &planned.work {
            Work::Reconcile(reconcile) => Some(reconcile.kind.clone()),
            Work::Check { .. } => None,
        },
        outcome: "not-started",
        effect: None,
        cause: None,
        blocked_by: None,
        calls: 0,
        rests: 0,
        active: Millis(0),
        waiting: Millis(0),
        expected: Millis(0),
    };
    let mut before: Option<(Timestamp, bool)> = None;
    for entry in entries {
        let Ok(event) = Event::from_body(&entry.kind, Some(id), entry.body) else { continue };
        if let Some((since, rested)) = before {
            let took = if rested { &mut report.waiting } else { &mut report.active };
            took.0 = took.0.saturating_add(entry.at.since(since).0);
        }
        let rested = matches!(event, Event::StepRested { .. });
        step_event(&mut report, event);
        let is_over = matches!(report.outcome, "failed" | "blocked" | "succeeded");
        before = (!is_over).then_some((entry.at, rested));
    }
    report
}

fn step_event(report: &mut StepReport, event: Event) {
    report.outcome = "open";
    match event {
        Event::StepApplying { .. } => report.calls += 1,
        Event::StepRested { .. } => report.rests += 1,
        Event::StepSucceeded { effect, .. } => {
            report.outcome = "succeeded";
            (report.effect, report.cause, report.blocked_by) = (Some(effect), None, None);
        }
        Event::StepFailed { cause, .. } => {
            (report.outcome, report.cause) = ("failed", Some(cause));
        }
        Event::StepBlocked { by, .. } => {
            (report.outcome, report.blocked_by) = ("blocked", Some(by));
        }
        Event::StepApplied { .. }
        | Event::StepFound { .. }
        | Event::StepPolled { .. }
        | Event::StepWoke { .. }
        | Event::RunStarted { .. }
        | Event::RunRecovered { .. }
        | Event::RunStopping {}
        | Event::RunSuspended {}
        | Event::RunAborting {}
        | Event::RunRetried { .. }
        | Event::RunEnded { .. }
        | Event::Unknown { .. } => {}
    }
}

/// What failed, by cause; the most frequent first.
fn causes(scopes: &[ScopeReport]) -> Vec<CauseGroup> {
    let mut groups: BTreeMap<(CauseClass, Option<String>, Option<u16>), CauseGroup> = BTreeMap::new();
    for scope in scopes {
        for step in scope.steps.iter().filter(|step| step.outcome == "failed") {
            let Some(cause) = &step.cause else { continue };
            let Cause { class, code, status, message, .. } = cause.clone();
            let group = groups.entry((class, code.clone(), status)).or_insert_with(|| CauseGroup {
                class,
                code,
                status,
                message,
                steps: Vec::new(),
            });
            group.steps.push((scope.scope.clone(), step.step.clone()));
        }
    }
    let mut groups: Vec<CauseGroup> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.steps.len()));
    groups
}
