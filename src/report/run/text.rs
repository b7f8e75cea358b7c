//! The report of a launch as text and as rows.

use std::fmt::Write as _;

use super::{CauseGroup, RunReport, ScopeReport, StepReport};
use crate::base::id::ScopeId;
use crate::base::time::{Millis, Timestamp};
use crate::report::status::quoted;
use crate::report::timeline::word;

/// Steps that are named in one line; the JSON form has all of them.
const NAMED: usize = 3;

/// The whole report for people.
pub fn text(report: &RunReport) -> String {
    let mut out = String::new();
    let took = match (report.began, report.ended) {
        (Some(began), Some(ended)) => format!(", {began} to {ended}, {}", ended.since(began)),
        (Some(began), None) => format!(", began {began}"),
        (None, _) => String::new(),
    };
    let _ = writeln!(out, "Run {} of plan {}: {}{took}", report.run, report.plan.short(), report.outcome);
    for scope in &report.scopes {
        scope_lines(&mut out, scope);
    }
    out.push_str(&short(report));
    out
}

/// What failed, by cause: the end of `apply`.
pub fn short(report: &RunReport) -> String {
    report.causes.iter().map(|group| format!("{}\n", cause_line(group))).collect()
}

fn cause_line(group: &CauseGroup) -> String {
    let count = group.steps.len();
    let steps = if count == 1 { "step" } else { "steps" };
    let named: Vec<String> = group
        .steps
        .iter()
        .take(NAMED)
        .map(|(scope, step)| match scope {
            ScopeId::Site(code) => format!("{step} at {code}"),
            ScopeId::Account | ScopeId::Region(_) => format!("{step} at {scope}"),
        })
        .collect();
    let more = if count > named.len() { ", …" } else { "" };
    format!("{count} {steps} failed: {} ({}{more}): {}", cause_name(group), named.join(", "), group.message)
}

/// `400 INVALID_PARAMETER_VALUE`, or the class where no service said anything.
fn cause_name(group: &CauseGroup) -> String {
    let parts: Vec<String> =
        group.status.map(|status| status.to_string()).into_iter().chain(group.code.clone()).collect();
    if parts.is_empty() { class(group) } else { parts.join(" ") }
}

fn class(group: &CauseGroup) -> String {
    serde_json::to_value(group.class)
        .ok()
        .and_then(|word| Some(word.as_str()?.to_owned()))
        .unwrap_or_default()
}

fn scope_lines(out: &mut String, scope: &ScopeReport) {
    let count = |outcome: &str| scope.steps.iter().filter(|step| step.outcome == outcome).count();
    let mut line = format!("{:<18} {:<12}", scope.scope.to_string(), scope.outcome);
    let _ = write!(line, " {}/{} steps", count("succeeded"), scope.steps.len());
    for outcome in ["failed", "blocked", "open"] {
        if count(outcome) > 0 {
            let _ = write!(line, ", {} {outcome}", count(outcome));
        }
    }
    if scope.began.is_some() {
        let _ = write!(line, ", took {}", scope.active);
        if scope.expected > Millis(0) {
            let _ = write!(line, " of expected {}", scope.expected);
        }
        if scope.suspended > Millis(0) {
            let _ = write!(line, ", stood still for {}", scope.suspended);
        }
    }
    if scope.rounds > 1 {
        let _ = write!(line, ", {} rounds", scope.rounds);
    }
    if let Some(why) = &scope.why {
        let _ = write!(line, "; {why}");
    }
    let _ = writeln!(out, "{}", line.trim_end());
    for step in scope.steps.iter().filter(|step| step.outcome == "failed") {
        let cause = step.cause.as_ref().map_or(String::new(), ToString::to_string);
        let behind = scope.steps.iter().filter(|other| other.blocked_by.as_ref() == Some(&step.step)).count();
        let behind = if behind > 0 { format!("; {behind} steps blocked behind it") } else { String::new() };
        let (calls, rests) = (step.calls, step.rests);
        let _ =
            writeln!(out, "  {} failed after {calls} calls and {rests} rests: {cause}{behind}", step.step);
    }
}

/// One row for each step, RFC 4180.
pub fn csv(report: &RunReport) -> String {
    let mut out = String::from(
        "run,scope,scope_outcome,rounds,step,kind,outcome,effect,cause_class,cause_code,cause_status,cause,request_id,\
         blocked_by,calls,rests,active_ms,waiting_ms,expected_ms,scope_began,scope_last\r\n",
    );
    for scope in &report.scopes {
        for step in &scope.steps {
            let cells: Vec<String> = row(report, scope, step).iter().map(|cell| quoted(cell)).collect();
            out.push_str(&cells.join(","));
            out.push_str("\r\n");
        }
    }
    out
}

fn row(report: &RunReport, scope: &ScopeReport, step: &StepReport) -> [String; 21] {
    let cause = step.cause.as_ref();
    let text = |one: Option<String>| one.unwrap_or_default();
    let moment = |at: Option<Timestamp>| text(at.map(|at| at.to_string()));
    let class = cause.and_then(|cause| Some(serde_json::to_value(cause.class).ok()?.as_str()?.to_owned()));
    [
        report.run.to_string(),
        scope.scope.to_string(),
        scope.outcome.clone(),
        scope.rounds.to_string(),
        step.step.to_string(),
        text(step.kind.as_ref().map(ToString::to_string)),
        step.outcome.to_owned(),
        text(step.effect.map(|effect| word(effect).to_owned())),
        text(class),
        text(cause.and_then(|cause| cause.code.clone())),
        text(cause.and_then(|cause| cause.status).map(|status| status.to_string())),
        text(cause.map(|cause| cause.message.clone())),
        text(cause.and_then(|cause| cause.request_id.clone())),
        text(step.blocked_by.as_ref().map(ToString::to_string)),
        step.calls.to_string(),
        step.rests.to_string(),
        step.active.0.to_string(),
        step.waiting.0.to_string(),
        step.expected.0.to_string(),
        moment(scope.began),
        moment(scope.last),
    ]
}
