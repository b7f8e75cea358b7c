//! One row for each control, from where the evidence kinds stand.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::LogId;
use crate::base::time::Timestamp;
use crate::model::control::{ControlRow, ControlStatus, Extent, Missing, OpenFinding};

use super::catalogue::{Catalogue, Framework};
use super::own::OwnControls;
use super::standing::{KindStanding, KindState};

/// What else is known of a site's controls.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// What the organisation itself says of controls.
    pub own: OwnControls,
    /// Open findings by the control that they are about.
    pub findings: BTreeMap<String, Vec<OpenFinding>>,
}

/// A kind that bears on a control, with how much of it it shows, and where it stands.
type Bearing<'s> = (&'s str, Extent, &'s KindStanding);

/// One row for each control of the catalogue.
pub fn rows(
    catalogue: &Catalogue,
    standings: &BTreeMap<String, KindStanding>,
    now: Timestamp,
) -> Vec<ControlRow> {
    rows_with(catalogue, standings, &Beside::default(), now)
}

/// The same with what else is known of the controls.
pub fn rows_with(
    catalogue: &Catalogue,
    standings: &BTreeMap<String, KindStanding>,
    beside: &Beside,
    now: Timestamp,
) -> Vec<ControlRow> {
    let mut rows = Vec::new();
    for framework in Framework::ALL {
        for id in catalogue.controls(framework).keys() {
            rows.push(row(catalogue, (framework, id), standings, beside, now));
        }
    }
    rows
}

fn row(
    catalogue: &Catalogue,
    (framework, id): (Framework, &str),
    standings: &BTreeMap<String, KindStanding>,
    beside: &Beside,
    now: Timestamp,
) -> ControlRow {
    let control = &catalogue.controls(framework)[id];
    let bearing = catalogue.kinds_of(framework, id);
    let kinds: Vec<Bearing<'_>> =
        bearing.into_iter().filter_map(|(name, extent)| Some((name, extent, standings.get(name)?))).collect();
    let mut entries: BTreeMap<LogId, BTreeSet<u64>> = BTreeMap::new();
    for (log, seqs) in kinds.iter().flat_map(|(_, _, standing)| standing.entries()) {
        entries.entry(log).or_default().extend(seqs);
    }
    let counting = || kinds.iter().filter(|(_, _, standing)| standing.counts());
    let applies = |standing: &KindStanding| standing.state != KindState::NotApplicable;
    let open = kinds.iter().filter(|(_, _, standing)| applies(standing) && !standing.counts());
    let findings = beside.findings.get(id).cloned().unwrap_or_default();
    let mut missing: Vec<Missing> =
        open.map(|(name, _, standing)| standing.missing(catalogue, name)).collect();
    let serious: Vec<Missing> = findings.iter().filter(|one| one.serious).map(as_missing).collect();
    let outside = beside.own.outside(framework, id).or_else(|| catalogue.outside(framework, id));
    let status = match (outside, kinds.is_empty()) {
        (Some(reason), true) => ControlStatus::NotApplicable { reason: reason.to_owned() },
        (Some(_), false) | (None, _) => status(&kinds),
    };
    let status = questioned(status, &serious);
    missing.extend(serious);
    ControlRow {
        framework: framework.word().to_owned(),
        id: id.to_owned(),
        own_id: beside.own.id(framework, id).map(str::to_owned),
        title: control.title.clone(),
        obligation: control.obligation(now),
        shown: counting().map(|(_, extent, _)| *extent).max(),
        status,
        kinds: kinds.iter().map(|(name, _, _)| (*name).to_owned()).collect(),
        missing,
        findings,
        newest: kinds.iter().filter_map(|(_, _, standing)| standing.newest).max(),
        in_force_since: counting().filter_map(|(_, _, standing)| standing.in_force_since).max(),
        expires: counting().filter_map(|(_, _, standing)| standing.expires).min(),
        entries,
    }
}

fn as_missing(finding: &OpenFinding) -> Missing {
    Missing {
        kind: format!("finding {}", finding.entry),
        shows: String::new(),
        why: format!("open, {}: {}", finding.severity, finding.title),
        since: Some(finding.since),
        stale: true,
    }
}

/// What a serious finding leaves of a status: nothing is evidenced or waived past it.
fn questioned(status: ControlStatus, serious: &[Missing]) -> ControlStatus {
    let Some(first) = serious.first() else { return status };
    match status {
        ControlStatus::Evidenced | ControlStatus::Waived { .. } => {
            ControlStatus::Partial { missing: first.kind.clone() }
        }
        ControlStatus::NotApplicable { .. } => ControlStatus::Failed { what: first.kind.clone() },
        ControlStatus::Partial { .. }
        | ControlStatus::Failed { .. }
        | ControlStatus::Manual
        | ControlStatus::NotRun => status,
    }
}

/// A control is evidenced only if every kind that bears on it counts.
fn status(kinds: &[Bearing<'_>]) -> ControlStatus {
    let names = |states: &[KindState]| {
        let within = kinds.iter().filter(|(_, _, standing)| states.contains(&standing.state));
        within.map(|(name, _, _)| *name).collect::<Vec<_>>()
    };
    let missing = names(&[
        KindState::Partial,
        KindState::Failed,
        KindState::Expired,
        KindState::NotRun,
        KindState::Manual,
    ]);
    let some = names(&[KindState::Held, KindState::Partial]);
    let failed = names(&[KindState::Failed]);
    let not_run = names(&[KindState::NotRun, KindState::Expired]);
    let waived = kinds.iter().filter(|(_, _, standing)| standing.state == KindState::Waived);
    let waived_until = waived.filter_map(|(_, _, standing)| standing.expires).min();
    match (some.is_empty(), missing.is_empty(), waived_until) {
        (_, true, Some(until)) => ControlStatus::Waived { until },
        (false, true, None) => ControlStatus::Evidenced,
        (false, false, _) => ControlStatus::Partial { missing: missing.join(", ") },
        (true, _, _) if !failed.is_empty() => ControlStatus::Failed { what: failed.join(", ") },
        (true, _, _) if !not_run.is_empty() => ControlStatus::NotRun,
        // Nothing bears on it, or only what a person brings.
        (true, _, _) if kinds.is_empty() || !missing.is_empty() => ControlStatus::Manual,
        (true, _, _) => {
            let reasons: BTreeSet<&str> =
                kinds.iter().map(|(_, _, standing)| standing.why.as_str()).collect();
            ControlStatus::NotApplicable { reason: reasons.into_iter().collect::<Vec<_>>().join("; ") }
        }
    }
}
