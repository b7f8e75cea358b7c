//! Access requests and recertification: who asks, who answers, and what that makes of what is desired.

mod pending;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use crate::access::campaign::{self, Given, Standing};
use crate::access::overlay::{Names, Overlay};
use crate::access::request::{deciders, requests, within_policy};
use crate::access::{self};
use crate::approval::{self, Around, Asked, Decision, KeptOut};
use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, PersonId, RoleName, ScopeId, SiteCode, StepId};
use crate::base::limits;
use crate::base::time::{Millis, Timestamp};
use crate::evidence::rights;
use crate::journal::Journal;
use crate::model::access::{AccessEvent, Answers, Request, Right, WorkList};
use crate::model::entry::{BlobRef, EntryDraft};
use crate::model::signed::{Act, Signed, Statement, Subject, SubjectKind};
use crate::ops::approvals;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::question::of_log;
use crate::ops::{Context, holder, new_run_id, person};
use crate::people::Seat;

pub use pending::pending;
pub use report::{AccessReport, access_report};

/// Kinds of objects whose read-backs are rights of people.
const COVERED: [&str; 2] = ["databricks.grants", "databricks.workspace_assignment"];
/// Where a campaign's files are called in a bundle.
const FOLDER: &str = "access-reviews";

fn log_of(site: &SiteCode) -> LogId {
    LogId::Scope(ScopeId::Site(site.clone()))
}

/// One entry that is to be written.
struct Note {
    kind: String,
    step: Option<StepId>,
    refs: Vec<BlobRef>,
    body: serde_json::Value,
}

impl Note {
    fn of(event: &AccessEvent, refs: Vec<BlobRef>) -> Self {
        let step = match event {
            AccessEvent::Requested(request) => Some(request.right.step.clone()),
            AccessEvent::Granted { right, .. } | AccessEvent::Revoked { right, .. } => {
                Some(right.step.clone())
            }
            AccessEvent::Denied { .. } | AccessEvent::Started { .. } | AccessEvent::Closed { .. } => None,
        };
        Self { kind: event.kind().to_owned(), step, refs, body: event.to_body() }
    }
}

/// Appends entries to a site's log in one step.
fn write(
    context: &Context,
    journal: &mut dyn Journal,
    site: &SiteCode,
    notes: Vec<Note>,
) -> Result<(), Failure> {
    let log = log_of(site);
    let lease =
        journal.take_lease(&log, &holder(&new_run_id()), context.clock.for_leases(), limits::LEASE)?;
    let at = context.clock.now();
    let draft = |note: Note| EntryDraft {
        log: log.clone(),
        at,
        run: None,
        kind: note.kind,
        step: note.step,
        actor: person(),
        plan: None,
        refs: note.refs,
        body: note.body,
    };
    let appended = journal.append(&[&lease], notes.into_iter().map(draft).collect());
    journal.release(&lease)?;
    appended?;
    Ok(())
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

/// Makes what was decided about rights part of what is desired: each site's by its own log.
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
    let names = Names::of(desired.rendered.values());
    for (scope, overlay) in &overlays {
        if let Some(rendered) = desired.rendered.get_mut(scope) {
            overlay.apply(rendered, &names);
        }
    }
    Ok(desired)
}

/// Begins a campaign at a site over every right that its log last saw.
///
/// # Errors
///
/// `Refused` if one is open already, or nothing was ever seen there.
pub fn start(
    context: &Context,
    journal: &mut dyn Journal,
    site: &SiteCode,
    days: u32,
) -> Result<Standing, Failure> {
    let past = events(journal, site)?;
    if let Some(open) = standings(journal, site)?.into_iter().find(|one| one.closed.is_none()) {
        let reason = format!("{} of {site} is open until {}: close it first", open.campaign, open.due);
        return Err(Failure::Refused { reason });
    }
    let number = past.iter().filter(|(_, event)| matches!(event, AccessEvent::Started { .. })).count() + 1;
    let campaign = format!("RC-{number}");
    let records = of_log(journal, &log_of(site))?;
    let seen = rights::observed(&records);
    let covered = seen.into_iter().filter(|one| one.seen.kind.is_some_and(|kind| COVERED.contains(&kind)));
    let rows = covered.map(|one| {
        let right = Right {
            step: one.seen.step.clone(),
            object: one.object,
            principal: one.who,
            privilege: one.right,
        };
        (right, one.seen.entry)
    });
    let source = "the last read-back of every grant and workspace assignment in the site's log";
    let list = campaign::work_list(&campaign, source, rows);
    if list.rows.is_empty() {
        let reason = format!("the log of {site} has seen no right yet: launch the site first");
        return Err(Failure::Refused { reason });
    }
    let at = context.clock.now();
    let due = at + Millis::from_secs(u64::from(days) * 24 * 60 * 60);
    let blob = keep(journal, &format!("{campaign}.json"), &canonical_bytes(&list))?;
    let started = AccessEvent::Started {
        campaign,
        at,
        due,
        rows: u32::try_from(list.rows.len()).unwrap_or(u32::MAX),
        list: blob.sha256,
    };
    write(context, journal, site, vec![Note::of(&started, vec![blob])])?;
    Ok(campaign::standing(&list, (at, due), &[], None))
}

fn keep(journal: &mut dyn Journal, name: &str, bytes: &[u8]) -> Result<BlobRef, Failure> {
    let sha256 = journal.put_blob(bytes)?;
    Ok(BlobRef { path: format!("{FOLDER}/{name}"), sha256 })
}

/// Every campaign of a site, oldest first.
///
/// # Errors
///
/// If the log is damaged.
pub fn standings(journal: &dyn Journal, site: &SiteCode) -> Result<Vec<Standing>, Failure> {
    let events = events(journal, site)?;
    let given = given(journal, site)?;
    let mut all = Vec::new();
    for (_, event) in &events {
        let AccessEvent::Started { campaign, at, due, list, .. } = event else { continue };
        let closed = events.iter().find_map(|(_, event)| match event {
            AccessEvent::Closed { campaign: of, at, .. } if of == campaign => Some(*at),
            _ => None,
        });
        let list: WorkList = serde_json::from_slice(&journal.get_blob(list)?).map_err(damaged)?;
        let own: Vec<Given> = given.iter().filter(|one| one.answers.campaign == *campaign).cloned().collect();
        all.push(campaign::standing(&list, (*at, *due), &own, closed));
    }
    Ok(all)
}

/// The answers in a site's log, oldest first. Their signatures were checked before they were written, and stay beside
/// them to be checked again.
fn given(journal: &dyn Journal, site: &SiteCode) -> Result<Vec<Given>, Failure> {
    let mut given = Vec::new();
    for line in journal.read(&log_of(site), 0)? {
        if line.entry.kind != (Act::Attest {}).entry_kind() {
            continue;
        }
        let signed: Signed = serde_json::from_value(line.entry.body.clone()).map_err(damaged)?;
        let statement = signed.statement;
        if statement.subject.kind != SubjectKind::Recertification {
            continue;
        }
        let answers: Answers =
            serde_json::from_slice(&journal.get_blob(&statement.subject.digest)?).map_err(damaged)?;
        given.push(Given { answers, person: statement.person, role: statement.role, at: line.entry.at });
    }
    Ok(given)
}

/// What somebody would sign for answers to a campaign.
///
/// # Errors
///
/// `Refused` if there is no such campaign, it is closed, or a row is not theirs to answer.
pub fn answering(
    journal: &dyn Journal,
    site: &SiteCode,
    answers: &Answers,
    role: &RoleName,
) -> Result<(Subject, String), Failure> {
    let all = standings(journal, site)?;
    let Some(standing) = all.into_iter().find(|one| one.campaign == answers.campaign) else {
        let help = format!("landfall access list --site {site} shows the campaigns");
        return Err(Failure::usage(format!("{site} has no campaign {}", answers.campaign), help));
    };
    if standing.closed.is_some() {
        return Err(Failure::Refused { reason: format!("{} of {site} is closed", standing.campaign) });
    }
    let rows = standing.rows.iter().map(|(id, (row, _))| (id.clone(), row.clone())).collect();
    let list = WorkList { v: answers.v, campaign: standing.campaign.clone(), source: String::new(), rows };
    campaign::check(&list, answers, role).map_err(|bad| Failure::Refused { reason: bad.to_string() })?;
    let meaning = format!(
        "I have looked at these rights of {} at {site}: {} stay, {} are taken away.",
        standing.campaign,
        answers.keep.len(),
        answers.revoke.len()
    );
    let subject = Subject {
        kind: SubjectKind::Recertification,
        name: standing.campaign,
        scope: Some(ScopeId::Site(site.clone())),
        digest: Digest::of_canonical(answers),
        parts: Default::default(),
    };
    Ok((subject, meaning))
}

/// Files signed answers.
///
/// # Errors
///
/// If the log is written by somebody else, or what was signed is something else.
pub fn answer(
    context: &Context,
    journal: &mut dyn Journal,
    site: &SiteCode,
    answers: &Answers,
    signed: &Signed,
) -> Result<Standing, Failure> {
    let name = format!("{}-{}.json", answers.campaign, signed.statement.person);
    let blob = keep(journal, &name, &canonical_bytes(answers))?;
    if blob.sha256 != signed.statement.subject.digest {
        return Err(Failure::Refused { reason: "the signature is over other answers".to_owned() });
    }
    let body = serde_json::to_value(signed).map_err(damaged)?;
    let kind = signed.statement.act.entry_kind().to_owned();
    write(context, journal, site, vec![Note { kind, step: None, refs: vec![blob], body }])?;
    let found = standings(journal, site)?.into_iter().find(|one| one.campaign == answers.campaign);
    found.ok_or_else(|| Failure::failed("the campaign is gone"))
}

/// Closes the open campaign of a site: what is not to stay is revoked, and the review is filed as a record.
///
/// # Errors
///
/// `Refused` if there is none, or rows are open and there is time left.
pub fn close(
    context: &Context,
    journal: &mut dyn Journal,
    site: &SiteCode,
) -> Result<Vec<AccessEvent>, Failure> {
    let open = standings(journal, site)?.into_iter().find(|one| one.closed.is_none());
    let standing = open.ok_or_else(|| Failure::Refused { reason: format!("{site} has no open campaign") })?;
    let now = context.clock.now();
    let events = standing.close(now).map_err(|not| Failure::Refused { reason: not.to_string() })?;
    let answered = standing.percent();
    let rows: Vec<serde_json::Value> =
        standing.rows.iter().map(|(id, (row, state))| row_of(id, row, state)).collect();
    let document = serde_json::json!({
        "v": 1, "campaign": standing.campaign, "started": standing.started, "due": standing.due, "closed": now,
        "answered_percent": answered, "population": rows.len(), "rows": rows,
    });
    let blob = keep(journal, &format!("{}-closed.json", standing.campaign), &canonical_bytes(&document))?;
    let mut notes: Vec<Note> = events.iter().map(|event| Note::of(event, Vec::new())).collect();
    for kind in ["access.review", "access.recertification"] {
        let statement =
            format!("{} of {site}: {answered} % of {} rights answered for", standing.campaign, rows.len());
        notes.push(Note {
            kind: crate::ops::record::RECORDED.to_owned(),
            step: None,
            refs: vec![BlobRef {
                path: format!("record/{}-closed.json", standing.campaign),
                sha256: blob.sha256,
            }],
            body: serde_json::json!({
                "kind": kind, "statement": statement, "standing": "answers signed one by one",
            }),
        });
    }
    write(context, journal, site, notes)?;
    Ok(events)
}

fn row_of(id: &str, row: &crate::model::access::Row, state: &campaign::RowState) -> serde_json::Value {
    let (decision, by, reason) = match state {
        campaign::RowState::Open => ("unanswered", None, None),
        campaign::RowState::Kept { by, .. } => ("kept", Some(by), None),
        campaign::RowState::Revoked { by, reason, .. } => ("revoked", Some(by), Some(reason)),
    };
    serde_json::json!({
        "row": id, "right": row.right, "entry": row.entry, "reviewer": row.reviewer, "decision": decision, "by": by,
        "reason": reason,
    })
}

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
    if !grants().any(|one| one.id == wanted.right.step) {
        let known = grants().map(|one| one.id.as_str());
        let near = crate::base::diagnostic::nearest(wanted.right.step.as_str(), known);
        let help =
            near.map_or("landfall plan shows the steps".to_owned(), |near| format!("did you mean {near}?"));
        return Err(Failure::usage(format!("{} keeps no grants at {site}", wanted.right.step), help));
    }
    within_policy(&wanted.right).map_err(|beyond| Failure::Refused { reason: beyond.to_string() })?;
    if wanted.purpose.trim().is_empty() {
        return Err(Failure::usage("the purpose is empty", "say what the right is needed for: --purpose"));
    }
    let past = requests(&events(journal, site)?);
    let at = context.clock.now();
    let request = Request {
        id: format!("AR-{}", past.len() + 1),
        right: wanted.right,
        purpose: wanted.purpose,
        until: wanted.days.map(|days| at + Millis::from_secs(u64::from(days) * 24 * 60 * 60)),
        by: wanted.by,
        at,
        sla_hours: wanted.sla_hours,
    };
    write(context, journal, site, vec![Note::of(&AccessEvent::Requested(request.clone()), Vec::new())])?;
    Ok(request)
}

/// A request that is not decided, what would be signed about it, and the roles that decide.
///
/// # Errors
///
/// If there is no such request, or it is decided.
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
        parts: Default::default(),
    };
    let roles = deciders(&found.request.right, site);
    Ok((found.request, subject, roles))
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

/// Whether a request has everything that it needs once this decision is recorded too.
///
/// # Errors
///
/// If a log is damaged.
pub fn would_hold(
    context: &Context,
    desired: &Desired,
    journal: &dyn Journal,
    site: &SiteCode,
    (request, subject, seats): (&Request, &Subject, &BTreeSet<Seat>),
    signed: &Signed,
) -> Result<bool, Failure> {
    let estate = &desired.loaded.estate;
    let (keys, zone, now) = (approvals::enrolled(journal)?, approvals::zone_of(estate), context.clock.now());
    let log = log_of(site);
    let mut decisions = approvals::decisions(journal, &log, |about| about == subject)?;
    decisions.push(Decision { signed: signed.clone(), log, seq: u64::MAX, recorded_at: now });
    let asked = Asked {
        subject: subject.clone(),
        seats: seats.clone(),
        review: false,
        clinician: false,
        valid_days: None,
        kept_out: BTreeMap::from([(request.by.clone(), KeptOut::Requester)]),
        one_way: BTreeSet::new(),
    };
    let around = Around { estate: &estate.lineage, zone: &zone, people: &estate.people, keys: &keys };
    Ok(approval::weigh(&asked, &decisions, around, now).holds())
}

/// Files a signed decision, and what it comes to once everybody has decided.
///
/// # Errors
///
/// If the log is written by somebody else.
pub fn decide(
    context: &Context,
    journal: &mut dyn Journal,
    site: &SiteCode,
    request: &Request,
    signed: &Signed,
    holds: bool,
) -> Result<Option<AccessEvent>, Failure> {
    let Statement { act, comment, .. } = &signed.statement;
    let body = serde_json::to_value(signed).map_err(damaged)?;
    let mut notes = vec![Note { kind: act.entry_kind().to_owned(), step: None, refs: Vec::new(), body }];
    let at = context.clock.now();
    let event = match act {
        Act::Reject {} => {
            Some(AccessEvent::Denied { request: request.id.clone(), at, reason: comment.clone() })
        }
        _ if holds => Some(AccessEvent::Granted {
            request: request.id.clone(),
            right: request.right.clone(),
            at,
            until: request.until,
        }),
        _ => None,
    };
    notes.extend(event.iter().map(|event| Note::of(event, Vec::new())));
    write(context, journal, site, notes)?;
    Ok(event)
}
