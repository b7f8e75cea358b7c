//! Writes into a scope's log what a look for drift found, and what somebody accepts of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{LogId, ScopeId, StepId};
use crate::base::limits;
use crate::drift::{News, Wish, accepted};
use crate::evidence::records::Records;
use crate::evidence::register::{self, Opened, Severity};
use crate::evidence::scan;
use crate::journal::{Journal, JournalError, Line};
use crate::kind::{self, Registry};
use crate::model::drift::{
    ACCEPTED, Drift, DriftAccepted, DriftFound, DriftLooked, DriftReport, FOUND, FieldDrift, GONE, LOOKED,
    LOOKED_VERSION,
};
use crate::model::plan::{PlanExcerpt, Work};
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::drift::standing;
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::note::{self, Note};

/// Writes what is new of a report into the logs, and returns how many entries that took.
///
/// # Errors
///
/// If a log is being written by somebody else, or is damaged.
pub fn record(context: &Context, journal: &mut dyn Journal, report: &DriftReport) -> Result<usize, Failure> {
    record_with(context, journal, report, None)
}

/// Who sees to drift that is found, and how bad it is.
#[derive(Debug, Clone)]
pub struct Incident {
    /// The role that answers for it.
    pub owner: String,
    /// How bad it is.
    pub severity: Severity,
}

/// As [`record`], and opens a finding for each drifted object that has no open one.
///
/// # Errors
///
/// As [`record`]; `Usage` if the owner is no role of the estate.
pub fn record_incidents(
    context: &Context,
    desired: &Desired,
    journal: &mut dyn Journal,
    report: &DriftReport,
    incident: &Incident,
) -> Result<usize, Failure> {
    refuse_unknown_role(desired, &incident.owner)?;
    record_with(context, journal, report, Some(incident))
}

fn record_with(
    context: &Context,
    journal: &mut dyn Journal,
    report: &DriftReport,
    incident: Option<&Incident>,
) -> Result<usize, Failure> {
    let bodies = |journal: &dyn Journal, scope: &ScopeId, lines: &[Line]| {
        let mut bodies = news(journal, scope, lines, report)?;
        if let Some(incident) = incident {
            bodies.extend(findings(scope, lines, report, incident)?);
        }
        Ok::<_, Failure>(bodies)
    };
    let mut written = 0;
    for scope in &report.scopes {
        // Only a log that gets an entry is written to, so a run elsewhere is no hindrance.
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        if !bodies(journal, scope, &lines)?.is_empty() {
            written += under_lease(context, journal, scope, |journal, lines| bodies(journal, scope, lines))?;
        }
        look_at(context, journal, scope, report)?;
    }
    Ok(written)
}

/// Writes that nothing of a scope differs, once for each look. What was written after the look is not covered by it, and
/// while a run writes the log there is nothing to say: the next look will.
fn look_at(
    context: &Context,
    journal: &mut dyn Journal,
    scope: &ScopeId,
    report: &DriftReport,
) -> Result<(), Failure> {
    let Some(objects) = report.clean(scope) else { return Ok(()) };
    let looked = DriftLooked { v: LOOKED_VERSION, target: report.target.clone(), objects };
    let written = under_lease(context, journal, scope, |_, lines| {
        let newest = lines.iter().rev().find(|line| !ours(line));
        let is_covered = newest.is_some_and(|line| line.entry.at <= report.at);
        let note = is_covered.then(|| Note::of(LOOKED, &looked)).transpose()?;
        Ok(Vec::from_iter(note))
    });
    match written {
        Ok(_) | Err(Failure::Journal(JournalError::Held { .. })) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Whether an entry is one that a look itself writes.
fn ours(line: &Line) -> bool {
    [FOUND, GONE, LOOKED, register::OPENED].contains(&line.entry.kind.as_str())
}

/// Accepts drift that is there now, and records it before if that was not done. Returns the acceptance.
///
/// # Errors
///
/// `Refused` if the wish is not about what is there, or its owner is no role of the estate.
pub fn accept(
    context: &Context,
    desired: &Desired,
    journal: &mut dyn Journal,
    report: &DriftReport,
    scope: &ScopeId,
    wish: &Wish,
) -> Result<DriftAccepted, Failure> {
    refuse_unknown_role(desired, &wish.owner)?;
    let drifts: Vec<&Drift> = report.drifts.iter().filter(|drift| drift.scope == *scope).collect();
    let acceptance = accepted(wish, &drifts, context.clock.now())
        .map_err(|no| Failure::Refused { reason: no.to_string() })?;
    under_lease(context, journal, scope, |journal, lines| {
        let mut bodies = news(journal, scope, lines, report)?;
        bodies.push(Note::of(ACCEPTED, &acceptance)?.about(step_of(&drifts, &wish.object)));
        Ok(bodies)
    })?;
    Ok(acceptance)
}

fn refuse_unknown_role(desired: &Desired, owner: &str) -> Result<(), Failure> {
    let roles = &desired.loaded.estate.roles;
    if roles.contains_key(owner) {
        return Ok(());
    }
    let known: Vec<&str> = roles.keys().map(String::as_str).collect();
    Err(Failure::usage(
        format!("no role is called `{owner}`"),
        format!("the roles are: {}", known.join(", ")),
    ))
}

/// A finding for each object of a scope whose drift counts and which has no open finding yet.
fn findings(
    scope: &ScopeId,
    lines: &[Line],
    report: &DriftReport,
    incident: &Incident,
) -> Result<Vec<Note>, Failure> {
    let entries = lines.iter().map(|line| line.entry.clone()).collect();
    let records = Records { log: LogId::Scope(scope.clone()), entries, blobs: BTreeMap::new() };
    let open: BTreeSet<String> = register::findings(&records)
        .into_iter()
        .filter(|finding| finding.closed.is_none())
        .map(|finding| finding.opened.title)
        .collect();
    let drifts = report.open().filter(|drift| drift.scope == *scope);
    let titled = drifts.map(|drift| (title(drift), drift)).filter(|(title, _)| !open.contains(title));
    titled
        .map(|(title, drift)| {
            let opened = Opened {
                title,
                severity: incident.severity,
                owner: incident.owner.clone(),
                due: None,
                control: None,
            };
            Ok(Note::of(register::OPENED, &opened)?.about(drift.step.clone()))
        })
        .collect()
}

/// The same for as long as the object drifts, however it goes on.
fn title(drift: &Drift) -> String {
    format!("drift: {} was changed outside of Landfall", drift.object)
}

fn step_of(drifts: &[&Drift], object: &str) -> Option<StepId> {
    drifts.iter().find(|drift| drift.object == object).and_then(|drift| drift.step.clone())
}

/// Takes the log's lease first, so that what is already known cannot change before it is written.
fn under_lease(
    context: &Context,
    journal: &mut dyn Journal,
    scope: &ScopeId,
    notes: impl FnOnce(&dyn Journal, &[Line]) -> Result<Vec<Note>, Failure>,
) -> Result<usize, Failure> {
    let log = LogId::Scope(scope.clone());
    let (written, ()) = note::write(context, journal, &log, |journal| {
        let lines = journal.read(&log, 0)?;
        Ok((notes(journal, &lines)?, ()))
    })?;
    Ok(written.len())
}

fn news(
    journal: &dyn Journal,
    scope: &ScopeId,
    lines: &[Line],
    report: &DriftReport,
) -> Result<Vec<Note>, Failure> {
    let standing = standing(scope, lines)?;
    let drifts = report.drifts.iter().filter(|drift| drift.scope == *scope);
    let unsettled: BTreeSet<&str> =
        report.unsettled.iter().filter(|one| one.scope == *scope).map(|one| one.step.as_str()).collect();
    let readers = readers(journal, lines)?;
    let body = |news: News<'_>| match news {
        News::Found(drift) => {
            let rests = drift.step.as_ref().and_then(|step| readers.get(step)).cloned();
            let found = found(drift, rests.unwrap_or_default());
            Ok(Note::of(FOUND, &found)?.about(drift.step.clone()))
        }
        News::Gone(gone) => {
            let step = StepId::new(gone.object.as_str()).ok();
            Ok(Note::of(GONE, &gone)?.about(step))
        }
    };
    standing.news(drifts, &unsettled).into_iter().map(body).collect()
}

/// The checks of the newest plan by the step that they read: what they showed rests on it.
fn readers(journal: &dyn Journal, lines: &[Line]) -> Result<BTreeMap<StepId, Vec<StepId>>, Failure> {
    let started = lines.iter().rev().filter(|line| line.entry.kind == "run.started");
    let named = started.flat_map(|line| &line.entry.refs).find(|named| named.path == PLAN_FILE);
    let Some(named) = named else { return Ok(BTreeMap::new()) };
    let bad = |what: String| Failure::NotVerified { what: format!("{PLAN_FILE}: {what}") };
    let raw = serde_json::from_slice(&journal.get_blob(&named.sha256)?).map_err(|e| bad(e.to_string()))?;
    let plan = PlanExcerpt::from_value(raw).map_err(|e| bad(e.to_string()))?;
    let mut readers: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
    for (id, step) in &plan.part.plan.steps {
        if let Work::Check { check, .. } = &step.work {
            readers.entry(check.read.clone()).or_default().push(id.clone());
        }
    }
    Ok(readers)
}

/// What of a drift goes into the log: pointers always, values only where evidence may hold them.
fn found(drift: &Drift, rests: Vec<StepId>) -> DriftFound {
    let kind = Registry::standard().get(&drift.kind);
    let recorded = |at: &str| kind.is_some_and(|kind| kind::recorded(kind, at));
    let field = |field: &FieldDrift| {
        let keep =
            |value: &Option<Value>| value.clone().filter(|value| recorded(&field.at) && is_sayable(value));
        FieldDrift { held: keep(&field.held), live: keep(&field.live), accepted: None, ..field.clone() }
    };
    DriftFound {
        object: drift.object.clone(),
        kind: drift.kind.clone(),
        class: drift.class,
        signature: drift.signature(),
        fields: drift.fields.iter().take(limits::DRIFT_FIELDS_MAX).map(field).collect(),
        more: drift.fields.len().saturating_sub(limits::DRIFT_FIELDS_MAX),
        rests,
        who: drift.who.clone(),
    }
}

fn is_sayable(value: &Value) -> bool {
    let text = value.to_string();
    text.len() <= limits::DRIFT_VALUE_BYTES_MAX && scan::unsaid(&text).is_none()
}
