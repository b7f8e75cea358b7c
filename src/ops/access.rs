//! Access requests and recertification: who asks, who answers, and what that makes of what is desired.

mod campaign;
mod pending;
mod report;
mod request;

use std::collections::{BTreeMap, BTreeSet};

use crate::access;
use crate::access::overlay::{Names, Overlay};
use crate::approval::{self, Around, Asked, Decision, KeptOut, Weighed};
use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{LogId, PersonId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::model::access::{AccessEvent, Right};
use crate::model::entry::BlobRef;
use crate::model::estate::Estate;
use crate::model::rendered::Rendered;
use crate::model::signed::{Signed, Subject};
use crate::ops::Context;
use crate::ops::decisions;
use crate::ops::desired::{Desired, check_kinds};
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};
use crate::people::Seat;
use crate::policy;

pub use campaign::{answer, answering, close, confirm, standings, start};
pub use pending::pending;
pub use report::{AccessReport, access_report};
pub use request::{Decided, Wanted, decide, deciding, meaning, open_requests, request};

/// Kinds of objects whose read-backs are rights of people.
const COVERED: [&str; 2] = ["databricks.grants", "databricks.workspace_assignment"];

fn log_of(site: &SiteCode) -> LogId {
    LogId::Scope(ScopeId::Site(site.clone()))
}

fn note_of(event: &AccessEvent, refs: Vec<BlobRef>) -> Note {
    let step = match event {
        AccessEvent::Requested(request) => Some(request.right.step.clone()),
        AccessEvent::Granted { right, .. } | AccessEvent::Revoked { right, .. } => Some(right.step.clone()),
        AccessEvent::Denied { .. } | AccessEvent::Started { .. } | AccessEvent::Closed { .. } => None,
    };
    Note::new(event.kind(), event.to_body()).about(step).naming(refs)
}

fn decision(signed: &Signed, refs: Vec<BlobRef>) -> Result<Note, Failure> {
    Ok(Note::of(signed.statement.act.entry_kind(), signed)?.naming(refs))
}

/// Appends to a site's log what is made of it while nobody else can write it.
fn write<T>(
    context: &Context,
    journal: &mut dyn Journal,
    site: &SiteCode,
    make: impl FnOnce(&mut dyn Journal) -> Result<(Vec<Note>, T), Failure>,
) -> Result<T, Failure> {
    Ok(note::write(context, journal, &log_of(site), make)?.1)
}

type Events = Vec<(u64, AccessEvent)>;

/// What a site's log says about rights.
fn events(journal: &dyn Journal, site: &SiteCode) -> Result<Events, Failure> {
    let lines = journal.read(&log_of(site), 0)?;
    access::events(lines.iter().map(|line| &line.entry)).map_err(damaged)
}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::NotVerified { what: error.to_string() }
}

/// Against what the decisions of a site are held.
struct Bench<'b> {
    estate: &'b Estate,
    site: &'b SiteCode,
    now: Timestamp,
}

impl Bench<'_> {
    /// Holds decisions about one subject against who was to decide it.
    fn weigh(
        &self,
        journal: &dyn Journal,
        subject: &Subject,
        seats: BTreeSet<Seat>,
        kept_out: BTreeMap<PersonId, KeptOut>,
        decisions: &[Decision],
    ) -> Result<Weighed, Failure> {
        let (keys, zone) = (decisions::keys(journal)?, self.estate.time_zone());
        let asked = Asked {
            subject: subject.clone(),
            seats,
            review: false,
            clinician: false,
            valid_days: None,
            kept_out,
            one_way: BTreeSet::new(),
        };
        let around =
            Around { estate: &self.estate.lineage, zone: &zone, people: &self.estate.people, keys: &keys };
        Ok(approval::weigh(&asked, decisions, around, self.now))
    }

    /// A decision that is about to be written.
    fn candidate(&self, signed: &Signed) -> Decision {
        Decision { signed: signed.clone(), log: log_of(self.site), seq: u64::MAX, recorded_at: self.now }
    }

    /// Refuses a decision that would not count, before it is written.
    fn refuse_uncounted(weighed: &Weighed, at: usize) -> Result<(), Failure> {
        match weighed.refused.get(&at) {
            Some(rule) => Err(Failure::Refused { reason: format!("{rule} (rule {})", rule.word()) }),
            None => Ok(()),
        }
    }
}

/// Makes what was decided about rights part of what is desired: each site's by its own log. Rights that the estate's
/// rules forbid by now are left out again, with a warning.
///
/// # Errors
///
/// If a log is damaged.
pub fn overlay(mut desired: Desired, journal: &dyn Journal, now: Timestamp) -> Result<Desired, Failure> {
    let mut overlays: BTreeMap<ScopeId, Overlay> = BTreeMap::new();
    for scope in desired.rendered.keys() {
        let Some(site) = scope.site() else { continue };
        let overlay = Overlay::of(&events(journal, site)?, now);
        if !overlay.is_empty() {
            overlays.insert(scope.clone(), overlay);
        }
    }
    if overlays.is_empty() {
        return Ok(desired);
    }
    let mut rendered = laid_over(&desired, &overlays);
    for problem in forbidden(&desired, &rendered).iter() {
        let message = format!("rights that were granted on request are left out: {}", problem.message);
        let help = "ask for them anew in a way that the rule allows: landfall access request";
        desired.warnings.push(Diagnostic::warning("policy.granted-on-request", message).help(help));
        overlays = overlays.into_iter().map(|(scope, overlay)| (scope, overlay.without_grants())).collect();
        rendered = laid_over(&desired, &overlays);
    }
    desired.rendered = rendered;
    Ok(desired)
}

fn laid_over(desired: &Desired, overlays: &BTreeMap<ScopeId, Overlay>) -> BTreeMap<ScopeId, Rendered> {
    let names = Names::of(desired.rendered.values());
    let mut all = desired.rendered.clone();
    for (scope, overlay) in overlays {
        if let Some(rendered) = all.get_mut(scope) {
            overlay.apply(rendered, &names);
        }
    }
    all
}

/// The estate's rules that something breaks.
fn forbidden(desired: &Desired, rendered: &BTreeMap<ScopeId, Rendered>) -> Diagnostics {
    let mut found = policy::all(&desired.loaded, &desired.resolved, rendered);
    check_kinds(&desired.loaded, rendered, &mut found);
    let mut errors = Diagnostics::default();
    let is_error = |one: &&Diagnostic| one.severity == crate::base::diagnostic::Severity::Error;
    found.iter().filter(is_error).for_each(|one| errors.push(one.clone()));
    errors
}

/// Refuses a right that the estate's own rules forbid, whoever approves it.
fn refuse_forbidden(desired: &Desired, site: &SiteCode, right: &Right) -> Result<(), Failure> {
    let overlay = Overlay::default().and(right.clone());
    let rendered = laid_over(desired, &BTreeMap::from([(ScopeId::Site(site.clone()), overlay)]));
    match forbidden(desired, &rendered).iter().next() {
        Some(problem) => Err(Failure::Refused {
            reason: format!("the estate's rules forbid it ({}): {}", problem.code, problem.message),
        }),
        None => Ok(()),
    }
}
