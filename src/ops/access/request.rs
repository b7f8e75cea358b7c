//! Requests for rights: filed, decided by signatures, and granted once everybody who is asked has approved.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bench, COVERED, decision, events, log_of, note_of, refuse_forbidden, write};
use crate::access::request::{deciders, requests, within_policy};
use crate::approval::{Decision, KeptOut, Weighed};
use crate::base::digest::Digest;
use crate::base::id::{PersonId, RoleName, ScopeId, SiteCode};
use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::journal::Journal;
use crate::model::access::{AccessEvent, Request, Right};
use crate::model::estate::Estate;
use crate::model::signed::{Act, Signed, Subject, SubjectKind};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{Context, decisions};
use crate::people::Seat;

/// What somebody wants to have.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The right.
    pub right: Right,
    /// What it is needed for.
    pub purpose: String,
    /// For how many days.
    pub days: Option<u32>,
    /// Hours in which it is to be decided.
    pub sla_hours: u32,
    /// Who asks.
    pub by: PersonId,
}

/// Files a request for a right.
///
/// # Errors
///
/// `Refused` if central policy lets nobody give it; a usage error if the step keeps no rights.
pub fn request(
    context: &Context,
    desired: &Desired,
    journal: &mut dyn Journal,
    site: &SiteCode,
    wanted: Wanted,
) -> Result<Request, Failure> {
    let scope = ScopeId::Site(site.clone());
    let resources = desired.rendered.get(&scope).map_or(&[][..], |rendered| &rendered.resources);
    let grants = || resources.iter().filter(|one| one.kind.as_str() == COVERED[0]);
    let Some(keeper) = grants().find(|one| one.id == wanted.right.step) else {
        let known = grants().map(|one| one.id.as_str());
        let near = crate::base::diagnostic::nearest(wanted.right.step.as_str(), known);
        let help =
            near.map_or("landfall plan shows the steps".to_owned(), |near| format!("did you mean {near}?"));
        return Err(Failure::usage(format!("{} keeps no grants at {site}", wanted.right.step), help));
    };
    let object = format!("{} of {}", word(&keeper.spec, "securable_type"), keeper.id);
    let right = Right { object, ..wanted.right };
    within_policy(&right).map_err(|beyond| Failure::Refused { reason: beyond.to_string() })?;
    if wanted.purpose.trim().is_empty() {
        return Err(Failure::usage("the purpose is empty", "say what the right is needed for: --purpose"));
    }
    refuse_forbidden(desired, site, &right)?;
    let at = context.clock.now();
    write(context, journal, site, |journal| {
        let request = Request {
            id: format!("AR-{}", requests(&events(journal, site)?).len() + 1),
            right,
            purpose: wanted.purpose,
            until: wanted.days.map(|days| at + Millis(DAY.0 * u64::from(days))),
            by: wanted.by,
            at,
            sla_hours: wanted.sla_hours,
        };
        Ok((vec![note_of(&AccessEvent::Requested(request.clone()), Vec::new())], request))
    })
}

fn word<'s>(spec: &'s serde_json::Value, key: &str) -> &'s str {
    spec.get(key).and_then(serde_json::Value::as_str).unwrap_or("object")
}

/// A request that is not decided, what would be signed about it, and the roles that decide.
///
/// # Errors
///
/// If there is no such request, it is decided, or nobody may give what it asks for.
pub fn deciding(
    journal: &dyn Journal,
    site: &SiteCode,
    id: &str,
) -> Result<(Request, Subject, BTreeSet<RoleName>), Failure> {
    let all = requests(&events(journal, site)?);
    let Some(found) = all.into_iter().find(|one| one.request.id == id) else {
        let help = format!("landfall access list --site {site} shows the requests");
        return Err(Failure::usage(format!("{site} has no request {id}"), help));
    };
    if found.decided.is_some() {
        return Err(Failure::Refused { reason: format!("{id} of {site} is decided") });
    }
    let subject = Subject {
        kind: SubjectKind::AccessRequest,
        name: id.to_owned(),
        scope: Some(ScopeId::Site(site.clone())),
        digest: Digest::of_canonical(&found.request),
        parts: BTreeSet::new(),
    };
    let roles = deciders(&found.request.right, site);
    Ok((found.request, subject, roles))
}

/// The same, with only the roles that have not approved yet.
pub(super) fn undecided(
    estate: &Estate,
    journal: &dyn Journal,
    site: &SiteCode,
    id: &str,
    now: Timestamp,
) -> Result<(Request, Subject, BTreeSet<RoleName>), Failure> {
    let (request, subject, roles) = deciding(journal, site, id)?;
    let decisions = decisions::about(journal, &log_of(site), |about| *about == subject)?;
    let weighed = weighed((&Bench { estate, site, now }, journal), &request, (&subject, roles), &decisions)?;
    let missing = weighed.missing.into_iter().map(|seat| seat.role).collect();
    Ok((request, subject, missing))
}

/// What decisions about a request come to. Who asks does not decide.
fn weighed(
    (bench, journal): (&Bench<'_>, &dyn Journal),
    request: &Request,
    (subject, roles): (&Subject, BTreeSet<RoleName>),
    decisions: &[Decision],
) -> Result<Weighed, Failure> {
    let seats = roles.into_iter().map(|role| Seat { role, site: Some(bench.site.clone()) }).collect();
    let kept_out = BTreeMap::from([(request.by.clone(), KeptOut::Requester)]);
    bench.weigh(journal, subject, seats, kept_out, decisions)
}

/// The words that are signed about a request.
pub fn meaning(request: &Request, grant: bool) -> String {
    let Right { object, principal, privilege, .. } = &request.right;
    let what = if grant { "may have" } else { "must not have" };
    format!("{principal} {what} {privilege} on {object} for: {}", request.purpose)
}

/// The requests of a site that are not decided.
///
/// # Errors
///
/// If the log is damaged.
pub fn open_requests(journal: &dyn Journal, site: &SiteCode) -> Result<Vec<Request>, Failure> {
    let all = requests(&events(journal, site)?);
    Ok(all.into_iter().filter(|one| one.decided.is_none()).map(|one| one.request).collect())
}

/// What a decision came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// Everybody who is asked has approved.
    Granted,
    /// It was turned down.
    Denied,
    /// It counts; others have to decide too.
    WaitsFor(BTreeSet<RoleName>),
}

/// Files a signed decision, and what it comes to. All decisions are weighed while nobody else can add one.
///
/// # Errors
///
/// `Refused` if the decision does not count, the request is decided, or central policy lets nobody give it; also if the
/// log is written by somebody else.
pub fn decide(
    context: &Context,
    desired: &Desired,
    journal: &mut dyn Journal,
    site: &SiteCode,
    id: &str,
    signed: &Signed,
) -> Result<Decided, Failure> {
    let now = context.clock.now();
    let bench = Bench { estate: &desired.loaded.estate, site, now };
    write(context, journal, site, |journal| {
        let (request, subject, roles) = deciding(journal, site, id)?;
        let denies = matches!(signed.statement.act, Act::Reject {});
        if !denies {
            within_policy(&request.right)
                .map_err(|beyond| Failure::Refused { reason: beyond.to_string() })?;
            refuse_forbidden(desired, site, &request.right)?;
        }
        let mut decisions = decisions::about(journal, &log_of(site), |about| *about == subject)?;
        let own = decisions.len();
        decisions.push(bench.candidate(signed));
        let weighed = weighed((&bench, journal), &request, (&subject, roles), &decisions)?;
        Bench::refuse_uncounted(&weighed, own)?;
        let (event, decided) = if denies {
            let reason = signed.statement.comment.clone();
            (Some(AccessEvent::Denied { request: request.id, at: now, reason }), Decided::Denied)
        } else if weighed.holds() {
            let Request { id: request, right, until, .. } = request;
            (Some(AccessEvent::Granted { request, right, at: now, until }), Decided::Granted)
        } else {
            let missing = weighed.missing.into_iter().map(|seat| seat.role).collect();
            (None, Decided::WaitsFor(missing))
        };
        let mut notes = vec![decision(signed, Vec::new())?];
        notes.extend(event.iter().map(|event| note_of(event, Vec::new())));
        Ok((notes, decided))
    })
}
