//! What ran when: a launch as its logs tell it, and the chain of steps that took longest.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::base::id::{ScopeId, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::calendar::zone;
use crate::model::entry::Entry;
use crate::model::event::{Effect, Event};
use crate::model::plan::{Plan, ScopePlan};
use crate::plan::critical_path;

/// Width of the bars, in characters.
const BAR: usize = 40;

/// One step as it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The first call, or the moment it was seen to need none.
    pub from: Timestamp,
    /// When it reached its goal or failed.
    pub to: Timestamp,
    /// How it ended, in one word.
    pub ended: String,
}

/// One scope as it ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeTimeline {
    /// First and last entry.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The steps.
    pub steps: BTreeMap<StepId, Ran>,
    /// The chain of steps that took longest, first to last.
    pub longest: Vec<StepId>,
}

/// A launch as it ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Each scope, in the order in which they ran.
    pub scopes: Vec<(ScopeId, ScopeTimeline)>,
    /// The zone in which each scope's moments are told.
    zones: BTreeMap<ScopeId, String>,
}

/// Reads the logs of a launch's scopes.
pub fn timeline(plan: &Plan, logs: &[(ScopeId, Vec<Entry>)]) -> Timeline {
    let mut scopes: Vec<(ScopeId, ScopeTimeline)> = logs
        .iter()
        .map(|(scope, entries)| (scope.clone(), scope_timeline(plan.scope(scope), entries)))
        .collect();
    scopes.sort_by_key(|(scope, timeline)| (timeline.span, scope.clone()));
    let zone =
        |(scope, plan): (&ScopeId, &ScopePlan)| Some((scope.clone(), plan.calendar.as_ref()?.zone.clone()));
    Timeline { scopes, zones: plan.scopes.iter().filter_map(zone).collect() }
}

fn scope_timeline(plan: &ScopePlan, entries: &[Entry]) -> ScopeTimeline {
    let mut timeline = ScopeTimeline::default();
    let mut began: BTreeMap<StepId, Timestamp> = BTreeMap::new();
    for entry in entries {
        let first = timeline.span.map_or(entry.at, |(first, _)| first);
        timeline.span = Some((first, entry.at));
        let Some(step) = &entry.step else { continue };
        began.entry(step.clone()).or_insert(entry.at);
        let ended = match Event::from_entry(&entry.kind, Some(step), &entry.body) {
            Ok(Event::StepSucceeded { effect, .. }) => word(effect).to_owned(),
            Ok(Event::StepFailed { .. }) => "failed".to_owned(),
            Ok(Event::StepBlocked { by, .. }) => format!("blocked by {by}"),
            _ => continue,
        };
        timeline.steps.insert(step.clone(), Ran { from: began[step], to: entry.at, ended });
    }
    let took = |step: &StepId| timeline.steps.get(step).map_or(0, |ran| ran.to.since(ran.from).0 + 1);
    timeline.longest = critical_path(plan, took).into_iter().cloned().collect();
    timeline
}

/// What a run did for a step, in one word.
pub fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Unchanged => "unchanged",
        Effect::Created => "created",
        Effect::Updated => "updated",
        Effect::Replaced => "replaced",
        Effect::Deleted => "deleted",
        Effect::AlreadyGone => "already gone",
        Effect::Checked => "checked",
    }
}

impl Timeline {
    /// From the first entry to the last.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = || self.scopes.iter().filter_map(|(_, scope)| scope.span);
        Some((spans().map(|(from, _)| from).min()?, spans().map(|(_, to)| to).max()?))
    }

    /// The times in which something ran, in order and apart: bars leave out what lies between.
    fn busy(&self) -> Vec<(Timestamp, Timestamp)> {
        let mut spans: Vec<_> = self.scopes.iter().filter_map(|(_, scope)| scope.span).collect();
        spans.sort_unstable();
        let mut busy: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (from, to) in spans {
            match busy.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => busy.push((from, to)),
            }
        }
        busy
    }

    /// A moment on the clock of a scope's wall.
    fn local(&self, scope: &ScopeId, moment: Timestamp) -> String {
        let zone = self.zones.get(scope).and_then(|name| zone::named(name));
        zone.map_or_else(|| format!("{} UTC", clock(moment)), |zone| zone::shown(&zone, moment))
    }

    /// A bar for each scope, and the longest chain inside the one that took longest.
    pub fn text(&self) -> String {
        let busy = self.busy();
        let whole = elapsed(&busy, busy.last().map_or(Timestamp::from_millis(0), |(_, to)| *to)).max(1);
        if busy.is_empty() {
            return "nothing ran\n".to_owned();
        }
        let mut out = String::new();
        for (scope, timeline) in &self.scopes {
            let Some((first, last)) = timeline.span else { continue };
            let place =
                |at: Timestamp| usize::try_from(elapsed(&busy, at) * BAR as u64 / whole).unwrap_or(BAR);
            let (start, end) = (place(first), place(last).max(place(first) + 1).min(BAR));
            let start = start.min(end.saturating_sub(1));
            let bar = format!("{}{}{}", "·".repeat(start), "█".repeat(end - start), "·".repeat(BAR - end));
            let took = last.since(first);
            let steps = timeline.steps.len();
            let end = self.local(scope, last);
            let _ = writeln!(out, "{:<20} {bar} {took}, {steps} steps, until {end}", scope.to_string());
        }
        let longest = self.scopes.iter().max_by_key(|(_, t)| t.span.map(|(a, b)| b.since(a)));
        if let Some((scope, timeline)) = longest {
            let _ = writeln!(out, "Longest chain, in {scope}:");
            for step in &timeline.longest {
                if let Some(ran) = timeline.steps.get(step) {
                    let took: Millis = ran.to.since(ran.from);
                    let _ = writeln!(out, "  {}  {step}  {} ({took})", clock(ran.from), ran.ended);
                }
            }
        }
        out
    }
}

/// Milliseconds of these times that lie before a moment.
fn elapsed(busy: &[(Timestamp, Timestamp)], moment: Timestamp) -> u64 {
    busy.iter().map(|(from, to)| moment.min(*to).since(*from).0).sum()
}

/// Hours, minutes and seconds of a moment in UTC.
pub fn clock(moment: Timestamp) -> String {
    moment.to_string().get(11..19).unwrap_or_default().to_owned()
}
