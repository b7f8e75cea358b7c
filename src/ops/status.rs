//! Where everything stands: reads the logs of the launches that say something about today, and who carries them out.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{LogId, RunId, ScopeId, SiteCode, StepId};
use crate::base::time::Timestamp;
use crate::engine;
use crate::forecast::Durations;
use crate::journal::{Journal, Line};
use crate::model::estate::{Site, calendar_of};
use crate::model::event::{Event, RunOutcome};
use crate::model::gate::GateStanding;
use crate::ops::checklist::Ground;
use crate::ops::desired::Desired;
use crate::ops::durations;
use crate::ops::error::Failure;
use crate::ops::launch::{self, Found};
use crate::report::status::{self, People, Place, Run, Seen, ShutGate, Sources, Status};

/// The parameters of a site that name people, and the roles that they hold.
const SITE_ROLES: [(&str, &str); 3] =
    [("steward", "steward"), ("steward_backup", "steward-backup"), ("ops_lead", "ops-lead")];

/// Where everything stands at this moment.
///
/// # Errors
///
/// If a log is damaged, or written by a newer program.
pub fn status(desired: &Desired, journal: &dyn Journal, at: Timestamp) -> Result<Status, Failure> {
    let gates = shut(desired, journal, at)?;
    Ok(Status { gates, ..status::fold(&sources(desired, journal, at)?) })
}

/// The gates that are shut at this moment.
fn shut(desired: &Desired, journal: &dyn Journal, at: Timestamp) -> Result<Vec<ShutGate>, Failure> {
    let ground = Ground::of(desired);
    let board = ground.board(journal, at)?;
    let standings = board.scopes.values().flat_map(|stand| stand.gates.values());
    let told = |standing: &GateStanding| ShutGate {
        scope: standing.scope.clone(),
        gate: standing.gate.clone(),
        title: ground
            .gate(&standing.scope, &standing.gate)
            .map_or_else(String::new, |gate| gate.title.clone()),
        missing: standing.missing.len(),
        on: standing.missing.iter().map(|item| item.owner.clone()).collect(),
        since: standing.since,
        due: standing.due,
        overdue: standing.overdue,
    };
    Ok(standings.filter(|standing| !standing.open).map(told).collect())
}

fn sources(desired: &Desired, journal: &dyn Journal, at: Timestamp) -> Result<Sources, Failure> {
    let estate = &desired.loaded.estate;
    let code = |written: &str| SiteCode::new(written).ok().map(ScopeId::Site);
    let waves = estate.waves.iter().map(|wave| {
        (wave.name.clone(), wave.sites.iter().filter_map(|site| code(&site.value)).collect::<Vec<_>>())
    });
    Ok(Sources {
        at,
        estate: estate.name.clone(),
        waves: waves.collect(),
        places: desired.rendered.keys().map(|scope| (scope.clone(), place(desired, scope))).collect(),
        people: people(desired),
        launches: launches(desired, journal)?,
    })
}

fn place(desired: &Desired, scope: &ScopeId) -> Place {
    let region = match scope {
        ScopeId::Region(name) => Some(name.clone()),
        ScopeId::Account => None,
        ScopeId::Site(_) => desired.region_of(scope).and_then(|region| match region {
            ScopeId::Region(name) => Some(name),
            ScopeId::Account | ScopeId::Site(_) => None,
        }),
    };
    let site = scope.site().and_then(|code| desired.loaded.site(code));
    let wave = scope.site().and_then(|code| desired.loaded.wave_of(code.as_str()));
    Place {
        name: site.map(|site| site.name.value.clone()),
        region,
        wave: wave.map(|wave| wave.name.clone()),
        calendar: Some(calendar_of(&desired.loaded, scope)),
    }
}

fn people(desired: &Desired) -> People {
    let estate = &desired.loaded.estate;
    let of_site = |site: &Site| {
        let held = |(key, role): &(&str, &str)| {
            Some(((*role).to_owned(), site.parameters.get(key)?.as_str()?.to_owned()))
        };
        Some((ScopeId::Site(site.code()?), SITE_ROLES.iter().filter_map(held).collect()))
    };
    People {
        estate: estate.roles.iter().map(|(role, handle)| (role.clone(), handle.value.clone())).collect(),
        sites: desired.loaded.sites.iter().filter_map(of_site).collect(),
    }
}

/// The launches that have the last word on a scope, those that have not ended, and the newest.
fn launches(desired: &Desired, journal: &dyn Journal) -> Result<Vec<Seen>, Failure> {
    let mut logs: BTreeMap<ScopeId, Vec<Line>> = BTreeMap::new();
    let mut newest: BTreeSet<RunId> = BTreeSet::new();
    for scope in desired.rendered.keys() {
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        let last = lines.iter().rev().find(|line| line.entry.kind.starts_with("run."));
        newest.extend(last.and_then(|line| line.entry.run.clone()));
        logs.insert(scope.clone(), lines);
    }
    let holders: BTreeMap<LogId, String> =
        journal.locks()?.into_iter().filter(|lock| lock.alive).map(|lock| (lock.log, lock.holder)).collect();
    let found = launch::worth_telling(journal, &newest)?;
    found.into_iter().map(|one| seen(one, journal, &mut logs, &holders)).collect()
}

fn seen(
    found: Found,
    journal: &dyn Journal,
    logs: &mut BTreeMap<ScopeId, Vec<Line>>,
    holders: &BTreeMap<LogId, String>,
) -> Result<Seen, Failure> {
    let Found { run, saved, fleet, began, .. } = found;
    let mut scopes = BTreeMap::new();
    for scope in saved.plan.scopes.keys() {
        // A scope that has left the estate since may still be part of a launch.
        if !logs.contains_key(scope) {
            logs.insert(scope.clone(), journal.read(&LogId::Scope(scope.clone()), 0)?);
        }
        let lines = logs[scope].iter().filter(|line| line.entry.run.as_ref() == Some(&run));
        if let Some(known) = scope_run(&run, scope, saved.plan.scope(scope), lines)? {
            scopes.insert(scope.clone(), known);
        }
    }
    let own = |holder: &&String| fleet.ended().is_none() && holder.ends_with(run.as_str());
    let holder = holders.get(&LogId::Org).filter(own).cloned();
    // Only what is open is forecast.
    let durations = match fleet.ended() {
        None => durations::of(&saved.plan.target, journal)?,
        Some(_) => Durations::published(),
    };
    Ok(Seen { run, plan: saved.plan, began, fleet, scopes, holder, durations })
}

/// Whether the newest run of a log has ended well.
pub fn ended_well(lines: &[Line]) -> bool {
    let newest = lines.iter().rev().find(|line| line.entry.kind.starts_with("run."));
    let event = newest.and_then(|line| Event::from_entry(&line.entry.kind, None, &line.entry.body).ok());
    matches!(event, Some(Event::RunEnded { outcome: RunOutcome::Succeeded, .. }))
}

/// A scope's part of a launch, folded from its lines; none if there are none.
pub(super) fn scope_run<'l>(
    run: &RunId,
    scope: &ScopeId,
    plan: &crate::model::plan::ScopePlan,
    lines: impl Iterator<Item = &'l Line>,
) -> Result<Option<Run>, Failure> {
    let bad =
        |error: &dyn std::fmt::Display| Failure::NotVerified { what: format!("the log of {scope}: {error}") };
    let mut events: Vec<Event> = Vec::new();
    let mut sent: BTreeMap<StepId, Timestamp> = BTreeMap::new();
    let mut since = None;
    for line in lines {
        let entry = &line.entry;
        let event = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body).map_err(|e| bad(&e))?;
        match &event {
            Event::StepApplying { step, .. } => {
                sent.insert(step.clone(), entry.at);
            }
            Event::StepApplied { step, .. }
            | Event::StepRested { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepFailed { step, .. } => {
                sent.remove(step);
            }
            Event::RunStarted { .. }
            | Event::RunRecovered { .. }
            | Event::RunSuspended {}
            | Event::RunAborting {}
            | Event::RunRetried { .. }
            | Event::RunEnded { .. } => since = Some(entry.at),
            Event::RunStopping {}
            | Event::StepFound { .. }
            | Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::StepBlocked { .. }
            | Event::Unknown { .. } => {}
        }
        events.push(event);
    }
    let state = engine::State::replay(run.clone(), plan, &events).map_err(|e| bad(&e))?;
    Ok(since.map(|since| Run { state, since, sent }))
}
