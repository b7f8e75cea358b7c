//! Shows a launch while it runs: bars on a terminal, one line per step elsewhere, JSON lines for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::cli::args::{Progress, Show};
use crate::cli::ui::Ui;
use crate::model::event::{Event, RunOutcome};
use crate::model::finding::NextCall;
use crate::model::fleet_event::FleetEvent;
use crate::model::plan::Plan;
use crate::report::events::EVENTS_VERSION;
use crate::report::timeline::{clock, word};
use crate::runner::feed::Feed;
use crate::runner::words as words_of;

/// Whoever watches a launch.
pub struct Live {
    ui: Ui,
    form: Form,
    json: bool,
    total: BTreeMap<ScopeId, u64>,
    done: BTreeMap<ScopeId, u64>,
}

enum Form {
    Bars { all: MultiProgress, bars: BTreeMap<ScopeId, ProgressBar> },
    Lines,
    Nothing,
}

impl Live {
    /// Settles the form once, from flags and terminal.
    pub fn new(ui: Ui, show: &Show) -> Self {
        let bars = || Form::Bars {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            bars: BTreeMap::new(),
        };
        let form = match show.progress {
            Progress::None => Form::Nothing,
            Progress::Auto if ui.is_quiet() => Form::Nothing,
            Progress::Auto if ui.is_terminal() => bars(),
            Progress::Bar => bars(),
            Progress::Auto | Progress::Lines => Form::Lines,
        };
        let json = show.events.is_some();
        if json {
            ui.json(&json!({ "type": "version", "ui": EVENTS_VERSION }));
        }
        Self { ui, form, json, total: BTreeMap::new(), done: BTreeMap::new() }
    }

    /// Takes the number of steps of each scope.
    pub fn plan(&mut self, plan: &Plan) {
        self.total = plan.scopes.iter().map(|(scope, p)| (scope.clone(), p.steps.len() as u64)).collect();
    }

    /// Shows one thing that happened.
    pub fn see(&mut self, feed: &Feed<'_>) {
        match feed {
            Feed::Fleet { at, event } => self.fleet(*at, event),
            Feed::Scope { at, scope, event } => self.scope(*at, scope, event),
            Feed::Refused { at, ask, why } => {
                if self.json {
                    self.ui.json(&json!({ "type": "wish.refused", "at": at, "wish": ask, "why": why }));
                }
                self.ui.always(&format!("{}  {} is refused: {why}", clock(*at), words_of(ask)));
            }
            Feed::Paced { .. } => {}
            Feed::Note { at, words } => {
                if self.json {
                    self.ui.json(&json!({ "type": "note", "at": at, "words": words }));
                }
                self.line(&format!("{}  {words}", clock(*at)));
            }
        }
    }

    /// Removes the bars.
    pub fn finish(&mut self) {
        if let Form::Bars { bars, .. } = &self.form {
            bars.values().for_each(ProgressBar::finish);
        }
    }

    fn fleet(&mut self, at: Timestamp, event: &FleetEvent) {
        if self.json {
            self.ui.json(&json!({ "type": event.kind(), "at": at, "body": event.to_body() }));
        }
        let words = match event {
            FleetEvent::ScopeSkipped { scope, why } => format!("{scope} skipped: {why}"),
            FleetEvent::WaveHalted { wave, why } => format!("wave {wave} halted: {why}"),
            FleetEvent::LaunchRecovered {} => "taken up again".to_owned(),
            FleetEvent::LaunchStopping {} => "stopping: calls under way finish, none is started".to_owned(),
            FleetEvent::ScopeStarted { scope, .. } => {
                self.start_bar(scope);
                return;
            }
            FleetEvent::LaunchPaused { by, reason, .. } => format!("paused by {}: {reason}", by.id),
            FleetEvent::LaunchResumed { by, reason } => format!("goes on, says {}: {reason}", by.id),
            FleetEvent::LaunchAborting { by, reason } => format!("called off by {}: {reason}", by.id),
            FleetEvent::LaunchReopened { by, reason } => format!("opened again by {}: {reason}", by.id),
            FleetEvent::ScopeWaiting { scope, why, .. } => format!("{scope} waits for {why}"),
            FleetEvent::ScopeAborting { scope, by, reason } => {
                format!("{scope} taken out by {}: {reason}", by.id)
            }
            FleetEvent::ScopeRequeued { scope, by, reason } => {
                format!("{scope} is tried again, says {}: {reason}", by.id)
            }
            FleetEvent::WaveBarred { wave, open, .. } => {
                let missing: Vec<&str> = open.iter().map(|item| item.missing.as_str()).collect();
                format!("wave {wave} may not begin: {}", missing.join("; "))
            }
            FleetEvent::WaveBaking { wave, until, .. } => format!("wave {wave} bakes until {until}"),
            FleetEvent::WaveBaked { wave, .. } => format!("wave {wave} has baked"),
            FleetEvent::WaveReopened { wave, by, reason } => {
                format!("wave {wave} goes on, says {}: {reason}", by.id)
            }
            FleetEvent::LaunchStarted { .. }
            | FleetEvent::WaveReached { .. }
            | FleetEvent::WaveEntered { .. }
            | FleetEvent::WaveLooked { .. }
            | FleetEvent::WaveDue { .. }
            | FleetEvent::WaveUnchanged { .. }
            | FleetEvent::LaunchSuspended {}
            | FleetEvent::LaunchEnded { .. }
            | FleetEvent::ScopeEnded { .. }
            | FleetEvent::Unknown { .. } => return,
        };
        self.line(&format!("{}  {words}", clock(at)));
    }

    fn start_bar(&mut self, scope: &ScopeId) {
        let length = self.total.get(scope).copied().unwrap_or(0);
        if let Form::Bars { all, bars } = &mut self.form {
            let style = ProgressStyle::with_template("{prefix:<20} {bar:30} {pos:>4}/{len}  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = all.add(ProgressBar::new(length).with_style(style).with_prefix(scope.to_string()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bars.insert(scope.clone(), bar);
        }
    }

    fn scope(&mut self, at: Timestamp, scope: &ScopeId, event: &Event) {
        if self.json {
            let step = event.step();
            self.ui.json(&json!({
                "type": event.kind(), "at": at, "scope": scope, "step": step, "body": event.to_body(),
            }));
        }
        let Some((words, ended)) = words(event) else { return };
        if ended {
            *self.done.entry(scope.clone()).or_insert(0) += 1;
        }
        let done = self.done.get(scope).copied().unwrap_or(0);
        let total = self.total.get(scope).copied().unwrap_or(0);
        if let Form::Bars { all, bars } = &self.form {
            if let Some(bar) = bars.get(scope) {
                bar.set_position(done);
                bar.set_message(words.clone());
            }
            if matches!(event, Event::StepFailed { .. }) {
                let _ = all.println(format!("{}  {scope}  {words}", clock(at)));
            }
            return;
        }
        let count = if total > 0 { format!("{done:>3}/{total}") } else { String::new() };
        self.line(&format!("{}  {scope:<18} {count:>7}  {words}", clock(at), scope = scope.to_string()));
    }

    fn line(&self, text: &str) {
        match &self.form {
            Form::Lines => self.ui.say(text),
            Form::Bars { all, .. } => {
                let _ = all.println(text);
            }
            Form::Nothing => {}
        }
    }
}

/// What an event says to a person, and whether it ends its step. Events that only prepare others say nothing.
fn words(event: &Event) -> Option<(String, bool)> {
    match event {
        Event::StepApplying { step, call, .. } => {
            let doing = match call {
                NextCall::Create => "creating",
                NextCall::Update => "updating",
                NextCall::Delete => "deleting",
            };
            Some((format!("{step} {doing}"), false))
        }
        Event::StepSucceeded { step, effect, settled_in, .. } => {
            let settled = if settled_in.0 >= 1000 { format!(" after {settled_in}") } else { String::new() };
            Some((format!("{step} {}{settled}", word(*effect)), true))
        }
        Event::StepFailed { step, cause, .. } => Some((format!("{step} FAILED: {cause}"), true)),
        Event::StepBlocked { step, by } => Some((format!("{step} blocked by {by}"), true)),
        Event::StepRested { step, until, cause, .. } => {
            let why = cause.as_ref().map_or(String::new(), |cause| format!(": {cause}"));
            Some((format!("{step} rests until {}{why}", clock(*until)), false))
        }
        Event::RunEnded { outcome, .. } => {
            let how = match outcome {
                RunOutcome::Succeeded => "done",
                RunOutcome::Failed => "failed",
                RunOutcome::Aborted => "called off",
            };
            Some((how.to_owned(), false))
        }
        Event::RunSuspended {} => Some(("suspended".to_owned(), false)),
        Event::RunStarted { .. }
        | Event::RunRecovered { .. }
        | Event::RunAborting {}
        | Event::RunRetried { .. }
        | Event::RunStopping {}
        | Event::StepApplied { .. }
        | Event::StepFound { .. }
        | Event::StepPolled { .. }
        | Event::StepWoke { .. }
        | Event::Unknown { .. } => None,
    }
}
