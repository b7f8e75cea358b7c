//! Changes: opened, advanced, decided by the board; the records of the org log.

pub mod board;
mod hook;
mod signatures;
pub mod ticket;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::base::digest::Digest;
use crate::base::id::{LogId, PersonId, RoleName, SiteCode};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::change::{self, Change, Changes, Grounds, Launch, Opening, Signatures, Standing};
use crate::journal::Journal;
use crate::model::change::{ADVANCED, ChangeAdvanced, ChangeId, ChangeOpened, ChangeState, OPENED};
use crate::model::entry::{Actor, BlobRef, Entry};
use crate::model::estate::Estate;
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, ChangeClass, STATEMENT_VERSION, Signed, Statement};
use crate::model::tickets::is_ticket_number;
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::note::{Note, write};
use crate::ops::target::refuse_shifted;
use crate::ops::{Context, plan};

pub use hook::{Cleared, Reach, after_launch, cleared, refuse_without_change};
pub use signatures::{Weigh, plan_subject, weigh_plan};

/// What the org log says about changes.
#[derive(Debug)]
pub struct Book {
    entries: Vec<Entry>,
    /// All changes.
    pub changes: Changes,
    /// All launches.
    pub launches: Vec<Launch>,
}

impl Book {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// `NotVerified` if an entry about a change does not follow on those before it.
    pub fn read(journal: &dyn Journal) -> Result<Self, Failure> {
        let entries: Vec<Entry> = journal.read(&LogId::Org, 0)?.into_iter().map(|line| line.entry).collect();
        let changes = change::changes(&entries)
            .map_err(|bad| Failure::NotVerified { what: format!("the log of org: {bad}") })?;
        let launches = change::launches(&entries);
        Ok(Self { entries, changes, launches })
    }

    /// A change by what was typed.
    ///
    /// # Errors
    ///
    /// Usage, if there is none of this name.
    pub fn find(&self, text: &str) -> Result<&Change, Failure> {
        let id: ChangeId = text.parse().map_err(|bad: crate::base::id::BadName| {
            Failure::usage(bad.to_string(), "landfall change list")
        })?;
        self.changes.get(&id).ok_or_else(|| {
            Failure::usage(
                format!("there is no {id}"),
                "landfall change list shows all; landfall change open opens one",
            )
        })
    }

    /// The plan of a change, as it was when the change was opened.
    ///
    /// # Errors
    ///
    /// `NotVerified` if it is not there or not whole.
    pub fn plan_of(&self, change: &Change, journal: &dyn Journal) -> Result<SavedPlan, Failure> {
        let bad =
            |what: String| Failure::NotVerified { what: format!("the plan of {}: {what}", change.id()) };
        let opened = self
            .entries
            .iter()
            .find(|entry| entry.kind == OPENED && entry.body["change"] == change.id().to_string().as_str());
        let blob = opened.and_then(|entry| entry.refs.iter().find(|blob| blob.path == PLAN_FILE));
        let blob = blob.ok_or_else(|| bad("the log does not name it".to_owned()))?;
        let saved = plan::parse(&journal.get_blob(&blob.sha256)?).map_err(|error| bad(error.to_string()))?;
        if saved.digest == change.opened.plan { Ok(saved) } else { Err(bad("it is another one".to_owned())) }
    }
}

/// What a change is to be opened with.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The plan.
    pub saved: &'w SavedPlan,
    /// What it is about.
    pub title: &'w str,
    /// How it is handled.
    pub class: ChangeClass,
    /// The ticket's number.
    pub ticket: Option<&'w str>,
    /// Who asks for it.
    pub requester: &'w PersonId,
    /// Who built it; the requester, if nobody is named.
    pub built_by: BTreeSet<PersonId>,
}

/// Names what a plan does, but for what says which site it is.
pub fn pattern_of(saved: &SavedPlan) -> Digest {
    let sites: BTreeSet<String> =
        saved.plan.overview.patterns.iter().map(|pattern| pattern.digest.to_string()).collect();
    let shared = saved.plan.scopes.iter().any(|(scope, plan)| scope.site().is_none() && plan.mutates());
    // A plan that says nothing of patterns, or changes what all share, repeats no other.
    let alone = (sites.is_empty() || shared).then_some(saved.digest);
    Digest::of_canonical(&(sites, alone))
}

/// The sites that a plan works at.
pub fn sites_of(saved: &SavedPlan) -> BTreeSet<SiteCode> {
    saved.plan.scopes.keys().filter_map(|scope| scope.site().cloned()).collect()
}

/// What asks for the approvals of a change's plan, to be signed by who wants it.
pub fn request(wanted: &Wanted<'_>, estate: &Estate, role: RoleName, now: Timestamp) -> Statement {
    Statement {
        v: STATEMENT_VERSION,
        estate: estate.lineage.clone(),
        subject: plan_subject(wanted.saved),
        act: Act::Request {
            built_by: wanted.built_by.clone(),
            class: wanted.class,
            ticket: wanted.ticket.map(str::to_owned),
        },
        person: wanted.requester.clone(),
        role,
        instead_of: None,
        at: now,
        expires: None,
        meaning: format!("I ask for approval of plan {}: {}", wanted.saved.digest, wanted.title),
        comment: String::new(),
        electronic: None,
    }
}

/// Opens a change: its number follows on the last one.
///
/// # Errors
///
/// Usage for a title or number that cannot be one; if somebody else writes the org log, or the journal fails.
pub fn open(
    context: &Context,
    journal: &mut dyn Journal,
    wanted: &Wanted<'_>,
    signed: Option<&Signed>,
    actor: &Actor,
) -> Result<ChangeOpened, Failure> {
    refuse_shifted(context, &wanted.saved.plan.target)?;
    let title = wanted.title.trim();
    if title.is_empty() || title.len() > limits::CHANGE_TITLE_BYTES_MAX || title.chars().any(char::is_control)
    {
        let message = format!("a title is one line of at most {} bytes", limits::CHANGE_TITLE_BYTES_MAX);
        return Err(Failure::usage(message, "say in a few words what changes: --title \"…\""));
    }
    if let Some(number) = wanted.ticket.filter(|number| !is_ticket_number(number)) {
        let help = "write it as the ticket system does: --ticket CHG0012345";
        return Err(Failure::usage(format!("`{number}` is no number of a ticket"), help));
    }
    let bytes = serde_json::to_vec(wanted.saved).map_err(|error| Failure::failed(error.to_string()))?;
    let plan_blob = journal.put_blob(&bytes)?;
    let (_, opened) = write(context, journal, &LogId::Org, |journal| {
        let last = Book::read(journal)?.changes.keys().next_back().map_or(0, |id| id.0);
        let body = ChangeOpened {
            change: ChangeId(last + 1),
            title: title.to_owned(),
            class: wanted.class,
            plan: wanted.saved.digest,
            pattern: pattern_of(wanted.saved),
            target: wanted.saved.plan.target.name.clone(),
            covers: wanted.saved.plan.selection.to_string(),
            sites: sites_of(wanted.saved),
            requester: wanted.requester.clone(),
            built_by: wanted.built_by.clone(),
            ticket: wanted.ticket.map(str::to_owned),
        };
        let plan = vec![BlobRef { path: PLAN_FILE.to_owned(), sha256: plan_blob }];
        let digest = wanted.saved.digest;
        let mut notes = vec![Note::of(OPENED, &body)?.by(actor).on(digest).naming(plan)];
        if let Some(signed) = signed {
            notes.push(Note::of(signed.statement.act.entry_kind(), signed)?.by(actor).on(digest));
        }
        Ok((notes, body))
    })?;
    Ok(opened)
}

/// When a change is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At the next legal start of its plan.
    Next,
    /// At this moment or later.
    At(Timestamp),
}

/// Whether a plan may begin then.
fn opening(saved: &SavedPlan, begin: Begin, now: Timestamp) -> Result<Opening, String> {
    let changing = || saved.plan.scopes.iter().filter(|(_, plan)| plan.mutates());
    let start = |scope: &crate::model::plan::ScopePlan, from: Timestamp| match &scope.calendar {
        Some(calendar) => calendar.next_legal_start(from, scope.expected),
        None => Some(from),
    };
    match begin {
        Begin::Next => {
            let starts = changing().filter_map(|(scope, plan)| Some((start(plan, now)?, scope)));
            let first = starts.min_by_key(|(at, _)| *at);
            let (begins, why) = match first {
                Some((at, scope)) => (at, format!("the next opening of {scope}")),
                None if changing().next().is_none() => (now, "it changes nothing".to_owned()),
                None => return Err("an opening: no scope of the plan has one".to_owned()),
            };
            Ok(Opening { begins, why })
        }
        Begin::At(at) => {
            let open: Vec<String> = changing()
                .filter(|(_, plan)| start(plan, at) == Some(at))
                .map(|(scope, _)| scope.to_string())
                .collect();
            if open.is_empty() && changing().next().is_some() {
                return Err(format!(
                    "a legal moment: at {at} no scope of the plan may be changed; landfall schedule"
                ));
            }
            Ok(Opening { begins: at, why: format!("{at} is in an opening of {}", open.join(", ")) })
        }
    }
}

/// Where a change stands, with what is missing.
///
/// # Errors
///
/// If its plan is not there.
pub fn standing(
    estate: &Estate,
    book: &Book,
    change: &Change,
    journal: &dyn Journal,
    weigh: &Weigh<'_>,
    now: Timestamp,
) -> Result<Standing, Failure> {
    let signatures = weigh(&book.plan_of(change, journal)?, change, &book.entries);
    Ok(change::standing(change, &grounds(book, &signatures, None, &estate.time_zone()), now))
}

fn grounds<'g>(
    book: &'g Book,
    signatures: &'g Signatures,
    opening: Option<&'g Result<Opening, String>>,
    zone: &'g TimeZone,
) -> Grounds<'g> {
    Grounds { all: &book.changes, signatures, launches: &book.launches, opening, zone }
}

/// A step that somebody wants.
#[derive(Debug, Clone, Copy)]
pub struct Step<'s> {
    /// The change, as typed.
    pub change: &'s str,
    /// Where to.
    pub to: ChangeState,
    /// Why, where a person's word is needed.
    pub reason: &'s str,
    /// When it begins, for what is to be scheduled.
    pub begin: Option<Begin>,
}

/// Takes a change one step on, or back to draft.
///
/// # Errors
///
/// `Refused` with the legal next step, or what is missing.
pub fn advance(
    context: &Context,
    estate: &Estate,
    journal: &mut dyn Journal,
    step: Step<'_>,
    weigh: &Weigh<'_>,
    actor: &Actor,
) -> Result<ChangeAdvanced, Failure> {
    let now = context.clock.now();
    let zone = estate.time_zone();
    let (_, advanced) = write(context, journal, &LogId::Org, |journal| {
        let book = Book::read(journal)?;
        let change = book.find(step.change)?;
        let saved = book.plan_of(change, journal)?;
        refuse_shifted(context, &saved.plan.target)?;
        let signatures = weigh(&saved, change, &book.entries);
        let opening = step.begin.map(|begin| opening(&saved, begin, now));
        let grounds = grounds(&book, &signatures, opening.as_ref(), &zone);
        let ground = change::advance(change, step.to, step.reason, &grounds, now)
            .map_err(|refusal| Failure::Refused { reason: refusal.to_string() })?;
        let body = ChangeAdvanced {
            change: change.id(),
            from: change.state,
            to: step.to,
            why: ground.why,
            rests_on: ground.rests_on,
            begins: ground.begins,
        };
        Ok((vec![Note::of(ADVANCED, &body)?.by(actor).on(change.opened.plan)], body))
    })?;
    Ok(advanced)
}
