//! Decisions that people made, read off the logs: how long each had been asked for, where, and what that cost a site.

use std::collections::BTreeMap;

use crate::access::request::deciders;
use crate::approval::Decision;
use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::journal::{Journal, Line};
use crate::model::access::AccessEvent;
use crate::model::estate::WaveKind;
use crate::model::event::Event;
use crate::model::signed::{Act, Statement, SubjectKind};
use crate::ops::decisions;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::inbox::inbox;
use crate::ops::record::RECORDED;
use crate::people::is_of_site;
use crate::report::approvals::{Approvals, Asked, Granted, Made, fold};
use crate::report::effort::{self, Effort, Found};

/// How long decisions took, and where they were made.
///
/// # Errors
///
/// If a log is damaged.
pub fn approvals(desired: &Desired, journal: &dyn Journal, now: Timestamp) -> Result<Approvals, Failure> {
    let logs = Logs::read(desired, journal)?;
    let asked = inbox(desired, journal, now)?;
    let asked = asked.iter().map(|wait| Asked { role: wait.role.clone(), overdue: wait.is_late(now) });
    Ok(fold(&logs.made(), &asked.collect::<Vec<_>>(), logs.granted()))
}

/// What each site cost people, in the order of waves; the pilot's first site is what the others are held against.
///
/// # Errors
///
/// If a log is damaged.
pub fn efforts(desired: &Desired, journal: &dyn Journal) -> Result<Vec<Effort>, Failure> {
    let logs = Logs::read(desired, journal)?;
    let waves = &desired.loaded.estate.waves;
    let code = |site: &crate::base::span::Located<String>| SiteCode::new(site.value.as_str()).ok();
    let pilot = waves.iter().filter(|wave| wave.kind == WaveKind::Pilot).flat_map(|wave| &wave.sites);
    let pilot = pilot.filter_map(code).next();
    let sites = waves.iter().flat_map(|wave| &wave.sites).filter_map(code);
    Ok(effort::fold(sites.map(|site| logs.of_site(site)).collect(), pilot.as_ref()))
}

/// The lines of all logs.
struct Logs(BTreeMap<LogId, Vec<Line>>);

impl Logs {
    fn read(desired: &Desired, journal: &dyn Journal) -> Result<Self, Failure> {
        let scopes = desired.rendered.keys().cloned().map(LogId::Scope);
        let mut all = BTreeMap::new();
        for log in scopes.chain([LogId::Org]) {
            let lines = journal.read(&log, 0)?;
            all.insert(log, lines);
        }
        Ok(Self(all))
    }

    /// Every decision once: one about a plan stands in many logs, and is read from the organisation's.
    fn made(&self) -> Vec<Made> {
        self.0.iter().flat_map(|(log, lines)| made_in(log, lines, *log == LogId::Org)).collect()
    }

    fn of_site(&self, site: SiteCode) -> Found {
        let log = LogId::Scope(ScopeId::Site(site.clone()));
        let lines = self.0.get(&log).map_or(&[][..], Vec::as_slice);
        let is_step = |line: &&Line| {
            let entry = &line.entry;
            matches!(
                Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body),
                Ok(Event::StepSucceeded { .. })
            )
        };
        let records = lines.iter().filter(|line| line.entry.kind == RECORDED);
        Found {
            automated: lines.iter().filter(is_step).count(),
            records: records.count(),
            made: [made_in(&log, lines, true), made_in(&log, lines, false)].concat(),
            site,
        }
    }

    /// Rights that were granted, by whether somebody central had to sign.
    fn granted(&self) -> Granted {
        let mut granted = Granted::default();
        for (log, lines) in &self.0 {
            let LogId::Scope(ScopeId::Site(site)) = log else { continue };
            for line in lines {
                let event = AccessEvent::from_entry(&line.entry.kind, &line.entry.body);
                let Ok(Some(AccessEvent::Granted { right, .. })) = event else { continue };
                if deciders(&right, site).iter().all(is_of_site) {
                    granted.by_site_alone += 1;
                } else {
                    granted.with_central += 1;
                }
            }
        }
        granted
    }
}

/// The decisions of a log, either those about plans or the others.
fn made_in(log: &LogId, lines: &[Line], about_plans: bool) -> Vec<Made> {
    let all = decisions::among(log, lines.iter().map(|line| &line.entry));
    let own = all.iter().filter(|one| {
        let statement = &one.signed.statement;
        (statement.subject.kind == SubjectKind::Plan) == about_plans && answers(&statement.act)
    });
    let site = match log {
        LogId::Scope(scope) => scope.site().cloned(),
        LogId::Org => None,
    };
    own.map(|one| Made {
        role: one.signed.statement.role.clone(),
        site: site.clone(),
        waited: since(one, &all, lines).map(|since| one.recorded_at.since(since)),
    })
    .collect()
}

/// Whether somebody was asked for it.
fn answers(act: &Act) -> bool {
    match act {
        Act::Review {} | Act::Approve { .. } | Act::Reject {} | Act::Attest {} => true,
        Act::Request { .. }
        | Act::NotApplicable {}
        | Act::Waive { .. }
        | Act::BreakGlass {}
        | Act::Withdraw {} => false,
    }
}

/// Since when a decision was asked for, as far as the log tells.
fn since(made: &Decision, all: &[Decision], lines: &[Line]) -> Option<Timestamp> {
    let Statement { subject, .. } = &made.signed.statement;
    let before = |line: &&Line| line.entry.seq < made.seq;
    match subject.kind {
        SubjectKind::Plan => {
            let asks = |one: &&Decision| {
                let other = &one.signed.statement;
                matches!(other.act, Act::Request { .. }) && other.subject.digest == subject.digest
            };
            all.iter().filter(asks).map(|one| one.recorded_at).find(|at| *at <= made.recorded_at)
        }
        // A gate can be signed from the last thing on that was said or found about what it rests on.
        SubjectKind::Gate => {
            let moved = |line: &&Line| {
                ["item.", "attestation.", "waiver."].iter().any(|kind| line.entry.kind.starts_with(kind))
                    && !is_gate(&line.entry.body)
            };
            lines.iter().filter(before).rfind(moved).map(|line| line.entry.at)
        }
        SubjectKind::AccessRequest => events(lines).find_map(|event| match event {
            AccessEvent::Requested(request) if Digest::of_canonical(&request) == subject.digest => {
                Some(request.at)
            }
            _ => None,
        }),
        SubjectKind::Recertification => events(lines).find_map(|event| match event {
            AccessEvent::Started { campaign, at, .. } if campaign == subject.name => Some(at),
            _ => None,
        }),
        SubjectKind::Item => None,
    }
}

fn is_gate(body: &serde_json::Value) -> bool {
    body.pointer("/statement/subject/kind").and_then(serde_json::Value::as_str) == Some("gate")
}

fn events(lines: &[Line]) -> impl Iterator<Item = AccessEvent> {
    lines.iter().filter_map(|line| AccessEvent::from_entry(&line.entry.kind, &line.entry.body).ok().flatten())
}
