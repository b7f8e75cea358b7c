//! Looks for drift: compares what is there with what our logs say we hold. Changes nothing on the target; what is
//! recorded goes into the logs of the scopes.

mod record;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{LogId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::drift::{Compared, Held, Standings, compare, culprit, unmanaged};
use crate::driver::Place;
use crate::evidence::scan;
use crate::journal::{Journal, Line};
use crate::kind::Registry;
use crate::model::adoption::ADOPTED;
use crate::model::drift::{Drift, DriftClass, DriftReport, Unsettled, Who};
use crate::model::holdings::Holdings;
use crate::model::outcome::{Cause, CauseClass, Observation};
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::observe::held::{Glance, Scope, Sight, look as look_at};
use crate::ops::plan::{Asked, scopes, select, waves};
use crate::ops::target::Reached;

pub use record::{Incident, accept, record, record_incidents};

/// The scopes to look at: those of a selection, and for everything also those that have left the estate.
///
/// # Errors
///
/// If the selection names what is not there, or the journal cannot be read.
pub fn asked(desired: &Desired, journal: &dyn Journal, asked: &Asked) -> Result<BTreeSet<ScopeId>, Failure> {
    let selection = select(desired, asked)?;
    let mut chosen = scopes(desired, &waves(desired, &selection));
    // A site may be looked at before it has a wave.
    for site in selection.sites().into_iter().flatten().cloned().map(ScopeId::Site) {
        chosen.extend(desired.region_of(&site));
        chosen.insert(site);
    }
    if matches!(asked, Asked::All) {
        chosen.extend(journal.heads()?.into_keys().filter_map(scope_of));
    }
    Ok(chosen)
}

fn scope_of(log: LogId) -> Option<ScopeId> {
    match log {
        LogId::Scope(scope) => Some(scope),
        LogId::Org => None,
    }
}

/// Looks at some scopes.
///
/// # Errors
///
/// If something that we hold cannot be read, or a log is damaged.
pub async fn look(
    context: &Context,
    desired: &Desired,
    chosen: &BTreeSet<ScopeId>,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<DriftReport, Failure> {
    // The moment from which on nothing was seen: what changes while we look is for the next look.
    let now = context.clock.now();
    let logs = logs(journal)?;
    let holdings = holdings(&logs)?;
    let none = Holdings::default();
    let regions: BTreeMap<&ScopeId, Option<ScopeId>> =
        chosen.iter().map(|scope| (scope, desired.region_of(scope))).collect();
    let looked: Vec<Scope<'_>> = chosen
        .iter()
        .map(|scope| Scope {
            scope,
            region: regions[scope].as_ref(),
            holdings: holdings.get(scope).unwrap_or(&none),
        })
        .collect();
    let sight = look_at(&reached.reads(), &looked, &holdings).await;
    refuse_unreadable(&sight)?;
    let mut report = DriftReport {
        target: reached.name.clone(),
        at: now,
        scopes: chosen.iter().cloned().collect(),
        without_log: chosen.iter().filter(|scope| !logs.contains_key(scope)).cloned().collect(),
        held: sight.glances.len(),
        drifts: Vec::new(),
        unsettled: Vec::new(),
        objects: BTreeMap::new(),
    };
    for glance in &sight.glances {
        *report.objects.entry(glance.scope.clone()).or_insert(0) += 1;
        judge(glance, journal, &mut report)?;
    }
    report.drifts.extend(strangers(&sight));
    report.unsettled.extend(sight.unlisted.iter().map(|one| Unsettled {
        scope: one.scope.clone(),
        step: one.step.clone(),
        why: format!("whether a {} in it is unmanaged is not known: {}", one.kind.title, one.cause),
    }));
    report.drifts.sort_by(|one, other| (&one.scope, &one.object).cmp(&(&other.scope, &other.object)));
    let standings = standings(&logs)?;
    for drift in &mut report.drifts {
        if let Some(standings) = standings.get(&drift.scope) {
            standings.tell(drift, now);
        }
    }
    tell_who(&mut report, reached, &logs).await;
    Ok(report)
}

/// Asks the target's audit source, if it has one, who did what was found. An audit log that cannot be read hides no drift.
async fn tell_who(report: &mut DriftReport, reached: &Reached, logs: &BTreeMap<ScopeId, Vec<Line>>) {
    let Some(source) = reached.audit.as_ref().filter(|_| !report.drifts.is_empty()) else { return };
    let Ok(events) = source.events(reached.call_timeout).await else { return };
    for drift in &mut report.drifts {
        let Some(kind) = Registry::standard().get(&drift.kind) else { continue };
        let held = drift.step.as_ref().and_then(|step| last_seen(logs.get(&drift.scope)?, step));
        let who = culprit(&events, kind, drift, held);
        drift.who = who.map(|who| Who { id: said(&who.id), ..who });
    }
}

/// When a log last says of a step's object that it was as desired.
fn last_seen(lines: &[Line], step: &StepId) -> Option<Timestamp> {
    let seen = |line: &&Line| {
        line.entry.step.as_ref() == Some(step)
            && matches!(line.entry.kind.as_str(), "step.succeeded" | ADOPTED)
    };
    lines.iter().rev().find(seen).map(|line| line.entry.at)
}

/// Every scope's log.
pub(super) fn logs(journal: &dyn Journal) -> Result<BTreeMap<ScopeId, Vec<Line>>, Failure> {
    let scopes = journal.heads()?.into_keys().filter_map(scope_of);
    scopes.map(|scope| Ok((scope.clone(), journal.read(&LogId::Scope(scope), 0)?))).collect()
}

pub(super) fn holdings(logs: &BTreeMap<ScopeId, Vec<Line>>) -> Result<BTreeMap<ScopeId, Holdings>, Failure> {
    let of = |(scope, lines): (&ScopeId, &Vec<Line>)| {
        let holdings = Holdings::from_entries(lines.iter().map(|line| &line.entry))
            .map_err(|e| Failure::NotVerified { what: format!("the log of {scope}: {e}") })?;
        Ok((scope.clone(), holdings))
    };
    logs.iter().map(of).collect()
}

fn standings(logs: &BTreeMap<ScopeId, Vec<Line>>) -> Result<BTreeMap<ScopeId, Standings>, Failure> {
    logs.iter().map(|(scope, lines)| Ok((scope.clone(), standing(scope, lines)?))).collect()
}

fn standing(scope: &ScopeId, lines: &[Line]) -> Result<Standings, Failure> {
    Standings::from_entries(lines.iter().map(|line| &line.entry))
        .map_err(|e| Failure::NotVerified { what: format!("the log of {scope}: {e}") })
}

/// Saying that nothing has drifted needs to have seen everything.
fn refuse_unreadable(sight: &Sight) -> Result<(), Failure> {
    let unreadable = |glance: &'_ Glance| match &glance.observation {
        Observation::Unreadable(cause) => Some((glance.scope.clone(), glance.step.clone(), cause.clone())),
        Observation::Absent | Observation::Present { .. } => None,
    };
    let all: Vec<_> = sight.glances.iter().filter_map(unreadable).collect();
    let Some((scope, step, cause)) = all.first() else { return Ok(()) };
    Err(unread(&format!("{scope} {step}"), cause, all.len() - 1))
}

/// What to say of an object that cannot be read, and of how many others.
pub(super) fn unread(what: &str, cause: &Cause, others: usize) -> Failure {
    let what = format!("{what} could not be read: {cause}");
    let what = if others == 0 { what } else { format!("{what}; {others} more could not be read either") };
    match cause.class {
        CauseClass::Unauthenticated | CauseClass::PermissionDenied => Failure::NotAllowed { what },
        _ => Failure::failed(what),
    }
}

fn judge(glance: &Glance, journal: &dyn Journal, report: &mut DriftReport) -> Result<(), Failure> {
    let unsettled = |why: String| Unsettled { scope: glance.scope.clone(), step: glance.step.clone(), why };
    if glance.held.in_doubt.is_some() {
        let why = "a call of ours is in doubt; landfall resume settles it".to_owned();
        report.unsettled.push(unsettled(why));
        return Ok(());
    }
    let readback = match &glance.held.readback {
        Some(named) => serde_json::from_slice::<Value>(&journal.get_blob(&named.sha256)?).ok(),
        None => None,
    };
    let held = Held { spec: &glance.held.spec, readback: readback.as_ref() };
    let (class, fields) = match compare(glance.kind, &held, glance.live()) {
        Compared::Same => return Ok(()),
        Compared::Unsettled { state } => {
            report.unsettled.push(unsettled(format!("it is {state}")));
            return Ok(());
        }
        Compared::Drifted { class, fields } => (class, fields),
    };
    report.drifts.push(Drift {
        scope: glance.scope.clone(),
        object: glance.step.to_string(),
        step: Some(glance.step.clone()),
        kind: glance.held.kind.clone(),
        id: glance.held.id.clone(),
        title: None,
        class,
        fields,
        since: None,
        workspace: match &glance.place {
            Some(Place::Workspace { workspace_id, .. }) => Some(workspace_id.clone()),
            Some(Place::Account) | None => None,
        },
        who: None,
    });
    Ok(())
}

fn strangers(sight: &Sight) -> impl Iterator<Item = Drift> {
    sight.strangers.iter().map(|stranger| {
        let (kind, id) = (&stranger.kind.name, said(&stranger.id));
        Drift {
            scope: stranger.scope.clone(),
            object: format!("{kind}:{id}"),
            step: None,
            kind: kind.clone(),
            title: stranger.title.as_deref().map(said),
            class: DriftClass::Unmanaged,
            fields: unmanaged(stranger.kind, &stranger.id),
            id: Some(id),
            since: None,
            workspace: None,
            who: None,
        }
    })
}

/// A name that somebody else gave may hold anything: what looks like patient data, or would steer a terminal, is told
/// by its digest.
fn said(name: &str) -> String {
    match scan::unsaid(name) {
        None if !name.contains(char::is_control) => name.to_owned(),
        None | Some(_) => format!("sha256-{}", crate::base::digest::Digest::of(name.as_bytes())),
    }
}

/// The report as it may be shown: a value that looks like a secret or patient data is not.
pub fn shown(mut report: DriftReport) -> DriftReport {
    for field in report.drifts.iter_mut().flat_map(|drift| &mut drift.fields) {
        for value in [&mut field.held, &mut field.live].into_iter().flatten() {
            if let Some(unsaid) = scan::unsaid(&value.to_string()) {
                *value = Value::String(unsaid);
            }
        }
    }
    report
}
